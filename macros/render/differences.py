"""What changed since another topic, computed from the files of both bundles."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from macros.bundle import Bundle
from macros.render.markup import escape, fence
from macros.render.view import ContentError, View

_CONTEXT = 2


def difference(view: View, file: str, since: str, before: str | None = None) -> str:
    """Return a file as a unified diff against the same file of another topic's bundle.

    Args:
        view: The page.
        file: The file in this bundle.
        since: The id of the topic to compare with.
        before: What the file is called there, if it was renamed.
    """
    topic, now, then = view.find_topic(since), view.bundle(), view.bundle(since)
    old = before or file
    for bundle, name in ((now, file), (then, old)):
        if name not in bundle.files:
            raise ContentError(
                f"no file '{name}' in {bundle.where}. A new file is shown with example()."
            )
    if now.files[file] == then.files[old]:
        raise ContentError(f"{now.path(file)} is the same as {then.path(old)}.")
    lines = list(
        difflib.unified_diff(
            then.files[old].splitlines(), now.files[file].splitlines(), n=_CONTEXT, lineterm=""
        )
    )
    # The two head lines name files; the title of the fence does that.
    return fence("\n".join(lines[2:]) + "\n", "diff", title=f"{file}, since #{topic.number}")


def files_changed(view: View, since: str, under: str = "app/") -> str:
    """Return a table of the files that are new, changed or gone since another topic."""
    view.find_topic(since)
    rows = list(_rows(view.bundle(), view.bundle(since), under))
    if not rows:
        raise ContentError(f"nothing under {under} changed since '{since}'.")
    body = [f"| `{escape(file)}` | {what} |" for file, what in rows]
    return "\n".join(["| File | What happened |", "| --- | --- |", *body])


def _rows(now: Bundle, then: Bundle, under: str) -> Iterator[tuple[str, str]]:
    for file in sorted({*now.files, *then.files}):
        if not file.startswith(under):
            continue
        new, old = now.files.get(file), then.files.get(file)
        if new == old or not (new or old):
            continue
        if old is None:
            yield file, f"new, {_lines(len((new or '').splitlines()))}"
        elif new is None:
            yield file, "gone"
        else:
            yield file, _counts(old.splitlines(), new.splitlines())


def _counts(old: list[str], new: list[str]) -> str:
    changes = [line[0] for line in difflib.ndiff(old, new)]
    return f"{_lines(changes.count('+'))} added, {changes.count('-')} removed"


def _lines(count: int) -> str:
    return "1 line" if count == 1 else f"{count} lines"
