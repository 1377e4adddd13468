from pprint import pformat


# --8<-- [start:app]
async def app(scope, receive, send):
    if scope["type"] != "http":
        raise NotImplementedError(scope["type"])
    message = await receive()
    text = f"{pformat(scope)}\n\n{pformat(message)}\n".encode()
    headers = [(b"content-type", b"text/plain")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": text})
    # --8<-- [end:app]
