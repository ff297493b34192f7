"""What an exercise is, the list of them all, and the judge.

An exercise is judged by what the learner's code does: it runs on many cases, beside a
reference. If a wrong answer does on every case what the example of a misconception
does, it is recognised as that misconception; two of them at once are, too.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cache, partial
from itertools import combinations
from types import CodeType, FunctionType, MappingProxyType
from typing import Any

import torch

from helpers.errors import meaning
from helpers.exercises import sandbox
from helpers.exercises.cells import BLANK, with_both
from helpers.exercises.compare import as_array, describe, difference, form, same
from helpers.exercises.lessons import lessons

_DEEPEST = 10  # classes in classes, decorators on decorators
_SECONDS = 8.0  # for all cases of one exercise together
_SECONDS_FOR_PAIRS = 1.0  # for recognising two mistakes at once


class Blank:
    """What stands for an unfilled blank, as a value."""

    def __repr__(self) -> str:
        return BLANK


@dataclass(frozen=True)
class Wrong:
    """A wrong answer that learners really give.

    ``says`` tells the learner what it means. ``example`` is what fills the lesson's
    blank wrongly: a text or, where there are several blanks, a mapping from the right
    filling (or the blank's position, from 1) to the wrong one. Two of these are also
    recognised together. Where a mistake lies outside the blanks, the example is a
    function; where an exercise asks for values, a mapping of those.

    Code is compared by what it does, errors included, never by how it is written.
    """

    example: Any
    says: str
    source: str = ""  # the lesson's cell with this mistake, where it fills blanks


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


def called(candidate: Callable, each: Case) -> Any:
    """Observe what most exercises ask about: what a call gives."""
    return each.call(candidate)


def case(*args: Any, **kwargs: Any) -> Case:
    """Make a `Case` the way the call is written."""
    return Case(args, kwargs)


@dataclass(frozen=True)
class Exercise:
    """One exercise: what an answer is tried on, and how answers go wrong.

    A function or class exercise has ``cases``, and is judged in two halves. What a
    candidate does on one is observed by ``run(candidate, case)``, which knows no
    answers and gives plain data: where handed-in work is graded it runs in a locked
    process (so it stands in a module that has no answers either). ``read(ask, case)``
    makes of it what is compared and shown; ``ask()`` gives what was observed, and hands
    what it is given by name on to ``run``. ``shown`` writes a case for the card. An
    answer exercise has no cases; its reference is a mapping of values.

    ``normal`` brings results into one form before they are compared; ``otherwise`` is
    said of a wrong answer that fits no misconception; ``exact`` has values that the
    lesson shows rounded. ``reference``, the right answer, is never written here: it is
    what the lesson's solved cell hands in, filled in when the exercise is looked up.
    ``level`` is how hard it is, 1 to 3, shown as dots after its title.
    """

    number: str
    title: str
    wrong: Mapping[str, Wrong]
    hints: tuple[str, ...]
    cases: Callable[[], Iterable[Case]] | None = None
    run: Callable[..., Any] = called
    read: Callable[[Callable[..., Any], Case], Any] = lambda ask, c: ask()
    shown: Callable[[str, Case], str] = lambda name, c: c.shown(name)
    tolerance: float = 1e-4
    normal: Callable[[Any], Any] = lambda value: value
    otherwise: str = ""
    exact: Mapping[str, Any] = field(default_factory=dict)
    level: int = 0
    reference: Any = None

    @property
    def lesson(self) -> str:
        """Number of the lesson, two digits."""
        return self.number.split(".")[0]

    @property
    def heading(self) -> str:
        """Number, title and level, as a card shows them."""
        return f"{self.number} {self.title} {'•' * self.level}".rstrip()

    @property
    def is_answer(self) -> bool:
        """Whether values are asked for, rather than a function or class."""
        return self.cases is None

    def does(self, candidate: Any, each: Case) -> Any:
        """What a candidate does on a case, as it is compared: both halves."""
        return self.read(partial(self.run, candidate, each), each)

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


class Elsewhere:
    """A candidate in another process, of which only what is observed comes here."""

    name = "your function"  # as the learner calls it

    def attempt(self, exercise: Exercise, each: Case, *limits: Any) -> sandbox.Outcome:
        """What it does on a case; ``limits`` as for `sandbox.run`."""
        raise NotImplementedError

    def changes_input(self, exercise: Exercise, each: Case) -> bool:
        """Whether a call of it changes what it is given."""
        raise NotImplementedError


_registry: dict[str, Exercise] = {}


def add(exercise: Exercise) -> None:
    """Enter an exercise in the list; a number may be used only once."""
    if exercise.number in _registry:
        raise ValueError(f"exercise {exercise.number} is defined twice")
    _registry[exercise.number] = exercise


@cache
def of_lesson(lesson: str) -> Mapping[str, Exercise]:
    """The exercises of one lesson by number; no other lesson is looked at.

    Raises:
        KeyError: when there is no lesson of that number.
        ValueError: when its checks and its text have different exercises, as when one
            of them was changed and nothing was built.
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
        return replace(exercise, reference={**right, **exercise.exact})
    wrong = {key: _as_code(exercise, each) for key, each in exercise.wrong.items()}
    return replace(exercise, reference=right, wrong=wrong)


def _as_code(exercise: Exercise, wrong: Wrong) -> Wrong:
    """A misconception whose example is a function or class."""
    if callable(wrong.example):
        return wrong
    lesson = lessons()[exercise.lesson]
    source = wrong.source or lesson.filled(exercise.number, wrong.example)
    example = lesson.run(source, exercise.number)
    return replace(wrong, example=example, source=source)


@cache
def pairs(number: str) -> Mapping[str, Wrong]:
    """Two misconceptions at once, by their keys, wherever one answer can have both."""
    exercise, found = get(number), {}
    right = lessons()[exercise.lesson].solved[number]
    for one, other in combinations(exercise.wrong, 2):
        a, b = exercise.wrong[one], exercise.wrong[other]
        source = a.source and b.source and with_both(right, a.source, b.source)
        if source:
            both = Wrong({}, f"First: {a.says} Then: {b.says}", source=source)
            with suppress(SyntaxError):
                found[f"{one} + {other}"] = _as_code(exercise, both)
    return found


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
    mapping may be functions without arguments, which are called under guard, or the
    outcome of having done so. What is `Elsewhere` is judged by the same rules.
    """
    exercise = get(number)
    judge = _check_values if exercise.is_answer else _check_object
    if torch.get_default_device().type == "cpu":
        return judge(exercise, candidate)
    with torch.device("cpu"):  # which makes creating tensors a little slower
        return judge(exercise, candidate)


def blank_result(exercise: Exercise, names: Sequence[str] = ()) -> Result:
    """The judgement on a cell that still has blanks."""
    what = f"Still open: {', '.join(names)}." if names else "Not filled in yet."
    says = f"{what} Replace each {BLANK} and run the cell again."
    return _result(exercise, "blank", says=says)


def error_result(exercise: Exercise, outcome: sandbox.Outcome, call="") -> Result:
    """The judgement on code that raised, or never ended."""
    failing = [("call", call)] if call else []
    problem, _, line = outcome.problem.partition("\n")
    failing += [("stopped by", problem)] + ([("at", line)] if line else [])
    says = meaning(outcome.error) or "Python could not go on; what stopped it is above."
    return _result(exercise, "error", failing=failing, says=says, output=outcome.output)


def _result(exercise: Exercise, status: str, key=None, failing=(), says="", output=""):
    mark = {"passed": "✓", "blank": "○"}.get(status, "✗")
    lines = [f"{mark} {exercise.heading}"]
    width = max((len(label) for label, _ in failing), default=0)
    lines += [f"  {label.ljust(width)}  {text}" for label, text in failing]
    lines += [f"  {says}"] if says else []
    lines += [f"  Your code printed: {output.rstrip()}"] if output.strip() else []
    message, parts = "\n".join(lines), tuple(failing)
    return Result(exercise.number, status, message, key, parts, says, output)


def has_blank(candidate: Any) -> bool:
    """Whether a function's or a class's code still reads the blank."""
    return any(
        isinstance(part, Blank)
        or (isinstance(part, CodeType) and BLANK in (*part.co_names, *part.co_freevars))
        for part in _parts_of(candidate)
    )


def _parts_of(candidate: Any, depth: int = 0) -> Iterator[Any]:
    """A candidate's code and default values; of a class, those of all its members.

    Looks without asking the objects: a learner's ``__getattr__`` may do anything.
    """
    yield candidate
    parts: Iterable = ()
    if isinstance(candidate, staticmethod | classmethod):
        parts = (candidate.__func__,)
    elif isinstance(candidate, property):
        parts = candidate.fget, candidate.fset
    elif isinstance(candidate, FunctionType):
        named = candidate.__kwdefaults__ or {}
        values = *(candidate.__defaults__ or ()), *named.values()
        parts = candidate.__code__, *values, vars(candidate).get("__wrapped__")
    elif isinstance(candidate, type):
        parts = vars(candidate).values()
    elif isinstance(candidate, CodeType):
        parts = candidate.co_consts
    for part in parts if depth < _DEEPEST else ():
        yield from _parts_of(part, depth + 1)


def _file_of(candidate: Any) -> str | None:
    codes = (part for part in _parts_of(candidate) if isinstance(part, CodeType))
    return next((code.co_filename for code in codes), None)


def _check_object(exercise: Exercise, candidate: Any) -> Result:
    if isinstance(candidate, Elsewhere):
        return _check_cases(exercise, candidate, candidate.name)
    if has_blank(candidate):
        return blank_result(exercise)
    if not callable(candidate):
        kind = type(candidate).__name__
        says = f"This should be a function or a class, but it is of type {kind}."
        return _result(exercise, "failed", says=says)
    known = isinstance(candidate, type | FunctionType)
    name = candidate.__name__ if known else "your function"
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
    for at, each in enumerate(cases):
        seconds = max(0.1, min(sandbox.SECONDS, end - time.monotonic()))
        outcome = _attempt(exercise, candidate, each, file, seconds)
        expected = outcome_of(exercise, None, exercise.reference, at, each).value
        if outcome.error is None and exercise.same(outcome.value, expected):
            continue
        break
    else:
        says = f"Right in all {len(cases)} cases tried."
        if _changes_input(exercise, candidate, cases):
            says += " But it changes its input in place: the caller loses the original."
        return _result(exercise, "passed", says=says)

    key, says, found = None, "", {at: outcome}
    if not isinstance(outcome.error, sandbox.TimeLimitError):
        key, says = _recognise(exercise, candidate, cases, found)
    call = exercise.shown(name, each)
    if outcome.error is not None:
        result = error_result(exercise, outcome, call)
        if key:
            parts = result.failing, says, outcome.output
            result = _result(exercise, "failed", key, *parts)
        return result
    failing = [("call", call), ("expected", describe(expected))]
    failing.append(("got", describe(outcome.value)))
    if not says:  # one second: a wrong result can be huge
        if isinstance(candidate, Elsewhere):  # asked before the second begins
            for i in {*range(at, len(cases))} - found.keys():
                left = max(0.1, min(sandbox.SECONDS, end - time.monotonic()))
                found[i] = _attempt(exercise, candidate, cases[i], file, left)
        oddity = partial(_form_of_all, exercise, candidate, cases, found)
        says = sandbox.run(oddity, None, 1).value or ""
    pair = [exercise.normal(value) for value in (outcome.value, expected)]
    says = says or exercise.otherwise or difference(*pair, exercise.tolerance)
    return _result(exercise, "failed", key, failing, says, outcome.output)


def _form_of_all(exercise: Exercise, code: Any, cases: list[Case], found: dict) -> str:
    """What is odd about the form of every wrong result from the first on, or ""."""
    said = ""
    for i, each in list(enumerate(cases))[next(iter(found)) :]:
        got = found.get(i) or _attempt(exercise, code, each)
        wanted = outcome_of(exercise, None, exercise.reference, i, each).value
        if got.error is not None or not exercise.same(got.value, wanted):
            now = form(exercise.normal(got.value), exercise.normal(wanted))
            said = said or now
            if not now or now[:13] != said[:13]:  # sizes may differ
                return ""
    return said


def _changes_input(exercise: Exercise, candidate: Any, cases: list[Case]) -> bool:
    if exercise.run is not Exercise.run:
        return False
    if isinstance(candidate, Elsewhere):
        return candidate.changes_input(exercise, cases[0])
    return changes_input(candidate, cases[0])


def changes_input(candidate: Callable, each: Case) -> bool:
    """Whether a call changes what it is given."""
    given = copy.deepcopy(each.args)
    sandbox.run(lambda: candidate(*given, **each.kwargs))
    pairs_of = zip(given, each.args)
    return any(as_array(b) is not None and not same(a, b, 0) for a, b in pairs_of)


def _recognise(exercise: Exercise, code: Any, cases: list[Case], found: dict) -> tuple:
    """The misconception that acts as the code does on every case: key or None, words.

    ``found`` holds what happened on the first case that failed, by the case's number.
    """
    (at,) = found  # others come after it

    def acts_like(key: str, wrong: Wrong) -> bool:
        for i in (at, *range(len(cases))):
            example = outcome_of(exercise, key, wrong.example, i, cases[i])
            if i not in found:
                found[i] = _attempt(exercise, code, cases[i])
            if not alike(exercise, found[i], example):
                return False
        return True

    keys = [key for key, wrong in exercise.wrong.items() if acts_like(key, wrong)]
    if not keys:  # then what all pairs share that act like it
        known, end = pairs(exercise.number), time.monotonic() + _SECONDS_FOR_PAIRS
        in_time = (item for item in known.items() if time.monotonic() < end)
        both = [key for key, wrong in in_time if acts_like(key, wrong)]
        if len(both) == 1:
            return both[0], known[both[0]].says
        shared = [set(key.split(" + ")) for key in both] or [set()]
        keys = sorted(set.intersection(*shared))
    return next(iter(keys), None), " Or: ".join(exercise.wrong[k].says for k in keys)


_outcomes: dict[tuple, tuple] = {}  # of reference and examples, by case


def outcome_of(exercise: Exercise, key: str | None, code: Any, at: int, each: Case):
    """What known code does on a case, which is the same whenever it is asked."""
    where = id(exercise), key, at
    if where not in _outcomes:  # the exercise is kept, so that its id stays its own
        _outcomes[where] = exercise, _attempt(exercise, code, each)
    return _outcomes[where][1]


def _attempt(exercise: Exercise, code: Any, each: Case, *limits) -> sandbox.Outcome:
    if isinstance(code, Elsewhere):
        return code.attempt(exercise, each, *limits)
    return sandbox.run(lambda: exercise.does(code, each), *limits)


def alike(exercise: Exercise, a: sandbox.Outcome, b: sandbox.Outcome) -> bool:
    """Whether two outcomes are the same: value, or error and its words."""
    if a.error is not None or b.error is not None:
        return type(a.error) is type(b.error) and str(a.error) == str(b.error)
    return exercise.same(a.value, b.value)


def _check_values(exercise: Exercise, candidate: Any) -> Result:
    wanted = exercise.reference
    if not isinstance(candidate, Mapping):
        names = ", ".join(wanted)
        return _result(exercise, "failed", says=f"Answers have names: {names}.")
    parts = [f"There is no {n} in this exercise." for n in candidate if n not in wanted]
    parts += [f"{n} is missing." for n in wanted if n not in candidate]
    if parts:
        return _result(exercise, "failed", says=" ".join(parts))
    open_names = [name for name, value in candidate.items() if has_blank(value)]
    if open_names:
        return blank_result(exercise, open_names if len(wanted) > 1 else ())

    got = {}
    for name, value in candidate.items():
        done = sandbox.run(value, _file_of(value)) if callable(value) else value
        outcome = done if isinstance(done, sandbox.Outcome) else sandbox.Outcome(done)
        if outcome.error is not None:
            return error_result(exercise, outcome, f"{name} = …")
        got[name] = outcome.value
    off = [name for name in wanted if not exercise.same(got[name], wanted[name])]
    if not off:
        return _result(exercise, "passed", says="Right.")
    key, says = _recognise_values(exercise, got, off)
    failing = [(name, f"{describe(got[name])}  ✗") for name in off]
    failing += [(n, f"{describe(got[n])}  ✓") for n in wanted if n not in off]
    if not key:
        values = [exercise.normal(each[off[0]]) for each in (got, wanted)]
        hint = form(*values) or exercise.otherwise or difference(*values, secret=True)
        says = f"`{off[0]}`: {hint}" if len(wanted) > 1 else hint
    return _result(exercise, "failed", key, failing, says)


def _recognise_values(exercise: Exercise, got: Mapping, off: list[str]) -> tuple:
    """The misconceptions whose values are all among the learner's: keys and words.

    The first wrong value that one of them explains comes first; where several explain
    it, those that explain most. One more is named if it explains values left over.
    """
    fits = {
        key: [name for name in off if name in wrong.example]
        for key, wrong in exercise.wrong.items()
        if all(exercise.same(got.get(n), v) for n, v in wrong.example.items())
    }
    named, words, left = [], [], off
    for start in ("", "Then: "):
        name = next((n for n in left if any(n in names for names in fits.values())), "")
        found = {key: names for key, names in fits.items() if name in names}
        if not found:
            break
        most = max(map(len, found.values()))
        best = [key for key in found if len(found[key]) == most]
        named.append(best[0])
        words.append(start + " Or: ".join(exercise.wrong[key].says for key in best))
        left = [n for n in left if not any(n in found[key] for key in best)]
    return " + ".join(named) or None, " ".join(words)
