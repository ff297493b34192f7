"""Make the environment that the course runs in, once; afterwards do nothing, quickly.

    python tools/setup.py                  # what the notebooks need; or: make setup
    python tools/setup.py --full           # and what builds and tests them; make full
    python tools/setup.py --browser        # and a Chromium for the browser tests
    python tools/setup.py --print-python   # the interpreter that make uses

Without make, as on most Windows computers: run the first line, then
``.venv\\Scripts\\activate`` (elsewhere ``source .venv/bin/activate``), then
``python -m tools.lab``.

The environment is ``.venv`` in this folder, or the active conda environment if that was
made from environment.yml: its folder is named ``convnets``, or this project is
installed in it (as environment.yml does under any name, on Binder for one). conda's
``base`` and other environments are left alone, and so is one that has conda's own
PyTorch (environment-conda-forge.yml): there, only the course itself is installed.

A stamp file in the environment records what was installed. It is written last, so an
interrupted set-up is carried on by running this again.

uv installs where it is on PATH, else pip. On Linux without an NVIDIA GPU, the small CPU
build of PyTorch is looked for where the installer knows a place: uv does, and
``TORCH_INDEX=ADDRESS`` names one. ``TORCH=cpu`` or ``TORCH=cuda`` decides, whatever
this computer has.

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
import urllib.parse
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STAMP = "convnets-setup.stamp"
# The Pythons that every pinned package is published for.
OLDEST, NEWEST = (3, 11), (3, 14)
VERSIONS = f"3.{OLDEST[1]} to 3.{NEWEST[1]}"
# "python3" may be older or newer than these; pyenv's stand-ins may not work at all.
PYTHONS = ("python3.13", "python3.12", "python3.11", "python3.14", "python3")
REQUIREMENTS = {"learn": ("requirements.txt",), "full": ("requirements-dev.txt",)}
# Free space while installing: the packages, the downloads they are unpacked from and
# the installer's cache of these. Only on Linux can torch bring the CUDA libraries.
GIGABYTES = {"CUDA": 12, "CPU": 3}
EXPECTED = {"CUDA": "2-3 minutes, about 6 GB", "CPU": "2-3 minutes, 1-2 GB"}
SECONDS = 8  # to look for the CPU build; then what the default index has will do
LARGE = ("torch", "torchvision", "nvidia*", "triton*")  # folders that PyTorch fills
LOADED = "torchvision, matplotlib, jupyterlab"
# These would send packages elsewhere, or let others be taken for the environment's.
MISLEADING = ("PYTHONHOME", "PYTHONPATH", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT")
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
        "|timed out|max retries|ProxyError|SSLError|IncompleteRead|failed to fetch"
        "|dns error",
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
                gigabytes=GIGABYTES["CUDA" if sys.platform == "linux" else "CPU"],
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


def is_conda_forge(env: Path) -> bool:
    """Tell whether PyTorch came from conda there: pip must not replace that."""
    return any(env.glob("conda-meta/pytorch-[0-9]*.json"))


def packages_in(env: Path) -> "list[Path]":
    """Return the folders that an environment's packages are in."""
    return [*env.glob("lib/python3*/site-packages"), env / "Lib" / "site-packages"]


def installed(env: Path, package: str) -> str:
    """Return the version of a completely installed package, "" where there is none."""
    for folder in packages_in(env):
        for info in folder.glob(package + "-*.dist-info"):
            return info.name[len(package) + 1 : -len(".dist-info")]
    return ""


def pins(names: "tuple[str, ...]") -> "dict[str, str]":
    """Return the pinned packages of some requirements files, and their versions."""
    found = {}
    for name in names:
        for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
            words = line.partition("#")[0].strip()
            if words.startswith("-r "):
                found.update(pins((words[3:].strip(),)))
            elif "==" in words:
                package, _, version = words.partition("==")
                found[package.strip()] = version.strip()
    return found


def complete(env: Path, wanted: str) -> bool:
    """Tell whether every pinned package is still there, at a glance."""
    entries = [path.name for folder in packages_in(env) for path in folder.glob("*")]
    infos = [name for name in entries if name.endswith(".dist-info")]
    there = {re.sub("[-_.]+", "-", name.split("-")[0]).lower() for name in infos}
    asked = {re.sub("[-_.]+", "-", name).lower() for name in pins(REQUIREMENTS[wanted])}
    return asked <= there and {*LOADED.split(", "), "torch"} <= {*entries}


