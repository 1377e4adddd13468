import os

from fastapi import FastAPI, HTTPException

app = FastAPI()


# --8<-- [start:shop]
CENTS_PER_GRAM = {"assam": 7, "sencha": 9}


@app.get("/price")
def price(tea: str, grams: int) -> dict[str, int]:
    if tea not in CENTS_PER_GRAM:
        raise HTTPException(404, f"We do not sell {tea}")
    return {"cents": CENTS_PER_GRAM[tea] * grams}


@app.get("/version")
def version() -> dict[str, str]:
    return {"revision": os.environ.get("REVISION", "unknown")}


# --8<-- [end:shop]
