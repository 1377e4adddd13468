import asyncio

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()
sent = 0
stalled = asyncio.Event()
done = asyncio.Event()
endings: asyncio.Queue[int] = asyncio.Queue()


@app.websocket("/flood")
async def flood(websocket: WebSocket) -> None:
    global sent
    await websocket.accept()
    for _ in range(2_000):
        try:
            async with asyncio.timeout(0.3):
                await websocket.send_text("x" * 65_536)
        except TimeoutError:
            break
        sent += 1
    stalled.set()


@app.get("/flood")
async def flooded() -> int:
    await stalled.wait()
    return sent


@app.websocket("/listen")
async def listen(websocket: WebSocket) -> None:
    await websocket.accept()
    try:
        await websocket.receive_text()
    except WebSocketDisconnect as gone:
        endings.put_nowait(gone.code)


@app.get("/endings")
async def ending() -> int:
    return await endings.get()


@app.websocket("/busy")
async def busy(websocket: WebSocket) -> None:
    await websocket.accept()
    await done.wait()


@app.post("/done", status_code=204)
async def end_it() -> None:
    done.set()
