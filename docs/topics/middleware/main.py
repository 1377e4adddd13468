from time import perf_counter
from uuid import uuid4

from fastapi import FastAPI, Request, Response
from starlette.datastructures import MutableHeaders
from starlette.middleware.base import RequestResponseEndpoint
from starlette.types import ASGIApp, Message, Receive, Scope, Send

app = FastAPI()


# --8<-- [start:function]
@app.middleware("http")
async def measure(request: Request, call_next: RequestResponseEndpoint) -> Response:
    start = perf_counter()
    response = await call_next(request)
    milliseconds = (perf_counter() - start) * 1000
    response.headers["Server-Timing"] = f"app;dur={milliseconds:.2f}"
    return response
    # --8<-- [end:function]


# --8<-- [start:class]
class RequestId:
    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["X-Request-ID"] = request_id
            await send(message)

        await self.app(scope, receive, send_with_id)


app.add_middleware(RequestId)
# --8<-- [end:class]


# --8<-- [start:route]
@app.get("/hello")
async def say_hello(request: Request) -> dict[str, str]:
    return {"hello": "world", "request_id": request.state.request_id}
    # --8<-- [end:route]
