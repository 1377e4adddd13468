from fastapi import FastAPI
from pydantic import BaseModel

api = FastAPI()


class Order(BaseModel):
    cups: int


@api.post("/orders", status_code=201)
def place(order: Order) -> Order:
    return order


def note(word, message):
    content = message.get("status") or message.get("body") or ""
    print(f"{word:8} {message['type']:26} {content}")


async def app(scope, receive, send):
    async def spied_receive():
        message = await receive()
        note("receive", message)
        return message

    async def spied_send(message):
        note("send", message)
        await send(message)

    note("scope", {"type": scope["type"], "body": scope.get("path")})
    await api(scope, spied_receive, spied_send)
