import copy
from collections import OrderedDict

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from networks import ADDED, EVERY, Residual, narrow, new, register
from torch import nn
from torch.nn import functional as F

from fmnist_core import MEAN, STD
from fmnist_core.errors import ConfigError
from fmnist_core.explain import (
    SQUARE,
    STRIDE,
    TOP_ACTIVATIONS_FILE,
    ablate_channel,
    channel_weights,
    grad_cam,
    has_pixel_sum,
    load,
    occlusion,
    pixel_sum,
    save,
    top_activations,
)
from fmnist_core.layer_table import receptive_fields
from fmnist_core.model import to_probabilities

every_architecture = pytest.mark.parametrize("architecture", EVERY)


@pytest.fixture(autouse=True)
def added_networks(monkeypatch):
    register(monkeypatch)


def network_of(monkeypatch, **layers):
    """A network of these layers, ready to answer."""
    register(monkeypatch, tiny=lambda classes: OrderedDict(layers))
    return new("tiny")


def linear(weight):
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=False)
    layer.weight.data = weight
    return layer


def trace_of(network, pixels):
    with torch.inference_mode():
        return network.trace(network.to_inputs(pixels[None]))


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


@pytest.mark.parametrize(
    ("name", "layer"),
    [("original", "pool2"), ("shipped", "relu9"), ("residual", "block2"), ("dilated", "pool2"), ("dropout", "pool1")],
)
def test_grad_cam_is_the_formula_in_the_paper(name, layer, samples, request):
    # The shipped networks are trained: in a new one of nine layers hardly anything is left at the end.
    network = new(name) if name in ADDED else request.getfixturevalue(name)
    trace = trace_of(network, samples.test.pixels[7])
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


def test_grad_cam_without_maps_is_refused(monkeypatch, samples):
    network = network_of(monkeypatch, flatten=nn.Flatten(), out=nn.Linear(784, 10))
    with pytest.raises(ConfigError, match=r"^This network has no feature maps that could show where it looks\.$"):
        grad_cam(network, trace_of(network, samples.test.pixels[0]), 0)


# --- occlusion ------------------------------------------------------------------------------------------------------


def test_occlusion_by_hand(split_in_two):
    # Hiding a square on the left takes SQUARE² of the 392 bright pixels from the mean of class 3's two quarters.
    heat = occlusion(split_in_two, half_bright(), 3)

    def probability(hidden):
        quarter = BRIGHT - hidden / 196 * (BRIGHT - BLACK)
        logits = torch.zeros(10)
        logits[3], logits[5] = quarter + BRIGHT, 4 * BLACK
        return float(to_probabilities(logits[None])[0, 3])

    assert heat[0, 0] == pytest.approx(probability(0) - probability(SQUARE**2), abs=1e-5)
    assert heat[:, 20:].abs().max() < 1e-6  # there, it is black anyway
    assert heat[:, :8].min() > 0


def test_occlusion_below_zero_where_hiding_helps(split_in_two):
    assert occlusion(split_in_two, half_bright(), 5)[:, 2:10].max() < 0


@pytest.mark.parametrize("name", ["shipped", *ADDED])
def test_occlusion_is_the_mean_of_the_squares_over_each_place(name, samples, request):
    network = new(name) if name in ADDED else request.getfixturevalue(name)
    labels = [2, 9]
    pixels = samples.test.pixels[17]
    total, count = np.zeros((2, 28, 28)), np.zeros((28, 28))

    def probabilities(image):
        return network(image[None])[0, labels].double().numpy()[:, None, None]

    with torch.inference_mode():
        before = probabilities(pixels)
        for row in range(0, 28 - SQUARE + 1, STRIDE):
            for column in range(0, 28 - SQUARE + 1, STRIDE):
                hidden = pixels.clone()
                hidden[row : row + SQUARE, column : column + SQUARE] = 0
                total[:, row : row + SQUARE, column : column + SQUARE] += before - probabilities(hidden)
                count[row : row + SQUARE, column : column + SQUARE] += 1
    assert count.min() >= 1
    for label, loss in zip(labels, total / count, strict=True):
        assert occlusion(network, pixels, label).numpy() == pytest.approx(loss, abs=1e-4)


# --- top activations ------------------------------------------------------------------------------------------------


