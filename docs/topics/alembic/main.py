from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from fastapi import FastAPI
from models import Account
from pydantic import BaseModel
from sqlalchemy import StaticPool, create_engine, select
from sqlalchemy.orm import Session

# --8<-- [start:app]
engine = create_engine(
    "sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False}
)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    config = Config(Path(__file__).with_name("alembic.ini"))
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    yield
    engine.dispose()


app = FastAPI(lifespan=lifespan)


class AccountIn(BaseModel):
    email: str
    display_name: str


@app.get("/schema")
def schema() -> dict[str, tuple[str, ...]]:
    with engine.connect() as connection:
        return {
            "revision": MigrationContext.configure(connection).get_current_heads()
        }


@app.post("/accounts", status_code=201)
def create_account(account: AccountIn) -> AccountIn:
    with Session(engine) as session, session.begin():
        session.add(Account(**account.model_dump()))
    return account


@app.get("/accounts")
def list_accounts() -> list[AccountIn]:
    with Session(engine) as session:
        accounts = session.scalars(select(Account).order_by(Account.id))
        return [AccountIn.model_validate(a, from_attributes=True) for a in accounts]


# --8<-- [end:app]
