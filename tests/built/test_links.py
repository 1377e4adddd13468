"""Every address on the built site leads somewhere, and nothing is asked of another host."""

from __future__ import annotations

import posixpath
import re
from urllib.parse import unquote, urlsplit

from lxml import html

from tests.built.conftest import Site


def targets(tree: html.HtmlElement) -> list[str]:
    return [
        str(href) for href in tree.xpath("//a/@href | //link[@rel='next' or @rel='prev']/@href")
    ]


def resolve(page: str, href: str) -> tuple[str, str]:
    """Return the file below the site and the anchor that an address on a page means."""
    parts = urlsplit(href)
    path = unquote(parts.path)
    if not path:
        return page, parts.fragment
    joined = posixpath.normpath(posixpath.join(posixpath.dirname(page), path))
    if path.endswith("/") or joined in {".", ""}:
        joined = posixpath.normpath(posixpath.join(joined, "index.html"))
    return joined, unquote(parts.fragment)


def test_every_internal_link_and_anchor_resolves(site: Site) -> None:
    anchors = {
        page: set(map(str, tree.xpath("//@id | //a/@name"))) for page, tree in site.pages.items()
    }
    broken = []
    for page, tree in site.content_pages():
        for href in targets(tree):
            if urlsplit(href).scheme or href.startswith("//"):
                continue
            file, anchor = resolve(page, href)
            if not (site.folder / file).is_file():
                broken.append(f"{page}: {href} (no such file)")
            elif anchor and file in anchors and anchor not in anchors[file]:
                broken.append(f"{page}: {href} (no such anchor)")
    assert broken == []


def test_every_image_script_and_style_is_a_file_of_the_site(site: Site) -> None:
    missing = []
    for page, tree in site.content_pages():
        for source in tree.xpath(
            "//script/@src | //img/@src | //link[@rel='stylesheet' or @rel='icon' or "
            "@rel='preload' or @rel='modulepreload' or @rel='manifest']/@href"
        ):
            file, _ = resolve(page, str(source))
            if urlsplit(str(source)).scheme == "data":
                continue
            if not (site.folder / file).is_file():
                missing.append(f"{page}: {source}")
    assert missing == []


def test_no_page_loads_anything_from_another_host(site: Site) -> None:
    foreign = []
    for page, tree in site.pages.items():
        loaded = tree.xpath(
            "//@src | //@srcset | //@poster | //object/@data | //form/@action | "
            "//link[not(@rel='canonical' or @rel='alternate' or @rel='license')]/@href"
        )
        foreign += [f"{page}: {one}" for one in loaded if re.match(r"(https?:)?//", str(one))]
    for style in site.folder.rglob("*.css"):
        text = style.read_text(encoding="utf-8")
        foreign += [
            f"{style.name}: {one}"
            for one in re.findall(r"(?:url\(|@import)\s*['\"]?((?:https?:)?//[^'\")]+)", text)
        ]
    assert foreign == []


def test_external_links_are_https(site: Site) -> None:
    plain = {
        f"{page}: {href}"
        for page, tree in site.pages.items()
        for href in targets(tree)
        if href.startswith("http://") and "127.0.0.1" not in href
    }
    assert plain == set()
