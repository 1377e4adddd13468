"""The machine builds a map of another subject: only docs/ is exchanged."""

from __future__ import annotations

import json
import posixpath
from urllib.parse import urlsplit

import pytest

from macros.rules import check
from tests.sites.builder import Built, MiniSite

FLOUR = "topics/flour/index.html"
KNEADING = "topics/kneading/index.html"


def text_of(built: Built, page: str, path: str) -> list[str]:
    return [" ".join(each.text_content().split()) for each in built.article(page).xpath(path)]


def test_the_docs_have_no_mistake(bread: MiniSite) -> None:
    assert check(bread.project) == []


def test_a_strict_build_has_no_warning(built: Built) -> None:
    assert built.warnings == []
    assert built.code == 0


def test_no_page_mentions_the_subject_of_the_real_map(built: Built) -> None:
    named = [
        page for page, tree in built.pages.items() if "fastapi" in str(tree.text_content()).lower()
    ]
    assert named == []


def test_only_pages_are_published_of_the_docs(built: Built) -> None:
    kinds = {
        path.suffix
        for path in built.folder.rglob("*")
        if path.is_file() and "assets" not in path.relative_to(built.folder).parts
    }
    assert kinds <= {".html", ".json", ".xml", ".gz"}


def test_every_link_and_anchor_leads_somewhere(built: Built) -> None:
    broken = []
    for page in built.pages:
        if page == "404.html":
            continue
        for href in built.article(page).xpath(".//a/@href"):
            parts = urlsplit(href)
            if parts.scheme or href.endswith("licenses.html"):
                continue
            target = page
            if parts.path:
                target = posixpath.normpath(posixpath.join(posixpath.dirname(page), parts.path))
                target = posixpath.normpath(posixpath.join(target, "index.html"))
            tree = built.pages.get(target)
            ids = tree.xpath("//@id") if tree is not None else []
            if tree is None or (parts.fragment and parts.fragment not in ids):
                broken.append(f"{page}: {href}")
    assert broken == []


def test_no_id_stands_twice_on_a_page(built: Built) -> None:
    for page, tree in built.pages.items():
        ids = tree.xpath("//@id")
        assert len(ids) == len(set(ids)), page


def test_no_block_is_left_as_text(built: Built) -> None:
    for page in built.pages:
        if page != "404.html":
            text = built.article(page).text_content()
            assert "///" not in text.replace("https://", ""), page
            assert "{{" not in text, page
            assert "km-failure" not in text, page


def test_a_topic_is_stamped_with_what_it_was_proven_on(built: Built) -> None:
    [stamp] = text_of(built, FLOUR, "//p[@class='km-stamp']")
    assert stamp.startswith("Proven on pyyaml ")
    assert "Python 3." in stamp


def test_every_proof_is_folded_on_the_page_and_says_that_it_passed(built: Built) -> None:
    folds = built.article(FLOUR).xpath("//details[@class='km-proof']")
    assert [fold.get("id") for fold in folds] == [
        "proof-cake-flour-makes-no-bread",
        "proof-same-water-floods-weak-flour",
        "proof-color-says-nothing",
    ]
    for fold in folds:
        assert fold.findtext(".//span[@class='km-passed']") == "passed"
        assert "def test_" in fold.text_content()


def test_code_keeps_its_title_and_its_line_numbers(bread: MiniSite, built: Built) -> None:
    [block] = built.article(KNEADING).xpath(
        "//div[contains(@class, 'highlight')][.//span[@class='filename'][text()='main.py']]"
        "[contains(., 'def feel')]"
    )
    first = block.xpath(".//span[@data-linenos]/@data-linenos")[0]
    source = (bread.root / "docs/topics/kneading/main.py").read_text(encoding="utf-8")
    readable = [row for row in source.splitlines() if "--8<--" not in row]
    assert int(first) == readable.index("def feel(minutes: int) -> str:") + 1


def test_recorded_answers_are_shown_with_status_headers_and_body(built: Built) -> None:
    assert text_of(built, KNEADING, "//p[@class='km-request']") == [
        "GET /dough/1",
        "GET /dough/12",
    ]
    assert text_of(built, KNEADING, "//p[@class='km-status']") == ["200 OK", "200 OK"]
    assert "x-bowl wooden" in " ".join(text_of(built, KNEADING, "//dl[@class='km-headers']/div/*"))
    [first, second] = built.article(KNEADING).xpath("//section[@class='km-answer']")
    assert first.get("id") == "answer-ask-too-early"
    assert '"dough": "shaggy"' in first.text_content()
    assert '"dough": "smooth"' in second.text_content()


