"""The course on a GPU: a pretended one, which refuses what a real one would refuse."""

import ast
import configparser
import contextlib
import importlib
import json
import re
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest
import torch
from torch import nn
from torch.optim import optimizer
from torch.testing import assert_close

mpl.use("Agg")

from helpers import plots
from helpers.data import Batches, DataSet, Split, load
from helpers.device import best_device, describe_device, has_bf16
from helpers.exercises import engine
from helpers.networks import cifar_resnet, lenet5
from helpers.networks.named import Mirrored
from helpers.training import RECIPES, Options, evaluate, fit, restore, train
from helpers.training.loop import READ_EVERY
from tests.pretend_gpu import GPU, GpuTensor, pretend_gpu
from tests.training_child import same

ROOT = Path(__file__).parents[1]
TRAIN = "04", "05", "06", "07", "08", "09", "10", "11", "12", "14"  # lessons that train
# What takes too long, and something shorter; from there on, prints are not compared.
SHORTER = {
    "09": ("epochs=4):", "epochs=1):"),
    "10": ("epochs=3, seed=0", "epochs=1, seed=0"),
    "11": ("steps=40, size=32", "steps=5, size=32"),
    "12": ("return 20, 6, True", "return 8, 1, True"),
    "14": ("lr=0.002, steps=15", "lr=0.002, steps=2"),
}
MASKS = configparser.RawConfigParser()
MASKS.read(ROOT / "tests" / "nbval_sanitize.cfg", "utf-8")


def on(data, device):
    """The same data set, or whatever holds tensors, on another device."""
    if isinstance(data, DataSet):
        parts = [Split(*on(tuple(part), device)) for part in (data.train, data.test)]
        numbers = {name: getattr(data, name).to(device) for name in ("mean", "std")}
        return replace(data, train=parts[0], test=parts[1], **numbers)
    if isinstance(data, list | tuple):
        return type(data)([on(each, device) for each in data])
    return data.to(device) if isinstance(data, torch.Tensor) else data


@pytest.fixture(scope="module")
def shapes():
    return load("shapes", "cpu", counts=(70, 40))


@pytest.fixture(scope="module")
def digits():
    return load("digits", "cpu", size=32)


@pytest.fixture(autouse=True)
def _benchmark_as_it_was():
    before = torch.backends.cudnn.benchmark
    yield
    torch.backends.cudnn.benchmark = before


# --- The pretence ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "mixed",
    [
        lambda x: x + torch.ones(2, 3),
        lambda x: torch.ones(2, 3) @ x.T,
        lambda x: torch.cat([x, torch.ones(2, 3)]),
        lambda x: torch.stack([x[0, 0], torch.tensor(1.0)]),
        lambda x: torch.ones(3).add_(x[0]),
        lambda x: torch.tensor(1.0).add_(x[0, 0]),
        lambda x: torch.ones(3)[x[0].long()],
        lambda x: x.index_put_([torch.tensor([0])], torch.ones(3)),
        lambda x: nn.Linear(3, 4)(x),
        lambda x: nn.functional.cross_entropy(x, torch.tensor([0, 1])),
        lambda x: torch.rand(3, device="cuda", generator=torch.Generator()),
        lambda x: x.numpy(),
        lambda x: plt.plot(x),
    ],
)
def test_it_refuses_what_a_gpu_refuses(mixed):
    with pretend_gpu():
        x = torch.ones(2, 3, device="cuda")
        with pytest.raises((RuntimeError, TypeError), match=r"device|numpy"):
            mixed(x)
    plt.close("all")


@pytest.mark.parametrize(
    "allowed",
    [
        lambda x: x + torch.tensor(1.0) + 1,
        lambda x: x[torch.tensor([1, 0])],
        lambda x: x[x > 0],
        lambda x: x.copy_(torch.ones(2, 3)),
        lambda x: torch.ones(2, 3).to(x).requires_grad_(),
        lambda x: torch.as_tensor(x, dtype=torch.float64),
        lambda x: torch.as_tensor(torch.ones(2, 3), device="cuda"),
        lambda x: torch.zeros_like(torch.ones(2, 3), device="cuda"),
        lambda x: torch.zeros_like(x),
        lambda x: nn.Linear(3, 4).to("cuda")(x),
        lambda x: nn.Linear(3, 4, device="cuda")(x),
    ],
)
def test_it_takes_what_a_gpu_takes(allowed):
    with pretend_gpu():
        assert allowed(torch.ones(2, 3, device="cuda")).device == GPU


