"""Presentations: two at once, nothing to read for others, no waiting for a training."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from unittest.mock import Mock

import nbformat
import psutil
import pytest

from tools import slides
from tools.slides import ROOT, notebooks, serve, warm_up

SECONDS = 120
ADDRESS = "http://127.0.0.1:"


@pytest.fixture
def two(tmp_path):
    """Two presentations that were started at the same time, once both are ready."""
    started = []
    for number in range(2):
        with (tmp_path / f"{number}.log").open("wb") as log:
            command = [sys.executable, "-m", "tools.slides", "01", "--no-browser"]
            started.append(subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log))
    yield started, [ready(tmp_path / f"{n}.log", started[n]) for n in range(2)]
    for process in started:
        process.kill()
        process.wait()


def ready(log, process):
    """The address that a presentation tells when it is ready."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end and process.poll() is None:
        told = log.read_text()
        if "Keys:" in told:
            return next(line.strip() for line in told.splitlines() if ADDRESS in line)
        time.sleep(0.2)
    raise AssertionError(log.read_text())


@pytest.mark.skipif(os.name == "nt", reason="a closed terminal is SIGHUP")
def test_two_presentations_at_once_and_a_closed_terminal(two):
    started, addresses = two
    ports = [address.removeprefix(ADDRESS).split("/")[0] for address in addresses]
    assert len(set(ports)) == 2
    tokens = [address.split("token=")[1] for address in addresses]
    family = [p for s in started for p in psutil.Process(s.pid).children(True)]
    assert len(family) >= 4  # two servers, two kernels
    lines = [" ".join(process.cmdline()) for process in family]
    assert not any(token in line for token in tokens for line in lines)
    for process in started:
        process.send_signal(signal.SIGHUP)
        assert process.wait(30) == 143
    _, alive = psutil.wait_procs(family, timeout=20)
    assert alive == []


def test_a_mistake_in_another_lesson_does_not_end_the_presentation(monkeypatch, capsys):
    broken, copied = "04_from_kernels_to_cnns", []

    def copy_to(folder, books, *_):
        if any(book.stem == broken for book in books):
            raise ValueError("no heading on the first slide")
        copied.extend(book.stem for book in books)

    monkeypatch.setattr(slides, "copy_to", copy_to)
    server = Mock(address=lambda page: f"{ADDRESS}8888/{page}")
    monkeypatch.setattr(slides, "serve", lambda *_: contextlib.nullcontext(server))
    monkeypatch.setattr(slides, "warm_up", lambda *_: None)
    monkeypatch.setattr(time, "sleep", Mock(side_effect=KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        slides.present("05", browser=False)
    assert copied[0] == "05_pooling"
    assert {*copied} == {path.stem for path in notebooks()} - {broken}
    assert f"Links to {broken} lead nowhere: no heading" in capsys.readouterr().out


def test_a_cell_that_takes_too_long_is_left_for_the_class(tmp_path):
    text, code = nbformat.v4.new_markdown_cell, nbformat.v4.new_code_cell
    book = nbformat.v4.new_notebook(
        cells=[
            *(text("# 99 A lesson"), code("print('before')")),
            *(
                text("## Train <span>5 min</span>"),
                code("import time\ntime.sleep(300)"),
            ),
            code("print('after')"),
        ]
    )
    path = tmp_path / "99_long.ipynb"
    nbformat.write(book, path)
    with serve(tmp_path) as server:
        assert warm_up(server, path, seconds=3) == "Train"
        _, before, _, long, after = nbformat.read(path, as_version=4).cells
        assert "before" in str(before.outputs)
        assert (long.outputs, after.outputs) == ([], [])
        end = time.monotonic() + SECONDS
        while server.get("api/kernels")[0]["execution_state"] != "idle":
            assert time.monotonic() < end
            time.sleep(0.1)
