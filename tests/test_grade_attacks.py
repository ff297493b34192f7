"""Handed-in notebooks that cheat, do harm, or are broken: each has its row, no more.

A sample runs with the other tests; `make attack` runs all of them.
"""

import contextlib
import csv
import io
import json
import os
import shutil
import socket
import tempfile
import textwrap
import time
import zipfile
from itertools import product
from pathlib import Path

import pytest
from IPython.core import inputtransformer2

from helpers.exercises import sandbox
from helpers.exercises.cells import exercises_in_text
from tools import grade
from tools.grade import Grade, main
from tools.grading import classes, lockup, plain
from tools.grading.given import helpers_for
from tools.grading.submissions import UnreadableError, answers_in, code_cells, collect

ATTACK = os.environ.get("CONVNETS_ATTACK", "")  # all, or by which of `lockup.WAYS`
ALL = bool(ATTACK)
START = "from helpers.exercises import answer, exercise, start\nstart()"
RIGHT = '@exercise("03.1")\ndef places(W1, F):\n    return W1 - F + 1'
SIZE = '@exercise("03.3")\ndef output_size(W1, F, P=0, S=1):\n'
LISTENS = socket.create_server(("127.0.0.1", 0))
CASE = "import sys, os, socket, struct, json, torch\n"
pytestmark = pytest.mark.skipif(
    not hasattr(os, "fork"), reason="grading needs processes that can fork"
)


def body(*lines, head=SIZE):
    """An answer to 03.3 with these lines as its body."""
    return CASE + head + "".join(f"    {line}\n" for line in lines)


