import json

READY = 10  # minutes


# --8<-- [start:app]
async def app(scope, receive, send):
    """Answer how dough feels after the minutes that the path names."""
    if scope["type"] == "lifespan":
        while (await receive())["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        return await send({"type": "lifespan.shutdown.complete"})
    minutes = int(scope["path"].removeprefix("/dough/"))
    body = json.dumps({"dough": feel(minutes)}).encode()
    headers = [(b"content-type", b"application/json"), (b"x-bowl", b"wooden")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


# --8<-- [end:app]
# --8<-- [start:feel]
def feel(minutes: int) -> str:
    return "smooth" if minutes >= READY else "shaggy"


# --8<-- [end:feel]
