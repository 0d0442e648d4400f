"""Templates of bags: handbags, clutches, totes, backpacks, suitcases."""

import numpy as np

from fmnist_core.synthetic.strokes import Rng, Stroke, Strokes, both, curve, oval, points, scribble, turned


def bag(rng: Rng) -> Strokes:
    """Handbags, purses, clutches, totes, backpacks, suitcases."""
    kinds = [*2 * [_handbag, _clutch, _backpack, _turned_backpack, _suitcase], _tote, _bare_backpack]
    return kinds[rng.integer(0, 11)](rng)


def _body(top: float, bottom: float, height: float, roundness: float) -> Stroke:
    """A closed outline: half widths at top and bottom, corners cut by ``roundness``."""
    r = roundness
    right = [(top - r, 0.0), (top, r), (bottom, height - r), (bottom - r, height)]
    left = [(-x, y) for x, y in reversed(right)]
    corners = [*right, *left, right[0]]
    return points(*corners)


def _handle(rng: Rng, half: float, height: float, y: float = 0.0) -> Strokes:
    shape = rng.integer(0, 2)
    if shape == 0:
        bend, high = half * 0.8, y - height * 0.8
        outer = curve((-half, y), (-bend, high), (0, y - height), (bend, high), (half, y))
    elif shape == 1:
        outer = points((-half, y), (-half, y - height), (half, y - height), (half, y))
    else:
        outer = curve((-half, y), (0, y - height), (half, y))
    strokes = [outer]
    if rng.chance(0.5):
        scale = rng.uniform(0.75, 0.88)
        strokes.append((outer - np.array([0, y])) * scale + np.array([0, y]))
    return strokes


def _handbag(rng: Rng) -> Strokes:
    top, bottom, height = rng.uniform(0.25, 0.5), rng.uniform(0.35, 0.55), rng.uniform(0.35, 0.75)
    strokes = [
        _body(top, bottom, height, rng.uniform(0, 0.12)),
        *_handle(rng, top * rng.uniform(0.4, 0.95), rng.uniform(0.2, 0.7)),
    ]
    if rng.chance(0.5):
        y = height * rng.uniform(0.3, 0.6)
        strokes.append(curve((-top, 0.02), (-top * 0.6, y), (0, y * 1.1), (top * 0.6, y), (top, 0.02)))
    elif rng.chance(0.6):
        strokes.append(points((-top, height * 0.18), (top, height * 0.18)))
    if rng.chance(0.5):
        y, s = height * rng.uniform(0.25, 0.55), rng.uniform(0.04, 0.08)
        clasp = points((-s, y), (s, y), (s, y + s), (-s, y + s), (-s, y))
        strokes.append(oval(0, y, s, s) if rng.chance(0.5) else clasp)
    if rng.chance(0.3):
        y, w, h = height * 0.55, bottom * rng.uniform(0.4, 0.7), height * rng.uniform(0.25, 0.35)
        strokes.append(points((-w, y), (w, y), (w, y + h), (-w, y + h), (-w, y)))
    if rng.chance(0.2):
        strokes.append(scribble(rng, 0, height * 0.6, bottom, height * 0.4))
    return strokes


def _clutch(rng: Rng) -> Strokes:
    half, height = rng.uniform(0.4, 0.55), rng.uniform(0.35, 0.65)
    strokes = [_body(half, half * rng.uniform(0.95, 1.1), height, rng.uniform(0, 0.08))]
    y = height * rng.uniform(0.35, 0.7)
    flap = rng.integer(0, 2)
    if flap == 0:
        strokes.append(points((-half, 0.02), (0, y), (half, 0.02)))
    elif flap == 1:
        strokes.append(curve((-half, 0.05), (-half * 0.7, y), (0, y * 1.1), (half * 0.7, y), (half, 0.05)))
    else:
        strokes.append(points((-half, y), (half, y)))
    if rng.chance(0.6):
        strokes.append(oval(rng.uniform(-0.03, 0.03), y, rng.uniform(0.04, 0.09), rng.uniform(0.04, 0.09)))
    if rng.chance(0.35):  # wrist strap or shoulder strap
        strokes.append(
            curve(
                (half, 0.1), (half + rng.uniform(0.1, 0.3), height * 0.5), (half * 0.9, height * rng.uniform(0.8, 1.3))
            )
        )
    elif rng.chance(0.3):
        strokes += _handle(rng, half * rng.uniform(0.7, 1), rng.uniform(0.4, 0.9))
    if rng.chance(0.2):  # kiss lock
        strokes += [oval(-0.03, -0.03, 0.05, 0.05), oval(0.03, -0.03, 0.05, 0.05)]
    return strokes


