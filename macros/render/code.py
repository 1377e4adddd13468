"""Shows the files of a bundle: the example, real files with their labels, proofs, outputs."""

from __future__ import annotations

import re
from collections.abc import Mapping

from macros import locked
from macros.bundle import Bundle
from macros.model import Artifact
from macros.render import lab
from macros.render.diagrams import figure
from macros.render.markup import box, escape, fence, fold, inline, language_of, paragraphs
from macros.render.view import ContentError, View

_PASSED = "passed"


def example(view: View, region: str | None = None, file: str | None = None) -> str:
    """Return the smallest app, or one region of it, with the line numbers of the file."""
    bundle = view.bundle()
    shown = file or bundle.main
    data = lab.fence_data(view, shown)
    return paragraphs([_code(bundle, shown, region, data), lab.slot(view, shown, region)])


def show(view: View, file: str, region: str | None = None) -> str:
    """Return a real file, or one region of it, and how it was checked."""
    bundle = view.bundle()
    code = _code(bundle, file, region)
    artifact = bundle.settings.artifacts.get(file)
    if artifact is None:
        return code
    return box("div.km-file", paragraphs([code, _label(view, artifact)]))


def output(view: View, name: str) -> str:
    """Return what a proof recorded."""
    bundle = view.bundle()
    if name not in bundle.outputs:
        raise ContentError(
            f"no output '{name}' in {bundle.where}/outputs. There are: {_listed(bundle.outputs)}. "
            f'A proof records it with shown("{name}", …); `make fix` writes it.'
        )
    recorder = _recorder(bundle, name)
    title = f"Recorded by <code>{recorder}</code>" if recorder else "Recorded by a proof"
    return box(
        f"div#output-{name}.km-output",
        paragraphs(
            [f'<p class="km-output-title">{title}</p>', fence(bundle.outputs[name], "text")]
        ),
    )


def diagram(view: View, name: str) -> str:
    """Return a drawing of the bundle, inline so that the site's colors reach it."""
    bundle = view.bundle()
    drawn = bundle.diagrams.get(f"{name}.svg") or bundle.diagrams.get(name)
    if drawn is None:
        raise ContentError(
            f"no diagram '{name}.svg' in {bundle.where}. There are: {_listed(bundle.diagrams)}."
        )
    return figure(name, drawn, view)


def proof(view: View, gotcha_id: str) -> str:
    """Return the test that shows a gotcha happening, folded."""
    topic, bundle = view.topic, view.bundle()
    try:
        test = bundle.proof(gotcha_id)
    except KeyError as error:
        raise ContentError(str(error.args[0])) from None
    stamp = view.stamp(topic)
    passed = stamp is not None and stamp.tests.get(test.name) == _PASSED
    mark = ' <span class="km-passed">passed</span>' if passed else ""
    code = fence(test.source, "python", title=test.file, first_line=test.first_line)
    return fold(f"Proof: `{test.name}`{mark}", code, css="km-proof", anchor=f"proof-{gotcha_id}")


def asked(view: View, url: str | None = None, title: str | None = None) -> str:
    """Return where people run into a gotcha in public, or that nobody told us."""
    if url is None:
        return '<p class="km-asked">Found by us</p>'
    if not url.startswith(("https://", "http://")):
        raise ContentError(f"'{url}' is no address. Write the https:// address of the thread.")
    return f'<p class="km-asked">Asked in <a href="{escape(url)}">{inline(title or url)}</a></p>'


def _code(
    bundle: Bundle, file: str, region: str | None, data: Mapping[str, str] | None = None
) -> str:
    try:
        snippet = bundle.snippet(file, region)
    except KeyError as error:
        raise ContentError(str(error.args[0])) from None
    return fence(
        snippet.text,
        language_of(file),
        title=snippet.file,
        first_line=snippet.first_line,
        data=data,
    )


def _label(view: View, artifact: Artifact) -> str:
    if artifact.tool:
        version = locked.version(view.project, artifact.tool)
        kind, words = "validated", f"Validated with {escape(f'{artifact.tool} {version}'.strip())}"
    elif artifact.test:
        kind, words = "run", f"Run by <code>{escape(artifact.test)}</code>"
    else:
        kind, words = "explained", f"Explained, not run here: {inline(artifact.reason or '')}"
    return f'<p class="km-label" data-label="{kind}">{words}</p>'


def _recorder(bundle: Bundle, name: str) -> str | None:
    for test in bundle.tests.values():
        if re.search(rf"""shown\(\s*["']{re.escape(name)}["']""", test.source):
            return test.name
    return None


def _listed(names: object) -> str:
    return ", ".join(sorted(names)) or "none"  # type: ignore[call-overload]
