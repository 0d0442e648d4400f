from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fmnist_core.augment import (
    AUGMENTATIONS,
    Augmentation,
    BatchRng,
    augment,
    random_erase,
    random_flip,
    random_shift,
)
from fmnist_core.settings import Setting

every_augmentation = pytest.mark.parametrize("name", AUGMENTATIONS)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def noise(count, seed=0):
    """Images without a black pixel, no two alike."""
    return torch.randint(1, 256, (count, 28, 28), generator=generator(seed), dtype=torch.uint8)


def shifted(image, down, right):
    """One image shifted with plain loops over places."""
    result = torch.zeros_like(image)
    for i in range(28):
        for j in range(28):
            if 0 <= i - down < 28 and 0 <= j - right < 28:
                result[i, j] = image[i - down, j - right]
    return result


# ---------------------------------------------------------------- the registry


def strongest(name):
    """The highest strength of an augmentation, at which every image is changed (almost) for certain."""
    return AUGMENTATIONS[name].setting.high


def test_augmentations_are_registered_by_the_names_of_their_settings():
    assert list(AUGMENTATIONS) == ["erase", "flip", "shift"]  # in the order in which they are applied
    for name, augmentation in AUGMENTATIONS.items():
        assert augmentation.setting.name == name
        augmentation.setting.check(augmentation.default)
        augmentation.setting.check(0)  # which is how one leaves it out


@every_augmentation
def test_strength_of_0_changes_nothing(name):
    pixels = noise(50)
    augmentation = AUGMENTATIONS[name]
    assert augment(pixels, {name: 0}, generator(), synthetic_too=augmentation.synthetic_too) is pixels
    assert augment(pixels, {}, generator(), synthetic_too=augmentation.synthetic_too) is pixels
    assert torch.equal(augmentation.apply(pixels, 0, generator()), pixels)


@every_augmentation
def test_same_seed_same_change_and_the_next_batch_another(name):
    pixels = noise(1)[0].repeat(50, 1, 1)
    apply, strength = AUGMENTATIONS[name].apply, strongest(name) / 2
    one, again = generator(7), generator(7)
    first = apply(pixels, strength, one)
    assert torch.equal(first, apply(pixels, strength, again))
    assert not torch.equal(first, apply(pixels, strength, one))
    assert not torch.equal(first, apply(pixels, strength, generator(8)))


@every_augmentation
@given(count=st.integers(0, 5), fraction=st.floats(0, 1), seed=st.integers(0, 99))
def test_shape_and_type_stay_and_the_batch_itself_is_left_as_it_was(name, count, fraction, seed):
    pixels, setting = noise(count, seed), AUGMENTATIONS[name].setting
    before = pixels.clone()
    strength = setting.type(fraction * setting.high)
    for changed in (
        AUGMENTATIONS[name].apply(pixels, strength, generator(seed)),
        augment(pixels, {name: strength}, generator(seed), synthetic_too=AUGMENTATIONS[name].synthetic_too),
    ):
        assert changed.shape == pixels.shape
        assert changed.dtype == torch.uint8
    assert torch.equal(pixels, before)


@every_augmentation
def test_synthetic_images_are_changed_by_those_augmentations_that_are_for_them_too(name):
    pixels, strengths = noise(50), {name: strongest(name)}
    changes = [
        not torch.equal(augment(pixels, strengths, generator(), synthetic_too=too), pixels) for too in (True, False)
    ]
    assert changes == ([True, False] if AUGMENTATIONS[name].synthetic_too else [False, True])
    assert AUGMENTATIONS[name].synthetic_too == (name != "erase")


def test_augmentations_are_applied_in_their_order():
    pixels, numbers, reference = noise(50), generator(5), generator(5)
    augmented = augment(pixels, {"shift": 2, "flip": 0.5}, numbers, synthetic_too=True)
    expected = random_shift(random_flip(pixels, 0.5, reference), 2, reference)
    assert torch.equal(augmented, expected)


