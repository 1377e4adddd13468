from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

app = FastAPI()


class Note(BaseModel):
    text: str


NOTES: dict[int, Note] = {}


# --8<-- [start:collection]
@app.get("/notes")
def list_notes() -> dict[int, Note]:
    return NOTES


@app.post("/notes", status_code=201)
def add_note(note: Note) -> dict[str, int]:
    number = max(NOTES, default=0) + 1
    NOTES[number] = note
    return {"added": number}
    # --8<-- [end:collection]


# --8<-- [start:single]
@app.put("/notes/{number}")
def put_note(number: int, note: Note) -> Note:
    NOTES[number] = note
    return note


@app.delete("/notes/{number}")
def delete_note(number: int) -> Note:
    if number not in NOTES:
        raise HTTPException(404, f"There is no note {number}")
    return NOTES.pop(number)
    # --8<-- [end:single]
