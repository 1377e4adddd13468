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


def test_every_page_and_the_headers_file_get_the_same_policy(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(page("one()"), encoding="utf-8")
    written = policy.write(tmp_path)
    assert f'content="{written}"' in (tmp_path / "a.html").read_text(encoding="utf-8")
    assert written in (tmp_path / "_headers").read_text(encoding="utf-8")


def test_the_policy_comes_before_the_first_script(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(page("one()"), encoding="utf-8")
    policy.write(tmp_path)
    text = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert text.index("Content-Security-Policy") < text.index("<script")


def test_data_blocks_and_files_need_no_hash() -> None:
    text = '<script type="application/json">{}</script><script src="a.js"></script>'
    assert policy.inline_scripts(text) == []
