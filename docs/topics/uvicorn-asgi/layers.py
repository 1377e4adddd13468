import json

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


# --8<-- [start:by-hand]
async def by_hand(scope, receive, send) -> None:
    assert scope["type"] == "http"
    number = int(scope["path"].removeprefix("/squares/"))
    body = json.dumps({"square": number * number}, separators=(",", ":")).encode()
    headers = [
        (b"content-length", str(len(body)).encode()),
        (b"content-type", b"application/json"),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
    # --8<-- [end:by-hand]


# --8<-- [start:starlette]
async def square(request: Request) -> JSONResponse:
    number = int(request.path_params["number"])
    return JSONResponse({"square": number * number})


with_starlette = Starlette(routes=[Route("/squares/{number}", square)])
# --8<-- [end:starlette]

# --8<-- [start:fastapi]
with_fastapi = FastAPI()


@with_fastapi.get("/squares/{number}")
def read_square(number: int) -> dict[str, int]:
    return {"square": number * number}
    # --8<-- [end:fastapi]
