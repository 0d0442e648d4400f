import copy
from collections import OrderedDict

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import EVERY, narrow, new, register
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from fmnist_core.errors import ConfigError
from fmnist_core.formula import output_size
from fmnist_core.layer_table import layer_table, padding_of, receptive_fields

every_architecture = pytest.mark.parametrize("architecture", EVERY)
# PyTorch says so once in a program.
uneven_padding = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")


@pytest.fixture(autouse=True)
def added_networks(monkeypatch):
    register(monkeypatch)


def random_inputs(count, height=28, width=28):
    return torch.randn(count, 1, height, width, generator=torch.Generator().manual_seed(0))


# ---------------------------------------------------------------- table of layers


@every_architecture
def test_table_agrees_with_what_the_layers_put_out(architecture):
    network = new(architecture)
    rows = list(layer_table(network))
    with torch.inference_mode():
        maps = network.trace(random_inputs(2)).maps
    assert [row.name for row in rows] == list(maps)
    assert [row.shape for row in rows] == [tuple(values.shape[1:]) for values in maps.values()]
    assert [row.kind for row in rows] == [type(layer).__name__ for layer in network.layers]
    assert [row.parameters for row in rows] == [sum(p.numel() for p in layer.parameters()) for layer in network.layers]
    assert sum(row.parameters for row in rows) == network.parameter_count


@every_architecture
def test_operations_are_those_that_pytorch_counts(architecture):
    network = new(architecture)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network.logits(random_inputs(3))
    assert sum(row.operations for row in layer_table(network)) == counter.get_total_flops() / 2 / 3


def test_operations_of_the_original_network_by_hand():
    counts = {row.name: row.operations for row in layer_table(new("original")) if row.operations}
    assert counts == {
        "conv1": 24 * 24 * 6 * 5 * 5,
        "conv2": 8 * 8 * 12 * 6 * 5 * 5,
        "fc1": 192 * 120,
        "fc2": 120 * 60,
        "out": 60 * 10,
    }


@every_architecture
def test_filters_are_those_of_the_layers(architecture):
    network = new(architecture)
    for row, layer in zip(layer_table(network), network.layers, strict=True):
        if isinstance(layer, nn.Conv2d) and layer.padding != "same":
            assert (row.f, row.p, row.s, row.d) == (layer.kernel_size, layer.padding, layer.stride, layer.dilation)
        elif not isinstance(layer, nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d):
            assert (row.f, row.p, row.s, row.d) == (None, None, None, None)


@every_architecture
@pytest.mark.parametrize("size", [(28, 28), (29, 34)])
def test_filters_are_shown_where_the_formula_gives_the_size_and_nowhere_else(architecture, size):
    network = new(architecture)
    entering = (1, *size)
    try:
        for row, layer in zip(layer_table(network, *size), network.layers, strict=True):
            if row.f:
                assert tuple(map(output_size, entering[1:], row.f, row.p, row.s, row.d)) == row.shape[1:]
            elif isinstance(layer, nn.MaxPool2d | nn.AvgPool2d):
                f, p, s = (
                    2 * (n,) if isinstance(n, int) else n for n in (layer.kernel_size, layer.padding, layer.stride)
                )
                assert tuple(map(output_size, entering[1:], f, p, s, (1, 1))) != row.shape[1:]
            else:
                assert not isinstance(layer, nn.Conv2d)
            entering = row.shape
    except ConfigError:
        assert size != (28, 28)  # a fully connected layer takes one size only


def test_filters_of_a_dilated_network():
    def filters(*size):
        table = layer_table(new("dilated"), *size)
        return {row.name: (row.f, row.p, row.s, row.d) for row in table if row.f}

    conv1 = ((3, 5), (2, 2), (1, 1), (2, 1))  # "same": as much padding as keeps the size
    conv2 = ((3, 3), (0, 0), (2, 2), (2, 2))
    assert filters(28, 28) == {"conv1": conv1, "conv2": conv2}  # (28 - 3) / 2 is rounded up in pool1
    assert filters(29, 29) == {"conv1": conv1, "conv2": conv2, "pool1": ((3, 3), (0, 0), (2, 2), (1, 1))}
    assert filters(29, 28) == {"conv1": conv1, "conv2": conv2}