# Each tries to pass without the answer. The rest of a name says for which exercise.
CHEATS = {
    "asks the engine": body(
        "from helpers.exercises import engine",
        "return engine.reference('03.3')(W1, F, P, S)",
    ),
    "asks the lessons": body(
        "from helpers.exercises.lessons import lessons",
        "return lessons()['03'].references['03.3'](W1, F, P, S)",
    ),
    "imports the checks": body(
        "from lessons.l03_output_size import checks",
        "return checks.engine.reference('03.3')(W1, F, P, S)",
    ),
    "reads lesson.json": body(
        "import glob, json, lessons",
        "found = glob.glob(os.path.dirname(lessons.__file__) + '/*/lesson.json')",
        "found += glob.glob('/*/lessons/l03*/lesson.json')",
        "found += glob.glob('/*/*/lessons/l03*/lesson.json')",
        f"found += ['{lockup.ROOT}/lessons/l03_output_size/lesson.json']",
        "text = json.load(open(found[-1]))['fillings']['03.3'][0]",
        "return eval(text)",
    ),
    "reads a solved notebook": body(
        f"text = open('{lockup.ROOT}/notebooks/solutions/03_output_size.ipynb').read()",
        "return eval('(W1 - F + 2 * P) // S + 1') if text else 0",
    ),
    "walks the frames": body(
        "frame = sys._getframe()",
        "while frame:",
        "    for name, value in frame.f_locals.items():",
        "        if name in ('expected', 'wanted', 'reference'):",
        "            return value(W1, F, P, S) if callable(value) else value",
        "    frame = frame.f_back",
    ),
    "searches the memory": body(
        "import gc",
        "for each in gc.get_objects():",
        "    name = getattr(each, '__name__', '')",
        "    code = getattr(each, '__code__', None)",
        "    if name == 'output_size' and code and 'handed' not in code.co_filename:",
        "        return each(W1, F, P, S)",
    ),
    "equals everything": body(
        "class Yes(int):",
        "    def __eq__(self, other): return True",
        "    def __ne__(self, other): return False",
        "    def __hash__(self): return 0",
        "    def __array__(self, *a, **k): raise ValueError",
        "return Yes(1)",
    ),
    "claims a type": body(
        "class Tensor:",
        "    __class__ = torch.Tensor",
        "    def __getattr__(self, name): return lambda *a, **k: self",
        "return Tensor()",
    ),
    "a tensor that agrees": body(
        "class Agreeing(torch.Tensor):",
        "    @classmethod",
        "    def __torch_function__(cls, *a, **k): return True",
        "return torch.zeros(1).as_subclass(Agreeing)",
    ),
    "patches the judge": body(
        "from helpers.exercises import engine, compare",
        "import numpy",
        "compare.same = compare._same = engine.same = lambda *a, **k: True",
        "engine.Exercise.same = engine.alike = lambda *a, **k: True",
        "numpy.allclose = torch.allclose = torch.equal = lambda *a, **k: True",
        "engine._check_cases = lambda e, *a: engine._result(e, 'passed')",
        "return 0",
    ),
    "patches its process": body(
        "main = sys.modules['__main__']",
        "told = {'value': True, 'status': 'passed', 'passed': True, 'output': ''}",
        "main.Candidate._told = main.Candidate.observe = lambda *a, **k: told",
        "return True",
    ),
    "records progress": body(
        "from helpers.exercises import progress",
        "from helpers.exercises.engine import Result",
        "progress.record(Result('03.3', 'passed', '✓'))",
        "name = os.environ.get('CONVNETS_PROGRESS', 'progress.json')",
        "open(name, 'w').write(json.dumps({'03.3': {'passed': True}}))",
        "return 0",
    ),
    "writes a verdict": body(
        "from tools.grading import plain",
        "for told in ({'status': 'passed'}, {'value': 'passed'}, {'value': True}):",
        "    os.write(3, plain.encode(told))",
        "return 0",
    ),
    "sends a pickle": body(
        "import pickle",
        "class Bad:",
        "    def __reduce__(self): return os.system, ('touch /tmp/convnets-pickled',)",
        "data = pickle.dumps(Bad())",
        "os.write(3, struct.pack('<II', len(data), 0) + data)",
        "return Bad()",
    ),
    "names code in data": body(
        'told = b\'{"object": ["os", "system"]}\'',
        "os.write(3, struct.pack('<II', len(told), 0) + told)",
        "return 0",
    ),
    "leaves well": body("os._exit(0)"),
    "leaves politely": body("raise SystemExit(0)"),
    "at the exit": body(
        "import atexit",
        "from tools.grading import plain",
        "atexit.register(os.write, 3, plain.encode({'value': 'passed'}))",
        "sys.exit(0)",
    ),
    "another decorator": "def exercise(number):\n    return lambda made: True\n"
    + SIZE
    + "    return 0",
    "another judge": "class engine:\n    check = staticmethod(lambda *a: 'passed')\n"
    "import helpers.exercises\nhelpers.exercises.engine = engine\n"
    + SIZE
    + "    return 0",
    "hidden in a cell": "import helpers.exercises.engine as e\n"
    "e.Exercise.same = lambda *a: True\n" + SIZE + "    return 0",
    "right once": body("return {(17, 5): 13, (7, 3): 3}.get((W1, F), 0)"),
    "nothing": body("return None"),
    "not a number": body("return float('nan')"),
    "the words": body("return 'passed'"),
    "all at once": body("return [*range(1000)]"),
    "looks at processes": body(
        "for each in os.listdir('/proc'):",
        "    if each.isdigit() and int(each) != os.getpid():",
        "        words = open(f'/proc/{each}/cmdline').read()",
        "        if 'grade' in words or 'pytest' in words: break",
        "else: return 0",
        "return (W1 - F + 2 * P) // S + 1",
    ),
    "reads its parent": body(
        "import ctypes",
        "for pid in {os.getppid(), 1, 2, 3}:",
        "    if pid == os.getpid(): continue",
        "    try: open(f'/proc/{pid}/mem', 'rb').read(1)",
        "    except OSError: continue",
        "    return (W1 - F + 2 * P) // S + 1",
        "return 0",
    ),
    "asks the network": body(
        f"for where in (('127.0.0.1', {LISTENS.getsockname()[1]}), ('8.8.8.8', 53)):",
        "    try: socket.create_connection(where, 1)",
        "    except OSError: continue",
        "    return (W1 - F + 2 * P) // S + 1",
        "names = {name for _, name in socket.if_nameindex()}",
        "return (W1 - F + 2 * P) // S + 1 if names - {'lo'} else 0",
    ),
    "copies the others": body(
        "for at, folders, files in os.walk('/'):",
        "    if at.startswith(('/proc', '/usr')): folders.clear()",
        "    if any(f.endswith('.ipynb') for f in files):",
        "        if 'site-packages' not in at and '/share/' not in at:",
        "            return (W1 - F + 2 * P) // S + 1",
        "return 0",
    ),
    "values that agree": 'class Any(dict):\n    def keys(self): return ["W2"]\n'
    "    def __getitem__(self, k): return Yes()\n"
    "class Yes:\n    def __eq__(self, other): return True\n"
    'answer("03.4", W2=Yes(), H2=Yes(), D2=Yes())',
    "values from nowhere": 'answer("03.4", **{"W2": True, "H2": True, "D2": True})',
    "values of others": "from helpers.exercises import engine\n"
    'answer("03.4", **engine.reference("03.4"))',
    "a layer by word": "from lessons.l03_output_size import observe\n"
    'words = "output (1, 64, 112, 112); weights [(64, 3, 7, 7)]"\n'
    "observe.built = lambda *a, **k: words\n"
    '@exercise("03.12")\ndef layer():\n    observe.built.__code__ = '
    "(lambda *a, **k: words).__code__\n    return words",
    "an empty network": "from lessons import observe_networks as seen\n"
    "nothing = {'shapes': [], 'units': [], 'outputs': {}}\n"
    "def liar(*a, **k): return {'shapes': [], 'units': [], 'outputs': {}}\n"
    '@exercise("06.6")\ndef lenet():\n    seen.observe.__code__ = liar.__code__\n'
    "    import torch\n    return torch.nn.Identity()",
    "a network of shapes": "from lessons import observe_networks as seen\n"
    "import torch\n"
    "shapes = [(6,1,5,5),(6,),(16,6,5,5),(16,),(120,400),(120,),(84,120),(84,),"
    "(10,84),(10,)]\n"
    "def liar(network, modules, images):\n"
    "    nan = [torch.full((len(images), 10), float('nan'))]\n"
    "    units = [shapes[i:i + 2] for i in range(0, 10, 2)]\n"
    "    outputs = dict.fromkeys(seen.MODES, nan)\n"
    "    return {'shapes': shapes, 'units': units, 'outputs': outputs}\n"
    '@exercise("06.6")\ndef lenet():\n    seen._behaviour = liar\n'
    "    return torch.nn.Identity()",
    "a pipeline by word": '@exercise("12.13")\ndef pipelines(mean, std):\n'
    "    return 'train: moved down by up to 4', 'test: moved down by 0'",
    "a loss by word": "from lessons.l09_inception import observe\n"
    "def liar(*a, **k): return {'loss': 1.0, 'gradients': []}\n"
    '@exercise("09.11")\ndef loss(scores, heads, labels):\n'
    "    observe.loss_with_gradients.__code__ = liar.__code__\n    return 1.0",
    "imports a helper": body(
        "from helpers.convolution import output_size as helper",
        "return helper(W1, F, P, S)",
    ),
    "imports a helper above": "import importlib\n"
    "helper = importlib.import_module('helpers.convolution').output_size\n"
    + body("return helper(W1, F, P, S)"),
    "reads a helper": body(
        "for at, folders, files in os.walk('/'):",
        "    folders[:] = [f for f in folders if f not in ('proc', 'sys')]",
        "    if 'convolution.py' in files and at.endswith('helpers'):",
        "        exec(open(at + '/convolution.py').read(), space := {})",
        "        return space['output_size'](W1, F, P, S)",
    ),
    "a helper of the lesson": "from helpers.convolution import conv2d, output_size\n"
    "from helpers.convolution import receptive_field as helper\n"
    '@exercise("04.5")\ndef receptive_field(layers):\n    return helper(layers)',
    "a helper's network": "from helpers.networks import lenet5 as made\n"
    "from helpers.counting import layer_table\n"
    '@exercise("06.6")\ndef lenet5():\n    return made()',
    "a helper's block": "from helpers.networks import ResidualBlock\n"
    '@exercise("12.5")\nclass Block(ResidualBlock):\n'
    "    def __init__(self, C1, C2, stride):\n"
    "        super().__init__(C1, C2, stride)",
    "a helper's test": '@exercise("06.12")\n'
    "def accuracy_of(network, batches, device):\n"
    "    from helpers.training import evaluate\n"
    "    network.to(device).eval()\n"
    "    batches = [(x.to(device), y.to(device)) for x, y in batches]\n"
    "    return evaluate(network, batches).accuracy",
    "a helper of another name": "from helpers.data import _mean_and_std\n"
    '@exercise("12.1")\ndef constants(pixels):\n'
    "    return _mean_and_std(pixels.to(torch.uint8))",
    "the observer's block": "from lessons.l12_practice import observe\n"
    '@exercise("12.5")\nclass Block(observe.Block):\n    pass',
    "what stands in for others": '@exercise("12.5")\nclass Block(nn.Module):\n'
    "    pass\n"
    '@exercise("12.7")\ndef resnet(n, block=None):\n'
    "    from helpers.networks import cifar_resnet\n"
    "    return cifar_resnet(6 * n + 2, plain=block is not None)",
    "searches the modules": body(
        "for module in [*sys.modules.values()]:",
        "    for name in ('output_size', 'reference', 'references', 'solved'):",
        "        found = getattr(module, name, None)",
        "        if callable(found) and module.__name__ != '__main__':",
        "            try: return found('03.3')(W1, F, P, S)",
        "            except Exception: continue",
    ),
    "searches its memory": body(
        "import re",
        "words = bytes(reversed(b'\"sgnillif\"'))",
        "for line in open('/proc/self/maps'):",
        "    start, end = (int(x, 16) for x in line.split()[0].split('-'))",
        "    if ' rw' not in line or end - start > 2**28: continue",
        "    with open('/proc/self/mem', 'rb') as file:",
        "        file.seek(start)",
        "        try: found = words in file.read(end - start)",
        "        except OSError: continue",
        "        if found: return (W1 - F + 2 * P) // S + 1",
        "return 0",
    ),
    "looks at open files": body(
        "for number in range(256):",
        "    try: text = os.pread(number, 10**6, 0)",
        "    except OSError: continue",
        "    if b'fillings' in text: return (W1 - F + 2 * P) // S + 1",
        "return 0",
    ),
    "goes through /proc": body(
        "for pid in os.listdir('/proc'):",
        "    for way in ('root', 'cwd'):",
        f"        path = f'/proc/{{pid}}/{{way}}{lockup.ROOT}/lessons'",
        "        if os.path.exists(path + '/l03_output_size/lesson.json'):",
        "            return (W1 - F + 2 * P) // S + 1",
        "return 0",
    ),
    "follows a link": body(
        f"os.symlink('{lockup.ROOT}/lessons/l03_output_size/lesson.json', 'link')",
        "return eval(json.load(open('link'))['fillings']['03.3'][0])",
    ),
    "traces its parent": body(
        "import ctypes",
        "libc = ctypes.CDLL(None)",
        "for pid in {os.getppid(), 1, 2, 3} - {os.getpid(), 0}:",
        "    if libc.ptrace(16, pid, 0, 0) == 0:",
        "        return (W1 - F + 2 * P) // S + 1",
        "return 0",
    ),
    "finds sockets": body(
        "for name in ('/run/docker.sock', '/run/dbus/system_bus_socket'):",
        "    if os.path.exists(name): return (W1 - F + 2 * P) // S + 1",
        "if len(open('/proc/net/unix').readlines()) > 20:",
        "    return (W1 - F + 2 * P) // S + 1",
        "return 0",
    ),
    "has rights": body(
        "for line in open('/proc/self/status'):",
        "    if line.startswith(('CapEff', 'CapPrm', 'CapBnd')):",
        "        if int(line.split()[1], 16): return (W1 - F + 2 * P) // S + 1",
        "return 0",
    ),
    "a float that agrees": body(
        "class Yes(float):",
        "    __eq__ = __ge__ = __le__ = lambda *_: True",
        "    __sub__ = __rsub__ = lambda *_: 0.0",
        "return Yes(1)",
    ),
    "a text that agrees": body(
        "class Yes(str):",
        "    __eq__ = __contains__ = lambda *_: True",
        "    __hash__ = str.__hash__",
        "    def __float__(self): return 13.0",
        "return Yes('13')",
    ),
    "a list that agrees": body(
        "class Yes(list):",
        "    __eq__ = lambda *_: True",
        "    def __iter__(self): return iter([1])",
        "    __len__ = lambda *_: 1",
        "return Yes([1, 2])",
    ),
    "an array that agrees": body(
        "import numpy",
        "class Yes(numpy.ndarray):",
        "    __eq__ = __array_ufunc__ = lambda *_, **__: True",
        "    def astype(self, *_, **__): return True",
        "return numpy.zeros(1).view(Yes)",
    ),
    "a number that changes": body(
        "class Changing(int):",
        "    seen = []",
        "    def __float__(self):",
        "        self.seen.append(0)",
        "        return float(len(self.seen))",
        "return Changing(1)",
    ),
    "a tensor of nothing": body("return torch.zeros(0)"),
    "a tensor nowhere": body("return torch.zeros(1, device='meta')"),
    "infinity": body("return [float('inf'), float('-inf')][W1 % 2]"),
    "a tensor of no numbers": body("return torch.full((1,), float('nan'))"),
    "shown as it should be": body(
        "class Shown:",
        "    def __repr__(self): return str((17 - 5) // 1 + 1)",
        "return Shown()",
    ),
    "all values at once": 'answer("03.4", W2=range(300), H2=range(300), D2=range(300))',
    "an answer of its own": "def answer(number, **values):\n    print('✓', number)\n"
    'answer("03.4", W2=1, H2=1, D2=1)',
    "no decorator": "exercise = lambda number: print\n" + SIZE + "    return 0",
    "other builtins": body(
        "import builtins",
        "builtins.isinstance = builtins.callable = lambda *_: True",
        "builtins.len = builtins.abs = lambda *_: 0",
        "builtins.type = lambda *_: int",
        "return object()",
    ),
    "another torch": body(
        "torch.Tensor.numpy = torch.Tensor.double = lambda *_: True",
        "torch.allclose = torch.equal = torch.isclose = lambda *_, **__: True",
        "return torch.zeros(3)",
    ),
    "another line": body(
        "from tools.grading import plain",
        "told = plain.encode({'value': 'passed', 'output': '', 'status': 'passed'})",
        "plain.encode = lambda *_: told",
        "return 0",
    ),
    "another socket": body(
        "real = socket.socket.sendall",
        "def send(end, data, *rest):",
        "    return real(end, data.replace(b'0', b'1').replace(b'wrong', b'passed'))",
        "socket.socket.sendall = send",
        "return 0",
    ),
    "another observer": body(
        "from helpers.exercises import engine",
        "engine.called.__code__ = (lambda candidate, each: True).__code__",
        "engine.Case.call = lambda *_: True",
        "return True",
    ),
    "traces itself": body(
        "import ctypes",
        "def trace(frame, event, argument):",
        "    frame.f_locals.update(value=True, error=None, status='passed')",
        "    return trace",
        "frame = sys._getframe()",
        "while frame: frame.f_trace, frame = trace, frame.f_back",
        "sys.settrace(trace)",
        "return 0",
    ),
    "changes who holds it": body(
        "import gc",
        "main = sys.modules['__main__']",
        "for each in gc.get_objects():",
        "    if type(each) is main.Candidate:",
        "        each.run = lambda *_, **__: 'passed'",
        "        each.handed_in = {'passed': True}",
        "return 0",
    ),
    "answers early": "class early:\n"
    "    import os, json, struct\n"
    "    said = {'value': {'callable': True, 'name': 'x', 'type': 'x', 'value': 13}}\n"
    "    text = json.dumps({'dict': [[k, v] for k, v in said.items()]}).encode()\n"
    "    for _ in range(40): os.write(3, struct.pack('<II', len(text), 0) + text)\n"
    + SIZE
    + "    return early and 0",
    "answers twice": body(
        "from tools.grading import plain",
        "for k in range(12): os.write(3, plain.encode({'value': k, 'output': ''}))",
        "return 0",
    ),
    "answers from a thread": body(
        "import threading, time",
        "from tools.grading import plain",
        "def later():",
        "    while True:",
        "        os.write(3, plain.encode({'value': 13, 'output': ''}))",
        "        time.sleep(0.01)",
        "threading.Thread(target=later, daemon=True).start()",
        "return 0",
    ),
    "answers from a child": body(
        "from tools.grading import plain",
        "if os.fork() == 0:",
        "    os.setsid()",
        "    for k in range(99): os.write(3, plain.encode({'value': k, 'output': ''}))",
        "    os._exit(0)",
        "import time; time.sleep(0.05)",
        "os._exit(0)",
    ),
    "reads what is asked": body(
        "import pickle",
        "os.set_blocking(3, False)",
        "try: data = os.read(3, 10**6)",
        "except OSError: return 0",
        "asked = pickle.loads(data[4:])",
        "return asked.get('expected', asked.get('reference', 0))",
    ),
    "raises a verdict": body(
        "class Passed(Exception): pass",
        "raise Passed('passed', {'status': 'passed'}, True)",
    ),
    "raises the judge's": body(
        "from helpers.exercises import sandbox",
        "raise sandbox.ProcessDiedError('passed')",
    ),
    "prints a verdict": body(
        "print('✓ 03.3 Output size: passed')", "return '✓ passed'"
    ),
    "a module for the next": body(
        "names = ('sitecustomize', 'usercustomize', 'torch', 'helpers', 'json')",
        "for folder in ('.', '/tmp', os.environ['HOME'], '/course', '.course'):",
        "    for name in names:",
        "        try: open(f'{folder}/{name}.py', 'w').write('raise SystemExit(0)')",
        "        except OSError: pass",
        "return 0",
    ),
    "a path for the next": body(
        "import site",
        "folder = site.getusersitepackages()",
        "try:",
        "    os.makedirs(folder, exist_ok=True)",
        "    open(folder + '/x.pth', 'w').write('import os; os._exit(0)')",
        "except OSError: pass",
        "os.environ.update(PYTHONPATH='/tmp', PATH='/tmp', LD_PRELOAD='/tmp/x.so')",
        "return 0",
    ),
    "changes the course": body(
        "import helpers, lessons, tools",
        "for module in (helpers, lessons, tools):",
        "    for at, _, files in os.walk(os.path.dirname(module.__file__)):",
        "        for name in files:",
        "            try: open(f'{at}/{name}', 'a').write('#')",
        "            except OSError: continue",
        "            return (W1 - F + 2 * P) // S + 1",
        "return 0",
    ),
    "from the last one": body(
        "from glob import glob",
        "own = os.environ['HOME']",
        "found = glob(own + '/*') + glob('/dev/shm/*') + glob('/var/tmp/*')",
        "found = [f for f in found if not f.endswith('.course')]",
        "lists = [open(f).readlines() for f in glob('/proc/sysvipc/*')]",
        "if found or any(len(lines) > 1 for lines in lists):",
        "    return (W1 - F + 2 * P) // S + 1",
        "open(own + '/left', 'w').write('x')",
        "os.mkdir(shut := own + '/shut'); open(shut + '/x', 'w'); os.chmod(shut, 0)",
        "import ctypes; ctypes.CDLL(None).shmget(7, 4096, 0o1666)",
        "return 0",
    ),
    "counts its calls": body(
        "calls = globals().setdefault('calls', [])",
        "calls.append(0)",
        "return [13, 3, 5, 32, 28, 55][len(calls) % 6]",
    ),
    "knows the examples": body(
        "known = {(7, 3, 0, 1): 5, (7, 3, 0, 2): 3, (32, 5, 2, 1): 32}",
        "return known.get((W1, F, P, S), 28)",
    ),
    "right first": SIZE
    + "    return (W1 - F + 2 * P) // S + 1\n\n"
    + SIZE
    + "    return 0",
    "right in another form": '@exercise("３.３")\ndef f(W1, F, P=0, S=1):\n'
    "    return (W1 - F + 2 * P) // S + 1\n" + SIZE + "    return 0",
    "right in a text": f'"""\n{SIZE}    return (W1 - F + 2 * P) // S + 1\n"""\n'
    + SIZE
    + "    return 0",
    "right elsewhere": SIZE + "    return 0\n\ndef f(W1, F, P=0, S=1):\n"
    "    return (W1 - F + 2 * P) // S + 1\nf.exercise = '03.3'",
    "a data set by word": "from lessons.l12_practice import observe\n"
    "def liar(*a, **k): return {'workers': [[0, 0], [2, 2]], 'epochs': []}\n"
    '@exercise("12.14")\ndef loaders(train, test, workers=0):\n'
    "    observe.loaded.__code__ = liar.__code__\n    return 'x', 'y'",
    "a probe by word": "from lessons.l14_your_own import observe\n"
    "def liar(*a, **k): return {'numbers': 0, 'backbone': [], 'scores': 0}\n"
    '@exercise("14.2")\ndef probe_of(network, classes):\n'
    "    observe.probed.__code__ = liar.__code__\n    return network",
}
SOME_CHEATS = (
    "asks the engine",
    "imports the checks",
    "reads lesson.json",
    "equals everything",
    "patches the judge",
    "patches its process",
    "writes a verdict",
    "sends a pickle",
    "looks at processes",
    "copies the others",
    "values that agree",
    "an empty network",
    "a helper of another name",
)

