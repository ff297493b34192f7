"""Right and wrong answers to the exercises of this lesson, and what it reads."""

import base64
import io
from collections import OrderedDict

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torch.nn import functional
from torchvision import models
from torchvision.models.convnext import CNBlock
from torchvision.ops import SqueezeExcitation

from helpers.data import load
from helpers.exercises import check, engine
from helpers.exercises.engine import case
from helpers.networks import ResidualBlock, cifar_resnet
from helpers.training import Options, fit
from lessons.l14_your_own import photographs, trained
from lessons.l14_your_own.explorer import cam_explorer
from lessons.l14_your_own.heat import laid_over
from lessons.l14_your_own.photographs import read_photographs
from lessons.l14_your_own.trained import find_trained
from tests.lesson_tests import LessonTests, random_tensor

# --- Right answers, written differently -----------------------------------------------


def halves_by_isin(photograph, every):
    held = torch.arange(0, int(photograph.max()) + 1, every)
    test = torch.isin(photograph, held)
    return torch.logical_not(test), test


def halves_by_a_loop(photograph, every):
    test = [int(number) % every == 0 for number in photograph]
    return [not held for held in test], test


class Probe(nn.Module):
    """The backbone under `no_grad`, whatever its parameters ask for."""

    def __init__(self, network, classes):
        super().__init__()
        self.backbone = network[:-1]
        self.head = nn.Linear(network[-1].in_features, classes)

    def forward(self, x):
        with torch.no_grad():
            features = self.backbone(x)
        return self.head(features)


def probe_by_replacing(network, classes):
    network.requires_grad_(False)
    network[-1] = nn.Linear(network[-1].weight.shape[1], classes)
    return network


def probe_by_names(network, classes):
    network.requires_grad_(False)
    *names, last = dict(network.named_children())
    layers = {name: getattr(network, name) for name in names}
    layers[last] = nn.Linear(network[-1].in_features, classes)
    return nn.Sequential(OrderedDict(layers))


def probe_in_parts(network, classes):
    backbone, last = network[:-1].requires_grad_(False), network[-1]
    return nn.Sequential(backbone, nn.Linear(last.in_features, classes))


def cam_by_einsum(maps, slopes):
    weights = slopes.flatten(1).mean(1)
    return functional.relu(torch.einsum("k,khw->hw", weights, maps))


def cam_by_loops(maps, slopes):
    total = torch.zeros(maps.shape[1:])
    for each, slope in zip(maps, slopes):
        total = total + slope.sum() / slope.numel() * each
    return total.clamp(min=0)


def cam_by_numpy(maps, slopes):
    weights = slopes.numpy().mean(axis=(1, 2))
    return np.maximum(np.tensordot(weights, maps.numpy(), 1), 0)


def too_sure_by_loops(scores, labels):
    gaps = []
    for row, label in zip(scores.double(), labels):
        shares = row.exp() / row.exp().sum()
        gaps.append(shares.max().item() - float(shares.argmax() == label))
    return sum(gaps) / len(gaps)


def too_sure_by_topk(scores, labels):
    shares, guesses = functional.softmax(scores, dim=-1).topk(1)
    return (shares[:, 0] - (guesses[:, 0] == labels).double()).mean()


class SeparableInOne(nn.Module):
    def __init__(self, channels_in, channels_out):
        super().__init__()
        self.layers = nn.Sequential(
            nn.ZeroPad2d(1),
            nn.Conv2d(channels_in, channels_in, 3, groups=channels_in, bias=False),
            *(nn.BatchNorm2d(channels_in), nn.ReLU()),
            nn.Conv2d(channels_in, channels_out, 1, bias=False),
            *(nn.BatchNorm2d(channels_out), nn.ReLU()),
        )

    def forward(self, x):
        return self.layers(x)


