"""The judge: what counts as the same, what code cannot do to it, what it keeps."""

import builtins
import json
import os
import random
import re
import signal
import sys
import threading
import time
from fractions import Fraction
from html.parser import HTMLParser

import numpy as np
import pytest
import torch

import helpers
from helpers.exercises import cards, check, engine, exercises, sandbox
from helpers.exercises import notebook as cells
from helpers.exercises import progress as show_progress_table
from helpers.exercises.compare import (
    as_array,
    describe,
    difference,
    form,
    same,
)
from helpers.exercises.lessons import lessons

nan, inf = float("nan"), float("inf")


# --- compare --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("got", "expected"),
    [
        (4, 4.0),
        (True, 1),
        (np.float32(0.1), 0.1),
        (torch.tensor(3), 3),
        (torch.tensor([3.0]), 3),
        ([[3]], 3),
        ([1, 2], torch.tensor([1, 2])),
        ((1, 2), np.array([1.0, 2.0])),
        ([torch.tensor(1), torch.tensor(2.0)], [1, 2]),
        (torch.ones(2, requires_grad=True), [1, 1]),
        (torch.ones(2, dtype=torch.bfloat16), [1, 1]),
        ([], torch.zeros(0)),
        (1.00009, 1),
        (1e6 + 50, 1e6),
        (nan, nan),
        ([1, nan], torch.tensor([1, nan])),
        (inf, inf),
        (" A b\n", "ab"),
        (None, None),
        (["a", 1], ("A", 1.0)),
        ({"x": [1], "y": "Q"}, {"y": "q", "x": (1,)}),
        (torch.Size([2, 3]), (2, 3)),
    ],
)
def test_same(got, expected):
    assert same(got, expected)


@pytest.mark.parametrize(
    ("got", "expected"),
    [
        (4, 5),
        (1.001, 1),
        (1e6 + 200, 1e6),
        (0.001, 0),
        ("4", 4),
        (4, "4"),
        (None, 0),
        (0, None),
        (nan, 0),
        (0, nan),
        (inf, -inf),
        (inf, 1e300),
        ([1, 2], [[1, 2]]),
        ([1, 2], [2, 1]),
        ([1, 2, 3], [1, 2]),
        ([[1], [2]], [1, 2]),
        ([[1, 2], [3]], [[1, 2], [3, 4]]),
        ([1, None], [1, 2]),
        (["1", "2"], [1, 2]),
        (3, [3]),
        ([], 0),
        ([3, 3], 3),
        ({1, 2}, [1, 2]),
        (1j, 1),
        (torch.tensor(1j), 1),
        ("a b", "a c"),
        ({"x": 1}, {"x": 1, "y": 2}),
        ({"x": 1, "y": 2}, {"x": 1}),
        ([("x", 1)], {"x": 1}),
        (["a"], ["a", "b"]),
        (object(), 1),
        (print, 1),
    ],
)
def test_not_same(got, expected):
    assert not same(got, expected)


def test_tolerance_is_absolute_and_relative():
    assert same(1.01, 1, tolerance=0.01)
    assert not same(1.03, 1, tolerance=0.01)
    assert same(1e-5, 0)
    assert not same(1e-5, 0, tolerance=1e-6)


@pytest.mark.parametrize(
    "value", [None, "7", b"7", [1, [2, 3]], [None], {1}, {}, object(), 1j, [1j], print]
)
def test_what_is_no_numbers(value):
    assert as_array(value) is None


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (4.0, "4"),
        (0.1 + 0.2, "0.3"),
        (1 / 3, "0.333333"),
        (nan, "nan"),
        (-inf, "-inf"),
        (True, "True"),
        (None, "None"),
        ("a", "'a'"),
        (np.float32(2), "2"),
        (torch.tensor(2.5), "2.5"),
        ([1, 2.5], "[1, 2.5]"),
        (torch.ones(1, 2), "[[1, 1]]"),
        (torch.zeros(0), "[]"),
        ((1, None), "(1, None)"),
        ([1, [2, 3]], "[1, [2, 3]]"),
        ({"b", "a", "c"}, "{'a', 'b', 'c'}"),
        (torch.arange(40.0).view(5, 8), "5 × 8 numbers between 0 and 39"),
    ],
)
def test_describe(value, words):
    assert describe(value) == words


@pytest.mark.parametrize("value", ["x" * 1000, object(), dict.fromkeys(range(99), "x")])
def test_descriptions_are_short(value):
    assert len(describe(value)) <= 202  # with the quotes


