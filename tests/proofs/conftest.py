"""What the tests about proofs share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.proofs.tearoom import Tearoom, open_tearoom


@pytest.fixture
def tearoom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tearoom:
    monkeypatch.delenv("CI", raising=False)
    return open_tearoom(tmp_path.resolve())
