"""The files that describe the environment agree; tools/setup.py does what it says."""

import ast
import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tools.browser import find_chromium

ROOT = Path(__file__).resolve().parent.parent
FILES = ("pyproject.toml", "requirements.txt", "environment.yml")
# Pinned without being a direct dependency: they decide what the compared outputs say.
PINNED_FOR_OUTPUTS = {
    *("numpy", "pillow"),  # how arrays are printed, how images are resized
    *("ipython", "ipykernel"),  # how values and errors are shown and sent
    *("nbclient", "nbconvert"),  # run the notebooks, make slides and handouts
}
on_posix = pytest.mark.skipif(os.name == "nt", reason="fakes programs by shell scripts")

# --- pyproject.toml, requirements.txt and environment.yml -----------------------------


def text_of(name):
    return (ROOT / name).read_text(encoding="utf-8")


def direct_dependencies():
    project = tomllib.loads(text_of("pyproject.toml"))["project"]
    lines = project["dependencies"] + project["optional-dependencies"]["dev"]
    found = map(Requirement, lines)
    return {canonicalize_name(one.name): one.specifier for one in found}


def pins():
    lines = [line.partition("#")[0].strip() for line in text_of(FILES[1]).splitlines()]
    found = {}
    for line in filter(None, lines):
        match = re.fullmatch(r"([\w-]+)==([\w.]+)", line)
        assert match, f"not a plain pin: {line}"
        found[canonicalize_name(match[1])] = match[2]
    return found


def test_every_direct_dependency_is_pinned_within_its_range():
    pinned = pins()
    for name, admitted in direct_dependencies().items():
        assert name in pinned, f"requirements.txt does not pin {name}"
        assert admitted.contains(pinned[name]), f"{name}: {pinned[name]} not {admitted}"


def test_nothing_else_is_pinned():
    assert pins().keys() - direct_dependencies().keys() == PINNED_FOR_OUTPUTS


def test_the_oldest_supported_torch_pair_is_admitted():
    admitted = direct_dependencies()
    assert admitted["torch"].contains("2.11.0")
    assert admitted["torchvision"].contains("0.26.0")


def test_installed_versions_are_the_pinned_ones():
    pinned = pins()
    installed = {name: importlib.metadata.version(name) for name in pinned}
    if Version(installed["torch"]).public != pinned["torch"]:
        pytest.skip(
            f"another environment, with torch {installed['torch']} instead of the "
            f"pinned {pinned['torch']}: its other versions are not compared either"
        )
    assert {name: Version(v).public for name, v in installed.items()} == pinned


def test_environment_yml_installs_the_same_pins():
    lines = [line.partition("#")[0].strip() for line in text_of(FILES[2]).splitlines()]
    asked = [line for line in lines if line.startswith("- ")]
    assert asked[-3:] == ["- pip:", "- -r requirements.txt", "- -e ."]
    assert "name: convnets" in lines


def test_all_files_admit_the_same_pythons(setup):
    oldest, newest = setup.OLDEST[1], setup.NEWEST[1]
    assert f'requires-python = ">=3.{oldest}"' in text_of("pyproject.toml")
    assert f"python>=3.{oldest},<3.{newest + 1}" in text_of("environment.yml")


@pytest.mark.parametrize("name", FILES)
def test_no_addresses(name):
    # Which index to use is the user's business, and a file outside the course would be
    # missing elsewhere.
    address = r"https?:|file:|git\+|index|find-links|trusted-host"
    assert not re.search(address, text_of(name))


# --- tools/setup.py -------------------------------------------------------------------


