"""Time what a lesson makes people wait for, on this computer and in one run.

    python -m tools.bench                    everything
    python -m tools.bench --only explorers   one part of it

Where there is a bar, a row ends in ok or over; the exit status is 1 when one is over.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import ipywidgets
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from helpers import widgets
from helpers.convolution import conv2d, conv2d_loops
from helpers.data import Batches, photograph, to_grey
from helpers.networks import cifar_resnet, lenet5
from helpers.training import fit

IMPORT_BAR = 500.0  # milliseconds that `import helpers` may add to `import torch`
REDRAW_BAR = 100.0  # milliseconds from a slider's move to the new picture
PROCESSES, MOVES = 5, 20
SIZE = (128, 192)  # of the picture that is convolved: (H, W)

# In a process of its own: prints what each further import takes, in milliseconds.
_TIME_IMPORTS = """
import importlib, json, sys, time
times = []
for names in json.loads(sys.argv[1]):
    begin = time.perf_counter()
    for name in names:
        importlib.import_module(name)
    times.append(1000 * (time.perf_counter() - begin))
print(json.dumps(times))
"""


@dataclass(frozen=True)
class Row:
    """One measurement: a median in milliseconds, and what it is held against."""

    part: str
    what: str
    median: float
    bar: float | None = None
    remark: str = ""

    @property
    def is_over(self) -> bool:
        """Whether the bar is missed."""
        return self.bar is not None and self.median > self.bar

    def __str__(self) -> str:
        bar = "" if self.bar is None else f"{self.bar:.0f} ms"
        verdict = self.remark if self.bar is None else "over" if self.is_over else "ok"
        text = f"{self.part:<12} {self.what:<36} {self.median:>11.3f} ms {bar:>8}"
        return f"{text}  {verdict}".rstrip()


def imports() -> Iterator[Row]:
    """What the helpers add to `import torch`; a lesson's modules, for comparison."""
    steps = {
        "torch": ["torch"],
        "helpers, after torch": ["helpers"],
        "and helpers.convolution, .device": ["helpers.convolution", "helpers.device"],
        "and helpers.data": ["helpers.data"],
        "and .exercises, .plots, .widgets": [
            "helpers.exercises",
            "helpers.plots",
            "helpers.widgets",
        ],
    }
    command = [sys.executable, "-c", _TIME_IMPORTS, json.dumps(list(steps.values()))]
    runs = [
        json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
        for _ in range(PROCESSES)
    ]
    for what, times in zip(steps, zip(*runs)):
        bar = IMPORT_BAR if what.startswith("helpers") else None
        yield Row("imports", what, statistics.median(times), bar)


def convolution() -> Iterator[Row]:
    """The loop over pixels, the loop over taps, and PyTorch, on one channel."""
    image = to_grey(photograph("monument", SIZE[0]))  # (H, W)
    kernel = torch.ones(3, 3) / 9

    def by_torch(image: Tensor, kernel: Tensor) -> Tensor:
        return functional.conv2d(image[None, None], kernel[None, None])[0, 0]

    assert image.shape == SIZE
    forms = {
        "conv2d_loops": (conv2d_loops, 3),
        "conv2d, shift and add": (conv2d, 100),
        "torch.nn.functional.conv2d": (by_torch, 100),
    }
    medians = {
        what: _median(lambda form=form: form(image, kernel), times)
        for what, (form, times) in forms.items()
    }
    fast = medians["conv2d, shift and add"]
    for what, median in medians.items():
        ratio = "" if median == fast else f"{median / fast:.2f} × shift and add"
        yield Row("convolution", what, median, remark=ratio)


def explorers() -> Iterator[Row]:
    """Each explorer's redraw after a control has moved."""
    generator = torch.Generator().manual_seed(0)
    true = torch.linspace(0, 10, 60)
    noisy = true + 0.6 * torch.randn(60, generator=generator)
    signal, weights = noisy[:12], torch.tensor([0.01, 0.01, 0.02, 0.02, 0.04, 0.4, 0.5])
    step = torch.tensor([[0.0, 0, 0, 9, 9, 9]] * 5)
    kernel = torch.tensor([[-1.0, 0, 1]] * 3)
    makers: dict[str, Callable[[], widgets.base.Explorer]] = {
        "sliding_window": lambda: widgets.sliding_window(signal, weights),
        "weight_chooser": lambda: widgets.weight_chooser(noisy, true),
        "kernel_explorer": lambda: widgets.kernel_explorer(to_grey(photograph())),
        "window_explorer": lambda: widgets.window_explorer(
            step, kernel, conv2d(step, kernel)
        ),
        "size_explorer": widgets.size_explorer,
        "field_explorer": widgets.field_explorer,
        "map_explorer": lambda: widgets.map_explorer(
            lenet5(), torch.randn(9, 1, 32, 32, generator=generator), list(range(9))
        ),
        "pool_explorer": lambda: widgets.pool_explorer(step),
    }
    missing = set(widgets.__all__) - set(makers)
    if missing:
        raise SystemExit(f"tools/bench.py does not time {', '.join(sorted(missing))}")
    for name, make in makers.items():
        yield Row("explorers", f"{name}, redraw", _redraw(make()), REDRAW_BAR)


def _redraw(explorer: widgets.base.Explorer) -> float:
    """Median time of a move, all sliders and boxes in turn."""
    controls = list(_numbers(explorer))
    times, drawn = [], 0
    for move in range(MOVES):
        control = controls[move % len(controls)]
        value, before = _elsewhere(control), explorer.picture.value
        begin = time.perf_counter()
        control.value = value
        times.append(1000 * (time.perf_counter() - begin))
        drawn += explorer.picture.value != before
    assert drawn > MOVES / 2, f"{drawn} of {MOVES} moves changed the picture"
    return statistics.median(times)


