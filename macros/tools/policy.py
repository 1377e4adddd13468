"""The Content-Security-Policy of the production build: written into each page, and for hosts.

A policy in the page protects readers on hosts that cannot send headers; the file `_headers` is
for those that can, and adds what a page cannot say of itself.
"""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

INLINE = re.compile(r"<script(?P<attributes>[^>]*)>(?P<code>.*?)</script>", re.DOTALL)
HEAD = re.compile(r"(<meta charset=[^>]+>)", re.IGNORECASE)
DATA = re.compile(r"type=\"?(application/json|application/ld\+json|text/template)")


def write(site: Path) -> str:
    """Give every page the policy and write `_headers`; return the policy.

    One policy serves all pages: it lists the SHA-256 of every inline script there is, so the
    number of different inline scripts has to stay small (see the test of the built site).
    """
    pages = {path: path.read_text(encoding="utf-8") for path in sorted(site.rglob("*.html"))}
    hashes = sorted({_hash(code) for text in pages.values() for code in inline_scripts(text)})
    policy = _policy(hashes)
    meta = f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    for path, text in pages.items():
        path.write_text(HEAD.sub(lambda m: m[1] + meta, text, count=1), encoding="utf-8")
    # For all paths, so only what may bind the lab's frames too: they have policies of their own.
    headers = (
        "Content-Security-Policy: frame-ancestors 'self'",
        "X-Content-Type-Options: nosniff",
        "Referrer-Policy: strict-origin-when-cross-origin",
    )
    lines = ["/*", *(f"  {header}" for header in headers)]
    (site / "_headers").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return policy


def inline_scripts(page: str) -> list[str]:
    """Return the code of a page's inline scripts; data blocks are none."""
    return [
        match["code"]
        for match in INLINE.finditer(page)
        if "src=" not in match["attributes"] and not DATA.search(match["attributes"])
    ]


def _hash(code: str) -> str:
    digest = hashlib.sha256(code.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


def _policy(hashes: list[str]) -> str:
    scripts = " ".join(["'self'", *hashes])
    return (
        # Firefox fetches rel="next" ahead, which only the default allows.
        f"default-src 'self'; script-src {scripts}; img-src 'self' data:; "
        "object-src 'none'; media-src 'none'; base-uri 'self'; form-action 'self'"
    )
