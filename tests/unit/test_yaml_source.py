from pathlib import Path

import pytest
import yaml

from macros import yaml_source
from macros.model import BundleSettings, Questions, Registry
from macros.problems import Problem
from macros.yaml_source import Source, load_yaml, read_yaml, validate
from tests.unit.registry_text import REGISTRY, changed


def _good(text: str) -> Source:
    source, problems = load_yaml(text, "a.yml")
    assert problems == []
    assert source is not None
    return source


def _told(text: str) -> list[str]:
    source, problems = load_yaml(text, "a.yml")
    assert source is None
    return [str(problem) for problem in problems]


def _rejected(text: str) -> list[str]:
    registry, problems = validate(Registry, _good(text))
    assert registry is None
    return [str(problem).removeprefix("a.yml:") for problem in problems]


@pytest.fixture(params=["CBaseLoader", "BaseLoader"])
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run a test with the parser in C and with the one in Python."""
    name: str = request.param
    monkeypatch.setattr(yaml_source, "_EventReader", getattr(yaml, name))
    return name


def test_every_key_and_item_has_its_line() -> None:
    source = _good("a: 1\nb:\n  - c: x\n\n  -\n    c: y\nd:\n  e: >\n    long\n    text\n")
    assert source.data == {"a": 1, "b": [{"c": "x"}, {"c": "y"}], "d": {"e": "long text\n"}}
    assert [source.line("a"), source.line("b"), source.line("d", "e")] == [1, 2, 8]
    assert [source.line("b", 0, "c"), source.line("b", 1), source.line("b", 1, "c")] == [3, 6, 6]


def test_an_unknown_path_has_the_line_of_its_nearest_ancestor() -> None:
    source = _good("# comment\na:\n  b: 1\n")
    assert source.line("a", "b", "c", 7) == 3
    assert source.line("a", "x") == 2
    assert source.line("nothing") == 2
    assert Source("a.yml", {}, {}).line("a") == 0


def test_words_that_yaml_once_took_for_something_else_are_text() -> None:
    words = ["no", "on", "yes", "off", "y", "2026-11-22", "12:30:45", "1_000", "0x1F", ".nan", "="]
    source = _good("\n".join(f"k{place}: {word}" for place, word in enumerate(words)))
    assert list(source.data.values()) == words


def test_numbers_booleans_and_nulls_are_what_they_look_like() -> None:
    source = _good("a: 10\nb: -3\nc: 1.5\nd: true\ne: false\nf: null\ng: ~\nh:\ni: 1e3\nj: '7'\n")
    assert source.data == {
        "a": 10,
        "b": -3,
        "c": 1.5,
        "d": True,
        "e": False,
        "f": None,
        "g": None,
        "h": None,
        "i": 1000.0,
        "j": "7",
    }


def test_numbers_beyond_all_measure_are_text() -> None:
    source = _good(f"a: {'9' * 5000}\nb: 1e999\n")
    assert source.data == {"a": "9" * 5000, "b": "1e999"}


def test_a_key_is_its_text() -> None:
    assert _good("no: a\n404: b\n2026-11-22: c\n'x': d\n").data == {
        "no": "a",
        "404": "b",
        "2026-11-22": "c",
        "x": "d",
    }


def test_a_byte_order_mark_and_windows_line_ends_are_accepted() -> None:
    source = _good("\ufeffa: 1\r\nb:\r\n  c: 2\r\n")
    assert source.data == {"a": 1, "b": {"c": 2}}
    assert source.line("b", "c") == 3


def test_a_duplicate_key_is_told_and_the_rest_still_read() -> None:
    source, problems = load_yaml("a: 1\nb:\n  c: 1\n  d: 2\n  c: {x: [1]}\na: 2\n", "a.yml")
    assert problems == [
        Problem("a.yml", 5, "'c' stands here a second time (first on line 3). Delete one."),
        Problem("a.yml", 6, "'a' stands here a second time (first on line 1). Delete one."),
    ]
    assert source is not None
    assert source.data == {"a": 1, "b": {"c": 1, "d": 2}}


_QUOTE = "Put the text in quotes; if you meant YAML's feature, write the value out."
_TAB = "a tab in the indentation. YAML indents with spaces only: replace the tab."
_COLON = (
    "a colon where YAML expects none. If it belongs to the text, put the text in quotes; if not, "
    "check the indentation here and a line above, and the space after each colon."
)
_BLOCK = (
    "does not fit the block that starts on line 1. Check the indentation; a value that begins "
    "with a quote or a bracket and goes on after it needs quotes around all of it."
)
_BRACKETS = "brackets opened on line 1 are not closed, or a comma is missing between items."
_BACKSLASH = "a backslash inside double quotes. Write it twice, or use single quotes."


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a:\n\tb: 1\n", f"a.yml:2: {_TAB}"),
        ("a: x: y\n", f"a.yml:1: {_COLON}"),
        ("a: x\n  b: y\n", f"a.yml:2: {_COLON}"),
        ("a:\n   b: 1\n  c: 2\n", f"a.yml:3: {_BLOCK}"),
        ("a: 'x' y\n", f"a.yml:1: {_BLOCK}"),
        ("a: [1,\n  2\nb: 3\n", f"a.yml:3: {_BRACKETS}"),
        ("a: {b: 1\n", f"a.yml:1: {_BRACKETS}"),
        ("a: 1\nb: 'x\n\nc: 2\n", "a.yml:2: a quote that is never closed. Add the closing quote."),
        ('a: "C:\\dir"\n', f"a.yml:1: {_BACKSLASH}"),
        ('a: "\\q"\n', f"a.yml:1: {_BACKSLASH}"),
        ("a: @app\n", "a.yml:1: a value that starts with '@'. Put it in quotes."),
        ("a: `x`\n", "a.yml:1: a value that starts with '`'. Put it in quotes."),
        ("a: 50\nb: %x\n", "a.yml:2: a value that starts with '%'. Put it in quotes."),
        ("a: * x\n", "a.yml:1: a value that starts with * or &. Put it in quotes."),
        (
            "a: 1\nbcd\ne: 2\n",
            "a.yml:2: no colon. Write `name: value`, or indent the line if it continues the text "
            "above.",
        ),
        (
            "a: - b\n",
            "a.yml:1: '- ' in the middle of a line. Start the list on a line of its own, or quote "
            "the text.",
        ),
        ("a: *args\n", f"a.yml:1: '*args' is an alias to YAML. {_QUOTE}"),
        ("a: &b c\n", f"a.yml:1: '&b' is an anchor to YAML. {_QUOTE}"),
        ("a: !important\n", f"a.yml:1: '!important' is a tag to YAML. {_QUOTE}"),
        (
            "a: !!python/name:os.system\n",
            f"a.yml:1: '!!python/name:os.system' is a tag to YAML. {_QUOTE}",
        ),
        (
            "a:\n  <<: {b: 1}\n",
            "a.yml:2: '<<' merges mappings in YAML, not here. Write the fields out.",
        ),
        (
            "? [a]\n: b\n",
            "a.yml:1: the name before the colon must be plain text. Put it in quotes.",
        ),
        (
            "a: 1\n---\nb: 2\n",
            "a.yml:2: a second YAML document starts here. Delete the `---` line.",
        ),
        ("- a\n- b\n", "a.yml:1: must consist of `name: value` lines at its top level."),
        ("\njust text\n", "a.yml:2: must consist of `name: value` lines at its top level."),
        ("", "a.yml: is empty. Write its first `name: value` line."),
        ("# only a comment\n\n", "a.yml: is empty. Write its first `name: value` line."),
        ("---\n", "a.yml: is empty. Write its first `name: value` line."),
        ("a: 1\nb: x\x07y\n", "a.yml:2: an invisible control character. Retype the line."),
        ("a: 1\nb: \ud800\n", "a.yml:2: half of a character. Retype the text."),
    ],
)
def test_bad_yaml_is_told_with_its_line_and_what_to_do(text: str, told: str, parser: str) -> None:
    assert _told(text) == [told]


def test_an_alias_bomb_does_not_go_off() -> None:
    bomb = "a0: &a0 [x, x]\n" + "".join(
        f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40)
    )
    told = _told(bomb)
    assert told[0] == f"a.yml:1: '&a0' is an anchor to YAML. {_QUOTE}"
    assert len(told) == 79


@pytest.mark.parametrize("deep", ["a: " + "[" * 100_000, "a:\n " + "- " * 5_000 + "x"])
def test_nesting_without_end_is_told(deep: str) -> None:
    [told] = _told(deep)
    assert told.endswith(": nested more than 50 levels deep.")


def test_a_file_that_is_missing_is_told(tmp_path: Path) -> None:
    assert read_yaml(tmp_path / "a.yml", "a.yml") == (
        None,
        [Problem("a.yml", 0, "does not exist. Add the file.")],
    )


def test_a_folder_in_place_of_the_file_is_told(tmp_path: Path) -> None:
    assert read_yaml(tmp_path, "a.yml") == (
        None,
        [Problem("a.yml", 0, "cannot be read: Is a directory.")],
    )


def test_a_file_in_another_encoding_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.yml"
    path.write_bytes("a: 1\nb: caf\xe9\n".encode("latin-1"))
    assert read_yaml(path, "a.yml") == (
        None,
        [Problem("a.yml", 2, "not UTF-8 text. Save the file with encoding UTF-8.")],
    )


def test_a_file_that_may_not_be_read_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert read_yaml(tmp_path / "a.yml", "a.yml") == (
        None,
        [Problem("a.yml", 0, "cannot be read: Permission denied.")],
    )


def test_a_good_registry_fits_the_model() -> None:
    registry, problems = validate(Registry, _good(REGISTRY))
    assert problems == []
    assert registry is not None
    assert registry.topic("yeast").requires == {"dough": "yeast lives in it"}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("requires:", "requries:", "16: yeast: unknown field 'requries'. Did you mean 'requires'?"),
        ("title: Dough", "titel: Dough", "8: dough: unknown field 'titel'. Did you mean 'title'?"),
        ("subject: {name", "subject: {nam", "1: unknown field 'nam'. Did you mean 'name'?"),
        (
            "label: Dough and yeast",
            "colour: brown",
            "38: basics: unknown field 'colour'. Known fields: topics, label.",
        ),
        ("    summary: Heat.\n", "", "18: oven: 'summary' is missing. Add it."),
        ("  - id: dough\n    number: 1", "  - number: 1", "6: 'topics[1].id' is missing. Add it."),
        (
            "title: Oven",
            "title: 1.10",
            "20: oven: 'title' must be text, but 1.10 is a number. Write it in quotes: \"1.10\"",
        ),
        (
            "title: Oven",
            "title: true",
            "20: oven: 'title' must be text, but true is a boolean. Write it in quotes: \"true\"",
        ),
        (
            "title: Oven",
            "title:",
            "20: oven: 'title' is empty. Write its text after the colon, or delete the line.",
        ),
        (
            "title: Oven",
            "title: '  '",
            "20: oven: 'title' is empty. Write its text, or delete the line.",
        ),
        (
            "title: Oven",
            "title: {Oven}",
            "20: oven: 'title' must be text, not a mapping. Text with ': ' in it, or starting "
            "with a bracket, needs quotes.",
        ),
        (
            "you bake what has risen",
            "x" * 81,
            "24: oven: 'requires.yeast' has 81 characters, at most 80 fit. Shorten it.",
        ),
        (
            "must_know: Guests ask.",
            f"must_know: {'x' * 401}",
            "33: crust: 'must_know' has 401 characters, at most 400 fit. Shorten it.",
        ),
        (
            "id: oven",
            "id: Big Oven",
            "18: Big Oven: 'id' must be lower-case words and digits joined by single hyphens, "
            "not 'Big Oven'.",
        ),
        (
            "yeast: you bake",
            "Yeast: you bake",
            "24: oven: the name 'Yeast' must be lower-case words and digits joined by single "
            "hyphens, not 'Yeast'.",
        ),
        (
            "must_know: Guests ask.",
            "api: [a.b, 'not a name']",
            "33: crust: 'api[2]' must be a dotted name such as 'package.module.name', "
            "not 'not a name'.",
        ),
        ("number: 3", "number: three", "19: oven: 'number' must be a whole number, not 'three'."),
        ("number: 3", "number: '3'", "19: oven: 'number' must be a whole number, not '3'."),
        ("number: 3", "number: 3.5", "19: oven: 'number' must be a whole number, not 3.5."),
        ("number: 3", "number:", "19: oven: 'number' must be a whole number, not empty."),
        ("number: 3", "number: 0", "19: oven: 'number' must be 1 or more, not 0."),
        (
            "status: planned",
            "status: plannd",
            "25: oven: 'status' must be 'planned', not 'plannd'.",
        ),
        (
            "must_know: Guests ask.",
            "docs: example.org",
            "33: crust: 'docs' must be a web address such as https://example.org/page, "
            "not 'example.org'.",
        ),
        (
            "requires:\n      dough: yeast lives in it",
            "requires: [dough]",
            "16: yeast: 'requires' must be a mapping (`name: value` lines), not a list.",
        ),
        (
            "{topics: [dough, yeast], label: Dough and yeast}",
            "dough",
            "38: basics: 'nodes[1]' must be a mapping (`name: value` lines), not 'dough'.",
        ),
        (
            "topics: [oven]",
            "topics: oven",
            "39: basics: 'nodes[2].topics' must be a list (lines that start with '- '), "
            "not 'oven'.",
        ),
        (
            "topics: [oven]",
            "topics: []",
            "39: basics: 'nodes[2].topics' has too few items: at least 1 needed.",
        ),
        (
            "moved:\n  leaven: yeast",
            "moved:",
            "50: 'moved' must be a mapping (`name: value` lines), not empty.",
        ),
    ],
)
def test_a_value_that_does_not_fit_is_told(old: str, new: str, told: str) -> None:
    assert _rejected(changed((old, new))) == [told]


def test_a_missing_section_is_told_at_the_top() -> None:
    assert _rejected("# nothing yet\nsubject: {name: X, stamp: []}\ntopics: []\n") == [
        "2: 'levels' is missing. Add it.",
        "3: 'topics' has too few items: at least 1 needed.",
    ]


def test_a_field_that_is_called_like_a_mark_of_the_validator_is_told() -> None:
    text = "volatile: {'[key]': 7}\n'[key]': 1\n"
    wrong, unknown = validate(BundleSettings, _good(text))[1]
    assert wrong.message == "'volatile.[key]' must be a list (lines that start with '- '), not 7."
    assert unknown.message.startswith("unknown field '[key]'. Known fields: volatile, ")


def test_a_boolean_is_spelt_out() -> None:
    text = (
        "interview:\n  - {id: a, ask: A, seniority: mid, answer: A, listen_for: A, red_flag: A,\n"
        "     quick: yes}\n"
    )
    assert validate(Questions, _good(text))[1] == [
        Problem("a.yml", 3, "a: 'quick' must be true or false, not 'yes'.")
    ]


def test_a_choice_names_what_there_is() -> None:
    text = (
        "interview:\n  - {id: a, ask: A, seniority: expert, answer: A, listen_for: A, red_flag: A}"
    )
    assert validate(Questions, _good(text))[1] == [
        Problem("a.yml", 2, "a: 'seniority' must be 'junior', 'mid' or 'senior', not 'expert'.")
    ]


def test_all_mistakes_are_told_at_once_and_sorted() -> None:
    registry = changed(
        ("title: Oven", "title: 7"), ("number: 2", "number: two"), ("goal:", "gaol:")
    )
    assert [told.split(":")[0] for told in _rejected(registry)] == ["12", "20", "43"]
