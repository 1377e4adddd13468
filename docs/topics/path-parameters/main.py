from enum import StrEnum
from typing import Annotated

from fastapi import FastAPI, Path

app = FastAPI()


class Shelf(StrEnum):
    NEW = "new-arrivals"
    CLASSICS = "classics"


# --8<-- [start:books]
@app.get("/books/latest")
def read_latest_book() -> dict[str, int]:
    return {"book_id": 42}


@app.get("/books/{book_id}")
def read_book(book_id: Annotated[int, Path(ge=1)]) -> dict[str, int]:
    return {"book_id": book_id, "next": book_id + 1}
    # --8<-- [end:books]


# --8<-- [start:shelf]
@app.get("/shelves/{shelf}")
def read_shelf(shelf: Shelf) -> dict[str, str]:
    return {"value": shelf, "member": shelf.name}
    # --8<-- [end:shelf]


# --8<-- [start:covers]
@app.get("/covers/{file:path}")
def read_cover(file: str) -> dict[str, str | list[str]]:
    return {"file": file, "parts": file.split("/")}
    # --8<-- [end:covers]