@every_architecture
def test_top_activations_are_the_largest_values_with_what_they_depend_on(architecture, samples, monkeypatch):
    narrow(monkeypatch)
    network = new(architecture)
    few = samples.test.take(torch.arange(120))
    with torch.inference_mode():
        trace = network.trace(network.to_inputs(few.pixels))
    fields = receptive_fields(network)
    found = top_activations(network, few, 4)
    assert list(found) == list(trace.maps)
    for layer, maps in trace.maps.items():
        top = found[layer]
        values = maps.flatten(2).amax(2) if maps.dim() == 4 else maps
        assert top.values.shape == top.indices.shape == (maps.shape[1], 4)
        assert top.boxes.shape == (maps.shape[1], 4, 4)
        assert (top.indices.dtype, top.boxes.dtype) == (torch.int64, torch.int64)
        torch.testing.assert_close(top.values, values.sort(0, descending=True).values[:4].T, rtol=1e-4, atol=1e-5)
        for channel in range(0, maps.shape[1], 7):
            for value, index, box in zip(top.values[channel], top.indices[channel], top.boxes[channel], strict=True):
                there = maps[index, channel].reshape(maps.shape[2:] or (1, 1))
                places = ((there - value).abs() < 1e-4).nonzero().tolist()  # it can be in several
                assert tuple(box.tolist()) in {fields.of(layer, *place) for place in places}


@every_architecture
def test_top_activations_come_back_from_their_file_with_their_own_weights_only(
    architecture, samples, tmp_path, monkeypatch
):
    narrow(monkeypatch)
    network = new(architecture)
    assert load(tmp_path, network) is None
    found = top_activations(network, samples.test.take(torch.arange(40)))
    save(found, network, tmp_path)
    back = load(tmp_path, network)
    assert back.keys() == found.keys()
    for layer, each in found.items():
        for name in ("values", "indices", "boxes"):
            assert torch.equal(getattr(back[layer], name), getattr(each, name))
    assert load(tmp_path, new(architecture, seed=1)) is None  # other weights
    (tmp_path / TOP_ACTIVATIONS_FILE).write_bytes(b"nothing of that kind")
    assert load(tmp_path, network) is None


def test_fewer_samples_than_asked_for(original, samples):
    assert top_activations(original, samples.test.take(torch.arange(3)), 9)["conv1"].values.shape[1] == 3


# --- a channel ablated ----------------------------------------------------------------------------------------------


def test_ablation_by_hand(split_in_two):
    trace = trace_of(split_in_two, half_bright())
    assert trace.logits[0, 3] == pytest.approx(2 * BRIGHT, abs=1e-5)
    assert (ablate_channel(split_in_two, trace, "mix", 0) == 0).all()
    assert torch.equal(ablate_channel(split_in_two, trace, "mix", 1), trace.logits)  # no class listens to it
    assert ablate_channel(split_in_two, trace, "flatten", 2)[0, 3] == pytest.approx(BRIGHT, abs=1e-5)
    assert ablate_channel(split_in_two, trace, "out", 3)[0, 3] == 0


@every_architecture
def test_ablation_is_the_network_with_that_output_at_zero(architecture, samples):
    network = new(architecture, seed=1)
    trace = trace_of(network, samples.test.pixels[5])
    for layer, module in network.layers.named_children():
        channel = trace.maps[layer].shape[1] // 2

        def hide(_module, _inputs, output, channel=channel):
            hidden = output.clone()
            hidden[:, channel] = 0
            return hidden

        handle = module.register_forward_hook(hide)
        with torch.inference_mode():
            expected = network.logits(network.to_inputs(samples.test.pixels[5][None]))
        handle.remove()
        torch.testing.assert_close(ablate_channel(network, trace, layer, channel), expected)
    before = {name: maps.clone() for name, maps in trace.maps.items()}
    ablate_channel(network, trace, next(iter(before)), 0)
    assert all(torch.equal(trace.maps[name], maps) for name, maps in before.items())


@pytest.mark.parametrize("channel", [-1, 10, 1000])
def test_channel_that_there_is_not(original, samples, channel):
    trace = trace_of(original, samples.test.pixels[0])
    for call in (ablate_channel, channel_weights):
        with pytest.raises(ConfigError, match=rf"^There is no channel {channel} in out, expected 0\.\.9\.$"):
            call(original, trace, "out", channel)


def test_layer_that_there_is_not(original, samples):
    trace = trace_of(original, samples.test.pixels[0])
    for call in (ablate_channel, channel_weights):
        with pytest.raises(ConfigError, match=r"^There is no layer 'conv99'; the layers are conv1, "):
            call(original, trace, "conv99", 0)


