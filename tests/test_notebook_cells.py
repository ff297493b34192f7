"""Exercise cells in a real kernel: whatever a learner writes, Run All goes on."""

import os
import queue
import sys
import textwrap
import threading
import time
from pathlib import Path

import psutil
import pytest
from jupyter_client.manager import KernelManager

ROOT = Path(__file__).resolve().parents[1]
LIMITS = "sandbox.SECONDS, apart.SECONDS, notebook._CELL_SECONDS = 0.2, 2, 3"
SETUP = f"""
from helpers.exercises import answer, exercise, progress, sandbox, start
from helpers.exercises import apart, notebook
start()
{LIMITS}
"""


class Kernel:
    """One kernel, and what its cells put out."""

    def __init__(self):
        self.manager = KernelManager(kernel_name="python3")
        self.manager.kernel_spec.argv[0] = sys.executable
        env = os.environ | {"CONVNETS_PROGRESS": "memory", "OMP_NUM_THREADS": "1"}
        self.manager.start_kernel(cwd=str(ROOT), env=env)
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)

    def run(self, code, seconds=20):
        """Outputs of a cell; fails when the kernel dies or does not come back."""
        asked = self.client.execute(code, allow_stdin=False)
        outputs, end = [], time.monotonic() + seconds
        while True:
            assert self.manager.is_alive(), "the kernel died"
            assert time.monotonic() < end, "the cell does not end"
            try:
                message = self.client.get_iopub_msg(timeout=1)
            except queue.Empty:
                continue
            if message["parent_header"].get("msg_id") != asked:
                continue
            content = message["content"]
            if content.get("execution_state") == "idle":
                return outputs
            if message["msg_type"] in (
                "stream",
                "display_data",
                "execute_result",
                "error",
            ):
                outputs.append({"output_type": message["msg_type"], **content})
                pieces = [o.get("name") for o in outputs[-2:]]
                if pieces in (["stdout"] * 2, ["stderr"] * 2):  # of one text
                    outputs[-2]["text"] += outputs.pop()["text"]

    def text(self, code):
        """All text of a cell that must not end in an error."""
        outputs = self.run(code)
        errors = [o["traceback"] for o in outputs if o["output_type"] == "error"]
        assert not errors, "\n".join(errors[0])
        return "\n".join(o.get("text") or o["data"]["text/plain"] for o in outputs)

    def close(self):
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


@pytest.fixture(scope="module")
def kernel():
    kernel = Kernel()
    try:
        kernel.text(SETUP)
        yield kernel
        assert kernel.text("1 + 1") == "2", "it still works after all that"
    finally:
        kernel.close()


HEAD = '@exercise("00.2")\ndef midpoint(a, b):\n'

