"""Random changes of training images, a whole batch at a time, on the device of the batch and of its generator."""

import math
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional as F

from fmnist_core import IMAGE_SIZE
from fmnist_core.cutout import DARKEST

LEAST_CLOTH: Final = 0.06  # brightness, 0..1, from which a pixel belongs to the garment


def random_flip(pixels: Tensor, generator: torch.Generator) -> Tensor:
    """Mirror about half of the images left to right; pixels (N, 28, 28) in and out.

    All shoes of Fashion-MNIST point to the left; those that people draw do not.
    """
    mirrored = torch.rand(len(pixels), generator=generator, device=pixels.device) < 0.5  # (N,)
    return torch.where(mirrored[:, None, None], pixels.flip(2), pixels)


def random_shift(pixels: Tensor, reach: int, generator: torch.Generator) -> Tensor:
    """Move each image by up to ``reach`` pixels up or down and left or right, black coming in; (N, 28, 28)."""
    count, device = len(pixels), pixels.device
    padded = F.pad(pixels, (reach, reach, reach, reach))  # (N, 28 + 2 * reach, 28 + 2 * reach)
    corner = torch.randint(0, 2 * reach + 1, (2, count, 1), generator=generator, device=device)
    across = torch.arange(IMAGE_SIZE, device=device)
    rows, columns = corner[0] + across, corner[1] + across  # (N, 28) each
    return padded[torch.arange(count, device=device)[:, None, None], rows[:, :, None], columns[:, None, :]]


def random_photo(pixels: Tensor, part: float, generator: torch.Generator) -> Tensor:
    """Change about ``part`` (0..1) of the images as if they had been photographed and cut out; (N, 28, 28) uint8."""
    if not part:
        return pixels
    chosen = (torch.rand(len(pixels), generator=generator, device=pixels.device) < part).nonzero()[:, 0]
    return pixels.index_put((chosen,), random_cloth(random_warp(pixels[chosen], generator), generator))


def random_erase(pixels: Tensor, part: float, generator: torch.Generator) -> Tensor:
    """Fill a rectangle in about ``part`` (0..1) of the images with noise; pixels (N, 28, 28) uint8 in and out.

    Zhong and others: Random Erasing Data Augmentation, arXiv:1708.04896, with the sizes given there: 2 to 40 % of the
    area, sides of 0.3 to 3.3 to each other; what would reach beyond the image is cut off.
    """
    if not part:
        return pixels
    dice = _Dice(len(pixels), generator)
    area = dice.uniform(0.02, 0.4) * IMAGE_SIZE**2
    aspect = dice.uniform(math.log(0.3), -math.log(0.3)).exp()
    height, width = (area * aspect).sqrt(), (area / aspect).sqrt()
    top = dice.uniform(0, 1) * (IMAGE_SIZE - height).clamp(min=0)
    left = dice.uniform(0, 1) * (IMAGE_SIZE - width).clamp(min=0)
    columns = torch.arange(IMAGE_SIZE, device=pixels.device) + 0.5  # the middle of each pixel
    rows = columns[:, None]
    inside = (rows >= top) & (rows < top + height) & (columns >= left) & (columns < left + width)
    noise = torch.randint(0, 256, pixels.shape, generator=generator, dtype=torch.uint8, device=pixels.device)
    return torch.where(dice.chance(part) & inside, noise, pixels)


def random_warp(pixels: Tensor, generator: torch.Generator) -> Tensor:
    """Turn each garment by up to 15 degrees, shear, shorten or narrow, and bend it; (N, 28, 28) uint8 in and out."""
    dice = _Dice(len(pixels), generator)
    turn, shear = dice.uniform(-0.26, 0.26), dice.uniform(-0.15, 0.15)
    aspect = dice.uniform(-0.35, 0.35).exp()  # width to height
    straight = torch.linspace(-1, 1, IMAGE_SIZE, device=pixels.device)
    # It keeps filling the frame: one side stays as long as it was.
    x = straight[None, None, :] * aspect.clamp(min=1) / aspect
    y = straight[None, :, None] * aspect.clamp(min=1)
    size = dice.uniform(0, 0.05)
    across = turn.cos() * x - turn.sin() * y + shear * y + size * dice.clouds(4)
    down = turn.sin() * x + turn.cos() * y + size * dice.clouds(4)
    grid = torch.stack([across, down], dim=3)  # (N, 28, 28, 2)
    warped = F.grid_sample(pixels[:, None].float(), grid, mode="bilinear", align_corners=True)[:, 0]
    return warped.round().to(torch.uint8)


