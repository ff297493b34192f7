"""What an exercise is, the list of all, and the judge.

An exercise is judged by what the learner's code does: it runs on many cases, beside a
reference, and a wrong answer is recognised as a known misconception when it does, on
every case, what the example of that misconception does.
"""

from __future__ import annotations

import copy
import inspect
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from types import CodeType, FunctionType, MappingProxyType
from typing import Any

import torch

from helpers.exercises import sandbox
from helpers.exercises.cells import BLANK
from helpers.exercises.compare import as_array, describe, difference, same
from helpers.exercises.lessons import lessons

_DEEPEST = 5  # classes in classes, decorators on decorators
_SECONDS = 20.0  # for all cases of one exercise together


class Blank:
    """What stands for an unfilled blank, as a value."""

    def __repr__(self) -> str:
        return BLANK


@dataclass(frozen=True)
class Wrong:
    """A wrong answer that learners really give.

    ``example`` is that answer, a function or a mapping of values; ``says`` tells the
    learner what it means. The two are never told apart by how the code is written.
    Where the example stops with an error, a learner's stops with the same words, unless
    ``any_error`` of its type will do.
    """

    example: Any
    says: str
    any_error: bool = False


@dataclass(frozen=True)
class Case:
    """The arguments of one call."""

    args: tuple = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)

    def call(self, function: Callable) -> Any:
        """Call with copies: a learner's function may change what it is given."""
        return function(*copy.deepcopy(self.args), **copy.deepcopy(dict(self.kwargs)))

    def shown(self, name: str) -> str:
        """Write the call as a learner would."""
        parts = [describe(a) for a in self.args]
        parts += [f"{k}={describe(v)}" for k, v in self.kwargs.items()]
        return f"{name}({', '.join(parts)})"


def case(*args: Any, **kwargs: Any) -> Case:
    """Make a `Case` the way the call is written."""
    return Case(args, kwargs)


@dataclass(frozen=True)
class Exercise:
    """One exercise: what an answer is tried on, and how answers go wrong.

    A function or class exercise has ``cases`` and judges the object itself, or what
    ``run(candidate, case)`` makes of it; ``shown`` writes a case for the card. An
    answer exercise has no cases; its reference is a mapping of values.

    ``normal`` brings results into one form before they are
    compared; ``otherwise`` is said of a wrong answer that fits no misconception.
    ``exact`` has values that the lesson shows rounded.

    ``reference``, the right answer, is never written here: it is what the lesson's
    solved cell hands in, filled in when the exercise is looked up.
    """

    number: str
    title: str
    wrong: Mapping[str, Wrong]
    hints: tuple[str, ...]
    cases: Callable[[], Iterable[Case]] | None = None
    run: Callable[[Any, Case], Any] = lambda candidate, c: c.call(candidate)
    shown: Callable[[str, Case], str] = lambda name, c: c.shown(name)
    tolerance: float = 1e-4
    normal: Callable[[Any], Any] = lambda value: value
    otherwise: str = ""
    exact: Mapping[str, Any] = field(default_factory=dict)
    reference: Any = None

    @property
    def lesson(self) -> str:
        """Number of the lesson, two digits."""
        return self.number.split(".")[0]

    @property
    def misconceptions(self) -> dict[str, Any]:
        """Key of each misconception, with an example of that wrong answer."""
        return {key: wrong.example for key, wrong in self.wrong.items()}

    @property
    def is_answer(self) -> bool:
        """Whether values are asked for, rather than a function or class."""
        return self.cases is None

    def same(self, got: Any, expected: Any) -> bool:
        """Compare two results within this exercise's tolerance."""
        return same(self.normal(got), self.normal(expected), self.tolerance)


@dataclass(frozen=True)
class Result:
    """The judgement on one candidate.

    ``status`` is "passed", "failed", "blank" or "error"; ``misconception`` a short key
    or None; ``message`` what the card says, as plain text. The rest are its parts.
    """

    number: str
    status: str
    message: str
    misconception: str | None = None
    failing: tuple[tuple[str, str], ...] = ()  # (label, text): the case that failed
    says: str = ""
    output: str = ""

    @property
    def passed(self) -> bool:
        """Whether the answer is right."""
        return self.status == "passed"


