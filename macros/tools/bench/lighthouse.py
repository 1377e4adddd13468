"""What Lighthouse says, with its mobile defaults, of one page of each kind."""

from __future__ import annotations

import json
import os
import subprocess

from macros.project import Project
from macros.tools import browser, node
from macros.tools.bench import sample
from macros.tools.static_server import serving

CATEGORIES = ("performance", "accessibility", "best-practices", "seo")


def measure(project: Project) -> list[list[object]]:
    """Return the scores (0 to 100), first paint and blocking time of each kind of page."""
    node.install(project)
    rows: list[list[object]] = [
        ["page", *CATEGORIES, "FCP ms", "LCP ms", "TBT ms", "failed audits"]
    ]
    with serving(project.site) as root:
        for kind, path in sample(project).items():
            print(f"  {kind} …", flush=True)
            rows.append([kind, *_scores(project, root + path)])
    return rows


def _scores(project: Project, url: str) -> list[object]:
    script = project.root / "node_modules" / "lighthouse" / "cli" / "index.js"
    flags = "--chrome-flags=" + " ".join(browser.FLAGS)
    command = [node.node(), str(script), url, "--output=json", "--quiet", flags]
    environment = {**os.environ, "CHROME_PATH": browser.ensure()}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"Lighthouse failed on {url}:\n{done.stderr[-2000:]}")
    report = json.loads(done.stdout)
    scores = [round(100 * (report["categories"][name]["score"] or 0)) for name in CATEGORIES]
    audits = report["audits"]
    times = [
        round(audits[name]["numericValue"])
        for name in ("first-contentful-paint", "largest-contentful-paint", "total-blocking-time")
    ]
    failed = [
        name
        for name, audit in audits.items()
        if audit.get("scoreDisplayMode") == "binary" and audit["score"] == 0
    ]
    return [*scores, *times, ", ".join(failed) or "none"]
