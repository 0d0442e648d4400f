"""A photo of a garment -> the garment cut out of it, in the greys of the data set.

The ground is known at the picture's border; what differs from it in colour, and lies rather in the middle, is one
guess, the picture's middle another. GrabCut (Rother, Kolmogorov, Blake: "GrabCut": interactive foreground extraction
using iterated graph cuts, 2004) makes them exact, and the most plausible outline is taken.
"""

from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from fmnist_core.files import Bytes
from fmnist_core.lines import resized

Grey = NDArray[np.floating]
Mask = NDArray[np.bool_]

SIDE: Final = 160  # longer side, in pixels, at which a garment is looked for
BORDER: Final = 0.03  # of the shorter side: how wide a frame shows the ground
GROUND_COLOURS: Final = 5  # clusters of colour looked for in it
LEAST_SHARE: Final = 0.08  # of the frame; a colour with less may be a piece of the garment
LIGHT_WEIGHT: Final = 0.7  # of a difference in brightness beside one in colour: light differs within one ground
ROUNDS: Final = 5  # of GrabCut
MIDDLE: Final = 0.75  # of the way from the middle to the border: where a garment is guessed to be
STRONGEST_EDGE: Final = 3.0  # of the mean; more says no more
LEAST_AREA: Final = 0.12  # of the picture; less is a print on the garment, or nothing, and the middle is taken
LEAST_PIECE: Final = 0.25  # of the largest piece: the second shoe, but no crumb
LARGEST_HOLE: Final = 0.03  # of the garment, that is filled; a bag's handle leaves a larger one

SPREAD: Final = 0.55  # from the darkest to the brightest cloth (5 % and 95 %), which the data set has within a garment
MOST_GAIN: Final = 2.0  # so that plain cloth does not become noise
LEVEL: Final = (0.45, 0.35)  # brightness of a white garment, and what a black one has more, as in the data set
DARKEST: Final = 0.15  # so that no part of a garment is taken for ground


def shrink(rgb: Bytes) -> Bytes:
    """The picture (H, W, 3) with its longer side ``SIDE`` pixels long."""
    return resized(rgb, SIDE)


def find_garment(rgb: Bytes) -> Mask:
    """Where the garment is (H, W) in a picture (H, W, 3) of about ``SIDE`` pixels; the same for the same picture."""
    height, width = rgb.shape[:2]
    # 0 in the middle, 1 at the border.
    away = np.maximum(
        *np.abs(np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij"))
    )  # (H, W)
    frame = np.ones((height, width), bool)
    thick = max(2, round(BORDER * min(height, width)))
    frame[thick:-thick, thick:-thick] = False
    difference = _difference_from_ground(rgb, frame)

    likely = (difference * (1.15 - 0.6 * away)).clip(0, 255).astype(np.uint8)
    level, _ = cv2.threshold(likely[~frame].reshape(-1, 1), 0, 255, cv2.THRESH_OTSU)
    # Guesses, for each fails where others do not: what differs from the ground, by Otsu's level or by less (that level
    # may part a bright print from its dark shirt), and all but the border (a garment may have the ground's colours).
    middle = np.where(away < MIDDLE, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    middle[frame] = cv2.GC_BGD
    guesses = [middle]
    for part in (1, 0.5):
        guess = np.where(likely > part * level, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
        guess[frame & (difference < part * level)] = cv2.GC_BGD
        guesses.append(guess)
    edges = _edges(difference)
    found = max((_grab_cut(rgb, guess) for guess in guesses), key=lambda mask: _plausibility(mask, edges))
    if found.mean() < LEAST_AREA:
        middle[away < 0.25] = cv2.GC_FGD
        found = max(found, _grab_cut(rgb, middle), key=np.sum)
    if found.mean() < LEAST_AREA:  # GrabCut is at a loss: grainy, or of the ground's own colours
        found = max(found, _tidy(likely > level), key=np.sum)
    return found if found.any() else np.ones(found.shape, bool)


def _edges(difference: Grey) -> Grey:
    """How strongly the difference from the ground changes at each pixel (H, W), the mean over the picture being 1.

    (Within a ground of several colours nothing changes, where the colours themselves do.)
    """
    smooth = cv2.GaussianBlur(difference, (0, 0), 1)
    slope = np.hypot(cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1))
    return np.asarray(slope / max(slope.mean(), 1e-6))


def _plausibility(mask: Mask, edges: Grey) -> float:
    """0 and more: a garment is large, its outline lies where the ground ends and seldom where the picture does."""
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


def border(picture: NDArray[Any]) -> NDArray[Any]:
    """The outermost pixels of a picture (H, W) or (H, W, C): (K,) or (K, C)."""
    return np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])


