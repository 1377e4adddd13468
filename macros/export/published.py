"""Where the site is published, for files that are read far from it."""

from __future__ import annotations

import os


def site_address() -> str | None:
    """Return the site's address with a slash at its end; None where it is not known."""
    base = os.environ.get("SITE_URL", "").rstrip("/")
    return f"{base}/" if base else None


def absolute(address: str) -> str:
    """Return an address that works anywhere if the host is known, else from the root only."""
    return f"{site_address() or ''}{address}"
