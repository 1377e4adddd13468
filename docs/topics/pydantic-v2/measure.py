import gc
import json
import time
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, Field, TypeAdapter, WrapValidator
from pydantic.v1 import BaseModel as V1Model
from pydantic.v1 import parse_obj_as
from typing_extensions import TypedDict

COUNT = 1000


class Item(BaseModel):
    id: int
    name: str
    at: datetime
    tags: list[str]


class Row(TypedDict):
    id: int
    name: str
    at: datetime
    tags: list[str]


class V1Item(V1Model):
    id: int
    name: str
    at: datetime
    tags: list[str]


def same(value: Any) -> Any:
    return value


def through(value: Any, handler: Callable[[Any], Any]) -> Any:
    return handler(value)


class Checked(Item):
    id: Annotated[int, AfterValidator(same)]
    name: Annotated[str, AfterValidator(same)]
    at: Annotated[datetime, AfterValidator(same)]
    tags: Annotated[list[str], AfterValidator(same)]


Wrapped = Annotated[Item, WrapValidator(through)]


def member(letter: str) -> type[BaseModel]:
    space = {
        "__annotations__": {"kind": Literal[letter]},
        "__module__": __name__,
    }
    return type(f"Kind{letter.upper()}", (Item,), space)


KINDS = [member(letter) for letter in "abcdefgh"]
UNION = KINDS[0]
for each in KINDS[1:]:
    UNION = UNION | each
TAGGED = Annotated[UNION, Field(discriminator="kind")]

DICTS = [
    {
        "id": n,
        "name": f"Item {n}",
        "at": "2026-11-22T10:00:00Z",
        "tags": ["new", "red"],
        "kind": "abcdefgh"[n % 8],
    }
    for n in range(COUNT)
]
TEXT = json.dumps(DICTS).encode()


def adapter(kind: Any) -> TypeAdapter:
    return TypeAdapter(list[kind])


ITEMS = adapter(Item)
MODELS = ITEMS.validate_python(DICTS)
BUILT = {kind: adapter(kind) for kind in (Row, Checked, Wrapped, UNION, TAGGED)}


def v1() -> Any:
    return parse_obj_as(list[V1Item], DICTS)


def fresh_each_item() -> Any:
    return [TypeAdapter(Item | None).validate_python(each) for each in DICTS]


CASES: dict[str, Callable[[], Any]] = {
    "`validate_python(dicts)` into models": lambda: ITEMS.validate_python(DICTS),
    "`validate_json(text)`": lambda: ITEMS.validate_json(TEXT),
    "`validate_python(json.loads(text))`": lambda: ITEMS.validate_python(
        json.loads(TEXT)
    ),
    "the same models again, already valid": lambda: ITEMS.validate_python(MODELS),
    "`model_construct`, which checks nothing": lambda: [
        Item.model_construct(**each) for each in DICTS
    ],
    "a `TypedDict` in place of the model": lambda: BUILT[Row].validate_python(
        DICTS
    ),
    "a Python validator on each of the 4 fields": lambda: BUILT[
        Checked
    ].validate_python(DICTS),
    "a wrap validator around each model": lambda: BUILT[Wrapped].validate_python(
        DICTS
    ),
    "a union of 8 models with a discriminator": lambda: BUILT[
        TAGGED
    ].validate_python(DICTS),
    "the same union without": lambda: BUILT[UNION].validate_python(DICTS),
    "`pydantic.v1`, the pure Python that ships with v2": v1,
    "a new `TypeAdapter` for each object": fresh_each_item,
}


def seconds(case: Callable[[], Any]) -> float:
    start = time.perf_counter()
    result = case()
    took = time.perf_counter() - start
    assert len(result) == COUNT
    return took


def ratios(rounds: int) -> dict[str, float]:
    gc.disable()
    taken: dict[str, list[float]] = {name: [] for name in CASES}
    for _ in range(rounds):
        for name, case in CASES.items():
            taken[name].append(seconds(case))
        gc.collect()
    best = {name: min(times) for name, times in taken.items()}
    first = next(iter(best.values()))
    return {name: value / first for name, value in best.items()}


if __name__ == "__main__":
    rows = [
        {"name": name, "value": round(value, 2)}
        for name, value in ratios(rounds=31).items()
    ]
    title = "Validating 1,000 small objects of 4 fields"
    print(json.dumps({"title": title, "unit": "times the first row", "rows": rows}))