# --- weights --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("architecture", "layer", "channel", "maker", "row"),
    [
        ("original", "conv1", 3, "conv1", 3),
        ("original", "relu1", 3, "conv1", 3),
        ("original", "norm1", 5, "conv1", 5),
        ("original", "conv2", 11, "conv2", 11),
        ("original", "pool2", 7, "conv2", 7),
        ("original", "flatten", 16 * 7 + 3, "conv2", 7),  # 12 maps of 16 places
        ("original", "fc1", 100, "fc1", 100),
        ("original", "norm2", 100, "fc1", 100),
        ("original", "out", 9, "out", 9),
        ("residual", "relu1", 2, "conv1", 2),
        ("residual", "out", 4, "out", 4),
        ("dilated", "pool2", 6, "conv2", 6),
        ("dilated", "flatten", 4 * 6 + 1, "conv2", 6),  # 8 maps of 4 places
        ("dropout", "dropout1", 3, "conv1", 3),
        ("dropout", "dropout2", 17, "fc1", 17),
    ],
)
def test_weights_of_a_channel_are_those_of_the_layer_that_makes_it(architecture, layer, channel, maker, row, samples):
    network = new(architecture)
    name, found = channel_weights(network, trace_of(network, samples.test.pixels[0]), layer, channel)
    assert name == maker
    assert torch.equal(found, network.layers.get_submodule(maker).weight[row])


def test_channel_without_weights(split_in_two):
    trace = trace_of(split_in_two, half_bright())
    with pytest.raises(ConfigError, match=r"^No layer with weights comes before pool\.$"):
        channel_weights(split_in_two, trace, "pool", 0)


@pytest.mark.parametrize(
    ("layer", "block"), [("block1", "block1"), ("block2", "block2"), ("pool1", "block2"), ("flatten", "block2")]
)
def test_channel_of_a_block_has_no_single_set_of_weights(samples, layer, block):
    network = new("residual")
    trace = trace_of(network, samples.test.pixels[0])
    with pytest.raises(
        ConfigError, match=rf"^{block} \(Residual\) has no single set of weights for each of its channels\.$"
    ):
        channel_weights(network, trace, layer, 0)


# --- the sum behind a value of the first layer ----------------------------------------------------------------------


def check_pixel_sum(network, inputs, place):
    """The sum agrees with the real convolution, and its patch with the picture, 0 outside."""
    first = network.layers[0]
    with torch.inference_mode():
        expected = float(first(inputs)[0][place])
    found = pixel_sum(network, inputs, *place)
    assert found.total == pytest.approx(expected, abs=1e-4)
    assert found.total == pytest.approx(float((found.patch * found.kernel).sum()) + found.bias, abs=1e-5)
    assert torch.equal(found.kernel, first.weight[place[0], 0])
    down, across = first.dilation
    for y in range(found.patch.shape[0]):
        for x in range(found.patch.shape[1]):
            row, column = found.top + down * y, found.left + across * x
            inside = 0 <= row < 28 and 0 <= column < 28
            assert float(found.patch[y, x]) == (float(inputs[0, 0, row, column]) if inside else 0.0)


@every_architecture
def test_sum_behind_a_value_is_that_value(architecture, samples):
    network = new(architecture)
    inputs = network.to_inputs(samples.test.pixels[[11]])
    shape = network.layers[0](inputs)[0].shape
    generator = torch.Generator().manual_seed(0)
    corners = [(0, row, column) for row in (0, shape[1] - 1) for column in (0, shape[2] - 1)]
    anywhere = [tuple(int(torch.randint(size, (), generator=generator)) for size in shape) for _ in range(40)]
    assert has_pixel_sum(network)
    for place in [*corners, *anywhere]:
        check_pixel_sum(network, inputs, place)


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@given(
    f=st.tuples(st.integers(1, 6), st.integers(1, 6)),
    s=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    d=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    p=st.one_of(st.sampled_from(["same", "valid"]), st.tuples(st.integers(0, 4), st.integers(0, 4))),
    bias=st.booleans(),
    data=st.data(),
)
def test_sum_holds_for_every_convolution(f, s, d, p, bias, data):
    network = new("residual")
    network.layers[0] = nn.Conv2d(1, 2, f, stride=1 if p == "same" else s, padding=p, dilation=d, bias=bias)
    inputs = torch.randn(1, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    check_pixel_sum(
        network, inputs, tuple(data.draw(st.integers(0, size - 1)) for size in network.layers[0](inputs)[0].shape)
    )


def test_value_that_there_is_not(shipped):
    for place in [(-1, 0, 0), (32, 0, 0), (0, 28, 0), (0, 0, -1)]:
        with pytest.raises(ConfigError, match=r"^There is no value .* in maps \(32, 28, 28\)\.$"):
            pixel_sum(shipped, torch.zeros(1, 1, 28, 28), *place)


@pytest.mark.parametrize(
    "first", [nn.AvgPool2d(2), Residual(1, 4), nn.Conv2d(1, 4, 3, padding=1, padding_mode="reflect")]
)
def test_no_sum_without_a_convolution_at_first(first):
    network = new()
    network.layers[0] = first
    assert not has_pixel_sum(network)
    with pytest.raises(ConfigError, match=r"^The first layer is not a convolution with zeros around the picture: "):
        pixel_sum(network, torch.zeros(1, 1, 28, 28), 0, 0, 0)
