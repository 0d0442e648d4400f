"""A photo of a garment -> its mask.

The background is known at the picture's border; what differs from it in colour and lies towards the middle is one
initial mask, the middle of the picture another. GrabCut (Rother, Kolmogorov, Blake: "GrabCut": interactive foreground
extraction using iterated graph cuts, 2004) refines each, and the most plausible result is taken.
"""

from typing import Final

import cv2
import numpy as np

from fmnist_core.preparation.fitting import GreyImage, Mask, UInt8Image, border, resized

SIDE: Final = 160  # longer side, in pixels, at which a garment is segmented
BORDER: Final = 0.03  # of the shorter side: how wide a frame shows the background
BACKGROUND_COLOURS: Final = 5  # clusters of colour looked for in it
MIN_CLUSTER: Final = 0.08  # of the frame; a colour with less may be part of the garment
LIGHTNESS_SCALE: Final = 0.7  # of a difference in lightness relative to one in colour: light varies over a background
ROUNDS: Final = 5  # of GrabCut
CENTRAL: Final = 0.75  # of the way from the middle to the border: where the garment is first assumed to be
STRONGEST_EDGE: Final = 3.0  # times the mean; beyond it, stronger edges count no more
MIN_AREA: Final = 0.12  # of the picture; less is a print on the garment, or nothing
MIN_COMPONENT: Final = 0.25  # of the largest component: keeps the second shoe, but no crumb
MAX_HOLE: Final = 0.03  # of the garment, that is filled; a bag's handle leaves a larger one


def shrink(rgb: UInt8Image) -> UInt8Image:
    """The picture (H, W, 3) with its longer side ``SIDE`` pixels long."""
    return resized(rgb, SIDE)


def segment_garment(rgb: UInt8Image) -> Mask:
    """Mask (H, W) of the garment in a picture (H, W, 3) of about ``SIDE`` pixels; deterministic."""
    height, width = rgb.shape[:2]
    # 0 in the middle, 1 at the border.
    eccentricity = np.maximum(
        *np.abs(np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij"))
    )  # (H, W)
    frame = np.ones((height, width), bool)
    thick = max(2, round(BORDER * min(height, width)))
    frame[thick:-thick, thick:-thick] = False
    difference = _difference_from_background(rgb, frame)

    likely = (difference * (1.15 - 0.6 * eccentricity)).clip(0, 255).astype(np.uint8)
    level, _ = cv2.threshold(likely[~frame].reshape(-1, 1), 0, 255, cv2.THRESH_OTSU)
    # Three initial masks, for each fails where others do not: what differs from the background, by Otsu's threshold or
    # by half of it (Otsu's may separate a bright print from its dark shirt), and all but the border (a garment may have
    # the background's colours).
    central = np.where(eccentricity < CENTRAL, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    central[frame] = cv2.GC_BGD
    initial = [central]
    for factor in (1, 0.5):
        start = np.where(likely > factor * level, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
        start[frame & (difference < factor * level)] = cv2.GC_BGD
        initial.append(start)
    edges = _edges(difference)
    found = max((_grab_cut(rgb, start) for start in initial), key=lambda mask: _plausibility(mask, edges))
    if found.mean() < MIN_AREA:
        central[eccentricity < 0.25] = cv2.GC_FGD
        found = max(found, _grab_cut(rgb, central), key=np.sum)
    if found.mean() < MIN_AREA:  # GrabCut fails: the picture is grainy, or garment and background share their colours
        found = max(found, _tidy(likely > level), key=np.sum)
    return found if found.any() else np.ones(found.shape, bool)


def _edges(difference: GreyImage) -> GreyImage:
    """Gradient (H, W) of the difference from the background, its mean over the picture being 1.

    (Within a background of several colours this difference is flat, where the colours themselves are not.)
    """
    smooth = cv2.GaussianBlur(difference, (0, 0), 1)
    slope = np.hypot(cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1))
    return np.asarray(slope / max(slope.mean(), 1e-6))


def _plausibility(mask: Mask, edges: GreyImage) -> float:
    """0 and more: a garment is large, and its outline runs along edges and seldom along the picture's border."""
    if not mask.any():
        return 0.0
    cells = mask.astype(np.uint8)
    eroded = cv2.erode(cells, np.ones((3, 3), np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=0)
    outline = mask & (eroded == 0)
    inner = np.zeros(mask.shape, bool)
    inner[2:-2, 2:-2] = True
    seen = outline & inner
    strength = np.minimum(edges[seen], STRONGEST_EDGE).mean() if seen.any() else 0.0
    return float(strength * np.sqrt(min(mask.mean(), 0.5)) * seen.sum() / outline.sum())


def _difference_from_background(rgb: UInt8Image, frame: Mask) -> GreyImage:
    """Distance (H, W) of each pixel's colour from the nearest colour of the background, in CIELAB."""
    lab = cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB).astype(np.float32)
    cv2.setRNGSeed(0)
    ending = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 20, 0.5)
    _, nearest, colours = cv2.kmeans(
        lab[frame],
        BACKGROUND_COLOURS,
        None,
        ending,
        2,
        cv2.KMEANS_PP_CENTERS,  # type: ignore[call-overload]
    )
    fractions = np.bincount(nearest[:, 0], minlength=BACKGROUND_COLOURS) / len(nearest)
    scale = np.array([LIGHTNESS_SCALE, 1, 1], np.float32)
    large = colours[fractions > MIN_CLUSTER]
    return np.asarray(np.min([np.linalg.norm((lab - colour) * scale, axis=2) for colour in large], axis=0))


def _grab_cut(rgb: UInt8Image, start: UInt8Image) -> Mask:
    """The garment (H, W) by GrabCut from an initial mask in its own constants; empty when that is."""
    is_background = (start == cv2.GC_BGD) | (start == cv2.GC_PR_BGD)
    if min(is_background.sum(), (~is_background).sum()) < 30:  # too few to know colours from
        return np.zeros(start.shape, bool)
    cv2.setRNGSeed(0)
    mask = start.copy()
    cv2.grabCut(rgb, mask, (0, 0, 0, 0), np.zeros((1, 65)), np.zeros((1, 65)), ROUNDS, cv2.GC_INIT_WITH_MASK)
    return _tidy((mask == cv2.GC_FGD) | (mask == cv2.GC_PR_FGD))


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
