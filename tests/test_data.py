"""Data sets, their downloads from a server on this computer, and batches of them."""

import contextlib
import gzip
import hashlib
import http.server
import io
import os
import pickle
import random
import re
import socket
import subprocess
import sys
import tarfile
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision.datasets import CIFAR10, MNIST
from torchvision.transforms import functional

from helpers.data import (
    PADDING,
    SAMPLES,
    SHAPES,
    Batches,
    DataError,
    crop,
    downloads,
    flipped,
    load,
    missing,
)
from helpers.data.shapes import draw_shapes
from tools import data as tool
from tools import fetch
from tools.fetch import download

ROOT = Path(__file__).resolve().parents[1]
# What the seeds give, on every machine.
DIGITS_PATTERN = 284199
DIGITS_MD5 = "9b335364a7bfd63947c7480a5bd51f2d"  # of the file in scikit-learn
SHAPES_MD5 = "4881dda6ca5227dd414cb39ee15347c2"
ORDER = [44, 39, 7, 6, 17]


def md5(content):
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def everything(folder):
    """Relative path and content of each file in a folder, but for the lock."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
    return {path: content for path, content in found.items() if path != ".lock"}


# --- Data sets that need no download --------------------------------------------------


@pytest.mark.parametrize(
    ("name", "options"), [("digits", {}), ("digits", {"size": 32}), ("shapes", {})]
)
def test_a_stand_in_is_normalised_and_says_what_it_is(name, options):
    data = load(name, "cpu", **options)
    for images, labels in (data.train, data.test):
        assert (images.dtype, labels.dtype) == (torch.float32, torch.int64)
        assert len(images) == len(labels)
        assert set(labels.tolist()) == set(range(10))
    assert data.train.images.mean((0, 2, 3)).abs().max() < 1e-4
    assert (data.train.images.std((0, 2, 3)) - 1).abs().max() < 1e-3
    assert data.test.images.mean((0, 2, 3)).abs().max() < 0.1
    assert "stand-in" in data.title
    assert data.stand_in == {"digits": "MNIST", "shapes": "CIFAR-10"}[name]
    assert data.stand_in in data.title
    assert len(data.classes) == 10
    # Black is what Batches takes for the border unless it is told otherwise.
    assert torch.equal(data.pad_value, data.train.images.amin((0, 2, 3)))


def test_the_digits_are_those_of_scikit_learn_each_once():
    table = SAMPLES / "digits.csv.gz"
    assert md5(table.read_bytes()) == DIGITS_MD5
    data = load("digits", "cpu")
    assert data.train.images.shape == (1438, 1, 8, 8)
    grey = torch.cat([data.train.images, data.test.images]) * data.std + data.mean
    ours = sorted((grey * 16).round().flatten(1).tolist())
    assert ours == sorted(np.loadtxt(table, delimiter=",")[:, :64].tolist())
    assert (torch.arange(359) * data.test.labels).sum().item() == DIGITS_PATTERN


@pytest.mark.parametrize(("size", "border"), [(32, 4), (28, 3)])
def test_digits_enlarged_lie_in_a_black_border(size, border):
    images = load("digits", "cpu", size=size).train.images
    assert images.shape == (1438, 1, size, size)
    for side in (images, images.transpose(2, 3), images.flip(2), images.flip(3).mT):
        assert (side[:, :, :border] == images.min()).all()
    assert (images[:, :, border] > images.min()).any()


def test_the_shapes_are_the_same_on_every_machine_and_drawn_once():
    kept = draw_shapes(200, 0)
    assert md5(kept[0].numpy().tobytes()) == SHAPES_MD5
    assert torch.bincount(kept[1]).tolist() == [20] * 10
    data = load("shapes", "cpu", counts=(200, 30))
    assert data.train.images.shape == (200, 3, 32, 32)
    assert data.test.images.shape == (30, 3, 32, 32)
    assert data.classes == SHAPES
    for values in data.train:
        values.zero_()  # what a caller does to its tensors stays there
    assert draw_shapes(200, 0) is kept
    assert md5(kept[0].numpy().tobytes()) == SHAPES_MD5
    assert kept[1].any()


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("imagenet", {}, "no data set 'imagenet'; there are mnist, cifar10, digits"),
        ("shapes", {"size": 64}, r'size is for "mnist" \(from 28\)'),
        ("digits", {"size": 7}, r'"digits" \(from 8\): 7'),
        ("mnist", {"size": 27}, r'size is for "mnist" \(from 28\).*: 27'),
        ("digits", {"counts": (5, 5)}, "`counts` is for"),
        ("shapes", {"counts": (0, 5)}, "at least one image"),
    ],
)
def test_what_cannot_be_loaded_is_refused(name, options, message):
    with pytest.raises(ValueError, match=message):
        load(name, "cpu", **options)


def test_importing_is_cheap_and_the_folder_can_be_chosen(monkeypatch, tmp_path):
    monkeypatch.setenv("CONVNETS_DATA", str(tmp_path))
    code = (
        "import sys, helpers.data as d; print(d.DATA, [name for name in ('torchvision',"
        "'IPython', 'ipywidgets', 'jupyter_core') if name in sys.modules])"
    )
    run = [sys.executable, "-c", code]
    told = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == f"{tmp_path} []"


# --- Downloaded data sets, made here in the official format ---------------------------


def idx(array):
    """The bytes of an array in MNIST's format."""
    header = bytes([0, 0, 8, array.ndim])
    sizes = b"".join(side.to_bytes(4, "big") for side in array.shape)
    return header + sizes + array.tobytes()


