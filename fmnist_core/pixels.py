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
from PIL import Image, ImageOps, UnidentifiedImageError, features

from fmnist_core import IMAGE_SIZE
from fmnist_core.cutout import border, find_garment, shrink, to_cloth
from fmnist_core.errors import ConfigError, NothingDrawn, PictureError
from fmnist_core.files import Bytes
from fmnist_core.lines import bounds, crop, draw_lines, find_lines, fit, flatten_paper

Grey = NDArray[np.floating]  # (H, W), 0 black .. 1 white

FORMATS: Final = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "PPM") + (("AVIF",) if features.check("avif") else ())
MAX_PIXELS: Final = 20_000_000  # that are unpacked
MAX_JPEG_PIXELS: Final = 64_000_000  # of a JPEG file, which can be unpacked at a part of its size
INTEGER_TOPS: Final = (255, 4095, 65535)  # of 8, 12 and 16 bits, which all may come in files of 16 or 32
MAX_SCANS: Final = 64  # of a progressive JPEG (about ten are usual): each takes the work of the whole picture
START_OF_SCAN: Final = b"\xff\xda"  # never part of coded pixels: ITU-T T.81, B.1.1.5
WORKING_SIDE: Final = 40 * IMAGE_SIZE  # longer side, in pixels, of what is worked on
HEIC_BRANDS: Final = (b"heic", b"heix", b"mif1", b"msf1", b"hevc")

PAPER_LEVEL: Final = 0.5  # a background brighter than this is paper, and the drawing on it is turned to negative
LEAST_CONTRAST: Final = 0.08  # between background and garment, 0..1; less is an empty picture
LEAST_SIDE: Final = 0.05  # of the picture's longer side; what is smaller is a dot
EDGE_LEVEL: Final = 0.2  # of the strongest contrast: where the garment begins

OPAQUE: Final = 128  # of 255: what is more transparent belongs to the ground
LEAST_TRANSPARENT: Final = 0.02  # part of a picture that is transparent when its garment has been cut out
PLAIN: Final = 0.1  # difference in a colour, 0..1, within a ground of one colour: paper, a screen
EVEN: Final = 0.04  # the same within the ground of a product picture
PLAIN_SHARE: Final = 0.8  # of the border that has the ground's colour
STUDIO: Final = 0.3  # from pure white or black: the ground of product pictures, the data set's own among them
MOST_COLOUR: Final = 0.1  # difference between the colours of such a ground
RECOVERED: Final = 0.03  # error of an enlarged image that is made small and large again, as a part of its contrast

RECOVERY_ROUNDS: Final = 12
METHODS: Final = (
    Image.Resampling.NEAREST,
    Image.Resampling.BILINEAR,
    Image.Resampling.BICUBIC,
    Image.Resampling.LANCZOS,
)

KINDS: Final = {
    "sample": "an image of the data set: left as it is",
    "drawing": "a line drawing: its lines are drawn anew, of one width, and what they enclose is filled",
    "product": "a product picture on a plain ground: cropped, made grey, bright on black",
    "photo": "a photo: the garment is cut out, and its cloth made grey as in the data set",
    "cutout": "a garment that has been cut out: its cloth is made grey as in the data set",
}


@dataclass(frozen=True, eq=False)
class Prepared:
    """What was made of a picture, step by step."""

    kind: str  # what it was taken for: a key of ``KINDS``
    found: Bytes  # (H, W), the garment bright on black, before cropping; of a photo, smaller than the photo
    box: tuple[int, int, int, int]  # left, top, right, bottom of the garment in ``found``
    pixels: Bytes  # (28, 28)


