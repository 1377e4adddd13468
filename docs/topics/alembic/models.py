from base import Base
from sqlalchemy.orm import Mapped, mapped_column

__all__ = ["Account", "Base"]


# --8<-- [start:models]
class Account(Base):
    __tablename__ = "accounts"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(unique=True)
    bio: Mapped[str | None]
    display_name: Mapped[str]


# --8<-- [end:models]
