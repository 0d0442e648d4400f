"""Pools of synthetic images that grow while a network is trained and are mixed into its batches."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import torch
from torch import Tensor

from fmnist_core import IMAGE_SIZE
from fmnist_core.dataset import Split
from fmnist_core.synthetic.kinds import SYNTHETIC_KINDS, SyntheticKind
from fmnist_core.synthetic.strokes import Rng

INITIAL_SIZE: Final = 200  # images of each kind made before training
GROWTH_PER_STEP: Final = 3  # images of each kind, of about a millisecond each


class Pool:
    """Images of one kind: some at first, a few more at each step, so that training begins at once.

    Args:
        kind: what is drawn.
        fraction: how many go into a batch, relative to its size.
        capacity: how many there are at most.
        seed: of the drawings.
        device: where they lie.
    """

    def __init__(self, kind: SyntheticKind, fraction: float, capacity: int, seed: int, device: torch.device) -> None:
        self.kind, self.fraction, self.size, self._rng = kind, fraction, 0, Rng(seed)
        self.pixels = torch.empty(capacity, IMAGE_SIZE, IMAGE_SIZE, dtype=torch.uint8, device=device)
        self.labels = torch.empty(capacity, dtype=torch.int64, device=device)
        self.grow(INITIAL_SIZE)

    def grow(self, count: int) -> None:
        """Draw ``count`` more, but none beyond the capacity."""
        labels = [self.kind.label(self._rng) for _ in range(min(count, len(self.labels) - self.size))]
        if labels:
            pixels = np.stack([self.kind.draw(label, self._rng) for label in labels])
            new = slice(self.size, self.size + len(labels))
            self.pixels[new], self.labels[new] = torch.from_numpy(pixels), torch.tensor(labels)
            self.size += len(labels)

    def grow_as_after(self, steps: int) -> None:
        """Draw what would have been drawn in so many steps."""
        for _ in range(steps):
            if self.size == len(self.labels):
                return
            self.grow(GROWTH_PER_STEP)

    def sample(self, batch: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Pixels (K, 28, 28), augmented, and labels (K,) to go with a batch of so many images."""
        self.grow(GROWTH_PER_STEP)
        size = (round(self.fraction * batch),)
        chosen = torch.randint(self.size, size, generator=generator, device=self.labels.device)
        return self.kind.augment(self.pixels[chosen], generator), self.labels[chosen]


def make_pools(fractions: Mapping[str, float], images: int, seed: int, device: torch.device) -> list[Pool]:
    """A pool for each of ``SYNTHETIC_KINDS`` with a fraction above 0, of at most that fraction of ``images``."""
    return [
        Pool(kind, fractions[name], max(INITIAL_SIZE, round(fractions[name] * images)), seed + place, device)
        for place, (name, kind) in enumerate(SYNTHETIC_KINDS.items())
        if fractions.get(name)
    ]


def mix_in_synthetic(batch: Split, pools: list[Pool], generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Pixels and labels of the batch, followed by synthetic ones."""
    sampled = [pool.sample(len(batch), generator) for pool in pools]
    pixels = torch.cat([batch.pixels, *(pixels for pixels, _ in sampled)])
    return pixels, torch.cat([batch.labels, *(labels for _, labels in sampled)])
