"""A new release loses nothing that a student wrote; answers stand in their places."""

import copy
import json
import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from random import Random

import nbformat
import pytest

from helpers.exercises.cells import BLANK, exercises_in_text
from tools import handout, update
from tools.slides import notebooks
from tools.update import Release, carry, digests, fillings, labels, moved

ROOT = Path(update.ROOT)
LESSONS = ("00", "03", "14")  # short, with many blanks, with a class
SEEDS = range(240)


@cache
def pristine():
    found = {}
    for path in notebooks(unsolved=True):
        if path.name[:2] in LESSONS:
            book = nbformat.read(path, as_version=4)
            for cell in book.cells:
                if cell.cell_type == "code":
                    cell.outputs = []
            found[path.name] = book
    return found


numbers_in = cache(exercises_in_text)


def number_of(cell):
    numbers = list(numbers_in(cell.source)) if cell.cell_type == "code" else []
    return numbers[0] if len(numbers) == 1 else None


def exercise_cells(books):
    cells = [cell for book in books.values() for cell in book.cells]
    return {n: cell.source for cell in cells if (n := number_of(cell))}


def release_of(books):
    untouched = {name: digests(book) for name, book in books.items()}
    return Release(exercise_cells(books), untouched)


def built_anew(books):
    """The build counts cells: each release has other ids."""
    for book in books.values():
        for at, cell in enumerate(book.cells):
            cell.id = f"cell-{at:03d}"
    return books


# --- What happens between releases ----------------------------------------------------


def next_release(books, random):
    books = copy.deepcopy(books)
    for change in random.choices(CHANGES, k=random.randint(0, 5)):
        change(books, random)
    return built_anew(books)


def a_book(books, random):
    return books[random.choice(sorted(books))]


def an_exercise(books, random):
    cells = [c for book in books.values() for c in book.cells if number_of(c)]
    return random.choice(cells) if cells else None


def a_new_text(books, random):
    cell = random.choice(a_book(books, random).cells)
    if number_of(cell) is None:
        cell.source += "\n# said in other words"


def a_new_cell(books, random):
    cells = a_book(books, random).cells
    new = nbformat.v4.new_markdown_cell(f"A new thought, {random.random()}")
    cells.insert(random.randrange(1, len(cells)), new)


def a_cell_less(books, random):
    cells = a_book(books, random).cells
    if len(cells) > 3:
        del cells[random.randrange(1, len(cells))]


def another_number(books, random):
    if cell := an_exercise(books, random):
        number = number_of(cell)
        new = f"{number[:3]}{random.randrange(50, 99)}"
        if new not in exercise_cells(books):
            cell.source = cell.source.replace(f'"{number}"', f'"{new}"', 1)


def one_inserted(books, random):
    """All later exercises of a lesson move on by one."""
    for cell in a_book(books, random).cells:
        if number := number_of(cell):
            lesson, _, place = number.partition(".")
            new = f'"{lesson}.{int(place) + 1}"'
            cell.source = cell.source.replace(f'"{number}"', new, 1)


def another_question(books, random):
    if cell := an_exercise(books, random):
        number = number_of(cell)
        cell.source = f'@exercise("{number}")\ndef other():\n    return ____'


def other_words(books, random):
    cell = an_exercise(books, random)
    if cell and '"""' in cell.source:
        cell.source = cell.source.replace('"""', '"""In short: ', 1)


def a_blank_more(books, random):
    cell = an_exercise(books, random)
    if cell and cell.source.startswith("answer(") and cell.source.endswith(")"):
        cell.source = f"{cell.source[:-1]}, more=____)"


def a_lesson_split(books, random):
    name = random.choice(sorted(books))
    cells, half = books[name].cells, len(books[name].cells) // 2
    if half > 2:
        new = nbformat.v4.new_notebook(cells=cells[half:])
        books[f"{random.randrange(20, 99)}_second_half.ipynb"] = new
        books[name].cells = cells[:half]


def a_lesson_gone(books, random):
    if len(books) > 1:
        del books[random.choice(sorted(books))]


def another_name(books, random):
    name = random.choice(sorted(books))
    books[f"{name[:2]}_renamed_{random.randrange(99)}.ipynb"] = books.pop(name)


CHANGES = (
    *(a_new_text, a_new_cell, a_cell_less, another_number, one_inserted),
    *(another_question, other_words, a_blank_more),
    *(a_lesson_split, a_lesson_gone, another_name),
)

# --- What a student does --------------------------------------------------------------


