"""Make the environment that the course runs in, once; afterwards do nothing, quickly.

    python tools/setup.py                  # or: make setup
    python tools/setup.py --browser        # and a Chromium for the browser tests
    python tools/setup.py --print-python   # the interpreter that make uses

Without make, as on most Windows computers: run the first line, then
``.venv\\Scripts\\activate`` (elsewhere ``source .venv/bin/activate``), then
``jupyter lab notebooks/00_start_here.ipynb``.

The environment is ``.venv`` in this folder, or the active conda environment if that was
made from environment.yml: its folder is named ``convnets``, or this project is
installed in it (as environment.yml does under any name, on Binder for one). conda's
``base`` and other environments are left alone.

A stamp file in the environment records what was installed. It is written last, so an
interrupted set-up is carried on by running this again.

This file runs before anything is installed, on whatever Python starts it: standard
library only, and nothing newer than Python 3.6, so that old ones get that far.
"""

import argparse
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STAMP = "convnets-setup.stamp"
# The Pythons that every pinned package is published for.
OLDEST, NEWEST = (3, 11), (3, 14)
VERSIONS = f"3.{OLDEST[1]} to 3.{NEWEST[1]}"
# "python3" may be older or newer than these; pyenv's stand-ins may not work at all.
PYTHONS = ("python3.13", "python3.12", "python3.11", "python3.14", "python3")
# Free space while installing: the packages, the downloads they are unpacked from and
# pip's cache of these. Only on Linux does torch bring the (large) CUDA libraries.
GIGABYTES = 12 if sys.platform == "linux" else 3
EXPECTED = "2-3 minutes, " + ("6-7 GB" if sys.platform == "linux" else "1-2 GB")
AGAIN = " Nothing is broken: run the same command again afterwards, and it carries on."

# What the output of a failed step shows, and what to tell about it. A full disk comes
# first, because it breaks off downloads as well; a missing package comes last, because
# without a network every package is reported missing.
CAUSES = (
    (
        "no space left|errno 28|not enough space",
        "The disk is full: {root} or the temporary folder {temporary} "
        "(TMPDIR names another). About {gigabytes} GB are needed; make room." + AGAIN,
    ),
    (
        "name resolution|service not known|nor servname|getaddrinfo|NewConnectionError"
        "|NameResolutionError|connection (broken|refused|reset|aborted)|unreachable"
        "|timed out|max retries|ProxyError|SSLError|IncompleteRead",
        "The packages could not be downloaded. A network connection is needed for this "
        "one step; check it, and the proxy settings where there is a proxy." + AGAIN,
    ),
    (
        "permission denied|errno 13|access is denied",
        "A file of the environment could not be written: permission denied. Close what "
        "is running from it, or make the folder yours." + AGAIN,
    ),
    (
        r"no matching distribution found for (?P<package>\S+)",
        "{package} is not published for this computer ({system}). The pinned packages "
        "exist for Python {versions} on 64-bit Linux and Windows and on Apple-silicon "
        "Macs.",
    ),
)


class SetupError(Exception):
    """A reason to stop, told to the reader in one paragraph without a traceback."""


def explain(output: str) -> "str | None":
    """Return what to tell the reader about the output of a failed step, if known."""
    for pattern, message in CAUSES:
        found = re.search(pattern, output, re.IGNORECASE)
        if found:
            return message.format(
                root=ROOT,
                temporary=tempfile.gettempdir(),
                gigabytes=GIGABYTES,
                system=sys.platform + " " + platform.machine(),
                versions=VERSIONS,
                **found.groupdict(),
            )
    return None


def say(line: str) -> None:
    """Print a line at once, before what a child process prints next."""
    print(line, flush=True)


