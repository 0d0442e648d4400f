"""Garments as people draw them: random templates, class by class, each a list of strokes.

A template takes dice and returns strokes (K, 2) of x and y, x to the right and y down, in any unit: only the form
counts, for a drawing is cropped and scaled when it is prepared. Symmetric garments have their axis at x = 0.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

Stroke = NDArray[np.floating]  # (K, 2)
Strokes = list[Stroke]


class Dice:
    """What a template draws its numbers from."""

    def __init__(self, generator: np.random.Generator) -> None:
        self.generator = generator

    def __call__(self, low: float, high: float) -> float:
        """A number between ``low`` and ``high``."""
        return float(self.generator.uniform(low, high))

    def chance(self, probability: float) -> bool:
        """Yes, with this probability."""
        return bool(self.generator.random() < probability)

    def count(self, low: int, high: int) -> int:
        """A whole number from ``low`` to ``high``, both included."""
        return int(self.generator.integers(low, high + 1))


def points(*places: tuple[float, float]) -> Stroke:
    """A stroke of straight pieces."""
    return np.array(places, dtype=np.float64)


def curve(*places: tuple[float, float], closed: bool = False, steps: int = 8) -> Stroke:
    """A smooth stroke through the places: Catmull-Rom (Catmull, Rom 1974), ``steps`` pieces from one to the next."""
    p = np.array(places, dtype=np.float64)
    p = np.concatenate([p[-1:], p, p[:2]]) if closed else np.concatenate([p[:1], p, p[-1:]])
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    pieces = [
        0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
        for a, b, c, d in zip(p, p[1:], p[2:], p[3:], strict=False)
    ]
    smooth: Stroke = np.concatenate([*pieces, p[-2:-1]])
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


# --- garments for the upper body -------------------------------------------------------------------------------------


class Upper:
    """Outline of a garment with a neck, two sleeves and a hem, and where its parts are; right half at x > 0."""

    def __init__(
        self, dice: Dice, sleeve: tuple[float, float], length: tuple[float, float], spread: tuple[float, float]
    ) -> None:
        self.neck = dice(0.07, 0.15)  # half its width
        self.depth = dice(0.02, 0.16)
        self.shoulder = (dice(0.22, 0.3), dice(0.02, 0.1))
        angle = np.radians(dice(*spread))  # of the sleeve from straight down
        reach, cuff = dice(*sleeve), dice(0.09, 0.16)
        along = np.array([np.sin(angle), np.cos(angle)])
        across = np.array([-along[1], along[0]])  # towards the body
        self.outer = np.array(self.shoulder) + reach * along
        self.inner = self.outer + cuff * across
        self.armpit = (dice(0.18, 0.24), dice(0.24, 0.36))
        if self.inner[0] < self.armpit[0] + 0.03:  # a hanging sleeve stays outside the body
            shift = np.array([self.armpit[0] + 0.03 - self.inner[0], 0.0])
            self.outer, self.inner = self.outer + shift, self.inner + shift
        self.bottom = dice(*length)
        self.hem = self.armpit[0] * dice(0.85, 1.25)
        self.along, self.across = along, across

    def outline(self, dice: Dice, neckline: str) -> Strokes:
        """Neck, sleeves, sides, hem."""
        side = points(
            (self.neck, 0), self.shoulder, tuple(self.outer), tuple(self.inner), self.armpit, (self.hem, self.bottom)
        )
        if dice.chance(0.4):  # rounder
            bend = (np.array(self.shoulder) + self.outer) / 2 + 0.02 * -self.across
            waist = (min(self.armpit[0], self.hem) - dice(-0.02, 0.03), (self.armpit[1] + self.bottom) / 2)
            side = np.concatenate([
                curve((self.neck, 0), self.shoulder, tuple(bend), tuple(self.outer)),
                points(tuple(self.inner)), curve(self.armpit, waist, (self.hem, self.bottom)),
            ])  # fmt: skip
        sag = dice(-0.02, 0.05)
        hem = curve((-self.hem, self.bottom), (0, self.bottom + sag), (self.hem, self.bottom))
        return [*both(side), hem, *self.neckline(neckline)]

    def neckline(self, kind: str) -> Strokes:
        """The front edge of the neck."""
        if kind == "v":
            return [points((-self.neck, 0), (0, self.depth + 0.06), (self.neck, 0))]
        if kind == "straight":
            return [points((-self.neck, 0), (self.neck, 0))]
        return [curve((-self.neck, 0), (-0.6 * self.neck, 0.7 * self.depth), (0, self.depth),
                      (0.6 * self.neck, 0.7 * self.depth), (self.neck, 0))]  # fmt: skip

    def neckband(self, dice: Dice) -> Stroke:
        """A second line below the neck."""
        band: Stroke = self.neckline("round")[0] * np.array([1.15, 1.0]) + np.array([0.0, dice(0.02, 0.045)])
        return band

    def armholes(self) -> Strokes:
        """The seams where the sleeves begin."""
        return both(points(self.shoulder, self.armpit))

    def cuffs(self, width: float) -> Strokes:
        """A line across each sleeve, ``width`` above its end."""
        back = width * self.along
        return both(np.array([self.outer - back, self.inner - back]))

    def hem_band(self, height: float) -> Strokes:
        """A line above the hem."""
        return [points((-self.hem, self.bottom - height), (self.hem, self.bottom - height))]

    def ribs(self, dice: Dice, height: float) -> Strokes:
        """Short upright lines along the hem."""
        places = np.linspace(-self.hem, self.hem, dice.count(6, 12))[1:-1]
        return [points((x, self.bottom - height), (x, self.bottom)) for x in places]


def scribble(dice: Dice, x: float, y: float, width: float, height: float) -> Stroke:
    """A print, a word or a pattern: some zigzag or curl in a box around (x, y)."""
    count = dice.count(4, 9)
    across = np.linspace(x - width / 2, x + width / 2, count)
    down = y + height / 2 * np.array([dice(-1, 1) for _ in range(count)])
    return curve(*zip(across, down, strict=True)) if dice.chance(0.5) else np.stack([across, down], axis=1)


def buttons(dice: Dice, x: float, top: float, bottom: float) -> Strokes:
    """A row of small circles or dots."""
    size = dice(0.015, 0.035)
    return [oval(x, y, size, size) for y in np.linspace(top, bottom, dice.count(3, 6))]


def pocket(dice: Dice, x: float, y: float) -> Stroke:
    """A patch pocket on the chest."""
    w, h = dice(0.08, 0.13), dice(0.09, 0.14)
    return points((x - w / 2, y), (x + w / 2, y), (x + w / 2, y + h), (x, y + h * dice(1, 1.25)), (x - w / 2, y + h),
                  (x - w / 2, y))  # fmt: skip


def t_shirt(dice: Dice) -> Strokes:
    """Short sleeves, no opening in front."""
    top = Upper(dice, sleeve=(0.12, 0.3), length=(0.62, 0.95), spread=(25, 88))
    strokes = top.outline(dice, ["round", "round", "v", "straight"][dice.count(0, 3)])
    if dice.chance(0.35):  # neckband
        strokes.append(top.neckband(dice))
    if dice.chance(0.3):
        strokes += top.armholes()
    if dice.chance(0.3):
        strokes += top.cuffs(dice(0.02, 0.05))
    if dice.chance(0.2):
        strokes += top.hem_band(dice(0.02, 0.05))
    if dice.chance(0.35):
        strokes.append(scribble(dice, dice(-0.03, 0.03), dice(0.3, 0.5), dice(0.1, 0.28), dice(0.05, 0.2)))
    elif dice.chance(0.2):
        strokes.append(pocket(dice, dice(0.08, 0.12), dice(0.25, 0.32)))
    return strokes


def pullover(dice: Dice) -> Strokes:
    """Long sleeves, no opening in front; sweaters and hoodies."""
    top = Upper(dice, sleeve=(0.42, 0.78), length=(0.6, 0.95), spread=(10, 85))
    strokes = top.outline(dice, ["round", "round", "v", "straight"][dice.count(0, 3)])
    kind = dice.count(0, 5)
    if kind == 0:  # turtleneck
        h = dice(0.06, 0.14)
        n = top.neck
        strokes.append(points((-n, 0), (-0.9 * n, -h), (0.9 * n, -h), (n, 0)))
    elif kind == 1:  # hood
        w, h = top.neck * dice(1.2, 1.7), dice(0.15, 0.28)
        strokes.append(curve((-top.neck, 0), (-w, -0.6 * h), (0, -h), (w, -0.6 * h), (top.neck, 0)))
        if dice.chance(0.5):
            strokes += both(points((0.03, top.depth), (0.03, top.depth + dice(0.08, 0.18))))
    elif kind < 4:
        strokes.append(top.neckband(dice))
    if dice.chance(0.5):
        strokes += top.cuffs(dice(0.03, 0.08))
    if dice.chance(0.5):
        height = dice(0.03, 0.09)
        strokes += top.hem_band(height)
        if dice.chance(0.4):
            strokes += top.ribs(dice, height)
    if dice.chance(0.35):
        strokes += top.armholes()
    if dice.chance(0.2):
        w, y = dice(0.08, 0.14), top.bottom - dice(0.06, 0.12)
        strokes.append(points((-w, y), (-0.7 * w, y - 0.14), (0.7 * w, y - 0.14), (w, y)))  # pouch
    elif dice.chance(0.3):
        strokes.append(scribble(dice, 0, dice(0.3, 0.5), dice(0.12, 0.28), dice(0.05, 0.2)))
    elif dice.chance(0.25):
        strokes += [points((-0.2, y), (0.2, y)) for y in np.linspace(0.3, top.bottom - 0.1, dice.count(2, 5))]
    return strokes


def coat(dice: Dice) -> Strokes:
    """Long sleeves and open in front: jackets and coats."""
    is_long = dice.chance(0.45)
    top = Upper(dice, sleeve=(0.42, 0.72), length=(0.95, 1.5) if is_long else (0.6, 0.95), spread=(8, 75))
    if is_long:
        top.hem *= dice(1, 1.35)
    strokes = top.outline(dice, ["round", "v", "straight"][dice.count(0, 2)])
    start, middle = (top.depth if dice.chance(0.7) else 0.0), dice(-0.015, 0.015)
    front = dice.count(0, 3)
    if front == 0:  # two edges apart
        gap = dice(0.02, 0.1)
        strokes += both(points((0.5 * gap, start), (gap * dice(0.5, 1.3), top.bottom)))
    elif front == 1:  # zip
        strokes.append(points((middle, start), (middle, top.bottom)))
        if dice.chance(0.5):
            strokes.append(points((middle + 0.03, start), (middle + 0.03, top.bottom)))
    else:
        strokes.append(points((middle, start), (middle, top.bottom)))
        strokes += buttons(dice, middle + dice(0.02, 0.06), start + 0.1, top.bottom - dice(0.1, 0.3))
        if dice.chance(0.25):
            strokes += buttons(dice, middle - dice(0.04, 0.08), start + 0.1, top.bottom - 0.2)
    collar = dice.count(0, 4)
    n = top.neck
    if collar == 0:  # lapels
        y = dice(0.18, 0.4)
        strokes += both(points((n, 0), (n * dice(1.1, 1.7), 0.45 * y), (n * dice(0.7, 1.2), 0.5 * y), (0.01, y)))
    elif collar == 1:  # hood
        w, h = n * dice(1.2, 1.8), dice(0.16, 0.3)
        strokes.append(curve((-n, 0), (-w, -0.6 * h), (0, -h), (w, -0.6 * h), (n, 0)))
    elif collar == 2:  # stand-up collar
        h = dice(0.05, 0.12)
        strokes.append(points((-n, 0), (-0.95 * n, -h), (0.95 * n, -h), (n, 0)))
    elif collar == 3:  # turned-down collar
        strokes += both(points((n, 0), (n * 1.5, dice(0.07, 0.13)), (0.01, dice(0.08, 0.14))))
    if dice.chance(0.55):
        y, x = top.bottom * dice(0.55, 0.75), dice(0.08, 0.12)
        slant = dice(-0.06, 0.06)
        strokes += both(points((x, y), (x + dice(0.05, 0.08), y + slant)))
    if dice.chance(0.4):
        strokes += top.cuffs(dice(0.03, 0.08))
    if dice.chance(0.35):
        strokes += top.armholes()
    if is_long and dice.chance(0.3):
        y = dice(0.5, 0.62)
        strokes += [points((-0.2, y), (0.2, y)), points((-0.2, y + 0.05), (0.2, y + 0.05))]  # belt
    elif not is_long and dice.chance(0.3):
        strokes += top.hem_band(dice(0.04, 0.09))
    elif dice.chance(0.2):  # quilted
        strokes += [points((-0.2, y), (0.2, y)) for y in np.arange(0.2, top.bottom - 0.05, dice(0.1, 0.16))]
    return strokes


def shirt(dice: Dice) -> Strokes:
    """A collar and a row of buttons; sleeves long or short."""
    is_short = dice.chance(0.3)
    top = Upper(dice, sleeve=(0.15, 0.28) if is_short else (0.42, 0.7), length=(0.65, 0.95), spread=(10, 75))
    strokes = top.outline(dice, "straight" if dice.chance(0.6) else "v")
    n = top.neck
    point, drop = n * dice(0.9, 1.5), dice(0.08, 0.15)
    strokes += both(points((0.01, dice(0.04, 0.08)), (point * 0.7, drop), (n * 1.1, 0.0)))
    if dice.chance(0.5):  # stand of the collar
        strokes.append(curve((-n, 0), (0, -dice(0.02, 0.05)), (n, 0)))
    start = dice(0.05, 0.1)
    plackets = dice.count(0, 2)
    if plackets:
        strokes.append(points((0, start), (0, top.bottom)))
    if plackets == 2:
        strokes.append(points((0.04, start), (0.04, top.bottom)))
    if plackets != 1 or dice.chance(0.8):
        strokes += buttons(dice, dice(0.005, 0.03), start + 0.06, top.bottom - 0.08)
    if dice.chance(0.5):
        strokes.append(pocket(dice, dice(0.09, 0.13), dice(0.22, 0.3)))
    if dice.chance(0.5):
        strokes += top.cuffs(dice(0.03, 0.07))
    if dice.chance(0.3):
        strokes += top.armholes()
    if dice.chance(0.15):  # checks
        strokes += [points((-0.2, y), (0.2, y)) for y in np.linspace(0.15, top.bottom - 0.1, dice.count(3, 5))]
        strokes += [points((x, 0.12), (x, top.bottom)) for x in np.linspace(-0.15, 0.15, dice.count(3, 5))]
    return strokes


def dress(dice: Dice) -> Strokes:
    """Straps, no sleeves, short or long sleeves; a waist; a skirt."""
    bottom, waist_y = dice(1.0, 1.6), dice(0.38, 0.56)
    bust, waist, hem = dice(0.15, 0.22), dice(0.11, 0.19), dice(0.2, 0.55)
    neck, depth = dice(0.06, 0.13), dice(0.03, 0.16)
    kind = dice.count(0, 3)
    strokes: Strokes = []
    sag = dice(0, 0.06)
    skirt = [(bust, 0.26), (waist, waist_y), (hem, bottom)]
    if dice.chance(0.4):  # narrow all the way, or bell-shaped
        skirt.insert(2, (waist + (hem - waist) * dice(0.6, 0.95), waist_y + (bottom - waist_y) * dice(0.25, 0.5)))
    side = curve(*skirt) if dice.chance(0.6) else points(*skirt)
    if kind == 0:  # straps
        strap, y = dice(0.1, 0.15), dice(0.16, 0.24)
        top = curve((-bust, 0.26), (-strap, y), (0, y + dice(-0.03, 0.06)), (strap, y), (bust, 0.26))
        strokes += [top, *both(points((strap, y), (strap * dice(0.7, 1), 0)))]
        if dice.chance(0.6):
            strokes += both(points((strap - 0.025, y), (strap * 0.8 - 0.025, 0)))
    elif kind == 1:  # sleeveless
        shoulder = neck + dice(0.04, 0.09)
        strokes += both(points((neck, 0), (shoulder, 0.01)), curve((shoulder, 0.01), (shoulder, 0.16), (bust, 0.26)))
    else:  # sleeves
        upper = Upper(dice, sleeve=(0.12, 0.26) if kind == 2 else (0.4, 0.62), length=(0.5, 0.6), spread=(12, 65))
        upper.neck, bust = neck, upper.armpit[0]
        strokes += both(points((neck, 0), upper.shoulder, tuple(upper.outer), tuple(upper.inner), upper.armpit))
        side[0] = upper.armpit
    if kind:
        v_neck = points((-neck, 0), (0, depth + 0.05), (neck, 0))
        strokes.append(v_neck if dice.chance(0.3) else oval(0, 0, 2 * neck, 2 * depth, 0, 0.5))
    hem_line = curve((-hem, bottom), (-hem / 2, bottom + sag), (hem / 2, bottom + sag), (hem, bottom))
    strokes += [*both(side), hem_line]
    if dice.chance(0.6):
        strokes.append(curve((-waist, waist_y), (0, waist_y + dice(-0.01, 0.03)), (waist, waist_y)))
        if dice.chance(0.4):
            strokes.append(points((-waist, waist_y + 0.05), (waist, waist_y + 0.05)))
    if dice.chance(0.35):  # folds
        for part in np.linspace(-0.7, 0.7, dice.count(2, 5)):
            strokes.append(points((part * waist, waist_y + dice(0.03, 0.3)), (part * hem, bottom)))
    if dice.chance(0.2):  # flounces
        y = waist_y + (bottom - waist_y) * dice(0.5, 0.8)
        x = waist + (hem - waist) * (y - waist_y) / (bottom - waist_y)
        strokes.append(curve((-x, y), (0, y + sag), (x, y)))
    if dice.chance(0.15):
        strokes.append(scribble(dice, 0, dice(0.6, 0.9), dice(0.1, 0.25), dice(0.1, 0.3)))
    return strokes


def trouser(dice: Dice) -> Strokes:
    """Two legs; jeans, trousers, wide or narrow, spread or not."""
    waist, bottom, crotch = dice(0.14, 0.24), dice(0.75, 1.25), dice(0.24, 0.42)
    hip = waist * dice(1.0, 1.25)
    spread = dice(0.0, 0.25)
    foot = dice(0.07, 0.17)
    inside = dice(0.01, 0.08) + spread
    outside = max(inside + foot, hip * 0.8)
    outer = [(waist, 0.0), (hip, crotch * 0.7), (outside, bottom)]
    outer_line = curve(*outer) if dice.chance(0.5) else points(*outer)
    strokes = [*both(outer_line), *both(points((outside, bottom), (inside, bottom)))]
    if dice.chance(0.15):  # the legs close: one line between them
        strokes.append(points((0, crotch), (0, bottom)))
        strokes.append(points((-inside, bottom), (inside, bottom)))
    else:
        strokes += both(points((0, crotch), (inside, bottom)))
    strokes.append(curve((-waist, 0), (0, dice(-0.01, 0.03)), (waist, 0)))
    if dice.chance(0.6):
        band = dice(0.04, 0.08)
        strokes.append(points((-waist * 1.02, band), (waist * 1.02, band)))
        if dice.chance(0.4):
            strokes += [points((x, -0.01), (x, band + 0.01)) for x in np.linspace(-0.8, 0.8, dice.count(3, 5)) * waist]
        if dice.chance(0.4):
            strokes.append(oval(0, band / 2, 0.03, 0.03))
    if dice.chance(0.6):
        strokes.append(points((0, 0.05), (0, crotch)))
        if dice.chance(0.4):
            strokes.append(curve((0.04, 0.05), (0.04, crotch * 0.5), (0, crotch * 0.75)))
    if dice.chance(0.6):
        strokes += both(curve((waist * 0.45, 0.05), (waist * 0.6, 0.12), (waist * 1.05, 0.16)))
    if dice.chance(0.25):
        y = bottom - dice(0.03, 0.08)
        strokes += both(points((inside, y), (outside, y)))
    if dice.chance(0.2):
        strokes += both(points(((waist + 0.02) / 2, 0.2), ((inside + outside) / 2, bottom)))  # creases
    return strokes


# --- shoes, seen from the side with the toe to the right -----------------------------------------------------------


def laces(dice: Dice, start: tuple[float, float], end: tuple[float, float], width: float) -> Strokes:
    """Short lines, or crosses, across the instep from ``start`` to ``end``."""
    a, b = np.array(start), np.array(end)
    along = (b - a) / np.linalg.norm(b - a)
    across = np.array([-along[1], along[0]]) * width
    crossed = dice.chance(0.3)
    strokes = []
    for part in np.linspace(0.1, 0.9, dice.count(3, 6)):
        middle = a + part * (b - a)
        skew = 0.03 * along if crossed else 0 * along
        strokes.append(np.array([middle, middle + across + skew]))
        if crossed:
            strokes.append(np.array([middle + skew, middle + across]))
    return strokes


def sole(dice: Dice, left: float, right: float, y: float, thickness: float, heel: float = 0.0) -> Strokes:
    """A sole under a shoe from ``left`` to ``right``, with a heel block of height ``heel`` when there is one."""
    floor = y + thickness + heel
    if heel <= 0:
        outline = points((left, y), (left - 0.01, floor), (right - 0.02, floor), (right + 0.01, y))
        return [outline, points((left, y), (right, y))] if dice.chance(0.7) else [outline]
    width = dice(0.08, 0.3)
    arch = left + width + dice(0, 0.05)
    return [points((left, y), (left + 0.01, floor), (left + width, floor), (arch, y + thickness), (right - 0.2, floor),
                   (right - 0.03, floor), (right + 0.01, floor - thickness), (right, y))]  # fmt: skip


def sneaker(dice: Dice) -> Strokes:
    """A low shoe: sneaker, trainer, lace-up, slip-on; from the side, a little from above, or one or two from above."""
    if dice.chance(0.1):
        return _shoe_looked_down_at(dice)
    return [_low_shoe, _low_shoe, _shoe_from_above, _round_shoe, _round_shoe][dice.count(0, 4)](dice)


def _foot(dice: Dice, height: float, opening: float, start: float) -> Stroke:
    """Instep, toe and tip of a round shoe whose floor is at ``height``, from the opening's front edge at ``start``."""
    toe = dice(0.35, 0.75) * height  # how high it bulges
    dip = min(toe, dice(0.3, 0.7) * height)  # of the instep before it
    at = dice(0.78, 0.9)
    return curve((opening, start), (opening + 0.35 * (at - opening), height - dip - 0.35 * (height - dip - start)),
                 (opening + 0.7 * (at - opening), height - dip), (at, height - toe),
                 (1.0, height - 0.55 * toe), (dice(0.97, 1.03), height))  # fmt: skip