# What a learner writes; the mark on the card; words that the card holds.
CELLS = {
    "untouched": (HEAD + "    return ____", "○", "Not filled in yet"),
    "partly filled": (HEAD + "    return (a + ____) / 2", "○", "Replace each ____"),
    "blank in a line of its own": (
        HEAD + "    ____  # your code: as many lines as you need",
        "○",
        "Not filled in",
    ),
    "blank as default": (
        '@exercise("00.2")\ndef midpoint(a, b=____):\n    return a',
        "○",
        "Not filled in yet",
    ),
    "blank inside a function inside": (
        HEAD + "    def half(x):\n        return x / ____\n    return half(a + b)",
        "○",
        "Not filled in yet",
    ),
    "blank in a class": (
        '@exercise("00.2")\nclass midpoint:\n    a = ____\n    def f(self): ...',
        "○",
        "Not filled in yet",
    ),
    "blank as a base class": (
        '@exercise("00.2")\nclass midpoint(____):\n    pass',
        "○",
        "Not filled in yet",
    ),
    "right": (HEAD + "    return (a + b) / 2", "✓", "Right"),
    "right, by NumPy": (
        HEAD + "    import numpy as np\n    return np.mean([a, b])",
        "✓",
        "Right",
    ),
    "misconception": (HEAD + "    return a + b / 2", "✗", "brackets"),
    "no return": (HEAD + "    c = (a + b) / 2", "✗", "return"),
    "prints instead": (HEAD + "    print((a + b) / 2)", "✗", "Your code printed: 3.0"),
    "unknown name inside": (HEAD + "    return (a + c) / 2", "✗", "NameError"),
    "missing argument": (
        '@exercise("00.2")\ndef midpoint(a):\n    return a',
        "✗",
        "TypeError",
    ),
    "unknown name in a default": (
        '@exercise("00.2")\ndef midpoint(a, b=seven):\n    return a',
        "✗",
        "seven",
    ),
    "missing bracket": (HEAD + "    return (a + b / 2", "✗", "line 3: return (a + b"),
    "missing colon": (
        '@exercise("00.2")\ndef midpoint(a, b)\n    return a',
        "✗",
        "SyntaxError",
    ),
    "wrong indent": (HEAD + "return (a + b) / 2", "✗", "indent"),
    "text not closed": (HEAD + '    return "a', "✗", "SyntaxError"),
    "return outside": (HEAD + "    pass\nreturn 3", "✗", "return"),
    "class body raises": (
        '@exercise("00.2")\nclass midpoint:\n    x = 1 / 0',
        "✗",
        "line 3: x = 1 / 0",
    ),
    "class instead": ('@exercise("00.2")\nclass midpoint:\n    pass', "✗", "TypeError"),
    "endless loop": (HEAD + "    while True: pass", "✗", "loop never end"),
    "endless loop that catches all": (
        HEAD + "    while True:\n        try: pass\n        except: pass",
        "✗",
        "loop never end",
    ),
    "sleep": (HEAD + "    import time; time.sleep(99)", "✗", "time limit"),
    "endless line before": (
        "while True: pass\n" + HEAD + "    return (a + b) / 2",
        "✗",
        "time limit",
    ),
    "endless class body": (
        '@exercise("00.2")\nclass midpoint:\n    import time; time.sleep(10**6)',
        "✗",
        "time limit",
    ),
    "exit()": (HEAD + "    exit()", "✗", "leave Python"),
    "quit()": (HEAD + "    quit()", "✗", "leave Python"),
    "sys.exit()": (HEAD + "    import sys; sys.exit()", "✗", "leave Python"),
    "os._exit()": (HEAD + "    import os; os._exit(1)", "✗", "leave Python"),
    "raise SystemExit": (HEAD + "    raise SystemExit", "✗", "leave Python"),
    "exit() in a class body": (
        '@exercise("00.2")\nclass midpoint:\n    exit()',
        "✗",
        "leave Python",
    ),
    "exit() before": ("exit()\n" + HEAD + "    return 3", "✗", "leave Python"),
    "recursion": (HEAD + "    return midpoint(a, b)", "✗", "calls itself"),
    "flood": (HEAD + "    while True: print('hello')", "✗", "without end"),
    "input": (HEAD + "    return float(input('?'))", "✗", "input"),
    "line before raises": (
        "undefined\n" + HEAD + "    return (a + b) / 2",
        "✗",
        "undefined",
    ),
    "line after raises": (
        HEAD + "    return (a + b) / 2\nprint(undefined)",
        "✓",
        "lines after the exercise stopped",
    ),
    "exit() after": (
        HEAD + "    return (a + b) / 2\nexit()",
        "✓",
        "lines after the exercise stopped",
    ),
    "wrong, and the line after raises": (
        HEAD + "    return a\nmidpoint(1)",
        "✗",
        "reference solution",
    ),
    "blank, and the line after raises": (
        HEAD + "    return ____\n1 / 0",
        "○",
        "ZeroDivisionError",
    ),
    "comment before": ("# mine\n\n" + HEAD + "    return ____", "○", "Not filled in"),
    "displays something": (
        HEAD + "    from IPython.display import HTML, display\n"
        "    display(HTML('<b>'))\n    return (a + b) / 2",
        "✓",
        "Right",
    ),
    "magic before": ("%precision 3\n" + HEAD + "    return ____", "○", "Not filled in"),
    "timed": ("%%time\n" + HEAD + "    return ____", "○", "Not filled in"),
    "decorator twice": (
        '@exercise("00.2")\n@exercise("00.2")\ndef midpoint(a, b):\n    return ____',
        "○",
        "Not filled in",
    ),
    "another name": (
        '@exercise("00.2")\ndef middle(a, b):\n    return (a + b) / 2  # midpoint',
        "✓",
        "The cells below call it `midpoint`",
    ),
    "another name, blank": (
        '@exercise("00.2")\ndef middle(a, b):\n    return ____  # midpoint',
        "○",
        "Not filled in yet",
    ),
    "inside an if": (
        'if True:\n    @exercise("00.2")\n    def midpoint(a, b):\n        return ____',
        "○",
        "Not filled in yet",
    ),
    "by a call": (
        'midpoint = exercise("00.2")(lambda a, b: (a + b) / 2)',
        "✓",
        "Right",
    ),
    "prompts pasted": (
        '>>> @exercise("00.2")\n... def midpoint(a, b):\n...     return ____',
        "○",
        "Not filled in yet",
    ),
    "curly quotation marks": (
        "@exercise(“00.2”)\ndef midpoint(a, b):\n    return ____",
        "✗",
        "curly quotation mark",
    ),
    "special spaces": (HEAD + "\u00a0   return ____", "✗", "special space"),
    "long dash": (HEAD + "    return (a \u2013 b) / 2", "✗", "long dash"),
    "tabs and spaces": (
        HEAD + "    c = a + b\n\treturn c / 2",
        "✗",
        "mixes tabs and spaces",
    ),
    "answer inside an if": ('if 1:\n    answer("00.1", days=____)', "○", "Not filled"),
    "answer kept": ('days = answer("00.1", days=____)', "○", "Not filled in yet"),
    "answer kept, raises": ('days = answer("00.1", days=1 / 0)', "✗", "divides by"),
    "answer in curly marks": ("answer(“00.1”, days=7)", "✗", "curly quotation"),
    "another exercise's number": (
        '@exercise("00.1")\ndef days(a, b):\n    return a',
        "✗",
        "asks for values",
    ),
    "answer untouched": ('answer("00.1", days=____)', "○", "Not filled in yet"),
    "answer partly filled": (
        'answer("01.2", s_6=1.811, outputs=____)',
        "○",
        "outputs",
    ),
    "answer with a blank in it": ('answer("00.1", days=____ + 1)', "○", "Not filled"),
    "answer right": ('answer("00.1", days=3 + 4)', "✓", "Right."),
    "answer wrong": ('answer("00.1", days="7")', "✗", "in quotes"),
    "answer with an unknown name": ('answer("00.1", days=seven)', "✗", "seven"),
    "answer that raises": ('answer("00.1", days=1 / 0)', "✗", "ZeroDivisionError"),
    "answer without end": (
        'answer("00.1", days=[x for x in iter(int, 1) if x])',
        "✗",
        "time limit",
    ),
    "answer by exit()": ('answer("00.1", days=exit())', "✗", "leave Python"),
    "answer left empty": ('answer("00.1", days=)', "✗", "SyntaxError"),
    "answer not closed": ('answer("00.1", days=7', "✗", "never closed"),
    "answer with a comma too few": (
        'answer("01.2", s_6=1.811 outputs=6)',
        "✗",
        "SyntaxError",
    ),
    "answer without its name": ('answer("00.1", 7)', "✗", "TypeError"),
    "answer by another name": ('answer("00.1", day=7)', "✗", "There is no day"),
    "answer twice the same name": ('answer("00.1", days=7, days=7)', "✗", "days"),
}


