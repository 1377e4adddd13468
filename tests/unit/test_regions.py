"""Regions are what stands between their markers; readers never see a marker."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from macros import regions

CODE = dedent("""\
    import oven

    # --8<-- [start:bake]
    def bake():
        return 1


    # --8<-- [end:bake]
    class Shop:
        # --8<-- [start:open]

        def open(self):
            return 2
        # --8<-- [end:open]
    """)


def problems(text: str) -> list[str]:
    return [str(problem) for problem in regions.regions(text, "main.py")[1]]


def test_readers_see_no_markers(tmp_path: Path) -> None:
    path = tmp_path / "main.py"
    path.write_text(CODE, encoding="utf-8")
    text = regions.read_file(path)
    assert "--8<--" not in text
    assert text.startswith("import oven\n\ndef bake():\n")


def test_a_region_starts_with_its_line_in_what_readers_see() -> None:
    found, wrong = regions.regions(CODE, "main.py")
    assert wrong == []
    lines = regions.strip(CODE).split("\n")
    for snippet in found.values():
        first = snippet.text.split("\n")[0]
        assert lines[snippet.first_line - 1].strip() == first


def test_a_region_is_dedented_and_without_blank_ends() -> None:
    found, _ = regions.regions(CODE, "main.py")
    assert found["bake"].text == "def bake():\n    return 1\n"
    assert found["open"].text == "def open(self):\n    return 2\n"


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("# --8<-- [start:a]", "# --8<-- [end:a]"),
        ("// --8<-- [start:a]", "// --8<-- [end:a]"),
        ("-- --8<-- [start:a]", "-- --8<-- [end:a]"),
        ("<!-- --8<-- [start:a] -->", "<!-- --8<-- [end:a] -->"),
        ("/* --8<-- [start:a] */", "/* --8<-- [end:a] */"),
        ("#--8<--[start:a]", "#--8<-- [end: a]"),
    ],
)
def test_markers_are_comments_of_any_language(start: str, end: str) -> None:
    found, wrong = regions.regions(f"{start}\nx\n{end}\n", "file")
    assert wrong == []
    assert found["a"].text == "x\n"


def test_lines_on_disk_are_found_again() -> None:
    marked = regions.take_apart(CODE, "main.py")
    rows = CODE.split("\n")
    for number, row in enumerate(marked.text.splitlines(), start=1):
        assert rows[marked.original_line(number) - 1] == row


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "# --8<-- [start:a]\nx\n",
            "main.py:1: region 'a' is never closed. Add '--8<-- [end:a]'.",
        ),
        (
            "x\n# --8<-- [end:a]\n",
            "main.py:2: region 'a' ends without a start. Add '--8<-- [start:a]'.",
        ),
        (
            "# --8<-- [start:a]\n# --8<-- [end:a]\n",
            "main.py:2: region 'a' is empty. Put code between its markers.",
        ),
        (
            "# --8<-- [start:a]\nx\n# --8<-- [end:a]\n# --8<-- [end:a]\n",
            "main.py:4: region 'a' ends twice. Remove this marker.",
        ),
        (
            "# --8<-- [start:a b]\n",
            "main.py:1: region name 'a b' is not made of a-z, 0-9, '-' and '_' only. Rename it.",
        ),
        (
            "x = 1  # --8<-- [start:a]\n",
            "main.py:1: this is not a region marker. Write '# --8<-- [start:name]' or "
            "'# --8<-- [end:name]' on a line of its own.",
        ),
    ],
)
def test_markers_that_do_not_pair_up(text: str, message: str) -> None:
    assert problems(text) == [message]


def test_regions_do_not_nest() -> None:
    text = "# --8<-- [start:a]\n# --8<-- [start:b]\nx\n# --8<-- [end:b]\n# --8<-- [end:a]\n"
    assert problems(text) == [
        "main.py:2: region 'b' starts inside region 'a' (line 1). "
        "Close 'a' first; regions do not nest.",
        "main.py:4: region 'b' ends without a start. Add '--8<-- [start:b]'.",
    ]


def test_a_name_is_used_once() -> None:
    text = "# --8<-- [start:a]\nx\n# --8<-- [end:a]\n" * 2
    assert problems(text)[0] == (
        "main.py:4: region 'a' was already started on line 1. Give each region its own name."
    )