def _round_shoe(dice: Dice) -> Strokes:
    """As most people draw one: a bulging toe, a hollow instep, a bent sole; with a heel or without, tongue and bow."""
    height, opening = dice(0.2, 0.5), dice(0.25, 0.5)
    back, tongue = dice(-0.06, 0.08), dice(-0.12, 0.06)
    sag = back + dice(0.02, 0.12)
    strokes = [
        curve((dice(-0.02, 0.06), back), (dice(-0.06, 0.03), 0.5 * height), (0.0, height)),
        _foot(dice, height, opening, tongue),
        curve((dice(0, 0.04), back), (opening * 0.5, sag), (opening, tongue)),
    ]
    kind = dice.count(0, 3)
    if kind == 0:  # only a line below
        strokes.append(curve((0.0, height), (0.5, height - dice(-0.02, 0.05)), (1.0, height)))
    elif kind == 1:  # a thick sole that follows the foot
        thick, arch = dice(0.04, 0.12), dice(0.0, 0.06)
        strokes.append(curve((-0.01, height), (0.45, height - arch), (1.01, height)))
        strokes.append(curve((0.0, height), (-0.02, height + thick * 0.8), (0.2, height + thick),
                             (0.5, height + thick - arch), (0.9, height + thick), (1.02, height + thick * 0.6),
                             (1.0, height)))  # fmt: skip
    else:
        strokes += sole(dice, 0.0, 1.0, height, dice(0.02, 0.08), dice(0.03, 0.16) if kind == 3 else 0.0)
    if dice.chance(0.5):
        strokes += laces(dice, (opening + 0.02, tongue + 0.05), (0.66, height * dice(0.4, 0.6)), dice(0.06, 0.16))
    if dice.chance(0.3):
        strokes += bow(dice, opening + dice(-0.05, 0.15), tongue + dice(-0.08, 0.06))
    if dice.chance(0.35):  # where the upper parts meet
        strokes.append(curve((opening * dice(0.6, 1), sag), (opening * dice(0.8, 1.2), 0.6 * height), (0.3, height)))
    if dice.chance(0.35):  # toe cap
        strokes.append(curve((0.8, height * 0.45), (dice(0.66, 0.76), 0.7 * height), (0.76, height)))
    if dice.chance(0.3):  # the edge of the opening, once more
        strokes.append(curve((0.04, back + 0.05), (opening * 0.5, sag + 0.05), (opening, tongue + 0.06)))
    if dice.chance(0.25):  # the far edge of the opening
        strokes.append(curve((0.02, back), (opening * 0.5, min(back, tongue) - dice(0.0, 0.05)), (opening, tongue)))
    return strokes


