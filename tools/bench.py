"""Time what a lesson makes people wait for, on this computer and in one run.

    python -m tools.bench                    everything
    python -m tools.bench --only explorers   one part of it

Where a bar is set, a row ends in ok or over; the exit status is 1 when any is over.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from unittest.mock import patch

import ipywidgets
import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader

from helpers.convolution import conv2d
from helpers.counting import layer_table
from helpers.data import (
    Batches,
    DataSet,
    Split,
    load,
    photograph,
    to_grey,
)
from helpers.device import best_device, describe_device, has_bf16
from helpers.exercises import apart, check, exercises
from helpers.exercises.engine import reference
from helpers.explorers import Explorer
from helpers.networks import googlenet, resnet, vgg
from helpers.training import RECIPES, train
from lessons.l12_practice.pictures import pictures
from tools import build
from tools.published import LISTS, controls_of

IMPORT_BAR = 500.0  # milliseconds that `import helpers` may add to `import torch`
REDRAW_BAR = 100.0  # milliseconds from a slider's move to the new picture
COUNT_BAR = 500.0  # milliseconds for the layer table of any network
COUNT_MEMORY = 20.0  # MiB that it may need meanwhile
CHECK_BARS = 300.0, 2000.0  # milliseconds of an exercise's slowest check: median, most
CLASS = 60  # notebooks that are graded
GRADE_BARS = {1: 180_000.0, 2: 90_000.0}  # milliseconds, by how many at a time
PROCESSES, MOVES = 5, 20
# How many times as fast as the usual loop the recipe "fast" is, on a CPU, at least.
RATIO_BARS = {"fast, fp32": 1.3, "fast, bfloat16": 2.1}
ROUNDS, WARM_STEPS, USUAL_STEPS, FAST_IMAGES = 5, 6, 20, 2560
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

# Likewise: prints how many MiB a layer table of VGG-19, the largest, adds to the peak.
_COUNT_MEMORY = """
import resource, sys, torch
from helpers.counting import layer_table
from helpers.networks import cifar_resnet, vgg
layer_table(cifar_resnet(20), (3, 32, 32))  # what is imported by the first one
network = vgg(19)
unit = 1 if sys.platform == "darwin" else 1024
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20
before = peak()
layer_table(network, (3, 224, 224))
print(peak() - before)
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
        verdict = "" if self.bar is None else "over  " if self.is_over else "ok  "
        verdict += self.remark
        text = f"{self.part:<12} {self.what:<36} {self.median:>11.3f} ms {bar:>8}"
        return f"{text}  {verdict}".rstrip()


