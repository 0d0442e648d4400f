"""Evaluation of a network on labelled images: loss, accuracy, confusion matrix, calibration."""

import math
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor
from torch.nn import functional as F

from fmnist_core.dataset import Split, batches
from fmnist_core.errors import ConfigError
from fmnist_core.model import Network, to_probabilities

BINS: Final = 15  # of the calibration error
BATCH_SIZE: Final = 250  # images at a time; the result does not depend on it


@dataclass(frozen=True, eq=False)
class Evaluation:
    """How a network does on labelled images; sums over all images divided once."""

    images: int
    loss: float  # nats per image
    accuracy: float
    confusion: Tensor  # int64 (classes, classes): row is the true class, column the predicted one
    calibration_error: float  # expected calibration error, 0..1: see ``calibration_error``
    class_names: tuple[str, ...]

    @property
    def per_class(self) -> dict[str, float | None]:
        """Accuracy on the images of each class (its recall); None for a class without images."""
        totals, hits = self.confusion.sum(1).tolist(), self.confusion.diag().tolist()
        pairs = zip(self.class_names, hits, totals, strict=True)
        return {name: hit / total if total else None for name, hit, total in pairs}

    def to_json(self) -> dict[str, Any]:
        """All figures as plain values."""
        return {
            "images": self.images,
            "accuracy": self.accuracy,
            "loss": self.loss,
            "calibration_error": self.calibration_error,
            "per_class": self.per_class,
            "confusion": self.confusion.tolist(),
        }


def predict_logits(network: Network, images: Split) -> Tensor:
    """Logits (N, classes) for all images in order, on their device; the network's mode is restored."""
    was_training = network.training
    network.eval()
    try:
        with torch.inference_mode():
            inputs = (network.to_inputs(batch.pixels) for batch in batches(images, BATCH_SIZE))
            # Channels last: twice as fast on processors.
            logits = [network.logits(each.to(memory_format=torch.channels_last)).float() for each in inputs]
            return torch.cat(logits) if logits else images.pixels.new_zeros(0, len(network.class_names)).float()
    finally:
        network.train(was_training)


def evaluate(network: Network, images: Split) -> Evaluation:
    """Compare the network's predictions with the labels; network and images lie on the same device.

    Raises:
        ConfigError: the images are of more classes than the network knows.
    """
    classes, labelled = len(network.class_names), int(images.labels.max()) + 1
    if labelled > classes:
        raise ConfigError(f"The images are of {labelled} classes, but the network knows only {classes}.")
    return measure(predict_logits(network, images), images.labels, network.class_names)


def measure(logits: Tensor, labels: Tensor, class_names: tuple[str, ...]) -> Evaluation:
    """Compare logits (N, classes) with labels (N,), on the same device."""
    classes, predictions = len(class_names), logits.argmax(1)
    confusion = torch.bincount(labels * classes + predictions, minlength=classes**2)
    return Evaluation(
        images=len(labels),
        loss=F.cross_entropy(logits, labels).item(),
        accuracy=int((predictions == labels).sum()) / len(labels),
        confusion=confusion.reshape(classes, classes).cpu(),
        calibration_error=calibration_error(logits, labels),
        class_names=class_names,
    )


def calibration_error(logits: Tensor, labels: Tensor) -> float:
    """How far the confidence of predictions is from their accuracy, 0..1; logits (N, classes), labels (N,).

    The expected calibration error with ``BINS`` bins of equal width (Guo, Pleiss, Sun, Weinberger: On Calibration of
    Modern Neural Networks, arXiv:1706.04599, equation 3).
    """
    confidence, predictions = to_probabilities(logits).max(1)
    correct = (predictions == labels).float()
    bins = (confidence.nan_to_num() * BINS).long().clamp(max=BINS - 1)
    gaps = torch.zeros(BINS, device=logits.device).index_add_(0, bins, confidence - correct)
    return float(gaps.abs().sum()) / len(labels)


def fit_temperature(logits: Tensor, labels: Tensor) -> float:
    """The number by which to divide logits (N, classes) so that their loss on labels (N,) is least: arXiv:1706.04599.

    The loss has one minimum over the logarithm of the temperature, which is searched from 1/10 to 10.
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
    temperature = fit_temperature(predict_logits(network, held_out), held_out.labels)
    last = network.layers[-1]
    with torch.no_grad():
        for parameter in last.parameters():
            parameter.div_(temperature)
    return temperature
