"""Trains in forks of one process, which has imported torch, and kills them.

Started by test_training.py with a folder and a number of kills; prints one JSON line.
Each run is killed with SIGKILL at a random moment, then run again with resume=True
until it ends by itself.
"""

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn

from helpers.training import Options, divide_at, fit

EPOCHS = 12
N, CLASSES = 192, 3


class Shuffled:
    """Batches whose order and noise come from three generators of random numbers."""

    def __init__(self, size=16):
        generator = torch.Generator().manual_seed(1)
        self.images = torch.randn(N, 1, 8, 8, generator=generator)
        self.labels = torch.randint(CLASSES, (N,), generator=generator)
        for label in range(CLASSES):
            self.images[self.labels == label, :, label * 2] += 1.5
        self.size, self.epoch = size, None

    def __len__(self):
        return -(-N // self.size)

    def set_epoch(self, epoch):
        self.epoch = epoch

    def __iter__(self):
        order = torch.randperm(N)
        for start in range(0, N, self.size):
            at = order[start : start + self.size]
            noise = 0.1 * torch.randn(()) + 0.1 * np.random.rand() + random.random()
            yield self.images[at] + 0.01 * noise, self.labels[at]


def build():
    """A network with all that carries a state, from a fixed seed."""
    torch.manual_seed(0)
    random.seed(0)
    np.random.seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.Flatten(),
        nn.Dropout(0.3),
        nn.Linear(144, CLASSES),
    )


def train(folder, epochs=EPOCHS, **settings):
    """Train to the end, or go on; the network and its history."""
    network, batches = build(), Shuffled()
    optimizer = settings.pop("optimizer", None)
    options = {"checkpoint": folder / "run.pt", "resume": True, **settings}
    history = fit(
        network,
        batches,
        batches,
        epochs,
        optimizer,
        divide_at(4, 8),
        Options(**options),
        progress=False,
    )
    return network, history


def same(a, b):
    """Whether two state dicts are equal, bit for bit."""
    return list(a) == list(b) and all(torch.equal(a[name], b[name]) for name in a)


def _fork(folder):
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        network, _ = train(folder)
        torch.save(network.state_dict(), folder / "weights.pt")
        code = 0
    finally:
        os._exit(code)


def main(folder, kills):
    import torch._dynamo  # a second; the first optimizer imports it

    torch.set_num_threads(1)  # a process with threads must not fork
    start = time.perf_counter()
    whole = folder / "whole"
    whole.mkdir()
    assert os.waitpid(_fork(whole), 0)[1] == 0
    whole_seconds = time.perf_counter() - start
    expected = torch.load(whole / "weights.pt")
    moments = random.Random(20)
    report = {"kills": 0, "epochs": [], "same": [], "left": []}
    for number in range(3 * kills):
        place = folder / str(number)
        place.mkdir()
        child = _fork(place)
        time.sleep(moments.uniform(0, whole_seconds))
        os.kill(child, signal.SIGKILL)  # a zombie until it is waited for
        if not os.WIFSIGNALED(os.waitpid(child, 0)[1]):
            continue  # it was faster
        report["kills"] += 1
        saved = place / "run.pt"
        history = torch.load(saved)["history"] if saved.exists() else "[]"
        report["epochs"].append(len(json.loads(history)))
        assert os.waitpid(_fork(place), 0)[1] == 0
        report["same"].append(same(torch.load(place / "weights.pt"), expected))
        report["left"] += [path.name for path in place.glob("*.part")]
        if report["kills"] == kills:
            break
    print(json.dumps(report))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