@pytest.fixture
def course(tmp_path, monkeypatch):
    """Return a folder with copies of what tools/setup.py reads, outside of conda."""
    for name in ("tools/setup.py", "requirements.txt", "pyproject.toml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    for name in ("CONDA_PREFIX", "CONDA_DEFAULT_ENV"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def setup(course):
    """Return tools/setup.py as a module that takes ``course`` for the project."""
    spec = importlib.util.spec_from_file_location(
        "setup_here", course / "tools/setup.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def program(path, script):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n" + script)
    path.chmod(0o755)


def fake_venv(course, pip_says="", pip_status=0):
    """Put a Python into .venv that notes what it is asked, and whose pip may fail."""
    env = course / ".venv"
    program(
        env / "bin/python",
        f'echo "$@" >> "{course}/asked"\n'
        'case "$*" in *"pip install"*)\n'
        f'cat "{course}/pip-says" >&2; exit {pip_status};; esac',
    )
    (course / "pip-says").write_text(pip_says)
    (env / "pyvenv.cfg").write_text("version = 3.11.7\n")
    # As if torch were there: no question of disk space.
    (env / "lib/python3.11/site-packages/torch-2.dist-info").mkdir(
        parents=True, exist_ok=True
    )


def run(course, *arguments):
    command = [sys.executable, course / "tools/setup.py", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def asked(course):
    """Return what .venv's Python was asked to do since the last time."""
    log = course / "asked"
    lines = log.read_text().splitlines() if log.exists() else []
    log.unlink(missing_ok=True)
    return lines


@on_posix
def test_a_second_run_does_nothing(course):
    fake_venv(course)
    assert run(course).returncode == 0
    assert any("install -r requirements.txt" in line for line in asked(course))
    again = run(course)
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
    assert not asked(course)


def new_pin(course):
    (course / "requirements.txt").write_text("torch==9.9\n")


def new_range(course):
    (course / "pyproject.toml").write_text("[project]\n")


def new_python(course):
    (course / ".venv/pyvenv.cfg").write_text("version = 3.12.1\n")


def no_stamp(course):
    for path in (course / ".venv").glob("*.stamp"):
        path.unlink()


@on_posix
@pytest.mark.parametrize("change", [new_pin, new_range, new_python, no_stamp])
def test_a_change_is_noticed_once(course, change):
    fake_venv(course)
    run(course)
    asked(course)
    change(course)
    assert run(course).returncode == 0
    assert any("install -r" in line for line in asked(course))
    run(course)
    assert not asked(course)


@on_posix
def test_a_moved_folder_is_noticed(course):
    fake_venv(course)
    run(course)
    moved = course.parent / (course.name + " moved")
    course.rename(moved)
    asked(moved)
    fake_venv(moved)
    run(moved)
    assert any("-e ." in line for line in asked(moved))


NO_NETWORK = """\
WARNING: Retrying (Retry(total=0, connect=None, read=None, redirect=None, \
status=None)) after connection broken by 'NewConnectionError('<urllib3.connection.\
HTTPSConnection object at 0x7f>: Failed to establish a new connection: [Errno -3] \
Temporary failure in name resolution')': /simple/torch/
ERROR: Could not find a version that satisfies the requirement torch==2.15.0 (from \
versions: none)
ERROR: No matching distribution found for torch==2.15.0
"""
DISK_FULL = """\
ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device
"""
NOT_PUBLISHED = """\
ERROR: Could not find a version that satisfies the requirement torch==2.15.0 (from \
versions: 2.1.0, 2.2.0)
ERROR: No matching distribution found for torch==2.15.0
"""
NO_PERMISSION = """\
ERROR: Could not install packages due to an OSError: [Errno 13] Permission denied: 'x'
"""


@on_posix
@pytest.mark.parametrize(
    ("pip_says", "message"),
    [
        (NO_NETWORK, "network connection is needed"),
        (DISK_FULL, "disk is full"),
        (NO_NETWORK + DISK_FULL, "disk is full"),
        (NOT_PUBLISHED, "torch==2.15.0 is not published for this computer"),
        (NO_PERMISSION, "permission denied"),
        ("ERROR: something new\n", "something new"),
    ],
    ids=["network", "disk", "both", "not published", "permission", "unknown"],
)
def test_a_failing_pip_is_explained_and_leaves_no_stamp(course, pip_says, message):
    fake_venv(course, pip_says, pip_status=1)
    failed = run(course)
    assert failed.returncode == 1
    paragraph = " ".join(failed.stderr.split())
    assert message in paragraph
    assert "Traceback" not in paragraph
    fake_venv(course)
    asked(course)
    run(course)
    assert any("install -r" in line for line in asked(course)), "not carried on"


@on_posix
def test_a_half_made_venv_is_made_anew(course, setup, monkeypatch):
    fake_venv(course)
    program(course / ".venv/bin/python", "echo no module named pip; exit 1")
    monkeypatch.setattr(setup, "make_venv", lambda env, python: fake_venv(course))
    setup.main([])
    assert any("install -r" in line for line in asked(course))


@on_posix
def test_a_nearly_full_disk_is_noticed_before_downloading(course, setup, monkeypatch):
    fake_venv(course)
    shutil.rmtree(course / ".venv/lib")
    usage = SimpleNamespace(free=2e9)
    monkeypatch.setattr(setup.shutil, "disk_usage", lambda folder: usage)
    with pytest.raises(setup.SetupError, match=r"about \d+ GB .* 2\.0 GB left"):
        setup.main([])
    assert not any("install" in line for line in asked(course))


def test_a_folder_that_cannot_be_written_is_named(course, setup, monkeypatch):
    def refuse(dir):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(setup.tempfile, "TemporaryFile", refuse)
    with pytest.raises(setup.SetupError, match=f"{re.escape(str(course))} cannot be"):
        setup.main([])


def test_missing_ensurepip_names_the_package(course, setup, monkeypatch):
    monkeypatch.setattr(setup, "fitting", lambda python, modules: False)
    with pytest.raises(setup.SetupError, match="python3-venv"):
        setup.make_venv(course / ".venv", sys.executable)


def start_as(version, course, path):
    """Start setup.py with a Python that says it has another version."""
    script = str(course / "tools/setup.py")
    code = (
        "import re, shutil, subprocess, sys, tempfile, textwrap, argparse, runpy\n"
        f"sys.version_info, sys.argv = {version}, [{script!r}]\n"
        f"runpy.run_path({script!r}, run_name='__main__')"
    )
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PATH": str(path)},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(
    ("version", "message"),
    [
        ((3, 6, 15), "Python 3.11 or newer is needed, this is"),
        ((3, 10, 1), "Python 3.11 or newer is needed, this is"),
        ((3, 99, 0), "Python 3.11 to 3.14 is needed, this is"),
    ],
)
def test_a_python_that_does_not_fit_is_told_in_one_paragraph(course, version, message):
    done = start_as(version, course, path=course)
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) < 5


