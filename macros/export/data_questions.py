"""Questions, gotchas, proofs and recorded answers of a topic, as data.json has them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from macros import answers_file, model, questions
from macros.bundle import Bundle, Test
from macros.export import data_model as data
from macros.project import Project
from macros.proofs.ledger import PASSED, Stamp
from macros.render.topic_links import TOPIC_LINK

SPANNING = "interview/by-topic/"


@dataclass(frozen=True)
class Exhibits:
    """What stands on a topic's page, each with its address from the site's root."""

    registry: model.Registry
    topic: model.Topic
    bundle: Bundle
    stamp: Stamp | None

    @property
    def address(self) -> str:
        """Where the page stands."""
        return address_of(self.topic.id)

    def gotchas(self) -> list[data.Gotcha]:
        """Return the gotchas in the page's order."""
        page = self.bundle.page
        return [
            data.Gotcha(
                id=gotcha.id,
                title=gotcha.title,
                address=f"{self.address}#{gotcha.id}",
                asked=next((call.text(0, "url") for call in gotcha.named("asked")), None),
                proof=self.proof(gotcha.id),
            )
            for gotcha in (page.gotchas if page else ())
            if gotcha.id
        ]

    def interview(self) -> list[data.Question]:
        """Return the interview questions."""
        return [
            question_data(
                each, self.registry, f"{self.address}#q-{each.id}", [self], [self.topic.id]
            )
            for each in self.bundle.questions.interview
        ]

    def quiz(self) -> list[data.QuizQuestion]:
        """Return the self-check questions."""
        return [self._quiz(each) for each in self.bundle.questions.quiz]

    def answers(self) -> list[data.Answer]:
        """Return what the topic's app answered."""
        recorded = self.bundle.answers
        return [self._answer(each) for each in (recorded.answers if recorded else ())]

    def proof(self, name: str | None) -> data.Proof | None:
        """Return the proof that a gotcha id or the name of a test function refers to."""
        test = self.bundle.test(name) if name else None
        if name is None or test is None:
            return None
        shown = self.bundle.page and any(each.id == name for each in self.bundle.page.gotchas)
        return data.Proof(
            test=test.name,
            file=self.bundle.path(test.file),
            line=test.line,
            outcome=self._outcome(test),
            address=f"{self.address}#proof-{name}" if shown else None,
        )

    def _outcome(self, test: Test) -> Literal["passed", "skipped", "not run"]:
        # A stamp exists only where nothing failed.
        known = self.stamp.tests.get(test.name) if self.stamp else None
        return "not run" if known is None else "passed" if known == PASSED else "skipped"

    def _quiz(self, question: model.QuizQuestion) -> data.QuizQuestion:
        return data.QuizQuestion(
            id=question.id,
            ask=question.ask,
            snippet=self._snippet(question.snippet),
            options=questions.options(question),
            right=question.right,
            why=rooted(question.why, self.registry),
            proof=self.proof(question.proof),
            address=f"{self.address}#quiz-{question.id}",
        )

    def _snippet(self, named: str | None) -> data.Snippet | None:
        if not named:
            return None
        file, _, region = named.rpartition(":")
        snippet = self.bundle.snippet(file or self.bundle.main, region)
        return data.Snippet(file=snippet.file, text=snippet.text)

    def _answer(self, answer: answers_file.Answer) -> data.Answer:
        request = answer.request
        return data.Answer(
            name=answer.name,
            title=answer.title,
            request=data.Request(
                method=request.method,
                url=request.url,
                headers=dict(request.headers),
                body=request.body,
            ),
            status=answer.status,
            headers=dict(answer.headers),
            json_body=answer.body,
            text=answer.text,
            address=f"{self.address}#answer-{answer.name}" if self._shows(answer) else None,
        )

    def _shows(self, answer: answers_file.Answer) -> bool:
        calls = self.bundle.page.named("answers") if self.bundle.page else ()
        return any(not call.args or answer.name in call.args for call in calls)


def spanning(
    project: Project, registry: model.Registry, exhibits: Mapping[str, Exhibits]
) -> Iterator[data.Question]:
    """Yield the questions that span topics; their proofs stand on the pages of these."""
    for file in questions.interview_files(project):
        for each in file.questions.interview:
            known = [exhibits[topic_id] for topic_id in each.topics if topic_id in exhibits]
            address = f"{SPANNING}#q-{each.id}"
            yield question_data(each, registry, address, known, list(each.topics))


def question_data(
    question: model.Question,
    registry: model.Registry,
    address: str,
    exhibits: list[Exhibits],
    topics: list[str],
) -> data.Question:
    """Return an interview question; the first of these topics that has its proof gives it."""

    def written(markdown: str) -> str:
        return rooted(markdown, registry)

    proofs = (each.proof(question.proof) for each in exhibits)
    return data.Question(
        id=question.id,
        ask=written(question.ask),
        seniority=question.seniority,
        answer=written(question.answer),
        deeper=written(question.deeper) if question.deeper else None,
        listen_for=written(question.listen_for),
        red_flag=written(question.red_flag),
        dated_answer=written(question.dated_answer) if question.dated_answer else None,
        topics=topics,
        proof=next((proof for proof in proofs if proof), None),
        address=address,
    )


def address_of(topic_id: str) -> str:
    """Return where a topic's page stands."""
    return f"topics/{topic_id}/"


def rooted(markdown: str, registry: model.Registry) -> str:
    """Return Markdown from YAML with its links to topics pointing from the site's root."""

    def link(found: re.Match[str]) -> str:
        topic = registry.topic(found["id"])
        words = found["text"] or topic.title
        anchor = f"#{found['anchor']}" if found["anchor"] else ""
        return words if topic.planned else f"[{words}]({address_of(topic.id)}{anchor})"

    return TOPIC_LINK.sub(link, markdown.strip())
