"""The production build merges stylesheets and makes code blocks reachable, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from macros.tools.polish import polish

PAGE = """<html><head>
<link rel="stylesheet" href="{root}assets/theme/a.css">
<title>Rye</title>
<link rel="stylesheet" href="{root}assets/css/b.css">
</head><body><pre><code>x</code></pre><pre tabindex="0">y</pre></body></html>"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "assets" / "theme").mkdir(parents=True)
    (tmp_path / "assets" / "css").mkdir()
    (tmp_path / "deep" / "er").mkdir(parents=True)
    theme = "a { background: url(../images/x.svg) url(data:image/png;base64,AA) }"
    (tmp_path / "assets" / "theme" / "a.css").write_text(theme, encoding="utf-8")
    ours = '@font-face { src: url("../fonts/f.woff2") }'
    (tmp_path / "assets" / "css" / "b.css").write_text(ours, encoding="utf-8")
    for name, root in (("index", ""), ("deep/er/index", "../../"), ("404", "/some/path/")):
        (tmp_path / f"{name}.html").write_text(PAGE.format(root=root), encoding="utf-8")
    polish(tmp_path)
    return tmp_path


def read(site: Path, page: str) -> str:
    return (site / page).read_text(encoding="utf-8")


def test_every_page_links_one_stylesheet_from_its_own_depth(site: Path) -> None:
    name = next((site / "assets" / "css").glob("site.*.css")).name
    for page, root in (("index.html", ""), ("deep/er/index.html", "../../")):
        links = re.findall(r'rel="stylesheet" href="([^"]+)"', read(site, page))
        assert links == [f"{root}assets/css/{name}"]
    links = re.findall(r'rel="stylesheet" href="([^"]+)"', read(site, "404.html"))
    assert links == [f"/some/path/assets/css/{name}"]


def test_the_order_is_kept_and_addresses_still_lead_to_their_files(site: Path) -> None:
    text = next((site / "assets" / "css").glob("site.*.css")).read_text(encoding="utf-8")
    assert text.index("background") < text.index("font-face")
    assert "url(../images/x.svg)" in text
    assert 'url("../fonts/f.woff2")' in text
    assert "url(data:image/png;base64,AA)" in text


def test_code_is_reachable_by_keyboard_and_everything_else_stays(site: Path) -> None:
    text = read(site, "index.html")
    assert '<pre tabindex="0"><code>x</code></pre><pre tabindex="0">y</pre>' in text
    assert "<title>Rye</title>" in text


def test_polishing_twice_changes_nothing_more(site: Path) -> None:
    before = read(site, "deep/er/index.html")
    polish(site)
    assert read(site, "deep/er/index.html") == before
