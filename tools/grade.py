"""Grade the exercises of handed-in notebooks.

    python -m tools.grade handed_in/                      # a folder, at any depth
    python -m tools.grade handed_in/ --csv results.csv --html results.html
    python -m tools.grade handed_in/ --seconds 300 --jobs 4

A row per notebook: how many of its lessons' exercises are passed, which are wrong (with
the misconception, where it is a known one), which are still blank or missing. Only the
exercises run, and what they use, locked in a process that has no answers; nothing that
was handed in changes. Notebooks may lie in zip files, and in the folders that Moodle,
Canvas, nbgrader and Gradescope make.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from helpers.files import claimed
from tools.grading import lockup, report
from tools.grading.classes import Kept, graded
from tools.grading.judge import Grade, Judge
from tools.grading.report import Rubric, table
from tools.grading.submissions import Submission, collect

SECONDS = 180  # for one notebook
_SKIPPED_SHOWN = 10
__all__ = ["Grade", "grade", "main", "table"]


def grade(path: Path, name: str, seconds: float = SECONDS) -> Grade:
    """Run one notebook's exercises and say what became of them."""
    way, _ = lockup.choose(unprotected=True)
    judge = Judge(lambda: lockup.open_room(way, seconds), seconds)
    try:
        return judge.grade(Submission(name, path))
    finally:
        judge.close()


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tools.grade", description=__doc__.split("\n")[0]
    )
    add = parser.add_argument
    add("folder", type=Path, help="with notebooks, at any depth")
    add("--csv", type=Path, help="write the results there too")
    add("--json", type=Path, help="the same, for programs")
    add("--html", type=Path, help="one page: the class, its mistakes")
    add("--feedback", type=Path, metavar="FOLDER", help="write the cards there")
    add("--moodle", type=Path, metavar="CSV", help="a grading worksheet")
    add("--canvas", type=Path, metavar="CSV", help="a gradebook")
    add("--rubric", type=Path, metavar="TOML", help="points, and when it was due")
    add("--seconds", type=float, default=SECONDS, help="for one notebook (%(default)s)")
    add("--jobs", type=int, default=2, help="notebooks at a time (%(default)s)")
    add("--again", action="store_true", help="also what was graded before, unchanged")
    add(
        "--unprotected",
        action="store_true",
        help="where nothing here can lock them in: run them with your own rights",
    )
    options = parser.parse_args(arguments)
    # Relative to where the caller stands: `make -C` goes to the course first.
    here = Path(os.environ.get("CALLED_FROM") or ".")
    if not (here / options.folder).exists():
        here = Path()
    for name, value in vars(options).items():
        if isinstance(value, Path):
            setattr(options, name, here / value)
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    if threading.current_thread() is not threading.main_thread():
        return _main(arguments)
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)  # in order, too
    try:
        return _main(arguments)
    finally:
        signal.signal(signal.SIGTERM, before)


def _main(arguments: Sequence[str] | None) -> int:
    options = _options(arguments)
    folder: Path = options.folder
    if not folder.is_dir():
        print(f"{folder} is not a folder.", file=sys.stderr)
        return 1
    found, skipped = collect(folder)
    if not found:
        print(f"There are no notebooks in {folder}.", file=sys.stderr)
        return 1
    try:
        rubric = Rubric.read(options.rubric) if options.rubric else Rubric()
        way, why = lockup.choose(options.unprotected, [folder.resolve()])
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    except lockup.LockError as error:
        print(
            f"Nothing here can lock in what was handed in ({error}). Grade in a "
            "container or on another computer; or, if you trust it as you trust a "
            "program that you install, say --unprotected.",
            file=sys.stderr,
        )
        return 1
    try:
        with _claimed(options):
            return _run(options, found, skipped, rubric, way, why)
    except (_UnwritableError, OSError) as error:  # before the first is graded, mostly
        print(error, file=sys.stderr)
        return 1


_WRITTEN = ("csv", "json", "html", "feedback", "moodle", "canvas")


