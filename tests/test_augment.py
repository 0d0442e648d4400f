import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fmnist_core.augment import random_cloth, random_erase, random_flip, random_photo, random_shift, random_warp
from fmnist_core.preparation.segmentation import DARKEST


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def noise(count, seed=0):
    """Images without a black pixel, no two alike."""
    return torch.randint(1, 256, (count, 28, 28), generator=generator(seed), dtype=torch.uint8)


def moved(image, down, right):
    """One image moved with plain loops over places."""
    result = torch.zeros_like(image)
    for i in range(28):
        for j in range(28):
            if 0 <= i - down < 28 and 0 <= j - right < 28:
                result[i, j] = image[i - down, j - right]
    return result


def test_flip_mirrors_about_half_and_leaves_the_others():
    pixels = noise(1000)
    before = pixels.clone()
    changed = random_flip(pixels, generator())
    mirrored = [torch.equal(new, torch.fliplr(old)) for new, old in zip(changed, pixels, strict=True)]
    kept = [torch.equal(new, old) for new, old in zip(changed, pixels, strict=True)]
    assert all(one != other for one, other in zip(mirrored, kept, strict=True))
    assert 420 < sum(mirrored) < 580  # five standard deviations
    assert torch.equal(pixels, before)
    assert changed.dtype == torch.uint8


@pytest.mark.parametrize("reach", [1, 2])
def test_shift_moves_by_every_amount_within_reach_and_no_further(reach):
    image = noise(1)[0]
    across = range(-reach, reach + 1)
    possible = {(down, right): moved(image, down, right) for down in across for right in across}
    pixels = image.repeat(400, 1, 1)
    counts = dict.fromkeys(possible, 0)
    for result in random_shift(pixels, reach, generator()):
        found = [places for places, expected in possible.items() if torch.equal(result, expected)]
        assert len(found) == 1
        counts[found[0]] += 1
    # Each amount as often as any other.
    mean = 400 / len(possible)
    assert all(abs(count - mean) < 5 * mean**0.5 for count in counts.values())
    assert torch.equal(pixels[0], image)


