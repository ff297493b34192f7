"""Settings of `pytest --nbval`, the same from the project's root and from notebooks/.

They stand here, not in pyproject.toml: a path there would be relative to the folder
that pytest is started in, and an option of nbval an error where it is not installed.
"""

import os
import re
from pathlib import Path

import pytest

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


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Let the cells after one that took too long fail.

    nbval would run them and expect them to fail; that they were not compared would show
    nowhere but in the count.
    """
    if getattr(item.parent, "timed_out", False):
        pytest.fail("not run: an earlier cell of this notebook took too long")


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
        return ByFileOrLesson(config, log)
    return None
