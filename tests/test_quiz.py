"""Questions agree with `check`, and their files are what platforms read."""

import html
import math
import re
import xml.etree.ElementTree as ET
import zipfile
from dataclasses import replace

import pytest
import torch
from torch import nn

from helpers.exercises import check, engine
from helpers.exercises.compare import same
from helpers.exercises.lessons import lessons
from tools import quiz
from tools.quiz import Option, questions

QTI = "{http://www.imsglobal.org/xsd/imsqti_v2p1}"


@pytest.fixture(scope="module")
def found():
    """All questions there are: each value of each exercise once."""
    return questions(list(lessons()), 10_000, seed=1)


def numbers_in(question):
    """The arguments of a question with other numbers."""
    return {name: int(n) for name, n in re.findall(r"(\w+)=(-?\d+)", question.part)}


# --- The key --------------------------------------------------------------------------


def test_every_key_agrees_with_check(found):
    for question in found:
        exercise = engine.get(question.number)
        assert [option.right for option in question.options].count(True) == 1
        for option in question.options:
            if exercise.is_answer:
                answer = {**exercise.reference, question.part: option.value}
                assert check(question.number, answer).passed == option.right
            else:
                right = exercise.reference(**numbers_in(question))
                assert same(option.value, right, exercise.tolerance) == option.right


def test_answers_can_be_told_apart_and_wrong_ones_are_explained(found):
    for question in found:
        texts = [option.text for option in question.options]
        assert len({*texts}) == len(texts), question.name
        assert all(option.says for option in question.options if not option.right)
        assert not question.is_choice or 2 <= len(texts) <= 4


def test_what_may_be_typed_is_what_check_accepts(found):
    typed = [question for question in found if not question.is_choice]
    assert len(typed) > 30
    for question in typed:
        exercise, right = engine.get(question.number), question.key.value
        for value in (right - question.tolerance, right + question.tolerance):
            if exercise.is_answer:
                answer = {**exercise.reference, question.part: value}
                assert check(question.number, answer).passed, question.name
        for option in question.options:
            away = abs(option.value - right)
            assert option.right or away > question.tolerance


def test_every_exercise_that_asks_for_values_gives_a_question(found):
    asked = {question.number for question in found}
    exercises = engine.exercises()
    assert asked == {n for n, e in exercises.items() if e.is_answer} | {*quiz.VARIANTS}


def test_a_wrong_answer_that_check_accepts_is_left_out():
    exercise = engine.get("03.10")
    accepted = engine.Wrong({"S": exercise.reference["S"]}, "This is right.")
    mended = replace(exercise, wrong={**exercise.wrong, "right": accepted})
    assert quiz.options_of(mended, "S") == quiz.options_of(exercise, "S")


@pytest.mark.parametrize("number", quiz.VARIANTS)
def test_other_numbers_have_other_answers(number):
    seen = set()
    for seed in range(20):
        (question,) = quiz.questions_of(number, seed)
        seen.add(question.part)
        assert question.part in question.text
        wrong = [option for option in question.options if not option.right]
        assert len(wrong) >= 2, question.part
        assert math.isfinite(question.key.value)
    assert len(seen) > 4
    assert check(number, engine.reference(number)).passed


def test_output_sizes_are_those_of_pytorch():
    for seed in range(20):
        (question,) = quiz.questions_of("03.3", seed)
        given = numbers_in(question)
        layer = nn.Conv1d(1, 1, given["F"], padding=given["P"], stride=given["S"])
        assert layer(torch.zeros(1, 1, given["W1"])).shape[-1] == question.key.value


# --- The draw -------------------------------------------------------------------------


def test_the_same_seed_draws_the_same_and_another_seed_others():
    numbers = ["03", "05"]
    once, again, other = (questions(numbers, 12, seed) for seed in (7, 7, 8))
    assert once == again != other
    assert len(once) == 12
    assert {question.number[:2] for question in once} == {*numbers}


def test_a_draw_spreads_over_exercises():
    drawn = questions(["03"], 6, 0)
    assert len({question.number for question in drawn}) == 6


@pytest.mark.parametrize(
    ("words", "numbers"),
    [
        ("03", ["03"]),
        ("3-5", ["03", "04", "05"]),
        ("03,05", ["03", "05"]),
        ("03-04 04", ["03", "04"]),
        ("", list(lessons())),
    ],
)
def test_lessons_are_named_in_short(words, numbers):
    assert quiz.lessons_named(words) == numbers


@pytest.mark.parametrize(
    "arguments", [["99"], ["05-03"], ["x"], ["03", "--count", "0"]]
)
def test_what_cannot_be_asked_for_is_told(arguments, capsys):
    assert quiz.main(arguments) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1


