from fastapi import APIRouter, HTTPException

from ..store import BOOKS

router = APIRouter(prefix="/books", tags=["books"])


@router.get("")
def list_books() -> dict[int, str]:
    return BOOKS


@router.get("/{book_id}", responses={404: {"description": "No such book"}})
def read_book(book_id: int) -> str:
    if book_id not in BOOKS:
        raise HTTPException(404, "There is no such book")
    return BOOKS[book_id]
