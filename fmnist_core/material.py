"""Pictures that the program makes while a network is trained, to be shown besides the images of the data set."""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
import torch
from torch import Tensor

from fmnist_core import CLASS_NAMES, IMAGE_SIZE
from fmnist_core.augment import random_cloth
from fmnist_core.dataset import Split
from fmnist_core.files import Bytes
from fmnist_core.sketches import NO_CLASS, cloth, doodle, sketch, trace

MADE: Final = ("drawings", "tracings", "doodles", "cloth")
FIRST_MADE: Final = 200  # pictures of each kind made before training
MADE_PER_STEP: Final = 3  # pictures of each kind, of about a millisecond each

Draw = Callable[[], tuple[Bytes, int]]  # pixels (28, 28) and the label of one more picture


class Supply:
    """Pictures of one kind: some at first, a few more at each step; so training begins at once.

    Args:
        part: how many go with a batch, as a part of its size.
        most: how many there are at most.
        draw: makes one.
        device: where they lie.
    """

    def __init__(self, part: float, most: int, draw: Draw, device: torch.device) -> None:
        self.part, self.draw, self.made = part, draw, 0
        self.pixels = torch.empty(most, IMAGE_SIZE, IMAGE_SIZE, dtype=torch.uint8, device=device)
        self.labels = torch.empty(most, dtype=torch.int64, device=device)
        self.grow(FIRST_MADE)

    def grow(self, count: int) -> None:
        """Make ``count`` more, but none beyond the most."""
        drawn = [self.draw() for _ in range(min(count, len(self.labels) - self.made))]
        if drawn:
            pixels, labels = zip(*drawn, strict=True)
            more = slice(self.made, self.made + len(drawn))
            self.pixels[more], self.labels[more] = torch.from_numpy(np.stack(pixels)), torch.tensor(labels)
            self.made += len(drawn)

    def choose(self, batch: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Pixels (K, 28, 28) and labels (K,) to go with a batch of so many images."""
        self.grow(MADE_PER_STEP)
        size = (round(self.part * batch),)
        chosen = torch.randint(self.made, size, generator=generator, device=self.labels.device)
        return self.pixels[chosen], self.labels[chosen]


def supplies(parts: Mapping[str, float], images: Split, seed: int, device: torch.device) -> dict[str, Supply]:
    """A supply of each of ``MADE`` with a part above 0: of long trainings that part of ``images``, at least a few."""
    random = np.random.default_rng(seed)

    def label() -> int:
        return int(random.integers(len(CLASS_NAMES)))

    def traced() -> tuple[Bytes, int]:
        place = int(random.integers(len(images)))
        return trace(images.pixels[place].numpy(), random), int(images.labels[place])

    ways: dict[str, Draw] = {
        "drawings": lambda: (sketch(drawn := label(), random), drawn),
        "tracings": traced,
        "doodles": lambda: (doodle(random), NO_CLASS),
        "cloth": lambda: (cloth(cut := label(), random), cut),
    }
    return {
        kind: Supply(parts[kind], max(FIRST_MADE, round(parts[kind] * len(images))), ways[kind], device)
        for kind in MADE
        if parts[kind]
    }


def with_made(batch: Split, made: Mapping[str, Supply], generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Pixels and labels of the batch, and after them some of what was made."""
    pixels, labels = [batch.pixels], [batch.labels]
    for kind, supply in made.items():
        chosen, its_labels = supply.choose(len(batch), generator)
        pixels.append(random_cloth(chosen, generator) if kind == "cloth" else chosen)
        labels.append(its_labels)
    return torch.cat(pixels), torch.cat(labels)
