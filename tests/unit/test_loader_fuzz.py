"""Whatever the text: never an exception, and never a silent yes to what is wrong."""

import json
from pathlib import Path
from typing import Any

import pydantic
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from macros.model import BundleSettings, Questions, Registry
from macros.problems import Problem
from macros.project import Project
from macros.registry import Loaded
from macros.rules import graph_rules, registry_rules
from macros.rules.content import Content
from macros.yaml_source import Source, load_yaml, validate
from tests.unit.registry_text import REGISTRY

MODELS: tuple[type[pydantic.BaseModel], ...] = (Registry, Questions, BundleSettings)

# No deadline: a busy machine is no mistake of the loader.
fuzz = settings(deadline=None, max_examples=200)

# What JSON escapes as two halves is none of YAML's.
_TEXT = st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"]), max_size=20)
_NAMES = (
    st.sampled_from(
        [
            "subject",
            "levels",
            "topics",
            "id",
            "title",
            "requires",
            "number",
            "interview",
            "volatile",
        ]
    )
    | _TEXT
)
_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | _TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_NAMES, inner, max_size=4),
    max_leaves=20,
)
_STRUCTURES = st.dictionaries(_NAMES, _VALUES, min_size=1, max_size=6)
# Pieces that mean something to YAML, so that random text gets beyond the first character.
_PIECES = (
    *(
        "a",
        "b: ",
        "- ",
        "? ",
        ": ",
        "\n",
        "\n  ",
        "\n    ",
        "\t",
        "'",
        '"',
        "[",
        "]",
        "{",
        "}",
        ",",
    ),
    *(
        "&x ",
        "*x",
        "!!str ",
        "!t ",
        "<<: ",
        "|\n",
        ">-\n",
        "#",
        "---\n",
        "...\n",
        "%",
        "@",
        "1",
        "-",
    ),
    *(".5", "~", "no", "\\", "\r\n", "\x85", "\u2028", "\ufeff", "\x00", "\x7f", "é"),
)
_YAMLISH = st.lists(st.sampled_from(_PIECES), max_size=30).map("".join)


def _check(text: str) -> tuple[Source | None, list[Problem]]:
    """Load the text as every kind of file, and hold problems to what each of them promises."""
    source, problems = load_yaml(text, "a.yml")
    assert problems == sorted(set(problems))
    assert source is not None or problems
    last = text.count("\n") + text.count("\r") + 1
    if not set("\x85\u2028\u2029") & set(text):
        assert all(0 <= problem.line <= last for problem in problems)
    assert all(problem.file == "a.yml" and problem.message for problem in problems)
    if source is not None:
        for model in MODELS:
            found, mistakes = validate(model, source)
            assert (found is None) == bool(mistakes)
            assert all(mistake.line > 0 for mistake in mistakes)
    return source, problems


@fuzz
@given(st.text(alphabet=st.characters(), max_size=200))
def test_arbitrary_text_is_answered(text: str) -> None:
    _check(text)


@fuzz
@given(_YAMLISH)
def test_text_that_looks_like_yaml_is_answered(text: str) -> None:
    source, problems = _check(text)
    if source is not None:
        assert _plain_yaml(text, duplicates=bool(problems))


@fuzz
@given(st.binary(max_size=60))
def test_arbitrary_bytes_are_answered(tmp_path_factory: Any, raw: bytes) -> None:
    from macros.registry import load

    project = Project(tmp_path_factory.mktemp("project"))
    project.docs.mkdir()
    project.registry.write_bytes(raw)
    found, problems = load(project)
    assert (found is None) == bool(problems)


@fuzz
@given(_STRUCTURES)
def test_any_structure_is_read_as_it_was_written(data: dict[str, Any]) -> None:
    source, problems = load_yaml(json.dumps(data), "a.yml")
    assert problems == []
    assert source is not None
    assert source.data == data


