"""Strokes -> pixels: a drawing as an unsteady hand would make it, prepared as a visitor's drawing is."""

import cv2
import numpy as np
from numpy.typing import NDArray

from fmnist_core import IMAGE_SIZE
from fmnist_core.preparation.fitting import UInt8Image, resized, to_uint8
from fmnist_core.preparation.lines import CELLS, GRID, MARGIN, distance_to_lines, draw_lines
from fmnist_core.synthetic.strokes import Rng, Stroke, Strokes

STEP = 0.02  # of the longer side, from one point of a drawn line to the next


def render(strokes: Strokes, rng: Rng) -> UInt8Image:
    """Pixels (28, 28) of strokes as a person might have drawn them."""
    return draw_lines(distance_to_lines(ink(by_hand(strokes, rng))))


def brushed(strokes: Strokes, rng: Rng) -> UInt8Image:
    """Pixels (28, 28) of strokes as a soft brush leaves them, not prepared: nothing is filled, margins stay."""
    half, soft = rng.uniform(0.3, 2) * CELLS, rng.uniform(0.5, 1.2) * CELLS  # the brush's half width, and its edge
    drawn = ((half - distance_to_lines(ink(by_hand(strokes, rng)))) / soft + 0.5).clip(0, 1)
    side = rng.integer(16, IMAGE_SIZE)
    small = to_uint8(np.asarray(resized(drawn.astype(np.float32), side)))
    canvas = np.zeros((IMAGE_SIZE, IMAGE_SIZE), np.uint8)
    top, left = (rng.integer(0, IMAGE_SIZE - size) for size in small.shape)
    canvas[top : top + small.shape[0], left : left + small.shape[1]] = small
    return canvas


def by_hand(strokes: Strokes, rng: Rng) -> Strokes:
    """The strokes as a person might draw them: turned, stretched, bent, wobbly, with gaps and details left out."""
    outline, *details = strokes
    drawn = [outline, *(stroke for stroke in details if not rng.chance(0.02))]
    points, counts = _resampled(drawn)  # of all strokes at once from here on, for there are many short ones
    points = points @ _random_matrix(rng)
    x, y = points.T
    phase = rng.uniform(0, 2 * np.pi, 4)
    wave = [np.sin(5 * y + phase[0]) + np.sin(9 * x + phase[1]), np.sin(5 * x + phase[2]) + np.sin(9 * y + phase[3])]
    apart = rng.normal(0, 0.006, (len(drawn), 2))  # all are bent alike, but each starts anew
    wobble = rng.uniform(0, 0.012, (len(drawn), 1))
    points = points + rng.uniform(0, 0.045) * np.stack(wave, axis=1) + apart.repeat(counts, axis=0)
    points = points + wobble.repeat(counts, axis=0) * _slow_noise(len(points), rng)
    return [_late_and_early(stroke, rng) for stroke in np.split(points, counts.cumsum()[:-1])]


def ink(strokes: Strokes) -> UInt8Image:
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
    """Points ``STEP`` apart of all strokes, scaled to a longer side of 1: points (K, 2) and how many of each."""
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


def _random_matrix(rng: Rng) -> Stroke:
    """A small rotation and shear, another aspect ratio, perhaps the mirror image."""
    angle, shear = np.radians(rng.normal(0, 6)), rng.normal(0, 0.06)
    width, height = np.exp(rng.normal(0, 0.15, 2)) * [-1 if rng.chance(0.5) else 1, 1]
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix: Stroke = np.diag([width, height]) @ np.array([[1.0, 0.0], [shear, 1.0]]) @ rotation
    return matrix


def _slow_noise(count: int, rng: Rng) -> Stroke:
    """Slowly changing numbers (count, 2) with a standard deviation of about 1."""
    noise = rng.normal(0, 1, (count + 8, 2))
    return np.stack([np.convolve(noise[:, axis], np.ones(9) / 3, "valid") for axis in (0, 1)], axis=1)


def _late_and_early(stroke: Stroke, rng: Rng) -> Stroke:
    """A stroke of some length now and then begins late and ends early."""
    if len(stroke) > 6 and rng.chance(0.3):
        return stroke[rng.integer(0, 2) : len(stroke) - rng.integer(0, 2)]
    return stroke
