import asyncio
import base64
import hashlib
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import main
import pytest
import real
from fastapi import (
    BackgroundTasks,
    Depends,
    FastAPI,
    File,
    Form,
    HTTPException,
    Request,
    UploadFile,
)
from pydantic import BaseModel, Json

MIB = 1024 * 1024
PNG = b"\x89PNG\r\n\x1a\n" + b"pixels"
JPEG = b"\xff\xd8\xff\xe0" + b"pixels"
HEAD = (
    b"--fence\r\nContent-Disposition: form-data; "
    b'name="file"; filename="big.bin"\r\n\r\n'
)
TAIL = b"\r\n--fence--\r\n"
MULTIPART = {"Content-Type": "multipart/form-data; boundary=fence"}


def app_with(endpoint, path="/", **options):
    app = FastAPI(**options)
    app.add_api_route(path, endpoint, methods=["POST"])
    return app


def first_error(answer):
    error = answer.json()["detail"][0]
    return answer.status_code, error["type"], error["loc"]


def one_part(filename, content=b"x"):
    """Build a body whose file name no client library has touched."""
    head = f'--fence\r\nContent-Disposition: form-data; name="file"; {filename}'
    return head.encode() + b"\r\n\r\n" + content + TAIL


class Upload:
    """A chunked body of 3 MiB that counts what the server took of it."""

    pieces, size = 48, 64 * 1024

    def __init__(self):
        self.taken = 0

    async def body(self):
        yield HEAD
        for _ in range(self.pieces):
            self.taken += 1
            yield b"x" * self.size
        yield TAIL


@pytest.fixture
def city(client_for, tmp_path, monkeypatch):
    """Let real.py store below a temporary folder; give it and a way to a client."""
    monkeypatch.setattr(real, "FOLDER", tmp_path / "photos")
    monkeypatch.setattr(real, "photos", {})
    return real.FOLDER, lambda: client_for(real.app)


# How the small app behaves


async def test_a_form_without_a_file_needs_no_multipart(client):
    form = {"street": "Main Street", "depth_cm": "12", "urgent": "on"}
    answer = await client.post("/reports", data=form)
    assert answer.status_code == 200
    assert answer.json() == {
        "report": {"street": "Main Street", "depth_cm": 12, "urgent": True},
        "photo": None,
        "size": 0,
        "sha256": None,
    }


async def test_a_file_is_read_in_chunks_beside_a_form_model(client):
    picture = bytes(range(256)) * 8192
    answer = await client.post(
        "/reports",
        data={"street": "Main Street"},
        files={"photo": ("hole.png", picture, "image/png")},
    )
    assert answer.status_code == 200
    assert answer.json() == {
        "report": {"street": "Main Street", "depth_cm": None, "urgent": False},
        "photo": "hole.png",
        "size": 2 * MIB,
        "sha256": hashlib.sha256(picture).hexdigest(),
    }


async def test_empty_fields_and_an_empty_file_input_count_as_absent(client):
    body = (
        b'--fence\r\nContent-Disposition: form-data; name="street"\r\n\r\nMain\r\n'
        b'--fence\r\nContent-Disposition: form-data; name="depth_cm"\r\n\r\n\r\n'
        b'--fence\r\nContent-Disposition: form-data; name="photo"; filename=""\r\n'
        b"Content-Type: application/octet-stream\r\n\r\n\r\n--fence--\r\n"
    )
    answer = await client.post("/reports", content=body, headers=MULTIPART)
    assert answer.status_code == 200
    assert answer.json()["report"]["depth_cm"] is None
    assert answer.json()["photo"] is None


async def test_json_sent_to_a_form_is_a_missing_field(client):
    answer = await client.post("/reports", json={"street": "Main Street"})
    assert first_error(answer) == (422, "missing", ["body", "street"])


# Forms


async def test_an_unticked_checkbox_takes_the_default_or_is_missing(client_for):
    def required(name: Annotated[str, Form()], news: Annotated[bool, Form()]):
        return news

    def default(
        name: Annotated[str, Form()], news: Annotated[bool, Form()] = False
    ):
        return news

    async with client_for(app_with(required)) as client:
        unticked = await client.post("/", data={"name": "Ada"})
        ticked = await client.post("/", data={"name": "Ada", "news": "on"})
    assert first_error(unticked) == (422, "missing", ["body", "news"])
    assert ticked.json() is True
    async with client_for(app_with(default)) as client:
        unticked = await client.post("/", data={"name": "Ada"})
    assert (unticked.status_code, unticked.json()) == (200, False)


