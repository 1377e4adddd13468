"""What the unit tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.bakery import Bakery, bake


@pytest.fixture
def bakery(tmp_path: Path) -> Bakery:
    return bake(tmp_path)
