import io
import struct
import warnings
import zlib

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, features

from fmnist_core import pixels
from fmnist_core.errors import ConfigError, NothingDrawn, PictureError
from fmnist_core.preparation import KINDS, MAX_PIXELS, WORKING_SIDE, flatten, open_picture, prepare, unprepared


def encode(picture, form="PNG", **options):
    file = io.BytesIO()
    picture.save(file, form, **options)
    return file.getvalue()


def drawing(ground="white", pen="black", mode="RGB", size=(200, 240)):
    """A boot-like shape that is different in every mirror and turn."""
    picture = Image.new(mode, size, ground)
    draw = ImageDraw.Draw(picture)
    draw.polygon([(60, 40), (110, 40), (120, 130), (170, 150), (170, 180), (60, 180)], fill=pen)
    return picture


def pixels_of(picture):
    return prepare(picture).pixels.astype(int)


def grey_of(picture):
    return np.asarray(picture.convert("L")).astype(int)


# ---------------------------------------------------------------- images of the data set come through


def enlarged(image, times):
    return Image.fromarray(image.repeat(times, 0).repeat(times, 1))


def test_data_set_images_come_through_unchanged(samples):
    for image in samples.test.pixels[::5].numpy():
        assert (prepare(Image.fromarray(image)).pixels == image).all()


@given(index=st.integers(0, 1999), times=st.integers(2, 20), through_file=st.booleans())
def test_enlarged_data_set_images_come_through_unchanged(samples, index, times, through_file):
    image = samples.test.pixels[index].numpy()
    picture = enlarged(image, times)
    if through_file:
        picture = open_picture(encode(picture))
    assert (prepare(picture).pixels == image).all()


def test_also_bags_that_reach_two_edges_come_through_unchanged(full_data):
    for number in (26299, 41623):
        image = full_data.train.pixels[number].numpy()
        assert (prepare(Image.fromarray(image)).pixels == image).all()
        assert (prepare(enlarged(image, 7)).pixels == image).all()


def test_a_drawing_of_the_same_size_on_paper_is_not_taken_for_one():
    paper = np.full((28, 28), 255, np.uint8)
    paper[5:20, 9:14] = 0
    made = prepare(Image.fromarray(paper))
    assert made.box == (9, 5, 14, 20)
    assert made.pixels[:, 14].min() == 255  # upright, in the middle, from top to bottom
    assert made.pixels[:, :8].max() == 0


# ---------------------------------------------------------------- a drawing is found, cropped and fitted


def test_box_and_fit_of_a_plain_rectangle():
    picture = Image.new("L", (300, 200), 255)
    picture.paste(0, (50, 60, 190, 130))  # 140 x 70: twice as wide as high
    made = prepare(picture)
    assert made.box == (50, 60, 190, 130)
    expected = np.zeros((28, 28), np.uint8)
    expected[7:21] = 255
    assert (made.pixels == expected).all()
    assert made.found.shape == (200, 300)
    assert (made.found[60:130, 50:190] == 255).all()
    assert int(made.found.astype(int).sum()) == 140 * 70 * 255


@given(
    left=st.integers(0, 90),
    top=st.integers(0, 90),
    width=st.integers(12, 100),
    height=st.integers(12, 100),
    ground=st.integers(0, 255),
    pen=st.integers(0, 255),
)
def test_box_is_where_the_garment_is_whatever_its_tone(left, top, width, height, ground, pen):
    assume(abs(ground - pen) > 25)
    assume(2 * (width + height) < 300)  # most of the border is ground
    picture = np.full((200, 200), ground, np.uint8)
    picture[top : top + height, left : left + width] = pen
    made = prepare(Image.fromarray(picture), "product")
    assert made.box == (left, top, left + width, top + height)
    rows, columns = (made.pixels.any(axis).nonzero()[0] for axis in (1, 0))
    longer, shorter = (rows, columns) if height >= width else (columns, rows)
    assert len(longer) == 28
    assert len(shorter) == max(1, round(28 * min(width, height) / max(width, height)))
    assert abs(shorter[0] - (27 - shorter[-1])) <= 1  # in the middle
    assert made.pixels.max() == 255


