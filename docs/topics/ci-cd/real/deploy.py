import json
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPException
from subprocess import CalledProcessError
from urllib.error import HTTPError
from urllib.request import urlopen

Docker = Callable[..., str]
ADDRESS = "127.0.0.1:8000"


def run_docker(*arguments: str) -> str:
    command = ["docker", *arguments]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout.strip()


# --8<-- [start:deploy]
def running_image(docker: Docker) -> str | None:
    with suppress(CalledProcessError):  # nothing was deployed yet
        return docker("inspect", "--format", "{{.Config.Image}}", "shop")
    return None


def start(image: str, docker: Docker, address: str) -> None:
    for step in ("stop", "rm"):
        with suppress(CalledProcessError):  # there is none
            docker(step, "shop")
    settings = ["--env", "DATABASE_URL", "--env", "VALKEY_URL"]
    publish = ["--publish", f"{address}:8000"]
    docker("run", "--detach", "--name", "shop", *settings, *publish, image)


def passes_smoke_test(address: str, revision: str, patience: float = 30) -> bool:
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        try:
            with urlopen(f"http://{address}/teas", timeout=5):
                pass
            with urlopen(f"http://{address}/version", timeout=5) as answer:
                return bool(json.load(answer)["revision"] == revision)
        except HTTPError:
            return False
        except (OSError, HTTPException):
            time.sleep(0.05)
    return False


def deploy(
    image: str, revision: str, docker: Docker = run_docker, address: str = ADDRESS
) -> bool:
    before = running_image(docker)
    database = ["--env", "DATABASE_URL"]
    docker("run", "--rm", *database, image, "alembic", "upgrade", "head")
    with suppress(CalledProcessError):  # the container cannot start
        start(image, docker, address)
        if passes_smoke_test(address, revision):
            return True
    if before is not None:
        start(before, docker, address)
    return False


# --8<-- [end:deploy]
if __name__ == "__main__":
    new_image, commit = sys.argv[1:]
    sys.exit(0 if deploy(new_image, commit) else "Smoke test failed: rolled back")