def test_difference():
    big = torch.arange(49.0).view(7, 7)
    other = big.clone()
    other[2, 5] = -1
    assert form([1], torch.zeros(2)) == "The shape is (1,), but it should be (2,)."
    assert form([True, False], [False, True]) == ""  # order says nothing of a choice
    assert "numbers of shape (2,)" in difference(None, torch.zeros(2))
    assert difference([1, 2], 1) == "It should be one number, and nothing else."
    assert (
        difference([1, 2], [1, 3]) == "The first difference is at [1]: 3 expected, 2."
    )
    assert difference(1, 2) == "That is too small by 1."
    assert difference([2, 3], [1, 2]) == "Each number is too large by 1."
    assert difference([2, 4], [1, 2]) == "Each number is 2 times the right one."
    assert difference("train: a; test: b", "train: a; test: c") == (
        "This differs: test: b."
    )
    words = difference(other, big)
    assert words == "The first difference is at [2, 5]: 19 expected, -1."


@pytest.mark.parametrize(
    ("got", "expected", "words"),
    [
        (None, 2, "`return`"),
        ("2", 2, "quotation marks"),
        ([1, 2, 3, 4], [[1, 2], [3, 4]], "shape is (4,), not (2, 2)"),
        (torch.arange(6).view(3, 2).T, torch.arange(6).view(3, 2), "out of order"),
        ([2, 1], [1, 2], "wrong order"),
        (1.8, 1.811, "rounded too far"),
        ([0.5, 1.8], [0.5, 1.811], "rounded too far"),
        (-3.0, 3, "sign"),
        (181.1, 1.811, "100 times"),
        (2, 1.811, ""),  # too far to be a rounding
        (1000, 1234, ""),  # counted, and not rounded
        (1, 2, ""),
        ([0, 0], [0, 0.5], ""),
    ],
)
def test_the_form_of_a_result(got, expected, words):
    said = form(got, expected)
    assert words in said if words else said == ""


@pytest.mark.parametrize(
    ("got", "expected", "words"),
    [
        (True, False, "not so"),
        ("a", "b", "not so"),
        ("a", [1, 2], "numbers of shape (2,)"),
        ([1, 2], 1, "one number"),
        (3, 2, "too large"),
        ((8, 2, 3), (8, 1, 3), "first difference is at [1]."),
    ],
)
def test_a_wrong_value_is_placed_and_not_given_away(got, expected, words):
    assert words in difference(got, expected, secret=True)


def test_difference_finer_than_usual():
    """An exercise with a finer tolerance than the usual one has a difference too."""
    big = torch.ones(49, dtype=torch.float64)
    assert not same(big + 1e-6, big, tolerance=1e-9)
    assert isinstance(difference(big + 1e-6, big), str)


def test_difference_passes_over_nan_in_both():
    big = torch.zeros(49)
    big[0] = nan
    other = big.clone()
    other[3] = 1
    assert "[3]" in difference(other, big)


# --- sandbox --------------------------------------------------------------------------


def endless():
    while True:
        pass


def stubborn():
    while True:
        try:  # noqa: SIM105
            pass
        except:  # noqa: E722
            pass


def asleep():
    time.sleep(30)


def in_thread(function):
    """Run a function in another thread, where no alarm can be set."""
    kept = []
    thread = threading.Thread(target=lambda: kept.append(function()), daemon=True)
    thread.start()
    thread.join(10)
    assert kept, "it hangs"
    return kept[0]


@pytest.mark.parametrize("code", [endless, stubborn, asleep])
def test_time_limit_by_alarm(code):
    before = signal.getsignal(signal.SIGALRM)
    start = time.monotonic()
    outcome = sandbox.run(code, __file__, 0.1)
    assert time.monotonic() - start < 2
    assert isinstance(outcome.error, sandbox.TimeLimitError)
    assert "never end" in outcome.problem
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


@pytest.mark.parametrize("code", [endless, stubborn])
def test_time_limit_by_watchdog(code):
    start, threads = time.monotonic(), threading.active_count()
    outcome = in_thread(lambda: sandbox.run(code, __file__, 0.1))
    assert time.monotonic() - start < 3
    assert isinstance(outcome.error, sandbox.TimeLimitError)
    time.sleep(0.1)
    assert threading.active_count() <= threads


def test_watchdog_in_the_main_thread(monkeypatch):
    """As on Windows, which has no alarms."""
    monkeypatch.delattr(signal, "setitimer")
    assert isinstance(sandbox.run(endless, None, 0.1).error, sandbox.TimeLimitError)
    assert sandbox.run(lambda: 3, None, 0.1).value == 3
    time.sleep(0.15)  # nothing arrives later


def nested(inner, outer):
    with sandbox.time_limit(outer):
        with pytest.raises(sandbox.TimeLimitError), sandbox.time_limit(inner):
            endless()
        return time.sleep(0.001) or "after"


@pytest.mark.parametrize("where", [lambda f: f(), in_thread])
def test_limits_nest(where):
    assert where(lambda: nested(0.05, 20)) == "after"

    def outer_goes_on():
        try:
            with sandbox.time_limit(0.2):
                with sandbox.time_limit(20):
                    pass
                endless()
        except sandbox.TimeLimitError:
            return "stopped"

    assert where(outer_goes_on) == "stopped"


