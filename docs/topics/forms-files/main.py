from hashlib import sha256
from typing import Annotated

from fastapi import FastAPI, Form, UploadFile
from pydantic import BaseModel, Field

MIB = 1024 * 1024

app = FastAPI(max_body_size=5 * MIB)


# --8<-- [start:models]
class Report(BaseModel):
    street: Annotated[str, Field(min_length=3)]
    depth_cm: int | None = None
    urgent: bool = False


class Receipt(BaseModel):
    report: Report
    photo: str | None = None
    size: int = 0
    sha256: str | None = None
    # --8<-- [end:models]


# --8<-- [start:route]
@app.post("/reports")
async def send(
    report: Annotated[Report, Form()], photo: UploadFile | None = None
) -> Receipt:
    if photo is None:
        return Receipt(report=report)
    digest, size = sha256(), 0
    while chunk := await photo.read(64 * 1024):
        digest.update(chunk)
        size += len(chunk)
    return Receipt(
        report=report, photo=photo.filename, size=size, sha256=digest.hexdigest()
    )
    # --8<-- [end:route]