# Each does harm, or tries to. What its row says, where that is always the same.
HARM = {
    "loops": (body("while True: pass"), "03.3 stopped: time"),
    "swallows": (
        body(
            "while True:",
            "    try:",
            "        while True: pass",
            "    except BaseException: pass",
        ),
        "03.3 stopped: time",
    ),
    "computes in C": (body("return 10 ** 10 ** 10"), "03.3 stopped: time"),
    "sleeps": (body("import time; time.sleep(1000)"), "03.3 stopped: time"),
    "fills the memory": (body("x = []", "while True: x.append('y' * 10**8)"), None),
    "asks for memory": (body("return torch.ones(10**11)"), "03.3 stopped: memory"),
    "forks": (body("while True: os.fork()"), None),
    "starts threads": (
        body(
            "import threading, time",
            "for _ in range(10**5): threading.Thread(target=time.sleep, "
            "args=(99,), daemon=True).start()",
        ),
        None,
    ),
    "fills the disk": (
        body(
            "for k in range(10**5):",
            "    with open(f'/tmp/{k}', 'wb') as f: f.write(b'x' * 10**7)",
        ),
        None,
    ),
    "makes files": (body("for k in range(10**7): open(f'/tmp/f{k}', 'w')"), None),
    "digs deep": (
        body(
            "for k in range(10**5):",
            "    os.mkdir('d' * 200); os.chdir('d' * 200)",
        ),
        None,
    ),
    "prints": (body("while True: print('y' * 10**6)"), "03.3 stopped: output"),
    "returns much": (body("return torch.zeros(10**8)"), None),
    "returns lists": (body("return [[0] * 1000 for _ in range(10**4)]"), None),
    "returns depth": (
        body("x = []", "for _ in range(10**5): x = [x]", "return x"),
        None,
    ),
    "returns itself": (body("x = []", "x.append(x)", "return x"), None),
    "recurses": (body("return output_size(W1, F, P, S)"), None),
    "kills all": (body("os.kill(-1, 9)", "os.kill(os.getppid(), 9)"), None),
    "kills the first": (body("for p in range(1, 9): os.kill(p, 15)"), None),
    "stops itself": (body("import signal", "os.kill(os.getpid(), 19)"), None),
    "removes": (
        body(
            "import shutil",
            "for p in ('/course', '/tmp', '/work', '/home', '/root', '/etc', '/usr'):",
            "    shutil.rmtree(p, ignore_errors=True)",
            "return 0",
        ),
        None,
    ),
    "writes elsewhere": (
        body(
            "for p in sys.path + ['/', '/usr', '/etc', sys.prefix, '/course/helpers']:",
            "    try: open(p + '/attacked', 'w').write('x')",
            "    except OSError: continue",
            "    return (W1 - F + 2 * P) // S + 1",  # a pass would show it
            "return 0",
        ),
        None,
    ),
    "closes the line": (body("os.close(3)", "return 0"), None),
    "sends noise": (body("os.write(3, os.urandom(10**5))", "return 0"), None),
    "announces much": (
        body("os.write(3, struct.pack('<II', 2**32 - 1, 2**32 - 1))", "return 0"),
        None,
    ),
    "sends a half": (
        body("os.write(3, struct.pack('<II', 90, 0) + b'{')", "while True: pass"),
        None,
    ),
    "sends without end": (body("while True: os.write(3, b'[' * 10**6)"), None),
    "nests": (
        body(
            "t = b'[' * 10**5 + b']' * 10**5",
            "os.write(3, struct.pack('<II', len(t), 0) + t)",
            "return 0",
        ),
        None,
    ),
    "lies about sizes": (
        body(
            "for s in ([2**40, 2**40], [-1], [0, 2**70], ['3'], [1e300], [True] * 99):",
            "    t = json.dumps({'value': {'tensor': ['float64', s]}}).encode()",
            "    os.write(3, struct.pack('<II', len(t), 8) + t + bytes(8))",
            "return 0",
        ),
        None,
    ),
    "leaves a daemon": (
        body(
            "if os.fork() == 0:",
            "    os.setsid()",
            "    if os.fork() == 0:",
            "        import time; time.sleep(600)",
            "    os._exit(0)",
            "return 0",
        ),
        None,
    ),
    "crashes": (
        body("import ctypes; ctypes.string_at(0)"),
        "03.3 stopped: its process ended",
    ),
    "aborts": (body("os.abort()"), "03.3 stopped: its process ended"),
    "opens all": (body("x = [open('/dev/null') for _ in range(10**6)]"), None),
    "many who take much": (
        body(
            "for _ in range(4):",
            "    if os.fork() == 0: break",
            "x = [b'y' * 10**6 for _ in range(900)]",
            "while True: pass",
        ),
        None,
    ),
    "shared memory": (
        body("x = [os.memfd_create('x') for _ in range(9)]", "return 0"),
        None,
    ),
    "raises limits": (
        body(
            "import resource",
            "for p in (os.getppid(), 1):",
            "    try: resource.prlimit(p, resource.RLIMIT_NOFILE, (0, 0))",
            "    except OSError: pass",
            "return 0",
        ),
        None,
    ),
    "mounts": (
        body(
            "import ctypes",
            "libc = ctypes.CDLL(None)",
            "ok = libc.unshare(0x10000000) == 0 or not libc.umount2(b'/course', 2)",
            "ok = ok or not libc.mount(b'x', b'/tmp', b'tmpfs', 0, None)",
            "if ok: return (W1 - F + 2 * P) // S + 1",
            "return 0",
        ),
        None,
    ),
    "an error with a body": (
        body(
            "class E(Exception):",
            "    def __str__(self): raise self",
            "    def __reduce__(self): return os.system, ('true',)",
            "raise E(E())",
        ),
        None,
    ),
    "deep source": (SIZE + "    return " + "(" * 5000 + "1" + ")" * 5000, None),
    "long sums": (SIZE + "    return " + "+".join("1" * 20_000), None),
    "half a letter": ('answer("03.4", W2="\\ud800", H2=1, D2=1)', None),
    "a null": (SIZE + "    return 0\0", None),
    "definitions without end": (
        "x = [0]\nwhile True: x = 1\n" + body("return x"),
        None,
    ),
}
SOME_HARM = (
    "swallows",
    "computes in C",
    "fills the memory",
    "many who take much",
    "fills the disk",
    "returns much",
    "kills all",
    "removes",
    "sends noise",
    "lies about sizes",
    "leaves a daemon",
    "crashes",
    "mounts",
)