def test_the_way_to_run_it_at_home_is_there(built: Built) -> None:
    [fold] = built.article(KNEADING).xpath("//details[@id='run-at-home']")
    assert "python -m uvicorn main:app" in fold.text_content()
    assert "curl http://127.0.0.1:8000/dough/1" in fold.text_content()


def test_a_real_file_carries_its_label(built: Built) -> None:
    assert text_of(built, KNEADING, "//div[@class='km-file']//p[@class='km-label']") == [
        "Explained, not run here: needs an oven"
    ]


def test_a_drawing_is_inline_and_named(built: Built) -> None:
    [drawing] = built.article(FLOUR).xpath("//figure[@class='km-diagram']/*")
    assert drawing.get("aria-labelledby") == "grain-title grain-desc"
    assert "A grain of wheat" in drawing.text_content()


def test_answers_are_markdown_with_links_that_fit_the_page(built: Built) -> None:
    [question] = built.article(FLOUR).xpath("//details[@id='q-flour-1']")
    assert question.get("data-seniority") == "junior"
    assert question.xpath(".//div[@class='km-say']//li/text()") == ["protein", "water"]
    assert question.xpath(".//div[@class='km-say']//a/@href") == ["../kneading/#gotchas"]
    by_topic = built.article("interview/by-topic/index.html")
    [question] = by_topic.xpath("//details[@id='q-flour-1']")
    assert question.xpath(".//a[@class='km-permalink']/@href") == ["../../topics/flour/#q-flour-1"]


def test_the_quiz_hides_nothing_without_a_script(built: Built) -> None:
    [field] = built.article(FLOUR).xpath("//fieldset[@id='quiz-flour-quiz-1']")
    assert field.findtext("legend") == "What makes flour strong?"
    assert len(field.xpath(".//label/input[@type='radio']")) == 3
    [why] = field.xpath("./details[@class='km-why']")
    assert "protein & time" in why.text_content()
    assert "It is in the flour." in why.text_content()


@pytest.mark.parametrize("keyword", ["semolina", "gluten", "Type 550"])
def test_keywords_are_in_the_search_index_of_their_topic(built: Built, keyword: str) -> None:
    index = json.loads((built.folder / "search" / "search_index.json").read_text(encoding="utf-8"))
    found = [entry["location"] for entry in index["docs"] if keyword in entry["text"]]
    assert "topics/flour/" in found


def test_a_topic_is_not_found_by_the_titles_of_its_neighbours(built: Built) -> None:
    index = json.loads((built.folder / "search" / "search_index.json").read_text(encoding="utf-8"))
    texts = [entry["text"] for entry in index["docs"] if entry["location"] == "topics/kneading/"]
    assert texts
    assert not any("Proofing" in text for text in texts)


def test_the_full_lists_stay_out_of_the_search_index(built: Built) -> None:
    index = json.loads((built.folder / "search" / "search_index.json").read_text(encoding="utf-8"))
    assert not [each for each in index["docs"] if each["location"].startswith("interview/by-")]


@pytest.mark.parametrize(
    ("page", "description"),
    [
        (FLOUR, "Choose a flour by its protein, and say what that does to the dough."),
        ("levels/craft/index.html", "Craft: What practice adds to flour and water."),
        ("paths/first-loaf/index.html", "First loaf: Bake a loaf that rises."),
    ],
)
def test_pages_are_described_in_their_head(built: Built, page: str, description: str) -> None:
    assert built.pages[page].xpath("//meta[@name='description']/@content") == [description]


def test_a_planned_topic_is_named_everywhere_and_linked_nowhere(built: Built) -> None:
    planned = 0
    for page in built.pages:
        if page != "404.html":
            article = built.article(page)
            planned += len(
                article.xpath(".//*[contains(@class, 'km-planned')][contains(., 'Scoring')]")
            )
            assert not [href for href in article.xpath(".//a/@href") if "scoring" in href], page
    assert planned >= 5


def test_changes_are_collected_newest_first(built: Built) -> None:
    page = "changes/index.html"
    assert built.article(page).xpath("//h3/text()") == ["mill 10.1", "mill 2.0"]
    links = built.article(page).xpath("//li/a[contains(@href, 'changed')]/@href")
    assert links[0] == "../topics/flour/#changed-mill-10-1-1"


def test_a_table_is_aligned_without_inline_style(built: Built) -> None:
    tree = built.article(KNEADING)
    assert tree.xpath("//td[@align='right']")
    assert not tree.xpath("//table//@style")