def excite_by_torchvision(C, r=16):
    return SqueezeExcitation(C, C // r)  # 1×1 convolutions on maps of one place


class ExciteInOne(nn.Module):
    def __init__(self, C, r=16):
        super().__init__()
        self.factors = nn.Sequential(
            *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(C, C // r), nn.ReLU()),
            *(nn.Linear(C // r, C), nn.Sigmoid(), nn.Unflatten(1, (C, 1, 1))),
        )

    def forward(self, x):
        return self.factors(x) * x


def attention_by_pytorch(queries, keys, values):
    parts = (each[None] for each in (queries, keys, values))
    return functional.scaled_dot_product_attention(*parts)[0]


def attention_by_loops(queries, keys, values):
    rows = []
    for query in queries:
        scores = torch.stack([query @ key for key in keys]) / len(query) ** 0.5
        shares = scores.exp() / scores.exp().sum()
        rows.append(sum(share * value for share, value in zip(shares, values)))
    return torch.stack(rows)


def counted_layers():
    standard = nn.Conv2d(256, 256, 3, padding=1, bias=False)
    layers = (
        nn.Conv2d(256, 256, 3, padding=1, groups=256, bias=False),
        nn.Conv2d(256, 256, 1, bias=False),
    )
    separable = sum(layer.weight.numel() for layer in layers)
    return {
        "standard": standard.weight.numel(),
        "separable": separable,
        "work": separable * 14 * 14,
    }


RIGHT = {
    "14.1": [halves_by_isin, halves_by_a_loop],
    "14.2": [probe_by_replacing, probe_by_names, probe_in_parts],
    "14.3": [cam_by_einsum, cam_by_loops, cam_by_numpy],
    "14.4": [too_sure_by_loops, too_sure_by_topk],
    "14.5": [SeparableInOne],
    "14.6": [counted_layers()],
    "14.7": [excite_by_torchvision, ExciteInOne],
    "14.8": [attention_by_pytorch, attention_by_loops],
}
RIGHT["14.5"].append(lambda C1, C2: SeparableInOne(channels_out=C2, channels_in=C1))

# --- Wrong answers that nobody listed -------------------------------------------------


class Shifted(SeparableInOne):
    def forward(self, x):
        return super().forward(x).roll(1, 3)


class Halved(ExciteInOne):
    def forward(self, x):
        return super().forward(x) / 2


class ByMaximum(ExciteInOne):
    def forward(self, x):
        return self.factors(x.amax(dim=(2, 3), keepdim=True)) * x


def probe_of_one_layer(network, classes):
    return nn.Sequential(nn.Flatten(), nn.LazyLinear(classes))


def probe_with_new_weights(network, classes):
    for layer in network:
        if hasattr(layer, "reset_parameters"):
            layer.reset_parameters()
    return probe_by_replacing(network, classes)


def deep_probe(network, classes):
    network.requires_grad_(False)
    D = network[-1].in_features
    head = nn.Linear(D, D), nn.ReLU(), nn.Linear(D, classes)
    return nn.Sequential(*network[:-1], *head)


WRONG = {
    "14.1": [
        lambda photograph, every: halves_by_isin(photograph, every)[::-1],
        lambda photograph, every: halves_by_isin(photograph, every)[1],
        lambda photograph, every: halves_by_isin(photograph.flip(0), every),
        lambda photograph, every: (photograph, photograph % every),
        lambda photograph, every: halves_by_isin(photograph + 1, every),
    ],
    "14.2": [
        probe_of_one_layer,
        probe_with_new_weights,
        deep_probe,
        Probe,  # has no parts, and the lesson takes probe[-1]
        lambda network, classes: network,
        lambda network, classes: nn.Linear(network[-1].in_features, classes),
    ],
    "14.3": [
        lambda maps, slopes: cam_by_einsum(slopes, maps),
        lambda maps, slopes: cam_by_einsum(maps, slopes).T,
        lambda maps, slopes: cam_by_einsum(maps, slopes) * maps.shape[0],
        lambda maps, slopes: cam_by_einsum(maps, slopes.abs()),
        lambda maps, slopes: (maps * slopes).sum(0).relu(),
    ],
    "14.4": [
        lambda scores, labels: abs(too_sure_by_loops(scores, labels)),
        lambda scores, labels: -too_sure_by_loops(scores, labels),
        lambda scores, labels: 100 * too_sure_by_loops(scores, labels),
        lambda scores, labels: too_sure_by_loops(scores, labels.flip(0)),
        lambda scores, labels: too_sure_by_loops(2 * scores, labels),
    ],
    "14.5": [
        Shifted,
        lambda C1, C2: nn.Conv2d(C1, C2, 3, padding=1, bias=False),
        lambda C1, C2: nn.Sequential(SeparableInOne(C1, C2), nn.Sigmoid()),
        lambda C1, C2: SeparableInOne(C1, C1),
        lambda C1, C2: ResidualBlock(C1, C2),
    ],
    "14.6": [
        {"standard": 600000, "separable": 67840, "work": 13296640},
        {"standard": 589824, "separable": 67840, "work": 13.3},
        {"standard": 67840, "separable": 589824, "work": 13296640},
    ],
    "14.7": [
        Halved,
        ByMaximum,
        lambda C, r=16: ExciteInOne(C, 1),
        lambda C, r=16: nn.Identity(),
        lambda C, r=16: nn.Sequential(ExciteInOne(C, r), ExciteInOne(C, r)),
    ],
    "14.8": [
        lambda queries, keys, values: attention_by_loops(queries, keys, values).flip(0),
        lambda queries, keys, values: attention_by_loops(queries, -keys, values),
        lambda queries, keys, values: 2 * attention_by_loops(queries, keys, values),
        lambda queries, keys, values: values.mean(0).expand(len(queries), -1),
        lambda queries, keys, values: values,
    ],
}

# --- Random inputs --------------------------------------------------------------------


def _numbers(rng):
    every = rng.randint(2, 5)
    numbers = [rng.randint(0, 12) for _ in range(rng.randint(6, 20))]
    return case(torch.tensor([*numbers, 0, 1]), every)


def _maps(rng):
    shape = rng.randint(2, 6), rng.randint(1, 6), rng.randint(2, 6)
    return case(random_tensor(rng, *shape), random_tensor(rng, *shape))


def _scored(rng):
    N, classes = rng.randint(2, 9), rng.randint(2, 6)
    scores = rng.choice((0.5, 2, 5)) * random_tensor(rng, N, classes)
    return case(scores, torch.tensor([rng.randrange(classes) for _ in range(N)]))


def _in_block(rng):
    C1 = rng.randint(2, 5)
    shape = rng.randint(2, 3), C1, rng.randint(3, 6), rng.randint(3, 6)
    return case(shape, C1, rng.randint(2, 6))


def _to_excite(rng):
    r = rng.randint(2, 3)
    C = r * rng.randint(1, 3)
    return case((2, C, rng.randint(2, 5), rng.randint(2, 5)), C, r)


def _asked(rng):
    N, M, D, E = (rng.randint(1, 6) for _ in range(4))
    return case(*(random_tensor(rng, *shape) for shape in ((N, D), (M, D), (M, E))))


INPUTS = {
    "14.1": _numbers,
    "14.2": lambda rng: case(
        rng.choice(("dense", "maps")), rng.randint(3, 6), rng.randint(2, 9),
        rng.randint(2, 6),
    ),
    "14.3": _maps,
    "14.4": _scored,
    "14.5": _in_block,
    "14.7": _to_excite,
    "14.8": _asked,
}  # fmt: skip


class TestLesson(LessonTests):
    right, wrong, inputs = RIGHT, WRONG, INPUTS
    few = frozenset({"14.5", "14.7"})


# --- Photographs ----------------------------------------------------------------------


def saved(path, size=(60, 40), orientation=None):
    """A picture, red on the left and blue on the right, as a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.new("RGB", size, "blue")
    image.paste("red", (0, 0, size[0] // 2, size[1]))
    exif = Image.Exif()
    if orientation:
        exif[0x0112] = orientation
    image.save(path, exif=exif)


def colour(pixels, row, column):
    """The name of a pixel's colour, its place given in parts of the sides."""
    _, H, W = pixels.shape
    red, _, blue = pixels[:, int(row * H), int(column * W)].tolist()
    return "red" if red > blue else "blue"


@pytest.fixture
def many(tmp_path):
    for name in ("cat", "dog"):
        for k in range(5):
            saved(tmp_path / name / f"{k}.{'jpg' if k % 2 else 'PNG'}")
    return tmp_path


def test_a_subfolder_is_a_class(many):
    found = read_photographs(many)
    assert (found.title, found.classes) == ("your photographs", ("cat", "dog"))
    assert found.notes == ()
    assert [each.label for each in found.all] == [0] * 5 + [1] * 5
    assert found.all[0].name == "cat/0.PNG"
    assert all(each.pixels.shape == (3, 400, 600) for each in found.all)
    assert colour(found.all[0].pixels, 0.5, 0.1) == "red"


def test_they_are_turned_by_their_exif(many):
    saved(many / "cat" / "0.PNG", orientation=6)  # to be turned by 90°, clockwise
    saved(many / "cat" / "1.jpg", orientation=3)  # upside down
    turned, upside_down = (each.pixels for each in read_photographs(many).all[:2])
    assert turned.shape == (3, 600, 400)
    assert [colour(turned, row, 0.5) for row in (0.1, 0.9)] == ["red", "blue"]
    assert colour(upside_down, 0.5, 0.1) == "blue"


def test_what_cannot_be_read_is_named_and_left_out(many):
    (many / "cat" / "note.heic").write_text("no picture")
    (many / "dog" / "half.jpg").write_bytes((many / "dog" / "1.jpg").read_bytes()[:300])
    (many / ".DS_Store").write_text("hidden, so not worth a word")
    Image.new("RGB", (9, 9)).save(many / "dog" / "moving.gif")
    found = read_photographs(many)
    assert len(found.all) == 10
    (note,) = found.notes
    assert "cat/note.heic, dog/half.jpg, dog/moving.gif" in note
    assert "Export them as JPEG" in note


def test_without_any_the_bundled_ones_stand_in(tmp_path):
    for folder in (tmp_path, tmp_path / "missing"):
        found = read_photographs(folder)
        assert found.title == "flower and monument (stand-ins)"
        assert found.classes == ("flower", "monument")
        assert [each.label for each in found.all] == [0] * 6 + [1] * 6
        assert "There are no photographs in data/photographs" in found.notes[0]


def test_loose_files_are_a_class_beside_the_stand_ins(tmp_path):
    for k in range(4):
        saved(tmp_path / f"{k}.jpg", (50, 50))
    found = read_photographs(tmp_path)
    assert found.classes == ("mine", "flower", "monument")
    assert found.title == "your photographs, flower and monument (stand-ins)"
    assert "Only one class" in found.notes[0]


def test_few_are_cut_into_tiles_and_many_are_left_out(tmp_path):
    for k in range(43):
        saved(tmp_path / "many" / f"{k}.png", (12, 8))
    saved(tmp_path / "few" / "a.png", (8, 12))
    found = read_photographs(tmp_path)
    few, many = ([p for p in found.all if p.label == k] for k in (0, 1))
    assert (len(few), len(many)) == (6, 40)
    assert few[0].pixels.shape == (3, 200, 200)
    assert few[1].name == "few/a.png, tile 2"
    assert any("the first 40 of 43" in note for note in found.notes)
    assert any("1 photograph, cut into 6 tiles" in note for note in found.notes)


@pytest.mark.parametrize("size", [(1, 1), (500, 2), (3, 400), (2500, 1500)])
def test_any_size_will_do(size, many):
    saved(many / "cat" / "0.PNG", size)
    H, W = read_photographs(many).all[0].pixels.shape[1:]
    assert min(H, W) == 400
    assert max(H, W) <= 800


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "1"])
def test_any_kind_of_picture_becomes_red_green_and_blue(mode, many):
    Image.new("RGB", (30, 20), "white").convert(mode).save(many / "cat" / "0.PNG")
    pixels = read_photographs(many).all[0].pixels
    assert pixels.shape[0] == 3
    assert pixels.min() > 250


def test_crops_know_their_photograph(many):
    found = read_photographs(many)
    crops = found.crops(4, side=16)
    assert crops.pixels.shape == (40, 3, 16, 16)
    assert crops.photograph.tolist() == [k for k in range(10) for _ in range(4)]
    assert crops.labels.tolist() == [0] * 20 + [1] * 20
    assert torch.equal(crops.pixels, found.crops(4, side=16).pixels)
    assert not torch.equal(crops.pixels, found.crops(4, side=16, seed=1).pixels)
    assert 0 <= crops.pixels.min() <= crops.pixels.max() <= 256


def test_every_class_is_in_both_halves():
    found = read_photographs("missing")
    crops = found.crops(2, side=8)
    for half in engine.reference("14.1")(crops.photograph, 3):
        assert crops.labels[half].unique().tolist() == [0, 1]


# --- Trained networks -----------------------------------------------------------------


@pytest.fixture
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "cache"))
    data = tmp_path / "data"
    (data / "runs").mkdir(parents=True)
    return data


