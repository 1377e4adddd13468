"""From click to first response in the lab, cold, warm and again, against wheels one by one.

The other way is how others do it: stock Pyodide as its package ships it, and one wheel after the
other at run time. Its own loader installs them, as micropip does in the end, whose release on the
registry does not work with this Pyodide; micropip's look-ups at a registry are left out, in its
favour. All files come from the same server, in the same run.
"""

from __future__ import annotations

import json
import shutil
import statistics
import tempfile
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, BrowserContext, sync_playwright

from macros.lab import extras, wheels
from macros.lab.paths import manifest
from macros.project import Project
from macros.registry import load
from macros.tools import browser
from macros.tools.static_server import serving

RUNS: Final = 3
OURS: Final = """async ([base, topic]) => {
  const clicked = performance.now();
  const session = await import(new URL("../js/lab/session.js", base));
  const { files, entry, id, requests } = await session.topic(base, topic);
  const { method, url: path } = requests[0];
  const run = async (lab) => {
    const loaded = await lab.load({ id, files, entry });
    if (!loaded.ok) throw new Error(JSON.stringify(loaded));
    await lab.request({ method, path });
  };
  const lab = await session.openLab(base);
  const opened = performance.now();
  await run(lab);
  const answered = performance.now();
  await run(lab);
  const again = performance.now();
  return {
    first: answered - clicked, boot: lab.times.boot, imports: lab.times.imports,
    fetch: opened - clicked - lab.times.boot - lab.times.imports,
    run: answered - opened, again: again - answered,
  };
}"""
KEPT: Final = """async () => {
  const cache = await caches.open("km-lab");
  for (let tries = 0; tries < 300; tries++) {
    if ((await cache.keys()).some(({ url }) => url.includes("snapshot-"))) return;
    await new Promise((later) => setTimeout(later, 100));
  }
}"""
THEIRS: Final = """async ([base, topic]) => {
  const clicked = performance.now();
  const source = await (await fetch(new URL(`../assets/lab/topics/${topic}.json`, base))).json();
  const code = new URL("worker.js", base);
  const worker = new Worker(code, { type: "module" });
  const told = new Promise((done, fail) => {
    worker.onmessage = ({ data }) => done(data);
    worker.onerror = (event) => fail(new Error(event.message));
  });
  worker.postMessage(source.files["main.py"]);
  const times = await told;
  if (times.error) throw new Error(times.error);
  return { ...times, first: performance.now() - clicked };
}"""
WORKER: Final = """
import { loadPyodide } from "./pyodide.mjs";
onmessage = ({ data }) => {
  run(data).then(postMessage, (error) => postMessage({ error: String(error) }));
};

async function run(data) {
  const began = performance.now();
  const python = await loadPyodide();
  const booted = performance.now();
  const wheels = await (await fetch("wheels.json")).json();
  for (const wheel of wheels) {
    await python.loadPackage(new URL(wheel, import.meta.url).href, { checkIntegrity: false });
  }
  const installed = performance.now();
  python.FS.writeFile("main.py", data);
  await python.runPythonAsync(`
import asyncio, sys, types
import anyio.to_thread
async def inline(func, *args, **_): return func(*args)
anyio.to_thread.run_sync = inline
import main
async def receive(): return {"type": "http.request", "body": b"", "more_body": False}
async def send(message): pass
scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1",
         "method": "GET", "path": "/",
         "raw_path": b"/", "query_string": b"", "root_path": "", "scheme": "http", "headers": [],
         "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 2)}
await main.app(scope, receive, send)
`);
  const ended = performance.now();
  return { boot: booted - began, fetch: installed - booted, run: ended - installed };
}
"""


def measure(project: Project) -> list[list[object]]:
    """Return the median milliseconds of each kind of visit, and where they go."""
    rows: list[list[object]] = [
        ["click to first response, ms", "all", "fetch", "boot", "import", "run", "again"]
    ]
    loaded, _ = load(project)
    assert loaded is not None
    topic = loaded.registry.topics[0].id
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        root = Path(folder)
        shutil.copytree(project.site / "assets", root / "assets")
        (root / "index.html").write_text("<!doctype html><title>bench</title>", encoding="utf-8")
        _one_by_one(project, root / "theirs")
        chromium = playwright.chromium.launch(
            executable_path=browser.ensure(), args=list(browser.FLAGS)
        )
        with serving(root) as url:
            for name, script, base in (
                ("ours", OURS, f"{url}assets/lab/"),
                ("wheel by wheel", THEIRS, f"{url}theirs/"),
            ):
                cold, warm = _visits(chromium, url, script, [base, topic])
                rows += [_row(f"{name}, cold", cold), _row(f"{name}, warm", warm)]
        chromium.close()
    facts = json.loads(manifest(project).read_text(encoding="utf-8"))
    rows.append(["first visit, MB", f"{facts['bytes'] / 1e6:.2f}", *[""] * 5])
    return rows


def _visits(
    chromium: Browser, url: str, script: str, arguments: list[str]
) -> tuple[list[dict[str, float]], list[dict[str, float]]]:
    """Return the times of first visits, and of second ones with the caches of the first."""
    cold, warm = [], []
    for _ in range(RUNS):
        context = chromium.new_context()
        cold.append(_visit(context, url, script, arguments))
        warm.append(_visit(context, url, script, arguments))
        context.close()
    return cold, warm


def _visit(context: BrowserContext, url: str, script: str, arguments: list[str]) -> Any:
    page = context.new_page()
    page.goto(url)
    times = page.evaluate(script, arguments)
    # What is kept for the next visit is made once the reader has their answer.
    page.evaluate(KEPT) if script == OURS else page.wait_for_timeout(1500)
    page.close()
    return times


def _row(name: str, visits: list[dict[str, float]]) -> list[object]:
    keys = ("first", "fetch", "boot", "imports", "run", "again")
    return [
        name,
        *(
            f"{statistics.median(visit[key] for visit in visits):.0f}" if key in visits[0] else ""
            for key in keys
        ),
    ]


def _one_by_one(project: Project, into: Path) -> None:
    """Lay out stock Pyodide with the wheels of the subject, as a site of that kind would."""
    into.mkdir()
    runtime = project.root / "node_modules" / "pyodide"
    for path in runtime.glob("*.*"):
        shutil.copy(path, into)
    loaded, _ = load(project)
    assert loaded is not None
    core = [*loaded.registry.subject.stamp, "anyio"]
    blocks = wheels.locked(project.lock, loaded.registry.subject.lab)
    found = wheels.download(blocks, project.root / ".cache" / "wheels")
    names = extras.closure(found, core)
    chosen = [wheel for wheel in found if wheels.named(wheel) in names]
    for wheel in chosen:
        shutil.copy(wheel, into)
    listed = [wheel.name for wheel in chosen]
    (into / "wheels.json").write_text(json.dumps(listed), encoding="utf-8")
    (into / "worker.js").write_text(WORKER, encoding="utf-8")