@pytest.fixture
def real(tmp_path, monkeypatch):
    """A folder with both data sets, small and random, and their sums known."""
    draw = np.random.default_rng(0)
    raw, batches = tmp_path / "MNIST" / "raw", tmp_path / CIFAR10.base_folder
    for folder in (raw, batches):
        folder.mkdir(parents=True)
    for half, count in (("train", 30), ("t10k", 10)):
        images = draw.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        labels = draw.integers(0, 10, count, dtype=np.uint8)
        (raw / f"{half}-images-idx3-ubyte").write_bytes(idx(images))
        (raw / f"{half}-labels-idx1-ubyte").write_bytes(idx(labels))
    for name, _ in CIFAR10.train_list + CIFAR10.test_list:
        pixels = draw.integers(0, 256, (20, 3072), dtype=np.uint8)
        batch = {"data": pixels, "labels": draw.integers(0, 10, 20).tolist()}
        (batches / name).write_bytes(pickle.dumps(batch, protocol=2))
    names = pickle.dumps({"label_names": list("abcdefghij")}, protocol=2)
    (batches / "batches.meta").write_bytes(names)
    sums = {path: md5(content) for path, content in everything(tmp_path).items()}
    archives = [([], "archive", "0" * 32, sums)]
    monkeypatch.setattr(downloads, "archives_of", lambda name: archives)
    return tmp_path


def as_bytes(data, split):
    """The pixels before normalising, (N, C, H, W)."""
    pixels = split.images * data.std[:, None, None] + data.mean[:, None, None]
    return (pixels * 255).round().byte()


def test_mnist_is_read_as_torchvision_reads_it(real):
    data = load("mnist", "cpu", real)
    assert (data.title, data.stand_in) == ("MNIST", None)
    assert data.classes == tuple("0123456789")
    for split, train in ((data.train, True), (data.test, False)):
        expected = MNIST(real, train=train)
        assert torch.equal(as_bytes(data, split)[:, 0], expected.data)
        assert torch.equal(split.labels, expected.targets)
    assert data.train.images.std() == pytest.approx(1, abs=1e-3)
    large = load("mnist", "cpu", real, size=32).train.images
    assert large.shape == (30, 1, 32, 32)
    assert (large[:, :, :2] == large.min()).all()
    assert (large[:, :, :, -2:] == large.min()).all()