def open_picture(source: Path | bytes, name: str | None = None) -> Image.Image:
    """The picture in a file, upright, at most ``WORKING_SIDE`` large, as L, RGB or RGBA with 8 bits.

    Of an animation the first frame. ``name`` is what errors call it; without one, the file's name.

    Raises:
        PictureError: it is no picture, is cut short, is larger than ``MAX_PIXELS`` (``MAX_JPEG_PIXELS``), or is a JPEG
            of more than ``MAX_SCANS`` scans.
    """
    name = name or (source.name or str(source) if isinstance(source, Path) else "The file")
    try:
        with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source, formats=FORMATS) as picture:
            # The size stands in the header: a huge picture is refused before any of it is unpacked.
            found = f"{picture.width}x{picture.height}"
            most = MAX_JPEG_PIXELS if picture.format in ("JPEG", "MPO") else MAX_PIXELS
            if picture.width * picture.height > most:
                raise PictureError(_too_large(name, found, most))
            if picture.info.get("progressive") and _contents(source).count(START_OF_SCAN) > MAX_SCANS:
                raise PictureError(f"{name} is a JPEG of more than {MAX_SCANS} scans, expected about ten.")
            picture.draft(None, (WORKING_SIDE, WORKING_SIDE))  # only a JPEG becomes smaller by it
            if picture.width * picture.height > MAX_PIXELS:  # one that is long and thin does not
                raise PictureError(_too_large(name, found))
            picture.load()
            upright = _to_eight_bits(_turned_upright(picture))
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
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is cut short or damaged"
        raise PictureError(f"{name} cannot be read: {reason}.") from error


def _turned_upright(picture: Image.Image) -> Image.Image:
    """Turned as the camera says, or as it is, when what it says cannot be read."""
    try:
        return ImageOps.exif_transpose(picture)
    except (SyntaxError, ValueError, TypeError, EOFError, IndexError, KeyError, struct.error):
        return picture


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


def prepare(picture: Image.Image, kind: str | None = None) -> Prepared:
    """Find what is drawn or photographed, crop it, and fit it into 28x28 pixels, bright on black.

    A Fashion-MNIST image, also an enlarged one, comes through unchanged. ``kind``, a key of ``KINDS``, is what to take
    the picture for; without one it is found out.

    Raises:
        NothingDrawn: the picture is of one colour, or holds only a dot.
        ConfigError: there is no such kind.
    """
    if kind is not None and kind not in KINDS:
        raise ConfigError(f"There is no kind of picture {kind!r}, expected one of {', '.join(KINDS)}.")
    flat = flatten(picture)
    rgb: Bytes = np.asarray(flat.convert("RGB"))
    grey = np.asarray(flat.convert("L")).astype(np.float32) / 255
    dark = _darkened(grey)
    if dark is None:
        raise NothingDrawn("The picture is empty: it has only one colour.")
    left, top, right, bottom = box = bounds(dark > EDGE_LEVEL)
    if max(right - left, bottom - top) < LEAST_SIDE * max(dark.shape):
        raise NothingDrawn("There is only a dot in the picture: draw something larger.")

    if kind in (None, "sample"):
        exact = _exact_pixels(grey, is_sure=kind == "sample")
        if exact is not None:
            return Prepared("sample", exact, (0, 0, IMAGE_SIZE, IMAGE_SIZE), exact)
    has_plain_ground = _has_plain_ground(rgb)
    if kind == "drawing" or (kind is None and has_plain_ground):
        lines = find_lines(dark, is_sure=kind == "drawing")
        if lines is not None:
            return Prepared("drawing", _to_bytes(dark), box, draw_lines(lines))
    if kind is None and not has_plain_ground:  # a photo of a drawing: the light differs over the paper
        paper = flatten_paper(grey)
        if paper is not None and (lines := find_lines(paper)) is not None:
            return Prepared("drawing", _to_bytes(paper), bounds(paper > EDGE_LEVEL), draw_lines(lines))
    opaque = _opaque(picture)
    if kind == "cutout" or (kind is None and opaque is not None):
        return _cut(rgb, dark > EDGE_LEVEL if opaque is None else opaque, "cutout")
    if kind == "product" or (kind is None and _is_studio(rgb)):
        return Prepared("product", _to_bytes(dark), box, fit(dark[top:bottom, left:right]))
    small = shrink(rgb)
    return _cut(small, find_garment(small), "photo")


def _is_studio(rgb: Bytes) -> bool:
    """Whether the ground is nearly white or black, or of a grey so even that no camera has seen it."""
    outer = border(rgb) / 255
    ground = np.median(outer, axis=0)
    is_extreme = abs(ground.mean() - 0.5) > 0.5 - STUDIO
    is_even = is_extreme and _has_plain_ground(rgb, EVEN)
    return bool(np.ptp(ground) < MOST_COLOUR and (is_even or (outer == ground).mean() > PLAIN_SHARE))


