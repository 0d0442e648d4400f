"""A garment in a photo -> the same in the grey levels of the data set, on black."""

from typing import Final

import cv2
import numpy as np

from fmnist_core.preparation.fitting import MIN_GARMENT_LEVEL, GreyImage, Mask, UInt8Image

SPREAD: Final = 0.55  # between the 5 % and the 95 % quantile of brightness within a garment of the data set
MAX_GAIN: Final = 2.0  # so that plain cloth does not become noise
LEVEL: Final = (0.45, 0.35)  # brightness of a white garment in the data set, and how much brighter a black one is


def match_grey_levels(rgb: UInt8Image, mask: Mask) -> GreyImage:
    """The garment (H, W), 0..1 on a background of 0: inverted, in about the grey levels of the data set."""
    inverted = 1 - cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    low, median, high = np.quantile(inverted[mask], [0.05, 0.5, 0.95])
    gain = min(SPREAD / max(high - low, 1e-3), MAX_GAIN)
    garment = LEVEL[0] + LEVEL[1] * median + gain * (inverted - median)
    return np.asarray(np.where(mask, garment.clip(MIN_GARMENT_LEVEL, 1), 0), dtype=np.float32)
