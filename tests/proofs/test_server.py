from __future__ import annotations

import socket
import sys

import pytest

from macros.proofs.server import ServerError, serve
from tests.proofs.tearoom import Tearoom


async def test_a_real_server_answers_and_is_gone_afterwards(tearoom: Tearoom) -> None:
    folder = tearoom.add("green-tea")
    async with serve("main:app", "--root-path", "/tea", cwd=folder) as url:
        assert url.url == f"http://127.0.0.1:{url.port}"
        async with url.client() as http:
            answer = (await http.get("/cups")).json()
        assert answer["leaf"] == "green-tea"
        assert answer["path"] == "/tea/cups"
        assert url.process.poll() is None
        assert '"GET /tea/cups HTTP/1.1" 201' in url.log()
    assert url.process.poll() is not None
    with socket.socket() as probe, pytest.raises(ConnectionRefusedError):
        probe.connect(("127.0.0.1", url.port))
    assert not any("__pycache__" in name for name in tearoom.files())


async def test_a_server_that_does_not_start_shows_its_log(tearoom: Tearoom) -> None:
    folder = tearoom.add("green-tea", main_py="raise RuntimeError('no water')\n")
    with pytest.raises(ServerError, match="RuntimeError: no water"):
        async with serve("main:app", cwd=folder):
            pass


async def test_a_server_is_ended_when_the_test_fails(tearoom: Tearoom) -> None:
    folder = tearoom.add("green-tea")
    with pytest.raises(ZeroDivisionError):
        async with serve("main:app", cwd=folder) as url:
            raise ZeroDivisionError
    assert url.process.poll() is not None


async def test_another_server_may_be_named(tearoom: Tearoom) -> None:
    folder = tearoom.add("green-tea")
    command = [sys.executable, "-m", "http.server", "{port}", "--bind", "{host}"]
    async with serve("", cwd=folder, command=command) as url, url.client() as http:
        assert "LEAF" in (await http.get("/leaf.py")).text
