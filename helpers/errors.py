"""What an error of Python or PyTorch means, in the words of someone who builds layers.

The table beside this file holds patterns of "Type: message", each with a sentence.
"""

import re
import tomllib
import traceback
from functools import cache
from pathlib import Path

from torch import nn


def meaning(error: BaseException) -> str:
    """A sentence or two, with the layer that refused its input; "" if none is known."""
    frames = traceback.walk_tb(error.__traceback__)
    parts = [frame.f_locals.get("self") for frame, _ in frames]
    layers = [p for p in parts if type(p).__module__.startswith("torch.nn.modules")]
    layers = [p for p in layers if not isinstance(p, nn.Sequential)]
    for pattern, means in _table():
        if found := pattern.search(f"{type(error).__name__}: {error}"):
            where = f" It happens in `{_short(layers[-1])}`." if layers else ""
            return means.format(*found.groups()) + where
    return ""


@cache
def _table() -> list[tuple[re.Pattern, str]]:
    text = Path(__file__).with_suffix(".toml").read_text("utf-8")
    rows = tomllib.loads(text)["errors"]
    return [(re.compile(row["pattern"], re.DOTALL), row["means"]) for row in rows]


def _short(layer: nn.Module) -> str:
    try:
        return re.sub(r", (eps|stride|bias|dilation)=.*\)", ")", str(layer))
    except Exception:  # it is only half made
        return type(layer).__name__