def test_cifar10_is_read_batch_by_batch(real):
    data = load("cifar10", "cpu", real)
    assert (data.title, data.stand_in) == ("CIFAR-10", None)
    assert data.classes == tuple("abcdefghij")
    halves = (data.train, CIFAR10.train_list), (data.test, CIFAR10.test_list)
    for split, names in halves:
        files = [(real / CIFAR10.base_folder / name).read_bytes() for name, _ in names]
        parts = [pickle.loads(file) for file in files]
        # Each row of a file holds 1024 red values, 1024 green ones and 1024 blue ones.
        expected = np.concatenate([part["data"] for part in parts])
        assert split.images.shape == (20 * len(names), 3, 32, 32)
        assert np.array_equal(as_bytes(data, split).flatten(1).numpy(), expected)
        assert split.labels.tolist() == [k for part in parts for k in part["labels"]]


FILES = [
    ("mnist", "digits", "MNIST/raw/t10k-labels-idx1-ubyte"),
    ("cifar10", "shapes", "cifar-10-batches-py/data_batch_4"),
]


@pytest.mark.parametrize(("name", "other", "file"), FILES)
def test_what_is_missing_is_told_in_one_sentence(name, other, file, real):
    (real / file).unlink()
    with pytest.raises(FileNotFoundError) as told:
        load(name, "cpu", real, stand_in=False)
    for part in ("`make data`", f"python -m tools.data {name}", repr(other)):
        assert part in str(told.value)
    assert f"{Path(file).name} is missing" in str(told.value)
    assert "\n" not in str(told.value)
    with pytest.raises(FileNotFoundError):
        load(name, "cpu", real / "nowhere", stand_in=False)
    assert not (real / "nowhere").exists()


@pytest.mark.parametrize(("name", "other", "file"), FILES)
def test_what_was_not_downloaded_gets_a_stand_in_of_its_size(name, other, file, real):
    original = load(name, "cpu", real)
    (real / file).unlink()
    data = load(name, "cpu", real)
    assert (data.name, data.stand_in) == (other, original.title)
    assert "stand-in" in data.title
    assert data.train.images[0].shape == original.train.images[0].shape
    if name == "mnist":
        assert load(name, "cpu", real, size=32).train.images.shape[2:] == (32, 32)


def test_the_suite_uses_stand_ins_whatever_lies_in_data():
    """`conftest.py` says so to this process, and so to the notebooks' kernels."""
    assert os.environ["CONVNETS_DATA"] == str(downloads.DATA)
    assert not downloads.DATA.exists()
    assert [load(name, "cpu").stand_in for name in ("mnist", "cifar10")] == [
        "MNIST",
        "CIFAR-10",
    ]


@pytest.mark.parametrize("damage", [lambda old: old[:9], lambda old: old[:-1] + b"?"])
@pytest.mark.parametrize(("name", "other", "file"), FILES)
def test_a_damaged_file_is_named_and_left_alone(name, other, file, damage, real):
    (real / file).write_bytes(damage((real / file).read_bytes()))
    before = everything(real)
    for attempt in (lambda: load(name, "cpu", real), lambda: download(name, real)):
        with pytest.raises(DataError, match=re.escape(str(real / file))):
            attempt()
    assert everything(real) == before


# --- Downloads, from this computer ----------------------------------------------------