# What cannot be stopped from within Python; words that the card holds.
HARM = {
    "endless call": ("return sum(range(10**13))", "did not finish in time"),
    "endless iterator": (
        "from itertools import repeat; return max(repeat(1))",
        "did not finish in time",
    ),
    "huge product": (
        "import torch; x = torch.ones(30000, 4000); return x @ x.T @ x",
        "",
    ),
    "other program": ("import os; os.system('sleep 60')", "did not finish in time"),
    "recursion that goes on": (
        "try: return midpoint(a, b)\n    finally: return midpoint(a, b)",
        "did not finish in time",
    ),
    "catches even the limit": (
        "while 1:\n        try: iter(int, 1).__length_hint__\n"
        "        except BaseException: continue",
        "did not finish in time",
    ),
    "huge list": ("return [0] * 10**11", "more memory than there is"),
    "huge tensor": (
        "import torch; return torch.ones(10**6, 10**6)",
        "more memory than there is",
    ),
    "kills itself": (
        "import os; os.kill(os.getpid(), 9)",
        "ended the process it ran in",
    ),
    "reads forbidden memory": (
        "import ctypes; ctypes.string_at(0)",
        "ended the process it ran in",
    ),
}


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere kernels do not fork")
@pytest.mark.parametrize("name", HARM)
def test_harm_ends_as_a_card(kernel, name):
    line, words = HARM[name]
    kernel.run("del midpoint")
    text = kernel.text(HEAD + f"    {line}")
    assert "✗ 00.2" in text
    assert words in text
    assert kernel.text("print(midpoint(1, 2))") == "1.5\n"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere kernels do not fork")
