import io
import struct
import warnings
import zlib

import numpy as np
import pytest
from example_pictures import drawing, encode, grey_of, pixels_of
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, features

from benchmarks import bombs
from fmnist_core.errors import NothingDrawn, PictureError
from fmnist_core.preparation import flatten, open_picture, prepare
from fmnist_core.preparation.opening import MAX_PIXELS, MAX_SCANS, START_OF_SCAN, WORKING_SIDE, opaque_mask


@pytest.fixture
def no_decoding(monkeypatch):
    """Decoding a picture fails the test."""
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda *_: pytest.fail("it was decoded"))


# ---------------------------------------------------------------- files of all formats


@pytest.mark.parametrize("file_format", ["PNG", "GIF", "WEBP", "BMP", "TIFF", "PPM"])
def test_every_lossless_format_gives_the_same_pixels(file_format):
    options = {"lossless": True} if file_format == "WEBP" else {}
    assert (pixels_of(open_picture(encode(drawing(), file_format, **options))) == pixels_of(drawing())).all()


@pytest.mark.parametrize("file_format", ["JPEG", "WEBP", "MPO"])
@pytest.mark.parametrize("options", [{}, {"progressive": True}], ids=["plain", "progressive"])
def test_lossy_formats_give_about_the_same_pixels(file_format, options):
    pixels = pixels_of(open_picture(encode(drawing(), file_format, quality=90, **options)))
    assert abs(pixels - pixels_of(drawing())).mean() < 2


@pytest.mark.parametrize("file_format", ["PNG", "TIFF", "JPEG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_rotated_photo_is_put_upright(file_format, orientation):
    upright = np.asarray(drawing(mode="L"))
    # Exif 2.32, tag 0x0112: at which side of the upright picture the first row and the first column are stored.
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.T,
        6: upright[:, ::-1].T,
        7: upright[::-1, ::-1].T,
        8: upright[::-1].T,
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"WEBP": {"lossless": True}, "JPEG": {"quality": 95}}.get(file_format, {})
    picture = Image.fromarray(np.ascontiguousarray(stored))
    opened = open_picture(encode(picture, file_format, exif=exif, **options))
    assert opened.size == (200, 240)
    difference = abs(grey_of(opened) - upright)
    assert difference.max() == 0 if file_format != "JPEG" else difference.mean() < 1


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
@pytest.mark.parametrize("exif", [b"Exif\0\0XX*\0\x08\0\0\0", b"Exif\0\0II*\0", b"Exif\0\0", b"II*\0\xff\xff\xff\x7f"])
def test_picture_with_a_broken_exif_header_is_opened(exif):
    # With a density in its own header, a JPEG's Exif data are read late.
    for file_format, options in (("JPEG", {"dpi": (72, 72), "quality": 95}), ("PNG", {}), ("WEBP", {"lossless": True})):
        opened = open_picture(encode(drawing(mode="L"), file_format, exif=exif, **options))
        assert abs(grey_of(opened) - np.asarray(drawing(mode="L"))).mean() < 1, file_format


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow reads no AVIF")
def test_avif():
    pixels = pixels_of(open_picture(encode(drawing(), "AVIF", quality=90)))
    assert abs(pixels - pixels_of(drawing())).mean() < 2


def test_first_frame_of_an_animation_is_taken():
    first, second = drawing(mode="L"), drawing(mode="L").transpose(Image.Transpose.ROTATE_180)
    for file_format, options in (("GIF", {}), ("WEBP", {"lossless": True}), ("PNG", {}), ("TIFF", {})):
        animation = encode(first, file_format, save_all=True, append_images=[second], **options)
        assert (grey_of(open_picture(animation)) == grey_of(first)).all(), file_format


def test_deep_grey_agrees_with_its_8_bit_version():
    grey = np.asarray(drawing(background=250, pen=30, mode="L")).copy()
    grey[50:80, 70:100] = np.arange(900).reshape(30, 30) % 256
    shallow = Image.fromarray(grey)
    deep = Image.fromarray(grey.astype(np.uint16) * 257)
    assert deep.mode == "I;16"
    for file_format in ("PNG", "TIFF"):
        opened = open_picture(encode(deep, file_format))
        assert opened.mode == "L"
        assert (np.asarray(opened) == grey).all()
    # A picture that did not come from a file is no exception.
    assert (pixels_of(deep) == pixels_of(shallow)).all()
    for factor in (1, 257):
        wide = Image.fromarray(grey.astype(np.int32) * factor)
        assert (pixels_of(open_picture(encode(wide, "TIFF"))) == pixels_of(shallow)).all()
    twelve_bits = Image.fromarray(grey.astype(np.uint16) * 16)
    assert abs(np.asarray(open_picture(encode(twelve_bits, "PNG"))).astype(int) - grey).max() <= 1
    floats = Image.fromarray(grey.astype(np.float32) / 255)
    assert (pixels_of(open_picture(encode(floats, "TIFF"))) == pixels_of(shallow)).all()


def test_values_that_are_not_finite_are_black():
    floats = np.asarray(drawing(0, 1, "F")).copy()
    expected = pixels_of(Image.fromarray(floats))
    floats[0, :3] = np.nan, np.inf, -np.inf
    assert (pixels_of(open_picture(encode(Image.fromarray(floats), "TIFF"))) == expected).all()


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "YCbCr"])
def test_every_mode_gives_about_the_same_pixels(mode):
    picture = drawing().convert(mode)
    file_format = "JPEG" if mode in ("CMYK", "YCbCr") else "PNG"
    opened = open_picture(encode(picture, file_format, **({"quality": 95} if file_format == "JPEG" else {})))
    assert opened.mode in ("L", "RGB")
    assert abs(pixels_of(opened) - pixels_of(drawing())).mean() < (2 if file_format == "JPEG" else 1e-9)
    assert abs(pixels_of(picture) - pixels_of(drawing())).mean() < 1