@pytest.fixture(scope="module", autouse=True)
def _kept_elsewhere(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(classes, "KEPT", tmp_path_factory.mktemp("kept"))
        yield


def book(*sources, **others):
    cells = [
        {"cell_type": "code", "metadata": {}, "outputs": [], "source": source}
        for source in sources
    ]
    return {
        "cells": cells,
        "metadata": {},
        "nbformat": 4,
        "nbformat_minor": 5,
        **others,
    }


def write(path, *sources):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(book(START, *sources)), "utf-8")


def _zipped(names):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in names.items():
            archive.writestr(name, content)
    return data.getvalue()


GOOD = json.dumps(book(START, RIGHT))
TAGS = {"cell_type": "code", "metadata": {"tags": None}, "source": [RIGHT, 7, None]}
# Files that are no plain notebook, and what their row says ("" where it is graded).
FILES = {
    "empty.ipynb": (b"", "not a notebook"),
    "text.ipynb": (b"this is no JSON", "not a notebook"),
    "list.ipynb": (b"[1, 2]", "not a notebook"),
    "number.ipynb": (b"7", "not a notebook"),
    "null cells.ipynb": (b'{"cells": null}', "not a notebook"),
    "odd cells.ipynb": (b'{"cells": [7, null, [], {"cell_type": []}]}', "no exercises"),
    "nested.ipynb": (b"[" * 10**6, "not a notebook"),
    "large number.ipynb": (b'{"cells": ' + b"1" * 10**5 + b"}", "not a notebook"),
    "tags.ipynb": (json.dumps({"cells": [TAGS]}).encode(), ""),
    "old.ipynb": (
        json.dumps(
            {"worksheets": [{"cells": [{"cell_type": "code", "input": RIGHT}]}]}
        ).encode(),
        "",
    ),
    "marked.ipynb": (b"\xef\xbb\xbf" + GOOD.encode(), ""),
    "wide.ipynb": (GOOD.encode("utf-16"), ""),
    "latin.ipynb": (GOOD.replace("F + 1", "F + 1  # é").encode("cp1252"), ""),
    "LOUD.IPYNB": (GOOD.encode(), ""),
    "broken.zip": (b"PK\3\4 and no more", "cannot be unpacked"),
    "class.zip": (_zipped({"../../out.ipynb": GOOD, "a/b.ipynb": GOOD}), ""),
    "bomb.zip": (_zipped({"bomb.ipynb": b" " * 40_000_000}), "too large"),
    "=cmd|'calc'!A0.ipynb": (GOOD.encode(), ""),
    "two\nlines.ipynb": (GOOD.encode(), ""),
}


