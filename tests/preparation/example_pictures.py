"""What the tests of the preparation share: two drawings, and the files of pictures."""

import io

import numpy as np
from PIL import Image, ImageDraw

from fmnist_core.preparation import prepare


def drawing(background="white", pen="black", mode="RGB", size=(200, 240)):
    """A boot-like shape that is different in every mirror image and rotation."""
    picture = Image.new(mode, size, background)
    draw = ImageDraw.Draw(picture)
    draw.polygon([(60, 40), (110, 40), (120, 130), (170, 150), (170, 180), (60, 180)], fill=pen)
    return picture


SHIRT = [(60, 40), (100, 40), (120, 55), (140, 40), (180, 40), (220, 90), (190, 110), (175, 90), (175, 200), (65, 200),
         (65, 90), (50, 110), (20, 90), (60, 40)]  # fmt: skip


def outline(ink="black", paper="white", width=5):
    """A T-shirt as a line on paper."""
    picture = Image.new("RGB", (240, 240), paper)
    ImageDraw.Draw(picture).line(SHIRT, fill=ink, width=width, joint="curve")
    return picture


def encode(picture, file_format="PNG", **options):
    """The contents of a picture file."""
    file = io.BytesIO()
    picture.save(file, file_format, **options)
    return file.getvalue()


def pixels_of(picture):
    """What a picture is prepared to, as signed integers."""
    return prepare(picture).pixels.astype(int)


def grey_of(picture):
    """The grey levels of a picture, as signed integers."""
    return np.asarray(picture.convert("L")).astype(int)