def test_it_comes_back_to_the_cpu():
    with pretend_gpu() as waits:
        x, w = torch.ones(2, 3, device="cuda"), torch.ones(3, requires_grad=True)
        (x @ w.to("cuda")).cpu().sum().backward()
        assert w.grad.tolist() == [2, 2, 2]
        assert w.grad.device.type == "cpu"
        assert torch.tensor([x.sum(), x[0, 0]]).tolist() == [6, 1]
        assert torch.zeros(3).copy_(x[0]).tolist() == [1, 1, 1]
        here = torch.zeros(3)
        here[1:] = x[0, 1:]
        assert here.tolist() == [0, 1, 1]
        assert waits["copy"] == 4
        assert torch.zeros_like(x, device="cpu").device.type == "cpu"
        assert waits["item"] == 2
        assert f"{x[0, 0]:.2f}" == "1.00"
        assert str(x[0]) == "tensor([1., 1., 1.], device='cuda:0')"
    assert not torch.empty(0).is_cuda


def test_moving_a_network_keeps_its_parameters():
    network = nn.Linear(3, 1)
    before = [*network.parameters()]
    with pretend_gpu():
        for device in ("cuda", "cpu"):
            network.to(device)
            assert all(a is b for a, b in zip(before, network.parameters()))
            assert all(isinstance(p, nn.Parameter) for p in before)
            assert {p.device.type for p in before} == {device}
            copied = [*deepcopy(network).parameters()]
            assert all(isinstance(p, nn.Parameter) for p in copied)
            assert {p.device.type for p in copied} == {device}


# --- Lessons --------------------------------------------------------------------------


def masked(text):
    """A text as CI compares it."""
    for name in MASKS.sections():
        text = re.sub(MASKS[name]["regex"], MASKS[name]["replace"], text)
    return text


def saved(cell):
    """What a cell of a notebook prints and shows, as text."""
    for output in cell["outputs"]:
        if output.get("name") == "stdout":
            yield "".join(output["text"])
        elif output["output_type"] == "display_data":
            yield "".join(output["data"]["text/plain"]) + "\n"


@pytest.fixture
def places(monkeypatch):
    """Devices of the parameters in each optimizer's steps.

    Figures are drawn, but not turned into pictures, which takes long and is done on the
    CPU anyway.
    """
    places = []

    def step(chosen, *_):
        params = [p for group in chosen.param_groups for p in group["params"]]
        places.extend({p.device.type for p in params if p.grad is not None})

    def check(*args, original=engine.check):
        before = len(places)
        try:
            return original(*args)
        finally:
            del places[before:]  # exercises are tried on the CPU

    hook = optimizer.register_optimizer_step_pre_hook(step)
    monkeypatch.setattr(engine, "check", check)
    monkeypatch.setattr(plots, "html_image", lambda figure, alt: plt.close(figure))
    monkeypatch.setattr(plots, "_png", lambda figure: "")
    yield places
    hook.remove()
    plt.close("all")


@pytest.mark.parametrize("number", TRAIN)
def test_a_lesson_trains_on_the_gpu_and_prints_the_same(number, places, capsys):
    (notebook,) = (ROOT / "notebooks" / "solutions").glob(f"{number}_*.ipynb")
    cells = json.loads(notebook.read_text("utf-8"))["cells"]
    space, whole = {"__name__": "__main__"}, True
    with pretend_gpu() as waits:
        for cell in cells:
            if cell["cell_type"] != "code":
                continue
            source = "".join(cell["source"])
            short = source.replace(*SHORTER.get(number, ("", "")))
            whole = whole and short == source
            exec(compile(short, notebook.name, "exec"), space)
            printed = masked(capsys.readouterr().out)
            tags = cell["metadata"].get("tags", [])
            if whole and "nbval-ignore-output" not in tags:
                assert printed == masked("".join(saved(cell))), source
    assert whole == (number not in SHORTER)
    assert {*places} <= {"cuda"}, f"{places.count('cpu')} steps on the CPU"
    assert waits.kernels > 5 * len(places)  # forward, back, and an update of each


def test_all_lessons_that_train_are_tried():
    sources = sorted((ROOT / "lessons").glob("l[0-9]*/lesson.py"))
    words = re.compile(r"^from helpers\.training import|\.backward\(", re.M)
    train = [s.parent.name[1:3] for s in sources if words.search(s.read_text("utf-8"))]
    assert train == [*TRAIN]