def _tote(rng: Rng) -> Strokes:
    top, height = rng.uniform(0.35, 0.48), rng.uniform(0.7, 1.0)
    strokes = [_body(top, top * rng.uniform(0.8, 1.05), height, rng.uniform(0, 0.05))]
    x, h = top * rng.uniform(0.35, 0.6), rng.uniform(0.25, 0.55)
    strokes += _handle(rng, x, h)
    if rng.chance(0.4):
        strokes.append(scribble(rng, 0, height * 0.5, top * 1.2, height * 0.4))
    if rng.chance(0.4):
        strokes.append(points((-top, 0.06), (top, 0.06)))
    return strokes


def _backpack(rng: Rng) -> Strokes:
    half, height = rng.uniform(0.32, 0.46), rng.uniform(0.85, 1.2)
    shoulder = rng.uniform(0.15, 0.4)
    outline = curve((-half, height - 0.08), (-half * rng.uniform(0.95, 1.08), height * 0.5), (-half * 0.92, shoulder),
                    (-half * 0.5, 0.03), (0, 0.0), (half * 0.5, 0.03), (half * 0.92, shoulder),
                    (half * rng.uniform(0.95, 1.08), height * 0.5), (half, height - 0.08), (half * 0.7, height),
                    (-half * 0.7, height), closed=True)  # fmt: skip
    strokes = [outline]
    if rng.chance(0.75):
        w, h = rng.uniform(0.06, 0.14), rng.uniform(0.06, 0.16)
        strokes.append(curve((-w, 0.01), (-w * 0.8, -h), (w * 0.8, -h), (w, 0.01)))
    if rng.chance(0.75):  # front pocket
        y, w = height * rng.uniform(0.45, 0.65), half * rng.uniform(0.55, 0.85)
        h = height * rng.uniform(0.22, 0.32)
        strokes.append(_body(w, w, h, rng.uniform(0, 0.08)) + np.array([0.0, y]))
        if rng.chance(0.5):
            strokes.append(points((-w, y + 0.06), (w, y + 0.06)))
    if rng.chance(0.5):  # flap
        y = height * rng.uniform(0.3, 0.45)
        edge = shoulder + 0.05
        strokes.append(
            curve((-half * 0.93, edge), (-half * 0.6, y), (0, y + 0.04), (half * 0.6, y), (half * 0.93, edge))
        )
        if rng.chance(0.5):
            strokes.append(points((-0.03, y), (0.03, y), (0.03, y + 0.12), (-0.03, y + 0.12), (-0.03, y)))
    if rng.chance(0.5):  # straps at the sides
        out = rng.uniform(0.08, 0.22)
        straps = both(curve((half * 0.85, shoulder), (half + out, height * 0.4), (half + out * 0.7, height * 0.75),
                            (half * 0.95, height * 0.85)))  # fmt: skip
        strokes += straps if rng.chance(0.6) else straps[:1]
    if rng.chance(0.3):
        strokes += both(curve((half, height * 0.6), (half + 0.1, height * 0.65), (half + 0.08, height * 0.9),
                              (half, height * 0.92)))  # fmt: skip
    if rng.chance(0.4):
        strokes.append(oval(0, height * 0.3, half * 1.4, height * 0.35, 0.5, 1.0))  # zip
    if rng.chance(0.3):  # seen from one side
        x, y = half * rng.uniform(0.2, 0.7), -rng.uniform(0, 0.15)
        side = half + x
        strokes.append(curve((half * 0.4, 0.02), (half * 0.5 + x, 0.02 + y), (half * 0.95 + x, shoulder + y),
                             (side, height * 0.5 + y), (side, height - 0.1 + y), (half * 0.8, height)))  # fmt: skip
    return strokes


