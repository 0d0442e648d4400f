"""What kind of picture this is, and the preparation that suits it.

A picture is an image of the data set, a line drawing, a product picture, a photo, or a garment whose background has
been removed; what it was detected as and where the garment was found is kept beside the pixels.
"""

import functools
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from PIL import Image

from fmnist_core import IMAGE_SIZE
from fmnist_core.errors import ConfigError, NothingDrawn
from fmnist_core.preparation.fitting import GreyImage, Mask, UInt8Image, border, bounding_box, crop, fit, to_uint8
from fmnist_core.preparation.grey_levels import match_grey_levels
from fmnist_core.preparation.lines import draw_lines, find_lines, flatten_paper
from fmnist_core.preparation.margins import picture_box
from fmnist_core.preparation.opening import flatten, opaque_mask
from fmnist_core.preparation.ruled_paper import without_rules
from fmnist_core.preparation.segmentation import segment_garment, shrink
from fmnist_core.preparation.worn_garments import find_worn

PAPER_LEVEL: Final = 0.5  # a background brighter than this is paper, and the drawing on it is inverted
MIN_CONTRAST: Final = 0.08  # between background and garment, 0..1; less is an empty picture
MIN_CLEAN_CONTRAST: Final = 0.012  # the same on a background without any grain: three steps of 255
GRAIN: Final = 0.2  # differences within a background without grain, as a fraction of the contrast
MIN_SIDE: Final = 0.05  # of the picture's longer side; what is smaller is a dot
EDGE_LEVEL: Final = 0.2  # of the strongest contrast: where the garment begins

UNIFORM: Final = 0.1  # difference in a colour, 0..1, within a background of one colour: paper, a screen
EVEN: Final = 0.04  # the same within the background of a product picture
UNIFORM_FRACTION: Final = 0.8  # of the border that has the background's colour
STUDIO: Final = 0.3  # from pure white or black: the background of product pictures, the data set's own among them
MAX_COLOUR: Final = 0.1  # difference between the colour channels of such a background

RECOVERY_ERROR: Final = 0.03  # of an enlarged image made small and large again, as a fraction of its contrast
RECOVERY_ROUNDS: Final = 12
HOPELESS: Final = 0.2  # the same fraction, beyond which no image of the data set begins (0.09), but drawings do (0.3)
MAX_BLACK: Final = 0.02  # brightness of the background of an image of the data set
RESAMPLINGS: Final = (
    Image.Resampling.NEAREST,
    Image.Resampling.BILINEAR,
    Image.Resampling.BICUBIC,
    Image.Resampling.LANCZOS,
)

PICTURE_KINDS: Final = {
    "sample": "an image of the data set: used as it is",
    "drawing": "a line drawing: its lines are redrawn, all of one width, and what they enclose is filled",
    "product": "a product picture on a plain background: cropped, made grey, bright on black",
    "photo": "a photo: its background is removed, and the garment made grey as in the data set",
    "segmented": "a garment without background: made grey as in the data set",
    "worn": "a worn garment: the person is cut away, and the garment made grey as in the data set",
    "worn_upper": "worn, the upper part: the person and all else is cut away; the lower part can be chosen instead",
    "worn_lower": "worn, the lower part: the person and all else is cut away; the upper part can be chosen instead",
}
WORN: Final = ("worn", "worn_upper", "worn_lower")


@dataclass(frozen=True, eq=False)
class Prepared:
    """What was made of a picture, step by step."""

    kind: str  # what it was detected as: a key of ``PICTURE_KINDS``
    found: UInt8Image  # (H, W), the garment bright on black, before cropping; of a photo, smaller than the photo
    box: tuple[int, int, int, int]  # left, top, right, bottom of the garment in ``found``
    pixels: UInt8Image  # (28, 28)


