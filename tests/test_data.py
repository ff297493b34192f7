"""Data sets, their downloads from a server on this computer, and batches of them."""

import gzip
import hashlib
import http.server
import io
import os
import pickle
import random
import re
import subprocess
import sys
import tarfile
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision.datasets import CIFAR10
from torchvision.transforms import functional

from helpers import data as module
from helpers.data import (
    PADDING,
    SHAPES,
    Archive,
    Batches,
    DataError,
    crop,
    download,
    flipped,
    load,
    missing,
)
from tools import data as tool

ROOT = Path(__file__).resolve().parents[1]
# What the seeds give, on every machine.
DIGITS_PATTERN = 284199
SHAPES_MD5 = "4881dda6ca5227dd414cb39ee15347c2"
STAND_INS = [("digits", {}), ("digits", {"size": 32}), ("shapes", {})]


def md5(content):
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def everything(folder):
    """Relative path and content of each file in a folder."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


# --- Data sets that need no download --------------------------------------------------


@pytest.mark.parametrize(("name", "options"), STAND_INS)
def test_a_stand_in_is_normalised_and_says_what_it_is(name, options):
    data = load(name, "cpu", **options)
    channels = data.train.images.shape[1]
    for images, labels in (data.train, data.test):
        assert images.dtype == torch.float32
        assert labels.dtype == torch.int64
        assert len(images) == len(labels)
        assert set(labels.tolist()) == set(range(10))
    assert data.train.images.mean((0, 2, 3)).abs().max() < 1e-4
    assert (data.train.images.std((0, 2, 3)) - 1).abs().max() < 1e-3
    assert data.test.images.mean((0, 2, 3)).abs().max() < 0.1
    assert data.mean.shape == data.std.shape == (channels,)
    assert "stand-in" in data.title
    assert data.stand_in in data.title
    assert data.stand_in in ("MNIST", "CIFAR-10")
    assert len(data.classes) == 10
    # Black is what Batches takes for the border unless it is told otherwise.
    assert torch.equal(data.pad_value, data.train.images.amin((0, 2, 3)))


def test_the_digits_are_those_of_scikit_learn_each_once():
    from sklearn.datasets import load_digits

    data = load("digits", "cpu")
    assert data.train.images.shape == (1438, 1, 8, 8)
    assert data.test.images.shape == (359, 1, 8, 8)
    grey = torch.cat([data.train.images, data.test.images]) * data.std + data.mean
    ours = sorted((grey * 16).round().flatten(1).tolist())
    assert ours == sorted(load_digits().images.reshape(-1, 64).tolist())
    share = torch.bincount(data.test.labels) / len(data.test.labels)
    assert (share - 0.1).abs().max() < 0.005
    pattern = (torch.arange(359) * data.test.labels).sum().item()
    assert pattern == DIGITS_PATTERN


@pytest.mark.parametrize(("size", "border"), [(32, 4), (28, 3), (8, 0), (9, 0)])
def test_digits_enlarged_lie_in_a_black_border(size, border):
    images = load("digits", "cpu", size=size).train.images
    assert images.shape == (1438, 1, size, size)
    if border:
        edge = images.clone()
        edge[:, :, border:-border, border:-border] = images.min()
        # One pixel more on the right and at the bottom, where the rest is odd.
        assert (edge[:, :, : border or None] == images.min()).all()
        assert (edge[:, :, :, :border] == images.min()).all()
        assert (images[:, :, border] > images.min()).any()


def test_the_shapes_are_the_same_on_every_machine():
    # Nothing but + − × / and comparisons, so the bytes themselves can be compared.
    pixels, labels = module._drawn(200, 0)
    assert md5(pixels.numpy().tobytes()) == SHAPES_MD5
    assert torch.bincount(labels).tolist() == [20] * 10


def test_shapes_come_in_the_numbers_asked_for_and_are_drawn_once():
    data = load("shapes", "cpu", counts=(70, 30))
    assert data.train.images.shape == (70, 3, 32, 32)
    assert data.test.images.shape == (30, 3, 32, 32)
    assert data.classes == SHAPES
    again = load("shapes", "cpu", counts=(70, 30))
    assert torch.equal(data.train.images, again.train.images)
    assert not torch.equal(data.train.images[:30], data.test.images)
    assert module._drawn(70, 0)[0] is module._drawn(70, 0)[0]
    before = module._drawn(70, 0)[0].clone()
    data.train.images.zero_()  # what a caller does to its tensors stays there
    assert torch.equal(module._drawn(70, 0)[0], before)


@pytest.mark.parametrize("shape", SHAPES)
def test_every_figure_covers_part_of_its_image(shape):
    pixels, labels = module._drawn(200, 0)
    images = pixels[labels == SHAPES.index(shape)].float()
    assert images.std((1, 2, 3)).min() > 10
    assert len({image.numpy().tobytes() for image in images}) == len(images)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (("imagenet",), {}, "no data set 'imagenet'; there are mnist, cifar10, digits"),
        (("shapes",), {"size": 64}, "one size, 32 × 32"),
        (("digits",), {"counts": (5, 5)}, "`counts` is for"),
        (("digits",), {"size": 7}, "size must be 8 or more, not 7"),
        (("shapes",), {"counts": (0, 5)}, "at least one image"),
    ],
)
def test_what_cannot_be_loaded_is_refused(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        load(*arguments, "cpu", **options)


def test_importing_is_cheap_and_needs_no_jupyter():
    code = (
        "import sys, helpers.data; print([name for name in ('torchvision', 'sklearn', "
        "'IPython', 'ipywidgets', 'jupyter_core') if name in sys.modules])"
    )
    run = [sys.executable, "-c", code]
    told = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


# --- Downloaded data sets, made here in the official format ---------------------------


def idx(array):
    """The bytes of an array in MNIST's format."""
    header = bytes([0, 0, 8, array.ndim])
    sizes = b"".join(side.to_bytes(4, "big") for side in array.shape)
    return header + sizes + array.tobytes()


