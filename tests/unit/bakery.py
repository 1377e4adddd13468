"""A whole small project about bread, without a mistake, for tests to put one into."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from macros import answers_file
from macros.bundle import Bundle, read_bundle
from macros.page import read_page
from macros.problems import Problem
from macros.project import Project
from macros.questions import interview_files
from macros.registry import load
from macros.rules.content import Content, Rule

REGISTRY = """\
subject:
  name: Bread
  stamp: [pydantic]
levels:
  - {id: basics, title: Basics, tagline: Flour and water, summary: What every loaf needs.}
topics:
  - id: flour
    number: 1
    title: Flour
    level: basics
    summary: What flour is made of.
    status: planned
  - id: kneading
    number: 2
    title: Kneading dough
    level: basics
    summary: How work makes dough strong.
    requires:
      flour: gluten comes from it
    api: [json.dumps, collections.abc]
  - id: proofing
    number: 3
    title: Proofing
    level: basics
    summary: How dough rises.
    requires:
      kneading: strong dough holds gas
    status: planned
moved:
  mixing: kneading
"""

PAGE = """\
# Kneading dough

{{ topic_header() }}

Kneading lines up gluten, so that {{ topic("flour") }} becomes a net.

## See dough turn smooth {#see-it-work}

{{ example("knead") }}
{{ answers("ask-for-dough") }}
{{ run_at_home() }}

```sh
pip install "dough[all]"
OVEN=hot bake --now \\
  --slowly
```

## How gluten lines up {#how-it-works}

{{ diagram("gluten") }}
{{ output("crumb") }}

## Knead for a shop {#use-it-for-real}

{{ show("real.py") }}
{{ show("Ovenfile") }}

## Gotchas {#gotchas}

### Dough tears after a short knead {#short-knead-tears}

It tears.

{{ asked("https://example.org/1", "My dough tears") }}
{{ proof("short-knead-tears") }}

### Warm dough sticks {#warm-dough-sticks}

{{ asked() }}
{{ proof("warm-dough-sticks") }}

### Salt first slows {#salt-first-slows}

{{ asked() }}
{{ proof("salt-first-slows") }}

//// details | More
    attrs: {id: more-salt}

Less salt.
////

## What changed {#what-changed}

{{ changed("bread 2.0", "crumb", "The crumb is open now.") }}

## Interview {#interview}

{{ questions() }}

## Check yourself {#check-yourself}

{{ quiz() }}

## Go deeper {#go-deeper}

