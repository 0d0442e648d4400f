from collections import OrderedDict

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from networks import EVERY, new, register
from torch import nn
from torch.nn import functional as F

from fmnist_core import CLASS_NAMES, MEAN, STD
from fmnist_core.architectures import ARCHITECTURES
from fmnist_core.errors import ConfigError
from fmnist_core.model import Network, to_probabilities
from fmnist_core.train_config import recipe

every_architecture = pytest.mark.parametrize("architecture", EVERY)


@pytest.fixture(autouse=True)
def added_networks(monkeypatch):
    register(monkeypatch)


def random_pixels(count):
    return torch.randint(0, 256, (count, 28, 28), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)


def random_inputs(count):
    return new().to_inputs(random_pixels(count))


# ---------------------------------------------------------------- the registry


def test_original_network_is_the_one_described():
    network = Network()
    assert network.architecture == "original"
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
    network = new()
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
    torch.testing.assert_close(network.logits(inputs), x)


@every_architecture
def test_every_network_has_a_recipe_and_a_description(architecture):
    config = recipe(architecture)
    assert config.architecture == architecture
    for name, value in ARCHITECTURES[architecture].recipe.items():
        assert getattr(config, name) == value
    assert ARCHITECTURES[architecture].description
    assert 0 < ARCHITECTURES[architecture].quick_fraction <= 1


@every_architecture
def test_layers_are_new_each_time(architecture):
    first, second = (ARCHITECTURES[architecture].build(10) for _ in range(2))
    assert list(first) == list(second)
    assert all(first[name] is not second[name] for name in first)


@pytest.mark.parametrize("call", [Network, lambda name: Network(architecture=name)])
def test_unknown_network_is_refused(call):
    with pytest.raises(ConfigError, match=r"^There is no network 'resnet'; the networks are original, deep"):
        call("resnet")


def test_network_ends_in_a_fully_connected_layer(monkeypatch):
    register(monkeypatch, pooled=lambda classes: OrderedDict(conv=nn.Conv2d(1, classes, 28), flatten=nn.Flatten()))
    with pytest.raises(ConfigError, match=r"^The network pooled ends in Flatten, expected Linear\.$"):
        Network("pooled")


# ---------------------------------------------------------------- what every network does


@every_architecture
def test_trace_and_logits_agree(architecture, few):
    network = new(architecture)
    inputs = network.to_inputs(few.pixels[:40])
    trace = network.trace(inputs)
    assert torch.equal(trace.logits, network.logits(inputs))
    assert torch.equal(list(trace.maps.values())[-1], trace.logits)
    assert trace.logits.shape == (40, 10)
    assert torch.equal(network.layers[-1](trace.embedding), trace.logits)
    assert torch.equal(network.embed(inputs), trace.embedding)


@every_architecture
def test_logits_follow_from_the_maps_of_any_layer(architecture, few):
    network = new(architecture)
    trace = network.trace(network.to_inputs(few.pixels[:5]))
    assert network.layer_names == list(trace.maps)
    for place, (layer, maps) in enumerate(trace.maps.items()):
        assert network.index_of(layer) == place
        assert torch.equal(network.forward_from(layer, maps), trace.logits), layer
    first = network.layer_names[0]
    assert not torch.equal(network.forward_from(first, 1 + trace.maps[first]), trace.logits)


def test_unknown_layer_is_refused():
    network = new()
    for call in (network.index_of, lambda name: network.forward_from(name, torch.zeros(1, 6, 12, 12))):
        with pytest.raises(
            ConfigError, match=r"^There is no layer 'conv9'; the layers are conv1, relu1, pool1, .*out\.$"
        ):
            call("conv9")


@every_architecture
def test_trace_holds_what_each_layer_put_out_and_nothing_overwrites_it(architecture):
    network = new(architecture)
    seen = {}
    for name, layer in network.layers.named_children():
        layer.register_forward_hook(lambda _l, _i, output, name=name: seen.update({name: output.clone()}))
    inputs = random_inputs(3)
    trace = network.trace(inputs)
    assert list(trace.maps) == list(seen)
    assert all(torch.equal(trace.maps[name], output) for name, output in seen.items())
    assert torch.equal(inputs, random_inputs(3))