@pytest.fixture
def mnist(tmp_path, monkeypatch):
    """A folder with 30 + 10 random images in MNIST's format, and their sums known."""
    draw = np.random.default_rng(0)
    folder = tmp_path / "MNIST" / "raw"
    folder.mkdir(parents=True)
    for half, count in (("train", 30), ("t10k", 10)):
        images = draw.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        labels = (np.arange(count) % 10).astype(np.uint8)
        (folder / f"{half}-images-idx3-ubyte").write_bytes(idx(images))
        (folder / f"{half}-labels-idx1-ubyte").write_bytes(idx(labels))
    sums = {file.name: md5(file.read_bytes()) for file in folder.iterdir()}
    monkeypatch.setattr(module, "MNIST_MD5", sums)
    return tmp_path


@pytest.fixture
def cifar10(tmp_path, monkeypatch):
    """The same for CIFAR-10: five batches of 20 images, and 20 for testing."""
    draw = np.random.default_rng(0)
    folder = tmp_path / CIFAR10.base_folder
    folder.mkdir()

    def listed(names):
        for name, _ in names:
            pixels = draw.integers(0, 256, (20, 3072), dtype=np.uint8)
            batch = {"data": pixels, "labels": [i % 10 for i in range(20)]}
            (folder / name).write_bytes(pickle.dumps(batch, protocol=2))
        return [[name, md5((folder / name).read_bytes())] for name, _ in names]

    monkeypatch.setattr(CIFAR10, "train_list", listed(CIFAR10.train_list))
    monkeypatch.setattr(CIFAR10, "test_list", listed(CIFAR10.test_list))
    names = pickle.dumps({"label_names": list("abcdefghij")}, protocol=2)
    (folder / "batches.meta").write_bytes(names)
    monkeypatch.setattr(CIFAR10, "meta", {**CIFAR10.meta, "md5": md5(names)})
    return tmp_path


def test_mnist_is_read_as_torchvision_reads_it(mnist):
    from torchvision.datasets import MNIST

    data = load("mnist", "cpu", mnist)
    assert (data.title, data.stand_in) == ("MNIST", None)
    assert data.classes == tuple("0123456789")
    for split, train in ((data.train, True), (data.test, False)):
        expected = MNIST(mnist, train=train)
        grey = (split.images * data.std + data.mean) * 255
        assert torch.equal(grey[:, 0].round().byte(), expected.data)
        assert torch.equal(split.labels, expected.targets)
    assert data.train.images.std() == pytest.approx(1, abs=1e-3)
    large = load("mnist", "cpu", mnist, size=32).train.images
    assert large.shape == (30, 1, 32, 32)
    assert (large[:, :, :2] == large.min()).all()
    assert (large[:, :, :, -2:] == large.min()).all()
    with pytest.raises(ValueError, match="28 or more"):
        load("mnist", "cpu", mnist, size=27)


