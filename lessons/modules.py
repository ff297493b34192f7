"""Judging a network by what it computes, whatever its layers are called.

Candidate and reference get the same numbers as parameters, one after the other, and
must then give the same outputs: in evaluation, in training, and in evaluation after
that (where running averages have moved); and the same gradients. An exercise says
``**by_function("NN.6"), shown=on_input`` and has cases such as
``case((2, 1, 32, 32), …)``: the shape of the input, then arguments.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from helpers.exercises.engine import Case, reference
from lessons.observe_networks import MODES, observe

_TOLERANCE = 1e-4
_MOST_KNOWN = 50  # cases; a lambda in one is another each time


class Behaviour:
    """What a network does: shapes of its parameters, and outputs by mode.

    Two are equal when the shapes are the same in order and the outputs agree. A dense
    layer is as good as the convolution whose kernel covers its whole input: of a shape
    only the first number and the product of the others count.

    Args:
        seen: what `lessons.observe_networks.observe` gives. ValueError or TypeError
            where it is something else, which a candidate's process may send.
    """

    def __init__(self, seen: Mapping[str, Any]) -> None:
        self.shapes, self.units = _sizes(seen["shapes"], 2), _sizes(seen["units"], 3)
        self.outputs = {mode: list(seen["outputs"][mode]) for mode in MODES}
        for output in self.outputs.values():
            if not all(isinstance(tensor, Tensor) for tensor in output):
                raise TypeError("outputs of networks are tensors")
        total = sum(map(math.prod, self.shapes))
        shown = [str(tuple(output.shape)) for output in self.outputs["evaluation"]]
        self.words = (
            f"output {' and '.join(shown)}, {len(self.shapes)} parameter tensors "
            f"with {total} numbers"
        )

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Behaviour)
            and list(map(_rows, self.shapes)) == list(map(_rows, other.shapes))
            and not self.differing(other)
        )

    __hash__ = None

    def differing(self, other: Behaviour) -> list[str]:
        """Names of the modes in which the outputs differ."""
        return [
            mode
            for mode, output in self.outputs.items()
            if not _close(output, other.outputs[mode])
        ]

    def __repr__(self) -> str:
        return self.words


def by_function(number: str, scales: Sequence[float] = (1,)) -> dict[str, Callable]:
    """Make ``run`` and ``read`` of an exercise whose candidate makes a network.

    A case holds the shape of the input, then the arguments of the candidate. Parameters
    are matched in the order in which the layers are made; where that does not fit, in
    the order in which they compute, or layers of one shape by trial. The result of a
    candidate that does not match says what is different.

    Args:
        number: of the exercise, whose reference makes a network from the arguments.
        scales: how large the inputs of a batch are, in turn, and again from the start.
    """

    run = partial(observe, scales=tuple(scales))
    # Of the reference, by case. The case is kept, or the address of a function in it
    # could come to be another's.
    known: dict[str, tuple[Case, list[Behaviour]]] = {}

    def wanted_of(each: Case) -> list[Behaviour]:
        key = repr(each)
        if key in known:
            return known[key][1]
        orders = [run(reference(number), each, order=k) for k in (0, 1)]
        wanted = list(map(Behaviour, orders))
        if "tensor" not in key and len(known) < _MOST_KNOWN:  # a tensor's is cut
            known[key] = each, wanted
        return wanted

    def read(ask: Callable[..., Any], each: Case) -> Any:
        wanted = wanted_of(each)
        seen = ask()
        if isinstance(seen, str):
            return f"{seen}, not a network"
        first = Behaviour(seen)
        if first in wanted:
            return wanted[0]
        units = wanted[0].units
        starts = [b.outputs["evaluation"] for b in wanted]
        for position, output in enumerate(ask(units=units, order=None), 1):
            fits = any(_close(output, start) for start in starts)
            if fits and Behaviour(ask(units=units, order=position)) in wanted:
                return wanted[0]
        first.words = _difference(first, wanted[0])
        return first

    return {"run": run, "read": read}


def on_input(name: str, each: Case) -> str:
    """Write a case for the card: ``Block(16, 32) on an input (2, 16, 8, 8)``."""
    inner = Case(each.args[1:], each.kwargs).shown(name)
    return f"{inner} on an input {tuple(each.args[0])}"


def _sizes(found: Any, depth: int) -> Any:
    """Whole numbers in tuples in tuples, so deep; anything else raises."""
    if depth:
        if not isinstance(found, tuple | list):
            raise TypeError("shapes are tuples")
        return tuple(_sizes(each, depth - 1) for each in found)
    if type(found) is not int or found < 0:
        raise ValueError("shapes have whole numbers")
    return found


def _rows(shape: tuple[int, ...]) -> tuple[int, ...]:
    """(K, D1, F, F) → (K, D1·F·F)."""
    return shape[:1] + ((math.prod(shape[1:]),) if len(shape) > 1 else ())


def _close(got: list[Tensor], expected: list[Tensor]) -> bool:
    return len(got) == len(expected) and all(
        a.shape == b.shape and torch.allclose(a, b, _TOLERANCE, _TOLERANCE)
        for a, b in zip(got, expected)
    )


def _difference(got: Behaviour, expected: Behaviour) -> str:
    """What a learner can act on: shapes first, then outputs."""
    for position, (a, b) in enumerate(zip(got.shapes, expected.shapes), 1):
        if _rows(a) != _rows(b):
            return (
                f"{got.words}; number {position} in order has the shape {a} and "
                f"should have {b}"
            )
    here, wanted = len(got.shapes), len(expected.shapes)
    if here != wanted:
        extra = (got.shapes[wanted:] or expected.shapes[here:])[:5]
        what = "too much" if here > wanted else "missing"
        return f"{got.words}; {what}: {', '.join(map(str, extra))}"
    modes = expected.differing(got)
    if modes[0] == "gradient":
        return f"{got.words}; other gradients: does detach, no_grad or .data cut them?"
    first = got.outputs[modes[0]], expected.outputs[modes[0]]
    shapes = [[tuple(t.shape) for t in output] for output in first]
    if shapes[0] != shapes[1]:
        return got.words
    return f"{got.words}; other numbers in {modes[0]}, with the same parameters"