@on_posix
def test_another_python_on_the_path_is_used_if_it_works(course, setup, monkeypatch):
    program(course / "bin/python3.13", "exit 127")  # as pyenv's stand-ins do
    program(course / "bin/python3.12", "exit 0")
    monkeypatch.setenv("PATH", str(course / "bin"))
    old = SimpleNamespace(version_info=(3, 9, 6), executable="python3.9", platform="x")
    monkeypatch.setattr(setup, "sys", old)
    assert setup.base_python() == "python3.12"


def test_an_old_python_can_read_setup():
    ast.parse(text_of("tools/setup.py"), feature_version=(3, 6))


@pytest.mark.parametrize(
    ("folder", "name", "has_course", "used"),
    [
        ("envs/convnets", "convnets", False, True),
        ("envs/notebook", "notebook", True, True),  # Binder's name for it
        ("envs/other", "other", False, False),
        ("conda", "base", True, False),
        (None, None, False, False),
    ],
)
def test_an_active_conda_environment_is_used_if_it_is_the_courses(
    course, monkeypatch, folder, name, has_course, used
):
    if folder:
        packages = course / folder / "lib/python3.12/site-packages"
        info = "convnets_cell_by_cell-0.1.0.dist-info"
        (packages / (info if has_course else "")).mkdir(parents=True)
        (course / folder / "conda-meta").mkdir()
        monkeypatch.setenv("CONDA_PREFIX", str(course / folder))
        monkeypatch.setenv("CONDA_DEFAULT_ENV", name)
    python = Path(run(course, "--print-python").stdout.strip())
    assert python.is_relative_to(folder if used else ".venv")


# --- tools/browser.py and the Makefile ------------------------------------------------


@on_posix
def test_the_browser_is_the_chosen_one_or_none(tmp_path, monkeypatch):
    program(tmp_path / "google-chrome", "")
    program(tmp_path / "mine", "")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CHROMIUM", raising=False)
    assert find_chromium() == str(tmp_path / "google-chrome")
    program(tmp_path / "chromium", "")
    assert find_chromium() == str(tmp_path / "chromium")
    monkeypatch.setenv("CHROMIUM", str(tmp_path / "mine"))
    assert find_chromium() == str(tmp_path / "mine")
    monkeypatch.setenv("CHROMIUM", str(tmp_path / "missing"))
    assert find_chromium() is None


@on_posix
@pytest.mark.skipif(not shutil.which("make"), reason="needs make")
@pytest.mark.parametrize("here", [True, False])
def test_a_folder_to_grade_is_looked_for_where_make_was_called(here, tmp_path):
    quiet = {k: v for k, v in os.environ.items() if not k.startswith("MAKE")}
    folder = ROOT if here else tmp_path
    words = f"make {'' if here else f'-C {ROOT}'} -s -n grade PYTHON=python FOLDER="
    for name, path in (("a b/c", f"{folder}/a b/c"), ("/a b/c", "/a b/c"), ("", "")):
        done = subprocess.run(
            f"cd '{folder}' && {words}'{name}'",
            shell=True,
            env=quiet,
            capture_output=True,
            text=True,
            check=True,
        )
        called = [line for line in done.stdout.splitlines() if "tools.grade" in line]
        wanted = f'python -m tools.grade "{path}"' if name else "python -m tools.grade"
        assert [line.strip() for line in called] == [wanted]


@pytest.mark.skipif(not shutil.which("make"), reason="needs make")
def test_make_alone_lists_every_target():
    # Not as a part of the make that may be running these tests.
    quiet = {k: v for k, v in os.environ.items() if not k.startswith("MAKE")}
    done = subprocess.run(
        ["make"], cwd=ROOT, env=quiet, capture_output=True, text=True, check=True
    )
    listed = re.findall(r"^  (\w+)  +\S.*$", done.stdout, re.MULTILINE)
    targets = re.search(r"^\.PHONY:(.*)$", text_of("Makefile"), re.MULTILINE)[1]
    assert sorted(listed) == sorted(targets.split())
