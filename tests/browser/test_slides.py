"""Every slide fits the screen, with its cells run, and draws all it should.

Of one lesson, which has whatever is on slides: a formula, a table, pictures, exercises
and explorers. ``make walk`` looks at all lessons.
"""

import statistics

import pytest

from tools.slides import choose, notebooks
from tools.stage import copy_to
from tools.walk import walk

pytestmark = pytest.mark.browser

FULLEST = 3  # slides that are measured on the large screen too: the others are emptier
COVERED = 0.5  # of the screen, by what stands on half of a lesson's slides


def test_every_slide_fits_and_is_drawn(browser, lab):
    lesson = choose("03", notebooks())
    copy_to(lab.folder / "stage", [lesson])
    reports = walk(browser, lab.server, f"stage/{lesson.name}", fullest=FULLEST)
    assert len(reports) > 1
    wrong = [str(report) for report in reports if report.problems]
    assert not wrong, "\n".join(wrong)
    assert statistics.median(report.share[0] for report in reports) > COVERED
