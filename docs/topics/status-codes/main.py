from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel

app = FastAPI()


class Book(BaseModel):
    isbn: str
    pages: int


BOOKS: dict[str, Book] = {}


# --8<-- [start:add]
@app.post("/books", status_code=201)
def add_book(book: Book, request: Request, response: Response) -> Book:
    if book.isbn in BOOKS:
        raise HTTPException(409, f"There is already a book {book.isbn}")
    BOOKS[book.isbn] = book
    address = request.url_for("read_book", isbn=book.isbn)
    response.headers["Location"] = address.path
    return book
    # --8<-- [end:add]


@app.get("/books/{isbn}")
def read_book(isbn: str) -> Book:
    if isbn not in BOOKS:
        raise HTTPException(404, f"There is no book {isbn}")
    return BOOKS[isbn]


# --8<-- [start:delete]
@app.delete("/books/{isbn}", status_code=204)
def delete_book(isbn: str) -> None:
    BOOKS.pop(isbn, None)
    # --8<-- [end:delete]


@app.get("/b/{isbn}")
def follow_old_link(isbn: str) -> RedirectResponse:
    return RedirectResponse(f"/books/{isbn}", status_code=308)