def save_imagenet(folder, depth, number=0):
    folder.mkdir(parents=True, exist_ok=True)
    name = trained.WEIGHTS[depth][number].url.rsplit("/", 1)[-1]
    torch.manual_seed(depth)
    network = getattr(models, f"resnet{depth}")()
    torch.save(network.state_dict(), folder / name)
    return network.eval()


def save_run(network, path):
    data = load("shapes", "cpu", counts=(20, 10))
    options = Options(checkpoint=path)
    fit(network, [data.train], epochs=1, options=options, progress=False)


def test_nothing_is_found_where_nothing_lies(empty_cache):
    assert find_trained("cpu", empty_cache) is None
    save_imagenet(empty_cache.parent / "cache" / "checkpoints", 18)
    assert find_trained("cpu", empty_cache / "missing") is None  # as in tests


@pytest.mark.parametrize("where", ["data", "cache/checkpoints"])
@pytest.mark.parametrize("depth", [18, 50])
def test_imagenet_weights_are_found(where, depth, empty_cache):
    theirs = save_imagenet(empty_cache.parent / where, depth)
    save_run(cifar_resnet(20), empty_cache / "runs" / "terminal.pt")  # comes later
    found = find_trained("cpu", empty_cache)
    assert found.title == f"ResNet-{depth} (ImageNet)"
    assert (found.side, len(found.classes)) == (160, 1000)
    x = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        assert torch.allclose(found.network(x), theirs(x), atol=1e-4)
        assert found.network[-3:](found.network[:-3](x)).shape == (1, 1000)