class Person(BaseModel):
    name: str
    roles: list[str] = []


class Address(BaseModel):
    street: str
    city: str


async def test_several_form_models_and_plain_fields_share_one_form(client_for):
    def endpoint(
        person: Annotated[Person, Form()],
        address: Annotated[Address | None, Form()] = None,
        note: Annotated[str | None, Form()] = None,
    ):
        return [person, address, note]

    async with client_for(app_with(endpoint)) as client:
        answer = await client.post(
            "/", data={"name": "Ada", "roles": ["dev", "ops"], "note": "hi"}
        )
        half = await client.post("/", data={"name": "Ada", "street": "Main"})
    ada = {"name": "Ada", "roles": ["dev", "ops"]}
    assert answer.json() == [ada, None, "hi"]
    assert first_error(half) == (422, "missing", ["body", "city"])


async def test_without_python_multipart_the_app_does_not_start(monkeypatch):
    def endpoint(file: UploadFile):
        return file.size

    app_with(endpoint)
    monkeypatch.setitem(sys.modules, "python_multipart", None)
    monkeypatch.setitem(sys.modules, "multipart", None)
    with pytest.raises(RuntimeError, match='requires "python-multipart"'):
        app_with(endpoint)


# Files


async def test_a_file_moves_to_disk_above_one_mebibyte(client_for, shown):
    async def endpoint(file: UploadFile):
        return "disk" if file.file._rolled else "memory"

    lines = []
    async with client_for(app_with(endpoint)) as client:
        for size in (0, 1000, MIB, MIB + 1, 8 * MIB):
            answer = await client.post("/", files={"file": ("a", b"x" * size)})
            lines.append(f"{size:>9,} bytes   {answer.json()}")
    shown("spool", "\n".join(lines))
    assert [line.split()[-1] for line in lines] == [*["memory"] * 3, *["disk"] * 2]


async def test_a_second_read_is_empty_until_somebody_seeks(client_for):
    async def endpoint(file: UploadFile):
        sizes = [len(await file.read()), len(await file.read())]
        await file.seek(0)
        return [*sizes, len(await file.read())]

    async with client_for(app_with(endpoint)) as client:
        answer = await client.post("/", files={"file": ("a", b"hello")})
    assert answer.json() == [5, 0, 5]


async def test_name_and_type_are_whatever_the_client_wrote(client_for, shown):
    async def endpoint(file: UploadFile):
        return file.filename

    sent = ["../../etc/passwd", "/etc/passwd", "..\\..\\win.ini"]
    sent += ["C:\\Users\\ada\\hole.png", "%2e%2e/a.png", "hole.php.png", "é.png"]
    lines = []
    async with client_for(app_with(endpoint)) as client:
        for name in sent:
            body = one_part(f'filename="{name}"')
            answer = await client.post("/", content=body, headers=MULTIPART)
            lines.append(f"{name:<24} {answer.json()}")
    shown("names", "\n".join([f"{'sent':<24} UploadFile.filename", *lines]))
    assert lines[0].split() == ["../../etc/passwd"] * 2
    assert lines[3].split()[-1] == "hole.png"

    async def claimed(file: UploadFile):
        return file.content_type

    async with client_for(app_with(claimed)) as client:
        script = ("a.png", b"<script>", "image/png")
        assert (
            await client.post("/", files={"file": script})
        ).json() == "image/png"


async def test_a_background_task_can_still_read_the_file(client_for):
    seen = []

    async def later(file: UploadFile):
        seen.append(await file.read())

    async def endpoint(file: UploadFile, tasks: BackgroundTasks):
        tasks.add_task(later, file)

    async with client_for(app_with(endpoint)) as client:
        await client.post("/", files={"file": ("a", b"hello")})
    assert seen == [b"hello"]


# Limits


async def size_of(file: Annotated[bytes, File()]):
    return len(file)


async def test_without_a_limit_five_megabytes_are_read(client_for):
    async with client_for(app_with(size_of)) as client:
        big = await client.post("/", files={"file": ("a", b"x" * 5_000_000)})
    assert (big.status_code, big.json()) == (200, 5_000_000)


