# --8<-- [start:shapes]
import sqlite3
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel


class Page(BaseModel):
    slug: str
    text: str
    public: bool = False


class StoredPage(Page):
    owner: str


class Problem(BaseModel):
    detail: str


def may_answer(*codes: int) -> dict[int | str, dict[str, Any]]:
    return {code: {"model": Problem} for code in codes}


# --8<-- [end:shapes]


# --8<-- [start:caller]
TOKENS = {"token-of-ada": "ada", "token-of-bob": "bob"}
bearer = HTTPBearer()


def caller(sent: Annotated[HTTPAuthorizationCredentials, Depends(bearer)]) -> str:
    if name := TOKENS.get(sent.credentials):
        return name
    raise HTTPException(401, "Unknown token", {"WWW-Authenticate": "Bearer"})


Caller = Annotated[str, Depends(caller)]
# --8<-- [end:caller]


# --8<-- [start:loaded]
db = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
db.row_factory = sqlite3.Row
db.execute("CREATE TABLE pages (slug TEXT PRIMARY KEY, text, public, owner)")


def readable(slug: str, caller: Caller) -> StoredPage:
    row = db.execute("SELECT * FROM pages WHERE slug = ?", [slug]).fetchone()
    if row is None or not (row["public"] or row["owner"] == caller):
        raise HTTPException(404, f"There is no page {slug}")
    return StoredPage.model_validate(dict(row))


ReadablePage = Annotated[StoredPage, Depends(readable)]


def own(page: ReadablePage, caller: Caller) -> StoredPage:
    if page.owner != caller:
        raise HTTPException(403, "Only its owner may change this page")
    return page


OwnPage = Annotated[StoredPage, Depends(own)]
# --8<-- [end:loaded]


# --8<-- [start:routes]
pages = APIRouter(prefix="/pages", tags=["pages"], responses=may_answer(401))


@pages.post("", status_code=201, responses=may_answer(409))
def create_page(
    page: Page, caller: Caller, request: Request, response: Response
) -> StoredPage:
    stored = StoredPage(**page.model_dump(), owner=caller)
    insert = "INSERT INTO pages VALUES (:slug, :text, :public, :owner)"
    try:
        db.execute(insert, stored.model_dump())
    except sqlite3.IntegrityError:
        raise HTTPException(409, f"The name {page.slug} is taken") from None
    address = request.url_for("read_page", slug=page.slug)
    response.headers["Location"] = address.path
    return stored


@pages.get("/{slug}", responses=may_answer(404))
def read_page(page: ReadablePage) -> StoredPage:
    return page


@pages.delete("/{slug}", status_code=204, responses=may_answer(403, 404))
def delete_page(page: OwnPage) -> None:
    db.execute("DELETE FROM pages WHERE slug = ?", [page.slug])


app = FastAPI()
app.include_router(pages)
# --8<-- [end:routes]
