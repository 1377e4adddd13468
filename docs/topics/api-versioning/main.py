from datetime import UTC, datetime
from email.utils import format_datetime

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request, Response
from pydantic import BaseModel

MENU = {1: ("Soup", 450), 2: ("Bread", 300)}
DEPRECATED = datetime(2026, 7, 1, tzinfo=UTC)
SUNSET = datetime(2099, 1, 1, tzinfo=UTC)


class DishV1(BaseModel):
    name: str
    price: float


class Money(BaseModel):
    amount: int
    currency: str


class DishV2(BaseModel):
    name: str
    price: Money


def going_away(request: Request, response: Response) -> None:
    successor = request.url.path.replace("/v1/", "/v2/", 1)
    response.headers["Deprecation"] = f"@{int(DEPRECATED.timestamp())}"
    response.headers["Sunset"] = format_datetime(SUNSET, usegmt=True)
    response.headers["Link"] = f'<{successor}>; rel="successor-version"'


def find(dish_id: int) -> tuple[str, int]:
    if dish_id not in MENU:
        raise HTTPException(404, "no such dish")
    return MENU[dish_id]


v1 = APIRouter(prefix="/v1", deprecated=True, dependencies=[Depends(going_away)])
v2 = APIRouter(prefix="/v2")


@v1.get("/dishes/{dish_id}")
def read_dish_v1(dish_id: int) -> DishV1:
    name, cents = find(dish_id)
    return DishV1(name=name, price=cents / 100)


@v2.get("/dishes/{dish_id}")
def read_dish_v2(dish_id: int) -> DishV2:
    name, cents = find(dish_id)
    return DishV2(name=name, price=Money(amount=cents, currency="EUR"))


app = FastAPI(title="Menu")
app.include_router(v1)
app.include_router(v2)
