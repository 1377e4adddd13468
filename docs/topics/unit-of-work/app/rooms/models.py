from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base


class RoomRow(Base):
    __tablename__ = "rooms"
    name: Mapped[str] = mapped_column(primary_key=True)
    seats: Mapped[int]
