# --8<-- [start:setup]
import shutil
import tempfile
from pathlib import Path, PureWindowsPath
from typing import Annotated, BinaryIO
from uuid import UUID, uuid4

from fastapi import FastAPI, Form, HTTPException, UploadFile
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict, Field

MIB = 1024 * 1024
PHOTO = 2 * MIB
FOLDER = Path(tempfile.gettempdir()) / "street-photos"
KINDS = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}

app = FastAPI(max_body_size=64 * 1024)
# --8<-- [end:setup]


# --8<-- [start:models]
class Report(BaseModel):
    model_config = ConfigDict(extra="forbid")

    street: Annotated[str, Field(min_length=3, max_length=80)]
    urgent: bool = False
    photos: list[UploadFile] = []


class Photo(BaseModel):
    id: UUID
    title: str
    media_type: str
    size: int
    # --8<-- [end:models]


# --8<-- [start:checks]
def media_type_of(file: BinaryIO) -> str:
    head = file.read(8)
    file.seek(0)
    for signature, media_type in KINDS.items():
        if head.startswith(signature):
            return media_type
    raise HTTPException(415, "Send a PNG or a JPEG")


def check(upload: UploadFile) -> Photo:
    size = upload.size or 0
    if size > PHOTO:
        raise HTTPException(413, f"A photo has at most {PHOTO} bytes")
    return Photo(
        id=uuid4(),
        title=PureWindowsPath(upload.filename or "").name[:100] or "photo",
        media_type=media_type_of(upload.file),
        size=size,
    )
    # --8<-- [end:checks]


# --8<-- [start:store]
photos: dict[UUID, Photo] = {}


def store(upload: UploadFile, photo: Photo) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    part = FOLDER / f"{photo.id}.part"
    try:
        with part.open("xb") as target:
            shutil.copyfileobj(upload.file, target, 256 * 1024)
        part.rename(FOLDER / str(photo.id))
    finally:
        part.unlink(missing_ok=True)
    photos[photo.id] = photo
    # --8<-- [end:store]


# --8<-- [start:routes]
@app.post(
    "/reports",
    status_code=201,
    max_body_size=3 * PHOTO + MIB,
    form_limits={"max_files": 3, "max_fields": 10, "max_part_size": 4096},
)
def send(report: Annotated[Report, Form()]) -> list[Photo]:
    checked = [check(upload) for upload in report.photos]
    for upload, photo in zip(report.photos, checked, strict=True):
        store(upload, photo)
    return checked


@app.get("/photos/{photo_id}")
def download(photo_id: UUID) -> FileResponse:
    photo = photos.get(photo_id)
    if photo is None:
        raise HTTPException(404, "No such photo")
    return FileResponse(
        FOLDER / str(photo.id),
        media_type=photo.media_type,
        filename=photo.title,
        headers={"X-Content-Type-Options": "nosniff"},
    )
    # --8<-- [end:routes]