def prepare(picture: Image.Image, kind: str | None = None) -> Prepared:
    """Find what is drawn or photographed, crop it, and fit it into 28x28 pixels, bright on black.

    A Fashion-MNIST image, also an enlarged one, comes through unchanged. ``kind``, a key of ``PICTURE_KINDS``, says
    what to treat the picture as; without one it is detected.

    Raises:
        NothingDrawn: the picture is of one colour, or holds only a dot.
        ConfigError: there is no such kind.
    """
    if kind is not None and kind not in PICTURE_KINDS:
        raise ConfigError(f"There is no kind of picture {kind!r}, expected one of {', '.join(PICTURE_KINDS)}.")
    flat = flatten(picture)
    rgb: UInt8Image = np.asarray(flat.convert("RGB"))
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    contrast = _contrast(rgb)
    if contrast is None:
        why = "it has only one colour" if (rgb == rgb[0, 0]).all() else "nothing stands out from its background"
        raise NothingDrawn(f"The picture is empty: {why}.")
    left, top, right, bottom = box = bounding_box(contrast > EDGE_LEVEL)
    if max(right - left, bottom - top) < MIN_SIDE * max(contrast.shape):
        raise NothingDrawn("There is only a dot in the picture: draw something larger.")

    if kind in (None, "sample"):
        exact = _exact_pixels(grey, is_certain=kind == "sample")
        if exact is not None:
            return Prepared("sample", exact, (0, 0, IMAGE_SIZE, IMAGE_SIZE), exact)
    ink = without_rules(contrast)
    is_ruled = ink is not contrast
    if not is_ruled and (inner := picture_box(rgb)) != (0, 0, *flat.size):  # squared paper has frames within frames
        return prepare(picture.crop(inner), kind)  # which may be anything, an image of the data set for one
    is_uniform = is_ruled or _has_uniform_background(rgb)
    if kind == "drawing" or (kind is None and is_uniform):
        lines = find_lines(ink, is_certain=kind == "drawing")
        if lines is not None:
            return Prepared("drawing", to_uint8(ink), bounding_box(ink > EDGE_LEVEL), draw_lines(lines))
    if kind is None and not is_uniform:  # a photo of a drawing: the light varies over the paper
        paper = flatten_paper(grey)
        if paper is not None and (lines := find_lines(paper := without_rules(paper))) is not None:
            return Prepared("drawing", to_uint8(paper), bounding_box(paper > EDGE_LEVEL), draw_lines(lines))
    opaque = opaque_mask(picture)
    if kind == "segmented" or (kind is None and opaque is not None):
        return _prepare_masked(rgb, contrast > EDGE_LEVEL if opaque is None else opaque, "segmented")
    is_studio = _is_studio(rgb)
    if kind in WORN or (kind is None and is_studio):
        worn = _prepare_worn(rgb, kind, is_studio)
        if worn is not None:
            return worn
    if kind == "product" or (kind is None and is_studio):
        garment = _brightness(grey, contrast)
        return Prepared("product", to_uint8(garment), box, fit(garment[top:bottom, left:right]))
    small = shrink(rgb)
    return _prepare_masked(small, segment_garment(small), "photo")


def prepare_naively(picture: Image.Image) -> UInt8Image:
    """The whole picture (28, 28), grey, inverted when its corner is bright: what most demos do."""
    grey = flatten(picture).convert("L").resize((IMAGE_SIZE, IMAGE_SIZE), Image.Resampling.BILINEAR)
    pixels = np.asarray(grey)
    return 255 - pixels if pixels[0, 0] > 127 else pixels.copy()


def _prepare_masked(rgb: UInt8Image, mask: Mask, kind: str) -> Prepared:
    garment = match_grey_levels(rgb, mask)
    return Prepared(kind, to_uint8(garment), bounding_box(mask), fit(crop(garment, mask)))


def _prepare_worn(rgb: UInt8Image, kind: str | None, is_studio: bool) -> Prepared | None:
    """The garment of a person: of that kind, or the largest; when there is no person, the whole if it is said to be."""
    small = shrink(rgb)
    person = None if is_studio else segment_garment(small)
    garments = find_worn(small, person)
    if garments is None:
        if kind is None:
            return None
        garments = {kind: segment_garment(small) if person is None else person}
    largest = next(iter(garments))
    return _prepare_masked(small, garments.get(kind or largest, garments[largest]), kind or largest)


def _is_studio(rgb: UInt8Image) -> bool:
    """Whether the background is nearly white or black, or of a grey so even that no camera has seen it."""
    outer = border(rgb) / 255
    background = np.median(outer, axis=0)
    is_extreme = abs(background.mean() - 0.5) > 0.5 - STUDIO
    is_even = is_extreme and _has_uniform_background(rgb, EVEN)
    is_exact = (outer == background).mean() > UNIFORM_FRACTION
    return bool(np.ptp(background) < MAX_COLOUR and (is_even or is_exact))


def _has_uniform_background(rgb: UInt8Image, max_difference: float = UNIFORM) -> bool:
    outer = border(rgb).astype(np.float32) / 255
    differences = np.abs(outer - np.median(outer, axis=0)).max(axis=1)
    return bool((differences < max_difference).mean() > UNIFORM_FRACTION)


