import numpy as np
import pytest
from example_pictures import drawing, encode, pixels_of
from hypothesis import assume, given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from fmnist_core.errors import ConfigError, NothingDrawn
from fmnist_core.preparation import PICTURE_KINDS, open_picture, prepare, prepare_naively

# ---------------------------------------------------------------- images of the data set come through


def enlarged(image, factor):
    return Image.fromarray(image.repeat(factor, 0).repeat(factor, 1))


def test_data_set_images_come_through_unchanged(samples):
    for image in samples.test.pixels[::5].numpy():
        assert (prepare(Image.fromarray(image)).pixels == image).all()


@given(index=st.integers(0, 1999), factor=st.integers(2, 20), through_file=st.booleans())
def test_enlarged_data_set_images_come_through_unchanged(samples, index, factor, through_file):
    image = samples.test.pixels[index].numpy()
    picture = enlarged(image, factor)
    if through_file:
        picture = open_picture(encode(picture))
    assert (prepare(picture).pixels == image).all()


def test_bags_that_reach_two_edges_come_through_unchanged_too(full_data):
    for number in (26299, 41623):
        image = full_data.train.pixels[number].numpy()
        assert (prepare(Image.fromarray(image)).pixels == image).all()
        assert (prepare(enlarged(image, 7)).pixels == image).all()


def test_drawing_of_the_same_size_on_paper_is_not_detected_as_one():
    paper = np.full((28, 28), 255, np.uint8)
    paper[5:20, 9:14] = 0
    prepared = prepare(Image.fromarray(paper))
    assert prepared.box == (9, 5, 14, 20)
    assert prepared.pixels[:, 14].min() == 255  # upright, in the middle, from top to bottom
    assert prepared.pixels[:, :8].max() == 0


SCALINGS = [Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS]


@pytest.mark.parametrize("method", SCALINGS)
@pytest.mark.parametrize("side", [56, 100, 224, 280])
def test_smoothly_enlarged_data_set_images_are_recovered(samples, method, side):
    errors = []
    for image in samples.test.pixels[::100].numpy():
        prepared = prepare(Image.fromarray(image).resize((side, side), method))
        errors.append(abs(prepared.pixels.astype(int) - image).mean() if prepared.kind == "sample" else 99)
    assert np.median(errors) < 1.5
    assert sum(error > 3 for error in errors) <= 2


def test_enlarged_image_that_went_through_jpeg_is_still_detected(samples):
    image = samples.test.pixels[7].numpy()
    prepared = prepare(open_picture(encode(enlarged(image, 10), "JPEG", quality=85)))
    assert prepared.kind == "sample"
    assert abs(prepared.pixels.astype(int) - image).mean() < 3


# ---------------------------------------------------------------- a garment is found, cropped and fitted


def test_box_and_pixels_of_a_plain_rectangle():
    picture = Image.new("L", (300, 200), 255)
    picture.paste(0, (50, 60, 190, 130))  # 140 x 70: twice as wide as high
    prepared = prepare(picture)
    assert prepared.box == (50, 60, 190, 130)
    expected = np.zeros((28, 28), np.uint8)
    expected[7:21] = 255
    assert (prepared.pixels == expected).all()
    assert prepared.found.shape == (200, 300)
    assert (prepared.found[60:130, 50:190] == 255).all()
    assert int(prepared.found.astype(int).sum()) == 140 * 70 * 255


