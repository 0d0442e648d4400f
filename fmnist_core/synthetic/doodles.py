"""Drawings of things that are no garments, so that a network learns what it does not know.

They are no pictures of anything: random forms put together as things in drawings are: bodies with parts, rows, rays,
stems, frames, faces and loose lines. What they share with real things is only that people draw such forms.
Learning to answer them with "any class" is outlier exposure (Hendrycks, Mazeika, Dietterich, arXiv:1812.04606).
"""

from collections.abc import Callable
from typing import Final

import numpy as np

from fmnist_core.synthetic.strokes import Rng, Stroke, Strokes, both, curve, oval, points


def blob(rng: Rng, x: float, y: float, size: float) -> Stroke:
    """A closed, uneven curve around (x, y)."""
    count = rng.integer(4, 9)
    radius = np.array([rng.uniform(0.5, 1) for _ in range(count)]) * size / 2
    angle = 2 * np.pi * (np.arange(count) + rng.uniform(0, 1)) / count
    wide = rng.uniform(0.5, 1.8)
    places = np.stack([x + wide * radius * np.cos(angle), y + radius * np.sin(angle)], axis=1)
    return curve(*map(tuple, places), closed=True)


def polygon(rng: Rng, x: float, y: float, size: float) -> Stroke:
    """A closed shape with corners: a triangle, a box, a star."""
    count = rng.integer(3, 8)
    radius = np.full(2 * count, size / 2)
    radius[1::2] *= rng.uniform(0.3, 1)
    angle = np.pi * (np.arange(2 * count) + rng.uniform(0, 2)) / count
    wide = rng.uniform(0.5, 1.6)
    places = np.stack([x + wide * radius * np.cos(angle), y + radius * np.sin(angle)], axis=1)
    if rng.chance(0.5):
        places = places[::2]
    return np.concatenate([places, places[:1]])


def box(rng: Rng, x: float, y: float, size: float) -> Stroke:
    """A rectangle, or one that leans."""
    w, h, lean = (
        size * rng.uniform(0.2, 1) / 2,
        size * rng.uniform(0.2, 1) / 2,
        rng.uniform(-0.2, 0.2) if rng.chance(0.4) else 0.0,
    )
    return points((x - w + lean, y - h), (x + w + lean, y - h), (x + w, y + h), (x - w, y + h), (x - w + lean, y - h))


def form(rng: Rng, x: float, y: float, size: float) -> Stroke:
    """Any closed form around (x, y), about ``size`` large."""
    kind = rng.integer(0, 4)
    if kind == 0:
        return oval(x, y, size * rng.uniform(0.4, 1), size * rng.uniform(0.4, 1))
    return [blob, polygon, box, blob][kind - 1](rng, x, y, size)


def line(rng: Rng, x: float, y: float, size: float) -> Stroke:
    """A loose line: straight, bent, or to and fro."""
    count = rng.integer(2, 7)
    angle = rng.uniform(0, 2 * np.pi)
    along = np.linspace(-0.5, 0.5, count)
    away = np.array([rng.uniform(-0.4, 0.4) for _ in range(count)]) * (count > 2)
    cos, sin = np.cos(angle), np.sin(angle)
    places = np.stack([x + size * (along * cos - away * sin), y + size * (along * sin + away * cos)], axis=1)
    return curve(*map(tuple, places)) if rng.chance(0.6) else places


def creature(rng: Rng) -> Strokes:
    """A body with a head, legs, a tail: an animal, a bird, an insect."""
    width, height = rng.uniform(0.4, 1), rng.uniform(0.25, 0.7)
    strokes = [oval(0, 0, width, height) if rng.chance(0.6) else blob(rng, 0, 0, width)]
    side = rng.uniform(-1, 1)
    head = rng.uniform(0.15, 0.4)
    x, y = side * width / 2, -height / 2 * rng.uniform(0, 1.6)
    strokes.append(oval(x, y, head, head * rng.uniform(0.7, 1.2)))
    if rng.chance(0.6):
        strokes += [oval(x + dx * head, y, 0.03, 0.03) for dx in (-0.15, 0.15)]
    if rng.chance(0.6):  # ears, horns, feelers
        strokes += [line(rng, x + dx * head, y - head * 0.6, head * rng.uniform(0.4, 1)) for dx in (-0.3, 0.3)]
    for part in np.linspace(-0.4, 0.4, rng.integer(0, 6)):
        long = rng.uniform(0.1, 0.5)
        x = part * width
        strokes.append(points((x, height * 0.4), (x + rng.uniform(-0.1, 0.1), height * 0.4 + long)))
    if rng.chance(0.5):
        strokes.append(line(rng, -x, 0, rng.uniform(0.2, 0.5)))
    return strokes


def pole(rng: Rng) -> Strokes:
    """Something on a stem: a tree, a flower, a lamp, a tool, a fork."""
    long, thick = rng.uniform(0.5, 1.4), rng.uniform(0, 0.08)
    stem = both(points((thick, 0), (thick * rng.uniform(0.5, 2), long)))
    strokes = stem if thick > 0.02 else stem[:1]
    for _ in range(rng.integer(1, 3)):
        strokes.append(form(rng, rng.uniform(-0.1, 0.1), rng.uniform(-0.3, 0.15), rng.uniform(0.2, 0.8)))
    if rng.chance(0.4):
        strokes.append(form(rng, 0, long, rng.uniform(0.1, 0.4)))
    if rng.chance(0.3):
        strokes += [
            points((x, 0), (x * rng.uniform(0.5, 1.5), -rng.uniform(0.1, 0.5)))
            for x in np.linspace(-0.2, 0.2, rng.integer(2, 5))
        ]
    return strokes


