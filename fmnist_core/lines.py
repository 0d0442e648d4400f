"""A line drawing -> pixels: lines of one width, whatever pen drew them, and the inside of the garment in grey.

The data set shows garments filled with cloth. An outline becomes more like them when what it encloses is filled; and
its lines must neither vanish nor swell with the size of the drawing, the scan or the brush.
"""

from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from fmnist_core import IMAGE_SIZE
from fmnist_core.files import Bytes

Grey = NDArray[np.floating]

GRID: Final = 4 * IMAGE_SIZE  # longer side of a drawing while its lines are worked on: 4 cells to one pixel
CELLS: Final = GRID / IMAGE_SIZE  # cells in a pixel
MARGIN: Final = 8  # empty cells around it
INK_LEVEL: Final = 0.35  # contrast, 0..1, from which a place is ink
THICKEST: Final = 0.05  # half the width of a line, as a part of the longer side; what is thicker is no line
GROUND_LEVEL: Final = 0.15  # contrast up to which a place is ground
LEAST_GROUND: Final = 0.55  # part of the picture that is ground around a drawing
MOST_BETWEEN: Final = 0.1  # part of the picture that is neither ground nor ink: edges of lines, but no shades
UNEVEN: Final = 0.15  # standard deviation of the contrast within ink; what varies more is cloth
SPECK: Final = 0.05  # of the longer side; ink smaller than this and apart from the rest is dirt

PAPER_SIDE: Final = 320  # longer side, in pixels, of a photo of a drawing while its paper is looked for
PAPER_WINDOW: Final = 25  # pixels of those; wider than any pen
DARKEST_PAPER: Final = 0.25  # brightness of paper in the shade
MOST_SHADE: Final = 0.4  # brightness of the paper's darkest part as a part of its brightest
LEAST_INK: Final = 0.25  # how much darker than its paper ink is

LINE_WIDTH: Final = 1.4  # pixels of 28
INSIDE: Final = 0.7  # brightness of what the lines enclose, lines being 1
GAP: Final = 2.4  # pixels of 28 that an outline may be open and still have an inside


def find_lines(contrast: Grey, is_sure: bool = False) -> Grey | None:
    """How far each cell (H, W) is from the middle of the nearest line, in cells; None if it is no line drawing.

    ``contrast`` is 0 where the ground is and 1 where the contrast to it is strongest. The ink, without specks, is
    ``GRID`` cells long on its longer side, with a margin around it. ``is_sure``: it is a line drawing in any case.
    """
    ink = (contrast > INK_LEVEL).astype(np.uint8)
    if not is_sure and not _looks_drawn(contrast, ink):
        return None
    left, top, right, bottom = _bounds_without_specks(ink)
    ink = ink[top:bottom, left:right]
    scale = GRID / max(ink.shape)
    # Made smaller, a cell is ink when a line of one pixel crosses it, or crosses it and the next with half of it each.
    method, level = (cv2.INTER_AREA, min(0.3, 0.49 * scale)) if scale < 1 else (cv2.INTER_LINEAR, 0.5)
    small = cv2.resize(ink.astype(np.float32), _size(ink, GRID), interpolation=method)
    cells = np.pad((small > min(level, small.max() / 2)).astype(np.uint8), MARGIN)  # of dots, the largest
    depth = _distance(cells)  # of each cell of ink from the edge of the ink
    if not is_sure and np.quantile(depth[depth > 0], 0.8) > THICKEST * GRID:
        return None  # mostly filled: more a garment than its outline
    return distance_to_lines(cells, depth)


def flatten_paper(grey: Grey) -> Grey | None:
    """The contrast of ink to the paper around it, 0..1, from a photo (H, W) of a drawing under uneven light.

    None when that ground is not as bright and as even as paper.
    """
    small = resized(grey, PAPER_SIDE)
    # Paper is what remains when all that is darker and thinner than a window is taken away.
    paper = cv2.morphologyEx(small, cv2.MORPH_CLOSE, np.ones((PAPER_WINDOW, PAPER_WINDOW), np.uint8))
    shade, light = np.quantile(paper, [0.02, 0.98])
    if shade < max(DARKEST_PAPER, MOST_SHADE * light):
        return None
    darker = 1 - small / cv2.GaussianBlur(paper, (0, 0), PAPER_WINDOW / 2)
    strongest = float(np.quantile(darker, 0.995))
    if strongest < LEAST_INK:
        return None
    return np.asarray((darker / strongest).clip(0, 1), dtype=np.float32)


