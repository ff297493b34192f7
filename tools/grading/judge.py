"""The judge of one submission: asks a candidate, compares what is observed.

Candidates run in a room (`lockup`). From there comes plain data, by which the engine
judges as it judges in a notebook. Nothing that was handed in is run or imported here.
"""

from __future__ import annotations

import builtins
import keyword
import pickle
import re
import socket
import struct
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from helpers.exercises import engine, sandbox
from helpers.exercises.engine import Case, Exercise, Result
from helpers.exercises.lessons import lessons
from tools.grading import plain
from tools.grading.given import STAND_INS, helpers_for
from tools.grading.lockup import LockError, Room
from tools.grading.submissions import (
    Answer,
    Submission,
    UnreadableError,
    answers_in,
    code_cells,
)

_GRACE = 2.0  # seconds for what is not the learner's: starting, sending
_SETUP_SECONDS = 30.0  # for the learner's own definitions
_KEPT = 10_000  # characters of a card, and of a cell
_MOST_ANSWERS = 200  # of one candidate; those to all cases are kept for a while
_MOST_BYTES = 100_000_000  # in all these
_MEMORY = ("can't allocate memory", "not enough memory", "Cannot allocate memory")


@dataclass(frozen=True)
class Grade:
    """What became of one notebook.

    ``outcome`` has one entry for each exercise of its lessons: "passed", "wrong" or
    "wrong (misconception)", "blank", "missing" (no such cell), or "not run".
    ``problem`` says what is wrong with the file or the run, "" when nothing is.
    ``cards`` are the words on each exercise's card, ``sources`` what was handed in.
    """

    file: str
    outcome: Mapping[str, str]
    problem: str = ""
    cards: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)

    @property
    def passed(self) -> int:
        """How many exercises are right."""
        return sum(what == "passed" for what in self.outcome.values())

    def listed(self, kind: str) -> str:
        """The exercises of one kind, in words."""
        found = [
            number + what.removeprefix(kind)
            for number, what in self.outcome.items()
            if what.startswith(kind)
        ]
        return "all" if len(found) == len(self.outcome) > 1 else ", ".join(found)

    def row(self) -> list[str]:
        """What the table says: file, passed, wrong, open, remark."""
        score = f"{self.passed} of {len(self.outcome)}" if self.outcome else "-"
        others = [self.listed("blank")]
        for kind in ("missing", "not run"):
            others.append(f"{kind}: {self.listed(kind)}" if self.listed(kind) else "")
        opened = "; ".join(filter(None, others))
        return [self.file, score, self.listed("wrong"), opened, self.problem]


class StoppedError(BaseException):
    """The submission's time is up. No Exception: nothing in between may catch it."""


class HandedIn(engine.Elsewhere):
    """A candidate in a room, for one exercise.

    Args:
        end: of the socket to it.
        until: by `time.monotonic`, when the time of its submission is up.
    """

    def __init__(self, end: socket.socket, until: float) -> None:
        self.end, self.until = end, until
        self.gone: sandbox.Outcome | None = None  # what ended it
        self.answers = self.size = 0

    def ask(self, task: Mapping[str, Any], seconds: float) -> sandbox.Outcome:
        """What it answers to a task, or why it does not.

        Raises:
            StoppedError: when the time of its submission is up.
        """
        if self.gone is not None:
            return self.gone
        until = min(self.until, time.monotonic() + seconds + _GRACE)
        try:
            self._send(pickle.dumps(dict(task)), until)
            told, size = plain.receive(self.end, until)
            self.answers, self.size = self.answers + 1, self.size + size
            if self.answers > _MOST_ANSWERS or self.size > _MOST_BYTES:
                raise MemoryError("this is more than is looked at")
            return _outcome(told)
        except TimeoutError:
            if time.monotonic() >= self.until:
                raise StoppedError from None
            self.gone = sandbox.Outcome(error=sandbox.TimeLimitError())
        except (EOFError, OSError):
            self.gone = sandbox.Outcome(error=sandbox.ProcessDiedError())
        except (ValueError, MemoryError) as error:  # no telling what comes next
            self.gone = sandbox.Outcome(error=error)
        return self.gone

    def _send(self, data: bytes, until: float) -> None:
        self.end.settimeout(max(0.01, until - time.monotonic()))
        self.end.sendall(struct.pack("<I", len(data)) + data)

    def attempt(self, exercise: Exercise, each: Case, *limits: Any) -> sandbox.Outcome:
        """What it does on a case."""
        seconds = limits[1] if len(limits) > 1 else sandbox.SECONDS
        told: list[sandbox.Outcome] = []

        def ask(**asked: Any) -> Any:
            task = {"do": "observe", "case": each, "asked": asked, "seconds": seconds}
            told.append(self.ask(task, seconds))
            if told[-1].error is not None:
                raise _TroubleError
            return told[-1].value

        try:
            value = exercise.read(ask, each)
        except _TroubleError:
            return told[-1]
        except Exception as error:  # what it sent is not what it was asked for
            return sandbox.Outcome(error=error, output=told[-1].output if told else "")
        return sandbox.Outcome(value, output=told[-1].output if told else "")

    def changes_input(self, exercise: Exercise, each: Case) -> bool:
        """Whether a call of it changes what it is given."""
        task = {"do": "changes", "case": each}
        return self.ask(task, sandbox.SECONDS).value is True


