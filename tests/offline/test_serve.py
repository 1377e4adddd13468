"""The server that lies in the offline copy: both addresses, right types, clear words."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from macros.export.offline import serve
from tests.offline.unpacked import serving_copy


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small copy."""
    folder = tmp_path_factory.mktemp("copies") / "copy"
    files = {
        "index.html": "home",
        "map.html": "map",
        "404.html": "lost",
        "topics/sse/index.html": "sse",
        "topics.html": "topics",
        "assets/a.wasm": "",
        "assets/a.mjs": "",
        "assets/a.js": "",
        "assets/a.bin": "",
        "assets/frame.htm": "",
        "with space.html": "space",
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    (folder.parent / "secret.txt").write_text("secret", encoding="utf-8")
    shutil.copyfile(serve.__file__, folder / "serve.py")
    return folder


@pytest.fixture(scope="module")
def root(copy: Path) -> Iterator[str]:
    with serving_copy(copy) as address:
        yield address


def get(address: str) -> httpx2.Response:
    return httpx2.get(address, follow_redirects=True)


@pytest.mark.parametrize(
    ("path", "place", "text"),
    [
        ("", "", "home"),
        ("index.html", "index.html", "home"),
        ("map/", "map.html", "map"),
        ("map", "map.html", "map"),
        ("map.html", "map.html", "map"),
        ("map/?q=a", "map.html?q=a", "map"),
        ("topics/", "topics.html", "topics"),
        ("topics/sse", "topics/sse/", "sse"),
        ("topics/sse/", "topics/sse/", "sse"),
        ("with%20space/", "with%20space.html", "space"),
        ("//example.com/map/", "map.html", None),
    ],
)
def test_a_page_is_found_under_both_addresses(
    root: str, path: str, place: str, text: str | None
) -> None:
    answer = get(root + path)
    if text is None:
        assert answer.status_code == 404
    else:
        assert (answer.text, str(answer.url)) == (text, root + place)


@pytest.mark.parametrize(
    "path",
    ["nowhere/", "map.html/", "../secret.txt", "%2e%2e/secret.txt", "..%2fsecret.txt", "a%00b"],
)
def test_anything_else_is_the_page_of_wrong_addresses(root: str, path: str) -> None:
    host, port = root.removeprefix("http://").rstrip("/").split(":")
    with socket.create_connection((host, int(port))) as line:
        line.sendall(f"GET /{path} HTTP/1.0\r\n\r\n".encode())
        answer = b"".join(iter(lambda: line.recv(65536), b"")).decode()
    assert " 404 " in answer.splitlines()[0]
    assert answer.endswith("lost")


@pytest.mark.parametrize(
    ("file", "kind"),
    [
        ("map.html", "text/html; charset=utf-8"),
        ("assets/frame.htm", "text/html; charset=utf-8"),
        ("assets/a.js", "text/javascript; charset=utf-8"),
        ("assets/a.mjs", "text/javascript; charset=utf-8"),
        ("assets/a.wasm", "application/wasm"),
        ("assets/a.bin", "application/octet-stream"),
    ],
)
def test_types_do_not_depend_on_the_machine(root: str, file: str, kind: str) -> None:
    assert httpx2.get(root + file).headers["content-type"] == kind


def test_a_head_has_the_length_and_no_body(root: str) -> None:
    answer = httpx2.head(root)
    assert (answer.headers["content-length"], answer.content) == ("4", b"")


def test_only_this_computer_is_listened_to(copy: Path) -> None:
    with serve.listen(0) as server:
        assert server.server_address[0] == "127.0.0.1"


def test_a_taken_port_is_told_and_nothing_else(copy: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "serve.py", "--no-open", "--port", str(port)]
        done = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"Port {port} cannot be used" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_a_wish_another_port_is_taken_where_the_usual_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setattr(serve, "PORT", taken.getsockname()[1])
        with serve.listen(None) as server:
            assert server.server_port != serve.PORT


def test_an_interrupt_ends_it_quietly(copy: Path) -> None:
    command = [sys.executable, "serve.py", "--no-open", "--port", "0"]
    with subprocess.Popen(
        command, cwd=copy, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        assert "Ctrl+C ends" in server.stdout.readline()
        server.send_signal(signal.SIGINT)
        try:
            said = server.communicate(timeout=10)
        finally:
            server.kill()
    assert server.returncode == 0
    assert said == ("\n", "")


def test_it_is_written_for_older_pythons_too() -> None:
    import ast

    ast.parse(Path(serve.__file__).read_text(encoding="utf-8"), feature_version=(3, 8))
