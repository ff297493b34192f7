"""Every slide fits the screen, with its cells run, and draws all it should."""

import pytest

from tools.slides import SlidesError, notebooks
from tools.walk import walk

pytestmark = pytest.mark.browser


def lessons():
    try:
        return [path.name for path in notebooks()]
    except SlidesError:  # not built: test_build says so
        return []


@pytest.mark.parametrize("notebook", lessons())
def test_every_slide_fits_and_is_drawn(browser, lab, notebook):
    reports = walk(browser, lab.server, f"solutions/{notebook}")
    assert len(reports) > 1
    wrong = [str(report) for report in reports if report.problems]
    assert not wrong, "\n".join(wrong)
