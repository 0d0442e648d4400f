"""Margins and frames, in pictures that are made here."""

import numpy as np
import pytest
from example_pictures import outline
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from fmnist_core.preparation import prepare
from fmnist_core.preparation.margins import picture_box


def whole(picture):
    return (0, 0, picture.width, picture.height)


def on_page(picture, widths, colour):
    left, top, right, bottom = widths
    page = Image.new("RGB", (picture.width + left + right, picture.height + top + bottom), colour)
    page.paste(picture, (left, top))
    return page


def box_of(picture):
    return picture_box(np.asarray(picture.convert("RGB")))


COLOURS = st.tuples(*[st.integers(0, 255)] * 3)


@given(widths=st.tuples(*[st.integers(1, 60)] * 4), margin=COLOURS, paper=COLOURS)
def test_a_margin_of_any_colour_is_found_to_the_pixel(widths, margin, paper):
    if max(abs(one - other) for one, other in zip(margin, paper, strict=True)) < 40:
        return
    ink = "black" if sum(paper) > 380 else "white"
    left, top = widths[:2]
    assert box_of(on_page(outline(ink, paper), widths, margin)) == (left, top, left + 240, top + 240)


@pytest.mark.parametrize("widths", [(0, 120, 0, 120), (90, 0, 90, 0)], ids=["letterbox", "pillarbox"])
def test_two_bars_are_a_margin(widths):
    left, top = widths[:2]
    assert box_of(on_page(outline(), widths, "black")) == (left, top, left + 240, top + 240)


def test_margins_and_frames_within_each_other():
    framed = on_page(on_page(on_page(outline(), (9,) * 4, "white"), (3,) * 4, "black"), (5,) * 4, "white")
    in_dark = on_page(framed, (20,) * 4, "navy")
    left, top, right, bottom = box_of(in_dark)
    assert left == top == 28
    assert (right, bottom) == (in_dark.width - 28, in_dark.height - 28)


@pytest.mark.parametrize("colour", ["white", "#eeeeee", "black", "navy"])
def test_a_garment_on_a_plain_background_has_no_margin(samples, colour):
    for image in samples.test.pixels[::40].numpy():
        side = 280
        mask = np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC))
        picture = Image.composite(Image.new("RGB", (side, side), "#777733"), Image.new("RGB", (side, side), colour),
                                  Image.fromarray(mask))  # fmt: skip
        assert box_of(picture) == whole(picture)


def test_a_drawn_suitcase_is_no_frame():
    picture = Image.new("RGB", (300, 240), "white")
    pen = ImageDraw.Draw(picture)
    pen.rectangle((40, 40, 260, 200), outline="black", width=4)
    assert box_of(picture) == whole(picture)  # an empty one
    pen.line((40, 90, 260, 90), fill="black", width=4)
    pen.rectangle((130, 80, 170, 110), outline="black", width=4)
    assert box_of(picture) == whole(picture)


@pytest.mark.parametrize("margin", [1, 12, 60])
def test_an_image_of_the_data_set_in_a_margin_is_one(samples, margin):
    for image in samples.test.pixels[::100].numpy():
        page = on_page(Image.fromarray(image).resize((280, 280), Image.Resampling.NEAREST), (margin,) * 4, "white")
        prepared = prepare(page)
        assert prepared.kind == "sample"
        assert (prepared.pixels == image).all()


def test_a_drawing_is_the_same_in_a_frame_and_without():
    alone = prepare(outline()).pixels
    framed = on_page(on_page(on_page(outline(), (6,) * 4, "white"), (2,) * 4, "black"), (4,) * 4, "white")
    for picture in (on_page(outline(), (30,) * 4, "#336699"), framed):
        prepared = prepare(picture)
        assert prepared.kind == "drawing"
        assert (prepared.pixels == alone).all()
