from typing import Annotated

from fastapi import FastAPI, HTTPException, Path
from pydantic import BaseModel, Field

app = FastAPI(
    title="Bookshop",
    version="1.4.0",
    openapi_tags=[{"name": "books", "description": "What is on the shelves"}],
)


class Book(BaseModel):
    title: str = Field(examples=["Middlemarch"])
    pages: int = Field(gt=0, description="Without the cover", examples=[880])


class Problem(BaseModel):
    detail: str


BOOKS = {1: Book(title="Middlemarch", pages=880)}


# --8<-- [start:routes]
@app.get(
    "/books/{book_id}",
    tags=["books"],
    responses={404: {"model": Problem, "description": "No such book"}},
)
def read_book(
    book_id: Annotated[int, Path(openapi_examples={"in stock": {"value": 1}})],
) -> Book:
    """Find one book by its *number*."""
    if book_id not in BOOKS:
        raise HTTPException(404, "No such book")
    return BOOKS[book_id]


@app.get("/stock", include_in_schema=False)
def count_books() -> int:
    return len(BOOKS)
    # --8<-- [end:routes]
