# --8<-- [start:ids]
import re
from enum import StrEnum
from pathlib import Path as FilePath
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Path
from fastapi.responses import FileResponse
from pydantic import BaseModel, BeforeValidator


def plain_digits(text: str) -> str:
    if not re.fullmatch(r"[1-9][0-9]*", text):
        raise ValueError("write the number in plain digits, as in 42")
    return text


class Shelf(StrEnum):
    NEW = "new-arrivals"
    CLASSICS = "classics"


BookId = Annotated[
    int,
    Path(ge=1, le=2**31 - 1, examples=[42]),
    BeforeValidator(plain_digits),
]
OrderId = Annotated[str, Path(pattern=r"^ord_[0-7][0-9A-HJKMNP-TV-Z]{25}$")]
FileName = Annotated[str, Path(pattern=r"^[A-Za-z0-9._/-]+$", max_length=200)]
# --8<-- [end:ids]


# --8<-- [start:load]
class Book(BaseModel):
    id: int
    title: str
    shelf: Shelf


BOOKS = {42: Book(id=42, title="Middlemarch", shelf=Shelf.CLASSICS)}
ORDERS = {"ord_01JD9W3V5Z8Q2M4N6P7R8S9T0A": [42]}


def stored_book(book_id: BookId) -> Book:
    if book := BOOKS.get(book_id):
        return book
    raise HTTPException(404, f"There is no book {book_id}")


StoredBook = Annotated[Book, Depends(stored_book)]
# --8<-- [end:load]


# --8<-- [start:routes]
books = APIRouter(prefix="/books", responses={404: {"description": "No such book"}})


@books.get("/latest")
def read_latest_book() -> Book:
    return BOOKS[max(BOOKS)]


@books.get("/{book_id}")
def read_book(book: StoredBook) -> Book:
    return book


app = FastAPI()
app.include_router(books)


@app.get("/shelves/{shelf}/books/{book_id}")
def read_shelved_book(shelf: Shelf, book: StoredBook) -> Book:
    if book.shelf is not shelf:
        raise HTTPException(404, f"There is no book {book.id} on this shelf")
    return book


@app.get("/orders/{order_id}")
def read_order(order_id: OrderId) -> list[int]:
    if order_id not in ORDERS:
        raise HTTPException(404, "There is no such order")
    return ORDERS[order_id]
    # --8<-- [end:routes]


# --8<-- [start:files]
def cover_folder() -> FilePath:
    return FilePath("covers")


@app.get("/covers/{file:path}")
def read_cover(
    file: FileName,
    folder: Annotated[FilePath, Depends(cover_folder)],
) -> FileResponse:
    found = (folder / file).resolve()
    if not found.is_relative_to(folder.resolve()) or not found.is_file():
        raise HTTPException(404, "There is no such cover")
    return FileResponse(found)
    # --8<-- [end:files]


# --8<-- [start:check]
def broken_holes(app: FastAPI) -> list[str]:
    """Return holes without an argument and arguments without a hole."""
    broken = []
    for path, operations in app.openapi()["paths"].items():
        holes = set(re.findall(r"{(.*?)}", path))
        for operation in operations.values():
            arguments = operation.get("parameters", [])
            filled = {each["name"] for each in arguments if each["in"] == "path"}
            odd = {name for name in holes if not name.isidentifier()}
            broken += [f"{path}: {name}" for name in sorted(odd | holes ^ filled)]
    return broken
    # --8<-- [end:check]
