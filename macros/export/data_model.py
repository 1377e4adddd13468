"""The shape of data.json; data.schema.json is made from it, descriptions included."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Address = Annotated[str, Field(description="Relative to the site's root")]


class Part(BaseModel):
    """A part of the data; what stands below a field describes it, here and in the schema."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, populate_by_name=True
    )


class Version(Part):
    """A distribution, or Python, and its version."""

    name: str
    version: str


class Edition(Part):
    """Which edition of the site this is; every exported file carries the same."""

    version: str
    date: str
    """The day of the newest proof."""
    digest: str
    """Stands for the pages that the edition was made of."""
    stamp: str
    """The three above in one line."""
    proven: list[Version]
    """What the newest proof ran on, Python last."""


class Site(Part):
    """The site that the data is about."""

    name: str
    summary: str
    address: str | None
    """Where the site is published; null for a copy that does not know."""
    subject: str


class Level(Part):
    """One of the levels, in reading order."""

    id: str
    title: str
    tagline: str
    summary: str
    address: Address
    topics: list[str]
    """Ids, in reading order."""


class Edge(Part):
    """A topic that comes before or after another one."""

    topic: str
    reason: str
    """Why the earlier of the two is needed for the later."""


class Proof(Part):
    """A test that shows something happening."""

    test: str
    """The name of the test function."""
    file: str
    """From the root of the source tree."""
    line: int
    outcome: Literal["passed", "skipped", "not run"]
    """In the newest run of all proofs of the topic, if nothing changed since."""
    address: Address | None
    """Where the site shows it; null where it is only named."""


class Gotcha(Part):
    """A trap, and the proof that it is one."""

    id: str
    title: str
    """Markdown."""
    address: Address
    asked: str | None
    """Where people ran into it in public; null for one that was found by the authors."""
    proof: Proof | None


class Question(Part):
    """An interview question. All texts are Markdown; their links start at the site's root."""

    id: str
    ask: str
    seniority: Literal["junior", "mid", "senior"]
    answer: str
    """What a good candidate says."""
    deeper: str | None
    """The follow-up."""
    listen_for: str
    """What the interviewer wants to hear."""
    red_flag: str
    """The answer that loses the point."""
    dated_answer: str | None
    """What used to be right."""
    topics: list[str]
    """Ids of the topics that it is about."""
    proof: Proof | None
    address: Address


class Snippet(Part):
    """Code that a quiz question is about."""

    file: str
    text: str


class QuizQuestion(Part):
    """A self-check question. Its texts are Markdown; their links start at the site's root."""

    id: str
    ask: str
    snippet: Snippet | None
    options: list[str]
    """In the order in which the site shows them."""
    right: str
    """One of the options."""
    why: str
    proof: Proof | None
    address: Address


class Request(Part):
    """A request as it was sent."""

    method: str
    url: str
    headers: dict[str, str]
    body: str | None


class Answer(Part):
    """What the topic's smallest app really answered, recorded and run again by the tests."""

    name: str
    title: str
    request: Request
    status: int
    headers: dict[str, str]
    json_body: Annotated[Any, Field(alias="json")]
    """The body where it is JSON, else null."""
    text: str | None
    """The body where it is not JSON, else null."""
    address: Address | None
    """Where the site shows it; null for one that only the tests read."""


class Stamp(Part):
    """When and on what all proofs of a topic passed."""

    date: str
    python: str
    versions: list[Version]


class Topic(Part):
    """One numbered topic."""

    id: str
    number: int
    title: str
    level: str
    summary: str
    planned: bool
    """Whether it has no page yet; then it has no address either."""
    address: Address | None
    markdown: Address | None
    """The page as Markdown."""
    download: Address | None
    """The example as a zip that starts in an empty environment."""
    minutes: int | None
    """How long it takes, from words, code and questions."""
    requires: list[Edge]
    """What to know first: the only written edges, all others follow from them."""
    leads_to: list[Edge]
    previous: str | None
    """The topic before it in reading order."""
    next: str | None
    """The topic after it in reading order."""
    depth: int
    """The length of the longest chain of requirements below it."""
    clusters: list[str]
    paths: list[str]
    keywords: list[str]
    api: list[str]
    """Dotted names of what the topic explains."""
    docs: str | None
    """The official page."""
    must_know: str | None
    """Why interviewers ask it."""
    not_in_browser: str | None
    """Why its app does not run in the browser; null where it does."""
    stamp: Stamp | None
    """Null unless all its proofs passed and nothing changed since."""
    gotchas: list[Gotcha]
    interview: list[Question]
    quiz: list[QuizQuestion]
    answers: list[Answer]


class LearningPath(Part):
    """An ordered way through the topics toward a goal."""

    id: str
    title: str
    goal: str
    outcome: str
    assumes: str
    address: Address
    topics: list[str]
    """Ids, in the path's order."""


class Node(Part):
    """A point on the concept map: one topic or several under one label."""

    label: str | None
    topics: list[str]


class Cluster(Part):
    """A card of the concept map."""

    id: str
    title: str
    nodes: list[Node]


class Data(Part):
    """Everything that the site knows, for machines. All addresses start at the site's root."""

    schema_address: Annotated[str, Field(alias="$schema")]
    """Where the schema stands, from this file."""
    edition: Edition
    site: Site
    levels: list[Level]
    topics: list[Topic]
    """In reading order."""
    paths: list[LearningPath]
    clusters: list[Cluster]
    interview: list[Question]
    """The questions that span topics; all others stand at their topics."""
    moved: dict[str, str]
    """Old topic id -> the id that it has now."""
