# --8<-- [start:strength]
def strength(protein: float) -> str:
    """Return what a flour with this much protein, in percent, is good for."""
    if protein < 9:
        return "cake"
    return "bread" if protein >= 11 else "pastry"


# --8<-- [end:strength]
# --8<-- [start:water]
def water(protein: float) -> int:
    """Return how much water the flour takes up, in percent of its weight."""
    return round(40 + 2 * protein)


# --8<-- [end:water]
