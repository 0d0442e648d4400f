"""Augmentation: random changes of a whole batch of images, on the device of the batch and of its generator.

To add one is to add it to ``AUGMENTATIONS``: configuration and command line follow.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional as F

from fmnist_core import IMAGE_SIZE
from fmnist_core.settings import Setting

Augment = Callable[
    [Tensor, float, torch.Generator], Tensor
]  # (pixels (N, 28, 28) uint8, strength, generator) -> pixels


@dataclass(frozen=True)
class Augmentation:
    """One kind of random change; a strength of 0 changes nothing."""

    apply: Augment
    default: float
    setting: Setting
    synthetic_too: bool = True  # whether synthetic images are changed as well


def random_flip(pixels: Tensor, probability: float, generator: torch.Generator) -> Tensor:
    """Mirror each image left to right with this probability.

    All shoes of Fashion-MNIST point to the left; those that people draw do not.
    """
    mirrored = torch.rand(len(pixels), generator=generator, device=pixels.device) < probability  # (N,)
    return torch.where(mirrored[:, None, None], pixels.flip(2), pixels)


def random_shift(pixels: Tensor, reach: float, generator: torch.Generator) -> Tensor:
    """Shift each image by up to ``reach`` whole pixels vertically and horizontally, black coming in."""
    count, device, reach = len(pixels), pixels.device, int(reach)
    padded = F.pad(pixels, (reach, reach, reach, reach))  # (N, 28 + 2 * reach, 28 + 2 * reach)
    corner = torch.randint(0, 2 * reach + 1, (2, count, 1), generator=generator, device=device)
    across = torch.arange(IMAGE_SIZE, device=device)
    rows, columns = corner[0] + across, corner[1] + across  # (N, 28) each
    return padded[torch.arange(count, device=device)[:, None, None], rows[:, :, None], columns[:, None, :]]


def random_erase(pixels: Tensor, probability: float, generator: torch.Generator) -> Tensor:
    """Fill a rectangle of each image with noise, with this probability.

    Zhong and others: Random Erasing Data Augmentation, arXiv:1708.04896, with the sizes given there: 2 to 40 % of the
    area, aspect ratios of 0.3 to 3.3; what would reach beyond the image is cut off.
    """
    rng = BatchRng(len(pixels), generator)
    area = rng.uniform(0.02, 0.4) * IMAGE_SIZE**2
    aspect = rng.uniform(math.log(0.3), -math.log(0.3)).exp()
    height, width = (area * aspect).sqrt(), (area / aspect).sqrt()
    top = rng.uniform(0, 1) * (IMAGE_SIZE - height).clamp(min=0)
    left = rng.uniform(0, 1) * (IMAGE_SIZE - width).clamp(min=0)
    columns = torch.arange(IMAGE_SIZE, device=pixels.device) + 0.5  # the middle of each pixel
    rows = columns[:, None]
    inside = (rows >= top) & (rows < top + height) & (columns >= left) & (columns < left + width)
    noise = torch.randint(0, 256, pixels.shape, generator=generator, dtype=torch.uint8, device=pixels.device)
    return torch.where(rng.chance(probability) & inside, noise, pixels)


AUGMENTATIONS: Final = {
    each.setting.name: each
    for each in (  # in the order in which they are applied
        Augmentation(
            random_erase,
            0.0,
            Setting(
                "erase",
                "probability that a rectangle of an image is filled with noise: no single place may decide",
                float,
                0,
                1,
            ),
            synthetic_too=False,
        ),
        Augmentation(
            random_flip,
            0.5,
            Setting("flip", "probability that an image is mirrored: shoes point to either side", float, 0, 1),
        ),
        Augmentation(
            random_shift,
            1,
            Setting("shift", "furthest that an image is shifted, in pixels to each side", int, 0, 14, "pixels"),
        ),
    )
}


def augment(
    pixels: Tensor, strengths: Mapping[str, float], generator: torch.Generator, *, synthetic_too: bool
) -> Tensor:
    """Apply those of ``AUGMENTATIONS`` that change synthetic images too, or those that do not; (N, 28, 28) uint8."""
    for name, augmentation in AUGMENTATIONS.items():
        strength = strengths.get(name, 0)
        if strength and augmentation.synthetic_too == synthetic_too and len(pixels):
            pixels = augmentation.apply(pixels, strength, generator)
    return pixels


class BatchRng:
    """Random numbers for each of ``count`` images."""

    def __init__(self, count: int, generator: torch.Generator) -> None:
        self.count, self.generator = count, generator

    def uniform(self, low: float, high: float) -> Tensor:
        """Numbers (N, 1, 1) between ``low`` and ``high``."""
        return low + (high - low) * self._rand()

    def chance(self, probability: float) -> Tensor:
        """True with this probability, bool (N, 1, 1)."""
        return self._rand() < probability

    def smooth_noise(self, cells: int) -> Tensor:
        """Smooth noise (N, 28, 28) with a standard deviation of about 1, ``cells`` of it to the side."""
        shape, generator = (self.count, 1, cells, cells), self.generator
        noise = torch.randn(shape, generator=generator, device=generator.device)
        return F.interpolate(noise, size=IMAGE_SIZE, mode="bicubic")[:, 0]

    def _rand(self) -> Tensor:
        return torch.rand(self.count, 1, 1, generator=self.generator, device=self.generator.device)
