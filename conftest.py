"""Settings of `pytest --nbval`, the same from the project's root and from notebooks/.

They stand here, not in pyproject.toml: a path there would be relative to the folder
that pytest is started in, and an option of nbval an error where it is not installed.
"""

import os
import re
import tempfile
from pathlib import Path

import pytest

try:
    from tools import warm
except ImportError:  # these settings alone, elsewhere
    warm = None

ROOT = Path(__file__).parent
CELL_SECONDS = 120
NBVAL_CELL_SECONDS = 2000  # what nbval waits when it is told nothing

# Before anything imports torch; the notebooks' kernels inherit both.
os.environ["CONVNETS_PROGRESS"] = "memory"
os.environ["OMP_NUM_THREADS"] = "1"

# Not collected wherever pytest is started, whatever its own list says.
collect_ignore_glob = ["**/.ipynb_checkpoints/*", "build/*"]


def pytest_configure(config):
    """Say how notebooks are compared, where the command line does not."""
    # Older jupyter_core says this at import, once in every process.
    config.addinivalue_line("filterwarnings", "ignore:Jupyter is migrating its paths")
    option = config.option
    if not hasattr(option, "nbval"):  # not installed
        return
    if option.nbval_sanitize_with is None and not option.sanitize_with:
        option.nbval_sanitize_with = str(ROOT / "tests" / "nbval_sanitize.cfg")
    if option.nbval_cell_timeout == NBVAL_CELL_SECONDS:
        option.nbval_cell_timeout = CELL_SECONDS
    if warm and option.nbval_current_env and not option.nbval_kernel_name:
        option.nbval_current_env, option.nbval_kernel_name = False, warm.kernel()
    _run_elsewhere()


def _run_elsewhere():
    """Let each notebook's kernel work in an empty folder of its own.

    So every comparison shows too that a notebook needs nothing beside it and leaves
    nothing behind: that it can be handed out alone.
    """
    from nbval import plugin

    if plugin.RunningKernel.__name__ == "Elsewhere":
        return

    class Elsewhere(plugin.RunningKernel):
        def __init__(self, kernel_name, cwd=None, **options):
            self.folder = tempfile.TemporaryDirectory(prefix="convnets-notebook-")
            super().__init__(kernel_name, cwd=self.folder.name, **options)

        def stop(self):
            super().stop()
            left = os.listdir(self.folder.name)
            self.folder.cleanup()
            assert not left, f"the notebook leaves files behind: {', '.join(left)}"

    plugin.RunningKernel = Elsewhere


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Let the cells after one that took too long fail.

    nbval would run them and expect them to fail; that they were not compared would show
    nowhere but in the count.
    """
    if getattr(item.parent, "timed_out", False):
        pytest.fail("not run: an earlier cell of this notebook took too long")


# What takes longest comes first, where there are several workers: begun last, it would
# keep one of them busy alone. The others come after these, as they are collected.
LONG = (
    "tests/browser/test_slides.py",
    "tests/browser/",
    "tests/test_build.py",
    "tests/test_training.py",
    "tests/test_mutants.py",
    "tests/test_grade.py",
    "tests/test_lessons.py",
    "notebooks/",
)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    """Put first what takes longest, in the workers of xdist."""
    if hasattr(config, "workerinput"):
        items.sort(key=_rank)


def _rank(item):
    found = map(item.nodeid.startswith, LONG)
    return next((rank for rank, is_it in enumerate(found) if is_it), len(LONG))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Keep a notebook's cells in one process, and a file's tests.

    xdist alone would deal out the cells of a notebook to several kernels, unless it is
    told ``--dist loadfile``. What is tried on each lesson is dealt out one by one.
    """
    from xdist.scheduler import LoadScopeScheduling

    class ByFileOrLesson(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            by_lesson = re.search(r"\[\d\d_\w+[\]-]", nodeid)
            return nodeid if by_lesson else nodeid.split("::")[0]

    if config.getoption("dist") in ("load", "loadfile", "loadscope", "worksteal"):
        config.option.loadscopereorder = False  # by their number of tests
        return ByFileOrLesson(config, log)
    return None
