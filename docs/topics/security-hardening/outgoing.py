import ipaddress
import socket
from collections.abc import Awaitable, Callable

import anyio
import httpx2

IN_USE = ipaddress.ip_network("2000::/3")
Resolve = Callable[[str, int], Awaitable[list[str]]]


# --8<-- [start:public]
def is_public(address: str) -> bool:
    ip = ipaddress.ip_address(address)
    if not ip.is_global or ip.is_multicast:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        return ip in IN_USE and not (ip.sixtofour or ip.teredo)
    return True
    # --8<-- [end:public]


async def resolve(host: str, port: int) -> list[str]:
    found = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


# --8<-- [start:guard]
class PublicOnly(httpx2.AsyncBaseTransport):
    def __init__(
        self, inner: httpx2.AsyncBaseTransport, resolve: Resolve = resolve
    ) -> None:
        self.inner, self.resolve = inner, resolve

    async def handle_async_request(
        self, request: httpx2.Request
    ) -> httpx2.Response:
        url = request.url
        port = url.port or {"http": 80, "https": 443}.get(url.scheme, 0)
        addresses = await self.resolve(url.host, port)
        if not all(map(is_public, addresses)):
            raise httpx2.ConnectError(f"{url.host} is not a public address")
        if port not in (80, 443):
            raise httpx2.ConnectError(f"Port {port} is not for us")
        pinned = httpx2.Request(
            request.method,
            url.copy_with(host=addresses[0]),
            headers=request.headers,
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": url.host},
        )
        return await self.inner.handle_async_request(pinned)
        # --8<-- [end:guard]

    async def aclose(self) -> None:
        await self.inner.aclose()


# --8<-- [start:fetch]
MAX_ANSWER = 64 * 1024
NO_REUSE = httpx2.Limits(max_connections=20, max_keepalive_connections=0)


def public_client() -> httpx2.AsyncClient:
    inner = httpx2.AsyncHTTPTransport(limits=NO_REUSE)
    return httpx2.AsyncClient(
        transport=PublicOnly(inner),
        timeout=3,
        follow_redirects=True,
        max_redirects=3,
    )


async def fetch(http: httpx2.AsyncClient, url: str) -> bytes:
    body = b""
    with anyio.fail_after(5):
        async with http.stream("GET", url) as answer:
            answer.raise_for_status()
            async for chunk in answer.aiter_bytes(8192):
                body += chunk
                if len(body) > MAX_ANSWER:
                    raise httpx2.DecodingError("The answer is too large")
    return body
    # --8<-- [end:fetch]
