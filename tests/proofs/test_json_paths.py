from __future__ import annotations

import re

import pytest

from macros.proofs.json_paths import EVERY, look_up, mask, parse

TREE = {
    "headers": {"x-id": "7"},
    "body": {"cups": [{"id": 1, "tea": "green"}, {"id": 2}, "spoon"]},
}


def test_a_path_is_read_into_its_steps() -> None:
    assert parse("body.cups[*].id") == ("body", "cups", EVERY, "id")
    assert parse("body[0]") == ("body", 0)
    assert parse("headers.X-Id") == ("headers", "x-id")
    assert parse("text") == ("text",)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("id", "'id' must start with body, headers or text."),
        ("bodyguard.id", "'bodyguard.id' must start with body, headers or text."),
        ("body..id", "'body..id' is no path. Write it like body.items[0].id."),
        ("body[x]", "'body[x]' is no path. Write it like body.items[0].id."),
    ],
)
def test_what_is_no_path_is_told(path: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        parse(path)


def test_a_path_leads_to_a_value_or_nowhere() -> None:
    assert look_up(TREE, parse("body.cups[1].id")) == 2
    assert look_up(TREE, parse("headers.X-ID")) == "7"
    for nowhere in ("body.cups[3]", "body.cups.id", "body.saucers", "body.cups[0].tea.leaf"):
        with pytest.raises(LookupError):
            look_up(TREE, parse(nowhere))


def test_masking_hides_every_place_on_the_path_and_nothing_else() -> None:
    masked, count = mask(TREE, parse("body.cups[*].id"))
    assert count == 2
    assert masked["body"]["cups"] == [
        {"id": "(varies)", "tea": "green"},
        {"id": "(varies)"},
        "spoon",
    ]
    assert look_up(TREE, parse("body.cups[0]")) == {"id": 1, "tea": "green"}
    assert mask(TREE, parse("body.saucers"))[1] == 0
