"""Check style and what the latest change touched, in under a minute.

    python -m tools.check            changes not yet committed, or the last commit
    python -m tools.check --list     only say which tests would run

For a lesson that changed, its tests and its two notebooks run; for a helper or a tool,
the tests that import it directly. Whatever else depends on it is left to `make test`.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from tools import build

ROOT = build.ROOT


def changed() -> list[Path]:
    """Files that differ from the last commit; those of the last commit if none does."""

    def git(*words: str) -> list[str]:
        run = ["git", "-c", "core.quotePath=false", *words]
        done = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, check=True)
        return done.stdout.splitlines()

    names = git("diff", "--name-only", "HEAD")
    names += git("ls-files", "--others", "--exclude-standard")
    if not names:
        names = git("show", "--name-only", "--format=")
    return [ROOT / name for name in names]


def tests_of(paths: Iterable[Path]) -> list[Path]:
    """The test files and notebooks that these files concern."""
    paths, found = set(paths), {}
    for lesson in build.lessons():
        mine = [lesson.folder, *lesson.targets.values()]
        if any(own == path or own in path.parents for own in mine for path in paths):
            found |= dict.fromkeys([lesson.folder / "test_lesson.py", *mine[1:]])
    for test in sorted((ROOT / "tests").glob("test_*.py")):
        if test in paths or paths & _near(test):
            found[test] = None
    if any(ROOT / "lessons" / "template" in path.parents for path in paths):
        found[ROOT / "tests" / "test_add_lesson.py"] = None
    return [path for path in found if path.exists()]


def _near(test: Path) -> set[Path]:
    """What a test imports, itself or by a module that stands beside it."""
    found = build.imported(test, ROOT)
    beside = [path for path in found if path.parent == test.parent]
    return {*found, *(p for path in beside for p in build.imported(path, ROOT))}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; 0 when all is well."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--list", action="store_true", help="only name the tests")
    options = parser.parse_args(arguments)
    tests = [path.relative_to(ROOT).as_posix() for path in tests_of(changed())]
    if options.list:
        print("\n".join(tests))
        return 0
    steps = {
        "Style": ["ruff", "check", "."],
        "Layout": ["ruff", "format", "--check", "."],
        "Notebooks": ["tools.build", "--check"],
    }
    if tests:
        quiet = ["-q", "-m", "not browser", "-n", "2", "--dist", "loadfile"]
        steps["Tests"] = ["pytest", "--nbval", "--nbval-current-env", *quiet, *tests]
    for name, words in steps.items():
        print(f"== {name}", flush=True)
        if subprocess.run([sys.executable, "-m", *words], cwd=ROOT).returncode:
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