class Server(http.server.ThreadingHTTPServer):
    """Serves `files`; breaks off its next answers after so many bytes as `cuts` has."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.cuts, self.ranges, self.sized = {}, [], True, True
        self.starts = []  # of what was asked for
        self.address = f"http://127.0.0.1:{self.server_port}/"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        server, content = self.server, self.server.files.get(self.path[1:])
        start = int(self.headers["Range"].removeprefix("bytes=").rstrip("-"))
        server.starts.append(start)
        if content is None or (server.ranges and start >= len(content)):
            self.send_error(404 if content is None else 416)
            return
        rest = content[start:] if server.ranges else content
        self.send_response(206 if server.ranges else 200)
        if server.sized:
            self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        self.wfile.write(rest[: server.cuts.pop(0) if server.cuts else None])

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


def packed(contents):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


PARTS = {name: random.Random(name).randbytes(4000) for name in ("set/one", "set/two")}
PACKED = packed({**PARTS, "other": b"other"})
COMPLETE = {"set.tar.gz": PACKED, **PARTS}


@pytest.fixture
def archive(server, monkeypatch):
    """What "cifar10" consists of: one archive of two files, on the server."""
    server.files["set.tar.gz"] = PACKED
    sums = {name: md5(content) for name, content in PARTS.items()}
    archive = [[f"{server.address}set.tar.gz"], "set.tar.gz", md5(PACKED), sums]
    monkeypatch.setattr(downloads, "archives_of", lambda name: [archive])
    return archive


def test_a_download_is_unpacked_and_a_second_one_fetches_nothing(
    server, archive, tmp_path, capsys
):
    folder = tmp_path / "new" / "folder"
    download("cifar10", folder)
    assert "CIFAR-10: ready" in capsys.readouterr().out
    assert everything(folder) == COMPLETE
    assert [path.name for path in tmp_path.iterdir()] == ["new"]  # nothing beside it
    (folder / "set.tar.gz").unlink()  # which may be deleted
    download("cifar10", folder)
    assert "CIFAR-10: already there" in capsys.readouterr().out
    assert len(server.starts) == 1


@pytest.mark.parametrize("ranges", [True, False])
@pytest.mark.parametrize("cut", [0, 1, 4000, len(PACKED) - 1])
def test_a_download_cut_anywhere_is_never_trusted_and_goes_on(
    cut, ranges, server, archive, tmp_path, capsys
):
    server.cuts, server.ranges = [cut, 0, 0] if ranges else [cut] * 3, ranges
    with pytest.raises(DataError, match="cut off"):
        download("cifar10", tmp_path)
    assert everything(tmp_path) == {"set.tar.gz.part": PACKED[:cut]}
    assert missing("cifar10", tmp_path) == list(PARTS)
    server.cuts = [3]  # and one break that the same run overcomes
    download("cifar10", tmp_path)
    assert everything(tmp_path) == COMPLETE
    rest = 1 if cut == len(PACKED) - 1 and ranges else 3
    assert server.starts[:4] == [0, cut, cut, cut]
    assert server.starts[4:] == ([cut + 3] if ranges else [3]) * (rest == 3)
    assert ("resumed" in capsys.readouterr().out) == ranges


def test_wrong_content_is_refused_and_not_kept(server, archive, tmp_path):
    server.files["set.tar.gz"] = b"<html>Please log in to this hotel's network"
    with pytest.raises(DataError, match="the md5 of what it sent is wrong"):
        download("cifar10", tmp_path)
    server.files["set.tar.gz"], server.sized, server.cuts = PACKED, False, [100] * 3
    with pytest.raises(DataError, match="the md5 of what it sent is wrong"):
        download("cifar10", tmp_path)
    assert everything(tmp_path) == {}


@pytest.mark.parametrize("part", [b"stale", PACKED + b"more", PACKED])
def test_a_wrong_beginning_is_thrown_away_and_all_of_it_used(
    part, server, archive, tmp_path
):
    (tmp_path / "set.tar.gz.part").write_bytes(part)
    download("cifar10", tmp_path)
    assert everything(tmp_path) == COMPLETE
    assert server.starts == [len(part), 0][: 1 + (part != PACKED)]


@pytest.mark.parametrize("name", ["set.tar.gz", "set/two"])
def test_a_foreign_file_in_place_is_named_and_not_overwritten(
    name, server, archive, tmp_path
):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(b"mine")
    with pytest.raises(DataError, match=re.escape(str(tmp_path / name))):
        download("cifar10", tmp_path)
    assert everything(tmp_path) == {name: b"mine"}
    assert server.starts == []


def test_only_what_is_missing_is_unpacked_from_an_archive_brought_along(
    server, archive, tmp_path
):
    one = tmp_path / "set" / "one"
    one.parent.mkdir()
    one.write_bytes(PARTS["set/one"])
    (tmp_path / "set.tar.gz").write_bytes(PACKED)
    (tmp_path / ".unpacking-killed").mkdir()
    before = one.stat().st_mtime_ns
    download("cifar10", tmp_path)
    assert everything(tmp_path) == COMPLETE
    assert not (tmp_path / ".unpacking-killed").exists()
    assert one.stat().st_mtime_ns == before
    assert server.starts == []


def test_no_archive_writes_outside_the_folder(server, archive, tmp_path):
    content = packed({"../../../evil": b"evil", **PARTS})
    server.files["set.tar.gz"], archive[2] = content, md5(content)
    with pytest.raises(tarfile.TarError, match="outside the destination"):
        download("cifar10", tmp_path / "in" / "data")
    assert everything(tmp_path / "in" / "data") == {"set.tar.gz": content}
    assert not list(tmp_path.rglob("*evil*"))


def test_what_an_archive_holds_is_checked_before_it_is_put_in_place(archive, tmp_path):
    archive[3] = {"set/one": "0" * 32}
    with pytest.raises(DataError, match="set/one is damaged"):
        download("cifar10", tmp_path)
    assert everything(tmp_path) == {"set.tar.gz": PACKED}


def test_a_gzipped_file_alone_comes_from_the_next_address(server, archive, tmp_path):
    content = gzip.compress(b"digits")
    server.files["a.gz"] = content
    urls = [f"{server.address}absent", f"{server.address}a.gz"]
    archive[:] = [urls, "raw/a.gz", md5(content), {"raw/a": md5(b"digits")}]
    download("mnist", tmp_path)
    assert everything(tmp_path) == {"raw/a": b"digits", "raw/a.gz": content}


def test_two_downloads_at_once_do_not_meet_in_one_file(archive, tmp_path):
    code = (
        "import sys, filelock; lock = filelock.FileLock(sys.argv[1]); lock.acquire();"
        "print('locked', flush=True); sys.stdin.read()"
    )
    run = [sys.executable, "-c", code, str(tmp_path / ".lock")]
    pipe = subprocess.PIPE
    with subprocess.Popen(run, stdin=pipe, stdout=pipe) as other:
        assert other.stdout.readline().strip() == b"locked"
        with pytest.raises(DataError, match="Another program is downloading"):
            download("cifar10", tmp_path)
        assert everything(tmp_path) == {}
        other.kill()  # even so, it leaves nothing in the way
    download("cifar10", tmp_path)
    assert everything(tmp_path) == COMPLETE


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux's full device")
def test_what_this_computer_refuses_is_told_in_a_sentence(
    archive, tmp_path, monkeypatch
):
    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", lambda path, mode: io.FileIO("/dev/full", "w"))
        with pytest.raises(DataError, match=r"No space left.*on the disk\?") as told:
            download("cifar10", tmp_path)
    assert "\n" not in str(told.value)
    assert not (tmp_path / "set.tar.gz").exists()
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be used"):
        download("cifar10", tmp_path / "file")


OUT = ("set", "set/one", "set.tar.gz.part", "set.tar.gz", ".lock")


@pytest.mark.parametrize("name", OUT)
def test_nothing_is_written_where_a_link_leads_out_of_the_folder(
    name, server, archive, tmp_path
):
    folder, outside = tmp_path / "data", tmp_path / "outside"
    (folder / name).parent.mkdir(parents=True)
    outside.mkdir()
    (outside / "file").write_bytes(b"mine")
    (folder / name).symlink_to(outside if name == "set" else outside / "file")
    with pytest.raises(DataError, match=r"leads out of .*outside|set/one is dam"):
        download("cifar10", folder)
    assert everything(outside) == {"file": b"mine"}
    assert server.starts == []
    (folder / name).unlink()  # the folder itself may be a link
    (tmp_path / "link").symlink_to(folder)
    download("cifar10", tmp_path / "link")
    assert everything(folder) == COMPLETE


def endless(piece, seconds=0.0, head=b"HTTP/1.1 200 OK\r\n\r\n"):
    """An answer that goes on and on."""
    yield head
    while True:
        yield piece
        time.sleep(seconds)


HEAD = b"HTTP/1.1 200 OK\r\n"
ODD = {
    "an endless body": (
        lambda: endless(b"x" * 65536),
        "it sends more than 20000 bytes",
    ),
    "too long": (
        lambda: [HEAD + b"Content-Length: 99999999\r\n\r\n"],
        "99999999 bytes",
    ),
    "a byte now and then": (lambda: endless(b"x", 0.1), "arrived after 1 seconds"),
    "a header now and then": (lambda: endless(b"x", 0.1, HEAD), "arrived after 1 sec"),
    "endless headers": (lambda: endless(b"A: b\r\n", 0, HEAD), "more than 100 headers"),
    "a long line": (lambda: [HEAD + b"A" * 70000], "more than 65536 bytes"),
    "no HTTP": (lambda: [b"\x1b[31mSSH-2.0\r\n\r\n"], "31mSSH-2.0"),
    "nothing": (list, "closed connection without response"),
    "no length": (lambda: [HEAD + b"Content-Length: many\r\n\r\nx"], "md5"),
    "below nothing": (lambda: [HEAD + b"Content-Length: -5\r\n\r\nx"], "md5"),
    "no content": (lambda: [b"HTTP/1.1 204 No\r\n\r\n"], "answered with status 204"),
    "broken chunks": (
        lambda: [HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"],
        "IncompleteRead",
    ),
    "a file here": (
        lambda: [b"HTTP/1.1 302 F\r\nLocation: file:///etc/passwd\r\n\r\n"],
        "not allowed",
    ),
    "no address": (
        lambda: [b"HTTP/1.1 302 F\r\nLocation: http://[/\r\n\r\n"],
        "Invalid IPv6",
    ),
    "colours": (lambda: [b"HTTP/1.1 500 \x1b[2J" + b"a" * 999 + b"\r\n\r\n"], "aaaa"),
}


@pytest.mark.parametrize("name", ODD)
def test_an_odd_answer_ends_in_a_sentence(name, archive, tmp_path, monkeypatch):
    answer, told = ODD[name]
    monkeypatch.setattr(fetch, "SECONDS", 1.0)
    monkeypatch.setattr(fetch, "SIZES", {"set.tar.gz": 20_000})
    listener = socket.create_server(("127.0.0.1", 0))
    archive[0] = [f"http://127.0.0.1:{listener.getsockname()[1]}/set.tar.gz"]

    def serve(caller):
        with caller, contextlib.suppress(OSError):
            caller.recv(65536)
            for piece in answer():
                caller.sendall(piece)

    def listen():
        with contextlib.suppress(OSError):
            while True:
                caller, _ = listener.accept()
                threading.Thread(target=serve, args=(caller,), daemon=True).start()

    threading.Thread(target=listen, daemon=True).start()
    start = time.monotonic()
    with listener, pytest.raises(DataError) as caught:
        download("cifar10", tmp_path)
    assert time.monotonic() - start < 10
    message = str(caught.value)
    assert told in message
    assert message.isprintable()
    assert len(message) < 1000
    assert sum(map(len, everything(tmp_path).values())) < 100  # what came is kept


def test_addresses_and_sums_are_those_of_torchvision():
    for urls, path, sum_, contents in downloads.archives_of("mnist"):
        assert 4000 < fetch.SIZES[Path(path).name] < 10_000_000
        ((inside, inner_sum),) = contents.items()
        assert path == f"{inside}.gz"
        assert urls == [f"{mirror}{Path(path).name}" for mirror in MNIST.mirrors]
        assert len(sum_) == len(inner_sum) == 32
    ((urls, _, _, contents),) = downloads.archives_of("cifar10")
    assert (urls, len(contents)) == ([CIFAR10.url], 7)
    assert fetch.SIZES[CIFAR10.filename] == 170_498_071
    with pytest.raises(ValueError, match='only "mnist" and "cifar10"'):
        download("digits")


def test_the_tool_downloads_checks_and_says_so(archive, tmp_path, capsys):
    def run(*options):
        status = tool.main(["cifar10", "--folder", str(tmp_path), *options])
        return status, *capsys.readouterr()

    (url,), archive[0] = archive[0], ["http://127.0.0.1:9/set.tar.gz"]
    status, _, said = run()  # no network: one line, exit code 1
    assert status == 1
    assert "could not be downloaded (127.0.0.1:9: " in said
    assert "Is there a network" in said
    assert "\n" not in said.strip()
    archive[0] = [url]
    status, told, _ = run("--check")
    assert (status, "2 files are not in" in told) == (1, True)
    assert run()[0] == 0
    status, told, _ = run("--check")
    assert (status, "complete" in told) == (0, True)
    (tmp_path / "set" / "one").write_bytes(b"mine")
    status, _, said = run("--check")
    assert (status, str(tmp_path / "set" / "one") in said) == (1, True)
    with pytest.raises(SystemExit):
        tool.main(["imagenet"])
    assert "there are mnist, cifar10" in capsys.readouterr().err


# --- Batches --------------------------------------------------------------------------


def numbered(count):
    """Images that all differ, with their numbers as labels."""
    numbers = torch.arange(count)
    return numbers.float()[:, None, None, None].expand(-1, 1, 2, 2), numbers


def seen(batches):
    """The labels of an epoch, batch by batch."""
    labels = []
    for images, numbers in batches:
        assert torch.equal(images[:, 0, 0, 0].long(), numbers)
        labels.append(numbers.tolist())
    return labels


def flat(lists):
    return [item for part in lists for item in part]


def test_the_order_depends_on_seed_and_epoch_and_on_nothing_else():
    before = torch.random.get_rng_state()
    batches = Batches(*numbered(50), 8)
    orders = [flat(seen(batches)) for _ in range(3)]
    assert orders[0][:5] == ORDER  # which the outputs of notebooks follow from
    assert orders[0] != orders[1] != orders[2] != orders[0]
    again = Batches(*numbered(50), 7)
    next(iter(again))  # an epoch begun and left counts as one
    assert [flat(seen(again)) for _ in range(2)] == orders[1:]
    again.set_epoch(0)
    assert flat(seen(again)) == orders[0]
    assert flat(seen(Batches(*numbered(50), 8, seed=1))) not in orders
    assert flat(seen(Batches(*numbered(50), 8, shuffle=False))) == list(range(50))
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("count", [12, 13, 17])
@pytest.mark.parametrize(
    ("world", "batch_size"), [(1, 4), (1, 20), (2, 6), (3, 4), (4, 1)]
)
@pytest.mark.parametrize("drop_last", [True, False])
def test_ranks_share_an_epoch_in_equally_many_batches(
    count, world, batch_size, drop_last
):
    if drop_last and batch_size > count:
        batch_size = count
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
        assert 0 < min(sizes) <= max(sizes) <= batch_size + (world > 1)


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


# --- Augmentation ---------------------------------------------------------------------


def test_ranks_and_resumed_runs_augment_an_image_as_one_process_would():
    images, numbers = (
        load("shapes", "cpu", counts=(70, 30)).train.images,
        torch.arange(70),
    )
    one = Batches(images, numbers, 70, augment=True)
    next(iter(one))
    ((whole, order),) = one
    for rank in range(3):
        shared = Batches(images, numbers, 9, augment=True, ranks=(rank, 3))
        shared.set_epoch(1)
        for x, which in shared:
            assert torch.equal(x, whole[order.argsort()][which])


def by_torchvision(raw, mean, std, top, left, mirrored):
    """Pad with black, crop, flip, scale to 1 and normalise: in torchvision's order."""
    H, W = raw.shape[-2:]
    x = functional.crop(functional.pad(raw, [PADDING] * 4), top, left, H, W)
    x = functional.hflip(x) if mirrored else x
    return functional.normalize(x.float() / 255, mean.tolist(), std.tolist())


