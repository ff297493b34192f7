"""Reading what an explorer has drawn."""

import itertools
import xml.etree.ElementTree as ET

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
