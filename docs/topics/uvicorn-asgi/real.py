# --8<-- [start:prefix]
import os

import uvicorn
from fastapi import FastAPI, Request
from starlette.types import ASGIApp, Receive, Scope, Send


class KeptPrefix:
    """For a proxy that passes the prefix on: say which part of the path it is."""

    def __init__(self, app: ASGIApp, prefix: str) -> None:
        self.app = app
        self.prefix = prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope.get("path", "").startswith(self.prefix + "/"):
            scope["root_path"] = self.prefix
        await self.app(scope, receive, send)
        # --8<-- [end:prefix]


# --8<-- [start:app]
app = FastAPI(title="Where am I?")
app.add_middleware(KeptPrefix, prefix="/api")


@app.get("/where")
def where(request: Request) -> dict[str, str]:
    return {
        "scheme": request.url.scheme,
        "client": request.client.host if request.client else "unknown",
        "link": str(request.url_for("where")),
    }
    # --8<-- [end:app]


# --8<-- [start:serve]
def main() -> None:
    uvicorn.run(
        "real:app",
        host="0.0.0.0",
        port=int(os.environ.get("PORT", "8000")),
        forwarded_allow_ips=os.environ.get("PROXY_IPS", "127.0.0.1"),
        limit_concurrency=500,
        timeout_graceful_shutdown=20,
        server_header=False,
    )


if __name__ == "__main__":
    main()
    # --8<-- [end:serve]
