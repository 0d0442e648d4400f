"""Layers of one's own: what is accepted can be built and is as the arithmetic says; all else is refused in words."""

import dataclasses
import json

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import new
from safetensors.torch import load_file
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from fmnist_core import checkpoint, model
from fmnist_core.architectures import original_layers
from fmnist_core.custom_layers import CUSTOM, ORIGINAL_ROWS, LayerLimits, build, plan, read_layers, read_row, written
from fmnist_core.errors import CheckpointError, ConfigError
from fmnist_core.explain import top_activations
from fmnist_core.layer_kinds import LAYER_KINDS
from fmnist_core.layer_table import layer_table, receptive_fields
from fmnist_core.model import Network

SMALL = LayerLimits(layers=12, operations=500_000, values=50_000)
VALUES = {"channels": st.integers(1, 6), "rate": st.floats(0, 0.9), "size": st.integers(1, 40)}
CONV, POOL, FC, RELU = ({"layer": kind} for kind in ("conv", "max_pool", "fc", "relu"))


@st.composite
def rows_of_layers(draw):
    """Lists that are accepted: any rows, as far as they go."""
    kinds = draw(st.lists(st.sampled_from(list(LAYER_KINDS)), max_size=9))
    rows = []
    for kind in kinds:
        names = [field.name for field in dataclasses.fields(LAYER_KINDS[kind])]
        numbers = {name: draw(VALUES.get(name, st.integers(0 if name == "padding" else 1, 4))) for name in names}
        left_out = draw(st.sets(st.sampled_from(names))) if names else ()
        rows.append({"layer": kind} | {name: value for name, value in numbers.items() if name not in left_out})
    while rows:
        try:
            list(plan(rows, limits=SMALL))
            break
        except ConfigError:
            rows.pop()
    return rows


