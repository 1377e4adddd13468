"""Every macro that a page may call, by its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from textwrap import shorten
from typing import Final

from macros.render import (
    about,
    changes,
    code,
    concept_map,
    differences,
    downloads,
    exchanges,
    figures,
    home,
    interview,
    listings,
    questions,
    topic_links,
    topic_page,
)
from macros.render.view import View

Renderer = Callable[..., str]

MACROS: Final[Mapping[str, Renderer]] = {
    "answers": exchanges.answers,
    "asked": code.asked,
    "changed": changes.changed,
    "changes": changes.changes,
    "concept_map": concept_map.concept_map,
    "diagram": code.diagram,
    "difference": differences.difference,
    "downloads": downloads.downloads,
    "example": code.example,
    "files_changed": differences.files_changed,
    "level_cards": home.level_cards,
    "level_map": concept_map.level_map,
    "level_topics": listings.level_topics,
    "licenses": about.licenses,
    "measured": figures.measured,
    "must_know": home.must_know,
    "output": code.output,
    "path_cards": home.path_cards,
    "path_steps": listings.path_steps,
    "proof": code.proof,
    "question_count": interview.question_count,
    "questions": questions.questions,
    "questions_by_seniority": interview.questions_by_seniority,
    "questions_by_topic": interview.questions_by_topic,
    "quick_questions": interview.quick_questions,
    "quiz": questions.quiz,
    "report": about.report,
    "run_at_home": exchanges.run_at_home,
    "show": code.show,
    "site_figures": home.site_figures,
    "spanning_questions": interview.spanning_questions,
    "stamps": about.stamps,
    "topic": topic_links.topic,
    "topic_filter": listings.topic_filter,
    "topic_footer": topic_page.topic_footer,
    "topic_header": topic_page.topic_header,
    "topic_index": listings.topic_index,
}

# These stand inside a sentence, and so does the box that says what is wrong with them.
INLINE: Final = frozenset({"licenses", "question_count", "report", "topic"})
# These are rows of a list: a blank line between them would spread it.
ROWS: Final = frozenset({"changed"})
_LONGEST = 160


def describe(view: View, name: str, *arguments: str) -> str | None:
    """Return the description of a page that calls this macro, for its head."""
    if name == "topic_header":
        return view.topic.summary
    if name == "level_topics":
        level = view.find_level(*arguments)
        return shorten(f"{level.title}: {level.summary}", _LONGEST, placeholder=" …")
    if name == "path_steps":
        path = view.find_path(*arguments)
        return shorten(f"{path.title}: {path.goal}", _LONGEST, placeholder=" …")
    return None
