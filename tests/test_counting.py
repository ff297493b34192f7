"""Tables of layers agree with counting by hand, and with PyTorch's own counter."""

import csv
import json

import pytest
import torch
import torchvision
from torch import nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from helpers.convolution import output_size
from helpers.counting import HEAD, layer_table
from helpers.networks import lenet5, simple_cnn


def on_meta(make):
    with torch.device("meta"):
        return make()


def test_lenet5_by_hand():
    table = layer_table(lenet5(), (1, 32, 32))
    rows = {row.name: row for row in table.rows}
    assert list(rows) == [name for name, _ in lenet5().named_children()]
    assert rows["c1"].entries == ("c1", "Conv2d", "6×28×28", 150, 6, 117_600)
    assert rows["s2"].entries == ("s2", "AvgPool2d", "6×14×14", 0, 0, 0)
    assert rows["c3"].entries == ("c3", "Conv2d", "16×10×10", 2400, 16, 240_000)
    assert rows["c5"].entries == ("c5", "Linear", "120", 48_000, 120, 48_000)
    assert (table.weights, table.biases) == (61_470, 236)
    assert (table.parameters, table.multiply_adds) == (61_706, 416_520)
    assert [row.name for row in table.counted().rows] == [
        "c1", "c3", "c5", "f6", "output",
    ]  # fmt: skip
    assert table.counted().multiply_adds == table.multiply_adds