def lesson_12(depth):
    """As lesson 12 builds it, where `shrink` does nothing on CIFAR-10."""
    n = (depth - 2) // 6
    stages = []
    for C1, C2, S in ((16, 16, 1), (16, 32, 2), (32, 64, 2)):
        blocks = [ResidualBlock(C1, C2, S)]
        blocks += [ResidualBlock(C2, C2, 1) for _ in range(n - 1)]
        stages.append(nn.Sequential(*blocks))
    layers = nn.Sequential(
        *(nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()),
        *stages,
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10)),
    )
    return nn.Sequential(nn.Identity(), layers)


def test_the_network_of_lesson_12_is_found(empty_cache):
    for depth, epochs in ((20, 5), (8, 164)):  # the longer training is taken
        network = lesson_12(depth)
        save_run(network, empty_cache / "runs" / f"ResNet-{depth}_{epochs}.pt")
    found = find_trained("cpu", empty_cache)
    assert found.title == "your ResNet-8 (lesson 12, 1 epoch)"
    x = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        assert torch.allclose(found.network(x), network.eval()(x), atol=1e-5)
    assert found.network[:-3](x).shape == (2, 64, 8, 8)


def test_lesson_12_builds_and_saves_it_like_this():
    source = (engine.lessons()["12"].folder / "lesson.py").read_text("utf-8")
    assert 'DATA / "runs" / f"{name}_{epochs}.pt"' in source
    assert "nn.Sequential(shrink, resnet((depth - 2) // 6, block))" in source
    Block, resnet = (engine.reference(n) for n in ("12.5", "12.7"))
    ours = nn.Sequential(nn.Identity(), resnet(1, Block)).state_dict()
    assert list(ours) == list(lesson_12(8).state_dict())


