class Declined(Exception):
    pass


class Payments:
    """Stands in for a payment service that knows idempotency keys."""

    def __init__(self) -> None:
        self.taken: list[int] = []
        self.keys: set[str] = set()

    async def pay(self, cents: int, key: str | None = None) -> None:
        if cents > 100_000:
            raise Declined
        if key not in self.keys:
            self.taken.append(cents)
        if key:
            self.keys.add(key)
