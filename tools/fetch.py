"""Fetch MNIST and CIFAR-10, file by file, whatever the server does: see `download`."""

from __future__ import annotations

import gzip
import http.client
import os
import shutil
import tempfile
import threading
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

from filelock import FileLock, Timeout
from tqdm import tqdm

from helpers.data import DOWNLOADED, DataError, downloads, missing
from helpers.data.downloads import is_there

SIZES = {  # in bytes, of what is downloaded
    "cifar-10-python.tar.gz": 170_498_071,
    "train-images-idx3-ubyte.gz": 9_912_422,
    "train-labels-idx1-ubyte.gz": 28_881,
    "t10k-images-idx3-ubyte.gz": 1_648_877,
    "t10k-labels-idx1-ubyte.gz": 4_542,
}
SECONDS = 3600.0  # for one call of `download`; the next goes on from there


def download(name: str, folder: str | Path | None = None) -> None:
    """Fetch "mnist" (12 MB) or "cifar10" (170 MB), unless it is there already.

    What has arrived is kept as `<file>.part`, and a later call goes on from there. Only
    a file with the right md5 gets its name; nothing that is there is overwritten, and
    nothing is written outside the folder. DataError says in a sentence what is in the
    way: no network, wrong content, no space, no time left, another file in place, a
    link that leads elsewhere, or another program at it.
    """
    folder, end = Path(folder or downloads.DATA), time.monotonic() + SECONDS
    try:
        if absent := missing(name, folder):
            folder.mkdir(parents=True, exist_ok=True)
            _check_inside(folder, ".lock")
            with FileLock(folder / ".lock", timeout=0):
                for urls, path, md5, contents in downloads.archives_of(name):
                    if wanted := contents.keys() & absent:
                        _check_inside(folder, path, f"{path}.part", *wanted)
                        if not is_there(folder / path, md5):
                            _fetch(urls, folder / path, md5, end)
                        _unpack(folder, path, {file: contents[file] for file in wanted})
    except Timeout:
        raise DataError(f"Another program is downloading to {folder}.") from None
    except OSError as error:  # no room, no permission
        raise DataError(f"{folder} cannot be used: {error}.") from error
    print(f"{DOWNLOADED[name]}: {'ready' if absent else 'already there'}, in {folder}")


def _check_inside(folder: Path, *paths: str) -> None:
    """Refuse to write where a link in the folder leads out of it."""
    for path in paths:
        if not (real := (folder / path).resolve()).is_relative_to(folder.resolve()):
            raise DataError(
                f"{folder / path} leads out of {folder}, to {real}, where nothing is "
                "written: remove the link, or let CONVNETS_DATA name the other folder."
            )


def _fetch(urls: list[str], target: Path, md5: str, end: float) -> None:
    """Put a file in place, from the first address that gives the right one."""
    from torchvision.datasets.utils import check_integrity

    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.part")
    problems = {}  # as keys: each is told once
    for url in urls * 3:
        try:
            _receive(url, part, end)
            problem, complete = "the md5 of what it sent is wrong", True
        except (OSError, ValueError, OverflowError, http.client.HTTPException) as error:
            said = str(getattr(error, "reason", error))  # by the server, in part
            problem = "".join(filter(str.isprintable, said))[:200]
            # It has no more to send, or it sends more than there is.
            complete = isinstance(error, OverflowError)
            complete |= getattr(error, "code", None) == 416
        if complete and check_integrity(part, md5):
            os.replace(part, target)
            return
        if complete:  # its beginning may be at fault: once more
            part.unlink(missing_ok=True)
        problems[f"{urlsplit(url).netloc}: {problem}"] = True
        if time.monotonic() > end:
            break
    raise DataError(
        f"{target.name} could not be downloaded ({'; '.join(problems)}). Is there a "
        "network, and room on the disk? The same command goes on where it stopped."
    )


def _receive(url: str, part: Path, end: float) -> None:
    """Call `_append`, but only until ``end``.

    In a thread: a server that sends its headers a byte at a time is waited for in the
    standard library, where no time limit is for all of them.
    """
    problems, over = [], threading.Event()

    def receive() -> None:
        try:
            _append(url, part, over)
        except BaseException as error:  # told below
            problems.append(error)

    thread = threading.Thread(target=receive, daemon=True)
    thread.start()
    try:
        thread.join(max(0.0, end - time.monotonic()))
        if thread.is_alive():
            raise TimeoutError(f"not all had arrived after {SECONDS:.0f} seconds")
    finally:
        over.set()  # after Ctrl+C too
    if problems:
        raise problems[0]


def _append(url: str, part: Path, over: threading.Event) -> None:
    """Append what the unfinished file lacks, or start afresh if the server must."""
    from torchvision.datasets.utils import USER_AGENT

    most = SIZES.get(part.stem, max(SIZES.values()))
    have = part.stat().st_size if part.exists() else 0
    headers = {"User-Agent": USER_AGENT, "Range": f"bytes={have}-"}
    request = urllib.request.Request(url, headers=headers)
    with urllib.request.urlopen(request, timeout=20) as response:
        resumed = response.status == http.HTTPStatus.PARTIAL_CONTENT
        if not resumed and response.status != http.HTTPStatus.OK:
            raise ConnectionError(f"it answered with status {response.status}")
        have, mode = (have, "ab") if resumed else (0, "wb")  # the whole file comes
        print(f"{part.stem} from {urlsplit(url).netloc}{', resumed' if have else ''}")
        total = response.length and response.length + have  # None if it does not say
        if total and total > most:
            raise OverflowError(f"it sends {total} bytes instead of {most}")
        shown = {"total": total, "initial": have, "disable": None}  # on a terminal
        with tqdm(**shown, unit="B", unit_scale=True) as bar, part.open(mode) as file:
            while have != total and (piece := response.read1(1 << 16)):
                have += len(piece)
                if over.is_set():  # another may write now
                    return
                if have > most:
                    raise OverflowError(f"it sends more than {most} bytes")
                file.write(piece)
                file.flush()  # nothing is left to write when ``over`` is set
                bar.update(len(piece))
        if total and have < total:
            raise ConnectionError(f"cut off {total - have} bytes before the end")


def _unpack(folder: Path, archive: str, wanted: dict[str, str]) -> None:
    """Put the wanted files of an archive in place, each in a single step."""
    for litter in folder.glob(".unpacking-*"):  # of a run that was killed
        shutil.rmtree(litter, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=".unpacking-", dir=folder) as scratch:
        beside = Path(scratch, archive).parent  # where a .gz puts what it holds
        beside.mkdir(parents=True, exist_ok=True)
        if archive.endswith(".tar.gz"):  # the filter refuses paths outside
            shutil.unpack_archive(folder / archive, beside, filter="data")
        else:
            inner = beside / Path(archive).stem
            with gzip.open(folder / archive) as source, inner.open("wb") as target:
                shutil.copyfileobj(source, target)
        for path, md5 in wanted.items():
            is_there(Path(scratch, path), md5)
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            os.replace(Path(scratch, path), folder / path)
