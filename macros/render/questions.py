"""Interview questions and the quiz, as folds and fields that need no script."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from macros.bundle import Bundle
from macros.model import Question, QuizQuestion, Topic
from macros.questions import interview_files, options
from macros.render.markup import (
    attributes,
    block,
    box,
    escape,
    fence,
    fold,
    inline,
    language_of,
    one_line,
    paragraphs,
)
from macros.render.topic_links import link, numbered, resolve
from macros.render.view import ContentError, View

QUESTIONS = "questions.yml"
SPANNING = "interview/index.md"  # the page of the questions that span topics


@dataclass(frozen=True)
class Asked:
    """A question and the topic it belongs to; one that spans topics belongs to none."""

    question: Question
    topic: Topic | None


def questions(view: View) -> str:
    """Return the interview questions of the topic whose page this is, and links to shared ones."""
    topic = view.topic
    asked = [Asked(question, topic) for question in view.bundle().questions.interview]
    if not asked:
        raise view.missing(QUESTIONS, "has no interview questions.")
    return paragraphs([*(fold_question(view, each) for each in asked), _shared(view, topic)])


def quiz(view: View) -> str:
    """Return the self-check questions of the topic whose page this is."""
    bundle = view.bundle()
    if not bundle.questions.quiz:
        raise view.missing(QUESTIONS, "has no quiz questions.")
    return paragraphs(_quiz_question(view, bundle, each) for each in bundle.questions.quiz)


def fold_question(view: View, asked: Asked) -> str:
    """Return one interview question with its answer folded away."""
    question = asked.question
    written = _writer(view)
    seniority = (
        f'<span class="km-seniority" data-seniority="{question.seniority}">'
        f"{question.seniority.capitalize()}</span>"
    )
    parts = [
        box("div.km-say", written(question.answer)),
        _part("km-deeper", "Follow-up", written, question.deeper),
        _part("km-listen", "Listen for", written, question.listen_for),
        _part("km-redflag", "Red flag", written, question.red_flag),
        _part("km-dated", "A dated answer", written, question.dated_answer),
        _links(view, asked),
    ]
    return fold(
        f"{one_line(question.ask)} {seniority}",
        paragraphs(parts),
        css="km-question",
        anchor=f"q-{question.id}",
        seniority=question.seniority,
    )


def _shared(view: View, topic: Topic) -> str:
    """Return links to the questions that this topic shares with others."""
    rows = [
        f'<li><a href="{escape(view.links.href(SPANNING, f"q-{question.id}"))}">'
        f"{inline(question.ask)}</a></li>"
        for file in interview_files(view.project)
        for question in file.questions.interview
        if topic.id in question.topics and len(question.topics) > 1
    ]
    if not rows:
        return ""
    title = '<p class="km-part">Together with other topics</p>'
    return "\n".join(['<div class="km-shared">', title, "<ul>", *rows, "</ul>", "</div>"])


def _writer(view: View) -> Callable[[str], str]:
    return lambda markdown: resolve(view, markdown)


def _part(css: str, title: str, written: Callable[[str], str], markdown: str | None) -> str:
    if not markdown:
        return ""
    return box(f"div.{css}", f'<p class="km-part">{title}</p>\n\n{written(markdown)}')


def _links(view: View, asked: Asked) -> str:
    """Return the permanent address of a question and what proves its answer."""
    question, topic = asked.question, asked.topic
    here = view.links.page
    anchor = f"q-{question.id}"
    links: list[str] = []
    if topic is None or here == view.source(topic):
        address = escape(view.links.href(here, anchor))
        links.append(f'<a class="km-permalink" href="{address}">Link to this question</a>')
    else:
        address = escape(view.href(topic, anchor))
        links.append(f'<a class="km-permalink" href="{address}">{numbered(topic)}</a>')
    spanned = [view.find_topic(topic_id) for topic_id in question.topics]
    proven = next((each for each in [topic, *spanned] if _proves(view, each, question)), None)
    if proven is not None:
        proof = escape(view.href(proven, f"proof-{question.proof}"))
        links.append(f'<a class="km-proof-link" href="{proof}">Proof</a>')
    links += [link(view, each) for each in spanned]
    return f'<p class="km-question-links">{" ".join(links)}</p>'


def _proves(view: View, topic: Topic | None, question: Question) -> bool:
    """Whether the proof that a question names stands on this topic's page."""
    if topic is None or topic.planned or question.proof is None:
        return False
    page = view.bundle(topic.id).page
    return page is not None and any(gotcha.id == question.proof for gotcha in page.gotchas)


def _quiz_question(view: View, bundle: Bundle, question: QuizQuestion) -> str:
    anchor = f"quiz-{question.id}"
    rows = []
    for value, option in enumerate(options(question)):
        field = attributes({"type": "radio", "name": anchor, "value": value})
        right = attributes({"data-correct": option == question.right})
        rows.append(
            f'<label class="km-option"{right}><input{field}> <span>{inline(option)}</span></label>'
        )
    why = [
        f'<p class="km-right">{inline(question.right)}</p>',
        resolve(view, question.why),
        _quiz_proof(view, bundle, question),
    ]
    parts = [
        f"<legend>{inline(question.ask)}</legend>",
        _snippet(bundle, question),
        "\n".join(['<div class="km-options">', *rows, "</div>"]),
        block("details", "Show the answer", paragraphs(why), attrs={"class": "km-why"}),
    ]
    return box(f"fieldset#{anchor}.km-quiz", paragraphs(parts))


def _snippet(bundle: Bundle, question: QuizQuestion) -> str:
    if not question.snippet:
        return ""
    file, _, region = question.snippet.rpartition(":")
    try:
        snippet = bundle.snippet(file or bundle.main, region)
    except KeyError as error:
        raise ContentError(f"quiz question '{question.id}': {error.args[0]}") from None
    return fence(snippet.text, language_of(snippet.file))


def _quiz_proof(view: View, bundle: Bundle, question: QuizQuestion) -> str:
    """Return a link to the proof on the page; a test that no gotcha shows is only named."""
    if not question.proof:
        return ""
    if bundle.page and any(gotcha.id == question.proof for gotcha in bundle.page.gotchas):
        address = escape(view.links.href(view.links.page, f"proof-{question.proof}"))
        return (
            f'<p class="km-question-links"><a class="km-proof-link" href="{address}">Proof</a></p>'
        )
    test = bundle.test(question.proof)
    if test is None:
        raise ContentError(
            f"quiz question '{question.id}' names the proof '{question.proof}', "
            f"which is neither a gotcha nor a test of {bundle.where}."
        )
    return f'<p class="km-question-links">Proven by <code>{escape(test.name)}</code></p>'
