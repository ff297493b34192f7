"""The networks are torchvision's and the papers', to the number."""

import copy
from functools import partial

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode
from torchvision import models

from helpers.counting import layer_table
from helpers.networks import (
    Bottleneck,
    Inception,
    ResidualBlock,
    alexnet,
    cifar_resnet,
    googlenet,
    resnet,
    vgg,
    zfnet,
)  # fmt: skip
from helpers.networks.inception import GoogLeNetScores

IMAGE = (3, 224, 224)


def on_meta(make):
    """Ready for use, where batch norm is quick; heads count, so those train."""
    with torch.device("meta"):
        network = make()
    return network.train(getattr(network, "aux1", None) is not None)


def googlenet_there(aux=True):
    network = models.googlenet(aux_logits=True, init_weights=False)
    if not aux:
        network.aux1 = network.aux2 = None
        network.aux_logits = False
    return network


TWINS = {  # ours, torchvision's
    "alexnet": (partial(alexnet, "torchvision"), models.alexnet),
    "googlenet": (partial(googlenet, True, "torchvision"), googlenet_there),
    "googlenet without heads": (
        partial(googlenet, False, "torchvision"),
        partial(googlenet_there, aux=False),
    ),
    **{f"vgg{d}": (partial(vgg, d), models.get_model_builder(f"vgg{d}"))
       for d in (11, 13, 16, 19)},
    **{f"resnet{d}": (partial(resnet, d), models.get_model_builder(f"resnet{d}"))
       for d in (18, 34, 50, 101, 152)},
}  # fmt: skip
LARGER = (3, 227, 227)
SMALL = (3, 32, 32)
# AlexNet's weights, and what the lecture's three changes and fc6's wider input add
ZFNET = 28_813_344 - 20_736 + 294_912 + 3_391_488 + 3_833_856 + 4_194_304
OTHERS = {  # network, input, weights, parameters
    "alexnet, lectured": (partial(alexnet, "lectured"), LARGER, 28_813_344, 28_823_912),
    "alexnet, published": (alexnet, LARGER, 60_954_656, 60_965_224),
    "alexnet, ungrouped": (
        partial(alexnet, "ungrouped"), LARGER, 62_367_776, 62_378_344,
    ),
    "zfnet, lectured": (partial(zfnet, "lectured"), LARGER, ZFNET, None),
    "zfnet, published": (zfnet, IMAGE, None, 62_357_608),
    "zfnet, wide": (partial(zfnet, "wide"), IMAGE, None, 107_627_624),
    "googlenet": (partial(googlenet, False), IMAGE, None, 6_998_552),
    "googlenet, its heads": (googlenet, IMAGE, None, 13_378_280),
    "resnet of 20": (partial(cifar_resnet, 20), SMALL, None, 269_722),
    "plain of 20": (partial(cifar_resnet, 20, True), SMALL, None, 269_722),
    "resnet of 56": (partial(cifar_resnet, 56), SMALL, None, 853_018),
    "resnet of 110": (partial(cifar_resnet, 110), SMALL, None, 1_727_962),
}  # fmt: skip


def counted(table):
    """Convolutions and dense layers, as sorted rows without names."""
    return sorted(
        (row.type, row.output, row.weights, row.biases, row.multiply_adds)
        for row in table.rows
        if row.type in ("Conv2d", "Linear")
    )


@pytest.mark.parametrize("name", TWINS)
def test_layer_by_layer_it_is_torchvisions_and_takes_its_weights(name):
    ours, theirs = map(on_meta, TWINS[name])
    table, there = layer_table(ours, IMAGE), layer_table(theirs, IMAGE)
    assert counted(table) == counted(there)
    assert table.parameters == sum(p.numel() for p in theirs.parameters())
    if name.startswith(("alexnet", "vgg")):  # nothing side by side: in order, too
        assert [row.output for row in table.counted().rows] == [
            row.output for row in there.counted().rows
        ]
    state = theirs.state_dict()
    keys = ours.load_state_dict(state, assign=True)
    assert not keys.missing_keys
    assert not keys.unexpected_keys
    assert list(state) == list(theirs.state_dict())  # the given one is untouched


