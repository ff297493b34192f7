"""Reading what an explorer has drawn."""

import itertools
import xml.etree.ElementTree as ET

from matplotlib import font_manager
from PIL import ImageFont

SVG = "{http://www.w3.org/2000/svg}"


def svg(explorer):
    """The picture's markup, parsed: well formed, or the test fails here."""
    text = explorer.picture.value
    picture = ET.fromstring(text[text.index("<svg") :])
    assert picture.get("aria-label") == explorer.describe()
    return picture


def words(explorer):
    """All that is written in the picture."""
    return [text.text for text in svg(explorer).iter(f"{SVG}text")]


def size_of(explorer):
    """Width and height, as they stand in the markup."""
    picture = svg(explorer)
    return picture.get("width"), picture.get("height")


def visit(explorer, controls, values):
    """Set the controls to each combination of values; yield after each redraw."""
    before = size_of(explorer)
    for combination in itertools.product(*values):
        explorer.set_values(controls, combination)
        assert size_of(explorer) == before, combination
        yield combination


def tidy(drawing, least=13):
    """A figure's markup, parsed, once nothing leaves it and no two texts meet."""
    picture = ET.fromstring(drawing.svg("a figure"))
    texts = [(text.text, _box(text, least)) for text in picture.iter(f"{SVG}text")]
    boxes = [
        ("a rectangle", _outer(rect)) for rect in list(picture.iter(f"{SVG}rect"))[1:]
    ]
    for name, (left, top, right, bottom) in texts + boxes:
        assert 0 <= left < right <= drawing.width, name
        assert 0 <= top < bottom <= drawing.height, name
    for (one, a), (other, b) in itertools.combinations(texts, 2):
        apart = a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]
        assert apart, (one, other)
    return picture


def filled(picture, colour):
    """Left upper corners of the rectangles of that colour, in order."""
    rects = [r for r in picture.iter(f"{SVG}rect") if r.get("fill") == colour]
    return [(float(rect.get("x")), float(rect.get("y"))) for rect in rects]


def _box(text, least):
    """Left, top, right and bottom of a text in DejaVu Sans."""
    size, bold = float(text.get("font-size")), text.get("font-weight") is not None
    assert size >= least, text.text
    wanted = font_manager.FontProperties(
        family="DejaVu Sans", weight=700 if bold else 400
    )
    font = ImageFont.truetype(font_manager.findfont(wanted), 100)
    width = font.getlength(text.text) * size / 100
    share = {"start": 0, "middle": 0.5, "end": 1}[text.get("text-anchor")]
    left, y = float(text.get("x")) - share * width, float(text.get("y"))
    return left, y - size / 2, left + width, y + size / 2


def _outer(rect):
    """Left, top, right and bottom of a rectangle, half its line included."""
    x, y, width, height, line = (
        float(rect.get(key)) for key in ("x", "y", "width", "height", "stroke-width")
    )
    line = line / 2 if rect.get("stroke") != "none" else 0
    return x - line, y - line, x + width + line, y + height + line
