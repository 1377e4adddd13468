from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, FastAPI, Header, HTTPException

app = FastAPI()
drafts = ["Soup of the day"]
ROLES = {"ada": {"reader", "editor"}, "bo": {"reader"}}


def get_user(x_user: Annotated[str, Header()]) -> str:
    if x_user not in ROLES:
        raise HTTPException(401, "who are you?")
    return x_user


@dataclass(frozen=True)
class Needs:
    role: str

    def __call__(self, user: Annotated[str, Depends(get_user)]) -> str:
        if self.role not in ROLES[user]:
            raise HTTPException(403, f"only for the role {self.role}")
        return user


Reader = Annotated[str, Depends(Needs("reader"))]
Editor = Annotated[str, Depends(Needs("editor"))]


@app.get("/drafts")
def list_drafts(reader: Reader) -> list[str]:
    return drafts


@app.post("/drafts", status_code=201)
def add_draft(title: str, editor: Editor) -> str:
    drafts.append(title)
    return f"{title}, by {editor}"