def test_no_lesson_loads_data_on_the_cpu_whatever_there_is():
    loads = []
    sources = {*(ROOT / "lessons").glob("l[0-9]*/*.py")}
    for source in sorted(sources - {*(ROOT / "lessons").glob("l*/test_lesson.py")}):
        for node in ast.walk(ast.parse(source.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "load":
                loads.append((source.parent.name, ast.unparse(node.args[1])))
    assert len(loads) > 12
    assert {place for _, place in loads} == {"device", "best_device()"}, loads


# --- Data -----------------------------------------------------------------------------


def test_data_are_loaded_to_the_gpu(shapes):
    with pretend_gpu():
        assert best_device().type == "cuda"
        assert describe_device() == "pretended GPU, 80 GiB"
        assert not has_bf16(best_device())
        data = load("shapes", counts=(70, 40))
        for there, here in zip(data.train + data.test, shapes.train + shapes.test):
            assert there.is_cuda
            assert_close(there.cpu(), here, rtol=0, atol=0)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"shuffle": False, "drop_last": True},
        {"augment": "crop"},
        {"augment": "flip"},
        {"augment": True, "ranks": (1, 2), "pad_value": 0.5},
    ],
    ids=str,
)
def test_batches_are_those_of_the_cpu(options, shapes):
    here = [*Batches(*shapes.train, 16, **options)]
    with pretend_gpu() as waits:
        batches = Batches(*on(shapes, "cuda").train, 16, **options)
        waits.clear()
        there = [*batches]
        assert waits.total() == 1  # an epoch's indices, copied at once
        assert all(tensor.is_cuda for batch in there for tensor in batch)
        assert_close(on(there, "cpu"), here, rtol=0, atol=0)


# --- Training -------------------------------------------------------------------------


def fitted(data, device, epochs=2, **options):
    """Fit a small network to the shapes: it, and its history without times."""
    data = on(data, device)
    torch.manual_seed(0)
    network = cifar_resnet(8).to(device)
    batches = Batches(*data.train, 32, augment=True)
    test = Batches(*data.test, 20, shuffle=False)
    options = Options(label_smoothing=0.1, clip=1.0, channels_last=True, **options)
    history = fit(network, batches, test, epochs, options=options, progress=False)
    return network, [row[:6] for row in history.rows]


@pytest.fixture(scope="module")
def on_cpu(shapes):
    return fitted(shapes, "cpu")


def state(network):
    """The state of a network, wherever that is, on the CPU."""
    return {name: value.cpu() for name, value in network.state_dict().items()}


def test_fit_is_that_of_the_cpu(shapes, on_cpu):
    with pretend_gpu():
        network, rows = fitted(shapes, "cuda")
        assert all(p.is_cuda for p in network.parameters())
        assert same(state(network), state(on_cpu[0]))
    assert rows == on_cpu[1]


@pytest.mark.parametrize("devices", [("cuda", "cpu"), ("cpu", "cuda")], ids="-".join)
def test_a_run_goes_on_on_another_device(
    devices, shapes, on_cpu, tmp_path, monkeypatch
):
    monkeypatch.setattr(torch, "load", Mock(wraps=torch.load))
    path = tmp_path / "run.pt"
    for epochs, device in enumerate(devices, 1):
        with pretend_gpu() if device == "cuda" else contextlib.nullcontext():
            network, rows = fitted(
                shapes, device, epochs, checkpoint=path, resume=epochs > 1
            )
            assert same(state(network), state(on_cpu[0])) == (epochs == 2)
            restored = cifar_resnet(8).to(device)
            restore(restored, path)
            assert same(state(restored), state(network))
    assert rows == on_cpu[1]
    for call in torch.load.call_args_list:  # else it would ask for the saved device
        assert call.kwargs["map_location"] == "cpu"


def test_fit_says_which_is_on_the_wrong_device(shapes):
    with pretend_gpu():
        batches = Batches(*on(shapes, "cuda").train, 32)
        with pytest.raises(ValueError, match=r"try network.to\('cuda:0'\)"):
            fit(cifar_resnet(8), batches, epochs=1, progress=False)


@pytest.mark.parametrize("recipe", ["lecture", "fast"])
def test_train_is_that_of_the_cpu(recipe, shapes):
    told = replace(RECIPES[recipe], batch_size=32, bf16=False)
    here = train("resnet8", shapes, told, 1, progress=False)
    with pretend_gpu():
        there = train("resnet8", on(shapes, "cuda"), told, 1, progress=False)
        assert all(p.is_cuda for p in there.network.parameters())
        # One kernel for all parameters rounds in another way.
        assert_close(state(there.network), state(here.network), rtol=1e-4, atol=1e-5)
    assert there.accuracy == pytest.approx(here.accuracy)
    assert (there.mirrored is None) == (recipe == "lecture")


@pytest.mark.parametrize("works", [True, False])
def test_the_network_is_left_uncompiled(works, shapes, monkeypatch, capsys):
    def call(*_):
        raise RuntimeError("no C compiler\nin a long report")

    def compile(network, **_):
        network._compiled_call_impl = network._call_impl if works else call

    with pretend_gpu():
        monkeypatch.setattr(nn.Module, "compile", compile)
        told = replace(RECIPES["fast"], batch_size=32)
        result = train("resnet8", on(shapes, "cuda"), told, 1, progress=False)
    assert result.recipe.compiled == works
    assert result.network._compiled_call_impl is None
    told = "" if works else "Not compiled, so slower: no C compiler\n"
    assert capsys.readouterr().err == told