def test_the_network_of_the_terminal_is_found(empty_cache):
    save_run(cifar_resnet(20), empty_cache / "runs" / "terminal.pt")
    assert find_trained("cpu", empty_cache).title.startswith("your ResNet-20 ")


def test_what_cannot_be_used_is_named(empty_cache, capsys):
    save_imagenet(empty_cache, 18)
    (damaged,) = empty_cache.glob("resnet18*")
    damaged.write_bytes(damaged.read_bytes()[:1000])
    save_run(cifar_resnet(14), empty_cache / "runs" / "ResNet-20_5.pt")  # another
    save_run(cifar_resnet(20), empty_cache / "runs" / "terminal.pt")
    assert find_trained("cpu", empty_cache).title.startswith("your ResNet-20 ")
    said = capsys.readouterr().out
    assert f"{damaged.name} cannot be used" in said
    assert "ResNet-20_5.pt cannot be used" in said


# --- What the lesson says -------------------------------------------------------------


def test_the_convnext_block_is_torchvisions():
    space = {"nn": nn, "functional": functional, "torch": torch}
    source = (engine.lessons()["14"].folder / "lesson.py").read_text("utf-8")
    text = source[source.index("class ConvNeXtBlock") :].split("\n# %%")[0]
    exec(text, space)
    ours, theirs = space["ConvNeXtBlock"](8), CNBlock(8, 0.5, 0.0)
    ours.norm.eps = 1e-6
    with torch.no_grad():
        ours.scale.copy_(theirs.layer_scale.flatten())
        rest = [p for n, p in ours.named_parameters() if n != "scale"]
        for a, b in zip(rest, theirs.block.parameters()):
            a.copy_(b)
        x = torch.randn(2, 8, 9, 7)
        assert torch.allclose(ours(x), theirs(x), atol=1e-5)


