"""The policy of the production build lists exactly the scripts that stand in the pages."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from macros.tools import policy


def page(script: str) -> str:
    return (
        f'<!doctype html><html><head><meta charset="utf-8"></head><script>{script}</script></html>'
    )


def hash_of(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def test_every_inline_script_is_allowed_by_its_hash(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(page("one()"), encoding="utf-8")
    (tmp_path / "b.html").write_text(page("two()"), encoding="utf-8")
    written = policy.write(tmp_path)
    assert hash_of("one()") in written
    assert hash_of("two()") in written
    assert "'unsafe-inline'" not in written


def test_every_page_gets_the_policy_but_not_the_frames_of_the_lab(tmp_path: Path) -> None:
    for name in ("a.html", "b.html", "frame.htm"):
        (tmp_path / name).write_text(page("one()"), encoding="utf-8")
    written = policy.write(tmp_path)
    for name in ("a.html", "b.html"):
        assert f'content="{written}"' in (tmp_path / name).read_text(encoding="utf-8")
    assert "Content-Security-Policy" not in (tmp_path / "frame.htm").read_text(encoding="utf-8")


def test_the_header_for_all_paths_forbids_foreign_frames_and_leaves_the_rest_to_the_pages(
    tmp_path: Path,
) -> None:
    policy.write(tmp_path)
    headers = (tmp_path / "_headers").read_text(encoding="utf-8")
    assert "Content-Security-Policy: frame-ancestors 'self'\n" in headers


def test_the_policy_comes_before_the_first_script(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(page("one()"), encoding="utf-8")
    policy.write(tmp_path)
    text = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert text.index("Content-Security-Policy") < text.index("<script")


def test_data_blocks_and_files_need_no_hash() -> None:
    text = '<script type="application/json">{}</script><script src="a.js"></script>'
    assert policy.inline_scripts(text) == []
