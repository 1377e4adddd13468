from main import rise


def test_overproofed_collapses():
    assert rise(12, 20) == rise(24, 20) == 3


def test_cold_dough_waits():
    assert rise(2, 10) < rise(2, 20)


def test_clock_lies_in_summer():
    assert rise(2, 30) > rise(2, 20)
