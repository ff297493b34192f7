"""The files that describe the environment agree; tools/setup.py does what it says."""

import ast
import importlib.metadata
import importlib.util
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import tomllib
import zipfile
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import quote

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tools import build
from tools.browser import find_chromium
from tools.handout import FILES as FILES_OF_HANDOUT
from tools.handout import NOT_IN_IT

ROOT = Path(__file__).resolve().parent.parent
FILES = (
    *("pyproject.toml", "environment.yml", "environment-conda-forge.yml"),
    *("requirements.txt", "requirements-dev.txt"),
)
# Pinned without being a direct dependency: they decide what the compared outputs say.
PINNED_FOR_OUTPUTS = {
    *("numpy", "pillow"),  # how arrays are printed, how images are resized
    *("ipython", "ipykernel"),  # how values and errors are shown and sent
    *("nbclient", "nbconvert"),  # run the notebooks, make slides and handouts
}
PINNED_FOR_SPEED = {"jsonschema"}
on_posix = pytest.mark.skipif(os.name == "nt", reason="fakes programs by shell scripts")

# --- pyproject.toml, requirements.txt and environment.yml -----------------------------


def text_of(name):
    return (ROOT / name).read_text(encoding="utf-8")


def dependencies(dev=False):
    project = tomllib.loads(text_of("pyproject.toml"))["project"]
    more = project["optional-dependencies"]["dev"] * dev
    return [Requirement(line) for line in project["dependencies"] + more]


def direct_dependencies(dev=True):
    return {canonicalize_name(one.name): one.specifier for one in dependencies(dev)}


def pins(*names):
    text = "\n".join(map(text_of, names or FILES[3:]))
    lines = [line.partition("#")[0].strip() for line in text.splitlines()]
    found = {}
    for line in filter(None, lines):
        if line == "-r requirements.txt":
            continue
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
    allowed = PINNED_FOR_OUTPUTS | PINNED_FOR_SPEED
    assert pins().keys() - direct_dependencies().keys() == allowed


def test_students_get_what_lessons_need_and_maintainers_the_rest_on_top():
    learn, dev = map(pins, FILES[3:])
    others = PINNED_FOR_OUTPUTS | PINNED_FOR_SPEED
    assert learn.keys() - others == {*direct_dependencies(dev=False)}
    assert not learn.keys() & dev.keys()
    assert text_of("requirements-dev.txt").count("\n-r requirements.txt\n") == 1


BROUGHT = {"numpy", "PIL", "IPython", "nbformat"}  # by torchvision, JupyterLab…


def test_what_students_run_needs_no_package_of_maintainers():
    learn = direct_dependencies(dev=False).keys()
    ours = {"helpers", "lessons", "tools"}
    files = [*ROOT.glob("helpers/**/*.py"), *ROOT.glob("lessons/*.py")]
    files += [p for p in ROOT.glob("lessons/l*/*.py") if p.name not in NOT_IN_IT]
    files += [ROOT / name for name in FILES_OF_HANDOUT if name.endswith(".py")]
    for path in files:
        found = {name.split(".")[0] for name in build.names_imported(path)}
        assert found <= {*learn, *BROUGHT, *ours, *sys.stdlib_module_names}, path


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
    asked = yaml.safe_load(text_of("environment.yml"))
    assert asked["dependencies"][-1] == {"pip": ["-r requirements-dev.txt", "-e ."]}
    assert asked["name"] == "convnets"


def test_conda_forges_own_packages_are_in_the_same_ranges():
    asked = yaml.safe_load(text_of("environment-conda-forge.yml"))
    *packages, last = asked["dependencies"][2:]  # after Python and pip
    assert last == {"pip": ["-e ."]}
    found = {r.name: r.specifier for r in map(Requirement, packages)}
    wanted = {r.name: r.specifier for r in dependencies()}
    wanted["pytorch"] = wanted.pop("torch")
    assert found == wanted
    assert asked["channels"] == ["conda-forge"]


def test_all_files_admit_the_same_pythons(setup):
    oldest, newest = setup.OLDEST[1], setup.NEWEST[1]
    assert f'requires-python = ">=3.{oldest}"' in text_of("pyproject.toml")
    for name in ("environment.yml", "environment-conda-forge.yml"):
        python = yaml.safe_load(text_of(name))["dependencies"][0]
        assert python == f"python>=3.{oldest},<3.{newest + 1}"


