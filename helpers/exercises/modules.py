"""Judging a network by what it computes, whatever its layers are called.

Candidate and reference get the same numbers as parameters, one after the other, and
must then give the same outputs: in evaluation, in training, and in evaluation after
that (where running averages have moved). For ``Exercise(run=…)``::

    Exercise(
        "NN.6",
        "LeNet-5",
        cases=lambda: [case((2, 1, 32, 32)), …],  # shape of the input, then arguments
        run=by_function("NN.6"),
        shown=on_input,
        …
    )
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from helpers.exercises.engine import Case, reference

_TOLERANCE = 1e-4
_SHAPES = 5  # shown in a row on a card
# The CPU's alone: torch.manual_seed would seed a GPU too, whose random state nobody
# keeps here, and where none has been used it takes 2 ms.
_SEEDED = torch.random.default_generator

Shapes = tuple[tuple[int, ...], ...]


class Behaviour:
    """What a network does: shapes of its parameters, and outputs by mode.

    Two are equal when the shapes are the same in order and the outputs agree. A dense
    layer is as good as the convolution whose kernel covers its whole input: of a shape
    only the first number and the product of the others count.
    """

    def __init__(
        self, shapes: Shapes, outputs: dict[str, Any], words: str = ""
    ) -> None:
        self.shapes, self.outputs, self.words = shapes, outputs, words

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
            if not _close(output, other.outputs.get(mode))
        ]

    def __repr__(self) -> str:
        return self.words


def by_function(
    number: str, scales: Sequence[float] = (1,)
) -> Callable[[Any, Case], Any]:
    """Make the ``run`` of an exercise whose candidate is a class or makes a network.

    A case holds the shape of the input, then the arguments of the candidate. Parameters
    are matched in the order in which the layers are made; where that does not fit, in
    the order in which they compute. The result of a candidate that does not match says
    what is different.

    Args:
        number: of the exercise, whose reference makes a network of the arguments.
        scales: how large the inputs of a batch are, one after the other, over again.
    """

    known: dict[str, list[Behaviour]] = {}  # of the reference, by case

    def run(candidate: Any, each: Case) -> Any:
        shape, *arguments = each.args
        with torch.random.fork_rng(devices=[]):
            wanted = known.get(key := repr(each))
            if wanted is None:
                network = reference(number)(*arguments, **each.kwargs)
                wanted = _behaviours(network, shape, scales)
                if _is_plain((each.args, dict(each.kwargs))):
                    known[key] = wanted
            if candidate is reference(number):
                return wanted[0]
            _SEEDED.manual_seed(0)
            network = Case(tuple(arguments), each.kwargs).call(candidate)
            if not isinstance(network, nn.Module):
                return f"{type(network).__name__}, and no network"
            found = _behaviours(network, shape, scales)
        for got in found:
            for expected in wanted:
                if got == expected:
                    return wanted[0]
        got, expected = found[0], wanted[0]
        got.words = _difference(got, expected)
        return got

    return run


def _is_plain(value: Any) -> bool:
    """Whether a value is told from all others by how it is written."""
    if isinstance(value, dict):
        value = (*value, *value.values())
    if isinstance(value, tuple | list):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, bool | int | float | str)


def on_input(name: str, each: Case) -> str:
    """Write a case for the card: ``Block(16, 32) on an input (2, 16, 8, 8)``."""
    inner = Case(each.args[1:], each.kwargs).shown(name)
    return f"{inner} on an input {tuple(each.args[0])}"


def _behaviours(
    network: nn.Module, shape: Sequence[int], scales: Sequence[float]
) -> list[Behaviour]:
    """How a network behaves, its parameters filled in two orders."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(*shape, generator=generator)
    for position, image in enumerate(images):
        image *= scales[position % len(scales)]
    network.to(torch.float32)
    used = _order_of_use(network, images)
    made = list(network.modules())
    orders = [made] if used == made else [made, used]
    return [_behaviour(network, modules, images) for modules in orders]


def _order_of_use(network: nn.Module, images: Tensor) -> list[nn.Module]:
    """All modules, in the order in which they compute; unused ones last."""
    used: dict[nn.Module, None] = {}
    handles = [
        module.register_forward_pre_hook(lambda m, _: used.setdefault(m))
        for module in network.modules()
    ]
    try:
        with torch.no_grad():
            network.eval()(images)  # creates the parameters of lazy layers, too
    finally:
        for handle in handles:
            handle.remove()
    return list(used | dict.fromkeys(network.modules()))


def _behaviour(
    network: nn.Module, modules: Iterable[nn.Module], images: Tensor
) -> Behaviour:
    modules = list(modules)
    parameters = _each_once(p for m in modules for p in m.parameters(recurse=False))
    buffers = _each_once(b for m in modules for b in m.buffers(recurse=False))
    _fill(parameters, buffers)
    outputs = {}
    with torch.no_grad():
        for name, training in (
            ("evaluation", False),
            ("training", True),
            ("evaluation after training", False),
        ):
            _SEEDED.manual_seed(0)  # dropout zeroes the same elements
            outputs[name] = _flat(network.train(training)(images.clone()))
    shapes = tuple(tuple(p.shape) for p in parameters)
    total = sum(p.numel() for p in parameters)
    shown = [str(tuple(output.shape)) for output in outputs["evaluation"]]
    words = (
        f"output {' and '.join(shown)}, {len(shapes)} parameter tensors "
        f"with {total} numbers"
    )
    return Behaviour(shapes, outputs, words)


def _rows(shape: tuple[int, ...]) -> tuple[int, ...]:
    """(K, D1, F, F) → (K, D1·F·F)."""
    return shape[:1] + ((math.prod(shape[1:]),) if len(shape) > 1 else ())


def _each_once(tensors: Iterable[Tensor]) -> list[Tensor]:
    return list({id(tensor): tensor for tensor in tensors}.values())


def _fill(parameters: Iterable[Tensor], buffers: Iterable[Tensor]) -> None:
    """Same numbers in the same place, for any network with the same shapes."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for p in parameters:
            inputs = p[0].numel() if p.ndim > 1 else 1
            numbers = torch.randn(p.shape, generator=generator)
            p.copy_(numbers / max(inputs, 1) ** 0.5)
        for b in buffers:
            if b.is_floating_point():  # running mean and variance: positive
                b.copy_(0.5 + torch.rand(b.shape, generator=generator))


def _flat(output: Any) -> list[Tensor]:
    """The tensors of an output, also of a network with several."""
    if isinstance(output, Tensor):
        return [output]
    if isinstance(output, tuple | list):
        return [tensor for each in output for tensor in _flat(each)]
    raise TypeError(f"forward gives {type(output).__name__} and should give a tensor")


def _close(got: list[Tensor], expected: list[Tensor] | None) -> bool:
    return (
        expected is not None
        and len(got) == len(expected)
        and all(
            a.shape == b.shape and torch.allclose(a, b, _TOLERANCE, _TOLERANCE)
            for a, b in zip(got, expected)
        )
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
        extra = (got.shapes[wanted:] or expected.shapes[here:])[:_SHAPES]
        what = "too much" if here > wanted else "missing"
        return f"{got.words}; {what}: {', '.join(map(str, extra))}"
    modes = expected.differing(got)
    first = got.outputs[modes[0]], expected.outputs[modes[0]]
    shapes = [[tuple(t.shape) for t in output] for output in first]
    if shapes[0] != shapes[1]:
        return got.words
    return f"{got.words}; other numbers in {modes[0]}, with the same parameters"
