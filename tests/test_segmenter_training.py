"""How the segmenter learns: its loss, that it learns, the command."""

import numpy as np
import pytest
import torch

from fmnist_core import __main__
from fmnist_core.errors import ConfigError
from fmnist_core.segmenter import SIDE, load_segmenter
from fmnist_core.segmenter_training import (
    SegmenterConfig,
    intersection_over_union,
    segmentation_loss,
    train_segmenter,
)
from fmnist_core.synthetic.scenes import draw_scenes
from fmnist_core.synthetic.strokes import Rng


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


def test_it_learns(samples):
    drawn = draw_scenes(samples.test.pixels.numpy(), 24, Rng(7))
    scenes = tuple(torch.from_numpy(each) for each in drawn)
    config = SegmenterConfig(steps=40, batch_size=8)
    steps = list(train_segmenter(samples.train.pixels, config))
    losses = [step.loss for step in steps]
    assert np.mean(losses[-10:]) < 0.85 * np.mean(losses[:5])
    assert intersection_over_union(steps[-1].segmenter, *scenes) > 0.3
    again = next(iter(train_segmenter(samples.train.pixels, config)))
    assert again.loss == losses[0]


@pytest.mark.parametrize("values", [{"steps": 0}, {"batch_size": 1}, {"learning_rate": 0.0}])
def test_what_cannot_work_is_refused(values):
    with pytest.raises(ConfigError, match="cannot work"):
        SegmenterConfig(**values)


def test_command(samples, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(__main__, "TEST_SCENES", 6)
    monkeypatch.setattr(SegmenterConfig, "batch_size", 4)
    out = tmp_path / "weights" / "segmenter.safetensors"
    assert __main__.main(["train-segmenter", "--data", "samples", "--steps", "2", "--out", str(out)]) == 0
    assert "on 6 scenes of test images" in capsys.readouterr().out
    assert load_segmenter(out)(torch.zeros(1, SIDE, SIDE, 3, dtype=torch.uint8)).shape == (1, SIDE, SIDE)
