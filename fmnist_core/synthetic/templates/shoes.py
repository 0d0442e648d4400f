"""Templates of shoes, from the side with the toe to the right, or from above."""

import numpy as np

from fmnist_core.synthetic.strokes import Rng, Stroke, Strokes, both, curve, mirrored, oval, points, turned


def laces(rng: Rng, start: tuple[float, float], end: tuple[float, float], width: float) -> Strokes:
    """Short lines, or crosses, across the instep from ``start`` to ``end``."""
    a, b = np.array(start), np.array(end)
    along = (b - a) / np.linalg.norm(b - a)
    across = np.array([-along[1], along[0]]) * width
    crossed = rng.chance(0.3)
    strokes = []
    for part in np.linspace(0.1, 0.9, rng.integer(3, 6)):
        middle = a + part * (b - a)
        skew = 0.03 * along if crossed else 0 * along
        strokes.append(np.array([middle, middle + across + skew]))
        if crossed:
            strokes.append(np.array([middle + skew, middle + across]))
    return strokes


def sole(rng: Rng, left: float, right: float, y: float, thickness: float, heel: float = 0.0) -> Strokes:
    """A sole under a shoe from ``left`` to ``right``, with a heel block of height ``heel`` when there is one."""
    floor = y + thickness + heel
    if heel <= 0:
        outline = points((left, y), (left - 0.01, floor), (right - 0.02, floor), (right + 0.01, y))
        return [outline, points((left, y), (right, y))] if rng.chance(0.7) else [outline]
    width = rng.uniform(0.08, 0.3)
    arch = left + width + rng.uniform(0, 0.05)
    return [points((left, y), (left + 0.01, floor), (left + width, floor), (arch, y + thickness), (right - 0.2, floor),
                   (right - 0.03, floor), (right + 0.01, floor - thickness), (right, y))]  # fmt: skip


def sneaker(rng: Rng) -> Strokes:
    """A low shoe: sneaker, lace-up, slip-on; from the side, a little from above, or one or two from above."""
    if rng.chance(0.1):
        return _shoe_looked_down_at(rng)
    if rng.chance(0.12):
        return _slab(rng)
    return [_low_shoe, _low_shoe, _shoe_from_above, _round_shoe, _round_shoe][rng.integer(0, 4)](rng)


def _foot(rng: Rng, height: float, opening: float, start: float) -> Stroke:
    """Instep, toe and tip of a round shoe whose floor is at ``height``, from the opening's front edge at ``start``."""
    toe = rng.uniform(0.35, 0.75) * height  # how high it bulges
    dip = min(toe, rng.uniform(0.3, 0.7) * height)  # of the instep before it
    at = rng.uniform(0.78, 0.9)
    return curve((opening, start), (opening + 0.35 * (at - opening), height - dip - 0.35 * (height - dip - start)),
                 (opening + 0.7 * (at - opening), height - dip), (at, height - toe),
                 (1.0, height - 0.55 * toe), (rng.uniform(0.97, 1.03), height))  # fmt: skip


