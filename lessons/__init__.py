"""The lessons, one folder each, in lecture order."""
