import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fmnist_core.augment import random_flip, random_shift


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
    "change", [random_flip, lambda pixels, numbers: random_shift(pixels, 3, numbers)], ids=["flip", "shift"]
)
def test_same_seed_same_change_and_the_next_batch_another(change):
    pixels = noise(1)[0].repeat(50, 1, 1)
    one, again = generator(7), generator(7)
    first = change(pixels, one)
    assert torch.equal(first, change(pixels, again))
    assert not torch.equal(first, change(pixels, one))
    assert not torch.equal(first, change(pixels, generator(8)))
