"""Write questions for a test or a course platform, from the exercises.

    python -m tools.quiz 03-06 --count 20 --seed 7     # or: make quiz LESSONS=03-06 …

An exercise that asks for values gives a question for each of them: single choice, whose
wrong answers are those that learners give, each with what it means; or numerical. A few
exercises that ask for a formula give questions with other numbers (`VARIANTS`): their
right and wrong answers are computed by the right and the wrong formulas.

Nothing is typed: the key is what `check` says of each answer, and a wrong answer that
it accepts is left out. The same seed gives the same questions. ``build/quiz`` gets

    moodle.xml     for Moodle's question bank
    qti.zip        QTI 2.1, for Canvas, ILIAS, OLAT, OpenOLAT and others
    sheet.html     to print; the key begins on a page of its own
"""

from __future__ import annotations

import argparse
import html
import inspect
import itertools
import re
import sys
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from numbers import Real
from pathlib import Path
from random import Random

import nbformat
from latex2mathml.converter import convert
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from helpers.exercises import check, engine
from helpers.exercises.cards import inline
from helpers.exercises.cells import exercises_in_text
from helpers.exercises.compare import describe, same
from helpers.exercises.lessons import lessons
from helpers.files import replaced

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "build" / "quiz"
_WRONG = 3  # wrong answers of a single choice
_LETTERS = "abcd"
_QTI = "http://www.imsglobal.org/xsd/imsqti_v2p1"
_CP = "http://www.imsglobal.org/xsd/imscp_v1p1"
_ALWAYS = (1980, 1, 1, 0, 0, 0)  # so that the same questions give the same archive


class QuizError(Exception):
    """A reason not to write, told in a sentence without a traceback."""


@dataclass(frozen=True)
class Option:
    """An answer, whether it is right, and what is said of it."""

    value: object
    right: bool
    says: str = ""

    @property
    def text(self) -> str:
        """The answer as a learner would write it."""
        return shown(self.value)


@dataclass(frozen=True)
class Question:
    """A question with its answers: to choose from, or, with a tolerance, to type.

    Of a numerical question, the wrong options are those that get an explanation.
    """

    number: str
    part: str  # the value asked for, or the call
    text: str  # Markdown
    options: tuple[Option, ...]
    tolerance: float | None = None

    @property
    def key(self) -> Option:
        """The right answer."""
        return next(option for option in self.options if option.right)

    @property
    def name(self) -> str:
        """Number and title of its exercise, and what is asked for."""
        return f"{self.number} {engine.get(self.number).title}: {self.part}"

    @property
    def is_choice(self) -> bool:
        """Whether answers are given to choose from."""
        return self.tolerance is None


# --- Questions ------------------------------------------------------------------------

# How to draw other numbers, for exercises that compute one number from a few.
VARIANTS: Mapping[str, Callable[[Random], Mapping[str, int]]] = {
    "03.1": lambda r: {"W1": r.randint(8, 64), "F": r.randint(2, 7)},
    "03.2": lambda r: {"F": 2 * r.randint(1, 7) + 1},
    "03.3": lambda r: {
        "W1": r.randint(12, 240),
        "F": r.randint(2, 11),
        "P": r.randint(1, 4),
        "S": r.randint(2, 4),
    },
    "03.13": lambda r: {"F": r.randint(2, 7), "dilation": r.randint(2, 5)},
    "06.2": lambda r: {
        "D1": r.randint(2, 16),
        "K": r.randint(2, 32),
        "F": r.randint(2, 7),
    },
    "07.10": lambda r: {
        "D1": 8 * r.randint(1, 6),
        "K": 8 * r.randint(1, 6),
        "F": r.randint(2, 7),
        "groups": r.choice((2, 4, 8)),
    },
    "09.3": lambda r: {
        "W": r.randint(8, 20),
        "H": r.randint(8, 20),
        "D": r.randint(2, 16),
        "F": r.randint(2, 5),
        "K": r.randint(2, 16),
        "P": r.randint(0, 2),
    },
}


def questions(numbers: Sequence[str], count: int, seed: int) -> list[Question]:
    """Draw questions from lessons: no more than there are, spread over exercises."""
    random = Random(seed)
    exercises = [
        n
        for lesson in numbers
        for n, exercise in engine.of_lesson(lesson).items()
        if exercise.is_answer or n in VARIANTS
    ]
    random.shuffle(exercises)
    waiting = [questions_of(number, seed) for number in exercises]
    found: list[Question] = []
    while waiting and len(found) < count:
        for each in list(waiting):
            question = next(each, None)
            if question is None:
                waiting.remove(each)
            elif len(found) < count:
                found.append(question)
    return sorted(found, key=lambda q: (q.number[:2], int(q.number[3:]), q.part))


