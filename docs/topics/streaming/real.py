import asyncio
import os
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from contextlib import aclosing
from pathlib import Path as FilePath
from typing import Annotated, Literal

from fastapi import Depends, FastAPI, HTTPException, Path
from fastapi.responses import FileResponse, StreamingResponse
from pydantic import BaseModel, Field

app = FastAPI()


# --8<-- [start:records]
class Token(BaseModel):
    kind: Literal["token"] = "token"
    text: str


class Done(BaseModel):
    kind: Literal["done"] = "done"
    tokens: int


class Failed(BaseModel):
    kind: Literal["failed"] = "failed"
    reason: str


Record = Annotated[Token | Done | Failed, Field(discriminator="kind")]


# --8<-- [end:records]
# --8<-- [start:model]
class Question(BaseModel):
    text: Annotated[str, Field(min_length=1, max_length=2000)]


async def generate(prompt: str) -> AsyncIterator[str]:
    for word in f"You asked: {prompt}".split():
        await asyncio.sleep(0.05)
        yield f"{word} "


async def open_completion(question: Question) -> AsyncIterator[AsyncIterator[str]]:
    async with aclosing(generate(question.text)) as tokens:
        yield tokens


# --8<-- [end:model]
# --8<-- [start:answers]
Completion = Annotated[AsyncIterator[str], Depends(open_completion)]
PATIENCE = 20.0


@app.post("/answers")
async def answer(tokens: Completion) -> AsyncIterable[Record]:
    sent = 0
    try:
        while True:
            async with asyncio.timeout(PATIENCE):
                text = await anext(tokens, None)
            if text is None:
                break
            yield Token(text=text)
            sent += 1
    except (TimeoutError, ConnectionError):
        yield Failed(reason="The model stopped answering")
    else:
        yield Done(tokens=sent)


# --8<-- [end:answers]
# --8<-- [start:export]
class Order(BaseModel):
    number: int
    cents: int


class NDJSONResponse(StreamingResponse):
    media_type = "application/x-ndjson"


BATCH = 500
orders = [Order(number=n, cents=n * 5) for n in range(1, 2001)]


def orders_after(number: int) -> list[Order]:
    return [order for order in orders if order.number > number][:BATCH]


@app.get("/orders", response_class=NDJSONResponse)
def export(after: int = 0) -> Iterable[str]:
    while rows := orders_after(after):
        yield "".join(f"{row.model_dump_json()}\n" for row in rows)
        after = rows[-1].number
    yield '{"kind":"end"}\n'


# --8<-- [end:export]
# --8<-- [start:files]
RECORDINGS = FilePath(os.environ.get("RECORDINGS", "recordings"))


@app.get("/recordings/{name}")
def recording(
    name: Annotated[str, Path(pattern=r"^[a-z0-9-]{1,40}\z")],
) -> FileResponse:
    path = RECORDINGS / f"{name}.mp4"
    if not path.is_file():
        raise HTTPException(404, "No such recording")
    return FileResponse(path)


# --8<-- [end:files]
