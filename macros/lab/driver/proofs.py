"""Runs a topic's proofs with pytest and the project's own plugin, as they run on a server."""

import asyncio
import functools
import inspect
import json
import logging
import os
import re
import time
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO

import pytest
from anyio import pytest_plugin as anyio_plugin
from lab import errors
from lab.absent import Finder
from lab.bundle import Bundle
from lab.loop import running_at_once
from lab.threads import Watch

from macros.proofs import plugin

NEEDS = {
    "server": "needs a server",
    "postgres": "needs a PostgreSQL server",
    "valkey": "needs a Valkey server",
    "warm": "needs a process",
}
# What the browser's Python says where a thread or a process is asked for.
LACKS = (
    (re.compile(r"can't start new thread|another thread, and the lab has none"), "needs a thread"),
    (re.compile(r"emscripten does not support processes|_posixsubprocess"), "needs a process"),
    (re.compile(r"lacks multiprocessing\.synchronize"), "needs a process"),
    (re.compile(r"\[Errno 44\].*'/docs/topics/"), "reads a file of another topic"),
    (re.compile(r"\[Errno 138\]"), "needs a socket"),
    (re.compile(r"pip install \W?([\w.-]+(?:\[\w+\])?)"), r"needs \1, which the lab does not have"),
    (re.compile(r"(\w+) is missing: install the distribution"), r"needs a \1 server"),
    (re.compile(r"(\w+) must be installed"), r"needs \1, which the lab does not have"),
)
LIMIT = 8  # seconds a proof
_ANSI = re.compile(r"\x1b\[[0-9;]*m")


def run(topic, files, only, known, verify, tell, beat=lambda: None):
    """Run the proofs, all or those named; tell each result as JSON; return the counts as JSON.

    `known` has the reasons of those that cannot hold here, by name: they are left out, or with
    `verify` run to see whether they really fail.
    """
    bundle = Bundle(topic, files)
    heard = _Heard(known, verify, tell)
    Watch.beat = staticmethod(beat)
    Watch.check = staticmethod(heard.stop_if_late)
    tests = sorted(str(path) for path in bundle.folder.rglob("test_*.py"))
    options = ["-c", "/lib/lab/pytest.toml", "--rootdir", str(bundle.folder), "--tb=short"]
    options += ["-p", "no:faulthandler", "-p", "no:threadexception"]
    options += ["-p", "no:debugging", "-p", "no:doctest", "--capture=sys", "-qq"]
    options += ["--basetemp", "/tmp/proofs"]
    if only:
        options += ["-k", " or ".join(only)]
    before = dict(os.environ)
    server_log = logging.getLogger("asgi")
    quiet = server_log.level
    server_log.setLevel(logging.NOTSET)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    try:
        # What pytest itself prints is told result by result.
        printed = StringIO()
        with redirect_stdout(printed), redirect_stderr(printed), Finder(), running_at_once():
            ended = pytest.main([*options, *tests], plugins=[anyio_plugin, plugin, heard])
        if ended in (pytest.ExitCode.USAGE_ERROR, pytest.ExitCode.INTERNAL_ERROR):
            raise RuntimeError(f"pytest could not run the proofs: {printed.getvalue().strip()}")
    finally:
        server_log.setLevel(quiet)
        Watch.beat = Watch.check = staticmethod(lambda: None)
        os.environ.clear()
        os.environ.update(before)
        os.chdir("/")
    return json.dumps(heard.counts)


class _Heard:
    """A pytest plugin that passes on what becomes of each test."""

    def __init__(self, known, verify, tell):
        self._known = known
        self._verify = verify
        self._tell = tell
        self._began = 0.0
        self._calling = False
        self._seen = {}
        self.counts = {"passed": 0, "failed": 0, "skipped": 0}

    def stop_if_late(self):
        """End a proof that has no end here."""
        if self._calling and time.perf_counter() - self._began > LIMIT + 1:
            pytest.fail(f"no end within {LIMIT} s")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item):
        lacking = next((NEEDS[name] for name in item.fixturenames if name in NEEDS), None)
        if lacking:
            pytest.skip(lacking)
        if not self._verify and _name(item) in self._known:
            pytest.skip(self._known[_name(item)])

    def pytest_runtest_logstart(self, nodeid, location):
        self._began = time.perf_counter()
        self._seen = {"name": nodeid.rsplit("::", 1)[-1], "outcome": "passed", "output": ""}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item):
        self._calling = True
        try:
            return (yield)
        finally:
            self._calling = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem):
        """Give an `async def` proof a time limit of its own loop's."""
        test = pyfuncitem.obj
        if not inspect.iscoroutinefunction(test):
            return

        @functools.wraps(test)
        async def limited(*args, **kwargs):
            async with asyncio.timeout(LIMIT):
                return await test(*args, **kwargs)

        pyfuncitem.obj = limited

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item, call):
        report = yield
        if call.excinfo is None:
            return report
        error = call.excinfo.value
        reason = _lacks(error)
        if report.skipped or reason:
            text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(error)
            self._seen |= {"outcome": "skipped", "reason": reason or text.removeprefix("Skipped: ")}
        elif self._seen["outcome"] == "passed":
            name = _name(item)
            outcome = "failed" if report.when == "call" else "error"
            if name in self._known:
                self._seen |= {"outcome": "skipped", "reason": self._known[name], "known": True}
                return report
            told = errors.told(error)
            self._seen |= {"outcome": outcome, "reason": _ANSI.sub("", told["message"])}
            self._seen |= {key: told[key] for key in ("kind", "file", "line", "traceback")}
        return report

    def pytest_runtest_logreport(self, report):
        self._seen["output"] = report.capstdout + report.capstderr

    def pytest_runtest_logfinish(self, nodeid, location):
        self._say(ms=(time.perf_counter() - self._began) * 1000, **self._seen)

    def pytest_collectreport(self, report):
        if report.failed:
            name = report.nodeid or "test_main.py"
            text = _ANSI.sub("", str(report.longrepr))
            last = next((line for line in reversed(text.splitlines()) if line.strip()), "")
            reason = last.removeprefix("E").strip()
            facts = {"outcome": "error", "reason": reason, "traceback": text}
            if lack := _lack_in(reason):
                facts = {"outcome": "skipped", "reason": lack}
            self._say(name=name, ms=0, output="", **facts)
        elif report.skipped:
            reason = report.longrepr[2].removeprefix("Skipped: ")
            self._say(name=report.nodeid, outcome="skipped", reason=reason, ms=0, output="")

    def _say(self, *, outcome, **facts):
        self.counts["failed" if outcome == "error" else outcome] += 1
        self._tell(json.dumps({"outcome": outcome, "reason": "", "traceback": "", **facts}))


def _name(item):
    return item.originalname or item.name


def _lack_in(text):
    found = ((pattern.search(text), reason) for pattern, reason in LACKS)
    return next((match.expand(reason) for match, reason in found if match), None)


def _lacks(error):
    seen = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if reason := _lack_in(str(error)):
            return reason
        if isinstance(error, BaseExceptionGroup):
            return next(filter(None, map(_lacks, error.exceptions)), None)
        error = error.__cause__ or error.__context__
    return None
