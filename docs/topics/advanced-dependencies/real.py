import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Query, Response
from main import Needs


# --8<-- [start:page]
@dataclass
class Page:
    limit: Annotated[int, Query(ge=1, le=100)] = 20
    offset: Annotated[int, Query(ge=0)] = 0

    def of(self, rows: list[str]) -> list[str]:
        return rows[self.offset : self.offset + self.limit]


# --8<-- [end:page]


# --8<-- [start:cached]
@dataclass(frozen=True)
class CachedFor:
    """Lets clients and proxies keep the answer; the seconds differ by route."""

    seconds: int

    def __call__(self, response: Response) -> None:
        response.headers["Cache-Control"] = f"private, max-age={self.seconds}"


# --8<-- [end:cached]


# --8<-- [start:lock]
locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)


async def one_edit_at_a_time(title: str) -> AsyncIterator[None]:
    async with locks[title]:
        yield


# --8<-- [end:lock]


# --8<-- [start:limit]
class Printer:
    async def render(self, title: str) -> str:
        await asyncio.sleep(0)
        return f"pdf of {title}"


async def get_printer() -> AsyncIterator[Printer]:
    yield Printer()


LimitedPrinter = Annotated[
    Printer, Depends(get_printer, scope="function", max_concurrency=2)
]
# --8<-- [end:limit]


def build_app(get_titles: Callable[[], Any]) -> FastAPI:
    app = FastAPI(dependencies=[Depends(Needs("reader"))])
    texts: dict[str, str] = {}

    # --8<-- [start:routes]
    @app.get("/drafts", dependencies=[Depends(CachedFor(60))])
    def list_drafts(
        titles: Annotated[list[str], Depends(get_titles)],
        page: Annotated[Page, Depends()],
    ) -> list[str]:
        return page.of(titles)

    @app.put(
        "/drafts/{title}",
        dependencies=[Depends(Needs("editor")), Depends(one_edit_at_a_time)],
    )
    async def edit(title: str, text: str) -> dict[str, str]:
        before = texts.get(title, "")
        await asyncio.sleep(0)
        texts[title] = f"{before} {text}".strip()
        return {title: texts[title]}

    @app.get("/drafts/{title}/pdf")
    async def print_draft(title: str, printer: LimitedPrinter) -> str:
        return await printer.render(title)

    # --8<-- [end:routes]
    return app


def get_titles() -> list[str]:
    return ["bread", "salad", "soup"]


app = build_app(get_titles)