def test_palette_keeps_its_colours():
    colours = Image.new("RGB", (60, 60), (200, 30, 90))
    colours.paste((10, 200, 250), (20, 10, 50, 50))
    opened = open_picture(encode(colours.quantize(2)))
    assert opened.mode == "RGB"
    assert (np.asarray(opened) == np.asarray(colours)).all()


# ---------------------------------------------------------------- transparency


@pytest.mark.parametrize("pen", ["black", "white", "navy", "yellow"])
def test_transparent_background_is_the_opposite_of_the_drawing(pen):
    opposite = "black" if pen in ("white", "yellow") else "white"
    expected = pixels_of(drawing(opposite, pen))
    # What colour a transparent pixel has must not matter.
    for hidden in ((0, 0, 0, 0), (255, 255, 255, 0), (9, 99, 200, 0)):
        picture = drawing(hidden, pen, "RGBA")
        assert (pixels_of(picture) == expected).all()
        assert (pixels_of(open_picture(encode(picture))) == expected).all()
    flat = flatten(drawing((0, 0, 0, 0), pen, "RGBA"))
    assert flat.mode == "RGB"
    assert (np.asarray(flat) == np.asarray(drawing(opposite, pen))).all()


def test_other_kinds_of_transparency():
    expected = pixels_of(drawing())
    grey_alpha = Image.new("LA", (200, 240), (0, 0))
    grey_alpha.paste((0, 255), mask=drawing(0, 255, "L"))
    assert (pixels_of(open_picture(encode(grey_alpha))) == expected).all()
    assert (pixels_of(grey_alpha) == expected).all()
    palette = drawing("white", "black").quantize(2)
    transparent = int(np.asarray(palette)[0, 0])
    for file_format in ("PNG", "GIF"):
        opened = open_picture(encode(palette, file_format, transparency=transparent))
        assert opened.mode == "RGBA"
        assert (pixels_of(opened) == expected).all()
    coloured = encode(drawing(), "PNG", transparency=(255, 255, 255))
    assert (pixels_of(open_picture(coloured)) == expected).all()


def test_half_transparent_pixels_are_blended():
    picture = drawing((255, 255, 255, 0), (0, 0, 0, 255), "RGBA")
    picture.paste((0, 0, 0, 128), (70, 60, 100, 120))
    blended = drawing()
    blended.paste((127, 127, 127), (70, 60, 100, 120))
    found, expected = (prepare(each, "product").pixels.astype(int) for each in (picture, blended))
    assert abs(found - expected).max() <= 1


