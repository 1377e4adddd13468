"""Where the lab stands on a topic's page: below the first example of its smallest app."""

from __future__ import annotations

from macros.bundle import Bundle
from macros.render.markup import attributes, inline
from macros.render.view import View


def fence_data(view: View, file: str) -> dict[str, str]:
    """Return what an example's code block says of itself: which topic's lab can run it."""
    return {"data-run": view.topic.id} if runs(view) and file in view.bundle().app_files else {}


def slot(view: View, file: str, region: str | None) -> str:
    """Return the place for the Run button, or why there is none; empty but once on a page."""
    bundle = view.bundle()
    if not view.registry.subject.lab or (file, region) != _first(bundle):
        return ""
    opted_out = view.topic.lab
    if opted_out is not None:
        return (
            f'<p class="km-lab-out">Does not run in the browser: {inline(opted_out.no)}.'
            f"{_recorded(bundle)}</p>"
        )
    place = attributes(
        {
            "class": "km-lab-slot",
            "data-lab": view.topic.id,
            "data-openapi": view.registry.subject.openapi,
        }
    )
    return f"<div{place}>{_note(bundle)}</div>"


def runs(view: View) -> bool:
    """Whether the topic's smallest app runs in the reader's browser."""
    return bool(view.registry.subject.lab) and view.topic.lab is None


def _first(bundle: Bundle) -> tuple[str, str | None] | None:
    """Return file and region of the page's first example of the app itself."""
    calls = bundle.page.named("example") if bundle.page else ()
    for call in calls:
        file = call.text(1, "file") or bundle.main
        if file in bundle.app_files:
            return file, call.text(0, "region")
    return None


def _note(bundle: Bundle) -> str:
    note = bundle.settings.lab_note
    return f'<p class="km-lab-note">{inline(note)}</p>' if note else ""


def _recorded(bundle: Bundle) -> str:
    return " Its recorded answers are on this page." if bundle.answers else ""
