"""What drawings are made of before they are pixels: strokes (K, 2) of x to the right and y down, in any unit."""

import numpy as np
from numpy.typing import NDArray

Stroke = NDArray[np.floating]  # (K, 2)
Strokes = list[Stroke]


class Rng(np.random.Generator):
    """NumPy's generator, with the two other draws that templates need."""

    def __init__(self, seed: int) -> None:
        super().__init__(np.random.PCG64(seed))

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return bool(self.random() < probability)

    def integer(self, low: int, high: int) -> int:
        """A whole number from ``low`` to ``high``, both included."""
        return int(self.integers(low, high + 1))


def points(*places: tuple[float, float]) -> Stroke:
    """A stroke of straight pieces."""
    return np.array(places, dtype=np.float64)


def curve(*places: tuple[float, float], closed: bool = False, steps: int = 8) -> Stroke:
    """A smooth stroke through the places: Catmull-Rom (Catmull, Rom 1974), ``steps`` pieces from one to the next."""
    p = np.array(places, dtype=np.float64)
    p = np.concatenate([p[-1:], p, p[:2]]) if closed else np.concatenate([p[:1], p, p[-1:]])
    a, b, c, d = p[:-3, None], p[1:-2, None], p[2:-1, None], p[3:, None]  # (count, 1, 2) each
    t = np.arange(steps)[:, None] / steps  # (steps, 1)
    pieces = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
    smooth: Stroke = np.concatenate([pieces.reshape(-1, 2), p[-2:-1]])
    return smooth


def oval(x: float, y: float, width: float, height: float, start: float = 0, end: float = 1) -> Stroke:
    """A part of an ellipse around (x, y), from ``start`` to ``end`` of the way round, clockwise from the right."""
    angle = 2 * np.pi * np.linspace(start, end, 24)
    return np.stack([x + width / 2 * np.cos(angle), y + height / 2 * np.sin(angle)], axis=1)


def mirrored(stroke: Stroke) -> Stroke:
    """The other side of a symmetric garment."""
    other: Stroke = stroke * np.array([-1.0, 1.0])
    return other


def turned(strokes: Strokes, degrees: float) -> Strokes:
    """The strokes turned around the origin."""
    turn = np.radians(degrees)
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return [stroke @ matrix for stroke in strokes]


def both(*strokes: Stroke) -> Strokes:
    """Strokes of one side, and the same of the other."""
    return [*strokes, *(mirrored(stroke) for stroke in strokes)]


def scribble(rng: Rng, x: float, y: float, width: float, height: float) -> Stroke:
    """A print, a word or a pattern: some zigzag or curl in a box around (x, y)."""
    count = rng.integer(4, 9)
    across = np.linspace(x - width / 2, x + width / 2, count)
    down = y + height / 2 * np.array([rng.uniform(-1, 1) for _ in range(count)])
    return curve(*zip(across, down, strict=True)) if rng.chance(0.5) else np.stack([across, down], axis=1)
