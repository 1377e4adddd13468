import json
import subprocess
import sys
from importlib import metadata

PIP = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed"]
WANTED = [
    "fastapi",
    "fastapi uvicorn[standard]",
    "fastapi[standard-no-fastapi-cloud-cli]",
    "fastapi[standard]",
]
PIN = f"fastapi=={metadata.version('fastapi')}"


def packages(wanted: str) -> int:
    command = [*PIP, "--quiet", "--report", "-", *wanted.split(), PIN]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return len(json.loads(done.stdout)["install"])


if __name__ == "__main__":
    rows = [{"name": f"`{each}`", "value": packages(each)} for each in WANTED]
    title = "What pip installs, the package itself included"
    print(json.dumps({"title": title, "unit": "packages", "rows": rows}))
