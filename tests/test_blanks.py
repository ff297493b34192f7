"""One cell, two forms: every place a blank may stand, and every mistake by its line."""

import ast
import textwrap

import pytest

from tools.blanks import LessonError, split_cell

Q = chr(34) * 3


def in_exercise(*lines):
    """A cell whose exercise has these lines as its body."""
    body = textwrap.indent(textwrap.dedent("\n".join(lines)), "    ")
    return f'@exercise("01.1")\ndef f(a, b, c, x):\n{body}'


def both(*lines):
    """The two forms of an exercise's body, without its head."""
    cell = split_cell(in_exercise(*lines))
    assert cell.exercises == ("01.1",)
    bodies = (form.split("\n", 2)[2] for form in (cell.student, cell.solution))
    return tuple(textwrap.dedent(body) for body in bodies)


class Bare(ast.NodeTransformer):
    def visit_Call(self, node):
        self.generic_visit(node)
        is_blank = isinstance(node.func, ast.Name) and node.func.id == "blank"
        return node.args[0] if is_blank else node


def blanks_in(tree):
    return sum(isinstance(n, ast.Name) and n.id == "blank" for n in ast.walk(tree))


def check_forms(source):
    """What must hold of any cell whose blanks are calls of ``blank``."""
    cell = split_cell(source)
    tree = ast.parse(source)
    count = blanks_in(tree)
    assert ast.dump(ast.parse(cell.solution)) == ast.dump(Bare().visit(tree))
    names = [n for n in ast.walk(ast.parse(cell.student)) if isinstance(n, ast.Name)]
    assert sum(name.id == "____" for name in names) == count
    assert cell.student.count("____") == count
    assert "blank(" not in cell.student + cell.solution
    return cell


LINES = {
    "several in a line": "return blank(a) + blank(b) * c - blank(3)",
    "arguments": "return f(blank(a), b, key=blank(b), *c, **x)",
    "subscripts": "return x[blank(a), blank(b)][c][blank(c)]",
    "slices": "return x[blank(a - 1) : blank(a + b) : blank(2)]",
    "half a slice": "return x[blank(a) :] + x[: blank(b)]",
    "comprehension": "return [blank(v * 2) for v in blank(x) if blank(v > a)]",
    "dictionary": "return {blank(k): blank(v) for k, v in x.items()}",
    "default argument": "return lambda k=blank(a), *, n=blank(1): blank(k + n)",
    "inner function": "def g(y=blank(a)):\n    return blank(y)\nreturn g(blank(b))",
    "nested parentheses": "return (((blank((a + b))) * (blank(((c))))))",
    "operators": "return -blank(a - b) + blank(a + b) * 2 - blank(x) ** 2",
    "comparison": "return blank(a) < blank(b) <= blank(c) and not blank(x)",
    "comparison inside": "return blank(a < b) == c",
    "choice": "return blank(a if b else c) + 1",
    "choice of blanks": "return blank(a) if blank(b) else blank(c)",
    "attribute": "return blank(x).shape[blank(0)]",
    "number's attribute": "return blank(1).real + blank(-1).real",
    "call of a blank": "return blank(f)(x) + blank(lambda v: v)(x)",
    "generator": "return sum(blank(v * a for v in x))",
    "generator, not alone": "return sum(blank(v for v in x), blank(a))",
    "tuple": "return blank((8, 1, 100))",
    "tuple unpacked": "y, z = blank((a, b))\nreturn y, z",
    "tuple without parentheses": "return blank(a), blank(b)",
    "tuple in an index": "return x[blank((a, b))]",
    "starred": "return [*blank(x), *blank(a + b)]",
    "assignment": "y = blank(a)\ny += blank(b)\nz: int = blank(c)\nreturn y",
    "walrus": "return (y := blank(a + b)) * blank(y)",
    "walrus inside": "return blank((y := a)) + y",
    "statements": "for v in blank(x):\n    while blank(v):\n        v -= blank(1)",
    "with, raise, assert": "with blank(a) as y:\n    assert blank(y), blank(b)\n"
    "raise blank(ValueError(a))",
    "condition": "if blank(a > b):\n    return blank(a)\nelif blank(c):\n    pass",
    "yield": "y = blank((yield a))\nreturn y",
    "await": "async def g():\n    return await blank(x)\nreturn g",
    "strings": "return blank('a' 'b') + blank(f'{a}') + blank('q\"')",
    "raw and bytes": "return blank(r'\\d'), blank(b'x')",
    "multi-line": "return f(\n    blank(\n        a\n        + b\n    ),\n    x,\n)",
    "multi-line, no brackets": "return blank(\n    a\n    + b\n)",
    "multi-line product": "y = c * blank(\n    a\n    + b\n)\nreturn y",
    "trailing comma": "return blank(a + b,) * 2",
    "spaces": "return blank( a + b ) * blank (c)",
    "non-ASCII before": "return 'Σ ⌊W⌋ 日本 🙂', blank(a), 'é', blank(b)",
    "non-ASCII inside": "return blank('⌊Σ⌋') + blank('é')",
    "non-ASCII name": "größe = blank(a)\nreturn größe + blank(b)",
    "named like it": "return blanket(a) + x.blank(b) + blank(c)",
}


