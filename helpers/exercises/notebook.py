"""The exercises as a notebook cell meets them: `start`, `exercise` and `answer`.

`start` teaches the kernel to treat a cell that holds an exercise with care. The cell's
syntax tree is rewritten before it runs:

* a blank (``____``) is found in the tree: never evaluated, never a traceback;
* the values given to `answer` become functions, evaluated under guard;
* an error anywhere in the cell becomes a card, and the name that the exercise defines
  is bound to the reference, so that the cells below still run;
* so is the name of an exercise whose cell was emptied, say, and is needed below.
"""

from __future__ import annotations

import ast
import contextlib
import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

from helpers.display import shell
from helpers.exercises import apart, engine, sandbox
from helpers.exercises.cards import GOES_ON, show_result
from helpers.exercises.cells import exercises_in, exercises_in_text, holds_blank
from helpers.exercises.lessons import lessons
from helpers.exercises.progress import record

Learner = TypeVar("Learner")
_GUARD = "__exercise_guard__"
_CELL_SECONDS = 30.0  # for what an exercise cell does besides the check
_STOPPED = KeyboardInterrupt, sandbox.TimeLimitError, sandbox.ProcessDiedError
_judged: set[str] = set()  # exercises judged in the cell that is running
_latest = [Path(os.environ.get("JPY_SESSION_NAME", "")).name]  # or the last exercise


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


def exercise(number: Any = None) -> Callable[[Learner], Learner]:
    """Check the function or class below, show a card, and keep it if it is right.

    When it is not, the name is bound to the reference, and the card says so.
    """
    known = _known(number, True)
    if known is None:  # perhaps without brackets: then it is what stands below
        return number if callable(number) else lambda candidate: candidate

    def judge(candidate: Learner) -> Learner:
        return _conclude(_check(known, candidate), candidate)

    return judge


def answer(number: Any = None, **values: Any) -> None:
    """Check the values and show a card."""
    if known := _known(number, False):
        _conclude(_check(known, values), None)


def _known(number: Any, code: bool) -> engine.Exercise | None:
    """The exercise of a number; where there is none, that is said."""
    try:
        known = engine.get(number if isinstance(number, str) else _latest[0][:2] + ".?")
    except KeyError as error:
        print(f"There is {error.args[0]}.")
        return None
    if known.is_answer == code:
        forms = f'code: use @exercise("{number}")', f'values: use answer("{number}", …)'
        raise TypeError(f"exercise {number} asks for {forms[code]}")
    return known


def _check(known: engine.Exercise, candidate: Any) -> engine.Result:
    """Judge apart from this process, where that is possible."""
    try:
        return apart.judged(lambda: engine.check(known.number, candidate))
    except _STOPPED as error:
        return engine.error_result(known, sandbox.Outcome(error=error))


def _conclude(result: engine.Result, candidate: Any) -> Any:
    """Record and show a judgement; return what the rest of the notebook works with."""
    known, ipython = engine.get(result.number), shell()
    _judged.add(result.number)
    _latest[:] = [result.number]
    show_result(result, times=record(result))
    value = candidate if result.passed else known.reference
    if not known.is_answer and ipython is not None:  # under the name that others use
        wanted = known.reference.__name__
        ipython.user_ns[wanted] = value
        if result.passed and (name := getattr(candidate, "__name__", wanted)) != wanted:
            print(
                f"The cells below call it `{wanted}`, so `{name}` has that name, too."
            )
    return value


# --- what start() installs ------------------------------------------------------------


