"""Margins, frames and ruled paper, in pictures that are made here."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from fmnist_core.preparation import prepare
from fmnist_core.preparation.surroundings import picture_box, without_rules

SHIRT = [(60, 40), (100, 40), (120, 55), (140, 40), (180, 40), (220, 90), (190, 110), (175, 90), (175, 200), (65, 200),
         (65, 90), (50, 110), (20, 90), (60, 40)]  # fmt: skip


def drawing(ink="black", paper="white", width=5):
    picture = Image.new("RGB", (240, 240), paper)
    ImageDraw.Draw(picture).line(SHIRT, fill=ink, width=width, joint="curve")
    return picture


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
    assert box_of(on_page(drawing(ink, paper), widths, margin)) == (left, top, left + 240, top + 240)


@pytest.mark.parametrize("widths", [(0, 120, 0, 120), (90, 0, 90, 0)], ids=["letterbox", "pillarbox"])
def test_two_bars_are_a_margin(widths):
    left, top = widths[:2]
    assert box_of(on_page(drawing(), widths, "black")) == (left, top, left + 240, top + 240)


def test_margins_and_frames_within_each_other():
    framed = on_page(on_page(on_page(drawing(), (9,) * 4, "white"), (3,) * 4, "black"), (5,) * 4, "white")
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
    alone = prepare(drawing()).pixels
    framed = on_page(on_page(on_page(drawing(), (6,) * 4, "white"), (2,) * 4, "black"), (4,) * 4, "white")
    for picture in (on_page(drawing(), (30,) * 4, "#336699"), framed):
        prepared = prepare(picture)
        assert prepared.kind == "drawing"
        assert (prepared.pixels == alone).all()


def ruled(step, ink="#9db7e0", squares=False, margin=False):
    paper = Image.new("RGB", (240, 240), "white")
    pen = ImageDraw.Draw(paper)
    for place in range(step // 2, 240, step):
        pen.line((0, place, 240, place), fill=ink)
        if squares:
            pen.line((place, 0, place, 240), fill=ink)
    if margin:
        pen.line((30, 0, 30, 240), fill="#e08080")
    pen.line(SHIRT, fill="black", width=5, joint="curve")
    return paper


@pytest.mark.parametrize("ink", ["#9db7e0", "#b0b0b0", "#6080c0"])
@pytest.mark.parametrize("paper", [{}, {"squares": True}, {"margin": True}], ids=["ruled", "squared", "with margin"])
@pytest.mark.parametrize("step", [12, 24])
def test_rules_and_squares_are_no_ink(ink, paper, step):
    alone = prepare(drawing())
    prepared = prepare(ruled(step, ink, **paper))
    assert prepared.kind == "drawing"
    difference = np.abs(prepared.pixels.astype(int) - alone.pixels)
    assert difference.mean() < 6
    assert prepared.found.shape == (240, 240)
    assert np.abs(np.subtract(prepared.box, alone.box)).max() <= 2


def test_lines_of_a_drawing_are_no_rules():
    """The stripes of a jumper are evenly spaced, but do not cross the picture."""
    contrast = np.zeros((240, 240), np.float32)
    contrast[40:200:16, 50:190] = 1
    contrast[40:200, (50, 189)] = 1
    assert (without_rules(contrast) == contrast).all()
    contrast[100] = 1  # a single line across, as that of a table, is none either
    assert (without_rules(contrast) == contrast).all()
