"""Checks: how blanks and cards work."""

from helpers.exercises.engine import Exercise, Wrong, add, case

add(
    Exercise(
        "00.1",
        "A first blank",
        wrong={
            "text": Wrong(
                {"days": "7"},
                "Right number, but in quotes it is text. Write `days=7`.",
            ),
            "word": Wrong(
                {"days": "seven"},
                "Python wants a figure here. Write `days=7`.",
            ),
            "kept-blank": Wrong(
                {"days": 0},
                "A week has more days than none. Write `days=7`.",
            ),
        },
        otherwise="A week has seven days. Write `days=7` and run the cell again.",
        hints=("Delete the four underscores and type a number in their place.",),
    )
)

add(
    Exercise(
        "00.2",
        "Halfway between two readings",
        cases=lambda: [
            case(2, 4),
            case(0, 0),
            case(1, 2),
            case(-3, 8),
            case(5.5, 0.25),
            case(-6, 1),
        ],
        wrong={
            "precedence": Wrong(
                lambda a, b: a + b / 2,
                "Division binds tighter than addition: `a + b / 2` halves only `b`. "
                "Put the sum in brackets.",
            ),
            "no-half": Wrong(
                lambda a, b: a + b,
                "That is the sum. The point halfway is half of it.",
            ),
            "floored": Wrong(
                lambda a, b: (a + b) // 2,
                "`//` rounds down to a whole number, and halfway between 1 and 2 is "
                "1.5. Use `/`.",
            ),
            "distance": Wrong(
                lambda a, b: (b - a) / 2,
                "That is half the distance between them. Add it to `a`, or average.",
            ),
        },
        hints=(
            "What must be added to 2 and 4, and divided by what, to get 3?",
            "The same with `a` and `b` in place of 2 and 4; mind the brackets.",
        ),
    )
)