def _turned_backpack(rng: Rng) -> Strokes:
    """A backpack seen from one side: a rounded front, the side behind it, and the straps beyond that."""
    half, height = rng.uniform(0.26, 0.44), rng.uniform(0.7, 1.1)
    x, y = rng.uniform(0.08, 0.4) * half * 2, rng.uniform(-0.14, 0.06)  # of the back from the front
    shoulder, waist = rng.uniform(0.12, 0.4), half * rng.uniform(0.9, 1.15)
    front = curve((waist, height), (half, height * 0.55), (half * 0.9, shoulder), (half * 0.45, 0.04), (0, 0),
                  (-half * 0.45, 0.04), (-half * 0.9, shoulder), (-half, height * 0.55), (-waist, height))  # fmt: skip
    strokes = [front, curve((-waist, height), (0, height + rng.uniform(-0.02, 0.07)), (waist, height))]
    strokes.append(curve((rng.uniform(-0.2, 0.4) * half, 0.01), (half * 0.5 + x, 0.04 + y),
                         (half * 0.9 + x, shoulder + y),
                         (half + x, height * 0.55 + y), (waist + x * rng.uniform(0.5, 1), height * 0.96 + y),
                         (waist, height)))  # fmt: skip
    for part in np.linspace(rng.uniform(0.3, 0.9), rng.uniform(0.9, 1.3), rng.integer(0, 3)):  # edges of both straps
        out = part * rng.uniform(0.12, 0.3)
        low = rng.uniform(0.6, 0.95) * height
        strokes.append(curve((half * 0.6 + x, 0.1 * height + y), (half + x + out, 0.3 * height + y),
                             (half + x + out * rng.uniform(0.6, 1), 0.5 * (low + 0.3 * height) + y),
                             (half + x * 0.8, low)))  # fmt: skip
    if rng.chance(0.7):
        w, h, middle = rng.uniform(0.05, 0.14), rng.uniform(0.05, 0.16), rng.uniform(0, x)
        strokes.append(curve((middle - w, 0.02), (middle - w * 0.8, -h), (middle + w * 0.8, -h), (middle + w, 0.02)))
    if rng.chance(0.45):  # lid
        low = height * rng.uniform(0.25, 0.5)
        strokes.append(curve((-half, low * 0.9), (-half * 0.5, low), (half * 0.5, low), (half, low * 0.9)))
        buckle = points((0, low - 0.05), (0, low + rng.uniform(0.05, 0.2))) + np.array(
            [rng.uniform(0, 0.5) * half, 0.0]
        )
        strokes += both(buckle)
    elif rng.chance(0.6):  # zip
        scale = rng.uniform(0.6, 0.88)
        strokes.append(front * scale + np.array([0.0, height * (1 - scale) * rng.uniform(0.4, 0.9)]))
    for side in [(0.0,), (-0.45, 0.45), ()][rng.integer(0, 2)]:  # pockets
        w, h = half * (rng.uniform(0.5, 0.8) if side == 0 else rng.uniform(0.28, 0.4)), height * rng.uniform(0.18, 0.34)
        below = np.array([side * half, height * rng.uniform(0.55, 0.62)])
        strokes.append(_body(w, w * rng.uniform(0.9, 1.1), h, rng.uniform(0, 0.06)) + below)
        if rng.chance(0.5):
            strokes.append(points((-w, h * 0.35), (w, h * 0.35)) + below)
    if rng.chance(0.4):  # pocket at the side
        strokes.append(
            curve((half + 0.02, height * 0.6), (half + x * 0.6, height * 0.58 + y), (half + x, height * 0.62 + y))
        )
    return turned(strokes, rng.uniform(-15, 15))


