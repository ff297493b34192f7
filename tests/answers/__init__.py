"""Hand-written answers to the exercises, one module a lesson, for two test files.

A module has RIGHT (number → right answers written otherwise), WRONG (number → answers
that nobody listed as a misconception) and INPUTS (number → generator of random inputs
for the mutants), and SLOW: numbers whose inputs cost much and tell much, so that few
are enough.
"""

import importlib
import pkgutil

RIGHT: dict = {}
WRONG: dict = {}
INPUTS: dict = {}
SLOW: set[str] = set()

for _found in pkgutil.iter_modules(__path__):
    _module = importlib.import_module(f"answers.{_found.name}")
    RIGHT |= getattr(_module, "RIGHT", {})
    WRONG |= getattr(_module, "WRONG", {})
    INPUTS |= getattr(_module, "INPUTS", {})
    SLOW |= getattr(_module, "SLOW", set())
