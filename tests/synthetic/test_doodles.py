import numpy as np
import pytest

from fmnist_core.synthetic.doodles import DOODLES, blob, box, form, line, polygon
from fmnist_core.synthetic.strokes import Rng

KINDS = list(dict.fromkeys(DOODLES))
every_kind = pytest.mark.parametrize("kind", KINDS, ids=[kind.__name__ for kind in KINDS])


@every_kind
def test_every_kind_gives_strokes_of_some_size(kind):
    for seed in range(300):
        strokes = kind(Rng(seed))
        assert strokes
        for stroke in strokes:
            assert stroke.ndim == 2
            assert stroke.shape[1] == 2
            assert len(stroke) >= 2
            assert np.isfinite(stroke).all()
        points = np.concatenate(strokes)
        assert 0.1 < (points.max(0) - points.min(0)).max() < 4, seed


@every_kind
def test_same_seed_gives_the_same_doodle_and_no_two_are_alike(kind):
    drawn, again = ([np.concatenate(kind(Rng(seed))).tobytes() for seed in range(100)] for _ in range(2))
    assert drawn == again
    assert len(set(drawn)) == 100


@pytest.mark.parametrize("shape", [blob, polygon, box, form])
def test_shapes_end_where_they_begin_and_lie_around_their_place(shape):
    for seed in range(200):
        stroke = shape(Rng(seed), 3.0, -2.0, 0.5)
        assert stroke[0] == pytest.approx(stroke[-1], abs=1e-9), seed
        assert (abs(stroke - (3, -2)) < 1).all(), seed
        assert (stroke.max(0) - stroke.min(0)).min() > 0.02, seed


def test_lines_are_about_as_long_as_asked_for():
    for seed in range(200):
        stroke = line(Rng(seed), 3.0, -2.0, 0.5)
        middle = (stroke.max(0) + stroke.min(0)) / 2
        assert abs(middle - (3, -2)).max() < 0.5, seed
        assert np.hypot(*(stroke[-1] - stroke[0])) == pytest.approx(0.5, abs=0.2), seed
