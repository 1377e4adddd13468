import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

import main
import pytest
import real
from fastapi import Depends, FastAPI, HTTPException, Security
from fastapi.exceptions import DependencyScopeError
from fastapi.responses import StreamingResponse
from fastapi.security import SecurityScopes
from main import Needs

ADA, BO = {"X-User": "ada"}, {"X-User": "bo"}


@pytest.fixture(autouse=True)
def one_draft():
    main.drafts[:] = ["Soup of the day"]
    main.app.dependency_overrides.clear()


async def test_one_class_makes_a_check_for_each_role(client):
    assert (await client.get("/drafts", headers=BO)).json() == ["Soup of the day"]
    refused = await client.post("/drafts", params={"title": "Cake"}, headers=BO)
    assert (refused.status_code, refused.json()) == (
        403,
        {"detail": "only for the role editor"},
    )
    added = await client.post("/drafts", params={"title": "Cake"}, headers=ADA)
    assert (added.status_code, added.json()) == (201, "Cake, by ada")


async def test_the_parameters_of_the_check_become_those_of_the_route(client):
    schema = (await client.get("/openapi.json")).json()
    [header] = schema["paths"]["/drafts"]["get"]["parameters"]
    assert (header["name"], header["in"]) == ("x-user", "header")


# --- real.py


async def test_a_class_groups_query_parameters(client_for):
    async with client_for(real.app, headers=BO) as http:
        page = await http.get("/drafts", params={"limit": 1, "offset": 1})
        assert page.json() == ["salad"]
        assert page.headers["cache-control"] == "private, max-age=60"
        wrong = await http.get("/drafts", params={"limit": 500})
        assert wrong.json()["detail"][0]["loc"] == ["query", "limit"]


async def test_edits_of_one_draft_wait_for_each_other(client_for):
    async def edits(app: FastAPI) -> str:
        async with client_for(app, headers=ADA) as http:
            puts = (
                http.put("/drafts/soup", params={"text": word}) for word in "abcd"
            )
            await asyncio.gather(*puts)
            last = await http.put("/drafts/soup", params={"text": "e"})
        return last.json()["soup"]

    async def let_in() -> None: ...  # without threads all requests keep step

    async def survivors(lock: bool) -> list[str]:
        app = real.build_app(real.get_titles)
        app.dependency_overrides = {
            Needs("reader"): let_in,
            Needs("editor"): let_in,
        }
        if not lock:
            app.dependency_overrides[real.one_edit_at_a_time] = let_in
        return sorted((await edits(app)).split())

    assert len(await survivors(lock=False)) == 2
    assert await survivors(lock=True) == list("abcde")


async def test_two_at_most_print_at_a_time(client_for, monkeypatch):
    busy, most = 0, 0
    two_print = asyncio.Event()

    async def render(self: real.Printer, title: str) -> str:
        nonlocal busy, most
        busy += 1
        most = max(most, busy)
        if busy == 2:
            two_print.set()
        async with asyncio.timeout(10):
            await two_print.wait()
        for _ in range(5):
            await asyncio.sleep(0)
        busy -= 1
        return title

    monkeypatch.setattr(real.Printer, "render", render)
    async with client_for(real.app, headers=BO) as http:
        answers = await asyncio.gather(
            *(http.get("/drafts/soup/pdf") for _ in range(8))
        )
    assert {answer.status_code for answer in answers} == {200}
    assert most == 2


async def test_the_guard_of_the_app_and_of_the_route_ask_for_the_user_once(
    client_for, monkeypatch
):
    asked = []

    class Roles(dict):
        def __contains__(self, user: object) -> bool:
            asked.append(user)
            return super().__contains__(user)

    monkeypatch.setattr(main, "ROLES", Roles(main.ROLES))
    async with client_for(real.app, headers=ADA) as http:
        assert (
            await http.put("/drafts/soup", params={"text": "a"})
        ).status_code == 200
    assert asked == ["ada"]


# --- how it works

Calls = list[str]


class ByIdentity:
    def __init__(self, calls: Calls) -> None:
        self.calls = calls

    def __call__(self) -> None:
        self.calls.append("called")