def python_in(env: Path) -> Path:
    """Return where an environment keeps its interpreter."""
    if os.name != "nt":
        return env / "bin" / "python"
    conda = (env / "conda-meta").is_dir()
    return env / "python.exe" if conda else env / "Scripts" / "python.exe"


def forget_removed(env: Path) -> None:
    """Take packages whose folders are gone off the list, so that they come anew."""
    for folder in packages_in(env):
        for name in [*LOADED.split(", "), "torch"]:
            if not (folder / name).exists():
                for info in folder.glob(name + "-*.dist-info"):
                    shutil.rmtree(str(info))


def digest_for(env: Path, wanted: str) -> str:
    """Return what stands for everything that a set of packages depends on."""
    # ROOT, because the editable install points to it and a folder may be moved.
    pythons = sorted(path.name for path in env.glob("conda-meta/python-3*"))
    story = [str(ROOT), sys.platform, platform.machine(), pythons, pins_text(wanted)]
    digest = hashlib.sha256(repr(story).encode())
    files = [ROOT / "pyproject.toml"]
    files.extend(env.glob("pyvenv.cfg"))  # has the version of .venv's Python
    for path in files:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def pins_text(wanted: str) -> "list[str]":
    """Return the pins of a set as the requirements files have them."""
    return ["==".join(pin) for pin in pins(REQUIREMENTS[wanted]).items()]


def read_stamp(env: Path) -> "dict[str, str]":
    """Return what the stamp says: the sets' digests, and the choice of torch."""
    try:
        text = (env / STAMP).read_text(encoding="utf-8")
    except (OSError, ValueError):  # none, or damaged: then packages are looked at anew
        return {}
    lines = (line.split(" ", 1) for line in text.splitlines())
    return {line[0]: line[1] for line in lines if len(line) == 2}


def write_stamp(env: Path, wanted: str, build: "Build") -> None:
    """Note what is installed now; the full set holds the other one."""
    sets = ("learn", "full") if wanted == "full" else ("learn",)
    lines = [f"{name} {digest_for(env, name)}" for name in sets]
    lines.append(f"torch {build.asked} {build.kind}")
    stamp = env / STAMP
    if stamp.is_dir():
        shutil.rmtree(str(stamp))
    stamp.write_text("\n".join(lines) + "\n", encoding="utf-8")


def up_to_date(env: Path, wanted: str = "learn") -> bool:
    """Tell whether the environment holds what the project's files ask for."""
    stamp = read_stamp(env)
    if stamp.get(wanted) != digest_for(env, wanted) or not python_in(env).exists():
        return False
    asked = torch_asked()
    chosen = stamp.get("torch", "").lower().split()
    return complete(env, wanted) and (asked == "auto" or asked in chosen)


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


class Build:
    """Which build of torch to install: asked for, CPU or CUDA, from where, and why.

    ``source`` has the installer's options, none for the default index.
    """

    def __init__(self, asked: str, kind: str, source: "list[str]", why: str) -> None:
        self.asked, self.kind, self.source, self.why = asked, kind, source, why


def torch_asked() -> str:
    """Return what the variable TORCH asks for: auto, cpu or cuda."""
    asked = os.environ.get("TORCH", "").strip().lower() or "auto"
    if asked not in ("auto", "cpu", "cuda"):
        raise SetupError(f"TORCH={asked} is not known: say TORCH=cpu, cuda or auto.")
    return asked


def has_nvidia() -> bool:
    """Tell whether this computer has an NVIDIA GPU that its system knows."""
    devices = Path("/dev").glob("nvidia[0-9]*")
    return bool(shutil.which("nvidia-smi")) or any(devices)


def kind_in(env: Path) -> str:
    """Return which build of torch an environment holds."""
    version = installed(env, "torch")
    if "+" in version:
        return "CPU" if "+cpu" in version else "CUDA"
    cuda = any(folder for path in packages_in(env) for folder in path.glob("nvidia*"))
    return "CUDA" if cuda else "CPU"