class _TroubleError(Exception):
    """The candidate answered with an error."""


def _outcome(told: Any) -> sandbox.Outcome:
    """What a candidate's message says; ValueError where it says nothing."""
    if not isinstance(told, dict):
        raise ValueError("malformed message")
    output, line = (told.get(key, "") for key in ("output", "line"))
    words = {
        "output": output[:1000] if isinstance(output, str) else "",
        "line": line[:400] if isinstance(line, str) else "",
    }
    if told.get("error") is None:
        return sandbox.Outcome(told.get("value"), **words)
    kind, values, text = told["error"] if _is_error(told["error"]) else ("", [], "")
    return sandbox.Outcome(error=_error(kind, values, text), **words)


def _is_error(found: Any) -> bool:
    kinds = str, list, str
    return isinstance(found, list) and [*map(type, found)] == [*kinds]


def _error(kind: str, values: list, text: str) -> BaseException:
    """An error of the same type and words, so that errors can be recognised."""
    make = _kind(kind[:100])
    for arguments in (values, [text]):
        try:
            error = make(*arguments)
            if str(error) == text:
                return error
        except Exception:  # it needs other arguments
            continue
    return RuntimeError(text)


@cache
def _kind(name: str) -> type[BaseException]:
    for space in (vars(builtins), vars(sandbox)):
        found = space.get(name)
        known = isinstance(found, type) and issubclass(found, BaseException)
        if known and found is not KeyboardInterrupt:
            return found
    return type(_name(name), (Exception,), {})


def _name(told: Any) -> str:
    """What a candidate's process says that a type is called, if it can be that."""
    name = str(told)[:100]
    return name if name.isidentifier() and not keyword.iskeyword(name) else "Error"


