"""Lessons as they are published: with explorers that need no kernel.

What static slides and the site show. A lesson's outputs are those that are saved; it
is run, once, as far as its last explorer. An explorer's place is taken by pictures of
it, one for each of its presets, or of some values of its first control, with a slider
to go through them.
"""

from __future__ import annotations

import concurrent.futures
import hashlib
import html
import os
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

import ipywidgets
import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

from helpers.explorers import OWN, Explorer
from tools.build import KERNEL
from tools.stage import explorers_in

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "build" / "published"
MOST_STATES = 9
# Not _, which a lesson may have bound to something else.
_STATES = "from tools.published import show_states; show_states(Out[max(Out)])"
NUMBERS = (ipywidgets.IntSlider, ipywidgets.FloatSlider, ipywidgets.FloatText)
LISTS = (ipywidgets.Dropdown,)


def published(books: Iterable[Path], jobs: int = 2) -> Iterator[Path]:
    """Solved notebooks with pictures of their explorers; run if they have changed.

    Yields the results' paths, in ``build/published``, while others still run.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell stops.
    """
    FOLDER.mkdir(parents=True, exist_ok=True)
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(_published, books)


def _published(path: Path) -> Path:
    mark = hashlib.sha256(path.read_bytes()).hexdigest()
    target = FOLDER / path.name
    if target.exists() and nbformat.read(target, 4).metadata.get("of") == mark:
        return target
    book = nbformat.read(path, as_version=4)
    if explorers := list(explorers_in(book.cells)):
        _run(book, explorers)
    book.metadata.pop("widgets", None)
    book.metadata["of"] = mark
    nbformat.write(book, target)
    return target


def _run(book: NotebookNode, explorers: list[int]) -> None:
    """Run the cells up to the last explorer, and keep pictures of each."""
    client = NotebookClient(book, timeout=600, record_timing=False)
    environment = os.environ | KERNEL | {"PYTHONPATH": str(ROOT)}
    with client.setup_kernel(env=environment, stderr=subprocess.DEVNULL):
        for position in range(explorers[-1] + 1):
            cell = book.cells[position]
            client.execute_cell(cell, position)
            if position in explorers:
                states = nbformat.v4.new_code_cell(_STATES)
                client.execute_cell(states, position)
                cell.outputs = states.outputs
                book.cells[position] = cell  # where it put the other one


def show_states(explorer: Explorer) -> None:
    """Show an explorer as it is published: in its kernel, behind its cell."""
    from IPython.display import HTML, display

    display(HTML(states(explorer)))


def states(explorer: Explorer) -> str:
    """An explorer as HTML that needs no kernel; it is left as it was found."""
    control = getattr(explorer, "preset", None) or controls_of(explorer)[0]
    start, pictures, shown = control.value, [], 0
    for value in _some_values(control):
        control.value = value
        shown = len(pictures) if value == start else shown
        pictures.append((_words_for(control), explorer.picture.value))
    control.value = start
    name = html.escape(control.description or "setting")
    parts = [
        f'<div class="state"{"" if at == shown else " hidden"}>'
        f"<p>{name}: {html.escape(words)}</p>{picture}</div>"
        for at, (words, picture) in enumerate(pictures)
    ]
    # The pictures follow the slider, which is the first of their parent's children.
    turn = (
        "[...this.parentNode.querySelectorAll('.state')]"
        ".forEach((state, at) => { state.hidden = at != this.value; })"
    )
    return (
        f'<div class="states"><input type="range" min="0" max="{len(pictures) - 1}" '
        f'value="{shown}" aria-label="{name}" oninput="{turn}">{"".join(parts)}</div>'
    )


def _some_values(control: ipywidgets.Widget) -> list[object]:
    """Up to `MOST_STATES` of a control's values, its present one among them."""
    if isinstance(control, LISTS):
        options = [o[1] if isinstance(o, tuple) else o for o in control.options]
        values = [option for option in options if option != OWN][:MOST_STATES]
    elif isinstance(control, ipywidgets.FloatText):
        values = [control.value + move for move in range(-4, 5)]
    else:
        steps = round((control.max - control.min) / control.step)
        shown = min(steps + 1, MOST_STATES)
        at = [round(n * steps / max(shown - 1, 1)) for n in range(shown)]
        values = [control.min + n * control.step for n in at]
    if control.value not in values:
        values[-1] = control.value
    return sorted(values) if isinstance(control, NUMBERS) else values


def _words_for(control: ipywidgets.Widget) -> str:
    return str(control.label if isinstance(control, LISTS) else control.value)


def controls_of(explorer: Explorer) -> list[ipywidgets.Widget]:
    """Its sliders and boxes in reading order, or its lists where it has none."""

    def inside(widget: ipywidgets.Widget, kinds: tuple[type, ...]) -> Iterator:
        if isinstance(widget, kinds):
            yield widget
        for child in getattr(widget, "children", ()):
            yield from inside(child, kinds)

    return list(inside(explorer, NUMBERS)) or list(inside(explorer, LISTS))
