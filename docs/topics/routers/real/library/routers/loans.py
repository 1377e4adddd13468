from fastapi import APIRouter, Depends, HTTPException

from ..guards import Member, current_member
from ..store import BOOKS, LOANS

router = APIRouter(
    prefix="/loans",
    tags=["loans"],
    dependencies=[Depends(current_member)],
    responses={401: {"description": "Unknown key"}},
)


@router.get("")
def list_loans(member: Member) -> list[str]:
    return [BOOKS[book] for book, who in LOANS.items() if who == member]


@router.put("/{book_id}", status_code=204)
def borrow(book_id: int, member: Member) -> None:
    if book_id not in BOOKS:
        raise HTTPException(404, "There is no such book")
    if LOANS.setdefault(book_id, member) != member:
        raise HTTPException(409, "Somebody else has it")
