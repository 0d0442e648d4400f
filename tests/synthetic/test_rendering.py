import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from fmnist_core.preparation import prepare
from fmnist_core.preparation.lines import GRID, MARGIN, draw_lines, find_lines
from fmnist_core.synthetic.rendering import STEP, _resampled, by_hand, ink, render
from fmnist_core.synthetic.strokes import Rng
from fmnist_core.synthetic.templates import TEMPLATES


def test_strokes_are_resampled_evenly_each_by_itself():
    corner = np.array([[0.0, 0.0], [3.0, 0.0], [3.0, 4.0]])
    dot, line = np.array([[1.0, 1.0]]), np.array([[0.0, 2.0], [0.0, 2.0], [1.01, 2.0]])
    points, counts = _resampled([corner, dot, line])  # scaled by the longer side, 4
    for stroke, resampled in zip((corner, dot, line), np.split(points, counts.cumsum()[:-1]), strict=True):
        assert resampled[[0, -1]] * 4 == pytest.approx(stroke[[0, -1]])
    first, _, last = np.split(points, counts.cumsum()[:-1])
    steps = np.hypot(*np.diff(last, axis=0).T)
    assert steps == pytest.approx(steps[0])
    assert steps[0] == pytest.approx(STEP, rel=0.1)
    assert len(first) == round(7 / 4 / STEP) + 1
    assert (np.isclose(first[:, 1], 0) | np.isclose(first[:, 0], 3 / 4)).all()  # on the stroke, no short cut


def test_ink_has_the_size_at_which_lines_are_found():
    for seed in range(20):
        rng = Rng(seed)
        cells = ink(by_hand(TEMPLATES[seed % 10](rng), rng))
        assert max(cells.shape) == pytest.approx(GRID + 2 * MARGIN, abs=1)
        assert not cells[:MARGIN].any()
        assert not cells[:, :MARGIN].any()


def test_visitors_picture_of_a_sketch_comes_to_the_same_pixels():
    """Two paths to the same pixels: rendered for training, and drawn with a pen on paper and prepared."""
    differences = []
    for seed in range(30):
        rng = Rng(seed)
        cells = ink(by_hand(TEMPLATES[seed % 10](rng), rng))
        rendered = draw_lines(find_lines(cells.astype(np.float32)))
        paper = Image.fromarray(255 - 255 * cells).resize((3 * cells.shape[1], 3 * cells.shape[0]))
        prepared = prepare(paper)
        assert prepared.kind == "drawing"
        differences.append(abs(prepared.pixels.astype(int) - rendered).mean())
    assert np.median(differences) < 12  # half a pixel of shift here and there; other drawings differ by 60


@given(seed=st.integers(0, 9999), size=st.floats(0.01, 1000), x=st.floats(-500, 500), y=st.floats(-500, 500))
def test_size_and_place_of_the_strokes_do_not_matter(seed, size, x, y):
    strokes = TEMPLATES[seed % 10](Rng(seed))
    here = render(strokes, Rng(1)).astype(int)
    there = render([size * (stroke + np.array([x, y])) for stroke in strokes], Rng(1))
    assert abs(there - here).mean() < 4  # a rounding may move a line by a cell
