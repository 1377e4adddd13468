from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import FastAPI
from shop import get_session
from sqlalchemy import Engine
from sqlalchemy.orm import Session


# --8<-- [start:rollback]
@contextmanager
def rolled_back(app: FastAPI, engine: Engine) -> Iterator[None]:
    with engine.connect() as connection:
        outer = connection.begin()

        def session_of_the_test() -> Iterator[Session]:
            with Session(
                connection, join_transaction_mode="create_savepoint"
            ) as session:
                yield session

        app.dependency_overrides[get_session] = session_of_the_test
        try:
            yield
        finally:
            app.dependency_overrides.pop(get_session)
            outer.rollback()


# --8<-- [end:rollback]
