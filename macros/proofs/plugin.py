"""The pytest plugin of the bundles; a run without a bundle does not notice it.

Inside `docs/topics/<id>/` every test sees its own bundle's modules and the fixtures of
`macros.proofs.fixtures`. The rest of a test suite sees neither.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from macros.proofs.bundle_run import RUNS, BundleRun, wants_own_process
from macros.proofs.isolation import bundle_of, is_bundle, working_in
from macros.proofs.progress import Progress


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add whether recorded outputs are compared or written, and where to report outcomes."""
    group = parser.getgroup("knowledge map")
    group.addoption(
        "--fix-outputs",
        action="store_true",
        help="write what shown() saw to outputs/, instead of comparing",
    )
    group.addoption("--proof-report", metavar="FILE", type=Path, help="write outcomes as JSON")


def pytest_configure(config: pytest.Config) -> None:
    """Start without any bundle; refuse to write where nobody would look at the difference."""
    config.stash[RUNS] = {}
    if config.option.fix_outputs and os.environ.get("CI"):
        raise pytest.UsageError("--fix-outputs: nothing is written where CI is set.")
    if config.option.proof_report is not None:
        config.pluginmanager.register(Progress(config))


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave a bundle that needs a process of its own out of a run of several."""
    if not is_bundle(collection_path) or not wants_own_process(collection_path):
        return None
    start = config.invocation_params.dir
    asked = {(start / argument.split("::")[0]).resolve() for argument in config.args}
    if all(path == collection_path or collection_path in path.parents for path in asked):
        return None
    if not any(path in collection_path.parents or path == collection_path for path in asked):
        return None
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None:
        reporter.write_line(f"left out, it runs alone: {collection_path.name}")
    return True


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Import a bundle's test module among its own modules; give it the fixtures."""
    run = _run_of(collector) if isinstance(collector, pytest.Module | pytest.Class) else None
    if run is None:
        return (yield)
    if isinstance(collector, pytest.Module):
        # Imported here: most runs of pytest have no bundle.
        from macros.proofs import fixtures

        fixtures.register(collector)
    with run.isolation, working_in(run.folder):
        report = yield
    run.note_collected(collector, report)
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    """Run a bundle's test among its own modules."""
    run = _run_of(item)
    if run is None:
        return (yield)
    with run.isolation:
        return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, None, None]:
    """Set a bundle's test up in its bundle's folder."""
    yield from _in_its_folder(item)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Run a bundle's test in its bundle's folder."""
    yield from _in_its_folder(item)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, None, None]:
    """Fail a bundle's test that left a file in the bundle."""
    yield from _in_its_folder(item)
    if run := _run_of(item):
        run.fail_for_new_files()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note which tests of a bundle passed."""
    report = yield
    run = _run_of(item)
    if run is not None and report.when == "call" and report.passed:
        run.passed.add(item.nodeid)
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail for an output that a whole bundle no longer records; under a fix, remove it."""
    for run in session.config.stash[RUNS].values():
        for path in run.stale_outputs():
            if session.config.option.fix_outputs:
                path.unlink()
                run.notes.append(f"removed {path}: no test records it")
            else:
                run.stale.append(path)
                session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Tell which outputs were written and which are stale."""
    for run in config.stash[RUNS].values():
        for note in run.notes:
            terminalreporter.write_line(note)
        for path in run.stale:
            message = "no test records it any more. Delete it, or run `make fix`."
            terminalreporter.write_line(f"{path}: {message}", red=True)


def _in_its_folder(item: pytest.Item) -> Generator[None, None, None]:
    run = _run_of(item)
    if run is None:
        return (yield)
    with working_in(run.folder):
        return (yield)


def _run_of(node: pytest.Item | pytest.Collector) -> BundleRun | None:
    folder = bundle_of(node.path)
    if folder is None:
        return None
    runs: dict[Path, BundleRun] = node.config.stash[RUNS]
    if folder not in runs:
        runs[folder] = BundleRun(folder)
    return runs[folder]
