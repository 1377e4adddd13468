from datetime import date
from typing import Annotated, Literal

from fastapi import FastAPI, Query
from pydantic import BaseModel, ConfigDict, Field

app = FastAPI()


# --8<-- [start:plain]
@app.get("/books")
def list_books(
    shelf: str, page: int = 1, author: str | None = None, in_stock: bool = False
) -> dict[str, str | int | bool | None]:
    return {"shelf": shelf, "page": page, "author": author, "in_stock": in_stock}
    # --8<-- [end:plain]


# --8<-- [start:list]
@app.get("/compare")
def compare(ids: Annotated[list[int], Query(max_length=4)]) -> list[int]:
    return ids
    # --8<-- [end:list]


# --8<-- [start:alias]
@app.get("/sales")
def list_sales(since: Annotated[date, Query(alias="from")]) -> dict[str, date]:
    return {"since": since}
    # --8<-- [end:alias]


# --8<-- [start:model]
class Search(BaseModel):
    model_config = ConfigDict(extra="forbid")

    tags: list[str] = []
    sort: Literal["title", "price"] = "title"
    limit: int = Field(20, ge=1, le=100)


@app.get("/search")
def search(query: Annotated[Search, Query()]) -> Search:
    return query
    # --8<-- [end:model]
