from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from typing import TypedDict

from fastapi import FastAPI, Request


# --8<-- [start:resource]
class SpamFilter:
    def __init__(self) -> None:
        print("filter: loaded")
        self.words = {"prize", "winner"}
        self.checked = 0

    def suspicious(self, text: str) -> bool:
        self.checked += 1
        return not self.words.isdisjoint(text.lower().split())

    def close(self) -> None:
        print(f"filter: closed, {self.checked} checked")
        # --8<-- [end:resource]


# --8<-- [start:lifespan]
class State(TypedDict):
    spam: SpamFilter


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[State]:
    with closing(SpamFilter()) as spam:
        yield {"spam": spam}


app = FastAPI(lifespan=lifespan)


@app.get("/check")
async def check(text: str, request: Request) -> dict[str, int | bool]:
    spam: SpamFilter = request.state.spam
    return {"suspicious": spam.suspicious(text), "checked": spam.checked}
    # --8<-- [end:lifespan]
