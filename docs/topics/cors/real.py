# --8<-- [start:origins]
import os
import re
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.middleware.cors import CORSMiddleware
from fastapi.security import APIKeyCookie
from pydantic import BaseModel

ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]+)?")


def origins(listed: str) -> list[str]:
    names = listed.split()
    if wrong := [name for name in names if not ORIGIN.fullmatch(name)]:
        raise ValueError(f"Not an origin, as a browser sends it: {wrong}")
    return names


ORIGINS = origins(os.environ.get("WEB_ORIGINS", "https://app.example.com"))
# --8<-- [end:origins]


# --8<-- [start:guard]
def from_our_pages(request: Request) -> None:
    origin = request.headers.get("origin")
    reads = request.method in {"GET", "HEAD", "OPTIONS"}
    if origin is not None and not reads and origin not in ORIGINS:
        raise HTTPException(403, "Sent by another site")


# --8<-- [end:guard]


# --8<-- [start:routes]
class Note(BaseModel):
    text: str


SESSIONS = {"demo-session": "ada"}
NOTES: dict[str, list[Note]] = {"ada": [Note(text="Buy milk")]}


def user(session: Annotated[str, Depends(APIKeyCookie(name="session"))]) -> str:
    if session not in SESSIONS:
        raise HTTPException(401, "Sign in again")
    return SESSIONS[session]


User = Annotated[str, Depends(user)]
api = FastAPI(dependencies=[Depends(from_our_pages)], max_body_size=10_000)


@api.get("/notes")
def read_notes(user: User, response: Response, limit: int = 10) -> list[Note]:
    response.headers["X-Total-Count"] = str(len(NOTES[user]))
    return NOTES[user][:limit]


@api.put("/notes/{number}")
def write_note(user: User, number: int, note: Note) -> Note:
    NOTES[user][number] = note
    return note


# --8<-- [end:routes]

# --8<-- [start:wrap]
app = CORSMiddleware(
    api,
    allow_origins=ORIGINS,
    allow_methods=["GET", "PUT"],
    allow_headers=["X-Request-ID"],
    allow_credentials=True,
    expose_headers=["X-Total-Count"],
)
# --8<-- [end:wrap]
