"""Tables of layers agree with counting by hand, and with PyTorch's own counter."""

import csv
import json

import pytest
import torch
from torch import nn
from torch.nn import functional

from helpers.convolution import output_size
from helpers.counting import HEAD, Layer, layer_table
from helpers.networks import googlenet, lenet5


def test_lenet5_by_hand():
    table = layer_table(lenet5(), (1, 32, 32))
    head, *lines, total = table.lines()
    assert head == HEAD[:6]
    assert [line[0] for line in lines] == [
        name for name, _ in lenet5().named_children()
    ]
    assert lines[0] == ("c1", "Conv2d", "6×28×28", 150, 6, 117_600)
    assert lines[2] == ("s2", "AvgPool2d", "6×14×14", 0, 0, 0)
    assert lines[3] == ("c3", "Conv2d", "16×10×10", 2400, 16, 240_000)
    assert lines[7] == ("c5", "Linear", "120", 48_000, 120, 48_000)
    assert total == ("total", "", "", 61_470, 236, 416_520)
    assert table.parameters == 61_706
    counted = table.counted()
    assert [row.name for row in counted.rows] == ["c1", "c3", "c5", "f6", "output"]
    assert counted.multiply_adds == table.multiply_adds


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


def test_heads_count_in_training_only():
    with torch.device("meta"):
        network = googlenet()
    assert layer_table(network, (3, 224, 224)).parameters == 13_378_280
    assert layer_table(network.eval(), (3, 224, 224)).parameters == 6_998_552


class Shared(nn.Module):
    """A layer called twice, one that shares its weights, parameters of its own."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 2, 3, padding=1)
        self.tied = nn.Conv2d(2, 2, 3, padding=1, bias=False)
        self.tied.weight = self.conv.weight
        self.kernel = nn.Parameter(torch.zeros(5, 2, 1, 1))

    def forward(self, x):
        x = self.tied(self.conv(self.conv(x))) + torch.zeros(1)  # made on the way
        return functional.conv2d(x, self.kernel)


def test_what_a_module_computes_itself_has_a_row():
    table = layer_table(Shared(), (2, 4, 6))
    assert [row.name for row in table.rows] == ["conv", "conv", "tied", "Shared"]
    assert [row.parameters for row in table.rows] == [38, 0, 0, 10]
    assert [row.multiply_adds for row in table.rows] == [36 * 24] * 3 + [10 * 24]


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
    (row,) = layer_table(nn.BatchNorm2d(3), (3, 1, 1)).rows
    assert row == Layer("BatchNorm2d", "BatchNorm2d", (3, 1, 1), 3, 3, 0)


def test_an_image_that_does_not_fit():
    network = lenet5()
    with pytest.raises(ValueError, match="1×28×28"):
        layer_table(network, (1, 28, 28))
    assert all(not module._forward_hooks for module in network.modules())


def test_forms(capsys):
    table = layer_table(lenet5(), (1, 32, 32)).counted()
    lines = str(table).splitlines()
    assert len(lines) == 1 + 5 + 1
    assert lines[0].split() == list(HEAD[:6])
    assert lines[-1].split() == ["total", "61470", "236", "416520"]
    assert len({len(line) for line in lines}) == 1
    table.show()
    assert "c5" in capsys.readouterr().out


def test_activations_are_the_numbers_that_come_out(capsys):
    table = layer_table(lenet5(), (1, 32, 32))
    kept = []
    network = lenet5()
    for layer in network:
        layer.register_forward_hook(lambda _m, _i, output: kept.append(output.numel()))
    network(torch.zeros(1, 1, 32, 32))
    assert [row.activations for row in table.rows] == kept
    assert table.activations == sum(kept)
    assert table.lines(activations=True)[-1][-1] == table.activations
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
