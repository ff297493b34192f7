"""Architectures to scale: nothing is left out, areas are counts, no text collides."""

import itertools
import xml.etree.ElementTree as ET

import pytest
from matplotlib import font_manager
from PIL import ImageFont

from helpers import networks
from helpers.counting import layer_table
from lessons import volumes
from lessons.volumes import columns_of, show_volumes, steps_of
from tests.pictures import SVG

MODULES, BLOCKS = r"inception\w+", r"stage\d_\d"
NAMES = ["conv1", "pool1", "conv2–3", "pool2", "3a–3b", "pool3", "4a–4e", "pool4"]
NAMES += ["5a–5b", "mean", "dense"]
NETWORKS = {  # title → network, side of an image, what else the picture is told
    "LeNet-5": (networks.lenet5, 32, {}),
    "AlexNet": (networks.alexnet, 227, {}),
    "VGG-16": (lambda: networks.vgg(16), 224, {}),
    "GoogLeNet": (
        lambda: networks.googlenet(aux=False),
        224,
        {"blocks": MODULES, "concatenated": True, "names": NAMES},
    ),
    "ResNet-34": (lambda: networks.resnet(34), 224, {"blocks": BLOCKS}),
}


@pytest.fixture(scope="module", params=NETWORKS)
def case(request):
    """Table, columns, the picture's parsed markup, and its text."""
    make, side, how = NETWORKS[request.param]
    image = (1 if side == 32 else 3, side, side)
    table = layer_table(make(), image)
    names = how.get("names", ())
    steps = steps_of(table, how.get("blocks", ""), how.get("concatenated", False))
    with pytest.MonkeyPatch.context() as patched:
        shown = []
        patched.setattr(volumes, "show", lambda *what: shown.extend(what))
        show_volumes(request.param, table, image, **how)
    drawing, alt = shown
    return table, columns_of(steps, names), ET.fromstring(drawing.svg(alt)), alt


def texts_of(picture):
    """Each text with its box, (left, top, right, bottom), set in DejaVu Sans."""
    shares = {"start": 0, "middle": 0.5, "end": 1}
    for text in picture.iter(f"{SVG}text"):
        size, weight = float(text.get("font-size")), text.get("font-weight", "regular")
        face = {
            "family": "DejaVu Sans",
            "weight": int(weight) if weight[0] < "a" else 400,
        }
        path = font_manager.findfont(font_manager.FontProperties(**face))
        width = ImageFont.truetype(path, 100).getlength(text.text) * size / 100
        left = float(text.get("x")) - shares[text.get("text-anchor")] * width
        y = float(text.get("y"))
        yield text.text, (left, y - size / 2, left + width, y + size / 2)


def squares_of(picture, name):
    rects = picture.findall(f"{SVG}rect[@class='{name}']")
    return [(float(r.get("width")), float(r.get("height"))) for r in rects]


def test_every_layer_is_there_or_merged(case):
    table, columns, picture, alt = case
    shown = [row for column in columns for step in column.steps for row in step.rows]
    assert shown == list(table.rows)
    words = [text for text, _ in texts_of(picture)]
    for column in columns:
        assert column.name in words
        assert column.name in alt
        for size, count in column.sizes:
            assert count == 1 or f"×{count}" in words
            assert len({(step.kind, step.size[:-1]) for step in column.steps}) == 1
            assert (str(size[-1]) in " ".join(column.labels)) or len(column.sizes) > 2


@pytest.mark.parametrize("name", ["parameters", "multiply_adds"])
def test_areas_are_the_counts(case, name):
    table, columns, picture, _ = case
    counts = [getattr(column, name) for column in columns if getattr(column, name)]
    assert sum(counts) == getattr(table, name)
    squares = squares_of(picture, name)
    assert len(squares) == len(counts)
    most = max(squares)[0] ** 2
    for (width, height), count in zip(squares, counts):
        assert width == height
        assert width == pytest.approx((most * count / max(counts)) ** 0.5, abs=0.01)


def test_no_text_leaves_the_picture_or_meets_another(case):
    _, _, picture, _ = case
    width, height = float(picture.get("width")), float(picture.get("height"))
    assert width <= 1000.01
    assert height <= 420
    texts = list(texts_of(picture))
    for text, (left, top, right, bottom) in texts:
        assert left >= 0, text
        assert top >= 0, text
        assert right <= width, text
        assert bottom <= height, text
        assert (bottom - top) * 840 / width >= 12, text
    for (one, a), (other, b) in itertools.combinations(texts, 2):
        apart = a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]
        assert apart, (one, other)


def test_no_box_leaves_the_picture_or_meets_a_text(case):
    _, _, picture, _ = case
    width = float(picture.get("width"))
    for polygon in picture.iter(f"{SVG}polygon"):
        points = [
            tuple(map(float, p.split(","))) for p in polygon.get("points").split()
        ]
        xs, ys = zip(*points)
        assert min(xs) >= 0
        assert max(xs) <= width
        assert min(ys) >= 0
        for text, (left, top, right, bottom) in texts_of(picture):
            beside = max(xs) <= left or right <= min(xs)
            assert beside or max(ys) <= top or bottom <= min(ys), text


def test_edges_grow_with_sizes_by_their_root(case):
    _, columns, picture, _ = case
    sizes = [size for column in columns for size, _ in column.sizes]
    fronts = picture.findall(f"{SVG}rect[@stroke-width='1.2']")
    fronts = [(float(r.get("width")), float(r.get("height"))) for r in fronts]
    *_, input_box = fronts[3:4]  # after the three of the legend
    boxes = fronts[4:]
    assert len(boxes) == len(sizes)
    assert max(height for _, height in boxes) <= input_box[1]
    for (size, box), (other, box2) in itertools.combinations(zip(sizes, boxes), 2):
        if len(size) == len(other) == 3:
            assert box[0] ** 2 * other[2] == pytest.approx(box2[0] ** 2 * size[2], 0.02)
            assert box[1] ** 2 * other[0] == pytest.approx(box2[1] ** 2 * size[0], 0.02)


def test_branches_add_up_and_residuals_do_not():
    googlenet = layer_table(networks.googlenet(aux=False), (3, 224, 224))
    steps = steps_of(googlenet, MODULES, concatenated=True)
    depths = [step.size[-1] for step in steps if "inception" in step.rows[0].name]
    assert depths == [256, 480, 512, 512, 512, 528, 832, 832, 1024]
    resnet = layer_table(networks.resnet(34), (3, 224, 224))
    stages = [c for c in columns_of(steps_of(resnet, BLOCKS)) if "stage" in c.name]
    assert [c.sizes for c in stages] == [
        [((56, 56, 64), 3)],
        [((28, 28, 128), 4)],
        [((14, 14, 256), 6)],
        [((7, 7, 512), 3)],
    ]


def test_dense_layers_are_never_merged():
    table = layer_table(networks.vgg(16), (3, 224, 224))
    names = [column.name for column in columns_of(steps_of(table))]
    assert names[-3:] == ["fc6", "fc7", "fc8"]


def test_names_have_to_be_as_many_as_columns():
    table = layer_table(networks.lenet5(), (1, 32, 32))
    with pytest.raises(ValueError, match="2 names for 7 columns"):
        show_volumes("LeNet-5", table, (1, 32, 32), names=["one", "two"])