@pytest.mark.parametrize("name", OTHERS)
def test_parameters_are_the_published_ones(name):
    make, size, weights, parameters = OTHERS[name]
    table = layer_table(on_meta(make), size)
    assert weights in (None, table.weights)
    assert parameters in (None, table.parameters)


@pytest.mark.parametrize("name", [*OTHERS, "vgg11", "resnet50"])
def test_multiply_adds_are_exactly_half_of_the_flop_counters(name):
    make, size = OTHERS[name][:2] if name in OTHERS else (TWINS[name][0], IMAGE)
    network = on_meta(make)
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad(), torch.device("meta"):
        network(torch.empty(2, *size))
    assert 2 * 2 * layer_table(network, size).multiply_adds == counter.get_total_flops()


def test_cifar_resnet_does_as_many_multiply_adds_as_published():
    for plain in (False, True):
        table = layer_table(on_meta(partial(cifar_resnet, 20, plain)), SMALL)
        assert table.multiply_adds == 40_551_040  # 40.55M, with the linear layer


@pytest.mark.parametrize(
    "name", ["alexnet", "googlenet", "vgg11", "resnet18", "resnet50"]
)
def test_with_torchvisions_weights_it_computes_what_torchvisions_does(name):
    """GoogLeNet in training, too: three times scores, by batch norm of the batch."""
    ours, theirs = TWINS[name]
    torch.manual_seed(0)
    there, here = theirs(), on_meta(ours)
    here.load_state_dict(there.state_dict(), assign=True)
    images = torch.randn(2, *IMAGE)
    with torch.no_grad():
        torch.testing.assert_close(here.eval()(images), there.eval()(images))
        if name == "googlenet":
            for module in (*here.modules(), *there.modules()):
                if isinstance(module, nn.Dropout):  # drawn in another order
                    module.p = 0.0
            got, wanted = here.train()(images), there.train()(images)
            assert isinstance(got, GoogLeNetScores)
            torch.testing.assert_close(tuple(got), tuple(wanted))


def test_weights_of_another_network_do_not_load():
    for theirs, words in (
        (models.vgg13, "Missing key"),
        (partial(models.vgg11, num_classes=10), "size mismatch for fc8.weight"),
    ):
        with pytest.raises(RuntimeError, match=words):
            on_meta(partial(vgg, 11)).load_state_dict(on_meta(theirs).state_dict())


def test_old_files_lack_the_counts_of_batches():
    """And have the running averages before the weights."""
    theirs = models.resnet18().state_dict()
    kinds = "running_mean", "running_var", "weight", "bias"
    layers = dict.fromkeys(name.rpartition(".")[0] for name in theirs)
    names = [f"{layer}.{kind}" for layer in layers for kind in kinds]
    old = {name: theirs[name] for name in names if name in theirs}
    ours, there = resnet(18), models.resnet18()
    ours.load_state_dict(old)
    there.load_state_dict(old)
    with torch.no_grad():
        images = torch.randn(1, 3, 64, 64)
        assert torch.equal(ours.eval()(images), there.eval()(images))


@pytest.mark.parametrize(
    "make",
    [
        partial(cifar_resnet, 8),
        partial(resnet, 50, classes=3),
        partial(vgg, 11),
        partial(alexnet, "torchvision"),
        partial(googlenet, True, "torchvision"),
    ],
)
def test_its_own_weights_load_in_any_order(make):
    network = on_meta(make)
    state = network.state_dict()
    keys = network.load_state_dict(dict(reversed(state.items())), assign=True)
    assert not keys.missing_keys
    assert list(network.state_dict()) == list(state)


