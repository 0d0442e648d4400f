"""What lies around a picture and is no part of what it shows: margins and frames."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from fmnist_core.preparation.fitting import Mask, UInt8Image, border

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