def _round_shoe(rng: Rng) -> Strokes:
    """As most people draw one: a bulging toe, a hollow instep, a bent sole; with a heel or without, tongue and bow."""
    height, opening = rng.uniform(0.2, 0.5), rng.uniform(0.25, 0.5)
    back, tongue = rng.uniform(-0.06, 0.08), rng.uniform(-0.12, 0.06)
    sag = back + rng.uniform(0.02, 0.12)
    strokes = [
        curve((rng.uniform(-0.02, 0.06), back), (rng.uniform(-0.06, 0.03), 0.5 * height), (0.0, height)),
        _foot(rng, height, opening, tongue),
        curve((rng.uniform(0, 0.04), back), (opening * 0.5, sag), (opening, tongue)),
    ]
    kind = rng.integer(0, 3)
    if kind == 0:  # only a line below
        strokes.append(curve((0.0, height), (0.5, height - rng.uniform(-0.02, 0.05)), (1.0, height)))
    elif kind == 1:  # a thick sole that follows the foot
        thick, arch = rng.uniform(0.04, 0.12), rng.uniform(0.0, 0.06)
        strokes.append(curve((-0.01, height), (0.45, height - arch), (1.01, height)))
        strokes.append(curve((0.0, height), (-0.02, height + thick * 0.8), (0.2, height + thick),
                             (0.5, height + thick - arch), (0.9, height + thick), (1.02, height + thick * 0.6),
                             (1.0, height)))  # fmt: skip
    else:
        strokes += sole(rng, 0.0, 1.0, height, rng.uniform(0.02, 0.08), rng.uniform(0.03, 0.16) if kind == 3 else 0.0)
    if rng.chance(0.5):
        strokes += laces(
            rng, (opening + 0.02, tongue + 0.05), (0.66, height * rng.uniform(0.4, 0.6)), rng.uniform(0.06, 0.16)
        )
    if rng.chance(0.3):
        strokes += bow(rng, opening + rng.uniform(-0.05, 0.15), tongue + rng.uniform(-0.08, 0.06))
    if rng.chance(0.35):  # where the upper parts meet
        strokes.append(
            curve((opening * rng.uniform(0.6, 1), sag), (opening * rng.uniform(0.8, 1.2), 0.6 * height), (0.3, height))
        )
    if rng.chance(0.35):  # toe cap
        strokes.append(curve((0.8, height * 0.45), (rng.uniform(0.66, 0.76), 0.7 * height), (0.76, height)))
    if rng.chance(0.3):  # the edge of the opening, once more
        strokes.append(curve((0.04, back + 0.05), (opening * 0.5, sag + 0.05), (opening, tongue + 0.06)))
    if rng.chance(0.25):  # the far edge of the opening
        strokes.append(
            curve((0.02, back), (opening * 0.5, min(back, tongue) - rng.uniform(0.0, 0.05)), (opening, tongue))
        )
    return strokes


def _slab(rng: Rng) -> Strokes:
    """In one line or two: a low shoe without details, on a thick sole or on none."""
    height, opening = rng.uniform(0.22, 0.45), rng.uniform(0.25, 0.5)
    toe = height * rng.uniform(0.4, 0.8)
    back, dip = rng.uniform(-0.05, 0.08), rng.uniform(0.02, 0.14)
    upper = curve((0.0, height), (rng.uniform(-0.06, 0.02), 0.5 * height), (0.03, back), (0.5 * opening, back + dip),
                  (opening, rng.uniform(-0.05, 0.08)), (0.6, height - toe), (0.85, height - toe),
                  (rng.uniform(0.98, 1.04), height - 0.4 * toe), (1.0, height))  # fmt: skip
    strokes = [upper, curve((1.0, height), (0.5, height + rng.uniform(-0.03, 0.04)), (0.0, height))]
    if rng.chance(0.6):
        thick = rng.uniform(0.04, 0.16)
        strokes.append(points((-0.01, height), (-0.01, height + thick), (1.01, height + thick), (1.01, height)))
    if rng.chance(0.3):
        strokes += laces(rng, (opening, 0.08), (0.62, height - toe), rng.uniform(0.06, 0.12))
    return turned(strokes, rng.uniform(-12, 12))