def to_cloth(rgb: Bytes, mask: Mask) -> Grey:
    """The garment (H, W), 0..1 on a ground of 0: negative, dark cloth bright, in about the greys of the data set."""
    negative = 1 - cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    low, middle, high = np.quantile(negative[mask], [0.05, 0.5, 0.95])
    gain = min(SPREAD / max(high - low, 1e-3), MOST_GAIN)
    cloth = LEVEL[0] + LEVEL[1] * middle + gain * (negative - middle)
    return np.asarray(np.where(mask, cloth.clip(DARKEST, 1), 0), dtype=np.float32)


def _difference_from_ground(rgb: Bytes, frame: Mask) -> Grey:
    """How far each pixel's colour (H, W) is from the nearest colour of the ground, in CIELAB."""
    lab = cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB).astype(np.float32)
    cv2.setRNGSeed(0)
    ending = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 20, 0.5)
    _, nearest, colours = cv2.kmeans(
        lab[frame],
        GROUND_COLOURS,
        None,
        ending,
        2,
        cv2.KMEANS_PP_CENTERS,  # type: ignore[call-overload]
    )
    shares = np.bincount(nearest[:, 0], minlength=GROUND_COLOURS) / len(nearest)
    weights = np.array([LIGHT_WEIGHT, 1, 1], np.float32)
    return np.asarray(
        np.min([np.linalg.norm((lab - colour) * weights, axis=2) for colour in colours[shares > LEAST_SHARE]], axis=0)
    )


def _grab_cut(rgb: Bytes, guess: Bytes) -> Mask:
    """The garment (H, W) by GrabCut from a guess in its own constants; nothing when the guess is."""
    is_ground = (guess == cv2.GC_BGD) | (guess == cv2.GC_PR_BGD)
    if min(is_ground.sum(), (~is_ground).sum()) < 30:  # too few to know colours from
        return np.zeros(guess.shape, bool)
    cv2.setRNGSeed(0)
    mask = guess.copy()
    cv2.grabCut(rgb, mask, (0, 0, 0, 0), np.zeros((1, 65)), np.zeros((1, 65)), ROUNDS, cv2.GC_INIT_WITH_MASK)
    return _tidy((mask == cv2.GC_FGD) | (mask == cv2.GC_PR_FGD))


def _tidy(mask: Mask) -> Mask:
    """Without threads and crumbs, its small holes filled; a pair of shoes keeps both."""

    def disc(size: int) -> Bytes:
        return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)), dtype=np.uint8)

    smooth = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, disc(3))
    smooth = cv2.morphologyEx(smooth, cv2.MORPH_CLOSE, disc(5))
    height, width = mask.shape
    count, pieces, stats, middles = cv2.connectedComponentsWithStats(smooth, connectivity=8)
    if count == 1:
        return np.zeros(mask.shape, bool)
    from_middle = np.hypot(middles[1:, 0] / width - 0.5, middles[1:, 1] / height - 0.5)
    weight = stats[1:, cv2.CC_STAT_AREA] * (1.2 - from_middle)
    garment = np.isin(pieces, 1 + (weight >= LEAST_PIECE * weight.max()).nonzero()[0])
    count, holes, stats, _ = cv2.connectedComponentsWithStats((~garment).astype(np.uint8), connectivity=4)
    small = 1 + (stats[1:, cv2.CC_STAT_AREA] < LARGEST_HOLE * garment.sum()).nonzero()[0]
    return garment | np.isin(holes, np.setdiff1d(small, border(holes)))
