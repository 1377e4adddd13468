import pytest

from macros.suggest import closest, did_you_mean

KNOWN = ["routers", "dependency-injection", "dependency-inversion", "sse", "requires"]


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("requries", "requires"),
        ("dependancies", "dependency-injection"),
        ("dependency-inversoin", "dependency-inversion"),
        ("Routers", "routers"),
        ("ses", "sse"),
        ("kubernetes", None),
        ("xyz", None),
        ("", None),
    ],
)
def test_the_likeliest_word_is_suggested(wrong: str, meant: str | None) -> None:
    assert closest(wrong, KNOWN) == meant


def test_a_suggestion_continues_a_sentence() -> None:
    assert did_you_mean("router", KNOWN) == " Did you mean 'routers'?"
    assert did_you_mean("nothing-alike", KNOWN) == ""
    assert did_you_mean("x", []) == ""
