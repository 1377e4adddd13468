from pydantic import BaseModel


class Book(BaseModel):
    id: int
    title: str
    year: int | None = None


BOOKS = {
    1: Book(id=1, title="Emma", year=1815),
    2: Book(id=2, title="Beowulf"),
}
