"""Stands for the HTTP client's way out: there is none, and this says so."""

import httpx2


def _refuse(request):
    message = (
        f"The lab has no network: {request.method} {request.url} was not sent. "
        "Requests to your own app work, with ASGITransport or the fixture `client`."
    )
    raise httpx2.ConnectError(message, request=request)


class JavascriptFetchTransport:
    """Refuses every request."""

    def __init__(self, *args, **kwargs):
        pass

    def handle_request(self, request):
        _refuse(request)

    def close(self):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


class AsyncJavascriptFetchTransport:
    """Refuses every request."""

    def __init__(self, *args, **kwargs):
        pass

    async def handle_async_request(self, request):
        _refuse(request)

    async def aclose(self):
        pass

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        pass