def _looks_drawn(contrast: Grey, ink: Bytes) -> bool:
    """Whether there is much ground, little that is neither ground nor ink, and ink of one shade."""
    ground = float((contrast < GROUND_LEVEL).mean())
    if ground < LEAST_GROUND or 1 - ground - float(ink.mean()) > MOST_BETWEEN:
        return False
    within = cv2.erode(ink, np.ones((3, 3), np.uint8)) > 0  # ink without its edges; none in thin lines
    return bool(within.mean() <= 0.3 * ink.mean() or contrast[within].std() <= UNEVEN)


def distance_to_lines(cells: Bytes, depth: Grey | None = None) -> Grey:
    """How far each cell (H, W) is from the middle of the nearest line, in cells; ``cells`` is 1 where there is ink."""
    if depth is None:
        depth = _distance(cells)
    ridge = depth[(depth > 0) & (depth >= cv2.dilate(depth, np.ones((3, 3), np.uint8)))]
    # From the edge of the ink (the border between two cells), and half a pen further to the middle of its line.
    from_edge = np.where(cells > 0, 0.5 - depth, _distance(1 - cells) - 0.5)
    half_pen = min(float(np.median(ridge)) - 0.5, THICKEST * GRID)  # what is thicker is filled, and keeps its form
    return np.asarray(from_edge + half_pen, dtype=np.float32)


def draw_lines(distance: Grey) -> Bytes:
    """Pixels (28, 28) from what ``find_lines`` gives: lines drawn anew, the inside filled, all of it fitted."""
    drawn = (LINE_WIDTH / 2 * CELLS - distance + 0.5).clip(0, 1)
    garment = np.maximum(drawn, INSIDE * enclosed(distance))
    return fit(crop(garment, garment > 0.5))


def enclosed(distance: Grey) -> NDArray[np.bool_]:
    """What the lines enclose (H, W), from the distance to them: what cannot be reached when gaps are closed."""
    reach = GAP / 2 * CELLS
    field = np.pad((distance < reach).astype(np.uint8), 1)
    cv2.floodFill(field, None, (0, 0), 2)
    inside: NDArray[np.bool_] = _distance((field[1:-1, 1:-1] != 2).astype(np.uint8)) > reach
    return inside


def resized(picture: NDArray[Any], side: int) -> NDArray[Any]:
    """A picture (H, W) or (H, W, C) with its longer side ``side`` pixels long, in its own type."""
    method = cv2.INTER_AREA if side < max(picture.shape[:2]) else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, _size(picture, side), interpolation=method))


def _size(picture: NDArray[Any], side: int) -> tuple[int, int]:
    """Width and height of a picture (H, W, ...) when its longer side is ``side`` pixels long; none is below 1."""
    height, width = picture.shape[:2]
    scale = side / max(height, width)
    return max(1, round(width * scale)), max(1, round(height * scale))


def bounds(mask: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of where ``mask`` (H, W) is true."""
    rows, columns = (mask.any(axis=axis).nonzero()[0] for axis in (1, 0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def crop(garment: Grey, mask: NDArray[np.bool_]) -> Grey:
    """The part of ``garment`` (H, W) within the bounds of ``mask``."""
    left, top, right, bottom = bounds(mask)
    return garment[top:bottom, left:right]


def fit(garment: Grey) -> Bytes:
    """A garment (H, W), bright on 0, at the size at which it just fills 28x28, in the middle, its brightest at 255."""
    width, height = _size(garment, IMAGE_SIZE)
    # Each new pixel is the average of those it covers, so that no thin line falls between two.
    small = cv2.resize(garment.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
    canvas = np.zeros((IMAGE_SIZE, IMAGE_SIZE), np.float32)
    top, left = (IMAGE_SIZE - height) // 2, (IMAGE_SIZE - width) // 2
    canvas[top : top + height, left : left + width] = small / small.max()
    return (canvas * 255 + 0.5).astype(np.uint8)


def _distance(mask: Bytes) -> NDArray[np.float32]:
    return np.asarray(cv2.distanceTransform(mask, cv2.DIST_L2, 3), dtype=np.float32)


def _bounds_without_specks(ink: Bytes) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of the ink, but for specks that lie apart from all the rest."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    boxes = stats[1:, :4].astype(np.int64)  # left, top, width, height of each piece
    boxes[:, 2:] += boxes[:, :2]
    least = SPECK * (boxes[:, 2:].max(0) - boxes[:, :2].min(0)).max()
    large = boxes[(boxes[:, 2:] - boxes[:, :2]).max(1) >= least]
    kept = large if len(large) else boxes
    left, top = kept[:, :2].min(0)
    right, bottom = kept[:, 2:].max(0)
    return int(left), int(top), int(right), int(bottom)
