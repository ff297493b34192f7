"""How every lesson is written, in its source and in its built notebooks."""

import ast
import html.parser
import io
import os
import re
import statistics
import subprocess
import tokenize

import jupytext
import nbformat
import pytest

from helpers.exercises import exercises
from tools import build, warm

LESSONS = build.lessons()
every_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)

MEDIAN_LINES, MOST_LINES = 6, 20  # of a code cell; nine in ten have at most MOST_LINES
COLUMNS = 88
WORDS = 60  # a text has fewer
SLIDES = {"slide", "subslide", "fragment", "skip", "notes", "-"}


def cells(lesson, kind):
    """The cells of one kind in a lesson's source."""
    source = jupytext.read(lesson, fmt="py:percent")
    return [cell for cell in source.cells if cell.cell_type == kind]


def texts(lesson):
    return [cell.source for cell in cells(lesson, "markdown")]


def built(lesson):
    return [
        nbformat.read(path, as_version=4) for path in build.targets(lesson).values()
    ]


def prose(text):
    """A text without its code, formulas, tables and addresses."""
    text = re.sub(r"```.*?```", " ", text, flags=re.DOTALL)
    text = re.sub(r"`[^`]*`", " code ", text)
    text = re.sub(r"\$\$.*?\$\$|\$[^$]*\$", " ", text, flags=re.DOTALL)
    text = re.sub(r"\]\([^)]*\)", "] ", text)
    return "\n".join(line for line in text.splitlines() if line.strip()[:1] != "|")


def words(text):
    return [word for word in prose(text).split() if any(map(str.isalnum, word))]


def strings(source):
    """What a code cell writes for people: its strings and comments."""
    found = [
        node.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return found + [t.string for t in tokens if t.type == tokenize.COMMENT]


# --- Length ---------------------------------------------------------------------------


@every_lesson
def test_code_cells_are_short(lesson):
    lengths = [len(cell.source.splitlines()) for cell in cells(lesson, "code")]
    assert statistics.median(lengths) <= MEDIAN_LINES
    assert statistics.quantiles(lengths, n=10, method="inclusive")[-1] <= MOST_LINES


@every_lesson
def test_lines_fit_a_slide(lesson):
    wide = [
        line
        for cell in cells(lesson, "code")
        for line in cell.source.splitlines()
        if len(line) > COLUMNS
    ]
    assert wide == []


@every_lesson
def test_texts_are_short(lesson):
    found = {text.splitlines()[0]: len(words(text)) for text in texts(lesson)}
    assert {title: count for title, count in found.items() if count >= WORDS} == {}


# --- Tone -----------------------------------------------------------------------------


@every_lesson
def test_nobody_shouts(lesson):
    written = [prose(text) for text in texts(lesson)]
    written += [text for c in cells(lesson, "code") for text in strings(c.source)]
    assert [text for text in written if re.search(r"!(?!=)", text)] == []


PICTOGRAMS = re.compile("[\u2600-\u27bf\u2b00-\u2bff\ufe0f\U0001f000-\U0001faff]")


@every_lesson
def test_no_pictograms_but_the_marks_of_the_cards(lesson):
    found = set(PICTOGRAMS.findall(lesson.read_text("utf-8")))
    for book in built(lesson):
        found |= set(PICTOGRAMS.findall(nbformat.writes(book)))
    assert found <= {"✓", "✗"}


# --- Parts ----------------------------------------------------------------------------


@every_lesson
def test_a_lesson_has_its_parts(lesson):
    number = lesson.stem[:2]
    written = texts(lesson)
    assert re.match(rf"# {number} \S", written[0])
    headings = [line for text in written for line in text.splitlines()]
    headings = [line for line in headings if line.startswith("#")]
    assert sum(line.startswith("# ") for line in headings) == 1
    everything = "\n".join(written)
    parts = [r"\*\*Predict", r"^## Recap"]
    if number != "00":
        parts += [r"\bAbout \d+ minutes\b", r"^## Common mistakes"]
        assert re.search(r"\bAbout \d+ minutes\b", written[0])
    for part in parts:
        assert re.search(part, everything, re.MULTILINE), f"no {part}"
    assert re.match(r"## Recap", written[-1]), "the last text is the recap"


@every_lesson
def test_every_cell_says_what_it_is_in_the_slides(lesson):
    for book, is_solution in zip(built(lesson), (False, True)):
        kinds = [cell.metadata.slideshow.slide_type for cell in book.cells]
        assert kinds[0] == "slide"
        assert set(kinds) <= SLIDES
        assert ("notes" in kinds) == is_solution


@every_lesson
def test_exercises_come_in_order_and_all(lesson):
    number = lesson.stem[:2]
    found = build.exercises_in(lesson)
    registered = [n for n, e in exercises().items() if e.lesson == number]
    assert found == [f"{number}.{k + 1}" for k in range(len(found))]
    assert sorted(found) == sorted(registered)
    assert len(found) >= (2 if number == "00" else 5)


def test_every_exercise_has_a_lesson():
    numbers = {path.stem[:2] for path in LESSONS}
    assert {e.lesson for e in exercises().values()} == numbers


@every_lesson
def test_links_lead_somewhere(lesson):
    for path in build.targets(lesson).values():
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type != "markdown":
                continue
            for link in re.findall(r"\]\(([^)\s]+)", cell.source):
                if not link.startswith("https://"):
                    target = path.parent / link.split("#")[0]
                    assert target.is_file(), f"{path.name}: {link}"


@every_lesson
def test_nothing_is_imported_by_star(lesson):
    for cell in cells(lesson, "code"):
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.ImportFrom):
                assert all(name.name != "*" for name in node.names), cell.source


