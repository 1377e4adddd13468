from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse

app = FastAPI()
stock = {"tea": 3}
orders: list[str] = []


# --8<-- [start:domain]
class OutOfStockError(Exception):
    def __init__(self, product: str, left: int) -> None:
        self.product, self.left = product, left


def take(product: str, pieces: int) -> None:
    if pieces > stock[product]:
        raise OutOfStockError(product, stock[product])
    stock[product] -= pieces
    # --8<-- [end:domain]


# --8<-- [start:handler]
@app.exception_handler(OutOfStockError)
def out_of_stock(request: Request, error: OutOfStockError) -> JSONResponse:
    text = f"There are {error.left} pieces of {error.product} left"
    return JSONResponse({"detail": text}, status_code=409)
    # --8<-- [end:handler]


# --8<-- [start:routes]
@app.post("/orders/{product}", status_code=201)
def order(product: str, pieces: int) -> dict[str, int]:
    take(product, pieces)
    orders.append(product)
    return {"number": len(orders)}


@app.get("/orders/{number}")
def read_order(number: int) -> str:
    if not 1 <= number <= len(orders):
        raise HTTPException(404, f"There is no order {number}")
    return orders[number - 1]
    # --8<-- [end:routes]
