from collections.abc import Iterator
from itertools import count
from typing import Annotated

from fastapi import Depends, FastAPI, Header, HTTPException

app = FastAPI()
numbers = count(1)
diary: list[str] = []


# --8<-- [start:session]
def get_session() -> Iterator[int]:
    session = next(numbers)
    diary.append(f"session {session} opens")
    try:
        yield session
    finally:
        diary.append(f"session {session} closes")


Session = Annotated[int, Depends(get_session)]
# --8<-- [end:session]


# --8<-- [start:route]
def get_user(session: Session, x_user: Annotated[str, Header()]) -> str:
    diary.append(f"get_user asks session {session}")
    if x_user != "ada":
        raise HTTPException(401, "Unknown user")
    return x_user


@app.get("/notes")
def notes(session: Session, user: Annotated[str, Depends(get_user)]) -> str:
    diary.append(f"the route asks session {session}")
    return f"the notes of {user}"
    # --8<-- [end:route]


@app.get("/diary")
def read_diary() -> list[str]:
    return diary
