"""Names that notebooks of the first release import from here.

They now live with the lesson that they belong to, and a half-filled notebook of that
time still works: their former module has ``from helpers.moved import __getattr__``.
"""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any


def __getattr__(name: str) -> Any:
    """Find a name in the lessons' modules. Only the one that defines it is imported."""
    if not name.startswith("_"):
        lessons = Path(importlib.import_module("lessons").__file__).parent
        defines = re.compile(rf"^(?:def |class )?{name}\b", re.MULTILINE)
        for stem in ("explorer", "figures", "records"):
            for file in sorted(lessons.glob(f"l[0-9]*/{stem}.py")):
                if defines.search(file.read_text("utf-8")):
                    module = f"lessons.{file.parent.name}.{stem}"
                    return getattr(importlib.import_module(module), name)
    raise AttributeError(f"nothing in the course is called {name!r}")
