"""The loopback server answers as a static host would."""

from __future__ import annotations

from pathlib import Path

import httpx2

from macros.tools.static_server import serving


def test_a_folder_answers_with_its_index_below_the_prefix(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "index.html").write_text("hello", encoding="utf-8")
    with serving(tmp_path, "/some/path/") as root:
        assert httpx2.get(root + "a/").text == "hello"
        assert httpx2.get(root + "a").headers["location"] == "/some/path/a/"
        assert httpx2.get(root.replace("some/path/", "a/")).status_code == 404


def test_a_missing_page_is_answered_with_the_sites_own(tmp_path: Path) -> None:
    (tmp_path / "404.html").write_text("lost", encoding="utf-8")
    with serving(tmp_path) as root:
        answer = httpx2.get(root + "nowhere")
    assert (answer.status_code, answer.text) == (404, "lost")


def test_text_is_compressed_and_extra_headers_are_sent(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("x" * 5000, encoding="utf-8")
    with serving(tmp_path, headers=(("X-Extra", "yes"),)) as root:
        answer = httpx2.get(root)
    assert answer.headers["content-encoding"] == "gzip"
    assert int(answer.headers["content-length"]) < 500
    assert answer.headers["x-extra"] == "yes"
