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
MAX_WEBP_PIXELS: Final = 16_000_000  # of a WebP file, of which four copies are made
LIMITS: Final = {"JPEG": MAX_JPEG_PIXELS, "MPO": MAX_JPEG_PIXELS, "WEBP": MAX_WEBP_PIXELS}
MAX_SLOW_PIXELS: Final = 2_000_000  # of what Pillow decodes in Python: PPM as text, BMP of runs
MAX_SLOW_BYTES: Final = 4 * 2**20  # of the files of these
MAX_SIDE: Final = 65_535  # of a JPEG the most there can be; each row of a picture costs memory of its own
MAX_BYTES: Final = 100 * 2**20  # of a file
# How often a file may be read from: what is put together from very many tiny parts costs time for each of them.
MAX_HEADER_READS: Final = 4000  # of a header, or of what lies between two frames
MAX_READS: Final = 200_000  # while pixels are decoded
INTEGER_TOPS: Final = (255, 4095, 65535)  # of 8, 12 and 16 bits, which all may come in files of 16 or 32
MAX_SCANS: Final = 64  # of a progressive JPEG (about ten are usual): each takes the work of the whole picture
ANIMATED: Final = ("GIF", "WEBP", "PNG", "AVIF")
MAX_BLANK_FRAMES: Final = 20  # at the beginning of an animation
START_OF_SCAN: Final = b"\xff\xda"  # never part of coded pixels: ITU-T T.81, B.1.1.5
MAX_EXIF: Final = 64  # pieces of Exif data in a JPEG (one is usual): Pillow copies all before for each of them
EXIF: Final = b"Exif\0\0"
ORIENTATION: Final = 0x0112  # tag of Exif
MAX_STRIPS: Final = MAX_SIDE  # or tiles of a TIFF
STRIP_TAGS: Final = (273, 279, 324, 325)  # offsets and sizes of its strips, and of its tiles
WORKING_SIDE: Final = 40 * IMAGE_SIZE  # longer side, in pixels, of an opened picture

# What Pillow raises for damaged files, by format.
DAMAGED: Final = (
    OSError, SyntaxError, ValueError, TypeError, EOFError, LookupError, ArithmeticError, RuntimeError, AttributeError,
    AssertionError, MemoryError, struct.error,
)  # fmt: skip

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
        file = _File(_contents(source, name), name)
        _check_parts(file)
        with Image.open(file, formats=FORMATS) as picture:
            # The size stands in the header: a huge picture is refused before any of it is decoded.
            _check_size(picture, file)
            _seek_first_shown(picture, file)
            picture.draft(None, (WORKING_SIDE, WORKING_SIDE))  # only a JPEG becomes smaller by it
            if picture.width * picture.height > MAX_PIXELS:  # one that is long and thin does not
                raise PictureError(_too_large(name, picture))
            file.allow(MAX_READS)
            picture.load()
            orientation = _orientation(picture)
            small = to_eight_bits(picture)
            small.thumbnail((WORKING_SIDE, WORKING_SIDE), Image.Resampling.BOX)
            small.getexif()[ORIENTATION] = orientation
            return ImageOps.exif_transpose(small)  # a copy, which does not hold the file
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        limits = f"{MAX_PIXELS // 1_000_000} million ({MAX_JPEG_PIXELS // 1_000_000} million as a JPEG)"
        raise PictureError(f"{name} is too large: over 89 million pixels, expected at most {limits}.") from None
    except UnidentifiedImageError:
        raise PictureError(_not_a_picture(name, file.getvalue()[:HEAD])) from None
    except FileNotFoundError:
        raise PictureError(f"There is no file {name}.") from None
    except DAMAGED as error:  # an OSError with a number comes from the disk
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is truncated or damaged"
        raise PictureError(f"{name} cannot be read: {reason}.") from error


class _File(io.BytesIO):
    """A file in memory from which may be read so many times."""

    def __init__(self, contents: bytes, name: str) -> None:
        super().__init__(contents)
        self.name = name  # what errors call it
        self.allow(MAX_HEADER_READS)

    def allow(self, reads: int) -> None:
        """From now on, so many."""
        self._left = reads

    def read(self, size: int | None = -1) -> bytes:
        """As of every file; a ``PictureError`` is none of those that Pillow passes over."""
        self._left -= 1
        if self._left < 0:
            raise PictureError(f"{self.name} consists of too many parts to be a picture that a program has saved.")
        return super().read(size)


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
        values = np.array(picture, dtype=np.float32)  # changed in place: of a large picture, each copy has 80 MB
        np.nan_to_num(values, copy=False, posinf=0, neginf=0)
        # Files of 8, 12 and 16 bits; floats and wider integers have no agreed range, so theirs is the one they use.
        highest = float(values.max())
        tops = INTEGER_TOPS if picture.mode.startswith("I") else ()
        top = next((each for each in tops if highest <= each), highest)
        bottom = min(0.0, float(values.min()))
        values -= bottom
        values *= 255 / max(top - bottom, 1e-9)
        return Image.fromarray(values.clip(0, 255, out=values).astype(np.uint8))
    if picture.has_transparency_data:
        return picture if picture.mode == "RGBA" else picture.convert("RGBA")
    mode = "L" if picture.mode in ("1", "L") else "RGB"
    return picture if picture.mode == mode else picture.convert(mode)


