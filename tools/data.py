"""Download MNIST and CIFAR-10 into data/.

    python -m tools.data                     # both: 180 MB to fetch, 420 MB on the disk
    python -m tools.data mnist               # one
    python -m tools.data --folder DIR        # elsewhere: set CONVNETS_DATA=DIR, too
    python -m tools.data --check             # say what is there, fetch nothing

Can be stopped and run again at any time. Lessons run without it: see data/README.md.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from helpers.data import DATA, DOWNLOADED, DataError, missing
from tools.fetch import download


def main(arguments: list[str] | None = None) -> int:
    """Download, or check, what the command line names; 0 when all of it is there."""
    parser = argparse.ArgumentParser(prog="python -m tools.data", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "names", nargs="*", metavar="mnist|cifar10", help="both if none"
    )
    parser.add_argument("--folder", type=Path, default=DATA, help=f"default: {DATA}")
    parser.add_argument("--check", action="store_true", help="fetch nothing")
    options = parser.parse_args(arguments)
    for name in options.names:
        if name not in DOWNLOADED:
            parser.error(f"no data set {name!r}; there are {', '.join(DOWNLOADED)}")

    failed = False
    for name in dict.fromkeys(options.names or DOWNLOADED):
        try:
            if options.check:
                failed |= not check(name, options.folder)
            else:
                download(name, options.folder)
        except (DataError, OSError) as error:
            print(error, file=sys.stderr)
            failed = True
        except KeyboardInterrupt:
            print("\nStopped. Run it again, and it goes on from here.", file=sys.stderr)
            return 130
    return int(failed)


def check(name: str, folder: Path) -> bool:
    """Print and return whether all files are there; raise DataError if one is wrong."""
    absent = missing(name, folder)
    state = f"{len(absent)} files are not" if absent else "complete"
    print(f"{DOWNLOADED[name]}: {state} in {folder}")
    return not absent


if __name__ == "__main__":
    sys.exit(main())
