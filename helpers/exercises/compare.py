"""Is the learner's result the expected one, and how is a result put into words?

Results are compared by value, not by type: a list, a NumPy array and a tensor with the
same numbers are the same answer, so any right solution passes.
"""

from __future__ import annotations

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
    if isinstance(value, str | bytes) or value is None:
        return None
    try:
        if isinstance(value, Real):
            return np.asarray(float(value))
        if isinstance(value, torch.Tensor):
            if value.is_complex():
                return None
            return value.detach().to_dense().cpu().double().numpy()
        array = np.array([as_array(v) for v in value]) if _is_list(value) else value
        array = np.asarray(array)
        return array.astype(float) if array.dtype.kind in "biuf" else None
    except Exception:  # ragged, not numbers, too large, or raising when looked at
        return None


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple)


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
        return (
            isinstance(got, Mapping)
            and got.keys() == expected.keys()
            and all(same(got[k], expected[k], tolerance) for k in expected)
        )
    wanted = as_array(expected)
    if wanted is None:
        if _is_list(expected):
            return (
                _is_list(got)
                and len(got) == len(expected)
                and all(same(g, e, tolerance) for g, e in zip(got, expected))
            )
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
    if value == int(value) if np.isfinite(value) else False:
        return str(int(value))
    return f"{value:.6g}"


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
        if _is_list(value) and len(value) <= 8:
            return "(" + ", ".join(describe(v) for v in value) + ")"
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


def difference(got: Any, expected: Any, tolerance: float = 1e-4) -> str:
    """Say where two arrays part: their shapes, or the first element that differs."""
    a, b = as_array(got), as_array(expected)
    if b is None or b.ndim == 0:
        return ""
    if a is None:
        return f"It should be numbers of shape {b.shape}, not {type(got).__name__}."
    if a.shape != b.shape:
        return f"The shape is {a.shape} and should be {b.shape}."
    off = np.argwhere(~np.isclose(a, b, tolerance, tolerance, equal_nan=True))
    if b.size <= _SHOWN_WHOLE or not len(off):
        return ""
    at = tuple(int(i) for i in off[0])
    return f"First difference at {list(at)}: {number(b[at])} expected, {number(a[at])}."
