from httpx2 import AsyncClient


async def test_the_root_answers_with_the_topic(client: AsyncClient) -> None:
    answer = await client.get("/")
    assert answer.status_code == 200
    assert answer.json() == {"topic": "$id"}


async def test_what_goes_wrong(client: AsyncClient) -> None:
    trap = await client.get("/missing")
    fix = await client.get("/")
    assert (trap.status_code, fix.status_code) == (404, 200)
