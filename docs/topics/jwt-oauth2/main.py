import secrets
from datetime import UTC, datetime, timedelta
from typing import Annotated

import jwt
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import OAuth2PasswordBearer, OAuth2PasswordRequestForm
from pwdlib import PasswordHash
from pydantic import BaseModel

app = FastAPI()

passwords = PasswordHash.recommended()
bearer = OAuth2PasswordBearer(tokenUrl="token")
KEY = secrets.token_hex(32)
USERS = {"ada": passwords.hash("correct horse")}
NOBODY = passwords.hash(secrets.token_hex(32))


class Token(BaseModel):
    access_token: str
    token_type: str = "bearer"


# --8<-- [start:login]
@app.post("/token")
def log_in(form: Annotated[OAuth2PasswordRequestForm, Depends()]) -> Token:
    if not passwords.verify(form.password, USERS.get(form.username, NOBODY)):
        raise HTTPException(
            401, "Wrong username or password", {"WWW-Authenticate": "Bearer"}
        )
    claims = {
        "sub": form.username,
        "exp": datetime.now(UTC) + timedelta(minutes=15),
    }
    return Token(access_token=jwt.encode(claims, KEY, algorithm="HS256"))
    # --8<-- [end:login]


# --8<-- [start:protect]
def current_user(token: Annotated[str, Depends(bearer)]) -> str:
    try:
        claims = jwt.decode(
            token, KEY, algorithms=["HS256"], options={"require": ["exp", "sub"]}
        )
    except jwt.InvalidTokenError:
        headers = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
        raise HTTPException(401, "Invalid or expired token", headers) from None
    return claims["sub"]


@app.get("/me")
def me(user: Annotated[str, Depends(current_user)]) -> dict[str, str]:
    return {"user": user}
    # --8<-- [end:protect]
