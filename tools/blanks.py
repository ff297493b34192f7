"""From one source cell to two: with blanks for students, and solved.

A blank is the right answer inside ``blank(...)``; whole statements are blanked between
``# BEGIN SOLUTION`` and ``# END SOLUTION``. Both are found in the syntax tree and the
token stream, so a blank may stand wherever an expression may.
"""

from __future__ import annotations

import ast
import io
import itertools
import tokenize
from dataclasses import dataclass

import asttokens

from helpers.exercises.cells import BLANK, exercises_in, filled

_BEGIN, _END = "# BEGIN SOLUTION", "# END SOLUTION"
_MEANT = ("#BEGINSOLUTION", "#ENDSOLUTION")  # a slip here would give the answer away
_OPEN_LINES = f"{BLANK}  # your code: as many lines as you need"


class LessonError(Exception):
    """A mistake in a lesson's source; the message names file and line."""


@dataclass(frozen=True)
class Cell:
    """The two forms of a code cell, and the exercises it holds.

    ``blanked`` with ``fillings`` is the solved form, see `filled`.
    """

    student: str
    blanked: str
    fillings: tuple[str, ...]
    exercises: tuple[str, ...]
    slide: str = ""  # the heading of the slide that leads up to them

    @property
    def solution(self) -> str:
        """The cell with all blanks filled rightly."""
        return filled(self.blanked, self.fillings)


@dataclass(frozen=True)
class _Edit:
    start: int
    end: int
    student: str
    solution: str


def split_cell(source: str, file: str = "cell", first_line: int = 1) -> Cell:
    """Make the student's and the solved form of a cell.

    ``file`` and ``first_line`` say where the cell stands, for `LessonError`.
    """

    def error(line: int, message: str) -> LessonError:
        return LessonError(f"{file}:{first_line + line - 1}: {message}")

    try:
        tree = asttokens.ASTTokens(source, parse=True)
    except SyntaxError as problem:
        raise error(problem.lineno or 1, f"not Python: {problem.msg}") from None
    found = exercises_in(tree.tree).items()
    exercises = {node: number for node, number in found if node in tree.tree.body}
    edits = _imports(tree) + _marked(source, error) + _blanks(tree, error)
    edits.sort(key=lambda edit: edit.start)
    for one, two in itertools.pairwise(edits):
        if two.start < one.end:
            line = source.count("\n", 0, two.start) + 1
            raise error(line, "a blank inside a blank: mark only the outer one")
    # A statement reaches to the next one: markers at its end belong to it.
    starts = [tree.get_text_range(node)[0] for node in tree.tree.body]
    ends = dict(zip(tree.tree.body, [*starts[1:], len(source)]))
    spans = [(tree.get_text_range(node)[0], ends[node]) for node in exercises]
    for edit in edits:
        inside = any(start <= edit.start and edit.end <= end for start, end in spans)
        if not inside and edit.student:
            line = source.count("\n", 0, edit.start) + 1
            raise error(line, "a blank outside an exercise: nothing would check it")
    blanked = _apply(source, [(e.start, e.end, BLANK * bool(e.student)) for e in edits])
    return Cell(
        student=_apply(source, [(e.start, e.end, e.student) for e in edits]).strip(),
        blanked=blanked.strip(),
        fillings=tuple(e.solution for e in edits if e.student),
        exercises=tuple(exercises.values()),
    )


def _apply(source: str, edits: list[tuple[int, int, str]]) -> str:
    for start, end, text in sorted(edits, reverse=True):
        source = source[:start] + text + source[end:]
    return source


def _imports(tree: asttokens.ASTTokens) -> list[_Edit]:
    """Drop the import of ``blank`` from both forms."""
    edits = []
    for node in tree.tree.body:
        if isinstance(node, ast.ImportFrom) and node.module == "helpers.authoring":
            start, end = tree.get_text_range(node)
            rest = tree.text[end:]
            edits.append(_Edit(start, end + rest.startswith("\n"), "", ""))
    return edits


def _marked(source: str, error) -> list[_Edit]:
    """Regions between the two markers."""
    edits, opened = [], None
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        line, column = token.start
        if token.type == tokenize.STRING and (_BEGIN in token.string):
            raise error(line, f"{_BEGIN!r} in a string")
        if token.type != tokenize.COMMENT:
            continue
        if token.string not in (_BEGIN, _END):
            if "".join(token.string.split()).upper() in _MEANT:
                raise error(line, f"write {_BEGIN!r} and {_END!r}, exactly")
            continue
        if source[starts[line - 1] : starts[line - 1] + column].strip():
            raise error(line, f"{token.string!r} needs a line of its own")
        if (token.string == _BEGIN) == (opened is not None):
            raise error(line, f"{token.string!r} without its partner")
        if token.string == _BEGIN:
            opened = line, column
            continue
        begin, indent = opened
        first, last = starts[begin], starts[line - 1]
        inner, opened = source[first:last], None
        if not inner.strip():
            raise error(begin, "nothing between the markers")
        start = starts[begin - 1] + indent
        end = starts[line] - source[: starts[line]].endswith("\n")
        solution = inner.strip("\n")[indent:]
        edits.append(_Edit(start, end, _OPEN_LINES, solution))
    if opened is not None:
        raise error(opened[0], f"{_BEGIN!r} without its partner")
    return edits


def _blanks(tree: asttokens.ASTTokens, error) -> list[_Edit]:
    """Calls of ``blank``."""
    calls: list[ast.Call] = []
    for node in ast.walk(tree.tree):
        if isinstance(node, ast.Name) and node.id == BLANK:
            raise error(node.lineno, f"write blank(answer) in the source, not {BLANK}")
        if isinstance(node, ast.Constant) and "blank(" in str(node.value):
            raise error(node.lineno, "a blank in a string stays text")
        if isinstance(node, ast.JoinedStr) and any(map(_is_blank, ast.walk(node))):
            raise error(node.lineno, "a blank in an f-string: give it a name first")
        if _is_blank(node):
            if len(node.args) != 1 or node.keywords:
                raise error(node.lineno, "blank(...) takes one expression")
            if isinstance(node.args[0], ast.Starred):
                raise error(node.lineno, "blank(...) cannot hold a starred expression")
            if any(_is_blank(inner) for inner in ast.walk(node.args[0])):
                raise error(node.lineno, "a blank inside a blank: mark the outer one")
            calls.append(node)
    texts = {}
    for call in calls:
        inner_start, inner_end = tree.get_text_range(call.args[0])
        texts[call] = tree.text[inner_start:inner_end]
        if isinstance(call.args[0], ast.GeneratorExp):
            texts[call] = texts[call][1:-1]  # its range holds the call's brackets
    spans = {call: tree.get_text_range(call) for call in calls}
    wanted = ast.dump(_Bare().visit(ast.parse(tree.text)))
    edits = []
    for call in calls:
        trial = [(*spans[c], texts[c] if c is call else f"({texts[c]})") for c in calls]
        bare = _parses_to(_apply(tree.text, trial), wanted)
        solution = texts[call] if bare else f"({texts[call]})"
        edits.append(_Edit(*spans[call], BLANK, solution))
    return edits


def _is_blank(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "blank"
    )


def _parses_to(source: str, wanted: str) -> bool:
    try:
        return ast.dump(ast.parse(source)) == wanted
    except SyntaxError:
        return False


class _Bare(ast.NodeTransformer):
    """The tree with each ``blank(x)`` replaced by ``x``."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        return node.args[0] if _is_blank(node) else node
