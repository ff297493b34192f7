"""The exercises as a notebook cell meets them: `start`, `exercise` and `answer`.

`start` teaches the kernel to treat a cell that holds an exercise with care. The cell's
syntax tree is rewritten before it runs:

* a blank (``____``) is found in the tree: never evaluated, never a traceback;
* the values given to `answer` become functions, evaluated under guard;
* an error anywhere in the cell becomes a card, and the name that the exercise defines
  is bound to the reference, so that the cells below still run.
"""

from __future__ import annotations

import ast
import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from helpers.display import shell
from helpers.exercises import engine, sandbox
from helpers.exercises.cards import show_result
from helpers.exercises.progress import record

Learner = TypeVar("Learner")
_GUARD = "__exercise_guard__"
_CELL_SECONDS = 30.0  # for what an exercise cell does besides the check
_judged: set[str] = set()  # exercises judged in the cell that is running


def start() -> None:
    """Make this notebook check its exercises. The first cell of a lesson calls it.

    Also sets the seed and the style of the figures, so that every run prints and draws
    the same. Calling it again does no harm.
    """
    import torch

    torch.manual_seed(0)
    ipython = shell()
    if ipython is None:
        return
    from helpers.plots import use_style

    use_style()
    ipython.user_ns[_GUARD] = _guard
    if not any(isinstance(t, ExerciseCells) for t in ipython.ast_transformers):
        ipython.ast_transformers.append(ExerciseCells())
        ipython.input_transformers_post.append(catch_syntax_errors)


def exercise(number: str) -> Callable[[Learner], Learner]:
    """Check the function or class below, show a card, and keep it if it is right.

    When it is not, the name is bound to the reference, and the card says so.
    """
    known = engine.get(number)
    if known.is_answer:
        raise TypeError(f'exercise {number} asks for values: use answer("{number}", …)')

    def judge(candidate: Learner) -> Learner:
        return _conclude(engine.check(number, candidate), candidate)

    return judge


def answer(number: str, **values: Any) -> None:
    """Check the values and show a card."""
    known = engine.get(number)
    if not known.is_answer:
        raise TypeError(f'exercise {number} asks for code: use @exercise("{number}")')
    _conclude(engine.check(number, values), None)


def _conclude(result: engine.Result, candidate: Any) -> Any:
    """Record and show a judgement; return what the rest of the notebook works with."""
    known = engine.get(result.number)
    _judged.add(result.number)
    record(result)
    show_result(result)
    return candidate if result.passed else known.reference


# --- what start() installs ------------------------------------------------------------


def _exercise_of(node: ast.stmt) -> str | None:
    """Number of the exercise that a top-level statement is, or None."""
    calls: list[ast.expr] = []
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        calls, name = node.decorator_list, "exercise"
    elif isinstance(node, ast.Expr):
        calls, name = [node.value], "answer"
    for call in calls:
        if (
            isinstance(call, ast.Call)
            and isinstance(call.func, ast.Name)
            and call.func.id == name
            and call.args
            and isinstance(call.args[0], ast.Constant)
        ):
            return str(call.args[0].value)
    return None


