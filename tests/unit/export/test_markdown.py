"""What a page shows is said in Markdown, where Markdown has no form for it in words."""

from __future__ import annotations

import pytest
from lxml import html

from macros.export import markdown, pandoc
from macros.export.chapters import Chapter
from macros.export.twin_source import source
from tests.unit.bakery import Bakery
from tests.unit.export.mini_job import job_of


def twin(body: str) -> str:
    """Return the Markdown of a topic's page."""
    here = Chapter(
        "rye",
        "topic",
        "Rye",
        "topics/rye/",
        7,
        "basics",
        html.fragment_fromstring(f"<section>{body}</section>"),
    )
    others = (
        Chapter("flour", "topic", "Flour", "topics/flour/"),
        Chapter("level-basics", "level", "Basics", "levels/basics/"),
        here,
    )
    text = source(here, {chapter.id: chapter for chapter in others})
    return markdown.placed(pandoc.run(text, markdown.OPTIONS), here.address).strip()


@pytest.mark.parametrize(
    ("href", "address"),
    [
        ("#flour--gotchas", "../flour/index.md"),
        ("#flour", "../flour/index.md"),
        ("#rye--gotchas", "./#gotchas"),
        ("#level-basics", "../../levels/basics/"),
        ("https://example.org/", "https://example.org/"),
    ],
)
def test_links_lead_to_twins_and_else_to_pages(href: str, address: str) -> None:
    assert twin(f"<p><a class='topic' href='{href}'>there</a></p>") == f"[there]({address})"


def test_in_the_file_of_all_links_start_at_the_root() -> None:
    text = "[a](twin:flour), [b](page:topics/rye/#gotchas)"
    assert markdown.placed(text, "") == "[a](topics/flour/index.md), [b](topics/rye/#gotchas)"


def test_code_has_its_language_and_below_the_name_of_its_file() -> None:
    text = twin("<pre class='python' data-title='main.py' data-start='3'><code>x = 1</code></pre>")
    assert text == "`main.py`:\n\n``` python\nx = 1\n```"


def test_a_title_of_a_box_is_bold_and_its_mark_stands_beside_it() -> None:
    ask = "<p>Why <code>rye</code>? <span class='seniority'>Mid</span></p>"
    text = twin(f"<div class='question'><div class='ask'>{ask}</div></div>")
    assert text == "**Why `rye`?** (Mid)"


def test_options_keep_the_letters_by_which_the_answer_names_them() -> None:
    text = twin(
        "<div class='quiz'><ol type='A'><li><span>sour</span></li><li>sweet</li></ol></div>"
    )
    assert text == "- A. sour\n- B. sweet"


def test_a_picture_is_told_by_its_words() -> None:
    figure = "<figure class='diagram'><img src='/x.svg' alt='A grain. Three parts.'></figure>"
    assert twin(f"{figure}<p>After.</p>") == "**Picture.** A grain. Three parts.\n\nAfter."


def test_headers_are_a_list_and_a_reason_follows_a_colon() -> None:
    text = twin("<div class='headers'><p>accept: <code>*/*</code></p></div>")
    assert text == "- accept: `*/*`"
    reason = "<ul><li><a href='#flour'>Flour</a> <span class='reason'>it is why</span></li></ul>"
    assert twin(reason) == "- [Flour](../flour/index.md): it is why"


def test_a_table_with_a_caption_stays_a_table_without_html() -> None:
    text = twin(
        "<table><caption>Hours</caption><thead><tr><th>Bread</th></tr></thead>"
        "<tbody><tr><td class='figure'>7</td></tr></tbody></table>"
    )
    assert text.startswith("Hours\n\n| Bread |")
    assert "<" not in text


def test_what_is_planned_is_marked_in_parentheses() -> None:
    assert twin("<p><span>Oven <small>planned</small></span></p>") == "Oven (planned)"


def test_a_twin_says_first_what_it_is(bakery: Bakery, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SITE_URL", "https://example.org/")
    job = job_of(bakery)
    chapter = Chapter("rye", "topic", "Rye: a grain", "topics/rye/", 7, "basics")
    assert markdown.front_matter(job, chapter).splitlines() == [
        "---",
        "title: 'Rye: a grain'",
        "number: 7",
        "level: basics",
        "address: https://example.org/topics/rye/",
        f"edition: {job.edition.stamp}",
        "---",
        "",
    ]
