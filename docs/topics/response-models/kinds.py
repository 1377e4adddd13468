from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from fastapi import FastAPI, Response
from fastapi.responses import (
    FileResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
)
from pydantic import BaseModel, Field

app = FastAPI()
DRAFTS: dict[str, str] = {}


# --8<-- [start:ready]
@app.get("/notes.txt", response_class=PlainTextResponse)
def notes() -> str:
    return "two lines\nof text"


@app.get("/source", response_class=FileResponse)
def source() -> FileResponse:
    return FileResponse(Path(__file__), filename="kinds.py")


@app.get("/old-notes", response_class=RedirectResponse, status_code=308)
def old_notes() -> RedirectResponse:
    return RedirectResponse("/notes.txt", status_code=308)


@app.get("/cached")
def cached() -> Response:
    return Response('{"from": "cache"}', media_type="application/json")
    # --8<-- [end:ready]


# --8<-- [start:union]
class Card(BaseModel):
    kind: Literal["card"] = "card"
    last_digits: str


class Invoice(BaseModel):
    kind: Literal["invoice"] = "invoice"
    due: date


Payment = Annotated[Card | Invoice, Field(discriminator="kind")]


@app.get("/payments")
def payments() -> list[Payment]:
    return [Card(last_digits="4242"), Invoice(due=date(2030, 1, 31))]
    # --8<-- [end:union]


# --8<-- [start:on-the-way]
class Draft(BaseModel):
    name: str
    text: str


@app.put("/drafts/{name}")
def save(name: str, text: str, response: Response) -> Draft:
    if name not in DRAFTS:
        response.status_code = 201
        response.headers["Location"] = f"/drafts/{name}"
    DRAFTS[name] = text
    response.set_cookie("draft", name, httponly=True, secure=True, samesite="lax")
    return Draft(name=name, text=text)
    # --8<-- [end:on-the-way]


# --8<-- [start:either]
class Export(BaseModel):
    rows: int


@app.get("/exports/{number}", response_model=Export, responses={202: {}})
def export(number: int) -> Export | JSONResponse:
    if number > 1:
        return JSONResponse({"state": "queued"}, 202, {"Retry-After": "5"})
    return Export(rows=12)
    # --8<-- [end:either]
