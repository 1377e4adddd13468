class BookingError(Exception):
    """A broken rule of the domain; the text is meant for whoever booked."""


class NotFound(BookingError):
    pass


class Impossible(BookingError):
    """No room, no day and no retry makes this wish possible."""


class Conflict(BookingError):
    """Another room, day or hour may work."""