@pytest.mark.parametrize("name", FILES)
def test_no_addresses(name):
    # Which index to use is the user's business, and a file outside the course would be
    # missing elsewhere.
    address = r"https?:|file:|git\+|index|find-links|trusted-host"
    ours = r"^(repository|archive) = .*$"
    text = re.sub(ours, "", text_of(name), flags=re.MULTILINE)
    assert not re.search(address, text)


# --- tools/setup.py -------------------------------------------------------------------


@pytest.fixture
def course(tmp_path, monkeypatch):
    """Return a folder with copies of what tools/setup.py reads, outside of conda."""
    for name in ("tools/setup.py", *FILES):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    for name in ("CONDA_PREFIX", "CONDA_DEFAULT_ENV", "TORCH", "TORCH_INDEX"):
        monkeypatch.delenv(name, raising=False)
    folders = os.environ["PATH"].split(os.pathsep)
    without = [folder for folder in folders if not (Path(folder) / "uv").exists()]
    monkeypatch.setenv("PATH", os.pathsep.join(without))
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
    # As if all were there: no question of disk space, nothing missing.
    packages = env / "lib/python3.11/site-packages"
    for name, version in pins().items():
        info = packages / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir(parents=True, exist_ok=True)
        (packages / name).mkdir(exist_ok=True)


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
    monkeypatch.setattr(setup.shutil, "which", lambda name: None)
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


@on_posix
def test_beside_condas_own_torch_only_the_course_is_installed(course, monkeypatch):
    fake_venv(course)
    env = (course / ".venv").rename(course / "convnets-forge")
    info = "lib/python3.11/site-packages/convnets_cell_by_cell-0.2.0.dist-info"
    for name in (info, "conda-meta"):
        (env / name).mkdir()
    (env / "conda-meta/pytorch-2.11.0-cpu_0.json").touch()
    monkeypatch.setenv("CONDA_PREFIX", str(env))
    assert run(course, "--print-python").stdout.strip().startswith("convnets-forge")
    assert run(course).returncode == 0
    installs, loads = asked(course)
    assert "pip install --quiet --no-deps -e ." in installs
    assert loads.startswith("-c import torchvision")
    again = run(course)
    assert (again.returncode, again.stdout, asked(course)) == (0, "", [])
    # A new release in another folder, with the same environment.
    moved = course.rename(course.with_name("moved"))
    monkeypatch.setenv("CONDA_PREFIX", str(moved / "convnets-forge"))
    program(moved / "convnets-forge/bin/python", f'echo "$@" >> "{moved}/asked"')
    assert run(moved).returncode == 0
    assert "--no-deps -e ." in asked(moved)[0]
    refused = run(moved, "--full")
    assert refused.returncode == 1
    assert "environment.yml" in refused.stderr
    assert not asked(moved)


# --- What is installed, and which torch -----------------------------------------------


@on_posix
def test_students_and_maintainers_get_their_sets(course):
    fake_venv(course)
    run(course)
    assert any("install -r requirements.txt" in line for line in asked(course))
    assert run(course, "--full").returncode == 0
    assert any("install -r requirements-dev.txt" in line for line in asked(course))
    for arguments in ([], ["--full"]):  # the full set holds the other one
        assert run(course, *arguments).stdout == ""
    assert not asked(course)


def package_gone(course):
    next((course / ".venv").rglob("matplotlib-*.dist-info")).rmdir()


def folder_gone(course):
    next((course / ".venv").rglob("site-packages/matplotlib")).rmdir()


def damaged_stamp(course):
    (course / ".venv/convnets-setup.stamp").write_bytes(b"learn \xff\xfe\n\n")


def folder_for_stamp(course):
    stamp = course / ".venv/convnets-setup.stamp"
    stamp.unlink()
    stamp.mkdir()


@on_posix
@pytest.mark.parametrize(
    "damage", [package_gone, folder_gone, damaged_stamp, folder_for_stamp]
)
def test_damage_behind_the_stamp_is_noticed_and_mended(course, damage):
    fake_venv(course)
    run(course)
    asked(course)
    damage(course)
    done = run(course)
    assert (done.returncode, done.stderr) == (0, "")
    assert any("install -r" in line for line in asked(course))
    fake_venv(course)  # as pip would have
    run(course)
    assert not asked(course)


@on_posix
def test_variables_that_mislead_pip_and_python_do_no_harm(course, monkeypatch):
    fake_venv(course)
    with (course / ".venv/bin/python").open("a") as file:
        file.write(f'\necho "${{PYTHONHOME}}${{PIP_TARGET}}" > {course}/env')
    setup = course / "tools/setup.py"
    monkeypatch.setenv("PIP_TARGET", "/nowhere")
    before = "import os, runpy; os.environ['PYTHONHOME'] = '/nowhere'; "
    start = f"{before}runpy.run_path({str(setup)!r}, run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", start], capture_output=True)
    assert done.returncode == 0, done.stderr
    assert (course / "env").read_text() == "\n"


