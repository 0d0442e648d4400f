"""Garments of cloth, cut along the templates: as a photo gives them once its background has been removed."""

import math
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional as F

from fmnist_core import IMAGE_SIZE
from fmnist_core.augment import BatchRng
from fmnist_core.preparation.fitting import MIN_GARMENT_LEVEL, GreyImage, Mask, UInt8Image, crop, fit
from fmnist_core.preparation.lines import CELLS, distance_to_lines, enclosed
from fmnist_core.synthetic.rendering import by_hand, ink
from fmnist_core.synthetic.strokes import Rng
from fmnist_core.synthetic.templates import TEMPLATES

MIN_ENCLOSED: Final = 0.08  # fraction of the cells that an outline encloses at least, else its gaps are too large
GARMENT_LEVEL: Final = 0.06  # brightness, 0..1, from which a pixel belongs to the garment


def plain_cloth(label: int, rng: Rng) -> UInt8Image:
    """Pixels (28, 28) of a garment of the class ``label`` in plain cloth with its seams."""
    garment, mask = cut_cloth(label, rng)
    return fit(crop(garment, mask))


def cut_cloth(label: int, rng: Rng) -> tuple[GreyImage, Mask]:
    """The same in the size of a drawing, with a margin: brightness (H, W) on 0, and mask."""
    while True:
        distance = distance_to_lines(ink(by_hand(TEMPLATES[label](rng), rng)))
        inside = enclosed(distance)
        if inside.mean() > MIN_ENCLOSED:
            break
    seams = (rng.uniform(0.2, 0.8) * CELLS - distance + 0.5).clip(0, 1)
    mask = inside | (distance < 0.5 * CELLS)
    # Seams are always seen: nothing else tells a coat from a pullover.
    contrast = -rng.uniform(0.1, 0.45) if rng.chance(0.6) else rng.uniform(0.1, 0.35)
    garment = (rng.uniform(0.4, 0.9) + contrast * seams).clip(MIN_GARMENT_LEVEL, 1)
    return garment * mask, mask


def random_texture(pixels: Tensor, generator: torch.Generator) -> Tensor:
    """As if each garment had been photographed and segmented; pixels (N, 28, 28) uint8 in and out.

    Its cloth gets another shade, folds, a pattern or a print, and light from one side; and the mask loses a piece here
    and there, or takes in some background.
    """
    if len(pixels) == 0:
        return pixels
    rng = BatchRng(len(pixels), generator)
    values = pixels / 255  # float32, 0..1
    mask = _closed((values > GARMENT_LEVEL).float())
    mean = (values * mask).sum((1, 2), keepdim=True) / mask.sum((1, 2), keepdim=True).clamp(min=1)

    shade = rng.uniform(0.3, 0.95) + rng.uniform(-0.5, 1.2) * (values - mean)
    cloth = torch.where(rng.chance(0.6), shade, values)
    rows = torch.linspace(-0.5, 0.5, IMAGE_SIZE, device=pixels.device)[:, None]
    columns = rows.T
    light = rng.uniform(0, 2 * math.pi)
    cloth = cloth + rng.chance(0.6) * rng.uniform(0, 0.5) * (columns * light.cos() + rows * light.sin())
    cloth = cloth + rng.chance(0.6) * rng.uniform(0, 0.12) * rng.smooth_noise(6)  # folds
    angle = rng.uniform(-0.3, 0.3) + rng.chance(0.5) * math.pi / 2
    stripes = (rng.uniform(20, 90) * (columns * angle.cos() + rows * angle.sin()) + rng.uniform(0, 6)).sin()
    checks = (rng.uniform(20, 90) * (columns * angle.sin() - rows * angle.cos()) + rng.uniform(0, 6)).sin()
    pattern = (2 * stripes).clamp(-1, 1) + rng.chance(0.4) * (2 * checks).clamp(-1, 1)
    cloth = cloth + rng.chance(0.2) * rng.uniform(0.03, 0.25) * pattern
    cloth = cloth + rng.chance(0.25) * rng.uniform(0.03, 0.15) * rng.smooth_noise(18)
    radius = ((columns - rng.uniform(-0.12, 0.12)) ** 2 + (rows - rng.uniform(-0.2, 0.15)) ** 2).sqrt()
    has_print = (radius < rng.uniform(0.06, 0.26)) & rng.chance(0.25)
    print_ = rng.uniform(-0.5, 0.5) + rng.chance(0.5) * rng.uniform(0.1, 0.35) * rng.smooth_noise(10)
    cloth = torch.where(has_print, cloth + print_, cloth)

    errors = rng.smooth_noise(5)
    mask = mask * ~((errors > rng.uniform(1.3, 2.5)) & rng.chance(0.25))
    near = F.max_pool2d(mask, 5, stride=1, padding=2)
    taken_in = (errors < rng.uniform(-2.5, -1.3)) & rng.chance(0.2) & (near > 0) & (mask == 0)
    cloth = torch.where(taken_in, rng.uniform(0.2, 0.9), cloth)
    garment = cloth.clamp(MIN_GARMENT_LEVEL, 1) * torch.where(taken_in, 1.0, mask)
    return (garment / garment.amax((1, 2), keepdim=True).clamp(min=MIN_GARMENT_LEVEL) * 255).round().to(torch.uint8)


def _closed(mask: Tensor) -> Tensor:
    """Without holes of a pixel or two: morphological closing of (N, 28, 28)."""
    return -F.max_pool2d(-F.max_pool2d(mask, 3, stride=1, padding=1), 3, stride=1, padding=1)