class _UnwritableError(RuntimeError):
    """A file cannot be written; the words say what to do."""

    def __init__(self, path: Path, error: OSError) -> None:
        why = f"{path} cannot be written ({error.strerror}). Name another place."
        super().__init__(why if error.strerror else f"{error}.")


@contextlib.contextmanager
def _claimed(options: argparse.Namespace) -> Iterator[None]:
    """Within the block all that is to be written can be, and no other run does."""
    with contextlib.ExitStack() as stack:
        for name in _WRITTEN:
            if path := getattr(options, name):
                file = path / "feedback" if name == "feedback" else path
                try:
                    stack.enter_context(claimed(file))
                except OSError as error:
                    raise _UnwritableError(path, error) from None
        yield


def _run(
    options: argparse.Namespace,
    found: list[Submission],
    skipped: list[str],
    rubric: Rubric,
    way: str,
    why: str,
) -> int:
    print(f"{len(found)} notebooks, {options.seconds:.0f} s each at most", flush=True)
    print(f"Locked in by {lockup.TOLD[way]}", flush=True)
    if way == "nothing":
        print(f"WARNING: what was handed in is not locked in. ({why})", flush=True)
    if skipped:
        more = len(skipped) - _SKIPPED_SHOWN
        names = ", ".join(skipped[:_SKIPPED_SHOWN]) + f" and {more} more" * (more > 0)
        print(f"Skipped: {names}", flush=True)
    kept = Kept(options.folder, f"{options.seconds} {way}")
    done: dict[str, Grade] = {}
    if not options.again:
        done = {s.name: g for s in found if (g := kept.get(s)) is not None}
    if done:
        print(f"Graded before and unchanged: {len(done)} (--again: anew)", flush=True)
    about = {"graded": report.now(), "locked in by": lockup.TOLD[way]}
    about |= {"limit": f"{options.seconds:.0f} s for each notebook"}
    if skipped:
        about["skipped"] = ", ".join(skipped[:100])

    def rows() -> list[tuple[Submission, Grade]]:
        return [(each, done[each.name]) for each in found if each.name in done]

    write = _writers(options, rubric, about)
    start, stopped, code = time.monotonic(), False, 0
    left = [each for each in found if each.name not in done]
    try:
        hidden = [options.folder.resolve()]
        for each, result in graded(left, options.seconds, options.jobs, way, hidden):
            done[each.name] = result
            if result.outcome or not result.problem.startswith("stopped"):
                kept.put(each, result)  # else a busy machine may be at fault
            if options.csv:  # the others take all rows to make sense
                with contextlib.suppress(OSError):  # told at the end, if it stays so
                    write["csv"](options.csv, rows())
    except KeyboardInterrupt:
        stopped, code = True, 130
        print(f"Interrupted after {len(done)}; the same command goes on.", flush=True)
    except OSError as error:  # this computer's: no room, no more processes
        stopped, code = True, 1
        print(f"Stopped after {len(done)}: {error}", file=sys.stderr)
    print(table([result for _, result in rows()]))
    if left and not stopped:
        took = time.monotonic() - start
        print(f"{len(left)} graded in {took:.0f} s", file=sys.stderr)
    for name, each in write.items():
        if path := getattr(options, name):
            try:
                each(path, rows())
            except OSError as error:  # the next one may lie elsewhere
                print(_UnwritableError(path, error), file=sys.stderr)
                code = code or 1
    return code


def _writers(
    options: argparse.Namespace, rubric: Rubric, about: dict[str, str]
) -> dict[str, Callable]:
    """What writes each kind of file, from where it is to be and the rows."""
    title = f"ConvNets {options.folder.resolve().name}"
    page = report.page
    return {
        "csv": lambda file, rows: report.write_csv(file, rows, rubric),
        "json": lambda file, rows: report.write_json(file, rows, rubric, about),
        "html": lambda file, rows: report.write(file, page(rows, rubric, about)),
        "feedback": lambda file, rows: report.write_feedback(file, rows, rubric),
        "moodle": lambda file, rows: report.write_moodle(file, rows, rubric),
        "canvas": lambda file, rows: report.write_canvas(file, rows, rubric, title),
    }


if __name__ == "__main__":
    sys.exit(main())