@pytest.mark.parametrize("even", [False, True])
def test_all_81_crops_and_both_flips_are_those_of_torchvision(even):
    raw = draw_shapes(200, 0)[0][:81, :, :, :28]  # an image for each, not square
    mean, std = torch.tensor([0.4, 0.5, 0.6]), torch.tensor([0.2, 0.25, 0.3])
    images = functional.normalize(raw.float() / 255, mean.tolist(), std.tolist())
    places = torch.cartesian_prod(torch.arange(9), torch.arange(9))
    mirrored = (torch.arange(81) % 2 == 0) == even
    x = flipped(crop(images, *places.T, (0 - mean) / std), mirrored)
    assert x.shape == (81, 3, 32, 28)
    for i, (top, left) in enumerate(places.tolist()):
        expected = by_torchvision(raw[i], mean, std, top, left, mirrored[i])
        assert (x[i] - expected).abs().max() < 1e-6


def moves(augment):
    """What is drawn for each of 8100 images: (row, column, mirrored).

    The images hold their own coordinates, so that an augmented one tells.
    """
    rows = torch.arange(32.0)[:, None].expand(32, 32)
    images = torch.stack([rows, rows.T]).expand(8100, 2, 32, 32)
    drawn = []
    for x, _ in Batches(images, torch.zeros(8100), 900, augment=augment):
        row, column = x[:, 0, 16, 16] - 16, x[:, 1, 16, 16]
        mirrored = x[:, 1, 16, 16] > x[:, 1, 16, 17]
        # Column 16 is column 15 of the crop before mirroring.
        column = torch.where(mirrored, column - 15, column - 16)
        drawn.append(torch.stack([row + PADDING, column + PADDING, mirrored], dim=1))
    return torch.cat(drawn).long()