- [A bakery](https://example.org/)

{{ topic_footer() }}
"""

MAIN = """\
import json

# --8<-- [start:knead]
def knead(minutes: int) -> str:
    return "smooth" if minutes >= 10 else "shaggy"


# --8<-- [end:knead]
# --8<-- [start:shape]
def shape() -> str:
    return json.dumps("round")
# --8<-- [end:shape]
"""

TESTS = """\
import main
import real


def test_short_knead_tears(shown):
    assert main.knead(1) == "shaggy"
    shown("crumb", "tight")


async def test_warm_dough_sticks(client):
    assert real.bake()


def test_salt_first_slows():
    assert open("Ovenfile")
"""

QUESTIONS = """\
interview:
  - id: why-knead
    ask: Why knead?
    seniority: junior
    answer: |
      It lines up gluten, see [flour](topic:flour).

      ```sh
      knead --long
      ```
    listen_for: gluten
    red_flag: flavor
    proof: short-knead-tears
  - {id: q-two, ask: Two?, seniority: mid, answer: a, listen_for: b, red_flag: c}
  - {id: q-three, ask: Three?, seniority: mid, answer: a, listen_for: b, red_flag: c}
  - {id: q-four, ask: Four?, seniority: senior, answer: a, listen_for: b, red_flag: c}
  - {id: q-five, ask: Five?, seniority: senior, answer: a, listen_for: b, red_flag: c}
quiz:
  - id: what-shape
    ask: What does shape() return?
    snippet: shape
    right: round
    wrong: [flat]
    why: See [the gotcha](topic:kneading#short-knead-tears).
    proof: test_warm_dough_sticks
  - {id: z-two, ask: Which flour?, right: a, wrong: [b], why: c}
  - {id: z-three, ask: Which salt?, right: a, wrong: [b], why: c}
"""

SPANNING = """\
interview:
  - id: bread-is-flat
    ask: The bread is flat. What do you check?
    seniority: senior
    answer: Flour, then kneading.
    listen_for: an order
    red_flag: guessing
    topics: [flour, kneading]
    proof: short-knead-tears
"""

SVG = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10">
  <title>Gluten</title>
  <desc>Strands become a net.</desc>
  <rect class="box" width="5" height="5" fill="#eeeeee"/>
  <use href="#net"/>
</svg>
"""

SETTINGS = """\
volatile:
  ask-for-dough: [headers.date]
artifacts:
  Ovenfile: {tool: Dough_Lint, test: test_salt_first_slows}
"""

FILES = {
    "docs/topics.yml": REGISTRY,
    "docs/index.md": '# Bread\n\nStart with {{ topic("kneading") }} and [all topics](topics.md).\n',
    "docs/interview/spanning.yml": SPANNING,
    "requirements/proofs.txt": "pydantic==2.0\ndough-lint==1.0\n",
    "docs/topics/kneading/index.md": PAGE,
    "docs/topics/kneading/main.py": MAIN,
    "docs/topics/kneading/real.py": "import main\n\n\ndef bake() -> bool:\n    return True\n",
    "docs/topics/kneading/Ovenfile": "FROM stone\n",
    "docs/topics/kneading/requests.http": "### Ask for dough\nGET /dough\n",
    "docs/topics/kneading/test_main.py": TESTS,
    "docs/topics/kneading/questions.yml": QUESTIONS,
    "docs/topics/kneading/bundle.yml": SETTINGS,
    "docs/topics/kneading/gluten.svg": SVG,
    "docs/topics/kneading/outputs/crumb.txt": "tight\n",
}

HOME = "docs/topics/kneading"


@dataclass(frozen=True)
class Bakery:
    """The project on disk; a name without a slash-led folder lies in the bundle `kneading`."""

    root: Path

    @property
    def project(self) -> Project:
        return Project(self.root)

    @property
    def bundle(self) -> Bundle:
        return read_bundle(self.project, "kneading")

    def path(self, name: str) -> Path:
        top = name.split("/")[0]
        return self.root / (name if top in ("docs", "requirements") else f"{HOME}/{name}")

    def write(self, name: str, text: str) -> None:
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def read(self, name: str) -> str:
        return self.path(name).read_text(encoding="utf-8")

    def change(self, name: str, old: str, new: str) -> None:
        text = self.read(name)
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {name}"
        self.write(name, text.replace(old, new))

    def delete(self, name: str) -> None:
        self.path(name).unlink()

    def record_answers(self) -> None:
        """Write responses.json as a capture of the current files would."""
        answer = {
            "name": "ask-for-dough",
            "title": "Ask for dough",
            "request": {"method": "GET", "url": "/dough", "headers": {}, "body": None},
            "status": 200,
            "headers": {"Content-Type": "application/json"},
            "body": {"dough": None},
        }
        inputs = answers_file.inputs_hash(self.project, self.path("index.md").parent)
        self.write("responses.json", json.dumps({"inputs": inputs, "answers": [answer]}))

    def line(self, name: str, text: str) -> int:
        """Return the number of the first line with this text."""
        rows = self.read(name).split("\n")
        return next(number for number, row in enumerate(rows, start=1) if text in row)

    def content(self) -> Content:
        loaded, problems = load(self.project)
        assert loaded is not None, problems
        project = self.project
        folders = sorted(path.name for path in project.topics.iterdir())
        pages = {path.name: read_page(project, path) for path in project.docs.glob("*.md")}
        return Content(
            project=project,
            loaded=loaded,
            bundles={name: read_bundle(project, name) for name in folders},
            pages=pages,
            spanning=interview_files(project),
        )

    def problems(self, rule: Rule) -> list[str]:
        """Return what a rule says about the project, in order."""
        return said(rule(self.content()))


def said(problems: Iterable[Problem]) -> list[str]:
    """Return problems as they are printed, sorted, the bundle's folder left out."""
    return [str(problem).removeprefix(f"{HOME}/") for problem in sorted(problems)]


def bake(root: Path) -> Bakery:
    """Write the whole project below a folder."""
    bakery = Bakery(root)
    for name, text in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    bakery.record_answers()
    return bakery
