from fastapi import FastAPI, Request
from pydantic import BaseModel


class Place(BaseModel):
    path: str
    root_path: str
    link: str
    client: str | None


app = FastAPI(title="Tea shop")


@app.get("/where")
def where(request: Request) -> Place:
    return Place(
        path=request.scope["path"],
        root_path=request.scope["root_path"],
        link=str(request.url_for("where")),
        client=request.client.host if request.client else None,
    )
