"""What runs on CUDA: the same answers as on the processor, and a whole training. Skipped where there is no CUDA."""

import copy
import json

import pytest
import torch

from fmnist_core.augment import random_cloth, random_erase, random_flip, random_shift, random_warp
from fmnist_core.evaluation import predict_logits, evaluate
from fmnist_core.training import RECIPES, EpochDone, Finished, Started, train, with_changes

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch sees no CUDA device here.")
CUDA = torch.device("cuda")


@pytest.mark.parametrize("name", ["shipped", "original"])
def test_answers_are_those_of_the_processor(name, samples, request):
    network = request.getfixturevalue(name)
    images = samples.test.take(torch.arange(500))
    expected = predict_logits(network, images)
    answers = predict_logits(copy.deepcopy(network).to(CUDA), images.to(CUDA)).cpu()
    assert (answers - expected).abs().max() < 0.05  # convolutions in TF32: ten bits
    assert (answers.argmax(1) == expected.argmax(1)).float().mean() > 0.995


@pytest.mark.parametrize(
    "change",
    [
        random_flip,
        random_cloth,
        random_warp,
        lambda images, dice: random_shift(images, 2, dice),
        lambda images, dice: random_erase(images, 0.5, dice),
    ],
)
def test_images_are_changed_where_they_lie(change, few):
    pixels = few.pixels.to(CUDA)
    first, again = (change(pixels, torch.Generator(CUDA).manual_seed(0)) for _ in range(2))
    assert first.device.type == "cuda"
    assert torch.equal(first, again)
    assert not torch.equal(first, pixels)
    expected = change(few.pixels, torch.Generator().manual_seed(0)).float()
    assert abs(first.float().mean().item() - expected.mean().item()) < 10  # other dice, the same change


@pytest.mark.parametrize("mixed", [True, False])
def test_a_training_learns_and_gives_back_a_network_on_the_processor(mixed, samples):
    changes = {"epochs": 2, "mixed": mixed, "tracings": 0.1, "photos": 0.1, "device": "cuda"}
    config = with_changes(RECIPES["deep"], **changes)
    events = list(train(config, samples.train))
    assert events[0].device == "cuda" and isinstance(events[0], Started)
    assert len([event for event in events if isinstance(event, EpochDone)]) == 2
    assert isinstance(events[-1], Finished)
    assert all(tensor.device.type == "cpu" for tensor in events[-1].network.state_dict().values())
    assert evaluate(events[-1].network, samples.test).accuracy > 0.7


def test_evaluate_on_cuda_prints_what_it_prints_on_the_processor(cli):
    answers = [
        json.loads(cli("evaluate", "--json", "--data", "samples", "--device", device).out) for device in ("cpu", "cuda")
    ]
    assert answers[1]["accuracy"] == pytest.approx(answers[0]["accuracy"], abs=0.002)
    assert answers[1]["drawings"]["accuracy"] == pytest.approx(answers[0]["drawings"]["accuracy"], abs=0.003)
