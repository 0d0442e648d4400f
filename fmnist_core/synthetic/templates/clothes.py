"""Templates of what covers the body: shirts, pullovers, coats, dresses, trousers; their axis is at x = 0."""

import numpy as np

from fmnist_core.synthetic.strokes import Rng, Stroke, Strokes, both, curve, oval, points, scribble


class Upper:
    """Outline of a garment with a neck, two sleeves and a hem, and where its parts are; right half at x > 0."""

    def __init__(
        self, rng: Rng, sleeve: tuple[float, float], length: tuple[float, float], spread: tuple[float, float]
    ) -> None:
        self.neck = rng.uniform(0.07, 0.15)  # half its width
        self.depth = rng.uniform(0.02, 0.16)
        self.shoulder = (rng.uniform(0.22, 0.3), rng.uniform(0.02, 0.1))
        angle = np.radians(rng.uniform(*spread))  # of the sleeve from straight down
        reach, cuff = rng.uniform(*sleeve), rng.uniform(0.09, 0.16)
        along = np.array([np.sin(angle), np.cos(angle)])
        across = np.array([-along[1], along[0]])  # towards the body
        self.outer = np.array(self.shoulder) + reach * along
        self.inner = self.outer + cuff * across
        self.armpit = (rng.uniform(0.18, 0.24), rng.uniform(0.24, 0.36))
        if self.inner[0] < self.armpit[0] + 0.03:  # a hanging sleeve stays outside the body
            shift = np.array([self.armpit[0] + 0.03 - self.inner[0], 0.0])
            self.outer, self.inner = self.outer + shift, self.inner + shift
        self.bottom = rng.uniform(*length)
        self.hem = self.armpit[0] * rng.uniform(0.85, 1.25)
        self.along, self.across = along, across

    def outline(self, rng: Rng, neckline: str) -> Strokes:
        """Neck, sleeves, sides, hem."""
        side = points(
            (self.neck, 0), self.shoulder, tuple(self.outer), tuple(self.inner), self.armpit, (self.hem, self.bottom)
        )
        if rng.chance(0.4):  # rounder
            bend = (np.array(self.shoulder) + self.outer) / 2 + 0.02 * -self.across
            waist = (min(self.armpit[0], self.hem) - rng.uniform(-0.02, 0.03), (self.armpit[1] + self.bottom) / 2)
            side = np.concatenate([
                curve((self.neck, 0), self.shoulder, tuple(bend), tuple(self.outer)),
                points(tuple(self.inner)), curve(self.armpit, waist, (self.hem, self.bottom)),
            ])  # fmt: skip
        sag = rng.uniform(-0.02, 0.05)
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

    def neckband(self, rng: Rng) -> Stroke:
        """A second line below the neck."""
        band: Stroke = self.neckline("round")[0] * np.array([1.15, 1.0]) + np.array([0.0, rng.uniform(0.02, 0.045)])
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

    def ribs(self, rng: Rng, height: float) -> Strokes:
        """Short upright lines along the hem."""
        places = np.linspace(-self.hem, self.hem, rng.integer(6, 12))[1:-1]
        return [points((x, self.bottom - height), (x, self.bottom)) for x in places]


def buttons(rng: Rng, x: float, top: float, bottom: float) -> Strokes:
    """A row of small circles or dots."""
    size = rng.uniform(0.015, 0.035)
    return [oval(x, y, size, size) for y in np.linspace(top, bottom, rng.integer(3, 6))]


def pocket(rng: Rng, x: float, y: float) -> Stroke:
    """A patch pocket on the chest."""
    w, h = rng.uniform(0.08, 0.13), rng.uniform(0.09, 0.14)
    return points((x - w / 2, y), (x + w / 2, y), (x + w / 2, y + h), (x, y + h * rng.uniform(1, 1.25)),
                  (x - w / 2, y + h), (x - w / 2, y))  # fmt: skip


