import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from fmnist_core import lines
from fmnist_core.lines import draw_lines, find_lines, fit

SHIRT = (
    (0.35, 0.05), (0.15, 0.15), (0.02, 0.4), (0.2, 0.48), (0.28, 0.36), (0.28, 0.95), (0.72, 0.95),
    (0.72, 0.36), (0.8, 0.48), (0.98, 0.4), (0.85, 0.15), (0.65, 0.05), (0.5, 0.14), (0.35, 0.05),
)  # fmt: skip


def contrast(corners=SHIRT, side=400, pen=6, place=(0.1, 0.1), size=0.8):
    """A drawing as ``find_lines`` gets it: ink 1 on 0, drawn four times as large and averaged."""
    large = Image.new("L", (4 * side, 4 * side), 0)
    places = [tuple(4 * side * (p + size * c) for p, c in zip(place, corner, strict=True)) for corner in corners]
    ImageDraw.Draw(large).line(places, fill=255, width=4 * pen, joint="curve")
    return np.asarray(large.resize((side, side), Image.Resampling.BOX)).astype(np.float32) / 255


def pixels(ink):
    distance = find_lines(ink)
    assert distance is not None
    return draw_lines(distance).astype(int)


def test_an_outline_is_filled_and_keeps_its_lines():
    drawn = pixels(contrast())
    assert drawn.shape == (28, 28)
    assert drawn[20, 14] == pytest.approx(255 * lines.INSIDE, abs=2)  # in the middle of the body
    assert drawn[25, 1] == 0 == drawn[2, 0]  # under a sleeve, above a shoulder
    sides = drawn[20]
    assert sides.max() > 220
    assert (np.diff(np.sign(sides - 200)) != 0).sum() == 4  # dark, line, inside, line, dark


def test_an_open_line_encloses_nothing():
    drawn = pixels(contrast(((0, 0), (0, 1), (1, 1))))
    assert drawn[5:20, 8:26].max() == 0


@pytest.mark.parametrize("gap", [0.01, 0.03, 0.05])
def test_a_small_gap_is_tolerated(gap):
    square = ((0.5 - gap / 2, 0), (0, 0), (0, 1), (1, 1), (1, 0), (0.5 + gap / 2, 0))
    assert pixels(contrast(square, pen=2))[14, 14] == pytest.approx(255 * lines.INSIDE, abs=2)


def test_a_wide_gap_leaves_it_open():
    square = ((0.3, 0), (0, 0), (0, 1), (1, 1), (1, 0), (0.7, 0))
    assert pixels(contrast(square, pen=2))[14, 14] == 0


@given(st.integers(2, 22), st.integers(200, 900), st.floats(0.5, 0.9))
def test_pen_and_size_hardly_matter(pen, side, size):
    place = ((1 - size) / 2,) * 2
    pen = max(1, round(pen * size * side / 400))
    drawn = pixels(contrast(side=side, pen=pen, place=place, size=size))
    assert abs(drawn - pixels(contrast())).mean() < 20  # half a pixel of shift; other drawings differ by 60


def test_lines_of_all_pens_come_out_equally_wide():
    for pen in (2, 5, 10, 20):
        across = pixels(contrast(((0, 0), (0, 1), (1, 1)), pen=pen))[4:18, :8].sum(1) / 255
        assert across.mean() == pytest.approx(lines.LINE_WIDTH, abs=0.45), pen


def test_specks_apart_are_dropped_and_buttons_inside_are_not():
    clean = contrast()
    dirty = clean.copy()
    dirty[4:9, 4:9] = 1
    dirty[390:394, 200:204] = 1
    assert (pixels(dirty) == pixels(clean)).all()
    buttoned = clean.copy()
    buttoned[200:212, 194:206] = 1
    assert pixels(buttoned)[11:15, 12:17].max() > pixels(clean)[11:15, 12:17].max() + 30


def test_what_is_filled_is_no_line_drawing():
    large = Image.new("L", (400, 400), 0)
    ImageDraw.Draw(large).polygon([(40 + 320 * x, 40 + 320 * y) for x, y in SHIRT], fill=255)
    assert find_lines(np.asarray(large).astype(np.float32) / 255) is None


def test_cloth_is_no_line_drawing():
    ink = np.zeros((300, 300), np.float32)
    ink[80:220, 100:200] = np.random.default_rng(0).uniform(0.4, 1, (140, 100))
    assert find_lines(ink) is None


def test_a_busy_ground_is_no_paper():
    ink = np.maximum(contrast(), np.random.default_rng(0).uniform(0, 0.34, (400, 400)).astype(np.float32))
    assert find_lines(ink) is None


@given(st.integers(1, 300), st.integers(1, 300))
def test_fit_fills_the_frame_in_its_middle(height, width):
    drawn = fit(np.ones((height, width), np.float32))
    rows, columns = (np.flatnonzero(drawn.any(axis)) for axis in (1, 0))
    assert max(len(rows), len(columns)) == 28
    assert abs(rows[0] - (27 - rows[-1])) <= 1
    assert abs(columns[0] - (27 - columns[-1])) <= 1
    assert drawn.max() == 255
