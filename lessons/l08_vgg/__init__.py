"""Weigh a stack of 3×3 against one large kernel; find memory, work and parameters."""