@uneven_padding
def test_uneven_padding_is_not_in_the_formula(monkeypatch):
    def uneven(classes):
        return OrderedDict(
            conv1=nn.Conv2d(1, 2, kernel_size=(4, 3), padding="same"),
            conv2=nn.Conv2d(2, 2, kernel_size=3, padding="valid"),
            flatten=nn.Flatten(),
            out=nn.Linear(2 * 26 * 26, classes),
        )

    register(monkeypatch, uneven=uneven)
    network = new("uneven")
    conv1, conv2, *_ = layer_table(network)
    assert padding_of(network.layers.conv1) == (1, 1, 1, 2)  # left, right, above, below
    assert (conv1.shape, conv1.f, conv1.p) == ((2, 28, 28), None, None)
    assert (conv2.shape, conv2.f, conv2.p) == ((2, 26, 26), (3, 3), (0, 0))


@every_architecture
@settings(max_examples=30)
@given(height=st.integers(1, 60), width=st.integers(1, 60))
def test_table_agrees_for_every_size_of_input(architecture, height, width):
    network = new(architecture)
    rows, shapes = [], []
    try:
        rows.extend(row.shape for row in layer_table(network, height, width))
        refused = False
    except ConfigError:
        refused = True
    outputs = random_inputs(1, height, width)
    try:
        with torch.inference_mode():
            for layer in network.layers:
                outputs = layer(outputs)
                shapes.append(tuple(outputs.shape[1:]))
        impossible = False
    except RuntimeError:
        impossible = True
    assert rows == shapes
    assert refused == impossible


def test_table_says_why_an_input_does_not_fit(monkeypatch):
    with pytest.raises(ConfigError, match=r"^fc1 takes 192 values, but a 32x28 input gives it 240\.$"):
        list(layer_table(new(), 32, 28))
    with pytest.raises(ConfigError, match=r"^conv1: the filter is 5 wide, but the input with its padding only 4\.$"):
        list(layer_table(new(), 28, 4))
    with pytest.raises(ConfigError, match=r"^The input is 0x28, expected at least 1x1\.$"):
        list(layer_table(new(), 0, 28))


def test_table_names_a_block_that_does_not_fit(monkeypatch):
    def wrong(classes):
        return OrderedDict(
            conv1=nn.Conv2d(1, 4, kernel_size=3), block=nn.Sequential(nn.Conv2d(5, 6, 3)), out=nn.Linear(6, classes)
        )

    register(monkeypatch, wrong=wrong)
    rows = layer_table(new("wrong"))
    assert next(rows).name == "conv1"  # what can be worked out comes first
    with pytest.raises(
        ConfigError, match=r"^block \(Sequential\) cannot take what the layer before puts out, 4x26x26\.$"
    ):
        next(rows)


def test_table_refuses_a_layer_that_puts_out_neither_maps_nor_a_vector(monkeypatch):
    register(monkeypatch, rows=lambda classes: OrderedDict(rows=nn.Flatten(2), out=nn.Linear(784, classes)))
    with pytest.raises(ConfigError, match=r"^rows puts out 1x784, expected maps \(3 sizes\) or a vector \(1\)\.$"):
        list(layer_table(new("rows")))


def test_table_keeps_the_two_directions_apart(monkeypatch):
    def uneven(classes):
        return OrderedDict(
            conv=nn.Conv2d(1, 3, kernel_size=(7, 3), stride=(1, 2), padding=(2, 0), dilation=(1, 3)),
            pool=nn.MaxPool2d(kernel_size=(2, 3), stride=(3, 1), padding=(1, 0)),
            flatten=nn.Flatten(),
            out=nn.Linear(3 * 10 * 4, classes),
        )

    register(monkeypatch, uneven=uneven)
    network = new("uneven")
    conv, pool, flat, out = layer_table(network, 30, 17)
    assert (conv.f, conv.p, conv.s, conv.d) == ((7, 3), (2, 0), (1, 2), (1, 3))
    assert (pool.f, pool.p, pool.s, pool.d) == ((2, 3), (1, 0), (3, 1), (1, 1))
    maps = network.trace(random_inputs(1, height=30, width=17)).maps
    assert [conv.shape, pool.shape, flat.shape, out.shape] == [tuple(values.shape[1:]) for values in maps.values()]


