"""Processes that train together, forked from one that has imported torch.

Started by test_training_ranks.py with a folder; leaves there what the test looks at.
The environment of each is what torchrun gives it.
"""

import json
import os
import socket
import sys
from pathlib import Path

import torch
from torch import nn
from torch.optim import SGD

from helpers.data import Batches
from helpers.training import Options, checkpoints, divide_at, fit, ranks
from helpers.training.__main__ import main as command

N = 101  # images: no number of processes here divides it
EQUAL = 102  # and these all do


class Logged(nn.Sequential):
    """A network that writes down which images it learned from."""

    def __init__(self, *layers):
        super().__init__(*layers)
        self.seen = []

    def forward(self, x):
        if self.training:
            self.seen += (x[:, 0, 0, 0] * N).round().int().tolist()
        return super().forward(x)


def build(norm=False):
    torch.manual_seed(0)
    extra = [nn.BatchNorm2d(4), nn.Dropout(0.2)] if norm else []
    return Logged(
        nn.Conv2d(1, 4, 3), *extra, nn.ReLU(), nn.Flatten(), nn.Linear(144, 3)
    )


def data(count):
    generator = torch.Generator().manual_seed(1)
    images = torch.randn(count, 1, 8, 8, generator=generator)
    labels = (images[:, 0, :4].sum((1, 2)) > 0).long()
    images[:, 0, 0, 0] = torch.arange(count) / N  # which one it is
    return images, labels


def train(world, epochs=2, norm=False, batch=36, count=N, **options):
    """Train a small network on this process's share; (network, history)."""
    network, (images, labels) = build(norm), data(count)
    share = {"ranks": (ranks.rank(), world)}
    history = fit(
        network,
        Batches(images, labels, batch // world, **share),
        Batches(images, labels, batch // world, shuffle=False, **share),
        epochs=epochs,
        optimizer=lambda p: SGD(p, lr=0.05, momentum=0.9),
        schedule=divide_at(3),
        options=Options(**options),
        progress=False,
    )
    return network, history


def report(name, folder, network, history):
    """Leave what one process of a run found."""
    state = {
        "weights": network.state_dict(),
        "gradients": [p.grad for p in network.parameters()],
        "rows": [row[:6] for row in history.rows],
        "seen": network.seen,
        "random": torch.rand(4),
    }
    torch.save(state, folder / f"{name}-{ranks.rank()}.pt")


def plain(folder, world):
    with ranks.joined("cpu"):
        report(f"plain{world}", folder, *train(world, clip=1.0, count=EQUAL))


def saving(folder, world):
    """The first two epochs of four, and all four."""
    write, writers = checkpoints.write, []
    checkpoints.write = lambda *rest: writers.append(1) or write(*rest)
    with ranks.joined("cpu"):
        train(world, norm=True, checkpoint=folder / "two.pt")
        (folder / f"writers-{ranks.rank()}.json").write_text(json.dumps(len(writers)))
        report("whole", folder, *train(world, epochs=4, norm=True))


def going_on(folder, world):
    # A copy each, as the last epoch is written to it.
    path = folder / f"from-two-{world}.pt"
    with ranks.joined("cpu"):
        settings = {"checkpoint": path, "resume": True}
        report(f"on{world}", folder, *train(world, epochs=4, norm=True, **settings))


def by_command(folder, world):
    words = "lenet5 --data digits --epochs 1 --device cpu --threads 1 --batch-size 64"
    files = [f"--record={folder}/record.json", f"--checkpoint={folder}/lenet5.pt"]
    assert command([*words.split(), *files]) == 0


def refusing(folder, world):
    with ranks.joined("cpu"):
        try:
            train(world=1)
        except ValueError as problem:
            (folder / f"refused-{ranks.rank()}.txt").write_text(str(problem))
    words = "lenet5 --data digits --device cpu --batch-size"
    assert command([*words.split(), "65"]) == 1


def together(scene, folder, world):
    """Fork so many processes, and wait for all."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    children = []
    for rank in range(world):
        child = os.fork()
        if child == 0:
            os.environ |= {
                "RANK": str(rank),
                "LOCAL_RANK": str(rank),
                "WORLD_SIZE": str(world),
                "LOCAL_WORLD_SIZE": str(world),
                "MASTER_ADDR": "127.0.0.1",
                "MASTER_PORT": str(port),
            }
            code = 1
            try:
                for number, name in ((1, "out"), (2, "err")):
                    path = folder / f"{scene.__name__}{world}-{rank}.{name}"
                    os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), number)
                scene(folder, world)
                code = 0
            except BaseException:
                sys.excepthook(*sys.exc_info())
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
        children.append(child)
    codes = [os.waitpid(child, 0)[1] for child in children]
    if any(codes):
        for path in folder.glob(f"{scene.__name__}*.err"):
            print(path.name, path.read_text(), file=sys.stderr)
        sys.exit(f"{scene.__name__} with {world} processes failed")


def main(folder):
    import torch._dynamo  # a second; the first optimizer imports it

    torch.set_num_threads(1)  # a process with threads must not fork
    for world in (1, 2, 3):
        together(plain, folder, world)
    together(saving, folder, 2)
    for world in (1, 2, 3):
        saved = (folder / "two.pt").read_bytes()
        (folder / f"from-two-{world}.pt").write_bytes(saved)
        together(going_on, folder, world)
    together(by_command, folder, 2)
    together(refusing, folder, 2)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