def test_opaque_mask_is_that_of_a_removed_background_only():
    inside = np.asarray(drawing(0, 255, "L")) > 0
    assert (opaque_mask(drawing((0, 0, 0, 0), "white", "RGBA")) == inside).all()
    nearly_opaque, nearly_transparent = (drawing((0, 0, 0, alpha), "white", "RGBA") for alpha in (128, 127))
    assert opaque_mask(nearly_opaque) is None
    assert (opaque_mask(nearly_transparent) == inside).all()
    few_transparent = Image.new("RGBA", (100, 100), (9, 9, 9, 255))
    few_transparent.paste((0, 0, 0, 0), (0, 0, 10, 10))  # a hundredth
    for picture in (drawing(), few_transparent, Image.new("RGBA", (50, 50), (0, 0, 0, 0))):
        assert opaque_mask(picture) is None


@pytest.mark.parametrize(
    ("file_format", "size"), [("PNG", (3000, 2000)), ("JPEG", (3000, 2000)), ("JPEG", (900, 4000))]
)
def test_large_photo_is_made_smaller_and_keeps_its_shape(file_format, size):
    picture = Image.new("RGB", size, "white")
    box = (size[0] // 4, size[1] // 5, size[0] // 2, size[1] // 2)
    picture.paste((20, 30, 40), box)
    opened = open_picture(encode(picture, file_format))
    assert max(opened.size) <= WORKING_SIDE
    assert opened.width / opened.height == pytest.approx(size[0] / size[1], rel=0.01)
    scale = opened.width / size[0]
    assert prepare(opened).box == pytest.approx([side * scale for side in box], abs=2)


# ---------------------------------------------------------------- files that are too large


def bilevel_png(width, height):
    """An all black PNG of one bit a pixel, compressed without ever being in memory."""
    compressor = zlib.compressobj(9)
    rows = bytes(1 + (width + 7) // 8) * 100
    data = b"".join(compressor.compress(rows) for _ in range(height // 100)) + compressor.flush()

    def chunk(kind, contents):
        return struct.pack(">I", len(contents)) + kind + contents + struct.pack(">I", zlib.crc32(kind + contents))

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


# Pillow warns about more than 89 million pixels and raises beyond 179 million; the program runs with warnings shown,
# the tests with warnings raised, and each has to give one sentence.
HUGE = [
    pytest.param(5000, 4100, "default", "5000x4100", id="21 million"),
    pytest.param(10_000, 10_000, "default", "10000x10000", id="100 million"),
    pytest.param(10_000, 10_000, "error", "over 89 million pixels", id="100 million, warnings raised"),
    pytest.param(14_000, 14_000, "default", "over 89 million pixels", id="196 million"),
]


@pytest.mark.usefixtures("no_decoding")
@pytest.mark.parametrize(("width", "height", "action", "found"), HUGE)
def test_huge_picture_is_refused_from_its_header(width, height, action, found):
    contents = bilevel_png(width, height)
    assert len(contents) < 40_000
    with warnings.catch_warnings(), pytest.raises(PictureError) as caught:
        warnings.simplefilter(action if action == "error" else "ignore")
        open_picture(contents, "bomb.png")
    limits = "20 million (64 million as a JPEG)" if found.startswith("over") else "20 million pixels"
    assert str(caught.value) == f"bomb.png is too large: {found}, expected at most {limits}."


PEAK = """
import pathlib, resource, sys
from fmnist_core import errors
from fmnist_core.preparation import open_picture
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1024 if sys.platform == "linux" else 2**20)
before = peak()
for name in sys.argv[1:]:
    try:
        print(*open_picture(pathlib.Path(name)).size)
    except errors.PictureError as error:
        print(error)
print(peak() - before)
"""


@pytest.fixture
def open_measured(python):
    """``open_measured(path, ...)``: size or error of each picture, and by how many MiB the memory grew."""
    pytest.importorskip("resource")

    def opened(*paths):
        *lines, growth = python("-W", "ignore", "-c", PEAK, *paths).stdout.splitlines()
        return lines, int(growth)

    return opened


def test_huge_picture_takes_no_memory(open_measured, tmp_path):
    paths = [tmp_path / "100.png", tmp_path / "196.png"]
    for path, side in zip(paths, (10_000, 14_000), strict=True):
        path.write_bytes(bilevel_png(side, side))
    lines, growth = open_measured(*paths)
    assert lines == [
        "100.png is too large: 10000x10000, expected at most 20 million pixels.",
        "196.png is too large: over 89 million pixels, expected at most 20 million (64 million as a JPEG).",
    ]
    assert growth < 20  # decoded they would take 95 and 187


def test_jpeg_of_very_many_scans_is_refused_undecoded(file_of, monkeypatch):
    plain = file_of(Image.new("L", (64, 64), 90), "JPEG", progressive=True)
    start = plain.rindex(START_OF_SCAN)
    scan, end = plain[start:-2], plain[-2:]
    scans = plain.count(START_OF_SCAN)
    assert 2 <= scans <= 12
    most = plain[:-2] + scan * (MAX_SCANS - scans) + end
    assert open_picture(most).size == (64, 64)
    # A photo of one scan may have a film appended to it, which can hold any bytes.
    baseline = file_of(Image.new("L", (64, 64), 90), "JPEG")
    assert open_picture(baseline + START_OF_SCAN * 1000).size == (64, 64)
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda *_: pytest.fail("it was decoded"))
    with pytest.raises(PictureError, match="more than 64 scans, expected about ten"):
        open_picture(most[:-2] + scan + end, "slow.jpg")


PARTS = " consists of too many parts to be a picture that a program has saved."
BOMBS = {
    "PNG of chunks": (bombs.png(64, 64, 8, 2, *[bombs.chunk(b"abCd", b"")] * 5000), PARTS),
    "PNG high": (bombs.png(1, 70_000, 8, 0), " is too large: 1x70000, expected at most 65,535 on a side."),
    "JPEG of markers": (bombs.jpeg_with(b"\xff\xfe\0\2" * 5000), PARTS),
    "JPEG of fill bytes": (bombs.jpeg_with(b"\xff" * 5000), PARTS),
    "JPEG of Exif data": (
        bombs.jpeg_with(b"\xff\xe1\0\x0aExif\0\0II" * 65),
        " is a JPEG of more than 64 pieces of Exif data, expected one.",
    ),
    "GIF of comments": (b"GIF89a\1\0\1\0\0\0\0" + b"!\xfe\1a\0" * 5000, PARTS),
    "TIFF of strips": (bombs.tiff_of_strips(70_000), " is a TIFF of 70,000 strips, expected at most 65,535."),
    "BigTIFF": (b"II\x2b\0\x08\0\0\0", " is a BigTIFF, which is made for huge pictures: save it as PNG and try again."),
    "PPM of comments": (b"P6 " + b"#\n" * 5000 + b"1 1 255\n000", PARTS),
    "PPM as text": (
        b"P3 700 700 255\n" + b"0 " * 2_100_000,
        " is of a kind that is slow to read, and large: save it as PNG and try again.",
    ),
    "PPM of an odd depth": (b"P5 2000 1001 254\n", " is too large: 2000x1001, expected at most 2 million pixels."),
    "WebP": (None, " is too large: 4100x4000, expected at most 16 million pixels."),
}


@pytest.mark.parametrize("name", BOMBS)
@pytest.mark.usefixtures("no_decoding")
def test_a_bomb_is_refused_undecoded(name):
    contents, sentence = BOMBS[name]
    with pytest.raises(PictureError) as caught:
        open_picture(contents or encode(Image.new("L", (4100, 4000)), "WEBP", method=0), "bomb")
    assert str(caught.value) == f"bomb{sentence}"


def test_ordinary_files_of_many_parts_are_opened():
    noise = bombs.random_picture(700, 700)
    for file_format in ("PNG", "GIF", "TIFF", "PPM"):
        assert open_picture(encode(noise, file_format)).size == (700, 700)
    animation = encode(noise, "GIF", save_all=True, append_images=[bombs.random_picture(700, 700, seed=1)])
    assert open_picture(animation).size == (700, 700)
    assert open_picture(bombs.tiff_of_strips(5000)).height == WORKING_SIDE
    assert open_picture(bombs.jpeg_with(b"\xff\xfe\0\2" * 100)).size == (64, 64)
    assert open_picture(b"P2 2 2 255\n0 255 255 0").size == (2, 2)


def test_of_large_animations_few_frames_are_looked_at(monkeypatch):
    seen = []
    real = Image.Image.getextrema
    monkeypatch.setattr(Image.Image, "getextrema", lambda picture: seen.append(picture) or real(picture))
    for side, frames in ((8, 20), (3000, 3)):
        seen.clear()
        open_picture(bombs.gif_of_frames(30, side))
        assert len(seen) == frames


def test_large_deep_greys_take_little_memory(open_measured, tmp_path):
    for name, bits in (("deep.png", 16), ("plain.png", 8)):
        (tmp_path / name).write_bytes(bombs.png(4000, 4000, bits, 0))
    sizes, growth = open_measured(tmp_path / "plain.png", tmp_path / "deep.png")
    assert sizes == ["1120 1120"] * 2
    assert growth < 220  # 32 for the picture, 64 for its floats, 16 for its bytes, and as much again for NumPy's work


def test_file_larger_than_any_picture_is_refused_unread(tmp_path):
    with (tmp_path / "film.png").open("wb") as file:
        file.truncate(101 * 2**20)
    with pytest.raises(PictureError, match=r"^film\.png is larger than 100 MB\.$"):
        open_picture(tmp_path / "film.png")


def test_the_largest_picture_that_is_allowed_is_opened():
    side = 4400
    assert side**2 < MAX_PIXELS
    assert open_picture(bilevel_png(side, side)).size == (WORKING_SIDE, WORKING_SIDE)


def jpeg(width, height, **options):
    return encode(Image.new("L", (width, height), 200), "JPEG", **options)


@pytest.mark.parametrize("progressive", [False, True])
def test_photo_of_a_phone_is_decoded_at_a_fraction_of_its_size(progressive, open_measured, tmp_path):
    (tmp_path / "48.jpg").write_bytes(jpeg(8064, 6048, progressive=progressive))
    (size,), growth = open_measured(tmp_path / "48.jpg")
    assert size == f"{WORKING_SIDE} {WORKING_SIDE * 6048 // 8064}"
    assert growth < (130 if progressive else 30)  # its pixels are 47, in a progressive file 93


@pytest.mark.usefixtures("no_decoding")
@pytest.mark.parametrize(("width", "height", "limit"), [(9000, 8000, 64), (60_000, 500, 20)], ids=["huge", "thin"])
def test_jpeg_that_stays_huge_is_refused(width, height, limit):
    with pytest.raises(PictureError) as caught:
        open_picture(jpeg(width, height), "photo.jpg")
    assert str(caught.value) == f"photo.jpg is too large: {width}x{height}, expected at most {limit} million pixels."


# ---------------------------------------------------------------- files that are no pictures, or damaged


NOT_A_PICTURE = "is not a picture that can be read; PNG, JPEG, GIF, WebP, BMP and TIFF can."
HEIC = "is a HEIC photo, which cannot be read here: save it as JPEG and try again."
SVG = "is an SVG drawing, which cannot be read here: save it as PNG and try again."


@pytest.mark.parametrize(
    ("contents", "sentence"),
    [
        (b"", "is empty."),
        (b"just a few words, named .png\n" * 20, NOT_A_PICTURE),
        (b"\x00", NOT_A_PICTURE),
        (b"%PDF-1.7\n" + bytes(100), NOT_A_PICTURE.replace("is", "is a PDF document,", 1)),
        (b"PK\x03\x04" + bytes(100), NOT_A_PICTURE.replace("is", "is a zip archive,", 1)),
        (b"\x89PNG\r\n\x1a\n", "is a PNG picture that cannot be read: it is truncated or damaged."),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200), HEIC),
        (b"\0\0\0\x1cftypmif1\0\0\0\0" + bytes(200), HEIC),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', SVG),
        (b'\n  <?xml version="1.0"?><svg/>', SVG),
    ],
    ids=["empty", "text", "one byte", "PDF", "zip", "only a signature", "HEIC", "HEIC of a sort", "SVG", "SVG as XML"],
)
def test_file_that_is_no_picture_is_refused_in_one_sentence(tmp_path, contents, sentence):
    path = tmp_path / "it.png"
    path.write_bytes(contents)
    with pytest.raises(PictureError) as caught:
        open_picture(path)
    assert str(caught.value) == f"it.png {sentence}"
    for name, called in ((None, "The file"), ("photo.heic", "photo.heic")):
        with pytest.raises(PictureError) as caught:
            open_picture(contents, name)
        assert str(caught.value) == f"{called} {sentence}"


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "PPM"])
@pytest.mark.filterwarnings("ignore:Truncated File Read:UserWarning")
def test_truncated_file_is_refused(file_format, tmp_path):
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (300, 300, 3), dtype=np.uint8))
    whole = encode(noise, file_format)
    path = tmp_path / f"truncated.{file_format.lower()}"
    for fraction in (0.95, 0.5, 0.1):
        path.write_bytes(whole[: int(fraction * len(whole))])
        with pytest.raises(PictureError) as caught:
            open_picture(path)
        # In WebP and TIFF files, what shows that they are pictures stands at the end.
        expected = [f"{path.name} cannot be read: it is truncated or damaged."]
        if file_format in ("WEBP", "TIFF"):
            expected.append(f"{path.name} {NOT_A_PICTURE}")
        assert str(caught.value) in expected


