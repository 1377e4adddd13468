from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Tea(Base):
    __tablename__ = "teas"
    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    cents: Mapped[int]
    origin: Mapped[str | None] = mapped_column(String(60))


class TeaData(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    name: str = Field(max_length=60)
    cents: int
    origin: str | None = Field(default=None, max_length=60)
