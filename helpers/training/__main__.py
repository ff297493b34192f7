"""Train a network by a recipe, on a computer with or without Jupyter.

python -m helpers.training resnet20                     CIFAR-10, after `make data`
python -m helpers.training resnet20 --data shapes       drawn shapes: no download
python -m helpers.training plain56 --recipe lecture --checkpoint plain56.pt --resume
torchrun --nproc-per-node=2 -m helpers.training resnet20     two processes, or GPUs
"""

import argparse
import datetime
import json
import os
import shlex
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from helpers.data import TITLES, DataError, DataSet, load
from helpers.device import best_device, describe_device
from helpers.files import claimed, regular, replaced
from helpers.networks.named import NETWORKS
from helpers.training import ranks
from helpers.training.checkpoints import CheckpointError
from helpers.training.checks import TrainingDivergedError
from helpers.training.history import FORMAT
from helpers.training.recipes import RECIPES, Result, train

TOLD = CheckpointError, DataError, TrainingDivergedError, MemoryError, OSError


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, test, print, record; 1 when that is not possible, 130 after Ctrl+C."""
    private, parser = _parsers()
    options = parser.parse_args(arguments)
    _, words = private.parse_known_args(arguments)
    try:
        with ranks.joined(options.device) as device:
            record = options.record if ranks.rank() == 0 else None
            with claimed(_for_record(record, options.checkpoint)):
                return _run(options, device, words)
    except KeyboardInterrupt:
        return 130
    except (*TOLD, ValueError) as problem:
        who = f"process {os.environ['RANK']}: " if "RANK" in os.environ else ""
        print(f"{who}{problem}", file=sys.stderr)
        return 1


def _run(options: argparse.Namespace, device: torch.device, words: list[str]) -> int:
    if options.threads:
        torch.set_num_threads(options.threads)
    name = options.data or ("mnist" if options.network == "lenet5" else "cifar10")
    size = 32 if name in ("mnist", "digits") else None
    data = load(name, device, options.folder, size=size, stand_in=False)
    names = "epochs", "batch_size", "learning_rate", "bf16", "compiled"
    told = {k: v for k, v in vars(options).items() if k in names and v is not None}
    recipe = replace(RECIPES[options.recipe], **told)
    same = {name: getattr(options, name) for name in ("seed", "checkpoint", "resume")}
    result = train(options.network, data, recipe, **same, progress=not options.quiet)
    rows = result.history.rows
    if ranks.rank() == 0:
        record = _record(options, data, result, words)
        if options.record:
            with replaced(options.record) as part:
                part.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        if rows and not options.quiet:
            print(result.history.table())
        way = " (with mirror images)" if result.mirrored else ""
        cost = f"epochs: {len(rows)}, in {record['seconds']:.1f} s"
        where = f"{record['device']}, processes: {ranks.world()}"
        title = record["data"]["title"]
        print(f"{title}: test accuracy {result.accuracy:.2%}{way}; {cost} on {where}")
    if len(rows) < result.recipe.epochs:
        raise KeyboardInterrupt  # leaves at once: other processes may be gone
    return 0


def _for_record(path: Path | None, checkpoint: Path | None) -> Path | None:
    """The path, if no file of another kind is there."""
    if path and checkpoint and regular(path) == regular(checkpoint):
        raise ValueError(f"{path} cannot be both record and checkpoint; name another")
    if path and regular(path).exists() and (text := path.read_bytes()):
        try:
            if json.loads(text)["format"] == FORMAT:
                return path
        except (ValueError, TypeError, KeyError):
            pass
        raise ValueError(f"{path} is no record of a run and stays; name another file")
    return path


def _record(
    options: argparse.Namespace, data: DataSet, result: Result, words: list[str]
) -> dict[str, Any]:
    """All that one needs in order to understand a run, and to repeat it."""
    start = "python"
    if ranks.world() > 1:  # on each machine, where there are several
        start = f"torchrun --nproc-per-node={os.environ['LOCAL_WORLD_SIZE']}"
    rows, now = result.history.rows, datetime.datetime.now(datetime.UTC)
    return {
        "format": FORMAT,
        "date": now.isoformat(timespec="seconds"),
        "command": f"{start} -m helpers.training {shlex.join(words)}",
        "network": options.network,
        "parameters": sum(p.numel() for p in result.network.parameters()),
        "data": {
            "name": data.name,
            "title": data.title + (f" ({options.note})" if options.note else ""),
            "stand_in_for": data.stand_in,
            "train_images": len(data.train.labels),
            "test_images": len(data.test.labels),
        },
        "recipe": options.recipe,
        "settings": asdict(result.recipe),
        "seed": options.seed,
        "device": describe_device(data.train.images.device),
        "processes": ranks.world(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "finished": len(rows) >= result.recipe.epochs,
        "epochs": [row._asdict() for row in rows],
        "test_accuracy": result.scores.accuracy,
        "test_accuracy_mirrored": result.mirrored and result.mirrored.accuracy,
        "seconds": sum(row.seconds for row in rows),
    }


def _parsers() -> tuple[argparse.ArgumentParser, argparse.ArgumentParser]:
    """Two parsers: of the private options, which a record leaves out, and of all."""
    private = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    add = private.add_argument
    add("--folder", type=Path, help="where the downloads lie, unless in data/")
    add("--checkpoint", type=Path, metavar="FILE", help="written after every epoch")
    add("--resume", action="store_true", help="go on from the checkpoint, if any")
    add("--record", type=Path, metavar="FILE.json", help="write down the whole run")
    add("--note", metavar="TEXT", help="about these images, for the record")
    add("--quiet", action="store_true", help="print only the last line")
    summary, _, examples = __doc__.partition("\n\n")
    parser = argparse.ArgumentParser(
        prog="python -m helpers.training",
        description=summary,
        epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[private],
        allow_abbrev=False,
    )
    add, choice = parser.add_argument, argparse.BooleanOptionalAction
    add("network", nargs="?", default="resnet20", help=NETWORKS)
    add("--data", choices=TITLES, help="unless given, cifar10, or mnist for lenet5")
    add("--recipe", choices=RECIPES, default="fast", help="default: fast")
    add("--epochs", type=_count, metavar="N", help="the recipe's, unless given")
    add("--batch-size", type=_count, metavar="N", help="of all processes together")
    add("--learning-rate", type=float, metavar="RATE", help="the highest")
    add("--seed", type=int, default=0, metavar="N")
    gpus = {f"cuda:{k}" for k in range(torch.cuda.device_count())}
    devices = sorted({"cpu", best_device().type, *gpus})
    add("--device", choices=devices, help="the best there is, unless given")
    add("--threads", type=_count, metavar="N", help="on the CPU")
    add("--bf16", action=choice, help="if the hardware has it; part of fast")
    add("--compile", dest="compiled", action=choice, help="on a GPU; part of fast")
    return private, parser


def _count(text: str) -> int:
    """A whole number from 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1")
    return int(text)


if __name__ == "__main__":
    status = main()
    if "LOCAL_RANK" in os.environ:
        # gloo's threads may still run when Python has ended, which would abort it.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    sys.exit(status)
