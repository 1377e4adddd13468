from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import date
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException
from pydantic import BaseModel, Field
from sqlalchemy import ForeignKey, QueuePool, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

# One connection holds the database; whoever needs it waits for a turn.
engine = create_engine(
    "sqlite://",
    poolclass=QueuePool,
    pool_size=1,
    max_overflow=0,
    connect_args={"check_same_thread": False},
)


class Base(DeclarativeBase):
    pass


class Room(Base):
    __tablename__ = "rooms"
    name: Mapped[str] = mapped_column(primary_key=True)
    seats: Mapped[int]


class Booking(Base):
    __tablename__ = "bookings"
    id: Mapped[int] = mapped_column(primary_key=True)
    room: Mapped[str] = mapped_column(ForeignKey("rooms.name"))
    day: Mapped[date]
    start: Mapped[int]
    end: Mapped[int]
    people: Mapped[int]


class RoomData(BaseModel):
    name: str = Field(min_length=1, max_length=40)
    seats: int = Field(ge=1)


class BookingIn(BaseModel):
    room: str
    day: date
    start: int = Field(ge=8, le=19, description="hour of the day")
    end: int = Field(ge=9, le=20)
    people: int = Field(ge=1)


class BookingOut(BookingIn):
    id: int


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    Base.metadata.create_all(engine)
    yield


def get_session() -> Iterator[Session]:
    with Session(engine) as session:
        yield session


SessionDep = Annotated[Session, Depends(get_session)]
app = FastAPI(lifespan=lifespan)


@app.post("/rooms", status_code=201)
def add_room(data: RoomData, session: SessionDep) -> RoomData:
    if session.get(Room, data.name):
        raise HTTPException(409, f"there is a room {data.name!r} already")
    session.add(Room(**data.model_dump()))
    session.commit()
    return data


@app.get("/rooms")
def list_rooms(session: SessionDep) -> list[RoomData]:
    rooms = session.scalars(select(Room).order_by(Room.name))
    return [RoomData.model_validate(room, from_attributes=True) for room in rooms]


# --8<-- [start:route]
@app.post("/bookings", status_code=201)
def book(wish: BookingIn, session: SessionDep) -> BookingOut:
    room = session.get(Room, wish.room)
    if room is None:
        raise HTTPException(404, f"there is no room {wish.room!r}")
    if wish.end <= wish.start:
        raise HTTPException(422, "a booking ends after it starts")
    if wish.people > room.seats:
        raise HTTPException(409, f"{room.name} has {room.seats} seats")
    taken = select(Booking).where(
        Booking.room == room.name,
        Booking.day == wish.day,
        Booking.start < wish.end,
        Booking.end > wish.start,
    )
    if session.scalars(taken).first():
        raise HTTPException(409, f"{room.name} is taken then")
    booking = Booking(**wish.model_dump())
    session.add(booking)
    session.commit()
    return BookingOut.model_validate(booking, from_attributes=True)


# --8<-- [end:route]


@app.get("/bookings")
def list_bookings(room: str, day: date, session: SessionDep) -> list[BookingOut]:
    of_day = select(Booking).where(Booking.room == room, Booking.day == day)
    found = session.scalars(of_day.order_by(Booking.start))
    return [BookingOut.model_validate(each, from_attributes=True) for each in found]


@app.delete("/bookings/{booking_id}", status_code=204)
def cancel(booking_id: int, session: SessionDep) -> None:
    booking = session.get(Booking, booking_id)
    if booking is None:
        raise HTTPException(404, f"there is no booking {booking_id}")
    session.delete(booking)
    session.commit()
