"""Derive and use ⌊(W1 − F + 2P)/S⌋ + 1."""