def t_shirt(rng: Rng) -> Strokes:
    """Short sleeves or none, no opening in front."""
    if rng.chance(0.12):
        return _sleeveless_top(rng)
    top = Upper(rng, sleeve=(0.12, 0.34), length=(0.62, 0.95), spread=(15, 88))
    strokes = top.outline(rng, ["round", "round", "v", "straight"][rng.integer(0, 3)])
    if rng.chance(0.35):  # neckband
        strokes.append(top.neckband(rng))
    if rng.chance(0.3):
        strokes += top.armholes()
    if rng.chance(0.3):
        strokes += top.cuffs(rng.uniform(0.02, 0.05))
    if rng.chance(0.2):
        strokes += top.hem_band(rng.uniform(0.02, 0.05))
    if rng.chance(0.35):
        strokes.append(
            scribble(
                rng, rng.uniform(-0.03, 0.03), rng.uniform(0.3, 0.5), rng.uniform(0.1, 0.28), rng.uniform(0.05, 0.2)
            )
        )
    elif rng.chance(0.2):
        strokes.append(pocket(rng, rng.uniform(0.08, 0.12), rng.uniform(0.25, 0.32)))
    return strokes


def _sleeveless_top(rng: Rng) -> Strokes:
    """A tank top or a vest: wide armholes, with shoulders or with straps."""
    neck, strap = rng.uniform(0.06, 0.14), rng.uniform(0.03, 0.1)
    depth, bust, armpit = rng.uniform(0.08, 0.24), rng.uniform(0.17, 0.24), rng.uniform(0.24, 0.34)
    bottom, hem = rng.uniform(0.62, 0.9), bust * rng.uniform(0.85, 1.2)
    outer = neck + strap
    armhole = curve((outer, 0.01), (outer - rng.uniform(0, 0.03), 0.6 * armpit), (bust, armpit))
    sides = both(points((neck, 0), (outer, 0.01)), armhole, points((bust, armpit), (hem, bottom)))
    hem_line = curve((-hem, bottom), (0, bottom + rng.uniform(-0.02, 0.05)), (hem, bottom))
    v_neck = points((-neck, 0), (0, depth + 0.05), (neck, 0))
    strokes = [*sides, hem_line, v_neck if rng.chance(0.3) else oval(0, 0, 2 * neck, 2 * depth, 0, 0.5)]
    if rng.chance(0.3):  # the neck's edge behind
        strokes.append(oval(0, 0, 2 * neck, rng.uniform(0.02, 0.08), 0, 0.5))
    if rng.chance(0.25):
        strokes.append(scribble(rng, 0, rng.uniform(0.35, 0.5), rng.uniform(0.1, 0.28), rng.uniform(0.05, 0.2)))
    return strokes


def pullover(rng: Rng) -> Strokes:
    """Long or three-quarter sleeves, no opening in front; sweaters and hoodies."""
    top = Upper(rng, sleeve=(0.36, 0.78), length=(0.6, 0.95), spread=(10, 85))
    strokes = top.outline(rng, ["round", "round", "v", "straight"][rng.integer(0, 3)])
    kind = rng.integer(0, 5)
    if kind == 0:  # turtleneck
        h = rng.uniform(0.06, 0.14)
        n = top.neck
        strokes.append(points((-n, 0), (-0.9 * n, -h), (0.9 * n, -h), (n, 0)))
    elif kind == 1:  # hood
        w, h = top.neck * rng.uniform(1.2, 1.7), rng.uniform(0.15, 0.28)
        strokes.append(curve((-top.neck, 0), (-w, -0.6 * h), (0, -h), (w, -0.6 * h), (top.neck, 0)))
        if rng.chance(0.5):
            strokes += both(points((0.03, top.depth), (0.03, top.depth + rng.uniform(0.08, 0.18))))
    elif kind < 4:
        strokes.append(top.neckband(rng))
    if rng.chance(0.5):
        strokes += top.cuffs(rng.uniform(0.03, 0.08))
    if rng.chance(0.5):
        height = rng.uniform(0.03, 0.09)
        strokes += top.hem_band(height)
        if rng.chance(0.4):
            strokes += top.ribs(rng, height)
    if rng.chance(0.35):
        strokes += top.armholes()
    if rng.chance(0.2):
        w, y = rng.uniform(0.08, 0.14), top.bottom - rng.uniform(0.06, 0.12)
        strokes.append(points((-w, y), (-0.7 * w, y - 0.14), (0.7 * w, y - 0.14), (w, y)))  # pouch
    elif rng.chance(0.3):
        strokes.append(scribble(rng, 0, rng.uniform(0.3, 0.5), rng.uniform(0.12, 0.28), rng.uniform(0.05, 0.2)))
    elif rng.chance(0.25):
        strokes += [points((-0.2, y), (0.2, y)) for y in np.linspace(0.3, top.bottom - 0.1, rng.integer(2, 5))]
    return strokes


