"""Exercises: blanks that are checked the moment their cell runs.

In a lesson::

    from helpers.exercises import answer, exercise, start

    start()

    @exercise("NN.2")
    def output_size(W1, F, P=0, S=1):
        return ____

    answer("NN.1", W2=____, H2=____)

Elsewhere (tests, graders) the same judgement is a function::

    result = check("NN.2", candidate)
"""

from helpers.exercises.engine import Result, check, exercises
from helpers.exercises.notebook import answer, exercise, start
from helpers.exercises.progress import progress

__all__ = ["Result", "answer", "check", "exercise", "exercises", "progress", "start"]