# --- Texts ----------------------------------------------------------------------------


def test_a_question_holds_what_its_exercise_needs():
    text = quiz.text_of("03.6")
    assert "Unless an exercise says\notherwise, P = 0 and S = 1." in text
    assert "two filters of 3×3, P = 1, S = 2" in text
    assert "six filters of 5×5" not in text  # another exercise's
    assert text.endswith('answer("03.6", W2=____, H2=____, D2=____)\n```')


def test_no_link_leaves_a_question(found):
    assert not any(re.search(r"\]\([^)]*\)", question.text) for question in found)
    assert any("\n#" in question.text for question in found)  # where one would be made
    assert "href=" not in quiz.sheet(found, "x")


def test_formulas_are_written_for_each_file():
    text = "Is $W_2 < 3$? `a < $b$`"
    assert r"\(W_2 &lt; 3\)" in quiz.as_html(text, quiz.as_tex)
    markup = quiz.as_html(text, quiz.as_mathml)
    assert "<math" in markup
    assert "<code>a &lt; $b$</code>" in markup


# --- Moodle ---------------------------------------------------------------------------


def moodle_problems(root):
    """What Moodle's importer would stumble over."""
    problems = []
    for at, node in enumerate(root):
        kind = node.get("type")
        if node.tag != "question" or kind not in (
            "category",
            "multichoice",
            "numerical",
        ):
            problems.append(f"{at}: {node.tag} {kind}")
        if kind == "category":
            continue
        answers = node.findall("answer")
        if not node.findtext("name/text") or not node.findtext("questiontext/text"):
            problems.append(f"{at}: no name or no text")
        if node.find("questiontext").get("format") != "html":
            problems.append(f"{at}: text of no format")
        fractions = sorted(answer.get("fraction") for answer in answers)
        if fractions.count("100") != 1 or not {*fractions} <= {"0", "100"}:
            problems.append(f"{at}: not one right answer")
        if any(answer.find("feedback/text") is None for answer in answers):
            problems.append(f"{at}: no feedback")
        if kind == "multichoice" and node.findtext("single") != "true":
            problems.append(f"{at}: not a single choice")
        if kind == "numerical":
            try:
                for answer in answers:
                    float(answer.findtext("text")), float(answer.findtext("tolerance"))
            except (TypeError, ValueError):
                problems.append(f"{at}: not a number")
    return problems


def test_moodle_can_read_them(found):
    root = ET.fromstring(quiz.moodle(found))
    assert moodle_problems(root) == []
    nodes = root.findall("question")[1:]
    for node, question in zip(nodes, found, strict=True):
        says = {a.findtext("text"): a.get("fraction") for a in node.iter("answer")}
        for option in question.options:
            plain = f"<code>{html.escape(option.text, quote=False)}</code>"
            text = plain if question.is_choice else quiz.typed(option.value)
            assert says.pop(text) == ("100" if option.right else "0")
        assert not says
        ET.fromstring(f"<div>{node.findtext('questiontext/text')}</div>")


def test_a_broken_moodle_file_would_be_found(found):
    root = ET.fromstring(quiz.moodle(found[:3]))
    root[1].find("answer").set("fraction", "0")
    root[3].find("answer[@fraction='0']").set("fraction", "50")
    root[2].remove(root[2].find("name"))
    assert len(moodle_problems(root)) == 3


# --- QTI ------------------------------------------------------------------------------

ORDER = (
    *("responseDeclaration", "outcomeDeclaration", "itemBody"),
    *("responseProcessing", "modalFeedback"),
)
REQUIRED = {
    "assessmentItem": {"identifier", "title", "adaptive", "timeDependent"},
    "responseDeclaration": {"identifier", "cardinality", "baseType"},
    "outcomeDeclaration": {"identifier", "cardinality", "baseType"},
    "choiceInteraction": {"responseIdentifier", "shuffle", "maxChoices"},
    "simpleChoice": {"identifier"},
    "textEntryInteraction": {"responseIdentifier"},
    "modalFeedback": {"outcomeIdentifier", "identifier", "showHide"},
    "equal": {"toleranceMode", "tolerance"},
    "baseValue": {"baseType"},
}