def test_cifar10_is_read_as_torchvision_reads_it(cifar10):
    data = load("cifar10", "cpu", cifar10)
    assert (data.title, data.stand_in) == ("CIFAR-10", None)
    assert data.classes == tuple("abcdefghij")
    assert data.train.images.shape == (100, 3, 32, 32)
    assert data.train.images.is_contiguous()
    assert data.train.images.mean((0, 2, 3)).abs().max() < 1e-4
    for split, train in ((data.train, True), (data.test, False)):
        expected = CIFAR10(cifar10, train=train)
        pixels = split.images * data.std[:, None, None] + data.mean[:, None, None]
        pixels = (pixels * 255).round().byte().permute(0, 2, 3, 1)
        assert np.array_equal(pixels.numpy(), expected.data)
        assert split.labels.tolist() == expected.targets


@pytest.mark.parametrize(
    ("name", "other"), [("mnist", "digits"), ("cifar10", "shapes")]
)
def test_what_is_missing_is_told_in_one_sentence(name, other, tmp_path):
    with pytest.raises(FileNotFoundError) as told:
        load(name, "cpu", tmp_path / "nowhere")
    for part in ("`make data`", f"python -m tools.data {name}", f'load("{other}")'):
        assert part in str(told.value)
    assert "\n" not in str(told.value)
    assert not (tmp_path / "nowhere").exists()


def test_one_missing_file_is_named(mnist, cifar10):
    (mnist / "MNIST/raw/t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(FileNotFoundError, match="t10k-labels-idx1-ubyte is missing"):
        load("mnist", "cpu", mnist)
    (cifar10 / CIFAR10.base_folder / "data_batch_4").unlink()
    with pytest.raises(FileNotFoundError, match="data_batch_4 is missing"):
        load("cifar10", "cpu", cifar10)


def cut(content):
    return content[: len(content) // 2]


def change(content):
    return content[:-1] + bytes([content[-1] ^ 1])


@pytest.mark.parametrize(
    "damage", [cut, change, lambda content: b"", lambda c: b"<html>"]
)
@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("mnist", "MNIST/raw/train-images-idx3-ubyte"),
        ("mnist", "MNIST/raw/t10k-labels-idx1-ubyte"),
        ("cifar10", "cifar-10-batches-py/data_batch_3"),
        ("cifar10", "cifar-10-batches-py/test_batch"),
        ("cifar10", "cifar-10-batches-py/batches.meta"),
    ],
)
def test_a_damaged_file_is_named_and_left_alone(name, file, damage, mnist, cifar10):
    folder = mnist
    (folder / file).write_bytes(damage((folder / file).read_bytes()))
    before = everything(folder)
    for attempt in (lambda: load(name, "cpu", folder), lambda: download(name, folder)):
        with pytest.raises(DataError, match=re.escape(str(folder / file))):
            attempt()
    assert everything(folder) == before


def test_a_file_that_cannot_be_read_is_named_even_where_no_sum_is_known(
    mnist, cifar10, monkeypatch
):
    # As with copies of CIFAR-10 that went through JPEG, whose sums are switched off.
    unknown = [[name, None] for name, _ in CIFAR10.train_list]
    monkeypatch.setattr(CIFAR10, "train_list", unknown)
    file = cifar10 / CIFAR10.base_folder / "data_batch_2"
    file.write_bytes(cut(file.read_bytes()))
    with pytest.raises(DataError, match=f"{re.escape(str(file))} cannot be read"):
        load("cifar10", "cpu", cifar10)
    monkeypatch.setattr(module, "MNIST_MD5", dict.fromkeys(module.MNIST_MD5))
    file = mnist / "MNIST/raw/t10k-images-idx3-ubyte"
    file.write_bytes(cut(file.read_bytes()))
    with pytest.raises(DataError, match=f"{re.escape(str(file))} cannot be read"):
        load("mnist", "cpu", mnist)


def test_an_old_training_pt_is_not_taken_for_mnist(mnist):
    processed = mnist / "MNIST" / "processed"
    processed.mkdir()
    other = (torch.zeros(5, 28, 28, dtype=torch.uint8), torch.zeros(5).long())
    torch.save(other, processed / "training.pt")
    torch.save(other, processed / "test.pt")
    assert len(load("mnist", "cpu", mnist).train.images) == 30


