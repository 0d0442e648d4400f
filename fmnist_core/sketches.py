"""Drawings for training, made by the program: garments drawn from templates by an unsteady hand.

They go the same way as a visitor's drawing (``lines``), so that a network learns from what it will be shown.
"""

from collections.abc import Callable
from typing import Final

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from fmnist_core import CLASS_NAMES
from fmnist_core.cutout import DARKEST
from fmnist_core.dataset import Split
from fmnist_core.doodles import DOODLES
from fmnist_core.files import Bytes
from fmnist_core.garments import TEMPLATES
from fmnist_core.lines import CELLS, GRID, MARGIN, crop, distance_to_lines, draw_lines, enclosed, fit
from fmnist_core.strokes import Dice, Stroke, Strokes

NO_CLASS: Final = -1  # the label of what is no garment
LEAST_CLOTH: Final = 0.08  # part of the drawing's cells that its outline encloses at least, else it is not filled
SHORTEST_OUTLINE: Final = 30  # cells around a piece of a traced garment
SMOOTH: Final = 5  # cells over which a traced line is averaged
STEP: Final = 0.02  # of the longer side, from one point of a drawn line to the next


def make_sketches(count: int, seed: int) -> Split:
    """``count`` drawings from templates, as many of each class, in random order; about a millisecond each.

    The same seed gives the same drawings.
    """
    return of_all_classes(sketch, count, seed)


def make_cloth(count: int, seed: int) -> Split:
    """``count`` garments of plain cloth, cut along the same templates; as ``make_sketches``."""
    return of_all_classes(cloth, count, seed)


def make_doodles(count: int, seed: int) -> Split:
    """``count`` drawings of things that are no garments; all labels are ``NO_CLASS``."""
    generator = np.random.default_rng(seed)
    pixels = np.stack([doodle(generator) for _ in range(count)])
    return Split.of(torch.from_numpy(pixels), torch.full((count,), NO_CLASS))


def make_tracings(images: Split, count: int, seed: int) -> Split:
    """``count`` drawings traced from ``images``, chosen at random; as ``make_sketches``."""
    generator = np.random.default_rng(seed)
    chosen = images.take(torch.from_numpy(generator.integers(0, len(images), count)))
    pixels = np.stack([trace(image, generator) for image in chosen.pixels.cpu().numpy()])
    return Split(torch.from_numpy(pixels), chosen.labels, chosen.numbers)


def of_all_classes(make: Callable[[int, np.random.Generator], Bytes], count: int, seed: int) -> Split:
    """``count`` images that ``make`` draws for a class, as many of each class, in random order."""
    generator = np.random.default_rng(seed)
    labels = generator.permutation(np.arange(count) % len(CLASS_NAMES))
    pixels = np.stack([make(int(label), generator) for label in labels])
    return Split.of(torch.from_numpy(pixels), torch.from_numpy(labels.astype(np.int64)))


def sketch(label: int, generator: np.random.Generator) -> Bytes:
    """Pixels (28, 28) of one drawing of the class ``label``."""
    dice = Dice(generator)
    return as_drawing(TEMPLATES[label](dice), dice)


def doodle(generator: np.random.Generator) -> Bytes:
    """Pixels (28, 28) of one drawing of something that is no garment."""
    dice = Dice(generator)
    return as_drawing(DOODLES[dice.count(0, len(DOODLES) - 1)](dice), dice)


def as_drawing(strokes: Strokes, dice: Dice) -> Bytes:
    """Pixels (28, 28) of strokes as a person might have drawn them."""
    return draw_lines(distance_to_lines(ink(by_hand(strokes, dice))))


def cloth(label: int, generator: np.random.Generator) -> Bytes:
    """Pixels (28, 28) of a garment of the class ``label`` in plain cloth with its seams, as if cut out of a photo."""
    dice = Dice(generator)
    while True:
        distance = distance_to_lines(ink(by_hand(TEMPLATES[label](dice), dice)))
        inside = enclosed(distance)
        if inside.mean() > LEAST_CLOTH:  # else its outline has too large a gap
            break
    seams = (dice(0.2, 0.8) * CELLS - distance + 0.5).clip(0, 1)
    mask = inside | (distance < 0.5 * CELLS)
    contrast = -dice(0.1, 0.45) if dice.chance(0.6) else dice(0.1, 0.35)  # else nothing tells a coat from a pullover
    garment = (dice(0.4, 0.9) + contrast * seams).clip(DARKEST, 1)
    return fit(crop(garment * mask, mask))


def trace(pixels: Bytes, generator: np.random.Generator) -> Bytes:
    """Pixels (28, 28) of a drawing along the edges of an image of the data set: its outline and its inner lines."""
    dice = Dice(generator)
    large = cv2.resize(pixels.astype(np.float32) / 255, (GRID, GRID), interpolation=cv2.INTER_CUBIC)
    large = cv2.GaussianBlur(large, (0, 0), dice(1.5, 3))
    mask = (large > min(dice(0.08, 0.2), large.max() / 2)).astype(np.uint8)
    outline = sorted(_contours(mask, SHORTEST_OUTLINE), key=len, reverse=True)
    # Edges within the garment: Canny, with thresholds at random, for some people draw more of them than others.
    within = cv2.erode(mask, np.ones((9, 9), np.uint8))
    edges = cv2.Canny((large * 255).clip(0, 255).astype(np.uint8), dice(15, 40), dice(40, 90)) * within
    details = [line for line in _contours((edges > 0).astype(np.uint8), dice(20, 50)) if dice.chance(0.85)]
    strokes = [*outline, *details]
    return as_drawing(strokes, dice) if strokes else pixels


