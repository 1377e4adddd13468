"""Mistakes fail a strict build, all of them listed; a lenient build shows them on the page."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sites.builder import MiniSite, set_up

PAGE = "topics/flour/index.md"
WHERE = "docs/topics/flour/index.md"

# What is written instead of what, and what is said of it.
MISTAKES = [
    (
        '{{ example("strength") }}',
        '{{ example("strenght") }}',
        "example: no region 'strenght' in docs/topics/flour/main.py. There are: strength, water.",
    ),
    (
        '{{ output("water") }}',
        '{{ output("wine") }}',
        "output: no output 'wine' in docs/topics/flour/outputs. There are: water. A proof records "
        'it with shown("wine", …); `make fix` writes it.',
    ),
    (
        '{{ diagram("grain") }}',
        '{{ diagram("bran") }}',
        "diagram: no diagram 'bran.svg' in docs/topics/flour. There are: grain.",
    ),
    (
        '{{ topic("kneading") }}',
        '{{ topic("kneeding") }}',
        "topic: unknown topic 'kneeding'. Did you mean 'kneading'?",
    ),
    (
        '{{ proof("color-says-nothing") }}',
        '{{ proof("colour-says-nothing") }}',
        "proof: gotcha 'colour-says-nothing' has no test. "
        "Add test_colour_says_nothing to docs/topics/flour/test_main.py.",
    ),
    (
        '{{ asked("https://example.org/cake", "Why is my bread a cake?") }}',
        '{{ asked("the forum") }}',
        "asked: 'the forum' is no address. Write the https:// address of the thread.",
    ),
    (
        '{{ changed("mill 2.0", "water",',
        '{{ changed("mill two", "water",',
        "changed: 'mill two' is not a package and a version. Write them as in \"package 1.2\".",
    ),
    (
        "{{ quiz() }}",
        '{{ quiz("all") }}',
        "quiz: too many positional arguments. Correct the call.",
    ),
]


@pytest.fixture
def mini(tmp_path: Path) -> MiniSite:
    return set_up(tmp_path)


def test_a_strict_build_fails_and_lists_every_mistake_with_its_line(mini: MiniSite) -> None:
    expected = []
    for old, new, message in MISTAKES:
        mini.change(PAGE, old, new)
        lines = (mini.root / WHERE).read_text(encoding="utf-8").splitlines()
        line = next(number for number, text in enumerate(lines, 1) if new in text)
        expected.append(f"{WHERE}:{line}: {message}")
    built = mini.build()
    assert built.code != 0
    assert set(expected) <= set(built.warnings)
    assert f"{len(MISTAKES)} warnings" in built.said


def test_a_lenient_build_shows_every_mistake_where_it_stands(mini: MiniSite) -> None:
    for old, new, _ in MISTAKES:
        mini.change(PAGE, old, new)
    built = mini.build(strict=False)
    assert built.code == 0
    boxes = built.article("topics/flour/index.html").xpath("//*[@class='km-failure']")
    assert len(boxes) == len(MISTAKES)
    assert {box.get("role") for box in boxes} == {"alert"}


@pytest.mark.parametrize(
    ("file", "old", "new", "warning"),
    [
        (
            "topics.yml",
            "  - id: flour\n",
            "  - id: flour\n  number 1\n",
            "docs/topics.yml:",
        ),
        ("about.md", "# About", "# About\n\n[gone](gone.md)", "Doc file 'about.md'"),
        ("about.md", "# About", "# About\n\n[gone](index.md#gone)", "Doc file 'about.md'"),
        ("about.md", "# About", "# About\n\n{{ abuot() }}", "[macros] - ERROR"),
        ("about.md", "# About", "# About\n\n{{ stamps( }}", "[macros] - ERROR"),
    ],
    ids=["registry", "link", "anchor", "macro", "syntax"],
)
def test_other_mistakes_fail_it_too(
    mini: MiniSite, file: str, old: str, new: str, warning: str
) -> None:
    mini.change(file, old, new)
    built = mini.build()
    assert built.code != 0
    assert any(each.startswith(warning) for each in built.warnings), built.said


def test_a_page_that_is_missing_from_the_navigation_is_a_mistake(mini: MiniSite) -> None:
    (mini.root / "docs" / "lost.md").write_text("# Lost\n", encoding="utf-8")
    built = mini.build()
    assert built.code != 0
    assert "lost.md" in built.said


def test_repaired_docs_build_again(mini: MiniSite) -> None:
    mini.change(PAGE, "{{ quiz() }}", "{{ quiz( }}")
    assert mini.build().code != 0
    mini.change(PAGE, "{{ quiz( }}", "{{ quiz() }}")
    assert mini.build().code == 0
