from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy import QueuePool, create_engine
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker

# One connection holds the database; whoever needs it waits for a turn.
IN_MEMORY = {
    "poolclass": QueuePool,
    "pool_size": 1,
    "max_overflow": 0,
    "connect_args": {"check_same_thread": False},
}


class Base(DeclarativeBase):
    pass


@contextmanager
def opened(url: str) -> Iterator[sessionmaker[Session]]:
    engine = create_engine(url, **(IN_MEMORY if url == "sqlite://" else {}))
    Base.metadata.create_all(engine)
    yield sessionmaker(engine)
    engine.dispose()


def get_session(request: Request) -> Iterator[Session]:
    with request.app.state.sessions() as session:
        yield session


SessionDep = Annotated[Session, Depends(get_session)]