@every_architecture
def test_logits_do_not_depend_on_the_other_images_of_the_batch(architecture):
    network = new(architecture)
    inputs = random_inputs(9)
    together = network.logits(inputs)
    alone = torch.cat([network.logits(one[None]) for one in inputs])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)


@every_architecture
def test_every_parameter_gets_a_gradient(architecture, few):
    network = new(architecture).train()
    F.cross_entropy(network.logits(network.to_inputs(few.pixels[:100])), few.labels[:100]).backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name
        assert parameter.grad.isfinite().all(), name


@every_architecture
def test_logits_take_both_signs(architecture, few):
    # A network that ends in a ReLU learns as well, but cannot say how unlikely a class is.
    network = new(architecture)
    logits = network.logits(network.to_inputs(few.pixels[:100]))
    assert (logits > 0).any()
    assert (logits < 0).any()


def test_shipped_network_says_of_every_class_both_yes_and_no(original, samples):
    with torch.inference_mode():
        logits = original.logits(original.to_inputs(samples.test.pixels[:500]))
    assert (logits.min(0).values < 0).all()
    assert (logits.max(0).values > 0).all()


@every_architecture
@pytest.mark.parametrize("count", [2, 3, 10])
def test_network_has_as_many_logits_as_classes(architecture, count):
    names = CLASS_NAMES[:count]
    network = new(architecture, class_names=names)
    assert network.class_names == names
    assert network.logits(random_inputs(4)).shape == network(random_pixels(4)).shape == (4, count)


def test_dropout_is_for_training_only():
    network, inputs = new("dropout"), random_inputs(4)
    assert torch.equal(network.logits(inputs), network.logits(inputs))
    network.train()
    assert not torch.equal(network.logits(inputs), network.logits(inputs))


# ---------------------------------------------------------------- from pixels to probabilities


@every_architecture
@pytest.mark.parametrize(("mean", "std"), [(MEAN, STD), (0.5, 0.25), (0, 1)])
def test_network_gives_the_probabilities_of_normalised_pixels(architecture, mean, std):
    network, pixels = new(architecture, mean=mean, std=std), random_pixels(7)
    inputs = (pixels[:, None].float() - 255 * mean) / (255 * std)
    assert torch.equal(network.to_inputs(pixels), inputs)
    probabilities = network(pixels)
    assert torch.equal(probabilities, network.logits(inputs).softmax(1))  # to the last bit
    assert torch.equal(probabilities, to_probabilities(network.trace(inputs).logits))
    assert probabilities.dtype == torch.float32


@pytest.mark.parametrize(("mean", "std"), [(MEAN, STD), (0.1, 0.9)])
def test_inputs_are_normalised_pixels_for_every_value(mean, std):
    pixels = torch.arange(256, dtype=torch.uint8).repeat(4)[: 28 * 28].reshape(1, 28, 28)
    before = pixels.clone()
    expected = (pixels.numpy().astype(np.float64) / 255 - mean) / std
    inputs = Network(mean=mean, std=std).to_inputs(pixels)
    assert inputs.shape == (1, 1, 28, 28)
    assert inputs.dtype == torch.float32
    assert np.abs(inputs[:, 0].numpy() - expected).max() < 1e-6
    assert torch.equal(pixels, before)


def test_inputs_are_what_torchvisions_transforms_give(samples):
    from torchvision import transforms

    theirs = transforms.Compose([transforms.ToTensor(), transforms.Normalize((MEAN,), (STD,))])
    pixels = samples.test.pixels[:20]
    torch.testing.assert_close(new().to_inputs(pixels), torch.stack([theirs(image.numpy()) for image in pixels]))


def test_training_inputs_have_mean_0_and_deviation_1(samples):
    inputs = new().to_inputs(samples.train.pixels)
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
    from_16_bits = to_probabilities(logits.clamp(-100, 100).half())
    assert from_16_bits.dtype == torch.float32
