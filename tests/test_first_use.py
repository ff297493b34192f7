"""Nothing is used before it is taught.

The first time that a cell in sight uses a name of torch, NumPy or the helpers, that
name stands on the lesson's pages: in backticks in a text, or in a comment of the code,
on the slide of its first use or earlier.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import jupytext
import numpy as np
import torch
from torch import nn

from tools import build

# Modules, and what the build takes away.
_UNSEEN = (
    "torch",
    "torch.nn",
    "torch.nn.functional",
    "numpy",
    "helpers.authoring.blank",
)
_FAMILIES = ("torch", "numpy", "helpers")
_PYTHON = {name for kind in (str, list, dict, set, tuple, int) for name in dir(kind)}
_METHODS = {*dir(torch.Tensor), *dir(nn.Module), *dir(np.ndarray)} - _PYTHON
_CODE = re.compile(r"`([^`]+)`")
_COMMENT = re.compile(r"#(.*)")


def _imported(tree: ast.Module) -> dict[str, str]:
    """What the imports of a cell bind: short name → full name."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {a.asname or a.name: a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
    return {k: v for k, v in names.items() if v.split(".")[0] in _FAMILIES}


def _used(tree: ast.Module, known: dict[str, str]) -> Iterator[str]:
    """Names that a cell uses: of what was imported, and methods of tensors."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and known.get(node.id, "torch") not in _UNSEEN:
            yield node.id
        elif isinstance(node, ast.Attribute):
            root = ast.unparse(node.value).split(".")[0]
            if root in known or node.attr in _METHODS:
                yield node.attr


def _slides(lesson: build.Source) -> Iterator[tuple[str, list[ast.Module]]]:
    """Slide by slide: what it says in backticks and comments, and its code in sight."""
    said, code = "", []
    for cell in jupytext.read(lesson.text, fmt="py:percent").cells:
        slide_type = cell.metadata.get("slideshow", {}).get("slide_type")
        if slide_type == "notes":  # for the lecturer
            continue
        if slide_type in ("slide", "subslide"):
            yield said, code
            said, code = "", []
        if cell.cell_type == "markdown":
            said += " ".join(_CODE.findall(cell.source)) + " "
        else:
            said += " ".join(_COMMENT.findall(cell.source)) + " "
            if not cell.metadata.get("jupyter", {}).get("source_hidden"):
                code.append(ast.parse(cell.source))
    yield said, code


def _first_used() -> dict[str, list[str]]:
    """By lesson: the names used for the first time, and not introduced by then."""
    seen: set[str] = set()
    missing: dict[str, list[str]] = {}
    for lesson in build.lessons():
        known, words = {}, set()
        missing[lesson.number] = []
        for said, code in _slides(lesson):
            words |= set(re.findall(r"\w+", said))
            for tree in code:
                known |= _imported(tree)
                for name in _used(tree, known):
                    if name not in seen and name not in words:
                        missing[lesson.number].append(name)
                    seen.add(name)
    return missing


def test_names_are_introduced_where_they_are_first_used():
    """Name it in a sentence or a comment, with what it does."""
    assert {lesson: names for lesson, names in _first_used().items() if names} == {}
