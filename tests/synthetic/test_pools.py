import numpy as np
import pytest
import torch

from fmnist_core.synthetic import pools
from fmnist_core.synthetic.kinds import NO_CLASS, SYNTHETIC_KINDS, SyntheticKind
from fmnist_core.synthetic.pools import GROWTH_PER_STEP, INITIAL_SIZE, Pool, make_pools, mix_in_synthetic

CPU = torch.device("cpu")


def counting():
    """A kind whose images are all of grey level 7 until they are augmented, and a list of the labels drawn."""
    drawn = []

    def draw(label, rng):
        drawn.append(label)
        return np.full((28, 28), 7, np.uint8)

    return SyntheticKind(draw, "counted images", 0.1, augment=lambda pixels, generator: pixels + 1), drawn


@pytest.fixture
def quick(monkeypatch):
    """Pools of few images, for each takes about a millisecond to draw."""
    monkeypatch.setattr(pools, "INITIAL_SIZE", 20)


# ---------------------------------------------------------------- one pool


def test_pool_begins_small_grows_at_each_step_and_ends_at_its_capacity():
    kind, drawn = counting()
    pool = Pool(kind, 0.5, 210, 0, CPU)
    assert pool.size == INITIAL_SIZE == 200
    generator = torch.Generator().manual_seed(0)
    for size in (203, 206, 209, 210, 210):
        pixels, labels = pool.sample(25, generator)
        assert pool.size == size
        assert len(pixels) == len(labels) == 12  # half of 25
        assert pixels.unique().tolist() == [8]  # augmented
    assert GROWTH_PER_STEP == 3
    assert len(drawn) == 210
    assert pool.labels.tolist() == drawn
    assert pool.pixels.unique().tolist() == [7]  # what lies in the pool is not


def test_images_are_drawn_for_their_labels_and_sampled_from_the_whole_pool():
    kind = SyntheticKind(lambda label, rng: np.full((28, 28), 10 * label, np.uint8), "levels", 0.1)
    pool = Pool(kind, 1.0, 300, 0, CPU)
    pixels, labels = pool.sample(2000, torch.Generator().manual_seed(0))
    assert torch.equal(pixels[:, 0, 0].long(), 10 * labels)
    counts = torch.bincount(labels, minlength=10)
    assert counts.min() > 60  # of about 200 each
    pool.grow(100)
    pool.labels[:] = torch.arange(300)
    assert set(pool.sample(5000, torch.Generator().manual_seed(0))[1].tolist()) == set(range(300))


def test_growing_beyond_the_capacity_does_nothing():
    kind, drawn = counting()
    pool = Pool(kind, 0.5, 205, 0, CPU)
    pool.grow(1000)
    pool.grow(0)
    assert pool.size == len(drawn) == 205


@pytest.mark.parametrize(("fraction", "batch", "count"), [(0.5, 25, 12), (0.1, 4, 0), (0.1, 40, 4), (2.0, 7, 14)])
def test_sample_is_the_fraction_of_a_batch_and_may_be_empty(fraction, batch, count):
    for name in ("cloth", "doodles"):
        kind = SYNTHETIC_KINDS[name]
        cheap = SyntheticKind(counting()[0].draw, kind.help, kind.suggested, kind.labelled, kind.augment)
        pixels, labels = Pool(cheap, fraction, 200, 0, CPU).sample(batch, torch.Generator())
        assert pixels.shape == (count, 28, 28)
        assert labels.shape == (count,)
        assert pixels.dtype == torch.uint8
        assert labels.dtype == torch.int64


def test_pool_of_an_unlabelled_kind_has_no_classes():
    labels_given = []
    kind = SyntheticKind(
        lambda label, rng: labels_given.append(label) or np.zeros((28, 28), np.uint8), "nothing", 0.1, labelled=False
    )
    _, labels = Pool(kind, 1.0, 200, 0, CPU).sample(50, torch.Generator())
    assert labels.tolist() == [NO_CLASS] * 50
    assert set(labels_given) == {NO_CLASS}


