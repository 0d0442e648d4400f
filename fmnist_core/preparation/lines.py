"""A line drawing -> pixels: lines of one width, whatever pen drew them, and the inside of the garment in grey.

The data set shows garments as filled areas of cloth. An outline becomes more like them when what it encloses is filled;
and its lines must neither vanish nor swell with the size of the drawing, the scan or the brush.
"""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from fmnist_core import IMAGE_SIZE
from fmnist_core.preparation.fitting import GreyImage, Mask, UInt8Image, crop, fit, resized, size_for

GRID: Final = 4 * IMAGE_SIZE  # longer side of a drawing while its lines are worked on: 4 cells to one pixel
CELLS: Final = GRID / IMAGE_SIZE  # cells in a pixel
MARGIN: Final = 8  # empty cells around it
INK_LEVEL: Final = 0.35  # contrast, 0..1, from which a place is ink
MAX_HALF_WIDTH: Final = 0.05  # half the width of a line, as a fraction of the longer side; what is thicker is no line
BACKGROUND_LEVEL: Final = 0.15  # contrast up to which a place is background
MIN_BACKGROUND: Final = 0.55  # fraction of the picture that is background around a drawing
MAX_BETWEEN: Final = 0.1  # fraction of the picture between background and ink: edges of lines, but no shades
UNEVEN: Final = 0.15  # standard deviation of the contrast within ink; what varies more is cloth
SPECK: Final = 0.05  # of the longer side; ink smaller than this and apart from the rest is dirt

PAPER_SIDE: Final = 320  # longer side, in pixels, of a photo of a drawing while its paper is looked for
PAPER_WINDOW: Final = 25  # pixels of those; wider than any pen
DARKEST_PAPER: Final = 0.25  # brightness of paper in the shade
MAX_SHADE: Final = 0.4  # brightness of the paper's darkest part relative to its brightest
MIN_INK: Final = 0.25  # how much darker than its paper ink is

LINE_WIDTH: Final = 1.4  # pixels of 28
FILL_LEVEL: Final = 0.7  # brightness of what the lines enclose, lines being 1
GAP: Final = 2.4  # pixels of 28 that an outline may be open and still enclose an area


def find_lines(contrast: GreyImage, is_certain: bool = False) -> GreyImage | None:
    """Distance (H, W) of each cell from the centre of the nearest line, in cells; None if this is no line drawing.

    ``contrast`` is 0 on the background and 1 where the contrast to it is strongest. The ink, without specks, is
    ``GRID`` cells long on its longer side, with a margin around it. ``is_certain``: it is a line drawing in any case.
    """
    ink = (contrast > INK_LEVEL).astype(np.uint8)
    if not is_certain and not _looks_drawn(contrast, ink):
        return None
    left, top, right, bottom = _box_without_specks(ink)
    ink = ink[top:bottom, left:right]
    scale = GRID / max(ink.shape)
    # Scaled down, a cell is ink when a line of one pixel crosses it, or crosses it and the next with half of it each.
    method, level = (cv2.INTER_AREA, min(0.3, 0.49 * scale)) if scale < 1 else (cv2.INTER_LINEAR, 0.5)
    small = cv2.resize(ink.astype(np.float32), size_for(ink, GRID), interpolation=method)
    cells = np.pad((small > min(level, small.max() / 2)).astype(np.uint8), MARGIN)  # of dots, the largest
    depth = _distance(cells)  # of each cell of ink from the edge of the ink
    if not is_certain and np.quantile(depth[depth > 0], 0.8) > MAX_HALF_WIDTH * GRID:
        return None  # mostly filled: more a garment than its outline
    return distance_to_lines(cells, depth)


