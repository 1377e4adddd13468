# --8<-- [start:base]
from datetime import date
from enum import StrEnum
from itertools import chain
from operator import attrgetter
from typing import Annotated, Self

from fastapi import FastAPI, Query
from pydantic import (
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)


class QueryModel(BaseModel):
    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def blank_is_absent(cls, sent: dict[str, str | list[str]]) -> dict[str, object]:
        return {name: text for name, text in sent.items() if text not in ("", [""])}


def split_commas(texts: list[str]) -> list[str]:
    return list(chain.from_iterable(text.split(",") for text in texts))


Ids = Annotated[list[int], Field(max_length=50), BeforeValidator(split_commas)]
# --8<-- [end:base]


# --8<-- [start:models]
class Sort(StrEnum):
    OLDEST = "published"
    NEWEST = "-published"
    TITLE = "title"


class Paging(QueryModel):
    limit: int = Field(20, ge=1, le=100)
    offset: int = Field(0, ge=0, le=10_000)


class BookQuery(Paging):
    author: str | None = Field(None, max_length=100)
    ids: Ids = []
    since: date = Field(date.min, validation_alias=AliasChoices("since", "from"))
    until: date = date.max
    sort: Sort = Sort.TITLE

    @model_validator(mode="after")
    def dates_in_order(self) -> Self:
        if self.since > self.until:
            raise ValueError("since is after until")
        return self
        # --8<-- [end:models]


# --8<-- [start:route]
class Book(BaseModel):
    id: int
    title: str
    author: str
    published: date


BOOKS = [
    Book(id=1, title="Emma", author="Jane Austen", published=date(1815, 12, 23)),
    Book(id=2, title="Dracula", author="Bram Stoker", published=date(1897, 5, 26)),
    Book(
        id=3, title="Persuasion", author="Jane Austen", published=date(1817, 12, 20)
    ),
]

app = FastAPI()


@app.get("/books")
def list_books(query: Annotated[BookQuery, Query()]) -> list[Book]:
    found = [
        book
        for book in BOOKS
        if (query.author is None or query.author in book.author)
        and (not query.ids or book.id in query.ids)
        and query.since <= book.published <= query.until
    ]
    column, descending = query.sort.removeprefix("-"), query.sort.startswith("-")
    found.sort(key=attrgetter(column), reverse=descending)
    return found[query.offset :][: query.limit]
    # --8<-- [end:route]
