"""The network that finds garments in photos: its size, what it says, its weights on the disk."""

import numpy as np
import pytest
import torch

from fmnist_core.errors import CheckpointError
from fmnist_core.segmenter import (
    Segmenter,
    garment_probability,
    load_segmenter,
    save_segmenter,
    shipped_segmenter,
)
from fmnist_core.segmenter_training import intersection_over_union
from fmnist_core.synthetic.scenes import draw_scenes
from fmnist_core.synthetic.strokes import Rng


@pytest.fixture(scope="module")
def scenes(samples):
    return tuple(torch.from_numpy(each) for each in draw_scenes(samples.test.pixels.numpy(), 24, Rng(7)))


@pytest.fixture(scope="module")
def untrained():
    torch.manual_seed(0)
    return Segmenter().eval()


def test_it_is_small(untrained, tmp_path):
    assert sum(parameter.numel() for parameter in untrained.parameters()) <= 150_000
    save_segmenter(untrained, tmp_path / "segmenter.safetensors")
    assert (tmp_path / "segmenter.safetensors").stat().st_size <= 600_000


def test_every_pixel_has_a_logit(untrained, scenes):
    pictures, masks = scenes
    assert untrained(pictures[:2]).shape == masks[:2].shape
    assert untrained(torch.zeros(1, 32, 64, 3, dtype=torch.uint8)).shape == (1, 32, 64)


def test_a_picture_of_any_size_has_a_probability_for_each_pixel(untrained):
    picture = np.random.default_rng(0).integers(0, 256, (70, 131, 3), dtype=np.uint8)
    probability = garment_probability(untrained, picture)
    assert probability.shape == (70, 131)
    assert (probability > 0).all()
    assert (probability < 1).all()
    mirrored = garment_probability(untrained, np.ascontiguousarray(picture[:, ::-1]))
    assert np.abs(mirrored[:, ::-1] - probability).max() < 0.02  # up to how it is made smaller


def test_weights_come_back(untrained, scenes, tmp_path):
    save_segmenter(untrained, tmp_path / "it.safetensors")
    assert torch.equal(load_segmenter(tmp_path / "it.safetensors")(scenes[0][:2]), untrained(scenes[0][:2]))


@pytest.mark.parametrize("contents", [None, b"", b"text", b"\x80\x04pickle"])
def test_what_holds_no_weights_is_refused(tmp_path, contents):
    file = tmp_path / "it.safetensors"
    if contents is not None:
        file.write_bytes(contents)
    with pytest.raises(CheckpointError, match="does not hold the weights of a segmenter"):
        load_segmenter(file)


def test_the_shipped_one_finds_garments_it_has_not_seen(samples):
    drawn = draw_scenes(samples.test.pixels.numpy(), 100, Rng(11))
    scenes, masks = (torch.from_numpy(each) for each in drawn)
    assert intersection_over_union(shipped_segmenter(), scenes, masks) > 0.86
    assert shipped_segmenter() is shipped_segmenter()
    assert not shipped_segmenter().training
