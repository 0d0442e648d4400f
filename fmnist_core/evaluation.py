"""How right a network is: loss, accuracy, accuracy of each class, and the confusion matrix."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from fmnist_core import CLASS_NAMES
from fmnist_core.dataset import Split, batches
from fmnist_core.model import Network, to_inputs

BATCH = 1000  # images at a time; the answer does not depend on it


@dataclass(frozen=True, eq=False)
class Measured:
    """What a network answers to labelled images; sums over all images divided once."""

    images: int
    loss: float  # nats per image
    accuracy: float
    confusion: Tensor  # int64 (10, 10): row is the true class, column the answer

    @property
    def per_class(self) -> dict[str, float | None]:
        """Part of each class that was recognised; None for a class without images."""
        totals, hits = self.confusion.sum(1).tolist(), self.confusion.diag().tolist()
        pairs = zip(CLASS_NAMES, hits, totals, strict=True)
        return {name: hit / total if total else None for name, hit, total in pairs}


def all_logits(network: Network, images: Split) -> Tensor:
    """Logits (N, 10) for all images in order, on the device of the images; the network's mode is put back."""
    was_training = network.training
    network.eval()
    try:
        with torch.inference_mode():
            return torch.cat([network(to_inputs(batch.pixels)).float() for batch in batches(images, BATCH)])
    finally:
        network.train(was_training)


def measure(network: Network, images: Split) -> Measured:
    """Compare the network's answers with the labels; network and images lie on the same device."""
    logits = all_logits(network, images)
    answers = logits.argmax(1)
    confusion = torch.bincount(images.labels * len(CLASS_NAMES) + answers, minlength=len(CLASS_NAMES) ** 2)
    return Measured(
        images=len(images),
        loss=F.cross_entropy(logits, images.labels).item(),
        accuracy=int((answers == images.labels).sum()) / len(images),
        confusion=confusion.reshape(len(CLASS_NAMES), len(CLASS_NAMES)).cpu(),
    )
