from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from pydantic import BaseModel

# --8<-- [start:permission]
app = FastAPI()
app.add_middleware(
    CORSMiddleware,
    allow_origins=["http://localhost:5173"],
    allow_methods=["GET", "PUT"],
)
# --8<-- [end:permission]


class Note(BaseModel):
    text: str


NOTES = {1: Note(text="Buy milk")}


@app.get("/notes/{number}")
def read_note(number: int) -> Note:
    return NOTES[number]


@app.put("/notes/{number}")
def write_note(number: int, note: Note) -> Note:
    NOTES[number] = note
    return note