def test_grad_cam_behind_a_mean_is_the_dense_layers_own_weights():
    """As in Zhou and others 2016: the weights are those of the class, over H·W."""
    torch.manual_seed(0)
    maps, dense = torch.randn(1, 6, 4, 5).relu().requires_grad_(), nn.Linear(6, 3)
    (slopes,) = torch.autograd.grad(dense(maps.mean(dim=(2, 3)))[0, 1], maps)
    heat = engine.reference("14.3")(maps[0].detach(), slopes[0])
    wanted = (dense.weight[1][:, None, None] * maps[0] / 20).sum(dim=0).relu()
    assert torch.allclose(heat, wanted, atol=1e-6)


def test_costs_are_those_of_the_layers():
    assert check("14.6", counted_layers()).passed


# --- Heat and explorer ----------------------------------------------------------------


def test_heat_is_orange_on_grey():
    pixels = 100 * torch.ones(3, 2, 2)
    pixels[0] = 130
    heat = torch.tensor([[0.0, 4.0], [2.0, 0.0]])
    laid = laid_over(pixels, heat)
    assert laid[:, 0, 0].tolist() == pytest.approx([110] * 3)
    red, green, blue = laid[:, 0, 1].tolist()
    assert red > green > blue
    assert laid[0, 1, 0] == pytest.approx((110 + laid[0, 0, 1].item()) / 2)
    assert torch.equal(laid_over(pixels, 0 * heat)[:, 1, 1], laid[:, 0, 0])


@pytest.fixture
def explorer():
    torch.manual_seed(0)
    network = cifar_resnet(8, classes=3).eval()
    pixels = 255 * torch.rand(2, 3, 16, 24)
    return cam_explorer(network, pixels, pixels / 128 - 1, "abc", "a title")


def test_the_last_layer_has_the_lessons_heat(explorer):
    network, image = explorer.network, explorer.images[:1]
    explorer.of.value = "b"
    with torch.no_grad():
        maps = network[:-3](image)
    score = network[-3:](maps.requires_grad_())[0, 1]
    (slopes,) = torch.autograd.grad(score, maps)
    wanted = engine.reference("14.3")(maps[0].detach(), slopes[0])
    assert torch.allclose(explorer.heat(), wanted, atol=1e-6)


def test_layers_have_maps_of_their_own_size(explorer):
    sizes = []
    for _, value in explorer.layer.options:
        explorer.layer.value = value
        sizes.append(tuple(explorer.heat().shape))
    assert sizes == [(16, 24), (16, 24), (8, 12), (4, 6)]
    assert explorer.layer.options[-1][0] == "6 (64 maps, 4×6)"


def test_the_explorer_says_what_it_shows(explorer):
    explorer.number.value, explorer.of.value = 2, "c"
    said = explorer.describe()
    assert said.startswith("Grad-CAM for c in picture 2, at layer 6 (64 maps, 4×6)")
    assert "a title" in said
    assert "The network says: a " in said
    picture = Image.open(io.BytesIO(base64.b64decode(explorer.still()["image/png"])))
    assert picture.width == explorer.WIDTH


def test_no_heat_is_said(explorer):
    with torch.no_grad():
        explorer.network[-1].weight.zero_()
    explorer.redraw()
    assert "No heat anywhere" in explorer.describe()


def test_pictures_and_inputs_are_as_many():
    with pytest.raises(ValueError, match="2 pictures, but 1"):
        cam_explorer(
            cifar_resnet(8), torch.ones(2, 3, 8, 8), torch.ones(1, 3, 8, 8), "ab", ""
        )


def test_nothing_is_read_outside_the_photographs_folder():
    assert photographs.FOLDER.name == "photographs"
