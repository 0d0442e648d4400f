import pytest
import torch
from networks import new

from fmnist_core.dataset import Split
from fmnist_core.errors import ConfigError
from fmnist_core.evaluation import evaluate, predict_logits
from fmnist_core.events import Finished, Started, StepDone
from fmnist_core.model import to_probabilities
from fmnist_core.synthetic.sketch_test_set import make_sketch_test_set
from fmnist_core.teaching import TeachConfig, teach


@pytest.fixture(scope="module")
def lesson(original):
    """Five drawings that the original network gets wrong, and others."""
    sketches = make_sketch_test_set()
    wrong = (predict_logits(original, sketches).argmax(1) != sketches.labels).nonzero()[:, 0]
    return sketches.take(wrong[:: len(wrong) // 5][:5])


@pytest.fixture(scope="module")
def taught(original, lesson, samples):
    before = {name: value.clone() for name, value in original.state_dict().items()}
    events = list(teach(original, lesson, samples.train))
    assert all(torch.equal(value, before[name]) for name, value in original.state_dict().items())
    return events


def probabilities(network, lesson):
    return to_probabilities(predict_logits(network, lesson)).gather(1, lesson.labels[:, None])[:, 0]


def test_the_pictures_are_learned(taught, original, lesson):
    network = taught[-1].network
    assert probabilities(original, lesson).max() < 0.5
    assert probabilities(network, lesson).min() >= TeachConfig().enough
    assert not network.training


def test_little_is_forgotten(taught, original, samples):
    some = samples.test.take(torch.arange(0, 2000, 2))
    assert evaluate(taught[-1].network, some).accuracy > evaluate(original, some).accuracy - 0.06  # of a small network


def test_events(taught, lesson):
    started, *steps, finished = taught
    assert isinstance(started, Started)
    assert (started.training_images, started.steps) == (len(lesson), TeachConfig().steps)
    assert all(isinstance(step, StepDone) for step in steps)
    assert [step.step for step in steps] == list(range(1, len(steps) + 1))
    assert len(steps) < TeachConfig().steps  # it ends as soon as they are learned
    assert steps[-1].accuracy == 1
    assert isinstance(finished, Finished)
    assert (finished.best_epoch, finished.stopped) == (1, False)


def test_normalisation_keeps_its_statistics(taught, original):
    network, statistics = taught[-1].network, [name for name, _ in original.named_buffers()]
    assert statistics
    for name in statistics:
        torch.testing.assert_close(network.state_dict()[name], original.state_dict()[name])


def test_the_same_seed_gives_the_same_network(lesson, original, few):
    config = TeachConfig(steps=3, seed=5)
    first, second = (list(teach(original, lesson, few, config))[-1].network for _ in range(2))
    assert all(torch.equal(one, other) for one, other in zip(first.parameters(), second.parameters(), strict=True))


def test_it_can_be_stopped(lesson, original, few):
    asked = iter([False, False, True])
    events = list(teach(original, lesson, few, should_stop=lambda: next(asked)))
    assert sum(isinstance(event, StepDone) for event in events) == 2
    assert (events[-1].best_epoch, events[-1].stopped) == (1, True)
    events = list(teach(original, lesson, few, should_stop=lambda: True))
    assert (events[-1].best_epoch, events[-1].stopped) == (0, True)


@pytest.mark.parametrize(
    ("lesson", "sentence"),
    [
        (
            Split.of(torch.zeros(0, 28, 28, dtype=torch.uint8), torch.zeros(0, dtype=torch.int64)),
            "There are 0 pictures",
        ),
        (Split.of(torch.zeros(2, 28, 28, dtype=torch.uint8), torch.tensor([3, 10])), "A picture has the label 10"),
        (Split.of(torch.zeros(2, 28, 28, dtype=torch.uint8), torch.tensor([3, -1])), "A picture has the label -1"),
    ],
)
def test_what_cannot_be_taught(lesson, sentence, few):
    with pytest.raises(ConfigError, match=sentence):
        list(teach(new("original"), lesson, few))


@pytest.mark.parametrize("wrong", [{"steps": 0}, {"learning_rate": 0}, {"sure": 1.5}, {"rehearsal": 0}, {"seed": -1}])
def test_a_configuration_that_cannot_work(wrong):
    with pytest.raises(ConfigError, match="out of range"):
        TeachConfig(**wrong)
