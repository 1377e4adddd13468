from collections.abc import Iterator, Sequence
from typing import Annotated

from fastapi import Depends, FastAPI
from sqlalchemy import QueuePool
from sqlmodel import (
    Field,
    Relationship,
    Session,
    SQLModel,
    create_engine,
    select,
)


# --8<-- [start:models]
class BookData(SQLModel):
    title: str


class Book(BookData, table=True):
    id: int | None = Field(default=None, primary_key=True)
    author_id: int | None = Field(default=None, foreign_key="author.id")
    author: "Author" = Relationship(back_populates="books")


class AuthorName(SQLModel):
    name: str = Field(min_length=2)
    born: int | None = None


class Author(AuthorName, table=True):
    id: int | None = Field(default=None, primary_key=True)
    books: list[Book] = Relationship(back_populates="author")


# --8<-- [end:models]
class AuthorIn(AuthorName):
    books: list[BookData]


class AuthorOut(AuthorIn):
    id: int


app = FastAPI()
engine = create_engine(
    "sqlite://",
    poolclass=QueuePool,
    pool_size=1,
    max_overflow=0,
    connect_args={"check_same_thread": False},
)
SQLModel.metadata.create_all(engine)


def get_session() -> Iterator[Session]:
    with Session(engine) as session:
        yield session


SessionDep = Annotated[Session, Depends(get_session)]


@app.post("/authors", status_code=201, response_model=AuthorOut)
def add_author(data: AuthorIn, session: SessionDep) -> Author:
    books = [Book.model_validate(book) for book in data.books]
    author = Author.model_validate(data, update={"books": books})
    session.add(author)
    session.commit()
    return author


@app.get("/authors", response_model=list[AuthorOut])
def list_authors(session: SessionDep) -> Sequence[Author]:
    return session.exec(select(Author).order_by(Author.name)).all()
