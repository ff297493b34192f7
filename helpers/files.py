"""Files that are whole or not there."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """Give a scratch file to write; it takes the place of ``path`` if all goes well.

    Whatever happens on the way, ``path`` holds either what it held or what is new: a
    crash, a full disk or a second writer leaves no half file under that name.
    """
    scratch = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        yield scratch
        os.replace(scratch, path)
    finally:
        scratch.unlink(missing_ok=True)


def check_writable(path: Path) -> None:
    """Make the folder of a file that will be written, and fail now if that cannot be.

    Scratch files that `replaced` left behind when it was killed are cleared away.

    Raises:
        OSError: saying what is in the way.
    """
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder; name a file in it")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_name(f"{path.name}.0.part").touch()
    for left in path.parent.glob(f"{glob.escape(path.name)}.*.part"):
        left.unlink(missing_ok=True)
