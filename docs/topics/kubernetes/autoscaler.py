from math import ceil
from typing import Any


def millicores(quantity: str) -> int:
    return int(quantity.removesuffix("m"))


def utilization(container: dict[str, Any], used: list[str]) -> float | None:
    """CPU in percent of the request; without a request there is no percentage."""
    requested = container.get("resources", {}).get("requests", {}).get("cpu")
    if requested is None:
        return None
    average = sum(map(millicores, used)) / len(used)
    return 100 * average / millicores(requested)


# --8<-- [start:desired]
def desired(hpa: dict[str, Any], running: int, percent: float) -> int:
    """The documented formula, with the default tolerance of ten percent."""
    target = hpa["metrics"][0]["resource"]["target"]["averageUtilization"]
    ratio = percent / target
    if abs(ratio - 1) <= 0.1:
        return running
    return min(max(ceil(running * ratio), hpa["minReplicas"]), hpa["maxReplicas"])


# --8<-- [end:desired]
