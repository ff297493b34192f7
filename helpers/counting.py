"""What a network costs, layer by layer: shapes, parameters, multiply-adds.

Counted on PyTorch's meta device, whose tensors have a shape and no contents: VGG costs
milliseconds and no memory. Needs no Jupyter.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.utils.flop_counter import FlopCounterMode

from helpers.display import columns

HEAD = ("layer", "type", "output", "weights", "biases", "multiply-adds", "activations")


@dataclass(frozen=True)
class Layer:
    """One layer of a table; all numbers are for one image.

    ``output`` is the shape without the batch: (K, H2, W2), or (features,).
    """

    name: str
    type: str
    output: tuple[int, ...]
    weights: int
    biases: int
    multiply_adds: int

    @property
    def parameters(self) -> int:
        """Weights and biases."""
        return self.weights + self.biases

    @property
    def activations(self) -> int:
        """Numbers that the layer puts out; training keeps them for the way back."""
        return math.prod(self.output) if self.output else 0

    @property
    def size(self) -> str:
        """The output's shape as it is written: K×H2×W2."""
        return "×".join(map(str, self.output))


def _sum(name: str) -> property:
    return property(lambda table: sum(getattr(row, name) for row in table.rows))


@dataclass(frozen=True)
class LayerTable:
    """The layers of a network in the order in which they computed, and their sums."""

    rows: tuple[Layer, ...]

    # Sums over all layers, for one image.
    weights = _sum("weights")
    biases = _sum("biases")
    parameters = _sum("parameters")
    multiply_adds = _sum("multiply_adds")
    activations = _sum("activations")

    def counted(self) -> LayerTable:
        """The same without layers that have neither parameters nor multiply-adds."""
        return LayerTable(
            tuple(row for row in self.rows if row.parameters or row.multiply_adds)
        )

    def lines(self, activations: bool = False) -> list[tuple[str | int, ...]]:
        """Titles, all rows as they are shown, and the totals; by default 6 columns."""

        def counts(part: Layer | LayerTable) -> tuple[int, ...]:
            return part.weights, part.biases, part.multiply_adds, part.activations

        rows = [(row.name, row.type, row.size, *counts(row)) for row in self.rows]
        lines = [HEAD, *rows, ("total", "", "", *counts(self))]
        return lines if activations else [line[:-1] for line in lines]

    def show(self, activations: bool = False) -> None:
        """Show the table in a notebook: HTML, and plain text in columns.

        ``activations`` adds a column of them.
        """
        from helpers.plots import show_table

        head, *rows = self.lines(activations)
        show_table(head, rows)

    def to_dicts(self) -> list[dict[str, Any]]:
        """One dictionary per layer, without totals: for JSON, or a data frame."""
        return [
            asdict(row) | {"parameters": row.parameters, "activations": row.activations}
            for row in self.rows
        ]

    def to_csv(self, path: str | Path) -> None:
        """Write one line per layer, without totals, under a line of names."""
        rows = [d | {"output": r.size} for d, r in zip(self.to_dicts(), self.rows)]
        with Path(path).open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=list(rows[0]) if rows else [])
            writer.writeheader()
            writer.writerows(rows)

    def __str__(self) -> str:
        return columns([[str(entry) for entry in line] for line in self.lines()])


def layer_table(network: nn.Module, input_size: Sequence[int]) -> LayerTable:
    """Count a network's layers, for one image.

    A layer is a module that holds no others, or that computes or has parameters of its
    own beside those it holds. One that is called twice has two rows; its parameters are
    counted once. One that does not run in the network's present mode (train or eval)
    has none. The network itself is neither changed nor computed with.

    Multiply-adds are those of convolutions and matrix products, half of what
    `torch.utils.flop_counter` counts as operations.

    Args:
        network: from (N, *input_size) to anything.
        input_size: of one image, (C, H, W).

    Raises:
        ValueError: when the network does not take such an image.
    """
    N = 2  # images: batch norm in training refuses one value in each channel
    flops = FlopCounterMode(display=False)
    rows: list[Layer] = []
    running: list[list[int]] = []  # of each call: operations before it, by calls in it
    seen: set[int] = set()  # a parameter that two modules share counts once

    def before(_module: nn.Module, _inputs: object) -> None:
        running.append([flops.get_total_flops(), 0])

    def after(name: str, module: nn.Module, _inputs: object, output: Any) -> None:
        start, inner = running.pop()
        operations = flops.get_total_flops() - start
        if running:
            running[-1][1] += operations
        parameters = dict(module.named_parameters(recurse=False))
        if parameters or operations > inner or not list(module.children()):
            new = {k: p.numel() for k, p in parameters.items() if id(p) not in seen}
            seen.update(map(id, parameters.values()))
            biases = sum(n for kind, n in new.items() if kind.startswith("bias"))
            weights = sum(new.values()) - biases
            work = (operations - inner) // (2 * N)
            kind, shape = type(module).__name__, _shape(output)
            rows.append(Layer(name, kind, shape, weights, biases, work))

    meta = torch.device("meta")
    tensors = {
        name: tensor.detach().to(meta)
        for name, tensor in (*network.named_parameters(), *network.named_buffers())
    }
    with ExitStack() as hooks, torch.no_grad(), meta, flops:
        for name, module in network.named_modules():
            end = partial(after, name or type(network).__name__)
            hooks.enter_context(module.register_forward_pre_hook(before))
            hooks.enter_context(module.register_forward_hook(end))
        try:
            functional_call(network, tensors, (torch.empty(N, *input_size),))
        except RuntimeError as error:
            size = "×".join(map(str, input_size))
            raise ValueError(
                f"the network does not take images of {size}: {error}"
            ) from error
    return LayerTable(tuple(rows))


def _shape(output: Any) -> tuple[int, ...]:
    """Shape of an output without its batch; of the first where there are several."""
    while isinstance(output, tuple | list) and output:
        output = output[0]
    return tuple(output.shape[1:]) if isinstance(output, Tensor) else ()