@settings(max_examples=40, deadline=None)
@given(rows_of_layers(), st.integers(2, 12))
def test_what_is_accepted_is_as_the_arithmetic_says(rows, classes):
    planned = list(plan(rows, classes))
    network = Network(CUSTOM, [f"class {number}" for number in range(classes)], layers=rows).eval()
    table = list(layer_table(network))
    assert [(each.name, each.shape, each.parameters, each.operations) for each in planned] == [
        (row.name, row.shape, row.parameters, row.operations) for row in table
    ]
    inputs = torch.randn(3, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        trace = network.trace(inputs)
    assert [tuple(maps.shape[1:]) for maps in trace.maps.values()] == [each.shape for each in planned]
    assert sum(each.operations for each in planned) == counter.get_total_flops() / 2 / 3
    assert sum(each.parameters for each in planned) == network.parameter_count
    assert trace.logits.shape == (3, classes)
    assert trace.embedding.dim() == 2
    assert [each.row for each in planned if each.row] == list(range(1, len(rows) + 1))
    # Written down and read again, it is the same.
    assert list(plan(json.loads(json.dumps(network.rows)), classes)) == planned
    assert network.rows == written(planned)


def test_the_original_network_in_rows_is_the_original_network():
    planned = list(plan(ORIGINAL_ROWS))
    assert str(nn.Sequential(build(planned))) == str(nn.Sequential(original_layers(10)))


def test_nothing_at_all_is_a_single_fully_connected_layer():
    network = new(CUSTOM, layers=[])
    assert network.layer_names == ["flatten", "out"]
    assert network.parameter_count == 28 * 28 * 10 + 10
    assert network.embed(torch.zeros(2, 1, 28, 28)).shape == (2, 784)


def test_every_kind_can_be_looked_into(samples):
    rows = [CONV | {"channels": 3}]
    rows += [{"layer": kind} for kind in LAYER_KINDS if kind not in ("conv", "fc")]
    network = new(CUSTOM, layers=[*rows, FC, RELU])
    fields, found = receptive_fields(network), top_activations(network, samples.test.take(torch.arange(12)))
    assert list(found) == list(fields.rows) == network.layer_names


# ---------------------------------------------------------------- what cannot be


def sentence(rows, limits=None):
    with pytest.raises(ConfigError) as caught:
        list(plan(rows, limits=limits))
    return str(caught.value)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (
            [CONV, CONV | {"kernel": 32}],
            "Row 2 (convolution): the filter is 32 wide, but the input with its padding only 26.",
        ),
        ([POOL] * 5, "Row 5 (max pooling): the filter is 2 wide, but the input with its padding only 1."),
        ([CONV | {"kernel": 0}], "Row 1: kernel: 0 is out of range, expected 1 to 32."),
        ([RELU, FC | {"size": 0}], "Row 2: size: 0 is out of range, expected 1 to 4,096."),
        ([POOL | {"stride": 0}], "Row 1: stride: 0 is out of range, expected 1 to 32."),
        ([CONV | {"padding": -1}], "Row 1: padding: -1 is out of range, expected 0 to 16."),
        ([CONV | {"channels": 2.5}], "Row 1: channels: 2.5 is not a whole number."),
        ([CONV | {"channels": None}], "Row 1: channels: missing, expected a number."),
        ([{"layer": "dropout", "rate": 1}], "Row 1: rate: 1 is out of range, expected 0 to 0.9."),
        (
            [{"layer": "avg_pool", "padding": 2}],
            "Row 1 (average pooling): the padding is 2, expected at most 1: half of the kernel.",
        ),
        (
            [FC, POOL],
            "Row 2 (max pooling): it slides over maps, but after a fully connected layer there is only a row of 64 "
            "values.",
        ),
        (
            [FC, RELU, CONV],
            "Row 3 (convolution): it slides over maps, but after a fully connected layer there is only a row of 64 "
            "values.",
        ),
        (
            [CONV | {"padding": 1}, FC],
            "Row 2 (fully connected): there would be 12,544 values in one row, expected at most 4,096: pooling before "
            "it makes them fewer.",
        ),
        (
            [CONV, POOL],
            "The last layer: 2,704 values enter it, expected at most 2,048: pooling or a fully connected layer before "
            "it makes them fewer.",
        ),
        (
            [FC | {"size": 1}],
            "The last layer: only 1 value enters it, expected at least 2: the map of the images has two axes.",
        ),
        (
            [CONV | {"channels": 1024}] * 3,
            "Row 2 (convolution): with it the network has 5,442,048,000 multiply-adds for each image, expected at most "
            "2,000,000,000.",
        ),
        ([{"layer": "cone"}], f"Row 1: there is no layer 'cone', expected one of {', '.join(LAYER_KINDS)}."),
        ([RELU, {"layer": 3}], f"Row 2: there is no layer '3', expected one of {', '.join(LAYER_KINDS)}."),
        ([{"kernel": 3}], f"Row 1: it names no layer, expected one of {', '.join(LAYER_KINDS)}."),
        ([None], f"Row 1: it names no layer, expected one of {', '.join(LAYER_KINDS)}."),
        ([CONV | {"dilation": 2}], "Row 1: conv has no number 'dilation', expected channels, kernel, stride, padding."),
        ([RELU | {"slope": 2}], "Row 1: relu has no number 'slope', expected none."),
        ([RELU] * 101, "Row 101: there are 101 layers, expected at most 100."),
        ("conv", "The layers are not a list of rows."),
        ({"layer": "conv"}, "The layers are not a list of rows."),
        (None, "The layers are not a list of rows."),
    ],
)  # fmt: skip
def test_why_layers_cannot_be(rows, expected):
    assert sentence(rows) == expected


@pytest.mark.parametrize("limit", [field.name for field in dataclasses.fields(LayerLimits)])
def test_each_limit_is_kept_to_the_last_one(limit):
    rows = [CONV | {"channels": 4}, RELU, POOL, FC | {"size": 50}]
    planned = list(plan(rows))
    reached = {
        "layers": len(rows),
        "parameters": sum(each.parameters for each in planned),
        "operations": sum(each.operations for each in planned),
        "values": sum(torch.Size(each.shape).numel() for each in planned),
        "vector": 4 * 13 * 13,
        "embedding": 50,
    }[limit]
    assert list(plan(rows, limits=LayerLimits(**{limit: reached}))) == planned
    assert f"expected at most {reached - 1:,}" in sentence(rows, LayerLimits(**{limit: reached - 1}))


def test_the_layers_before_an_impossible_one_are_told():
    planned = plan([CONV, POOL, CONV | {"kernel": 20}, RELU])
    assert [next(planned).name, next(planned).name] == ["conv1", "pool1"]
    with pytest.raises(ConfigError, match=r"^Row 3 "):
        next(planned)


VALUES_OF_JSON = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(list(LAYER_KINDS))
)
NAMES = st.sampled_from(["layer", "channels", "kernel", "x"])


@given(st.recursive(VALUES_OF_JSON, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner)))
def test_anything_at_all_is_accepted_or_refused(anything):
    try:
        list(plan(anything))
    except ConfigError as error:
        assert str(error).endswith(".")


