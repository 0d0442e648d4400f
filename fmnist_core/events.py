"""What happens in a training, as small events.

``name`` is what an event is called outside of Python (by ``train --json`` and on the page): it stays when a class here
is renamed.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor

from fmnist_core.model import Network


class Event:
    """One thing that has happened."""

    name: ClassVar[str]

    def to_json(self) -> dict[str, Any]:
        """The event as plain values; networks and tensors are left out."""
        values = {name: value for name, value in vars(self).items() if not isinstance(value, Network | Tensor)}
        return {"event": self.name} | values


@dataclass(frozen=True)
class Started(Event):
    """What is about to be trained, and on what."""

    name = "Started"
    device: str
    training_images: int
    validation_images: int
    steps: int
    parameters: int
    epochs: int
    learning_rate: float  # the highest one


@dataclass(frozen=True)
class StepDone(Event):
    """How far a training is."""

    name = "StepDone"
    step: int  # from 1
    steps: int
    epoch: int  # from 1
    loss: float  # to smoothed labels, synthetic images too: mean since the last such event, or since the epoch began
    accuracy: float  # likewise, of images that have a class
    images_per_second: float  # training images since the start; synthetic ones are not counted, nor are pauses
    seconds_left: float


@dataclass(frozen=True)
class EpochDone(Event):
    """The loss over an epoch, augmented and synthetic images included, and the loss on the held-out images after it.

    The two are not comparable: the second is to plain labels.
    """

    name = "EpochDone"
    epoch: int  # from 1
    step: int  # its last one
    loss: float  # as in ``StepDone``
    accuracy: float  # likewise
    validation_loss: float | None  # None without held-out images
    validation_accuracy: float | None
    best: bool  # the best so far: these weights are kept
    seconds: float  # since the start, without pauses


@dataclass(frozen=True)
class Changed(Event):
    """The learning rate or the number of epochs is another one from the next step on, as was wanted while it ran."""

    name = "Changed"
    step: int  # that was taken last; 0: none yet
    steps: int  # in all, from now on
    epochs: int  # likewise
    learning_rate: float  # the highest one of the schedule


@dataclass(frozen=True)
class Paused(Event):
    """No further step is taken for now."""

    name = "Paused"
    step: int  # that was taken last; 0: none yet


@dataclass(frozen=True)
class Continued(Event):
    """The pause is over."""

    name = "Continued"
    step: int  # that was taken last; 0: none yet


@dataclass(frozen=True, eq=False)
class SnapshotTaken(Event):
    """What the network makes of some images at this moment; see ``snapshots``."""

    name = "SnapshotTaken"
    step: int  # after which it was taken; 0: before the first
    steps: int
    accuracy: float  # on these images
    coordinates: Tensor  # float32 (N, 2), of the images; about their middle, at a root mean square distance of 1
    predictions: Tensor  # int64 (N,)
    place: Tensor | None  # float32 (2,), coordinates of the visitor's picture, if there is one
    probabilities: Tensor | None  # float32 (classes,), of that picture
    kernels: Tensor  # float32 (channels, height, width), of the first convolution; the mean over its inputs


@dataclass(frozen=True, eq=False)
class Finished(Event):
    """The network with the best weights, on the CPU and ready to answer."""

    name = "Finished"
    network: Network
    best_epoch: int  # 0: stopped before anything was learned
    stopped: bool  # before all steps were taken
    seconds: float  # since the start, without pauses
