import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fmnist_core.synthetic.strokes import Rng, both, curve, mirrored, oval, points, scribble, turned

SEEDS = st.integers(0, 2**64 - 1)


@pytest.mark.parametrize("closed", [False, True])
def test_curve_goes_through_its_points(closed):
    places = [(0, 0), (2, 1), (3, 3), (1, 4)]
    smooth = curve(*places, closed=closed)
    assert smooth[::8] == pytest.approx(np.array([*places, places[0]] if closed else places))
    if closed:
        assert smooth[0] == pytest.approx(smooth[-1])
    assert np.hypot(*np.diff(smooth, axis=0).T).max() < 0.8  # no jumps


def test_oval_goes_clockwise_from_the_right():
    whole, lower = oval(1, 2, 4, 6), oval(1, 2, 4, 6, 0, 0.5)
    assert whole[0] == pytest.approx(whole[-1])
    assert whole[0] == pytest.approx((3, 2))
    assert np.hypot(*((whole - (1, 2)) / (2, 3)).T) == pytest.approx(np.ones(24))
    assert (lower[:, 1] >= 2 - 1e-9).all()  # y points down
    assert lower[-1] == pytest.approx((-1, 2))


def test_mirroring_turns_left_and_right_and_turning_keeps_lengths():
    stroke = points((1, 2), (3, 5))
    assert mirrored(stroke).tolist() == [[-1, 2], [-3, 5]]
    assert [each.tolist() for each in both(stroke)] == [stroke.tolist(), mirrored(stroke).tolist()]
    (right_angle,) = turned([stroke], 90)
    assert right_angle == pytest.approx(np.array([[2, -1], [5, -3]]))


@given(seed=SEEDS)
def test_scribble_stays_near_its_box(seed):
    stroke = scribble(Rng(seed), 3.0, -2.0, 0.4, 0.2)
    assert (abs(stroke - (3, -2)) <= (0.21, 0.15)).all()
    assert np.ptp(stroke[:, 0]) == pytest.approx(0.4)


# ---------------------------------------------------------------- random numbers


@given(seed=SEEDS, low=st.integers(-9, 9), width=st.integers(0, 4))
def test_integer_is_between_its_ends_both_included(seed, low, width):
    rng = Rng(seed)
    numbers = [rng.integer(low, low + width) for _ in range(100)]
    assert {type(number) for number in numbers} == {int}
    assert set(numbers) == set(range(low, low + width + 1))


@pytest.mark.parametrize("probability", [0, 0.02, 0.3, 1])
def test_chance_is_true_with_its_probability(probability):
    rng = Rng(0)
    outcomes = [rng.chance(probability) for _ in range(2000)]
    assert {type(outcome) for outcome in outcomes} == {bool}
    assert np.mean(outcomes) == pytest.approx(probability, abs=5 * (probability * (1 - probability) / 2000) ** 0.5)


@given(seed=SEEDS)
def test_same_seed_gives_the_same_numbers_as_numpy(seed):
    rng, reference = Rng(seed), np.random.default_rng(seed)
    assert rng.uniform(2, 5) == reference.uniform(2, 5)
    assert rng.normal(0, 1, 3).tolist() == reference.normal(0, 1, 3).tolist()
    assert rng.integer(0, 9) == reference.integers(0, 10)
    assert rng.chance(0.5) == (reference.random() < 0.5)