async def test_a_told_length_over_the_limit_is_refused_unread(client_for):
    upload = Upload()
    length = {"Content-Length": str(3 * MIB)}
    async with client_for(app_with(size_of, max_body_size=MIB)) as client:
        answer = await client.post(
            "/", content=upload.body(), headers=MULTIPART | length
        )
    assert (answer.status_code, upload.taken) == (413, 0)


async def test_the_body_is_received_before_a_dependency_can_refuse(client_for):
    def nobody():
        raise HTTPException(401)

    async def endpoint(file: UploadFile, _: Annotated[None, Depends(nobody)]):
        return file.size

    upload = Upload()
    async with client_for(app_with(endpoint)) as client:
        answer = await client.post("/", content=upload.body(), headers=MULTIPART)
    assert (answer.status_code, upload.taken) == (401, upload.pieces)


async def test_every_refusal_has_its_own_status_and_shape(client_for, shown):
    def endpoint(file: UploadFile | None = None, text: Annotated[str, Form()] = ""):
        return "ok"

    def described(answer):
        if answer.headers["content-type"].startswith("text/plain"):
            return f"{answer.status_code}  text: {answer.text}"
        detail = answer.json()["detail"]
        if isinstance(detail, list):
            detail = detail[0]["msg"]
        return f"{answer.status_code}  JSON: {detail}"

    fence = {"content": b"nonsense", "headers": MULTIPART}
    bare = {"Content-Type": "multipart/form-data"}
    many = [("file", ("a", b"")) for _ in range(1001)]
    cases = {
        "no boundary": {"content": TAIL, "headers": bare},
        "broken multipart": fence,
        "text over 1 MiB": {"data": {"text": "x" * (MIB + 1)}},
        "1,001 fields": {"data": {f"f{i}": "1" for i in range(1001)}},
        "1,001 files": {"files": many},
        "text for a file": {"data": {"file": "hole.png"}},
        "too big, length told": {"files": {"file": ("a", b"x" * 3 * MIB)}},
        "too big, in chunks": {"content": Upload().body(), "headers": MULTIPART},
    }
    seen = {}
    async with client_for(app_with(endpoint, max_body_size=2 * MIB)) as client:
        for name, request in cases.items():
            seen[name] = described(await client.post("/", **request))
    shown("refusals", "\n".join(f"{name:<22}{seen[name]}" for name in seen))
    assert seen["no boundary"] == "400  JSON: Missing boundary in multipart."
    assert seen["too big, length told"] == "413  text: Content Too Large"
    assert seen["too big, in chunks"] == "413  JSON: Content Too Large"
    assert seen["text for a file"].startswith("422")


async def test_form_limits_of_a_route_answer_400(client_for):
    def endpoint(files: list[UploadFile]):
        return len(files)

    app = FastAPI()
    app.post("/", form_limits={"max_files": 1})(endpoint)
    async with client_for(app) as client:
        one = await client.post("/", files=[("files", ("a", b"1"))])
        two = await client.post("/", files=[("files", ("a", b"1"))] * 2)
    assert (one.status_code, one.json()) == (200, 1)
    assert two.status_code == 400
    assert two.json() == {"detail": "Too many files. Maximum number of files is 1."}


# How the shipped app behaves


async def test_a_photo_is_stored_under_an_id_and_served_under_its_title(city):
    folder, open_client = city
    files = [
        ("photos", ("../../hole.png", PNG, "text/html")),
        ("photos", ("b.jpg", JPEG)),
    ]
    async with open_client() as client:
        answer = await client.post("/reports", data={"street": "Main"}, files=files)
        assert answer.status_code == 201
        first, second = answer.json()
        assert first["title"] == "hole.png"
        assert (first["media_type"], first["size"]) == ("image/png", len(PNG))
        assert second["media_type"] == "image/jpeg"
        back = await client.get(f"/photos/{first['id']}")
    assert (back.status_code, back.content) == (200, PNG)
    assert back.headers["content-type"] == "image/png"
    assert back.headers["x-content-type-options"] == "nosniff"
    disposition = back.headers["content-disposition"]
    assert disposition == 'attachment; filename="hole.png"'
    names = sorted(path.name for path in folder.iterdir())
    assert names == sorted([first["id"], second["id"]])


