"""The adapter: macros under their names, mistakes in a box and in the log, never an exception."""

from __future__ import annotations

import logging
import os
import sys
import types
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jinja2
import pytest

from macros import freshness
from macros.render.catalog import MACROS
from macros.site import define
from tests.unit.bakery import Bakery


class Builder:
    """What a site builder hands to define_env, reduced to what is used of it."""

    def __init__(self, root: Path, page: Any) -> None:
        self.project_dir = str(root)
        self.conf = {"use_directory_urls": True}
        self.page = page
        self.macros: dict[str, Callable[..., str]] = {}

    def macro(self, function: Callable[..., str], name: str) -> None:
        self.macros[name] = function

    def render(self, markdown: str) -> str:
        """Return the page as the builder would hand it on to Markdown."""
        environment = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False)
        environment.globals.update(self.macros)
        return environment.from_string(markdown).render()


def mkdocs(bakery: Bakery, page: str = "topics/kneading/index.md") -> Builder:
    builder = Builder(bakery.root, SimpleNamespace(file=SimpleNamespace(src_uri=page), meta={}))
    define(builder)
    return builder


def zensical(bakery: Bakery, page: str = "topics/kneading/index.md") -> Builder:
    builder = Builder(bakery.root, SimpleNamespace(path=page, meta={}))
    define(builder)
    return builder


def test_every_macro_is_there_under_its_name(bakery: Bakery) -> None:
    assert set(mkdocs(bakery).macros) == set(MACROS)


def test_raw_html_is_linked_as_each_builder_needs_it(bakery: Bakery) -> None:
    assert 'href="../../levels/basics/"' in mkdocs(bakery).render("{{ topic_header() }}")
    assert 'href="../../levels/basics.md"' in zensical(bakery).render("{{ topic_header() }}")


def test_a_block_macro_ends_the_paragraph_above_it(bakery: Bakery) -> None:
    assert mkdocs(bakery).render("Text\n{{ asked() }}\nmore").startswith("Text\n\n<p class=")


def test_a_link_stays_inside_its_sentence(bakery: Bakery) -> None:
    text = mkdocs(bakery).render('See {{ topic("flour") }}.')
    assert text.startswith("See <span")
    assert text.endswith("</span>.")


@pytest.mark.parametrize("builder", [mkdocs, zensical])
def test_a_page_is_described_for_its_head(
    bakery: Bakery, builder: Callable[[Bakery], Builder]
) -> None:
    bakery.change("docs/topics.yml", "How work makes dough strong.", 'How "work" makes dough.')
    site = builder(bakery)
    site.render("{{ topic_header() }}")
    assert site.page.meta["description"] == "How &quot;work&quot; makes dough."


def test_a_description_in_the_page_itself_is_kept(bakery: Bakery) -> None:
    site = mkdocs(bakery)
    site.page.meta["description"] = "By hand."
    site.render("{{ topic_header() }}")
    assert site.page.meta["description"] == "By hand."


def test_a_mistake_is_shown_and_logged_with_its_line(
    bakery: Bakery, caplog: pytest.LogCaptureFixture
) -> None:
    bakery.write("index.md", '---\nhide: toc\n---\n\n# Kneading\n\n{{ example("need") }}\n')
    with caplog.at_level(logging.WARNING, "mkdocs.macros.knowledge_map"):
        html = mkdocs(bakery).render('# Kneading\n\n{{ example("need") }}\n')
    told = (
        "docs/topics/kneading/index.md:7: example: "
        "no region 'need' in docs/topics/kneading/main.py. There are: knead, shape."
    )
    assert caplog.messages == [told]
    assert '<div class="km-failure" role="alert"><p><strong>example</strong></p>' in html
    assert told.replace("'", "&#x27;") in html


def test_a_mistake_in_a_sentence_stays_in_it(bakery: Bakery) -> None:
    html = mkdocs(bakery).render('See {{ topic("kneeding") }}.')
    assert html.startswith('See <span class="km-failure" role="alert">')


def test_a_wrong_argument_is_a_mistake_like_any_other(bakery: Bakery) -> None:
    html = mkdocs(bakery).render('{{ example(regoin="knead") }}')
    assert "got an unexpected keyword argument &#x27;regoin&#x27;. Correct the call." in html


def test_a_registry_that_cannot_be_read_is_told_on_every_page_and_logged_once(
    bakery: Bakery, caplog: pytest.LogCaptureFixture
) -> None:
    bakery.write("docs/topics.yml", "topics: [")
    site = mkdocs(bakery)
    with caplog.at_level(logging.WARNING, "mkdocs.macros.knowledge_map"):
        html = site.render("{{ topic_header() }}{{ topic_footer() }}")
    assert html.count("the registry cannot be read. docs/topics.yml:") == 2
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith("docs/topics.yml:")


def test_a_repaired_registry_brings_the_page_back(bakery: Bakery) -> None:
    text = bakery.read("docs/topics.yml")
    bakery.write("docs/topics.yml", "topics: [")
    assert "km-failure" in mkdocs(bakery).render("{{ topic_header() }}")
    bakery.write("docs/topics.yml", text)
    assert "km-failure" not in mkdocs(bakery).render("{{ topic_header() }}")


def test_a_bug_of_the_machine_does_not_end_the_build(
    bakery: Bakery, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> str:
        raise RuntimeError("out of yeast")

    monkeypatch.setattr("macros.render.view.View.bundle", broken)
    html = mkdocs(bakery).render("{{ example() }}")
    assert "RuntimeError: out of yeast (test_site.py:" in html


@pytest.fixture
def imported(tmp_path: Path) -> Any:
    """Put two modules of the machine's name into the process, and take them out again."""
    kept = {name: module for name, module in sys.modules.items() if name.startswith("macros.")}
    for name in kept:
        if name != freshness.__name__:
            del sys.modules[name]
    for name in ("one", "two"):
        module = types.ModuleType(f"macros.{name}")
        module.__file__ = str(tmp_path / f"{name}.py")
        (tmp_path / f"{name}.py").touch()
        os.utime(module.__file__, (1, 1))
        sys.modules[module.__name__] = module
    freshness.drop_changed()
    yield tmp_path
    for name in ("macros.one", "macros.two"):
        sys.modules.pop(name, None)
    sys.modules.update(kept)


def test_modules_stay_as_long_as_their_files_do(imported: Path) -> None:
    assert not freshness.drop_changed()
    assert "macros.one" in sys.modules


def test_one_changed_file_drops_all_modules(imported: Path) -> None:
    later = (imported / "two.py").stat().st_mtime + 10**10
    os.utime(imported / "two.py", (later, later))
    assert freshness.drop_changed()
    assert "macros.one" not in sys.modules
    assert "macros.two" not in sys.modules
    assert freshness.__name__ in sys.modules