@given(
    left=st.integers(0, 90),
    top=st.integers(0, 90),
    width=st.integers(12, 100),
    height=st.integers(12, 100),
    background=st.integers(0, 255),
    pen=st.integers(0, 255),
)
def test_box_is_where_the_garment_is_whatever_its_grey_level(left, top, width, height, background, pen):
    assume(abs(background - pen) > 25)
    assume(2 * (width + height) < 300)  # most of the border is background
    picture = np.full((200, 200), background, np.uint8)
    picture[top : top + height, left : left + width] = pen
    prepared = prepare(Image.fromarray(picture), "product")
    assert prepared.box == (left, top, left + width, top + height)
    rows, columns = (prepared.pixels.any(axis).nonzero()[0] for axis in (1, 0))
    longer, shorter = (rows, columns) if height >= width else (columns, rows)
    assert len(longer) == 28
    assert len(shorter) == max(1, round(28 * min(width, height) / max(width, height)))
    assert abs(shorter[0] - (27 - shorter[-1])) <= 1  # in the middle
    assert prepared.pixels.max() == 255


def test_place_and_polarity_of_a_drawing_do_not_matter():
    expected = pixels_of(drawing())
    assert expected.max() == 255
    moved = Image.new("RGB", (400, 400), "white")
    moved.paste(drawing(), (170, 3))
    assert (pixels_of(moved) == expected).all()
    assert (pixels_of(drawing("black", "white")) == expected).all()


def test_contrast_of_a_drawing_does_not_matter():
    expected = pixels_of(drawing("white", "black", "L"))
    for background, pen in ((200, 90), (90, 200), (115, 0), (150, 255), (128, 60), (60, 128), (0, 40)):
        assert (pixels_of(drawing(background, pen, "L")) == expected).all(), (background, pen)


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_size_of_a_drawing_does_not_matter(factor):
    small, large = drawing(), drawing().resize((200 * factor, 240 * factor), Image.Resampling.NEAREST)
    # Pillow counts a pixel on the edge of two new ones wholly to one of them: a few along the edge differ.
    assert abs(pixels_of(small) - pixels_of(large)).mean() < 1


def test_each_new_pixel_is_the_average_of_those_it_covers():
    picture = np.zeros((280, 280), np.uint8)
    picture[:140, :140] = np.random.default_rng(0).integers(100, 256, (140, 140))
    picture[0, 0] = picture[139, 139] = 255
    whole = np.pad(picture, 60)  # with a background around it; cropped to 140 x 140, so 5 x 5 pixels become one
    means = picture[:140, :140].reshape(28, 5, 28, 5).mean((1, 3))
    assert abs(prepare(Image.fromarray(whole)).pixels - means * 255 / means.max()).max() <= 1


def test_thin_line_is_not_lost():
    picture = Image.new("L", (1100, 1100), 255)
    ImageDraw.Draw(picture).line([(100, 100), (999, 1000)], fill=0, width=1)
    assert (prepare(picture).pixels.diagonal() > 100).all()


# ---------------------------------------------------------------- what a picture is detected as


def noisy(rgb, amount=8, seed=0):
    noise = np.random.default_rng(seed).normal(0, amount, rgb.shape)
    return Image.fromarray((rgb + noise).clip(0, 255).astype(np.uint8))


def photo_on_a_floor(garment="#305090"):
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
def test_garment_on_a_floor_is_segmented_whatever_its_colour(garment):
    picture, mask = photo_on_a_floor(garment)
    prepared = prepare(picture)
    assert prepared.kind == "photo"
    assert prepared.found.shape == (160, 120)
    found = np.asarray(Image.fromarray(prepared.found).resize(picture.size)) > 0
    assert (found & mask).sum() / (found | mask).sum() > 0.9
    left, top, right, bottom = (2.5 * side for side in prepared.box)
    assert (left, top, right, bottom) == pytest.approx((75, 60, 225, 350), abs=10)
    assert prepared.pixels[:, 14].argmin() > 7  # from the waist down to between the legs
    assert prepared.pixels[-3, 13:15].max() == 0


def test_white_cloth_becomes_darker_than_black_cloth_but_never_background():
    white, black = (prepare(photo_on_a_floor(garment)[0]).pixels for garment in ("#f4f4f4", "#202020"))
    assert 30 < np.median(white[white > 0]) < np.median(black[black > 0])


