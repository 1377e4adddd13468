"""The zip: its bytes depend on nothing but the files, and it says what it is."""

from __future__ import annotations

import os
import zipfile
from datetime import UTC, date, datetime
from pathlib import Path

from macros.export.edition import Edition
from macros.export.offline import pack, readme

TIME = datetime(2026, 11, 22, tzinfo=UTC)


def packed(folder: Path, target: Path) -> bytes:
    pack.write(target, folder, TIME)
    return target.read_bytes()


def test_two_runs_give_the_same_bytes(tmp_path: Path) -> None:
    folder = tmp_path / "map"
    (folder / "b").mkdir(parents=True)
    (folder / "b" / "c.txt").write_text("c", encoding="utf-8")
    (folder / "a.txt").write_text("a", encoding="utf-8")
    first = packed(folder, tmp_path / "one.zip")
    os.utime(folder / "a.txt", (1, 1))
    (folder / "b" / "c.txt").chmod(0o600)
    assert packed(folder, tmp_path / "two.zip") == first


def test_the_files_are_sorted_below_one_folder_with_the_editions_time(tmp_path: Path) -> None:
    folder = tmp_path / "map"
    folder.mkdir()
    for name in ("b", "a"):
        (folder / name).write_text(name * 1000, encoding="utf-8")
    packed(folder, tmp_path / "map.zip")
    with zipfile.ZipFile(tmp_path / "map.zip") as archive:
        entries = archive.infolist()
    assert [entry.filename for entry in entries] == ["map/a", "map/b"]
    assert {entry.date_time for entry in entries} == {(2026, 11, 22, 0, 0, 0)}
    assert {entry.external_attr >> 16 for entry in entries} == {0o100644}
    assert all(entry.compress_size < 100 for entry in entries)


def test_the_readme_names_the_site_the_edition_and_the_command() -> None:
    edition = Edition(
        name="bread",
        title="Bread & Butter",
        description="All about bread.",
        notice="Not a bakery.",
        version="1.2",
        date=date(2026, 11, 22),
        digest="0123abcd",
        proven=(("yeast", "3"),),
    )
    text = readme.text(edition, "serve.py")
    assert text.startswith("Bread & Butter: offline copy\n============================\n")
    assert "Not a bakery." in text
    assert "Edition: 1.2, 2026-11-22 (0123abcd)\nProven on: yeast 3\n" in text
    assert "\n    python serve.py\n" in text
    assert max(map(len, text.splitlines())) <= readme.WIDTH
