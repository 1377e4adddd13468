import os

from fastapi import FastAPI
from pydantic import BaseModel

# --8<-- [start:app]
app = FastAPI()
imported_in = os.getpid()
visits = 0


class Visit(BaseModel):
    worker: int
    imported_in: int
    visits: int


@app.get("/visits")
async def count_visit() -> Visit:
    global visits
    visits += 1
    return Visit(worker=os.getpid(), imported_in=imported_in, visits=visits)
    # --8<-- [end:app]