_NUMBERS = (ipywidgets.IntSlider, ipywidgets.FloatSlider, ipywidgets.FloatText)


def _numbers(widget: ipywidgets.Widget) -> Iterator[ipywidgets.Widget]:
    """The sliders and boxes inside a widget, in reading order."""
    if isinstance(widget, _NUMBERS):
        yield widget
    for child in getattr(widget, "children", ()):
        yield from _numbers(child)


def _elsewhere(control: ipywidgets.Widget) -> float:
    """A neighbour of the control's value, from the start again after the end."""
    if isinstance(control, ipywidgets.FloatText):
        return control.value + 1
    step = control.step if isinstance(control, ipywidgets.IntSlider) else 0.1
    further = control.value + step
    return further if further <= control.max else control.min


def _median(function: Callable[[], object], times: int) -> float:
    function()  # the first call is slower
    found = []
    for _ in range(times):
        begin = time.perf_counter()
        function()
        found.append(1000 * (time.perf_counter() - begin))
    return statistics.median(found)


class _Pictures(Dataset):
    """CIFAR-10 as torchvision serves it: one PIL image at a time, transformed."""

    def __init__(self, pixels: Tensor, labels: Tensor, transform: Callable) -> None:
        self.pixels, self.labels = pixels.permute(0, 2, 3, 1).numpy(), labels.tolist()
        self.transform = transform

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        image = Image.fromarray(self.pixels[index])
        return self.transform(image), self.labels[index]


def _usual(pixels: Tensor, labels: Tensor, workers: int) -> DataLoader:
    """The usual pipeline: PIL transforms on each image, batches by a DataLoader."""
    from torchvision import transforms

    steps = [
        transforms.RandomCrop(32, padding=4),
        transforms.RandomHorizontalFlip(),
        transforms.ToTensor(),
        transforms.Normalize([0.5] * 3, [0.25] * 3),
    ]
    data = _Pictures(pixels, labels, transforms.Compose(steps))
    return DataLoader(data, batch_size=128, shuffle=True, num_workers=workers)


def _made_up(count: int) -> tuple[Tensor, Tensor, Batches]:
    """Pixels (count, 3, 32, 32) from 0 to 255, labels, and both as `Batches`."""
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (count, 3, 32, 32), generator=generator)
    labels = torch.randint(0, 10, (count,), generator=generator)
    images = (pixels / 255 - 0.5) / 0.25
    batches = Batches(images, labels, 128, augment=True, pad_value=-2.0)
    return pixels.to(torch.uint8), labels, batches


def augmentation() -> Iterator[Row]:
    """Random crop and flip of 5 000 images: per image by PIL, and in batches."""
    pixels, labels, batches = _made_up(5000)
    fast = _median(lambda: [0 for _ in batches], 5)
    yield Row("augment", "Batches, 5000 images", fast)
    for workers in (0, 2):
        loader = _usual(pixels, labels, workers)
        slow = _median(lambda loader=loader: [0 for _ in loader], 3)
        remark = f"{slow / fast:.1f} × Batches"
        yield Row("augment", f"PIL, DataLoader, {workers} workers", slow, remark=remark)


def training() -> Iterator[Row]:
    """An epoch of ResNet-20, fp32, all cores: the usual loop, and fit with Batches.

    In turn, so that a change in the machine's speed meets both.
    """
    pixels, labels, batches = _made_up(1280)
    cores = os.cpu_count() or 1
    loader = _usual(pixels, labels, workers=0)
    usual, fast = [], []
    torch.set_num_threads(cores)
    for _ in range(3):
        usual.append(_seconds(lambda: _usual_epoch(loader)))
        fast.append(_seconds(lambda: _fast_epoch(batches)))
    torch.set_num_threads(1)
    slow, quick = (1000 * statistics.median(times) for times in (usual, fast))
    yield Row("training", f"fit, Batches, {cores} threads", quick)
    remark = f"{slow / quick:.2f} × fit"
    yield Row("training", f"usual loop, {cores} threads", slow, remark=remark)


def _usual_epoch(loader: DataLoader) -> None:
    network = cifar_resnet(20)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
    for images, labels in loader:
        optimizer.zero_grad()
        loss = functional.cross_entropy(network(images), labels)
        loss.backward()
        optimizer.step()


def _fast_epoch(batches: Batches) -> None:
    network = cifar_resnet(20)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
    options = {"progress": False, "channels_last": True}
    fit(network, batches, epochs=1, optimizer=optimizer, **options)


def _seconds(function: Callable[[], object]) -> float:
    begin = time.perf_counter()
    function()
    return time.perf_counter() - begin


PARTS = {
    part.__name__: part
    for part in (imports, convolution, explorers, augmentation, training)
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.bench", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--only", choices=PARTS, metavar="NAME", help=", ".join(PARTS))
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    print(f"PyTorch {torch.__version__}, one thread, medians, {SIZE[0]}×{SIZE[1]} grey")
    print(f"{'part':<12} {'what':<36} {'time':>14} {'bar':>8}")
    over = 0
    for part in [options.only] if options.only else PARTS:
        for row in PARTS[part]():
            print(row, flush=True)
            over += row.is_over
    if over:
        print(f"{over} over the bar")
    return bool(over)


if __name__ == "__main__":
    sys.exit(main())
