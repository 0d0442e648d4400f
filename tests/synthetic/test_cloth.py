import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fmnist_core import CLASS_NAMES
from fmnist_core.preparation.fitting import MIN_GARMENT_LEVEL
from fmnist_core.synthetic import cloth
from fmnist_core.synthetic.cloth import GARMENT_LEVEL, MIN_ENCLOSED, plain_cloth, random_texture
from fmnist_core.synthetic.strokes import Rng

# ---------------------------------------------------------------- plain cloth


@pytest.fixture
def steady_hand(monkeypatch):
    monkeypatch.setattr(cloth, "by_hand", lambda strokes, rng: strokes)


@pytest.mark.parametrize("label", range(len(CLASS_NAMES)), ids=CLASS_NAMES)
def test_cloth_of_every_class_is_filled_and_nowhere_as_dark_as_the_background(label):
    for seed in range(20):
        image = plain_cloth(label, Rng(seed))
        assert MIN_ENCLOSED < (image > 0).mean() < 0.95  # and the background is black
        assert np.median(image[image > 0]) > 255 * MIN_GARMENT_LEVEL


@pytest.mark.usefixtures("steady_hand")
def test_cloth_is_of_one_grey_level_and_its_seams_of_a_darker_or_brighter_one(monkeypatch):
    square = np.array([[0.0, 0], [1, 0], [1, 1], [0, 1], [0, 0]])
    seam = np.array([[0.5, 0.0], [0.5, 1]])
    monkeypatch.setattr(cloth, "TEMPLATES", (lambda _: [square, seam],))
    differences = []
    for seed in range(40):
        image = plain_cloth(0, Rng(seed)).astype(int)
        assert image.min() > 0
        left, right = image[4:24, 4:11], image[4:24, 17:24]
        assert np.ptp(left) == np.ptp(right) == 0
        assert left[0, 0] == right[0, 0]
        differences.append(image[14, 13:15].mean() - left[0, 0])
    assert min(differences) < -40
    assert max(differences) > 20


def test_outline_that_does_not_close_is_drawn_again_before_it_is_filled(monkeypatch):
    drawn = []

    def template(_):
        drawn.append(None)
        open_line = np.array([[0.0, 0], [0, 1], [1, 1]])
        return [open_line if len(drawn) < 4 else np.concatenate([open_line, [[1, 0], [0, 0]]])]

    monkeypatch.setattr(cloth, "TEMPLATES", (template,))
    image = plain_cloth(0, Rng(0))
    assert len(drawn) >= 4
    assert (image > 0).mean() > 0.5


# ---------------------------------------------------------------- its texture


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def noise(count, seed=0):
    """Images without a black pixel, no two alike."""
    return torch.randint(1, 256, (count, 28, 28), generator=generator(seed), dtype=torch.uint8)


def squares(count):
    pixels = torch.zeros(count, 28, 28, dtype=torch.uint8)
    pixels[:, 4:24, 4:24] = 140
    return pixels


def overlap(one, other):
    """Intersection over union of the garments of each pair of images, (N,)."""
    one, other = (pixels > 255 * GARMENT_LEVEL for pixels in (one, other))
    return (one & other).sum((1, 2)) / (one | other).sum((1, 2))


def test_same_seed_same_texture_and_the_next_batch_another():
    pixels = noise(1)[0].repeat(50, 1, 1)
    one, again = generator(7), generator(7)
    first = random_texture(pixels, one)
    assert torch.equal(first, random_texture(pixels, again))
    assert not torch.equal(first, random_texture(pixels, one))
    assert not torch.equal(first, random_texture(pixels, generator(8)))


@given(count=st.integers(0, 5), seed=st.integers(0, 99))
def test_texture_gives_images_of_the_same_shape_and_leaves_the_old_ones(count, seed):
    pixels = noise(count, seed)
    before = pixels.clone()
    changed = random_texture(pixels, generator(seed))
    assert changed.shape == pixels.shape
    assert changed.dtype == torch.uint8
    assert torch.equal(pixels, before)


def test_texture_leaves_empty_images_empty():
    for level in (0, 10):  # 10 is below what counts as garment
        changed = random_texture(torch.full((300, 28, 28), level, dtype=torch.uint8), generator())
        assert changed.dtype == torch.uint8
        assert changed.max() <= level


def test_texture_changes_almost_every_image_of_a_batch_in_its_own_way(few):
    same = few.pixels[:1].repeat(100, 1, 1)
    assert len({image.numpy().tobytes() for image in random_texture(same, generator())}) > 90


def test_shape_of_a_garment_is_mostly_left(samples):
    """The overlap is 0.94 on average; that of an image and any other 0.48."""
    pixels = samples.test.pixels[:1000]
    overlaps = overlap(pixels, random_texture(pixels, generator()))
    assert overlaps.min() > 0.5
    assert 0.9 < overlaps.mean() < 0.97


def test_textured_cloth_is_as_bright_as_it_can_be_and_nowhere_as_dark_as_the_background(samples):
    changed = random_texture(samples.test.pixels[:1000], generator())
    assert (changed.amax((1, 2)) == 255).all()
    assert changed[changed > 0].min() >= round(255 * MIN_GARMENT_LEVEL)


def test_background_stays_black_but_for_pieces_at_the_edge_of_a_few():
    outside = torch.ones(28, 28, dtype=torch.bool)
    outside[4:24, 4:24] = False
    changed = random_texture(squares(1000), generator()) * outside
    with_pieces = changed.any(2).any(1).float().mean()
    assert 0.02 < with_pieces < 0.2
    outside[2:26, 2:26] = False
    assert not (changed * outside).any()


def test_segmentation_errors_take_pieces_of_some_garments_and_leave_most_whole():
    changed = random_texture(squares(1000), generator())
    missing = (changed[:, 4:24, 4:24] == 0).float().mean((1, 2))
    assert 0.05 < (missing > 0).float().mean() < 0.35
    assert missing.max() < 0.5


def test_small_holes_in_dark_cloth_are_cloth():
    pixels = squares(200)
    pixels[:, 10:12, 10:12] = 0
    changed = random_texture(pixels, generator())
    assert (changed[:, 10:12, 10:12] > 0).float().mean() > 0.9


def test_plain_cloth_gets_folds_patterns_and_light():
    changed = random_texture(squares(1000), generator()).float()
    inside = changed[:, 6:22, 6:22]
    spread = inside.flatten(1).std(1)
    assert (spread < 2).any()  # some stay plain
    assert (spread > 20).float().mean() > 0.3
    sides = inside[:, :, :8].mean((1, 2)) - inside[:, :, 8:].mean((1, 2))
    assert (sides > 20).any()
    assert (sides < -20).any()
    assert abs(sides.mean()) < 5