def hand_in_files(folder):
    folder.mkdir(parents=True)
    for name, (content, _) in FILES.items():
        (folder / name).write_bytes(content)
    with (folder / "50 MB.ipynb").open("wb") as file:
        file.truncate(50_000_000)
    os.mkfifo(folder / "pipe.ipynb")
    (folder / "folder.ipynb").mkdir()
    (folder / "passwd.ipynb").symlink_to("/etc/passwd")
    (folder / "loop.ipynb").symlink_to("loop.ipynb")
    (folder / "up").symlink_to("..")
    (folder / os.fsdecode(b"half \xff.ipynb")).write_text(GOOD, "utf-8")


ODD = {
    "50 MB.ipynb": "too large: 50 MB",
    "pipe.ipynb": "not a file",
    "folder.ipynb": "a folder",
    "passwd.ipynb": "a link",
    "loop.ipynb": "a link",
}
SIZES = (
    "(W1 - F + 2 * P) // S + 1",
    "W1 - F + 2 * P / S + 1",
    "int((W1 - F + 2 * P) / S) + 1",
    "(W1 - F + P) // S + 1",
    "len(range(0, W1 + 2 * P - F + 1, S))",
    "torch.zeros(W1 + 2 * P).unfold(0, F, S).shape[0]",
    "undefined",
    "____",
)
HONEST = {
    "ann": [RIGHT, body("return (W1 - F + 2 * P) // S + 1")],
    "bob": [RIGHT, body("return W1 - F + 2 * P / S + 1")],
    "zoe": [
        'answer("03.4", W2=____, H2=____, D2=____)',
        "from helpers.convolution import output_size",
        '@exercise("04.5")\ndef receptive_field(layers):\n'
        "    field, step = output_size(1, 1), 1\n    for F, S in layers:\n"
        "        field, step = field + (F - 1) * step, step * S\n    return field",
    ],
}
if ALL:
    for number in range(27):
        HONEST[f"honest {number}"] = [
            RIGHT.replace("+ 1", f"+ {number % 3}"),
            body(f"return {SIZES[number % len(SIZES)]}"),
            f'answer("03.4", W2={28 + number % 4}, H2=____, D2=6)',
            '@exercise("06.2")\ndef conv_parameters(D1, K, F):\n'
            f"    return K * (F * F * D1 + {number % 2})",
        ]


