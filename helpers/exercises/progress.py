"""What the learner has solved so far, kept in one small local file.

The file is `.progress.json` at the project's root, or in the home folder when the
package is installed elsewhere; the environment variable ``CONVNETS_PROGRESS`` names
another, or ``memory`` for none (CI and builds: their pages must not depend on who
solved what).
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from helpers.exercises import engine
from helpers.files import replaced

_in_memory: dict[str, dict] = {}


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

    A file that holds something else is set aside under the ending ``.damaged``. None
    when there is a file that can neither be read now nor be set aside.
    """
    file = progress_file()
    if file is None:
        return _in_memory
    try:
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
        if isinstance(kept, dict) and all(map(_is_entry, kept.values())):
            return kept
    except ValueError:
        pass
    try:
        os.replace(file, file.with_suffix(".damaged"))
    except OSError:
        return None
    print(f"{file.name} could not be read; it is kept as {file.stem}.damaged.")
    return {}


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
    file, kept = progress_file(), read()
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


def _write(file: Path, kept: Mapping[str, dict]) -> None:
    try:
        with replaced(file) as scratch:
            scratch.write_text(json.dumps(kept, indent=1, sort_keys=True), "utf-8")
    except OSError as error:  # a full or read-only disk must not stop a lesson
        print(f"Progress could not be saved in {file}: {error.strerror}.")


def progress() -> None:
    """Show a table of all lessons: how many exercises are solved, and of how many."""
    from helpers.exercises.cards import show_progress

    show_progress(read() or {})