@on_posix
def test_pip_installs_into_the_environment_whatever_pip_user_says(setup, monkeypatch):
    monkeypatch.setenv("PIP_USER", "1")
    show = "import os, sys; sys.stderr.write(os.environ['PIP_USER'])"
    assert setup.follow([sys.executable, "-c", show]) == (0, ["0"])


def test_a_colon_in_the_path_is_explained(setup, course):
    with pytest.raises(setup.SetupError, match="Rename the folder"):
        setup.make_venv(course / f"a{os.pathsep}b" / ".venv", sys.executable)


def test_an_unknown_torch_is_named(setup, monkeypatch):
    monkeypatch.setenv("TORCH", "rocm")
    with pytest.raises(setup.SetupError, match="TORCH=rocm is not known"):
        setup.main([])


@pytest.mark.parametrize(
    ("variables", "gpu", "uv", "kind", "source", "why"),
    [
        ({}, True, True, "CUDA", "", "NVIDIA GPU"),
        ({}, False, True, "CPU", "--torch-backend=cpu", "no NVIDIA GPU"),
        ({}, False, False, "CUDA", "", "pip knows no place"),
        ({"TORCH": "cpu"}, True, True, "CPU", "--torch-backend=cpu", "TORCH=cpu"),
        ({"TORCH": "cuda"}, False, True, "CUDA", "", "TORCH=cuda"),
        ({"TORCH_INDEX": "."}, False, False, "CPU", "--index-url", "no NVIDIA GPU"),
        ({"TORCH_INDEX": "no/such"}, False, False, "CUDA", "", "did not answer"),
    ],
)
def test_torch_fits_the_computer(
    setup, course, monkeypatch, variables, gpu, uv, kind, source, why
):
    monkeypatch.setattr(setup.sys, "platform", "linux")
    monkeypatch.setattr(setup, "has_nvidia", lambda: gpu)
    monkeypatch.setattr(setup, "uv_has_it", lambda: uv)
    which = shutil.which
    monkeypatch.setattr(setup.shutil, "which", lambda n: uv if n == "uv" else which(n))
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    build = setup.choose_torch(course / ".venv")
    assert build.kind == kind
    assert "".join(build.source[:1]) == source
    assert why in build.why