def _shoe_from_above(dice: Dice) -> Strokes:
    height, opening = dice(0.35, 0.62), dice(0.28, 0.42)
    top, toe = dice(-0.04, 0.1), dice(0.3, 0.65) * height
    back = curve((opening * 0.1, top), (dice(-0.05, 0.02), 0.5 * height), (0.0, height))
    front = curve((opening, top + dice(-0.06, 0.04)), (0.56, top + 0.5 * toe), (0.78, height - toe),
                  (0.98, height - 0.7 * toe), (1.03, height - 0.2 * toe), (0.99, height))  # fmt: skip
    strokes = [back, front]
    if dice.chance(0.6):  # the opening
        strokes.append(oval(opening * 0.55, top + 0.02, opening * dice(0.85, 1.05), dice(0.08, 0.2)))
    else:
        strokes.append(curve((opening * 0.1, top), (opening * 0.5, top + dice(0.03, 0.12)), (opening, top)))
    strokes += sole(dice, 0.0, 1.0, height, dice(0.03, 0.1), dice(0.03, 0.12) if dice.chance(0.4) else 0.0)
    if dice.chance(0.75):
        strokes += laces(dice, (opening, top + 0.04), (0.7, height - toe), dice(0.08, 0.2))
    if dice.chance(0.35):
        strokes += bow(dice, opening + dice(0.02, 0.12), top + dice(-0.02, 0.08))
    if dice.chance(0.4):  # toe cap
        strokes.append(curve((0.8, height - toe), (0.74, height - 0.4 * toe), (0.76, height)))
    if dice.chance(0.4):  # the part that is laced
        strokes.append(curve((opening * 0.9, top + 0.06), (0.42, height * 0.55), (0.7, height * dice(0.6, 0.8))))
    if dice.chance(0.3):
        strokes.append(curve((0.02, height * 0.4), (opening * 0.6, height * 0.55), (opening * 0.7, height)))
    return strokes