def questions_of(number: str, seed: int) -> Iterator[Question]:
    """An exercise's questions, one for each value, or one with other numbers."""
    random = Random(f"{seed} {number}")
    exercise = engine.get(number)
    if not exercise.is_answer:
        yield from _variant(exercise, random)
        return
    parts = list(exercise.reference)
    random.shuffle(parts)
    for part in parts:
        options = options_of(exercise, part)
        text = f"{text_of(number)}\n\nWhat is `{part}`?"
        if made := _made(number, part, text, options, exercise.tolerance, random):
            yield made


def options_of(exercise: engine.Exercise, part: str) -> list[Option]:
    """The answers for one value, the right one and wrong ones, as `check` judges."""
    found: dict[str, Option] = {}
    for wrong in (None, *exercise.wrong.values()):
        if wrong is not None and part not in wrong.example:
            continue
        value = (wrong.example if wrong else exercise.reference)[part]
        result = check(exercise.number, {**exercise.reference, part: value})
        if result.passed != (wrong is None):
            continue
        known = exercise.wrong.get(result.misconception)
        says = known.says if known else wrong.says if wrong else ""
        found.setdefault(shown(value), Option(value, result.passed, says))
    return list(found.values())


def _variant(exercise: engine.Exercise, random: Random) -> Iterator[Question]:
    """A question with other numbers, answered by the right and the wrong formulas."""
    numbers = VARIANTS[exercise.number](random)
    right = exercise.reference(**numbers)
    found = {
        shown(right): Option(right, check(exercise.number, exercise.reference).passed)
    }
    for wrong in exercise.wrong.values():
        try:
            value = wrong.example(**numbers)
        except Exception:  # with these numbers it has no result
            continue
        alike = same(value, right, exercise.tolerance)
        if isinstance(value, Real) and not alike:
            before = found.get(shown(value))  # another mistake, with the same result
            says = f"{before.says} Or: {wrong.says}" if before else wrong.says
            found[shown(value)] = Option(value, False, says)
    call = ", ".join(f"{name}={value}" for name, value in numbers.items())
    name = exercise.reference.__name__
    code = lessons()[exercise.lesson].built["cells"][exercise.number]
    text = (
        f"{inspect.getdoc(exercise.reference)}\n\n"
        f"```\n{code.partition(chr(10))[2]}\n```\n\n"
        f"With the blank filled in rightly, what is `{name}({call})`?"
    )
    options, tolerance = list(found.values()), exercise.tolerance
    if made := _made(
        exercise.number, f"{name}({call})", text, options, tolerance, random
    ):
        yield made


def _made(number, part, text, options, tolerance, random) -> Question | None:
    """Single choice or numerical, whichever the answers allow; None where neither."""
    right = [option for option in options if option.right]
    wrong = [option for option in options if not option.right]
    if len(right) != 1:
        return None
    if _is_number(right[0].value) and (len(wrong) < 2 or random.random() < 0.5):
        numbers = [option for option in options if _is_number(option.value)]
        value = float(right[0].value)
        room = 0.9 * tolerance * (1 + abs(value))
        return Question(number, part, text, tuple(numbers), room)
    if not wrong:
        return None
    chosen = [*right, *random.sample(wrong, min(_WRONG, len(wrong)))]
    random.shuffle(chosen)
    return Question(number, part, text, tuple(chosen))


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def shown(value: object) -> str:
    """A value in full, as a learner would write it."""
    return repr(value) if isinstance(value, int) else describe(value)


def typed(value: Real) -> str:
    """A number as it is written in a file: in full, and whole ones without a point."""
    return repr(int(value)) if value == int(value) else repr(float(value))


# --- Their texts ----------------------------------------------------------------------


@cache
def _book(lesson: str) -> nbformat.NotebookNode:
    folder = lessons()[lesson].folder
    path = ROOT / "notebooks" / f"{folder.name[1:]}.ipynb"
    return nbformat.read(path, as_version=4)


