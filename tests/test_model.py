from collections import OrderedDict

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from fmnist_core import MEAN, STD, model
from fmnist_core.errors import ConfigError
from fmnist_core.model import ARCHITECTURES, Network, layer_table, output_size, to_inputs, to_probabilities

every_architecture = pytest.mark.parametrize("architecture", ARCHITECTURES)


def new(architecture="original", seed=0):
    torch.manual_seed(seed)
    return Network(architecture)


def random_inputs(count, seed=0, height=28, width=28):
    generator = torch.Generator().manual_seed(seed)
    return to_inputs(torch.randint(0, 256, (count, height, width), generator=generator, dtype=torch.uint8))


# ---------------------------------------------------------------- sizes

sides = st.tuples(st.integers(1, 40), st.integers(1, 40))


@given(
    n=sides,
    f=sides,
    p=st.tuples(st.integers(0, 6), st.integers(0, 6)),
    s=st.tuples(st.integers(1, 7), st.integers(1, 7)),
)
def test_output_size_is_that_of_a_real_convolution(n, f, p, s):
    layer = nn.Conv2d(1, 1, f, stride=s, padding=p)
    inputs = torch.zeros(1, 1, *n)
    if any(f[d] > n[d] + 2 * p[d] for d in (0, 1)):
        with pytest.raises(RuntimeError):
            layer(inputs)
        with pytest.raises(ConfigError, match=r"The filter is \d+ wide, but the input with its padding only \d+\."):
            [output_size(n[d], f[d], p[d], s[d]) for d in (0, 1)]
        return
    assert [output_size(n[d], f[d], p[d], s[d]) for d in (0, 1)] == list(layer(inputs).shape[2:])


