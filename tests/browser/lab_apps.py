"""What the engine's tests run: a page that opens the lab, an app, and an app that attacks."""

# Each attack is one line of JavaScript.
# ruff: noqa: E501

from __future__ import annotations

OPEN = """async (base) => {
  const session = await import(new URL("../js/lab/session.js", base));
  window.base = base;
  window.session = session;
  window.log = [];
  window.lab = await session.openLab(base, { onLog: (line) => window.log.push(line) });
  window.text = (bytes) => new TextDecoder().decode(bytes);
  window.ask = async (path, more = {}) => {
    const { body, ...rest } = await window.lab.request({ path, ...more });
    return { ...rest, body: window.text(body) };
  };
  return window.lab.times;
}"""

# Waits until the page has kept Python's memory for the next visit.
SNAPSHOT = """async () => {
  const cache = await caches.open("km-lab");
  for (;;) {
    if ((await cache.keys()).some(({ url }) => url.includes("snapshot-"))) return;
    await new Promise((later) => setTimeout(later, 100));
  }
}"""

APP = """
import asyncio
from fastapi import FastAPI, WebSocket
from fastapi.responses import StreamingResponse

app = FastAPI()


@app.get("/")
def root():
    print("hello")
    return {"hello": "world"}


@app.get("/items/{number}")
async def item(number: int):
    return {"number": number}


@app.get("/boom")
def boom():
    return {}["missing"]


@app.get("/loop")
def loop():
    while True:
        pass


@app.get("/deep")
def deep():
    return deep()


@app.get("/print")
def much():
    for _ in range(100):
        print("x" * 1_000_000)
    return "printed"


@app.get("/memory")
def memory():
    held = []
    while True:
        held.append(bytearray(10_000_000))


async def numbers():
    for number in range(3):
        yield f"{number}\\n"
        await asyncio.sleep(0.2)


@app.get("/stream")
async def stream():
    return StreamingResponse(numbers())


@app.websocket("/socket")
async def socket(websocket: WebSocket):
    await websocket.accept()
    while True:
        await websocket.send_text("heard " + await websocket.receive_text())
"""

HOSTILE = """
import js
from fastapi import FastAPI
from pyodide.code import run_js

app = FastAPI()

ATTACKS = {
    "IndexedDB": "new Promise((yes, no) => { const r = indexedDB.open('x'); r.onsuccess = () => yes('in'); r.onerror = () => no(r.error) })",
    "caches": "caches.open('x').then(() => 'in')",
    "localStorage": "Promise.resolve(localStorage.x)",
    "cookies": "Promise.resolve(document.cookie)",
    "fetch": "fetch('ADDRESS').then(() => 'in')",
    "fetch elsewhere": "fetch('https://example.com/').then(() => 'in')",
    "XMLHttpRequest": "new Promise((yes, no) => { const r = new XMLHttpRequest(); r.onload = () => yes('in'); r.onerror = () => no('refused'); r.open('GET', 'ADDRESS'); r.send() })",
    "WebSocket": "new Promise((yes, no) => { const s = new WebSocket('ws://127.0.0.1:9/'); s.onopen = () => yes('in'); s.onerror = () => no('refused') })",
    "EventSource": "new Promise((yes, no) => { const s = new EventSource('ADDRESS'); s.onopen = () => yes('in'); s.onerror = () => no('refused') })",
    "importScripts": "Promise.resolve().then(() => { importScripts('ADDRESS'); return 'in' })",
    "import": "import('ADDRESS').then(() => 'in')",
    "eval": "Promise.resolve(eval('1'))",
    "parent page": "Promise.resolve(parent.document.title)",
    "service worker": "navigator.serviceWorker.register('ADDRESS').then(() => 'in')",
    "opfs": "navigator.storage.getDirectory().then(() => 'in')",
    "a worker of its own": "new Promise((yes, no) => { const w = new Worker('ADDRESS'); w.onmessage = () => yes('in'); w.onerror = () => no('refused') })",
}


@app.get("/attack")
async def attack(name: str, address: str):
    code = ATTACKS[name].replace("ADDRESS", address)
    try:
        made = js.Function.new("return " + code)
        return {"got": str(await made())}
    except BaseException as error:
        return {"refused": str(error)[:200]}


@app.get("/whisper")
async def whisper():
    channel = js.BroadcastChannel.new("km-lab-test")
    channel.postMessage("from the lab")
    return "said"
"""