@fuzz
@given(_STRUCTURES)
def test_a_structure_is_accepted_exactly_if_the_model_accepts_it(data: dict[str, Any]) -> None:
    source, _ = _check(json.dumps(data))
    assert source is not None
    for model in MODELS:
        try:
            expected: pydantic.BaseModel | None = model.model_validate_json(
                json.dumps(data), strict=True
            )
        except pydantic.ValidationError:
            expected = None
        assert validate(model, source)[0] == expected


_PLACES = st.integers(0, len(REGISTRY))
_EDITS = st.lists(
    st.tuples(
        _PLACES,
        st.integers(0, 12),
        st.sampled_from(["", "\n", "  ", "\t", ": ", "- ", "dough", "yeast", "oven", "x", "1", "'"])
        | st.text(max_size=3),
    ),
    min_size=1,
    max_size=4,
)
_LINES = REGISTRY.splitlines(keepends=True)


@fuzz
@given(_EDITS)
def test_a_registry_with_typing_mistakes_is_answered(edits: list[tuple[int, int, str]]) -> None:
    text = REGISTRY
    for place, length, new in edits:
        text = text[:place] + new + text[place + length :]
    _rules_hold_if_accepted(text)


@fuzz
@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=6))
def test_a_registry_with_lines_copied_elsewhere_is_answered(moves: list[tuple[int, int]]) -> None:
    lines = list(_LINES)
    for start, end in moves:
        lines.insert(end, lines[start])
    _rules_hold_if_accepted("".join(lines))


@fuzz
@given(st.permutations(range(4)), st.data())
def test_a_registry_with_its_topics_mixed_is_answered(
    order: list[int], data: st.DataObject
) -> None:
    registry = yaml.safe_load(REGISTRY)
    topics = [registry["topics"][place] for place in order]
    for topic in topics:
        ids = st.sampled_from(["dough", "yeast", "oven", "crust", "butter"])
        topic["requires"] = dict.fromkeys(data.draw(st.sets(ids, max_size=2)), "why")
    registry["topics"] = topics
    _rules_hold_if_accepted(json.dumps(registry))


def _rules_hold_if_accepted(text: str) -> None:
    source, problems = _check(text)
    registry = validate(Registry, source)[0] if source is not None else None
    if registry is None or source is None:
        return
    content = Content(Project(Path()), Loaded(registry, source), {}, {}, ())
    for rule in (*registry_rules.RULES, *graph_rules.RULES):
        problems += rule(content)
    if not problems:
        assert _plain_yaml(text, duplicates=False)
        _assert_sound(registry)


def _assert_sound(registry: Registry) -> None:
    """Ask in a second way for what the rules promise."""
    ids = [topic.id for topic in registry.topics]
    assert len(ids) == len(set(ids))
    assert len({topic.number for topic in registry.topics}) == len(ids)
    levels = [level.id for level in registry.levels]
    places = [levels.index(topic.level) for topic in registry.topics]
    assert places == sorted(places)
    for place, topic in enumerate(registry.topics):
        assert set(topic.requires) <= set(ids[:place])
        assert bool(topic.requires) == bool(place)
    for path in registry.paths:
        assert len(set(path.topics)) == len(path.topics)
        for step, topic_id in enumerate(path.topics):
            assert not set(path.topics[step:]) & set(registry.topic(topic_id).requires)
    for cluster in registry.clusters:
        assert {topic_id for node in cluster.nodes for topic_id in node.topics} <= set(ids)
    assert set(registry.moved.values()) <= set(ids)
    assert not set(registry.moved) & set(ids)


def _plain_yaml(text: str, *, duplicates: bool) -> bool:
    """Whether another composer finds one document without aliases, tags or repeated keys."""
    [*documents] = yaml.compose_all(text.removeprefix("\ufeff"), Loader=yaml.CBaseLoader)
    seen: set[int] = set()

    def plain(node: yaml.Node) -> bool:
        if id(node) in seen:
            return False
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            keys = [key.value for key, _ in node.value]
            unique = duplicates or len(set(map(str, keys))) == len(keys)
            return unique and all(plain(value) for _, value in node.value)
        return not isinstance(node, yaml.SequenceNode) or all(map(plain, node.value))

    return len(documents) == 1 and plain(documents[0])
