"""Hostile code in exercise cells: each ends as a card, and the kernel lives on.

Every harm in every form, in kernels of their own: `make attack`, some minutes. A few of
them are tried whenever all tests run, in tests/test_notebook_cells.py.
"""

import itertools
import sys
import textwrap
import time

import pytest

from tests.test_notebook_cells import Kernel

LIMIT = 2.0  # seconds for a check: shorter than a learner's, as there are hundreds
LATER = 3.0  # seconds until the cell has ended; a busy machine is slow
SETUP = f"""
from helpers.exercises import answer, apart, exercise, sandbox, start
start()
import os
apart.SECONDS, sandbox.SECONDS = {LIMIT}, {LIMIT / 2}
"""

# What is done where a value is wanted.
HARMS = {
    "a sum without end": "sum(range(10**13))",
    "a power without end": "10 ** 10 ** 10",
    "a maximum without end": "max(__import__('itertools').repeat(1))",
    "a list without end": "list(__import__('itertools').count())",
    "a set without end": "set(__import__('itertools').count())",
    "a text without end": "''.join(__import__('itertools').repeat('a'))",
    "any without end": "any(__import__('itertools').repeat(0))",
    "a search without end": "__import__('re').match('(a+)+b', 'a' * 40)",
    "a membership without end": "-1 in __import__('itertools').count()",
    "an iterator without end": "[x for x in iter(int, 1)]",
    "a loop without end": "exec('while True: pass')",
    "a loop that catches all": (
        "exec('while True:\\n try:\\n  while True: pass\\n except BaseException: pass')"
    ),
    "sleep": "__import__('time').sleep(99)",
    "a lock": "[__import__('threading').Lock()].pop().__enter__() or "
    "(lambda lock: (lock.acquire(), lock.acquire()))(__import__('threading').Lock())",
    "a queue": "__import__('queue').Queue().get()",
    "another program": "os.system('sleep 99')",
    "another program, waited for": "__import__('subprocess').run(['sleep', '99'])",
    "a pipe that nobody fills": "os.read(os.pipe()[0], 1)",
    "a process that never ends": "os.waitpid(os.fork() or os.pause(), 0)",
    "stopping itself": "os.kill(os.getpid(), 19)",
    "killing itself": "os.kill(os.getpid(), 9)",
    "an alarm": "__import__('signal').alarm(1) or __import__('time').sleep(99)",
    "no alarms": "__import__('signal').signal(14, 1) or exec('while True: pass')",
    "aborting": "os.abort()",
    "leaving": "os._exit(0)",
    "leaving by exit": "exit()",
    "leaving by raise": "exec('raise SystemExit')",
    "an interrupt": "exec('raise KeyboardInterrupt')",
    "the end of a generator": "exec('raise GeneratorExit')",
    "an error of its own": "exec('class E(BaseException): pass\\nraise E')",
    "an error that cannot be shown": (
        "exec('class E(Exception):\\n def __str__(self): raise E\\nraise E')"
    ),
    "forbidden memory": "__import__('ctypes').string_at(0)",
    "recursion": "(lambda f: f(f))(lambda f: f(f))",
    "recursion without a limit": (
        "__import__('sys').setrecursionlimit(10**9) or (lambda f: f(f))(lambda f: f(f))"
    ),
    "a huge list": "[0] * 10**11",
    "a huge text": "'a' * 10**12",
    "a huge tensor": "__import__('torch').ones(10**7, 10**7)",
    "a huge product": (
        "(lambda x: [x @ x for _ in range(99)])(__import__('torch').ones(9000, 9000))"
    ),
    "a list that grows": (
        "(lambda x: [x.append(b' ' * 10**8) for _ in iter(int, 1)])([])"
    ),
    "a flood": "exec('while True: print(\"hello\" * 99)')",
    "a question": "input()",
    "closed files": "os.closerange(0, 999)",
    "no modules": "__import__('sys').modules.clear()",
    "no builtins": "__import__('builtins').__dict__.clear()",
    "another judge": "__import__('helpers.exercises.engine').exercises.engine."
    "__dict__.update(check=lambda *_: None)",
    "no course": "__import__('helpers').exercises.engine.__dict__.clear()",
    "other numbers": "__import__('torch').set_default_dtype(__import__('torch').half)",
    "another folder": "os.chdir('/')",
}
# Where the harm stands.
FORMS = {
    "in a function": "def midpoint(a, b):\n    return HARM",
    "in a loop": "def midpoint(a, b):\n    for _ in range(9):\n        a = HARM\n"
    "    return a",
    "behind try": "def midpoint(a, b):\n    try:\n        return HARM\n"
    "    except Exception:\n        return HARM",
    "in finally": "def midpoint(a, b):\n    try:\n        return 1\n    finally:\n"
    "        HARM",
    "in a function inside": "def midpoint(a, b):\n    def inner():\n"
    "        return HARM\n    return inner()",
    "when it is compared": "def midpoint(a, b):\n    class Odd:\n"
    "        __eq__ = __array__ = __len__ = __float__ = lambda *_: HARM\n"
    "    return Odd()",
    "when it is shown": "def midpoint(a, b):\n    class Odd(list):\n"
    "        __repr__ = __str__ = __format__ = lambda *_: HARM\n    return Odd()",
    "when it is asked for": "def midpoint(a, b):\n    class Odd:\n"
    "        def __getattribute__(self, name):\n            return HARM\n"
    "    return Odd()",
    "in a class": "class midpoint:\n    def __new__(cls, a, b):\n        return HARM",
    "in an answer": "HARM",
    "in a list in an answer": "[7, HARM]",
    "in a comprehension in an answer": "sum(HARM for _ in range(9))",
}


@pytest.fixture(scope="module")
def kernels():
    """The kernel in use; another takes its place when one has died."""
    kernels = [Kernel()]
    kernels[0].text(SETUP)
    yield kernels
    kernels[-1].close()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere kernels do not fork")
@pytest.mark.parametrize(("harm", "form"), [*itertools.product(HARMS, FORMS)])
def test_it_ends_as_a_card(kernels, harm, form):
    code, number = FORMS[form].replace("HARM", HARMS[harm]), "00.1"
    if "midpoint" in code:
        code, number = f'@exercise("00.2")\n{code}', "00.2"
    else:
        code = f'answer("00.1", days={code})'
    try:
        kernels[-1].text("globals().pop('midpoint', None) and None")
        started = time.monotonic()
        text = kernels[-1].text(code)
        assert time.monotonic() - started < LIMIT + LATER
        assert f"✗ {number} " in text, textwrap.shorten(text, 300)
        if number == "00.2":
            assert kernels[-1].text("print(midpoint(1, 2))").split()[-1] == "1.5"
        assert kernels[-1].text("1 + 1") == "2"
    except BaseException:
        kernels[-1].close()
        kernels.append(Kernel())
        kernels[-1].text(SETUP)
        raise
