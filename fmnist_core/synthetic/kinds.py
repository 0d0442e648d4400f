"""The kinds of synthetic images: how each is drawn, labelled and augmented. To add one is to add it here."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor

from fmnist_core import CLASS_NAMES
from fmnist_core.dataset import Split
from fmnist_core.preparation.fitting import UInt8Image
from fmnist_core.settings import Setting
from fmnist_core.synthetic.cloth import plain_cloth, random_texture
from fmnist_core.synthetic.doodles import DOODLES
from fmnist_core.synthetic.rendering import brushed, render
from fmnist_core.synthetic.strokes import Rng, Strokes
from fmnist_core.synthetic.templates import TEMPLATES

BRUSHED: Final = 0.25  # of the doodles: other data sets, too, have their pixels as they are
OPEN: Final = 0.1  # of the drawings have an open outline
NO_CLASS: Final = -1  # the label of what is no garment: to be answered with the same probability for every class


@dataclass(frozen=True)
class SyntheticKind:
    """One kind of images to mix into training."""

    draw: Callable[[int, Rng], UInt8Image]  # label, random numbers -> pixels (28, 28)
    help: str  # what is drawn; of how many for each image of the data set, the command line adds
    suggested: (
        float  # how many to mix in, as a fraction of the images, for a network that is right about people's pictures
    )
    labelled: bool = True  # else every label is ``NO_CLASS``, whatever ``draw`` is given
    augment: Callable[[Tensor, torch.Generator], Tensor] = lambda pixels, generator: pixels  # pixels (N, 28, 28) uint8

    def label(self, rng: Rng) -> int:
        """The label of one more image."""
        return rng.integer(0, len(CLASS_NAMES) - 1) if self.labelled else NO_CLASS

    def make(self, count: int, seed: int) -> Split:
        """``count`` images, as many of each class, in random order; about a millisecond each, not augmented.

        The same seed gives the same images.
        """
        rng = Rng(seed)
        balanced = np.arange(count) % len(CLASS_NAMES)
        labels = rng.permutation(balanced) if self.labelled else np.full(count, NO_CLASS)
        pixels = np.stack([self.draw(int(label), rng) for label in labels])
        return Split.of(torch.from_numpy(pixels), torch.from_numpy(labels.astype(np.int64)))


def draw_sketch(label: int, rng: Rng) -> UInt8Image:
    """Pixels (28, 28) of a drawing of the class ``label``; of some, the outline is too open to be filled."""
    strokes = TEMPLATES[label](rng)
    return render(_opened(strokes, rng) if rng.chance(OPEN) else strokes, rng)


def _opened(strokes: Strokes, rng: Rng) -> Strokes:
    """Without a piece at the end of the first one or two of the strokes, which are those of the outline."""
    count = rng.integer(1, 2)
    shorter = [stroke[: max(2, round(len(stroke) * rng.uniform(0.6, 0.9)))] for stroke in strokes[:count]]
    return [*shorter, *strokes[count:]]


def draw_doodle(label: int, rng: Rng) -> UInt8Image:
    """Pixels (28, 28) of a drawing of something that is no garment; some as they come from a brush, not prepared."""
    strokes = DOODLES[rng.integer(0, len(DOODLES) - 1)](rng)
    return brushed(strokes, rng) if rng.chance(BRUSHED) else render(strokes, rng)


SYNTHETIC_KINDS: Final = {
    "drawings": SyntheticKind(draw_sketch, "line drawings of garments", suggested=0.3),
    "cloth": SyntheticKind(
        plain_cloth, "garments of plain or patterned cloth, as if segmented", suggested=0.25, augment=random_texture
    ),
    # Outlier exposure: Hendrycks, Mazeika, Dietterich, arXiv:1812.04606.
    "doodles": SyntheticKind(draw_doodle, "doodles that are no garments", suggested=0.1, labelled=False),
}


def setting_of_kind(name: str) -> Setting:
    """How many images of a kind are mixed into training."""
    help = f"{SYNTHETIC_KINDS[name].help} to mix in, for each image of a batch"
    return Setting(name, help, float, 0, 10)