def call(*command: "str | Path") -> "subprocess.CompletedProcess[str]":
    """Run a command quietly, with everything it prints in ``stdout``."""
    text = {"encoding": "utf-8", "errors": "replace"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return subprocess.run([str(part) for part in command], **pipes, **text)


def last_line(output: str) -> str:
    """Return the line of a failed command's output that most likely says why."""
    return (output.strip().splitlines() or ["no reason given"])[-1]


def conda_environment(variables: "dict[str, str]") -> "Path | None":
    """Return the active conda environment if it was made from environment.yml."""
    prefix = variables.get("CONDA_PREFIX")
    if not prefix or variables.get("CONDA_DEFAULT_ENV") == "base":
        return None
    env = Path(prefix)
    ours = env.name == "convnets" or installed(env, "convnets_cell_by_cell")
    return env if ours else None


def installed(env: Path, package: str) -> bool:
    """Tell whether pip has completely installed a package in an environment."""
    folders = [*env.glob("lib/python3*/site-packages"), env / "Lib" / "site-packages"]
    return any(any(folder.glob(package + "-*.dist-info")) for folder in folders)


def python_in(env: Path) -> Path:
    """Return where an environment keeps its interpreter."""
    if os.name != "nt":
        return env / "bin" / "python"
    conda = (env / "conda-meta").is_dir()
    return env / "python.exe" if conda else env / "Scripts" / "python.exe"


def wanted_stamp(env: Path) -> str:
    """Return what the stamp file says when nothing has to be done."""
    # ROOT, because the editable install points to it and a folder may be moved.
    pythons = sorted(path.name for path in env.glob("conda-meta/python-3*"))
    story = [str(ROOT), sys.platform, platform.machine(), pythons]
    digest = hashlib.sha256(repr(story).encode())
    files = [ROOT / "requirements.txt", ROOT / "pyproject.toml"]
    files.extend(env.glob("pyvenv.cfg"))  # has the version of .venv's Python
    for path in files:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def up_to_date(env: Path) -> bool:
    """Tell whether the environment holds what the project's files ask for."""
    stamp = env / STAMP
    if not (stamp.is_file() and python_in(env).exists()):
        return False
    return stamp.read_text(encoding="utf-8") == wanted_stamp(env)


def fitting(python: "str | Path", modules: str) -> bool:
    """Tell whether an interpreter works, has a fitting version and the modules."""
    test = f"not {OLDEST} <= sys.version_info[:2] <= {NEWEST}"
    try:
        return not call(python, "-c", f"import {modules}; sys.exit({test})").returncode
    except OSError:
        return False


def base_python() -> str:
    """Return the Python to make .venv with: this one, or else a fitting one on PATH."""
    if OLDEST <= sys.version_info[:2] <= NEWEST:
        return sys.executable
    for name in filter(shutil.which, PYTHONS):
        if fitting(name, "sys"):
            return name
    old = sys.version_info[:2] < OLDEST
    needed = f"3.{OLDEST[1]} or newer" if old else VERSIONS
    raise SetupError(
        f"Python {needed} is needed, this is {platform.python_version()}, and no other "
        "was found on PATH. Install Python 3.13, from python.org or with your system's "
        "package manager, next to this one, and run the same command again."
    )


def check_room(env: Path) -> None:
    """Stop early where the environment cannot be written or the disk is too full."""
    folder = str(env if env.exists() else env.parent)
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise SetupError(
            f"The folder {folder} cannot be written to ({error.strerror}). Move the "
            "course to a folder of your own and run the same command again."
        ) from None
    free = shutil.disk_usage(folder).free / 1e9
    if free < GIGABYTES and not installed(env, "torch"):
        raise SetupError(
            f"The packages need about {GIGABYTES} GB of disk space, and {folder} has "
            f"{free:.1f} GB left. Make room and run the same command again."
        )


def make_venv(env: Path, python: str) -> None:
    """Make .venv anew, also over one that was left half made."""
    if not fitting(python, "sys, venv, ensurepip"):
        raise SetupError(
            f"{python} cannot make virtual environments: its venv or ensurepip module "
            "is missing. Debian and Ubuntu have them in a package of their own: run "
            "`sudo apt-get install python3-venv`, then the same command again."
        )
    say("Making a Python environment in .venv (10 seconds)")
    done = call(python, "-m", "venv", "--clear", env)
    if done.returncode:
        reason = f"Making .venv failed: {last_line(done.stdout)}"
        raise SetupError(explain(done.stdout) or reason)


def pip(python: Path, *arguments: str) -> None:
    """Run pip install, its progress in sight; turn a failure into one paragraph."""
    quiet = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_ROOT_USER_ACTION": "ignore"}
    command = [str(python), "-m", "pip", "install", *arguments]
    text = {"encoding": "utf-8", "errors": "replace"}
    # Progress goes to standard output, which stays the terminal's. Errors are held
    # back: of a long traceback the reader needs the last few lines at most.
    with subprocess.Popen(
        command, cwd=str(ROOT), env={**os.environ, **quiet}, stderr=-1, **text
    ) as process:
        errors = []
        for line in process.stderr:
            errors.append(line)
            if line.startswith("WARNING: Retrying"):
                say("The package index does not answer; pip tries again")
    if process.returncode:
        reason = explain("".join(errors[-40:]))
        if not reason:
            sys.stderr.write("".join(errors[-15:]))
            reason = "pip could not install the packages; its last lines are above."
        raise SetupError(reason)


def install(env: Path) -> None:
    """Bring the environment up to date and leave the stamp."""
    python = python_in(env)
    usable = fitting(python, "sys, pip")
    if not usable and env != ROOT / ".venv":
        raise SetupError(
            f"The active conda environment {env} has no working pip, or not Python "
            f"{VERSIONS}. Make it anew with `conda env create -f environment.yml`, or "
            "leave it with `conda deactivate`: then .venv is used."
        )
    base = None if usable else base_python()
    check_room(env)
    if base:
        make_venv(env, base)
    again = "seconds if nothing changed" if installed(env, "torch") else EXPECTED
    say(f"Installing the pinned packages ({again})")
    pip(python, "-r", "requirements.txt")
    say("Installing the course's own helpers, loading everything once (20 seconds)")
    # torch has brought setuptools along: no second copy of it is needed for building.
    pip(python, "--quiet", "--no-deps", "--no-build-isolation", "-e", ".")
    done = call(python, "-c", "import torchvision, matplotlib, jupyterlab")
    if done.returncode:
        raise SetupError(
            f"The packages are installed but do not load: {last_line(done.stdout)}. If "
            "an interrupted set-up is to blame, delete the environment (`make "
            "distclean`) and run the same command again."
        )
    (env / STAMP).write_text(wanted_stamp(env), encoding="utf-8")
    say("The environment is ready.")


def main(arguments: "list[str]") -> None:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(description="Make the course's environment.")
    parser.add_argument("--browser", action="store_true", help="get a Chromium, too")
    parser.add_argument("--print-python", action="store_true", help="do only that")
    options = parser.parse_args(arguments)
    env = conda_environment(dict(os.environ)) or ROOT / ".venv"
    python = python_in(env)
    if options.print_python:
        # Relative to this folder where possible: make cannot handle spaces in a path.
        inside = ROOT in python.parents
        print((python.relative_to(ROOT) if inside else python).as_posix())
        return
    if not up_to_date(env):
        install(env)
    if options.browser:
        # That file is written for the environment's Python, not for an old one.
        sys.exit(subprocess.call([str(python), str(ROOT / "tools" / "browser.py")]))


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except SetupError as problem:
        sys.exit("\n" + textwrap.fill(str(problem), 88, break_on_hyphens=False))
    except KeyboardInterrupt:
        say("\nInterrupted. Run the same command again: it carries on from here.")
        sys.exit(130)