async def test_one_wrong_file_refuses_all_and_stores_none(city):
    folder, open_client = city
    page = ("photos", ("b.png", b"<script>alert(1)</script>", "image/png"))
    files = [("photos", ("a.png", PNG)), page]
    async with open_client() as client:
        answer = await client.post("/reports", data={"street": "Main"}, files=files)
    assert (answer.status_code, answer.json()) == (
        415,
        {"detail": "Send a PNG or a JPEG"},
    )
    assert not folder.exists()


async def test_a_title_is_the_last_part_of_the_name_in_both_styles(city):
    _, open_client = city
    titles = []
    async with open_client() as client:
        for name in ("../../a.png", "..\\..\\a.png", "", "x" * 300):
            head = f'filename="{name}"'
            part = one_part(head, PNG).replace(b'name="file"', b'name="photos"')
            street = b'--fence\r\nContent-Disposition: form-data; name="street"'
            body = street + b"\r\n\r\nMain\r\n" + part
            answer = await client.post("/reports", content=body, headers=MULTIPART)
            titles.append(answer.json()[0]["title"])
    assert titles == ["a.png", "a.png", "photo", "x" * 100]


async def test_an_empty_file_input_is_an_empty_list(city):
    _, open_client = city
    street = b'--fence\r\nContent-Disposition: form-data; name="street"'
    none = one_part('filename=""', b"").replace(b'name="file"', b'name="photos"')
    body = street + b"\r\n\r\nMain\r\n" + none
    async with open_client() as client:
        answer = await client.post("/reports", content=body, headers=MULTIPART)
    assert (answer.status_code, answer.json()) == (201, [])


async def test_a_photo_over_its_own_limit_is_a_413(city):
    _, open_client = city
    files = {"photos": ("a.png", PNG + b"x" * real.PHOTO)}
    async with open_client() as client:
        answer = await client.post("/reports", data={"street": "Main"}, files=files)
    assert answer.status_code == 413
    assert answer.json() == {"detail": "A photo has at most 2097152 bytes"}


async def test_the_route_limit_replaces_the_limit_of_the_app(city):
    _, open_client = city
    async with open_client() as client:
        files = {"photos": ("a.png", PNG + b"x" * MIB)}
        fits = await client.post("/reports", data={"street": "Main"}, files=files)
        four = [("photos", ("a.png", PNG))] * 4
        many = await client.post("/reports", data={"street": "Main"}, files=four)
        typo = await client.post("/reports", data={"street": "Main", "urgnt": "on"})
        gone = await client.get(f"/photos/{uuid4()}")
    assert fits.status_code == 201
    assert (many.status_code, gone.status_code) == (400, 404)
    assert first_error(typo) == (422, "extra_forbidden", ["body", "urgnt"])


async def test_a_failed_copy_leaves_no_file_behind(city, monkeypatch):
    folder, open_client = city

    def full_disk(source, target, length):
        target.write(source.read(4))
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfileobj", full_disk)
    async with open_client() as client:
        files = {"photos": ("a.png", PNG)}
        answer = await client.post("/reports", data={"street": "Main"}, files=files)
    assert answer.status_code == 500
    assert list(folder.iterdir()) == [] == list(real.photos)


# The gotchas


async def test_json_model_beside_a_file(client_for):
    async def probe(endpoint):
        async with client_for(app_with(endpoint)) as client:
            return await client.post(
                "/",
                data={"report": '{"street": "Main Street"}'},
                files={"photo": ("hole.png", PNG)},
            )

    def trap(report: main.Report, photo: UploadFile):
        return report.street

    def fix(report: Annotated[Json[main.Report], Form()], photo: UploadFile):
        return report.street

    refused = await probe(trap)
    assert first_error(refused) == (
        422,
        "model_attributes_type",
        ["body", "report"],
    )
    accepted = await probe(fix)
    assert (accepted.status_code, accepted.json()) == (200, "Main Street")


async def test_emptied_field_keeps_its_old_value(client_for):
    async def probe(endpoint_for):
        profile = {"bio": "I like tea"}
        async with client_for(app_with(endpoint_for(profile))) as client:
            answer = await client.post("/", data={"name": "Ada", "bio": ""})
        return answer.status_code, profile["bio"]

    def trap(profile):
        def save(bio: Annotated[str | None, Form()] = None):
            if bio is not None:
                profile["bio"] = bio

        return save

    def fix(profile):
        def save(bio: Annotated[str, Form()] = ""):
            profile["bio"] = bio

        return save

    assert await probe(trap) == (200, "I like tea")
    assert await probe(fix) == (200, "")


