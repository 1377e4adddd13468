import os
from collections.abc import Iterator
from typing import Annotated

import redis
from fastapi import Depends, FastAPI, HTTPException
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session

from app.models import Tea, TeaData

engine = create_engine(os.environ["DATABASE_URL"])
valkey = redis.Redis.from_url(os.environ["VALKEY_URL"])
app = FastAPI()


def get_session() -> Iterator[Session]:
    with Session(engine) as session:
        yield session


SessionDep = Annotated[Session, Depends(get_session)]


@app.post("/teas", status_code=201)
def create_tea(new: TeaData, session: SessionDep) -> TeaData:
    session.add(Tea(**new.model_dump()))
    session.commit()
    return new


@app.get("/teas")
def list_teas(session: SessionDep) -> list[TeaData]:
    teas = session.scalars(select(Tea).order_by(Tea.name))
    return [TeaData.model_validate(tea) for tea in teas]


@app.get("/teas/{name}")
def read_tea(name: str, session: SessionDep) -> TeaData:
    tea = session.get(Tea, name)
    if tea is None:
        raise HTTPException(404, f"We do not sell {name}")
    valkey.incr(f"views:{name}")
    return TeaData.model_validate(tea)


@app.get("/version")
def version() -> dict[str, str]:
    return {"revision": os.environ.get("REVISION", "unknown")}