def _shoe_looked_down_at(dice: Dice) -> Strokes:
    """As one looks down at one's own feet: the whole upper, its opening, laces between the two; often a pair."""
    width, waist = dice(0.34, 0.44), dice(0.8, 0.95)
    w = width / 2
    outline = curve((0, 0), (w * 0.75, 0.06), (w, 0.25), (w * waist, 0.6), (w * 0.85, 0.9), (0, 1.0), (-w * 0.85, 0.9),
                    (-w * waist, 0.6), (-w, 0.25), (-w * 0.75, 0.06), closed=True)  # fmt: skip
    top, opening = dice(0.5, 0.62), dice(0.5, 0.8)  # where the opening begins, its width as a part of the shoe's
    strokes: Strokes = [outline, oval(0, (top + 0.94) / 2, width * opening, 0.94 - top)]
    toe = dice(0.2, 0.34)
    if dice.chance(0.8):
        strokes += both(curve((w * 0.18, toe), (w * 0.4, (toe + top) / 2), (w * 0.5, top + 0.05)))
        for y in np.linspace(toe + 0.03, top - 0.02, dice.count(3, 6)):
            strokes.append(points((-w * 0.3, y), (w * 0.3, y)))
    if dice.chance(0.5):  # toe cap
        strokes.append(curve((-w, toe + 0.05), (0, toe - dice(0.02, 0.1)), (w, toe + 0.05)))
    if dice.chance(0.3):
        strokes += bow(dice, 0, top - 0.05)
    if dice.chance(0.7):
        strokes = pair(dice, strokes, width)
    return turned(strokes, dice(-25, 25))


