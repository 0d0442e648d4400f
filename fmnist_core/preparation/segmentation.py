"""A photo of a garment -> its mask.

A small network says how likely each pixel is to belong to the garment (``segmenter``). Where it is sure, that is the
result; between, GrabCut decides by colours and edges (Rother, Kolmogorov, Blake: "GrabCut": interactive foreground
extraction using iterated graph cuts, 2004).
"""

from typing import Final

import cv2
import numpy as np

from fmnist_core.preparation.fitting import Mask, UInt8Image, border, resized

SIDE: Final = 160  # longer side, in pixels, at which a garment is segmented
SURE: Final = (0.1, 0.9)  # probability below which a pixel is background, and above which it is garment
ROUNDS: Final = 3  # of GrabCut
COMMONEST: Final = 256  # colours that make up less of a photo (of SIDE pixels) than
MAX_COMMONEST: Final = 0.95  # this fraction; in a picture of fewer colours GrabCut's cuts are ties
MIN_AREA: Final = 0.12  # of the picture; less is a print on the garment, or nothing
MIN_COMPONENT: Final = 0.25  # of the largest component: keeps the second shoe, but no crumb
MAX_HOLE: Final = 0.03  # of the garment, that is filled; a bag's handle leaves a larger one


def shrink(rgb: UInt8Image) -> UInt8Image:
    """The picture (H, W, 3) with its longer side ``SIDE`` pixels long."""
    return resized(rgb, SIDE)


def segment_garment(rgb: UInt8Image) -> Mask:
    """Mask (H, W) of the garment in a picture (H, W, 3) of about ``SIDE`` pixels; deterministic."""
    from fmnist_core.segmenter import garment_probability, shipped_segmenter  # PyTorch: only photos need it here

    probability = garment_probability(shipped_segmenter(), rgb)
    start = np.where(probability > 0.5, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    start[probability < SURE[0]] = cv2.GC_BGD
    start[probability > SURE[1]] = cv2.GC_FGD
    found = _tidy(_grab_cut(rgb, start))
    if found.mean() < MIN_AREA:  # GrabCut fails where garment and background share their colours
        found = max(found, _tidy(probability > 0.5), key=np.sum)
    return found if found.any() else np.ones(found.shape, bool)


def _grab_cut(rgb: UInt8Image, start: UInt8Image) -> Mask:
    """The garment (H, W) by GrabCut from an initial mask in its own constants; empty when that is."""
    is_background = (start == cv2.GC_BGD) | (start == cv2.GC_PR_BGD)
    if min(is_background.sum(), (~is_background).sum()) < 30:  # too few to know colours from
        return np.zeros(start.shape, bool)
    cv2.setRNGSeed(0)
    if _has_few_colours(rgb):  # between ties it searches for seconds, which a grain of one level ends
        grain = np.random.default_rng(0).integers(-1, 2, rgb.shape)
        rgb = (rgb + grain).clip(0, 255).astype(np.uint8)
    mask = start.copy()
    cv2.grabCut(rgb, mask, (0, 0, 0, 0), np.zeros((1, 65)), np.zeros((1, 65)), ROUNDS, cv2.GC_INIT_WITH_MASK)
    return np.asarray((mask == cv2.GC_FGD) | (mask == cv2.GC_PR_FGD))


def _has_few_colours(rgb: UInt8Image) -> bool:
    """Whether a picture (H, W, 3) is of fewer colours than a photo."""
    numbers = rgb.astype(np.int32) @ (1, 256, 65536)
    counts = np.sort(np.unique(numbers, return_counts=True)[1])
    return bool(counts[-COMMONEST:].sum() > MAX_COMMONEST * numbers.size)


def _tidy(mask: Mask) -> Mask:
    """Without threads and crumbs, its small holes filled; a pair of shoes keeps both."""

    def disc(size: int) -> UInt8Image:
        return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)), dtype=np.uint8)

    smooth = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, disc(3))
    smooth = cv2.morphologyEx(smooth, cv2.MORPH_CLOSE, disc(5))
    height, width = mask.shape
    count, components, stats, centroids = cv2.connectedComponentsWithStats(smooth, connectivity=8)
    if count == 1:
        return np.zeros(mask.shape, bool)
    from_middle = np.hypot(centroids[1:, 0] / width - 0.5, centroids[1:, 1] / height - 0.5)
    importance = stats[1:, cv2.CC_STAT_AREA] * (1.2 - from_middle)
    garment = np.isin(components, 1 + (importance >= MIN_COMPONENT * importance.max()).nonzero()[0])
    count, holes, stats, _ = cv2.connectedComponentsWithStats((~garment).astype(np.uint8), connectivity=4)
    small = 1 + (stats[1:, cv2.CC_STAT_AREA] < MAX_HOLE * garment.sum()).nonzero()[0]
    return garment | np.isin(holes, np.setdiff1d(small, border(holes)))