def test_place_and_polarity_of_a_drawing_do_not_matter():
    once = pixels_of(drawing())
    assert once.max() == 255
    moved = Image.new("RGB", (400, 400), "white")
    moved.paste(drawing(), (170, 3))
    assert (pixels_of(moved) == once).all()
    assert (pixels_of(drawing("black", "white")) == once).all()


def test_contrast_of_a_drawing_does_not_matter():
    once = pixels_of(drawing("white", "black", "L"))
    for ground, pen in ((200, 90), (90, 200), (115, 0), (150, 255), (128, 60), (60, 128), (0, 40)):
        assert (pixels_of(drawing(ground, pen, "L")) == once).all(), (ground, pen)


@pytest.mark.parametrize("times", [2, 3, 4])
def test_size_of_a_drawing_does_not_matter(times):
    small, large = drawing(), drawing().resize((200 * times, 240 * times), Image.Resampling.NEAREST)
    # Pillow counts a pixel on the edge of two new ones wholly to one of them: a few along the edge differ.
    assert abs(pixels_of(small) - pixels_of(large)).mean() < 1


def test_each_new_pixel_is_the_average_of_those_it_covers():
    picture = np.zeros((280, 280), np.uint8)
    picture[:140, :140] = np.random.default_rng(0).integers(100, 256, (140, 140))
    picture[0, 0] = picture[139, 139] = 255
    whole = np.pad(picture, 60)  # a ground around it; cropped to 140 x 140, so 5 x 5 pixels become one
    means = picture[:140, :140].reshape(28, 5, 28, 5).mean((1, 3))
    assert abs(prepare(Image.fromarray(whole)).pixels - means * 255 / means.max()).max() <= 1


def test_thin_line_is_not_lost():
    picture = Image.new("L", (1100, 1100), 255)
    ImageDraw.Draw(picture).line([(100, 100), (999, 1000)], fill=0, width=1)
    made = prepare(picture).pixels
    assert (made.diagonal() > 100).all()


# ---------------------------------------------------------------- what a picture is taken for


SCALINGS = [Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS]


@pytest.mark.parametrize("method", SCALINGS)
@pytest.mark.parametrize("side", [56, 100, 224, 280])
def test_smoothly_enlarged_data_set_images_are_recovered(samples, method, side):
    errors = []
    for image in samples.test.pixels[::100].numpy():
        made = prepare(Image.fromarray(image).resize((side, side), method))
        errors.append(abs(made.pixels.astype(int) - image).mean() if made.kind == "sample" else 99)
    assert np.median(errors) < 1.5
    assert sum(error > 3 for error in errors) <= 2


def test_enlarged_image_that_went_through_jpeg_is_still_known(samples):
    image = samples.test.pixels[7].numpy()
    made = prepare(open_picture(encode(enlarged(image, 10), "JPEG", quality=85)))
    assert made.kind == "sample"
    assert abs(made.pixels.astype(int) - image).mean() < 3


def noisy(rgb, amount=8, seed=0):
    noise = np.random.default_rng(seed).normal(0, amount, rgb.shape)
    return Image.fromarray((rgb + noise).clip(0, 255).astype(np.uint8))


def on_the_floor(garment="#305090"):
    """A photo of a pair of trousers on boards of wood, and where they are."""
    picture = Image.new("RGB", (300, 400), "#b98a5a")
    draw = ImageDraw.Draw(picture)
    for y in range(0, 400, 40):
        draw.line((0, y, 300, y), fill="#8a6038", width=3)
    mask = Image.new("L", picture.size, 0)
    corners = [(100, 60), (200, 60), (225, 350), (170, 350), (150, 150), (130, 350), (75, 350)]
    ImageDraw.Draw(mask).polygon(corners, fill=255)
    picture.paste(garment, mask=mask)
    return noisy(np.asarray(picture).astype(float)), np.asarray(mask) > 0


