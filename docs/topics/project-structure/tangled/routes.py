from typing import Annotated

from fastapi import APIRouter, Depends

from tangled.main import get_opening_hours

router = APIRouter()


@router.get("/hours")
def hours(of_day: Annotated[str, Depends(get_opening_hours)]) -> str:
    return of_day