def coat(rng: Rng) -> Strokes:
    """Long sleeves and open in front: jackets and coats."""
    if rng.chance(0.15):
        return _open_jacket(rng)
    is_long = rng.chance(0.45)
    top = Upper(rng, sleeve=(0.42, 0.72), length=(0.95, 1.5) if is_long else (0.6, 0.95), spread=(8, 75))
    if is_long:
        top.hem *= rng.uniform(1, 1.35)
    strokes = top.outline(rng, ["round", "v", "straight"][rng.integer(0, 2)])
    start, middle = (top.depth if rng.chance(0.7) else 0.0), rng.uniform(-0.015, 0.015)
    front = rng.integer(0, 3)
    if front == 0:  # two edges apart
        gap = rng.uniform(0.02, 0.1)
        strokes += both(points((0.5 * gap, start), (gap * rng.uniform(0.5, 1.3), top.bottom)))
    elif front == 1:  # zip
        strokes.append(points((middle, start), (middle, top.bottom)))
        if rng.chance(0.5):
            strokes.append(points((middle + 0.03, start), (middle + 0.03, top.bottom)))
    else:
        strokes.append(points((middle, start), (middle, top.bottom)))
        strokes += buttons(rng, middle + rng.uniform(0.02, 0.06), start + 0.1, top.bottom - rng.uniform(0.1, 0.3))
        if rng.chance(0.25):
            strokes += buttons(rng, middle - rng.uniform(0.04, 0.08), start + 0.1, top.bottom - 0.2)
    collar = rng.integer(0, 4)
    n = top.neck
    if collar == 0:  # lapels
        y = rng.uniform(0.18, 0.4)
        strokes += both(
            points((n, 0), (n * rng.uniform(1.1, 1.7), 0.45 * y), (n * rng.uniform(0.7, 1.2), 0.5 * y), (0.01, y))
        )
    elif collar == 1:  # hood
        w, h = n * rng.uniform(1.2, 1.8), rng.uniform(0.16, 0.3)
        strokes.append(curve((-n, 0), (-w, -0.6 * h), (0, -h), (w, -0.6 * h), (n, 0)))
    elif collar == 2:  # stand-up collar
        h = rng.uniform(0.05, 0.12)
        strokes.append(points((-n, 0), (-0.95 * n, -h), (0.95 * n, -h), (n, 0)))
    elif collar == 3:  # turned-down collar
        strokes += both(points((n, 0), (n * 1.5, rng.uniform(0.07, 0.13)), (0.01, rng.uniform(0.08, 0.14))))
    if rng.chance(0.55):
        y, x = top.bottom * rng.uniform(0.55, 0.75), rng.uniform(0.08, 0.12)
        slant = rng.uniform(-0.06, 0.06)
        strokes += both(points((x, y), (x + rng.uniform(0.05, 0.08), y + slant)))
    if rng.chance(0.4):
        strokes += top.cuffs(rng.uniform(0.03, 0.08))
    if rng.chance(0.35):
        strokes += top.armholes()
    if is_long and rng.chance(0.3):
        y = rng.uniform(0.5, 0.62)
        strokes += [points((-0.2, y), (0.2, y)), points((-0.2, y + 0.05), (0.2, y + 0.05))]  # belt
    elif not is_long and rng.chance(0.3):
        strokes += top.hem_band(rng.uniform(0.04, 0.09))
    elif rng.chance(0.2):  # quilted
        strokes += [points((-0.2, y), (0.2, y)) for y in np.arange(0.2, top.bottom - 0.05, rng.uniform(0.1, 0.16))]
    return strokes


