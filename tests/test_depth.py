"""A filter and its map: sizes are the lesson's, each map bears its filter's colour."""

from collections import Counter

import pytest

from lessons.depth import draw_filters
from tests.pictures import SVG, tidy


@pytest.mark.parametrize(
    ("W1", "D1", "F", "K", "sizes"),
    [
        (7, 3, 3, 1, ["7×7×3", "3×3×3", "5×5×1"]),
        (7, 3, 3, 4, ["7×7×3", "3×3×3", "5×5×4"]),
        (8, 2, 5, 3, ["8×8×2", "5×5×2", "4×4×3"]),
    ],
)
def test_sizes_and_colours(W1, D1, F, K, sizes):
    drawing = draw_filters(W1, D1, F, K)
    picture = tidy(drawing)
    assert [t.text for t in picture.iter(f"{SVG}text")][3::2] == sizes
    # Two faces for a channel, in the input and in each filter, and for a map.
    fills = Counter(face.get("fill") for face in picture.iter(f"{SVG}polygon"))
    assert sum(fills.values()) == 2 * (D1 + K * D1 + K)
    assert sorted(fills.values()) == sorted([2] * K + [2 * (1 + K)] * D1)


def test_everything_is_inside_the_picture():
    drawing = draw_filters(7, 3, 3, 4)
    picture = tidy(drawing)
    for face in picture.iter(f"{SVG}polygon"):
        for point in face.get("points").split():
            x, y = map(float, point.split(","))
            assert 0 <= x <= drawing.width
            assert 0 <= y <= drawing.height
