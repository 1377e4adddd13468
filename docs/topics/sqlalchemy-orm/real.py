import os
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException, Request
from pydantic import BaseModel, Field
from sqlalchemy import (
    CheckConstraint,
    Engine,
    ForeignKey,
    String,
    create_engine,
    event,
    func,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    joinedload,
    mapped_column,
    relationship,
    selectinload,
    sessionmaker,
)

# --8<-- [start:models]
Id = Annotated[int, mapped_column(primary_key=True)]
Name = Annotated[str, mapped_column(String(80))]


class Base(DeclarativeBase):
    pass


class Author(Base):
    __tablename__ = "authors"
    id: Mapped[Id]
    name: Mapped[Name] = mapped_column(unique=True)
    books: Mapped[list["Book"]] = relationship(
        back_populates="author", lazy="raise", order_by="Book.title"
    )


class Book(Base):
    __tablename__ = "books"
    __table_args__ = (CheckConstraint("stock >= 0", name="stock"),)
    id: Mapped[Id]
    title: Mapped[Name]
    stock: Mapped[int] = mapped_column(default=0)
    author_id: Mapped[int] = mapped_column(ForeignKey("authors.id"), index=True)
    author: Mapped[Author] = relationship(back_populates="books", lazy="raise")


class Sale(Base):
    __tablename__ = "sales"
    id: Mapped[Id]
    book_id: Mapped[int] = mapped_column(ForeignKey("books.id"), index=True)
    copies: Mapped[int]
    sold_at: Mapped[datetime] = mapped_column(server_default=func.now())


# --8<-- [end:models]


# --8<-- [start:engine]
def enforce_foreign_keys(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA foreign_keys = ON")


def open_engine(url: str) -> Engine:
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", enforce_foreign_keys)
    return engine


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[dict[str, Any]]:
    engine = open_engine(os.environ.get("DATABASE_URL", "sqlite:///shop.db"))
    Base.metadata.create_all(engine)
    yield {"transaction": sessionmaker(engine).begin}
    engine.dispose()


def get_session(request: Request) -> Iterator[Session]:
    with request.state.transaction() as session:
        yield session


SessionDep = Annotated[Session, Depends(get_session, scope="function")]
app = FastAPI(lifespan=lifespan)
# --8<-- [end:engine]


class BookOut(BaseModel):
    id: int
    title: str
    stock: int


class AuthorName(BaseModel):
    name: str


class AuthorOut(AuthorName):
    id: int
    books: list[BookOut]


class BookPage(BookOut):
    author: AuthorName


# --8<-- [start:read]
@app.get("/authors", response_model=list[AuthorOut])
def list_authors(session: SessionDep) -> Sequence[Author]:
    query = select(Author).options(selectinload(Author.books))
    return session.scalars(query.order_by(Author.name)).all()


@app.get("/books/{book_id}", response_model=BookPage)
def get_book(book_id: int, session: SessionDep) -> Book:
    book = session.get(Book, book_id, options=[joinedload(Book.author)])
    if book is None:
        raise HTTPException(404, "No such book")
    return book


# --8<-- [end:read]


class BookIn(BaseModel):
    title: Annotated[str, Field(max_length=80)]
    stock: Annotated[int, Field(ge=0)] = 0


class AuthorIn(BaseModel):
    name: Annotated[str, Field(max_length=80)]
    books: list[BookIn] = []


# --8<-- [start:write]
@app.post("/authors", status_code=201, response_model=AuthorOut)
def add_author(data: AuthorIn, session: SessionDep) -> Author:
    books = [Book(**book.model_dump()) for book in data.books]
    author = Author(name=data.name, books=books)
    session.add(author)
    try:
        session.flush()
    except IntegrityError:
        raise HTTPException(409, "This author exists already") from None
    return author
    # --8<-- [end:write]


# --8<-- [start:sell]
class SaleIn(BaseModel):
    copies: Annotated[int, Field(ge=1)]


@app.post("/books/{book_id}/sales", status_code=201)
def sell(book_id: int, sale: SaleIn, session: SessionDep) -> dict[str, int]:
    left = session.scalar(
        update(Book)
        .where(Book.id == book_id, Book.stock >= sale.copies)
        .values(stock=Book.stock - sale.copies)
        .returning(Book.stock)
    )
    if left is None:
        raise HTTPException(409, "Not that many copies left")
    session.add(Sale(book_id=book_id, copies=sale.copies))
    return {"left": left}
    # --8<-- [end:sell]
