import json
from pathlib import Path

from fastapi import FastAPI

app = FastAPI()
ADVISORY = json.loads(Path(__file__).with_name("advisory.json").read_text())


@app.post("/v1/querybatch")
def query(batch: dict[str, list[dict]]) -> dict[str, list[dict]]:
    return {"results": [{"vulns": vulnerabilities(q)} for q in batch["queries"]]}


def vulnerabilities(query: dict) -> list[dict]:
    known = (query["package"]["name"], query["version"])
    if known != ("python-multipart", "0.0.6"):
        return []
    return [{"id": ADVISORY["id"], "modified": ADVISORY["modified"]}]


@app.get("/v1/vulns/{vulnerability}")
def advisory(vulnerability: str) -> dict:
    return ADVISORY
