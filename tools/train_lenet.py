"""Train LeNet-5, and say how well it reads digits it has never seen.

python -m tools.train_lenet                       scikit-learn's digits: no download
python -m tools.train_lenet --data mnist          MNIST, after `make data`
python -m tools.train_lenet --data mnist --epochs 8 --threads 2
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from helpers.data import Batches, DataError, load
from helpers.device import best_device, describe_device
from helpers.networks import lenet5
from helpers.training import divide_at, evaluate, fit


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, test, print; 1 when the data cannot be had."""
    options = _options().parse_args(arguments)
    if options.threads:
        torch.set_num_threads(options.threads)
    device = torch.device(options.device or best_device())
    try:
        data = load(options.data, device, options.folder, size=32, stand_in=False)
    except (FileNotFoundError, DataError) as error:
        print(error, file=sys.stderr)
        return 1

    torch.manual_seed(options.seed)
    network = lenet5().to(device)
    train = Batches(*data.train, options.batch, seed=options.seed)
    test = Batches(*data.test, 1000, shuffle=False)
    optimizer = torch.optim.SGD(network.parameters(), lr=options.rate, momentum=0.9)
    drops = sorted({round(options.epochs * part) for part in (0.6, 0.85)} - {0})
    start = time.perf_counter()
    history = fit(
        network,
        train,
        test,
        epochs=options.epochs,
        optimizer=optimizer,
        schedule=divide_at(*drops),
        progress=not options.quiet,
    )
    seconds = time.perf_counter() - start
    if not options.quiet:
        print(history.table())
    accuracy = evaluate(network, test).accuracy
    print(
        f"{data.title}: test accuracy {accuracy:.2%} after {len(history.rows)} epochs "
        f"in {seconds:.0f} s on {describe_device(device)}"
    )
    return 0


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tools.train_lenet", description="Train LeNet-5."
    )
    parser.add_argument("--data", choices=("mnist", "digits"), default="digits")
    parser.add_argument("--folder", type=Path, help="where the downloads lie")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--batch", type=int, default=64, help="images in a batch")
    parser.add_argument("--rate", type=float, default=0.05, help="learning rate")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", help="the best there is, unless given")
    parser.add_argument("--threads", type=int, help="of the CPU")
    parser.add_argument("--quiet", action="store_true", help="only the last line")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