def _shoe_from_above(rng: Rng) -> Strokes:
    height, opening = rng.uniform(0.35, 0.62), rng.uniform(0.28, 0.42)
    top, toe = rng.uniform(-0.04, 0.1), rng.uniform(0.3, 0.65) * height
    back = curve((opening * 0.1, top), (rng.uniform(-0.05, 0.02), 0.5 * height), (0.0, height))
    front = curve((opening, top + rng.uniform(-0.06, 0.04)), (0.56, top + 0.5 * toe), (0.78, height - toe),
                  (0.98, height - 0.7 * toe), (1.03, height - 0.2 * toe), (0.99, height))  # fmt: skip
    strokes = [back, front]
    if rng.chance(0.6):  # the opening
        strokes.append(oval(opening * 0.55, top + 0.02, opening * rng.uniform(0.85, 1.05), rng.uniform(0.08, 0.2)))
    else:
        strokes.append(curve((opening * 0.1, top), (opening * 0.5, top + rng.uniform(0.03, 0.12)), (opening, top)))
    strokes += sole(rng, 0.0, 1.0, height, rng.uniform(0.03, 0.1), rng.uniform(0.03, 0.12) if rng.chance(0.4) else 0.0)
    if rng.chance(0.75):
        strokes += laces(rng, (opening, top + 0.04), (0.7, height - toe), rng.uniform(0.08, 0.2))
    if rng.chance(0.35):
        strokes += bow(rng, opening + rng.uniform(0.02, 0.12), top + rng.uniform(-0.02, 0.08))
    if rng.chance(0.4):  # toe cap
        strokes.append(curve((0.8, height - toe), (0.74, height - 0.4 * toe), (0.76, height)))
    if rng.chance(0.4):  # the part that is laced
        strokes.append(curve((opening * 0.9, top + 0.06), (0.42, height * 0.55), (0.7, height * rng.uniform(0.6, 0.8))))
    if rng.chance(0.3):
        strokes.append(curve((0.02, height * 0.4), (opening * 0.6, height * 0.55), (opening * 0.7, height)))
    return strokes


def _shoe_looked_down_at(rng: Rng) -> Strokes:
    """As one looks down at one's own feet: the whole upper, its opening, laces between the two; often a pair."""
    width, waist = rng.uniform(0.34, 0.44), rng.uniform(0.8, 0.95)
    w = width / 2
    outline = curve((0, 0), (w * 0.75, 0.06), (w, 0.25), (w * waist, 0.6), (w * 0.85, 0.9), (0, 1.0), (-w * 0.85, 0.9),
                    (-w * waist, 0.6), (-w, 0.25), (-w * 0.75, 0.06), closed=True)  # fmt: skip
    top, opening = (
        rng.uniform(0.5, 0.62),
        rng.uniform(0.5, 0.8),
    )  # where the opening begins, its width as a part of the shoe's
    strokes: Strokes = [outline, oval(0, (top + 0.94) / 2, width * opening, 0.94 - top)]
    toe = rng.uniform(0.2, 0.34)
    if rng.chance(0.8):
        strokes += both(curve((w * 0.18, toe), (w * 0.4, (toe + top) / 2), (w * 0.5, top + 0.05)))
        for y in np.linspace(toe + 0.03, top - 0.02, rng.integer(3, 6)):
            strokes.append(points((-w * 0.3, y), (w * 0.3, y)))
    if rng.chance(0.5):  # toe cap
        strokes.append(curve((-w, toe + 0.05), (0, toe - rng.uniform(0.02, 0.1)), (w, toe + 0.05)))
    if rng.chance(0.3):
        strokes += bow(rng, 0, top - 0.05)
    if rng.chance(0.7):
        strokes = pair(rng, strokes, width)
    return turned(strokes, rng.uniform(-25, 25))


def pair(rng: Rng, strokes: Strokes, width: float) -> Strokes:
    """The strokes of one shoe of that width, and of the other one beside it."""
    offset = np.array([width * rng.uniform(1.05, 1.4), rng.uniform(-0.02, 0.02)])
    return strokes + [mirrored(stroke) + offset for stroke in strokes]


