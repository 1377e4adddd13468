"""Outputs and answers on a page are recorded, and fresh."""

from __future__ import annotations

from macros.rules import recording_rules as rules
from tests.unit.bakery import Bakery

PAGE = "index.md"


def test_an_output_that_no_test_records(bakery: Bakery) -> None:
    bakery.change(PAGE, 'output("crumb")', 'output("crust")')
    line = bakery.line(PAGE, "crust")
    assert bakery.problems(rules.outputs_are_recorded) == [
        f"index.md:{line}: no test records 'crust'. Call shown(\"crust\", …) in a test and run "
        "`make fix id=kneading`. There are: crumb."
    ]


def test_an_output_that_is_not_written_yet(bakery: Bakery) -> None:
    bakery.delete("outputs/crumb.txt")
    line = bakery.line(PAGE, 'output("crumb")')
    assert bakery.problems(rules.outputs_are_recorded) == [
        f"index.md:{line}: outputs/crumb.txt is missing. Run `make fix id=kneading`."
    ]


def test_an_output_that_its_test_forgot(bakery: Bakery) -> None:
    bakery.change("test_main.py", '    shown("crumb", "tight")\n', "")
    assert bakery.problems(rules.outputs_come_from_a_test) == [
        'outputs/crumb.txt: no test records it. Call shown("crumb", …) in a test, '
        "or delete the file."
    ]


def test_an_output_may_come_from_a_measurement(bakery: Bakery) -> None:
    bakery.write("outputs/speed.txt", "fast\n")
    bakery.write("measure.py", 'shown("speed", "fast")\n')
    assert bakery.problems(rules.outputs_come_from_a_test) == []


def test_an_answer_to_a_request_that_was_never_sent(bakery: Bakery) -> None:
    bakery.change(PAGE, '"ask-for-dough"', '"ask-for-doug"')
    line = bakery.line(PAGE, "answers(")
    assert bakery.problems(rules.answers_exist) == [
        f"index.md:{line}: no request is named 'ask-for-doug'. Did you mean 'ask-for-dough'?"
    ]


def test_requests_outside_of_the_dialect(bakery: Bakery) -> None:
    bakery.write("requests.http", "### Ask for dough\nFETCH /dough\n")
    assert bakery.problems(rules.requests_are_in_the_dialect) == [
        "requests.http:2: 'FETCH' is no method. Write one such as 'GET /items'."
    ]
    assert bakery.problems(rules.answers_exist) == []


def test_answers_without_requests(bakery: Bakery) -> None:
    bakery.delete("requests.http")
    line = bakery.line(PAGE, "answers(")
    assert bakery.problems(rules.answers_exist) == [
        f"index.md:{line}: answers() needs docs/topics/kneading/requests.http. Add the file."
    ]
    assert bakery.problems(rules.answers_are_fresh) == [
        "responses.json: there is no requests.http any more. Delete this file."
    ]


def test_requests_that_were_never_sent(bakery: Bakery) -> None:
    bakery.delete("responses.json")
    assert bakery.problems(rules.answers_are_fresh) == [
        "requests.http: has no answers yet. Run `make fix id=kneading`."
    ]


def test_answers_of_an_app_that_has_changed(bakery: Bakery) -> None:
    bakery.change("main.py", "smooth", "silky")
    assert bakery.problems(rules.answers_are_fresh) == [
        "responses.json: out of date. Run `make fix id=kneading`."
    ]


def test_answers_on_other_versions(bakery: Bakery) -> None:
    bakery.write("requirements/proofs.txt", "pydantic==3.0\n")
    assert bakery.problems(rules.answers_are_fresh) == [
        "responses.json: out of date. Run `make fix id=kneading`."
    ]


def test_a_module_of_the_app_outdates_answers_too(bakery: Bakery) -> None:
    bakery.change("main.py", "import json\n", "import heat, json\n")
    bakery.write("heat.py", "hot = 250\n")
    bakery.record_answers()
    assert bakery.problems(rules.answers_are_fresh) == []
    bakery.write("heat.py", "hot = 200\n")
    assert bakery.problems(rules.answers_are_fresh) == [
        "responses.json: out of date. Run `make fix id=kneading`."
    ]


def test_prose_does_not_outdate_answers(bakery: Bakery) -> None:
    bakery.change(PAGE, "It tears.", "It tears at once.")
    assert bakery.problems(rules.answers_are_fresh) == []


def test_a_volatile_answer_that_does_not_exist(bakery: Bakery) -> None:
    bakery.change("bundle.yml", "ask-for-dough:", "ask-for-doug:")
    bakery.record_answers()
    assert bakery.problems(rules.volatile_answers_exist) == [
        "bundle.yml:2: volatile: no request is named 'ask-for-doug'. Did you mean 'ask-for-dough'?"
    ]


def test_a_change_whose_proof_does_not_exist(bakery: Bakery) -> None:
    bakery.change(PAGE, '"bread 2.0", "crumb"', '"bread 2.0", "crumbs"')
    line = bakery.line(PAGE, "changed(")
    assert bakery.problems(rules.changes_are_proven) == [
        f"index.md:{line}: 'crumbs' is neither a gotcha nor a test nor an output of this topic. "
        "Did you mean 'crumb'?"
    ]
