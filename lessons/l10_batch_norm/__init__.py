"""Normalise by hand, over any axes; compare training and evaluation,
and find the bug between them."""
