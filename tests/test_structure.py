"""The house stays in order: what may import what, and how small the helpers are."""

import ast
import pickle
import re
from graphlib import TopologicalSorter

import pytest

from helpers.exercises import engine
from tools import build

ROOT = build.ROOT
HELPERS = sorted((ROOT / "helpers").rglob("*.py"))
LINES = {"helpers": 5_500, "helpers/training": 1_200}


@pytest.mark.parametrize("folder", LINES)
def test_helpers_are_small(folder):
    files = (ROOT / folder).rglob("*.py")
    assert sum(len(p.read_text("utf-8").splitlines()) for p in files) <= LINES[folder]


@pytest.mark.parametrize("path", HELPERS, ids=lambda p: str(p.relative_to(ROOT)))
def test_helpers_know_no_lesson(path):
    names = r'[Ll]essons? ?_?[0-9]|"[01][0-9]\.[0-9]'
    assert re.findall(names, path.read_text("utf-8")) == []


def imports_of(path):
    """The project's modules that a module imports by name."""
    found = set()
    for name in build.names_imported(path):  # of a module, or of a name in one
        for parts in (name.split("."), name.split(".")[:-1]):
            stem = ROOT.joinpath(*parts)
            target = stem.with_suffix(".py")
            target = target if target.is_file() else stem / "__init__.py"
            if parts and target.is_file():
                found.add(target)
                break
    return found - {path}


def test_nothing_is_imported_by_a_relative_name():
    for path in [*HELPERS, *ROOT.glob("lessons/*/*.py"), *ROOT.glob("tools/**/*.py")]:
        nodes = ast.walk(ast.parse(path.read_text("utf-8")))
        assert not any(getattr(node, "level", 0) for node in nodes), path


def test_no_two_modules_need_each_other():
    modules = [*HELPERS, *(ROOT / "tools").rglob("*.py")]
    order = TopologicalSorter({path: imports_of(path) for path in modules})
    order.prepare()  # raises CycleError, with the cycle in it


def test_imports_go_one_way():
    folders = {"helpers": {"helpers"}, "lessons": {"helpers", "lessons"}}
    folders["tools"] = {"helpers", "lessons", "tools"}
    for folder, may in folders.items():
        for path in (ROOT / folder).rglob("*.py"):
            if path.name != "test_lesson.py":
                found = {p.relative_to(ROOT).parts[0] for p in imports_of(path)}
                assert found <= may, path


def test_what_observes_knows_no_answers():
    """It runs beside handed-in code, in a folder without checks, texts and tools."""
    shared = ROOT / "lessons" / "observe_networks.py"
    observers = [shared, *ROOT.glob("lessons/*/observe.py")]
    for path in observers:
        for target in imports_of(path):
            inner = target.relative_to(ROOT).parts[:2] == ("helpers", "exercises")
            assert inner or target == shared, path
        assert "reference" not in path.read_text("utf-8").split('"""', 2)[2], path


def test_a_candidate_is_given_no_answers():
    for number, exercise in engine.exercises().items():
        if not exercise.is_answer:
            given = pickle.dumps((exercise.run, list(exercise.cases())))
            assert b".checks" not in given, number
            run = getattr(exercise.run, "func", exercise.run)  # of a partial
            where = run.__module__.split(".")
            assert where[0] == "helpers" or where[-1].startswith("observe"), number


def test_a_lesson_imports_no_other_lesson():
    for lesson in build.lessons():
        for path in lesson.folder.glob("*.py"):
            for target in imports_of(path):
                if target.parts[-3] == "lessons":
                    assert target.parent == lesson.folder, path
