"""What changed between versions: an entry on a topic's page, and the page that lists them all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from macros.macro_calls import Call
from macros.model import Topic
from macros.render.markup import escape, inline
from macros.render.view import ContentError, View

_VERSION = re.compile(r"(?P<package>[A-Za-z][\w.-]*) (?P<version>\d[\w.]*)")


@dataclass(frozen=True)
class Change:
    """One entry: since this version of a package, what a reader of an older one should know."""

    topic: Topic
    package: str
    version: str
    evidence: str
    text: str
    anchor: str


def changed(view: View, version: str, evidence: str, text: str) -> str:
    """Return one entry as a list item, with a link to what proves it."""
    topic = view.topic
    package, number = _split(version)
    entry = next(
        (
            change
            for change in entries(view, topic)
            if (change.package, change.version, change.text) == (package, number, text)
        ),
        None,
    )
    anchor = entry.anchor if entry else _anchor(package, number, 1)
    return (
        f'- <span class="km-changed" id="{anchor}" data-package="{escape(package)}">'
        f"<strong>{escape(package)} {escape(number)}</strong></span> {text} "
        f"{_evidence(view, topic, evidence)}".rstrip()
    )


def changes(view: View) -> str:
    """Return all entries of all topics under package and version, newest first."""
    found = [change for topic in view.written() for change in entries(view, topic)]
    if not found:
        return "Nothing is listed yet."
    parts: list[str] = []
    packages = sorted({change.package for change in found}, key=lambda name: _rank(view, name))
    for package in packages:
        parts.append(f"## {package} {{#{_slug(package)}}}")
        own = [change for change in found if change.package == package]
        for version in sorted({change.version for change in own}, key=_number, reverse=True):
            parts.append(f"### {package} {version} {{#{_slug(f'{package} {version}')}}}")
            rows = [_row(view, change) for change in own if change.version == version]
            parts.append("\n".join(rows))
    return "\n\n".join(parts)


def entries(view: View, topic: Topic) -> Iterator[Change]:
    """Yield the entries of a topic's page in order; those with mistakes are told elsewhere."""
    page = view.bundle(topic.id).page
    seen: dict[str, int] = {}
    for call in page.named("changed") if page else ():
        version, evidence, text = _arguments(call)
        found = _VERSION.fullmatch(version)
        if not found:
            continue
        count = seen[version] = seen.get(version, 0) + 1
        yield Change(
            topic,
            found["package"],
            found["version"],
            evidence,
            text,
            _anchor(found["package"], found["version"], count),
        )


def _arguments(call: Call) -> tuple[str, str, str]:
    return (
        call.text(0, "version") or "",
        call.text(1, "evidence") or "",
        call.text(2, "text") or "",
    )


def _row(view: View, change: Change) -> str:
    address = view.links.markdown(view.source(change.topic), change.anchor)
    return f"- {change.text} [#{change.topic.number} {change.topic.title}]({address})"


def _evidence(view: View, topic: Topic, evidence: str) -> str:
    """Return a link to the proof or output on the page; a test shown nowhere is named."""
    bundle = view.bundle(topic.id)
    if bundle.page and any(gotcha.id == evidence for gotcha in bundle.page.gotchas):
        return f'<a class="km-proof-link" href="#proof-{escape(evidence)}">Proof</a>'
    if evidence in bundle.outputs:
        return f'<a class="km-proof-link" href="#output-{escape(evidence)}">Output</a>'
    test = bundle.test(evidence)
    if test is not None:
        return f'<span class="km-proof-link">Proven by <code>{escape(test.name)}</code></span>'
    raise ContentError(
        f"changed(…) names '{evidence}', which is no gotcha, test or output of {bundle.where}."
    )


def _split(version: str) -> tuple[str, str]:
    found = _VERSION.fullmatch(version)
    if not found:
        raise ContentError(
            f"'{version}' is not a package and a version. Write them as in \"package 1.2\"."
        )
    return found["package"], found["version"]


def _rank(view: View, package: str) -> tuple[int, str]:
    """Order packages as the subject names them, then by name."""
    stamped = [name.lower() for name in view.registry.subject.stamp]
    place = stamped.index(package.lower()) if package.lower() in stamped else len(stamped)
    return place, package.lower()


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))


def _anchor(package: str, version: str, count: int) -> str:
    return f"changed-{_slug(f'{package} {version}')}-{count}"


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", inline(text).lower()).strip("-")
