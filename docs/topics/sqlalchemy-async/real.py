import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException, Request
from pydantic import BaseModel, Field
from sqlalchemy import ForeignKey, String, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
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
FETCH_AT_ONCE = {"eager_defaults": True}


class Base(DeclarativeBase):
    __mapper_args__ = FETCH_AT_ONCE


class Author(Base):
    __tablename__ = "authors"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    updated_at: Mapped[datetime] = mapped_column(
        server_default=func.now(), onupdate=func.now()
    )
    books: Mapped[list["Book"]] = relationship(
        back_populates="author", lazy="raise", order_by="Book.title"
    )


class Book(Base):
    __tablename__ = "books"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(80))
    price: Mapped[int | None]
    author_id: Mapped[int] = mapped_column(ForeignKey("authors.id"), index=True)
    author: Mapped[Author] = relationship(back_populates="books", lazy="raise")
    # --8<-- [end:models]


# --8<-- [start:engine]
NewSession = async_sessionmaker[AsyncSession]


def open_engine(url: str) -> AsyncEngine:
    return create_async_engine(
        url, pool_size=10, max_overflow=5, pool_timeout=5, pool_pre_ping=True
    )


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[dict[str, Any]]:
    url = os.environ.get("DATABASE_URL", "sqlite+aiosqlite:///shop.db")
    engine = open_engine(url)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        yield {"new_session": async_sessionmaker(engine, expire_on_commit=False)}
    finally:
        await engine.dispose()


def get_new_session(request: Request) -> NewSession:
    new_session: NewSession = request.state.new_session
    return new_session


NewSessionDep = Annotated[NewSession, Depends(get_new_session)]


async def get_session(new_session: NewSessionDep) -> AsyncIterator[AsyncSession]:
    async with new_session.begin() as session:
        yield session


SessionDep = Annotated[AsyncSession, Depends(get_session, scope="function")]
app = FastAPI(lifespan=lifespan)
# --8<-- [end:engine]


Text = Annotated[str, Field(max_length=80)]


class AuthorName(BaseModel):
    name: Text


class BookOut(BaseModel):
    id: int
    title: str
    price: int | None


class AuthorOut(AuthorName):
    id: int
    updated_at: datetime
    books: list[BookOut]


class BookPage(BookOut):
    author: AuthorName


class AuthorIn(AuthorName):
    titles: list[Text] = []


# --8<-- [start:read]
@app.get("/authors", response_model=list[AuthorOut])
async def list_authors(session: SessionDep) -> Sequence[Author]:
    query = select(Author).options(selectinload(Author.books))
    return (await session.scalars(query.order_by(Author.name))).all()


@app.get("/books/{book_id}", response_model=BookPage)
async def get_book(book_id: int, session: SessionDep) -> Book:
    book = await session.get(Book, book_id, options=[joinedload(Book.author)])
    if book is None:
        raise HTTPException(404, "No such book")
    return book


# --8<-- [end:read]


# --8<-- [start:write]
async def flush(session: AsyncSession) -> None:
    try:
        await session.flush()
    except IntegrityError:
        raise HTTPException(409, "This author exists already") from None


@app.post("/authors", status_code=201, response_model=AuthorOut)
async def add_author(data: AuthorIn, session: SessionDep) -> Author:
    books = [Book(title=title) for title in data.titles]
    author = Author(name=data.name, books=books)
    session.add(author)
    await flush(session)
    return author


@app.patch("/authors/{author_id}", response_model=AuthorOut)
async def rename(author_id: int, data: AuthorName, session: SessionDep) -> Author:
    with_books = [selectinload(Author.books)]
    author = await session.get(Author, author_id, options=with_books)
    if author is None:
        raise HTTPException(404, "No such author")
    author.name = data.name
    await flush(session)
    return author
    # --8<-- [end:write]


# --8<-- [start:tasks]
async def count(new_session: NewSession, table: type[Base]) -> int:
    async with new_session() as session:
        return await session.scalar(select(func.count()).select_from(table)) or 0


@app.get("/overview")
async def overview(new_session: NewSessionDep) -> dict[str, int]:
    async with asyncio.TaskGroup() as group:
        authors = group.create_task(count(new_session, Author))
        books = group.create_task(count(new_session, Book))
    return {"authors": authors.result(), "books": books.result()}
    # --8<-- [end:tasks]


# --8<-- [start:wait]
async def ask_publisher(title: str) -> int:
    await asyncio.sleep(1)
    return 10 * len(title)


@app.post("/books/{book_id}/price")
async def renew_price(book_id: int, new_session: NewSessionDep) -> dict[str, int]:
    async with new_session() as session:
        title = await session.scalar(select(Book.title).where(Book.id == book_id))
    if title is None:
        raise HTTPException(404, "No such book")
    price = await ask_publisher(title)
    async with new_session.begin() as session:
        await session.execute(
            update(Book).where(Book.id == book_id).values(price=price)
        )
    return {"price": price}
    # --8<-- [end:wait]