@pytest.mark.parametrize("garment", ["#305090", "#f4f4f4", "#202020", "#c02030"])
def test_garment_on_a_floor_is_cut_out_whatever_its_colour(garment):
    picture, mask = on_the_floor(garment)
    made = prepare(picture)
    assert made.kind == "photo"
    assert made.found.shape == (160, 120)
    found = np.asarray(Image.fromarray(made.found).resize(picture.size)) > 0
    assert (found & mask).sum() / (found | mask).sum() > 0.9
    left, top, right, bottom = (2.5 * side for side in made.box)
    assert (left, top, right, bottom) == pytest.approx((75, 60, 225, 350), abs=10)
    assert made.pixels[:, 14].argmin() > 7  # from the waist down to between the legs
    assert made.pixels[-3, 13:15].max() == 0


def test_white_cloth_becomes_darker_than_black_cloth_but_never_ground():
    white, black = (prepare(on_the_floor(garment)[0]).pixels for garment in ("#f4f4f4", "#202020"))
    assert 30 < np.median(white[white > 0]) < np.median(black[black > 0])


def test_transparent_ground_tells_where_the_garment_is():
    picture, mask = on_the_floor()
    cut = picture.convert("RGBA")
    cut.putalpha(Image.fromarray((mask * 255).astype(np.uint8)))
    made = prepare(cut)
    assert made.kind == "cutout"
    assert made.box == (75, 60, 226, 351)
    assert ((made.found > 0) == mask).all()


def test_a_drawing_on_transparent_ground_is_a_drawing():
    layer = Image.new("RGBA", (300, 300), (0, 0, 0, 0))
    ImageDraw.Draw(layer).rectangle((60, 40, 220, 260), outline="black", width=5)
    assert prepare(layer).kind == "drawing"


def test_product_picture_keeps_its_greys():
    picture = Image.new("RGB", (300, 300), "white")
    draw = ImageDraw.Draw(picture)
    draw.rectangle((50, 50, 249, 149), fill="#000000")
    draw.rectangle((50, 150, 249, 249), fill="#808080")
    made = prepare(picture)
    assert made.kind == "product"
    assert np.unique(made.pixels).tolist() == [127, 255]
    assert prepare(noisy(np.asarray(picture).astype(float), 2)).kind == "product"


def photo_of_paper(light):
    """A line drawing of a bag on paper, and the same photographed under light from the right."""
    picture = Image.new("L", (480, 640), 255)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((120, 250, 360, 480), outline=60, width=6)
    draw.arc((180, 150, 300, 350), 180, 360, fill=60, width=6)
    brightness = np.linspace(*light, 480)[None, :, None] * np.array([1, 0.97, 0.9])
    shown = np.asarray(picture)[:, :, None] * brightness
    return picture, noisy(shown, 4)


@pytest.mark.parametrize("light", [(0.5, 0.95), (0.9, 0.45), (0.7, 0.7)])
def test_photo_of_a_drawing_under_uneven_light_is_that_drawing(light):
    clean, photo = photo_of_paper(light)
    made, expected = prepare(photo), prepare(clean)
    assert made.kind == expected.kind == "drawing"
    assert abs(made.pixels.astype(int) - expected.pixels).mean() < 8


@pytest.mark.parametrize("kind", KINDS)
def test_every_picture_can_be_taken_for_every_kind(kind):
    for picture in (on_the_floor()[0], drawing(), photo_of_paper((0.5, 0.9))[1], drawing("black", "red")):
        made = prepare(picture, kind)
        assert made.kind == kind
        assert made.pixels.shape == (28, 28)
        assert made.pixels.dtype == np.uint8
        left, top, right, bottom = made.box
        assert 0 <= left < right <= made.found.shape[1]
        assert 0 <= top < bottom <= made.found.shape[0]