# --- Downloads, from this computer ----------------------------------------------------


class Server(http.server.ThreadingHTTPServer):
    """Serves `files`; with `cut_at` it breaks off after so many bytes of an answer."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.cut_at, self.ranges, self.sized = {}, None, True, True
        self.requests, self.statuses = [], []
        self.address = f"http://127.0.0.1:{self.server_port}/"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        content = self.server.files.get(self.path[1:])
        wanted = self.headers.get("Range")
        self.server.requests.append(wanted)
        if content is None:
            self.send_error(404)
            return
        start, status = 0, 200
        if wanted and self.server.ranges:
            start, status = int(wanted.removeprefix("bytes=").rstrip("-")), 206
            if start >= len(content):
                self.send_error(416)
                return
        self.server.statuses.append(status)
        self.send_response(status)
        if status == 206:
            last = len(content) - 1
            self.send_header("Content-Range", f"bytes {start}-{last}/{len(content)}")
        if self.server.sized:
            self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        self.wfile.write(content[start:][: self.server.cut_at])

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server():
    server = Server()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


NAMES = ("batches/one", "batches/two")
PARTS = {name: random.Random(name).randbytes(4000) for name in NAMES}


def packed():
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in {**PARTS, "../evil": b"evil", "other": b"other"}.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


PACKED = packed()


@pytest.fixture
def archives(server):
    """One archive of two files, on the server."""
    server.files["set.tar.gz"] = PACKED
    contents = tuple((name, md5(content)) for name, content in PARTS.items())
    url = f"{server.address}set.tar.gz"
    return (Archive((url,), "set.tar.gz", md5(PACKED), contents),)


def fetch(folder, archives, **options):
    """Download quietly; what was said."""
    said = []
    options = {"progress": False, "say": said.append, **options}
    download("set", folder, archives=archives, **options)
    return said


COMPLETE = {"set.tar.gz": PACKED, **PARTS}


def test_a_download_is_unpacked_and_a_second_one_fetches_nothing(
    server, archives, tmp_path
):
    folder = tmp_path / "new" / "folder"
    assert "ready" in fetch(folder, archives)[-1]
    assert everything(folder) == COMPLETE
    assert [path.name for path in tmp_path.iterdir()] == ["new"]  # nothing beside it
    (told,) = fetch(folder, archives)
    assert "already there" in told
    assert len(server.requests) == 1
    (folder / "set.tar.gz").unlink()  # which may be deleted
    fetch(folder, archives)
    assert len(server.requests) == 1


@pytest.mark.parametrize("ranges", [True, False])
@pytest.mark.parametrize(
    "cut_at", sorted(random.Random(1).sample(range(len(PACKED)), 20))
)
def test_a_download_cut_anywhere_is_never_trusted_and_goes_on(
    cut_at, ranges, server, archives, tmp_path
):
    server.cut_at, server.ranges = cut_at, ranges
    with pytest.raises(DataError, match="cut off after"):
        fetch(tmp_path, archives, attempts=1)
    assert everything(tmp_path) == {"set.tar.gz.part": PACKED[:cut_at]}
    assert missing("set", tmp_path, archives) == list(NAMES)
    server.cut_at = None
    fetch(tmp_path, archives)
    assert everything(tmp_path) == COMPLETE
    wanted = f"bytes={cut_at}-" if cut_at else None
    assert server.requests == [None, wanted]
    assert server.statuses[-1] == (206 if ranges and cut_at else 200)


def test_one_run_goes_on_after_a_broken_connection(server, archives, tmp_path):
    server.cut_at = len(PACKED) // 2 + 1
    said = fetch(tmp_path, archives)
    assert everything(tmp_path) == COMPLETE
    assert "resumed" in said[1]


def test_a_connection_cut_without_a_known_length_is_noticed(server, archives, tmp_path):
    server.sized, server.cut_at = False, 100
    with pytest.raises(DataError, match="md5"):
        fetch(tmp_path, archives)
    assert everything(tmp_path) == {}


def test_all_arrived_before_the_run_was_stopped(server, archives, tmp_path):
    (tmp_path / "set.tar.gz.part").write_bytes(PACKED)
    fetch(tmp_path, archives)
    assert everything(tmp_path) == COMPLETE
    assert server.requests == []


@pytest.mark.parametrize(
    "stale", [b"stale", b"s" * len(PACKED), b"s" * (len(PACKED) + 9)]
)
def test_a_wrong_beginning_is_thrown_away_and_fetched_again(
    stale, server, archives, tmp_path
):
    (tmp_path / "set.tar.gz.part").write_bytes(stale)
    fetch(tmp_path, archives, attempts=1)
    assert everything(tmp_path) == COMPLETE


def test_wrong_content_is_refused_and_not_kept(server, archives, tmp_path):
    server.files["set.tar.gz"] = b"<html>Please log in to this hotel's network"
    with pytest.raises(DataError, match="the md5 of what it sent is wrong"):
        fetch(tmp_path, archives)
    assert everything(tmp_path) == {}


@pytest.mark.parametrize("name", ["set.tar.gz", "batches/two"])
def test_a_foreign_file_in_place_is_named_and_not_overwritten(
    name, server, archives, tmp_path
):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(b"mine")
    with pytest.raises(DataError, match=re.escape(str(tmp_path / name))):
        fetch(tmp_path, archives)
    assert everything(tmp_path) == {name: b"mine"}
    assert server.requests == []


def test_only_what_is_missing_is_unpacked_from_an_archive_brought_along(
    server, archives, tmp_path
):
    (tmp_path / "set.tar.gz").write_bytes(PACKED)
    (tmp_path / "batches").mkdir()
    (tmp_path / "batches" / "one").write_bytes(PARTS["batches/one"])
    before = (tmp_path / "batches" / "one").stat().st_mtime_ns
    (tmp_path / ".unpacking-killed").mkdir()
    fetch(tmp_path, archives)
    assert everything(tmp_path) == COMPLETE
    assert (tmp_path / "batches" / "one").stat().st_mtime_ns == before
    assert server.requests == []
    assert not (tmp_path / ".unpacking-killed").exists()


def test_an_archive_with_the_wrong_files_puts_none_in_place(archives, tmp_path):
    (archive,) = archives
    wrong = Archive(archive.urls, archive.path, archive.md5, (("batches/x", md5(b"")),))
    with pytest.raises(DataError, match="does not hold the official batches/x"):
        fetch(tmp_path, (wrong,))
    assert everything(tmp_path) == {"set.tar.gz": PACKED}


def test_mirrors_are_tried_in_turn(server, archives, tmp_path):
    (archive,) = archives
    urls = (f"{server.address}absent", *archive.urls)
    said = fetch(
        tmp_path, (Archive(urls, archive.path, archive.md5, archive.contents),)
    )
    assert everything(tmp_path) == COMPLETE
    assert len(said) == 3


def test_a_gzipped_file_alone_is_unpacked_too(server, tmp_path):
    content = gzip.compress(b"digits")
    server.files["a.gz"] = content
    url = f"{server.address}a.gz"
    fetch(
        tmp_path,
        (Archive((url,), "raw/a.gz", md5(content), (("raw/a", md5(b"digits")),)),),
    )
    assert everything(tmp_path) == {"raw/a": b"digits", "raw/a.gz": content}


def test_two_downloads_at_once_do_not_meet_in_one_file(archives, tmp_path):
    pytest.importorskip("fcntl")
    with (
        module._alone(tmp_path),
        pytest.raises(DataError, match="Another program is downloading"),
    ):
        fetch(tmp_path, archives)
    fetch(tmp_path, archives)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="Linux's full device")
def test_a_full_disk_is_told_in_a_sentence(archives, tmp_path):
    (tmp_path / "set.tar.gz.part").symlink_to("/dev/full")
    with pytest.raises(DataError, match="is full: make room") as told:
        fetch(tmp_path, archives)
    assert "\n" not in str(told.value)
    assert not (tmp_path / "set.tar.gz").exists()


def test_a_folder_that_cannot_be_one_is_told_in_a_sentence(archives, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be used"):
        fetch(tmp_path / "file", archives)


def test_addresses_and_sums_are_those_of_torchvision():
    four = module.archives_of("mnist")
    assert len(four) == 4
    assert all(len(archive.urls) > 1 for archive in four)
    for archive in four:
        ((path, sum_),) = archive.contents
        assert archive.path == f"{path}.gz"
        assert len(sum_) == len(archive.md5) == 32
    (one,) = module.archives_of("cifar10")
    assert one.urls == (CIFAR10.url,)
    assert len(one.contents) == 7
    assert "http" not in Path(module.__file__).read_text("utf-8").replace("http.", "")
    with pytest.raises(ValueError, match='only "mnist" and "cifar10"'):
        download("digits")


def nobody_there(monkeypatch):
    """Addresses at which nothing answers, for MNIST and CIFAR-10."""
    archive = Archive(
        ("http://127.0.0.1:9/a.gz",), "a.gz", "0" * 32, (("a", "0" * 32),)
    )
    monkeypatch.setattr(module, "archives_of", lambda name: (archive,))


def test_no_network_is_one_line_and_exit_code_1(monkeypatch, tmp_path, capsys):
    nobody_there(monkeypatch)
    assert tool.main(["mnist", "--folder", str(tmp_path)]) == 1
    said = capsys.readouterr().err.strip()
    assert "could not be downloaded (127.0.0.1:9: " in said
    assert "Is there a network" in said
    assert "\n" not in said
    assert everything(tmp_path) == {}


def test_the_tool_downloads_checks_and_says_so(
    server, archives, monkeypatch, tmp_path, capsys
):
    monkeypatch.setattr(module, "archives_of", lambda name: archives)
    arguments = ["cifar10", "--folder", str(tmp_path)]
    assert tool.main([*arguments, "--check"]) == 1
    assert "2 files are not in" in capsys.readouterr().out
    assert tool.main(arguments) == 0
    assert "CIFAR-10: ready" in capsys.readouterr().out
    assert tool.main(arguments) == 0
    assert "CIFAR-10: already there" in capsys.readouterr().out
    assert tool.main([*arguments, "--check"]) == 0
    assert "complete" in capsys.readouterr().out
    (tmp_path / "batches" / "one").write_bytes(b"mine")
    assert tool.main([*arguments, "--check"]) == 1
    assert str(tmp_path / "batches" / "one") in capsys.readouterr().err


def test_the_tool_knows_two_names(capsys):
    with pytest.raises(SystemExit):
        tool.main(["imagenet"])
    assert "there are mnist, cifar10" in capsys.readouterr().err


# --- Batches --------------------------------------------------------------------------


def numbered(count, side=2):
    """Images that all differ, with their numbers as labels."""
    numbers = torch.arange(count)
    return numbers.float()[:, None, None, None].expand(-1, 1, side, side), numbers


def seen(batches):
    """The labels of an epoch, batch by batch."""
    labels = []
    for images, numbers in batches:
        assert torch.equal(images[:, 0, 0, 0].long(), numbers)
        labels.append(numbers.tolist())
    return labels


def flat(lists):
    return [item for part in lists for item in part]


@pytest.mark.parametrize(("count", "batch_size"), [(10, 3), (12, 3), (5, 8), (1, 1)])
@pytest.mark.parametrize("shuffle", [True, False])
def test_every_image_is_seen_once_an_epoch(count, batch_size, shuffle):
    batches = Batches(*numbered(count), batch_size, shuffle=shuffle)
    for _ in range(2):
        parts = seen(batches)
        assert len(parts) == len(batches) == -(-count // batch_size)
        assert sorted(flat(parts)) == list(range(count))
        assert all(len(part) == batch_size for part in parts[:-1])
        if not shuffle:
            assert flat(parts) == list(range(count))


def test_the_order_depends_on_seed_and_epoch_and_on_nothing_else():
    orders = [flat(seen(batches)) for batches in [Batches(*numbered(50), 8)] * 3]
    assert orders[0] != orders[1] != orders[2] != orders[0]
    torch.manual_seed(99)
    again = Batches(*numbered(50), 7)
    assert [flat(seen(again)) for _ in range(3)] == orders
    other = Batches(*numbered(50), 8, seed=1)
    assert flat(seen(other)) not in orders
    again.set_epoch(1)
    assert [flat(seen(again)) for _ in range(2)] == orders[1:]
    before = torch.random.get_rng_state()
    seen(again)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_a_resumed_run_gets_the_batches_of_an_uninterrupted_one():
    data = load("shapes", "cpu", counts=(70, 30))
    whole = Batches(*data.train, 16, augment=True, seed=5)
    epochs = [list(whole) for _ in range(4)]
    resumed = Batches(*data.train, 16, augment=True, seed=5)
    resumed.set_epoch(2)
    for expected in epochs[2:]:
        for (images, labels), (x, y) in zip(expected, resumed, strict=True):
            assert torch.equal(images, x)
            assert torch.equal(labels, y)


def test_an_epoch_begun_and_left_counts_as_one():
    batches = Batches(*numbered(50), 8)
    iter(batches)
    assert batches.epoch == 1


def test_drop_last_leaves_out_what_does_not_fill_a_batch():
    batches = Batches(*numbered(11), 4, drop_last=True)
    parts = seen(batches)
    assert [len(part) for part in parts] == [4, 4]
    assert len(batches) == 2
    assert len(set(flat(parts))) == 8


@pytest.mark.parametrize("count", [12, 13, 14, 17, 100])
@pytest.mark.parametrize(("world", "batch_size"), [(2, 6), (3, 4), (4, 1), (1, 5)])
@pytest.mark.parametrize("drop_last", [True, False])
def test_ranks_share_an_epoch_in_equally_many_batches(
    count, world, batch_size, drop_last
):
    ranks = [
        Batches(*numbered(count), batch_size, drop_last=drop_last, ranks=(rank, world))
        for rank in range(world)
    ]
    parts = [seen(rank) for rank in ranks]
    assert len({len(rank) for rank in parts}) == 1  # else one would wait for ever
    assert [len(rank) for rank in parts] == [len(rank) for rank in ranks]
    together = sorted(flat(flat(parts)))
    assert len(set(together)) == len(together)
    sizes = {len(batch) for rank in parts for batch in rank}
    if drop_last:
        assert sizes == {batch_size}
    else:
        assert together == list(range(count))
        assert 0 < min(sizes) <= max(sizes) <= batch_size + 1
    assert sorted(flat(parts[0])) != list(range(len(flat(parts[0])))) or world == 1


def test_ranks_augment_an_image_as_one_process_would():
    data = load("shapes", "cpu", counts=(70, 30))
    alone = Batches(data.train.images, torch.arange(70), 70, augment=True)
    ((images, numbers),) = alone
    images = images[numbers.argsort()]
    for rank in range(3):
        share = Batches(
            data.train.images, torch.arange(70), 9, augment=True, ranks=(rank, 3)
        )
        for x, which in share:
            assert torch.equal(x, images[which])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"augment": "rotate"}, "augment is True, False"),
        ({"batch_size": 0}, "batch_size must be 1 or more"),
        ({"ranks": (2, 2)}, "rank < world"),
        ({"ranks": (0, 11)}, "do not fill a batch"),
        ({"batch_size": 11, "drop_last": True}, "do not fill a batch"),
        ({"labels": torch.arange(9)}, "10 images, but 9 labels"),
        ({"images": torch.zeros(10, 4), "augment": True}, r"not \(N, C, H, W\)"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(options, message):
    images, labels = numbered(10)
    with pytest.raises(ValueError, match=message):
        Batches(**{"images": images, "labels": labels, "batch_size": 4, **options})


def test_images_need_not_be_images_unless_they_are_moved():
    ((x, y),) = Batches(torch.arange(6.0)[:, None], torch.arange(6), 6)
    assert torch.equal(x[:, 0].long(), y)


# --- Augmentation ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def few():
    """Three images as bytes, and normalised as torchvision's pipeline would."""
    raw = module._drawn(200, 0)[0][:3, :, :, :28]  # not square
    mean, std = torch.tensor([0.4, 0.5, 0.6]), torch.tensor([0.2, 0.25, 0.3])
    return raw, mean, std