def test_a_whole_number_may_be_written_with_a_point():
    assert read_row({"layer": "conv", "channels": 4.0}) == LAYER_KINDS["conv"](channels=4)
    assert type(read_row({"layer": "conv", "channels": 4.0}).channels) is int


# ---------------------------------------------------------------- files


def test_a_checkpoint_keeps_the_rows(tmp_path, samples):
    rows = [
        CONV | {"channels": 2, "stride": 2},
        {"layer": "tanh"},
        {"layer": "dropout", "rate": 0.3},
        {"layer": "norm"},
    ]
    network = new(CUSTOM, layers=rows)
    checkpoint.save(network, tmp_path / "ours")
    network.save_pretrained(tmp_path / "theirs")
    for folder in (tmp_path / "ours", tmp_path / "theirs"):
        assert json.loads((folder / "config.json").read_text()) == network.config
        for loaded in (checkpoint.load(folder), Network.from_pretrained(folder)):
            assert loaded.config == network.config
            assert checkpoint.fingerprint(loaded) == checkpoint.fingerprint(network)
            assert torch.equal(loaded(samples.test.pixels[:5]), network(samples.test.pixels[:5]))
    assert load_file(tmp_path / "ours" / "model.safetensors").keys() == network.state_dict().keys()


def test_fingerprint_tells_layers_apart_that_have_no_weights():
    one, other = new(CUSTOM, layers=[FC, RELU]), new(CUSTOM, layers=[FC, {"layer": "tanh"}])
    other.load_state_dict(one.state_dict())
    assert checkpoint.fingerprint(one) != checkpoint.fingerprint(other)


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ([CONV | {"channels": 10**9}], "Row 1: channels: 1e+09 is out of range, expected 1 to 1,024."),
        ([CONV | {"channels": 1024, "kernel": 32, "padding": 16}] * 40, "Row 2 (convolution): with it the network has"),
        ([FC | {"size": 4096}] * 100, "Row 3 (fully connected): with it the network has"),
        ([RELU] * 10**4, "Row 101: there are 10000 layers, expected at most 100."),
        ({"layer": "conv"}, "The layers are not a list of rows."),
        ([[]], "Row 1: it names no layer"),
    ],
)  # fmt: skip
def test_a_hostile_configuration_is_refused_before_anything_is_made(tmp_path, monkeypatch, layers, expected):
    (tmp_path / "config.json").write_text(json.dumps({"architecture": CUSTOM, "layers": layers}))
    monkeypatch.setattr(model, "build", lambda planned: pytest.fail("layers were made"))
    with pytest.raises(CheckpointError) as caught:
        checkpoint.load(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path / 'config.json'}: {expected}")


def test_layers_belong_to_a_custom_network_only():
    with pytest.raises(ConfigError) as caught:
        Network("original", layers=[CONV])
    assert str(caught.value) == "The network original has its own layers: expected no list, or the network custom."


def test_layers_from_a_file(tmp_path):
    file = tmp_path / "layers.json"
    file.write_text(json.dumps([CONV | {"stride": 2}, POOL]))
    assert read_layers(file) == [
        {"layer": "conv", "channels": 16, "kernel": 3, "stride": 2, "padding": 0},
        {"layer": "max_pool", "kernel": 2, "stride": 2, "padding": 0},
    ]


@pytest.mark.parametrize(
    ("contents", "expected"),
    [
        (b"[", "{file} is no list of layers in JSON: Expecting value: line 1 column 2 (char 1)."),
        (b"\xff", "{file} is no list of layers in JSON: 'utf-8' codec can't decode byte 0xff in position 0"),
        (b"[" * 10**5, "{file} is no list of layers in JSON: maximum recursion depth exceeded"),
        (b"[" + b"9" * 5000 + b"]", "{file} is no list of layers in JSON: Exceeds the limit"),
        (b" " * (2**20 + 1), "{file} is larger than 1 MB: it is no list of layers."),
        (b'[{"layer": "conv", "kernel": 0}]', "Row 1: kernel: 0 is out of range, expected 1 to 32."),
    ],
)  # fmt: skip
def test_a_file_that_is_no_list_of_layers(tmp_path, contents, expected):
    file = tmp_path / "layers.json"
    file.write_bytes(contents)
    with pytest.raises(ConfigError) as caught:
        read_layers(file)
    assert str(caught.value).startswith(expected.format(file=file))


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ConfigError, match=r"^There is no file .*layers\.json\.$"):
        read_layers(tmp_path / "layers.json")
    with pytest.raises(ConfigError, match="is no list of layers in JSON"):
        read_layers(tmp_path)
