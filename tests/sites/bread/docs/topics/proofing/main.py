# --8<-- [start:rise]
def rise(hours: float, degrees: float) -> float:
    """Return how many times its size dough has; warmth doubles the pace every ten degrees."""
    return round(min(1 + hours * 2 ** ((degrees - 20) / 10) / 2, 3), 2)


# --8<-- [end:rise]
