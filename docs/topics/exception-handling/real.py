# --8<-- [start:domain]
import logging
from collections.abc import Mapping
from http.client import responses as phrases
from typing import Annotated
from uuid import uuid4

from fastapi import FastAPI, Query, Request
from fastapi.exception_handlers import http_exception_handler
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel
from starlette.exceptions import HTTPException


class ShopError(Exception): ...


class UnknownProductError(ShopError): ...


class OutOfStockError(ShopError): ...


stock = {"tea": 3}


def take(product: str, pieces: int) -> int:
    if product not in stock:
        raise UnknownProductError(f"We do not sell {product}")
    if pieces > stock[product]:
        raise OutOfStockError(f"There are {stock[product]} left, not {pieces}")
    stock[product] -= pieces
    return stock[product]
    # --8<-- [end:domain]


# --8<-- [start:shape]
class Mistake(BaseModel):
    type: str
    loc: list[str | int]
    msg: str


class Problem(BaseModel):
    type: str = "about:blank"
    title: str
    status: int
    detail: str | None = None
    errors: list[Mistake] | None = None
    incident: str | None = None


PROBLEM_JSON = "application/problem+json"


def answer(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    body = problem.model_dump(exclude_none=True)
    return JSONResponse(body, problem.status, headers, PROBLEM_JSON)
    # --8<-- [end:shape]


# --8<-- [start:expected]
BASE = "https://shop.example/problems/"
KINDS: dict[type[ShopError], tuple[int, str, str]] = {
    UnknownProductError: (404, "unknown-product", "Unknown product"),
    OutOfStockError: (409, "out-of-stock", "Out of stock"),
}


def shop_error(request: Request, error: ShopError) -> Response:
    status, slug, title = KINDS[type(error)]
    kind, detail = BASE + slug, str(error)
    return answer(Problem(type=kind, title=title, status=status, detail=detail))


async def http_error(request: Request, error: HTTPException) -> Response:
    status, detail = error.status_code, str(error.detail)
    if status < 400:
        return await http_exception_handler(request, error)
    title = phrases.get(status, "Error")
    return answer(Problem(title=title, status=status, detail=detail), error.headers)


def wrong_values(request: Request, error: RequestValidationError) -> Response:
    errors = [Mistake.model_validate(each) for each in error.errors()]
    kind = BASE + "wrong-values"
    return answer(
        Problem(type=kind, title="Wrong values", status=422, errors=errors)
    )
    # --8<-- [end:expected]


# --8<-- [start:unexpected]
log = logging.getLogger("shop")


def unexpected(request: Request, error: Exception) -> Response:
    incident = uuid4().hex
    log.error("Incident %s", incident, exc_info=error)
    title = "Internal Server Error"
    return answer(Problem(title=title, status=500, incident=incident))
    # --8<-- [end:unexpected]


# --8<-- [start:app]
documented = {
    "model": Problem,
    "content": {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
app = FastAPI(
    exception_handlers={
        ShopError: shop_error,
        HTTPException: http_error,
        RequestValidationError: wrong_values,
        Exception: unexpected,
    },
    responses={"4XX": documented, "5XX": documented},
)


@app.post("/orders/{product}", status_code=201)
def order(product: str, pieces: Annotated[int, Query(ge=1)]) -> dict[str, int]:
    return {"left": take(product, pieces)}
    # --8<-- [end:app]
