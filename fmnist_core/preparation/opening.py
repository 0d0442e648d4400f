"""A file -> a picture that is safe to work on: of a known format and size, upright, 8 bits a channel."""

import io
import struct
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError, features

from fmnist_core import IMAGE_SIZE
from fmnist_core.errors import PictureError
from fmnist_core.file_kinds import HEAD, HEIC, SVG, file_kind
from fmnist_core.preparation.fitting import Mask

FORMATS: Final = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "PPM") + (("AVIF",) if features.check("avif") else ())
MAX_PIXELS: Final = 20_000_000  # of a picture that is decoded
MAX_JPEG_PIXELS: Final = 64_000_000  # of a JPEG file, which can be decoded at a fraction of its size
INTEGER_TOPS: Final = (255, 4095, 65535)  # of 8, 12 and 16 bits, which all may come in files of 16 or 32
MAX_SCANS: Final = 64  # of a progressive JPEG (about ten are usual): each takes the work of the whole picture
ANIMATED: Final = ("GIF", "WEBP", "PNG", "AVIF")
MAX_BLANK_FRAMES: Final = 20  # at the beginning of an animation
START_OF_SCAN: Final = b"\xff\xda"  # never part of coded pixels: ITU-T T.81, B.1.1.5
WORKING_SIDE: Final = 40 * IMAGE_SIZE  # longer side, in pixels, of an opened picture

WHITE_LEVEL: Final = 0.5  # mean brightness, 0..1, above which a transparent picture is put on black instead of white
OPAQUE: Final = 128  # of 255: what is more transparent belongs to the background
MIN_TRANSPARENT: Final = 0.02  # fraction of a picture that is transparent when its background has been removed


def open_picture(source: Path | bytes, name: str | None = None) -> Image.Image:
    """The picture in a file, upright, at most ``WORKING_SIDE`` large, as L, RGB or RGBA with 8 bits.

    Of an animation the first frame that shows anything. ``name`` is what errors call it; without one, the file's name.

    Raises:
        PictureError: it cannot be read as a picture, is truncated, is larger than ``MAX_PIXELS`` (``MAX_JPEG_PIXELS``),
            or is a JPEG of more than ``MAX_SCANS`` scans.
    """
    name = name or (source.name or str(source) if isinstance(source, Path) else "The file")
    try:
        with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source, formats=FORMATS) as picture:
            # The size stands in the header: a huge picture is refused before any of it is decoded.
            found = f"{picture.width}x{picture.height}"
            limit = MAX_JPEG_PIXELS if picture.format in ("JPEG", "MPO") else MAX_PIXELS
            if picture.width * picture.height > limit:
                raise PictureError(_too_large(name, found, limit))
            if picture.info.get("progressive") and _contents(source).count(START_OF_SCAN) > MAX_SCANS:
                raise PictureError(f"{name} is a JPEG of more than {MAX_SCANS} scans, expected about ten.")
            _seek_first_shown(picture)
            picture.draft(None, (WORKING_SIDE, WORKING_SIDE))  # only a JPEG becomes smaller by it
            if picture.width * picture.height > MAX_PIXELS:  # one that is long and thin does not
                raise PictureError(_too_large(name, found))
            picture.load()
            upright = to_eight_bits(_turned_upright(picture))
            upright.thumbnail((WORKING_SIDE, WORKING_SIDE), Image.Resampling.BOX)
            return upright
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        limits = f"{MAX_PIXELS // 1_000_000} million ({MAX_JPEG_PIXELS // 1_000_000} million as a JPEG)"
        raise PictureError(f"{name} is too large: over 89 million pixels, expected at most {limits}.") from None
    except UnidentifiedImageError:
        raise PictureError(_not_a_picture(name, source)) from None
    except FileNotFoundError:
        raise PictureError(f"There is no file {name}.") from None
    except (OSError, SyntaxError, ValueError, TypeError, EOFError, IndexError, struct.error) as error:
        # What Pillow raises for damaged files, by format; an OSError with a number comes from the disk.
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is truncated or damaged"
        raise PictureError(f"{name} cannot be read: {reason}.") from error