def pair(dice: Dice, strokes: Strokes, width: float) -> Strokes:
    """The strokes of one shoe of that width, and of the other one beside it."""
    offset = np.array([width * dice(1.05, 1.4), dice(-0.02, 0.02)])
    return strokes + [mirrored(stroke) + offset for stroke in strokes]


def _low_shoe(dice: Dice) -> Strokes:
    height, toe = dice(0.28, 0.46), dice(0.09, 0.18)
    opening, tongue = dice(0.25, 0.38), dice(-0.04, 0.06)
    heel_x = dice(-0.02, 0.04)
    back = [(heel_x, height), (heel_x - 0.02, height * 0.5), (heel_x + 0.02, 0.0)]
    throat = (opening, tongue * dice(0, 1))
    instep = [throat, (opening + 0.14, height * 0.25), (0.62, height * 0.5), (0.82, height - toe)]
    front = [(0.97, height - toe * 0.7), (1.0, height)]
    strokes = [
        curve(*back),
        curve((heel_x + 0.02, 0.0), (opening / 2, dice(0.03, 0.1)), throat),
        curve(*instep, *front),
    ]
    heel = dice(0.03, 0.14) if dice.chance(0.35) else 0.0  # a leather shoe, or a flat one
    strokes += sole(dice, heel_x, 1.0, height, 0.025 if heel else dice(0.03, 0.09), heel)
    if dice.chance(0.7):
        strokes += laces(dice, (opening + 0.03, height * 0.12), (0.66, height * 0.52), dice(0.06, 0.12))
    if dice.chance(0.4):
        strokes.append(curve((0.72, height * 0.6), (0.74, height * 0.8), (0.7, height)))  # toe cap
    if dice.chance(0.35):
        strokes.append(curve((0.15, 0.06), (0.2, height * 0.5), (0.18, height)))  # heel part
    if dice.chance(0.3):
        x = dice(0.35, 0.5)
        for apart in np.linspace(0, 0.14, dice.count(2, 3)):
            strokes.append(points((x + apart, height * 0.3), (x + apart - 0.06, height)))
    elif dice.chance(0.2):
        strokes.append(curve((0.3, height * 0.6), (0.45, height * 0.85), (0.75, height * 0.55)))  # swoosh
    if dice.chance(0.3):
        strokes.append(curve((opening - 0.04, 0.02), (opening, -0.08), (opening + 0.06, 0.02)))  # tongue
    if dice.chance(0.2):
        strokes += bow(dice, opening + 0.06, height * 0.1)
    return strokes


def bow(dice: Dice, x: float, y: float) -> Strokes:
    """Two loops and two ends of a lace."""
    size = dice(0.06, 0.12)
    return [oval(x - size / 2, y - size / 3, size, size / 2), oval(x + size / 2, y - size / 3, size, size / 2),
            curve((x, y), (x + size / 2, y + size / 2), (x + size, y + size / 3))]  # fmt: skip


def ankle_boot(dice: Dice) -> Strokes:
    """A shaft above the ankle; with and without heel, laced, zipped or plain."""
    return _round_boot(dice) if dice.chance(0.35) else _boot(dice)


def _round_boot(dice: Dice) -> Strokes:
    """A straight shaft on a long foot with a round toe."""
    height, width, shaft = dice(0.22, 0.4), dice(0.26, 0.48), dice(0.2, 0.75)
    lean, flare = dice(-0.06, 0.06), dice(-0.02, 0.08)
    left, right = (lean - flare, -shaft), (lean + width + flare, -shaft + dice(-0.04, 0.04))
    strokes = [
        curve(left, (lean * 0.5, -0.4 * shaft), (dice(-0.03, 0.04), 0.3 * height), (0.0, height)),
        curve(right, (width + dice(-0.03, 0.03), -0.4 * shaft), (width + dice(0, 0.04), 0.0)),
        _foot(dice, height, width + 0.02, 0.0),
        curve(left, ((left[0] + right[0]) / 2, -shaft + dice(-0.05, 0.08)), right),
    ]
    heel = dice(0.06, 0.2) if dice.chance(0.5) else 0.0
    strokes += sole(dice, 0.0, 1.0, height, dice(0.02, 0.08), heel)
    if dice.chance(0.4):
        strokes += laces(dice, (width, -shaft * dice(0.3, 0.85)), (0.7, height * 0.4), dice(0.06, 0.14))
    if dice.chance(0.3):
        y = -shaft + dice(0.05, 0.15)
        strokes.append(points((left[0] - 0.02, y), (right[0] + 0.02, y)))  # cuff
    if dice.chance(0.3):
        strokes.append(curve((0.0, 0.1 * height), (width * 0.6, dice(0.0, 0.5) * height), (width + 0.05, 0.2 * height)))
    if dice.chance(0.25):
        strokes.append(oval(lean + dice(-0.05, width), -shaft - 0.02, dice(0.04, 0.1), dice(0.05, 0.12)))  # pull loop
    return strokes


