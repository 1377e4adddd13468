"""The shape of the registry and of question files; the JSON Schemas are made from these models."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, StringConstraints

ID = r"^[a-z0-9]+(-[a-z0-9]+)*$"
DOTTED_NAME = r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$"

Id = Annotated[str, StringConstraints(pattern=ID, max_length=60)]
Line = Annotated[str, StringConstraints(min_length=1, max_length=80, strip_whitespace=True)]
Summary = Annotated[str, StringConstraints(min_length=1, max_length=160, strip_whitespace=True)]
Sentence = Annotated[str, StringConstraints(min_length=1, max_length=400, strip_whitespace=True)]
Markdown = Annotated[str, StringConstraints(min_length=1)]
DottedName = Annotated[str, StringConstraints(pattern=DOTTED_NAME)]


class Model(BaseModel):
    """A part of a file that people write: unknown fields are mistakes, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Subject(Model):
    """All that the machine may know about what the map is about."""

    name: Line
    stamp: tuple[str, ...] = Field(
        description="Distributions whose versions are printed with a proof"
    )
    lab: tuple[str, ...] = Field(default=(), description="Distributions shipped to the browser")
    openapi: str | None = Field(
        default=None,
        pattern=r"^/\S+$",
        description="Where an app describes itself in OpenAPI; the lab shows API docs made from it",
    )


class Level(Model):
    """One of the levels, in reading order."""

    id: Id
    title: Line
    tagline: Line
    summary: Sentence


class LabOptOut(Model):
    """Why a topic's app does not run in the browser; absent, it does."""

    no: Line = Field(description="The reason, as shown to the reader")


class Topic(Model):
    """One numbered topic; its text lives in docs/topics/<id>/."""

    id: Id
    number: Annotated[int, Field(ge=1)]
    title: Line
    level: Id
    summary: Summary
    requires: dict[Id, Line] = Field(
        default_factory=dict, description="The only authored edges: topic id -> why it comes first"
    )
    keywords: tuple[Line, ...] = Field(
        default=(), description="Words people search for that the title lacks"
    )
    api: tuple[DottedName, ...] = Field(
        default=(), description="Dotted names that must import on the pinned versions"
    )
    docs: HttpUrl | None = Field(default=None, description="The official page")
    must_know: Sentence | None = Field(default=None, description="Why interviewers ask it")
    lab: LabOptOut | None = None
    status: Literal["planned"] | None = Field(
        default=None, description="planned: this topic has no folder yet"
    )

    @property
    def planned(self) -> bool:
        """Whether the topic has no page yet."""
        return self.status == "planned"


class Node(Model):
    """A point on the concept map: one topic or several under one label."""

    topics: Annotated[tuple[Id, ...], Field(min_length=1)]
    label: Line | None = None


class Cluster(Model):
    """A card of the concept map."""

    id: Id
    title: Line
    nodes: Annotated[tuple[Node, ...], Field(min_length=1)]


class LearningPath(Model):
    """An ordered way through the topics toward a goal."""

    id: Id
    title: Line
    goal: Sentence
    outcome: Sentence = Field(description="What a reader can do at the end")
    assumes: Sentence = Field(description="What a reader brings along")
    topics: Annotated[tuple[Id, ...], Field(min_length=1)]


class Registry(Model):
    """The whole registry: docs/topics.yml."""

    subject: Subject
    levels: Annotated[tuple[Level, ...], Field(min_length=1)]
    topics: Annotated[tuple[Topic, ...], Field(min_length=1)]
    clusters: tuple[Cluster, ...] = ()
    paths: tuple[LearningPath, ...] = ()
    moved: dict[Id, Id] = Field(default_factory=dict, description="Old topic id -> new topic id")

    def topic(self, topic_id: str) -> Topic:
        """Return the topic with this id; KeyError if there is none."""
        for topic in self.topics:
            if topic.id == topic_id:
                return topic
        raise KeyError(topic_id)


Seniority = Literal["junior", "mid", "senior"]


class Question(Model):
    """An interview question; a good candidate's answer takes about 30 seconds."""

    id: Id
    ask: Sentence
    seniority: Seniority
    answer: Markdown
    deeper: Markdown | None = Field(default=None, description="The follow-up")
    listen_for: Markdown = Field(description="What the interviewer wants to hear")
    red_flag: Markdown = Field(description="The answer that loses the point")
    dated_answer: Markdown | None = Field(
        default=None, description="What used to be right, and how to correct it politely"
    )
    proof: Id | None = Field(default=None, description="A gotcha id of this bundle")
    quick: bool = Field(default=False, description="Opens the interview page")
    topics: tuple[Id, ...] = Field(
        default=(), description="Only in docs/interview/*.yml: the topics it spans"
    )


class QuizQuestion(Model):
    """A self-check question; the order of the options is derived from the id."""

    id: Id
    ask: Sentence
    snippet: str | None = Field(
        default=None, description="A region of this bundle's code, as region or file:region"
    )
    right: Sentence
    wrong: Annotated[tuple[Sentence, ...], Field(min_length=1, max_length=4)]
    why: Markdown
    proof: str | None = Field(
        default=None, description="The gotcha id, or the name of the test function, that proves it"
    )


class Questions(Model):
    """The file questions.yml of a bundle, or a file of docs/interview/."""

    interview: tuple[Question, ...] = ()
    quiz: tuple[QuizQuestion, ...] = ()


class Artifact(Model):
    """How a real file that is shown on a page was checked.

    `test` alone: *run* by that test. `tool` and `test`: *validated* by that distribution, whose
    version comes from the lock. `reason`: only *explained*, because it cannot run here.
    """

    test: str | None = Field(default=None, description="The test that uses the file")
    tool: str | None = Field(default=None, description="The distribution that validates it")
    reason: Line | None = Field(default=None, description="Why it is only explained")


class BundleSettings(Model):
    """The optional file bundle.yml: what the machine must know about one bundle."""

    volatile: dict[str, tuple[str, ...]] = Field(
        default_factory=dict,
        description="Request name -> paths of its answer that change from run to run",
    )
    artifacts: dict[str, Artifact] = Field(
        default_factory=dict, description="File name -> how it was checked"
    )
    own_process: bool = Field(
        default=False, description="The proofs touch process-wide state and run alone"
    )
    needs: tuple[str, ...] = Field(
        default=(), description="Distributions that the app needs without importing them"
    )
    lab_proofs: dict[str, Line] = Field(
        default_factory=dict,
        description="Test name -> why it fails in the browser; tests/lab checks that it does",
    )
    lab_answers: dict[str, Line] = Field(
        default_factory=dict,
        description="Request name -> why its answer differs in the browser; tests/lab checks it",
    )
    lab_note: Sentence | None = Field(
        default=None,
        description="What a reader must know before running this in the browser, beside the button",
    )
