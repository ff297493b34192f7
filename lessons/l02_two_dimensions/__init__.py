"""Blur, sharpen and find edges in a photograph."""