def by_torchvision(raw, mean, std, top, left, mirrored):
    """Pad with black, crop, flip, scale to 1 and normalise: in torchvision's order."""
    H, W = raw.shape[-2:]
    x = functional.crop(functional.pad(raw, [PADDING] * 4), top, left, H, W)
    x = functional.hflip(x) if mirrored else x
    return functional.normalize(x.float() / 255, mean.tolist(), std.tolist())


@pytest.mark.parametrize("mirrored", [False, True])
def test_all_81_crops_and_both_flips_are_those_of_torchvision(few, mirrored):
    raw, mean, std = few
    images = functional.normalize(raw.float() / 255, mean.tolist(), std.tolist())
    offsets = torch.cartesian_prod(torch.arange(9), torch.arange(9))
    for number, image in enumerate(images):
        batch = image.expand(81, -1, -1, -1)
        x = crop(batch, offsets[:, 0], offsets[:, 1], (0 - mean) / std)
        x = flipped(x, torch.full((81,), mirrored))
        assert x.shape == (81, 3, 32, 28)
        expected = [
            by_torchvision(raw[number], mean, std, top, left, mirrored)
            for top, left in offsets.tolist()
        ]
        assert (x - torch.stack(expected)).abs().max() < 1e-6


def test_each_image_of_a_batch_gets_its_own_crop_and_flip(few):
    raw, mean, std = few
    images = functional.normalize(raw.float() / 255, mean.tolist(), std.tolist())
    top, left = torch.tensor([0, 8, 3]), torch.tensor([5, 0, 4])
    mirrored = torch.tensor([True, False, True])
    x = flipped(crop(images, top, left, (0 - mean) / std), mirrored)
    for i in range(3):
        drawn = top[i].item(), left[i].item(), mirrored[i].item()
        expected = by_torchvision(raw[i], mean, std, *drawn)
        assert (x[i] - expected).abs().max() < 1e-6


