"""What a site knows of its own address, and what it leaves out when nobody told it."""

from __future__ import annotations

import pytest

from tests.sites.builder import Built, MiniSite

ADDRESS = "https://bread.example/some/path/"


@pytest.fixture(scope="module")
def placed(bread: MiniSite) -> Built:
    """The map of bread, built for a host, with its source and its reports elsewhere."""
    return bread.build(
        into="placed",
        SITE_URL=ADDRESS,
        SOURCE_URL="https://source.example/bread/",
        REPORT_URL="https://source.example/bread/reports",
    )


def links(built: Built, page: str) -> list[str]:
    return [str(href) for href in built.pages[page].xpath("//a/@href | //link/@href")]


def test_without_an_address_there_is_no_canonical_link_and_no_sitemap_entry(built: Built) -> None:
    for tree in built.pages.values():
        assert tree.xpath("//link[@rel='canonical']") == []
        assert tree.xpath("//meta[@property='og:url']") == []


def test_with_an_address_every_page_is_canonical_and_in_the_sitemap(placed: Built) -> None:
    assert placed.code == 0, placed.said
    sitemap = (placed.folder / "sitemap.xml").read_text(encoding="utf-8")
    for page, tree in placed.pages.items():
        if page == "404.html":
            continue
        address = ADDRESS + page.removesuffix("index.html")
        assert tree.xpath("//link[@rel='canonical']/@href") == [address]
        assert f"<loc>{address}</loc>" in sitemap


def test_the_404_page_finds_its_parts_from_any_depth_below_the_path(placed: Built) -> None:
    parts = placed.pages["404.html"].xpath("//script/@src | //link[@rel='stylesheet']/@href")
    assert parts
    assert all(str(part).startswith("/some/path/") for part in parts)


def test_source_and_report_links_lead_where_they_were_said_to(placed: Built) -> None:
    found = links(placed, "topics/flour/index.html")
    assert any(href.startswith("https://source.example/bread/docs/topics/flour") for href in found)
    assert any(href.startswith("https://source.example/bread/reports") for href in found)


def test_without_them_no_address_is_invented(built: Built) -> None:
    found = links(built, "topics/flour/index.html")
    assert not [href for href in found if "source" in href or "github" in href]
