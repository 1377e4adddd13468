"""What the about page derives: on what the topics were proven, and where to read more."""

from __future__ import annotations

from macros.render.markup import escape
from macros.render.topic_links import link
from macros.render.topic_page import display_name, report_address, stamp_versions
from macros.render.view import View

LICENSES = "licenses.html"  # written beside the pages by the production build


def stamps(view: View) -> str:
    """Return a table of the topics that are proven, on which versions and when."""
    rows = []
    for topic in view.written():
        stamp = view.stamp(topic)
        if stamp is not None:
            versions = ", ".join(
                f"{display_name(view, name)} {version}" for name, version in stamp_versions(stamp)
            )
            rows.append(
                f"<tr><td>{link(view, topic)}</td><td>{escape(versions)}</td>"
                f'<td><time datetime="{stamp.date}">{stamp.date}</time></td></tr>'
            )
    if not rows:
        return "No proofs were run for this copy of the site."
    head = "<thead><tr><th>Topic</th><th>Proven on</th><th>Date</th></tr></thead>"
    return "\n".join([f'<table class="km-stamps">{head}<tbody>', *rows, "</tbody></table>"])


def licenses(view: View, text: str) -> str:
    """Return a link to the page of licenses that the production build writes."""
    return f'<a href="{escape(view.links.href(LICENSES))}">{escape(text)}</a>'


def report(view: View, text: str) -> str:
    """Return a link to where mistakes are reported; plain text where no address is set."""
    if not view.environment.get("REPORT_URL"):
        return escape(text)
    return (
        f'<a href="{escape(report_address(view, view.registry.subject.name))}">{escape(text)}</a>'
    )
