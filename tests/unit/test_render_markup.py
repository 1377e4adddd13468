"""Text, fences and blocks come out whole, whatever is in them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from macros.render.markup import attributes, block, escape, fence, fold, inline, language_of, plain


def test_html_in_text_is_shown_not_obeyed() -> None:
    assert escape('<b> & "x"') == "&lt;b&gt; &amp; &quot;x&quot;"


def test_code_in_a_line_is_marked_up_and_nothing_else_is() -> None:
    assert inline("a `b<c>` *d*") == "a <code>b&lt;c&gt;</code> *d*"
    assert plain("a `b<c>` *d*") == "a b<c> *d*"


def test_an_unclosed_backtick_stays_a_backtick() -> None:
    assert inline("a ` b") == "a ` b"


def test_attributes_that_are_not_there_are_left_out() -> None:
    values = {"id": "x", "hidden": True, "title": None, "open": False, "data-n": 0}
    assert attributes(values) == ' id="x" hidden data-n="0"'


def test_a_fence_names_its_file_and_its_first_line() -> None:
    text = fence("x = 1\n", "python", title='a "b".py', first_line=7)
    opening = '```` { .python title="a &quot;b&quot;.py" linenums="7" }'
    assert text == f"{opening}\nx = 1\n````"


def test_a_fence_is_longer_than_any_inside_it() -> None:
    text = fence("`````\ninner\n`````\n", "text")
    assert text.startswith("`````` {")
    assert text.endswith("\n``````")


def test_a_block_has_more_slashes_than_the_blocks_inside_it() -> None:
    inner = block("html", "div.a", "text")
    outer = block("html", "div.b", inner)
    assert inner == "/// html | div.a\n\ntext\n///"
    assert outer == f"//// html | div.b\n\n{inner}\n////"


def test_a_fold_quotes_its_attributes_as_yaml() -> None:
    text = fold("Why\n  not?", "body", css="km-proof", anchor="proof-x", seniority="it's")
    assert text.splitlines()[:2] == [
        "/// details | Why not?",
        "    attrs: {id: 'proof-x', class: 'km-proof', data-seniority: 'it''s'}",
    ]


@pytest.mark.parametrize(
    ("file", "language"),
    [
        ("app/main.py", "python"),
        ("Dockerfile", "docker"),
        ("Dockerfile.dev", "docker"),
        ("k8s/deploy.yml", "yaml"),
        ("alembic.ini", "ini"),
        ("Ovenfile", "text"),
    ],
)
def test_a_file_is_highlighted_by_its_name(file: str, language: str) -> None:
    assert language_of(file) == language


@given(st.text(alphabet="`/ \na{}#", max_size=60))
def test_no_text_ends_its_fence_early(text: str) -> None:
    rows = fence(text, "text").split("\n")
    ticks = rows[-1]
    assert not any(row.strip().startswith(ticks) for row in rows[1:-1])


@given(st.text(alphabet="`<>&'\"a ", max_size=40))
def test_no_line_of_text_opens_a_tag(text: str) -> None:
    html = inline(text).replace("<code>", "").replace("</code>", "")
    assert "<" not in html
    assert ">" not in html