def moves(batches):
    """What was drawn for each image of an epoch: (row, column, mirrored).

    The images hold their own coordinates, so that an augmented one tells.
    """
    drawn = []
    for images, _ in batches:
        row, column = images[:, 0, 16, 16] - 16, images[:, 1, 16, 16]
        mirrored = images[:, 1, 16, 16] > images[:, 1, 16, 17]
        # Column 16 is column 15 of the crop before mirroring.
        column = torch.where(mirrored, column - 15, column - 16)
        drawn.append(torch.stack([row + PADDING, column + PADDING, mirrored], dim=1))
    return torch.cat(drawn).long()


@pytest.fixture(scope="module")
def coordinates():
    rows = torch.arange(32.0)[:, None].expand(32, 32)
    image = torch.stack([rows, rows.T])
    return image.expand(8100, 2, 32, 32), torch.zeros(8100, dtype=torch.long)


def test_crops_and_flips_are_drawn_uniformly(coordinates):
    top, left, mirrored = moves(Batches(*coordinates, 900, augment=True)).T
    counts = torch.bincount((top * 9 + left) * 2 + mirrored, minlength=162).double()
    assert len(counts) == 162
    expected = 8100 / 162
    chi_square = ((counts - expected) ** 2 / expected).sum().item()
    # 161 degrees of freedom: mean 161, standard deviation 17.9.
    assert 161 - 4 * 17.9 < chi_square < 161 + 4 * 17.9