def _low_shoe(rng: Rng) -> Strokes:
    height, toe = rng.uniform(0.28, 0.46), rng.uniform(0.09, 0.18)
    opening, tongue = rng.uniform(0.25, 0.38), rng.uniform(-0.04, 0.06)
    heel_x = rng.uniform(-0.02, 0.04)
    back = [(heel_x, height), (heel_x - 0.02, height * 0.5), (heel_x + 0.02, 0.0)]
    throat = (opening, tongue * rng.uniform(0, 1))
    instep = [throat, (opening + 0.14, height * 0.25), (0.62, height * 0.5), (0.82, height - toe)]
    front = [(0.97, height - toe * 0.7), (1.0, height)]
    strokes = [
        curve(*back),
        curve((heel_x + 0.02, 0.0), (opening / 2, rng.uniform(0.03, 0.1)), throat),
        curve(*instep, *front),
    ]
    heel = rng.uniform(0.03, 0.14) if rng.chance(0.35) else 0.0  # a leather shoe, or a flat one
    strokes += sole(rng, heel_x, 1.0, height, 0.025 if heel else rng.uniform(0.03, 0.09), heel)
    if rng.chance(0.7):
        strokes += laces(rng, (opening + 0.03, height * 0.12), (0.66, height * 0.52), rng.uniform(0.06, 0.12))
    if rng.chance(0.4):
        strokes.append(curve((0.72, height * 0.6), (0.74, height * 0.8), (0.7, height)))  # toe cap
    if rng.chance(0.35):
        strokes.append(curve((0.15, 0.06), (0.2, height * 0.5), (0.18, height)))  # heel part
    if rng.chance(0.3):
        x = rng.uniform(0.35, 0.5)
        for apart in np.linspace(0, 0.14, rng.integer(2, 3)):
            strokes.append(points((x + apart, height * 0.3), (x + apart - 0.06, height)))
    elif rng.chance(0.2):
        strokes.append(curve((0.3, height * 0.6), (0.45, height * 0.85), (0.75, height * 0.55)))  # swoosh
    if rng.chance(0.3):
        strokes.append(curve((opening - 0.04, 0.02), (opening, -0.08), (opening + 0.06, 0.02)))  # tongue
    if rng.chance(0.2):
        strokes += bow(rng, opening + 0.06, height * 0.1)
    return strokes


def bow(rng: Rng, x: float, y: float) -> Strokes:
    """Two loops and two ends of a lace."""
    size = rng.uniform(0.06, 0.12)
    return [oval(x - size / 2, y - size / 3, size, size / 2), oval(x + size / 2, y - size / 3, size, size / 2),
            curve((x, y), (x + size / 2, y + size / 2), (x + size, y + size / 3))]  # fmt: skip


def ankle_boot(rng: Rng) -> Strokes:
    """A shaft above the ankle; with and without heel, laced, zipped or plain; also high tops."""
    if rng.chance(0.12):
        return _high_top(rng)
    return _round_boot(rng) if rng.chance(0.35) else _boot(rng)


def _high_top(rng: Rng) -> Strokes:
    """A flat shoe that just covers the ankle: a straight shaft, a long foot, and a slab of a sole."""
    height, shaft, width = rng.uniform(0.24, 0.38), rng.uniform(0.22, 0.45), rng.uniform(0.3, 0.48)
    toe = height * rng.uniform(0.45, 0.8)
    lean = rng.uniform(-0.04, 0.06)
    back = points((lean, -shaft), (rng.uniform(-0.02, 0.02), height))
    top = curve((lean, -shaft), (lean + width / 2, -shaft + rng.uniform(-0.03, 0.05)), (lean + width, -shaft))
    front = curve((lean + width, -shaft), (width + 0.03, 0.0), (0.62, height - toe), (0.85, height - toe),
                  (1.0, height - 0.45 * toe), (1.0, height))  # fmt: skip
    thick = rng.uniform(0.04, 0.14)
    slab = points((-0.01, height), (-0.01, height + thick), (1.01, height + thick), (1.01, height), (-0.01, height))
    strokes = [back, top, front, slab]
    if rng.chance(0.7):
        strokes += laces(rng, (width, -shaft * 0.8), (0.64, height - toe), rng.uniform(0.06, 0.14))
    if rng.chance(0.3):  # a patch over the ankle
        size = rng.uniform(0.08, 0.16)
        strokes.append(oval(lean + width * 0.45, -shaft * 0.2 + 0.03, size, size))
    if rng.chance(0.4):  # toe cap
        strokes.append(curve((0.84, height - toe), (0.76, height - 0.4 * toe), (0.78, height)))
    return strokes