def test_transparent_background_tells_where_the_garment_is():
    picture, mask = photo_on_a_floor()
    segmented = picture.convert("RGBA")
    segmented.putalpha(Image.fromarray((mask * 255).astype(np.uint8)))
    prepared = prepare(segmented)
    assert prepared.kind == "segmented"
    assert prepared.box == (75, 60, 226, 351)
    assert ((prepared.found > 0) == mask).all()


def test_drawing_on_a_transparent_background_is_a_drawing():
    layer = Image.new("RGBA", (300, 300), (0, 0, 0, 0))
    ImageDraw.Draw(layer).rectangle((60, 40, 220, 260), outline="black", width=5)
    assert prepare(layer).kind == "drawing"


def test_product_picture_keeps_its_grey_levels():
    picture = Image.new("RGB", (300, 300), "white")
    draw = ImageDraw.Draw(picture)
    draw.rectangle((50, 50, 249, 149), fill="#000000")
    draw.rectangle((50, 150, 249, 249), fill="#808080")
    prepared = prepare(picture)
    assert prepared.kind == "product"
    assert np.unique(prepared.pixels).tolist() == [127, 255]
    assert prepare(noisy(np.asarray(picture).astype(float), 2)).kind == "product"


def photo_of_paper(light):
    """A line drawing of a bag on paper, and the same photographed under light from the right."""
    picture = Image.new("L", (480, 640), 255)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((120, 250, 360, 480), outline=60, width=6)
    draw.arc((180, 150, 300, 350), 180, 360, fill=60, width=6)
    brightness = np.linspace(*light, 480)[None, :, None] * np.array([1, 0.97, 0.9])
    return picture, noisy(np.asarray(picture)[:, :, None] * brightness, 4)


@pytest.mark.parametrize("light", [(0.5, 0.95), (0.9, 0.45), (0.7, 0.7)])
def test_photo_of_a_drawing_under_uneven_light_is_that_drawing(light):
    clean, photo = photo_of_paper(light)
    prepared, expected = prepare(photo), prepare(clean)
    assert prepared.kind == expected.kind == "drawing"
    assert abs(prepared.pixels.astype(int) - expected.pixels).mean() < 8


@pytest.mark.parametrize("kind", PICTURE_KINDS)
def test_every_picture_can_be_treated_as_every_kind(kind):
    for picture in (photo_on_a_floor()[0], drawing(), photo_of_paper((0.5, 0.9))[1], drawing("black", "red")):
        prepared = prepare(picture, kind)
        assert prepared.kind == kind
        assert prepared.pixels.shape == (28, 28)
        assert prepared.pixels.dtype == np.uint8
        left, top, right, bottom = prepared.box
        assert 0 <= left < right <= prepared.found.shape[1]
        assert 0 <= top < bottom <= prepared.found.shape[0]


def test_unknown_kind_is_refused_with_those_there_are():
    with pytest.raises(ConfigError, match=r"^There is no kind of picture 'x', expected one of sample, drawing, "):
        prepare(drawing(), "x")


def test_naive_preparation_is_the_whole_picture_grey_and_bright_on_black():
    on_paper, on_black = drawing(), drawing("black", "white")
    for picture in (on_paper, on_black):
        pixels = prepare_naively(picture)
        assert pixels.shape == (28, 28)
        assert pixels[0, 0] == 0
        assert pixels[12, 10] == 255
    assert abs(prepare_naively(on_paper).astype(int) - prepare_naively(on_black)).max() <= 1


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
    if picture.mode != "F":  # which PNG does not have
        with pytest.raises(NothingDrawn):
            prepare(open_picture(encode(picture)))


def test_paper_that_is_not_quite_even_is_empty():
    noise = np.random.default_rng(1).integers(240, 256, (300, 300), dtype=np.uint8)
    with pytest.raises(NothingDrawn, match="empty"):
        prepare(Image.fromarray(noise))


