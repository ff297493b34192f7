"""A check that lets a wrong answer pass is worse than none: no mutant may pass.

Of each solved exercise every single mutant is made, and judged. One that passes must be
right too: it gives what the reference gives on many inputs that the check never saw.
"""

import random
import sys
from functools import cache

import answers
import mutants
import pytest
import torch

from helpers.exercises import check, engine, exercises, sandbox
from helpers.exercises.engine import case

_LEAST = {True: 4, False: 12}  # mutants of an answer, of a function
_INPUTS = 60
_NETWORKS, _FEW = {"06.6", "06.11"} | answers.SLOW, 5  # an input tells all about one


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    """Which misconception a mutant is does not matter here."""
    monkeypatch.setattr(engine, "_recognise", lambda *arguments: None)
    monkeypatch.setattr(sandbox, "SECONDS", 0.5)
    # A mutant that calls itself without end leaves pytest's own hook no room to run.
    monkeypatch.setattr(sys, "unraisablehook", lambda problem: None)


def _tensor(rng, *shape):
    values = [rng.gauss(0, 1) for _ in range(torch.Size(shape).numel())]
    return torch.tensor(values).view(shape)


def _window_in_signal(rng):
    F = rng.randint(1, 6)
    return case(_tensor(rng, F + rng.randint(0, 7)), _tensor(rng, F))


def _kernel_in_image(rng):
    m, n = rng.randint(1, 4), rng.randint(1, 4)
    image = _tensor(rng, m + rng.randint(0, 5), n + rng.randint(0, 5))
    return case(image, _tensor(rng, m, n))


def _around_a_pixel(rng):
    m, n = rng.randint(1, 3), rng.randint(1, 3)
    i, j = rng.randint(m - 1, m + 3), rng.randint(n - 1, n + 3)
    image = _tensor(rng, i + m + rng.randint(0, 3), j + n + rng.randint(0, 3))
    return case(image, _tensor(rng, m, n), i, j)


def _volume(rng):
    C, m, n = rng.randint(1, 5), rng.randint(1, 3), rng.randint(1, 3)
    image = _tensor(rng, C, m + rng.randint(0, 4), n + rng.randint(0, 4))
    return case(image, _tensor(rng, C, m, n))


def _moving(rng):
    length = rng.randint(1, 12)
    return case(_tensor(rng, length), rng.randint(1, length))


def _extents(rng):
    F = rng.randint(1, 12)
    return case(F + rng.randint(0, 40), F)


def _sizes(rng):
    F, P = rng.randint(1, 12), rng.randint(0, 5)
    W1 = rng.randint(max(1, F - 2 * P), 60)
    return case(W1, F, P, rng.randint(1, 6))


def _weights(rng):
    weights = _tensor(rng, rng.randint(1, 8)).abs() + 0.01
    return case(weights * rng.choice((1, 10)))


def _pooled(rng):
    F = rng.randint(1, 4)
    image = _tensor(rng, F + rng.randint(0, 6), F + rng.randint(0, 6))
    return case(image, F, rng.randint(1, 4))


def _batch(least):
    def batch(rng):
        N, C = rng.randint(1, 4), rng.randint(1, 5)
        size = (rng.randint(least, 7), rng.randint(least, 7))
        return case(_tensor(rng, N, C, *size))

    return batch


def _descent(rng):
    shape = (rng.randint(1, 4), rng.randint(1, 4))
    return case(_tensor(rng, *shape), _tensor(rng, *shape), rng.uniform(0.01, 1))


def _stack(rng):
    layers = [(rng.randint(1, 6), rng.randint(1, 4)) for _ in range(rng.randint(0, 6))]
    return case(layers)


def _matrix(rng):
    m, n = rng.randint(1, 3), rng.randint(1, 3)
    return case(_tensor(rng, m, n), m + rng.randint(0, 4), n + rng.randint(0, 4))


def _backward(rng):
    rows, columns = rng.randint(1, 6), rng.randint(1, 6)
    return case(_tensor(rng, rows, columns), _tensor(rng, rows))


def _seen_maps(rng):
    table = [
        sorted(rng.sample(range(9), rng.randint(1, 6)))
        for _ in range(rng.randint(1, 9))
    ]
    return case(table, rng.randint(1, 7))


def _learning(rng):
    shape = (rng.randint(1, 3), rng.randint(1, 4), rng.randint(1, 4))
    return case(rng.randint(1, 5), rng.choice((0.0, 0.5, 0.9)), shape)


def _guesses(rng):
    classes, count = rng.randint(2, 10), rng.randint(1, 40)
    drawn = [[rng.randrange(classes) for _ in range(count)] for _ in range(2)]
    return case(*map(torch.tensor, drawn), classes)


