"""Is the learner's result the expected one, and how is a result put into words?

Results are compared by value, not by type: a list, a NumPy array and a tensor with the
same numbers are the same answer, so any right solution passes.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from numbers import Number, Real
from typing import Any

import numpy as np
import torch

_SHOWN_WHOLE = 36  # elements of an array that a card still prints in full


def as_array(value: Any) -> np.ndarray | None:
    """Turn numbers, nested sequences, arrays and tensors into a float array.

    Returns None for what is not numeric (text, None, ragged lists, objects).
    """
    try:
        if isinstance(value, Real) or _is_plain(value):
            return np.asarray(value, dtype=float)
        if isinstance(value, torch.Tensor):
            if value.is_complex():
                return None
            return value.detach().to_dense().cpu().double().numpy()
        if isinstance(value, list | tuple):
            value = [as_array(v) for v in value]
        array = np.asarray(value)
        return array.astype(float) if array.dtype.kind in "biuf" else None
    except Exception:  # ragged, not numbers, too large, or raising when looked at
        return None


def _is_plain(value: Any) -> bool:
    """Whether it is lists of Python's own numbers, which NumPy reads much faster."""
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    return type(value) in (int, float, bool)


def same(got: Any, expected: Any, tolerance: float = 1e-4) -> bool:
    """Whether ``got`` is the expected result.

    Numbers and arrays agree within ``tolerance``, absolute and relative, and in shape
    (a one-element array may stand for a number). Text agrees up to case and spaces.
    What cannot even be compared is not the same.
    """
    try:
        return _same(got, expected, tolerance)
    except Exception:  # a learner's object may raise at any touch
        return False


def _same(got: Any, expected: Any, tolerance: float) -> bool:
    if isinstance(expected, str):
        return isinstance(got, str) and _squeeze(got) == _squeeze(expected)
    if isinstance(expected, Mapping):
        alike = isinstance(got, Mapping) and got.keys() == expected.keys()
        return alike and all(same(got[k], expected[k], tolerance) for k in expected)
    wanted = as_array(expected)
    if wanted is None:
        if isinstance(expected, list | tuple):
            alike = isinstance(got, list | tuple) and len(got) == len(expected)
            return alike and all(same(g, e, tolerance) for g, e in zip(got, expected))
        return type(got) is type(expected) and bool(got == expected)
    array = as_array(got)
    if array is None:
        return False
    if wanted.ndim == 0 and array.size == 1:
        array = array.reshape(())
    return array.shape == wanted.shape and bool(
        np.allclose(array, wanted, rtol=tolerance, atol=tolerance, equal_nan=True)
    )


def _squeeze(text: str) -> str:
    return "".join(text.split()).casefold()


def number(value: float) -> str:
    """Write a number the short way: ``4`` rather than ``4.0``, six digits at most."""
    value = float(value)
    whole = np.isfinite(value) and value == int(value)
    return str(int(value)) if whole else f"{value:.6g}"


def describe(value: Any) -> str:
    """Put a value into words short enough for a card."""
    try:
        return _describe(value)
    except Exception:  # its own __repr__ raises, or it holds itself
        return f"a {type(value).__name__} that cannot be shown"


def _describe(value: Any) -> str:
    if isinstance(value, str):
        return repr(value) if len(value) < 200 else repr(value[:197] + "...")
    if isinstance(value, bool) or value is None:
        return repr(value)
    if isinstance(value, Number) and not isinstance(value, complex):
        return number(value)
    array = as_array(value)
    if array is None:
        if isinstance(value, list | tuple | set | frozenset) and len(value) <= 8:
            parts = [describe(v) for v in value]
            if isinstance(value, set | frozenset):
                return "{" + ", ".join(sorted(parts)) + "}"
            return ("[%s]" if isinstance(value, list) else "(%s)") % ", ".join(parts)
        text = repr(value)
        return text if len(text) < 200 else text[:197] + "..."
    if array.ndim == 0:
        return number(array)
    if array.size <= _SHOWN_WHOLE:
        return _nested(array)
    shape = " × ".join(map(str, array.shape))
    low, high = number(array.min()), number(array.max())
    return f"{shape} numbers between {low} and {high}"