@pytest.mark.parametrize(("background", "pen"), [("white", "black"), ("black", "white"), ("#777", "black")])
@pytest.mark.parametrize("side", [28, 100, 280, 1120])
def test_single_pixel_is_a_dot(background, pen, side):
    picture = Image.new("RGB", (side, side), background)
    picture.putpixel((side // 2, side // 3), Image.new("RGB", (1, 1), pen).getpixel((0, 0)))
    with pytest.raises(NothingDrawn, match=r"^There is only a dot in the picture: draw something larger\.$"):
        prepare(picture)


def test_what_is_long_in_one_direction_is_no_dot():
    picture = Image.new("L", (280, 280), 255)
    picture.paste(0, (100, 20, 101, 260))
    assert (prepare(picture).pixels.max(1) > 200).all()


# ---------------------------------------------------------------- levels and colours


@pytest.mark.parametrize(("low", "high"), [(20, 235), (0, 180), (40, 200)])
def test_data_set_images_in_other_greys_are_brought_back(samples, low, high):
    for image in samples.test.pixels[::100].numpy():
        greys = (low + image * ((high - low) / 255)).round().astype(np.uint8)
        prepared = prepare(Image.fromarray(greys).resize((280, 280), Image.Resampling.NEAREST))
        assert prepared.kind == "sample"
        # On black, they are as dark as they were made.
        expected = image * (255 / image.max()) if low else greys
        assert np.abs(prepared.pixels.astype(float) - expected).max() <= 3


def test_data_set_images_in_colours_are_brought_back(samples):
    """From dark blue to yellow, as plots show them: brighter where the image is."""
    for image in samples.test.pixels[::100].numpy():
        ramp = np.linspace([70, 0, 85], [250, 230, 40], 256).round().astype(np.uint8)
        prepared = prepare(Image.fromarray(ramp[image]))
        assert prepared.kind == "sample"
        assert np.abs(prepared.pixels.astype(float) - image * (255 / image.max())).max() <= 4


def shirt(cloth, background, pen=None):
    picture = Image.new("RGB", (280, 280), background)
    draw = ImageDraw.Draw(picture)
    draw.polygon([(60, 60), (220, 60), (250, 130), (205, 130), (205, 240), (75, 240), (75, 130), (30, 130)], cloth)
    if pen:
        draw.line([(75, 240), (205, 240)], pen, 6)
    return picture


@pytest.mark.parametrize(
    ("cloth", "background"),
    [("#e02020", "#2d6b2d"), ("#f6f6f6", "#ffffff"), ("#0a0a0a", "#000000"), ("#fff0b0", "#ffffff")],
    ids=["equally bright colours", "white on white", "black on black", "pale yellow"],
)
def test_a_garment_is_found_by_its_colour(cloth, background):
    prepared = prepare(shirt(cloth, background))
    reference = prepare(shirt("black", "white"))
    overlap = ((prepared.pixels > 40) & (reference.pixels > 40)).sum() / (
        (prepared.pixels > 40) | (reference.pixels > 40)
    ).sum()
    assert overlap > 0.9


def test_pens_of_two_colours_draw_one_garment():
    def drawn(upper, lower):
        picture = Image.new("RGB", (280, 280), "white")
        draw = ImageDraw.Draw(picture)
        draw.line([(40, 140), (40, 40), (240, 40), (240, 140)], upper, 5)
        draw.line([(40, 140), (40, 240), (240, 240), (240, 140)], lower, 5)
        return prepare(picture)

    assert drawn("#ffdc00", "black").kind == "drawing"
    assert (drawn("#ffdc00", "black").pixels == drawn("black", "black").pixels).all()


def test_grain_alone_is_nothing():
    grain = np.random.default_rng(0).normal(200, 2, (100, 100)).round().astype(np.uint8)
    with pytest.raises(NothingDrawn, match=r"^The picture is empty: nothing stands out from its background\.$"):
        prepare(Image.fromarray(grain))
