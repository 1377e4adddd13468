"""A page is taken apart the way the site's builders would."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from macros.page import COMPUTED, Page, parse, read_page
from macros.project import Project


def page(text: str) -> Page:
    return parse(dedent(text), "page.md")


def problems(text: str) -> list[str]:
    return [str(problem) for problem in page(text).problems]


def test_heading_ids_survive_the_templates_comments() -> None:
    found = page("# A `b`\n\n## See {#see-it}\n\n### Two { #two .wide } ###\n## C {: #c }\n## D\n")
    assert [(h.level, h.title, h.id, h.line) for h in found.headings] == [
        (1, "A `b`", None, 1),
        (2, "See", "see-it", 3),
        (3, "Two", "two", 5),
        (2, "C", "c", 6),
        (2, "D", None, 7),
    ]
    assert found.problems == ()


def test_no_heading_stands_inside_a_fence() -> None:
    assert page("```sh\n# no heading {#a}\n```\n\n# Yes\n").title == "Yes"


def test_calls_have_their_arguments_and_lines() -> None:
    found = page("""\
        a {{ topic("flour", anchor="x") }} b

        {{ example(
            "knead", file="main.py") }}
        {{ answers("a", "b") }}
        {{ show(name) }} {{ plain }}
        """)
    assert [(call.name, call.args, dict(call.kwargs), call.line) for call in found.calls] == [
        ("topic", ("flour",), {"anchor": "x"}, 1),
        ("example", ("knead",), {"file": "main.py"}, 3),
        ("answers", ("a", "b"), {}, 5),
        ("show", (COMPUTED,), {}, 6),
    ]
    assert [call.literal for call in found.calls] == [True, True, True, False]


def test_calls_inside_fences_run_too() -> None:
    assert [call.name for call in page('```sh\n{{ install("x") }}\n```\n').calls] == ["install"]


def test_calls_inside_template_comments_do_not() -> None:
    assert page("{## {{ quiz() }} ##}\n").calls == ()


def test_braces_that_do_not_match_are_a_problem_with_a_line() -> None:
    assert problems("a\n\n{{ quiz( }}\n") == [
        "page.md:3: this is not a macro call the site understands: unexpected '}', "
        "expected ')'. Check the braces."
    ]
    assert not page("{{ quiz( }}").readable


def test_a_fence_that_is_never_closed_is_a_problem() -> None:
    assert problems("a\n\n```sh\nls\n") == [
        "page.md:3: this fence is never closed. Close it with the same marks."
    ]


def test_fences_know_their_language() -> None:
    text = '``` { .python title="a" }\n```\n~~~sh hl_lines="1"\n~~~\n```\n```\n'
    assert [fence.language for fence in page(text).fences] == ["python", "sh", ""]


def test_a_longer_fence_holds_a_shorter_one() -> None:
    found = page("````sh\n```\n````\n\ntext\n")
    assert [fence.lines for fence in found.fences] == [("```",)]


def test_front_matter_is_read_and_lines_still_count_from_the_top() -> None:
    found = page("---\ntitle: Bread\nhide: [toc]\n---\n\n# Bread\n\n{{ quiz() }}\n")
    assert found.front_matter == {"title": "Bread", "hide": ["toc"]}
    assert (found.headings[0].line, found.calls[0].line) == (6, 8)


def test_front_matter_may_be_empty() -> None:
    found = page("---\n---\n# Bread\n")
    assert (found.problems, found.title) == ((), "Bread")


def test_front_matter_that_is_no_yaml_is_a_problem_with_its_line() -> None:
    found = page("---\na: b\nc: [\n---\n# Bread\n")
    assert [problem.line for problem in found.problems] == [3]


def test_words_are_what_a_reader_reads() -> None:
    text = """\
        ---
        title: not counted
        ---
        # Two words {#id}

        {{ topic_header() }}

        Three [words here](https://example.org/not/counted).

        ```sh
        not counted
        ```
        <span class="not">one</span>
        """
    assert page(text).words == 6


def test_gotchas_are_the_third_level_of_their_section() -> None:
    found = page("""\
        ## Gotchas {#gotchas}
        ### A {#a}
        {{ proof("a") }}
        #### Why {#why}
        {{ asked() }}
        ### B
        ## Next {#next}
        ### C {#c}
        """)
    assert [(gotcha.id, gotcha.line, gotcha.last_line) for gotcha in found.gotchas] == [
        ("a", 2, 5),
        (None, 6, 6),
    ]
    assert [call.name for call in found.gotchas[0].calls] == ["proof", "asked"]


def test_links_of_every_kind_are_found() -> None:
    text = '[a](b.md "t") ![i](i.png)\n[r]: ref.md\n<a href="h.md">x</a>\n`[no](no.md)`\n'
    assert [(link.target, link.line) for link in page(text).links] == [
        ("b.md", 1),
        ("i.png", 1),
        ("ref.md", 2),
        ("h.md", 3),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "- a\n\n    more\n",
        "1. a\n\n    more\n\n    and more\n",
        "//// details | A\n    attrs: {id: a}\n\ntext\n////\n",
        "!!! note\n\n    text\n",
        "a\n    lazy line\n",
        '{{ changed(\n    "a",\n\n    "b") }}\n',
    ],
)
def test_an_indent_within_something_is_no_code(text: str) -> None:
    assert page(text).fences == ()


def test_an_indent_on_its_own_is_code() -> None:
    fences = page("text\n\n    x = 1\n\n    y = 2\n\ntext\n").fences
    assert [(fence.line, fence.lines) for fence in fences] == [(3, ("x = 1", "", "y = 2"))]


def test_a_page_is_read_again_only_when_it_changed(tmp_path: Path) -> None:
    project = Project(tmp_path)
    path = tmp_path / "docs" / "a.md"
    path.parent.mkdir()
    path.write_text("# A\n", encoding="utf-8")
    first = read_page(project, path)
    assert read_page(project, path) is first
    path.write_text("# Other\n", encoding="utf-8")
    assert read_page(project, path).title == "Other"


@given(st.text(alphabet="#{}`~ \n\t-%/ab\"'()[]:!?=", max_size=80))
def test_no_text_makes_the_reader_raise(text: str) -> None:
    found = parse(text, "page.md")
    assert found.words >= 0
    assert all(1 <= heading.line <= text.count("\n") + 1 for heading in found.headings)
    assert len(found.gotchas) + len(found.links) >= 0