def _nested(array: np.ndarray) -> str:
    if array.ndim == 0:
        return number(array)
    return "[" + ", ".join(_nested(row) for row in array) + "]"


@np.errstate(all="ignore")
def form(got: Any, expected: Any) -> str:
    """What is odd about the form of a wrong result whose numbers may be right."""
    if got is None:
        return "That is None, as from a function without a `return`, or from `print`."
    a, b = as_array(got), as_array(expected)
    if isinstance(got, str) and b is not None:
        return "This is text. Write numbers, True and False without quotation marks."
    if a is None or b is None or not b.size:
        return ""
    if a.shape != b.shape and a.size == b.size:
        if np.allclose(a.ravel(), b.ravel()):
            return f"The numbers are right, but the shape is {a.shape}, not {b.shape}."
        turns = itertools.permutations(range(a.ndim)) if a.ndim < 6 else ()
        if any(same(a.transpose(turn), b) for turn in turns):
            return f"The numbers are right, but the axes {a.shape} are out of order."
    if a.shape != b.shape:
        return f"The shape is {a.shape}, but it should be {b.shape}." if b.ndim else ""
    if not {*b.flat} <= {0, 1} and np.allclose(np.sort(a, None), np.sort(b, None)):
        return "These are the right numbers in the wrong order."
    pairs = list(zip(a.flat, b.flat))
    if all(map(_is_rounded, *zip(*pairs))):
        return "Right, but rounded too far: give more digits."
    if b.any() and np.allclose(a, -b):
        return "Right except for the sign."
    for power in (-6, -3, -2, 2, 3, 6) if b.all() and not b.ndim else ():
        if np.allclose(a, b * 10.0**power, rtol=1e-3, atol=0):
            return f"This is {number(10.0**power)} times the right value."
    return ""


def _is_rounded(got: float, wanted: float) -> bool:
    """Whether a real number is the wanted one, or this rounded to a few digits."""
    rounded = {float(f"{wanted:.{digits}g}") for digits in range(2, 6)}
    return bool(got == wanted or (wanted % 1 and got in rounded))


@np.errstate(all="ignore")
def difference(
    got: Any, expected: Any, tolerance: float = 1e-4, secret: bool = False
) -> str:
    """One sentence about where two results differ; a secret one is not given away."""
    a, b = as_array(got), as_array(expected)
    if secret and (b is None or isinstance(expected, bool)):
        return "That is not so; the first hint says where to look."
    if b is None:  # perhaps texts such as "train: …; test: …"
        texts = [v if isinstance(v, str) else describe(v) for v in (got, expected)]
        parts, wanted = (text.split("; ") for text in texts)
        parts = [part for part in parts if part not in wanted]
        return f"This differs: {'; '.join(parts) or texts[0]}.".replace("?.", "?")
    if a is None or (a.shape and not b.shape):
        wanted = f"numbers of shape {b.shape}" if b.ndim else "one number"
        return f"It should be {wanted}, and nothing else."
    if a.shape != b.shape:
        return f"The shape is {a.shape}, but it should be {b.shape}."
    gap, ratio = a - b, (a * b).sum() / ((b * b).sum() or 1)
    each = "Each number" if b.size > 1 else "That"
    if np.allclose(gap, gap.flat[0], tolerance, tolerance):
        more = "large" if gap.flat[0] > 0 else "small"
        by = "" if secret else f" by {number(abs(gap.flat[0]))}"
        return f"{each} is too {more}{by}."
    if np.allclose(a, ratio * b, tolerance, tolerance) and not secret:
        return f"{each} is {number(ratio)} times the right one."
    off = ~np.isclose(a, b, tolerance, tolerance, equal_nan=True)
    at = np.unravel_index(np.argmax(off if off.any() else a != b), a.shape)
    told = "" if secret else f": {number(b[at])} expected, {number(a[at])}"
    return f"The first difference is at {list(map(int, at))}{told}."
