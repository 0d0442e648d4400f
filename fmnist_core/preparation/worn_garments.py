"""A picture of a person -> the mask of the garment that they wear.

The person stands out from a plain background. Their skin is known by its colour, learned from where it is sure to be
(the face above the shoulders, or the waist above trousers); the head ends where the shoulders begin; what is worn above
and what below meet where the colour changes most.
"""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from fmnist_core.preparation.fitting import Mask, UInt8Image, bounding_box

PERSON_LEVEL: Final = 0.03  # difference from the background from which something is the person
GAP_LEVEL: Final = 0.025  # mean difference from the background within a gap; the folds of white cloth have more
SKIN_CR: Final = (129, 180)  # the range of skin of every tone in YCrCb: it is reddened by blood
SKIN_CB: Final = (76, 128)
HEAD_ROWS: Final = 0.34  # of the person's height: where a head is looked for
MIN_FACE: Final = 0.14  # of what is above the shoulders that is skin
SHOULDERS: Final = 1.55  # times as wide as the head
MIN_ASPECT: Final = 1.1  # height of a person or half of one relative to the width
MIN_WAIST: Final = 0.45  # of the rows above trousers that is skin
MIN_WAIST_WIDTH: Final = 0.3  # of that of all that is seen of the person
SKIN_RANGE: Final = 14  # around the median, in Cr and Cb: the rest of what should be skin is lips or hair
SKIN_DISTANCE: Final = 2.6  # standard deviations from the mean colour of skin
CLOTH_LIKE_SKIN: Final = 0.55  # of what is below the shoulders that has the colour of skin: then it is cloth
SAME_COLOUR: Final = 6  # difference in Cr and Cb up to which a place has the colour of the skin
SAME_SATURATION: Final = 0.06  # the same of Cr and Cb relative to the lightness
MIN_CHROMA: Final = 20  # of Cr and Cb together, from 128: of a paler skin, the shade says nothing
MAX_ALIKE: Final = 0.7  # of what is below the shoulders
MIN_SOLIDITY: Final = 0.7  # of a head or a waist; the handle of a bag is a ring
MIN_SEEDS: Final = 30  # pixels from which the colour of the skin is learned
WINDOW: Final = 0.07  # of the height, above and below a seam
MIN_SEAM: Final = 16  # difference in CIELAB across a seam between two garments
MIN_PIECE: Final = 0.12  # of the largest piece of a garment: a sleeve beyond a hand
MIN_GARMENT: Final = 0.25  # of the person that is cloth


def find_worn(rgb: UInt8Image, person: Mask | None = None) -> dict[str, Mask] | None:
    """The garments in a picture (H, W, 3) of a person, about 160 pixels large: name -> mask (H, W), the largest first.

    The names are "worn_upper" and "worn_lower", or "worn" when no seam between two is seen. ``person`` is the mask of
    the person; without one, the background is of one colour. None when there is no person.
    """
    if person is None:
        person = _silhouette(rgb)
    if person is None:
        return None
    left, top, right, bottom = bounding_box(person)
    height, width = bottom - top, right - left
    if height < MIN_ASPECT * width:
        return None
    crcb: UInt8Image = np.asarray(cv2.cvtColor(cv2.GaussianBlur(rgb, (0, 0), 0.7), cv2.COLOR_RGB2YCrCb), np.uint8)
    likely = person & (cv2.inRange(crcb, (20, SKIN_CR[0], SKIN_CB[0]), (250, SKIN_CR[1], SKIN_CB[1])) > 0)
    end, least_skin = _shoulders(person, top, height), MIN_FACE
    if end is None:
        # A waist is cut by the picture's upper border, which the handle of a bag is not.
        if top > 1 or person[top + 1].sum() < MIN_WAIST_WIDTH * width:
            return None
        end, least_skin = top + max(3, round(0.1 * height)), MIN_WAIST
    above, below = person.copy(), person.copy()
    above[end:], below[:end] = False, False
    seeds = likely & above
    if seeds.sum() < max(MIN_SEEDS, least_skin * above.sum()) or _solidity(above) < MIN_SOLIDITY:
        return None
    skin = _like(crcb, seeds) & likely
    if _alike(crcb[below], crcb[skin & above]).mean() > MAX_ALIKE:
        return None  # leather or cloth that has the colour of skin all over
    if (skin & below).sum() > CLOTH_LIKE_SKIN * below.sum():
        skin &= above
    skin = cv2.morphologyEx(skin.astype(np.uint8), cv2.MORPH_OPEN, np.ones((2, 2), np.uint8)) > 0
    cloth = below & ~skin
    if cloth.sum() < MIN_GARMENT * person.sum():
        return None
    return _garments(rgb, cloth)


