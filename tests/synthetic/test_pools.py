import numpy as np
import torch

from fmnist_core.synthetic.pools import INITIAL_SIZE, MADE, Pool, make_pools, mix_in_synthetic
from fmnist_core.synthetic.rendering import NO_CLASS

CPU = torch.device("cpu")


def test_supply_begins_small_grows_at_each_step_and_ends_at_its_most():
    drawn = iter(range(10**6))
    pool = Pool(0.5, 210, lambda: (np.full((28, 28), 7, np.uint8), next(drawn) % 10), CPU)
    assert pool.made == INITIAL_SIZE == 200
    generator = torch.Generator().manual_seed(0)
    for made in (203, 206, 209, 210, 210):
        pixels, labels = pool.choose(25, generator)
        assert pool.made == made
        assert len(pixels) == len(labels) == 12  # half of 25
        assert pixels.unique().tolist() == [7]
    assert next(drawn) == 210


def test_each_batch_is_followed_by_what_was_made(few):
    parts = {"drawings": 0.5, "tracings": 0.25, "doodles": 0.1, "cloth": 1.0}
    made = make_pools(parts, few, 0, CPU)
    assert tuple(made) == MADE
    batch = few.take(torch.arange(40))
    pixels, labels = mix_in_synthetic(batch, made, torch.Generator().manual_seed(0))
    assert torch.equal(pixels[:40], batch.pixels)
    assert torch.equal(labels[:40], batch.labels)
    sizes = [20, 10, 4, 40]
    assert len(pixels) == len(labels) == 40 + sum(sizes)
    drawings, tracings, doodles, cloth = labels[40:].split(sizes)
    assert doodles.unique().tolist() == [NO_CLASS]
    for each in (drawings, tracings, cloth):
        assert each.min() >= 0
        assert len(each.unique()) > 3
    assert set(tracings.tolist()) <= set(few.labels.tolist())


def test_same_seed_makes_the_same(few):
    parts = dict.fromkeys(MADE, 0.1)
    one, same, other = (make_pools(parts, few, seed, CPU) for seed in (1, 1, 2))
    for kind in MADE:
        first = [pool[kind].pixels[:INITIAL_SIZE] for pool in (one, same, other)]
        assert torch.equal(first[0], first[1])
        assert not torch.equal(first[0], first[2])


def test_no_supply_of_what_is_not_asked_for(few):
    assert make_pools(dict.fromkeys(MADE, 0.0), few, 0, CPU) == {}
    assert list(make_pools(dict.fromkeys(MADE, 0.0) | {"cloth": 0.5}, few, 0, CPU)) == ["cloth"]
