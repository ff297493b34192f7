"""Formulas as MathML, which browsers draw by themselves, without a script."""

from __future__ import annotations

import re

from latex2mathml.converter import convert

_CODE = re.compile(r"(```.*?```|`[^`]*`)", re.DOTALL)
_FORMULA = re.compile(r"\$\$(?P<display>.+?)\$\$|\$(?P<inline>[^$]+?)\$", re.DOTALL)


def with_mathml(markdown: str) -> str:
    """Markdown with its formulas, but not those in code, as MathML."""
    parts = _CODE.split(markdown)
    parts[::2] = [_FORMULA.sub(_mathml, part) for part in parts[::2]]
    return "".join(parts)


def _mathml(formula: re.Match) -> str:
    if formula["display"]:
        return convert(" ".join(formula["display"].split()), display="block")
    return convert(" ".join(formula["inline"].split()))