def _open_jacket(rng: Rng) -> Strokes:
    """As many people draw one: two halves that hang apart, each with its sleeve."""
    top = Upper(rng, sleeve=(0.4, 0.7), length=(0.5, 0.95), spread=(10, 80))
    above, below = rng.uniform(0, 0.05), rng.uniform(0.04, 0.14)  # half the gap between the halves
    outer = [(top.neck, 0.0), top.shoulder, tuple(top.outer), tuple(top.inner), top.armpit, (top.hem, top.bottom)]
    edge = curve((top.neck, 0), (0.5 * (top.neck + above), 0.5 * top.depth + 0.05), (above, top.depth + 0.12),
                 (below, top.bottom + rng.uniform(-0.03, 0.05)))  # fmt: skip
    hem = points((top.hem, top.bottom), tuple(edge[-1]))
    strokes = both(points(*outer), edge, hem)
    if rng.chance(0.6):  # the neck behind
        strokes.append(curve((-top.neck, 0), (0, rng.uniform(-0.04, 0.04)), (top.neck, 0)))
    if rng.chance(0.4):  # lapels
        y = rng.uniform(0.2, 0.45)
        strokes += both(points((top.neck, 0), (top.neck * rng.uniform(1.1, 1.7), 0.5 * y), tuple(edge[8])))
    if rng.chance(0.3):
        strokes += top.cuffs(rng.uniform(0.03, 0.08))
    if rng.chance(0.3):
        strokes += top.armholes()
    if rng.chance(0.3):
        strokes += both(points((0.11, 0.7 * top.bottom), (0.17, 0.7 * top.bottom)))
    return strokes


def shirt(rng: Rng) -> Strokes:
    """A collar and a row of buttons; sleeves long or short."""
    is_short = rng.chance(0.3)
    top = Upper(rng, sleeve=(0.15, 0.28) if is_short else (0.42, 0.7), length=(0.65, 0.95), spread=(10, 75))
    strokes = top.outline(rng, "straight" if rng.chance(0.6) else "v")
    n = top.neck
    point, drop = n * rng.uniform(0.9, 1.5), rng.uniform(0.08, 0.15)
    strokes += both(points((0.01, rng.uniform(0.04, 0.08)), (point * 0.7, drop), (n * 1.1, 0.0)))
    if rng.chance(0.5):  # stand of the collar
        strokes.append(curve((-n, 0), (0, -rng.uniform(0.02, 0.05)), (n, 0)))
    start = rng.uniform(0.05, 0.1)
    plackets = rng.integer(0, 2)
    if plackets:
        strokes.append(points((0, start), (0, top.bottom)))
    if plackets == 2:
        strokes.append(points((0.04, start), (0.04, top.bottom)))
    if plackets != 1 or rng.chance(0.8):
        strokes += buttons(rng, rng.uniform(0.005, 0.03), start + 0.06, top.bottom - 0.08)
    if rng.chance(0.5):
        strokes.append(pocket(rng, rng.uniform(0.09, 0.13), rng.uniform(0.22, 0.3)))
    if rng.chance(0.5):
        strokes += top.cuffs(rng.uniform(0.03, 0.07))
    if rng.chance(0.3):
        strokes += top.armholes()
    if rng.chance(0.15):  # checks
        strokes += [points((-0.2, y), (0.2, y)) for y in np.linspace(0.15, top.bottom - 0.1, rng.integer(3, 5))]
        strokes += [points((x, 0.12), (x, top.bottom)) for x in np.linspace(-0.15, 0.15, rng.integer(3, 5))]
    return strokes