def test_what_an_answer_starts_ends_with_its_check(kernel):
    start = "import subprocess; subprocess.Popen(['sleep', '987'])"
    assert "✓" in kernel.text(HEAD + f"    {start}\n    return (a + b) / 2")
    lines = [p.info["cmdline"] or [] for p in psutil.process_iter(["cmdline"])]
    assert ["sleep", "987"] not in lines


@pytest.mark.parametrize("line", ["time.sleep(99)", "sum(range(10**13))"])
def test_stop_gives_a_card_and_the_cells_below_run(kernel, line):
    kernel.run("del midpoint")
    kernel.text(
        "import time; sandbox.SECONDS = apart.SECONDS = notebook._CELL_SECONDS = 20"
    )
    try:
        threading.Timer(1, kernel.manager.interrupt_kernel).start()
        text = kernel.text(HEAD + f"    {line}")
    finally:
        kernel.text(LIMITS)
    assert "stopped by  the stop button." in text
    assert kernel.text("print(midpoint(1, 2))") == "1.5\n"


@pytest.mark.parametrize("code", ["", "# @exercise('00.2')\n# def midpoint(a, b):"])
def test_a_name_that_no_cell_defines_is_bound(kernel, code):
    kernel.run("del midpoint")
    kernel.text('answer("00.1", days=7)')  # so the lesson is known
    assert kernel.text(code) == ""
    text = kernel.text("print(midpoint(1, 2))")
    assert "Exercise 00.2 has not defined `midpoint` yet." in text
    assert text.endswith("1.5\n")


def test_own_names_are_left_alone(kernel):
    kernel.text('answer("00.1", days=7)')
    for code in (
        "midpoint = lambda a, b: 3",
        "def midpoint(a, b):\n    return 3",
        "from operator import add as midpoint",
        "if True:\n    def midpoint(a, b):\n        return 3",
        "def other(midpoint):\n    return midpoint(1, 2)\nmidpoint = lambda *_: 3",
    ):
        kernel.run("del midpoint")
        assert kernel.text(f"{code}\nprint(midpoint(1, 2))") == "3\n"


def test_start_twice_does_no_harm(kernel):
    assert kernel.text("start(); start()") == ""
    assert kernel.text('answer("00.1", days=____)').count("○") == 1