@given(reach=st.integers(0, 14), count=st.integers(1, 5), seed=st.integers(0, 99))
def test_shift_of_any_reach_loses_only_what_leaves_the_picture(reach, count, seed):
    pixels = noise(count, seed)
    result = random_shift(pixels, reach, generator(seed))
    assert result.shape == pixels.shape
    assert result.dtype == torch.uint8
    for new, old in zip(result, pixels, strict=True):
        rows, columns = (new.any(axis).nonzero()[:, 0] for axis in (1, 0))
        height, width = len(rows), len(columns)
        assert min(height, width) >= 28 - reach
        # What is left is one block of the old image, at one of the edges.
        block = new[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        assert (block > 0).all()
        blocks = old.unfold(0, height, 1).unfold(1, width, 1)
        assert (blocks == block).all(-1).all(-1).any()
        assert rows[0] == 0 or rows[-1] == 27
        assert columns[0] == 0 or columns[-1] == 27


@pytest.mark.parametrize(
    "change",
    [random_flip, lambda pixels, numbers: random_shift(pixels, 3, numbers), random_warp, random_cloth],
    ids=["flip", "shift", "warp", "cloth"],
)
def test_same_seed_same_change_and_the_next_batch_another(change):
    pixels = noise(1)[0].repeat(50, 1, 1)
    one, again = generator(7), generator(7)
    first = change(pixels, one)
    assert torch.equal(first, change(pixels, again))
    assert not torch.equal(first, change(pixels, one))
    assert not torch.equal(first, change(pixels, generator(8)))


def silhouettes(pixels):
    return pixels > 15  # MIN_CLOTH of 255


def likeness(one, other):
    """Intersection over union of the silhouettes of each pair of images, (N,)."""
    one, other = silhouettes(one), silhouettes(other)
    return (one & other).sum((1, 2)) / (one | other).sum((1, 2))


def bars(count):
    """Upright bars in the middle, from top to bottom."""
    pixels = torch.zeros(count, 28, 28, dtype=torch.uint8)
    pixels[:, :, 12:16] = 255
    return pixels


def squares(count):
    pixels = torch.zeros(count, 28, 28, dtype=torch.uint8)
    pixels[:, 4:24, 4:24] = 140
    return pixels


@pytest.mark.parametrize("change", [random_warp, random_cloth])
@given(count=st.integers(1, 5), seed=st.integers(0, 99))
def test_warp_and_cloth_give_images_of_the_same_kind_and_leave_the_old_ones(change, count, seed):
    pixels = noise(count, seed)
    before = pixels.clone()
    changed = change(pixels, generator(seed))
    assert changed.shape == pixels.shape
    assert changed.dtype == torch.uint8
    assert torch.equal(pixels, before)


@pytest.mark.parametrize("change", [random_warp, random_cloth])
def test_warp_and_cloth_leave_empty_images_empty(change):
    for level in (0, 10):  # 10 is below what counts as cloth
        changed = change(torch.full((300, 28, 28), level, dtype=torch.uint8), generator())
        assert changed.dtype == torch.uint8
        assert changed.max() <= level


@pytest.mark.parametrize("change", [random_warp, random_cloth])
def test_warp_and_cloth_change_almost_every_image_of_a_batch_in_its_own_way(change, few):
    same = few.pixels[:1].repeat(100, 1, 1)
    assert len({image.numpy().tobytes() for image in change(same, generator())}) > 90


def test_an_empty_batch_stays_empty_when_it_is_warped():
    assert random_warp(torch.zeros(0, 28, 28, dtype=torch.uint8), generator()).shape == (0, 28, 28)


@pytest.mark.parametrize(("change", "least", "mean"), [(random_warp, 0.15, 0.7), (random_cloth, 0.5, 0.9)])
def test_the_silhouette_is_mostly_kept(samples, change, least, mean):
    """Evaluation: 0.74 and 0.94 on average; an image and any other 0.48."""
    pixels = samples.test.pixels[:1000]
    kept = likeness(pixels, change(pixels, generator()))
    assert kept.min() > least
    assert mean < kept.mean() < 0.97


def test_warp_turns_both_ways_and_no_further_than_a_quarter_radian_and_shear():
    warped = random_warp(bars(1000), generator()).float()
    across = torch.arange(28.0)
    middles = (warped * across).sum(2) / warped.sum(2).clamp(min=1)  # of the bar in each row
    rows = across[6:22] - 13.5
    slopes = (middles[:, 6:22] * rows).sum(1) / (rows**2).sum()
    assert slopes.min() < -0.35
    assert slopes.max() > 0.35
    assert slopes.abs().max() < 0.65
    assert abs(slopes.mean()) < 0.05


def test_warp_narrows_or_shortens_and_never_enlarges():
    mask = random_warp(squares(1000), generator()) > 70
    heights, widths = mask.any(2).sum(1), mask.any(1).sum(1)
    for sides in (heights, widths):
        assert sides.min() < 18
        assert sides.max() < 28
    assert (heights > 1.2 * widths).any()
    assert (widths > 1.2 * heights).any()
    assert torch.maximum(heights, widths).min() > 18  # one side stays about as long as it was
    assert mask.sum((1, 2)).max() < 1.2 * 20 * 20


def test_warp_keeps_the_tone_of_the_garment():
    warped = random_warp(squares(300), generator())
    assert warped.max() == 140
    assert (warped[:, 14, 14] == 140).all()


def test_cloth_is_as_bright_as_it_can_be_and_nowhere_as_dark_as_the_ground(samples):
    changed = random_cloth(samples.test.pixels[:1000], generator())
    assert (changed.amax((1, 2)) == 255).all()
    assert changed[changed > 0].min() >= round(255 * DARKEST)


def test_the_ground_stays_black_but_for_pieces_left_at_the_edge_of_a_few():
    outside = torch.ones(28, 28, dtype=torch.bool)
    outside[4:24, 4:24] = False
    changed = random_cloth(squares(1000), generator()) * outside
    with_pieces = changed.any(2).any(1).float().mean()
    assert 0.02 < with_pieces < 0.2
    outside[2:26, 2:26] = False
    assert not (changed * outside).any()


def test_scissors_take_pieces_of_some_garments_and_leave_most_whole():
    changed = random_cloth(squares(1000), generator())
    taken = (changed[:, 4:24, 4:24] == 0).float().mean((1, 2))
    assert 0.05 < (taken > 0).float().mean() < 0.35
    assert taken.max() < 0.5


def test_small_holes_in_dark_cloth_are_cloth():
    pixels = squares(200)
    pixels[:, 10:12, 10:12] = 0
    changed = random_cloth(pixels, generator())
    assert (changed[:, 10:12, 10:12] > 0).float().mean() > 0.9


def test_plain_cloth_gets_folds_patterns_and_light():
    changed = random_cloth(squares(1000), generator()).float()
    inside = changed[:, 6:22, 6:22]
    spread = inside.flatten(1).std(1)
    assert (spread < 2).any()  # some stay plain
    assert (spread > 20).float().mean() > 0.3
    sides = inside[:, :, :8].mean((1, 2)) - inside[:, :, 8:].mean((1, 2))
    assert (sides > 20).any()
    assert (sides < -20).any()
    assert abs(sides.mean()) < 5


def test_some_images_are_as_if_photographed(few):
    pixels = few.pixels.clone()
    changed = random_photo(pixels, 0.3, generator(1))
    differs = (changed != pixels).flatten(1).any(1).float().mean()
    assert 0.2 < differs < 0.4
    assert torch.equal(pixels, few.pixels)  # those that are kept are not touched
    assert random_photo(pixels, 0.0, generator(1)) is pixels
    assert (random_photo(pixels, 1.0, generator(1)) != pixels).flatten(1).any(1).all()


def test_erasing_fills_one_rectangle_with_noise_in_about_that_part_of_the_images():
    pixels = torch.zeros(2000, 28, 28, dtype=torch.uint8)
    erased = random_erase(pixels, 0.5, generator())
    assert not pixels.any()  # what goes in stays as it was
    boxes = []
    for image in erased[(erased != 0).flatten(1).any(1)]:
        rows, columns = (image.any(axis).nonzero()[:, 0].tolist() for axis in (1, 0))
        box = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        assert (box == 0).sum() <= 8  # one value in 256 of noise is 0
        boxes.append(box.shape)
    assert 890 < len(boxes) < 1110  # five standard deviations
    heights, widths = torch.tensor(boxes).float().T
    areas, sides = heights * widths / 28**2, heights / widths
    # The paper's bounds, but for the rounding of sides to whole pixels.
    assert 0.008 < areas.min() < 0.03
    assert 0.35 < areas.max() < 0.45
    assert areas.mean() == pytest.approx(0.21, abs=0.02)
    assert 0.2 < sides.min() < 0.4
    assert 2.5 < sides.max() < 5
    assert sides.log().mean().abs() < 0.1  # as often upright as lying
    for axis in (1, 2):  # the edges alike, and the middle most often
        often = (erased != 0).any(axis).float().mean(0)
        assert abs(often[0] - often[-1]) < 0.03  # five standard deviations
        assert often[0] > 0.02
        assert often.argmax() in range(7, 21)


def test_erasing_leaves_all_that_is_outside_the_rectangle():
    pixels = noise(300)
    changed = random_erase(pixels, 1.0, generator(1)) != pixels
    assert changed.flatten(1).any(1).all()
    for each in changed:
        rows, columns = each.any(1).nonzero()[:, 0], each.any(0).nonzero()[:, 0]
        box = each[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        assert box.float().mean() > 0.9
        assert each.sum() == box.sum()
    assert random_erase(pixels, 0.0, generator(1)) is pixels
