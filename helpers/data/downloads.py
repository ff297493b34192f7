"""MNIST and CIFAR-10: their files, where to fetch them, and whether they are there."""

from __future__ import annotations

import os
from pathlib import Path

# Where the downloads lie; no other folder is read or written unless a caller names it.
DATA = Path(__file__).resolve().parents[2] / "data"
DATA = Path(os.environ.get("CONVNETS_DATA") or DATA).expanduser()
DOWNLOADED = {"mnist": "MNIST", "cifar10": "CIFAR-10"}  # names and titles
# torchvision knows the md5 of the compressed files only. Without these, Fashion-MNIST,
# whose files have the same names, would pass for MNIST.
MNIST_MD5 = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}


class DataError(RuntimeError):
    """Data that cannot be had or must not be used, told in a sentence."""


def archives_of(name: str) -> list[tuple[list[str], str, str, dict[str, str]]]:
    """What to download for "mnist" or "cifar10", as torchvision knows it.

    For each archive: addresses to be tried in turn, path, md5, and the md5 of each file
    that it holds, by its path. Paths are relative to the data folder.
    """
    from torchvision.datasets import CIFAR10, MNIST

    if name not in DOWNLOADED:
        raise ValueError(f'only "mnist" and "cifar10" are downloaded, not {name!r}')
    if name == "cifar10":
        sums = dict(CIFAR10.train_list + CIFAR10.test_list)
        sums[CIFAR10.meta["filename"]] = CIFAR10.meta["md5"]
        contents = {f"{CIFAR10.base_folder}/{file}": sums[file] for file in sums}
        return [([CIFAR10.url], CIFAR10.filename, CIFAR10.tgz_md5, contents)]
    archives = []
    for file, md5 in MNIST.resources:
        urls, stem = [mirror + file for mirror in MNIST.mirrors], Path(file).stem
        contents = {f"MNIST/raw/{stem}": MNIST_MD5[stem]}
        archives.append((urls, f"MNIST/raw/{file}", md5, contents))
    return archives


def missing(name: str, folder: str | Path | None = None) -> list[str]:
    """Paths of the files that are not there; DataError where another file is there."""
    folder = Path(folder or DATA)
    sums = {path: md5 for *_, held in archives_of(name) for path, md5 in held.items()}
    return [path for path, md5 in sums.items() if not is_there(folder / path, md5)]


def is_there(file: Path, md5: str) -> bool:
    """Whether a file is there; raise DataError if it is damaged, or another one."""
    from torchvision.datasets.utils import check_integrity

    if os.path.lexists(file) and not check_integrity(file, md5):
        raise DataError(
            f"{file} is damaged, or not the official file (its md5 is different). "
            "Nothing was changed: move it away and run `make data`."
        )
    return file.exists()
