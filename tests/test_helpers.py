"""Pictures, drawings, tables and figures, and what importing the helpers costs."""

import base64
import io
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from types import SimpleNamespace

import matplotlib as mpl
import numpy as np
import pytest
import torch
from PIL import Image

mpl.use("Agg")

import IPython.display
import matplotlib.pyplot as plt

from helpers import device, display, plots
from helpers.data import PHOTOGRAPHS, photograph, to_grey
from helpers.drawing import PALE_ORANGE, Drawing

SVG = "{http://www.w3.org/2000/svg}"
LINK = "{http://www.w3.org/1999/xlink}href"
SPECIAL = "a < b & \"c\" 'd' > ⌊W⌋"


@pytest.fixture
def shown(monkeypatch):
    """The mime bundles that were displayed, as in a notebook."""

    # Whatever asks whether this is a notebook is told that it is.
    monkeypatch.setattr(display, "shell", lambda: SimpleNamespace(user_ns={}))
    bundles = []
    monkeypatch.setattr(
        IPython.display, "display", lambda data, raw: bundles.append(data)
    )
    return bundles


def alt_of(markup):
    """The alternative text of the one image in the markup, unescaped."""
    return ET.fromstring(re.search(r"<img.*?>", markup)[0][:-1] + "/>").get("alt")


def svg_in(bundle):
    """The SVG in what was shown, parsed."""
    data = re.search(r"base64,([^\"]+)", bundle["text/html"])[1]
    return ET.fromstring(base64.b64decode(data))


# --- Photographs ----------------------------------------------------------------------


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_a_photograph_is_a_tensor_from_0_to_255(name):
    picture = photograph(name)
    assert picture.shape == (3, 214, 321)
    assert picture.dtype == torch.float32
    assert picture.min() >= 0
    assert picture.max() <= 255
    assert picture.max() > 200
    assert torch.equal(picture, photograph(name))


@pytest.mark.parametrize(("height", "width"), [(427, 640), (128, 192), (1, 1)])
def test_a_photograph_has_the_height_asked_for(height, width):
    assert photograph("flower", height).shape == (3, height, width)


def test_shrinking_keeps_the_mean_colour():
    large, small = photograph(height=427), photograph(height=50)
    difference = large.mean(dim=(1, 2)) - small.mean(dim=(1, 2))
    assert difference.abs().max() < 1


def test_an_unknown_photograph_names_those_there_are():
    with pytest.raises(ValueError, match="no photograph 'dog'; there are monument"):
        photograph("dog")


def test_grey_is_the_mean_of_the_channels():
    image = torch.tensor([[[0.0, 30]], [[60, 30]], [[120, 30]]])  # (3, 1, 2)
    assert to_grey(image).tolist() == [[60, 30]]
    assert to_grey(photograph("monument", 20)).shape == (20, 30)


# --- Drawings -------------------------------------------------------------------------


def a_drawing():
    drawing = Drawing(200, 100.5)
    drawing.rect(1, 2, 3, 4.126, "#fff", more='stroke-dasharray="2 2"')
    drawing.text(10, 10, SPECIAL, bold=True)
    drawing.line([(0, 0), (1 / 3, 2)], dash="4 2")
    drawing.dot(5, 5, 2, "red")
    drawing.arrow(0, 50, 40, 50, "blue")
    drawing.cell(20, 20, 10, "−0.25")
    drawing.grid(50, 50, [["a", ""], ["<", "&"]], 20)
    return drawing


def test_a_drawing_is_valid_xml_with_its_texts_escaped():
    root = ET.fromstring(a_drawing().svg(SPECIAL))
    assert root.tag == f"{SVG}svg"
    assert root.get("role") == "img"
    assert root.get("aria-label") == SPECIAL
    assert (root.get("width"), root.get("height")) == ("200", "100.5")
    assert root.get("viewBox") == "0 0 200 100.5"
    texts = [text.text for text in root.iter(f"{SVG}text")]
    assert texts == [SPECIAL, "−0.25", "a", "<", "&"]
    assert root.find(f"{SVG}polyline").get("points") == "0,0 0.33,2"