def flatten_paper(grey: GreyImage) -> GreyImage | None:
    """The contrast of ink to the paper around it, 0..1, from a photo (H, W) of a drawing under uneven light.

    None when the background is not as bright and as even as paper.
    """
    small = resized(grey, PAPER_SIDE)
    # Paper is what remains when all that is darker and thinner than a window is taken away.
    paper = cv2.morphologyEx(small, cv2.MORPH_CLOSE, np.ones((PAPER_WINDOW, PAPER_WINDOW), np.uint8))
    shade, light = np.quantile(paper, [0.02, 0.98])
    if shade < max(DARKEST_PAPER, MAX_SHADE * light):
        return None
    darker = 1 - small / cv2.GaussianBlur(paper, (0, 0), PAPER_WINDOW / 2)
    strongest = float(np.quantile(darker, 0.995))
    if strongest < MIN_INK:
        return None
    return np.asarray((darker / strongest).clip(0, 1), dtype=np.float32)


def _looks_drawn(contrast: GreyImage, ink: UInt8Image) -> bool:
    """Whether there is much background, little between background and ink, and ink of one shade."""
    background = float((contrast < BACKGROUND_LEVEL).mean())
    if background < MIN_BACKGROUND or 1 - background - float(ink.mean()) > MAX_BETWEEN:
        return False
    within = cv2.erode(ink, np.ones((3, 3), np.uint8)) > 0  # ink without its edges; none in thin lines
    return bool(within.mean() <= 0.3 * ink.mean() or contrast[within].std() <= UNEVEN)


def distance_to_lines(cells: UInt8Image, depth: GreyImage | None = None) -> GreyImage:
    """Distance (H, W) of each cell from the centre of the nearest line, in cells; ``cells`` is 1 where there is ink."""
    if depth is None:
        depth = _distance(cells)
    ridge = depth[(depth > 0) & (depth >= cv2.dilate(depth, np.ones((3, 3), np.uint8)))]
    # From the edge of the ink (the border between two cells), and half a pen further to the centre of its line.
    from_edge = np.where(cells > 0, 0.5 - depth, _distance(1 - cells) - 0.5)
    # What is thicker than a line is a filled area, and keeps its shape.
    half_pen = min(float(np.median(ridge)) - 0.5, MAX_HALF_WIDTH * GRID)
    return np.asarray(from_edge + half_pen, dtype=np.float32)


def draw_lines(distance: GreyImage) -> UInt8Image:
    """Pixels (28, 28) from what ``find_lines`` gives: lines redrawn, the inside filled, all of it fitted."""
    drawn = (LINE_WIDTH / 2 * CELLS - distance + 0.5).clip(0, 1)
    garment = np.maximum(drawn, FILL_LEVEL * enclosed(distance))
    return fit(crop(garment, garment > 0.5))


def enclosed(distance: GreyImage) -> Mask:
    """What the lines enclose (H, W), from the distance to them: what cannot be reached once gaps are closed."""
    reach = GAP / 2 * CELLS
    field = np.pad((distance < reach).astype(np.uint8), 1)
    cv2.floodFill(field, None, (0, 0), 2)
    inside: Mask = _distance((field[1:-1, 1:-1] != 2).astype(np.uint8)) > reach
    return inside


def _distance(mask: UInt8Image) -> NDArray[np.float32]:
    return np.asarray(cv2.distanceTransform(mask, cv2.DIST_L2, 3), dtype=np.float32)


def _box_without_specks(ink: UInt8Image) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of the ink, leaving out specks that lie apart from all the rest."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    boxes = stats[1:, :4].astype(np.int64)  # left, top, width, height of each component
    boxes[:, 2:] += boxes[:, :2]
    min_size = SPECK * (boxes[:, 2:].max(0) - boxes[:, :2].min(0)).max()
    large = boxes[(boxes[:, 2:] - boxes[:, :2]).max(1) >= min_size]
    remaining = large if len(large) else boxes
    left, top = remaining[:, :2].min(0)
    right, bottom = remaining[:, 2:].max(0)
    return int(left), int(top), int(right), int(bottom)