def _bare_backpack(rng: Rng) -> Strokes:
    """In a few strokes: a rounded bag, and at one side or at both the straps, as a second outline behind it."""
    half, height = rng.uniform(0.28, 0.45), rng.uniform(0.75, 1.15)
    top, low = rng.uniform(0.55, 1.0), rng.uniform(0.7, 1.05)  # of the half width
    body = curve((0, 0), (half * top * 0.8, 0.06), (half * top, 0.25 * height), (half, 0.6 * height),
                 (half * low, 0.93 * height), (0, height), (-half * low, 0.93 * height), (-half, 0.6 * height),
                 (-half * top, 0.25 * height), (-half * top * 0.8, 0.06), closed=True)  # fmt: skip
    strokes: Strokes = [body]
    starts, ends, out = rng.uniform(0.02, 0.25), rng.uniform(0.65, 0.98), rng.uniform(0.12, 0.45)
    strap = curve((half * top * 0.6, starts * height), (half + 0.8 * out, (starts + 0.15) * height),
                  (half + out, (starts + ends) / 2 * height), (half + 0.5 * out, (ends - 0.05) * height),
                  (half * low * 0.9, ends * height))  # fmt: skip
    strokes += both(strap) if rng.chance(0.3) else [strap]
    if rng.chance(0.4):  # its other edge
        strokes.append(strap * np.array([0.85, 0.85]) + np.array([0.0, 0.15 * (starts + ends) / 2 * height]))
    if rng.chance(0.4):  # a loop at the top
        strokes.append(oval(0, -0.02, rng.uniform(0.1, 0.25), rng.uniform(0.08, 0.24), 0.45, 1.05))
    if rng.chance(0.4):  # a pocket
        w, y = half * rng.uniform(0.4, 0.8), height * rng.uniform(0.45, 0.65)
        strokes.append(_body(w, w, height * rng.uniform(0.18, 0.3), rng.uniform(0, 0.08)) + np.array([0.0, y]))
    return turned(strokes, rng.uniform(-12, 12))


def _suitcase(rng: Rng) -> Strokes:
    is_upright = rng.chance(0.35)
    half, height = (
        (rng.uniform(0.28, 0.4), rng.uniform(0.8, 1.1))
        if is_upright
        else (rng.uniform(0.45, 0.6), rng.uniform(0.45, 0.8))
    )
    strokes = [_body(half, half, height, rng.uniform(0, 0.1))]
    strokes += _handle(rng, rng.uniform(0.08, 0.2), rng.uniform(0.07, 0.5 if is_upright else 0.18))
    if rng.chance(0.35):
        strokes.append(
            _body(half * 0.88, half * 0.88, height * 0.86, rng.uniform(0, 0.06)) + np.array([0.0, height * 0.07])
        )
    if rng.chance(0.35):
        y = height * rng.uniform(0.2, 0.5)
        strokes.append(points((-half, y), (half, y)))
    if rng.chance(0.4):
        x = half * rng.uniform(0.4, 0.75)
        strokes += both(points((x, 0), (x, height)))
        if rng.chance(0.5):
            strokes += both(points((x + 0.06, 0), (x + 0.06, height)))
    if rng.chance(0.4):
        x, s = half * rng.uniform(0.3, 0.6), rng.uniform(0.03, 0.06)
        strokes += both(points((x - s, 0.02), (x + s, 0.02), (x + s, 0.08), (x - s, 0.08), (x - s, 0.02)))
    if rng.chance(0.45 if is_upright else 0.15):
        strokes += both(oval(half * 0.8, height + 0.03, 0.07, 0.07))
    if rng.chance(0.25):
        c = rng.uniform(0.08, 0.15)
        strokes += both(points((half - c, 0), (half, c)), points((half - c, height), (half, height - c)))
    if rng.chance(0.2):  # seen from one side
        dx, dy = rng.uniform(0.1, 0.22), -rng.uniform(0.06, 0.15)
        strokes.append(points((half, height), (half + dx, height + dy), (half + dx, dy), (half, 0)))
        strokes.append(points((-half, 0), (-half + dx, dy), (half + dx, dy)))
    return strokes
