"""What a lesson's source needs and its notebooks do not."""

from __future__ import annotations

from typing import TypeVar

T = TypeVar("T")


def blank(right_answer: T) -> T:
    """Mark the right answer, which students put for ``____``; it is returned as is.

    The source of a lesson therefore runs and lints. The build writes ``____`` into the
    student's notebook and the bare expression into the solved one.
    """
    return right_answer