def _boot(dice: Dice) -> Strokes:
    shaft, width = dice(0.35, 0.9), dice(0.32, 0.46)
    height, toe = dice(0.2, 0.3), dice(0.1, 0.18)
    lean = dice(-0.05, 0.05)
    ankle = (width + dice(0.0, 0.05), -height * dice(0.0, 0.35))
    top_left, top_right = (lean, -shaft), (lean + width * dice(0.9, 1.15), -shaft + dice(-0.05, 0.05))
    back = curve((0.0, height), (dice(-0.02, 0.03), 0.0), (dice(0, 0.05), -shaft * 0.5), top_left)
    front = curve(top_right, (width, -shaft * 0.5), ankle, (0.66, height * 0.3), (0.85, height - toe),
                  (0.98, height - toe / 2), (1.0, height))  # fmt: skip
    dip = ((top_left[0] + top_right[0]) / 2, -shaft + dice(0.02, 0.08))
    strokes = [back, front, points(top_left, top_right) if dice.chance(0.5) else curve(top_left, dip, top_right)]
    heel = dice(0.1, 0.35) if dice.chance(0.35) else dice(0.03, 0.09) if dice.chance(0.6) else 0.0
    strokes += sole(dice, 0.0, 1.0, height, dice(0.02, 0.08), heel)
    if dice.chance(0.45):
        strokes += laces(dice, (width * 0.8, -shaft * 0.85), (0.62, height * 0.2), dice(0.08, 0.14))
    elif dice.chance(0.3):
        strokes.append(curve((width * 0.45, -shaft), (width * 0.5, -shaft * 0.3), (width * 0.45, height * 0.6)))
    elif dice.chance(0.3):  # elastic of a chelsea boot
        strokes.append(curve((width * 0.35, -shaft), (width * 0.5, -shaft * 0.1), (width * 0.7, -shaft)))
    if dice.chance(0.25):
        y = -shaft + dice(0.06, 0.14)
        strokes.append(points((top_left[0], y), (top_right[0], y)))  # fur, cuff
    if dice.chance(0.2):
        strokes.append(oval(lean + 0.02, -shaft - 0.03, 0.05, 0.08))  # pull loop
    if dice.chance(0.3):
        strokes.append(curve((0.7, height * 0.5), (0.73, height * 0.8), (0.7, height)))
    if dice.chance(0.2):
        strokes.append(points((0.0, 0.0), (width, -0.02)))  # strap
    return strokes


def sandal(dice: Dice) -> Strokes:
    """From the side: flat, wedge or high heel with straps; from above: flip-flop or slide, one or a pair."""
    return [_sandal_side, _heeled_sandal, _sandal_above, _sandal_above][dice.count(0, 3)](dice)


def _sandal_side(dice: Dice) -> Strokes:
    thick, rise = dice(0.04, 0.12), dice(0.0, 0.14)
    upper = curve((0.0, -rise), (0.3, -rise * 0.6), (0.7, 0.0), (1.0, -0.02))
    floor = points((0.0, -rise), (0.0, thick), (1.0, thick * 0.8), (1.0, -0.02))
    strokes: Strokes = [upper, floor]
    for x in np.linspace(dice(0.5, 0.62), dice(0.75, 0.85), dice.count(1, 3)):  # bands over the foot
        w, h = dice(0.08, 0.16), dice(0.16, 0.34)
        lean = dice(-0.2, 0.0)
        strokes.append(curve((x - w / 2, 0.0), (x - w / 2 + lean / 2, -h * 0.7), (x + lean, -h)))
        strokes.append(curve((x + w / 2, 0.0), (x + w / 2 + lean / 2, -h * 0.6), (x + w * 0.8 + lean, -h * 0.95)))
        strokes.append(points((x + lean, -h), (x + w * 0.8 + lean, -h * 0.95)))
    if dice.chance(0.7):  # strap around the heel
        h = dice(0.2, 0.4)
        strokes.append(curve((0.02, -rise), (-0.02, -rise - h * 0.6), (0.05, -rise - h), (0.3, -rise - h * 0.9)))
        strokes.append(curve((0.3, -rise - h * 0.9), (0.4, -rise - h * 0.4), (0.45, -rise * 0.4)))
    return strokes


def _heeled_sandal(dice: Dice) -> Strokes:
    heel = dice(0.25, 0.6)
    bed = curve((0.0, -heel), (0.25, -heel * 0.85), (0.6, -heel * 0.15), (0.75, 0.0), (1.0, 0.0))
    under = curve((0.08, -heel + 0.05), (0.3, -heel * 0.7), (0.6, 0.0), (0.75, 0.05), (1.0, 0.04))
    w = dice(0.02, 0.1)
    spike = points((0.0, -heel), (0.02, 0.05), (0.02 + w, 0.05), (0.1 + w, -heel * 0.85))
    strokes = [bed, under, spike]
    bands = np.linspace(dice(0.65, 0.72), dice(0.8, 0.9), dice.count(1, 3))
    strokes += [curve((x - 0.06, 0.0), (x, -dice(0.1, 0.2)), (x + 0.07, 0.0)) for x in bands]
    h = dice(0.15, 0.35)
    top = -heel - h
    strokes.append(curve((0.0, -heel), (-0.02, -heel - h / 2), (0.06, top), (0.25, top), (0.34, -heel * 0.7)))
    if dice.chance(0.4):
        strokes.append(curve((0.34, -heel * 0.7), (0.5, -heel * 0.6), (0.7, -0.1)))
    return strokes


def _sandal_above(dice: Dice) -> Strokes:
    width, waist = dice(0.3, 0.46), dice(0.75, 1.0)
    w = width / 2
    outline = curve((0, 0), (w, 0.18), (w * waist, 0.55), (w * 0.9, 0.85), (0, 1.0), (-w * 0.9, 0.85),
                    (-w * waist, 0.55), (-w, 0.18), closed=True)  # fmt: skip
    strokes: Strokes = [outline]
    kind = dice.count(0, 3)
    if kind <= 1:  # flip-flop
        y, end = dice(0.14, 0.26), dice(0.42, 0.62)
        strokes += both(curve((0, y), (w * 0.6, (y + end) / 2 - 0.05), (w * 0.95, end)))
        if dice.chance(0.5):
            strokes += both(curve((0, y + 0.05), (w * 0.5, (y + end) / 2 + 0.02), (w * 0.85, end + 0.05)))
    elif kind == 2:  # slide
        y, h = dice(0.2, 0.35), dice(0.12, 0.3)
        strokes.append(curve((-w, y), (0, y - 0.05), (w, y)))
        strokes.append(curve((-w * 0.95, y + h), (0, y + h - dice(0, 0.08)), (w * 0.95, y + h)))
    else:
        for y in np.linspace(dice(0.15, 0.25), dice(0.6, 0.75), dice.count(2, 4)):
            strokes.append(curve((-w, y), (0, y - 0.04), (w, y)))
    if dice.chance(0.25):
        strokes.append(outline * dice(0.82, 0.9) + np.array([0, 0.07]))
    if dice.chance(0.4):
        strokes = pair(dice, strokes, width)
    return turned(strokes, dice(-35, 35) if dice.chance(0.7) else 90 + dice(-25, 25))