def test_evaluate_and_mirrored_are_those_of_the_cpu(shapes, on_cpu):
    here = evaluate(Mirrored(on_cpu[0]), [shapes.test])
    with pretend_gpu():
        torch.manual_seed(0)
        network = cifar_resnet(8).to("cuda")
        network.load_state_dict(on_cpu[0].state_dict())
        assert evaluate(Mirrored(network), [on(shapes, "cuda").test]) == here


@pytest.mark.parametrize("augment", [False, True])
def test_steps_do_not_wait_for_the_gpu(augment):
    def waits(steps):
        with pretend_gpu() as waits:
            images = torch.ones(4 * steps, 1, 4, 4, device="cuda")
            labels = torch.zeros(4 * steps, dtype=torch.int64, device="cuda")
            network = nn.Sequential(nn.Flatten(), nn.Linear(16, 2)).to("cuda")
            batches = Batches(images, labels, 4, augment=augment)
            waits.clear()
            fit(network, batches, epochs=1, progress=False)
            return waits.total()

    few, many = waits(2 * READ_EVERY), waits(6 * READ_EVERY)
    assert few < 20
    assert many - few <= 2 * 4  # the loss is read twice, every READ_EVERY steps


# --- What shows tensors ---------------------------------------------------------------


def explorers(digits, shapes):
    """Makers of explorers, with the tensors that they get."""

    def example(lesson, name):
        (folder,) = (ROOT / "lessons").glob(f"l{lesson}_*")
        return getattr(importlib.import_module(f"lessons.{folder.name}.explorer"), name)

    def map_explorer(images, labels):
        torch.manual_seed(0)
        network = lenet5().to(images.device)
        return example("06", "map_explorer")(network, images, labels)

    generator = torch.Generator().manual_seed(0)

    def draw(*shape):
        return torch.randn(*shape, generator=generator)

    sliding, choose = example("01", "sliding_window"), example("01", "weight_chooser")
    yield sliding, (draw(12), draw(7))
    yield choose, (draw(60), draw(60))
    yield example("02", "window_explorer"), (draw(5, 6), draw(3, 3), draw(3, 4))
    yield example("02", "kernel_explorer"), (255 * draw(20, 24).abs(),)
    yield example("05", "pool_explorer"), (draw(6, 7).round(),)
    yield map_explorer, (*digits.test,)
    yield example("10", "norm_explorer"), (draw(3, 4, 2, 2),)
    yield example("12", "error_explorer"), (shapes, draw(40, 10))


def test_explorers_take_tensors_on_the_gpu(digits, shapes):
    for make, given in explorers(digits, shapes):
        here = make(*given)
        with pretend_gpu():
            there = make(*on(given, "cuda"))
            assert there.describe() == here.describe()
            assert there.still() == here.still()


def test_explorers_are_made_beside_a_gpu():
    for source in sorted((ROOT / "lessons").glob("l[0-9]*/explorer.py")):
        module = importlib.import_module(f"lessons.{source.parent.name}.explorer")
        with pretend_gpu():
            for make in module.EXAMPLES.values():
                assert make().still()


def test_figures_take_tensors_on_the_gpu(monkeypatch, capsys):
    monkeypatch.setattr(plots, "html_image", lambda figure, alt: plt.close(figure))
    with pretend_gpu():
        x = torch.linspace(0, 1, 9, device="cuda")
        plots.show_lines(x, {"a": x**2, "b": x[1:]}, "lines", "x", "y", dots=["b"])
        pictures = {"grey": x.view(3, 3), "colours": x.view(1, 3, 3).expand(3, 3, 3)}
        plots.show_images(pictures, "pictures", signed=True)
        plots.show_images(pictures, "pictures")
        plots.show_grids({"a": torch.ones(2, 2, device="cuda")}, "a grid")
    shown = ["lines", "pictures", "pictures", "a grid"]
    assert capsys.readouterr().out.splitlines() == shown


# --- Exercises ------------------------------------------------------------------------


def test_answers_on_the_gpu_are_right():
    tried = 0
    for number, exercise in engine.exercises().items():
        if exercise.is_answer or isinstance(exercise.reference, type):
            continue
        seen = []

        def answer(*args, right=exercise.reference, seen=seen, **kwargs):
            value = on(right(*args, **kwargs), "cuda")
            seen.append(type(value))
            return value

        with pretend_gpu():
            result = engine.check(number, answer)
        assert result.passed, result.message
        tried += GpuTensor in seen
    assert tried > 10


def test_references_are_right_where_new_tensors_are_made_on_the_gpu():
    with pretend_gpu(default=True):
        assert torch.ones(2).is_cuda
        for number, exercise in engine.exercises().items():
            result = engine.check(number, exercise.reference)
            assert result.passed, result.message