def dress(rng: Rng) -> Strokes:
    """Straps, no sleeves, short or long sleeves; a waist; a skirt. A skirt alone is nearest to a dress."""
    if rng.chance(0.07):
        return _skirt(rng)
    bottom, waist_y = rng.uniform(1.0, 1.6), rng.uniform(0.38, 0.56)
    bust, waist, hem = rng.uniform(0.15, 0.22), rng.uniform(0.11, 0.19), rng.uniform(0.2, 0.55)
    neck, depth = rng.uniform(0.06, 0.13), rng.uniform(0.03, 0.16)
    kind = rng.integer(0, 3)
    strokes: Strokes = []
    sag = rng.uniform(0, 0.06)
    skirt = [(bust, 0.26), (waist, waist_y), (hem, bottom)]
    if rng.chance(0.4):  # narrow all the way, or bell-shaped
        skirt.insert(
            2, (waist + (hem - waist) * rng.uniform(0.6, 0.95), waist_y + (bottom - waist_y) * rng.uniform(0.25, 0.5))
        )
    side = curve(*skirt) if rng.chance(0.6) else points(*skirt)
    if kind == 0:  # straps
        strap, y = rng.uniform(0.1, 0.15), rng.uniform(0.16, 0.24)
        top = curve((-bust, 0.26), (-strap, y), (0, y + rng.uniform(-0.03, 0.06)), (strap, y), (bust, 0.26))
        strokes += [top, *both(points((strap, y), (strap * rng.uniform(0.7, 1), 0)))]
        if rng.chance(0.6):
            strokes += both(points((strap - 0.025, y), (strap * 0.8 - 0.025, 0)))
    elif kind == 1:  # sleeveless
        shoulder = neck + rng.uniform(0.04, 0.09)
        strokes += both(points((neck, 0), (shoulder, 0.01)), curve((shoulder, 0.01), (shoulder, 0.16), (bust, 0.26)))
    else:  # sleeves
        upper = Upper(rng, sleeve=(0.12, 0.26) if kind == 2 else (0.4, 0.62), length=(0.5, 0.6), spread=(12, 65))
        strokes += both(points((neck, 0), upper.shoulder, tuple(upper.outer), tuple(upper.inner), upper.armpit))
        side[0] = upper.armpit
    if kind:
        v_neck = points((-neck, 0), (0, depth + 0.05), (neck, 0))
        strokes.append(v_neck if rng.chance(0.3) else oval(0, 0, 2 * neck, 2 * depth, 0, 0.5))
    hem_line = curve((-hem, bottom), (-hem / 2, bottom + sag), (hem / 2, bottom + sag), (hem, bottom))
    strokes += [*both(side), hem_line]
    if rng.chance(0.6):
        strokes.append(curve((-waist, waist_y), (0, waist_y + rng.uniform(-0.01, 0.03)), (waist, waist_y)))
        if rng.chance(0.4):
            strokes.append(points((-waist, waist_y + 0.05), (waist, waist_y + 0.05)))
    if rng.chance(0.35):  # folds
        for part in np.linspace(-0.7, 0.7, rng.integer(2, 5)):
            strokes.append(points((part * waist, waist_y + rng.uniform(0.03, 0.3)), (part * hem, bottom)))
    if rng.chance(0.2):  # flounces
        y = waist_y + (bottom - waist_y) * rng.uniform(0.5, 0.8)
        x = waist + (hem - waist) * (y - waist_y) / (bottom - waist_y)
        strokes.append(curve((-x, y), (0, y + sag), (x, y)))
    if rng.chance(0.15):
        strokes.append(scribble(rng, 0, rng.uniform(0.6, 0.9), rng.uniform(0.1, 0.25), rng.uniform(0.1, 0.3)))
    return strokes