async def test_who_shares_a_value(client_for, shown):
    async def calls_of(first: Any, second: Any, calls: Calls) -> int:
        app = FastAPI()

        @app.get("/")
        def route(a: Annotated[Any, first], b: Annotated[Any, second]) -> None: ...

        calls.clear()
        async with client_for(app) as http:
            assert (await http.get("/")).status_code == 200
        return len(calls)

    calls: Calls = []

    def plain() -> None:
        calls.append("called")

    def scoped(scopes: SecurityScopes) -> None:
        calls.append("called")

    @dataclass(frozen=True)
    class Equal:
        name: str

        def __call__(self) -> None:
            calls.append("called")

    cases = {
        "the same function": (Depends(plain), Depends(plain)),
        "use_cache=False on both": (
            Depends(plain, use_cache=False),
            Depends(plain, use_cache=False),
        ),
        'scope="function" on one': (
            Depends(plain),
            Depends(plain, scope="function"),
        ),
        "max_concurrency on one": (
            Depends(plain),
            Depends(plain, max_concurrency=5),
        ),
        "two instances": (Depends(ByIdentity(calls)), Depends(ByIdentity(calls))),
        "two equal frozen dataclasses": (Depends(Equal("x")), Depends(Equal("x"))),
        "two lambdas": (Depends(lambda: plain()), Depends(lambda: plain())),
        "the same security scopes": (
            Security(scoped, scopes=["read"]),
            Security(scoped, scopes=["read"]),
        ),
        "different security scopes": (
            Security(scoped, scopes=["read"]),
            Security(scoped, scopes=["write"]),
        ),
        "different scopes that nobody reads": (
            Security(plain, scopes=["read"]),
            Security(plain, scopes=["write"]),
        ),
    }
    seen = {name: await calls_of(*pair, calls) for name, pair in cases.items()}
    assert seen == {
        "the same function": 1,
        "use_cache=False on both": 2,
        'scope="function" on one': 2,
        "max_concurrency on one": 1,
        "two instances": 2,
        "two equal frozen dataclasses": 1,
        "two lambdas": 2,
        "the same security scopes": 1,
        "different security scopes": 2,
        "different scopes that nobody reads": 2,
    }
    times = {1: "one call", 2: "two calls"}
    shown("shared", "\n".join(f"{name:35}{times[n]}" for name, n in seen.items()))


def noting(name: str, log: list[str], *, fail: bool = False) -> Callable[..., Any]:
    async def dependency() -> AsyncIterator[str]:
        log.append(f"{name} opens")
        try:
            yield name
        finally:
            log.append(f"{name} closes")
        if fail:
            raise RuntimeError("cleanup failed")

    return dependency


async def test_every_cleanup_runs_also_behind_a_failed_one(client_for, shown):
    async def run(scope: Any) -> tuple[int, list[str]]:
        app, log = FastAPI(), []
        first, second = noting("first", log), noting("second", log, fail=True)

        @app.get("/")
        async def route(
            a: Annotated[str, Depends(first, scope=scope)],
            b: Annotated[str, Depends(second, scope=scope)],
        ) -> None: ...

        async with client_for(app) as http:
            return (await http.get("/")).status_code, log

    order = ["first opens", "second opens", "second closes", "first closes"]
    assert await run("request") == (200, order)
    assert await run("function") == (500, order)


async def test_a_refusing_dependency_closes_those_before_it_and_skips_those_after(
    client_for,
):
    app, log = FastAPI(), []

    def refuse() -> None:
        raise HTTPException(403)

    @app.get("/")
    async def route(
        a: Annotated[str, Depends(noting("first", log))],
        b: Annotated[None, Depends(refuse)],
        c: Annotated[str, Depends(noting("third", log))],
    ) -> None: ...

    async with client_for(app) as http:
        assert (await http.get("/")).status_code == 403
    assert log == ["first opens", "first closes"]


def test_a_long_dependency_cannot_build_on_a_short_one():
    app = FastAPI()
    short = noting("short", [])

    async def long(s: Annotated[str, Depends(short, scope="function")]) -> Any:
        yield s

    with pytest.raises(DependencyScopeError, match='has a scope of "request"'):

        @app.get("/")
        async def route(x: Annotated[str, Depends(long)]) -> None: ...


async def test_an_override_replaces_the_branch_below_it(client_for):
    app, log = FastAPI(), []

    def get_db() -> int:
        log.append("db")
        return 1

    def get_repo(db: Annotated[int, Depends(get_db)]) -> int:
        log.append("repo")
        return db

    @app.get("/")
    def route(repo: Annotated[int, Depends(get_repo)]) -> int:
        return repo

    async def answered(**overrides: Any) -> tuple[int, list[str]]:
        log.clear()
        async with client_for(app) as http:
            return (await http.get("/")).json(), list(log)

    app.dependency_overrides = {get_repo: lambda: 9}
    assert await answered() == (9, [])
    app.dependency_overrides = {get_db: lambda: 7}
    assert await answered() == (7, ["repo"])


@pytest.mark.parametrize("wrong", [0, -1, True, "2"])
def test_a_limit_is_a_positive_integer(wrong):
    with pytest.raises(
        ValueError, match="max_concurrency must be a positive integer"
    ):
        Depends(noting("x", []), max_concurrency=wrong)


# --- gotchas


async def test_equal_checks_are_overridden_by_equality(client_for):
    @dataclass
    class ByIdentityNeeds:
        role: str
        __hash__ = object.__hash__
        __eq__ = object.__eq__

        def __call__(self) -> str:
            return "the real check"

    @dataclass(frozen=True)
    class EqualNeeds:
        role: str

        def __call__(self) -> str:
            return "the real check"

    async def answered(kind: Any) -> str:
        app = FastAPI()

        @app.get("/")
        def route(checked: Annotated[str, Depends(kind("editor"))]) -> str:
            return checked

        app.dependency_overrides[kind("editor")] = lambda: "overridden"
        async with client_for(app) as http:
            return (await http.get("/")).json()

    assert await answered(ByIdentityNeeds) == "the real check"
    assert await answered(EqualNeeds) == "overridden"


