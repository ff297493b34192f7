"""Single mutants of a solved exercise."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from typing import Any

from helpers.exercises.lessons import lessons

_OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.FloorDiv, ast.Div, ast.Mod)
_COMPARISONS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq)


def run(number: str, source: str) -> Any:
    """What a cell hands to the check: its function, or its answers."""
    return lessons()[number.split(".")[0]].run(source, number)


def mutants(source: str) -> Iterator[str]:
    """Every source that differs from this one in a single place, each once."""
    tree = ast.parse(source)
    root = tree.body[-1]  # behind what the cell imports
    is_answer = isinstance(root, ast.Expr)
    names = _local_names(root)
    seen = {ast.unparse(tree)}
    if not is_answer and ast.get_docstring(root) is not None:
        del root.body[0]
    # Not the decorator, the name or the parameters of a function.
    parts = [root] if is_answer else root.body
    inside = [node for part in parts for node in ast.walk(part)]
    places = [(node, field) for node in inside for field in node._fields]
    places += [] if is_answer else [(root, "body")]
    for node, field in places:
        before = getattr(node, field)
        for changed in _in_field(node, field, names, is_answer):
            setattr(node, field, changed)
            text = ast.unparse(ast.fix_missing_locations(tree))
            if text not in seen and _is_python(text):
                seen.add(text)
                yield text
        setattr(node, field, before)


def _is_python(text: str) -> bool:
    try:
        compile(text, "<mutant>", "exec")
    except SyntaxError:
        return False
    return True


def _local_names(root: ast.AST) -> list[str]:
    found = {n.arg for n in ast.walk(root) if isinstance(n, ast.arg)}
    found |= {
        n.id
        for n in ast.walk(root)
        if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    }
    return sorted(found)


def _in_field(
    parent: ast.AST, field: str, names: list[str], is_answer: bool
) -> Iterator[Any]:
    """Values to put in the place of one field of a node."""
    value = getattr(parent, field, None)
    if isinstance(parent, ast.Call) and is_answer and field in ("args", "func"):
        return  # answer("number")
    if isinstance(value, list):
        for i, item in enumerate(value):
            for new in _instead(item, names):
                yield [*value[:i], new, *value[i + 1 :]]
        yield from _rearranged(parent, field, value, is_answer)
    elif isinstance(value, ast.operator):
        yield from (op() for op in _OPERATORS if not isinstance(value, op))
    elif isinstance(value, ast.AST):
        yield from _instead(value, names)
    if isinstance(parent, ast.Slice) and field in ("lower", "upper") and value:
        yield None
    if isinstance(parent, ast.Return) and field == "value":
        yield ast.UnaryOp(ast.USub(), value)
    if isinstance(parent, ast.If | ast.While | ast.IfExp) and field == "test":
        yield ast.UnaryOp(ast.Not(), value)


def _rearranged(
    parent: ast.AST, field: str, value: list, is_answer: bool
) -> Iterator[list]:
    """Lists with two neighbours swapped, or one element left out."""
    ordered = isinstance(parent, ast.Tuple | ast.List) or field == "args"
    load = isinstance(getattr(parent, "ctx", ast.Load()), ast.Load)
    if ordered and load and isinstance(parent, ast.Tuple | ast.List | ast.Call):
        for i in range(len(value) - 1):
            yield [*value[:i], value[i + 1], value[i], *value[i + 2 :]]
    droppable = (ordered and load) or (field == "keywords" and not is_answer)
    if droppable or (field == "body" and len(value) > 1):
        for i in range(len(value)):
            yield [*value[:i], *value[i + 1 :]]


def _instead(node: ast.AST, names: list[str]) -> Iterator[ast.AST]:
    """Nodes to put in the place of one node."""
    if isinstance(node, ast.Constant):
        yield from map(ast.Constant, _other_values(node.value))
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        yield from (ast.Name(n, ast.Load()) for n in names if n != node.id)
        if node.id in names:
            yield from (ast.BinOp(node, op(), ast.Constant(1)) for op in _OPERATORS[:2])
    elif isinstance(node, ast.UnaryOp):
        yield node.operand
    elif isinstance(node, ast.BinOp):
        yield ast.BinOp(node.right, node.op, node.left)
        yield ast.UnaryOp(ast.USub(), node)
        yield node.left
        yield node.right
    elif isinstance(node, ast.cmpop):
        yield from (op() for op in _COMPARISONS if not isinstance(node, op))
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        yield ast.UnaryOp(ast.USub(), node)
        if not isinstance(node.func.value, ast.Name) or node.func.value.id in names:
            yield node.func.value  # the method is not called
    elif isinstance(node, ast.AugAssign):
        yield ast.Assign([copy.deepcopy(node.target)], node.value)


def _other_values(value: Any) -> list:
    if isinstance(value, bool):
        return [not value, None]
    if isinstance(value, int | float):
        return [v for v in (value + 1, value - 1, 0, -value) if v != value]
    if isinstance(value, str):
        letters = [c for c in dict.fromkeys(value) if c.isalpha()]
        swapped = [
            value.translate(str.maketrans(a + b, b + a))
            for i, a in enumerate(letters)
            for b in letters[i + 1 :]
        ]
        one_less = [value[:i] + value[i + 1 :] for i in range(len(value))]
        replaced = [
            value[:i] + new + value[i + 1 :]
            for i, old in enumerate(value)
            for new in letters
            if old.isalpha() and new != old
        ]
        return [value + "s", "", *swapped, *one_less, *replaced]
    return []
