"""Writes the page of the sandboxed frame, with the policy that binds it and its worker."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Final

SOURCE: Final = Path(__file__).parent / "web" / "frame.js"
# MkDocs leaves files of a theme that end in .html to the templates.
NAME: Final = "frame.htm"


def write(into: Path) -> None:
    """Write the frame's page: one inline script, named by its hash, and nothing from outside."""
    script = SOURCE.read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; script-src 'sha256-{digest}' blob: 'wasm-unsafe-eval'; "
        "worker-src blob:; base-uri 'none'; form-action 'none'"
    )
    page = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        "<title>Runs the lab's Python</title>\n</head>\n<body>\n"
        f"<script>{script}</script>\n</body>\n</html>\n"
    )
    (into / NAME).write_text(page, encoding="utf-8")