async def test_file_name_leaves_the_folder(client_for, tmp_path):
    async def probe(name_of):
        root = Path(tempfile.mkdtemp(dir=tmp_path))
        uploads = root / "site" / "uploads"
        uploads.mkdir(parents=True)

        def endpoint(file: UploadFile):
            (uploads / name_of(file)).write_bytes(file.file.read())

        async with client_for(app_with(endpoint)) as client:
            for name in ("../main.py", f"{root}/crontab"):
                body = one_part(f'filename="{name}"')
                answer = await client.post("/", content=body, headers=MULTIPART)
                assert answer.status_code == 200
        outside = [root / "site" / "main.py", root / "crontab"]
        return sum(path.exists() for path in outside), len(list(uploads.iterdir()))

    def trap(file):
        return file.filename

    def fix(file):
        return str(uuid4())

    assert await probe(trap) == (2, 0)
    assert await probe(fix) == (0, 2)
    assert "....//main.py".replace("../", "") == "../main.py"


async def test_size_check_comes_too_late(client_for):
    async def probe(app):
        upload = Upload()
        async with client_for(app) as client:
            answer = await client.post(
                "/", content=upload.body(), headers=MULTIPART
            )
        return answer.status_code, upload.taken

    def trap(file: UploadFile):
        if file.size > MIB:
            raise HTTPException(413)

    def fix(file: UploadFile):
        return file.size

    assert await probe(app_with(trap)) == (413, 48)
    assert await probe(app_with(fix, max_body_size=MIB)) == (413, 16)


async def test_long_text_is_a_400(client_for):
    picture = base64.b64encode(bytes(MIB)).decode()

    async def probe(app):
        async with client_for(app) as client:
            files = {"photo": (None, picture)}
            answer = await client.post("/", files=files)
        return answer.status_code, answer.json()

    def endpoint(photo: Annotated[str, Form()]):
        return len(base64.b64decode(photo))

    trap = app_with(endpoint)
    fix = app_with(endpoint, form_limits={"max_part_size": 2 * MIB})
    refused = {"detail": "Part exceeded maximum size of 1024KB."}
    assert await probe(trap) == (400, refused)
    assert await probe(fix) == (200, MIB)


async def test_large_files_fail_without_a_temp_folder(
    client_for, tmp_path, monkeypatch, caplog
):
    async def probe(folder):
        monkeypatch.setattr(tempfile, "tempdir", str(folder))

        def endpoint(file: UploadFile):
            return file.size

        async with client_for(app_with(endpoint)) as client:
            small = await client.post("/", files={"file": ("a", b"x" * MIB)})
            large = await client.post("/", files={"file": ("a", b"x" * (MIB + 1))})
        return small.status_code, large.status_code, large.json()

    trap, fix = tmp_path / "read-only", tmp_path
    refused = {"detail": "There was an error parsing the body"}
    assert await probe(trap) == (200, 400, refused)
    assert [record for record in caplog.records if record.levelname != "INFO"] == []
    assert await probe(fix) == (200, 200, MIB + 1)


async def test_file_is_closed_after_the_request(client_for):
    async def probe(hand_over):
        answered, seen = asyncio.Event(), []

        async def later(thing):
            await answered.wait()
            try:
                data = await thing.read() if hasattr(thing, "read") else thing
            except ValueError as error:
                data = str(error)
            seen.append(data)

        tasks = []

        async def endpoint(file: UploadFile):
            tasks.append(asyncio.create_task(later(await hand_over(file))))

        async with client_for(app_with(endpoint)) as client:
            await client.post("/", files={"file": ("a", b"hello")})
        answered.set()
        await asyncio.gather(*tasks)
        return seen

    async def trap(file):
        return file

    async def fix(file):
        return await file.read()

    assert await probe(trap) == ["I/O operation on closed file."]
    assert await probe(fix) == [b"hello"]


async def test_the_raw_form_tells_empty_from_absent(client_for):
    async def endpoint(request: Request, bio: Annotated[str | None, Form()] = None):
        return [bio, "bio" in await request.form()]

    async with client_for(app_with(endpoint)) as client:
        empty = await client.post("/", data={"name": "Ada", "bio": ""})
        absent = await client.post("/", data={"name": "Ada"})
    assert empty.json() == [None, True]
    assert absent.json() == [None, False]