_registry: dict[str, Exercise] = {}


def add(exercise: Exercise) -> None:
    """Enter an exercise in the list; numbers are given once."""
    if exercise.number in _registry:
        raise ValueError(f"exercise {exercise.number} is defined twice")
    _registry[exercise.number] = exercise


@cache
def of_lesson(lesson: str) -> Mapping[str, Exercise]:
    """The exercises of one lesson by number; no other lesson is looked at.

    Raises:
        KeyError: when there is no lesson of that number.
        ValueError: when its checks are not those of its text, as after a change of one
            of them without a build.
    """
    if lesson not in lessons():
        raise KeyError(f"no lesson {lesson!r}; choose from {', '.join(lessons())}")
    folder = lessons()[lesson]
    try:
        folder.load_checks()
        found = {n: e for n, e in _registry.items() if e.lesson == lesson}
        if differing := ", ".join(sorted(found.keys() ^ folder.solved.keys())):
            raise ValueError(
                f"{folder.folder.name}: only one of lesson.py and checks.py has "
                f"{differing}. Add what is missing, then run make notebooks"
            )
    except BaseException:  # the next one who asks gets the same error
        for number in [n for n in _registry if n.startswith(f"{lesson}.")]:
            del _registry[number]
        raise
    return MappingProxyType({n: _with_reference(found[n]) for n in folder.solved})


def _with_reference(exercise: Exercise) -> Exercise:
    right = lessons()[exercise.lesson].references[exercise.number]
    if exercise.is_answer:
        right = {**right, **exercise.exact}
    return replace(exercise, reference=right)


def exercises() -> Mapping[str, Exercise]:
    """All exercises by number, in the order of the lessons."""
    return MappingProxyType(
        {n: e for lesson in lessons() for n, e in of_lesson(lesson).items()}
    )


def get(number: str) -> Exercise:
    """The exercise of that number; KeyError names those there are in its lesson."""
    lesson = str(number).split(".")[0]
    known = of_lesson(lesson) if lesson in lessons() else {}
    if number not in known:
        near = known or [n for each in lessons().values() for n in each.solved]
        raise KeyError(f"no exercise {number!r}; choose from {', '.join(near)}")
    return known[number]


def reference(number: str) -> Any:
    """The right answer to an exercise, as its lesson has it."""
    return get(number).reference


def check(number: str, candidate: Any) -> Result:
    """Judge a candidate: a function, a class, or a mapping of answers.

    Never raises (but for an unknown number), never hangs, never prints. The values of a
    mapping may be functions without arguments, which are called under guard.
    """
    exercise = get(number)
    judge = _check_values if exercise.is_answer else _check_object
    if torch.get_default_device().type == "cpu":
        return judge(exercise, candidate)
    with torch.device("cpu"):  # which makes all that is made on the CPU a little slower
        return judge(exercise, candidate)


def blank_result(exercise: Exercise, names: Iterable[str] = ()) -> Result:
    """The judgement on a cell that still has blanks."""
    names = list(names)
    what = f"Still open: {', '.join(names)}." if names else "Not filled in yet."
    says = f"{what} Replace each {BLANK} and run the cell again."
    return _result(exercise, "blank", says=says)


def error_result(exercise: Exercise, outcome: sandbox.Outcome, call="") -> Result:
    """The judgement on code that raised, or never ended."""
    failing = [("call", call)] if call else []
    problem, _, line = outcome.problem.partition("\n")
    failing += [("stopped by", problem)] + ([("at", line)] if line else [])
    return _result(exercise, "error", failing=failing, output=outcome.output)


def _result(exercise: Exercise, status: str, key=None, failing=(), says="", output=""):
    mark = {"passed": "✓", "blank": "○"}.get(status, "✗")
    lines = [f"{mark} {exercise.number} {exercise.title}"]
    width = max((len(label) for label, _ in failing), default=0)
    lines += [f"  {label.ljust(width)}  {text}" for label, text in failing]
    lines += [f"  {says}"] if says else []
    lines += [f"  Your code printed: {output.rstrip()}"] if output.strip() else []
    message, parts = "\n".join(lines), tuple(failing)
    return Result(exercise.number, status, message, key, parts, says, output)


