"""What lies around a picture or runs through it and is no part of what it shows: margins, frames, ruled paper."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from fmnist_core.preparation.framing import GreyImage, Mask, UInt8Image, border

Box = tuple[int, int, int, int]  # left, top, right, bottom

MARGIN_COLOUR: Final = 15  # of 255: largest difference in any channel within a margin
MAX_MARGIN: Final = 0.25  # of the picture's height or width, on each side
MAX_FRAME: Final = 0.08  # the same, of a frame that is drawn on the paper
MAX_PEELED: Final = 8  # margins and frames within each other
STEP: Final = 3  # pixels within which a margin ends, JPEG and smooth edges included
MIN_PAPER: Final = 0.5  # of the border inside that is of one colour: that of another margin, or of a background
MARGIN_FRACTION: Final = 0.7  # of a row of a margin that has its colour; the rest may be a caption, or an axis' ticks
INSIDE_FRACTION: Final = 0.35  # of the first row inside that may have it, too
BARS: Final = (0.42, 0.98, 0.1)  # the same three for the two bars of a letterbox: largest, in a bar, inside

RULE_LEVEL: Final = 0.05  # contrast from which a line may be a rule
RULE_PIECE: Final = 0.06  # of the picture's width: shortest piece by which a rule is found
MAX_RULE_WIDTH: Final = 0.012  # of the picture's longer side
RULE_SPAN: Final = 0.9  # of the picture that a rule crosses
MIN_RULES: Final = 4
UNEVENLY: Final = 0.2  # standard deviation of the distances between rules, relative to their mean
STRONGER: Final = 0.2  # contrast by which what crosses a rule differs from it


def picture_box(rgb: UInt8Image) -> Box:
    """The part of a picture (H, W, 3) that lies within its margins and frames; the whole when it has none.

    A margin is of one colour and ends along a straight line on all four sides, or above and below (a letterbox), or on
    the left and on the right. A garment on a background of one colour ends otherwise: bit by bit. Lines that have the
    same paper on both sides are a frame only near the picture's border; further inside they may be a suitcase.
    """
    height, width = rgb.shape[:2]
    boxes = [(0, 0, width, height)]
    colours = [_border_colour(rgb)]
    while len(boxes) <= MAX_PEELED:
        left, top, right, bottom = boxes[-1]
        inner = _peeled(rgb[top:bottom, left:right])
        if inner is None:
            break
        boxes.append((left + inner[0], top + inner[1], left + inner[2], top + inner[3]))
        left, top, right, bottom = boxes[-1]
        inside = rgb[top:bottom, left:right]
        colours.append(_border_colour(inside))
        if _same(inside, border(inside)).all():
            return boxes[0]  # it is empty: what seemed to be margin and frame is all that there is
        for outer, colour in zip(boxes[:-1], colours[:-1], strict=True):
            widths = np.abs(np.subtract(boxes[-1], outer)) / (width, height, width, height)
            if widths.max() > MAX_FRAME and np.abs(colours[-1] - colour).max() <= MARGIN_COLOUR:
                return outer
    return boxes[-1]


def _border_colour(rgb: UInt8Image) -> NDArray[np.floating]:
    return np.asarray(np.median(border(rgb), axis=0))


def _peeled(rgb: UInt8Image) -> Box | None:
    """The part of a picture within one margin, or within the lines of one frame; None without any."""
    height, width = rgb.shape[:2]
    if min(height, width) < 24:
        return None
    left, top, right, bottom = 0, 0, width, height
    around = _same(rgb, border(rgb))
    # Away from the corners, where a row that is inside has the margins of the left and of the right.
    middle = (slice(round(MAX_MARGIN * height), height - round(MAX_MARGIN * height)),
              slice(round(MAX_MARGIN * width), width - round(MAX_MARGIN * width)))  # fmt: skip
    vertical, horizontal = _ends(around[:, middle[1]].mean(1)), _ends(around[middle[0]].mean(0))
    is_bar = not (vertical and horizontal)
    if vertical and horizontal:
        (top, bottom), (left, right) = vertical, horizontal
    elif bars := _ends(_same(rgb, np.concatenate([rgb[0], rgb[-1]])).mean(1), *BARS):
        top, bottom = bars
    elif bars := _ends(_same(rgb, np.concatenate([rgb[:, 0], rgb[:, -1]])).mean(0), *BARS):
        left, right = bars
    else:
        return None
    inside = rgb[top:bottom, left:right]
    if is_bar and np.abs(_border_colour(inside) - rgb[0, 0]).max() <= MARGIN_COLOUR:
        return None  # the same paper on both sides of a line
    has_paper = border(_same(inside, border(inside))).mean() >= MIN_PAPER
    return (left, top, right, bottom) if has_paper else None


def _same(rgb: UInt8Image, among: UInt8Image) -> Mask:
    """Where a picture (H, W, 3) has the colour that prevails among (K, 3) pixels."""
    colour = np.median(among, axis=0)
    lowest, highest = (colour - MARGIN_COLOUR).clip(0, 255), (colour + MARGIN_COLOUR).clip(0, 255)
    return np.asarray(cv2.inRange(rgb, lowest, highest) > 0)


def _ends(
    fractions: NDArray[np.floating],
    max_margin: float = MAX_MARGIN,
    outside: float = MARGIN_FRACTION,
    inside: float = INSIDE_FRACTION,
) -> tuple[int, int] | None:
    """Where the picture begins and ends, from what fraction of each row is of the margin's colour."""
    first, last = (_step(each, max_margin, outside, inside) for each in (fractions, fractions[::-1]))
    return (first, len(fractions) - last) if first and last else None


