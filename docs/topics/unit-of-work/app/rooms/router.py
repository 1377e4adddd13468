from typing import Annotated

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, Field
from sqlalchemy import select

from app.database import SessionDep
from app.rooms.models import RoomRow

router = APIRouter(prefix="/rooms", tags=["rooms"])


class RoomData(BaseModel):
    name: Annotated[str, Field(min_length=1, max_length=40)]
    seats: Annotated[int, Field(ge=1)]


@router.post("", status_code=201)
def add_room(data: RoomData, session: SessionDep) -> RoomData:
    if session.get(RoomRow, data.name):
        raise HTTPException(409, f"there is a room {data.name!r} already")
    session.add(RoomRow(**data.model_dump()))
    session.commit()
    return data


@router.get("")
def list_rooms(session: SessionDep) -> list[RoomData]:
    rooms = session.scalars(select(RoomRow).order_by(RoomRow.name))
    return [RoomData.model_validate(room, from_attributes=True) for room in rooms]