def _round_boot(rng: Rng) -> Strokes:
    """A straight shaft on a long foot with a round toe."""
    height, width, shaft = rng.uniform(0.22, 0.4), rng.uniform(0.26, 0.48), rng.uniform(0.2, 0.75)
    lean, flare = rng.uniform(-0.06, 0.06), rng.uniform(-0.02, 0.08)
    left, right = (lean - flare, -shaft), (lean + width + flare, -shaft + rng.uniform(-0.04, 0.04))
    strokes = [
        curve(left, (lean * 0.5, -0.4 * shaft), (rng.uniform(-0.03, 0.04), 0.3 * height), (0.0, height)),
        curve(right, (width + rng.uniform(-0.03, 0.03), -0.4 * shaft), (width + rng.uniform(0, 0.04), 0.0)),
        _foot(rng, height, width + 0.02, 0.0),
        curve(left, ((left[0] + right[0]) / 2, -shaft + rng.uniform(-0.05, 0.08)), right),
    ]
    heel = rng.uniform(0.06, 0.2) if rng.chance(0.5) else 0.0
    strokes += sole(rng, 0.0, 1.0, height, rng.uniform(0.02, 0.08), heel)
    if rng.chance(0.4):
        strokes += laces(rng, (width, -shaft * rng.uniform(0.3, 0.85)), (0.7, height * 0.4), rng.uniform(0.06, 0.14))
    if rng.chance(0.3):
        y = -shaft + rng.uniform(0.05, 0.15)
        strokes.append(points((left[0] - 0.02, y), (right[0] + 0.02, y)))  # cuff
    if rng.chance(0.3):
        strokes.append(
            curve((0.0, 0.1 * height), (width * 0.6, rng.uniform(0.0, 0.5) * height), (width + 0.05, 0.2 * height))
        )
    if rng.chance(0.25):
        strokes.append(
            oval(lean + rng.uniform(-0.05, width), -shaft - 0.02, rng.uniform(0.04, 0.1), rng.uniform(0.05, 0.12))
        )  # pull loop
    return strokes


def _boot(rng: Rng) -> Strokes:
    shaft, width = rng.uniform(0.35, 0.9), rng.uniform(0.32, 0.46)
    height, toe = rng.uniform(0.2, 0.3), rng.uniform(0.1, 0.18)
    lean = rng.uniform(-0.05, 0.05)
    ankle = (width + rng.uniform(0.0, 0.05), -height * rng.uniform(0.0, 0.35))
    top_left, top_right = (lean, -shaft), (lean + width * rng.uniform(0.9, 1.15), -shaft + rng.uniform(-0.05, 0.05))
    back = curve((0.0, height), (rng.uniform(-0.02, 0.03), 0.0), (rng.uniform(0, 0.05), -shaft * 0.5), top_left)
    front = curve(top_right, (width, -shaft * 0.5), ankle, (0.66, height * 0.3), (0.85, height - toe),
                  (0.98, height - toe / 2), (1.0, height))  # fmt: skip
    dip = ((top_left[0] + top_right[0]) / 2, -shaft + rng.uniform(0.02, 0.08))
    strokes = [back, front, points(top_left, top_right) if rng.chance(0.5) else curve(top_left, dip, top_right)]
    heel = rng.uniform(0.1, 0.35) if rng.chance(0.35) else rng.uniform(0.03, 0.09) if rng.chance(0.6) else 0.0
    strokes += sole(rng, 0.0, 1.0, height, rng.uniform(0.02, 0.08), heel)
    if rng.chance(0.45):
        strokes += laces(rng, (width * 0.8, -shaft * 0.85), (0.62, height * 0.2), rng.uniform(0.08, 0.14))
    elif rng.chance(0.3):
        strokes.append(curve((width * 0.45, -shaft), (width * 0.5, -shaft * 0.3), (width * 0.45, height * 0.6)))
    elif rng.chance(0.3):  # elastic of a chelsea boot
        strokes.append(curve((width * 0.35, -shaft), (width * 0.5, -shaft * 0.1), (width * 0.7, -shaft)))
    if rng.chance(0.25):
        y = -shaft + rng.uniform(0.06, 0.14)
        strokes.append(points((top_left[0], y), (top_right[0], y)))  # fur, cuff
    if rng.chance(0.2):
        strokes.append(oval(lean + 0.02, -shaft - 0.03, 0.05, 0.08))  # pull loop
    if rng.chance(0.3):
        strokes.append(curve((0.7, height * 0.5), (0.73, height * 0.8), (0.7, height)))
    if rng.chance(0.2):
        strokes.append(points((0.0, 0.0), (width, -0.02)))  # strap
    return strokes


