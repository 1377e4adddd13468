from typing import Annotated, Literal

from fastapi import Cookie, FastAPI, Header, Response
from pydantic import BaseModel

app = FastAPI()


# --8<-- [start:headers]
@app.get("/trace")
def read_trace(
    x_request_id: Annotated[str, Header(max_length=40)],
    tags: Annotated[list[str] | None, Header(alias="X-Tag")] = None,
) -> dict[str, str | list[str] | None]:
    return {"x_request_id": x_request_id, "tags": tags}
    # --8<-- [end:headers]


# --8<-- [start:set]
@app.put("/preferences", status_code=204)
def save(
    theme: Literal["light", "dark"], lang: Literal["en", "de"], response: Response
) -> None:
    for name, value in {"theme": theme, "lang": lang}.items():
        response.set_cookie(
            name, value, max_age=31_536_000, secure=True, httponly=True
        )
        # --8<-- [end:set]


# --8<-- [start:model]
class Preferences(BaseModel):
    theme: Literal["light", "dark"] = "light"
    lang: Literal["en", "de"] = "en"


@app.get("/preferences")
def read(preferences: Annotated[Preferences, Cookie()]) -> Preferences:
    return preferences
    # --8<-- [end:model]
