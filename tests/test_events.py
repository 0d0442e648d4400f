import json
from dataclasses import FrozenInstanceError, fields

import pytest
import torch
from networks import new

from fmnist_core.events import (
    Changed,
    Continued,
    EpochDone,
    Event,
    Finished,
    Paused,
    SnapshotTaken,
    Started,
    StepDone,
)

STARTED = Started("cpu", 240, 60, steps=10, parameters=33_250, epochs=2, learning_rate=0.01)
STEP_DONE = StepDone(step=3, steps=10, epoch=1, loss=1.5, accuracy=0.25, images_per_second=1000.0, seconds_left=2.5)
EPOCH_DONE = EpochDone(
    epoch=1,
    step=5,
    loss=1.25,
    accuracy=0.5,
    validation_loss=None,
    validation_accuracy=None,
    best=True,
    seconds=4.5,
)
CHANGED, PAUSED, CONTINUED = Changed(step=3, steps=15, epochs=3, learning_rate=0.005), Paused(3), Continued(3)
FINISHED = Finished(network=new("original"), best_epoch=2, stopped=False, seconds=9.0)

SNAPSHOT_TAKEN = SnapshotTaken(
    step=4,
    steps=10,
    accuracy=0.5,
    coordinates=torch.zeros(3, 2),
    predictions=torch.zeros(3, dtype=torch.int64),
    place=torch.zeros(2),
    probabilities=torch.full((10,), 0.1),
    kernels=torch.zeros(6, 5, 5),
)
TENSORS = ("network", "coordinates", "predictions", "place", "probabilities", "kernels")

every_event = pytest.mark.parametrize(
    ("event", "name"),
    [
        (STARTED, "Started"),
        (STEP_DONE, "StepDone"),
        (EPOCH_DONE, "EpochDone"),
        (SNAPSHOT_TAKEN, "SnapshotTaken"),
        (CHANGED, "Changed"),
        (PAUSED, "Paused"),
        (CONTINUED, "Continued"),
        (FINISHED, "Finished"),
    ],
    ids=["Started", "StepDone", "EpochDone", "SnapshotTaken", "Changed", "Paused", "Continued", "Finished"],
)


@every_event
def test_name_does_not_follow_the_class(event, name):
    assert event.name == name
    renamed = type("CalledOtherwise", (type(event),), {})(**vars(event))
    assert renamed.name == renamed.to_json()["event"] == name


@every_event
def test_event_as_json_has_its_name_and_all_plain_values(event, name):
    told = event.to_json()
    assert json.loads(json.dumps(told)) == told
    assert list(told) == ["event", *(each.name for each in fields(event) if each.name not in TENSORS)]
    assert told["event"] == name
    for key, value in told.items():
        assert key == "event" or value == getattr(event, key)


def test_events_as_json_stay_what_they_are():
    """Outside of Python, somebody reads these."""
    assert STARTED.to_json() == {
        "event": "Started",
        "device": "cpu",
        "training_images": 240,
        "validation_images": 60,
        "steps": 10,
        "parameters": 33_250,
        "epochs": 2,
        "learning_rate": 0.01,
    }
    assert STEP_DONE.to_json() == {
        "event": "StepDone",
        "step": 3,
        "steps": 10,
        "epoch": 1,
        "loss": 1.5,
        "accuracy": 0.25,
        "images_per_second": 1000.0,
        "seconds_left": 2.5,
    }
    assert EPOCH_DONE.to_json() == {
        "event": "EpochDone",
        "epoch": 1,
        "step": 5,
        "loss": 1.25,
        "accuracy": 0.5,
        "validation_loss": None,
        "validation_accuracy": None,
        "best": True,
        "seconds": 4.5,
    }
    assert CHANGED.to_json() == {"event": "Changed", "step": 3, "steps": 15, "epochs": 3, "learning_rate": 0.005}
    assert PAUSED.to_json() == {"event": "Paused", "step": 3}
    assert CONTINUED.to_json() == {"event": "Continued", "step": 3}
    assert FINISHED.to_json() == {"event": "Finished", "best_epoch": 2, "stopped": False, "seconds": 9.0}


@every_event
def test_event_cannot_be_changed(event, name):
    with pytest.raises(FrozenInstanceError):
        event.seconds = 0


def test_events_have_different_names():
    kinds = Event.__subclasses__()
    assert len({kind.name for kind in kinds}) == len(kinds) >= 4