def _dropped(rng):
    shape = (rng.randint(1, 4), rng.randint(1, 4))
    p = rng.choice((0.1, 0.5, 0.8))
    kept = (_tensor(rng, *shape) > 0).float()
    return case(_tensor(rng, *shape), kept, p, rng.choice((True, False)))


# Inputs for which each exercise is meant, far more and other than its cases.
INPUTS = answers.INPUTS | {
    "04.1": _descent,
    "04.5": _stack,
    "04.8": _matrix,
    "04.9": _backward,
    "06.2": lambda rng: case(rng.randint(1, 9), rng.randint(1, 9), rng.randint(1, 7)),
    "06.4": _seen_maps,
    "06.6": lambda rng: case((rng.randint(1, 3), 1, 32, 32)),
    "06.7": _learning,
    "06.8": _guesses,
    "06.9": _dropped,
    "06.11": lambda rng: case((rng.randint(1, 3), 1, 28, 28)),
    "05.2": _pooled,
    "05.4": _batch(1),
    "05.7": _batch(2),
    "00.2": lambda rng: case(rng.randint(-9, 9), rng.uniform(-9, 9)),
    "01.1": _moving,
    "01.3": _window_in_signal,
    "01.4": _weights,
    "01.6": _window_in_signal,
    "02.2": _around_a_pixel,
    "02.4": _kernel_in_image,
    "02.5": _kernel_in_image,
    "02.8": _volume,
    "03.1": _extents,
    "03.2": lambda rng: case(2 * rng.randint(0, 30) + 1),
    "03.3": _sizes,
    "03.12": lambda rng: case(
        (rng.randint(1, 2), 3, rng.randint(7, 60), rng.randint(7, 60))
    ),
    "03.13": lambda rng: case(rng.randint(1, 12), rng.randint(1, 9)),
}


def _expression(text, values):
    """The value of "bw + cx" for these values of the letters."""
    total = 0
    for term in text.split("+"):
        product = 1
        for letter in term.replace(" ", ""):
            product *= values[letter]
        total += product
    return total


@cache
def _wanted(number):
    """Many inputs of an exercise, each with what the reference makes of it."""
    exercise, rng = exercises()[number], random.Random(number)
    count = _FEW if number in _NETWORKS else _INPUTS
    inputs = [INPUTS[number](rng) for _ in range(count)]
    return [(each, exercise.run(exercise.reference, each)) for each in inputs]


def _is_right(number, candidate):
    """Whether a candidate does what the reference does, whatever the check says."""
    exercise, rng = exercises()[number], random.Random(number)
    if number == "02.1":
        values = {letter: rng.randint(2, 10**6) for letter in "abcdefghijklwxyzs"}
        return all(
            candidate[name].strip()
            and _expression(candidate[name], values) == _expression(wanted, values)
            for name, wanted in exercise.reference.items()
        )
    if exercise.is_answer:  # right in another way of writing is right
        return all(
            exercise.normal(candidate[name]) == exercise.normal(wanted)
            for name, wanted in exercise.reference.items()
        )
    for each, expected in _wanted(number):
        try:
            got = exercise.run(candidate, each)
        except Exception:
            return False
        if not exercise.same(got, expected):
            return False
    return True


def test_every_function_exercise_has_inputs_of_its_own():
    functions = {n for n, e in exercises().items() if not e.is_answer}
    assert functions == INPUTS.keys()


@pytest.mark.parametrize("number", exercises())
def test_inputs_are_those_the_exercise_is_meant_for(number):
    assert _is_right(number, exercises()[number].reference)


@pytest.mark.parametrize("number", exercises())
def test_no_mutant_passes(number):
    survivors, rejected = [], 0
    for source in mutants.mutants(mutants.SOLUTIONS[number]):
        candidate = mutants.run(number, source)
        if not check(number, candidate).passed:
            rejected += 1
        elif not _is_right(number, candidate):
            survivors.append(source)
    assert not survivors, "wrong, and passed:\n\n" + "\n\n".join(survivors)
    assert rejected >= _LEAST[exercises()[number].is_answer]


def test_a_weak_check_is_found(monkeypatch):
    """The search itself: with only square cases a mutant of 02.4 gets through."""
    square = case(torch.arange(16.0).view(4, 4), torch.ones(2, 2))
    weak = engine.Exercise(
        "02.4", "", exercises()["02.4"].reference, {}, (), cases=lambda: [square]
    )
    monkeypatch.setitem(engine._registry, "02.4", weak)
    with pytest.raises(AssertionError, match="wrong, and passed"):
        test_no_mutant_passes("02.4")