# --- bags ------------------------------------------------------------------------------------------------------------


def bag(dice: Dice) -> Strokes:
    """Handbags, purses, clutches, totes, backpacks, suitcases."""
    return [*2 * [_handbag, _clutch, _backpack, _turned_backpack, _suitcase], _tote][dice.count(0, 10)](dice)


def _body(top: float, bottom: float, height: float, roundness: float) -> Stroke:
    """A closed outline: half widths at top and bottom, corners cut by ``roundness``."""
    r = roundness
    right = [(top - r, 0.0), (top, r), (bottom, height - r), (bottom - r, height)]
    left = [(-x, y) for x, y in reversed(right)]
    corners = [*right, *left, right[0]]
    return points(*corners)


def _handle(dice: Dice, half: float, height: float, y: float = 0.0) -> Strokes:
    shape = dice.count(0, 2)
    if shape == 0:
        bend, high = half * 0.8, y - height * 0.8
        outer = curve((-half, y), (-bend, high), (0, y - height), (bend, high), (half, y))
    elif shape == 1:
        outer = points((-half, y), (-half, y - height), (half, y - height), (half, y))
    else:
        outer = curve((-half, y), (0, y - height), (half, y))
    strokes = [outer]
    if dice.chance(0.5):
        scale = dice(0.75, 0.88)
        strokes.append((outer - np.array([0, y])) * scale + np.array([0, y]))
    return strokes


def _handbag(dice: Dice) -> Strokes:
    top, bottom, height = dice(0.25, 0.5), dice(0.35, 0.55), dice(0.35, 0.75)
    strokes = [_body(top, bottom, height, dice(0, 0.12)), *_handle(dice, top * dice(0.4, 0.95), dice(0.2, 0.7))]
    if dice.chance(0.5):
        y = height * dice(0.3, 0.6)
        strokes.append(curve((-top, 0.02), (-top * 0.6, y), (0, y * 1.1), (top * 0.6, y), (top, 0.02)))
    elif dice.chance(0.6):
        strokes.append(points((-top, height * 0.18), (top, height * 0.18)))
    if dice.chance(0.5):
        y, s = height * dice(0.25, 0.55), dice(0.04, 0.08)
        clasp = points((-s, y), (s, y), (s, y + s), (-s, y + s), (-s, y))
        strokes.append(oval(0, y, s, s) if dice.chance(0.5) else clasp)
    if dice.chance(0.3):
        y, w, h = height * 0.55, bottom * dice(0.4, 0.7), height * dice(0.25, 0.35)
        strokes.append(points((-w, y), (w, y), (w, y + h), (-w, y + h), (-w, y)))
    if dice.chance(0.2):
        strokes.append(scribble(dice, 0, height * 0.6, bottom, height * 0.4))
    return strokes


def _clutch(dice: Dice) -> Strokes:
    half, height = dice(0.4, 0.55), dice(0.35, 0.65)
    strokes = [_body(half, half * dice(0.95, 1.1), height, dice(0, 0.08))]
    y = height * dice(0.35, 0.7)
    flap = dice.count(0, 2)
    if flap == 0:
        strokes.append(points((-half, 0.02), (0, y), (half, 0.02)))
    elif flap == 1:
        strokes.append(curve((-half, 0.05), (-half * 0.7, y), (0, y * 1.1), (half * 0.7, y), (half, 0.05)))
    else:
        strokes.append(points((-half, y), (half, y)))
    if dice.chance(0.6):
        strokes.append(oval(dice(-0.03, 0.03), y, dice(0.04, 0.09), dice(0.04, 0.09)))
    if dice.chance(0.35):  # wrist strap or shoulder strap
        strokes.append(curve((half, 0.1), (half + dice(0.1, 0.3), height * 0.5), (half * 0.9, height * dice(0.8, 1.3))))
    elif dice.chance(0.3):
        strokes += _handle(dice, half * dice(0.7, 1), dice(0.4, 0.9))
    if dice.chance(0.2):  # kiss lock
        strokes += [oval(-0.03, -0.03, 0.05, 0.05), oval(0.03, -0.03, 0.05, 0.05)]
    return strokes


def _tote(dice: Dice) -> Strokes:
    top, height = dice(0.35, 0.48), dice(0.7, 1.0)
    strokes = [_body(top, top * dice(0.8, 1.05), height, dice(0, 0.05))]
    x, h = top * dice(0.35, 0.6), dice(0.25, 0.55)
    strokes += _handle(dice, x, h)
    if dice.chance(0.4):
        strokes.append(scribble(dice, 0, height * 0.5, top * 1.2, height * 0.4))
    if dice.chance(0.4):
        strokes.append(points((-top, 0.06), (top, 0.06)))
    return strokes


def _backpack(dice: Dice) -> Strokes:
    half, height = dice(0.32, 0.46), dice(0.85, 1.2)
    shoulder = dice(0.15, 0.4)
    outline = curve((-half, height - 0.08), (-half * dice(0.95, 1.08), height * 0.5), (-half * 0.92, shoulder),
                    (-half * 0.5, 0.03), (0, 0.0), (half * 0.5, 0.03), (half * 0.92, shoulder),
                    (half * dice(0.95, 1.08), height * 0.5), (half, height - 0.08), (half * 0.7, height),
                    (-half * 0.7, height), closed=True)  # fmt: skip
    strokes = [outline]
    if dice.chance(0.75):
        w, h = dice(0.06, 0.14), dice(0.06, 0.16)
        strokes.append(curve((-w, 0.01), (-w * 0.8, -h), (w * 0.8, -h), (w, 0.01)))
    if dice.chance(0.75):  # front pocket
        y, w = height * dice(0.45, 0.65), half * dice(0.55, 0.85)
        h = height * dice(0.22, 0.32)
        strokes.append(_body(w, w, h, dice(0, 0.08)) + np.array([0.0, y]))
        if dice.chance(0.5):
            strokes.append(points((-w, y + 0.06), (w, y + 0.06)))
    if dice.chance(0.5):  # flap
        y = height * dice(0.3, 0.45)
        edge = shoulder + 0.05
        strokes.append(
            curve((-half * 0.93, edge), (-half * 0.6, y), (0, y + 0.04), (half * 0.6, y), (half * 0.93, edge))
        )
        if dice.chance(0.5):
            strokes.append(points((-0.03, y), (0.03, y), (0.03, y + 0.12), (-0.03, y + 0.12), (-0.03, y)))
    if dice.chance(0.5):  # straps at the sides
        out = dice(0.08, 0.22)
        straps = both(curve((half * 0.85, shoulder), (half + out, height * 0.4), (half + out * 0.7, height * 0.75),
                            (half * 0.95, height * 0.85)))  # fmt: skip
        strokes += straps if dice.chance(0.6) else straps[:1]
    if dice.chance(0.3):
        strokes += both(curve((half, height * 0.6), (half + 0.1, height * 0.65), (half + 0.08, height * 0.9),
                              (half, height * 0.92)))  # fmt: skip
    if dice.chance(0.4):
        strokes.append(oval(0, height * 0.3, half * 1.4, height * 0.35, 0.5, 1.0))  # zip
    if dice.chance(0.3):  # seen from one side
        x, y = half * dice(0.2, 0.7), -dice(0, 0.15)
        side = half + x
        strokes.append(curve((half * 0.4, 0.02), (half * 0.5 + x, 0.02 + y), (half * 0.95 + x, shoulder + y),
                             (side, height * 0.5 + y), (side, height - 0.1 + y), (half * 0.8, height)))  # fmt: skip
    return strokes


