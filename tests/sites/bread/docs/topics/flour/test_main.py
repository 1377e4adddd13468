from main import strength, water


def test_cake_flour_makes_no_bread():
    assert strength(8.5) == "cake"
    assert strength(12) == "bread"


def test_same_water_floods_weak_flour():
    assert water(8) < water(13)


def test_color_says_nothing():
    assert strength(12) == strength(12.0)


def test_strong_flour_drinks_more(shown):
    shown("water", "".join(f"{each:>4} % protein {water(each):>4} % water\n" for each in (8, 13)))