def text_of(number: str) -> str:
    """What an exercise asks, in Markdown: its notebook from the heading above it on."""
    cells = _book(number.split(".")[0]).cells
    end = next(
        k
        for k, cell in enumerate(cells)
        if cell.cell_type == "code" and number in exercises_in_text(cell.source)
    )
    start = max(k for k in range(end) if cells[k].source.startswith("#"))
    parts = []
    for cell in cells[start:end]:
        if cell.cell_type == "markdown":
            parts += _paragraphs(cell.source, number)
        elif not exercises_in_text(cell.source):
            parts += _as_text(cell)
    parts.append(f"```\n{cells[end].source}\n```")
    return "\n\n".join(parts)


def _paragraphs(markdown: str, number: str) -> Iterator[str]:
    """A text cell without its heading, links and what belongs to other exercises."""
    text = re.sub(r"^#.*\n*", "", markdown)
    text = re.sub(r"(?<!!)\[([^]\[]+)\]\([^)]+\)", r"\1", text)
    for paragraph in re.split(r"\n{2,}", text.strip()):
        about = re.match(r"\*\*(\d\d\.\d+)\*\* ?", paragraph)
        if about and about[1] != number:
            continue
        if paragraph:
            yield paragraph[about.end() :] if about else paragraph


def _as_text(cell: nbformat.NotebookNode) -> Iterator[str]:
    """A code cell in words: its code, if it shows, and what it printed or drew."""
    if not cell.metadata.get("jupyter", {}).get("source_hidden"):
        yield f"```\n{cell.source}\n```"
    for output in cell.get("outputs", []):
        said = output.get("text") or output.get("data", {}).get("text/plain", "")
        if said.strip():
            yield f"```\n{said.rstrip()}\n```"


def as_html(markdown: str, formula: Callable[[str], str]) -> str:
    """Markdown as HTML that is XML, too; ``formula`` writes what is between dollars."""
    renderer = IPythonRenderer(escape=False, exclude_anchor_links=True)
    whole = MarkdownWithMath(renderer=renderer).render(markdown)
    parts = re.split(r"(<code.*?</code>)", whole, flags=re.S)
    for at in range(0, len(parts), 2):
        parts[at] = re.sub(
            r"\$\$?([^$]+)\$\$?", lambda f: formula(html.unescape(f[1])), parts[at]
        )
    return "".join(parts).strip()


def as_tex(formula: str) -> str:
    """A formula as Moodle's filters expect it."""
    return f"\\({html.escape(formula.strip())}\\)"


def as_mathml(formula: str) -> str:
    """A formula that browsers draw by themselves."""
    return convert(" ".join(formula.split()))


# --- Moodle ---------------------------------------------------------------------------


def moodle(found: Sequence[Question]) -> str:
    """The questions in Moodle's own XML."""
    quiz = ET.Element("quiz")
    category = ET.SubElement(quiz, "question", type="category")
    _moodle_text(category, "category", "$course$/ConvNets, cell by cell", None)
    for question in found:
        kind = "multichoice" if question.is_choice else "numerical"
        node = ET.SubElement(quiz, "question", type=kind)
        _moodle_text(node, "name", question.name, None)
        _moodle_text(node, "questiontext", as_html(question.text, as_tex))
        ET.SubElement(node, "defaultgrade").text = "1"
        ET.SubElement(node, "penalty").text = "0.3333333"
        if question.is_choice:
            ET.SubElement(node, "single").text = "true"
            ET.SubElement(node, "shuffleanswers").text = "true"
            ET.SubElement(node, "answernumbering").text = "abc"
        for option in sorted(question.options, key=lambda option: not option.right):
            answer = ET.SubElement(
                node, "answer", fraction="100" if option.right else "0"
            )
            if question.is_choice:
                answer.set("format", "html")
                text = f"<code>{html.escape(option.text, quote=False)}</code>"
                ET.SubElement(answer, "text").text = text
            else:
                ET.SubElement(answer, "text").text = typed(option.value)
                room = question.tolerance if option.right else 1e-9
                ET.SubElement(answer, "tolerance").text = f"{room:.6g}"
            _moodle_text(answer, "feedback", inline(option.says))
    ET.indent(quiz)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(quiz, "unicode")


def _moodle_text(parent: ET.Element, tag: str, text: str, kind: str | None = "html"):
    node = ET.SubElement(parent, tag, {"format": kind} if kind else {})
    ET.SubElement(node, "text").text = text


# --- QTI 2.1 --------------------------------------------------------------------------


