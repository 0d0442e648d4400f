"""Scenes: garments of the data set as if photographed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fmnist_core import CLASS_NAMES
from fmnist_core.synthetic.scenes import (
    BACKGROUNDS,
    SHAPE_SIDE,
    SIDE,
    draw_scene,
    draw_scenes,
    garment_mask,
    garment_of_image,
    garment_of_template,
    scene_sheet,
)
from fmnist_core.synthetic.strokes import Rng


@given(index=st.integers(0, 1999), seed=st.integers(0, 10**6))
def test_any_garment_lies_in_its_scene(samples, index, seed):
    scene, mask = draw_scene(garment_of_image(samples.test.pixels[index].numpy()), Rng(seed))
    assert (scene.shape, scene.dtype) == ((SIDE, SIDE, 3), np.uint8)
    assert (mask.shape, mask.dtype) == ((SIDE, SIDE), bool)
    again, mask_again = draw_scene(garment_of_image(samples.test.pixels[index].numpy()), Rng(seed))
    assert (again == scene).all()
    assert (mask_again == mask).all()


def test_garments_fill_a_usual_part_of_their_scenes(samples):
    filled = draw_scenes(samples.test.pixels.numpy(), 200, Rng(0))[1].mean((1, 2))
    assert 0.2 < filled.mean() < 0.5
    assert filled.min() > 0.01


@given(seed=st.integers(0, 10**6))
def test_any_garment_cut_along_a_template_fills_its_square(seed):
    garment = garment_of_template(Rng(seed))
    for field in garment:
        assert (field.shape, field.dtype) == ((SHAPE_SIDE, SHAPE_SIDE), np.float32)
        assert 0 <= field.min() < field.max() < 1.001
    mask = garment.opacity > 0.5
    rows, columns = (mask.any(axis).nonzero()[0] for axis in (1, 0))
    assert max(rows[-1] - rows[0], columns[-1] - columns[0]) > 0.7 * SHAPE_SIDE
    assert (garment.brightness[mask] > 0).mean() > 0.95


def test_a_garment_differs_from_what_lies_below(samples):
    """Seldom are both of nearly one colour, as in photos."""
    scenes, masks = draw_scenes(samples.test.pixels.numpy(), 100, Rng(1))
    differences = [
        np.abs(scene[mask].mean(0) - scene[~mask].mean(0)).max() for scene, mask in zip(scenes, masks, strict=True)
    ]
    assert np.quantile(differences, 0.1) > 8


@pytest.mark.parametrize("background", BACKGROUNDS, ids=lambda each: each.__name__)
def test_every_background_is_drawn(background):
    values = background(Rng(3))
    assert values.shape == (SIDE, SIDE, 3)
    assert np.isfinite(values).all()


def test_a_mask_has_the_handles_of_bags_but_not_the_holes_of_prints(samples):
    bag = CLASS_NAMES.index("Bag")
    with_hole = 0
    for image in samples.test.pixels[samples.test.labels == bag].numpy():
        assert (garment_mask(image) >= (image > 14)).all()
        with_hole += (garment_mask(image) & (image <= 14)).sum() < ((image <= 14) & ~garment_mask(image)).sum()
    assert with_hole > 150
    ring = np.zeros((28, 28), np.uint8)
    ring[4:24, 4:24] = 200
    ring[10:12, 10:13] = 0
    assert garment_mask(ring)[4:24, 4:24].all()
    ring[8:18, 8:18] = 0
    assert not garment_mask(ring)[8:18, 8:18].any()


def test_a_sheet_shows_scenes_beside_their_masks(samples):
    sheet = scene_sheet(samples.test.pixels.numpy(), columns=2, rows=3)
    assert sheet.shape == (3 * SIDE, 4 * SIDE, 3)
    masks = sheet.reshape(3, SIDE, 2, 2, SIDE, 3)[:, :, :, 1]
    assert set(np.unique(masks)) == {0, 255}