def has_blank(candidate: Any) -> bool:
    """Whether a function's or a class's code still reads the blank."""
    return any(map(_reads_blank, _parts_of(candidate)))


def _parts_of(candidate: Any, depth: int = 0) -> Iterator[Any]:
    """A candidate's code and default values; of a class, those of all its members.

    Looks without asking the objects: a learner's ``__getattr__`` may do anything.
    """
    yield candidate
    if isinstance(candidate, staticmethod | classmethod):
        yield from _parts_of(candidate.__func__, depth)
    elif isinstance(candidate, property):
        for function in (candidate.fget, candidate.fset):
            yield from _parts_of(function, depth)
    elif isinstance(candidate, FunctionType) and depth < _DEEPEST:
        yield candidate.__code__
        yield from candidate.__defaults__ or ()
        yield from (candidate.__kwdefaults__ or {}).values()
        yield from _parts_of(vars(candidate).get("__wrapped__"), depth + 1)
    elif isinstance(candidate, type) and depth < _DEEPEST:
        for member in vars(candidate).values():
            yield from _parts_of(member, depth + 1)


def _reads_blank(part: Any) -> bool:
    if isinstance(part, Blank):
        return True
    return isinstance(part, CodeType) and (
        BLANK in (*part.co_names, *part.co_freevars)
        or any(map(_reads_blank, part.co_consts))
    )


def _file_of(candidate: Any) -> str | None:
    codes = (part for part in _parts_of(candidate) if isinstance(part, CodeType))
    return next((code.co_filename for code in codes), None)


def _check_object(exercise: Exercise, candidate: Any) -> Result:
    if isinstance(candidate, Blank) or has_blank(candidate):
        return blank_result(exercise)
    if not callable(candidate):
        kind = type(candidate).__name__
        says = f"This should be a function or a class, and it is {kind}."
        return _result(exercise, "failed", says=says)
    name = inspect.getattr_static(candidate, "__name__", None)
    if isinstance(candidate, type | FunctionType):
        name = candidate.__name__
    name = name if isinstance(name, str) else "your function"
    with _bound(candidate, name):
        return _check_cases(exercise, candidate, name)


@contextmanager
def _bound(candidate: Any, name: str) -> Iterator[None]:
    """Let the candidate's own name mean the candidate while it is judged.

    In a notebook the name may be bound to the reference, left there by an earlier
    wrong answer, and a function that calls itself would call that.
    """
    function = isinstance(candidate, FunctionType)
    space, missing = candidate.__globals__ if function else {}, object()
    before = space.get(name, missing)
    space[name] = candidate
    try:
        yield
    finally:
        if before is missing:
            del space[name]
        else:
            space[name] = before


def _check_cases(exercise: Exercise, candidate: Any, name: str) -> Result:
    file = _file_of(candidate)
    cases = list(exercise.cases())
    end = time.monotonic() + _SECONDS
    for each in cases:
        seconds = max(0.1, min(sandbox.SECONDS, end - time.monotonic()))
        outcome = _attempt(exercise, candidate, each, file, seconds)
        expected = exercise.run(exercise.reference, each)
        if outcome.error is None and exercise.same(outcome.value, expected):
            continue
        break
    else:
        count = len(cases)
        return _result(exercise, "passed", says=f"Right, in all {count} cases tried.")

    key = None
    if not isinstance(outcome.error, sandbox.TimeLimitError):
        key = _recognise(exercise, candidate, cases, each, outcome)
    says = exercise.wrong[key].says if key else ""
    call = exercise.shown(name, each)
    if outcome.error is not None:
        result = error_result(exercise, outcome, call)
        if key is None:
            return result
        return _result(exercise, "failed", key, result.failing, says, outcome.output)
    failing = [
        ("call", call),
        ("expected", describe(expected)),
        ("got", describe(outcome.value)),
    ]
    if outcome.value is None and not says:
        says = "It returned None: is there a return?"
    says = (
        says
        or exercise.otherwise
        or difference(outcome.value, expected, exercise.tolerance)
    )
    return _result(exercise, "failed", key, failing, says, outcome.output)