def test_nothing_rings_after_the_limit():
    for _ in range(100):

        def busy():
            end = time.perf_counter() + 0.002
            while time.perf_counter() < end:
                pass

        sandbox.run(busy, None, 0.002)
    time.sleep(0.12)


def hoard():
    """What it leaves behind takes longer to free than the limit waits to ring again."""
    return [x for x in iter(int, 1)]  # noqa: C416


@pytest.mark.parametrize("where", [lambda f: f(), in_thread])
def test_nothing_rings_while_the_limit_is_taken_down(where, monkeypatch):
    monkeypatch.setattr(sandbox, "_AGAIN", 0.002)
    threads = threading.active_count()

    def attempt():
        try:
            outcome = sandbox.run(hoard, None, 0.3)
            end = time.perf_counter() + 0.05
            while time.perf_counter() < end:
                pass
            return type(outcome.error)
        except sandbox.TimeLimitError:
            return "it rang outside of the guard"

    try:
        for _ in range(3):
            assert where(attempt) is sandbox.TimeLimitError
        time.sleep(0.02)
        assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
        assert threading.active_count() <= threads, "a watchdog is left"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)


LEAVING = {
    "sys.exit": lambda: sys.exit(1),
    "os._exit": lambda: os._exit(1),
    "SystemExit": lambda: (_ for _ in ()).throw(SystemExit),
}


@pytest.mark.parametrize("where", [lambda f: f(), in_thread])
@pytest.mark.parametrize("name", LEAVING)
def test_leaving_python(name, where):
    before = sys.exit, os._exit, builtins.input
    outcome = where(lambda: sandbox.run(LEAVING[name]))
    assert "leave Python" in outcome.problem
    assert (sys.exit, os._exit, builtins.input) == before


def forked():
    """The exit status of a process that was forked, and left by os._exit."""
    child = os.fork()
    if child == 0:
        os._exit(7)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows has no fork")
def test_a_forked_process_may_leave():
    """Or a loader's worker would go on as a second kernel."""
    assert sandbox.run(forked).value == 7


@pytest.mark.parametrize("name", ["exit", "quit"])
def test_leaving_by_exit_does_not_close_the_keyboard(name, monkeypatch, tmp_path):
    """Python's own exit() closes the standard input before it raises."""
    (tmp_path / "keyboard").touch()
    with (tmp_path / "keyboard").open() as keyboard:
        monkeypatch.setattr(sys, "stdin", keyboard)
        outcome = sandbox.run(lambda: getattr(builtins, name)())
        assert "leave Python" in outcome.problem
        assert not keyboard.closed


def test_input_is_refused():
    outcome = sandbox.run(lambda: input("?"))
    assert isinstance(outcome.error, RuntimeError)
    assert "input" in outcome.problem


def test_recursion():
    def deeper():
        return deeper()

    outcome = sandbox.run(deeper)
    assert "calls itself" in outcome.problem
    limit = sys.getrecursionlimit()
    sandbox.run(lambda: sys.setrecursionlimit(limit + 7))
    assert sys.getrecursionlimit() == limit


def test_output_is_kept_and_cut(capsys):
    def talk():
        print("one")
        print("two", file=sys.stderr)
        return 3

    outcome = sandbox.run(talk)
    assert (outcome.value, outcome.output) == (3, "one\ntwo\n")
    assert len(sandbox.run(lambda: print("x" * 10_000)).output) < 1000
    assert capsys.readouterr() == ("", "")


def test_output_flood(capsys):
    def flood():
        while True:
            print("hello" * 100)

    outcome = sandbox.run(flood)
    assert "without end" in outcome.problem
    assert 0 < len(outcome.output) < 1000
    assert capsys.readouterr() == ("", "")


def test_error_names_the_line_at_fault():
    def broken():
        values = [1, 2]
        return torch.zeros(values[7])

    outcome = sandbox.run(broken, __file__)
    problem, line = outcome.problem.split("\n")
    assert problem == "IndexError: list index out of range"
    assert re.fullmatch(r"line \d+: return torch.zeros\(values\[7\]\)", line)

    def in_library():
        return torch.zeros(2) @ torch.zeros(3)

    assert "torch.zeros(2) @" in sandbox.run(in_library, __file__).line
    assert sandbox.run(broken, "another file").line == ""


def test_errors_that_are_no_exceptions_and_long_ones():
    class Odd(BaseException):
        pass

    def odd():
        raise Odd

    assert sandbox.run(odd).problem == "Odd"
    assert len(sandbox.run(lambda: {}["x" * 10_000]).problem) <= 400


def test_stop_button_goes_through():
    def stop():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sandbox.run(stop)


def draw():
    return random.random(), np.random.rand(), torch.rand(1).item()


def seed(number):
    random.seed(number)
    np.random.seed(number)
    torch.manual_seed(number)


