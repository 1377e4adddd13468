"""Registry and folders that disagree are told so."""

from __future__ import annotations

from macros.rules import folder_rules as rules
from tests.unit.bakery import Bakery

REGISTRY = "docs/topics.yml"


def test_a_folder_without_a_topic(bakery: Bakery) -> None:
    bakery.write("docs/topics/kneeding/index.md", "# Kneeding\n")
    assert bakery.problems(rules.folders_are_topics) == [
        "docs/topics/kneeding: no topic 'kneeding' is in docs/topics.yml. Did you mean 'kneading'?"
    ]


def test_a_folder_like_nothing_else(bakery: Bakery) -> None:
    bakery.write("docs/topics/xyz/index.md", "# Xyz\n")
    assert bakery.problems(rules.folders_are_topics) == [
        "docs/topics/xyz: no topic 'xyz' is in docs/topics.yml. "
        "Add the topic, or delete the folder."
    ]


def test_a_folder_of_a_topic_that_moved(bakery: Bakery) -> None:
    bakery.write("docs/topics/mixing/index.md", "# Mixing\n")
    assert bakery.problems(rules.folders_are_topics) == [
        "docs/topics/mixing: no topic 'mixing' is in docs/topics.yml. "
        "The topic moved: rename the folder to 'kneading'."
    ]


def test_a_planned_topic_with_a_folder(bakery: Bakery) -> None:
    bakery.write("docs/topics/flour/index.md", "# Flour\n")
    line = bakery.line(REGISTRY, "status: planned")
    assert bakery.problems(rules.topics_have_folders) == [
        f"docs/topics.yml:{line}: flour: is planned, but docs/topics/flour exists. "
        "Remove `status: planned`."
    ]


def test_a_topic_with_neither_folder_nor_plan(bakery: Bakery) -> None:
    bakery.change(REGISTRY, "summary: How dough rises.", "summary: Rising.\n    keywords: [yeast]")
    bakery.change(REGISTRY, "      kneading: strong dough holds gas\n    status: planned\n",
                  "      kneading: strong dough holds gas\n")  # fmt: skip
    line = bakery.line(REGISTRY, "- id: proofing")
    assert bakery.problems(rules.topics_have_folders) == [
        f"docs/topics.yml:{line}: proofing: has no folder. "
        "Write it with `make new id=proofing`, or add `status: planned`."
    ]


def test_a_bundle_with_parts_missing(bakery: Bakery) -> None:
    for name in ("questions.yml", "main.py"):
        bakery.delete(name)
    assert bakery.problems(rules.bundles_are_complete) == [
        "docs/topics/kneading: has no main.py. Add the file.",
        "docs/topics/kneading: has no questions.yml. Add the file.",
    ]


def test_a_folder_of_modules_stands_for_main(bakery: Bakery) -> None:
    bakery.write("app/main.py", bakery.read("main.py"))
    bakery.delete("main.py")
    assert bakery.problems(rules.bundles_are_complete) == []
