"""Drawings of things that are no garments, so that a network learns what it does not know.

They are no pictures of anything: random forms put together as things in drawings are: bodies with parts, rows, rays,
stems, frames, faces and loose lines. What they share with real things is only that people draw such forms.
Learning to answer them with "any class" is outlier exposure (Hendrycks, Mazeika, Dietterich, arXiv:1812.04606).
"""

from collections.abc import Callable
from typing import Final

import numpy as np

from fmnist_core.strokes import Dice, Stroke, Strokes, both, curve, oval, points


def blob(dice: Dice, x: float, y: float, size: float) -> Stroke:
    """A closed, uneven curve around (x, y)."""
    count = dice.count(4, 9)
    radius = np.array([dice(0.5, 1) for _ in range(count)]) * size / 2
    angle = 2 * np.pi * (np.arange(count) + dice(0, 1)) / count
    wide = dice(0.5, 1.8)
    places = np.stack([x + wide * radius * np.cos(angle), y + radius * np.sin(angle)], axis=1)
    return curve(*map(tuple, places), closed=True)


def polygon(dice: Dice, x: float, y: float, size: float) -> Stroke:
    """A closed shape with corners: a triangle, a box, a star."""
    count = dice.count(3, 8)
    radius = np.full(2 * count, size / 2)
    radius[1::2] *= dice(0.3, 1)
    angle = np.pi * (np.arange(2 * count) + dice(0, 2)) / count
    wide = dice(0.5, 1.6)
    places = np.stack([x + wide * radius * np.cos(angle), y + radius * np.sin(angle)], axis=1)
    if dice.chance(0.5):
        places = places[::2]
    return np.concatenate([places, places[:1]])


def box(dice: Dice, x: float, y: float, size: float) -> Stroke:
    """A rectangle, or one that leans."""
    w, h, lean = size * dice(0.2, 1) / 2, size * dice(0.2, 1) / 2, dice(-0.2, 0.2) if dice.chance(0.4) else 0.0
    return points((x - w + lean, y - h), (x + w + lean, y - h), (x + w, y + h), (x - w, y + h), (x - w + lean, y - h))


def form(dice: Dice, x: float, y: float, size: float) -> Stroke:
    """Any closed form around (x, y), about ``size`` large."""
    kind = dice.count(0, 4)
    if kind == 0:
        return oval(x, y, size * dice(0.4, 1), size * dice(0.4, 1))
    return [blob, polygon, box, blob][kind - 1](dice, x, y, size)


def line(dice: Dice, x: float, y: float, size: float) -> Stroke:
    """A loose line: straight, bent, or to and fro."""
    count = dice.count(2, 7)
    angle = dice(0, 2 * np.pi)
    along = np.linspace(-0.5, 0.5, count)
    away = np.array([dice(-0.4, 0.4) for _ in range(count)]) * (count > 2)
    cos, sin = np.cos(angle), np.sin(angle)
    places = np.stack([x + size * (along * cos - away * sin), y + size * (along * sin + away * cos)], axis=1)
    return curve(*map(tuple, places)) if dice.chance(0.6) else places


def creature(dice: Dice) -> Strokes:
    """A body with a head, legs, a tail: an animal, a bird, an insect."""
    width, height = dice(0.4, 1), dice(0.25, 0.7)
    strokes = [oval(0, 0, width, height) if dice.chance(0.6) else blob(dice, 0, 0, width)]
    side = dice(-1, 1)
    head = dice(0.15, 0.4)
    x, y = side * width / 2, -height / 2 * dice(0, 1.6)
    strokes.append(oval(x, y, head, head * dice(0.7, 1.2)))
    if dice.chance(0.6):
        strokes += [oval(x + dx * head, y, 0.03, 0.03) for dx in (-0.15, 0.15)]
    if dice.chance(0.6):  # ears, horns, feelers
        strokes += [line(dice, x + dx * head, y - head * 0.6, head * dice(0.4, 1)) for dx in (-0.3, 0.3)]
    for part in np.linspace(-0.4, 0.4, dice.count(0, 6)):
        long = dice(0.1, 0.5)
        x = part * width
        strokes.append(points((x, height * 0.4), (x + dice(-0.1, 0.1), height * 0.4 + long)))
    if dice.chance(0.5):
        strokes.append(line(dice, -x, 0, dice(0.2, 0.5)))
    return strokes


def pole(dice: Dice) -> Strokes:
    """Something on a stem: a tree, a flower, a lamp, a tool, a fork."""
    long, thick = dice(0.5, 1.4), dice(0, 0.08)
    stem = both(points((thick, 0), (thick * dice(0.5, 2), long)))
    strokes = stem if thick > 0.02 else stem[:1]
    for _ in range(dice.count(1, 3)):
        strokes.append(form(dice, dice(-0.1, 0.1), dice(-0.3, 0.15), dice(0.2, 0.8)))
    if dice.chance(0.4):
        strokes.append(form(dice, 0, long, dice(0.1, 0.4)))
    if dice.chance(0.3):
        strokes += [
            points((x, 0), (x * dice(0.5, 1.5), -dice(0.1, 0.5))) for x in np.linspace(-0.2, 0.2, dice.count(2, 5))
        ]
    return strokes


