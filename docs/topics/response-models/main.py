from dataclasses import dataclass

from fastapi import FastAPI
from pwdlib import PasswordHash
from pydantic import BaseModel

app = FastAPI()
passwords = PasswordHash.recommended()


@dataclass
class User:
    id: int
    name: str
    password_hash: str


class UserIn(BaseModel):
    name: str
    password: str


class UserOut(BaseModel):
    id: int
    name: str


USERS = [User(1, "Ada", "$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA")]


# --8<-- [start:routes]
@app.get("/careless")
def careless():
    return USERS[0]


@app.get("/filtered", response_model=UserOut)
def filtered() -> User:
    return USERS[0]


@app.get("/built")
def built() -> UserOut:
    return UserOut(id=USERS[0].id, name=USERS[0].name)
    # --8<-- [end:routes]


@app.post("/users", status_code=201, response_model=UserOut)
def create_user(new: UserIn) -> User:
    user = User(len(USERS) + 1, new.name, passwords.hash(new.password))
    USERS.append(user)
    return user