@pytest.mark.parametrize("synthetic_too", [False, True])
def test_augmentation_that_is_added_is_applied_with_its_strength_after_the_others(monkeypatch, synthetic_too):
    def darken(pixels, strength, generator):
        return (pixels * (1 - strength)).to(torch.uint8)

    setting = Setting("darken", "how much darker an image becomes", float, 0, 1)
    monkeypatch.setitem(AUGMENTATIONS, "darken", Augmentation(darken, 0.1, setting, synthetic_too))
    pixels = noise(20)
    expected = (pixels * 0.75).to(torch.uint8)
    assert torch.equal(augment(pixels, {"darken": 0.25}, generator(), synthetic_too=synthetic_too), expected)
    assert augment(pixels, {"darken": 0.25}, generator(), synthetic_too=not synthetic_too) is pixels
    assert augment(pixels, {"darken": 0}, generator(), synthetic_too=synthetic_too) is pixels
    empty = pixels[:0]
    assert augment(empty, {"darken": 0.25}, generator(), synthetic_too=synthetic_too) is empty
    monkeypatch.setitem(AUGMENTATIONS, "flip", replace(AUGMENTATIONS["flip"], synthetic_too=synthetic_too))
    both = augment(pixels, {"darken": 0.25, "flip": 1}, generator(), synthetic_too=synthetic_too)
    assert torch.equal(both, expected.flip(2))


# ---------------------------------------------------------------- flip


@pytest.mark.parametrize("probability", [0.5, 0.2])
def test_flip_mirrors_images_with_its_probability_and_leaves_the_others(probability):
    pixels = noise(1000)
    before = pixels.clone()
    changed = random_flip(pixels, probability, generator())
    mirrored = [torch.equal(new, torch.fliplr(old)) for new, old in zip(changed, pixels, strict=True)]
    unchanged = [torch.equal(new, old) for new, old in zip(changed, pixels, strict=True)]
    assert all(one != other for one, other in zip(mirrored, unchanged, strict=True))
    deviation = (1000 * probability * (1 - probability)) ** 0.5
    assert abs(sum(mirrored) - 1000 * probability) < 5 * deviation
    assert torch.equal(pixels, before)
    assert changed.dtype == torch.uint8


def test_flip_with_probability_1_mirrors_every_image():
    pixels = noise(50)
    assert torch.equal(random_flip(pixels, 1, generator()), pixels.flip(2))


# ---------------------------------------------------------------- shift


@pytest.mark.parametrize("reach", [1, 2])
def test_shift_moves_by_every_amount_within_reach_and_no_further(reach):
    image = noise(1)[0]
    across = range(-reach, reach + 1)
    possible = {(down, right): shifted(image, down, right) for down in across for right in across}
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


# ---------------------------------------------------------------- erase


def test_erasing_fills_one_rectangle_with_noise_in_about_that_fraction_of_the_images():
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
    areas, aspects = heights * widths / 28**2, heights / widths
    # The paper's bounds, but for the rounding of sides to whole pixels.
    assert 0.008 < areas.min() < 0.03
    assert 0.35 < areas.max() < 0.45
    assert areas.mean() == pytest.approx(0.21, abs=0.02)
    assert 0.2 < aspects.min() < 0.4
    assert 2.5 < aspects.max() < 5
    assert aspects.log().mean().abs() < 0.1  # as often upright as lying
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
    assert torch.equal(random_erase(pixels, 0.0, generator(1)), pixels)


# ---------------------------------------------------------------- random numbers of a batch


def test_each_image_of_a_batch_has_numbers_of_its_own():
    rng = BatchRng(5000, generator())
    uniform, chance = rng.uniform(-2, 3), rng.chance(0.3)
    assert uniform.shape == chance.shape == (5000, 1, 1)
    assert -2 <= uniform.min() < -1.9
    assert 2.9 < uniform.max() <= 3
    assert uniform.mean() == pytest.approx(0.5, abs=5 * (25 / 12 / 5000) ** 0.5)
    assert chance.dtype == torch.bool
    assert chance.float().mean() == pytest.approx(0.3, abs=5 * (0.21 / 5000) ** 0.5)


@pytest.mark.parametrize("cells", [4, 10])
def test_smooth_noise_varies_slowly_and_by_about_1(cells):
    values = BatchRng(500, generator()).smooth_noise(cells)
    assert values.shape == (500, 28, 28)
    assert values.mean() == pytest.approx(0, abs=0.1)
    assert values.std() == pytest.approx(1, abs=0.3)
    steps = values.diff(dim=2).std()
    assert steps < 0.09 * cells  # 1.41 of noise that is not smooth