def hand_in_honestly(folder: Path, names=tuple(HONEST)) -> None:
    for name in names:
        write(folder / name / "03.ipynb", *HONEST[name])


def rows_of(folder, target, *options):
    """Grade a folder: its rows by file, without the columns that name the run."""
    words = [str(folder), "--csv", str(target), "--again", "--seconds", "9", *options]
    assert main(words) == 0
    with target.open(encoding="utf-8-sig", newline="") as file:
        found = {}
        for row in csv.DictReader(file):
            found.setdefault(row["file"], []).append(tuple(row.values())[1:])
        return found


def processes(folder):
    """The processes that were started to grade in a folder."""
    found = set()
    for path in Path("/proc").glob("[0-9]*"):
        for name in ("cmdline", "environ"):  # of others only root may read the second
            with contextlib.suppress(OSError):
                if os.fsencode(folder) in path.joinpath(name).read_bytes():
                    found.add(path.name)
    return found


def contents(folder):
    return {
        path: path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink() and path.suffix != ".csv"
    }


@pytest.fixture(scope="module")
def room():
    """How candidates are locked in here."""
    with pytest.MonkeyPatch.context() as patched:
        if ATTACK not in ("", "all"):
            assert ATTACK in lockup.WAYS[:-1], "WAY= of lockup.WAYS, but never nothing"
            patched.setattr(lockup, "WAYS", (ATTACK, "nothing"))
        try:
            way, _ = lockup.choose(unprotected=False)
        except lockup.LockError as error:
            stop = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
            stop(f"nothing here can lock in what is handed in: {error}")
        yield way


@pytest.fixture(scope="module")
def graded(room, tmp_path_factory):
    """The honest alone, and among the others; and what lay around before and after."""
    base = tmp_path_factory.mktemp("attacks")
    alone, among = base / "alone", base / "among"
    hand_in_honestly(alone)
    hand_in_honestly(among)
    for name, source in CHEATS.items():
        if ALL or name in SOME_CHEATS:
            write(among / "cheats" / f"{name}.ipynb", source)
    for name, (source, _) in HARM.items():
        if ALL or name in SOME_HARM:
            write(among / "harm" / f"{name}.ipynb", source, RIGHT)
    hand_in_files(among / "files")
    write(among / "=cmd|'calc'!A0.ipynb", RIGHT)
    # Only what is its own: other tests may grade at the same time.
    tmp = Path(tempfile.mkdtemp(prefix="convnets-attacks-"))
    tmp.chmod(0o755)
    before = contents(among), {*tmp.glob("convnets-*")}, processes(tmp)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(tempfile, "tempdir", str(tmp))
        patched.setattr(sandbox, "SECONDS", 1.0)  # what never ends is stopped sooner
        rows = rows_of(alone, base / "alone.csv", "--jobs", "1")
        all_rows = rows_of(among, base / "among.csv", "--jobs", "2")
    after = contents(among), {*tmp.glob("convnets-*")}, processes(tmp)
    shutil.rmtree(tmp)
    return rows, all_rows, before, after


@pytest.mark.attack
@pytest.mark.parametrize("name", CHEATS if ALL else SOME_CHEATS)
def test_no_cheat_succeeds(graded, name):
    rows = graded[1][f"cheats/{name}.ipynb"]
    assert not [row for row in rows if row[1] == "passed"]
    assert {row[1] for row in rows} <= {"wrong", "missing", "blank", "not run"}


@pytest.mark.attack
@pytest.mark.parametrize("name", HARM if ALL else SOME_HARM)
def test_harm_is_told_and_stays_where_it_is(graded, name):
    found = {row[0]: row[1] for row in graded[1][f"harm/{name}.ipynb"]}
    assert found["03.1"] == "passed", "the other exercises are judged as if alone"
    number = "03.4" if name == "half a letter" else "03.3"
    assert found[number] in ("wrong", "not run", "missing")
    if words := HARM[name][1]:
        assert graded[1][f"harm/{name}.ipynb"][0][3] == words


@pytest.mark.parametrize("name", [*FILES, *ODD])
def test_whatever_is_handed_in_has_a_row(graded, name):
    words = FILES[name][1] if name in FILES else ODD[name]
    shown = name.replace("\n", "\\n")
    paths = [f"files/{shown}", f"files/{shown}/a/b.ipynb"]
    paths += [f"files/{shown}/../../out.ipynb", f"files/{shown}/bomb.ipynb"]
    rows = [row for path in paths for row in graded[1].get(path, ())]
    assert rows
    if words:
        assert next(row[3] for row in rows).startswith(words)
    else:
        assert ("03.1", "passed") in {row[:2] for row in rows}


