"""Find the Chromium that the browser tests drive, or install one.

    python tools/browser.py        # make sure there is one (tools/setup.py --browser)

Run it with the environment's Python: it asks the installed Playwright.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "/usr/bin/chromium")

# In a process of its own: Playwright's blocking interface refuses to start inside a
# running event loop, and tests have one.
ASK_PLAYWRIGHT = """
from playwright.sync_api import sync_playwright
with sync_playwright() as playwright:
    print(playwright.chromium.executable_path)
"""

MISSING = """
The browser tests need Chromium, and it could not be installed. Install chromium or
Google Chrome with your system's package manager, or set the environment variable
CHROMIUM to the path of one, and run the same command again."""


def find_chromium() -> str | None:
    """Return the path of a Chromium or Chrome, or None where there is none.

    The environment variable CHROMIUM, where set, is the only place looked at: a wrong
    path there should be noticed, not silently replaced by another browser.
    """
    chosen = os.environ.get("CHROMIUM")
    if chosen:
        return shutil.which(chosen)
    found = next(filter(None, map(shutil.which, NAMES)), None)
    return found or _playwrights_own()


def _playwrights_own() -> str | None:
    """Return the browser that ``playwright install chromium`` put in place, if any."""
    answer = subprocess.run(
        [sys.executable, "-c", ASK_PLAYWRIGHT], capture_output=True, text=True
    )
    path = answer.stdout.strip()
    return path if path and Path(path).is_file() else None


def ensure_chromium() -> None:
    """Install Chromium where none is found; exit with a message if that fails."""
    if find_chromium():
        return
    if os.environ.get("CHROMIUM"):
        sys.exit("CHROMIUM is set, but names no program: correct it or unset it.")
    print("Installing Chromium for the browser tests (1-2 minutes, 0.5 GB)", flush=True)
    debian_root = shutil.which("apt-get") and os.geteuid() == 0
    if debian_root:
        # fonts-dejavu-core: without any font, text has no width and layouts collapse.
        get = "apt-get -q install -y --no-install-recommends chromium fonts-dejavu-core"
        subprocess.run(f"apt-get -q update && {get}", shell=True, check=False)
    if not find_chromium():
        dependencies = ["--with-deps"] if debian_root else []
        command = [sys.executable, "-m", "playwright", "install", *dependencies]
        subprocess.run([*command, "chromium"], check=False)
    if not find_chromium():
        sys.exit(MISSING)


if __name__ == "__main__":
    ensure_chromium()
