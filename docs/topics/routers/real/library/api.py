from fastapi import APIRouter

from .routers import books, loans, staff

router = APIRouter(prefix="/api")
router.include_router(books.router)
router.include_router(loans.router)
router.include_router(staff.router)