def qti_items(found: Sequence[Question]) -> dict[str, str]:
    """The questions as QTI 2.1 items, by file name, and the manifest of the package."""
    files = {
        f"items/q{at:03d}.xml": _qti_item(f"q{at:03d}", question)
        for at, question in enumerate(found, 1)
    }
    manifest = ET.Element("manifest", {"xmlns": _CP, "identifier": "convnets-quiz"})
    meta = ET.SubElement(manifest, "metadata")
    ET.SubElement(meta, "schema").text = "QTIv2.1 Package"
    ET.SubElement(meta, "schemaversion").text = "1.0.0"
    ET.SubElement(manifest, "organizations")
    resources = ET.SubElement(manifest, "resources")
    for name in files:
        about = {"identifier": Path(name).stem, "type": "imsqti_item_xmlv2p1"}
        resource = ET.SubElement(resources, "resource", {**about, "href": name})
        ET.SubElement(resource, "file", href=name)
    return {"imsmanifest.xml": _xml(manifest), **files}


def _qti_item(identifier: str, question: Question) -> str:
    about = {"identifier": identifier, "title": question.name, "adaptive": "false"}
    item = ET.Element(
        "assessmentItem", {"xmlns": _QTI, **about, "timeDependent": "false"}
    )
    options = {f"answer{at}": option for at, option in enumerate(question.options)}
    key = next(name for name, option in options.items() if option.right)
    kind = "identifier" if question.is_choice else "float"
    response = _declared(item, "response", "RESPONSE", kind)
    right = ET.SubElement(response, "correctResponse")
    value = key if question.is_choice else typed(question.key.value)
    ET.SubElement(right, "value").text = value
    score = _declared(item, "outcome", "SCORE", "float")
    ET.SubElement(ET.SubElement(score, "defaultValue"), "value").text = "0"
    _declared(item, "outcome", "FEEDBACK", "identifier")
    body = ET.SubElement(item, "itemBody")
    body.append(ET.fromstring(f"<div>{as_html(question.text, as_mathml)}</div>"))
    if question.is_choice:
        about = {"responseIdentifier": "RESPONSE", "shuffle": "true", "maxChoices": "1"}
        choices = ET.SubElement(body, "choiceInteraction", about)
        for name, option in options.items():
            choice = ET.SubElement(choices, "simpleChoice", identifier=name)
            ET.SubElement(choice, "code").text = option.text
    else:
        line = ET.SubElement(body, "p")
        about = {"responseIdentifier": "RESPONSE", "expectedLength": "14"}
        ET.SubElement(line, "textEntryInteraction", about)
    rules = ET.SubElement(item, "responseProcessing")
    condition = ET.SubElement(rules, "responseCondition")
    for name, option in sorted(options.items(), key=lambda pair: not pair[1].right):
        tag = "responseIf" if option.right else "responseElseIf"
        branch = ET.SubElement(condition, tag)
        _qti_test(branch, question, name, option)
        if option.right:
            _set(branch, "SCORE", "float", "1")
        _set(branch, "FEEDBACK", "identifier", name)
    for name, option in options.items():
        if option.says:
            about = {"outcomeIdentifier": "FEEDBACK", "identifier": name}
            shows = {"showHide": "show", **about}
            feedback = ET.SubElement(item, "modalFeedback", shows)
            feedback.append(ET.fromstring(f"<p>{inline(option.says)}</p>"))
    return _xml(item)


def _declared(item: ET.Element, what: str, name: str, kind: str) -> ET.Element:
    about = {"identifier": name, "cardinality": "single", "baseType": kind}
    return ET.SubElement(item, f"{what}Declaration", about)


def _qti_test(
    branch: ET.Element, question: Question, name: str, option: Option
) -> None:
    """Whether the response is this option."""
    if question.is_choice:
        test, value, kind = ET.SubElement(branch, "match"), name, "identifier"
    else:
        room = f"{question.tolerance if option.right else 1e-9:.6g}"
        about = {"toleranceMode": "absolute", "tolerance": f"{room} {room}"}
        test = ET.SubElement(branch, "equal", about)
        value, kind = typed(option.value), "float"
    ET.SubElement(test, "variable", identifier="RESPONSE")
    ET.SubElement(test, "baseValue", baseType=kind).text = value


def _set(branch: ET.Element, name: str, kind: str, value: str) -> None:
    node = ET.SubElement(branch, "setOutcomeValue", identifier=name)
    ET.SubElement(node, "baseValue", baseType=kind).text = value


def _xml(root: ET.Element) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, "unicode") + "\n"
    )


# --- Paper ----------------------------------------------------------------------------

