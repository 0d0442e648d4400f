"""Cropping, resizing and fitting: from a garment anywhere in a picture to 28x28 pixels."""

from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from fmnist_core import IMAGE_SIZE

UInt8Image = NDArray[np.uint8]  # (H, W) or (H, W, 3), 0..255
GreyImage = NDArray[np.floating]  # (H, W), 0..1
Mask = NDArray[np.bool_]  # (H, W)

MIN_GARMENT_LEVEL: Final = 0.15  # brightness, 0..1, of a garment's darkest part: darker would look like background


def border(picture: NDArray[Any]) -> NDArray[Any]:
    """The outermost pixels of a picture (H, W) or (H, W, C): (K,) or (K, C)."""
    return np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])


def resized(picture: NDArray[Any], side: int) -> NDArray[Any]:
    """A picture (H, W) or (H, W, C) with its longer side ``side`` pixels long, in its own type."""
    method = cv2.INTER_AREA if side < max(picture.shape[:2]) else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, size_for(picture, side), interpolation=method))


def size_for(picture: NDArray[Any], side: int) -> tuple[int, int]:
    """Width and height of a picture (H, W, ...) when its longer side is ``side`` pixels long; neither is below 1."""
    height, width = picture.shape[:2]
    scale = side / max(height, width)
    return max(1, round(width * scale)), max(1, round(height * scale))


def bounding_box(mask: Mask) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of where ``mask`` (H, W) is true."""
    rows, columns = (mask.any(axis=axis).nonzero()[0] for axis in (1, 0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def crop(garment: GreyImage, mask: Mask) -> GreyImage:
    """The part of ``garment`` (H, W) within the bounding box of ``mask``."""
    left, top, right, bottom = bounding_box(mask)
    return garment[top:bottom, left:right]


def fit(garment: GreyImage) -> UInt8Image:
    """Pixels (28, 28) that a garment (H, W), bright on 0, just fills: centred, its brightest value at 255."""
    width, height = size_for(garment, IMAGE_SIZE)
    # Each new pixel is the average of those it covers, so that no thin line falls between two.
    small = cv2.resize(garment.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
    canvas = np.zeros((IMAGE_SIZE, IMAGE_SIZE), np.float32)
    top, left = (IMAGE_SIZE - height) // 2, (IMAGE_SIZE - width) // 2
    canvas[top : top + height, left : left + width] = small / small.max()
    return to_uint8(canvas)


def to_uint8(values: GreyImage) -> UInt8Image:
    """Values 0..1 as 0..255, rounded."""
    return (values * 255 + 0.5).astype(np.uint8)
