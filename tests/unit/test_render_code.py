"""What a page shows of its bundle: code, real files, outputs, drawings, proofs, answers."""

from __future__ import annotations

import json

import pytest

from macros.render.code import asked, diagram, example, output, proof, show
from macros.render.exchanges import answers, run_at_home
from macros.render.view import ContentError
from tests.unit.bakery import SVG, Bakery
from tests.unit.test_render_topic import prove
from tests.unit.views import view


def test_a_region_keeps_the_line_numbers_of_its_file(bakery: Bakery) -> None:
    text = example(view(bakery), "knead")
    assert text.startswith('```` { .python title="main.py" linenums="3" }\ndef knead(')
    assert "--8<--" not in text


def test_an_example_without_a_region_is_the_whole_file(bakery: Bakery) -> None:
    text = example(view(bakery))
    assert 'linenums="1"' in text
    assert "import json" in text
    assert "def shape" in text


def test_an_example_may_come_from_another_file(bakery: Bakery) -> None:
    assert 'title="real.py"' in example(view(bakery), file="real.py")


def test_a_region_that_is_not_there_is_told_with_those_that_are(bakery: Bakery) -> None:
    with pytest.raises(ContentError) as told:
        example(view(bakery), "need")
    assert str(told.value) == (
        "no region 'need' in docs/topics/kneading/main.py. There are: knead, shape."
    )


def test_a_validated_file_names_the_tool_and_its_locked_version(bakery: Bakery) -> None:
    text = show(view(bakery), "Ovenfile")
    label = '<p class="km-label" data-label="validated">Validated with Dough_Lint 1.0</p>'
    assert label in text
    assert text.startswith("/// html | div.km-file\n")


@pytest.mark.parametrize(
    ("artifact", "label"),
    [
        (
            "{test: test_salt_first_slows}",
            '<p class="km-label" data-label="run">Run by <code>test_salt_first_slows</code></p>',
        ),
        (
            "{reason: needs an oven}",
            '<p class="km-label" data-label="explained">Explained, not run here: needs an oven</p>',
        ),
    ],
)
def test_a_label_says_what_was_done_with_a_file(bakery: Bakery, artifact: str, label: str) -> None:
    bakery.write("bundle.yml", f"artifacts:\n  Ovenfile: {artifact}\n")
    assert label in show(view(bakery), "Ovenfile")


def test_a_file_without_an_artifact_has_no_label(bakery: Bakery) -> None:
    assert "km-label" not in show(view(bakery), "real.py")


def test_an_output_names_the_proof_that_recorded_it(bakery: Bakery) -> None:
    text = output(view(bakery), "crumb")
    assert "Recorded by <code>test_short_knead_tears</code>" in text
    assert text.startswith("/// html | div#output-crumb.km-output\n")
    assert "tight" in text


def test_an_output_that_is_not_there_is_told_with_the_way_to_make_it(bakery: Bakery) -> None:
    with pytest.raises(ContentError, match=r"There are: crumb\. A proof records it with shown"):
        output(view(bakery), "crust")


def test_a_proof_is_folded_under_its_id_with_its_lines(bakery: Bakery) -> None:
    text = proof(view(bakery), "warm-dough-sticks")
    assert text.startswith(
        "/// details | Proof: `test_warm_dough_sticks`\n"
        "    attrs: {id: 'proof-warm-dough-sticks', class: 'km-proof'}\n"
    )
    line = bakery.line("test_main.py", "test_warm_dough_sticks")
    assert f'title="test_main.py" linenums="{line}"' in text


def test_a_proof_says_passed_only_after_a_valid_run(bakery: Bakery) -> None:
    prove(bakery)
    passed = '<span class="km-passed">passed</span>'
    assert passed in proof(view(bakery), "short-knead-tears")
    assert passed not in proof(view(bakery), "warm-dough-sticks")


def test_a_gotcha_without_a_test_is_told_what_to_add(bakery: Bakery) -> None:
    with pytest.raises(ContentError, match="Add test_too_cold to docs/topics/kneading/test_main"):
        proof(view(bakery), "too-cold")


def test_a_gotcha_says_who_asked(bakery: Bakery) -> None:
    page = view(bakery)
    assert asked(page) == '<p class="km-asked">Found by us</p>'
    html = asked(page, "https://example.org/?a=1&b=2", "Why <b>?")
    assert 'href="https://example.org/?a=1&amp;b=2">Why &lt;b&gt;?</a>' in html
    with pytest.raises(ContentError, match="'forum' is no address"):
        asked(page, "forum", "Why?")


