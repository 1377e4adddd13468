# --8<-- [start:models]
import re
from threading import Lock
from typing import Annotated

from fastapi import APIRouter, FastAPI, Header, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel
from starlette.routing import Match


class Order(BaseModel):
    item: str
    quantity: int = 1


class PlacedOrder(Order):
    id: int


ORDERS: dict[int, PlacedOrder] = {}
PLACED: dict[str, tuple[Order, PlacedOrder]] = {}
placing = Lock()
# --8<-- [end:models]


# --8<-- [start:orders]
orders = APIRouter(prefix="/orders", tags=["orders"])


@orders.get("")
def list_orders() -> list[PlacedOrder]:
    return list(ORDERS.values())


@orders.get("/{order_id}", responses={404: {"description": "No such order"}})
@orders.head("/{order_id}", include_in_schema=False)
def read_order(order_id: int) -> PlacedOrder:
    if order_id not in ORDERS:
        raise HTTPException(404, f"There is no order {order_id}")
    return ORDERS[order_id]
    # --8<-- [end:orders]


# --8<-- [start:place]
@orders.post(
    "",
    status_code=201,
    summary="Place an order",
    response_description="The order as it was placed",
    responses={409: {"description": "The key belongs to another order"}},
)
def place_order(
    order: Order,
    idempotency_key: Annotated[str, Header(min_length=16, max_length=64)],
) -> PlacedOrder:
    """Make up a new `Idempotency-Key` for each order; repeat it with each retry.
    \f
    The lock covers this process. With several workers, make the key a unique
    column and write it in the transaction that writes the order.
    """
    with placing:
        if idempotency_key not in PLACED:
            placed = PlacedOrder(id=len(ORDERS) + 1, **order.model_dump())
            ORDERS[placed.id] = placed
            PLACED[idempotency_key] = order, placed
    first, placed = PLACED[idempotency_key]
    if first != order:
        raise HTTPException(409, "This key belongs to another order")
    return placed
    # --8<-- [end:place]


# --8<-- [start:app]
app = FastAPI(
    generate_unique_id_function=lambda route: route.name,
    redirect_slashes=False,
)
app.include_router(orders)
# --8<-- [end:app]


# --8<-- [start:allow]
@app.exception_handler(405)
def name_every_method(request: Request, error: Exception) -> Response:
    methods = {"OPTIONS"}
    for route in iter_route_contexts(request.app.routes):
        if route.matches(request.scope)[0] is not Match.NONE:
            methods |= route.methods or set()
    headers = {"Allow": ", ".join(sorted(methods))}
    if request.method == "OPTIONS":
        return Response(status_code=204, headers=headers)
    return JSONResponse({"detail": "Method Not Allowed"}, 405, headers)
    # --8<-- [end:allow]


# --8<-- [start:check]
def declared_twice(app: FastAPI) -> list[str]:
    """Return the operations that an earlier route with the same path answers."""
    seen, twice = set(), []
    for route in iter_route_contexts(app.routes):
        for method in sorted(route.methods or ()):
            operation = f"{method} {re.sub('{.+?}', '{}', route.path_format)}"
            twice += [operation] if operation in seen else []
            seen.add(operation)
    return twice
    # --8<-- [end:check]
