"""A person's picture -> pixels: the one preparation, used by the page, the command line and the API.

What it was taken for and where the garment was found is kept beside the pixels.
"""

import io
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from fmnist_core import IMAGE_SIZE
from fmnist_core.errors import NothingDrawn, PictureError
from fmnist_core.files import Bytes
from fmnist_core.lines import draw_lines, find_lines, fit

Grey = NDArray[np.floating]  # (H, W), 0 black .. 1 white

FORMATS: Final = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "PPM")
MAX_PIXELS: Final = 20_000_000
WORKING_SIDE: Final = 40 * IMAGE_SIZE  # longer side, in pixels, of what is worked on
HEIC_BRANDS: Final = (b"heic", b"heix", b"mif1", b"msf1", b"hevc")

PAPER_LEVEL: Final = 0.5  # a background brighter than this is paper, and the drawing on it is turned to negative
LEAST_CONTRAST: Final = 0.08  # between background and garment, 0..1; less is an empty picture
LEAST_SIDE: Final = 0.05  # of the picture's longer side; what is smaller is a dot
EDGE_LEVEL: Final = 0.2  # of the strongest contrast: where the garment begins


KINDS: Final = {
    "sample": "an image of the data set: left as it is",
    "drawing": "a line drawing: its lines are drawn anew, of one width, and what they enclose is filled",
    "picture": "a picture of a garment: cut out, made grey, bright on black",
}


@dataclass(frozen=True, eq=False)
class Prepared:
    """What was made of a picture, step by step."""

    kind: str  # what it was taken for: a key of ``KINDS``
    found: Bytes  # (H, W), the garment bright on black, before cropping
    box: tuple[int, int, int, int]  # left, top, right, bottom of the garment in ``found``
    pixels: Bytes  # (28, 28)


def open_picture(source: Path | bytes, name: str | None = None) -> Image.Image:
    """The picture in a file, upright, at most ``WORKING_SIDE`` large, as L, RGB or RGBA with 8 bits.

    Of an animation the first frame. ``name`` is what errors call it; without one, the file's name.

    Raises:
        PictureError: it is no picture, is cut short, or is larger than ``MAX_PIXELS``.
    """
    name = name or (source.name if isinstance(source, Path) else "The file")
    try:
        with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source, formats=FORMATS) as picture:
            # The size stands in the header: a huge picture is refused before any of it is unpacked.
            if picture.width * picture.height > MAX_PIXELS:
                raise PictureError(_too_large(name, f"{picture.width}x{picture.height}"))
            picture.draft(None, (WORKING_SIDE, WORKING_SIDE))
            picture.load()
            upright = ImageOps.exif_transpose(picture)
            upright = _to_eight_bits(upright)
            upright.thumbnail((WORKING_SIDE, WORKING_SIDE), Image.Resampling.BOX)
            return upright
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise PictureError(_too_large(name, "over 89 million pixels")) from None
    except UnidentifiedImageError:
        raise PictureError(_not_a_picture(name, source)) from None
    except FileNotFoundError:
        raise PictureError(f"There is no file {name}.") from None
    except (OSError, SyntaxError, ValueError, TypeError, EOFError, IndexError, struct.error) as error:
        # What Pillow raises for damaged files, by format; an OSError with a number comes from the disk.
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is cut short or damaged"
        raise PictureError(f"{name} cannot be read: {reason}.") from error


def flatten(picture: Image.Image) -> Image.Image:
    """The picture as L or RGB: what is transparent becomes white, or black behind a picture that is itself bright."""
    picture = _to_eight_bits(picture)
    if picture.mode != "RGBA":
        return picture
    alpha = np.asarray(picture.getchannel("A")).astype(np.float32)
    grey = np.asarray(picture.convert("RGB").convert("L")).astype(np.float32)
    brightness = float((grey * alpha).sum() / max(alpha.sum(), 1)) / 255
    ground = Image.new("RGBA", picture.size, "black" if brightness > PAPER_LEVEL else "white")
    return Image.alpha_composite(ground, picture).convert("RGB")


