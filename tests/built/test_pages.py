"""What every built page must have, and what no page may show."""

from __future__ import annotations

import itertools
import json
import re
import subprocess

from macros.model import Registry
from macros.project import Project
from macros.tools import node
from tests.built.conftest import Site


def test_each_page_has_one_h1_a_title_a_language_and_a_description(site: Site) -> None:
    for page, tree in site.content_pages():
        assert len(tree.xpath("//h1")) == 1, page
        assert tree.findtext(".//title"), page
        assert tree.get("lang") == "en", page
        descriptions = tree.xpath("//meta[@name='description']/@content")
        assert len(descriptions) == 1, page
        assert 20 <= len(descriptions[0]) <= 200, page


def test_titles_are_unique(site: Site) -> None:
    titles = [tree.findtext(".//title") for _, tree in site.content_pages()]
    assert len(titles) == len(set(titles))


def test_ids_are_unique_on_each_page(site: Site) -> None:
    for page, tree in site.pages.items():
        ids = tree.xpath("//@id")
        twice = {one for one in ids if ids.count(one) > 1}
        assert twice == set(), page


def test_no_macro_and_no_block_marker_is_left_in_the_text(site: Site) -> None:
    for page, tree in site.content_pages():
        shown = tree.xpath("//article//text()[not(ancestor::pre or ancestor::code)]")
        text = "\n".join(map(str, shown))
        assert not re.search(r"\{\{\s*\w+\(|\{%|^\s*/{3,}\s", text, re.MULTILINE), page
        assert not tree.xpath("//*[contains(@class, 'km-failure')]"), page


def test_every_column_of_a_table_has_a_name(site: Site) -> None:
    for page, tree in site.content_pages():
        assert tree.xpath("//th[not(normalize-space())]") == [], page


def test_headings_do_not_skip_a_level(site: Site) -> None:
    for page, tree in site.content_pages():
        levels = [
            int(h.tag[1])
            for h in tree.xpath("//article//*[self::h1 or self::h2 or self::h3 or self::h4]")
        ]
        jumps = [(a, b) for a, b in itertools.pairwise(levels) if b > a + 1]
        assert jumps == [], page


def test_every_written_topic_has_its_page_under_its_id(site: Site, registry: Registry) -> None:
    for topic in registry.topics:
        page = f"topics/{topic.id}/index.html"
        assert (page in site.pages) is (not topic.planned)
        if not topic.planned:
            assert topic.title in site.pages[page].xpath("string(//h1)")


def test_the_keywords_of_every_written_topic_are_in_the_search_index(
    site: Site, registry: Registry
) -> None:
    index = json.loads((site.folder / "search" / "search_index.json").read_text(encoding="utf-8"))
    for topic in registry.topics:
        if topic.planned:
            continue
        text = " ".join(
            entry["title"] + " " + entry["text"]
            for entry in index["docs"]
            if entry["location"].startswith(f"topics/{topic.id}/")
        )
        plain = re.sub(r"<[^>]+>", "", text).lower().replace("&amp;", "&")
        for keyword in topic.keywords:
            assert keyword.lower() in plain, (topic.id, keyword)


def test_full_question_lists_stay_out_of_the_search_index(site: Site) -> None:
    index = json.loads((site.folder / "search" / "search_index.json").read_text(encoding="utf-8"))
    locations = {entry["location"].split("#")[0] for entry in index["docs"]}
    assert not {place for place in locations if place.startswith("interview/by-")}


def test_only_known_kinds_of_files_are_published(site: Site) -> None:
    files = [path for path in site.folder.rglob("*") if path.is_file()]
    kinds = {path.suffix for path in files if path.name != "_headers"}
    known = {".html", ".css", ".js", ".json", ".svg", ".png", ".ico", ".woff2", ".xml", ".gz"}
    known |= {".txt", ".webmanifest", ".map", ".bin", ".htm"}  # the last two are the lab's
    assert kinds - known == set()
    private = {"questions.yml", "topics.yml", "test_main.py", "bundle.yml"}
    assert not private & {path.name for path in files}


def test_the_licenses_page_names_what_is_shipped(site: Site) -> None:
    text = site.pages["licenses.html"].text_content()
    for part in ("mkdocs-material", "pyodide", "swagger-ui-dist", "pydantic_core", "Python"):
        assert part in text
    assert "Permission is hereby granted" in text


def test_a_validator_finds_no_error_in_the_html(project: Project, site: Site) -> None:
    node.install(project)
    script = project.root / "node_modules" / "html-validate" / "bin" / "html-validate.mjs"
    config = project.root / "tests" / "built" / "htmlvalidate.json"
    command = [node.node(), str(script), f"--config={config}", "--formatter=text", "site/**/*.html"]
    done = subprocess.run(command, cwd=project.root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


def test_a_handful_of_inline_scripts_serves_all_pages(site: Site) -> None:
    policy = site.pages["index.html"].xpath("string(//meta[@http-equiv]/@content)")
    assert 1 <= len(set(re.findall(r"'sha256-[^']+'", policy))) <= 4
    assert "unsafe" not in policy


def test_each_page_loads_one_stylesheet_and_code_can_be_reached_by_key(site: Site) -> None:
    for page, tree in site.content_pages():
        assert len(tree.xpath("//link[@rel='stylesheet']")) == 1, page
        assert tree.xpath("//pre[not(@tabindex)]") == [], page
