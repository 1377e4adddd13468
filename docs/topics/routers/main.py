# --8<-- [start:routers]
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Header, HTTPException

BOOKS = {1: "Emma", 2: "Beowulf"}


def check_key(x_key: Annotated[str, Header()] = "") -> None:
    if x_key != "sesame":
        raise HTTPException(401, "Send the right X-Key")


books = APIRouter(prefix="/books", tags=["books"])


@books.get("")
def list_books() -> list[str]:
    return list(BOOKS.values())


@books.get("/{book_id}")
def read_book(book_id: int) -> str:
    return BOOKS[book_id]


staff = APIRouter(
    prefix="/staff", tags=["staff"], dependencies=[Depends(check_key)]
)


@staff.get("/loans")
def list_loans() -> dict[str, str]:
    return {"Emma": "Ada"}
    # --8<-- [end:routers]


# --8<-- [start:tree]
api = APIRouter(prefix="/api")
api.include_router(books)
api.include_router(staff)

app = FastAPI()
app.include_router(api)
# --8<-- [end:tree]