def test_random_state_is_kept():
    def disturb():
        seed(5)
        draw()
        raise ValueError

    seed(1)
    wanted = draw()
    seed(1)
    sandbox.run(disturb)
    check("03.3", lambda W1, F, P=0, S=1: torch.rand(1).item())
    assert draw() == wanted


def test_random_state_of_accelerators_is_kept(monkeypatch):
    touched = []
    monkeypatch.setattr(torch.cuda, "manual_seed_all", touched.append)
    monkeypatch.setattr(torch.cuda, "manual_seed", touched.append)
    sandbox.run(draw)
    assert not touched


def test_torch_draws_the_same_in_each_run():
    one, two = (sandbox.run(lambda: torch.rand(3)).value for _ in range(2))
    assert torch.equal(one, two)


# --- check ----------------------------------------------------------------------------


def right(a, b):
    return (a + b) / 2


def test_statuses(capsys):
    assert check("00.2", right).status == "passed"
    assert check("00.2", right).passed
    wrong = check("00.2", lambda a, b: a + b / 2)
    assert (wrong.status, wrong.misconception) == ("failed", "precedence")
    assert wrong.message.startswith("✗ 00.2 Halfway")
    for label, text in (("call", "(2, 4)"), ("expected", "3"), ("got", "4")):
        assert re.search(rf"^ +{label} +\S*{re.escape(text)}$", wrong.message, re.M)
    broken = check("00.2", lambda a, b: a / 0)
    assert (broken.status, broken.misconception) == ("error", None)
    assert "ZeroDivisionError" in broken.message
    assert "line" in broken.message
    assert check("00.2", engine.Blank()).status == "blank"
    nothing = check("00.2", lambda a, b: None)
    assert "return" in nothing.message
    assert capsys.readouterr() == ("", "")


def test_answer_statuses():
    assert check("01.2", {"s_6": 1.811, "outputs": 6}).status == "passed"
    wrong = check("01.2", {"s_6": 1.811, "outputs": 5})
    assert (wrong.status, wrong.misconception) == ("failed", "one-short")
    assert "5  ✗" in wrong.message
    assert "1.811  ✓" in wrong.message
    error = check("01.2", {"s_6": 1.811, "outputs": lambda: 1 / 0})
    assert error.status == "error"
    assert "outputs" in error.message
    assert "s_6 is missing" in check("01.2", {"outputs": 6}).message
    assert "no width" in check("01.2", {"width": 6}).message


def test_output_of_the_learner_is_in_the_message(capsys):
    def talks(a, b):
        print("looking at", a, b)
        return a

    assert "looking at 2 4" in check("00.2", talks).message
    assert capsys.readouterr() == ("", "")


def blank_in_nested():
    def function(a, b):
        def inner():
            return ____  # noqa: F821

        return inner() + a

    return function


def blank_in_class():
    class Sum:
        def __new__(cls, a, b):
            return ____  # noqa: F821

    return Sum


def blank_in_static():
    class Sum:
        @staticmethod
        def half():
            return ____  # noqa: F821

    return Sum


def blank_in_class_in_class():
    class Outer:
        class Inner:
            def half(self):
                return lambda: ____  # noqa: F821

    return Outer


def blank_in_property():
    class Sum:
        def __init__(self, a, b):
            self.half  # noqa: B018

        @property
        def half(self):
            return ____  # noqa: F821

    return Sum


def blank_as_default():
    def function(a, b=engine.Blank()):  # noqa: B008
        return a

    return function


def blank_as_keyword_default():
    def function(a, b, *, half=engine.Blank()):  # noqa: B008
        return a

    return function


BLANKS = [
    lambda: lambda a, b: ____,  # noqa: F821
    lambda: lambda a, b: (a + b) / ____,  # noqa: F821
    lambda: lambda a, b: [____ for _ in range(a)],  # noqa: F821
    lambda: lambda a, b: max(a, key=lambda v: ____),  # noqa: F821
    blank_in_nested,
    blank_in_class,
    blank_in_static,
    blank_in_class_in_class,
    blank_in_property,
    blank_as_default,
    blank_as_keyword_default,
    engine.Blank,
]


@pytest.mark.parametrize("make", BLANKS)
def test_blanks_are_found_wherever_they_stand(make):
    result = check("00.2", make())
    assert result.status == "blank"
    assert "Not filled in yet" in result.message


def test_blank_in_values():
    assert check("00.1", {"days": engine.Blank()}).status == "blank"
    result = check("01.2", {"s_6": lambda: ____ + 1, "outputs": 6})  # noqa: F821
    assert result.status == "blank"
    assert "s_6" in result.message
    assert "outputs" not in result.message


def test_names_that_only_look_blank():
    def function(a, b):
        ____ = a + b
        return ____ / 2

    assert check("00.2", function).passed
    assert check("00.2", lambda a, b: "____").status == "failed"


