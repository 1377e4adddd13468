from fastapi import FastAPI, HTTPException

from .books import BOOKS, Book

app = FastAPI(title="Shelf", version="1.0.0")


@app.get("/health")
def check_health() -> dict[str, str]:
    return {"status": "ok"}


@app.get("/books")
def list_books() -> list[Book]:
    return list(BOOKS.values())


@app.get("/books/{book_id}")
def read_book(book_id: int) -> Book:
    if book_id not in BOOKS:
        raise HTTPException(404, "There is no such book")
    return BOOKS[book_id]
