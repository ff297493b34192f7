"""Showing things: in a notebook as HTML, elsewhere as text."""

from __future__ import annotations

import html
import sys
from collections.abc import Sequence
from typing import Any


def shell() -> Any:
    """The running IPython shell, or None outside a notebook."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython is not None else None


def show(plain: str, markup: str, png: str = "") -> None:
    """Display markup in a notebook, its plain-text form elsewhere.

    In a notebook both are saved: the plain text is what CI compares. A PNG (base64) is
    for programs that show no markup, such as converters to PDF.
    """
    if shell() is None:
        print(plain)
        return
    from IPython.display import display

    forms = {"text/plain": plain, "text/html": markup}
    display(forms | ({"image/png": png} if png else {}), raw=True)


def yes_no(claim: Any) -> str:
    """The verdict in a line such as "accuracy 55.4% (above 30 %: yes)".

    The number in front may differ from machine to machine: CI compares all but it.
    """
    return "yes" if claim else "no"


def table(head: Sequence[str], rows: Sequence[Sequence[str]], style: str = "") -> str:
    """An HTML table of texts; ``style`` is that of each cell."""

    def line(texts: Sequence[str], tag: str) -> str:
        cell = f'<{tag} style="{style}">' if style else f"<{tag}>"
        return f"<tr>{''.join(f'{cell}{html.escape(t)}</{tag}>' for t in texts)}</tr>"

    body = "".join(line(row, "td") for row in rows)
    return f"<table><thead>{line(head, 'th')}</thead><tbody>{body}</tbody></table>"


def columns(rows: Sequence[Sequence[str]], align: str = ">") -> str:
    """Rows of equal length, set in columns; right-aligned, or left-aligned with "<"."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    lines = [
        "  ".join(f"{text:{align}{width}}" for text, width in zip(row, widths))
        for row in rows
    ]
    return "\n".join(line.rstrip() if align == "<" else line for line in lines)
