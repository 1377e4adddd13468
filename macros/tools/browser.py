"""Find a Chromium to test with, or get one: what is there, else Debian's, else Playwright's."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MAC = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class NoBrowserError(Exception):
    """There is no browser and no right to install one; the message says what to run."""


def find() -> str | None:
    """Return the path of a Chromium that is there already, or None.

    The environment variable CHROMIUM, if set, names the one to use.
    """
    named = os.environ.get("CHROMIUM")
    if named:
        return shutil.which(named) or (named if Path(named).is_file() else None)
    for name in NAMES:
        found = shutil.which(name)
        if found:
            return found
    return MAC if Path(MAC).is_file() else _playwrights_own()


def ensure() -> str:
    """Return the path of a Chromium, installed now if need be; raise NoBrowserError."""
    found = find()
    if found:
        return found
    if shutil.which("apt-get") and os.geteuid() == 0:
        print("  installing Debian's chromium …", flush=True)
        quiet = {"capture_output": True, "text": True, "check": False}
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-qq"], env=environment, **quiet)  # type: ignore[call-overload]
        install = ["apt-get", "install", "-y", "-qq", "chromium"]
        done = subprocess.run(install, env=environment, **quiet)  # type: ignore[call-overload]
        if done.returncode:
            raise NoBrowserError(f"Debian's chromium could not be installed:\n{done.stderr}")
    elif not shutil.which("apt-get"):
        command = [sys.executable, "-m", "playwright", "install", "chromium"]
        subprocess.run(command, check=False)
    found = find()
    if found:
        return found
    how = "sudo apt-get install chromium" if shutil.which("apt-get") else "install Chrome"
    raise NoBrowserError(f"The browser tests need a Chromium. Run: {how}")


def _playwrights_own() -> str | None:
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return None
    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).is_file() else None
