"""Every slide fits the screen, with its cells run, and draws all it should.

Of every fifth lesson; ``make walk`` looks at all.
"""

import statistics

import pytest

from tools.slides import SlidesError, notebooks
from tools.walk import walk

pytestmark = pytest.mark.browser

FULLEST = 3  # slides that are measured on the large screen too: the others are emptier
COVERED = 0.5  # of the screen, by what stands on half of a lesson's slides


def lessons():
    try:
        return [path.name for path in notebooks()][3::5]
    except SlidesError:  # not built: test_build says so
        return []


# The last ones run longest, and begin first: so no worker waits for them at the end.
@pytest.mark.parametrize("notebook", lessons()[::-1])
def test_every_slide_fits_and_is_drawn(browser, lab, notebook):
    reports = walk(browser, lab.server, f"stage/{notebook}", fullest=FULLEST)
    assert len(reports) > 1
    wrong = [str(report) for report in reports if report.problems]
    assert not wrong, "\n".join(wrong)
    assert statistics.median(report.share[0] for report in reports) > COVERED