def test_weights_load_into_a_network_within_another():
    """And into a copy of it."""
    theirs = models.resnet18().state_dict()
    whole = copy.deepcopy(nn.ModuleDict({"fc": resnet(18)}))
    whole.load_state_dict({f"fc.{name}": tensor for name, tensor in theirs.items()})
    assert torch.equal(whole["fc"].output.weight, theirs["fc.weight"])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (partial(alexnet, "lecture"), '"lectured", "published", "ungrouped" or "torch'),
        (partial(zfnet, "torchvision"), '"lectured", "published" or "wide", not'),
        (partial(vgg, 12), "11, 13, 16 or 19"),
        (partial(googlenet, True, "lectured"), '"published" or "torchvision"'),
        (partial(resnet, 20), "18, 34, 50, 101 or 152"),
        (partial(cifar_resnet, 21), r"6n \+ 2"),
    ],
)
def test_what_there_is_none_of(make, words):
    with pytest.raises(ValueError, match=words):
        make()


# --- Modules --------------------------------------------------------------------------


def test_inception_concatenates_four_branches():
    torch.manual_seed(0)
    module = Inception(6, 2, 3, 4, reduce3=5, reduce5=7, pool=8)
    x = torch.randn(2, 6, 9, 7)
    p = list(module.parameters())
    relu, conv = functional.relu, functional.conv2d
    one = relu(conv(x, p[0], p[1]))
    three = relu(conv(relu(conv(x, p[2], p[3])), p[4], p[5], padding=1))
    five = relu(conv(relu(conv(x, p[6], p[7])), p[8], p[9], padding=2))
    pooled = relu(conv(functional.max_pool2d(x, 3, 1, 1), p[10], p[11]))
    wanted = torch.cat([one, three, five, pooled], dim=1)
    torch.testing.assert_close(module(x), wanted)
    assert module.channels == wanted.shape[1] == 17


def test_naive_inception_keeps_the_pooled_depth():
    module, x = Inception(6, 2, 3, 4), torch.randn(2, 6, 9, 7)
    assert module.channels == 15
    assert module(x).shape == (2, 15, 9, 7)
    torch.testing.assert_close(module(x)[:, 9:], functional.max_pool2d(x, 3, 1, 1))


def test_googlenets_sizes_are_those_of_table_1():
    rows = {row.name: row for row in layer_table(on_meta(googlenet), IMAGE).rows}
    sizes = {
        "pool1": (64, 56, 56), "pool2": (192, 28, 28), "pool3": (480, 14, 14),
        "pool4": (832, 7, 7), "average": (1024, 1, 1), "fc": (1000,),
    }  # fmt: skip
    assert {name: rows[name].output for name in sizes} == sizes


def test_heads_compute_in_training_only():
    network = on_meta(googlenet)
    images = torch.empty(2, *IMAGE, device="meta")
    assert isinstance(network.train()(images), GoogLeNetScores)
    assert network.eval()(images).shape == (2, 1000)
    assert on_meta(partial(googlenet, aux=False)).train()(images).shape == (2, 1000)


@pytest.mark.parametrize("project", [False, True])
def test_a_shortcut_passes_what_the_layers_drop(project):
    block = ResidualBlock(4, 8, stride=2, project=project).eval()
    nn.init.zeros_(block.conv2.weight)
    x = torch.randn(2, 4, 6, 6)
    torch.testing.assert_close(block(x), functional.relu(block.shortcut(x)))
    assert block.shortcut(x).shape == (2, 8, 3, 3)
    parameters = sum(p.numel() for p in block.parameters())
    assert parameters == 4 * 8 * 9 + 8 * 8 * 9 + 32 + (4 * 8 + 16 if project else 0)


def test_a_plain_block_drops_it():
    block = ResidualBlock(4, 4, plain=True).eval()
    nn.init.zeros_(block.conv2.weight)
    assert not block(torch.randn(2, 4, 6, 6)).any()


def test_the_bottleneck_of_the_lecture():
    rows = layer_table(Bottleneck(256, 64), (256, 28, 28)).rows
    weights = [row.weights for row in rows if row.type == "Conv2d"]
    assert weights == [256 * 64, 9 * 64 * 64, 64 * 256]
    x = torch.randn(1, 256, 6, 5)
    assert Bottleneck(256, 64)(x).shape == x.shape
    assert Bottleneck(256, 128, stride=2)(x).shape == (1, 512, 3, 3)
