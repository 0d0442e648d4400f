"""How right a network is: loss, accuracy, accuracy of each class, the confusion matrix, calibration."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from fmnist_core import CLASS_NAMES
from fmnist_core.dataset import Split, batches
from fmnist_core.model import Network, to_inputs, to_probabilities

BINS = 15  # of the calibration error
BATCH = 250  # images at a time; the answer does not depend on it


@dataclass(frozen=True, eq=False)
class Measured:
    """What a network answers to labelled images; sums over all images divided once."""

    images: int
    loss: float  # nats per image
    accuracy: float
    confusion: Tensor  # int64 (10, 10): row is the true class, column the answer
    calibration_error: float  # expected calibration error, 0..1: see ``calibration_error``

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
            inputs = (to_inputs(batch.pixels) for batch in batches(images, BATCH))
            # Channels last: twice as fast on processors.
            return torch.cat([network(each.to(memory_format=torch.channels_last)).float() for each in inputs])
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
        calibration_error=calibration_error(logits, images.labels),
    )


def calibration_error(logits: Tensor, labels: Tensor) -> float:
    """How far the probability of the answers is from how often they are right, 0..1; logits (N, 10), labels (N,).

    The expected calibration error with ``BINS`` bins of equal width (Guo, Pleiss, Sun, Weinberger: On Calibration of
    Modern Neural Networks, arXiv:1706.04599, equation 3).
    """
    sure, answers = to_probabilities(logits).max(1)
    right = (answers == labels).float()
    bins = (sure.nan_to_num() * BINS).long().clamp(max=BINS - 1)
    gaps = torch.zeros(BINS, device=logits.device).index_add_(0, bins, sure - right)
    return float(gaps.abs().sum()) / len(labels)


def fit_temperature(logits: Tensor, labels: Tensor) -> float:
    """The number by which to divide logits (N, 10) so that their loss on labels (N,) is least: arXiv:1706.04599.

    The loss has one valley over the logarithm of the temperature, which is searched from 1/10 to 10.
    """
    low, high = math.log(0.1), math.log(10)
    for _ in range(40):  # each round leaves two thirds
        left, right = low + (high - low) / 3, high - (high - low) / 3
        losses = [float(F.cross_entropy(logits / math.exp(place), labels)) for place in (left, right)]
        low, high = (low, right) if losses[0] < losses[1] else (left, high)
    return math.exp((low + high) / 2)


def calibrate(network: Network, held_out: Split) -> float:
    """Divide the network's logits by the temperature that suits ``held_out`` best, and return it.

    The division is done once, in the weights of the last layer: no class changes its rank.
    """
    temperature = fit_temperature(all_logits(network, held_out), held_out.labels)
    last = network.layers[-1]
    with torch.no_grad():
        for parameter in last.parameters():
            parameter.div_(temperature)
    return temperature