def choose_torch(env: Path) -> Build:
    """Decide for the CPU or the CUDA build, and find the place that has it."""
    asked, has = torch_asked(), installed(env, "torch").split("+")[0]
    pinned = pins(REQUIREMENTS["learn"]).get("torch")
    if has == pinned and asked in ("auto", kind_in(env).lower()):
        return Build(asked, kind_in(env), [], "it was here already")
    if sys.platform != "linux":
        return Build(asked, "CPU", [], "the only one for this system")
    if asked == "cuda":
        return Build(asked, "CUDA", [], "as TORCH=cuda asks")
    if asked == "auto" and has_nvidia():
        return Build(asked, "CUDA", [], "this computer has an NVIDIA GPU")
    why = "as TORCH=cpu asks" if asked == "cpu" else "there is no NVIDIA GPU here"
    index = os.environ.get("TORCH_INDEX", "").strip()
    if index and "://" not in index:
        index = Path(index).absolute().as_uri()
    if index:
        if reachable(index):
            return Build(asked, "CPU", ["--index-url", index], why)
        reason = f"TORCH_INDEX={index} did not answer within {SECONDS} seconds"
    elif shutil.which("uv"):
        if uv_has_it():
            return Build(asked, "CPU", ["--torch-backend=cpu"], why)
        reason = f"uv found no CPU build within {SECONDS} seconds"
    else:
        reason = (
            "pip knows no place for the small CPU build; install uv, or name a place "
            "with TORCH_INDEX, to have that"
        )
    return Build(asked, "CUDA", [], reason)