def test_arguments_belong_to_the_candidate():
    """What it does to them changes neither the expected result nor the next case."""

    def ruins(w):
        result = w / w.sum()
        w *= 0
        return result

    def ruins_and_returns(w):
        w /= w.sum()
        return w

    def ruins_wrongly(w):
        w *= 0
        return w

    assert check("01.4", ruins).passed
    assert check("01.4", ruins_and_returns).passed
    assert check("01.4", ruins_wrongly).status == "failed"
    assert check("01.4", exercises()["01.4"].reference).passed


def test_candidate_that_calls_itself_calls_itself():
    """Its name may be bound to the reference: that must not answer for it."""
    source = (
        "def midpoint(a, b, deep=0):\n"
        "    return midpoint(a, b, 1) if not deep else -99\n"
    )
    space = {}
    exec(source, space)
    candidate, reference = space["midpoint"], exercises()["00.2"].reference
    space["midpoint"] = reference
    result = check("00.2", candidate)
    assert result.status == "failed"
    assert "-99" in result.message
    assert space["midpoint"] is reference


def test_name_is_left_as_it_was():
    space = {}
    exec("def other(a, b):\n    return (a + b) / 2", space)
    candidate = space.pop("other")
    assert check("00.2", candidate).passed
    assert "other" not in space


def test_recursion_without_end_in_a_candidate():
    def midpoint(a, b):
        return midpoint(a, b)

    assert "calls itself" in check("00.2", midpoint).message


def test_a_slow_candidate_ends(monkeypatch):
    monkeypatch.setattr(sandbox, "SECONDS", 0.1)
    start = time.monotonic()
    for code in (endless, stubborn, asleep):
        result = check("00.2", lambda a, b, code=code: code())
        assert result.status == "error"
        assert "never end" in result.message
    assert time.monotonic() - start < 3


def test_a_candidate_that_hangs_in_a_later_case(monkeypatch):
    monkeypatch.setattr(sandbox, "SECONDS", 0.1)

    def midpoint(a, b):
        return right(a, b) if a == 2 else endless()

    assert check("00.2", midpoint).status == "error"


def test_a_slow_answer_ends(monkeypatch):
    monkeypatch.setattr(sandbox, "SECONDS", 0.1)
    start = time.monotonic()
    assert check("00.1", {"days": endless}).status == "error"
    assert time.monotonic() - start < 2


class BadRepr:
    def __repr__(self):
        raise RuntimeError("no words")


class BadArray:
    def __array__(self, *arguments, **options):
        raise RuntimeError("no array")


class BadAttributes:
    def __getattr__(self, name):
        raise RuntimeError("no attributes")

    def __call__(self, a, b):
        return 1


def holds_itself():
    values = []
    values.append(values)
    return values


def class_that_holds_itself():
    class Me:
        pass

    Me.me = Me
    return Me


def wraps_itself():
    def function(a, b):
        return right(a, b)

    function.__wrapped__ = function
    return function


AWKWARD_RESULTS = {
    "huge": lambda: 10**400,
    "complex": lambda: 1j,
    "complex64": lambda: np.complex64(1j),
    "complex tensor": lambda: torch.tensor([1j]),
    "objects": lambda: np.array([None]),
    "generator": lambda: (i for i in range(3)),
    "meta tensor": lambda: torch.zeros(2, device="meta"),
    "sparse tensor": lambda: torch.eye(2).to_sparse(),
    "holds itself": holds_itself,
    "bad repr": BadRepr,
    "bad array": BadArray,
    "class": lambda: BadRepr,
    "bytes": lambda: b"7",
}


# What other tests left open may be collected now, which is not this one's business.
@pytest.mark.filterwarnings("error", "ignore::ResourceWarning")
@pytest.mark.parametrize("name", AWKWARD_RESULTS)
def test_awkward_results_are_judged(name, capsys):
    make = AWKWARD_RESULTS[name]
    assert check("00.2", lambda a, b: make()).status in ("failed", "error")
    assert check("01.3", lambda x, w: make()).status in ("failed", "error")
    assert check("00.1", {"days": make}).status in ("failed", "error")
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("make", [BadAttributes, class_that_holds_itself])
def test_awkward_candidates_are_judged(make):
    assert check("00.2", make()).status in ("failed", "error")


def test_candidate_that_wraps_itself_is_judged():
    assert check("00.2", wraps_itself()).passed


@pytest.mark.parametrize(
    "candidate", [None, 7, "def f(): ...", [right], {"a": 1}, BadRepr]
)
def test_what_is_no_function(candidate):
    assert check("00.2", candidate).status in ("failed", "error")


@pytest.mark.parametrize("number", ["03.99", "99.1", "", "3.3", 33])
def test_unknown_number(number):
    with pytest.raises(KeyError) as caught:
        check(number, right)
    assert "03.3" in str(caught.value)
    assert repr(number) in str(caught.value)


