"""A release says one version everywhere, and no link in it leads nowhere."""

import json
import os
import re
import tomllib
from urllib.parse import unquote

import pytest

import helpers
from helpers.data import PHOTOGRAPHS
from tools import build, handout

ROOT = build.ROOT
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/*.md"),
        ROOT / "data/README.md",
        *ROOT.glob("lessons/*/lesson.py"),
        *ROOT.glob("lessons/**/*.md"),
    ]
)
LINK = re.compile(r"!?\[[^\]\[]*\]\(\s*<?([^)\s>]+)>?[^)]*\)|(?:href|src)=\"([^\"]+)\"")


def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def test_one_version():
    version = project()["project"]["version"]
    assert helpers.__version__ == version
    citation = (ROOT / "CITATION.cff").read_text("utf-8")
    assert f"\nversion: {version}\n" in citation
    changes = (ROOT / "CHANGELOG.md").read_text("utf-8")
    newest = re.search(r"^## \[([\d.]+)\] - \d{4}-\d\d-\d\d$", changes, re.MULTILINE)
    assert newest[1] == version
    readme = dict(handout.contents())["README.md"].decode()
    assert f"\nVersion {version}\n" in readme


# --- Links ----------------------------------------------------------------------------


def texts_of(path):
    """The prose of a page, without code: in a lesson, its text cells."""
    text = path.read_text("utf-8")
    if path.suffix == ".py":
        lines, prose = [], False
        for line in text.splitlines():
            if line.startswith("# %%"):
                prose = "[markdown]" in line
            elif prose:
                lines.append(line.removeprefix("#").strip())
        text = "\n".join(lines)
    text = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"`[^`\n]*`|\$[^$\n]*\$", "", text)


def links_in(path):
    """What a page links to, but for other sites."""
    found = (one or other for one, other in LINK.findall(texts_of(path)))
    return [link for link in found if not re.match(r"[a-z]+:|\{", link)]


def anchors_in(path):
    headings = re.findall(r"^#+ (.+)$", path.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}


def dead(path):
    """The relative links of a page that lead nowhere."""
    base = ROOT / "notebooks" if path.suffix == ".py" else path.parent
    if path == ROOT / handout.README:
        base = ROOT  # in the handout it stands at the top
    wrong = []
    for link in links_in(path):
        name, _, anchor = unquote(link).partition("#")
        target = base / name if name else path
        found = target.exists()
        if found and anchor and target.suffix == ".md":
            found = anchor in anchors_in(target)
        if not found:
            wrong.append(link)
    return wrong


@pytest.mark.parametrize("path", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_dead_link(path):
    assert dead(path) == []


def test_a_dead_link_would_be_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "# One\n[a](page.md#one), [b](gone.md), [c](#two), `[d](e.md)`, "
        "[f](https://example.org)\n"
    )
    assert dead(page) == ["gone.md", "#two"]
    assert sum(len(links_in(path)) for path in PAGES) > 20


# --- Starting it elsewhere ------------------------------------------------------------


def test_readme_links_to_where_the_course_can_be_started():
    readme = build.readme()
    address = project()["tool"]["convnets"]["repository"]
    assert ("mybinder.org" in readme) == bool(address)
    assert build.launch_links("") == ""
    links = build.launch_links("https://github.com/some/course.git")
    assert "https://mybinder.org/v2/gh/some/course/HEAD?urlpath=lab" in links
    assert "https://codespaces.new/some/course" in links
    assert "<https://github.com/some/course>" in links
    other = build.launch_links("https://git.example.org/some/course/")
    assert "v2/git/https%3A%2F%2Fgit.example.org%2Fsome%2Fcourse/HEAD" in other
    assert "codespaces" not in other
    notebook = re.search(r"lab/tree/([\w./]+\.ipynb)", links)[1]
    assert (ROOT / notebook).is_file()


def test_an_address_changes_only_these_lines(monkeypatch):
    monkeypatch.setattr(build, "launch_links", lambda address: "")
    without = build.readme()
    monkeypatch.setattr(build, "launch_links", lambda address: "[x](y)\n")
    assert build.readme().replace("[x](y)\n", "") == without != build.readme()


def test_a_dev_container_sets_itself_up():
    path = ROOT / ".devcontainer" / "devcontainer.json"
    container = json.loads(path.read_text("utf-8"))
    assert container["postCreateCommand"].endswith("make setup")
    assert re.search(r":3\.1[1-4]$", container["image"])


def test_binder_installs_what_the_notebooks_need():
    folder = ROOT / "binder"
    lines = (folder / "requirements.txt").read_text("utf-8").splitlines()
    asked = [line for line in lines if line.startswith("-r ")]
    assert asked == ["-r ../requirements.txt"]
    assert (folder / "runtime.txt").read_text("utf-8").strip() in (
        f"python-3.{minor}" for minor in range(11, 15)
    )
    assert os.access(folder / "postBuild", os.X_OK)


def test_photographs_and_digits_are_credited():
    lines = (ROOT / "THIRD-PARTY.md").read_text("utf-8").splitlines()
    files = list((ROOT / "data" / "samples").iterdir())
    assert {path.name for path in files} == {"digits.csv.gz", *PHOTOGRAPHS.values()}
    for path in files:
        (row,) = [line for line in lines if f"`{path.name}`" in line]
        assert len(row.split("|")) == 6  # what, by, licence, from
        assert "creativecommons.org/licenses/by/" in row
        assert re.search(r"flickr\.com/photos/\w+/\d+|doi\.org/10\.\d+/", row)
