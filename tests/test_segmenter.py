"""The network that finds garments in photos: its size, its loss, that it learns, its weights on the disk."""

import numpy as np
import pytest
import torch

from fmnist_core import segmenter as module
from fmnist_core.errors import CheckpointError, ConfigError
from fmnist_core.segmenter import (
    Segmenter,
    SegmenterConfig,
    garment_probability,
    intersection_over_union,
    load_segmenter,
    save_segmenter,
    segmentation_loss,
    train_segmenter,
)
from fmnist_core.synthetic.scenes import SIDE, draw_scenes
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


def test_loss_and_agreement_of_what_is_known():
    masks = torch.zeros(2, 4, 4, dtype=torch.bool)
    masks[:, 1:3, 1:3] = True
    right = torch.where(masks, 20.0, -20.0)
    assert segmentation_loss(right, masks) < 1e-6
    assert segmentation_loss(-right, masks) > 10
    half = right.clone()
    half[:, 1, 1:3] = -20

    class Fixed(torch.nn.Module):
        def forward(self, pictures):
            return half

    assert intersection_over_union(Fixed(), torch.zeros(2, 4, 4, 3), masks) == pytest.approx(0.5)


def test_it_learns(samples, scenes):
    config = SegmenterConfig(steps=40, batch_size=8)
    steps = list(train_segmenter(samples.train.pixels, config))
    losses = [step.loss for step in steps]
    assert np.mean(losses[-10:]) < 0.85 * np.mean(losses[:5])
    assert intersection_over_union(steps[-1].segmenter, *scenes) > 0.3
    again = next(iter(train_segmenter(samples.train.pixels, config)))
    assert again.loss == losses[0]


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


@pytest.mark.parametrize("values", [{"steps": 0}, {"batch_size": 1}, {"learning_rate": 0.0}])
def test_what_cannot_work_is_refused(values):
    with pytest.raises(ConfigError, match="cannot work"):
        SegmenterConfig(**values)


def test_command(samples, tmp_path, monkeypatch, capsys):
    from fmnist_core import __main__

    monkeypatch.setattr(__main__, "TEST_SCENES", 6)
    monkeypatch.setattr(module.SegmenterConfig, "batch_size", 4)
    out = tmp_path / "weights" / "segmenter.safetensors"
    assert __main__.main(["train-segmenter", "--data", "samples", "--steps", "2", "--out", str(out)]) == 0
    assert "on 6 scenes of test images" in capsys.readouterr().out
    assert load_segmenter(out)(torch.zeros(1, SIDE, SIDE, 3, dtype=torch.uint8)).shape == (1, SIDE, SIDE)
