from typing import Annotated

from fastapi import Body, FastAPI, Header, HTTPException, Response
from pydantic import BaseModel

app = FastAPI()


class Price(BaseModel):
    name: str
    cents: int
    version: int = 1


prices = {"tea": Price(name="tea", cents=320)}


# --8<-- [start:known]
def is_known(etag: str, if_none_match: str | None) -> bool:
    sent = (if_none_match or "").split(",")
    return etag in [tag.strip().removeprefix("W/") for tag in sent]
    # --8<-- [end:known]


@app.get("/prices/{name}")
def read_price(
    name: str,
    response: Response,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Price:
    if name not in prices:
        raise HTTPException(404, headers={"Cache-Control": "no-store"})
    etag = f'"{prices[name].version}"'
    headers = {"ETag": etag, "Cache-Control": "no-cache"}
    if is_known(etag, if_none_match):
        raise HTTPException(304, headers=headers)
    response.headers.update(headers)
    return prices[name]


@app.put("/prices/{name}")
def change_price(name: str, cents: Annotated[int, Body(embed=True)]) -> Price:
    version = prices[name].version + 1 if name in prices else 1
    prices[name] = Price(name=name, cents=cents, version=version)
    return prices[name]