def test_crops_and_flips_are_drawn_uniformly_and_can_be_had_alone():
    both = moves(True)
    top, left, mirrored = both.T
    counts = torch.bincount((top * 9 + left) * 2 + mirrored, minlength=162).double()
    assert len(counts) == 162
    chi_square = ((counts - 50) ** 2 / 50).sum().item()
    # 161 degrees of freedom: mean 161, standard deviation 17.9.
    assert 161 - 4 * 17.9 < chi_square < 161 + 4 * 17.9
    still = torch.tensor([PADDING, PADDING, 0]).expand(8100, 3)
    assert torch.equal(moves(False), still)
    assert torch.equal(moves("crop"), torch.cat([both[:, :2], still[:, 2:]], dim=1))
    assert torch.equal(moves("flip"), torch.cat([still[:, :2], both[:, 2:]], dim=1))


def test_the_border_is_black_unless_told_otherwise_and_the_images_stay_as_they_are():
    data = load("shapes", "cpu", counts=(70, 30))
    before = data.train.images.clone()
    silent = next(iter(Batches(*data.train, 70, augment="crop")))[0]
    given = Batches(*data.train, 70, augment="crop", pad_value=data.pad_value)
    assert torch.equal(next(iter(given))[0], silent)
    number = Batches(*data.train, 70, augment="crop", pad_value=77.0)
    assert (next(iter(number))[0] == 77).any()
    for augment in (False, True):
        for images, labels in Batches(*data.train, 70, shuffle=False, augment=augment):
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
