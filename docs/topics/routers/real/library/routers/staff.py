from fastapi import APIRouter, Depends

from ..guards import staff_only
from ..store import LOANS

router = APIRouter(
    prefix="/staff", tags=["staff"], dependencies=[Depends(staff_only)]
)


@router.get("/loans")
def list_all_loans() -> dict[int, str]:
    return LOANS
