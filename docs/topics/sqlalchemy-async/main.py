from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import Depends, FastAPI
from pydantic import BaseModel
from sqlalchemy import AsyncAdaptedQueuePool, ForeignKey, event, select
from sqlalchemy.ext.asyncio import (
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    joinedload,
    mapped_column,
    relationship,
    selectinload,
)


# --8<-- [start:models]
class Base(DeclarativeBase):
    pass


class Author(Base):
    __tablename__ = "authors"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    books: Mapped[list["Book"]] = relationship(back_populates="author")


class Book(Base):
    __tablename__ = "books"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    author_id: Mapped[int] = mapped_column(ForeignKey("authors.id"))
    author: Mapped[Author] = relationship(back_populates="books")
    # --8<-- [end:models]


# --8<-- [start:engine]
engine = create_async_engine(
    "sqlite+aiosqlite://",
    poolclass=AsyncAdaptedQueuePool,
    pool_size=1,
    max_overflow=0,
)
new_session = async_sessionmaker(engine, expire_on_commit=False)


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    async with new_session.begin() as session:
        books = [Book(title="Lathe"), Book(title="Omelas")]
        session.add(Author(name="Ursula", books=books))
        session.add(Author(name="Italo", books=[Book(title="Cosmicomics")]))
    yield
    await engine.dispose()


async def get_session() -> AsyncIterator[AsyncSession]:
    async with new_session() as session:
        yield session


SessionDep = Annotated[AsyncSession, Depends(get_session)]
app = FastAPI(lifespan=lifespan)
# --8<-- [end:engine]


# --8<-- [start:schemas]
class BookOut(BaseModel):
    title: str


class AuthorOut(BaseModel):
    name: str
    books: list[BookOut]
    # --8<-- [end:schemas]


# --8<-- [start:routes]
@app.get("/lazy", response_model=list[AuthorOut])
async def list_lazily(session: SessionDep) -> Sequence[Author]:
    return (await session.scalars(select(Author))).all()


@app.get("/selectin", response_model=list[AuthorOut])
async def list_with_selectin(session: SessionDep) -> Sequence[Author]:
    query = select(Author).options(selectinload(Author.books))
    return (await session.scalars(query)).all()


@app.get("/joined", response_model=list[AuthorOut])
async def list_with_join(session: SessionDep) -> Sequence[Author]:
    query = select(Author).options(joinedload(Author.books))
    return (await session.scalars(query)).unique().all()
    # --8<-- [end:routes]


# --8<-- [start:sql]
sent: list[str] = []


@event.listens_for(engine.sync_engine, "before_cursor_execute")
def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
    sent.append(" ".join(statement.split()))


@app.get("/sql")
async def sql_since_last_time() -> list[str]:
    statements = sent.copy()
    sent.clear()
    return statements
    # --8<-- [end:sql]
