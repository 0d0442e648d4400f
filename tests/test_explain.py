import copy
from collections import OrderedDict

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from fmnist_core import MEAN, STD
from fmnist_core.errors import ConfigError
from fmnist_core.explain import (
    COVER,
    TOP_ACTIVATIONS_FILE,
    STRIDE,
    exciting,
    grad_cam,
    load,
    occlusion,
    pixel_sum,
    receptive_field,
    save,
    ablate_channel,
    channel_weights,
)
from fmnist_core.model import ARCHITECTURES, Network, to_inputs, to_probabilities


def network_of(monkeypatch, **layers):
    """A network of these layers, ready to answer."""
    monkeypatch.setitem(ARCHITECTURES, "tiny", lambda: OrderedDict(layers))
    return Network("tiny").eval()


def linear(weight):
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=False)
    layer.weight.data = weight
    return layer


def trace_of(network, pixels):
    with torch.inference_mode():
        return network.trace(to_inputs(pixels[None]))


@pytest.fixture
def split_in_two(monkeypatch):
    """Map 0 is the brightness of each quarter, map 1 its opposite; class 3 counts the left half, class 5 the right."""
    pool = nn.AvgPool2d(14)  # (1, 2, 2)
    mix = nn.Conv2d(1, 2, 1, bias=False)
    mix.weight.data = torch.tensor([1.0, -1.0]).reshape(2, 1, 1, 1)
    weight = torch.zeros(10, 8)  # of map 0's and map 1's quarters: upper left, upper right, lower left, lower right
    weight[3, [0, 2]] = 1.0
    weight[5, [1, 3]] = 2.0
    return network_of(monkeypatch, pool=pool, mix=mix, flatten=nn.Flatten(), out=linear(weight))


def half_bright():
    pixels = torch.zeros(28, 28, dtype=torch.uint8)
    pixels[:, :14] = 255
    return pixels


BRIGHT, BLACK = (1 - MEAN) / STD, -MEAN / STD  # what enters a network for pixels of 255 and 0


# --- Grad-CAM -------------------------------------------------------------------------------------------------------


def test_grad_cam_by_hand(split_in_two):
    # The gradient of class 3 over map 0 is 1, 0, 1, 0: its mean is 1/2, and 0 over map 1. So the heat is half of map 0
    # where that is positive: on the left.
    heat = grad_cam(split_in_two, trace_of(split_in_two, half_bright()), 3)
    assert heat.shape == (28, 28)
    assert heat[:, :7] == pytest.approx(1.0)
    assert heat[:, 21:] == pytest.approx(0.0)
    # Between the middles of the halves, on a straight line from BRIGHT to 0 (what is negative was dropped before).
    expected = [1 - (column + 0.5 - 7) / 14 for column in range(7, 21)]
    assert heat[3, 7:21].tolist() == pytest.approx(expected, abs=1e-6)


def test_grad_cam_of_a_class_that_nothing_speaks_for_is_nothing(split_in_two):
    assert (grad_cam(split_in_two, trace_of(split_in_two, half_bright()), 0) == 0).all()
    assert (grad_cam(split_in_two, trace_of(split_in_two, torch.zeros(28, 28, dtype=torch.uint8)), 3) == 0).all()