def sandal(rng: Rng) -> Strokes:
    """From the side: flat, wedge or high heel, with straps or closed; from above: flip-flop or slide, one or a pair."""
    if rng.chance(0.12):
        return _pump(rng)
    return [_sandal_side, _heeled_sandal, _sandal_above, _sandal_above][rng.integer(0, 3)](rng)


def _sandal_side(rng: Rng) -> Strokes:
    thick, rise = rng.uniform(0.04, 0.12), rng.uniform(0.0, 0.14)
    upper = curve((0.0, -rise), (0.3, -rise * 0.6), (0.7, 0.0), (1.0, -0.02))
    floor = points((0.0, -rise), (0.0, thick), (1.0, thick * 0.8), (1.0, -0.02))
    strokes: Strokes = [upper, floor]
    for x in np.linspace(rng.uniform(0.5, 0.62), rng.uniform(0.75, 0.85), rng.integer(1, 3)):  # bands over the foot
        w, h = rng.uniform(0.08, 0.16), rng.uniform(0.16, 0.34)
        lean = rng.uniform(-0.2, 0.0)
        strokes.append(curve((x - w / 2, 0.0), (x - w / 2 + lean / 2, -h * 0.7), (x + lean, -h)))
        strokes.append(curve((x + w / 2, 0.0), (x + w / 2 + lean / 2, -h * 0.6), (x + w * 0.8 + lean, -h * 0.95)))
        strokes.append(points((x + lean, -h), (x + w * 0.8 + lean, -h * 0.95)))
    if rng.chance(0.7):  # strap around the heel
        h = rng.uniform(0.2, 0.4)
        strokes.append(curve((0.02, -rise), (-0.02, -rise - h * 0.6), (0.05, -rise - h), (0.3, -rise - h * 0.9)))
        strokes.append(curve((0.3, -rise - h * 0.9), (0.4, -rise - h * 0.4), (0.45, -rise * 0.4)))
    return strokes


def _heeled_sandal(rng: Rng) -> Strokes:
    heel = rng.uniform(0.25, 0.6)
    bed = curve((0.0, -heel), (0.25, -heel * 0.85), (0.6, -heel * 0.15), (0.75, 0.0), (1.0, 0.0))
    under = curve((0.08, -heel + 0.05), (0.3, -heel * 0.7), (0.6, 0.0), (0.75, 0.05), (1.0, 0.04))
    w = rng.uniform(0.02, 0.1)
    spike = points((0.0, -heel), (0.02, 0.05), (0.02 + w, 0.05), (0.1 + w, -heel * 0.85))
    strokes = [bed, under, spike]
    bands = np.linspace(rng.uniform(0.65, 0.72), rng.uniform(0.8, 0.9), rng.integer(1, 3))
    strokes += [curve((x - 0.06, 0.0), (x, -rng.uniform(0.1, 0.2)), (x + 0.07, 0.0)) for x in bands]
    h = rng.uniform(0.15, 0.35)
    top = -heel - h
    strokes.append(curve((0.0, -heel), (-0.02, -heel - h / 2), (0.06, top), (0.25, top), (0.34, -heel * 0.7)))
    if rng.chance(0.4):
        strokes.append(curve((0.34, -heel * 0.7), (0.5, -heel * 0.6), (0.7, -0.1)))
    return strokes


