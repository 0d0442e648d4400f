"""The rules and squares of notebook paper, which are no part of the drawing on it."""

from typing import Final

import cv2
import numpy as np

from fmnist_core.preparation.fitting import GreyImage, Mask

RULE_LEVEL: Final = 0.05  # contrast from which a line may be a rule
RULE_PIECE: Final = 0.06  # of the picture's width: shortest piece by which a rule is found
MAX_RULE_WIDTH: Final = 0.012  # of the picture's longer side
RULE_SPAN: Final = 0.9  # of the picture that a rule crosses
MIN_RULES: Final = 4
UNEVENLY: Final = 0.2  # standard deviation of the distances between rules, relative to their mean
STRONGER: Final = 0.2  # contrast by which what crosses a rule differs from it


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