def test_unprepared_is_the_whole_picture_grey_and_bright_on_black():
    on_paper, on_black = drawing(), drawing("black", "white")
    for picture in (on_paper, on_black):
        made = unprepared(picture)
        assert made.shape == (28, 28)
        assert made[0, 0] == 0
        assert made[12, 10] == 255
    assert abs(unprepared(on_paper).astype(int) - unprepared(on_black)).max() <= 1


def test_an_unknown_kind_is_refused_with_those_there_are():
    with pytest.raises(ConfigError, match=r"^There is no kind of picture 'x', expected one of sample, drawing, "):
        prepare(drawing(), "x")


# ---------------------------------------------------------------- nothing to recognise


@pytest.mark.parametrize(
    "picture",
    [
        Image.new("L", (28, 28), 0),
        Image.new("L", (300, 200), 255),
        Image.new("RGB", (280, 280), (90, 120, 40)),
        Image.new("RGBA", (100, 100), (0, 0, 0, 0)),
        Image.new("RGBA", (100, 100), (255, 255, 255, 0)),
        Image.new("LA", (100, 100), (77, 255)),
        Image.new("1", (100, 100), 1),
        Image.new("P", (100, 100), 3),
        Image.new("I;16", (100, 100), 40_000),
        Image.new("F", (50, 50), 0.5),
        Image.new("L", (1, 1), 255),
        Image.new("L", (5000, 1), 128),
    ],
    ids=lambda picture: f"{picture.mode} {picture.width}x{picture.height}",
)
def test_picture_of_one_colour_is_empty(picture):
    with pytest.raises(NothingDrawn, match=r"^The picture is empty: it has only one colour\.$"):
        prepare(picture)
    if picture.mode != "F":  # which PNG has not
        with pytest.raises(NothingDrawn):
            prepare(open_picture(encode(picture)))


def test_paper_that_is_not_quite_even_is_empty():
    noise = np.random.default_rng(1).integers(240, 256, (300, 300), dtype=np.uint8)
    with pytest.raises(NothingDrawn, match="empty"):
        prepare(Image.fromarray(noise))


