"""What a teacher reads: points, a page, feedback, gradebooks."""

import csv
import html.parser
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tools import grade
from tools.grade import Grade, main
from tools.grading import classes, lockup, report
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


def test_no_feedback_takes_the_place_of_another(rubric, tmp_path):
    names = ["ann/03", "ann_03", "ann_03 2", "ANN_03", "../ann/03", "\x1b[2Jann/03"]
    names += ["漢" * 150, "漢" * 151]
    rows = [row(name, {"03.1": "passed"}) for name in names]
    rows = [(s, replace(g, file=f"{s.student}.ipynb")) for s, g in rows]
    rows[0][1].cards["03.1"] = "\x1b[2J✓ all passed"
    report.write_feedback(tmp_path / "f", rows, rubric)
    files = [*(tmp_path / "f").iterdir()]
    assert len({path.name.casefold() for path in files}) == len(rows)
    assert {path.parent for path in files} == {tmp_path / "f"}
    assert not any("\x1b" in path.read_text("utf-8") for path in files)


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


BOOK = {"cells": [{"cell_type": "code", "source": '@exercise("03.1")\ndef f(): 1'}]}


@pytest.fixture
def handed_in(tmp_path, monkeypatch):
    """A folder with one notebook, which is graded without being run."""
    monkeypatch.setattr(classes, "KEPT", tmp_path / "kept")
    monkeypatch.setattr(lockup, "choose", lambda *_: ("nothing", ""))
    monkeypatch.setattr(grade, "graded", lambda left, *_: [(left[0], PASSED)])
    (tmp_path / "class").mkdir()
    (tmp_path / "class" / "03.ipynb").write_text(json.dumps(BOOK), "utf-8")
    return str(tmp_path / "class")


PASSED = Grade("03.ipynb", {"03.1": "passed"})


@pytest.mark.parametrize("option", ["csv", "json", "html", "moodle", "canvas"])
def test_what_cannot_be_written_is_told_before_anything_is_graded(
    handed_in, tmp_path, monkeypatch, capsys, option
):
    monkeypatch.setattr(grade, "graded", lambda *_: pytest.fail("it was graded"))
    (tmp_path / "file").write_text("kept", "utf-8")
    for path in (tmp_path / "file" / "results", tmp_path / "class"):
        assert main([handed_in, f"--{option}", str(path)]) == 1
        (said,) = capsys.readouterr().err.splitlines()
        assert said.startswith(str(path))
        assert "ame " in said, "what to do"
    assert main([handed_in, "--feedback", str(tmp_path / "file")]) == 1
    assert f"{tmp_path / 'file'} cannot be written" in capsys.readouterr().err
    assert (tmp_path / "file").read_text("utf-8") == "kept"


def test_a_file_that_cannot_be_written_later_costs_no_other(
    handed_in, tmp_path, monkeypatch, capsys
):
    def graded(left, *_):  # meanwhile somebody tidies up
        (tmp_path / "reports").rename(tmp_path / "elsewhere")
        (tmp_path / "reports").write_text("kept", "utf-8")
        yield left[0], PASSED

    monkeypatch.setattr(grade, "graded", graded)
    words = ["--csv", str(tmp_path / "reports" / "r.csv")]
    words += ["--json", str(tmp_path / "r.json")]
    assert main([handed_in, *words]) == 1
    said = capsys.readouterr()
    assert "1 of 1" in said.out
    assert "r.csv cannot be written" in said.err
    assert json.loads((tmp_path / "r.json").read_text("utf-8"))["points"] == 1
    assert (tmp_path / "reports").read_text("utf-8") == "kept"
    assert not [*tmp_path.glob(".*")], "no locks are left"


def test_a_computer_that_can_no_more_leaves_the_rows_so_far(
    handed_in, tmp_path, monkeypatch, capsys
):
    def graded(left, *_):
        yield left[0], PASSED
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(grade, "graded", graded)
    assert main([handed_in, "--csv", str(tmp_path / "r.csv")]) == 1
    said = capsys.readouterr()
    assert "Stopped after 1: [Errno 28] No space left" in said.err
    assert "passed" in (tmp_path / "r.csv").read_text("utf-8-sig")