def test_unknown_number_lists_its_own_lesson():
    with pytest.raises(KeyError, match=r"from 00\.1, [0., 2-9]*'?\"?$"):
        check("00.9", right)


def test_results_are_hashable_parts_of_the_message():
    result = check("00.2", lambda a, b: a + b)
    for label, text in result.failing:
        assert label in result.message
        assert text in result.message
    assert result.says in result.message


def test_numbers_are_given_once():
    with pytest.raises(ValueError, match="twice"):
        engine.add(exercises()["00.1"])


def test_list_of_exercises_cannot_be_changed():
    with pytest.raises(TypeError):
        exercises()["00.1"] = None
    assert list(exercises())[:2] == ["00.1", "00.2"]
    lessons = [number.split(".")[0] for number in exercises()]
    assert lessons == sorted(lessons)


# --- exercise() and answer() outside a notebook ---------------------------------------


@pytest.fixture(autouse=True)
def progress_file(tmp_path, monkeypatch):
    file = tmp_path / "progress.json"
    monkeypatch.setenv("CONVNETS_PROGRESS", str(file))
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    monkeypatch.setattr(kept_in(), "_in_memory", {})
    return file


def kept_in():
    return sys.modules["helpers.exercises.progress"]


def test_decorator_keeps_what_is_right_and_replaces_what_is_not(capsys):
    reference = exercises()["00.2"].reference
    assert cells.exercise("00.2")(right) is right
    assert capsys.readouterr().out.startswith("✓ 00.2")
    assert cells.exercise("00.2")(lambda a, b: a) is reference
    assert "reference solution" in capsys.readouterr().out
    assert cells.exercise("00.2")(engine.Blank()) is reference
    assert capsys.readouterr().out.startswith("○ 00.2")
    assert cells.answer("00.1", days=7) is None
    assert capsys.readouterr().out.startswith("✓ 00.1")


def test_decorators_are_not_mixed_up(capsys):
    with pytest.raises(TypeError, match="answer"):
        cells.exercise("00.1")
    with pytest.raises(TypeError, match="@exercise"):
        cells.answer("00.2", days=7)
    assert cells.exercise("00.99")(wrong) is wrong
    assert cells.exercise(wrong) is wrong
    assert cells.answer("00.99", days=7) is None
    told = capsys.readouterr().out.splitlines()
    assert [line[:20] for line in told] == ["There is no exercise"] * 3
    assert "00.2" in told[0]


# --- progress -------------------------------------------------------------------------


def wrong(a, b):
    return a + b / 2


def test_progress_is_recorded_and_stays(progress_file):
    record, read = kept_in().record, kept_in().read
    record(check("00.2", engine.Blank()))
    assert not progress_file.exists()
    record(check("00.2", wrong))
    entry = json.loads(progress_file.read_text("utf-8"))["00.2"]
    assert (entry["passed"], entry["tries"]) == (False, 1)
    assert entry["misconception"] == "precedence"
    record(check("00.2", right))
    record(check("00.2", wrong))
    entry = read()["00.2"]
    assert (entry["passed"], entry["tries"]) == (True, 2)
    record(check("00.1", {"days": 7}))
    assert set(read()) == {"00.1", "00.2"}
    left = [progress_file.name, f"{progress_file.name}.lock"]
    assert sorted(os.listdir(progress_file.parent)) == left


def test_cells_record(progress_file, capsys):
    cells.answer("00.1", days=7)
    assert json.loads(progress_file.read_text("utf-8"))["00.1"]["passed"] is True


def test_the_third_slip_of_a_kind_names_the_slide(progress_file, capsys):
    record = kept_in().record
    wrong = check("01.4", lambda w: w / len(w))
    assert [record(wrong) for _ in range(3)] == [1, 2, 3]
    assert record(check("01.4", lambda w: w / w.max())) == 1
    entry = json.loads(progress_file.read_text("utf-8"))["01.4"]
    assert entry["kinds"] == {"by-count": 3, "by-largest": 1}
    slide = "A mean is a convolution too"
    for times in (2, 3):
        cards.show_result(wrong, times)
        assert (slide in capsys.readouterr().out) == (times == 3)
    link = cards.card(wrong, [f"[{slide}](#A-mean)"])
    assert f'<a href="#A-mean">{slide}</a>' in link


BAD_KINDS = '{"00.1": {"kinds": {"x": null}}}'


@pytest.mark.parametrize(
    "text", ["{", "", "[]", '{"00.1": 3}', "\x00", "null", BAD_KINDS]
)
def test_damaged_file_is_set_aside(progress_file, text, capsys):
    progress_file.write_text(text, "utf-8")
    kept_in().record(check("00.2", right))
    damaged = progress_file.with_suffix(".damaged")
    assert damaged.read_text("utf-8") == text
    assert damaged.name in capsys.readouterr().out
    assert kept_in().read()["00.2"]["passed"]