def prepare(picture: Image.Image) -> Prepared:
    """Find what is drawn or photographed, crop it, and fit it into 28x28 pixels, bright on black.

    A Fashion-MNIST image, also an enlarged one, comes through unchanged.

    Raises:
        NothingDrawn: the picture is of one colour, or holds only a dot.
    """
    grey: Grey = np.asarray(flatten(picture).convert("L")).astype(np.float32) / 255
    dark = _darkened(grey)
    if dark is None:
        raise NothingDrawn("The picture is empty: it has only one colour.")
    left, top, right, bottom = box = _bounds(dark)
    if max(right - left, bottom - top) < LEAST_SIDE * max(dark.shape):
        raise NothingDrawn("There is only a dot in the picture: draw something larger.")
    exact = _exact_pixels(grey)
    if exact is not None:
        return Prepared("sample", exact, (0, 0, IMAGE_SIZE, IMAGE_SIZE), exact)
    lines = find_lines(dark)
    if lines is not None:
        return Prepared("drawing", _to_bytes(dark), box, draw_lines(lines))
    return Prepared("picture", _to_bytes(dark), box, fit(dark[top:bottom, left:right]))


def _to_eight_bits(picture: Image.Image) -> Image.Image:
    """L, RGB or RGBA; deeper greys are scaled, where Pillow would cut them off at 255."""
    if picture.mode.startswith("I") or picture.mode == "F":
        values = np.nan_to_num(np.asarray(picture, dtype=np.float32), posinf=0, neginf=0)
        # 16-bit files fill 0..65535; floats and wider integers have no agreed range, so theirs is the one they use.
        top = 65535.0 if picture.mode.startswith("I") and values.max() <= 65535 else float(values.max())
        bottom = min(0.0, float(values.min()))
        return Image.fromarray(((values - bottom) * (255 / max(top - bottom, 1e-9))).clip(0, 255).astype(np.uint8))
    if picture.has_transparency_data:
        return picture.convert("RGBA")
    return picture.convert("L" if picture.mode in ("1", "L") else "RGB")


def _darkened(grey: Grey) -> Grey | None:
    """The picture with its background at 0 and the strongest contrast to it at 1; None without contrast."""
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    background = float(np.median(border))
    contrast = background - grey if background > PAPER_LEVEL else grey - background
    if contrast.max() < LEAST_CONTRAST:
        contrast = -contrast  # a dark garment on a dark ground, or a bright one on paper
    strongest = float(contrast.max())
    if strongest < LEAST_CONTRAST:
        return None
    return (contrast / strongest).clip(0, 1)


def _exact_pixels(grey: Grey) -> Bytes | None:
    """The 28x28 pixels of a Fashion-MNIST image on its black ground, or of one enlarged k times; else None."""
    height, width = grey.shape
    scale = height // IMAGE_SIZE
    if height != width or height % IMAGE_SIZE:
        return None
    blocks = grey.reshape(IMAGE_SIZE, scale, IMAGE_SIZE, scale)
    small = blocks[:, 0, :, 0]
    border = np.concatenate([small[0], small[-1], small[:, 0], small[:, -1]])
    # No image of the data set has three bright sides (two bags have two); a drawing on paper does.
    if np.quantile(border, 0.25) > PAPER_LEVEL or (blocks != small[:, None, :, None]).any():
        return None
    return _to_bytes(small)


def _bounds(dark: Grey) -> tuple[int, int, int, int]:
    rows, columns = ((dark > EDGE_LEVEL).any(axis=axis).nonzero()[0] for axis in (1, 0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _to_bytes(values: Grey) -> Bytes:
    return (values * 255 + 0.5).astype(np.uint8)


def _too_large(name: str, found: str) -> str:
    return f"{name} is too large: {found}, expected at most {MAX_PIXELS // 1_000_000} million pixels."


def _not_a_picture(name: str, source: Path | bytes) -> str:
    if isinstance(source, bytes):
        head = source[:12]
    else:
        with source.open("rb") as file:
            head = file.read(12)
    if not head:
        return f"{name} is empty."
    if head[4:8] == b"ftyp" and head[8:12] in HEIC_BRANDS:
        return f"{name} is a HEIC photo, which cannot be read here: save it as JPEG and try again."
    if head.lstrip().startswith((b"<svg", b"<?xml")):
        return f"{name} is an SVG drawing, which cannot be read here: save it as PNG and try again."
    return f"{name} is not a picture that can be read; PNG, JPEG, GIF, WebP, BMP and TIFF can."
