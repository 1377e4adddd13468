import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

READY = re.compile("Application startup complete|ASGI server listening")
GUNICORN = ["gunicorn", "-k", "asgi", "--no-control-socket", "-c", "/dev/null"]


def megabytes(pid: int) -> float:
    """Memory of a process; a page that several share counts in parts."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"^Pss: +(\d+) kB", text, re.MULTILINE)[1]) / 1000


def family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(one for child in children for one in family(int(child)))]


def total(workers: int, command: list[str]) -> float:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    filled = [part.replace("PORT", port) for part in command]
    with tempfile.TemporaryFile("w+") as log:
        server = subprocess.Popen(
            [sys.executable, "-B", "-m", *filled], stdout=log, stderr=log
        )
        try:
            while True:
                log.seek(0)
                if len(READY.findall(log.read())) >= workers:
                    break
                time.sleep(0.05)
            return sum(megabytes(pid) for pid in family(server.pid))
        finally:
            server.terminate()
            server.wait()


def rows() -> list[dict[str, str | float]]:
    uvicorn = ["uvicorn", "main:app", "--port", "PORT", "--workers"]
    gunicorn = [*GUNICORN, "main:app", "-b", "127.0.0.1:PORT", "-w"]
    measured = {
        "Uvicorn, 2 workers": total(2, [*uvicorn, "2"]),
        "Uvicorn, 4 workers": total(4, [*uvicorn, "4"]),
        "Gunicorn, 4 workers": total(4, [*gunicorn, "4"]),
        "Gunicorn, 4 workers, `--preload`": total(4, [*gunicorn, "4", "--preload"]),
    }
    return [
        {"name": name, "value": round(value)} for name, value in measured.items()
    ]


if __name__ == "__main__":
    os.chdir(Path(__file__).parent)
    title = "Memory of all processes of an app that only imports FastAPI, idle"
    print(json.dumps({"title": title, "unit": "MB", "rows": rows()}))