def test_file_of_another_encoding_is_set_aside(progress_file):
    progress_file.write_bytes(b"\xff\xfe\x00")
    assert kept_in().read() == {}
    assert progress_file.with_suffix(".damaged").read_bytes() == b"\xff\xfe\x00"


def test_entry_of_another_kind_does_no_harm(progress_file):
    progress_file.write_text('{"00.2": {"tries": null}}', "utf-8")
    kept_in().record(check("00.2", right))
    assert kept_in().read()["00.2"]["passed"]


def test_what_cannot_be_read_now_is_not_damaged(progress_file, monkeypatch):
    """A file on a disk that does not answer is left where it is, as it is."""
    kept_in().record(check("00.1", {"days": 7}))
    before = progress_file.read_bytes()
    path = type(progress_file)

    def unreadable(*arguments, **options):
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(path, "read_text", unreadable)
        kept_in().record(check("00.2", right))
    assert progress_file.read_bytes() == before


def test_folder_as_progress_file_is_left_alone(tmp_path, monkeypatch):
    folder = tmp_path / "folder"
    (folder / "inner").mkdir(parents=True)
    monkeypatch.setenv("CONVNETS_PROGRESS", str(folder))
    kept_in().record(check("00.2", right))
    assert (folder / "inner").is_dir()


