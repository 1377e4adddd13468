from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from pydantic import BaseModel

app = FastAPI()
PRICES = {"tea": 3, "cake": 5}


class House(BaseModel):
    seated: list[int] = []
    unpaid: dict[int, int] = {}


house = House()


@app.get("/tables")
async def tables() -> House:
    return house


@app.websocket("/tables/{number}")
async def order(websocket: WebSocket, number: int) -> None:
    await websocket.accept()
    house.seated.append(number)
    total = 0
    try:
        while (wish := await websocket.receive_text()) != "pay":
            total += PRICES.get(wish, 0)
            await websocket.send_json({"wish": wish, "total": total})
        await websocket.close(1000, "Paid")
    except WebSocketDisconnect:
        house.unpaid[number] = total
    finally:
        house.seated.remove(number)
