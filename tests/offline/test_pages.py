"""What changes in a page so that it works from files, and which links would lead nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from macros.export.offline import links, pages


@pytest.mark.parametrize(
    ("address", "written"),
    [
        ("./", "index.html"),
        ("../b/", "../b/index.html"),
        ("../b", "../b/index.html"),
        ("../b/#part", "../b/index.html#part"),
        ("c.html", "c.html"),
        ("#part", "#part"),
        ("https://example.com/b/", "https://example.com/b/"),
        ("/b/", "/b/"),
    ],
)
def test_a_link_to_a_folder_names_its_page(tmp_path: Path, address: str, written: str) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    text = f'<a class="x" href="{address}">'
    assert pages.changed(text, tmp_path / "a") == f'<a class="x" href="{written}">'


def test_a_page_that_only_leads_on_leads_to_a_file(tmp_path: Path) -> None:
    text = '<meta http-equiv="refresh" content="0; url=../b/">'
    assert 'url=../b/index.html"' in pages.changed(text, tmp_path)


def test_the_module_becomes_a_classic_script(tmp_path: Path) -> None:
    text = '<script type="module" src="../assets/js/main.js" id="__km" data-bundle="b.js">'
    expected = '<script defer src="../assets/js/offline.js" id="__km" data-bundle="b.js">'
    assert pages.changed(text, tmp_path) == expected


def test_the_policy_stays_but_for_files_and_the_searchs_worker() -> None:
    written = pages.policy("default-src 'none'; script-src 'self' 'sha256-x'")
    assert written == (
        "default-src 'none'; script-src 'self' file: 'sha256-x'; worker-src 'self' file: blob:"
    )


SLOT = "<span data-download-size>not in this build</span>"


def test_what_the_copy_lacks_is_told_to_be_on_the_site(tmp_path: Path) -> None:
    text = pages.changed(SLOT, tmp_path, "https://map.example/downloads/")
    assert text == (
        '<span data-download-size><a href="https://map.example/downloads/">on the site</a></span>'
    )


def test_where_no_site_is_known_no_address_is_invented(tmp_path: Path) -> None:
    assert pages.changed(SLOT, tmp_path, None) == SLOT


@pytest.mark.parametrize("downloads", [None, "https://map.example/downloads/"])
def test_the_copy_offers_itself_as_what_it_is(tmp_path: Path, downloads: str | None) -> None:
    rows = [f'<li data-download="{name}"><p>{SLOT}</p></li>' for name in ("book", "offline")]
    book, offline = pages.changed("\n".join(rows), tmp_path, downloads).split("\n")
    assert "<span data-download-size>you are reading it</span>" in offline
    assert "reading" not in book


def test_every_link_that_leaves_the_copy_is_named(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    (copy / "a").mkdir(parents=True)
    (tmp_path / "beside.html").write_text("beside", encoding="utf-8")
    good = ["a/b.html", "a/b.html#part", "#part", "https://example.com/", "http://127.0.0.1:8000/"]
    bad = ["a/", "c.html", "../beside.html", "/a/b.html", "http://example.com/", "//example.com/"]
    anchors = "".join(f'<a href="{address}">x</a>' for address in [*good, *bad])
    (copy / "index.html").write_text(f"<body>{anchors}</body>", encoding="utf-8")
    page = '<meta http-equiv="refresh" content="0; url=gone.html"><img src="gone.svg">'
    (copy / "a" / "b.html").write_text(page, encoding="utf-8")
    assert links.broken(copy) == [
        "a/b.html: gone.svg",
        "a/b.html: gone.html",
        *(f"index.html: {address}" for address in bad),
    ]
