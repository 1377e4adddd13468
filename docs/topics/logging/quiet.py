# --8<-- [start:quiet]
import logging

from fastapi import FastAPI

app = FastAPI()
log = logging.getLogger("shop")


@app.get("/orders/{number}")
def read_order(number: int) -> int:
    log.info("sharing order %d", number)
    log.warning("order %d is late", number)
    return number
    # --8<-- [end:quiet]
