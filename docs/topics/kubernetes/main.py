import os

from fastapi import FastAPI

app = FastAPI(title="Greeter")


@app.get("/greetings/{name}")
async def greet(name: str) -> dict[str, str]:
    pod = os.getenv("POD_NAME", "no pod")
    return {"greeting": f"Hello, {name}", "pod": pod}


@app.get("/livez")
async def live() -> dict[str, str]:
    return {"status": "ok"}


@app.get("/readyz")
async def ready() -> dict[str, str]:
    return {"status": "ok"}
