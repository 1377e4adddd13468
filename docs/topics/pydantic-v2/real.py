# --8<-- [start:base]
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, Literal, TypeVar

from fastapi import FastAPI, HTTPException
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic.alias_generators import to_camel


class Wire(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        serialize_by_alias=True,
        from_attributes=True,
    )


class Input(Wire, extra="forbid"):
    pass


def in_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


Moment = Annotated[AwareDatetime, AfterValidator(in_utc)]
# --8<-- [end:base]


# --8<-- [start:events]
class Picked(Input):
    kind: Literal["picked"] = "picked"
    at: Moment


class Delivered(Input):
    kind: Literal["delivered"] = "delivered"
    at: Moment
    signed_by: str


class Unknown(Wire):
    kind: Literal["unknown"] = "unknown"
    raw: Any


def tolerate(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    try:
        return handler(value)
    except ValidationError:
        return Unknown(raw=value)


Event = Annotated[Picked | Delivered | Unknown, Field(discriminator="kind")]
Received = Annotated[Event, WrapValidator(tolerate)]
# --8<-- [end:events]


# --8<-- [start:page]
Item = TypeVar("Item")


class Page(Wire, Generic[Item]):
    items: list[Item]
    total_items: int
    # --8<-- [end:page]


# --8<-- [start:routes]
EVENTS = TypeAdapter(list[Event])
app = FastAPI()
stored: dict[str, bytes] = {}


@app.post("/parcels/{code}/events", status_code=202)
def receive(code: str, events: list[Received]) -> Page[Event]:
    stored[code] = EVENTS.dump_json(events)
    return Page[Event](items=events, total_items=len(events))


@app.get("/parcels/{code}/events")
def history(code: str) -> Page[Event]:
    if code not in stored:
        raise HTTPException(404, f"There is no parcel {code}")
    events = EVENTS.validate_json(stored[code])
    return Page[Event](items=events, total_items=len(events))
    # --8<-- [end:routes]
