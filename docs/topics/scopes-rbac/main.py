from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, Security
from fastapi.security import OAuth2PasswordBearer, SecurityScopes

app = FastAPI()
SCOPES = {"notes:read": "Read notes", "notes:write": "Add notes"}
bearer = OAuth2PasswordBearer(tokenUrl="token", scopes=SCOPES)
TOKENS = {
    "ada-full": ("ada", {"notes:read", "notes:write"}),
    "ada-read": ("ada", {"notes:read"}),
}
notes = ["Buy ink"]


def caller(needed: SecurityScopes, token: Annotated[str, Depends(bearer)]) -> str:
    if token not in TOKENS:
        headers = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
        raise HTTPException(401, "Invalid or expired token", headers)
    user, granted = TOKENS[token]
    if not granted.issuperset(needed.scopes):
        hint = f'Bearer error="insufficient_scope", scope="{needed.scope_str}"'
        raise HTTPException(
            403, "The token lacks a scope", {"WWW-Authenticate": hint}
        )
    return user


Reader = Annotated[str, Security(caller, scopes=["notes:read"])]
Writer = Annotated[str, Security(caller, scopes=["notes:write"])]


@app.get("/notes")
def list_notes(who: Reader) -> list[str]:
    return notes


@app.post("/notes", status_code=201)
def add_note(text: str, who: Writer) -> str:
    notes.append(text)
    return f"{text}, by {who}"