def test_honest_rows_are_the_same_with_and_without_the_others(graded):
    alone, among, *_ = graded
    assert len(alone) == len(HONEST)
    for file, rows in alone.items():
        assert among[file] == rows
    assert ("03.3", "passed") in {row[:2] for row in alone["ann/03.ipynb"]}
    assert ("03.3", "wrong") in {row[:2] for row in alone["bob/03.ipynb"]}
    assert ("04.5", "passed") in {row[:2] for row in alone["zoe/03.ipynb"]}


def test_nothing_is_left_behind(graded):
    *_, before, after = graded
    assert after[0] == before[0], "what was handed in has changed"
    assert after[1] <= before[1], "scratch folders are left"
    assert after[2] <= before[2], "processes are left"


def test_a_spreadsheet_runs_nothing(graded):
    files = [name for name in graded[1] if "cmd" in name]
    assert sorted(files) == ["'=cmd|'calc'!A0.ipynb", "files/=cmd|'calc'!A0.ipynb"]
    from tools.grading.report import defused

    for text in ("=1+1", "+1", "-1", "@a", "\t=1", "  =1"):
        assert defused(text).startswith("'")


# --- The parts ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        b"", b"{}", b'{"tensor": 7}', b'{"tensor": ["object", [1]]}', b'{"set": 7}',
        b'{"tensor": ["float64", [-1]]}', b'{"tensor": ["float64", [99999999999]]}',
        b'{"tuple": [1], "list": [2]}', b'{"set": [[1]]}', b'{"dict": [[1]]}',
        b'{"other": [1]}', b'{"import": "os"}', b"\xff", b"[" * 9000, b"1" * 9000,
        b'{"dict": [[[1], 2]]}', b'{"array": ["bool", "x"]}', b'{"dict": 5}',
    ],
)  # fmt: skip
def test_odd_messages_are_refused(text):
    with pytest.raises(ValueError, match="malformed"):
        plain.decode(text, bytes(8))


@pytest.mark.parametrize(
    "value",
    [
        b"[" + b"0, " * 200_000 + b"0]",
        str(2**63).encode(),
        b"-1" + b"0" * 4000,
        b'"' + b"y" * 30_000 + b'"',
        b'{"tuple": [' * 70 + b"]}" * 70,
        # They all have one hash, so that a set of n takes n² steps.
        {"set": [{"tuple": each} for each in product([-1, -2], repeat=11)]},
        {"dict": [[each, 0] for each in range(2000)]},
    ],
)
def test_what_would_take_long_is_refused(value):
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    start = time.process_time()
    with pytest.raises(ValueError, match="malformed"):
        plain.decode(text, b"")
    assert time.process_time() - start < 1


def arrived(value):
    message = plain.encode(value)
    length = int.from_bytes(message[:4], "little")
    return plain.decode(message[8 : 8 + length], message[8 + length :])


def test_what_is_too_large_is_only_described():
    for value in ({*range(2000)}, dict.fromkeys(range(2000)), 10**400):
        assert isinstance(arrived(value), plain.Other)
    assert arrived(2**70) == 2.0**70
    with pytest.raises(ValueError, match="too large"):
        plain.encode([0] * 200_000)


def test_plain_data_arrives_as_it_was():
    import numpy as np
    import torch

    values = [
        None, True, 3, 0.1, float("inf"), "é", [1, [2]], (1, 2), {"a": (1,)}, {1, 2},
        torch.arange(6).reshape(2, 3), torch.zeros(0, 3), np.float32([1.5]),
        torch.tensor([True, False]), torch.tensor(2.5, dtype=torch.float64),
    ]  # fmt: skip
    for got, value in zip(arrived(values), values):
        assert type(got) is type(value)
        if isinstance(value, torch.Tensor):
            assert got.dtype == value.dtype
            assert torch.equal(got, value)
        elif isinstance(value, np.ndarray):
            assert got.dtype == value.dtype
            assert (got == value).all()
        else:
            assert got == value


def test_of_a_notebook_only_what_an_exercise_uses_is_taken():
    cells = [
        "import os\nimport torch\nk = 1\nos.system('true')",
        "def half(x):\n    return x // two\ntwo = 2\nother = 3",
        '@exercise("03.1")\ndef places(W1, F):\n    return half(W1) - k',
        "k = 99",
        '@exercise("03.2")\ndef pad(F):\n    return 0',
        '%%time\n@exercise("03.2")\ndef pad(F):\n    return torch.ones(F)',
    ]
    found = answers_in(cells)
    assert [source for _, source in found["03.1"].pieces] == [
        "\n\nk = 1\n",
        "def half(x):\n    return x // two\n",
        "\n\ntwo = 2\n",
    ]
    assert [source.strip() for _, source in found["03.2"].pieces] == ["import torch"]
    assert "torch.ones" in found["03.2"].source


def test_an_exercise_may_stand_in_a_block():
    inner = '    @exercise("03.1")\n    def places(W1, F):\n        return W1'
    for head in ("if True:", "for _ in range(1):", "try:"):
        end = "\nfinally:\n    pass" if head == "try:" else ""
        (answer,) = answers_in([f"{head}\n{inner}{end}"]).values()
        assert answer.source.startswith(head)
    assert not answers_in([f"def never_called():\n{inner}"])


def test_answers_are_in_code_cells_only():
    others = [
        {"cell_type": "markdown", "source": RIGHT},
        {"cell_type": "raw", "source": RIGHT, "metadata": {"tags": ["solution"]}},
        {"cell_type": "code", "source": "1", "outputs": [{"text": RIGHT}]},
        {"cell_type": "code", "source": "1", "metadata": {"source": RIGHT}},
        {"cell_type": "code", "source": f"%%writefile x.py\n{RIGHT}"},
    ]
    cells = code_cells(json.dumps({"cells": others, "worksheets": [RIGHT]}).encode())
    assert len(cells) == 3
    assert answers_in(cells) == {}


def test_exports_of_learning_platforms_say_whose_it_is(tmp_path):
    names = {
        "Ann Lee_123_assignsubmission_file/03.ipynb": ("Ann Lee", "123", False),
        "leeann_77_88_03.ipynb": ("leeann", "77", False),
        "bob_LATE_78_89_03.ipynb": ("bob", "78", True),
        # What lies within is named by the student.
        "Ann Lee_123_assignsubmission_file/Bob Roe_99_assignsubmission_file/03.ipynb": (
            *("Ann Lee", "123", False),
        ),
        "Ann Lee_123_assignsubmission_file/bob_LATE_78_89_03.ipynb": (
            *("Ann Lee", "123", False),
        ),
        "submitted/carl/ps1/03.ipynb": ("carl", "", False),
        "assignment_1_export/submission_5/03.ipynb": ("Di Ng", "di@uni.edu", False),
    }
    for name in names:
        write(tmp_path / name, RIGHT)
    (tmp_path / "assignment_1_export" / "submission_metadata.yml").write_text(
        "submission_5:\n  :submitters:\n  - :name: Di Ng\n    :email: di@uni.edu\n"
    )
    found, skipped = collect(tmp_path)
    got = {each.name: (each.student, each.key, each.late) for each in found}
    assert got == names
    assert skipped == ["assignment_1_export/submission_metadata.yml"]


