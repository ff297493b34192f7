"""Train a network by a recipe, on a computer with or without Jupyter.

python -m helpers.training resnet20                     CIFAR-10, after `make data`
python -m helpers.training resnet20 --data shapes       drawn shapes: no download
python -m helpers.training plain56 --recipe lecture --checkpoint plain56.pt --resume
torchrun --nproc-per-node=2 -m helpers.training resnet20     two processes, or GPUs
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import shlex
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from helpers.data import STAND_INS, TITLES, DataError, DataSet, load
from helpers.device import best_device, describe_device
from helpers.training import ranks
from helpers.training.checkpoints import CheckpointError
from helpers.training.checks import TrainingDivergedError
from helpers.training.history import History
from helpers.training.recipes import NETWORKS, RECIPES, Result, build, train
from helpers.training.records import FORMAT, public_command

INTERRUPTED = 130  # the exit status of what Ctrl+C stopped
TOLD = (CheckpointError, DataError, TrainingDivergedError, MemoryError, OSError)


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, test, print, record; 1 when that is not possible, 130 after Ctrl+C."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.resume and options.checkpoint is None:
        parser.error("--resume needs --checkpoint FILE")
    try:
        with ranks.joined(options.device) as device:
            return _run(options, device or best_device(), arguments)
    except (*TOLD, ValueError) as problem:
        several = int(os.environ.get("WORLD_SIZE", 1)) > 1
        who = f"process {os.environ.get('RANK')}: " if several else ""
        print(f"{who}{problem}", file=sys.stderr)
        return 1


def _run(
    options: argparse.Namespace,
    device: torch.device,
    arguments: Sequence[str] | None,
) -> int:
    first = ranks.rank() == 0
    if options.threads:
        torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    network = build(options.network)
    name = options.data or ("mnist" if options.network == "lenet5" else "cifar10")
    size = 32 if name in ("mnist", "digits") else None
    try:
        data = load(name, device, options.folder, size=size)
    except FileNotFoundError as problem:
        substitute = next(key for key, value in STAND_INS.items() if value == name)
        hint = f"Here: --data {substitute}, or --folder where the downloads lie."
        raise FileNotFoundError(f"{problem} {hint}") from None
    if options.record and first:
        _write(options.record, None)

    result = train(
        network,
        data,
        options.recipe,
        options.epochs,
        batch_size=options.batch_size,
        learning_rate=options.learning_rate,
        bf16=options.bf16,
        compiled=options.compile,
        seed=options.seed,
        checkpoint=options.checkpoint,
        resume=options.resume,
        progress=not options.quiet,
    )
    if first:
        words = sys.argv[1:] if arguments is None else arguments
        record = _record(options, data, result, words)
        if options.record:
            _write(options.record, record)
        if not options.quiet and result.history.rows:
            print(result.history.table())
        print(_told(result, record))
    if len(result.history.rows) < result.recipe.epochs:
        raise SystemExit(INTERRUPTED)  # at once: other processes may wait for this one
    return 0


def _record(
    options: argparse.Namespace, data: DataSet, result: Result, words: Sequence[str]
) -> dict[str, Any]:
    """All that one needs to know of a run, and to do it again."""
    device = data.train.images.device
    history: History = result.history
    start = "python -m helpers.training"
    if ranks.world() > 1:  # of each machine's processes, where there are several
        here = os.environ["LOCAL_WORLD_SIZE"]
        start = f"torchrun --nproc-per-node={here} -m helpers.training"
    return {
        "format": FORMAT,
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "command": public_command(f"{start} {shlex.join(words)}"),
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
        "device": describe_device(device),
        "processes": ranks.world(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "finished": len(history.rows) >= result.recipe.epochs,
        "epochs": [row._asdict() for row in history.rows],
        "test_accuracy": result.scores.accuracy,
        "test_accuracy_mirrored": result.mirrored and result.mirrored.accuracy,
        "seconds": result.seconds,
        "compile_seconds": result.compile_seconds,
    }


def _write(path: Path, record: dict[str, Any] | None) -> None:
    """Put the record into its place at once; None only tries whether that will do."""
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder; name a file in it as --record")
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    if record is None:
        part.unlink()
    else:
        os.replace(part, path)


def _told(result: Result, record: dict[str, Any]) -> str:
    """The outcome in a sentence."""
    title, device = record["data"]["title"], record["device"]
    if record["processes"] > 1:
        device += f", {record['processes']} processes"
    compiling = result.compile_seconds
    apart = f", after {compiling:.0f} s of compiling" if compiling else ""
    way = " (with mirror images)" if result.mirrored else ""
    epochs = len(result.history.rows)
    return (
        f"{title}: test accuracy {result.accuracy:.2%}{way} after {epochs} "
        f"epoch{'s' * (epochs != 1)} in {result.seconds:.1f} s{apart}, on {device}"
    )


def _parser() -> argparse.ArgumentParser:
    summary, _, examples = __doc__.partition("\n\n")
    parser = argparse.ArgumentParser(
        prog="python -m helpers.training",
        description=summary,
        epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,  # a record leaves out options by their names
    )
    add = parser.add_argument
    add("network", nargs="?", default="resnet20", type=_network, help=NETWORKS)
    add("--data", choices=TITLES, help="cifar10, or mnist for lenet5, unless given")
    add("--folder", type=Path, help="where the downloads lie, unless in data/")
    add("--recipe", choices=RECIPES, default="fast", help="default: fast")
    add("--epochs", type=_from(1), metavar="N", help="the recipe's, unless given")
    add("--batch-size", type=_from(1), metavar="N", help="of all processes together")
    add("--learning-rate", type=float, metavar="RATE", help="the highest")
    add("--seed", type=_from(0), default=0, metavar="N")
    add(
        "--device", type=_device, help="cpu, cuda, mps; the best there is, unless given"
    )
    add("--threads", type=_from(1), metavar="N", help="of the processor")
    choice = argparse.BooleanOptionalAction
    add("--bf16", action=choice, help="bfloat16; where the hardware has it, in fast")
    add("--compile", action=choice, help="torch.compile; on a GPU, in fast")
    add("--checkpoint", type=Path, metavar="FILE", help="written after every epoch")
    add(
        "--resume",
        action="store_true",
        help="go on from the checkpoint, if it is there",
    )
    add("--record", type=Path, metavar="FILE.json", help="of the whole run")
    add("--note", metavar="TEXT", help="what to know of these images, for the record")
    add("--quiet", action="store_true", help="only the last line")
    return parser


def _network(text: str) -> str:
    try:
        with torch.device("meta"):
            build(text)
    except ValueError as problem:
        raise argparse.ArgumentTypeError(str(problem)) from None
    return text


def _device(text: str) -> torch.device:
    try:
        device = torch.device(text)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as problem:
        reason = str(problem).partition("\n")[0]
        raise argparse.ArgumentTypeError(f"{text}: {reason}") from None
    return device


def _from(least: int) -> Any:
    def number(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"a whole number from {least}, not {text}")
        return int(text)

    return number


if __name__ == "__main__":
    try:
        status = main()
    except SystemExit as leave:
        status = leave.code if isinstance(leave.code, int) else bool(leave.code)
    if "LOCAL_RANK" in os.environ:
        # gloo's threads may still run when Python has ended, which would abort it.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    sys.exit(status)
