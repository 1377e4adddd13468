"""What holds only for the offline copy, opened by double click."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import expect

from macros.export.offline import links
from macros.lab.paths import built_lab
from macros.project import Project
from tests.browser.conftest import DESKTOP, PHONE, Visitor
from tests.browser.pages import KINDS, WRITTEN
from tests.browser.test_accessibility import axe, violations
from tests.offline.unpacked import unpack, zip_of

pytestmark = pytest.mark.only_by_file
__all__ = ["axe"]
FILES = [kind for kind in KINDS if kind != "missing"]
LAB = "topics/sse/"


@pytest.fixture(scope="module")
def copy(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpack(project, tmp_path_factory.mktemp("opened"))


def test_the_zip_holds_sorted_files_of_one_time_below_one_folder(project: Project) -> None:
    with zipfile.ZipFile(zip_of(project)) as archive:
        names = archive.namelist()
        times = {entry.date_time for entry in archive.infolist()}
        assert archive.testzip() is None
    assert names == sorted(names)
    assert len(times) == 1
    assert len({name.split("/")[0] for name in names}) == 1


def test_no_link_leaves_the_copy_but_to_the_web(copy: Path) -> None:
    assert links.broken(copy) == []


def test_the_lab_is_in_the_copy_as_a_whole(project: Project, copy: Path) -> None:
    lab = built_lab(project)
    for file in (path for path in lab.rglob("*") if path.is_file()):
        assert (copy / "assets" / "lab" / file.relative_to(lab)).is_file(), file


def test_no_page_asks_for_what_a_file_may_not_have(copy: Path) -> None:
    for page in copy.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert 'type="module"' not in text, page
        assert 'rel="preload"' not in text, page


@pytest.mark.parametrize("kind", FILES)
def test_every_kind_of_page_opens_and_loads_files_of_the_copy_only(
    visitor: Visitor, kind: str
) -> None:
    page = visitor.open(KINDS[kind])
    expect(page.locator("h1").first).to_be_visible()
    page.mouse.move(300, 300)
    if kind != "licenses":
        page.wait_for_selector("html[data-km-ready]", state="attached")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_links_lead_from_page_to_page_without_a_server(visitor: Visitor) -> None:
    page = visitor.open("map/")
    for place in (f"a[href*='topics/{WRITTEN[0]}/']", "a.km-brand", "a[href='about.html']"):
        page.locator(place).locator("visible=true").first.click()
        expect(page.locator("h1")).to_be_visible()
    page.locator("a[href='licenses.html']").first.click()
    page.get_by_role("link", name="Back to the map").click()
    expect(page.locator(".km-level-card").first).to_be_visible()


def test_the_place_of_the_lab_says_how_to_serve_the_copy(visitor: Visitor) -> None:
    page = visitor.open(LAB)
    expect(page.locator("[data-lab]")).to_contain_text("start python serve.py in its folder")
    assert page.locator("[data-lab] button").count() == 0


def test_the_policy_refuses_what_is_not_in_the_copy(visitor: Visitor) -> None:
    page = visitor.open()
    refused = page.evaluate(
        """() => new Promise((done) => {
          addEventListener("securitypolicyviolation", (event) => done(event.violatedDirective));
          new Image().src = "https://example.com/picture.png";
        })"""
    )
    assert refused == "img-src"
    visitor.complaints.clear()  # the refusal is one


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["", LAB], ids=["home", "topic"])
def test_axe_finds_nothing_in_files(visitor: Visitor, axe: str, path: str, scheme: str) -> None:
    for viewport in (DESKTOP, PHONE):
        page = visitor.open(path, scheme, viewport=viewport, bypass_csp=True)
        assert violations(page, axe) == []
