"""What a teacher reads: points, a page, feedback, gradebooks."""

import csv
import html.parser
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tools.grade import Grade
from tools.grading import report
from tools.grading.report import Rubric
from tools.grading.submissions import Submission

RUBRIC = """
due = 2026-12-01T18:00:00Z
[points]
default = 1
"03.3" = 2
[partial]
known = 0.25
"03.3 precedence" = 0.5
"""
EVIL = "<script>alert(1)</script>"
HOUR = datetime(2026, 12, 1, 12, tzinfo=UTC), datetime(2026, 12, 2, 12, tzinfo=UTC)


def row(name, outcome, *, late=False, sources=None, problem="", key=""):
    submission = Submission(
        f"{name}/03.ipynb", Path(name), student=name, key=key, time=HOUR[late]
    )
    cards = {n: f"card of {n}" for n in outcome if outcome[n] != "missing"}
    return submission, Grade(
        submission.name, outcome, problem, cards, sources or dict.fromkeys(outcome, "")
    )


@pytest.fixture
def rows():
    known = {"03.1": "passed", "03.3": "wrong (precedence)", "03.4": "blank"}
    return [
        row("ann", known, key="7", sources={"03.3": EVIL}),
        row("=cmd", {"03.1": "wrong", "03.3": "wrong (precedence)"}, late=True),
        row(EVIL, {}, problem="not a notebook (JSONDecodeError)"),
        row("di", {"03.1": "passed", "03.3": "passed", "03.4": "missing"}),
    ]


@pytest.fixture
def rubric(tmp_path):
    file = tmp_path / "rubric.toml"
    file.write_text(RUBRIC, "utf-8")
    return Rubric.read(file)


def read(file):
    with file.open(encoding="utf-8-sig", newline="") as source:
        return list(csv.DictReader(source))


def test_points_and_partial_credit(rows, rubric):
    points = {s.name: s.total for s in report.students(rows, rubric)}
    assert points == {"ann": 2.0, "=cmd": 1.0, EVIL: 0, "di": 3.0}
    assert report.most(rows, rubric) == 4.0
    assert [s.name for s in report.students(rows, rubric) if s.late] == ["=cmd"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("point = 1", "point is not known"),
        ("[points]\n'99.1' = 1", "no exercise"),
        ("[points]\n'03.1' = 'x'", "no number"),
        ("[partial]\n'03.3 nonsense' = 1", "has no 'nonsense'"),
        ("due = 7", "a date"),
        ("due =", "Invalid"),
    ],
)
def test_a_rubric_with_a_mistake_is_told(tmp_path, text, words):
    file = tmp_path / "rubric.toml"
    file.write_text(text, "utf-8")
    with pytest.raises(ValueError, match=words):
        Rubric.read(file)


def test_csv_and_json_say_the_same(rows, rubric, tmp_path):
    report.write_csv(tmp_path / "a" / "r.csv", rows, rubric)
    found = read(tmp_path / "a" / "r.csv")
    assert found[1]["misconception"] == "precedence"
    assert [r["points"] for r in found[:3]] == ["1", "1.0", "0.0"]
    assert {r["student"] for r in found} == {"ann", "'=cmd", EVIL, "di"}
    report.write_json(tmp_path / "r.json", rows, rubric, {"graded": "now"})
    told = json.loads((tmp_path / "r.json").read_text("utf-8"))
    assert told["points"] == 4.0
    assert told["notebooks"][0]["exercises"]["03.3"]["points"] == 1.0


def test_gradebooks(rows, rubric, tmp_path):
    report.write_moodle(tmp_path / "m.csv", rows, rubric)
    (ann,) = [r for r in read(tmp_path / "m.csv") if r["Full name"] == "ann"]
    assert (ann["Identifier"], ann["Grade"]) == ("Participant 7", "2.0")
    report.write_canvas(tmp_path / "c.csv", rows, rubric, "ConvNets")
    found = read(tmp_path / "c.csv")
    assert found[0]["Student"].strip() == "Points Possible"
    assert {r["Student"]: r["ConvNets"] for r in found[1:]}["di"] == "3.0"


def test_each_student_gets_the_cards(rows, rubric, tmp_path):
    report.write_feedback(tmp_path / "f", rows, rubric)
    files = sorted(path.name for path in (tmp_path / "f").iterdir())
    assert len(files) == len(rows)
    assert not any("/" in name or "<" in name for name in files)
    text = (tmp_path / "f" / "ann_03.txt").read_text("utf-8")
    assert "card of 03.3" in text
    assert "1 of 2 points" in text


class _Tags(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.names = [], set()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.names |= {name for name, _ in attrs}


def test_the_page_needs_nothing_and_runs_nothing(rows, rubric):
    page = report.page(rows, rubric, {"graded": "now"})
    parser = _Tags()
    parser.feed(page)
    assert not {"script", "img", "link", "iframe"} & {*parser.tags}
    assert not [n for n in parser.names if n.startswith("on") or n in ("src", "href")]
    assert "default-src 'none'" in page
    assert "precedence: 2" in page
    assert "2 times" in page
    assert "What to talk about tomorrow" in page
    assert "Late: =cmd." in page
