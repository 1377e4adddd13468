"""An exception as the reader needs it: what, where in their own files, and the way there."""

import linecache
import re
import sys
import traceback

from lab.bundle import TOPICS

INSIDE = f"{TOPICS}/"


def told(error, phase="app"):
    """Return an exception as plain data; frames outside the reader's files are left out."""
    linecache.checkcache()
    cause = _deepest(error)
    place = _place(cause)
    return {
        "kind": type(cause).__name__,
        "phase": phase,
        "message": _message(cause),
        "file": place[0],
        "line": place[1],
        "traceback": _traceback(cause),
    }


def _deepest(error):
    """Return the one exception of a group, or the cause that the reader's own code raised."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    cause = error.__cause__
    return _deepest(cause) if cause is not None and not _own_frames(error) else error


def _own_frames(error):
    frames = traceback.extract_tb(error.__traceback__, limit=2000)
    return [frame for frame in frames if frame.filename.startswith(INSIDE)]


def _place(error):
    if isinstance(error, SyntaxError) and str(error.filename or "").startswith(INSIDE):
        return error.filename.removeprefix(INSIDE).split("/", 1)[1], error.lineno or 0
    frames = _own_frames(error)
    if not frames:
        return getattr(error, "file", None), 0
    return frames[-1].filename.removeprefix(INSIDE).split("/", 1)[1], frames[-1].lineno


def _message(error):
    if isinstance(error, ModuleNotFoundError) and error.name:
        return _missing(error.name)
    text = str(error).strip()
    if isinstance(error, RecursionError):
        return f"{text}: a function calls itself without end"
    if isinstance(error, MemoryError):
        return text or "the memory that a run may use is full"
    return (
        text.removesuffix(f" ({error.filename.rsplit('/', 1)[-1]}, line {error.lineno})")
        if (isinstance(error, SyntaxError) and error.filename)
        else text
    )


def _missing(name):
    top = name.partition(".")[0]
    folder = next((place for place in sys.path if place.startswith(INSIDE)), None)
    there = ", ".join(sorted(packages()))
    own = ""
    if folder:
        from pathlib import Path

        files = sorted(path.stem for path in Path(folder).glob("*.py"))
        own = f" Files here: {', '.join(files)}."
    return f"there is no module '{top}' in the lab.{own} Packages here: {there}."


def packages():
    """Return the names of the packages that the lab holds."""
    from importlib.metadata import distributions

    return {found.metadata["Name"] for found in distributions()}


def _traceback(error):
    if not _own_frames(error) and not isinstance(error, SyntaxError):
        return ""
    lines = ["Traceback (most recent call last):"]
    frames = _own_frames(error)
    shown = frames if len(frames) <= 12 else [*frames[:4], None, *frames[-6:]]
    for frame in shown:
        if frame is None:
            lines.append(f"  … {len(frames) - 10} more calls …")
            continue
        name = frame.filename.removeprefix(INSIDE).split("/", 1)[1]
        lines.append(f'  File "{name}", line {frame.lineno}, in {frame.name}')
        if frame.line:
            lines.append(f"    {frame.line}")
    only = traceback.format_exception_only(error)
    return "\n".join(lines) + "\n" + re.sub(rf"{INSIDE}[^/]+/", "", "".join(only).rstrip())
