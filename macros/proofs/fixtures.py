"""The fixtures that a bundle's tests may ask for."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from macros.proofs import asgi
from macros.proofs.bundle_run import RUNS, BundleRun
from macros.proofs.isolation import bundle_of
from macros.proofs.postgres import Postgres, server_of
from macros.proofs.server import Server, serve
from macros.proofs.shown import Shown
from macros.proofs.valkey import server_of as valkey_of
from macros.proofs.warm_process import WarmProcess, warm_process_of

ClientFor = Callable[..., AbstractAsyncContextManager[httpx2.AsyncClient]]


def register(module: pytest.Module) -> None:
    """Let the tests of a module ask for the fixtures, and no other test; run its async tests."""
    module.add_marker("anyio")
    for function in (
        anyio_backend,
        bundle_dir,
        workdir,
        shown,
        client_for,
        client,
        server,
        postgres,
        valkey,
        warm,
    ):
        pytest.register_fixture(name=function.__name__, func=function, node=module)


def anyio_backend() -> str:
    """Run async tests on asyncio alone, also where other event loops are installed."""
    return "asyncio"


def bundle_dir(request: pytest.FixtureRequest) -> Path:
    """Return the folder of the bundle: to read from, not to write to."""
    return _run(request).folder


def workdir(bundle_dir: Path, tmp_path: Path) -> Path:
    """Return a copy of the bundle in a temporary folder, to run tools in and to write to."""
    copy = tmp_path / bundle_dir.name
    shutil.copytree(bundle_dir, copy, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


def shown(request: pytest.FixtureRequest) -> Shown:
    """Return `shown(name, text)`: what a reader sees on the page is what the test saw."""
    return Shown(_run(request), request.node.nodeid, fix=request.config.getoption("fix_outputs"))


def client_for() -> ClientFor:
    """Return `client_for(app, …)`: an async context manager that yields a client of any app."""

    @asynccontextmanager
    async def open_client(
        app: asgi.App,
        *,
        raise_app_exceptions: bool = False,
        root_path: str = "",
        peer: tuple[str, int] = ("127.0.0.1", 50000),
        **options: Any,
    ) -> AsyncIterator[httpx2.AsyncClient]:
        async with asgi.running(app, raise_app_exceptions=raise_app_exceptions) as served:
            transport = httpx2.ASGITransport(served, root_path=root_path, client=peer)
            options = {"base_url": "http://test", "transport": transport, **options}
            async with httpx2.AsyncClient(**options) as http:
                yield http

    return open_client


async def client(
    bundle_dir: Path, client_for: ClientFor, anyio_backend: str
) -> AsyncIterator[httpx2.AsyncClient]:
    """Yield a client of the bundle's own app, between its startup and its shutdown."""
    async with client_for(asgi.load_app(bundle_dir)) as http:
        yield http


def server(bundle_dir: Path) -> Callable[..., AbstractAsyncContextManager[Server]]:
    """Return `server("main:app", *options)`: an async context manager of a real server's URL."""

    def start(
        app: str = asgi.app_path(bundle_dir), *options: str, cwd: Path = bundle_dir, **more: Any
    ) -> AbstractAsyncContextManager[Server]:
        return serve(app, *options, cwd=cwd, **more)

    return start


def postgres(request: pytest.FixtureRequest) -> Iterator[str]:
    """Yield the URL of an empty PostgreSQL database of the test's own."""
    running: Postgres = server_of(request.config)
    with running.database() as url:
        yield url


def valkey(request: pytest.FixtureRequest) -> Iterator[str]:
    """Yield the URL of an empty Valkey server; what the test leaves in it is removed."""
    running = valkey_of(request.config)
    yield running.url
    running.reset()


def warm(request: pytest.FixtureRequest) -> Callable[..., WarmProcess]:
    """Return `warm(*modules)`: a process that has imported them, to start commands from."""
    return lambda *modules: warm_process_of(request.config, modules)


def _run(request: pytest.FixtureRequest) -> BundleRun:
    folder = bundle_of(request.path)
    assert folder is not None
    return request.config.stash[RUNS][folder]