@pytest.mark.parametrize("name", CELLS)
def test_cell(kernel, name):
    code, mark, words = CELLS[name]
    kernel.run("del midpoint")  # what earlier cells left must not help
    text = kernel.text(code)
    assert mark in text
    assert words in text
    assert sum(text.count(other) for other in "○✓✗") <= 1 + text.count("  ✗")
    if "midpoint" in code:
        # A stream may come in pieces: the number, then the end of its line.
        assert kernel.text("print(midpoint(1, 2))").split()[-1] == "1.5"


def test_card_is_display_with_both_forms(kernel):
    (output,) = kernel.run('answer("00.1", days=8)')
    assert output["output_type"] == "display_data"
    assert output["data"]["text/plain"].startswith("✗ 00.1 A first blank")
    assert 'role="group"' in output["data"]["text/html"]


def test_two_exercises_in_one_cell(kernel):
    kernel.run("del midpoint")
    code = 'answer("00.1", days=7)\n' + HEAD + "    return ____\n"
    text = kernel.text(code)
    assert text.index("✓ 00.1") < text.index("○ 00.2")
    assert kernel.text("print(midpoint(1, 2))") == "1.5\n"
    broken = 'answer("00.1", days=7)\n1 / 0\n' + HEAD + "    return (a + b) / 2\n"
    kernel.run("del midpoint")
    text = kernel.text(broken)
    assert text.index("✓ 00.1") < text.index("✗ 00.2")
    assert kernel.text("print(midpoint(1, 2))") == "1.5\n"


def test_reference_left_by_a_wrong_answer_does_not_answer_for_the_next(kernel):
    assert "✗" in kernel.text(HEAD + "    return a")
    text = kernel.text(HEAD + "    return midpoint(a, b)")
    assert "✗" in text
    assert "calls itself" in text


def test_a_value_at_the_end_of_the_cell_is_shown(kernel):
    """Learners try their function in the cell where they wrote it."""
    text = kernel.text(HEAD + "    return (a + b) / 2\nmidpoint(10, 20)")
    assert "✓" in text
    assert "15.0" in text


def test_future_import_in_an_exercise_cell(kernel):
    code = "from __future__ import annotations\n" + HEAD + "    return (a + b) / 2"
    assert "✓" in kernel.text(code)


def test_unknown_number_names_those_known(kernel):
    text = kernel.text('answer("00.9", days=7)')
    assert "00.1" in text


def test_other_cells_fail_as_always(kernel):
    for code, error in (
        ("1 / 0", "ZeroDivisionError"),
        ("def f(:\n    pass", "SyntaxError"),
        ("____", "NameError"),
        ("text = 'exercise(' +", "SyntaxError"),
    ):
        outputs = kernel.run(code)
        assert [o["output_type"] for o in outputs] == ["error"]
        assert outputs[0]["ename"] == error


def test_exit_outside_an_exercise_is_left_alone(kernel):
    """Guards end with the cell: the functions are Python's own again."""
    kernel.text(HEAD + "    exit()")
    code = "import os, sys\nprint(os._exit.__name__, sys.exit.__name__)"
    assert kernel.text(code) == "_exit exit\n"
    code = "import signal\nprint(signal.getitimer(signal.ITIMER_REAL))"
    assert kernel.text(code) == "(0.0, 0.0)\n"


def test_random_numbers_do_not_depend_on_exercises(kernel):
    draw = "import torch\nprint(torch.rand(2).tolist())"
    kernel.text("import torch\ntorch.manual_seed(3)")
    wanted = kernel.text(draw)
    kernel.text("import torch\ntorch.manual_seed(3)")
    kernel.text(HEAD + "    import torch; torch.manual_seed(9); return torch.rand(1)")
    assert kernel.text(draw) == wanted


def test_progress(kernel):
    kernel.text('answer("00.1", days=7)')
    first = kernel.text("progress()").splitlines()[0]
    assert first.startswith("00")
    assert "✓" in first


# --- What else learners may write -----------------------------------------------------

RIGHT, OPEN = HEAD + "    return (a + b) / 2\n", HEAD + "    return ____\n"


def inside(opening, code, ending=""):
    """A cell's code one level deeper."""
    return f"{opening}\n{textwrap.indent(code, '    ')}{ending}"