def _contents(source: Path | bytes, name: str) -> bytes:
    if isinstance(source, bytes):
        contents = source
    else:
        with source.open("rb") as file:
            contents = file.read(MAX_BYTES + 1)
    if len(contents) > MAX_BYTES:
        raise PictureError(f"{name} is larger than {MAX_BYTES // 2**20} MB.")
    return contents


def _check_parts(file: _File) -> None:
    """Refuse, before Pillow reads them, headers for which it would take long."""
    contents = file.getbuffer()
    if bytes(contents[:2]) == b"\xff\xd8" and file.getvalue().count(EXIF) > MAX_EXIF:
        raise PictureError(f"{file.name} is a JPEG of more than {MAX_EXIF} pieces of Exif data, expected one.")
    order = {b"II": "<", b"MM": ">"}.get(bytes(contents[:2]))
    if order is None or len(contents) < 8:
        return
    magic, start = struct.unpack_from(order + "HI", contents, 2)
    if magic == 43:
        raise PictureError(f"{file.name} is a BigTIFF, which is made for huge pictures: save it as PNG and try again.")
    if magic != 42 or start + 2 > len(contents):
        return
    (entries,) = struct.unpack_from(order + "H", contents, start)
    for place in range(start + 2, min(start + 2 + 12 * entries, len(contents) - 11), 12):
        tag, _, count = struct.unpack_from(order + "HHI", contents, place)
        if tag in STRIP_TAGS and count > MAX_STRIPS:
            raise PictureError(f"{file.name} is a TIFF of {count:,} strips, expected at most {MAX_STRIPS:,}.")


def _check_size(picture: Image.Image, file: _File) -> None:
    """Refuse a picture that would take long, or much memory, to decode."""
    limit = LIMITS.get(picture.format or "", MAX_PIXELS)
    is_slow = any(tile[0] in Image.DECODERS for tile in getattr(picture, "tile", ())[:1])
    if is_slow and file.getbuffer().nbytes > MAX_SLOW_BYTES:
        raise PictureError(f"{file.name} is of a kind that is slow to read, and large: save it as PNG and try again.")
    limit = MAX_SLOW_PIXELS if is_slow else limit
    if picture.width * picture.height > limit or max(picture.size) > MAX_SIDE:
        raise PictureError(_too_large(file.name, picture, limit))
    if picture.info.get("progressive") and file.getvalue().count(START_OF_SCAN) > MAX_SCANS:
        raise PictureError(f"{file.name} is a JPEG of more than {MAX_SCANS} scans, expected about ten.")


def _seek_first_shown(picture: Image.Image, file: _File) -> None:
    """Go to the first frame of an animation that is not of one colour, or to the first when none of them shows much.

    Of large pictures fewer frames are looked at.
    """
    if picture.format not in ANIMATED:
        return
    # A GIF only tells by reading all of its first frame, in pieces of 255 bytes.
    if picture.format != "GIF" and not getattr(picture, "is_animated", False):
        return
    for frame in range(min(MAX_BLANK_FRAMES, 1 + MAX_PIXELS // (picture.width * picture.height))):
        try:
            file.allow(MAX_HEADER_READS)
            picture.seek(frame)
        except EOFError:
            break
        file.allow(MAX_READS)
        extrema = picture.convert("RGBA").getextrema()
        if any(high > low for low, high in extrema):  # type: ignore[misc]
            return
    picture.seek(0)


def _orientation(picture: Image.Image) -> int:
    """As its Exif data say, 1..8; 1, upright, when these cannot be read."""
    try:
        orientation = picture.getexif().get(ORIENTATION, 1)
    except DAMAGED:
        return 1
    return orientation if orientation in range(1, 9) else 1


def _too_large(name: str, picture: Image.Image, limit: int = MAX_PIXELS) -> str:
    if max(picture.size) > MAX_SIDE:
        return f"{name} is too large: {picture.width}x{picture.height}, expected at most {MAX_SIDE:,} on a side."
    found = f"{picture.width}x{picture.height}"
    return f"{name} is too large: {found}, expected at most {limit // 1_000_000} million pixels."


def _not_a_picture(name: str, head: bytes) -> str:
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