def _recognise(
    exercise: Exercise,
    candidate: Any,
    cases: list[Case],
    failing: Case,
    outcome: sandbox.Outcome,
) -> str | None:
    """Key of the misconception that acts as the candidate does on every case."""

    def alike(keys: Iterable[str], each: Case, outcome: sandbox.Outcome) -> list[str]:
        examples = exercise.misconceptions
        return [
            key
            for key in keys
            if _alike(exercise, key, outcome, _attempt(exercise, examples[key], each))
        ]

    exact_first = sorted(exercise.wrong, key=lambda k: exercise.wrong[k].any_error)
    keys = alike(exact_first, failing, outcome)
    for each in cases:
        if not keys:
            break
        outcome = _attempt(exercise, candidate, each)
        keys = alike(keys, each, outcome)
    return keys[0] if keys else None


def _attempt(
    exercise: Exercise,
    candidate: Any,
    each: Case,
    filename: str | None = None,
    seconds: float | None = None,
) -> sandbox.Outcome:
    return sandbox.run(lambda: exercise.run(candidate, each), filename, seconds)


def _alike(
    exercise: Exercise, key: str, a: sandbox.Outcome, b: sandbox.Outcome
) -> bool:
    """Whether an outcome is that of a misconception."""
    if a.error is not None or b.error is not None:
        text = exercise.wrong[key].any_error or str(a.error) == str(b.error)
        return type(a.error) is type(b.error) and text
    return exercise.same(a.value, b.value)


def _check_values(exercise: Exercise, candidate: Any) -> Result:
    wanted = exercise.reference
    if not isinstance(candidate, Mapping):
        says = f"Answers have names: {', '.join(wanted)}."
        return _result(exercise, "failed", says=says)
    missing = [name for name in wanted if name not in candidate]
    unknown = [name for name in candidate if name not in wanted]
    if unknown or missing:
        parts = [f"There is no {n} in this exercise." for n in unknown]
        parts += [f"{n} is missing." for n in missing]
        return _result(exercise, "failed", says=" ".join(parts))
    open_names = [
        name
        for name, value in candidate.items()
        if isinstance(value, Blank) or (callable(value) and has_blank(value))
    ]
    if open_names:
        return blank_result(exercise, open_names if len(wanted) > 1 else ())

    got = {}
    for name, value in candidate.items():
        outcome = sandbox.Outcome(value)
        if callable(value):
            outcome = sandbox.run(value, _file_of(value))
        if outcome.error is not None:
            return error_result(exercise, outcome, f"{name} = …")
        got[name] = outcome.value
    off = [name for name in wanted if not exercise.same(got[name], wanted[name])]
    if not off:
        return _result(exercise, "passed", says="Right.")
    key = _recognise_values(exercise, got, off)
    right = [name for name in wanted if name not in off]
    failing = [(name, f"{describe(got[name])}  ✗") for name in off]
    failing += [(name, f"{describe(got[name])}  ✓") for name in right]
    says = exercise.wrong[key].says if key else exercise.otherwise
    if not says and all(_is_rounded(got[name], wanted[name]) for name in off):
        says = "Right, but rounded too far: give more digits."
    return _result(exercise, "failed", key, failing, says)


def _is_rounded(got: Any, wanted: Any) -> bool:
    """Whether a number is the wanted one, rounded to fewer digits."""
    got, wanted = as_array(got), as_array(wanted)
    if got is None or wanted is None or got.shape or wanted.shape:
        return False
    if wanted % 1 == 0 and abs(wanted) < 1000:  # counted, not measured
        return False
    return any(float(f"{wanted:.{digits}g}") == got for digits in range(1, 6))


def _recognise_values(exercise: Exercise, got: Mapping, off: list[str]) -> str | None:
    """Key of the misconception whose values are all among the learner's.

    Where several fit, the one that explains most of the wrong values.
    """
    best, most = None, 0
    for key, wrong in exercise.wrong.items():
        fits = all(exercise.same(got.get(n), v) for n, v in wrong.example.items())
        explained = sum(name in off for name in wrong.example)
        if fits and explained > most:
            best, most = key, explained
    return best
