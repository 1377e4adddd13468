from fastapi import FastAPI, HTTPException, WebSocket, WebSocketException

app = FastAPI()


# --8<-- [start:close]
@app.websocket("/close")
async def close_at_once(websocket: WebSocket) -> None:
    await websocket.close(4401, "Log in")


# --8<-- [end:close]
@app.websocket("/websocket-exception")
async def raise_websocket_exception(websocket: WebSocket) -> None:
    raise WebSocketException(4401, "Log in")


@app.websocket("/http-exception")
async def raise_http_exception(websocket: WebSocket) -> None:
    raise HTTPException(401, "Log in")


@app.websocket("/accept-then-close")
async def accept_then_close(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.close(4401, "Log in")


@app.websocket("/tables/{number}")
async def table(websocket: WebSocket, number: int) -> None:
    await websocket.accept()


@app.websocket("/return-at-once")
async def return_at_once(websocket: WebSocket) -> None:
    return


@app.websocket("/accept-then-return")
async def accept_then_return(websocket: WebSocket) -> None:
    await websocket.accept()


@app.websocket("/accept-then-http-exception")
async def accept_then_http_exception(websocket: WebSocket) -> None:
    await websocket.accept()
    raise HTTPException(401, "Log in")


@app.websocket("/accept-then-crash")
async def accept_then_crash(websocket: WebSocket) -> None:
    await websocket.accept()
    raise ValueError("a mistake")
