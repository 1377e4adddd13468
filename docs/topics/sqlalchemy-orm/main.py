from collections.abc import Iterator, Sequence
from typing import Annotated, Any

from fastapi import Depends, FastAPI
from pydantic import BaseModel
from sqlalchemy import ForeignKey, QueuePool, create_engine, event, select
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    mapped_column,
    relationship,
)

app = FastAPI()
# --8<-- [start:engine]
engine = create_engine(
    "sqlite://",
    poolclass=QueuePool,
    pool_size=1,
    max_overflow=0,
    connect_args={"check_same_thread": False},
)
# --8<-- [end:engine]


# --8<-- [start:models]
class Base(DeclarativeBase):
    pass


class Author(Base):
    __tablename__ = "authors"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    born: Mapped[int | None]
    books: Mapped[list["Book"]] = relationship(back_populates="author")


class Book(Base):
    __tablename__ = "books"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    author_id: Mapped[int] = mapped_column(ForeignKey("authors.id"))
    author: Mapped[Author] = relationship(back_populates="books")


Base.metadata.create_all(engine)
# --8<-- [end:models]


# --8<-- [start:session]
def get_session() -> Iterator[Session]:
    with Session(engine) as session:
        yield session


SessionDep = Annotated[Session, Depends(get_session)]
# --8<-- [end:session]


# --8<-- [start:schemas]
class BookData(BaseModel):
    title: str


class AuthorIn(BaseModel):
    name: str
    born: int | None = None
    books: list[BookData]


class AuthorOut(AuthorIn):
    id: int
    # --8<-- [end:schemas]


# --8<-- [start:routes]
@app.post("/authors", status_code=201, response_model=AuthorOut)
def add_author(data: AuthorIn, session: SessionDep) -> Author:
    books = [Book(title=book.title) for book in data.books]
    author = Author(name=data.name, born=data.born, books=books)
    session.add(author)
    session.commit()
    return author


@app.get("/authors", response_model=list[AuthorOut])
def list_authors(session: SessionDep) -> Sequence[Author]:
    return session.scalars(select(Author).order_by(Author.name)).all()
    # --8<-- [end:routes]


# --8<-- [start:sql]
sent: list[str] = []


@event.listens_for(engine, "before_cursor_execute")
def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
    sent.append(" ".join(statement.split()))


@app.get("/sql")
def sql_since_last_time() -> list[str]:
    statements = sent.copy()
    sent.clear()
    return statements
    # --8<-- [end:sql]
