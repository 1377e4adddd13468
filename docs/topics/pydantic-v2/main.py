# --8<-- [start:models]
from math import prod
from typing import Annotated, Any, Literal, Self

from fastapi import FastAPI
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    computed_field,
    field_serializer,
    field_validator,
    model_validator,
)
from pydantic.alias_generators import to_camel


class Home(BaseModel):
    kind: Literal["home"]
    street: str


class Locker(BaseModel):
    kind: Literal["locker"]
    number: int


class Parcel(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel)

    code: str
    size_cm: tuple[int, int, int]
    labels: set[str] = set()
    deliver_to: Annotated[Home | Locker, Field(discriminator="kind")]
    # --8<-- [end:models]

    # --8<-- [start:in]
    @field_validator("code", mode="before")
    @classmethod
    def tidy(cls, value: Any) -> Any:
        return value.strip().upper() if isinstance(value, str) else value

    @model_validator(mode="after")
    def fits(self) -> Self:
        if self.deliver_to.kind == "locker" and max(self.size_cm) > 60:
            raise ValueError("too long for a locker")
        return self

    # --8<-- [end:in]

    # --8<-- [start:out]
    @field_serializer("labels")
    def in_order(self, labels: set[str]) -> list[str]:
        return sorted(labels)

    @computed_field
    @property
    def liters(self) -> float:
        return prod(self.size_cm) / 1000


app = FastAPI()


@app.post("/parcels", status_code=201)
def register(parcel: Parcel) -> Parcel:
    return parcel
    # --8<-- [end:out]