def _turned_backpack(dice: Dice) -> Strokes:
    """A backpack seen from one side: a rounded front, the side behind it, and the straps beyond that."""
    half, height = dice(0.26, 0.44), dice(0.7, 1.1)
    x, y = dice(0.08, 0.4) * half * 2, dice(-0.14, 0.06)  # of the back from the front
    shoulder, waist = dice(0.12, 0.4), half * dice(0.9, 1.15)
    front = curve((waist, height), (half, height * 0.55), (half * 0.9, shoulder), (half * 0.45, 0.04), (0, 0),
                  (-half * 0.45, 0.04), (-half * 0.9, shoulder), (-half, height * 0.55), (-waist, height))  # fmt: skip
    strokes = [front, curve((-waist, height), (0, height + dice(-0.02, 0.07)), (waist, height))]
    strokes.append(curve((dice(-0.2, 0.4) * half, 0.01), (half * 0.5 + x, 0.04 + y), (half * 0.9 + x, shoulder + y),
                         (half + x, height * 0.55 + y), (waist + x * dice(0.5, 1), height * 0.96 + y),
                         (waist, height)))  # fmt: skip
    for part in np.linspace(dice(0.3, 0.9), dice(0.9, 1.3), dice.count(0, 3)):  # edges of both straps
        out = part * dice(0.12, 0.3)
        low = dice(0.6, 0.95) * height
        strokes.append(curve((half * 0.6 + x, 0.1 * height + y), (half + x + out, 0.3 * height + y),
                             (half + x + out * dice(0.6, 1), 0.5 * (low + 0.3 * height) + y),
                             (half + x * 0.8, low)))  # fmt: skip
    if dice.chance(0.7):
        w, h, middle = dice(0.05, 0.14), dice(0.05, 0.16), dice(0, x)
        strokes.append(curve((middle - w, 0.02), (middle - w * 0.8, -h), (middle + w * 0.8, -h), (middle + w, 0.02)))
    if dice.chance(0.45):  # lid
        low = height * dice(0.25, 0.5)
        strokes.append(curve((-half, low * 0.9), (-half * 0.5, low), (half * 0.5, low), (half, low * 0.9)))
        buckle = points((0, low - 0.05), (0, low + dice(0.05, 0.2))) + np.array([dice(0, 0.5) * half, 0.0])
        strokes += both(buckle)
    elif dice.chance(0.6):  # zip
        scale = dice(0.6, 0.88)
        strokes.append(front * scale + np.array([0.0, height * (1 - scale) * dice(0.4, 0.9)]))
    for side in [(0.0,), (-0.45, 0.45), ()][dice.count(0, 2)]:  # pockets
        w, h = half * (dice(0.5, 0.8) if side == 0 else dice(0.28, 0.4)), height * dice(0.18, 0.34)
        below = np.array([side * half, height * dice(0.55, 0.62)])
        strokes.append(_body(w, w * dice(0.9, 1.1), h, dice(0, 0.06)) + below)
        if dice.chance(0.5):
            strokes.append(points((-w, h * 0.35), (w, h * 0.35)) + below)
    if dice.chance(0.4):  # pocket at the side
        strokes.append(
            curve((half + 0.02, height * 0.6), (half + x * 0.6, height * 0.58 + y), (half + x, height * 0.62 + y))
        )
    return turned(strokes, dice(-15, 15))


def _suitcase(dice: Dice) -> Strokes:
    is_upright = dice.chance(0.35)
    half, height = (dice(0.28, 0.4), dice(0.8, 1.1)) if is_upright else (dice(0.45, 0.6), dice(0.45, 0.8))
    strokes = [_body(half, half, height, dice(0, 0.1))]
    strokes += _handle(dice, dice(0.08, 0.2), dice(0.07, 0.5 if is_upright else 0.18))
    if dice.chance(0.35):
        strokes.append(_body(half * 0.88, half * 0.88, height * 0.86, dice(0, 0.06)) + np.array([0.0, height * 0.07]))
    if dice.chance(0.35):
        y = height * dice(0.2, 0.5)
        strokes.append(points((-half, y), (half, y)))
    if dice.chance(0.4):
        x = half * dice(0.4, 0.75)
        strokes += both(points((x, 0), (x, height)))
        if dice.chance(0.5):
            strokes += both(points((x + 0.06, 0), (x + 0.06, height)))
    if dice.chance(0.4):
        x, s = half * dice(0.3, 0.6), dice(0.03, 0.06)
        strokes += both(points((x - s, 0.02), (x + s, 0.02), (x + s, 0.08), (x - s, 0.08), (x - s, 0.02)))
    if dice.chance(0.45 if is_upright else 0.15):
        strokes += both(oval(half * 0.8, height + 0.03, 0.07, 0.07))
    if dice.chance(0.25):
        c = dice(0.08, 0.15)
        strokes += both(points((half - c, 0), (half, c)), points((half - c, height), (half, height - c)))
    if dice.chance(0.2):  # seen from one side
        dx, dy = dice(0.1, 0.22), -dice(0.06, 0.15)
        strokes.append(points((half, height), (half + dx, height + dy), (half + dx, dy), (half, 0)))
        strokes.append(points((-half, 0), (-half + dx, dy), (half + dx, dy)))
    return strokes


# In the order of the classes.
TEMPLATES: Final[tuple[Callable[[Dice], Strokes], ...]] = (
    t_shirt,
    trouser,
    pullover,
    dress,
    coat,
    sandal,
    shirt,
    sneaker,
    bag,
    ankle_boot,
)