def machine(rng: Rng) -> Strokes:
    """Boxes and circles side by side: a vehicle, a house, a piece of furniture, a device."""
    strokes: Strokes = []
    x = 0.0
    for _ in range(rng.integer(1, 3)):
        w, h = rng.uniform(0.2, 0.9), rng.uniform(0.15, 0.8)
        base = rng.uniform(-0.1, 0.1)
        strokes.append(
            points(
                (x, base),
                (x + w, base),
                (x + w * rng.uniform(0.7, 1), base - h),
                (x + w * rng.uniform(0, 0.3), base - h),
                (x, base),
            )
        )
        for _ in range(rng.integer(0, 3)):
            strokes.append(
                form(
                    rng,
                    x + w * rng.uniform(0.2, 0.8),
                    base - h * rng.uniform(0.2, 0.8),
                    rng.uniform(0.08, 0.35) * min(w, h) * 2,
                )
            )
        x += w
    if rng.chance(0.5):  # wheels, feet
        size = rng.uniform(0.1, 0.3)
        strokes += [oval(part * x, size / 3, size, size) for part in np.linspace(0.2, 0.8, rng.integer(2, 3))]
    elif rng.chance(0.4):
        strokes += [
            points((part * x, 0), (part * x, rng.uniform(0.1, 0.5)))
            for part in np.linspace(0.1, 0.9, rng.integer(2, 4))
        ]
    if rng.chance(0.3):  # a roof, a mast
        strokes.append(points((0, -0.5), (x / 2, -rng.uniform(0.7, 1.3)), (x, -0.5)))
    return strokes


def rays(rng: Rng) -> Strokes:
    """Parts around a middle: a flower, a sun, a wheel, a spider, a star."""
    size = rng.uniform(0.1, 0.6)
    strokes = [form(rng, 0, 0, size)] if rng.chance(0.8) else []
    count, petals = rng.integer(4, 12), rng.chance(0.4)
    for angle in 2 * np.pi * (np.arange(count) + rng.uniform(0, 1)) / count:
        cos, sin, long = np.cos(angle), np.sin(angle), rng.uniform(0.2, 0.6)
        far = size / 2 + long
        if petals:
            strokes.append(
                oval((size / 2 + far) / 2 * cos, (size / 2 + far) / 2 * sin, long, long * rng.uniform(0.4, 1))
            )
        else:
            strokes.append(points((size / 2 * cos, size / 2 * sin), (far * cos, far * sin)))
    return strokes


def scatter(rng: Rng) -> Strokes:
    """Forms and lines anywhere: a pattern, a heap, handwriting."""
    reach = rng.uniform(0.2, 0.6)
    strokes = [
        form(rng, rng.uniform(-reach, reach), rng.uniform(-reach, reach), rng.uniform(0.1, 0.6))
        for _ in range(rng.integer(0, 6))
    ]
    return strokes + [
        line(rng, rng.uniform(-reach, reach), rng.uniform(-reach, reach), rng.uniform(0.2, 1))
        for _ in range(rng.integer(len(strokes) == 0, 5))
    ]


def thing(rng: Rng) -> Strokes:
    """One form with marks in it: a fruit, a face, a cake, a frame, a piece of cutlery."""
    size = rng.uniform(0.6, 1)
    strokes = [form(rng, 0, 0, size)]
    if rng.chance(0.3):
        strokes.append(strokes[0] * rng.uniform(0.5, 0.9))
    for _ in range(rng.integer(1, 5)):
        x, y = rng.uniform(-0.25, 0.25), rng.uniform(-0.25, 0.25)
        strokes.append(
            form(rng, x, y, rng.uniform(0.05, 0.25)) if rng.chance(0.5) else line(rng, x, y, rng.uniform(0.1, 0.4))
        )
    if rng.chance(0.5):
        strokes.append(line(rng, rng.uniform(-0.2, 0.2), -size * 0.5, rng.uniform(0.15, 0.4)))  # a stalk, a wick
    if rng.chance(0.3):
        strokes.append(oval(size * 0.4, 0, rng.uniform(0.2, 0.4), rng.uniform(0.2, 0.5)))
    return strokes


def long_thing(rng: Rng) -> Strokes:
    """Long and thin: a snake, a knife, a pencil, a bat, a bottle."""
    half, bulge = rng.uniform(0.02, 0.16), rng.uniform(0.3, 2.5)
    upper = [(0, half * rng.uniform(0, 1)), (0.3, half), (0.6, half * bulge), (1, half * rng.uniform(0, 1.5))]
    lower = [(x, -y * rng.uniform(0.6, 1.2)) for x, y in reversed(upper)]
    strokes = [curve(*upper, *lower, closed=True) if rng.chance(0.6) else points(*upper, *lower, upper[0])]
    strokes += [points((x, -half), (x, half)) for x in [rng.uniform(0.1, 0.9) for _ in range(rng.integer(0, 4))]]
    angle = rng.uniform(0, 2 * np.pi)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return [stroke @ turn for stroke in strokes]


def scrawl(rng: Rng) -> Strokes:
    """One or two bent lines on their own, as in handwriting."""
    strokes: Strokes = []
    for _ in range(rng.integer(1, 2)):
        places = [(rng.uniform(0, rng.uniform(0.4, 1)), rng.uniform(0, 1)) for _ in range(rng.integer(3, 7))]
        strokes.append(curve(*places, closed=rng.chance(0.25)) if rng.chance(0.8) else points(*places))
    return strokes


DOODLES: Final[tuple[Callable[[Rng], Strokes], ...]] = (
    creature,
    creature,
    pole,
    machine,
    rays,
    scatter,
    thing,
    thing,
    long_thing,
    scrawl,
)
