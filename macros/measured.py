"""Figures that a bundle's measure.py measured, kept with the versions and the date."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from macros.model import Line, Model

SCRIPT = "measure.py"
FILE = "measured.json"


class Row(Model):
    """One figure: what was measured, and how much in the table's unit."""

    name: Line
    value: float


class Printed(Model):
    """What measure.py prints as one JSON object."""

    title: Line
    unit: Line
    rows: tuple[Row, ...]


class Measured(Printed):
    """What is kept: the figures, and what they were measured on."""

    date: str
    python: str
    versions: dict[str, str]


def read(folder: Path) -> Measured | None:
    """Return the figures kept in a bundle's folder; None where there are none; ValueError."""
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        return Measured.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise ValueError(f"{FILE} is damaged. Run `make bench only=measures`.") from error
