"""A training that was broken off goes on as if it had not been."""

import json
from dataclasses import replace

import pytest
import torch
from controlled import run_controlled, steps_taken
from networks import new, register
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from fmnist_core.control import Control
from fmnist_core.errors import CheckpointError
from fmnist_core.events import EpochDone, Finished, Started, StepDone
from fmnist_core.resume import RESUME_FILE, SavedTraining, saved_training
from fmnist_core.synthetic import pools
from fmnist_core.train_config import TrainConfig, recipe, with_settings
from fmnist_core.training import train

SHORT = {"epochs": 4, "batch_size": 40, "device": "cpu", "report_every": 1, "validation_fraction": 0.2}
# Both optimisers, dropout, sample selection, erasing, synthetic images of all kinds.
EVERYTHING = with_settings(
    recipe("original"),
    SHORT | {"skipped_fraction": 0.3, "erase": 0.5, "drawings": 0.2, "cloth": 0.2, "doodles": 0.1, "seed": 3},
)
OWN_LAYERS = TrainConfig(
    architecture="custom",
    layers=[{"layer": "conv", "channels": 3, "stride": 3}, {"layer": "gelu"}, {"layer": "dropout"}, {"layer": "fc"}],
    **SHORT,
)


@pytest.fixture(autouse=True)
def small_pools(monkeypatch):
    register(monkeypatch)
    monkeypatch.setattr(pools, "INITIAL_SIZE", 10)


def same(one, other):
    mine, others = one.state_dict(), other.state_dict()
    return mine.keys() == others.keys() and all(torch.equal(tensor, others[name]) for name, tensor in mine.items())


def broken_off(config, images, folder, after, events=None, **options):
    """Train until the epoch after ``after`` has begun; gives the events, or adds them to these."""
    events = [] if events is None else events
    training = train(config, images, keep=SavedTraining(folder, images).save, **options)
    for event in training:
        events.append(event)
        if isinstance(event, StepDone) and event.epoch > after:
            training.close()  # as a crash would
    return events


def gone_on(images, folder):
    config, network = saved_training(folder)
    return list(train(config, images, init_from=network, resume=SavedTraining(folder, images).load))


@pytest.mark.parametrize("after", [1, 3])
@pytest.mark.parametrize(
    "config",
    [TrainConfig(**SHORT), EVERYTHING, replace(TrainConfig(**SHORT), validation_fraction=0.0), OWN_LAYERS],
    ids=["plain", "everything", "nothing held out", "layers of one's own"],
)
def test_the_weights_are_those_of_a_training_in_one_go(few, tmp_path, config, after):
    whole = list(train(config, few))
    broken_off(config, few, tmp_path, after)
    rest = gone_on(few, tmp_path)
    assert isinstance(rest[-1], Finished)
    assert same(rest[-1].network, whole[-1].network)
    assert rest[-1].best_epoch == whole[-1].best_epoch

    def told(events):
        return [(each.epoch, each.loss, each.validation_loss) for each in events if isinstance(each, EpochDone)]

    assert told(rest) == told(whole)[after:]
    assert [event.step for event in rest if isinstance(event, StepDone)][-1] == next(
        event.steps for event in whole if isinstance(event, Started)
    )


def test_what_was_best_before_stays_best(few, tmp_path):
    """Later epochs at a rate of learning that ruins the network."""
    config = replace(TrainConfig(**SHORT), learning_rate=1.0, epochs=3)
    whole = list(train(config, few))
    broken_off(config, few, tmp_path, after=2)
    rest = gone_on(few, tmp_path)
    assert rest[-1].best_epoch == whole[-1].best_epoch
    assert same(rest[-1].network, whole[-1].network)


def test_the_preparation_of_the_network_goes_on_too(few, tmp_path):
    config, start = TrainConfig(**SHORT), new("original", mean=0.1, std=0.7)
    whole = list(train(config, few, init_from=start))
    broken_off(config, few, tmp_path, after=1, init_from=start)
    rest = gone_on(few, tmp_path)
    assert rest[-1].network.config == start.config
    assert same(rest[-1].network, whole[-1].network)


@pytest.mark.parametrize("after", [2, 4])
def test_a_training_that_was_changed_while_it_ran_goes_on_changed(few, tmp_path, after):
    """Another rate in its second epoch, an epoch more in the fourth, which would have been the last."""

    changes = {8: Control(learning_rate=0.003), 20: Control(epochs=5)}

    def control_of(events):
        return changes.get(steps_taken(events))

    whole = run_controlled(TrainConfig(**SHORT), few, control_of)
    assert [event.epoch for event in whole if isinstance(event, EpochDone)] == [1, 2, 3, 4, 5]
    seen = []
    broken_off(TrainConfig(**SHORT), few, tmp_path, after, seen, control=lambda: control_of(seen) or Control())
    config, network = saved_training(tmp_path)
    assert (config.learning_rate, config.epochs) == (0.003, 4 if after == 2 else 5)
    rest = run_controlled(config, few, control_of, init_from=network, resume=SavedTraining(tmp_path, few).load)
    assert [event.epoch for event in rest if isinstance(event, EpochDone)] == [3, 4, 5][after - 2 :]
    assert same(rest[-1].network, whole[-1].network)


def test_the_time_left_is_that_of_what_is_left(few, tmp_path):
    broken_off(TrainConfig(**SHORT), few, tmp_path, after=3)
    steps = [event for event in gone_on(few, tmp_path) if isinstance(event, StepDone)]
    assert steps[0].step > steps[-1].steps / 2
    for event in steps:
        assert 0 <= event.seconds_left < 60
    assert steps[-1].seconds_left == 0


# --- what cannot go on ----------------------------------------------------------------------------------------------


def changed(folder, **values):
    file = folder / RESUME_FILE
    tensors = load_file(file)
    with safe_open(file, "pt") as opened:
        about = json.loads(opened.metadata()["training"])
    save_file(tensors, file, metadata={"training": json.dumps(about | values)})


@pytest.fixture
def broken(few, tmp_path):
    broken_off(TrainConfig(**SHORT), few, tmp_path, after=1)
    return tmp_path


def test_other_images_are_refused(few, samples, broken):
    other = samples.train.take(torch.arange(10, 310))
    with pytest.raises(CheckpointError, match="was on other images"):
        gone_on(other, broken)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda folder: (folder / RESUME_FILE).unlink(), "holds no training that was broken off"),
        (lambda folder: (folder / RESUME_FILE).write_bytes(b"text"), "is damaged"),
        (lambda folder: save_file({"x": torch.zeros(1)}, folder / RESUME_FILE), "is damaged"),
        (lambda folder: changed(folder, config=5), "holds no configuration"),
        (lambda folder: changed(folder, config={"epochs": 0}), "holds no configuration"),
        (lambda folder: changed(folder, network={"architecture": "no"}), "holds no configuration"),
        (lambda folder: changed(folder, step="x"), "does not fit"),
    ],
)
def test_what_is_no_training_is_refused(few, broken, spoil, words):
    spoil(broken)
    with pytest.raises(CheckpointError, match=words):
        gone_on(few, broken)