def _skirt(rng: Rng) -> Strokes:
    """From the waist down: wide or narrow, with folds, flounces or neither."""
    waist, hem, bottom = rng.uniform(0.14, 0.22), rng.uniform(0.22, 0.6), rng.uniform(0.4, 1.0)
    bow = rng.uniform(-0.06, 0.06)  # of the sides
    side = curve((waist, 0), ((waist + hem) / 2 + bow, bottom / 2), (hem, bottom))
    sag = rng.uniform(0.0, 0.1)
    hem_line = curve((-hem, bottom), (-hem / 2, bottom + sag), (hem / 2, bottom + sag), (hem, bottom))
    strokes = [*both(side), points((-waist, 0), (waist, 0)), hem_line]
    if rng.chance(0.7):
        band = rng.uniform(0.03, 0.09)
        strokes.append(points((-waist - 0.01, band), (waist + 0.01, band)))
    if rng.chance(0.6):  # folds
        strokes += [
            points((part * waist, bottom * rng.uniform(0.1, 0.5)), (part * hem, bottom + 0.6 * sag))
            for part in np.linspace(-0.75, 0.75, rng.integer(2, 7))
        ]
    return strokes


def trouser(rng: Rng) -> Strokes:
    """Two legs; jeans, trousers, wide or narrow, spread or not."""
    waist, bottom, crotch = rng.uniform(0.14, 0.24), rng.uniform(0.75, 1.25), rng.uniform(0.24, 0.42)
    hip = waist * rng.uniform(1.0, 1.25)
    spread = rng.uniform(0.0, 0.25)
    foot = rng.uniform(0.07, 0.17)
    inside = rng.uniform(0.01, 0.08) + spread
    outside = max(inside + foot, hip * 0.8)
    outer = [(waist, 0.0), (hip, crotch * 0.7), (outside, bottom)]
    outer_line = curve(*outer) if rng.chance(0.5) else points(*outer)
    strokes = [*both(outer_line), *both(points((outside, bottom), (inside, bottom)))]
    if rng.chance(0.15):  # the legs close: one line between them
        strokes.append(points((0, crotch), (0, bottom)))
        strokes.append(points((-inside, bottom), (inside, bottom)))
    else:
        strokes += both(points((0, crotch), (inside, bottom)))
    strokes.append(curve((-waist, 0), (0, rng.uniform(-0.01, 0.03)), (waist, 0)))
    if rng.chance(0.6):
        band = rng.uniform(0.04, 0.08)
        strokes.append(points((-waist * 1.02, band), (waist * 1.02, band)))
        if rng.chance(0.4):
            strokes += [points((x, -0.01), (x, band + 0.01)) for x in np.linspace(-0.8, 0.8, rng.integer(3, 5)) * waist]
        if rng.chance(0.4):
            strokes.append(oval(0, band / 2, 0.03, 0.03))
    if rng.chance(0.6):
        strokes.append(points((0, 0.05), (0, crotch)))
        if rng.chance(0.4):
            strokes.append(curve((0.04, 0.05), (0.04, crotch * 0.5), (0, crotch * 0.75)))
    if rng.chance(0.6):
        strokes += both(curve((waist * 0.45, 0.05), (waist * 0.6, 0.12), (waist * 1.05, 0.16)))
    if rng.chance(0.25):
        y = bottom - rng.uniform(0.03, 0.08)
        strokes += both(points((inside, y), (outside, y)))
    if rng.chance(0.2):
        strokes += both(points(((waist + 0.02) / 2, 0.2), ((inside + outside) / 2, bottom)))  # creases
    return strokes