@pytest.mark.parametrize(("ground", "pen"), [("white", "black"), ("black", "white"), ("#777", "black")])
@pytest.mark.parametrize("side", [28, 100, 280, 1120])
def test_single_pixel_is_a_dot(ground, pen, side):
    picture = Image.new("RGB", (side, side), ground)
    picture.putpixel((side // 2, side // 3), Image.new("RGB", (1, 1), pen).getpixel((0, 0)))
    with pytest.raises(NothingDrawn, match=r"^There is only a dot in the picture: draw something larger\.$"):
        prepare(picture)


def test_what_is_long_in_one_direction_is_no_dot():
    picture = Image.new("L", (280, 280), 255)
    picture.paste(0, (100, 20, 101, 260))
    assert (prepare(picture).pixels.max(1) > 200).all()


# ---------------------------------------------------------------- files of all kinds


@pytest.mark.parametrize("form", ["PNG", "GIF", "WEBP", "BMP", "TIFF", "PPM"])
def test_every_lossless_form_gives_the_same_pixels(form):
    options = {"lossless": True} if form == "WEBP" else {}
    assert (pixels_of(open_picture(encode(drawing(), form, **options))) == pixels_of(drawing())).all()


@pytest.mark.parametrize("form", ["JPEG", "WEBP", "MPO"])
@pytest.mark.parametrize("options", [{}, {"progressive": True}], ids=["plain", "progressive"])
def test_lossy_forms_give_about_the_same_pixels(form, options):
    made = pixels_of(open_picture(encode(drawing(), form, quality=90, **options)))
    assert abs(made - pixels_of(drawing())).mean() < 2


@pytest.mark.parametrize("form", ["PNG", "TIFF", "JPEG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_turned_photo_is_put_upright(form, orientation):
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
    options = {"WEBP": {"lossless": True}, "JPEG": {"quality": 95}}.get(form, {})
    picture = Image.fromarray(np.ascontiguousarray(stored))
    opened = open_picture(encode(picture, form, exif=exif, **options))
    assert opened.size == (200, 240)
    difference = abs(grey_of(opened) - upright)
    assert difference.max() == 0 if form != "JPEG" else difference.mean() < 1


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
@pytest.mark.parametrize("exif", [b"Exif\0\0XX*\0\x08\0\0\0", b"Exif\0\0II*\0", b"Exif\0\0", b"II*\0\xff\xff\xff\x7f"])
def test_a_picture_of_which_only_the_exif_header_is_broken_is_opened(exif):
    # With a density in its own header, a JPEG's Exif data are read late.
    for form, options in (("JPEG", {"dpi": (72, 72), "quality": 95}), ("PNG", {}), ("WEBP", {"lossless": True})):
        opened = open_picture(encode(drawing(mode="L"), form, exif=exif, **options))
        assert abs(grey_of(opened) - np.asarray(drawing(mode="L"))).mean() < 1, form


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow reads no AVIF")
def test_avif():
    made = pixels_of(open_picture(encode(drawing(), "AVIF", quality=90)))
    assert abs(made - pixels_of(drawing())).mean() < 2


def test_first_frame_of_an_animation_is_taken():
    first, second = drawing(mode="L"), drawing(mode="L").transpose(Image.Transpose.ROTATE_180)
    for form, options in (("GIF", {}), ("WEBP", {"lossless": True}), ("PNG", {}), ("TIFF", {})):
        moving = encode(first, form, save_all=True, append_images=[second], **options)
        assert (grey_of(open_picture(moving)) == grey_of(first)).all(), form


def test_deep_grey_agrees_with_its_8_bit_version():
    shades = np.asarray(drawing(ground=250, pen=30, mode="L")).copy()
    shades[50:80, 70:100] = np.arange(900).reshape(30, 30) % 256
    shallow = Image.fromarray(shades)
    deep = Image.fromarray(shades.astype(np.uint16) * 257)
    assert deep.mode == "I;16"
    for form in ("PNG", "TIFF"):
        opened = open_picture(encode(deep, form))
        assert opened.mode == "L"
        assert (np.asarray(opened) == shades).all()
    # A picture that did not come from a file is no exception.
    assert (pixels_of(deep) == pixels_of(shallow)).all()
    for factor in (1, 257):
        wide = Image.fromarray(shades.astype(np.int32) * factor)
        assert (pixels_of(open_picture(encode(wide, "TIFF"))) == pixels_of(shallow)).all()
    twelve_bits = Image.fromarray(shades.astype(np.uint16) * 16)
    assert abs(np.asarray(open_picture(encode(twelve_bits, "PNG"))).astype(int) - shades).max() <= 1
    floats = Image.fromarray(shades.astype(np.float32) / 255)
    assert (pixels_of(open_picture(encode(floats, "TIFF"))) == pixels_of(shallow)).all()


def test_values_that_are_no_numbers_are_black():
    floats = np.asarray(drawing(0, 1, "F")).copy()
    expected = pixels_of(Image.fromarray(floats))
    floats[0, :3] = np.nan, np.inf, -np.inf
    assert (pixels_of(open_picture(encode(Image.fromarray(floats), "TIFF"))) == expected).all()


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "YCbCr"])
def test_every_mode_gives_about_the_same_pixels(mode):
    picture = drawing().convert(mode)
    form = "JPEG" if mode in ("CMYK", "YCbCr") else "PNG"
    opened = open_picture(encode(picture, form, **({"quality": 95} if form == "JPEG" else {})))
    assert opened.mode in ("L", "RGB")
    assert abs(pixels_of(opened) - pixels_of(drawing())).mean() < (2 if form == "JPEG" else 1e-9)
    assert abs(pixels_of(picture) - pixels_of(drawing())).mean() < 1


def test_palette_keeps_its_colours():
    colours = Image.new("RGB", (60, 60), (200, 30, 90))
    colours.paste((10, 200, 250), (20, 10, 50, 50))
    opened = open_picture(encode(colours.quantize(2)))
    assert opened.mode == "RGB"
    assert (np.asarray(opened) == np.asarray(colours)).all()


@pytest.mark.parametrize("pen", ["black", "white", "navy", "yellow"])
def test_transparent_ground_is_the_opposite_of_the_drawing(pen):
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
    clear = int(np.asarray(palette)[0, 0])
    for form in ("PNG", "GIF"):
        opened = open_picture(encode(palette, form, transparency=clear))
        assert opened.mode == "RGBA"
        assert (pixels_of(opened) == expected).all()
    coloured = encode(drawing(), "PNG", transparency=(255, 255, 255))
    assert (pixels_of(open_picture(coloured)) == expected).all()


def test_half_transparent_pixels_are_mixed():
    picture = drawing((255, 255, 255, 0), (0, 0, 0, 255), "RGBA")
    picture.paste((0, 0, 0, 128), (70, 60, 100, 120))
    mixed = drawing()
    mixed.paste((127, 127, 127), (70, 60, 100, 120))
    shown, expected = (prepare(each, "product").pixels.astype(int) for each in (picture, mixed))
    assert abs(shown - expected).max() <= 1


@pytest.mark.parametrize(("form", "size"), [("PNG", (3000, 2000)), ("JPEG", (3000, 2000)), ("JPEG", (900, 4000))])
def test_large_photo_is_made_smaller_and_keeps_its_shape(form, size):
    picture = Image.new("RGB", size, "white")
    box = (size[0] // 4, size[1] // 5, size[0] // 2, size[1] // 2)
    picture.paste((20, 30, 40), box)
    opened = open_picture(encode(picture, form))
    assert max(opened.size) <= WORKING_SIDE
    assert opened.width / opened.height == pytest.approx(size[0] / size[1], rel=0.01)
    scale = opened.width / size[0]
    assert prepare(opened).box == pytest.approx([side * scale for side in box], abs=2)


# ---------------------------------------------------------------- files that are refused


def bilevel_png(width, height):
    """An all black PNG of one bit a pixel, packed without ever being in memory."""
    pack = zlib.compressobj(9)
    rows = bytes(1 + (width + 7) // 8) * 100
    data = b"".join(pack.compress(rows) for _ in range(height // 100)) + pack.flush()

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


@pytest.mark.parametrize(("width", "height", "action", "found"), HUGE)
def test_huge_picture_is_refused_from_its_header(width, height, action, found, monkeypatch):
    def unpack(*_):
        pytest.fail("it was unpacked")

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", unpack)
    packed = bilevel_png(width, height)
    assert len(packed) < 40_000
    with warnings.catch_warnings(), pytest.raises(PictureError) as caught:
        warnings.simplefilter(action if action == "error" else "ignore")
        open_picture(packed, "bomb.png")
    limits = "20 million (64 million as a JPEG)" if found.startswith("over") else "20 million pixels"
    assert str(caught.value) == f"bomb.png is too large: {found}, expected at most {limits}."


def test_huge_picture_takes_no_memory(python, tmp_path):
    pytest.importorskip("resource")
    (tmp_path / "100.png").write_bytes(bilevel_png(10_000, 10_000))
    (tmp_path / "196.png").write_bytes(bilevel_png(14_000, 14_000))
    program = f"""
import pathlib, resource, sys
from fmnist_core import errors, pixels
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1024 if sys.platform == "linux" else 2**20)
before = peak()
for name in ("100.png", "196.png"):
    try:
        pixels.open_picture(pathlib.Path({str(tmp_path)!r}) / name)
    except errors.PictureError as error:
        print(error)
print(peak() - before)
"""
    done = python("-W", "ignore", "-c", program)
    first, second, grown = done.stdout.splitlines()
    assert first == "100.png is too large: 10000x10000, expected at most 20 million pixels."
    assert second == "196.png is too large: over 89 million pixels, expected at most 20 million (64 million as a JPEG)."
    assert int(grown) < 20  # MiB; unpacked they would take 95 and 187


def test_a_jpeg_of_very_many_scans_is_refused_unread(file_of, monkeypatch):
    plain = file_of(Image.new("L", (64, 64), 90), "JPEG", progressive=True)
    start = plain.rindex(pixels.START_OF_SCAN)
    scan, end = plain[start:-2], plain[-2:]
    scans = plain.count(pixels.START_OF_SCAN)
    assert 2 <= scans <= 12
    most = plain[:-2] + scan * (pixels.MAX_SCANS - scans) + end
    assert open_picture(most).size == (64, 64)
    # A photo of one scan may have a film after it, in which anything can stand.
    baseline = file_of(Image.new("L", (64, 64), 90), "JPEG")
    assert open_picture(baseline + pixels.START_OF_SCAN * 1000).size == (64, 64)
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda *_: pytest.fail("it was unpacked"))
    with pytest.raises(PictureError, match="more than 64 scans, expected about ten"):
        open_picture(most[:-2] + scan + end, "slow.jpg")


def test_the_largest_that_is_allowed_is_opened():
    side = 4400
    assert side**2 < MAX_PIXELS
    assert open_picture(bilevel_png(side, side)).size == (WORKING_SIDE, WORKING_SIDE)


def jpeg(width, height, **options):
    file = io.BytesIO()
    Image.new("L", (width, height), 200).save(file, "JPEG", **options)
    return file.getvalue()


@pytest.mark.parametrize("progressive", [False, True])
def test_photo_of_a_phone_is_opened_at_a_part_of_its_size(progressive, python, tmp_path):
    pytest.importorskip("resource")
    (tmp_path / "48.jpg").write_bytes(jpeg(8064, 6048, progressive=progressive))
    program = f"""
import pathlib, resource, sys
from fmnist_core import pixels
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1024 if sys.platform == "linux" else 2**20)
before = peak()
print(*pixels.open_picture(pathlib.Path({str(tmp_path)!r}) / "48.jpg").size)
print(peak() - before)
"""
    size, grown = python("-c", program).stdout.splitlines()
    assert size == f"{WORKING_SIDE} {WORKING_SIDE * 6048 // 8064}"
    assert int(grown) < (130 if progressive else 30)  # MiB; its pixels are 47, in a progressive file 93


@pytest.mark.parametrize(("width", "height", "most"), [(9000, 8000, 64), (60_000, 500, 20)], ids=["huge", "thin"])
def test_jpeg_that_stays_huge_is_refused(width, height, most, monkeypatch):
    packed = jpeg(width, height)
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda *_: pytest.fail("it was unpacked"))
    with pytest.raises(PictureError) as caught:
        open_picture(packed, "photo.jpg")
    assert str(caught.value) == f"photo.jpg is too large: {width}x{height}, expected at most {most} million pixels."


WORDS = "is not a picture that can be read; PNG, JPEG, GIF, WebP, BMP and TIFF can."


@pytest.mark.parametrize(
    ("contents", "words"),
    [
        (b"", "is empty."),
        (b"just a few words, named .png\n" * 20, WORDS),
        (b"\x00", WORDS),
        (b"%PDF-1.7\n" + bytes(100), WORDS),
        (b"PK\x03\x04" + bytes(100), WORDS),
        (b"\x89PNG\r\n\x1a\n", WORDS),
        (
            b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200),
            "is a HEIC photo, which cannot be read here: save it as JPEG and try again.",
        ),
        (
            b"\0\0\0\x1cftypmif1\0\0\0\0" + bytes(200),
            "is a HEIC photo, which cannot be read here: save it as JPEG and try again.",
        ),
        (
            b'<svg xmlns="http://www.w3.org/2000/svg"/>',
            "is an SVG drawing, which cannot be read here: save it as PNG and try again.",
        ),
        (
            b'\n  <?xml version="1.0"?><svg/>',
            "is an SVG drawing, which cannot be read here: save it as PNG and try again.",
        ),
    ],
    ids=["empty", "text", "one byte", "PDF", "zip", "only a signature", "HEIC", "HEIC of a sort", "SVG", "SVG as XML"],
)
def test_foreign_file_is_one_sentence(tmp_path, contents, words):
    path = tmp_path / "it.png"
    path.write_bytes(contents)
    with pytest.raises(PictureError) as caught:
        open_picture(path)
    assert str(caught.value) == f"it.png {words}"
    for name, called in ((None, "The file"), ("photo.heic", "photo.heic")):
        with pytest.raises(PictureError) as caught:
            open_picture(contents, name)
        assert str(caught.value) == f"{called} {words}"


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "PPM"])
@pytest.mark.filterwarnings("ignore:Truncated File Read:UserWarning")
def test_cut_file_is_refused(form, tmp_path):
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (300, 300, 3), dtype=np.uint8))
    whole = encode(noise, form)
    path = tmp_path / f"cut.{form.lower()}"
    for part in (0.95, 0.5, 0.1):
        path.write_bytes(whole[: int(part * len(whole))])
        with pytest.raises(PictureError) as caught:
            open_picture(path)
        # WebP and TIFF have what is needed to know them for pictures at their end.
        expected = [f"{path.name} cannot be read: it is cut short or damaged."]
        if form in ("WEBP", "TIFF"):
            expected.append(f"{path.name} {WORDS}")
        assert str(caught.value) in expected


