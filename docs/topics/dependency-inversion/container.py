from collections.abc import Callable
from typing import Any, get_type_hints


class Container:
    """Makes what is asked for; type hints say what that needs in turn."""

    def __init__(self) -> None:
        self._factories: dict[Any, Callable[..., Any]] = {}

    def provide(self, port: Any, factory: Callable[..., Any]) -> None:
        self._factories[port] = factory

    def get(self, port: Any) -> Any:
        if port not in self._factories:
            raise LookupError(f"nothing provides {port.__name__}")
        factory = self._factories[port]
        signature = factory.__init__ if isinstance(factory, type) else factory
        wants = get_type_hints(signature)
        wants.pop("return", None)
        return factory(**{name: self.get(kind) for name, kind in wants.items()})
