from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts


def open_routes(app: FastAPI, guard: Callable[..., Any]) -> list[str]:
    """Return every path that is answered without asking the guard."""

    def asks(dependant: Any) -> bool:
        return any(
            each.call is guard or asks(each) for each in dependant.dependencies
        )

    found = []
    for route in iter_route_contexts(app.routes):
        dependant = getattr(route, "dependant", None)
        if dependant is None or not asks(dependant):
            methods = ",".join(sorted(route.methods or {"*"}))
            found.append(f"{methods} {route.path}")
    return found