@pytest.mark.parametrize(
    ("augment", "cropped", "mirrored"),
    [(False, False, False), ("crop", True, False), ("flip", False, True)],
)
def test_crop_and_flip_can_be_had_alone(coordinates, augment, cropped, mirrored):
    images, labels = (values[:200] for values in coordinates)
    drawn = moves(Batches(images, labels, 50, augment=augment))
    assert (len(drawn[:, :2].unique()) > 1) == cropped
    assert (len(drawn[:, 2].unique()) > 1) == mirrored
    both = moves(Batches(images, labels, 50, augment=True))
    if cropped:
        assert torch.equal(drawn[:, :2], both[:, :2])
    if mirrored:
        assert torch.equal(drawn[:, 2], both[:, 2])


def test_the_border_is_black_unless_told_otherwise():
    data = load("shapes", "cpu", counts=(70, 30))
    silent = next(iter(Batches(*data.train, 70, augment="crop")))[0]
    given = Batches(*data.train, 70, augment="crop", pad_value=data.pad_value)
    assert torch.equal(next(iter(given))[0], silent)
    number = Batches(*data.train, 70, augment="crop", pad_value=77.0)
    assert (next(iter(number))[0] == 77).any()


def test_batches_leave_the_data_set_as_it_is():
    data = load("shapes", "cpu", counts=(70, 30))
    before = data.train.images.clone()
    for augment in (False, True):
        for images, labels in Batches(*data.train, 32, shuffle=False, augment=augment):
            images.zero_()
            labels.zero_()
    assert torch.equal(data.train.images, before)
    assert data.train.labels.any()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_draws_what_the_cpu_draws():
    on_cpu, on_gpu = (load("shapes", name, counts=(70, 30)) for name in ("cpu", "cuda"))
    pairs = [Batches(*data.train, 32, augment=True) for data in (on_cpu, on_gpu)]
    for (x, y), (a, b) in zip(*pairs, strict=True):
        assert a.is_cuda
        assert torch.equal(y, b.cpu())
        assert (x - a.cpu()).abs().max() < 1e-5