def _silhouette(rgb: UInt8Image) -> Mask | None:
    """The largest thing that differs from the background, filled; None when nothing does."""
    background = np.median(np.concatenate([rgb[0], rgb[:, 0], rgb[:, -1]]), axis=0)
    contrast = np.abs(rgb - background).max(axis=2) / 255
    ink = (contrast > PERSON_LEVEL).astype(np.uint8)
    ink = cv2.morphologyEx(ink, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5)))
    count, components, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    if count == 1:
        return None
    largest = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    person = (components == largest).astype(np.uint8)
    # What it encloses belongs to it (white cloth), but for gaps between the arms and the body.
    field = np.pad(person, ((1, 0), (1, 1)))  # below, the picture may cut the person: what is open there is enclosed
    cv2.floodFill(field, None, (0, 0), 2)
    enclosed = (field[1:, 1:-1] == 0).astype(np.uint8)
    count, components, stats, _ = cv2.connectedComponentsWithStats(enclosed, connectivity=4)
    for index in range(1, count):
        hole = components == index
        if contrast[hole].mean() < GAP_LEVEL:
            enclosed[hole] = 0
    return np.asarray((person | enclosed) > 0)


def _shoulders(person: Mask, top: int, height: int) -> int | None:
    """The row in which the shoulders begin, below a head; None without a head."""
    widths = person.sum(1)
    rows = slice(top, top + round(HEAD_ROWS * height))
    head = float(np.median(widths[top + round(0.05 * height) : top + round(0.14 * height)]))
    wide = (widths[rows] > SHOULDERS * head).nonzero()[0]
    if not len(wide) or head > 0.6 * widths.max():
        return None
    # Up from there to where the neck is narrowest.
    first = top + int(wide[0])
    start = min(first, max(top + round(0.08 * height), first - round(0.1 * height)))
    neck = start + int(widths[start : first + 1].argmin())
    return int(neck + (first - neck) * 0.5)


def _solidity(mask: Mask) -> float:
    """What fraction of each row is filled, from its first to its last place, on average."""
    rows = mask[mask.any(1)]
    spans = rows.shape[1] - rows.argmax(1) - rows[:, ::-1].argmax(1)
    return float((rows.sum(1) / spans).mean())


def _like(crcb: UInt8Image, seeds: Mask) -> Mask:
    """Where the colour (without lightness) is like that of the seeds."""
    values = crcb[seeds][:, 1:].astype(np.float32)
    median = np.median(values, axis=0)
    near = values[np.abs(values - median).max(1) < SKIN_RANGE]
    if len(near) < MIN_SEEDS / 2:
        return np.zeros(seeds.shape, bool)
    spread = np.cov(near.T) + np.eye(2) * 6
    difference = crcb[..., 1:].astype(np.float32) - near.mean(0)
    distance = np.einsum("hwi,ij,hwj->hw", difference, np.linalg.inv(spread), difference)
    return np.asarray(distance < SKIN_DISTANCE**2)


def _alike(values: NDArray[np.uint8], skin: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which of the colours (N, 3), in YCrCb, are that of the skin (K, 3), in light or in shade."""
    colours, reference = (each.astype(np.float32) - (0, 128, 128) for each in (values, np.median(skin, axis=0)[None]))
    is_same = np.abs(colours - reference)[:, 1:].max(axis=1) < SAME_COLOUR
    if np.abs(reference[0, 1:]).sum() < MIN_CHROMA:
        return np.asarray(is_same)
    # In the shade all of a colour is less, chroma too.
    saturation, expected = (each[:, 1:] / each[:, :1].clip(20) for each in (colours, reference))
    return np.asarray(is_same | (np.abs(saturation - expected).max(axis=1) < SAME_SATURATION))


def _garments(rgb: UInt8Image, cloth: Mask) -> dict[str, Mask]:
    """The upper and the lower garment, the larger first; one alone when no seam is seen."""
    lab = cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB).astype(np.float32)
    _, top, _, bottom = bounding_box(cloth)
    height = bottom - top
    window = max(3, round(WINDOW * height))
    best, seam = 0.0, None
    for row in range(top + round(0.12 * height), bottom - round(0.06 * height)):
        above, below = (cloth[row - window : row], cloth[row : row + window])
        if min(above.sum(), below.sum()) < 10:
            continue
        change = float(
            np.linalg.norm(
                np.median(lab[row - window : row][above], axis=0) - np.median(lab[row : row + window][below], axis=0)
            )
        )
        if change > best:
            best, seam = change, row
    if seam is None or best < MIN_SEAM:
        return {"worn": _largest(cloth)}
    upper, lower = cloth.copy(), cloth.copy()
    upper[seam:] = False
    lower[:seam] = False
    parts = {"worn_upper": _largest(upper), "worn_lower": _largest(lower)}
    return dict(sorted(parts.items(), key=lambda part: -part[1].sum()))


def _largest(mask: Mask) -> Mask:
    """The largest piece of a garment, and others that are not much smaller."""
    smooth = cv2.morphologyEx(
        mask.astype(np.uint8), cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3))
    )
    count, components, stats, _ = cv2.connectedComponentsWithStats(smooth, connectivity=8)
    if count == 1:
        return mask
    areas = stats[1:, cv2.CC_STAT_AREA]
    return np.asarray(np.isin(components, 1 + (areas > MIN_PIECE * areas.max()).nonzero()[0]))
