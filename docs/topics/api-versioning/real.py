import re
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi.responses import JSONResponse
from main import DEPRECATED, SUNSET, app, format_datetime
from starlette.datastructures import Headers, MutableHeaders

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
MEDIA_TYPE = re.compile(r"application/vnd\.menu\.v(\d+)\+json")


# --8<-- [start:choose]
class Versions:
    """Lets a header or a media type choose the version; a path still may."""

    def __init__(self, app: Any, known: tuple[int, ...], default: int) -> None:
        self._app = app
        self._known = known
        self._default = default

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self._is_chosen(scope["path"]):
            await self._app(scope, receive, send)
            return
        wanted = self._wanted(Headers(scope=scope))
        if wanted not in self._known:
            answer = JSONResponse({"detail": f"known versions: {self._known}"}, 406)
            await answer(scope, receive, varying(send))
            return
        path = f"/v{wanted}{scope['path']}"
        chosen = {**scope, "path": path, "raw_path": path.encode()}
        await self._app(chosen, receive, varying(send))

    def _is_chosen(self, path: str) -> bool:
        versions = {f"v{known}" for known in self._known}
        return path.split("/")[1] in {"docs", "redoc", "openapi.json"} | versions

    def _wanted(self, headers: Headers) -> int:
        asked = headers.get("api-version")
        found = MEDIA_TYPE.search(headers.get("accept", ""))
        if asked is None and found:
            asked = found[1]
        if asked is None:
            return self._default
        return int(asked) if asked.isdigit() else 0


def varying(send: Send) -> Send:
    async def add(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).add_vary_header("API-Version, Accept")
        await send(message)

    return add


# --8<-- [end:choose]


# --8<-- [start:announce]
class GoingAway:
    """Announces the end of a version on all its answers, errors included."""

    def __init__(self, app: Any, prefix: str) -> None:
        self._app = app
        self._prefix = prefix

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        async def announce(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Deprecation"] = f"@{int(DEPRECATED.timestamp())}"
                headers["Sunset"] = format_datetime(SUNSET, usegmt=True)
            await send(message)

        is_old = scope["type"] == "http" and scope["path"].startswith(self._prefix)
        await self._app(scope, receive, announce if is_old else send)


# --8<-- [end:announce]


served = Versions(GoingAway(app, "/v1/"), known=(1, 2), default=1)