@pytest.mark.parametrize("name", ["original", "shipped"])
def test_grad_cam_is_the_formula_in_the_paper(name, samples, request):
    network = request.getfixturevalue(name)  # trained: in a new one of nine layers hardly anything is left at the end
    trace = trace_of(network, samples.test.pixels[7])
    layer = {"original": "pool2", "shipped": "relu9"}[name]
    maps = trace.maps[layer].clone()
    side, place = maps.shape[-1], list(trace.maps).index(layer) + 1
    exact = copy.deepcopy(network.layers[place:]).double()
    step = 1e-4
    peaks = 0
    for label in range(10):
        # The gradient by differences: the class logit when a map is a little larger everywhere.
        alphas = []
        with torch.inference_mode():
            for channel in range(maps.shape[1]):
                logits = []
                for change in (-step, step):
                    changed = maps.double()
                    changed[0, channel] += change
                    logits.append(exact(changed)[0, label])
                alphas.append((logits[1] - logits[0]) / (2 * step) / side**2)
        expected = (torch.stack(alphas)[:, None, None] * maps[0]).sum(0).relu()
        heat = grad_cam(network, trace, label)
        assert heat.min() >= 0
        assert heat.max() == pytest.approx(1) or heat.max() == 0
        if expected.max() > 1e-5:
            large = F.interpolate(expected[None, None], (28, 28), mode="bilinear", align_corners=False)[0, 0]
            assert heat.numpy() == pytest.approx((large / large.max()).numpy(), abs=1e-3)
            peaks += 1
    assert peaks >= 2


# --- occlusion ------------------------------------------------------------------------------------------------------


def test_occlusion_by_hand(split_in_two):
    # Hiding a square on the left takes COVER² of the 392 bright pixels from the mean of class 3's two quarters.
    heat = occlusion(split_in_two, half_bright(), 3)

    def probability(hidden):
        part = hidden / 196  # of one quarter
        quarter = BRIGHT - part * (BRIGHT - BLACK)
        logits = torch.zeros(10)
        logits[3], logits[5] = quarter + BRIGHT, 4 * BLACK
        return float(to_probabilities(logits[None])[0, 3])

    assert heat[0, 0] == pytest.approx(probability(0) - probability(COVER**2), abs=1e-5)
    assert heat[:, 20:].abs().max() < 1e-6  # there, it is black anyway
    assert heat[:, :8].min() > 0


def test_occlusion_below_zero_where_hiding_helps(split_in_two):
    assert occlusion(split_in_two, half_bright(), 5)[:, 2:10].max() < 0


@pytest.mark.parametrize("label", [2, 9])
def test_occlusion_is_the_mean_of_the_squares_over_each_place(shipped, samples, label):
    pixels = samples.test.pixels[17]
    total, count = np.zeros((28, 28)), np.zeros((28, 28))
    with torch.inference_mode():
        before = float(to_probabilities(shipped(to_inputs(pixels[None])))[0, label])
        for row in range(0, 28 - COVER + 1, STRIDE):
            for column in range(0, 28 - COVER + 1, STRIDE):
                hidden = pixels.clone()
                hidden[row : row + COVER, column : column + COVER] = 0
                after = float(to_probabilities(shipped(to_inputs(hidden[None])))[0, label])
                total[row : row + COVER, column : column + COVER] += before - after
                count[row : row + COVER, column : column + COVER] += 1
    assert count.min() >= 1
    assert occlusion(shipped, pixels, label).numpy() == pytest.approx(total / count, abs=1e-4)


# --- what excites a channel -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_exciting_samples_are_those_with_the_largest_values(name, samples):
    torch.manual_seed(0)
    network = Network(name).eval()
    few = samples.test.take(torch.arange(120))
    with torch.inference_mode():
        trace = network.trace(to_inputs(few.pixels))
    of_layers = exciting(network, few, 4)
    assert list(of_layers) == list(trace.maps)
    for layer, maps in trace.maps.items():
        found = of_layers[layer]
        values = maps.flatten(2).amax(2) if maps.dim() == 4 else maps
        assert found.values.shape == found.indices.shape == (maps.shape[1], 4)
        torch.testing.assert_close(found.values, values.sort(0, descending=True).values[:4].T, rtol=1e-4, atol=1e-5)
        for channel in range(0, maps.shape[1], 7):
            for value, index, (row, column) in zip(
                found.values[channel], found.indices[channel], found.places[channel], strict=True
            ):
                there = maps[index, channel, row, column] if maps.dim() == 4 else maps[index, channel]
                assert there == pytest.approx(float(value), abs=1e-4)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_what_was_found_comes_back_from_its_file_with_its_own_weights_only(name, samples, tmp_path):
    torch.manual_seed(0)
    network = Network(name).eval()
    assert load(tmp_path, network) is None
    found = exciting(network, samples.test.take(torch.arange(40)))
    save(found, network, tmp_path)
    back = load(tmp_path, network)
    assert back.keys() == found.keys()
    for layer, each in found.items():
        for part in ("values", "indices", "places"):
            assert torch.equal(getattr(back[layer], part), getattr(each, part))
    assert load(tmp_path, Network(name)) is None  # other weights
    (tmp_path / TOP_ACTIVATIONS_FILE).write_bytes(b"nothing of that kind")
    assert load(tmp_path, network) is None


