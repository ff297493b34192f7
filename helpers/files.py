"""Files that are whole or not there, and that one program at a time writes."""

from __future__ import annotations

import glob
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def regular(path: Path) -> Path:
    """Where a path leads, links followed; nothing or a regular file is there.

    Raises:
        OSError: for a folder, a device, a pipe, or links that lead in a circle.
    """
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise IsADirectoryError(f"{path} is a folder; name a file in it")
    if os.path.lexists(target) and not target.is_file():
        raise OSError(f"{path} is no regular file; name another, which may be new")
    return target


@contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """Give a scratch file to write; it takes the place of ``path`` if all goes well.

    Whatever happens on the way, ``path`` holds either what it held or what is new: a
    crash, a full disk or a second writer leaves no half file under that name. A link
    stays, and what it leads to is replaced. See `regular` for what is refused.
    """
    target = regular(path)
    # Two computers that share a disk may have processes of the same number.
    own = f"{os.getpid()}.{secrets.token_hex(4)}"
    scratch = target.with_name(f"{target.name}.{own}.part")
    try:
        yield scratch
        os.replace(scratch, target)
    finally:
        scratch.unlink(missing_ok=True)


@contextmanager
def claimed(path: Path | None) -> Iterator[None]:
    """Within the block no other run claims the file; fail now if it cannot be written.

    Its folder is made, and scratch files are cleared away that `replaced` left behind
    when it was killed. None claims nothing.

    Raises:
        OSError: saying what is in the way; TimeoutError: that another run has it.
    """
    if path is None:
        yield
        return
    from filelock import FileLock, Timeout  # torch needs it, so it is there

    target = regular(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(target.with_name(f".{target.name}.lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise TimeoutError(
            f"{path} is being written by another run; wait until it has ended, or name "
            "another file"
        ) from None
    try:
        target.with_name(f"{target.name}.0.part").touch()
        for left in target.parent.glob(f"{glob.escape(target.name)}.[0-9]*.part"):
            left.unlink(missing_ok=True)
        yield
    finally:
        if os.name != "nt":  # where a file in use stays
            Path(lock.lock_file).unlink(missing_ok=True)
        lock.release()
