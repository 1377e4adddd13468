"""Material's successor builds the same map: topic addresses, headings, links and examples.

Pinned, and outside `make site`. Known differences, which this test leaves out: the search index,
redirects and the 404 page belong to the MkDocs build; the chrome around the article is Zensical's.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from lxml import html

from macros.model import Registry
from macros.project import Project
from macros.registry import load

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("docs", "overrides", "macros", "requirements")
FILES = ("mkdocs.yml", "nav.yml", "pyproject.toml", "proofs.json")


@pytest.fixture(scope="module")
def zensical(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build a copy of the project with Zensical; return the site's folder."""
    root = tmp_path_factory.mktemp("zensical")
    for part in PARTS:
        shutil.copytree(ROOT / part, root / part, ignore=shutil.ignore_patterns("__pycache__"))
    for file in FILES:
        if (ROOT / file).is_file():
            shutil.copy(ROOT / file, root / file)
    command = [sys.executable, "-m", "zensical", "build", "--clean"]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(root)}
    done = subprocess.run(
        command, cwd=root, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return root / "site"


@pytest.fixture(scope="module")
def registry() -> Registry:
    loaded, problems = load(Project(ROOT))
    assert loaded is not None, problems
    return loaded.registry


def article(site: Path, topic: str) -> html.HtmlElement:
    page = site / "topics" / topic / "index.html"
    assert page.is_file(), f"no page for {topic}"
    found = html.document_fromstring(page.read_bytes()).xpath("//article")
    assert found, f"no article on the page of {topic}"
    return found[0]  # type: ignore[no-any-return]


def text(node: html.HtmlElement) -> str:
    return re.sub(r"\s+", " ", node.text_content().replace("¶", "").replace("#", "")).strip()


def headings(tree: html.HtmlElement) -> list[tuple[str, str]]:
    return [(h.get("id", ""), text(h)) for h in tree.xpath(".//h1 | .//h2[@id] | .//h3[@id]")]


def links(tree: html.HtmlElement) -> set[str]:
    # The exports complete only the production build.
    no_page = "contains(@class, 'headerlink') or ancestor::pre or ancestor::li[@class='km-zip']"
    found = tree.xpath(f".//a[not({no_page})]/@href")
    return {str(href) for href in found if not re.match(r"https?:|mailto:", str(href))}


def examples(tree: html.HtmlElement) -> list[str]:
    return [text(code) for code in tree.xpath(".//pre/code")]


def test_each_topic_has_the_same_address_headings_links_and_examples(
    zensical: Path, registry: Registry
) -> None:
    ours = ROOT / "site"
    assert (ours / "index.html").is_file(), "Run `make site` first."
    for topic in registry.topics:
        if topic.planned:
            assert not (zensical / "topics" / topic.id).exists()
            continue
        theirs, mine = article(zensical, topic.id), article(ours, topic.id)
        assert headings(theirs) == headings(mine), topic.id
        assert examples(theirs) == examples(mine), topic.id
        assert links(theirs) == links(mine), topic.id
