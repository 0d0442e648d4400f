"""A network as it learns: where it places the same images at moments of its training, for a map that forms.

Each moment has a map of its own by principal components, whose axes turn and change sides from one to the next. It is
turned onto the map before it (orthogonal Procrustes: Schönemann, A generalized solution of the orthogonal Procrustes
problem, 1966), so that points travel and do not jump.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import save as to_safetensors
from torch import Tensor

from fmnist_core import CLASS_NAMES
from fmnist_core.dataset import Split
from fmnist_core.errors import CheckpointError
from fmnist_core.events import SnapshotTaken
from fmnist_core.model import Network, to_probabilities
from fmnist_core.projection import embed, principal_axes
from fmnist_core.storage import write_whole
from fmnist_core.tensor_files import read_tensors

SNAPSHOTS_FILE: Final = "snapshots.safetensors"
IMAGES: Final = 600  # placed in each snapshot
COUNT: Final = 40  # snapshots of a training
DENSE: Final = 0.2  # fraction of the steps in which the first half of the snapshots is taken, most of them at its start
MAX_COST: Final = 0.08  # of the time of the training


def moments(steps: int, count: int = COUNT) -> list[int]:
    """The steps after which to take a snapshot: 0, ``steps``, and up to ``count`` in all; dense at first, then even."""
    early = np.geomspace(1, max(1, DENSE * steps), count // 2)
    even = np.linspace(DENSE * steps, steps, count - count // 2)
    return sorted({0, *early.round().astype(int).tolist(), *even.round().astype(int).tolist()})


def images_to_place(samples: Split) -> Split:
    """``IMAGES`` of the shipped samples, evenly taken."""
    return samples.take(torch.linspace(0, len(samples) - 1, min(IMAGES, len(samples))).long())


def rotation_onto(coordinates: Tensor, target: Tensor) -> Tensor:
    """The rotation (2, 2), or rotation and reflection, that takes coordinates (N, 2) nearest to a target (N, 2)."""
    left, _, right = torch.linalg.svd(coordinates.T @ target)
    rotation: Tensor = left @ right
    return rotation


class SnapshotTaker:
    """Takes the snapshots of one training.

    A snapshot that would make them cost more than ``MAX_COST`` of the training's time is left out; the first and the
    last one never are. Nothing about the training changes: no random number is drawn, and modes are restored.
    """

    def __init__(self, images: Split, picture: Tensor | None = None) -> None:
        """``images`` are placed, and so is a ``picture`` (28, 28) uint8, among them but without a say in the axes."""
        self.images, self.picture = images, picture
        self._moments: list[int] = []
        self._steps = 0  # for which these are the moments
        self._before: Tensor | None = None
        self._began = self._spent = 0.0

    def is_due(self, step: int, steps: int) -> bool:
        """Whether to take one after so many of the steps."""
        if steps != self._steps:  # it begins, or is to have more epochs
            self._moments, self._steps = moments(steps), steps
        if step == 0:
            self._began, self._spent = time.perf_counter(), 0.0
            return True
        if step not in self._moments:
            return False
        return step == steps or self._spent <= MAX_COST * (time.perf_counter() - self._began)

    def take(self, network: Network, step: int, steps: int) -> SnapshotTaken:
        """A snapshot of the network after so many of the steps."""
        began = time.perf_counter()
        device = next(network.parameters()).device
        images, was_training = self.images.to(device), network.training
        if self.picture is not None:
            pixels = torch.cat([images.pixels, self.picture[None].to(device)])
            images = Split.of(pixels, torch.cat([images.labels, images.labels[:1]]))  # the picture's label is not used
        network.eval()
        embeddings, predictions = embed(network, images)
        network.train(was_training)
        count = len(self.images)
        mean, axes = principal_axes(embeddings[:count])
        coordinates = ((embeddings - mean) @ axes).cpu()
        coordinates /= coordinates[:count].square().sum(1).mean().sqrt().clamp(min=1e-9)
        if self._before is not None:
            coordinates = coordinates @ rotation_onto(coordinates[:count], self._before)
        self._before = coordinates[:count]
        probabilities = None
        if self.picture is not None:
            with torch.no_grad():
                probabilities = to_probabilities(network.layers[-1](embeddings[count:]))[0].cpu()
        right_ones = predictions[:count] == images.labels[:count]
        snapshot = SnapshotTaken(
            step=step,
            steps=steps,
            accuracy=float(right_ones.float().mean()),
            coordinates=coordinates[:count],
            predictions=predictions[:count].cpu(),
            place=coordinates[count] if self.picture is not None else None,
            probabilities=probabilities,
            kernels=_first_kernels(network),
        )
        self._spent += time.perf_counter() - began
        return snapshot


def _first_kernels(network: Network) -> Tensor:
    """The kernels (channels, height, width) of the first convolution; none for a network without one."""
    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d):
            return module.weight.detach().mean(1).float().cpu().clone()
    return torch.zeros(0, 1, 1)


# --- those of a whole training, on the disk --------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Snapshots:
    """All snapshots of a training."""

    labels: Tensor  # int64 (N,), the true classes of the images
    steps: Tensor  # int64 (S,)
    accuracies: Tensor  # float32 (S,)
    coordinates: Tensor  # float32 (S, N, 2)
    predictions: Tensor  # int64 (S, N)

    @classmethod
    def of(cls, taken: Sequence[SnapshotTaken], labels: Tensor) -> "Snapshots":
        """Those that were ``taken`` of images with these labels (N,)."""
        return cls(
            labels,
            torch.tensor([each.step for each in taken]),
            torch.tensor([each.accuracy for each in taken]),
            torch.stack([each.coordinates for each in taken]),
            torch.stack([each.predictions for each in taken]),
        )

    def save(self, folder: Path) -> None:
        """Write them beside the weights.

        Raises:
            StorageError: they could not be written.
        """
        with write_whole(folder / SNAPSHOTS_FILE) as file:
            file.write(to_safetensors(dict(vars(self))))

    @classmethod
    def load(cls, folder: Path) -> "Snapshots":
        """Those that lie beside the weights in a folder.

        Raises:
            CheckpointError: there are none, or the file is damaged.
        """
        file = folder / SNAPSHOTS_FILE
        if not file.is_file():
            raise CheckpointError(f"{folder} holds no {SNAPSHOTS_FILE}: train with --snapshots to have them.")
        try:
            tensors, _ = read_tensors(file)
        except (OSError, SafetensorError) as error:
            raise CheckpointError(f"{file} is not a complete safetensors file.") from error
        try:
            snapshots = cls(**tensors)
        except TypeError:
            raise CheckpointError(f"{file} does not hold the snapshots of a training.") from None
        snapshots.check(file)
        return snapshots

    def check(self, file: Path) -> None:
        """Raise ``CheckpointError`` when the tensors, from a ``file``, do not fit each other."""
        moments, images = len(self.steps), len(self.labels)
        fits = (
            self.coordinates.shape == (moments, images, 2)
            and self.predictions.shape == (moments, images)
            and self.accuracies.shape == self.steps.shape == (moments,)
            and moments > 0
            and images > 0
            and not self.labels.is_floating_point()
            and bool(((self.labels >= 0) & (self.labels < len(CLASS_NAMES))).all())
            and bool(torch.isfinite(self.coordinates).all())
        )
        if not fits:
            raise CheckpointError(f"{file} does not hold the snapshots of a training.")