def test_a_drawing_is_named_and_its_ids_are_its_own(bakery: Bakery) -> None:
    bakery.write(
        "gluten.svg",
        '<?xml version="1.0"?>\n<!-- drawn by hand -->\n'
        + SVG.replace("<rect", '<marker id="net"/>\n\n<rect marker-end="url(#net)"').replace(
            "<use", '<a href="topic:kneading#gotchas"><g/></a><a href="topic:flour"><g/></a><use'
        ),
    )
    html = diagram(view(bakery), "gluten")
    assert html.startswith('<figure class="km-diagram" id="diagram-gluten">\n<svg role="img"')
    assert 'aria-labelledby="gluten-title gluten-desc"' in html
    assert '<title id="gluten-title">Gluten</title>' in html
    assert '<marker id="gluten-net"/>' in html
    assert 'marker-end="url(#gluten-net)"' in html
    assert '<use href="#gluten-net"/>' in html
    assert '<a href="#gotchas"><g/></a><a ><g/></a>' in html
    assert 'viewBox="0 0 10 10" width="10" height="10"' in html
    assert "drawn by hand" not in html
    assert "<?xml" not in html
    assert "\n\n" not in html


def test_a_drawing_that_is_none_is_told(bakery: Bakery) -> None:
    bakery.write("gluten.svg", "<html/>")
    with pytest.raises(ContentError, match="no SVG drawing"):
        diagram(view(bakery), "gluten")
    with pytest.raises(ContentError, match=r"no diagram 'crumb\.svg'.* There are: gluten"):
        diagram(view(bakery), "crumb")


def record(bakery: Bakery, **changes: object) -> None:
    """Change the recorded answer of the bundle."""
    recorded = json.loads(bakery.read("responses.json"))
    recorded["answers"][0].update(changes)
    bakery.write("responses.json", json.dumps(recorded))


def test_an_exchange_shows_request_status_and_body(bakery: Bakery) -> None:
    text = answers(view(bakery))
    assert "html | section#answer-ask-for-dough.km-answer[" in text
    assert '<span class="km-method" data-method="GET">GET</span>' in text
    assert '<code class="km-url">/dough</code>' in text
    assert '<p class="km-status" data-class="2xx"><span class="km-code">200</span> OK</p>' in text
    assert '{ .json }\n{\n  "dough": null\n}\n' in text
    assert "km-headers" not in text, "the type of a JSON answer is told by its body"


def test_an_exchange_shows_headers_that_tell_something(bakery: Bakery) -> None:
    record(
        bakery,
        request={
            "method": "POST",
            "url": "/dough",
            "headers": {"Content-Type": "application/json"},
            "body": '{"flour":500}',
        },
        status=303,
        headers={"location": "/dough/1", "content-length": "0", "content-type": "text/html"},
        text="<p>",
    )
    text = answers(view(bakery), "ask-for-dough")
    assert "<dt>Content-Type</dt><dd><code>application/json</code></dd>" in text
    assert '{ .json }\n{\n  "flour": 500\n}\n' in text
    assert 'data-class="3xx"><span class="km-code">303</span> See Other</p>' in text
    assert "<dt>location</dt><dd><code>/dough/1</code></dd>" in text
    assert "content-length" not in text
    assert "{ .html }\n<p>\n" in text


def test_an_exchange_that_is_not_there_is_told_with_those_that_are(bakery: Bakery) -> None:
    with pytest.raises(ContentError, match=r"no answer named 'bake'\. There are: ask-for-dough"):
        answers(view(bakery), "bake")


def test_a_bundle_without_answers_is_told_how_to_record_them(bakery: Bakery) -> None:
    bakery.delete("responses.json")
    with pytest.raises(ContentError, match=r"responses\.json does not exist.*run `make fix`"):
        answers(view(bakery))


def test_the_way_to_run_it_at_home_pins_what_the_app_imports(bakery: Bakery) -> None:
    bakery.write("requirements/proofs.txt", "pydantic==2.0\nuvicorn==0.9\nyeast-tools==1.5\n")
    bakery.write("bundle.yml", "needs: [Yeast.Tools]\n")
    bakery.change("main.py", "import json\n", "import json\nimport pydantic\n")
    text = run_at_home(view(bakery))
    assert "attrs: {id: 'run-at-home', class: 'km-run'}" in text
    assert "python -m pip install pydantic==2.0 uvicorn==0.9 yeast-tools==1.5\n" in text
    assert "python -m uvicorn main:app\n" in text
    assert "curl http://127.0.0.1:8000/dough\n" in text


def test_extras_that_the_project_asks_for_are_installed_at_home_too(bakery: Bakery) -> None:
    bakery.write("requirements/proofs.txt", "pydantic==2.0\nuvicorn==0.9\n")
    (bakery.root / "pyproject.toml").write_text(
        '[dependency-groups]\nproofs = ["pydantic[email]>=2", {include-group = "site"}]\n'
    )
    bakery.change("main.py", "import json\n", "import json\nimport pydantic\n")
    assert "'pydantic[email]==2.0'" in run_at_home(view(bakery))
