"""Links point where each site builder expects them."""

from __future__ import annotations

import pytest

from macros.links import PublishedLinks, SourceLinks

TOPIC = "topics/kneading/index.md"


@pytest.mark.parametrize(
    ("page", "target", "address"),
    [
        ("index.md", TOPIC, "topics/kneading/"),
        (TOPIC, "index.md", "../../"),
        (TOPIC, "topics/flour/index.md", "../flour/"),
        (TOPIC, "levels/basics.md", "../../levels/basics/"),
        ("about.md", TOPIC, "../topics/kneading/"),
        ("about.md", "licenses.html", "../licenses.html"),
        ("index.md", "licenses.html", "licenses.html"),
        ("levels/basics.md", "levels/craft.md", "../craft/"),
        ("index.md", "index.md", "./"),
    ],
)
def test_raw_html_gets_the_published_address_under_mkdocs(
    page: str, target: str, address: str
) -> None:
    assert PublishedLinks(page).href(target) == address


@pytest.mark.parametrize(
    ("page", "target", "address"),
    [
        ("index.md", TOPIC, "topics/kneading/index.md"),
        (TOPIC, "index.md", "../../index.md"),
        ("about.md", TOPIC, "topics/kneading/index.md"),
        ("about.md", "licenses.html", "licenses.html"),
        ("levels/basics.md", TOPIC, "../topics/kneading/index.md"),
    ],
)
def test_raw_html_gets_the_path_of_the_source_under_zensical(
    page: str, target: str, address: str
) -> None:
    assert SourceLinks(page).href(target) == address


@pytest.mark.parametrize("links", [PublishedLinks("about.md"), SourceLinks("about.md")])
def test_markdown_links_name_the_source_for_both(links: PublishedLinks | SourceLinks) -> None:
    assert links.markdown(TOPIC) == "topics/kneading/index.md"


@pytest.mark.parametrize("links", [PublishedLinks(TOPIC), SourceLinks(TOPIC)])
def test_an_anchor_on_the_same_page_needs_no_path(links: PublishedLinks | SourceLinks) -> None:
    assert links.href(TOPIC, "q-why") == "#q-why"
    assert links.markdown(TOPIC, "q-why") == "#q-why"


def test_an_anchor_on_another_page_follows_its_address() -> None:
    assert PublishedLinks("index.md").href(TOPIC, "gotchas") == "topics/kneading/#gotchas"
    assert SourceLinks("index.md").href(TOPIC, "gotchas") == "topics/kneading/index.md#gotchas"


@pytest.mark.parametrize(
    ("page", "target", "address"),
    [
        ("index.md", TOPIC, "topics/kneading/index.html"),
        ("about.md", TOPIC, "topics/kneading/index.html"),
        (TOPIC, "about.md", "../../about.html"),
    ],
)
def test_a_site_of_plain_files_is_linked_file_by_file(page: str, target: str, address: str) -> None:
    assert PublishedLinks(page, directory_urls=False).href(target) == address