class ExerciseCells(ast.NodeTransformer):
    """Rewrites the syntax tree of a cell that holds an exercise; see the module."""

    def visit_Module(self, tree: ast.Module) -> ast.Module:
        """Leave other cells alone."""
        numbers = self.numbers = exercises_in(tree)
        if not numbers:
            _bind_missing(tree)
            return tree
        names = {n: getattr(node, "name", None) for node, n in numbers.items()}
        last = tree.body[-1]
        body = [self.visit(node) for node in tree.body]
        if isinstance(last, ast.Expr) and last not in numbers:
            # Inside a block its value would not be displayed any more.
            hook = ast.parse(f"{_GUARD}.display(0)", mode="eval").body
            hook.args = [last.value]
            body[-1] = ast.copy_location(ast.Expr(hook), last)
        future = [n for n in body if getattr(n, "module", "") == "__future__"]  # first
        guard = ast.parse(f"with {_GUARD}.cell({names!r}, globals()): pass").body[0]
        guard.body = [node for node in body if node not in future]
        tree.body = [*future, guard]
        return ast.fix_missing_locations(tree)

    def visit(self, node: ast.AST) -> ast.AST:
        """Rewrite exercises, wherever they stand."""
        if isinstance(node, ast.Module) or node not in self.numbers:
            return super().visit(node)
        return self._careful(node, self.numbers[node])

    def _careful(self, node: ast.stmt, number: str) -> ast.stmt:
        if hasattr(node, "value"):  # answer(...): evaluate each value under guard
            for keyword in node.value.keywords:
                if keyword.arg is not None:
                    later = ast.parse("lambda: 0", mode="eval").body
                    later.body = keyword.value
                    keyword.value = ast.copy_location(later, keyword.value)
            return node
        if not holds_blank(node):
            return node
        blank = ast.parse(f"{node.name} = exercise({number!r})({_GUARD}.blank)").body[0]
        return ast.copy_location(blank, node)


def _bind_missing(tree: ast.Module) -> None:
    """Bind what a cell needs of an exercise that was emptied, say, or never run."""
    names = [n for n in ast.walk(tree) if isinstance(n, ast.Name)]
    used = {n.id for n in names if isinstance(n.ctx, ast.Load)}
    used -= {n.id for n in names if isinstance(n.ctx, ast.Store)}
    used -= {n.arg for n in ast.walk(tree) if isinstance(n, ast.arg)}
    known = [n for n in ast.walk(tree) if hasattr(n, "name")]  # defined, imported
    used -= {getattr(n, "asname", None) or n.name for n in known}
    space, lesson = shell().user_ns, lessons().get(_latest[0][:2])
    for source in lesson.solved.values() if lesson else ():
        for number, name in exercises_in_text(source).items():
            if name in used and name not in space:
                space[name] = engine.reference(number)
                print(f"Exercise {number} has not defined `{name}` yet.", GOES_ON)


@contextlib.contextmanager
def _guard_cell(names: dict[str, str | None], space: dict[str, Any]) -> Iterator[None]:
    """Turn an error in an exercise cell into a card; see the module."""
    _judged.clear()
    try:
        with sandbox.disarmed(), sandbox.time_limit(_CELL_SECONDS):
            yield
    except BaseException as error:  # the stop button, too: what is below still runs
        frame = error.__traceback__.tb_next  # the first frame is the guard's own
        file = frame.tb_frame.f_code.co_filename if frame else None
        outcome = sandbox.Outcome(error=error, line=sandbox.line_at_fault(error, file))
        left = {number: names[number] for number in names if number not in _judged}
        if not left:
            print(f"The lines after the exercise stopped: {outcome.problem}")
        _give_up(left, space, outcome)


def _give_up(
    names: dict[str, str | None], space: dict[str, Any], outcome: sandbox.Outcome
) -> None:
    """Show an error card for each exercise, and bind its name to the reference."""
    for number, name in names.items():
        try:
            known = engine.get(number)
        except Exception:  # no such number, or a mistake in the lesson's checks
            print(outcome.problem)
            continue
        value = _conclude(engine.error_result(known, outcome), None)
        if name is not None:
            space[name] = value


_guard = SimpleNamespace(  # what the rewritten cell calls
    cell=_guard_cell,
    blank=engine.Blank(),
    display=lambda value: sys.displayhook(value),  # that of the cell's last line
    unreadable=lambda names, space, words, line: _give_up(  # it is not Python
        names, space, sandbox.Outcome(error=SyntaxError(words), line=line)
    ),
)


def catch_syntax_errors(lines: list[str]) -> list[str]:
    """Replace an exercise cell that does not parse by one that shows a card."""
    source = "".join(lines)
    if "exercise" not in source and "answer" not in source:
        return lines
    timed = re.match(r"get_ipython\(\).run_cell_magic\('timeit', '.*?', (.*)\)", source)
    if timed and exercises_in_text(inner := ast.literal_eval(timed[1])):
        lines, source = inner.splitlines(keepends=True), inner  # one card is enough
    try:
        compile(source, "cell", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    except SyntaxError as error:
        if names := exercises_in_text(source):
            at = f"line {error.lineno}: {(error.text or '').strip()}"
            told = f"{names!r}, globals(), {error.msg!r}, {at!r}"
            return [f"{_GUARD}.unreadable({told})\n"]
    return lines