async def test_short_scope_closes_before_the_stream(client_for):
    async def order(scope: Any) -> list[str]:
        app, log = FastAPI(), []

        @app.get("/", response_class=StreamingResponse)
        async def route(
            file: Annotated[str, Depends(noting("file", log), scope=scope)],
        ) -> AsyncIterator[bytes]:
            log.append("read")
            yield b"line"

        async with client_for(app) as http:
            await http.get("/")
        return log

    assert await order("function") == ["file opens", "file closes", "read"]
    assert await order("request") == ["file opens", "read", "file closes"]


async def most_at_a_time(client_for: Any, depend: Callable[[Any], Any]) -> int:
    """How many of eight requests to two routes are inside at once."""
    app = FastAPI()
    inside, most = 0, 0

    async def slot() -> AsyncIterator[None]:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        yield
        inside -= 1

    uses = depend(slot)
    for number, use in enumerate(uses):

        @app.get(f"/{number}")
        async def route(held: Annotated[None, use]) -> None:
            for _ in range(5):
                await asyncio.sleep(0)

    async with client_for(app) as http:
        await asyncio.gather(*(http.get(f"/{n % 2}") for n in range(8)))
    return most


async def test_limit_counts_for_each_depends(client_for):
    def trap(slot: Any) -> Any:
        return Depends(slot, max_concurrency=2), Depends(slot, max_concurrency=2)

    def fix(slot: Any) -> Any:
        shared = Depends(slot, max_concurrency=2)
        return shared, shared

    assert await most_at_a_time(client_for, trap) == 4
    assert await most_at_a_time(client_for, fix) == 2


async def test_without_yield_the_slot_is_free_before_the_route_runs(client_for):
    async def most_in_the_route(slot: Callable[[], Any]) -> int:
        app = FastAPI()
        inside, most = 0, 0

        @app.get("/")
        async def route(held: Annotated[Any, Depends(slot, max_concurrency=1)]):
            nonlocal inside, most
            inside += 1
            most = max(most, inside)
            for _ in range(50):
                await asyncio.sleep(0)
            inside -= 1

        async with client_for(app) as http:
            await asyncio.gather(*(http.get("/") for _ in range(4)))
        return most

    async def returns() -> str:
        return "client"

    async def yields() -> AsyncIterator[str]:
        yield "client"

    assert await most_in_the_route(returns) == 4
    assert await most_in_the_route(yields) == 1


async def test_limit_of_one_waits_for_itself(client_for):
    async def answered(*, use_cache: bool) -> bool:
        app = FastAPI()
        limited = Depends(noting("x", []), use_cache=use_cache, max_concurrency=1)

        async def below(slot: Annotated[str, limited]) -> None: ...

        @app.get("/")
        async def route(
            a: Annotated[str, limited], b: Annotated[None, Depends(below)]
        ) -> None: ...

        async with client_for(app) as http:
            request = asyncio.create_task(http.get("/"))
            for _ in range(200):  # no thread is involved, so turns suffice
                await asyncio.sleep(0)
            done = request.done()
            request.cancel()
            await asyncio.wait([request])
        return done

    assert await answered(use_cache=False) is False
    assert await answered(use_cache=True) is True


async def test_lambda_hands_over_a_coroutine(client_for):
    async def rate(of: str) -> float:
        return 1.5

    async def received(dependency: Any) -> str:
        app, got = FastAPI(), []

        @app.get("/")
        async def route(value: Annotated[Any, Depends(dependency)]) -> None:
            got.append(value)

        async with client_for(app) as http:
            await http.get("/")
        [value] = got
        if asyncio.iscoroutine(value):
            value.close()
        return type(value).__name__

    assert await received(lambda: rate("EUR")) == "coroutine"
    assert await received(partial(rate, of="EUR")) == "float"


async def test_guard_list_ignores_use_cache(client_for):
    async def calls(build: Callable[[Any], FastAPI]) -> int:
        made: list[int] = []

        def count() -> None:
            made.append(1)

        async with client_for(build(Depends(count, use_cache=False))) as http:
            await http.get("/")
        return len(made)

    def trap(fresh: Any) -> FastAPI:
        app = FastAPI()
        app.get("/", dependencies=[fresh, fresh])(lambda: None)
        return app

    def fix(fresh: Any) -> FastAPI:
        app = FastAPI()

        @app.get("/")
        def route(a: Annotated[None, fresh], b: Annotated[None, fresh]) -> None: ...

        return app

    assert await calls(trap) == 1
    assert await calls(fix) == 2


async def test_override_brings_its_parameters(client_for):
    async def status(override: Callable[..., Any]) -> int:
        app = FastAPI()
        app.get("/", dependencies=[Depends(Needs("editor"))])(lambda: None)
        app.dependency_overrides[Needs("editor")] = override
        async with client_for(app) as http:
            return (await http.get("/")).status_code

    def trap(user: str) -> str:
        return "ada"

    def fix() -> str:
        return "ada"

    assert await status(trap) == 422
    assert await status(fix) == 200