class Judge:
    """Judges submissions, one after the other, in a room that it keeps.

    Args:
        room: opens one; called again after a candidate has broken it.
        seconds: that a submission may take in all.
    """

    def __init__(self, room: Callable[[], Room], seconds: float) -> None:
        self.open, self.seconds = room, seconds
        self.until = 0.0  # of the submission at hand
        self.overflow = False  # whether all memory was taken
        self.room: Room | None = None

    def close(self) -> None:
        """Close its room."""
        if self.room is not None:
            self.room.close()
            self.room = None

    def grade(self, submission: Submission) -> Grade:
        """What became of one submission's exercises. Never raises because of it."""
        try:
            with sandbox.time_limit(self.seconds):
                answers = answers_in(code_cells(submission.read()))
        except UnreadableError as error:
            return Grade(submission.name, {}, str(error))
        except sandbox.TimeLimitError:
            return Grade(submission.name, {}, f"stopped after {self.seconds:.0f} s")
        except Exception as error:  # nothing that is handed in ends the judge
            return Grade(submission.name, {}, f"unreadable ({type(error).__name__})")
        return self.grade_answers(submission.name, answers)

    def grade_answers(self, name: str, answers: Mapping[str, Answer]) -> Grade:
        """The same for exercises that were taken out of a notebook already."""
        held = {number.split(".")[0] for number in answers}
        wanted = [n for k, each in lessons().items() if k in held for n in each.solved]
        if not wanted:
            return Grade(name, {}, "no exercises in it")
        self._ready()  # which is not the submission's time
        self.until = time.monotonic() + self.seconds
        results: dict[str, Result] = {}
        outcome: dict[str, str] = {}
        remarks: list[str] = []
        stopped = False
        for number in wanted:
            if number not in answers:
                outcome[number] = "missing"
                continue
            if not stopped:
                try:
                    result = self._judged(answers[number], results)
                    results[number] = result
                    outcome[number] = _word(result)
                    full = [f"{number} stopped: memory"] if self.overflow else []
                    remarks += full or _remark(result)
                    continue
                except StoppedError:
                    stopped = True
                    remarks.append(f"stopped after {self.seconds:.0f} s")
            outcome[number] = "not run"
        missing = [number for number in wanted if outcome[number] == "missing"]
        if missing and len(missing) <= 3:
            remarks.append(f"cells missing: {', '.join(missing)}")
        return Grade(
            name,
            outcome,
            "; ".join(dict.fromkeys(remarks)),
            {number: result.message[:_KEPT] for number, result in results.items()},
            {n: a.cell[:_KEPT] for n, a in answers.items() if n in outcome},
        )

    def _judged(self, answer: Answer, before: Mapping[str, Result]) -> Result:
        exercise, self.overflow = engine.get(answer.number), False
        if answer.blanks and answer.problem:
            return engine.blank_result(exercise)
        if answer.problem:
            words, line = answer.problem
            outcome = sandbox.Outcome(error=SyntaxError(words), line=line)
            return engine.error_result(exercise, outcome)
        if answer.blanks and (not exercise.is_answer or answer.blanks == ("",)):
            return engine.blank_result(exercise)
        if time.monotonic() >= self.until:
            raise StoppedError
        end = self._begin()
        left = self.until - time.monotonic()
        try:
            with sandbox.time_limit(left + _GRACE):  # for comparing and describing, too
                return self._asked(exercise, answer, before, HandedIn(end, self.until))
        except sandbox.TimeLimitError:
            raise StoppedError from None
        except Exception as error:  # what was sent could not even be compared
            return engine.error_result(exercise, sandbox.Outcome(error=error))
        finally:
            end.close()
            try:
                self.overflow = self.room.end()
            except LockError:
                self.close()

    def _ready(self) -> Room:
        """The room; if it has to be opened anew, that is not the submission's time."""
        if self.room is None:
            start = time.monotonic()
            self.room = self.open()
            self.until += time.monotonic() - start
        return self.room

    def _begin(self) -> socket.socket:
        try:
            return self._ready().begin()
        except LockError:  # broken since; a new one must be sound
            self.close()
            return self._ready().begin()

    def _asked(
        self,
        exercise: Exercise,
        answer: Answer,
        before: Mapping[str, Result],
        handed: HandedIn,
    ) -> Result:
        run = None if exercise.is_answer else exercise.run
        pieces = _pieces(exercise, answer, before)
        task = {"pieces": pieces, "source": answer.source, "run": run}
        if any("helpers" in text for text in (*pieces, answer.source)):
            task["helpers"] = helpers_for(answer.number)
        made = handed.ask({**task, "seconds": _SETUP_SECONDS}, _SETUP_SECONDS)
        if made.error is not None:
            return engine.error_result(exercise, made)
        if exercise.is_answer:
            task = {"do": "values", "seconds": sandbox.SECONDS}
            found = handed.ask(task, 4 * sandbox.SECONDS)
            if found.error is not None:
                return engine.error_result(exercise, found)
            values = found.value if isinstance(found.value, dict) else {}
            values = {str(name): _outcome(told) for name, told in values.items()}
            values |= dict.fromkeys(answer.blanks, engine.Blank())
            return engine.check(exercise.number, values)
        about = made.value if isinstance(made.value, dict) else {}
        if about.get("callable") is not True:
            stands_for_it = type(_name(about.get("type")), (), {})()
            return engine.check(exercise.number, stands_for_it)
        handed.name = str(about.get("name"))[:100]
        return engine.check(exercise.number, handed)


def _pieces(
    exercise: Exercise, answer: Answer, before: Mapping[str, Result]
) -> list[str]:
    """The learner's own definitions; what stands in for earlier exercises not solved.

    As in a notebook, where the right answer does. Here there is none.
    """
    numbers = list(lessons()[exercise.lesson].solved)
    earlier = STAND_INS.keys() & {*numbers[: numbers.index(exercise.number)]}
    found = []
    for number in sorted(earlier):
        defined = rf"\b(?:def|class|import|as) (?:{'|'.join(answer.unknown)})\b"
        if answer.unknown and re.search(defined, STAND_INS[number]):
            found.append(STAND_INS[number])
    for number, source in answer.pieces:
        solved = number not in before or before[number].passed
        found.append(STAND_INS[number] if number in earlier and not solved else source)
    return found


def _word(result: Result) -> str:
    if result.status in ("passed", "blank"):
        return result.status
    return f"wrong ({result.misconception})" if result.misconception else "wrong"


def _remark(result: Result) -> list[str]:
    """What stopped an exercise, where it was no error of the usual kind."""
    text = dict(result.failing).get("stopped by", "")
    for mark, words in (
        ("MemoryError", "memory"),
        *((words, "memory") for words in _MEMORY),
        ("the time limit", "time"),
        ("the end of its process", "its process ended"),
        ("too much output", "output"),
    ):
        if mark in text:
            return [f"{result.number} stopped: {words}"]
    return []