def within(command: "list[str]", said: str = "") -> bool:
    """Tell whether a command, to which something is said, succeeds in time."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    quiet["input"] = said.encode()
    try:
        done = subprocess.run(command, timeout=SECONDS, **quiet)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return not done.returncode


def reachable(index: str) -> bool:
    """Tell whether an index answers, or is a folder of this computer."""
    if index.startswith("file:"):
        return Path(
            urllib.request.url2pathname(urllib.parse.urlparse(index).path)
        ).is_dir()
    # A process of its own, because looking up a name cannot be given a time limit.
    ask = "import sys, urllib.request as u; u.urlopen(sys.argv[1])"
    return within([sys.executable, "-c", ask, index.rstrip("/") + "/torch/"])


def torch_pins() -> "list[str]":
    """Return the two packages that come in builds for CPU and for CUDA."""
    found = pins(REQUIREMENTS["learn"])
    return [
        f"{name}=={found[name]}" for name in ("torch", "torchvision") if name in found
    ]


def uv_has_it() -> bool:
    """Tell whether uv knows of a CPU build, and its place answers."""
    python = f"--python-version=3.{OLDEST[1]}"  # not that of some python3 on PATH
    command = ["uv", "pip", "compile", "--no-deps", "--torch-backend=cpu", python, "-"]
    return within(command, "\n".join(torch_pins()))


def check_room(env: Path, kind: str) -> None:
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
    if free < GIGABYTES[kind] and not installed(env, "torch"):
        raise SetupError(
            f"The packages need about {GIGABYTES[kind]} GB of disk space, and {folder} "
            f"has {free:.1f} GB left. Make room and run the same command again."
        )


def make_venv(env: Path, python: str) -> None:
    """Make .venv anew, also over one that was left half made."""
    if os.pathsep in str(env):
        raise SetupError(
            f"The path of this folder, {env.parent}, has a `{os.pathsep}` in it, which "
            "separates folders in PATH, so that no Python environment can stand here. "
            "Rename the folder and run the same command again."
        )
    command = [python, "-m", "venv", "--clear"]
    if not fitting(python, "sys, venv, ensurepip"):
        if not shutil.which("uv"):
            raise SetupError(
                f"{python} cannot make virtual environments: its venv or ensurepip "
                "module is missing. Debian and Ubuntu have them in a package of their "
                "own: run `sudo apt-get install python3-venv`, then the same command "
                "again."
            )
        shutil.rmtree(str(env), ignore_errors=True)
        command = ["uv", "venv", "--quiet", "--seed", "--python", python]
    say("Making a Python environment in .venv (10 seconds)")
    done = call(*command, env)
    if done.returncode:
        reason = f"Making .venv failed: {last_line(done.stdout)}"
        raise SetupError(explain(done.stdout) or reason)


def install_packages(python: Path, *arguments: str) -> None:
    """Install with uv where there is one; else, or where that fails, with pip."""
    if shutil.which("uv"):
        command = ["uv", "pip", "install", "--python", str(python), *arguments]
        status, lines = follow(command, aloud=True)
        if not status:
            return
        reason = last_line("".join(lines)).strip()
        say(f"uv could not install them ({reason}); pip tries")
    pip(python, *[word for word in arguments if not word.startswith("--torch-backend")])


def pip(python: Path, *arguments: str) -> None:
    """Run pip install, its progress in sight; turn a failure into one paragraph.

    Python compiles what is imported, as it is: all at once takes 300 MB and a while.
    """
    quick = [*arguments, "--no-compile"]
    status, errors = follow([str(python), "-m", "pip", "install", *quick])
    if status:
        reason = explain("".join(errors[-40:]))
        if not reason:
            sys.stderr.write("".join(errors[-15:]))
            reason = "pip could not install the packages; its last lines are above."
        raise SetupError(reason)


def follow(command: "list[str]", aloud: bool = False) -> "tuple[int, list[str]]":
    """Run an installer; return its status and the lines of its standard error."""
    # PIP_USER would send packages past the environment, or make pip refuse.
    quiet = {
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_ROOT_USER_ACTION": "ignore",
        "PIP_USER": "0",
    }
    text = {"encoding": "utf-8", "errors": "replace"}
    # Progress goes to standard output, which stays the terminal's. Errors are held
    # back: of a long traceback the reader needs the last few lines at most.
    with subprocess.Popen(
        command, cwd=str(ROOT), env={**os.environ, **quiet}, stderr=-1, **text
    ) as process:
        errors = []
        for line in process.stderr:
            errors.append(line)
            if aloud and not line.startswith(("error", " ")):
                say("  " + line.rstrip())  # uv tells its progress here
            elif line.startswith("WARNING: Retrying"):
                say("The package index does not answer; pip tries again")
    return process.returncode, errors


def install_torch(env: Path, build: Build) -> None:
    """Install torch where not just what the default index has will do."""
    has = installed(env, "torch")
    other = has.split("+")[0] == pins(REQUIREMENTS["learn"]).get("torch")
    other = other and kind_in(env) != build.kind  # the same version, another build
    if not build.source and not other:
        return
    again = ["--force-reinstall"] if has else []
    what = ["--no-deps", *again, *torch_pins(), *build.source]
    try:
        install_packages(python_in(env), *what)
    except SetupError as problem:
        if not build.source:
            raise
        build.kind, build.source = "CUDA", []
        build.why = f"the CPU build could not be installed: {problem}"


def size_of(env: Path) -> float:
    """Return how many GB PyTorch and what it brings fill."""
    folders = [
        found
        for packages in packages_in(env)
        for pattern in LARGE
        for found in packages.glob(pattern)
    ]
    files = (path for folder in folders for path in folder.rglob("*"))
    return sum(path.stat().st_size for path in files if path.is_file()) / 1e9


def install(env: Path, wanted: str = "learn") -> None:
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
    forget_removed(env)
    build = choose_torch(env)
    check_room(env, build.kind)
    if base:
        make_venv(env, base)
    there = "seconds if nothing changed"
    again = there if installed(env, "torch") else EXPECTED[build.kind]
    what = "to learn with" if wanted == "learn" else "to learn, build and test with"
    say(f"Installing the pinned packages {what} ({again})")
    install_torch(env, build)
    install_packages(python, "-r", *REQUIREMENTS[wanted])
    # torch has brought setuptools along: no second copy of it is needed for building.
    install_course(env, "--no-build-isolation")
    about = f"the {kind_in(env)} build, {size_of(env):.1f} GB on the disk"
    say(f"PyTorch {installed(env, 'torch')}: {about}. The reason: {build.why}.")
    write_stamp(env, wanted, build)
    say("The environment is ready.")


def install_course(env: Path, *how: str) -> None:
    """Let the environment find this folder's helpers, and see that all loads."""
    python = python_in(env)
    say("Installing the course's own helpers, loading everything once (20 seconds)")
    install_packages(python, "--quiet", "--no-deps", *how, "-e", ".")
    done = call(python, "-c", "import " + LOADED)
    if done.returncode:
        raise SetupError(
            f"The packages are installed but do not load: {last_line(done.stdout)}. If "
            f"an interrupted set-up is to blame, delete the folder {env} and run the "
            "same command again."
        )


def main(arguments: "list[str]") -> None:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(description="Make the course's environment.")
    parser.add_argument("--full", action="store_true", help="also build and test")
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
    for name in MISLEADING:
        os.environ.pop(name, None)
    wanted = "full" if options.full or options.browser else "learn"
    if is_conda_forge(env):
        if wanted == "full":
            raise SetupError(
                "The active environment has conda-forge's own PyTorch, to learn with. "
                "To build and to test, make one with `conda env create -f "
                "environment.yml`, or leave this one with `conda deactivate`."
            )
        if read_stamp(env).get(wanted) != digest_for(env, wanted):
            install_course(env)
            write_stamp(env, wanted, Build("auto", kind_in(env), [], "conda's own"))
    elif not up_to_date(env, wanted):
        install(env, wanted)
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