def test_missing_file_and_folder_are_refused(tmp_path):
    with pytest.raises(PictureError, match=r"^There is no file gone\.png\.$"):
        open_picture(tmp_path / "gone.png")
    with pytest.raises(PictureError, match=r"cannot be read: Is a directory\.$"):
        open_picture(tmp_path)


SMALL = drawing().resize((50, 60))
BASES = [
    *(encode(SMALL, file_format) for file_format in ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "PPM")),
    encode(SMALL, "TIFF", compression="tiff_lzw"),
    encode(Image.fromarray(np.ones((20, 20), np.float32)), "TIFF"),
    encode(Image.fromarray(np.ones((20, 20), np.uint16)), "PNG"),
]


@given(
    base=st.sampled_from(BASES),
    length=st.none() | st.integers(0, 4000),
    changes=st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), max_size=6),
)
def test_any_bytes_give_a_picture_or_one_sentence(base, length, changes):
    contents = bytearray(base if length is None else base[:length])
    for place, value in changes:
        if contents:
            contents[place % len(contents)] = value
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns about what it finds odd
        try:
            picture = open_picture(bytes(contents), "it.png")
            assert picture.mode in ("L", "RGB", "RGBA")
            assert prepare(picture).pixels.shape == (28, 28)
        except NothingDrawn:
            pass
        except PictureError as error:
            assert str(error).startswith("it.png ")
            assert str(error).endswith(".")


