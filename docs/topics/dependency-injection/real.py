# --8<-- [start:session]
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated

from fastapi import (
    APIRouter,
    Depends,
    FastAPI,
    Header,
    HTTPException,
    Query,
    Response,
)
from pydantic import BaseModel
from sqlalchemy import StaticPool, create_engine, func, select
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    mapped_column,
    sessionmaker,
)

engine = create_engine(
    "sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False}
)
transaction = sessionmaker(engine).begin


def get_session() -> Iterator[Session]:
    with transaction() as session:
        yield session


SessionDep = Annotated[Session, Depends(get_session, scope="function")]
# --8<-- [end:session]


# --8<-- [start:tables]
class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"
    key: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]


class Note(Base):
    __tablename__ = "notes"
    id: Mapped[int] = mapped_column(primary_key=True)
    owner: Mapped[str]
    text: Mapped[str]


# --8<-- [end:tables]


# --8<-- [start:dependencies]
def get_user(session: SessionDep, x_key: Annotated[str, Header()]) -> User:
    user = session.get(User, x_key)
    if user is None:
        raise HTTPException(401, "Unknown key")
    return user


UserDep = Annotated[User, Depends(get_user)]


@dataclass
class Notes:
    session: SessionDep
    user: UserDep

    def add(self, text: str) -> Note:
        note = Note(owner=self.user.name, text=text)
        self.session.add(note)
        self.session.flush()
        return note

    def newest(self, limit: int) -> list[Note]:
        mine = select(Note).where(Note.owner == self.user.name)
        query = mine.order_by(Note.id.desc()).limit(limit)
        return list(self.session.scalars(query))


NotesDep = Annotated[Notes, Depends()]


def no_store(response: Response) -> None:
    response.headers["Cache-Control"] = "no-store"


# --8<-- [end:dependencies]


# --8<-- [start:routes]
class NoteIn(BaseModel):
    text: str


class NoteOut(NoteIn):
    id: int


router = APIRouter(prefix="/notes", dependencies=[Depends(get_user)])


@router.post("", status_code=201, response_model=NoteOut)
def write(note: NoteIn, notes: NotesDep) -> Note:
    return notes.add(note.text)


@router.get("", response_model=list[NoteOut])
def read(
    notes: NotesDep, limit: Annotated[int, Query(ge=1, le=50)] = 10
) -> list[Note]:
    return notes.newest(limit)


@router.get("/count")
def count(session: SessionDep) -> int:
    return session.scalars(select(func.count(Note.id))).one()
    # --8<-- [end:routes]


# --8<-- [start:app]
@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    Base.metadata.create_all(engine)
    with transaction() as session:
        session.merge(User(key="key-of-ada", name="ada"))
    yield


app = FastAPI(lifespan=lifespan, dependencies=[Depends(no_store)])
app.include_router(router)
# --8<-- [end:app]