def random_cloth(pixels: Tensor, generator: torch.Generator) -> Tensor:
    """As if each garment had been photographed and cut out of the photo; pixels (N, 28, 28) uint8 in and out.

    Its cloth gets another shade, folds, a pattern or a print, and light from one side; and the scissors take away a
    piece here and there, or leave some of the ground.
    """
    if len(pixels) == 0:
        return pixels
    dice = _Dice(len(pixels), generator)
    values = pixels / 255  # float32, 0..1
    mask = _closed((values > LEAST_CLOTH).float())
    mean = (values * mask).sum((1, 2), keepdim=True) / mask.sum((1, 2), keepdim=True).clamp(min=1)

    shade = dice.uniform(0.3, 0.95) + dice.uniform(-0.5, 1.2) * (values - mean)
    cloth = torch.where(dice.chance(0.6), shade, values)
    rows = torch.linspace(-0.5, 0.5, IMAGE_SIZE, device=pixels.device)[:, None]
    columns = rows.T
    light = dice.uniform(0, 2 * math.pi)
    cloth = cloth + dice.chance(0.6) * dice.uniform(0, 0.5) * (columns * light.cos() + rows * light.sin())
    cloth = cloth + dice.chance(0.6) * dice.uniform(0, 0.12) * dice.clouds(6)  # folds
    angle = dice.uniform(-0.3, 0.3) + dice.chance(0.5) * math.pi / 2
    stripes = (dice.uniform(20, 90) * (columns * angle.cos() + rows * angle.sin()) + dice.uniform(0, 6)).sin()
    checks = (dice.uniform(20, 90) * (columns * angle.sin() - rows * angle.cos()) + dice.uniform(0, 6)).sin()
    pattern = (2 * stripes).clamp(-1, 1) + dice.chance(0.4) * (2 * checks).clamp(-1, 1)
    cloth = cloth + dice.chance(0.2) * dice.uniform(0.03, 0.25) * pattern
    cloth = cloth + dice.chance(0.25) * dice.uniform(0.03, 0.15) * dice.clouds(18)
    away = ((columns - dice.uniform(-0.12, 0.12)) ** 2 + (rows - dice.uniform(-0.2, 0.15)) ** 2).sqrt()
    has_print = (away < dice.uniform(0.06, 0.26)) & dice.chance(0.25)
    print_ = dice.uniform(-0.5, 0.5) + dice.chance(0.5) * dice.uniform(0.1, 0.35) * dice.clouds(10)
    cloth = torch.where(has_print, cloth + print_, cloth)

    errors = dice.clouds(5)
    mask = mask * ~((errors > dice.uniform(1.3, 2.5)) & dice.chance(0.25))
    near = F.max_pool2d(mask, 5, stride=1, padding=2)
    left_over = (errors < dice.uniform(-2.5, -1.3)) & dice.chance(0.2) & (near > 0) & (mask == 0)
    cloth = torch.where(left_over, dice.uniform(0.2, 0.9), cloth)
    cut_out = cloth.clamp(DARKEST, 1) * torch.where(left_over, 1.0, mask)
    return (cut_out / cut_out.amax((1, 2), keepdim=True).clamp(min=DARKEST) * 255).round().to(torch.uint8)


class _Dice:
    """Random numbers for each of ``count`` images."""

    def __init__(self, count: int, generator: torch.Generator) -> None:
        self.count, self.generator = count, generator

    def uniform(self, low: float, high: float) -> Tensor:
        """Numbers (N, 1, 1) between ``low`` and ``high``."""
        return low + (high - low) * self._rand()

    def chance(self, probability: float) -> Tensor:
        """Yes with this probability, bool (N, 1, 1)."""
        return self._rand() < probability

    def clouds(self, cells: int) -> Tensor:
        """Smooth noise (N, 28, 28) with a standard deviation of about 1, ``cells`` of it to the side."""
        shape, generator = (self.count, 1, cells, cells), self.generator
        noise = torch.randn(shape, generator=generator, device=generator.device)
        return F.interpolate(noise, size=IMAGE_SIZE, mode="bicubic")[:, 0]

    def _rand(self) -> Tensor:
        return torch.rand(self.count, 1, 1, generator=self.generator, device=self.generator.device)


def _closed(mask: Tensor) -> Tensor:
    """Without holes of a pixel or two: morphological closing of (N, 28, 28)."""
    return -F.max_pool2d(-F.max_pool2d(mask, 3, stride=1, padding=1), 3, stride=1, padding=1)