# The code, and the mark on each card that it gives; each leaves the name bound.
MORE = {
    "a class of another name": ('@exercise("00.2")\nclass mean:\n    pass', "✗"),
    "a lambda, blank": ('midpoint = exercise("00.2")(lambda a, b: ____)', "○"),
    "nothing under it": (HEAD, "✗"),
    "a comment under it": (HEAD + "    # return (a + b) / 2", "✗"),
    "three dots": (HEAD + "    ...", "✗"),
    "the decorator alone": ('@exercise("00.2")', "✗"),
    "all but the decorator commented": (RIGHT.replace("\n", "\n# "), "✗"),
    "timed often, blank": ("%%timeit -n1 -r1\n" + OPEN, "○"),
    "timed, raises": ("%%time\n" + OPEN + "1 / 0", "○"),
    "profiled": ("%%prun\n" + RIGHT, "✓"),
    "decorator twice, right": ('@exercise("00.2")\n' + RIGHT, "✓✓"),
    "another decorator": ("import functools\n@functools.cache\n" + OPEN, "○"),
    "inside for": (inside("for i in range(2):", OPEN), "○○"),
    "inside try": (inside("try:", OPEN, "except NameError:\n    pass"), "○"),
    "inside while": (inside("while True:", RIGHT, "    break"), "✓"),
    "inside a function": (inside("def f():", OPEN, "f()"), "○"),
    "all of it indented": (textwrap.indent(OPEN, "  "), "○"),
    "curly single marks": (RIGHT.replace('"', "\N{RIGHT SINGLE QUOTATION MARK}"), "✗"),
    "tabs alone": (HEAD + "\treturn (a + b) / 2", "✓"),
    "lines of Windows": (RIGHT.replace("\n", "\r\n"), "✓"),
    "prompts of IPython": ("In [1]: " + RIGHT.replace("\nd", "\n   ...: d"), "✓"),
    "prompts in the body": (HEAD + ">>>     return (a + b) / 2", "✓"),
    "fences of Markdown": (f"```python\n{RIGHT}```", "✗"),
    "asks for help": (OPEN + "midpoint?", "○"),
    "yield outside": (RIGHT + "yield 3", "✗"),
    "two names for an answer": ('x = y = answer("00.1", days=____)', "○"),
    "an answer in try": (
        'try:\n    answer("00.1", days=____)\nexcept NameError:\n    pass',
        "○",
    ),
    "no brackets": (RIGHT.replace('("00.2")', ""), ""),
    "no number": (RIGHT.replace('"00.2"', ""), ""),
    "a number that is none": (RIGHT.replace("00.2", "00.99"), ""),
    "a mark before the first line": ("\ufeff" + RIGHT, "✗"),
    "marks as in French": (RIGHT.replace('"00.2"', "«00.2»"), "✗"),
    "lines with their numbers": ("1  " + RIGHT.replace("\nd", "\n2  d"), "✗"),
    "timed often": ("%%timeit\n" + RIGHT, "✓"),
    "timed often, with a text": ("%%timeit -n 3\n" + RIGHT + "print('\"')", "✓"),
    "a lambda above": ("double = lambda x: 2 * x\n" + OPEN, "○"),
    "an answer printed, unfinished": ('print(answer("00.1", days=', "✗"),
    "an answer printed": ('print(answer("00.1", days=____))', "○"),
    "an answer printed, wrong": ('print(answer("00.1", days=unknown))', "✗"),
    "an answer timed": ('%time answer("00.1", days=____)', "○"),
}


@pytest.mark.parametrize("name", MORE)
def test_what_else_learners_may_write(kernel, name):
    code, marks = MORE[name]
    kernel.run("globals().pop('midpoint', None)")
    text = kernel.text(code)
    assert "".join(mark for mark in text if mark in "○✓✗") == marks
    if "midpoint" in code or "mean" in code:
        assert kernel.text("print(midpoint(1, 2))").split()[-1] == "1.5"