def _pump(rng: Rng) -> Strokes:
    """A closed shoe on a high heel: the data set has those among its sandals."""
    heel, height = rng.uniform(0.25, 0.6), rng.uniform(0.16, 0.3)
    opening = rng.uniform(0.55, 0.75)
    upper = curve((0.0, -heel), (rng.uniform(-0.04, 0.02), -heel - 0.5 * height), (0.04, -heel - height),
                  (0.35, -heel * rng.uniform(0.75, 0.95)), (opening, -height * rng.uniform(0.5, 0.9)),
                  (0.92, -0.4 * height), (1.02, 0.0))  # fmt: skip
    bed = curve((1.02, 0.0), (0.78, 0.02), (0.6, -0.02), (0.35, -heel * 0.6), (0.12, -heel * 0.9), (0.0, -heel))
    width = rng.uniform(0.02, 0.12)
    spike = points((0.0, -heel), (0.02, 0.04), (0.02 + width, 0.04), (0.1 + width, -heel * 0.85))
    strokes = [upper, bed, spike]
    if rng.chance(0.3):
        strokes += bow(rng, opening, -height)
    if rng.chance(0.25):  # a strap over the instep
        strokes.append(curve((0.05, -heel - height), (0.3, -heel - height), (0.5, -heel * 0.5)))
    return turned(strokes, rng.uniform(-10, 10))


def _sandal_above(rng: Rng) -> Strokes:
    width, waist = rng.uniform(0.3, 0.5), rng.uniform(0.75, 1.05)
    w = width / 2
    outline = curve((0, 0), (w, 0.18), (w * waist, 0.55), (w * 0.9, 0.85), (0, 1.0), (-w * 0.9, 0.85),
                    (-w * waist, 0.55), (-w, 0.18), closed=True)  # fmt: skip
    strokes: Strokes = [outline]
    kind = rng.integer(0, 3)
    if kind <= 1:  # flip-flop
        y, end = rng.uniform(0.14, 0.26), rng.uniform(0.42, 0.62)
        strokes += both(curve((0, y), (w * 0.6, (y + end) / 2 - 0.05), (w * 0.95, end)))
        if rng.chance(0.5):
            strokes += both(curve((0, y + 0.05), (w * 0.5, (y + end) / 2 + 0.02), (w * 0.85, end + 0.05)))
    elif kind == 2:  # slide
        y, h = rng.uniform(0.2, 0.35), rng.uniform(0.12, 0.3)
        strokes.append(curve((-w, y), (0, y - 0.05), (w, y)))
        strokes.append(curve((-w * 0.95, y + h), (0, y + h - rng.uniform(0, 0.08)), (w * 0.95, y + h)))
    else:
        for y in np.linspace(rng.uniform(0.15, 0.25), rng.uniform(0.6, 0.75), rng.integer(2, 4)):
            strokes.append(curve((-w, y), (0, y - 0.04), (w, y)))
    if rng.chance(0.25):
        strokes.append(outline * rng.uniform(0.82, 0.9) + np.array([0, 0.07]))
    if rng.chance(0.4):
        strokes = pair(rng, strokes, width)
    strokes = turned(strokes, rng.uniform(-35, 35) if rng.chance(0.7) else 90 + rng.uniform(-25, 25))
    if rng.chance(0.2):  # not from right above
        lower = np.array([1.0, rng.uniform(0.3, 0.7)])
        strokes = [stroke * lower for stroke in strokes]
    return strokes