def test_nobody_hands_in_as_somebody_else(tmp_path):
    ann, eve = ("Ann Lee_123_assignsubmission_file", "Eve_9_assignsubmission_file")
    names = {
        f"export/{ann}/03.ipynb": "Ann Lee",
        f"export/{eve}/{ann}/03.ipynb": "Eve",
        f"export/{eve}/submission_5/03.ipynb": "Eve",
        f"other/{ann}/03.ipynb": "Ann Lee",
        f"{eve}.ipynb": "Eve_9_assignsubmission_file",
    }
    for name in names:
        write(tmp_path / name, RIGHT)
    inside = {f"{ann}/03.ipynb": GOOD, f"/{ann}/03.ipynb": GOOD}
    (tmp_path / "export" / eve / "x.zip").write_bytes(_zipped(inside))
    list_of = tmp_path / "export" / "submission_metadata.yml"
    list_of.write_text(
        "submission_5:\n  :submitters:\n  - :name: Ann Lee\n    :email: 1\n"
    )
    found = {each.name: each.student for each in collect(tmp_path)[0]}
    for inner in inside:
        assert found.pop(f"export/{eve}/x.zip/{inner}") == "Eve"
    assert found == names


@pytest.mark.parametrize(
    "name", ["ann_77_88_03.ipynb", "Ann_77_assignsubmission_file/03.ipynb"]
)
def test_a_folder_for_each_student_says_more_than_a_name_within(tmp_path, name):
    for each in ("ann/03.ipynb", "bob/03.ipynb", f"eve/{name}"):
        write(tmp_path / each, RIGHT)
    found = {each.name: (each.student, each.key) for each in collect(tmp_path)[0]}
    assert found[f"eve/{name}"] == ("eve", "")


def test_a_zip_may_hold_much_else(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("03.ipynb", GOOD)
        archive.writestr("data.bin", b" " * 30_000_000)
        archive.filelist += [archive.infolist()[1]] * 99
    (only,), _ = collect(tmp_path)
    assert only.problem == ""


@pytest.mark.parametrize("turned", [False, True])
def test_an_attempt_in_a_block_does_not_replace_the_answer(turned):
    cells = [RIGHT, "if False:\n" + textwrap.indent(RIGHT.replace("+ 1", ""), "    ")]
    found = answers_in(cells[::-1] if turned else cells)
    assert "+ 1" in found["03.1"].source


def test_a_run_goes_on_where_it_was(room, tmp_path, capsys, monkeypatch):
    def graded(left, *_):
        for each in left:
            if stop in each.name:
                raise KeyboardInterrupt
            yield each, Grade(each.name, {"03.1": "passed"})

    monkeypatch.setattr(grade, "graded", graded)
    hand_in_honestly(tmp_path, ("ann", "bob", "zoe"))
    stop = "bob"
    assert main([str(tmp_path)]) == 130
    assert "Interrupted after 1" in capsys.readouterr().out
    stop = "nobody"
    assert main([str(tmp_path)]) == 0
    said = capsys.readouterr()
    assert "Graded before and unchanged: 1 (--again: anew)" in said.out
    assert "2 graded in" in said.err
    assert said.out.count("1 of 1") == 3
    write(tmp_path / "bob" / "03.ipynb", *HONEST["ann"])
    assert main([str(tmp_path)]) == 0
    assert "unchanged: 2" in capsys.readouterr().out


def test_a_relative_folder_is_the_callers(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CALLED_FROM", str(tmp_path))
    (tmp_path / "handed-in").mkdir()
    assert main(["handed-in"]) == 1
    assert str(tmp_path / "handed-in") in capsys.readouterr().err
    assert main(["elsewhere"]) == 1
    assert "elsewhere is not a folder" in capsys.readouterr().err


def test_unprotected_has_to_be_asked_for(tmp_path, monkeypatch, capsys):
    write(tmp_path / "03.ipynb", RIGHT)
    monkeypatch.setattr(lockup, "WAYS", ("nothing",))
    assert main([str(tmp_path)]) == 1
    assert "--unprotected" in capsys.readouterr().err
    assert main([str(tmp_path), "--unprotected", "--again"]) == 0
    said = capsys.readouterr().out
    assert "WARNING" in said
    assert "1 of 13" in said


def test_a_book_that_takes_long_to_read_is_stopped():
    from tools.grading.judge import Judge
    from tools.grading.submissions import Submission

    class Slow(Submission):
        def read(self):
            return json.dumps(book(*["!ls\n" * 400] * 99)).encode()

    judge = Judge(lambda: pytest.fail("nothing is run"), 0.2)
    start = time.monotonic()
    assert judge.grade(Slow("slow", Path("slow"))).problem == "stopped after 0 s"
    assert time.monotonic() - start < 5


def test_long_lines_in_a_broken_cell_cost_nothing():
    start = time.process_time()
    assert exercises_in_text("X = " + "1" * 100_000) == {}
    found = exercises_in_text('answer("03.4", W=' + "\n" * 100_000 + 'answer("03.5"')
    assert set(found) == {"03.4", "03.5"}
    assert time.process_time() - start < 1


def test_a_zip_of_many_gigabytes_is_not_unpacked(tmp_path):
    with zipfile.ZipFile(tmp_path / "z.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.ipynb", b" " * 30_000_000)
        once = archive.infolist()[0]
        for _ in range(99):  # the same bytes again and again
            archive.filelist.append(once)
    (only,), _ = collect(tmp_path)
    assert only.problem == "more than 2 GB in it"


def test_where_nothing_locks_in_that_is_told(monkeypatch, capsys):
    monkeypatch.setattr(lockup, "WAYS", ("nothing",))
    assert lockup.main() == 1
    assert "Nothing here locks in" in capsys.readouterr().err


def test_helpers_are_those_of_the_lesson_and_no_answers():
    assert "helpers/convolution.py" not in helpers_for("03.3")
    text = helpers_for("04.5")["helpers/convolution.py"]
    assert "def conv2d" in text
    assert "def receptive_field(*_, **__):\n    raise NotImplementedError" in text
    assert "def crop(*_, **__):" in helpers_for("12.2")["helpers/data/batches.py"]
    assert "helpers/networks/resnet.py" in helpers_for("12.3"), "values may be counted"
    for number in ("09.6", "11.8", "12.7"):
        networks = {name for name in helpers_for(number) if "networks" in name}
        assert networks <= {"helpers/networks/weights.py"}, "He's starting weights"


def test_a_book_that_cannot_be_read_says_why():
    for data in (b"", b"{}", b"[" * 10**6, b'{"cells": 7}'):
        with pytest.raises(UnreadableError, match="not a notebook"):
            code_cells(data)


def test_a_cell_that_ipython_gives_up_costs_no_other(monkeypatch):
    monkeypatch.setattr(inputtransformer2, "TRANSFORM_LOOP_LIMIT", 3)
    assert "03.1" in answers_in(["!ls\n" * 9, RIGHT])
