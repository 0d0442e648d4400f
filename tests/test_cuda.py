"""What runs on CUDA: the same predictions as on the processor, and a whole training. Skipped where there is no CUDA."""

import copy
import json
from dataclasses import replace

import pytest
import torch
from networks import ADDED, register

from fmnist_core.augment import AUGMENTATIONS
from fmnist_core.evaluation import evaluate, predict_logits
from fmnist_core.events import EpochDone, Finished, Started
from fmnist_core.synthetic.cloth import random_texture
from fmnist_core.train_config import TrainConfig, recipe
from fmnist_core.training import train

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch sees no CUDA device here.")
CUDA = torch.device("cuda")


@pytest.mark.parametrize("name", ["shipped", "original"])
def test_predictions_are_those_of_the_processor(name, samples, request):
    network = request.getfixturevalue(name)
    images = samples.test.take(torch.arange(500))
    expected = predict_logits(network, images)
    logits = predict_logits(copy.deepcopy(network).to(CUDA), images.to(CUDA)).cpu()
    assert (logits - expected).abs().max() < 0.05  # convolutions in TF32: ten bits
    assert (logits.argmax(1) == expected.argmax(1)).float().mean() > 0.995


@pytest.mark.parametrize(
    "change",
    [
        lambda pixels, generator: AUGMENTATIONS["flip"].apply(pixels, 0.5, generator),
        lambda pixels, generator: AUGMENTATIONS["shift"].apply(pixels, 2, generator),
        lambda pixels, generator: AUGMENTATIONS["erase"].apply(pixels, 0.5, generator),
        random_texture,
    ],
    ids=["flip", "shift", "erase", "texture"],
)
def test_images_are_changed_where_they_lie(change, few):
    pixels = few.pixels.to(CUDA)
    first, again = (change(pixels, torch.Generator(CUDA).manual_seed(0)) for _ in range(2))
    assert first.device.type == "cuda"
    assert torch.equal(first, again)
    assert not torch.equal(first, pixels)
    expected = change(few.pixels, torch.Generator().manual_seed(0)).float()
    assert abs(first.float().mean().item() - expected.mean().item()) < 10  # other random numbers, the same change


@pytest.mark.parametrize("amp", [True, False])
def test_a_training_learns_and_gives_back_a_network_on_the_processor(amp, samples):
    events = list(train(replace(recipe("deep"), epochs=2, amp=amp, device="cuda"), samples.train))
    assert events[0].device == "cuda" and isinstance(events[0], Started)
    assert len([event for event in events if isinstance(event, EpochDone)]) == 2
    assert isinstance(events[-1], Finished)
    assert all(tensor.device.type == "cpu" for tensor in events[-1].network.state_dict().values())
    assert evaluate(events[-1].network, samples.test).accuracy > 0.7


@pytest.mark.parametrize("architecture", ADDED)
@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_a_training_leaves_the_global_generators_of_both_alone(few, monkeypatch, architecture, device):
    register(monkeypatch)
    torch.manual_seed(1)
    before = torch.get_rng_state(), torch.cuda.get_rng_state()
    config = TrainConfig(architecture=architecture, device=device, max_steps=3, batch_size=50)
    assert isinstance(list(train(config, few))[-1], Finished)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert torch.equal(torch.cuda.get_rng_state(), before[1])


def test_evaluate_on_cuda_prints_what_it_prints_on_the_processor(cli):
    on_cpu, on_cuda = (
        json.loads(cli("evaluate", "--json", "--data", "samples", "--device", device).out) for device in ("cpu", "cuda")
    )
    assert on_cuda["accuracy"] == pytest.approx(on_cpu["accuracy"], abs=0.002)
    assert on_cuda["sketches"]["accuracy"] == pytest.approx(on_cpu["sketches"]["accuracy"], abs=0.003)
