import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from fmnist_core.preparation.lines import (
    FILL_LEVEL,
    GAP,
    GRID,
    LINE_WIDTH,
    MARGIN,
    PAPER_SIDE,
    distance_to_lines,
    draw_lines,
    enclosed,
    find_lines,
    flatten_paper,
)

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


@pytest.mark.parametrize("side", [200, 280, 500])
def test_line_of_one_pixel_is_found_wherever_it_runs(side):
    for row in range(2, side // 2, side // 200):  # also where it lies half in one cell and half in the next
        ink = np.zeros((side, side), np.float32)
        ink[0, :] = ink[-1, :] = ink[:, 0] = ink[:, -1] = ink[row, :] = 1
        cells = find_lines(ink)
        assert cells is not None
        place = MARGIN + (row + 0.5) * GRID / side - 0.5
        assert cells[[int(place), int(place) + 1], MARGIN + GRID // 2].min() <= 1, row


@pytest.mark.parametrize("side", [120, 400, 800, 1100])
@pytest.mark.parametrize("step", [4, 40])
def test_dotted_lines_are_found_or_refused_but_never_fail(side, step):
    ink = np.zeros((side, side), np.float32)
    places = np.arange(step, side - step, step)
    for x, y in ((places, places[0]), (places, places[-1]), (places[0], places), (places[-1], places)):
        ink[y, x] = 1
    for is_certain in (False, True):
        cells = find_lines(ink, is_certain)
        assert cells is None or cells.min() <= 1
    if step == 4:  # close enough for an outline, when the drawing is made small
        assert pixels(ink)[14, 14] == pytest.approx(255 * FILL_LEVEL, abs=6)


def test_outline_is_filled_and_keeps_its_lines():
    drawn = pixels(contrast())
    assert drawn.shape == (28, 28)
    assert drawn[20, 14] == pytest.approx(255 * FILL_LEVEL, abs=2)  # in the middle of the body
    assert drawn[25, 1] == 0 == drawn[2, 0]  # under a sleeve, above a shoulder
    sides = drawn[20]
    assert sides.max() > 220
    assert (np.diff(np.sign(sides - 200)) != 0).sum() == 4  # dark, line, inside, line, dark


def test_open_line_encloses_nothing():
    drawn = pixels(contrast(((0, 0), (0, 1), (1, 1))))
    assert drawn[5:20, 8:26].max() == 0


@pytest.mark.parametrize("gap", [0.01, 0.03, 0.05])
def test_small_gap_is_tolerated(gap):
    square = ((0.5 - gap / 2, 0), (0, 0), (0, 1), (1, 1), (1, 0), (0.5 + gap / 2, 0))
    assert pixels(contrast(square, pen=2))[14, 14] == pytest.approx(255 * FILL_LEVEL, abs=2)


def test_wide_gap_leaves_a_shape_open():
    square = ((0.3, 0), (0, 0), (0, 1), (1, 1), (1, 0), (0.7, 0))
    assert pixels(contrast(square, pen=2))[14, 14] == 0


@settings(max_examples=30)
@given(st.integers(2, 22), st.integers(200, 900), st.floats(0.5, 0.9))
def test_pen_and_size_hardly_matter(pen, side, size):
    place = ((1 - size) / 2,) * 2
    pen = max(1, round(pen * size * side / 400))
    drawn = pixels(contrast(side=side, pen=pen, place=place, size=size))
    assert abs(drawn - pixels(contrast())).mean() < 20  # half a pixel of shift; other drawings differ by 60


def test_lines_of_all_pens_come_out_equally_wide():
    for pen in (2, 5, 10, 20):
        across = pixels(contrast(((0, 0), (0, 1), (1, 1)), pen=pen))[4:18, :8].sum(1) / 255
        assert across.mean() == pytest.approx(LINE_WIDTH, abs=0.45), pen


def test_specks_far_away_are_dropped_and_buttons_inside_are_not():
    clean = contrast()
    dirty = clean.copy()
    dirty[4:9, 4:9] = 1
    dirty[390:394, 200:204] = 1
    assert (pixels(dirty) == pixels(clean)).all()
    buttoned = clean.copy()
    buttoned[200:212, 194:206] = 1
    assert pixels(buttoned)[11:15, 12:17].max() > pixels(clean)[11:15, 12:17].max() + 30


def test_filled_shape_is_no_line_drawing():
    large = Image.new("L", (400, 400), 0)
    ImageDraw.Draw(large).polygon([(40 + 320 * x, 40 + 320 * y) for x, y in SHIRT], fill=255)
    assert find_lines(np.asarray(large).astype(np.float32) / 255) is None


def test_cloth_is_no_line_drawing():
    ink = np.zeros((300, 300), np.float32)
    ink[80:220, 100:200] = np.random.default_rng(0).uniform(0.4, 1, (140, 100))
    assert find_lines(ink) is None


def test_busy_background_is_no_paper():
    ink = np.maximum(contrast(), np.random.default_rng(0).uniform(0, 0.34, (400, 400)).astype(np.float32))
    assert find_lines(ink) is None


# ---------------------------------------------------------------- treated as a drawing in any case


def test_certain_line_drawing_gives_the_same():
    assert (find_lines(contrast(), is_certain=True) == find_lines(contrast())).all()


def test_certain_drawing_has_lines_even_on_a_busy_background_and_in_cloth():
    busy = np.maximum(contrast(), np.random.default_rng(0).uniform(0, 0.34, (400, 400)).astype(np.float32))
    assert abs(draw_lines(find_lines(busy, is_certain=True)).astype(int) - pixels(contrast())).mean() < 1
    filled = np.zeros((300, 300), np.float32)
    filled[80:220, 100:200] = np.random.default_rng(0).uniform(0.4, 1, (140, 100))
    distance = find_lines(filled, is_certain=True)
    assert distance.shape == (GRID + 2 * MARGIN, 80 + 2 * MARGIN)
    assert draw_lines(distance).max() == 255


# ---------------------------------------------------------------- a photo of a drawing


LIGHTS = {
    "even": lambda rows, columns, low: 0 * rows + low,
    "from the side": lambda rows, columns, low: low + (1 - low) * columns,
    "from a corner": lambda rows, columns, low: low + (1 - low) * (rows + columns) / 2,
    "from a lamp": lambda rows, columns, low: 1 - (1 - low) * np.minimum(1, np.hypot(columns - 0.5, rows - 0.4)),
}


def photographed(ink, light="even", low=1.0, strength=0.8, noise=0.0):
    """Ink on paper under a light that is ``low`` where it is weakest."""
    rows, columns = np.indices(ink.shape) / max(ink.shape)
    grey = 0.95 * LIGHTS[light](rows, columns, low) * (1 - strength * ink)
    return (grey + np.random.default_rng(0).normal(0, noise, ink.shape)).clip(0, 1).astype(np.float32)


@pytest.mark.parametrize("light", LIGHTS)
@pytest.mark.parametrize("low", [0.7, 0.5])
def test_uneven_light_on_paper_does_not_matter(light, low):
    ink = contrast(side=PAPER_SIDE, pen=5)
    flat = flatten_paper(photographed(ink, light, low))
    assert flat.shape == ink.shape
    assert flat.dtype == np.float32
    assert flat.min() >= 0
    assert flat.max() == 1
    assert abs(flat - ink).mean() < 0.015
    assert abs(pixels(flat) - pixels(ink)).mean() < 0.2
    grainy = flatten_paper(photographed(ink, light, low, noise=0.015))
    assert abs(pixels(grainy) - pixels(ink)).mean() < 0.2


@pytest.mark.parametrize("strength", [0.3, 0.5, 1])
def test_pale_ink_comes_out_as_strong_as_dark_ink(strength):
    ink = contrast(side=PAPER_SIDE, pen=5)
    flat = flatten_paper(photographed(ink, "from the side", 0.6, strength))
    assert abs(flat - ink).max() < 0.15
    assert abs(pixels(flat) - pixels(ink)).mean() < 0.2


@pytest.mark.parametrize(
    ("size", "expected"),
    [((400, 400), (320, 320)), ((1200, 900), (320, 240)), ((90, 120), (240, 320)), ((50, 400), (40, 320))],
)
def test_photos_of_all_sizes_are_worked_on_at_one(size, expected):
    ink = np.asarray(Image.fromarray(contrast()).resize(size[::-1]))
    assert flatten_paper(photographed(ink)).shape == expected


@pytest.mark.parametrize(
    "photo",
    [
        photographed(contrast(), low=0.25),
        0.1 + 0.8 * contrast(),
        photographed(contrast(), "from the side", 0.3),
        np.where(np.indices((400, 400))[1] < 100, 0.1, 0.9) * (1 - 0.8 * contrast()),
    ],
    ids=["dark background", "chalk", "half in the shade", "table beside the paper"],
)
def test_what_is_not_bright_and_even_is_no_paper(photo):
    assert flatten_paper(photo.astype(np.float32)) is None


@pytest.mark.parametrize(
    "photo",
    [
        np.full((300, 200), 0.9, np.float32),
        photographed(np.zeros((300, 200))),
        photographed(np.zeros((300, 200)), "from the side", 0.6, noise=0.02),
        photographed(contrast(), strength=0.2),
    ],
    ids=["one grey level", "paper", "grainy paper in uneven light", "ink too pale"],
)
def test_paper_without_ink_is_nothing(photo):
    assert flatten_paper(photo) is None


# ---------------------------------------------------------------- what lines enclose


def frame(gap=0, side=128, left=20, right=107):
    """The distance to the lines of a square one cell wide, open at its top by so many cells."""
    cells = np.zeros((side, side), np.uint8)
    cells[left : right + 1, [left, right]] = cells[[left, right], left : right + 1] = 1
    cells[left, 60 : 60 + gap] = 0
    return distance_to_lines(cells)


@given(left=st.integers(MARGIN, 30), right=st.integers(50, 127 - MARGIN))
def test_closed_line_encloses_what_lies_within_it(left, right):
    inside = enclosed(frame(left=left, right=right))
    assert inside.dtype == bool
    expected = np.zeros((128, 128), bool)
    expected[left : right + 1, left : right + 1] = True
    assert (inside != expected).sum() <= 4  # a cell of each corner


@pytest.mark.parametrize(("gap", "is_inside"), [(0, True), (5, True), (8, True), (12, False), (30, False)])
def test_what_can_be_reached_through_a_gap_is_not_enclosed(gap, is_inside):
    assert 8 < GAP * GRID / 28 < 12
    inside = enclosed(frame(gap))[30:97, 30:97]
    assert inside.all() == inside.any() == is_inside


def test_line_at_the_border_encloses_too_and_no_line_encloses_nothing():
    assert enclosed(frame(side=60, left=0, right=59)).all()
    assert not enclosed(np.full((50, 70), 99, np.float32)).any()


def test_two_shapes_and_one_within_another_are_enclosed():
    apart = np.minimum(frame(left=5, right=40), frame(left=70, right=120))
    assert enclosed(apart)[20, 20]
    assert enclosed(apart)[90, 90]
    assert not enclosed(apart)[20, 90]
    within = np.minimum(frame(left=5, right=120), frame(left=40, right=80))
    assert (enclosed(within) == enclosed(frame(left=5, right=120))).all()