@given(n=sides, f=st.tuples(st.integers(1, 9), st.integers(1, 9)), data=st.data())
def test_output_size_is_that_of_a_real_pooling(n, f, data):
    p = tuple(data.draw(st.integers(0, f[d] // 2)) for d in (0, 1))  # torch allows no more
    s = tuple(data.draw(st.integers(1, 7)) for d in (0, 1))
    assume(all(f[d] <= n[d] + 2 * p[d] for d in (0, 1)))
    real = nn.MaxPool2d(f, stride=s, padding=p)(torch.zeros(1, 1, *n)).shape[2:]
    assert [output_size(n[d], f[d], p[d], s[d]) for d in (0, 1)] == list(real)


@given(n=st.integers(1, 40), f=st.integers(1, 40), p=st.integers(0, 6), s=st.integers(1, 7))
def test_output_size_is_how_often_the_filter_fits(n, f, p, s):
    assume(f <= n + 2 * p)
    assert output_size(n, f, p, s) == len([start for start in range(-p, n + p, s) if start + f <= n + p])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((0, 1), "n is 0, expected 1 or more."),
        ((-3, 1), "n is -3, expected 1 or more."),
        ((28, 0), "f is 0, expected 1 or more."),
        ((28, 5, -1), "p is -1, expected 0 or more."),
        ((28, 5, 0, 0), "s is 0, expected 1 or more."),
        ((4, 7, 1, 1), "The filter is 7 wide, but the input with its padding only 6."),
    ],
)
def test_output_size_refuses_what_cannot_be(arguments, words):
    with pytest.raises(ConfigError) as caught:
        output_size(*arguments)
    assert str(caught.value) == words


@every_architecture
def test_table_of_layers_agrees_with_what_the_layers_put_out(architecture):
    network = new(architecture).eval()
    rows = list(layer_table(network))
    maps = network.trace(random_inputs(2)).maps
    assert [row.name for row in rows] == list(maps)
    assert [row.shape for row in rows] == [tuple(map_.shape[1:]) for map_ in maps.values()]
    assert [row.kind for row in rows] == [type(layer).__name__ for layer in network.layers]
    assert [row.parameters for row in rows] == [sum(p.numel() for p in layer.parameters()) for layer in network.layers]
    assert sum(row.parameters for row in rows) == network.parameter_count
    for row, layer in zip(rows, network.layers, strict=True):
        if isinstance(layer, nn.Conv2d):
            assert (row.f, row.p, row.s) == (layer.kernel_size, layer.padding, layer.stride)
        elif not isinstance(layer, nn.MaxPool2d | nn.AvgPool2d):
            assert (row.f, row.p, row.s) == (None, None, None)


@every_architecture
@given(height=st.integers(1, 60), width=st.integers(1, 60))
def test_table_of_layers_agrees_for_every_size_of_input(architecture, height, width):
    network = new(architecture).eval()
    rows, outputs = [], []
    try:
        rows.extend(row.shape for row in layer_table(network, height, width))
        refused = False
    except ConfigError:
        refused = True
    running = random_inputs(1, height=height, width=width)
    try:
        for layer in network.layers:
            running = layer(running)
            outputs.append(tuple(running.shape[1:]))
        impossible = False
    except RuntimeError:
        impossible = True
    assert rows == outputs
    assert refused == impossible


def test_table_of_layers_says_why_an_input_does_not_fit():
    with pytest.raises(ConfigError, match=r"^fc1 is made for 192 values, but a 32x28 input brings it 240\.$"):
        list(layer_table(new(), 32, 28))
    with pytest.raises(ConfigError, match=r"^The filter is 5 wide, but the input with its padding only 4\.$"):
        list(layer_table(new(), 28, 4))
    with pytest.raises(ConfigError, match=r"^n is 0, expected 1 or more\.$"):
        list(layer_table(new(), 0, 28))


def test_table_of_layers_keeps_the_two_directions_apart(monkeypatch):
    def uneven():
        return OrderedDict(
            conv=nn.Conv2d(1, 3, kernel_size=(7, 3), stride=(1, 2), padding=(2, 0)),
            pool=nn.MaxPool2d(kernel_size=(2, 3), stride=(3, 1), padding=(1, 0)),
            flatten=nn.Flatten(),
        )

    monkeypatch.setitem(ARCHITECTURES, "uneven", uneven)
    network = new("uneven")
    conv, pool, flat = layer_table(network, 30, 17)
    assert (conv.f, conv.p, conv.s) == ((7, 3), (2, 0), (1, 2))
    assert (pool.f, pool.p, pool.s) == ((2, 3), (1, 0), (3, 1))
    maps = network.trace(random_inputs(1, height=30, width=17)).maps
    assert [conv.shape, pool.shape, flat.shape] == [tuple(map_.shape[1:]) for map_ in maps.values()]


# ---------------------------------------------------------------- networks


def test_original_network_is_the_one_described():
    network = Network()
    assert network.parameter_count == 33_250
    assert network.parameter_count == sum(
        (
            6 * (5 * 5 * 1 + 1),
            2 * 6,
            12 * (5 * 5 * 6 + 1),
            120 * (192 + 1),
            2 * 120,
            60 * (120 + 1),
            10 * (60 + 1),
        )
    )


def test_original_network_computes_what_its_description_says():
    network = new().eval()
    for name, buffer in network.named_buffers():  # not the 0 and 1 that a new network has
        if name.endswith(("running_mean", "running_var")):
            buffer.uniform_(0.5, 2)
    inputs = random_inputs(5)
    state = {name.removeprefix("layers."): tensor for name, tensor in network.state_dict().items()}

    def norm(name, values):
        return F.batch_norm(
            values, *(state[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias"))
        )

    x = F.max_pool2d(F.relu(F.conv2d(inputs, state["conv1.weight"], state["conv1.bias"])), 2)
    x = norm("norm1", x)
    x = F.max_pool2d(F.relu(F.conv2d(x, state["conv2.weight"], state["conv2.bias"])), 2)
    x = norm("norm2", F.relu(x.flatten(1) @ state["fc1.weight"].T + state["fc1.bias"]))
    x = F.relu(x @ state["fc2.weight"].T + state["fc2.bias"])
    x = x @ state["out.weight"].T + state["out.bias"]
    torch.testing.assert_close(network(inputs), x)


@every_architecture
def test_trace_and_forward_give_the_same_logits(architecture, few):
    network = new(architecture).eval()
    inputs = to_inputs(few.pixels[:40])
    trace = network.trace(inputs)
    assert torch.equal(trace.logits, network(inputs))
    assert torch.equal(list(trace.maps.values())[-1], trace.logits)
    assert trace.logits.shape == (40, 10)
    last = list(network.layers)[-1]
    assert torch.equal(last(trace.embedding), trace.logits)


@every_architecture
def test_trace_holds_what_each_layer_put_out_and_nothing_overwrites_it(architecture):
    network = new(architecture).eval()
    seen = {}
    for name, layer in network.layers.named_children():
        layer.register_forward_hook(lambda _l, _i, output, name=name: seen.update({name: output.clone()}))
    inputs = random_inputs(3)
    trace = network.trace(inputs)
    assert list(trace.maps) == list(seen)
    assert all(torch.equal(trace.maps[name], output) for name, output in seen.items())
    assert torch.equal(inputs, random_inputs(3))


@every_architecture
def test_answers_do_not_depend_on_the_other_images_of_the_batch(architecture):
    network = new(architecture).eval()
    inputs = random_inputs(9)
    together = network(inputs)
    alone = torch.cat([network(one[None]) for one in inputs])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)


@every_architecture
def test_every_parameter_gets_a_gradient(architecture, few):
    network = new(architecture).train()
    F.cross_entropy(network(to_inputs(few.pixels[:100])), few.labels[:100]).backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name
        assert parameter.grad.isfinite().all(), name


@every_architecture
def test_logits_take_both_signs(architecture, few):
    # A network that ends in a ReLU learns as well, but cannot say how unlikely a class is.
    logits = new(architecture).eval()(to_inputs(few.pixels))
    assert (logits > 0).any()
    assert (logits < 0).any()


def test_shipped_network_says_of_every_class_both_yes_and_no(original, samples):
    with torch.inference_mode():
        logits = original(to_inputs(samples.test.pixels[:500]))
    assert (logits.min(0).values < 0).all()
    assert (logits.max(0).values > 0).all()


def test_unknown_network_is_refused():
    with pytest.raises(ConfigError, match=r"^There is no network 'resnet'; the networks are original"):
        Network("resnet")


# ---------------------------------------------------------------- into the network and out of it


def test_inputs_are_normalised_pixels_for_every_value():
    pixels = torch.arange(256, dtype=torch.uint8).repeat(4)[: 28 * 28].reshape(1, 28, 28)
    before = pixels.clone()
    expected = (pixels.numpy().astype(np.float64) / 255 - MEAN) / STD
    inputs = to_inputs(pixels)
    assert inputs.shape == (1, 1, 28, 28)
    assert inputs.dtype == torch.float32
    assert np.abs(inputs[:, 0].numpy() - expected).max() < 1e-6
    assert torch.equal(pixels, before)


def test_inputs_are_what_torchvisions_transforms_give(samples):
    from torchvision import transforms

    theirs = transforms.Compose([transforms.ToTensor(), transforms.Normalize((MEAN,), (STD,))])
    pixels = samples.test.pixels[:20]
    torch.testing.assert_close(to_inputs(pixels), torch.stack([theirs(image.numpy()) for image in pixels]))


def test_training_inputs_have_mean_0_and_deviation_1(samples):
    inputs = to_inputs(samples.train.pixels)
    assert abs(float(inputs.mean())) < 0.01
    assert abs(float(inputs.std()) - 1) < 0.01


@given(st.lists(st.lists(st.floats(-1e4, 1e4, width=32), min_size=10, max_size=10), min_size=1, max_size=5))
def test_probabilities_are_the_softmax(rows):
    logits = torch.tensor(rows)
    exact = np.exp(np.array(rows) - np.max(rows, axis=1, keepdims=True))
    exact /= exact.sum(1, keepdims=True)
    probabilities = to_probabilities(logits)
    assert np.abs(probabilities.numpy() - exact).max() < 1e-5
    torch.testing.assert_close(probabilities.sum(1), torch.ones(len(rows)))
    half = to_probabilities(logits.clamp(-100, 100).half())
    assert half.dtype == torch.float32


def test_architectures_are_new_layers_each_time():
    for build in model.ARCHITECTURES.values():
        first, second = build(), build()
        assert all(first[name] is not second[name] for name in first)
