"""What the tests of the preparation share: a drawing that is different in every orientation, and its files."""

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