@pytest.mark.parametrize("body", LINES.values(), ids=LINES)
def test_solved_is_the_source_and_the_student_gets_every_blank(body):
    if body.startswith("return blanket"):  # x.blank(b) is no blank
        assert both(body)[0] == "return blanket(a) + x.blank(b) + ____"
        assert both(body)[1] == "return blanket(a) + x.blank(b) + c"
    else:
        check_forms(in_exercise(body))


@pytest.mark.parametrize(
    ("source", "student", "solution"),
    [
        ("blank(a + b) * 2", "____ * 2", "(a + b) * 2"),
        ("2 + blank(a * b)", "2 + ____", "2 + a * b"),
        ("a - blank(b - c)", "a - ____", "a - (b - c)"),
        ("blank(a - b) - c", "____ - c", "a - b - c"),
        ("-blank(a - b)", "-____", "-(a - b)"),
        ("-blank(a)", "-____", "-a"),
        ("blank(-1) ** 2", "____ ** 2", "(-1) ** 2"),
        ("2 ** blank(-1)", "2 ** ____", "2 ** -1"),
        ("blank(a if b else c) + 1", "____ + 1", "(a if b else c) + 1"),
        ("f(blank(a if b else c))", "f(____)", "f(a if b else c)"),
        ("f(blank(v for v in x))", "f(____)", "f(v for v in x)"),
        ("f(blank(lambda v: v))", "f(____)", "f(lambda v: v)"),
        ("blank(lambda v: v)(a)", "____(a)", "(lambda v: v)(a)"),
        ("x[blank(a + 1) :]", "x[____ :]", "x[a + 1 :]"),
        ("(blank(a + b)) * 2", "(____) * 2", "(a + b) * 2"),
        ("blank(a == b) == c", "____ == c", "(a == b) == c"),
        ("blank(W1 - F) // 2", "____ // 2", "(W1 - F) // 2"),
        ("not blank(a and b)", "not ____", "not (a and b)"),
        ("blank(a and b) or c", "____ or c", "a and b or c"),
        ("blank((8, 1, 100))", "____", "(8, 1, 100)"),
        ("blank('é') + blank(b)", "____ + ____", "'é' + b"),
    ],
)
def test_parentheses_stay_only_where_they_are_needed(source, student, solution):
    assert both(f"return {source}") == (f"return {student}", f"return {solution}")


def test_blanks_in_a_row_are_judged_one_by_one():
    _, solution = both("return blank(a + b) * blank(a - b) + blank(a * b)")
    assert solution == "return (a + b) * (a - b) + a * b"


