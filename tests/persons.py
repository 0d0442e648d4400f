"""Persons, drawn: of any tone of skin, in a T-shirt and trousers of any colours, on white."""

import numpy as np
from PIL import Image, ImageDraw

# The Monk Skin Tone Scale (Ellis Monk, 2019), from lightest to darkest.
TONES = ("#f6ede4", "#f3e7db", "#f7ead0", "#eadaba", "#d7bd96", "#a07e56", "#825c43", "#604134", "#3a312a", "#292420")
CLOTHS = ("#1f4fa0", "#b01818", "#101010", "#fafafa", "#2f7d46", "#e7d04a")
T_SHIRT = [(58, 52), (72, 46), (88, 46), (102, 52), (120, 78), (108, 86), (102, 78), (102, 130), (58, 130), (58, 78),
           (52, 86), (40, 78)]  # fmt: skip
TROUSERS = [(58, 130), (102, 130), (104, 238), (84, 238), (80, 150), (76, 238), (56, 238)]


def filled(polygon, size=(160, 240)):
    mask = Image.new("1", size)
    ImageDraw.Draw(mask).polygon(polygon, fill=1)
    return np.asarray(mask)


def shaded(picture, seed=0):
    """With folds and grain on what is not the background: no photo shows flat colours."""
    values = np.asarray(picture).astype(float)
    rng = np.random.default_rng(seed)
    across, down = np.meshgrid(np.arange(values.shape[1]), np.arange(values.shape[0]))
    folds = 1 - 0.05 - 0.05 * np.sin(across / 7 + np.sin(down / 23) * 2) + rng.normal(0, 0.006, values.shape[:2])
    is_background = (values == 255).all(2)
    return np.where(is_background[..., None], values, values * folds[..., None]).clip(0, 255).astype(np.uint8)


def person(skin, upper, lower, hair="#3b2a1e"):
    picture = Image.new("RGB", (160, 240), "white")
    pen = ImageDraw.Draw(picture)
    pen.polygon([(44, 76), (56, 80), (52, 140), (42, 140)], skin)  # arms
    pen.polygon([(116, 76), (104, 80), (108, 140), (118, 140)], skin)
    pen.rectangle((73, 34, 87, 50), skin)  # neck
    pen.ellipse((66, 4, 94, 42), skin)
    pen.pieslice((64, 2, 96, 30), 180, 360, hair)
    pen.polygon(TROUSERS, lower)
    pen.polygon(T_SHIRT, upper)
    return picture