def machine(dice: Dice) -> Strokes:
    """Boxes and circles side by side: a vehicle, a house, a piece of furniture, a device."""
    strokes: Strokes = []
    x = 0.0
    for _ in range(dice.count(1, 3)):
        w, h = dice(0.2, 0.9), dice(0.15, 0.8)
        base = dice(-0.1, 0.1)
        strokes.append(
            points(
                (x, base), (x + w, base), (x + w * dice(0.7, 1), base - h), (x + w * dice(0, 0.3), base - h), (x, base)
            )
        )
        for _ in range(dice.count(0, 3)):
            strokes.append(
                form(dice, x + w * dice(0.2, 0.8), base - h * dice(0.2, 0.8), dice(0.08, 0.35) * min(w, h) * 2)
            )
        x += w
    if dice.chance(0.5):  # wheels, feet
        size = dice(0.1, 0.3)
        strokes += [oval(part * x, size / 3, size, size) for part in np.linspace(0.2, 0.8, dice.count(2, 3))]
    elif dice.chance(0.4):
        strokes += [
            points((part * x, 0), (part * x, dice(0.1, 0.5))) for part in np.linspace(0.1, 0.9, dice.count(2, 4))
        ]
    if dice.chance(0.3):  # a roof, a mast
        strokes.append(points((0, -0.5), (x / 2, -dice(0.7, 1.3)), (x, -0.5)))
    return strokes


def rays(dice: Dice) -> Strokes:
    """Parts around a middle: a flower, a sun, a wheel, a spider, a star."""
    size = dice(0.1, 0.6)
    strokes = [form(dice, 0, 0, size)] if dice.chance(0.8) else []
    count, petals = dice.count(4, 12), dice.chance(0.4)
    for angle in 2 * np.pi * (np.arange(count) + dice(0, 1)) / count:
        cos, sin, long = np.cos(angle), np.sin(angle), dice(0.2, 0.6)
        far = size / 2 + long
        if petals:
            strokes.append(oval((size / 2 + far) / 2 * cos, (size / 2 + far) / 2 * sin, long, long * dice(0.4, 1)))
        else:
            strokes.append(points((size / 2 * cos, size / 2 * sin), (far * cos, far * sin)))
    return strokes


def scatter(dice: Dice) -> Strokes:
    """Forms and lines anywhere: a pattern, a heap, handwriting."""
    reach = dice(0.2, 0.6)
    strokes = [form(dice, dice(-reach, reach), dice(-reach, reach), dice(0.1, 0.6)) for _ in range(dice.count(0, 6))]
    return strokes + [
        line(dice, dice(-reach, reach), dice(-reach, reach), dice(0.2, 1))
        for _ in range(dice.count(len(strokes) == 0, 5))
    ]


def thing(dice: Dice) -> Strokes:
    """One form with marks in it: a fruit, a face, a cake, a frame, a piece of cutlery."""
    size = dice(0.6, 1)
    strokes = [form(dice, 0, 0, size)]
    if dice.chance(0.3):
        strokes.append(strokes[0] * dice(0.5, 0.9))
    for _ in range(dice.count(1, 5)):
        x, y = dice(-0.25, 0.25), dice(-0.25, 0.25)
        strokes.append(form(dice, x, y, dice(0.05, 0.25)) if dice.chance(0.5) else line(dice, x, y, dice(0.1, 0.4)))
    if dice.chance(0.5):
        strokes.append(line(dice, dice(-0.2, 0.2), -size * 0.5, dice(0.15, 0.4)))  # a stalk, a wick
    if dice.chance(0.3):
        strokes.append(oval(size * 0.4, 0, dice(0.2, 0.4), dice(0.2, 0.5)))
    return strokes


def long_thing(dice: Dice) -> Strokes:
    """Long and thin: a snake, a knife, a pencil, a bat, a bottle."""
    half, bulge = dice(0.02, 0.16), dice(0.3, 2.5)
    upper = [(0, half * dice(0, 1)), (0.3, half), (0.6, half * bulge), (1, half * dice(0, 1.5))]
    lower = [(x, -y * dice(0.6, 1.2)) for x, y in reversed(upper)]
    strokes = [curve(*upper, *lower, closed=True) if dice.chance(0.6) else points(*upper, *lower, upper[0])]
    strokes += [points((x, -half), (x, half)) for x in [dice(0.1, 0.9) for _ in range(dice.count(0, 4))]]
    angle = dice(0, 2 * np.pi)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return [stroke @ turn for stroke in strokes]


DOODLES: Final[tuple[Callable[[Dice], Strokes], ...]] = (
    creature,
    creature,
    pole,
    machine,
    rays,
    scatter,
    thing,
    thing,
    long_thing,
)
