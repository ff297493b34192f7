"""What handed-in code has of the course: no answers, and nothing that would be one.

In its room there are no helpers but those that the exercises themselves need. What a
lesson's own notebook imports is sent along with an exercise that speaks of helpers; in
exercises that ask for code, not what would be the answer.

In a notebook the name of an exercise that is wrong or open is bound to the right
answer, so that those below can be solved all the same. Handed-in work is graded where
there are no answers; there, what the course's helpers have does the same.
"""

from __future__ import annotations

import ast
import inspect
from functools import cache
from pathlib import Path

from helpers.exercises import engine
from helpers.exercises.lessons import lessons
from helpers.networks import Inception, ResidualBlock
from helpers.networks.inception import conv_relu
from tools.build import ROOT, imported

# Whole networks, and how they learn and are tested: what is asked for in code.
_ANSWERS = ("helpers/networks", "helpers/training")
_NO_ANSWER = "helpers/networks/weights.py"
_ALSO = {"12.1": ["_mean_and_std"]}  # what does the same under another name
_IMPORTS = """
from collections import OrderedDict
import torch
from torch import Tensor, nn
from torch.nn import functional
"""
_CONV = f"""{_IMPORTS}
{inspect.getsource(conv_relu)}
"""

STAND_INS = {
    "01.3": """
from torch.nn import functional

def conv1d(x, w):
    return functional.conv1d(x[None, None], w[None, None])[0, 0]
""",
    "02.5": """
from torch.nn import functional

def conv2d(image, kernel):
    return functional.conv2d(image[None, None], kernel[None, None])[0, 0]
""",
    "09.2": f"""{_CONV}
def conv(D, K, F, S=1):
    return conv_relu(D, K, F, stride=S, padding=F // 2)
""",
    "09.6": f"""{_CONV}
{inspect.getsource(Inception)}
_Module = Inception

def Inception(D, k1, r3, k3, r5, k5, pool):
    return _Module(D, k1, k3, k5, reduce3=r3, reduce5=r5, pool=pool)
""",
    "12.5": f"""{_IMPORTS}
{inspect.getsource(ResidualBlock)}
class Block(ResidualBlock):
    pass
""",
    "12.6": """
from torch import nn

def get_layers(block, C1, C2, n, stride):
    sizes = [(C1, C2, stride)] + (n - 1) * [(C2, C2, 1)]
    return nn.Sequential(*(block(*size) for size in sizes))
""",
}


@cache
def helpers_for(number: str) -> dict[str, str]:
    """The helpers that the lesson's notebook imports, and what these need, by path."""
    exercise = engine.get(number)
    others = ("helpers/exercises/", *(() if exercise.is_answer else _ANSWERS))
    found: dict[str, str] = {}
    waiting = [lessons()[exercise.lesson].folder / "lesson.py"]
    while waiting:
        for path in imported(waiting.pop(), ROOT):
            name = path.relative_to(ROOT).as_posix()
            if not name.startswith("helpers/"):
                continue
            if name.startswith(others) and name != _NO_ANSWER:
                continue
            if name in found:
                continue
            waiting.append(path)
            data = [path.with_suffix(end) for end in (".toml", ".mplstyle")]
            for file in (path, *filter(Path.is_file, data)):
                found[file.relative_to(ROOT).as_posix()] = file.read_text("utf-8")
            if not exercise.is_answer:
                answers = [exercise.reference.__name__, *_ALSO.get(number, [])]
                found[name] = _without(found[name], answers)
    return found


def _without(source: str, names: list[str]) -> str:
    """A module in which what the exercise asks for has its name, and nothing else."""
    tree = ast.parse(source)
    for at, node in enumerate(tree.body):
        if (name := getattr(node, "name", "")) in names:
            empty = f"def {name}(*_, **__):\n    raise NotImplementedError"
            tree.body[at] = ast.parse(empty).body[0]
    return ast.unparse(tree)