def _contrast(rgb: UInt8Image) -> GreyImage | None:
    """How much the picture differs from its background in any colour (H, W), at most 1; None when it does not.

    On paper what is darker counts and on a dark background what is brighter, as shadows and reflections are neither.
    """
    outer = border(rgb)
    background = np.median(outer, axis=0).round()
    levels = list(zip(background.tolist(), cv2.split(rgb), strict=True))
    # (H, W) uint8, of the channel that differs most; 0 where none is darker, or brighter
    darker = functools.reduce(cv2.max, [cv2.subtract(level, channel) for level, channel in levels])
    brighter = functools.reduce(cv2.max, [cv2.subtract(channel, level) for level, channel in levels])
    contrast, opposite = (darker, brighter) if background.mean() > 255 * PAPER_LEVEL else (brighter, darker)
    if np.ptp(background) > 255 * MAX_COLOUR:
        contrast = cv2.max(contrast, opposite)  # of a coloured background, neither
    elif contrast.max() < 255 * MIN_CONTRAST < opposite.max():
        contrast = opposite  # a dark garment on a dark background, or a bright one on paper
    strongest = float(contrast.max())
    # Less contrast is enough where all of the background has just one colour: nothing in it can be grain.
    has_grain = np.ptp(outer, axis=0).max() > GRAIN * strongest
    if strongest < 255 * (MIN_CONTRAST if has_grain else MIN_CLEAN_CONTRAST):
        return None
    return np.asarray(contrast.astype(np.float32) / np.float32(strongest))


def _brightness(grey: GreyImage, contrast: GreyImage) -> GreyImage:
    """The garment in grey (H, W), 0..1 on a background of 0; where grey shows nothing, its contrast in colour."""
    background = float(np.median(border(grey)))
    difference = background - grey if background > PAPER_LEVEL else grey - background
    garment = contrast > EDGE_LEVEL
    if np.median(difference[garment]) < MIN_CONTRAST:
        difference = -difference
    if np.median(difference[garment]) < MIN_CONTRAST:
        return contrast
    return np.asarray((difference / difference.max()).clip(0, 1))


def _exact_pixels(grey: GreyImage, is_certain: bool = False) -> UInt8Image | None:
    """The 28x28 pixels of a Fashion-MNIST image on its black background, or of an enlarged one; None of any other.

    An enlarged image is scaled down, and what is missing when it is enlarged again is added, again and again (iterative
    back-projection: Irani, Peleg 1991). Hardly any other picture can be reconstructed like that.
    """
    height, width = grey.shape
    size = (IMAGE_SIZE, IMAGE_SIZE)
    # No image of the data set has three bright sides (two bags have two); a drawing on paper does.
    if not is_certain and (height != width or height < IMAGE_SIZE or np.quantile(border(grey), 0.25) > PAPER_LEVEL):
        return None
    small = np.asarray(Image.fromarray(grey).resize(size, Image.Resampling.BOX))
    if is_certain or (height, width) == size:
        return _in_all_levels(small)
    contrast = float(np.abs(grey - np.median(border(grey))).mean())
    found = [_recover(grey, small, resampling, HOPELESS * contrast) for resampling in RESAMPLINGS]
    error, pixels = min(found, key=lambda one: one[0])
    return _in_all_levels(pixels) if error < RECOVERY_ERROR * contrast else None


def _in_all_levels(pixels: GreyImage) -> UInt8Image:
    """Pixels of an image of the data set, from black to white: it may have been shown in other greys or colours."""
    black = float(np.quantile(border(pixels), 0.25))  # a bag may reach two of its sides
    if black > MAX_BLACK and pixels.max() > black:
        pixels = ((pixels - black) / (pixels.max() - black)).clip(0, 1)
    return to_uint8(pixels)


def _recover(
    grey: GreyImage, small: GreyImage, resampling: Image.Resampling, hopeless: float
) -> tuple[float, GreyImage]:
    """The small image that, enlarged by ``resampling``, comes nearest to ``grey``, and its mean error.

    It is given up when the error is ``hopeless``, as it is for every drawing at once.
    """
    error, size = np.inf, (small.shape[1], small.shape[0])
    for _ in range(RECOVERY_ROUNDS):
        missing = grey - np.asarray(Image.fromarray(small).resize((grey.shape[1], grey.shape[0]), resampling))
        before, error = error, float(np.abs(missing).mean())
        if error > min(0.99 * before, hopeless):
            break
        small = (small + np.asarray(Image.fromarray(missing).resize(size, Image.Resampling.BOX))).clip(0, 1)
    return error, small
