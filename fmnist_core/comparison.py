"""Two networks on the same labelled images: whether one is better, and which images each wins."""

import math
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from fmnist_core.errors import ConfigError


def standard_error(accuracy: float, images: int) -> float:
    """Of an accuracy on ``images`` images: that of the mean of as many independent draws of 0 or 1."""
    return math.sqrt(accuracy * (1 - accuracy) / images)


def mcnemar(only_first: int, only_second: int) -> float:
    """How likely a difference at least as large is when both networks are equally good: the exact test, two-sided.

    Of the images that just one of the two predicts correctly, each would then be the first one's with probability 1/2
    (Quinn McNemar: Note on the sampling error of the difference between correlated proportions or percentages,
    Psychometrika 12, 1947, doi:10.1007/BF02295996). 1 where there are no such images.
    """
    count = only_first + only_second
    tail = sum(math.comb(count, k) for k in range(min(only_first, only_second) + 1))
    return min(1.0, float(2 * tail / 2**count))


@dataclass(frozen=True, eq=False)
class Comparison:
    """How two networks do on the same N images, by which of them predicts an image correctly."""

    labels: Tensor  # int64 (N,)
    first: Tensor  # bool (N,): the first network's prediction is correct
    second: Tensor  # bool (N,)

    @classmethod
    def of(cls, labels: Tensor, first: Tensor, second: Tensor) -> "Comparison":
        """Of the predictions ``first`` and ``second``, int64 (N,) like ``labels``.

        Raises:
            ConfigError: they are not as many, or there are none.
        """
        if not len(labels) == len(first) == len(second) > 0:
            raise ConfigError(
                f"There are {len(first)} and {len(second)} predictions for {len(labels)} images, expected one for each."
            )
        return cls(labels, first == labels, second == labels)

    @property
    def accuracy(self) -> tuple[float, float]:
        """Of the first and of the second network."""
        return self.first.double().mean().item(), self.second.double().mean().item()

    @property
    def only_first(self) -> int:
        """Images that only the first network predicts correctly."""
        return int((self.first & ~self.second).sum())

    @property
    def only_second(self) -> int:
        """Images that only the second network predicts correctly."""
        return int((self.second & ~self.first).sum())

    @property
    def neither(self) -> int:
        """Images that neither network predicts correctly."""
        return int((~self.first & ~self.second).sum())

    @property
    def p_value(self) -> float:
        """See ``mcnemar``."""
        return mcnemar(self.only_first, self.only_second)

    def per_class(self, classes: int) -> list[tuple[float, float] | None]:
        """Accuracy of the first and of the second network on the images of each class; None for one without images."""
        chosen = [self.labels == label for label in range(classes)]
        return [
            (self.first[each].double().mean().item(), self.second[each].double().mean().item()) if each.any() else None
            for each in chosen
        ]

    def to_json(self) -> dict[str, Any]:
        """All figures as plain values."""
        images = len(self.labels)
        return {
            "images": images,
            "accuracy": list(self.accuracy),
            "standard_error": [standard_error(each, images) for each in self.accuracy],
            "only_first": self.only_first,
            "only_second": self.only_second,
            "neither": self.neither,
            "p_value": self.p_value,
        }
