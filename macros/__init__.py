"""The machine that turns the topic registry and the topic folders into a site."""

from __future__ import annotations

import logging
from typing import Any


def define_env(env: Any) -> None:
    """Give the site's pages their macros; both site builders call this by its name."""
    # Imported here: this module is loaded for every command, and a builder that goes on
    # running must be able to load the rest anew.
    from macros.freshness import drop_changed

    drop_changed()
    try:
        from macros.site import define
    except Exception:
        # A builder that serves goes on, and its pages say which macros they miss.
        logging.getLogger("mkdocs.macros.knowledge_map").warning(
            "the macros cannot be loaded", exc_info=True
        )
    else:
        define(env)