def test_many_lines_stay_together():
    student, solution = both("y = 2 * blank(\n    a\n    + b\n)", "return y")
    assert student == "y = 2 * ____\nreturn y"
    assert "2 * (a\n" in solution


def test_a_solved_negative_base_computes_the_same():
    solution = both("return blank(x) ** 2")[1]
    assert solution == "return x ** 2"  # a name: -1 is squared as a whole
    _, literal = both("return blank(-1) ** 2")
    assert eval(literal.removeprefix("return ")) == 1


def test_an_answer_and_a_class_are_exercises_too():
    source = 'answer("02.1", W2=blank(28), P=[blank(1), 2])\n\n\n'
    source += '@exercise("02.2")\nclass Net:\n    width = blank(5)\n'
    cell = check_forms(source)
    assert cell.exercises == ("02.1", "02.2")
    assert cell.student.startswith('answer("02.1", W2=____, P=[____, 2])')


def test_a_cell_without_blanks_stays_as_it_is():
    source = "x = 1  # comment\n\n\nprint( x )"
    assert split_cell(source).student == source
    assert split_cell(source).solution == source
    assert split_cell("").student == ""
    assert split_cell("# only a comment").solution == "# only a comment"


def test_comments_and_blank_lines_stay():
    body = "# (N, C)\n\ny = blank(a)  # (W1,)\n\n# done\nreturn y"
    student, solution = both(body)
    assert student == body.replace("blank(a)", "____")
    assert solution == body.replace("blank(a)", "a")


def test_the_import_of_blank_is_dropped():
    source = (
        "import torch\n\nfrom helpers.authoring import blank\nfrom os import path\n"
    )
    cell = split_cell(source)
    expected = "import torch\n\nfrom os import path"
    assert cell.student == cell.solution == expected
    only = split_cell("from helpers.authoring import blank")
    assert only.student == only.solution == ""
    last = split_cell("import torch\nfrom helpers.authoring import blank")
    assert last.student == last.solution == "import torch"


# --- Whole statements -----------------------------------------------------------------

OPEN = "____  # your code: as many lines as you need"


def test_a_region_becomes_one_blank():
    student, solution = both(
        "y = 0",
        "# BEGIN SOLUTION",
        "for v in x:",
        "    y += v",
        "# END SOLUTION",
        "return y",
    )
    assert student == f"y = 0\n{OPEN}\nreturn y"
    assert solution == "y = 0\nfor v in x:\n    y += v\nreturn y"


def test_regions_keep_their_indentation():
    student, solution = both(
        "for v in x:",
        "    if v:",
        "        # BEGIN SOLUTION",
        "        a = v",
        "",
        "        b = 'é' if v else a",
        "        # END SOLUTION",
        "        print(a)",
    )
    assert student == f"for v in x:\n    if v:\n        {OPEN}\n        print(a)"
    inside = "        a = v\n\n        b = 'é' if v else a"
    assert solution == f"for v in x:\n    if v:\n{inside}\n        print(a)"


def test_several_regions_and_blanks_in_one_cell():
    source = in_exercise(
        "# BEGIN SOLUTION",
        "a = 1",
        "# END SOLUTION",
        "b = blank(a + 1) * 2",
        "# BEGIN SOLUTION",
        "c = 3",
        "# END SOLUTION",
        "return blank(c)",
    )
    cell = split_cell(source)
    assert cell.student.count("____") == 4
    assert cell.student.count(OPEN) == 2
    ast.parse(cell.student)
    expected = in_exercise("a = 1", "b = (a + 1) * 2", "c = 3", "return c")
    assert cell.solution == expected


@pytest.mark.parametrize("end", ["", "\n", "\n\n"])
def test_a_region_at_the_end_of_the_file(end):
    source = in_exercise("a = 2", "# BEGIN SOLUTION", "return a", "# END SOLUTION")
    cell = split_cell(source + end)
    assert cell.student == in_exercise("a = 2", OPEN)
    assert cell.solution == in_exercise("a = 2", "return a")