_STYLE = """
body { font: 11pt/1.45 sans-serif; max-width: 44em; margin: 2em auto; color: #111; }
section { break-inside: avoid; border-top: 1px solid #aaa; padding: .6em 0 1em; }
h2 { font-size: 1em; margin: 0 0 .4em; } pre { background: #f3f3f3; padding: .5em; }
pre { white-space: pre-wrap; } ol { list-style: lower-alpha; } li { margin: .2em 0; }
.line { border-bottom: 1px solid #111; display: inline-block; width: 12em; }
.key { break-before: page; } td, th { border: 1px solid #aaa; padding: .2em .5em; }
table { border-collapse: collapse; } .key p { margin: .2em 0; }
"""


def sheet(found: Sequence[Question], title: str) -> str:
    """The questions to print, and the key with what each wrong answer means."""
    asked, key = [], []
    for at, question in enumerate(found, 1):
        head = f"<h2>{at}. {html.escape(question.name)}</h2>"
        if question.is_choice:
            rows = "".join(
                f"<li><code>{html.escape(option.text)}</code></li>"
                for option in question.options
            )
            answers = f"<ol>{rows}</ol>"
        else:
            answers = '<p>Answer: <span class="line">&#160;</span></p>'
        text = as_html(question.text, as_mathml)
        asked.append(f"<section>{head}{text}{answers}</section>")
        key.append(f"<section>{head}{_key(question)}</section>")
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8" />'
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style></head><body>"
        f"<h1>{html.escape(title)}</h1>{''.join(asked)}"
        f'<div class="key"><h1>Key</h1>{"".join(key)}</div></body></html>\n'
    )


def _key(question: Question) -> str:
    rows = []
    for letter, option in zip(itertools.cycle(_LETTERS), question.options):
        mark = "✓" if option.right else "✗"
        name = f"{letter} " if question.is_choice else ""
        text = f"<code>{html.escape(option.text)}</code>"
        if option.right and not question.is_choice and "." in option.text:
            text += f" (± {question.tolerance:.1g})"
        said = f": {inline(option.says)}" if option.says else ""
        rows.append(f"<p>{mark} {name}{text}{said}</p>")
    return "".join(rows)


# --- Command line ---------------------------------------------------------------------


def lessons_named(words: str) -> list[str]:
    """The lessons that "03-06", "03,05" or "" (all) mean; QuizError for others."""
    known = list(lessons())
    if not words.strip():
        return known
    found = []
    for word in re.split(r"[,\s]+", words.strip()):
        first, _, last = (part.strip().zfill(2) for part in word.partition("-"))
        last = first if "-" not in word else last
        if first not in known or last not in known or last < first:
            raise QuizError(
                f"There are no lessons {word!r}: name one, such as {known[3]}, or "
                f"several, such as {known[3]}-{known[6]}."
            )
        found += [number for number in known if first <= number <= last]
    return list(dict.fromkeys(found))


def write(found: Sequence[Question], title: str, folder: Path = FOLDER) -> list[Path]:
    """Write the three files; return where they are."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (
        ("moodle.xml", moodle(found)),
        ("sheet.html", sheet(found, title)),
    ):
        with replaced(folder / name) as scratch:
            scratch.write_text(text, "utf-8")
    with (
        replaced(folder / "qti.zip") as scratch,
        zipfile.ZipFile(scratch, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for name, text in qti_items(found).items():
            info = zipfile.ZipInfo(name, _ALWAYS)
            archive.writestr(info, text, zipfile.ZIP_DEFLATED)
    return [folder / name for name in ("moodle.xml", "qti.zip", "sheet.html")]


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.quiz", description=__doc__.split("\n")[0]
    )
    parser.add_argument("lessons", nargs="?", default="", help="03-06; if none, all")
    parser.add_argument("--count", type=int, default=20, help="how many questions")
    parser.add_argument("--seed", type=int, default=0, help="another draw")
    options = parser.parse_args(arguments)
    try:
        if options.count < 1:
            raise QuizError("Ask for one question at least: --count 1.")
        found = questions(lessons_named(options.lessons), options.count, options.seed)
        if not found:
            raise QuizError("No exercise of these lessons gives a question.")
    except QuizError as error:
        print(error, file=sys.stderr)
        return 1
    title = f"ConvNets, cell by cell: {options.lessons or 'all'} (seed {options.seed})"
    paths = write(found, title)
    choices = sum(question.is_choice for question in found)
    print(
        f"{len(found)} questions: {choices} to choose, {len(found) - choices} to type."
    )
    if len(found) < options.count:
        print("There are no more: each value of an exercise is asked for once.")
    for path in paths:
        print(f"  {path.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