# ---------------------------------------------------------------- all pools


@pytest.mark.usefixtures("quick")
def test_each_batch_is_followed_by_synthetic_images(few):
    fractions = {"doodles": 0.1, "drawings": 0.5, "cloth": 1.0}
    all_pools = make_pools(fractions, len(few), 0, CPU)
    assert [pool.kind for pool in all_pools] == list(SYNTHETIC_KINDS.values())
    batch = few.take(torch.arange(40))
    pixels, labels = mix_in_synthetic(batch, all_pools, torch.Generator().manual_seed(0))
    assert torch.equal(pixels[:40], batch.pixels)
    assert torch.equal(labels[:40], batch.labels)
    sizes = [20, 40, 4]
    assert len(pixels) == len(labels) == 40 + sum(sizes)
    drawings, cloth, doodles = labels[40:].split(sizes)
    assert doodles.unique().tolist() == [NO_CLASS]
    for each in (drawings, cloth):
        assert each.min() >= 0
        assert len(each.unique()) > 3


@pytest.mark.usefixtures("quick")
def test_same_seed_draws_the_same(few):
    fractions = dict.fromkeys(SYNTHETIC_KINDS, 0.1)
    first, same, other = (make_pools(fractions, len(few), seed, CPU) for seed in (1, 1, 9))
    for one, again, another in zip(first, same, other, strict=True):
        assert torch.equal(one.pixels[:20], again.pixels[:20])
        assert torch.equal(one.labels[:20], again.labels[:20])
        assert not torch.equal(one.pixels[:20], another.pixels[:20])


@pytest.mark.usefixtures("quick")
def test_no_two_pools_of_one_seed_draw_the_same_labels():
    drawings, cloth = make_pools({"drawings": 0.1, "cloth": 0.1}, 100, 5, CPU)
    assert not torch.equal(drawings.labels, cloth.labels)


def test_capacity_is_the_fraction_of_the_images_but_no_less_than_the_first_ones(monkeypatch):
    monkeypatch.setattr(pools, "SYNTHETIC_KINDS", {"counted": counting()[0]})
    for fraction, images, capacity in ((0.5, 60_000, 30_000), (2, 150, 300), (0.1, 300, INITIAL_SIZE)):
        (pool,) = make_pools({"counted": fraction}, images, 0, CPU)
        assert len(pool.pixels) == len(pool.labels) == capacity
        assert pool.fraction == fraction
        assert pool.size == INITIAL_SIZE


def test_kind_that_is_added_gets_a_pool(monkeypatch, few):
    monkeypatch.setitem(SYNTHETIC_KINDS, "counted", counting()[0])
    (pool,) = all_pools = make_pools({"counted": 1.0}, len(few), 0, CPU)
    assert pool.kind is SYNTHETIC_KINDS["counted"]
    pixels, _ = mix_in_synthetic(few, all_pools, torch.Generator())
    assert pixels[len(few) :].unique().tolist() == [8]


@pytest.mark.usefixtures("quick")
def test_no_pool_of_what_is_not_asked_for(few):
    assert make_pools({}, len(few), 0, CPU) == make_pools(dict.fromkeys(SYNTHETIC_KINDS, 0.0), len(few), 0, CPU) == []
    (pool,) = make_pools(dict.fromkeys(SYNTHETIC_KINDS, 0.0) | {"cloth": 0.5}, len(few), 0, CPU)
    assert pool.kind is SYNTHETIC_KINDS["cloth"]
    pixels, labels = mix_in_synthetic(few, [], torch.Generator())
    assert torch.equal(pixels, few.pixels)
    assert torch.equal(labels, few.labels)


@pytest.mark.usefixtures("quick")
def test_pools_of_a_kind_are_the_same_whatever_others_there_are():
    (alone,) = make_pools({"doodles": 0.1}, 100, 3, CPU)
    together = make_pools(dict.fromkeys(SYNTHETIC_KINDS, 0.1), 100, 3, CPU)[-1]
    assert torch.equal(alone.pixels, together.pixels)