def _contours(mask: Bytes, shortest: float) -> Strokes:
    """The borders of what is 1 in ``mask`` (H, W), holes too, made smooth; none that is shorter (in cells)."""
    strokes = []
    for contour in cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)[0]:
        places = contour[:, 0].astype(np.float64)  # (K, 2)
        if len(places) < shortest:
            continue
        around = np.concatenate([places[-SMOOTH:], places, places[: SMOOTH + 1]])
        mean = np.ones(SMOOTH) / SMOOTH
        smooth = np.stack([np.convolve(around[:, axis], mean, "same") for axis in (0, 1)], axis=1)
        strokes.append(smooth[SMOOTH:-SMOOTH])
    return strokes


def by_hand(strokes: Strokes, dice: Dice) -> Strokes:
    """The strokes as a person might draw them: turned, stretched, bent, wobbly, with gaps and things left out."""
    outline, *details = strokes
    kept = [outline, *(stroke for stroke in details if not dice.chance(0.02))]
    places, counts = _resampled(kept)  # of all strokes at once from here on, for there are many short ones
    places = places @ _random_matrix(dice)
    x, y = places.T
    phase = dice.generator.uniform(0, 2 * np.pi, 4)
    wave = [np.sin(5 * y + phase[0]) + np.sin(9 * x + phase[1]), np.sin(5 * x + phase[2]) + np.sin(9 * y + phase[3])]
    apart = dice.generator.normal(0, 0.006, (len(kept), 2))  # all are bent alike, but each is put down anew
    wobble = dice.generator.uniform(0, 0.012, (len(kept), 1))
    places = places + dice(0, 0.045) * np.stack(wave, axis=1) + apart.repeat(counts, axis=0)
    places = places + wobble.repeat(counts, axis=0) * _slow_noise(len(places), dice.generator)
    return [_late_and_early(stroke, dice) for stroke in np.split(places, counts.cumsum()[:-1])]


def ink(strokes: Strokes) -> Bytes:
    """The strokes as lines one cell wide, 1 on 0, the longer side ``GRID`` cells long within a margin."""
    every = np.concatenate(strokes)
    low, high = every.min(0), every.max(0)
    scale = (GRID - 1) / max(float((high - low).max()), 1e-9)
    width, height = np.ceil((high - low) * scale).astype(int) + 1 + 2 * MARGIN
    cells = np.zeros((height, width), np.uint8)
    lines = [np.round((stroke - low) * scale + MARGIN).astype(np.int32) for stroke in strokes]
    cv2.polylines(cells, lines, isClosed=False, color=1)
    return cells


def _resampled(strokes: Strokes) -> tuple[Stroke, NDArray[np.intp]]:
    """Points ``STEP`` apart of all strokes, scaled to a longer side of 1: places (K, 2) and how many of each."""
    every, sizes = np.concatenate(strokes), np.array([len(stroke) for stroke in strokes])
    ends = sizes.cumsum()
    low = every.min(0)
    every = (every - low) / (every - low).max()
    steps = np.hypot(*np.diff(every, axis=0).T)
    steps[ends[:-1] - 1] = 1.0  # from one stroke to the next: longer than nothing, and no point is put there
    along = np.concatenate([[0.0], steps.cumsum()])
    first, last = along[ends - sizes], along[ends - 1]
    pieces = np.maximum(1, np.round((last - first) / STEP).astype(np.intp))
    counts = pieces + 1
    number = np.arange(counts.sum()) - (counts.cumsum() - counts).repeat(counts)  # of a point in its stroke
    even = first.repeat(counts) + number * ((last - first) / pieces).repeat(counts)
    return np.stack([np.interp(even, along, every[:, axis]) for axis in (0, 1)], axis=1), counts


def _random_matrix(dice: Dice) -> Stroke:
    """A small turn and shear, another width than height, perhaps the mirror image."""
    turn, shear = np.radians(dice.generator.normal(0, 6)), dice.generator.normal(0, 0.06)
    width, height = np.exp(dice.generator.normal(0, 0.15, 2)) * [-1 if dice.chance(0.5) else 1, 1]
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    matrix: Stroke = np.diag([width, height]) @ np.array([[1.0, 0.0], [shear, 1.0]]) @ rotation
    return matrix


def _slow_noise(count: int, generator: np.random.Generator) -> Stroke:
    """Slowly changing numbers (count, 2) with a standard deviation of about 1."""
    noise = generator.normal(0, 1, (count + 8, 2))
    return np.stack([np.convolve(noise[:, axis], np.ones(9) / 3, "valid") for axis in (0, 1)], axis=1)


def _late_and_early(stroke: Stroke, dice: Dice) -> Stroke:
    """A stroke of some length is now and then begun late and ended early."""
    if len(stroke) > 6 and dice.chance(0.3):
        return stroke[dice.count(0, 2) : len(stroke) - dice.count(0, 2)]
    return stroke