def test_fewer_samples_than_asked_for(shipped, samples):
    assert exciting(shipped, samples.test.take(torch.arange(3)), 9)["conv1"].values.shape[1] == 3


def test_a_layer_that_is_none(shipped, samples):
    trace = trace_of(shipped, samples.test.pixels[0])
    with pytest.raises(ConfigError, match="There is no layer 'conv99'; the layers are conv1, "):
        ablate_channel(shipped, trace, "conv99", 0)
    with pytest.raises(ConfigError, match="There is no layer"):
        receptive_field(shipped, "", 0, 0)


# --- a channel switched off -----------------------------------------------------------------------------------------


def test_switched_off_by_hand(split_in_two):
    trace = trace_of(split_in_two, half_bright())
    assert trace.logits[0, 3] == pytest.approx(2 * BRIGHT, abs=1e-5)
    assert (ablate_channel(split_in_two, trace, "mix", 0) == 0).all()
    assert torch.equal(ablate_channel(split_in_two, trace, "mix", 1), trace.logits)  # no class listens to it
    assert ablate_channel(split_in_two, trace, "flatten", 2)[0, 3] == pytest.approx(BRIGHT, abs=1e-5)
    assert ablate_channel(split_in_two, trace, "out", 3)[0, 3] == 0


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_switched_off_is_the_network_with_that_output_at_zero(name, samples):
    torch.manual_seed(1)
    network = Network(name).eval()
    trace = trace_of(network, samples.test.pixels[5])
    for layer, module in network.layers.named_children():
        channel = trace.maps[layer].shape[1] // 2

        def hide(_module, _inputs, output, channel=channel):
            hidden = output.clone()
            hidden[:, channel] = 0
            return hidden

        handle = module.register_forward_hook(hide)
        with torch.inference_mode():
            expected = network(to_inputs(samples.test.pixels[5][None]))
        handle.remove()
        torch.testing.assert_close(ablate_channel(network, trace, layer, channel), expected)
    before = {name: maps.clone() for name, maps in trace.maps.items()}
    ablate_channel(network, trace, next(iter(before)), 0)
    assert all(torch.equal(trace.maps[name], maps) for name, maps in before.items())


@pytest.mark.parametrize("channel", [-1, 10, 1000])
def test_a_channel_that_is_none(shipped, samples, channel):
    trace = trace_of(shipped, samples.test.pixels[0])
    for ask in (ablate_channel, channel_weights):
        with pytest.raises(ConfigError, match=f"There is no channel {channel} in out, expected 0..9."):
            ask(shipped, trace, "out", channel)


# --- weights --------------------------------------------------------------------------------------------------------


def test_weights_of_a_channel_are_those_of_the_layer_that_makes_it(samples):
    network = Network("original").eval()
    trace = trace_of(network, samples.test.pixels[0])
    weight = {name: getattr(layer, "weight", None) for name, layer in network.layers.named_children()}
    for layer, channel, maker, row in [
        ("conv1", 3, "conv1", 3),
        ("relu1", 3, "conv1", 3),
        ("norm1", 5, "conv1", 5),
        ("conv2", 11, "conv2", 11),
        ("pool2", 7, "conv2", 7),
        ("flatten", 16 * 7 + 3, "conv2", 7),  # 12 maps of 16 places
        ("fc1", 100, "fc1", 100),
        ("norm2", 100, "fc1", 100),
        ("out", 9, "out", 9),
    ]:
        name, found = channel_weights(network, trace, layer, channel)
        assert name == maker
        assert torch.equal(found, weight[maker][row])


