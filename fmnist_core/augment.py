"""Random changes of training images, a whole batch at a time and on whatever device the batch lies."""

import torch
from torch import Tensor
from torch.nn import functional as F

from fmnist_core import IMAGE_SIZE


def random_flip(pixels: Tensor, generator: torch.Generator) -> Tensor:
    """Mirror about half of the images left to right; pixels (N, 28, 28) in and out.

    All shoes of Fashion-MNIST point to the left; those that people draw do not.
    """
    mirrored = torch.rand(len(pixels), generator=generator).to(pixels.device) < 0.5  # (N,)
    return torch.where(mirrored[:, None, None], pixels.flip(2), pixels)


def random_shift(pixels: Tensor, reach: int, generator: torch.Generator) -> Tensor:
    """Move each image by up to ``reach`` pixels up or down and left or right, black coming in; (N, 28, 28)."""
    count, device = len(pixels), pixels.device
    padded = F.pad(pixels, (reach, reach, reach, reach))  # (N, 28 + 2 * reach, 28 + 2 * reach)
    corner = torch.randint(0, 2 * reach + 1, (2, count, 1), generator=generator).to(device)
    across = torch.arange(IMAGE_SIZE, device=device)
    rows, columns = corner[0] + across, corner[1] + across  # (N, 28) each
    return padded[torch.arange(count, device=device)[:, None, None], rows[:, :, None], columns[:, None, :]]
