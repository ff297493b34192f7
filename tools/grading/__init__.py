"""Grading what was handed in: the judge has the answers, the candidate's process not.

`submissions` finds notebooks and takes the exercises out of them; `candidate` is the
process that runs these, `lockup` locks it in, `plain` is the only form in which it may
answer; `judge` asks and compares, `classes` does so for a whole class, `report` writes.
"""