def test_weights_of_what_has_none(split_in_two):
    trace = trace_of(split_in_two, half_bright())
    with pytest.raises(ConfigError, match="No layer with weights comes before pool"):
        channel_weights(split_in_two, trace, "pool", 0)


# --- the arithmetic of a pixel --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ARCHITECTURES)
@given(data=st.data())
def test_the_sum_behind_a_pixel_is_its_value(name, samples, data):
    network = Network(name).eval()
    inputs = to_inputs(samples.test.pixels[data.draw(st.integers(0, 1999))][None])
    with torch.inference_mode():
        maps = network.layers[0](inputs)[0]
    channel, row, column = (data.draw(st.integers(0, size - 1)) for size in maps.shape)
    found = pixel_sum(network, inputs, channel, row, column)
    assert found.total == pytest.approx(float(maps[channel, row, column]), abs=1e-4)
    assert found.total == pytest.approx(float((found.patch * found.kernel).sum()) + found.bias, abs=1e-5)
    # The patch is where it says, and 0 outside the picture.
    side = len(found.patch)
    for y in range(side):
        for x in range(side):
            inside = 0 <= found.top + y < 28 and 0 <= found.left + x < 28
            expected = float(inputs[0, 0, found.top + y, found.left + x]) if inside else 0.0
            assert float(found.patch[y, x]) == expected


def test_a_value_that_is_none(shipped):
    for place in [(-1, 0, 0), (32, 0, 0), (0, 28, 0), (0, 0, -1)]:
        with pytest.raises(ConfigError, match=r"There is no value .* in maps \(32, 28, 28\)."):
            pixel_sum(shipped, torch.zeros(1, 1, 28, 28), *place)


def test_no_convolution_first(split_in_two):
    with pytest.raises(ConfigError, match="The first layer is no convolution"):
        pixel_sum(split_in_two, torch.zeros(1, 1, 28, 28), 0, 0, 0)


# --- what a place depends on ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_place_depends_on_its_receptive_field_and_on_nothing_else(name):
    torch.manual_seed(2)
    network = Network(name).eval()
    inputs = torch.randn(1, 1, 28, 28)
    for layer, module in network.layers.named_children():
        if isinstance(module, nn.MaxPool2d):  # its gradient is at one place only; the layer after it tells as much
            continue
        until = [name for name, _ in network.layers.named_children()].index(layer) + 1
        smooth = [nn.AvgPool2d(2) if isinstance(each, nn.MaxPool2d) else each for each in network.layers[:until]]
        smooth = nn.Sequential(*(nn.Identity() if isinstance(each, nn.ReLU) else each for each in smooth))
        variable = inputs.clone().requires_grad_()
        maps = smooth(variable)
        row = column = 0
        if maps.dim() == 4:
            row, column = maps.shape[2] // 2, maps.shape[3] - 1
            maps[0, :, row, column].sum().backward()
        else:
            maps[0, :3].sum().backward()
        rows, columns = (variable.grad[0, 0].abs().sum(axis).nonzero()[:, 0] for axis in (1, 0))
        found = receptive_field(network, layer, row, column)
        if maps.dim() == 4:
            assert found == (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
        else:
            assert found == (0, 0, 28, 28)


def test_receptive_fields_by_hand():
    network = Network("original")
    assert receptive_field(network, "conv1", 0, 0) == (0, 0, 5, 5)
    assert receptive_field(network, "pool1", 0, 0) == (0, 0, 6, 6)
    assert receptive_field(network, "conv2", 1, 0) == (0, 2, 14, 16)
    assert receptive_field(Network("deep"), "conv1", 0, 27) == (26, 0, 28, 2)  # the padding is no part of the picture