def test_the_markers_may_be_named_in_a_comment():
    source = in_exercise("return blank(a)  # see BEGIN SOLUTION below")
    assert split_cell(source).solution.endswith("return a  # see BEGIN SOLUTION below")


# --- Mistakes name file and line ------------------------------------------------------

BEGIN, END = "# BEGIN SOLUTION", "# END SOLUTION"
# The body's lines, the line in the cell that is named, and a word of the message.
MISTAKES = {
    "in a string": (["y = 1", "return 'blank(a)'"], 4, "string"),
    "in a docstring": ([f"{Q}Fill in blank(a).{Q}", "return a"], 3, "string"),
    "in an f-string": (["return f'{blank(a)}'"], 3, "f-string"),
    "in the text of an f-string": (["return f'blank(a) {b}'"], 3, "string"),
    "in an f-string's format": (["return f'{a:{blank(b)}}'"], 3, "f-string"),
    "nested": (["return blank(a + blank(b))"], 3, "inside a blank"),
    "nested, far down": (["y = 1", "return blank([f(k=blank(b))])"], 4, "inside"),
    "two arguments": (["return blank(a, b)"], 3, "one expression"),
    "no argument": (["return blank()"], 3, "one expression"),
    "keyword": (["return blank(right_answer=a)"], 3, "one expression"),
    "keyword beside": (["return blank(a, k=1)"], 3, "one expression"),
    "two stars": (["return blank(**x)"], 3, "one expression"),
    "starred": (["return f(blank(*x))"], 3, "starred"),
    "____ in the source": (["y = 2", "", "return ____"], 5, "blank(answer)"),
    "open region": ([BEGIN, "return a"], 3, "partner"),
    "end alone": (["y = 2", END, "return a"], 4, "partner"),
    "two begins": ([BEGIN, "y = 1", BEGIN, "return a", END], 5, "partner"),
    "two ends": ([BEGIN, "y = 1", END, END, "return a"], 6, "partner"),
    "begin beside code": (["y = 1  # BEGIN SOLUTION", "return y", END], 3, "line of"),
    "end beside code": ([BEGIN, "return a  # END SOLUTION"], 4, "line of"),
    "nothing inside": (["y = 1", BEGIN, END, "return y"], 4, "nothing between"),
    "marker in a string": (["y = '# BEGIN SOLUTION'", "return y"], 3, "string"),
    "a blank in a region": ([BEGIN, "return blank(a)", END], 4, "inside a blank"),
    "not Python": (["y = 1", "return a +"], 4, "not Python"),
    "a bracket missing": (["return f(a"], 3, "not Python"),
    "bad indentation": (["y = 1", "  return y"], 4, "not Python"),
}


@pytest.mark.parametrize(("body", "line", "word"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_names_file_and_line(body, line, word):
    source = '@exercise("01.1")\ndef f(a, b, x):\n' + textwrap.indent(
        "\n".join(body), "    "
    )
    with pytest.raises(LessonError) as caught:
        split_cell(source, "lessons/01_x.py", first_line=100)
    place, _, message = str(caught.value).partition(": ")
    assert place == f"lessons/01_x.py:{99 + line}"
    assert word in message


@pytest.mark.parametrize(
    "source",
    [
        "x = blank(1)",
        "print(blank(1))",
        "def f(a):\n    return blank(a)",
        '@other("01.1")\ndef f(a):\n    return blank(a)',
        '@exercise("01.1")\ndef f(a):\n    return a\n\nx = blank(1)',
        "# BEGIN SOLUTION\nx = 1\n# END SOLUTION",
        'if True:\n    answer("01.1", a=blank(1))',
    ],
)
def test_a_blank_outside_an_exercise_is_a_mistake(source):
    with pytest.raises(LessonError, match=r"x\.py:\d+: .*outside an exercise"):
        split_cell(source, "x.py")
