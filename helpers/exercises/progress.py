"""What the learner has solved so far, kept in one small local file.

The file is `.progress.json` at the project's root, or one in the home folder where that
cannot be written or the package is installed elsewhere; the environment variable
``CONVNETS_PROGRESS`` names another, or ``memory`` for none (CI and builds: their pages
must not depend on who solved what).
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

from helpers.exercises import engine
from helpers.files import replaced

_in_memory: dict[str, dict] = {}
_SECONDS = 2.0  # how long to wait for another notebook that is writing


def progress_file() -> Path | None:
    """Where progress is kept, or None for "in memory only"."""
    chosen = os.environ.get("CONVNETS_PROGRESS", "")
    if chosen == "memory" or _presenting():
        return None
    if chosen:
        return Path(chosen)
    root = Path(__file__).resolve().parents[2]
    if (root / "notebooks").is_dir() and os.access(root, os.W_OK):
        return root / ".progress.json"
    return Path.home() / ".convnets-progress.json"


def _presenting() -> bool:
    """Running a solved notebook is presenting, not solving."""
    session = os.environ.get("JPY_SESSION_NAME", "").replace("\\", "/")
    return "solutions" in session.split("/")


def read() -> dict[str, dict] | None:
    """Status and number of tries of each exercise tried so far.

    What another version of the course noted besides is kept, and left out here. A file
    that holds something else is set aside under the ending ``.damaged``. None when
    there is a file that can neither be read now nor be set aside.
    """
    kept = _read()
    return kept and {number: kept[number] for number in kept if _is_number(number)}


def _read() -> dict[str, Any] | None:
    file = progress_file()
    if file is None:
        return _in_memory
    try:
        if file.exists() and not file.is_file():
            raise OSError(None, "it is no regular file")
        text = file.read_text("utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except UnicodeDecodeError:
        text = ""
    except OSError as error:  # not readable now: that does not mean that it is damaged
        print(f"Progress could not be read from {file}: {error.strerror}.")
        return None
    try:
        kept = json.loads(text)
        if isinstance(kept, dict) and "format" in kept:  # ours has none
            print(f"{file.name} comes from a newer version of the course, so it stays.")
            return None
        if isinstance(kept, dict) and all(
            _is_entry(kept[number]) for number in kept if _is_number(number)
        ):
            return kept
    except (ValueError, RecursionError):
        pass
    names = (file.with_suffix(f".damaged{n or ''}") for n in count())
    aside = next(name for name in names if not os.path.lexists(name))
    try:
        os.replace(file, aside)
    except OSError:
        return None
    print(f"{file.name} could not be read; it is kept as {aside.name}.")
    return {}


def _is_number(key: str) -> bool:
    return re.fullmatch(r"\d\d\.\d+", key) is not None


def _is_entry(value: Any) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("kinds", {}), dict):
        return False
    counts = value.get("tries", 0), *value.get("kinds", {}).values()
    return all(isinstance(count, int) for count in counts)


def record(result: engine.Result) -> int:
    """Remember a judgement; return how often its mistake was made before it was right.

    Once passed, an exercise stays passed.
    """
    if result.status == "blank":
        return 0
    with _alone(file := progress_file()):
        kept = _read()
        if kept is None:  # leave it alone
            return 0
        entry = kept.setdefault(result.number, {"passed": False, "tries": 0})
        if not entry.get("passed"):
            entry["tries"] = entry.get("tries", 0) + 1
            entry["passed"] = result.passed
            entry["misconception"] = key = result.misconception
            if key:
                kinds = entry.setdefault("kinds", {})
                kinds[key] = kinds.get(key, 0) + 1
            entry["at"] = time.strftime("%Y-%m-%d %H:%M")
        if file is not None:
            _write(file, kept)
        return entry.get("kinds", {}).get(result.misconception, 0)


@contextmanager
def _alone(file: Path | None) -> Iterator[None]:
    """Let other notebooks wait: what each adds to the file would undo the other's.

    Where the lock cannot be had, progress is written all the same: a lesson goes on.
    """
    from filelock import FileLock  # torch needs it, so it is there

    lock = file and FileLock(f"{file}.lock")
    with suppress(OSError, NotImplementedError):  # a timeout too
        if lock and file.parent.is_dir():
            lock.acquire(timeout=_SECONDS, poll_interval=0.01)
    try:
        yield
    finally:
        if lock:
            lock.release()


def _write(file: Path, kept: Mapping[str, dict]) -> None:
    try:
        with replaced(file) as scratch:
            scratch.write_text(json.dumps(kept, indent=1, sort_keys=True), "utf-8")
    except OSError as error:  # a full or read-only disk must not stop a lesson
        print(f"Progress could not be saved in {file}: {error.strerror or error}.")


def progress() -> None:
    """Show a table of all lessons: how many exercises are solved, and of how many."""
    from helpers.exercises.cards import show_progress

    show_progress(read() or {})
    file = progress_file()
    if file and file.name != ".progress.json":
        print(f"Your progress is kept in {file}.")
