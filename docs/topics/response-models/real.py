from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import FastAPI, HTTPException, Response
from pwdlib import PasswordHash
from pydantic import BaseModel, Field

app = FastAPI()
passwords = PasswordHash.recommended()


# --8<-- [start:models]
class UserFields(BaseModel):
    name: str
    nickname: str | None = None


class UserIn(UserFields):
    name: Annotated[str, Field(min_length=2, max_length=40)]
    password: Annotated[str, Field(min_length=12)]


class UserOut(UserFields):
    id: int


class UserForAdmins(UserOut):
    joined: datetime
    blocked: bool


class Problem(BaseModel):
    detail: str
    # --8<-- [end:models]


@dataclass
class User:
    id: int
    name: str
    nickname: str | None
    password_hash: str
    blocked: bool = False
    joined: datetime = field(default_factory=lambda: datetime.now(UTC))


USERS: dict[int, User] = {}


# --8<-- [start:routes]
@app.post("/users", status_code=201, response_model=UserOut)
def create_user(new: UserIn, response: Response) -> User:
    user = User(
        len(USERS) + 1, new.name, new.nickname, passwords.hash(new.password)
    )
    USERS[user.id] = user
    response.headers["Location"] = f"/users/{user.id}"
    return user


NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"model": Problem}}


@app.get("/users/{user_id}", response_model=UserOut, responses=NOT_FOUND)
def read_user(user_id: int) -> User:
    if user_id not in USERS:
        raise HTTPException(404, "No such user")
    return USERS[user_id]


@app.get("/users", response_model=list[UserOut])
def list_users() -> list[User]:
    return list(USERS.values())


@app.get("/admin/users", response_model=list[UserForAdmins])
def list_users_for_admins() -> list[User]:
    return list(USERS.values())
    # --8<-- [end:routes]


# --8<-- [start:guard]
SECRETS = {"password", "password_hash", "token"}
NOTES = {"title", "description", "default", "examples"}


def fields(node: Any, models: dict[str, Any]) -> Iterator[str]:
    if isinstance(node, list):
        for part in node:
            yield from fields(part, models)
    elif isinstance(node, dict):
        if node.get("additionalProperties") is True or not node.keys() - NOTES:
            yield "anything"
        properties = node.get("properties", {})
        yield from properties
        if "$ref" in node:
            yield from fields(models.pop(node["$ref"], "seen"), models)
        inside = node.keys() - NOTES - {"properties"}
        parts = [*properties.values(), *(node[key] for key in inside)]
        yield from fields(parts, models)


def leaks(app: FastAPI) -> Iterator[str]:
    spec = app.openapi()
    schemas = spec.get("components", {}).get("schemas", {})
    models = {f"#/components/schemas/{name}": schemas[name] for name in schemas}
    for path, operations in spec["paths"].items():
        for method, operation in operations.items():
            answers = operation["responses"]
            good = [answers[code] for code in answers if code.startswith("2")]
            content = [answer.get("content", []) for answer in good]
            found = set(fields(content, dict(models)))
            for name in sorted(found & (SECRETS | {"anything"})):
                yield f"{method.upper()} {path} may send {name}"
                # --8<-- [end:guard]