def _is_future(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def _holds_blank(node: ast.AST) -> bool:
    names = (n.id for n in ast.walk(node) if isinstance(n, ast.Name))
    return engine.BLANK_NAME in names


class ExerciseCells(ast.NodeTransformer):
    """Rewrites the syntax tree of a cell that holds an exercise; see the module."""

    def visit_Module(self, tree: ast.Module) -> ast.Module:
        """Leave other cells alone."""
        numbers = {i: _exercise_of(node) for i, node in enumerate(tree.body)}
        numbers = {i: number for i, number in numbers.items() if number is not None}
        if not numbers:
            return tree
        names = {n: getattr(tree.body[i], "name", None) for i, n in numbers.items()}
        body = [
            self._careful(node, numbers[i]) if i in numbers else node
            for i, node in enumerate(tree.body)
        ]
        last = body[-1]
        if isinstance(last, ast.Expr) and len(body) - 1 not in numbers:
            # Inside a block its value would not be displayed any more.
            hook = ast.parse(f"{_GUARD}.display(0)", mode="eval").body
            hook.args = [last.value]
            body[-1] = ast.copy_location(ast.Expr(hook), last)
        future = [node for node in body if _is_future(node)]  # must stand first
        guard = ast.parse(f"with {_GUARD}({names!r}, globals()): pass").body[0]
        guard.body = [node for node in body if node not in future]
        tree.body = [*future, guard]
        return ast.fix_missing_locations(tree)

    def _careful(self, node: ast.stmt, number: str) -> ast.stmt:
        if isinstance(node, ast.Expr):  # answer(...): evaluate each value under guard
            for keyword in node.value.keywords:
                if keyword.arg is not None:
                    later = ast.parse("lambda: 0", mode="eval").body
                    later.body = keyword.value
                    keyword.value = ast.copy_location(later, keyword.value)
            return node
        if not _holds_blank(node):
            return node
        blank = ast.parse(f"{node.name} = exercise({number!r})({_GUARD}.blank)").body[0]
        return ast.copy_location(blank, node)


@contextlib.contextmanager
def _guard_cell(names: dict[str, str | None], space: dict[str, Any]) -> Iterator[None]:
    """Turn an error in an exercise cell into a card; see the module."""
    _judged.clear()
    try:
        with sandbox.disarmed(), sandbox.time_limit(_CELL_SECONDS):
            yield
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        outcome = sandbox.Outcome(error=error, line=_line_in_cell(error))
        if _judged.issuperset(names):
            print(f"The lines after the exercise stopped: {outcome.problem}")
        _give_up(
            {n: name for n, name in names.items() if n not in _judged}, space, outcome
        )


def _line_in_cell(error: BaseException) -> str:
    frame = error.__traceback__.tb_next  # the first frame is the guard's own
    file = frame.tb_frame.f_code.co_filename if frame else None
    return sandbox.line_at_fault(error, file)


def _give_up(
    names: dict[str, str | None], space: dict[str, Any], outcome: sandbox.Outcome
) -> None:
    """Show an error card for each exercise, and bind its name to the reference."""
    for number, name in names.items():
        if number not in engine.exercises():
            print(outcome.problem)  # that the number is not known
            continue
        value = _conclude(engine.error_result(engine.get(number), outcome), None)
        if name is not None:
            space[name] = value


class _Guard:
    """What the rewritten cell calls."""

    blank = engine.Blank()

    def display(self, value: Any) -> None:
        """Display the value of the cell's last line."""
        sys.displayhook(value)

    def __call__(self, names: dict[str, str | None], space: dict[str, Any]):
        return _guard_cell(names, space)

    def unreadable(
        self, names: dict[str, str | None], space: dict, message: str, line: str
    ) -> None:
        """Conclude an exercise cell that is not Python."""
        outcome = sandbox.Outcome(error=SyntaxError(message), line=line)
        _give_up(names, space, outcome)


_guard = _Guard()


def catch_syntax_errors(lines: list[str]) -> list[str]:
    """Replace an exercise cell that does not parse by one that shows a card."""
    source = "".join(lines)
    if "exercise(" not in source and "answer(" not in source:
        return lines
    try:
        compile(source, "cell", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    except SyntaxError as error:
        names = _names_in(lines)
        if not names:
            return lines
        at = f"line {error.lineno}: {(error.text or '').strip()}"
        call = f"{_GUARD}.unreadable({names!r}, globals(), {error.msg!r}, {at!r})\n"
        return [call]
    return lines


def _names_in(lines: list[str]) -> dict[str, str | None]:
    """Exercises of a cell that does not parse, read line by line."""
    names: dict[str, str | None] = {}
    number = None
    for line in lines:
        word, _, rest = line.partition("(")
        if word in ("@exercise", "answer") and rest[:1] in "\"'":
            number = rest[1:].split(rest[0])[0]
            names[number] = None
        elif word.startswith(("def ", "class ")) and number is not None:
            names[number] = word.split()[1].split(":")[0]
            number = None
    return {n: name for n, name in names.items() if n in engine.exercises()}