@pytest.mark.parametrize(
    "error",
    [
        TypeError("'float' object"),
        struct.error("unpack"),
        OSError("broken data stream"),
        OverflowError("too large"),
        RuntimeError("Failed to decode frame 0"),
        KeyError(3),
        MemoryError(),
        ZeroDivisionError(),
    ],
)
def test_whatever_pillow_raises_for_a_damaged_file_is_one_sentence(monkeypatch, error):
    def fail(*_):
        raise error

    contents = encode(drawing())
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", fail)
    with pytest.raises(PictureError, match=r"^it\.png cannot be read: it is truncated or damaged\.$"):
        open_picture(contents, "it.png")


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG"])
def test_of_an_animation_the_first_frame_that_shows_anything_is_taken(format):
    blank, drawn, later = (Image.new("RGB", (40, 40), "white") for _ in range(3))
    ImageDraw.Draw(drawn).rectangle((10, 10, 30, 30), "black")
    ImageDraw.Draw(later).rectangle((0, 0, 20, 20), "red")
    buffer = io.BytesIO()
    blank.save(buffer, format, save_all=True, append_images=[blank, drawn, later], duration=100, lossless=True)
    opened = np.asarray(open_picture(buffer.getvalue()).convert("L"))
    assert opened[20, 20] < 10
    assert opened[2, 2] > 245


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA"])
def test_an_opaque_picture_stays_as_it_is(mode):
    rng = np.random.default_rng(5)
    colours = Image.fromarray(rng.integers(0, 256, (30, 20, 3), dtype=np.uint8))
    opaque = colours.convert("RGBA").convert(mode)
    assert opaque.getchannel("A").getextrema() == (255, 255)
    flat = flatten(opaque)
    assert flat.mode == "RGB"
    assert (np.asarray(flat) == np.asarray(opaque.convert("RGBA"))[..., :3]).all()
