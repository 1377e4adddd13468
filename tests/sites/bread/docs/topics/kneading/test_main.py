from main import READY, feel


async def test_short_knead_tears(client):
    answer = await client.get("/dough/1")
    assert answer.json() == {"dough": "shaggy"}


async def test_clock_is_not_the_measure(client):
    assert (await client.get(f"/dough/{READY}")).json() == {"dough": "smooth"}
    assert (await client.get(f"/dough/{READY - 1}")).json() == {"dough": "shaggy"}


def test_more_is_not_smoother():
    assert feel(READY) == feel(3 * READY)
