"""Shows the figures that a bundle measured, with what they were measured on."""

from __future__ import annotations

from macros import measured as store
from macros.render.markup import box, escape, inline
from macros.render.view import ContentError, View


def measured(view: View) -> str:
    """Return the bundle's figures as a table."""
    bundle = view.bundle()
    try:
        found = store.read(bundle.folder)
    except ValueError as error:
        raise ContentError(str(error)) from None
    if found is None:
        raise ContentError(
            f"{bundle.where} has no {store.FILE}. Write {store.SCRIPT} and run "
            "`make bench only=measures`."
        )
    rows = "".join(
        f'<tr><th scope="row">{inline(row.name)}</th><td class="km-figure">{row.value:g}</td></tr>'
        for row in found.rows
    )
    on = ", ".join(f"{name} {version}" for name, version in found.versions.items())
    caption = f"{escape(found.title)}. Measured on {escape(on)}, Python {escape(found.python)}"
    return box(
        "div.km-measured",
        "<table>\n"
        f'<caption>{caption}, <time datetime="{found.date}">{found.date}</time></caption>\n'
        '<thead><tr><th scope="col">What</th>'
        f'<th scope="col">{escape(found.unit)}</th></tr></thead>\n'
        f"<tbody>{rows}</tbody>\n</table>",
    )