def test_file_that_is_not_there_or_no_file(tmp_path):
    with pytest.raises(PictureError, match=r"^There is no file gone\.png\.$"):
        open_picture(tmp_path / "gone.png")
    with pytest.raises(PictureError, match=r"cannot be read: Is a directory\.$"):
        open_picture(tmp_path)


BASES = [
    encode(drawing().resize((50, 60)), "PNG"),
    encode(drawing().resize((50, 60)), "JPEG"),
    encode(drawing().resize((50, 60)), "GIF"),
    encode(drawing().resize((50, 60)), "WEBP"),
    encode(drawing().resize((50, 60)), "BMP"),
    encode(drawing().resize((50, 60)), "TIFF"),
    encode(drawing().resize((50, 60)), "TIFF", compression="tiff_lzw"),
    encode(drawing().resize((50, 60)), "PPM"),
    encode(Image.fromarray(np.ones((20, 20), np.float32)), "TIFF"),
    encode(Image.fromarray(np.ones((20, 20), np.uint16)), "PNG"),
]


@given(
    base=st.sampled_from(BASES),
    cut=st.none() | st.integers(0, 4000),
    changes=st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), max_size=6),
)
def test_any_bytes_give_a_picture_or_one_sentence(base, cut, changes):
    contents = bytearray(base if cut is None else base[:cut])
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


@pytest.mark.parametrize("error", [TypeError("'float' object"), struct.error("unpack"), OSError("broken data stream")])
def test_whatever_pillow_raises_for_a_damaged_file_is_one_sentence(monkeypatch, error):
    def fail(*_):
        raise error

    contents = encode(drawing())
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", fail)
    with pytest.raises(PictureError, match=r"^it\.png cannot be read: it is cut short or damaged\.$"):
        open_picture(contents, "it.png")
