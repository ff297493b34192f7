"""Normalise by hand, over any axes; train against eval, and the bug between."""
