"""Where the exercises are in a cell's source: the one place that knows their form.

An exercise is a statement ``answer("NN.n", …)``, or a function or class under
``@exercise("NN.n")``. Learners put it inside an `if`, say; lessons do not.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from functools import cache
from itertools import pairwise, zip_longest

BLANK = "____"
_WORDS = re.compile(r"\w+|\s+|.")
_IN_TEXT = re.compile(
    r"""^[^a-z#\n]*(?:@exercise|(?:\b\w+ *= *)?(?:print\()?answer)\("""
    r"""\s*["'“”„‘’«](?P<number>[\d.]+)|^[^a-z#\n]*(?:def|class)\s+(?P<name>\w+)""",
    re.MULTILINE,
)


def exercises_in(tree: ast.Module) -> dict[ast.stmt, str]:
    """The statements that are exercises, with their numbers."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            calls, name = node.decorator_list, "exercise"
        elif isinstance(node, ast.Expr | ast.Assign):
            inner = node.value.args[:1] if isinstance(node.value, ast.Call) else []
            if inner and getattr(getattr(inner[0], "func", 0), "id", "") == "answer":
                node.value = inner[0]  # print(answer(…)): the card is shown already
            calls, name = [node.value], "answer"
        else:
            continue
        for call in calls:
            called = getattr(getattr(call, "func", None), "id", "") == name
            if called and call.args and isinstance(call.args[0], ast.Constant):
                found[node] = str(call.args[0].value)
    return found


def exercises_in_text(source: str) -> dict[str, str | None]:
    """The same for source that does not parse: number → name it defines, if any."""
    names: dict[str, str | None] = {}
    number = None
    for match in _IN_TEXT.finditer(source):
        if match["number"]:
            number = match["number"]
            names[number] = None
        elif number is not None:
            names[number], number = match["name"], None
    return names


def holds_blank(node: ast.AST) -> bool:
    """Whether a blank is still open anywhere in this part of the tree."""
    return any(isinstance(n, ast.Name) and n.id == BLANK for n in ast.walk(node))


def filled(blanked: str, fillings: Sequence[str]) -> str:
    """A cell with its blanks filled, one after the other."""
    parts = zip_longest(blanked.split(BLANK), fillings, fillvalue="")
    return "".join(text for pair in parts for text in pair)


def with_both(right: str, one: str, other: str) -> str | None:
    """A text changed as in ``one`` and as in ``other``; None where the two touch."""
    both = sorted((*_changes(right, one), *_changes(right, other)))
    if any(end >= start for (_, end, _), (start, *_) in pairwise(both)):
        return None
    words = _WORDS.findall(right)
    for start, end, new in reversed(both):
        words[start:end] = new
    return "".join(words)


@cache
def _changes(right: str, changed: str) -> list[tuple[int, int, list[str]]]:
    words, new = _WORDS.findall(right), _WORDS.findall(changed)
    codes = SequenceMatcher(None, words, new, autojunk=False).get_opcodes()
    return [(i, j, new[k:m]) for kind, i, j, k, m in codes if kind != "equal"]