# --- What is compared -----------------------------------------------------------------


class Images(html.parser.HTMLParser):
    """The alternative texts of all images in some HTML."""

    def __init__(self):
        super().__init__()
        self.alts = []

    def handle_starttag(self, tag, attrs):
        if tag == "img":
            self.alts.append(dict(attrs).get("alt") or "")
        elif tag == "svg":
            self.alts.append(dict(attrs).get("aria-label") or "")


def alts_of(data):
    """The alternative texts of what an output shows, empty where there is none."""
    parser = Images()
    parser.feed(data.get("text/html", ""))
    alts = parser.alts
    if {"image/png", "image/jpeg", "image/svg+xml"} & data.keys():
        alts.append(data.get("text/plain", ""))
    return alts


def test_images_are_found():
    assert alts_of({"text/html": '<p><img src="x"><img alt="a"></p>'}) == ["", "a"]
    assert alts_of({"image/png": "…", "text/plain": "b"}) == ["b"]
    assert alts_of({"text/html": '<svg aria-label="c"><text>d</text></svg>'}) == ["c"]


@every_lesson
def test_every_image_says_what_there_is_to_see(lesson):
    for book in built(lesson):
        for cell in book.cells:
            for alt in re.findall(r"!\[(.*?)\]\(", cell.source):
                assert alt.strip(), cell.source
            for output in cell.get("outputs", []):
                for alt in alts_of(output.get("data", {})):
                    assert len(alt.split()) >= 3, cell.source
                    assert not re.match(r"<.*>$|\w+\(.*\)$", alt), cell.source


def test_nine_in_ten_outputs_are_compared():
    compared, total = reversed(build.share())
    assert compared / total >= 0.9


@every_lesson
def test_an_output_that_is_not_compared_has_its_reason(lesson):
    for cell in cells(lesson, "code"):
        tags = cell.metadata.get("tags", [])
        assert set(tags) <= {build.IGNORE, "raises-exception"}
        assert "NBVAL" not in cell.source.upper(), "use a tag"
        if build.IGNORE in tags:
            reason = cell.source.splitlines()[0]
            assert reason.startswith("# Not compared"), cell.source
            assert len(reason.split()) >= 6, cell.source


@every_lesson
def test_saved_outputs_hold_no_error(lesson):
    for book in built(lesson):
        for cell in book.cells:
            allowed = "raises-exception" in cell.metadata.get("tags", [])
            for output in cell.get("outputs", []):
                assert allowed or output.output_type != "error", cell.source
                assert output.get("name") != "stderr", cell.source


# --- As a script ----------------------------------------------------------------------

# The others train networks for seconds, which the comparison of the notebooks does, and
# have nothing else that these have not; ruff finds names that only IPython knows.
WITHOUT_TRAINING = [
    lesson
    for lesson in LESSONS
    if not re.search(r"helpers\.training|\.backward\(", lesson.read_text("utf-8"))
]


def test_there_are_lessons_to_run_as_scripts():
    assert len(WITHOUT_TRAINING) >= 5
    assert len(WITHOUT_TRAINING) < len(LESSONS)


@pytest.mark.parametrize("lesson", WITHOUT_TRAINING, ids=lambda path: path.stem)
def test_the_source_runs_as_a_script(lesson, tmp_path):
    environment = os.environ | {
        "MPLBACKEND": "Agg",
        "PYTHONIOENCODING": "utf-8",
        "PYTHONPATH": str(build.ROOT),
    }
    run = subprocess.run(
        [*warm.python(), lesson],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )
    assert run.returncode == 0, run.stderr
    passed = re.findall(r"^✓ (\d\d\.\d+)", run.stdout, re.MULTILINE)
    assert passed == build.exercises_in(lesson)
    assert list(tmp_path.iterdir()) == []
    assert "base64" not in run.stdout, "a figure's markup is printed"