def test_folder_that_does_not_exist(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CONVNETS_PROGRESS", str(tmp_path / "no" / "progress.json"))
    kept_in().record(check("00.2", right))
    assert "could not be saved" in capsys.readouterr().out


def test_file_in_the_place_of_a_folder(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("mine", "utf-8")
    monkeypatch.setenv("CONVNETS_PROGRESS", str(tmp_path / "file" / "progress.json"))
    kept_in().record(check("00.2", right))
    assert "could not be saved" in capsys.readouterr().out
    assert (tmp_path / "file").read_text("utf-8") == "mine"


def test_read_only_disk(progress_file, monkeypatch, capsys):
    """Everything that would write fails there, removing the scratch file too."""

    def refuse(*arguments, **options):
        raise OSError(30, "Read-only file system")

    kept_in().record(check("00.1", {"days": 7}))
    path = type(progress_file)
    for owner, name in ((path, "write_text"), (path, "unlink"), (os, "replace")):
        monkeypatch.setattr(owner, name, refuse)
    kept_in().record(check("00.2", right))
    assert "Read-only" in capsys.readouterr().out
    assert set(kept_in().read()) == {"00.1"}


def test_memory(progress_file, monkeypatch):
    monkeypatch.setenv("CONVNETS_PROGRESS", "memory")
    kept_in().record(check("00.2", right))
    assert kept_in().progress_file() is None
    assert kept_in().read()["00.2"]["passed"]
    assert os.listdir(progress_file.parent) == []


@pytest.mark.parametrize(
    ("session", "records"),
    [
        ("/home/me/course/notebooks/solutions/03.ipynb", False),
        ("C:\\course\\notebooks\\solutions\\03.ipynb", False),
        ("notebooks/03.ipynb", True),
        ("my-solutions/03.ipynb", True),
    ],
)
def test_presenting_is_not_solving(progress_file, monkeypatch, session, records):
    monkeypatch.setenv("JPY_SESSION_NAME", session)
    kept_in().record(check("00.2", right))
    assert progress_file.exists() == records


def test_table_of_progress(capsys):
    kept_in().record(check("00.2", right))
    kept_in().record(check("00.1", {"days": 8}))
    show_progress_table()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["00", "Start", "here", "✗✓○○○○○", "1", "of", "7"]
    assert all("0 of" in line and "○" in line for line in lines[1:-2])
    assert lines[-2] == f"ConvNets, cell by cell {helpers.__version__}"


# --- cards ----------------------------------------------------------------------------


class Tree(HTMLParser):
    """Elements of a card: (tag, attributes, texts, children); fails when unbalanced."""

    def __init__(self, markup):
        super().__init__()
        self.root = self.now = {"tag": "", "has": {}, "texts": [], "inside": []}
        self.path, self.all = [], []
        self.feed(markup)
        self.close()
        assert not self.path, "an element is left open"

    def handle_starttag(self, tag, attrs):
        element = {"tag": tag, "has": dict(attrs), "texts": [], "inside": []}
        self.now["inside"].append(element)
        self.path.append(self.now)
        self.all.append(element)
        self.now = element

    def handle_endtag(self, tag):
        assert self.now["tag"] == tag
        self.now = self.path.pop()

    def handle_data(self, data):
        for element in [*self.path, self.now]:
            element["texts"].append(data)

    def named(self, tag):
        return [element for element in self.all if element["tag"] == tag]


def text(element):
    return "".join(element["texts"])


def test_card_has_a_role_and_a_name():
    for candidate in (right, wrong, engine.Blank(), lambda a, b: 1 / 0):
        result = check("00.2", candidate)
        tree = Tree(cards.card(result))
        (outer,) = tree.root["inside"]
        assert outer["has"]["role"] == "group"
        heading = exercises()["00.2"].heading
        assert outer["has"]["aria-label"] == f"Exercise {heading}"
        assert text(outer).startswith(result.message[0])  # the mark: not colour alone


def test_learners_text_is_escaped():
    evil = "<script>alert(1)</script><img src=x onerror=alert(2)>`<b>`&amp;\"'"

    def prints(a, b):
        print(evil)
        return evil

    def raises(a, b):
        raise ValueError(evil)

    prints.__name__ = "<i>f</i>"
    results = [check("00.2", prints), check("00.2", raises)]
    results += [check("00.1", {"days": evil})]
    results += [check("00.1", {f"<u>{evil}": 1})]
    for result in results:
        tree = Tree(cards.card(result, [evil]))
        tags = {element["tag"] for element in tree.all}
        assert tags <= {"div", "span", "code", "details", "summary", "pre"}
        assert "alert(1)" in text(tree.root)
        for element in tree.all:
            assert not [name for name in element["has"] if name.startswith("on")]


def test_hints_lie_one_inside_the_other_and_the_solution_last():
    for number, exercise in exercises().items():
        tree = Tree(cards.card(engine.blank_result(exercise)))
        labels, (element,) = (
            [],
            [e for e in tree.root["inside"][0]["inside"] if e["tag"] == "details"],
        )
        while element:
            assert "open" not in element["has"]
            summary, body = element["inside"]
            assert summary["tag"] == "summary"
            labels.append(text(summary))
            inner = [e for e in body["inside"] if e["tag"] == "details"]
            assert len(inner) <= 1
            last, element = body, inner[0] if inner else None
        total = len(exercise.hints)
        assert labels == [f"Hint {i} of {total}" for i in range(1, total + 1)] + [
            "Solution"
        ]
        assert text(last) == lessons()[number[:2]].solved[number]
        for hint in exercise.hints:
            assert hint.replace("`", "") in text(tree.root)


def test_no_help_once_it_is_right():
    assert not Tree(cards.card(check("00.2", right))).named("details")


def test_output_of_the_learner_is_folded_away():
    def talks(a, b):
        print("looking at", a)

    tree = Tree(cards.card(check("00.2", talks)))
    assert "looking at 2" in text(tree.named("details")[0])


@pytest.fixture
def displayed(monkeypatch):
    """What a notebook would show."""
    shown = []
    monkeypatch.setattr("helpers.display.shell", object)
    monkeypatch.setattr("IPython.display.display", lambda data, raw: shown.append(data))
    return shown


def test_both_forms_say_the_same(displayed, capsys):
    results = [
        check("00.1", {"days": 8}),
        engine.blank_result(exercises()["00.2"]),
        engine._result(exercises()["00.2"], "passed", says="Right."),
    ]
    for result in results:
        cards.show_result(result)
        assert displayed[-1]["text/plain"] == result.message
    wrong_function = engine._result(exercises()["00.2"], "failed", says="No.")
    cards.show_result(wrong_function)
    plain, markup = displayed[-1]["text/plain"], displayed[-1]["text/html"]
    assert plain.startswith(wrong_function.message)
    note = plain[len(wrong_function.message) :].strip()
    assert "reference solution" in note
    assert note in text(Tree(markup).root)
    assert capsys.readouterr() == ("", "")


def test_table_of_progress_is_a_table(displayed):
    cards.show_progress({"00.1": {"passed": True}})
    tree = Tree(displayed[0]["text/html"])
    assert len(tree.named("th")) == 3
    rows = tree.named("tr")[1:]
    assert len(rows) == len(displayed[0]["text/plain"].splitlines()[:-1])
    assert "1 of 7" in text(rows[0])


@pytest.mark.parametrize(("given", "told"), [(27.56, True), (28, True), (27, False)])
def test_a_rounded_number_is_told(given, told):
    result = check("07.8", {"rows_added": given, "worst": "fc7"})
    assert not result.passed
    assert ("rounded too far" in result.says) == told


@pytest.mark.parametrize("size", [30, 20, 27])
def test_a_count_is_never_rounded(size):
    result = check("03.4", {"W2": size, "H2": size, "D2": 6})
    assert not result.passed
    assert "rounded too far" not in result.says


def test_a_fraction_is_a_number():
    answers = {"plain": Fraction(1, 8), "residual": Fraction(27, 8), "paths": 8}
    assert check("11.4", answers).passed


def test_an_error_is_recognised_by_its_words():
    """Not every network that stops with a RuntimeError makes the same mistake."""

    def features(w):
        solved = exercises()["07.9"].reference(w)
        solved[3] = torch.nn.Conv2d(w, 8 * w, 5)  # 3w
        return solved

    result = check("07.9", features)
    assert (result.status, result.misconception) == ("error", None)