def test_a_drawing_is_shown_with_its_alt_and_is_the_same_each_time(shown):
    plots.show(a_drawing(), SPECIAL)
    markup = shown[0]["text/html"]
    assert shown[0]["text/plain"] == alt_of(markup) == SPECIAL
    assert "data:image/svg+xml;base64," in markup
    assert markup == a_drawing().img(SPECIAL)


@pytest.mark.parametrize(
    ("end", "tip"), [((40, 0), "40,0"), ((-40, 0), "-40,0"), ((0, 40), "0,40")]
)
def test_an_arrow_ends_at_its_tip(end, tip):
    drawing = Drawing(10, 10)
    drawing.arrow(0, 0, *end, "red")
    (head,) = ET.fromstring(drawing.svg("x")).iter(f"{SVG}polygon")
    first, *others = head.get("points").split()
    assert first == tip
    back = [[abs(float(v)) for v in other.split(",")] for other in others]
    assert all(max(pair) == 33 and min(pair) == 4 for pair in back)


# --- Figures --------------------------------------------------------------------------


def test_a_figure_is_shown_with_its_alt_and_closed(shown):
    figure, ax = plt.subplots()
    ax.plot([1, 2])
    plots.show(figure, SPECIAL)
    (bundle,) = shown
    assert bundle["text/plain"] == SPECIAL
    assert alt_of(bundle["text/html"]) == SPECIAL
    assert svg_in(bundle).tag == f"{SVG}svg"
    assert not plt.fignum_exists(figure.number)


def test_a_picture_in_a_figure_keeps_its_pixels(shown):
    image = torch.arange(35.0).view(5, 7)
    with mpl.rc_context():
        plots.use_style()
        plots.show_images({"ramp": image}, "a ramp")
    (found,) = svg_in(shown[0]).iter(f"{SVG}image")
    png = base64.b64decode(found.get(LINK).partition(",")[2])
    pixels = np.asarray(Image.open(io.BytesIO(png)).convert("L"))
    assert pixels.shape == image.shape
    assert np.abs(pixels - image.numpy() * 255 / 34).max() <= 2


def test_a_figure_without_alt_is_refused(shown):
    with pytest.raises(ValueError, match="alt text"):
        plots.show(Drawing(1, 1), "  \n")
    assert shown == []


def test_lines_and_pictures_leave_no_figure_open(shown):
    x = torch.arange(5.0)
    lines = {"all": x, "dots": [1, 2, 3, 4, 5]}
    plots.show_lines(x, lines, "Lines.", "x", "y", dots=["dots"])
    images = {"grey": torch.rand(4, 6), "colour": 300 * torch.rand(3, 4, 6)}
    plots.show_images(images, "Pictures.", limits=(0, 255))
    plots.show_images({"zero": torch.zeros(2, 3)}, "Zero.", signed=True)
    three = {str(k): torch.rand(2, 2) for k in range(3)}
    plots.show_images(three, "Two rows.", columns=2)
    alts = ["Lines.", "Pictures.", "Zero.", "Two rows."]
    assert [bundle["text/plain"] for bundle in shown] == alts
    assert plt.get_fignums() == []


def test_a_shorter_line_belongs_to_the_last_positions(monkeypatch):
    axes = []
    monkeypatch.setattr(plots, "show", lambda figure, alt: axes.extend(figure.axes))
    plots.show_lines([0, 1, 2, 3], {"late": [5, 6]}, "Late.", "t (s)", "x (km)")
    (line,) = axes[0].lines
    assert line.get_xdata().tolist() == [2, 3]
    assert axes[0].get_xlabel() == "t (s)"
    plt.close("all")


# --- Tables ---------------------------------------------------------------------------