def _step(fractions: NDArray[np.floating], max_margin: float, outside: float, inside: float) -> int:
    """The first row inside, when the rows before it are a margin and end at once; else 0."""
    ended = int((fractions < outside).argmax())  # 0 when the first row is none, or none ends
    ending = fractions[ended : ended + STEP]
    if not 0 < ended <= max_margin * len(fractions) or ending.min() > inside:
        return 0
    return ended + int((ending <= inside).argmax())


def without_rules(contrast: GreyImage) -> GreyImage:
    """The contrast (H, W) of a drawing to its paper, without the rules or squares that are printed on the paper.

    Rules are thin, cross the whole picture, and lie at even distances. On ruled paper, a single line across the other
    way is that of its margin.
    """
    across, rows = _crossing(contrast)
    down, columns = _crossing(contrast.T)
    if not _are_rules(rows) and not _are_rules(columns):
        return contrast
    cleaned = np.array(contrast)
    for lines in (across, down.T):
        if lines.any():
            cleaned[lines & (contrast < np.median(contrast[lines]) + STRONGER)] = 0
    return cleaned


def _long_lines(contrast: GreyImage) -> Mask:
    """Where thin lines run across a picture (H, W)."""
    height, width = contrast.shape
    ink = (contrast > RULE_LEVEL).astype(np.uint8)
    piece = max(5, round(RULE_PIECE * width))
    long = cv2.morphologyEx(ink, cv2.MORPH_OPEN, np.ones((1, piece), np.uint8))
    thick = max(3, 2 * round(MAX_RULE_WIDTH * max(height, width)) + 1)
    is_thick = cv2.morphologyEx(ink, cv2.MORPH_OPEN, np.ones((thick, thick), np.uint8)) > 0
    return np.asarray((long > 0) & ~is_thick)


def _crossing(contrast: GreyImage) -> tuple[Mask, list[float]]:
    """The thin lines that cross a picture (H, W) from left to right, and the row of each from above."""
    lines = _long_lines(contrast)
    width = lines.shape[1]
    if lines.any(axis=0).mean() < RULE_SPAN:
        return np.zeros(lines.shape, bool), []
    closed = cv2.morphologyEx(lines.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((1, round(0.1 * width)), np.uint8))
    count, components, stats, centroids = cv2.connectedComponentsWithStats(closed, connectivity=8)
    crossing = [i for i in range(1, count) if stats[i, cv2.CC_STAT_WIDTH] >= RULE_SPAN * width]
    return np.asarray(np.isin(components, crossing)), sorted(centroids[crossing, 1].tolist())


def _are_rules(rows: list[float]) -> bool:
    """Whether lines in these rows are many and evenly spaced."""
    distances = np.diff(rows)
    return len(rows) >= MIN_RULES and bool(distances.std() <= UNEVENLY * distances.mean())