def flatten(picture: Image.Image) -> Image.Image:
    """The picture as L or RGB: what is transparent becomes white, or black behind a picture that is itself bright."""
    picture = to_eight_bits(picture)
    if picture.mode != "RGBA":
        return picture
    opacity = picture.getchannel("A")
    if opacity.getextrema() == (255, 255):  # as every drawing is
        return picture.convert("RGB")
    alpha = np.asarray(opacity).astype(np.float32)
    grey = np.asarray(picture.convert("RGB").convert("L")).astype(np.float32)
    brightness = float((grey * alpha).sum() / max(alpha.sum(), 1)) / 255
    background = Image.new("RGBA", picture.size, "black" if brightness > WHITE_LEVEL else "white")
    return Image.alpha_composite(background, picture).convert("RGB")


def opaque_mask(picture: Image.Image) -> Mask | None:
    """Where a picture (H, W) is opaque; None for one without transparent areas."""
    picture = to_eight_bits(picture)
    if picture.mode != "RGBA":
        return None
    opaque = np.asarray(picture.getchannel("A")) >= OPAQUE
    return opaque if (~opaque).mean() > MIN_TRANSPARENT and opaque.any() else None


def to_eight_bits(picture: Image.Image) -> Image.Image:
    """L, RGB or RGBA; deeper greys are scaled, where Pillow would clip them at 255."""
    if picture.mode.startswith("I") or picture.mode == "F":
        values = np.nan_to_num(np.asarray(picture, dtype=np.float32), posinf=0, neginf=0)
        # Files of 8, 12 and 16 bits; floats and wider integers have no agreed range, so theirs is the one they use.
        highest = float(values.max())
        tops = INTEGER_TOPS if picture.mode.startswith("I") else ()
        top = next((each for each in tops if highest <= each), highest)
        bottom = min(0.0, float(values.min()))
        return Image.fromarray(((values - bottom) * (255 / max(top - bottom, 1e-9))).clip(0, 255).astype(np.uint8))
    if picture.has_transparency_data:
        return picture.convert("RGBA")
    return picture.convert("L" if picture.mode in ("1", "L") else "RGB")


def _seek_first_shown(picture: Image.Image) -> None:
    """Go to the first frame of an animation that is not of one colour, or to the first when none of them shows much."""
    frames = getattr(picture, "n_frames", 1) if picture.format in ANIMATED else 1
    for frame in range(min(frames, MAX_BLANK_FRAMES) if frames > 1 else 0):
        picture.seek(frame)
        extrema = picture.convert("RGBA").getextrema()
        if any(high > low for low, high in extrema):  # type: ignore[misc]
            return
    if frames > 1:
        picture.seek(0)


def _turned_upright(picture: Image.Image) -> Image.Image:
    """Rotated as its EXIF data say, or as it is when these cannot be read."""
    try:
        return ImageOps.exif_transpose(picture)
    except (SyntaxError, ValueError, TypeError, EOFError, IndexError, KeyError, struct.error):
        return picture


def _contents(source: Path | bytes) -> bytes:
    return source if isinstance(source, bytes) else source.read_bytes()


def _too_large(name: str, found: str, limit: int = MAX_PIXELS) -> str:
    return f"{name} is too large: {found}, expected at most {limit // 1_000_000} million pixels."


def _not_a_picture(name: str, source: Path | bytes) -> str:
    if isinstance(source, bytes):
        head = source[:HEAD]
    else:
        with source.open("rb") as file:
            head = file.read(HEAD)
    if not head:
        return f"{name} is empty."
    kind = file_kind(head)
    if kind == HEIC:
        return f"{name} is a HEIC photo, which cannot be read here: save it as JPEG and try again."
    if kind == SVG:
        return f"{name} is an SVG drawing, which cannot be read here: save it as PNG and try again."
    if kind is not None and kind.endswith("picture"):
        return f"{name} is {kind} that cannot be read: it is truncated or damaged."
    found = "" if kind is None else f"{kind}, "
    return f"{name} is {found}not a picture that can be read; PNG, JPEG, GIF, WebP, BMP and TIFF can."