@every_architecture
def test_table_and_receptive_fields_leave_the_network_as_it_is(architecture, monkeypatch):
    narrow(monkeypatch)
    network = new(architecture).train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    list(layer_table(network))
    receptive_fields(network)
    assert network.training and all(layer.training for layer in network.layers)
    for name, tensor in network.state_dict().items():
        assert tensor.dtype == before[name].dtype and torch.equal(tensor, before[name]), name


# ---------------------------------------------------------------- receptive fields


def dependence(network):
    """By experiment: layer -> bool (H, W, 28, 28), whether an output changes when one pixel does."""
    exact = copy.deepcopy(network).double()
    picture = random_inputs(1).double()
    columns = torch.arange(28)
    found = {}
    with torch.inference_mode():
        for row in range(28):
            inputs = picture.repeat(29, 1, 1, 1)  # one with each pixel of the row changed, and one as it was
            inputs[columns, 0, row, columns] += 1000
            for layer, maps in exact.trace(inputs).maps.items():
                has_changed = ((maps[:28] - maps[28:]).abs() > 1e-9).any(1)
                found.setdefault(layer, []).append(has_changed.reshape(28, *(maps.shape[2:] or (1, 1))))
    return {layer: torch.stack(rows).permute(2, 3, 0, 1) for layer, rows in found.items()}


@every_architecture
def test_an_output_depends_on_its_receptive_field_and_on_nothing_else(architecture, monkeypatch):
    narrow(monkeypatch)
    network = new(architecture)
    fields = receptive_fields(network)
    experiment = dependence(network)
    assert list(fields.rows) == list(fields.columns) == list(experiment) == network.layer_names
    for layer, depends in experiment.items():
        for row in range(depends.shape[0]):
            for column in range(depends.shape[1]):
                rows, columns = (depends[row, column].any(axis).nonzero()[:, 0].tolist() for axis in (1, 0))
                expected = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
                assert fields.of(layer, row, column) == expected, (layer, row, column)


def test_receptive_fields_by_hand():
    original, deep, residual = (receptive_fields(new(name)) for name in ("original", "deep", "residual"))
    assert original.of("conv1", 0, 0) == (0, 0, 5, 5)
    assert original.of("pool1", 0, 0) == (0, 0, 6, 6)
    assert original.of("conv2", 1, 0) == (0, 2, 14, 16)
    assert deep.of("conv1", 0, 27) == (26, 0, 28, 2)  # the padding is not part of the picture
    assert residual.of("block1", 0, 3) == (2, 0, 11, 5)  # of two 3x3 convolutions, the first in steps of two, after one
    for fields in (original, deep, residual):
        assert fields.of("flatten", 0, 0) == fields.of("out", 0, 0) == (0, 0, 28, 28)


def test_an_output_in_the_padding_depends_on_nothing(monkeypatch):
    def padded(classes):
        return OrderedDict(
            conv=nn.Conv2d(1, 2, kernel_size=1, padding=2), flatten=nn.Flatten(), out=nn.Linear(2 * 32 * 32, classes)
        )

    register(monkeypatch, padded=padded)
    fields = receptive_fields(new("padded"))
    assert fields.of("conv", 0, 5) == fields.of("conv", 31, 31) == (0, 0, 0, 0)
    assert fields.of("conv", 2, 5) == (3, 0, 4, 1)


def test_receptive_field_of_a_layer_or_a_place_that_there_is_not():
    fields = receptive_fields(new())
    with pytest.raises(ConfigError, match=r"^There is no layer 'conv99'; the layers are conv1, "):
        fields.of("conv99", 0, 0)
    with pytest.raises(ConfigError, match=r"^There is no layer ''"):
        fields.of("", 0, 0)
    for place in [(-1, 0), (0, -1), (24, 0), (0, 24)]:
        with pytest.raises(ConfigError, match=rf"^There is no place {place[0]}, {place[1]} in conv1\.$"):
            fields.of("conv1", *place)