def test_a_tables_plain_text_is_in_columns(shown):
    head = ["layer", "weights", "share"]
    plots.show_table(head, [["conv <1>", 34944, 0.123456], ["b", 7, True]])
    plain, markup = shown[0]["text/plain"], shown[0]["text/html"]
    rows = plain.splitlines()
    assert rows[0] == "   layer  weights   share"
    assert rows[1].split() == ["conv", "<1>", "34", "944", "0.1235"]
    assert rows[2].split() == ["b", "7", "True"]
    assert len({len(row) for row in rows}) == 1
    table = ET.fromstring(markup)
    assert [cell.text for cell in table.iter("th")] == head
    assert next(table.iter("td")).text == "conv <1>"


def test_a_table_without_rows(shown):
    plots.show_table(["a", "b"], [])
    assert shown[0]["text/plain"] == "a  b"


# --- Grids ----------------------------------------------------------------------------


def test_grids_write_every_number_and_tint_what_is_lit(shown):
    grids = {"input": torch.tensor([[1.0, -0.5], [3, 4]]), "letters": ["ab", "cd"]}
    plots.show_grids(grids, "Two grids.", lit={"letters": [(1, 0)]})
    assert shown[0]["text/plain"] == "Two grids."
    root = svg_in(shown[0])
    texts = [text.text for text in root.iter(f"{SVG}text")]
    assert texts[:5] == ["input", "1", "-0.5", "3", "4"]
    assert texts[5:] == ["letters", "a", "b", "c", "d", "c"]
    tinted = [r for r in root.iter(f"{SVG}rect") if r.get("fill") == PALE_ORANGE]
    assert len(tinted) == 1


def test_grids_of_other_sizes_fit_into_the_drawing(shown):
    grids = {"a rather long title": [["1"]], "b": [["1", "2", "3"]] * 4}
    plots.show_grids(grids, "Two grids.")
    root = svg_in(shown[0])
    width, height = float(root.get("width")), float(root.get("height"))
    for rect in list(root.iter(f"{SVG}rect"))[1:]:
        assert float(rect.get("x")) + float(rect.get("width")) <= width
        assert float(rect.get("y")) + float(rect.get("height")) <= height


# --- Device ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cuda", "mps", "best"),
    [
        (True, True, "cuda"),
        (False, True, "mps"),
        (False, False, "cpu"),
    ],
)
def test_the_best_device(monkeypatch, cuda, mps, best):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert device.best_device() == torch.device(best)


def test_devices_are_described(monkeypatch):
    gpu = SimpleNamespace(name="Test GPU", total_memory=80 * 2**30)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: gpu)
    assert device.describe_device(torch.device("cuda")) == "Test GPU, 80 GiB"
    assert device.describe_device(torch.device("mps")) == "Apple GPU (Metal)"
    text = device.describe_device(torch.device("cpu"))
    assert re.fullmatch(r"CPU, \S.*, \d+ cores", text)
    assert device.describe_device()


# --- Imports --------------------------------------------------------------------------

JUPYTER = {
    *("IPython", "ipykernel", "ipywidgets", "jupyter_client", "jupyter_core"),
    *("jupyterlab", "nbclient", "nbformat", "notebook", "traitlets"),
}


def imported_by(statement):
    """Names of the top-level modules that a statement adds to a new Python."""
    code = (
        "import sys; before = set(sys.modules)\n"
        f"{statement}\n"
        "print(*{name.split('.')[0] for name in set(sys.modules) - before})"
    )
    command = [sys.executable, "-c", code]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(answer.stdout.split())


def test_importing_helpers_imports_nothing_else():
    assert imported_by("import helpers") - set(sys.stdlib_module_names) == {"helpers"}


def test_a_server_without_jupyter_can_use_what_shows_nothing():
    names = "convolution", "counting", "data", "device", "drawing", "networks"
    modules = imported_by(f"import {', '.join(f'helpers.{name}' for name in names)}")
    assert not modules & (JUPYTER | {"matplotlib"})
    assert "helpers" in modules


def test_exercises_can_be_checked_without_jupyter():
    assert not imported_by("import helpers.exercises") & JUPYTER