def test_a_place_that_does_not_answer_is_given_up_in_time(setup, monkeypatch):
    assert setup.SECONDS < 10
    monkeypatch.setattr(setup, "SECONDS", 1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        start = time.monotonic()
        assert not setup.reachable(f"http://127.0.0.1:{silent.getsockname()[1]}")
        assert time.monotonic() - start < 5


def wheel(folder, name, version):
    """A tiny package in an index: a folder for each package, as pip expects it."""
    place = folder / name
    place.mkdir(parents=True, exist_ok=True)
    info = f"{name}-{version}.dist-info"
    content = {f"{name}/__init__.py": f"__version__ = {version!r}\n"}
    content[f"{info}/METADATA"] = (
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    )
    content[f"{info}/WHEEL"] = (
        "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    )
    names = [*content, f"{info}/RECORD"]
    content[f"{info}/RECORD"] = "".join(f"{each},,\n" for each in names)
    file = f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(place / file, "w") as archive:
        for each, text in content.items():
            archive.writestr(each, text)
    links = "".join(
        f'<a href="{quote(each.name)}">{each.name}</a>' for each in place.glob("*.whl")
    )
    (place / "index.html").write_text(
        f"<!DOCTYPE html><html><body>{links}</body></html>"
    )


# Builds an editable install with nothing but the standard library.
BACKEND = r"""
import zipfile
TAG = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
def build_editable(folder, config_settings=None, metadata_directory=None):
    info, name = "course-0.dist-info", "course-0-py3-none-any.whl"
    about = "Metadata-Version: 2.1\nName: course\nVersion: 0\n"
    with zipfile.ZipFile(f"{folder}/{name}", "w") as archive:
        for file, text in ("METADATA", about), ("WHEEL", TAG), ("RECORD", ""):
            archive.writestr(f"{info}/{file}", text)
    return name
"""
PROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "course"
version = "0"
"""


@on_posix
@pytest.mark.skipif(sys.platform != "linux", reason="one build for all elsewhere")
@pytest.mark.parametrize("place", ["cpu", "not there"])
def test_the_small_torch_is_taken_from_the_place_that_is_named(
    course, tmp_path, place, monkeypatch
):
    packages = {
        "matplotlib": "3",
        "jupyterlab": "4",
        "torch": "2.9",
        "torchvision": "1",
    }
    for name, version in packages.items():
        wheel(tmp_path / "index", name, version)
        if name.startswith("torch"):
            wheel(tmp_path / "cpu", name, f"{version}+cpu")
    lines = [f"{name}=={version}" for name, version in packages.items()]
    (course / "requirements.txt").write_text("\n".join(lines))
    (course / "pyproject.toml").write_text(PROJECT)
    (course / "backend.py").write_text(BACKEND)
    setup = course / "tools/setup.py"  # this needs next to no room
    setup.write_text(
        setup.read_text().replace('"CUDA": 12, "CPU": 3', '"CUDA": 0, "CPU": 0')
    )
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", (tmp_path / "index").as_uri())
    monkeypatch.setenv("PIP_USER", "1")
    monkeypatch.setenv("TORCH", "cpu")
    monkeypatch.setenv("TORCH_INDEX", str(tmp_path / place))
    done = run(course)
    assert done.returncode == 0, done.stdout + done.stderr
    expected = (
        "PyTorch 2.9+cpu: the CPU build, 0.0 GB" if place == "cpu" else "2.9: the"
    )
    assert expected in done.stdout
    reason = "as TORCH=cpu asks" if place == "cpu" else "did not answer within"
    assert reason in done.stdout
    assert run(course).stdout == ""
    for name in ("torch", "jupyterlab"):  # as if someone had made room
        shutil.rmtree(next((course / ".venv").rglob(f"site-packages/{name}")))
    assert expected in run(course).stdout
    assert run(course).stdout == ""


@on_posix
def test_uv_installs_where_it_is_and_pip_where_it_fails(course, setup, monkeypatch):
    fake_venv(course)
    python = course / ".venv/bin/python"
    program(course / "bin/uv", f'echo "uv $@" >> "{course}/asked"')
    monkeypatch.setenv("PATH", f"{course / 'bin'}{os.pathsep}{os.environ['PATH']}")
    setup.install_packages(python, "x")
    assert asked(course) == [f"uv pip install --python {python} x"]
    program(course / "bin/uv", "echo 'error: no route' >&2; exit 2")
    setup.install_packages(python, "x", "--torch-backend=cpu")
    assert asked(course) == ["-m pip install x --no-compile"]


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
    for name in ("a b/c", "/a b/c", ""):
        done = subprocess.run(
            f"cd '{folder}' && {words}'{name}'",
            shell=True,
            env=quiet,
            capture_output=True,
            text=True,
            check=True,
        )
        called = [line for line in done.stdout.splitlines() if "tools.grade" in line]
        wanted = f'CALLED_FROM="{folder}" python -m tools.grade'
        wanted += f' "{name}"' if name else ""
        assert [line.rstrip("\\ ") for line in called] == [wanted]


@pytest.mark.skipif(not shutil.which("make"), reason="needs make")
def test_make_keeps_from_python_what_stops_or_slows_it():
    ask = "import sys; print(sys.dont_write_bytecode)"
    rule = f'ask: ; @$(PYTHON3) -c "{ask}" && echo "$(PYTHON)"'
    quiet = {k: v for k, v in os.environ.items() if not k.startswith("MAKE")}
    quiet |= {"PYTHONHOME": "/nowhere", "PYTHONDONTWRITEBYTECODE": "1"}
    command = ["make", "--eval", rule, "ask"]
    done = subprocess.run(command, cwd=ROOT, env=quiet, capture_output=True, text=True)
    assert done.stdout.split()[0] == "False", done.stderr
    assert done.stdout.split()[1].endswith("python")


@pytest.mark.skipif(not shutil.which("make"), reason="needs make")
def test_make_alone_lists_every_target():
    # Not as a part of the make that may be running these tests.
    quiet = {k: v for k, v in os.environ.items() if not k.startswith("MAKE")}
    done = subprocess.run(
        ["make"], cwd=ROOT, env=quiet, capture_output=True, text=True, check=True
    )
    listed = re.findall(r"^  (\w+)  +\S.*$", done.stdout, re.MULTILINE)
    lines = text_of("Makefile").replace("\\\n", "")
    targets = re.findall(r"^\.PHONY:(.*)$", lines, re.MULTILINE)
    assert sorted(listed) == sorted(" ".join(targets).split())