class Student:
    """Works in notebooks; remembers each line typed, and which blanks are filled."""

    def __init__(self, books, random):
        self.books, self.random = copy.deepcopy(books), random
        self.answers, self.count = {}, 0

    def word(self):
        self.count += 1
        return f"mine_{self.count}"

    def work(self):
        doings = (
            *[self.fill] * 6,
            *(self.fill_some, self.fill_in_lines, self.add, self.add, self.write_into),
            *(self.move, self.delete, self.run, self.copy_exercise, self.rewrite),
        )
        for doing in self.random.choices(doings, k=self.random.randint(1, 25)):
            doing()
        if self.random.random() < 0.1:
            self.lose_ids()
        written = "\n".join(c.source for b in self.books.values() for c in b.cells)
        self.lines = [line for line in written.splitlines() if "mine_" in line]
        return self

    def cell(self):
        return self.random.choice(a_book(self.books, self.random).cells)

    def blank_cell(self):
        cells = [c for book in self.books.values() for c in book.cells]
        open_ones = [c for c in cells if number_of(c) and BLANK in c.source]
        return self.random.choice(open_ones) if open_ones else None

    def fill(self):
        if cell := self.blank_cell():
            whole = BLANK in cell.source and cell.id.startswith("cell-")
            number, given = number_of(cell), []
            while BLANK in cell.source:
                given.append(self.word())
                cell.source = cell.source.replace(BLANK, given[-1], 1)
            if whole and "mine_" in cell.source:
                self.answers[number] = cell.source

    def fill_some(self):
        if cell := self.blank_cell():
            cell.source = cell.source.replace(BLANK, f"f({self.word()}, 2)", 1)

    def fill_in_lines(self):
        if cell := self.blank_cell():
            two = f"(\n        {self.word()}\n        + {self.word()}\n    )"
            cell.source = cell.source.replace(BLANK, two, 1)

    def add(self):
        cells = a_book(self.books, self.random).cells
        make = self.random.choice(
            (nbformat.v4.new_code_cell, nbformat.v4.new_markdown_cell)
        )
        new = make(f"{self.word()} = 1\n{self.word()}")
        cells.insert(self.random.randrange(len(cells) + 1), new)

    def write_into(self):
        cell = self.cell()
        if number_of(cell) is None:
            cell.source += f"\n{self.word()}"

    def rewrite(self):
        """Change what was given around the blanks."""
        if cell := self.blank_cell():
            cell.source = f"# {self.word()}\n{cell.source}"

    def move(self):
        cells = a_book(self.books, self.random).cells
        cell = cells.pop(self.random.randrange(len(cells)))
        cells.insert(self.random.randrange(len(cells) + 1), cell)

    def delete(self):
        cells = a_book(self.books, self.random).cells
        at = self.random.randrange(len(cells))
        if "mine_" not in cells[at].source and len(cells) > 3:
            self.answers.pop(number_of(cells[at]), None)
            del cells[at]

    def run(self):
        cells = a_book(self.books, self.random).cells
        for at, cell in enumerate(cells[: len(cells) // 2]):
            if cell.cell_type == "code":
                cell.execution_count = at + 1
                cell.outputs = [nbformat.v4.new_output("stream", text="half\n")]

    def copy_exercise(self):
        book = a_book(self.books, self.random)
        at = self.random.randrange(len(book.cells))
        if number_of(book.cells[at]):
            new = nbformat.v4.new_code_cell(book.cells[at].source)
            new.source = new.source.replace(BLANK, self.word())
            book.cells.insert(at + 1, new)

    def lose_ids(self):
        """As some other editors do."""
        for book in self.books.values():
            for at, cell in enumerate(book.cells):
                cell.id = f"x{at}"
        self.answers.clear()


def sources(books):
    return "\n".join(c.source for book in books.values() for c in book.cells)


def without_numbers(text):
    """An exercise may have another number; the line around it is the student's."""
    return re.sub(r'"\d\d\.\d+"', '"#"', text)


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_typed_is_lost_and_answers_stand_in_their_places(seed):
    random = Random(seed)
    old = next_release(pristine(), random)
    student = Student(old, random).work()
    new = old
    for _ in range(random.randint(1, 3)):
        new = next_release(new, random)
    known = release_of(old), Release(exercise_cells(old)), Release()
    release = random.choice(known)
    given = exercise_cells(new)
    worked = copy.deepcopy(student.books)
    report = carry(student.books, new, release)
    assert student.books == worked, "the old notebooks were changed"
    kept = [cell for cells in report.kept.values() for cell, _ in cells]
    found = f"{sources(new)}\n" + "\n".join(cell.source for cell in kept)
    found = without_numbers(found)
    for line in student.lines:
        assert without_numbers(line) in found, line
    before, after = (
        exercise_cells(old),
        {c.source for b in new.values() for c in b.cells},
    )
    for number, source in student.answers.items():
        if given.get(number) == before[number]:
            assert source in after
    for book in new.values():
        nbformat.validate(book)
        ids = [cell.id for cell in book.cells]
        assert len({*ids}) == len(ids)


def test_the_property_would_notice():
    student = Student(pristine(), Random(1)).work()
    assert student.answers
    assert all(line not in sources(pristine()) for line in student.lines)


def test_the_same_again_changes_nothing():
    for seed in range(20):
        random = Random(seed)
        old = built_anew(copy.deepcopy(pristine()))
        student = Student(old, random).work()
        new, release = next_release(old, random), release_of(old)
        blanked = exercise_cells(new)
        carry(student.books, new, release, blanked)
        first = copy.deepcopy(new)
        carry(student.books, new, release, blanked)
        assert new == first, seed


# --- One exercise ---------------------------------------------------------------------


def test_fillings_are_found_or_the_text_is_another():
    assert fillings("f(____, ____)", "f(a, (b, c))") == ["a", "(b, c)"]
    assert fillings("return ____", "return a\nprint(a)") == ["a\nprint(a)"]
    assert fillings("f(____)", "g(a)") is None
    assert fillings("f(____) + 1", "f(1") is None
    lines = "x = 0\n____  # your code: as many lines as you need\nreturn x"
    assert fillings(lines, "x = 0\nx = 1\nreturn x") == ["x = 1"]
    many = "f(" + ", ".join([BLANK] * 30) + ") + 1"  # at once, however it fails
    assert fillings(many, "f(" + "1, " * 500 + "2) + 2") is None


def test_values_are_carried_by_name():
    before = 'answer("03.4", W2=____, H2=____)'
    after = 'answer("03.4", H2=____, W2=____, D2=____)'
    source, whole = moved('answer("03.4", W2=1, H2=2)', before, after)
    assert source == 'answer("03.4", H2=2, W2=1, D2=____)'
    assert not whole
    assert labels("f(____, a=____, ____)") == [("", 0), ("a", 0), ("", 1)]


def test_another_function_under_the_number_takes_no_answer():
    before = '@exercise("1.1")\ndef one(a):\n    return ____'
    after = '@exercise("1.1")\ndef two(a):\n    return ____'
    assert moved(before.replace(BLANK, "a"), before, after) == (None, False)


def books_with(*cells, name="03_x.ipynb"):
    made = [
        nbformat.v4.new_code_cell(c, id=f"cell-{k:03}") for k, c in enumerate(cells)
    ]
    return {name: nbformat.v4.new_notebook(cells=made)}


def test_exchanged_numbers_follow_their_questions():
    one = '@exercise("03.{}")\ndef one():\n    return ____'
    two = '@exercise("03.{}")\ndef two():\n    return ____'
    old = books_with("start()", one.format(1), two.format(2))
    new = books_with("start()", two.format(1), one.format(2))
    release = release_of(old)
    old["03_x.ipynb"].cells[1].source = one.format(1).replace(BLANK, "a")
    report = carry(old, new, release)
    assert report.renumbered == {"03.1": "03.2", "03.2": "03.1"}
    assert exercise_cells(new)["03.2"] == one.format(2).replace(BLANK, "a")
    assert not report.kept


def test_letters_stay_in_a_cell_that_did_not_change():
    old = books_with("start()", 'look_back("03", "")')
    new = books_with("start()", "print(1)", 'look_back("03", "")')
    release = release_of(old)
    old["03_x.ipynb"].cells[1].source = 'look_back("03", "bacda")'
    report = carry(old, new, release)
    assert new["03_x.ipynb"].cells[2].source == 'look_back("03", "bacda")'
    assert not report.kept


# --- Folders --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """Two lessons of a handout, as unpacked."""
    folder = tmp_path_factory.mktemp("release") / "new"
    for name, content in handout.contents():
        if re.match(r"(notebooks|lessons)/l?0[03]_.*(ipynb|json)", name):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
    return folder


@pytest.fixture
def folders(course, tmp_path):
    for name in ("old", "new"):
        shutil.copytree(course, tmp_path / name)
    return tmp_path / "old", tmp_path / "new"


def read(path):
    return nbformat.read(path, as_version=4)


def fill(folder, number, answer, lesson="03_output_size"):
    path = folder / f"notebooks/{lesson}.ipynb"
    book = read(path)
    for cell in book.cells:
        if number_of(cell) == number:
            cell.source = cell.source.replace(BLANK, answer)
    nbformat.write(book, path)
    return path


def test_a_handout_takes_over_an_old_folder(folders):
    old, new = folders
    path = fill(old, "03.3", "W1 - F")
    (old / ".progress.json").write_text('{"03.3": {"passed": true, "tries": 2}}')
    (old / "notebooks/mine.ipynb").write_text("{}")
    (old / "data/photographs/cats").mkdir(parents=True)
    (old / "data/photographs/cats/one.jpg").write_bytes(b"jpg")
    shutil.copy(path, path.with_name("03_output_size-Copy1.ipynb"))
    said = "\n".join(update.update(old, new, now="2026-01-02"))
    assert "1 answer and 0 cells of your own" in said
    cells = exercise_cells({"": read(new / "notebooks/03_output_size.ipynb")})
    assert "return W1 - F" in cells["03.3"]
    kept = new / "notebooks/kept/2026-01-02"
    assert (kept / "03_output_size.before.ipynb").read_bytes() == path.read_bytes()
    assert json.loads((new / ".progress.json").read_text())["03.3"]["passed"]
    assert (new / "notebooks/mine.ipynb").exists()
    assert (new / "notebooks/03_output_size-Copy1.ipynb").exists()
    assert (new / "data/photographs/cats/one.jpg").exists()
    assert "nothing to carry" in "\n".join(update.update(old, new))


def test_an_untouched_folder_leaves_an_untouched_one(folders):
    old, new = folders
    before = (new / "notebooks/03_output_size.ipynb").read_bytes()
    assert "nothing to carry" in "\n".join(update.update(old, new))
    assert (new / "notebooks/03_output_size.ipynb").read_bytes() == before
    assert not (new / "notebooks/kept").exists()


def test_a_damaged_notebook_is_kept_and_named(folders):
    old, new = folders
    path = fill(old, "03.3", "W1 - F")
    path.write_text(path.read_text("utf-8")[:-400], "utf-8")
    (old / ".progress.json").write_text("{")
    said = "\n".join(update.update(old, new, now="today"))
    assert "03_output_size.ipynb cannot be read" in said
    assert ".progress.json cannot be read" in said
    kept = new / "notebooks/kept/today/03_output_size.before.ipynb"
    assert kept.read_bytes() == path.read_bytes()


def test_what_is_solved_in_either_folder_stays_solved(folders):
    old, new = folders
    for folder, passed, more in ((old, False, {"settings": "dark"}), (new, True, {})):
        kept = {"03.1": {"passed": passed, "tries": 9 - 8 * passed}, **more}
        (folder / ".progress.json").write_text(json.dumps(kept))
    list(update.update(old, new))
    progress = json.loads((new / ".progress.json").read_text())
    assert progress["03.1"]["passed"]
    assert progress["settings"] == "dark"  # another version's


def give_another_number(folder, was, now):
    for name in (
        "notebooks/03_output_size.ipynb",
        "lessons/l03_output_size/lesson.json",
    ):
        text = (folder / name).read_text("utf-8")
        assert was in text
        (folder / name).write_text(text.replace(was, now), "utf-8")


def test_what_is_solved_goes_to_the_new_number(folders):
    old, new = folders
    give_another_number(new, "03.13", "03.77")
    fill(old, "03.13", "F")
    solved = '{"03.13": {"passed": true}, "03.1": {"passed": false}}'
    (old / ".progress.json").write_text(solved)
    list(update.update(old, new))
    progress = json.loads((new / ".progress.json").read_text())
    assert progress == {"03.77": {"passed": True}, "03.1": {"passed": False}}
    book = read(new / "notebooks/03_output_size.ipynb")
    assert exercise_cells({"": book})["03.77"].endswith("return F")


def test_an_answer_in_the_new_notebook_is_not_replaced(folders):
    old, new = folders
    fill(old, "03.3", "the_old_one")
    fill(new, "03.3", "the_new_one")
    said = "\n".join(update.update(old, new, now="today"))
    assert "03.3 is filled in already" in said
    cells = exercise_cells({"": read(new / "notebooks/03_output_size.ipynb")})
    assert "the_new_one" in cells["03.3"]
    kept = (new / "notebooks/kept/today/03_output_size.ipynb").read_text("utf-8")
    assert "the_old_one" in kept


@pytest.mark.parametrize(
    ("old", "message"), [("nowhere", "no folder `notebooks`"), ("new", "this folder")]
)
def test_a_wrong_folder_is_named(folders, old, message):
    with pytest.raises(update.UpdateError, match=message):
        list(update.update(folders[0].parent / old, folders[1]))


# --- A git clone ----------------------------------------------------------------------

needs_git = pytest.mark.skipif(not shutil.which("git"), reason="needs git")


def git(folder, *arguments):
    who = {
        f"GIT_{a}_{b}": "a@b"
        for a in ("AUTHOR", "COMMITTER")
        for b in ("NAME", "EMAIL")
    }
    environment = {**os.environ, **who}
    command = ["git", "-c", "init.defaultBranch=main", *arguments]
    subprocess.run(
        command, cwd=folder, check=True, capture_output=True, env=environment
    )


@pytest.fixture
def clone(course, tmp_path, monkeypatch):
    """A teacher's repository, and a student's clone of it, one release behind."""
    for key in ("NAME", "EMAIL"):
        monkeypatch.setenv(f"GIT_COMMITTER_{key}", "a@b")
        monkeypatch.setenv(f"GIT_AUTHOR_{key}", "a@b")
    teacher, student = tmp_path / "teacher", tmp_path / "student"
    shutil.copytree(course, teacher)
    (teacher / ".gitignore").write_text("build/\nnotebooks/kept/\n.progress.json\n")
    git(teacher, "init")
    git(teacher, "add", ".")
    git(teacher, "commit", "-m", "one")
    git(tmp_path, "clone", str(teacher), str(student))
    path = teacher / "notebooks/03_output_size.ipynb"
    book = read(path)
    book.cells.insert(2, nbformat.v4.new_markdown_cell("A new text.", id="cell-999"))
    nbformat.write(book, path)
    git(teacher, "commit", "-a", "-m", "two")
    return teacher, student


@needs_git
@pytest.mark.parametrize("committed", [False, True])
def test_a_clone_gets_the_release_and_keeps_its_answers(clone, committed):
    _, student = clone
    fill(student, "03.3", "W1 - F")
    if committed:
        git(student, "commit", "-a", "-m", "mine")
    old = update.fetch(student)
    list(update.update(old, student))
    book = read(student / "notebooks/03_output_size.ipynb")
    assert "return W1 - F" in exercise_cells({"": book})["03.3"]
    assert any(cell.source == "A new text." for cell in book.cells)
    assert update.fetch(student) is None


@needs_git
@pytest.mark.parametrize("during", ["git", "the second process"])
def test_after_ctrl_c_work_is_there_and_named(clone, monkeypatch, capsys, during):
    def ctrl_c(*_, **__):
        raise KeyboardInterrupt

    _, student = clone
    fill(student, "03.3", "W1 - F")
    here = student / ".progress.json"
    here.write_text('{"03.3": {"passed": true}}')
    monkeypatch.setattr(update, "ROOT", student)
    if during == "git":
        monkeypatch.setattr(update, "_merge", ctrl_c)
    monkeypatch.setattr(update.subprocess, "call", ctrl_c)
    assert update.main([])
    assert json.loads(here.read_text())["03.3"]["passed"]
    told = re.search(r"`python -m tools\.update (.*)`", capsys.readouterr().err)
    assert (Path(told[1]) / here.name).read_bytes() == here.read_bytes()
    list(update.update(Path(told[1]), student))
    book = read(student / "notebooks/03_output_size.ipynb")
    assert "return W1 - F" in exercise_cells({"": book})["03.3"]
    assert json.loads(here.read_text())["03.3"]["passed"]


@needs_git
def test_progress_in_a_clone_moves_once_however_often_it_is_carried(clone):
    teacher, student = clone
    for was, now in ("03.13", "03.x"), ("03.12", "03.13"), ("03.x", "03.12"):
        give_another_number(teacher, was, now)
    git(teacher, "commit", "-a", "-m", "three")
    here = student / ".progress.json"
    here.write_text('{"03.13": {"passed": true}, "settings": "dark"}')
    old = update.fetch(student)
    for _ in range(2):
        list(update.update(old, student))
        found = json.loads(here.read_text())
        assert found == {"03.12": {"passed": True}, "settings": "dark"}
    here.write_text('{"03.12": {"passed": true}, "03.13": {"passed": true}}')
    list(update.update(old, student))  # what was solved since then stays solved
    assert json.loads(here.read_text())["03.13"] == {"passed": True}


@needs_git
@pytest.mark.parametrize("committed", [False, True])
def test_a_lesson_gone_and_a_changed_solution_are_kept(clone, committed):
    teacher, student = clone
    git(teacher, "rm", "notebooks/00_start_here.ipynb")
    (teacher / "notebooks/solutions").mkdir()
    name = "notebooks/solutions/03_output_size.ipynb"
    shutil.copy(teacher / "notebooks/03_output_size.ipynb", teacher / name)
    git(teacher, "add", ".")
    git(teacher, "commit", "-m", "three")
    fill(student, "00.1", "what_i_said", "00_start_here")
    if committed:
        git(student, "commit", "-a", "-m", "mine")
    said = "\n".join(update.update(update.fetch(student), student, now="today"))
    assert "00.1 is no longer part of the course" in said
    kept = student / "notebooks/kept/today/00_start_here.ipynb"
    assert "what_i_said" in kept.read_text("utf-8")
    assert not (student / "notebooks/00_start_here.ipynb").exists()
    (student / name).write_text("my own notes")
    (teacher / "notebooks/new.txt").write_text("four")
    git(teacher, "add", ".")
    git(teacher, "commit", "-m", "four")
    assert (update.fetch(student) / name).read_text() == "my own notes"


@needs_git
def test_a_notebook_that_was_only_added_is_left_alone(clone):
    _, student = clone
    own = student / "notebooks/mine.ipynb"
    shutil.copy(fill(student, "03.3", "W1 - F"), own)
    git(student, "add", str(own))
    before = own.read_bytes()
    assert update.fetch(student)
    assert own.read_bytes() == before


@needs_git
def test_a_name_that_git_writes_in_quotes_is_found(clone):
    _, student = clone
    own = student / "notebooks/übung.ipynb"
    shutil.copy(fill(student, "03.3", "W1 - F"), own)
    git(student, "add", "notebooks")
    git(student, "commit", "-m", "mine")
    own.write_text("changed since", "utf-8")
    old = update.fetch(student)
    assert (old / "notebooks/übung.ipynb").read_text("utf-8") == "changed since"


@needs_git
def test_a_merge_that_git_refuses_has_changed_nothing(clone):
    teacher, student = clone
    name = "lessons/l03_output_size/lesson.json"
    for folder in clone:
        (folder / name).write_text(json.dumps({"cells": {}, "by": folder.name}))
    git(teacher, "commit", "-a", "-m", "three")
    fill(student, "03.3", "W1 - F")
    git(student, "commit", "-m", "mine", "notebooks")
    with pytest.raises(update.UpdateError, match="as they were before") as refused:
        update.fetch(student)
    assert name in str(refused.value)
    command = ["git", "diff", "--cached", "--name-only"]
    staged = subprocess.run(command, cwd=student, capture_output=True, check=True)
    assert staged.stdout == b""


@needs_git
def test_where_git_refuses_everything_is_as_it_was(clone):
    teacher, student = clone
    for folder in clone:
        name = folder / "lessons/l03_output_size/lesson.json"
        name.write_text(json.dumps({"cells": {}, "by": folder.name}))
    git(teacher, "commit", "-a", "-m", "three")
    path = fill(student, "03.3", "W1 - F")
    before = path.read_bytes()
    with pytest.raises(update.UpdateError, match="as they were before"):
        update.fetch(student)
    assert path.read_bytes() == before


@needs_git
@pytest.mark.parametrize("to", [["branch", "--unset-upstream"], ["checkout", "HEAD~0"]])
def test_a_branch_that_follows_no_other_is_told(clone, to):
    _, student = clone
    git(student, *to)
    with pytest.raises(update.UpdateError, match="follows no other"):
        update.fetch(student)


@needs_git
def test_a_repository_that_is_not_there_is_told(clone):
    teacher, student = clone
    teacher.rename(teacher.with_name("moved"))
    path = fill(student, "03.3", "W1 - F")
    before = path.read_bytes()
    with pytest.raises(update.UpdateError, match="git fetch stopped"):
        update.fetch(student)
    assert path.read_bytes() == before


@needs_git
def test_without_git_the_other_way_is_named(tmp_path):
    with pytest.raises(update.UpdateError, match=r"tools\.update OLD_FOLDER"):
        update.fetch(tmp_path)
