# --8<-- [start:models]
import hmac
import os
from typing import Annotated, Any, Self

from fastapi import APIRouter, Depends, FastAPI, Header, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import (
    MISSING,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

Text = Annotated[str, Field(min_length=1, max_length=80)]


class Input(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Address(Input):
    street: Text
    city: Text


class Customer(Input):
    name: Text
    email: Text | None = None
    phone: Text | None = None
    address: Address

    @model_validator(mode="after")
    def reachable(self) -> Self:
        if self.email is None and self.phone is None:
            raise ValueError("give an email or a phone number")
        return self
        # --8<-- [end:models]


# --8<-- [start:patches]
class AddressPatch(Input):
    street: Text | MISSING = MISSING
    city: Text | MISSING = MISSING


class CustomerPatch(Input):
    name: Text | MISSING = MISSING
    email: Text | MISSING | None = MISSING
    phone: Text | MISSING | None = MISSING
    address: AddressPatch | MISSING = MISSING
    # --8<-- [end:patches]


# --8<-- [start:apply]
def merged(stored: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    result = dict(stored)
    for key, value in changes.items():
        nested = isinstance(value, dict) and isinstance(stored.get(key), dict)
        result[key] = merged(stored[key], value) if nested else value
    return result


def patched(stored: Customer, patch: CustomerPatch) -> Customer:
    data = merged(stored.model_dump(), patch.model_dump())
    try:
        return Customer.model_validate(data)
    except ValidationError as error:
        found = error.errors(include_url=False)
        problems = [each | {"loc": ("body", *each["loc"])} for each in found]
        raise RequestValidationError(problems) from None
        # --8<-- [end:apply]


# --8<-- [start:routes]
app = FastAPI()
customers: dict[int, Customer] = {}


@app.put("/customers/{number}")
def put_customer(number: int, customer: Customer) -> Customer:
    customers[number] = customer
    return customer


@app.patch("/customers/{number}")
def patch_customer(number: int, patch: CustomerPatch) -> Customer:
    if number not in customers:
        raise HTTPException(404, f"There is no customer {number}")
    customers[number] = patched(customers[number], patch)
    return customers[number]
    # --8<-- [end:routes]


# --8<-- [start:errors]
@app.exception_handler(RequestValidationError)
def refuse(request: Request, error: RequestValidationError) -> JSONResponse:
    kept = ("type", "loc", "msg")
    problems = [{key: each[key] for key in kept} for each in error.errors()]
    return JSONResponse({"detail": problems}, 422)
    # --8<-- [end:errors]


# --8<-- [start:raw]
async def signed(request: Request, x_signature: Annotated[str, Header()]) -> None:
    secret = os.environ["WEBHOOK_SECRET"].encode()
    expected = hmac.digest(secret, await request.body(), "sha256").hex()
    if not hmac.compare_digest(expected.encode(), x_signature.encode()):
        raise HTTPException(401, "Wrong signature")


class Event(BaseModel):
    id: str
    amount: float


hooks = APIRouter(strict_content_type=False, max_body_size=64 * 1024)


@hooks.post("/events", dependencies=[Depends(signed)], status_code=202)
def receive(event: Event) -> dict[str, str]:
    return {"accepted": event.id}


app.include_router(hooks)
# --8<-- [end:raw]