def unprepared(picture: Image.Image) -> Bytes:
    """The whole picture (28, 28), grey, inverted when its corner is bright: what most demos do."""
    grey = flatten(picture).convert("L").resize((IMAGE_SIZE, IMAGE_SIZE), Image.Resampling.BILINEAR)
    pixels = np.asarray(grey)
    return 255 - pixels if pixels[0, 0] > 127 else pixels.copy()


def _cut(rgb: Bytes, mask: NDArray[np.bool_], kind: str) -> Prepared:
    garment = to_cloth(rgb, mask)
    return Prepared(kind, _to_bytes(garment), bounds(mask), fit(crop(garment, mask)))


def _opaque(picture: Image.Image) -> NDArray[np.bool_] | None:
    """Where a picture (H, W) can be seen; None for one without transparent parts."""
    picture = _to_eight_bits(picture)
    if picture.mode != "RGBA":
        return None
    opaque = np.asarray(picture.getchannel("A")) >= OPAQUE
    return opaque if (~opaque).mean() > LEAST_TRANSPARENT and opaque.any() else None


def _has_plain_ground(rgb: Bytes, most: float = PLAIN) -> bool:
    outer = border(rgb).astype(np.float32) / 255
    differences = np.abs(outer - np.median(outer, axis=0)).max(axis=1)
    return bool((differences < most).mean() > PLAIN_SHARE)


def _to_eight_bits(picture: Image.Image) -> Image.Image:
    """L, RGB or RGBA; deeper greys are scaled, where Pillow would cut them off at 255."""
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


def _darkened(grey: Grey) -> Grey | None:
    """The picture with its background at 0 and the strongest contrast to it at 1; None without contrast."""
    background = float(np.median(border(grey)))
    contrast = background - grey if background > PAPER_LEVEL else grey - background
    if contrast.max() < LEAST_CONTRAST:
        contrast = -contrast  # a dark garment on a dark ground, or a bright one on paper
    strongest = float(contrast.max())
    if strongest < LEAST_CONTRAST:
        return None
    return (contrast / strongest).clip(0, 1)


def _exact_pixels(grey: Grey, is_sure: bool = False) -> Bytes | None:
    """The 28x28 pixels of a Fashion-MNIST image on its black ground, or of an enlarged one, smooth or not; else None.

    Made small, an enlarged image differs from what it was; what is missing when that is enlarged again is added, again
    and again (iterative back-projection: Irani, Peleg 1991). Hardly any other picture can be made again like that.
    """
    height, width = grey.shape
    size = (IMAGE_SIZE, IMAGE_SIZE)
    # No image of the data set has three bright sides (two bags have two); a drawing on paper does.
    if not is_sure and (height != width or height < IMAGE_SIZE or np.quantile(border(grey), 0.25) > PAPER_LEVEL):
        return None
    small = np.asarray(Image.fromarray(grey).resize(size, Image.Resampling.BOX))
    if is_sure or (height, width) == size:
        return _to_bytes(small)
    found = [_recover(grey, small, method) for method in METHODS]
    error, pixels = min(found, key=lambda one: one[0])
    contrast = float(np.abs(grey - np.median(border(grey))).mean())
    return _to_bytes(pixels) if error < RECOVERED * contrast else None


def _recover(grey: Grey, small: Grey, method: Image.Resampling) -> tuple[float, Grey]:
    """The small image that, enlarged by ``method``, comes nearest to ``grey``, and its mean error."""
    error, size = np.inf, (small.shape[1], small.shape[0])
    for _ in range(RECOVERY_ROUNDS):
        missing = grey - np.asarray(Image.fromarray(small).resize((grey.shape[1], grey.shape[0]), method))
        before, error = error, float(np.abs(missing).mean())
        if error > 0.99 * before:
            break
        small = (small + np.asarray(Image.fromarray(missing).resize(size, Image.Resampling.BOX))).clip(0, 1)
    return error, small


def _to_bytes(values: Grey) -> Bytes:
    return (values * 255 + 0.5).astype(np.uint8)


def _contents(source: Path | bytes) -> bytes:
    return source if isinstance(source, bytes) else source.read_bytes()


def _too_large(name: str, found: str, most: int = MAX_PIXELS) -> str:
    return f"{name} is too large: {found}, expected at most {most // 1_000_000} million pixels."


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
