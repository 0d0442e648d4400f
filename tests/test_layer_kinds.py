"""Each kind of layer: its numbers, and its arithmetic beside what PyTorch makes of it."""

import dataclasses

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from fmnist_core.errors import ConfigError
from fmnist_core.layer_kinds import LAYER_KINDS, Flatten, Layer
from fmnist_core.settings import setting_of

CONV, MAX_POOL, AVG_POOL = (LAYER_KINDS[kind] for kind in ("conv", "max_pool", "avg_pool"))
SLIDES = "It slides over maps, but after a fully connected layer there is only a row of"
every_kind = pytest.mark.parametrize("kind", LAYER_KINDS.values(), ids=LAYER_KINDS)
SIZES = st.integers(1, 12)
SHAPES = st.tuples(st.integers(1, 4), SIZES, SIZES) | st.tuples(st.integers(1, 30))


def layers_of(kind):
    """Layers of a kind with small numbers, most of which fit somewhere."""
    numbers = {}
    for field in dataclasses.fields(kind):
        low, high = setting_of(field).low, min(setting_of(field).high, 9)
        numbers[field.name] = (st.integers if setting_of(field).type is int else st.floats)(low, high)
    return st.builds(kind, **numbers)


def what_pytorch_does(layer, entering):
    """The layer that would be built, and the shape it puts out; None where PyTorch cannot do it."""
    try:
        built = layer.build(entering).eval()
        if isinstance(built, nn.Linear) and len(entering) == 3:
            return None  # it would take each row of a map for a vector
        return built, tuple(built(torch.zeros(2, *entering)).shape[1:])
    except (RuntimeError, ValueError, IndexError):
        return None


@every_kind
@settings(max_examples=40)
@given(data=st.data())
def test_a_layer_can_be_where_pytorch_can_run_it_and_nowhere_else(kind, data):
    layer, entering = data.draw(layers_of(kind)), data.draw(SHAPES)
    if kind is LAYER_KINDS["fc"] and len(entering) == 3:
        return  # flattening comes before it
    real = what_pytorch_does(layer, entering)
    if real is None:
        with pytest.raises(ConfigError):
            layer.shape(entering)
        return
    built, shape = real
    assert layer.shape(entering) == shape
    assert layer.parameters(entering) == sum(parameter.numel() for parameter in built.parameters())


@given(SHAPES)
def test_flattening_keeps_every_value(entering):
    assert what_pytorch_does(Flatten(), entering)[1] == Flatten().shape(entering)


@every_kind
def test_a_kind_has_what_people_call_it_and_what_its_numbers_do(kind):
    assert issubclass(kind, Layer)
    assert kind.label
    assert kind.name.isidentifier()
    for field in dataclasses.fields(kind):
        setting = setting_of(field)
        assert setting.help
        assert setting.low <= field.default <= setting.high < float("inf")
        for value in (setting.low - 1, setting.high + 1, None, "3", True, float("nan")):
            with pytest.raises(ConfigError, match=rf"^{setting.label}: "):
                kind(**{field.name: value})


def test_layers_are_equal_when_kind_and_numbers_are():
    relu, tanh, dropout = (LAYER_KINDS[name] for name in ("relu", "tanh", "dropout"))
    assert relu() == relu() != tanh()
    assert dropout(0.1) == dropout(0.1) != dropout(0.2)


@pytest.mark.parametrize(
    ("layer", "entering", "sentence"),
    [
        (CONV(kernel=5, padding=1), (6, 2, 9), "The filter is 5 wide, but the input with its padding only 4."),
        (MAX_POOL(kernel=3), (6, 9, 2), "The filter is 3 wide, but the input with its padding only 2."),
        (AVG_POOL(kernel=3, padding=2), (1, 9, 9), "The padding is 2, expected at most 1: half of the kernel."),
        (CONV(), (1200,), f"{SLIDES} 1,200 values."),
        (MAX_POOL(), (10,), f"{SLIDES} 10 values."),
    ],
)
def test_why_a_layer_cannot_be_where_it_is(layer, entering, sentence):
    with pytest.raises(ConfigError) as caught:
        layer.shape(entering)
    assert str(caught.value) == sentence