@pytest.mark.parametrize(
    ("D1", "K", "F", "P", "S", "groups"),
    [(1, 1, 1, 0, 1, 1), (3, 4, 5, 2, 3, 1), (4, 6, 3, 1, 2, 2), (6, 6, 3, 0, 1, 6)],
)
def test_a_convolution_by_formula(D1, K, F, P, S, groups):
    layer = nn.Conv2d(D1, K, F, S, P, groups=groups)
    (row,) = layer_table(layer, (D1, 11, 14)).rows
    H2, W2 = output_size(11, F, P, S), output_size(14, F, P, S)
    assert row.output == (K, H2, W2)
    assert (row.weights, row.biases) == (K * F * F * D1 // groups, K)
    assert row.multiply_adds == row.weights * H2 * W2


NETWORKS = {
    "lenet5": (lenet5, (1, 32, 32), 61_706),
    "simple_cnn": (simple_cnn, (1, 28, 28), 18_378),
    "alexnet": (torchvision.models.alexnet, (3, 224, 224), 61_100_840),
    "vgg16": (torchvision.models.vgg16, (3, 224, 224), 138_357_544),
    "resnet18": (torchvision.models.resnet18, (3, 224, 224), 11_689_512),
    "resnet50": (torchvision.models.resnet50, (3, 64, 96), 25_557_032),
    "googlenet": (
        lambda: torchvision.models.googlenet(aux_logits=True, init_weights=False),
        (3, 224, 224),
        13_004_888,
    ),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_totals_are_exactly_those_of_pytorch(name):
    make, size, parameters = NETWORKS[name]
    network = on_meta(make)
    table = layer_table(network, size)
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad(), torch.device("meta"):
        network.eval() if name != "googlenet" else None
        network(torch.empty(2, *size))
    assert 2 * 2 * table.multiply_adds == counter.get_total_flops()
    assert table.parameters == parameters
    assert parameters == sum(p.numel() for p in network.parameters())


def test_every_weight_works_once_at_each_place():
    """A check that does without PyTorch's counter."""
    for name in ("alexnet", "vgg16", "resnet18"):
        make, size, _ = NETWORKS[name]
        for row in layer_table(on_meta(make), size).rows:
            if row.type in ("Conv2d", "Linear"):
                places = torch.Size(row.output[1:]).numel()
                assert row.multiply_adds == row.weights * places, (name, row)
            else:
                assert row.multiply_adds == 0


def test_heads_count_in_training_only():
    network = on_meta(NETWORKS["googlenet"][0])
    assert layer_table(network.eval(), (3, 224, 224)).parameters == 6_624_904


class Shared(nn.Module):
    """One layer called twice, parameters of its own, and a product of matrices."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 2, 3, padding=1)
        self.kernel = nn.Parameter(torch.zeros(5, 2, 1, 1))

    def forward(self, x):
        x = self.conv(self.conv(x)) + torch.zeros(1)  # made on the way
        return functional.conv2d(x, self.kernel)


def test_what_a_module_computes_itself_has_a_row():
    table = layer_table(Shared(), (2, 4, 6))
    assert [row.name for row in table.rows] == ["conv", "conv", "Shared"]
    assert [row.parameters for row in table.rows] == [38, 0, 10]
    assert [row.multiply_adds for row in table.rows] == [36 * 24, 36 * 24, 10 * 24]


def test_the_network_stays_as_it_is():
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Dropout())
    before = {k: v.clone() for k, v in network.state_dict().items()}
    pointers = [p.data_ptr() for p in network.parameters()]
    torch.manual_seed(1)
    layer_table(network, (1, 5, 5))
    draw = torch.rand(2)
    torch.manual_seed(1)
    assert torch.equal(draw, torch.rand(2))
    for key, value in network.state_dict().items():
        assert torch.equal(value, before[key]), key
    assert pointers == [p.data_ptr() for p in network.parameters()]
    assert network.training
    assert all(not module._forward_hooks for module in network.modules())


def test_batch_norm_of_one_pixel_in_training():
    table = layer_table(nn.BatchNorm2d(3), (3, 1, 1))
    assert [row.entries for row in table.rows] == [
        ("BatchNorm2d", "BatchNorm2d", "3×1×1", 3, 3, 0)
    ]


def test_an_image_that_does_not_fit():
    network = lenet5()
    with pytest.raises(ValueError, match="1×28×28"):
        layer_table(network, (1, 28, 28))
    assert all(not module._forward_hooks for module in network.modules())


def test_forms(capsys):
    table = layer_table(lenet5(), (1, 32, 32)).counted()
    lines = str(table).splitlines()
    assert len(lines) == 1 + 5 + 1
    assert lines[0].split() == list(HEAD)
    assert lines[-1].split() == ["total", "61470", "236", "416520"]
    table.show()
    assert "c5" in capsys.readouterr().out


def test_activations_are_the_numbers_that_come_out():
    table = layer_table(lenet5(), (1, 32, 32))
    rows = {row.name: row.activations for row in table.rows}
    assert (rows["c1"], rows["s2"], rows["output"]) == (6 * 28 * 28, 6 * 14 * 14, 10)
    kept = []
    network = lenet5()
    for layer in network:
        layer.register_forward_hook(lambda _m, _i, output: kept.append(output[0]))
    network(torch.zeros(1, 1, 32, 32))
    assert table.activations == sum(output.numel() for output in kept)
    assert table.activation_bytes == sum(output.nbytes for output in kept)
    assert table.parameter_bytes == sum(p.nbytes for p in network.parameters())


def test_activations_are_shown_on_request(capsys):
    table = layer_table(lenet5(), (1, 32, 32))
    assert [len(row) for row in table.entries(activations=True)] == [7] * 13
    assert table.entries(activations=True)[-1][-1] == table.activations
    assert [row[:6] for row in table.entries(activations=True)] == table.entries()
    table.show(activations=True)
    assert str(table.activations) in capsys.readouterr().out.replace(" ", "")


def test_export(tmp_path):
    table = layer_table(lenet5(), (1, 32, 32))
    first = table.to_dicts()[0]
    assert first == {
        "name": "c1", "type": "Conv2d", "output": (6, 28, 28), "weights": 150,
        "biases": 6, "multiply_adds": 117_600, "parameters": 156, "activations": 4704,
    }  # fmt: skip
    assert json.loads(json.dumps(table.to_dicts()))[0]["output"] == [6, 28, 28]
    table.to_csv(tmp_path / "lenet5.csv")
    with (tmp_path / "lenet5.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == [row.name for row in table.rows]
    assert rows[0]["output"] == "6×28×28"
    assert sum(int(row["parameters"]) for row in rows) == table.parameters
