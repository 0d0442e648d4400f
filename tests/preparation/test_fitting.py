import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fmnist_core.preparation.fitting import border, bounding_box, crop, fit, resized, size_for, to_uint8

MASKS = st.lists(st.tuples(st.integers(0, 11), st.integers(0, 8)), min_size=1, max_size=6)


def mask_of(places):
    mask = np.zeros((12, 9), bool)
    for row, column in places:
        mask[row, column] = True
    return mask


@given(st.integers(1, 300), st.integers(1, 300))
def test_fit_fills_the_frame_in_its_middle(height, width):
    pixels = fit(np.ones((height, width), np.float32))
    rows, columns = (np.flatnonzero(pixels.any(axis)) for axis in (1, 0))
    assert max(len(rows), len(columns)) == 28
    assert abs(rows[0] - (27 - rows[-1])) <= 1
    assert abs(columns[0] - (27 - columns[-1])) <= 1
    assert pixels.max() == 255


@given(places=MASKS, seed=st.integers(0, 99))
def test_crop_leaves_all_of_the_mask_and_nothing_around_it(places, seed):
    garment = np.random.default_rng(seed).random((12, 9))
    rows, columns = ([place[axis] for place in places] for axis in (0, 1))
    cropped = crop(garment, mask_of(places))
    assert cropped.shape == (max(rows) - min(rows) + 1, max(columns) - min(columns) + 1)
    assert all(cropped[row - min(rows), column - min(columns)] == garment[row, column] for row, column in places)


@given(places=MASKS)
def test_bounding_box_is_left_top_right_bottom_the_last_two_excluded(places):
    rows, columns = ([place[axis] for place in places] for axis in (0, 1))
    assert bounding_box(mask_of(places)) == (min(columns), min(rows), max(columns) + 1, max(rows) + 1)


def test_border_is_the_outermost_pixels_of_grey_and_colour_pictures():
    picture = np.arange(20).reshape(4, 5)
    assert set(border(picture).tolist()) == {0, 1, 2, 3, 4, 5, 9, 10, 14, 15, 16, 17, 18, 19}
    assert (border(picture[:, :, None].repeat(3, 2)) == border(picture)[:, None]).all()


@given(height=st.integers(1, 300), width=st.integers(1, 300), side=st.integers(1, 300))
def test_resized_picture_has_the_longer_side_asked_for_and_its_own_type(height, width, side):
    for picture in (np.full((height, width), 0.5, np.float32), np.full((height, width, 3), 77, np.uint8)):
        small = resized(picture, side)
        assert small.dtype == picture.dtype
        assert small.shape[:2] == size_for(picture, side)[::-1]
        assert max(small.shape[:2]) == side
        assert min(small.shape[:2]) == max(1, round(side * min(height, width) / max(height, width)))
        assert abs(small - picture[0, 0].astype(float)).max() < 1e-6


def test_values_are_rounded_to_the_nearest_of_256_levels():
    levels = np.arange(256)
    for shift in (-0.49, 0, 0.49):
        assert (to_uint8(((levels + shift) / 255).clip(0, 1)) == levels).all()
    assert to_uint8(np.array([0.0, 1.0])).tolist() == [0, 255]
    assert to_uint8(np.float32([0.5])).dtype == np.uint8
