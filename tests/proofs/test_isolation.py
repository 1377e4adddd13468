from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from macros.proofs.isolation import Isolation, bundle_of


def bundle(folder: Path, name: str, **modules: str) -> Path:
    path = folder / "docs" / "topics" / name
    for module, text in modules.items():
        file = path / f"{module.replace('__', '/')}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return path


def test_same_named_modules_of_two_bundles_do_not_meet(tmp_path: Path) -> None:
    green = Isolation(bundle(tmp_path, "green", leaf="NAME = 'green'"))
    black = Isolation(bundle(tmp_path, "black", leaf="NAME = 'black'"))
    with green:
        first = importlib.import_module("leaf")
    with black:
        assert importlib.import_module("leaf").NAME == "black"
    with green:
        assert importlib.import_module("leaf") is first
        assert first.NAME == "green"


def test_everything_is_as_before_after_leaving(tmp_path: Path) -> None:
    folder = bundle(tmp_path, "green", leaf="import pot.lid", pot__lid="HOT = True")
    before = set(sys.modules), sys.path.copy(), sys.dont_write_bytecode
    with Isolation(folder):
        importlib.import_module("leaf")
        assert {"leaf", "pot", "pot.lid"} <= set(sys.modules)
        sys.path.append("/somewhere")
    assert (set(sys.modules), sys.path, sys.dont_write_bytecode) == before
    assert {path.name for path in tmp_path.rglob("*")} == {
        *("docs", "topics", "green", "leaf.py", "pot", "lid.py")
    }


def test_a_module_of_the_same_name_from_elsewhere_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "leaf.py").write_text("NAME = 'elsewhere'", encoding="utf-8")
    monkeypatch.syspath_prepend(str(elsewhere))
    theirs = importlib.import_module("leaf")
    with Isolation(bundle(tmp_path, "green", leaf="NAME = 'green'")):
        assert importlib.import_module("leaf").NAME == "green"
    assert sys.modules.pop("leaf") is theirs


def test_modules_from_elsewhere_that_a_bundle_imports_stay(tmp_path: Path) -> None:
    with Isolation(bundle(tmp_path, "green", leaf="import colorsys")):
        importlib.import_module("leaf")
    assert "colorsys" in sys.modules


def test_a_bundle_does_not_hide_what_python_runs_on(tmp_path: Path) -> None:
    import logging

    with Isolation(bundle(tmp_path, "green", logging="NAME = 'green'")):
        assert sys.modules["logging"] is logging


def test_a_path_knows_its_bundle() -> None:
    inside = Path("/a/docs/topics/green/outputs/x.txt")
    assert bundle_of(inside) == Path("/a/docs/topics/green")
    assert bundle_of(Path("/a/docs/topics/green.md")) is None
    assert bundle_of(Path("/a/tests/topics/green/test_main.py")) is None
