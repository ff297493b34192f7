"""Grading a class: several judges side by side, whatever happens to one of them.

Each row is kept as soon as it is known, so that an interrupted run goes on where it
was. A submission that takes a judge down with it costs its own row only.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import json
import multiprocessing
import os
import re
import shutil
import signal
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from functools import partial
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

import torch

from helpers.exercises import engine
from helpers.exercises.lessons import lessons
from helpers.files import replaced
from tools.grading.judge import Grade, Judge
from tools.grading.lockup import Room, open_room
from tools.grading.submissions import Submission, UnreadableError, digest

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "build" / "grading"
_GRACE = 150.0  # seconds for opening a room and for judging, beyond a submission's own
_SCRATCH = "convnets-grade-"
_KILL_WITH_PARENT = 1
_NUMBER = re.compile(rb"(?:exercise|answer)\(\s*\\*[\"'](\d\d)\.")
_FIELDS = {field.name for field in fields(Grade)}


class Kept:
    """The rows of earlier runs of the same folder, one file each.

    A row counts as long as the submission, the course's checks and the limits are what
    they were.

    Args:
        folder: what is graded.
        about: what else decides, such as the time limit.
    """

    def __init__(self, folder: Path, about: str) -> None:
        name = digest(os.fsencode(folder.resolve()))[:16]
        self.folder = KEPT / name
        self.about = digest(about.encode()) + _of_the_course()

    def _place(self, submission: Submission) -> Path:
        return self.folder / f"{digest(submission.name.encode())[:32]}.json"

    def _key(self, submission: Submission) -> str:
        try:
            return self.about + digest(submission.read())
        except UnreadableError as error:
            return self.about + str(error)

    def get(self, submission: Submission) -> Grade | None:
        """The row of an earlier run, if there is one that still counts."""
        try:
            kept = json.loads(self._place(submission).read_text("utf-8"))
            if kept.pop("key") == self._key(submission) and kept.keys() == _FIELDS:
                return Grade(**kept)
        except (OSError, ValueError, KeyError, AttributeError, TypeError):
            pass  # none, or of another version
        return None

    def put(self, submission: Submission, grade: Grade) -> None:
        """Keep a row, whole or not at all: where that fails, it is graded again."""
        row = {"key": self._key(submission), **asdict(grade)}
        with contextlib.suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
            with replaced(self._place(submission)) as part:
                part.write_text(json.dumps(row), "utf-8")


def _of_the_course() -> str:
    whole = hashlib.sha256()
    for pattern in (
        *("helpers/**/*.py", "helpers/**/*.toml", "tools/grading/*.py"),
        *("lessons/**/*.py", "lessons/**/*.json"),
    ):
        for path in sorted(ROOT.glob(pattern)):
            whole.update(path.read_bytes())
    return whole.hexdigest()


@dataclass
class _Worker:
    """A judge in a process of its own, and what it is at work on."""

    process: Any
    pipe: Connection
    task: Submission | None = None
    until: float = 0.0

    def stop(self) -> None:
        """End it; its room ends when nobody holds the other end of the line."""
        self.process.kill()
        self.process.join()
        self.pipe.close()


def graded(
    submissions: Iterable[Submission],
    seconds: float,
    jobs: int,
    way: str,
    hidden: Sequence[Path] = (),
) -> Iterator[tuple[Submission, Grade]]:
    """Grade submissions; the rows come in the order in which they are done.

    Args:
        submissions: what was handed in.
        seconds: for each.
        jobs: how many at a time.
        way: to lock them in; see `lockup.choose`.
        hidden: folders that must not be seen by them.
    """
    waiting = deque(submissions)
    jobs = max(1, min(jobs, len(waiting)))
    prepare(waiting)
    free = deque(range(jobs))  # each has its own room, and its own user in it
    workers: dict[int, _Worker] = {}
    # Of a judge that has to be killed nothing is left either.
    _clear_up()
    scratch = tempfile.TemporaryDirectory(prefix=f"{_SCRATCH}{os.getpid()}-")
    Path(scratch.name).chmod(0o755)
    start = partial(_start, way, seconds, hidden, Path(scratch.name))
    try:
        while waiting or any(worker.task for worker in workers.values()):
            while waiting and free:
                index = free.popleft()
                if index not in workers:
                    workers[index] = start(index)
                worker, task = workers[index], waiting.popleft()
                worker.task, worker.until = task, time.monotonic() + seconds + _GRACE
                with contextlib.suppress(OSError):  # gone: seen below
                    worker.pipe.send(task)
            busy = {worker.pipe: i for i, worker in workers.items() if worker.task}
            now, first = time.monotonic(), min(workers[i].until for i in busy.values())
            ready = wait(list(busy), max(0.0, min(first - now, 5.0)))
            for pipe, index in busy.items():
                worker, grade = workers[index], None
                task = worker.task
                if pipe in ready:
                    with contextlib.suppress(EOFError, OSError):
                        grade = pipe.recv()
                    grade = grade or Grade(task.name, {}, "stopped: its judge ended")
                elif time.monotonic() > worker.until:
                    grade = Grade(task.name, {}, f"stopped after {seconds:.0f} s")
                if grade is None:
                    continue
                worker.task = None
                free.append(index)
                if grade.problem in ("stopped: its judge ended",) or pipe not in ready:
                    workers.pop(index).stop()
                yield task, grade
    finally:
        for worker in workers.values():
            with contextlib.suppress(OSError):
                worker.pipe.send(None)
        for worker in workers.values():
            if not worker.task:
                worker.process.join(10)
            worker.stop()
        scratch.cleanup()


def _clear_up() -> None:
    """Remove what runs have left that were killed themselves."""
    for path in Path(tempfile.gettempdir()).glob(f"{_SCRATCH}*-*"):
        pid = path.name.removeprefix(_SCRATCH).partition("-")[0]
        if pid.isdigit() and not Path("/proc", pid).exists() and Path("/proc").exists():
            shutil.rmtree(path, ignore_errors=True)


def prepare(submissions: Iterable[Submission]) -> None:
    """Do what all judges need once: what the references of these lessons do."""
    found: set[str] = set()
    for each in submissions:
        with contextlib.suppress(UnreadableError):
            found |= {number.decode() for number in _NUMBER.findall(each.read())}
    torch.set_num_threads(1)  # so that forking is safe
    for lesson in sorted(found & lessons().keys()):
        for exercise in engine.of_lesson(lesson).values():
            for at, each in enumerate([] if exercise.is_answer else exercise.cases()):
                engine.outcome_of(exercise, None, exercise.reference, at, each)


def _start(
    way: str, seconds: float, hidden: Sequence[Path], scratch: Path, index: int
) -> _Worker:
    kind = "fork" if sys.platform == "linux" else "spawn"
    context = multiprocessing.get_context(kind)
    mine, other = context.Pipe()
    room = partial(open_room, way, seconds, index, hidden, within=scratch)
    process = context.Process(
        target=_work, args=(other, mine, room, seconds), daemon=True
    )
    process.start()
    other.close()
    return _Worker(process, mine)


def _work(
    pipe: Connection, other: Connection, room: Callable[[], Room], seconds: float
) -> None:
    """Be a judge until there is nothing left to do."""
    other.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process decides
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_KILL_WITH_PARENT, signal.SIGKILL, 0, 0, 0)
    judge = Judge(room, seconds)
    try:
        while (submission := pipe.recv()) is not None:
            pipe.send(judge.grade(submission))
    except (EOFError, OSError):
        pass  # nobody listens any more
    finally:
        judge.close()
