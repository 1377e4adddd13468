# --8<-- [start:docs]
import difflib
import json
import os
import secrets
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from fastapi.openapi.docs import get_redoc_html, get_swagger_ui_html
from fastapi.responses import HTMLResponse
from fastapi.routing import APIRoute
from fastapi.security import HTTPBasic, HTTPBasicCredentials
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel

ASSETS = Path(__file__).parent / "docs-assets"
CHALLENGE = {"WWW-Authenticate": 'Basic realm="docs"'}


def colleague(
    given: Annotated[HTTPBasicCredentials, Depends(HTTPBasic(realm="docs"))],
) -> None:
    expected = os.environ["DOCS_PASSWORD"].encode()
    if not secrets.compare_digest(given.password.encode(), expected):
        raise HTTPException(401, headers=CHALLENGE)


def base_path(request: Request) -> str:
    return request.scope["root_path"].rstrip("/")


Base = Annotated[str, Depends(base_path)]


def add_docs(app: FastAPI) -> None:
    docs = APIRouter(include_in_schema=False, dependencies=[Depends(colleague)])

    @docs.get("/openapi.json")
    def schema(base: Base) -> dict[str, object]:
        return {**app.openapi(), "servers": [{"url": base or "/"}]}

    @docs.get("/docs")
    def swagger_ui(base: Base) -> HTMLResponse:
        return get_swagger_ui_html(
            openapi_url=f"{base}/openapi.json",
            title=app.title,
            swagger_js_url=f"{base}/docs-assets/swagger-ui-bundle.js",
            swagger_css_url=f"{base}/docs-assets/swagger-ui.css",
            swagger_favicon_url=f"{base}/docs-assets/favicon-32x32.png",
        )

    @docs.get("/redoc")
    def redoc(base: Base) -> HTMLResponse:
        return get_redoc_html(
            openapi_url=f"{base}/openapi.json",
            title=app.title,
            redoc_js_url=f"{base}/docs-assets/redoc.standalone.js",
            redoc_favicon_url=f"{base}/docs-assets/favicon-32x32.png",
            with_google_fonts=False,
        )

    app.include_router(docs)
    app.mount("/docs-assets", StaticFiles(directory=ASSETS, check_dir=False))
    # --8<-- [end:docs]


# --8<-- [start:app]
class Book(BaseModel):
    title: str
    pages: int


books = APIRouter(prefix="/books", tags=["books"])


@books.get("")
def list_books() -> list[Book]:
    return [Book(title="Middlemarch", pages=880)]


def method_name(route: APIRoute) -> str:
    return route.name


def create_app() -> FastAPI:
    app = FastAPI(
        title="Bookshop",
        openapi_url=None,
        generate_unique_id_function=method_name,
    )
    app.include_router(books)
    if os.environ.get("DOCS_PASSWORD"):
        add_docs(app)
    return app


app = create_app()
# --8<-- [end:app]


# --8<-- [start:snapshot]
def schema_text(app: FastAPI) -> str:
    return json.dumps(app.openapi(), indent=2, sort_keys=True) + "\n"


def schema_diff(committed: str, app: FastAPI) -> list[str]:
    lines = committed.splitlines(), schema_text(app).splitlines()
    return list(difflib.unified_diff(*lines, "committed", "code", lineterm="", n=1))


if __name__ == "__main__":
    print(schema_text(app), end="")
    # --8<-- [end:snapshot]