def qti_problems(item):
    """What the schema of QTI 2.1 asks of such an item, and this one lacks."""
    problems = []
    tags = [child.tag.removeprefix(QTI) for child in item]
    if sorted(tags, key=ORDER.index) != tags or tags.count("itemBody") != 1:
        problems.append(f"order: {tags}")
    for node in item.iter():
        tag = node.tag.removeprefix(QTI)
        if lacking := REQUIRED.get(tag, set()) - {*node.keys()}:
            problems.append(f"{tag} without {lacking}")
    declared = {n.get("identifier") for n in item if n.tag.endswith("Declaration")}
    used = [n.get("responseIdentifier") for n in item.iter()]
    used += [n.get("outcomeIdentifier") for n in item.iter()]
    used += [n.get("identifier") for n in item.iter(f"{QTI}variable")]
    used += [n.get("identifier") for n in item.iter(f"{QTI}setOutcomeValue")]
    problems += [f"{name} is not declared" for name in {*used} - declared - {None}]
    names = [node.get("id", "x") for node in item.iter()]
    problems += [f"{n} is no name" for n in names if not re.fullmatch(r"\w[\w.-]*", n)]
    return problems


def score(item, response):
    """What an item's own rules give for a response."""
    condition = item.find(f"{QTI}responseProcessing/{QTI}responseCondition")
    for branch in condition:
        test = branch[0]
        value = test.find(f"{QTI}baseValue").text
        if test.tag == f"{QTI}match":
            met = response == value
        else:
            low, high = map(float, test.get("tolerance").split())
            met = float(value) - low <= float(response) <= float(value) + high
        if met:
            outcome = {n.get("identifier"): n[0].text for n in branch[1:]}
            return float(outcome.get("SCORE", 0)), outcome["FEEDBACK"]
    return 0.0, None


def test_qti_items_are_well_formed_and_score_as_check_does(found):
    files = quiz.qti_items(found)
    names = [name for name in files if name.startswith("items/")]
    for name, question in zip(names, found, strict=True):
        item = ET.fromstring(files[name])
        assert item.tag == f"{QTI}assessmentItem"
        assert qti_problems(item) == [], question.name
        right = item.find(f"{QTI}responseDeclaration/{QTI}correctResponse/{QTI}value")
        assert score(item, right.text)[0] == 1
        told = {n.get("identifier") for n in item.findall(f"{QTI}modalFeedback")}
        if question.is_choice:
            keys = [n.get("identifier") for n in item.iter(f"{QTI}simpleChoice")]
            given = dict(zip(keys, question.options, strict=True))
        else:
            given = {quiz.typed(option.value): option for option in question.options}
        for response, option in given.items():
            points, feedback = score(item, response)
            assert points == option.right
            assert (feedback in told) == bool(option.says)


def test_a_broken_item_would_be_found(found):
    choice = next(question for question in found if question.is_choice)
    item = ET.fromstring(quiz.qti_items([choice])["items/q001.xml"])
    item.remove(item.find(f"{QTI}outcomeDeclaration"))
    next(item.iter(f"{QTI}simpleChoice")).attrib.clear()
    item.insert(0, item.find(f"{QTI}itemBody"))
    assert len(qti_problems(item)) >= 3


def test_the_manifest_lists_every_file(found):
    files = quiz.qti_items(found)
    cp = "{http://www.imsglobal.org/xsd/imscp_v1p1}"
    manifest = ET.fromstring(files["imsmanifest.xml"])
    listed = [n.get("href") for n in manifest.iter(f"{cp}resource")]
    assert listed == [name for name in files if name != "imsmanifest.xml"]
    assert manifest.findtext(f"{cp}metadata/{cp}schema") == "QTIv2.1 Package"


# --- Paper, and all three -------------------------------------------------------------


def test_the_sheet_has_all_questions_and_the_key_apart(found):
    page = quiz.sheet(found, "A < B")
    root = ET.fromstring(page.partition("\n")[2])
    body = root.find("body")
    asked = body.findall("section")
    key = body.find("div[@class='key']").findall("section")
    assert len(asked) == len(key) == len(found)
    for node, question in zip(key, found):
        right = [p for p in node.findall("p") if p.text.startswith("✓")]
        assert [p.findtext("code") for p in right] == [question.key.text]
    assert "✓" not in "".join("".join(node.itertext()) for node in asked)


def test_writing_twice_gives_the_same_bytes(tmp_path):
    drawn = questions(["03"], 4, 2)
    once = [path.read_bytes() for path in quiz.write(drawn, "x", tmp_path)]
    assert [path.read_bytes() for path in quiz.write(drawn, "x", tmp_path)] == once
    with zipfile.ZipFile(tmp_path / "qti.zip") as archive:
        assert archive.testzip() is None
        assert len(archive.namelist()) == 5


def test_values_are_written_in_full():
    assert Option(138357544, True).text == "138357544"
    assert Option({8, 7}, True).text == "{7, 8}"
    assert quiz.typed(30.0) == "30"
    assert quiz.typed(0.1) == "0.1"