def imports() -> Iterator[Row]:
    """What the helpers add to `import torch`; a lesson's modules, for comparison."""
    steps = {
        "torch": ["torch"],
        "helpers, after torch": ["helpers"],
        "and helpers.convolution, .device": ["helpers.convolution", "helpers.device"],
        "and helpers.data": ["helpers.data"],
        "and .exercises, .plots, .explorers": [
            "helpers.exercises",
            "helpers.plots",
            "helpers.explorers",
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
        "conv2d_loops, the lesson's": (reference("02.4"), 3),
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


def counting() -> Iterator[Row]:
    """Layer tables of the networks with the most layers, and with the most weights."""
    networks = {
        "GoogLeNet": googlenet,
        "ResNet-152": lambda: resnet(152),
        "VGG-19": lambda: vgg(19),
    }
    for name, make in networks.items():
        with torch.device("meta"):
            network = make()
        median = _median(lambda network=network: layer_table(network, (3, 224, 224)), 3)
        remark = ""
        if name == "VGG-19" and os.name != "nt":  # Windows does not report it
            command = [sys.executable, "-c", _COUNT_MEMORY]
            run = subprocess.run(command, capture_output=True, check=True)
            remark = f"{float(run.stdout):.1f} MiB more, at most {COUNT_MEMORY:.0f}"
        yield Row("counting", f"layer_table, {name}", median, COUNT_BAR, remark)


def explorers() -> Iterator[Row]:
    """Each explorer's redraw after a control has moved."""
    for lesson in build.lessons():
        for name, make in build.examples_of(lesson).items():
            yield Row("explorers", f"{name}, redraw", _redraw(make()), REDRAW_BAR)


def _redraw(explorer: Explorer) -> float:
    """Median time of a move, all controls in turn."""
    controls, times, drawn = controls_of(explorer), [], 0
    for move in range(MOVES):
        control = controls[move % len(controls)]
        value, before = elsewhere(control), explorer.picture.value
        begin = time.perf_counter()
        control.value = value
        times.append(1000 * (time.perf_counter() - begin))
        drawn += explorer.picture.value != before
    assert drawn > MOVES / 2, f"{drawn} of {MOVES} moves changed the picture"
    return statistics.median(times)


def elsewhere(control: ipywidgets.Widget) -> object:
    """A neighbour of the control's value, from the start again after the end."""
    if isinstance(control, LISTS):
        option = control.options[(control.index + 1) % len(control.options)]
        return option[1] if isinstance(option, tuple) else option
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


def _usual(data: DataSet, workers: int) -> DataLoader:
    """The class's pipeline: PIL transforms on each image, batches by a DataLoader."""
    transform, _ = reference("12.13")(data.mean.tolist(), data.std.tolist())
    return DataLoader(
        pictures(data, True, transform),
        batch_size=128,
        shuffle=True,
        num_workers=workers,
        persistent_workers=workers > 0,
        pin_memory=data.train.images.device.type == "cuda",
    )


def augmentation() -> Iterator[Row]:
    """Random crop and flip of 5 000 images: per image by PIL, and in batches."""
    data = load("shapes", "cpu")
    batches = Batches(*data.train, 128, augment=True, pad_value=data.pad_value)
    fast = _median(lambda: [0 for _ in batches], 5)
    yield Row("augment", "Batches, 5000 images", fast)
    for workers in (0, 2):
        loader = _usual(data, workers)
        slow = _median(lambda loader=loader: [0 for _ in loader], 3)
        remark = f"{slow / fast:.1f} × Batches"
        yield Row("augment", f"PIL, DataLoader, {workers} workers", slow, remark=remark)


def training(full: bool = False) -> Iterator[Row]:
    """ResNet-20 on 1 000 images: the usual loop, and the recipe "fast", all cores.

    In turn, so that a change in the machine's speed affects both.
    """
    device, threads = best_device(), torch.get_num_threads()
    data = load("cifar10", device)
    torch.set_num_threads(os.cpu_count() or 1)
    print(f"ResNet-20, {data.title}, {describe_device(device)}, all cores")
    ways = {"fast, fp32": False}
    if has_bf16(device):
        ways["fast, bfloat16"] = True
    times: dict[str, list[float]] = {way: [] for way in ("usual loop", *ways)}
    usual = _usual_loop(data)
    for _ in range(ROUNDS):
        times["usual loop"].append(next(usual))
        for way, bf16 in ways.items():
            times[way].append(_fast_loop(data, bf16))
    usual.close()  # ends the workers

    medians = {way: statistics.median(values) for way, values in times.items()}
    slow = medians["usual loop"]
    for way, median in medians.items():
        least = RATIO_BARS.get(way) if device.type == "cpu" else None
        remark = "" if way == "usual loop" else f"{slow / median:.2f} × as fast"
        if least:
            remark += f", at least {least}"
        bar = slow / least if least else None
        yield Row("training", f"{way}, 1000 images", median, bar, remark)
    if full:
        yield from _to_accuracy(data)
    torch.set_num_threads(threads)


def _usual_loop(data: DataSet) -> Iterator[float]:
    """The class's network and loop; milliseconds for 1 000 images, again and again."""
    device = data.train.images.device
    loader = _usual(data, min(8, os.cpu_count() or 1))
    network = reference("12.7")(3).to(device)
    optimizer = torch.optim.SGD(
        network.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4
    )
    batches = itertools.chain.from_iterable(itertools.repeat(loader))
    network.train()
    while True:
        # A pause fills the workers' queues: the first steps would be too fast.
        for step in range(USUAL_STEPS + WARM_STEPS):
            if step == WARM_STEPS:
                _wait(device)
                begin = time.perf_counter()
            images, labels = next(batches)
            images, labels = images.to(device), labels.to(device)
            optimizer.zero_grad()
            loss = functional.cross_entropy(network(images), labels)
            loss.backward()
            optimizer.step()
        _wait(device)
        seconds = time.perf_counter() - begin
        yield 1e6 * seconds / (USUAL_STEPS * loader.batch_size)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()
    elif device.type == "mps":
        torch.mps.synchronize()


def _fast_loop(data: DataSet, bf16: bool) -> float:
    """The recipe "fast"; milliseconds for 1 000 images."""
    gpu = data.train.images.device.type != "cpu"
    epochs, count = (6, len(data.train.labels)) if gpu else (2, FAST_IMAGES)
    few = replace(
        data,
        train=Split(*(part[:count] for part in data.train)),
        test=Split(*(part[:1] for part in data.test)),
    )
    recipe = replace(RECIPES["fast"], bf16=bf16)
    rows = train("resnet20", few, recipe, epochs, progress=False).history.rows
    speeds = [row.images_per_second for row in rows]
    return 1e6 / statistics.median(speeds[1:])  # the first has the warm steps


def _to_accuracy(data: DataSet) -> Iterator[Row]:
    """Seconds of training and testing until a given share of the test set is right."""
    device = data.train.images.device
    epochs = 5 if device.type == "cpu" else RECIPES["fast"].epochs
    result = train("resnet20", data, "fast", epochs, progress=False)
    rows = result.history.rows
    for wanted in (0.8, 0.91):
        seconds = 0.0
        what = f"fast, to {wanted:.0%} of {data.title}"
        for row in rows:
            seconds += row.seconds
            if row.test_accuracy >= wanted:
                remark = f"in epoch {row.epoch} of {epochs}"
                yield Row("training", what, 1000 * seconds, remark=remark)
                break
        else:
            best = f"not in {epochs} epochs: {rows[-1].test_accuracy:.2%}"
            yield Row("training", what, 1000 * seconds, remark=best)


def checks() -> Iterator[Row]:
    """From a filled cell to its card: right, with each misconception, with none known.

    As a notebook's kernel does it: in a process of its own, where there may be one.
    """

    def unknown(*_, **__) -> None:
        return None

    times: dict[str, float] = {}
    for number, exercise in exercises().items():
        examples = [wrong.example for wrong in exercise.wrong.values()]
        first = dict.fromkeys(exercise.reference) if exercise.is_answer else unknown
        for example in (first, exercise.reference, *examples):
            if exercise.is_answer:
                example = {**exercise.reference, **example}
            begin = time.perf_counter()
            with patch.object(apart, "shell", return_value=True):
                apart.judged(partial(check, number, example))
            seconds = time.perf_counter() - begin
            times[number] = max(times.get(number, 0.0), 1000 * seconds)
    slowest = max(times, key=times.get)
    middle = statistics.median(times.values())
    yield Row("checks", f"{len(times)} exercises, the median", middle, CHECK_BARS[0])
    yield Row("checks", f"the slowest, {slowest}", times[slowest], CHECK_BARS[1])


def grading() -> Iterator[Row]:
    """A class's notebooks of lesson 03, solved, by one worker and by two."""
    source = build.lessons()[3].targets["solution"]
    with tempfile.TemporaryDirectory(prefix="convnets-bench-") as scratch:
        for jobs in GRADE_BARS:
            folder = Path(scratch, str(jobs))  # another one, as what is graded is kept
            folder.mkdir()
            for number in range(CLASS):
                shutil.copy(source, folder / f"{number:02d}.ipynb")
            command = [sys.executable, "-m", "tools.grade", str(folder)]
            begin = time.perf_counter()
            done = subprocess.run(
                [*command, "--jobs", str(jobs)], capture_output=True, check=True
            )
            seconds = time.perf_counter() - begin
            assert done.stdout.count(b"13 of 13") == CLASS
            what = f"{CLASS} notebooks of 13, {jobs} at a time"
            yield Row("grading", what, 1000 * seconds, GRADE_BARS[jobs])


PARTS = {
    part.__name__: part
    for part in (
        *(imports, checks, convolution, counting),
        *(explorers, augmentation, grading, training),
    )
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.bench", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--only", choices=PARTS, metavar="NAME", help=", ".join(PARTS))
    parser.add_argument(
        "--full", action="store_true", help="also train until 80 and 91 %% are right"
    )
    options = parser.parse_args(arguments)
    parts = {**PARTS, "training": partial(training, options.full)}
    torch.set_num_threads(1)
    print(f"PyTorch {torch.__version__}, one thread, medians, {SIZE[0]}×{SIZE[1]} grey")
    print(f"{'part':<12} {'what':<36} {'time':>14} {'bar':>8}")
    over = 0
    for part in [options.only] if options.only else PARTS:
        for row in parts[part]():
            print(row, flush=True)
            over += row.is_over
    if over:
        print(f"{over} over the bar")
    return bool(over)


if __name__ == "__main__":
    sys.exit(main())
