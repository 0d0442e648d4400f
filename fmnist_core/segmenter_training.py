"""How the segmenter learns: from scenes, of which it is known exactly where the garment lies."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from fmnist_core.errors import ConfigError
from fmnist_core.segmenter import Segmenter
from fmnist_core.synthetic.scenes import draw_scenes
from fmnist_core.synthetic.strokes import Rng


@dataclass(frozen=True)
class SegmenterConfig:
    """All that decides what a training of the segmenter gives, besides the images whose shapes it uses.

    Raises:
        ConfigError: a value that cannot work.
    """

    steps: int = 9000
    batch_size: int = 16
    learning_rate: float = 4e-3  # the highest
    seed: int = 0

    def __post_init__(self) -> None:
        if self.steps < 1 or self.batch_size < 2 or not 0 < self.learning_rate <= 1:
            raise ConfigError(f"{self} cannot work, expected steps, at least 2 scenes a batch, and a rate up to 1.")


class Trained(NamedTuple):
    """A step of a training has been taken."""

    loss: float
    segmenter: Segmenter  # the same one at each step


def train_segmenter(images: Tensor, config: SegmenterConfig) -> Iterator[Trained]:
    """Train on scenes of the images (N, 28, 28) uint8.

    The loss is binary cross-entropy and, so that small garments count as much as large ones, 1 - the soft intersection
    over union (Rahman, Wang: Optimizing intersection-over-union in deep neural networks for image segmentation, 2016).
    """
    rng, pixels = Rng(config.seed), images.numpy()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        segmenter = Segmenter().train()
    optimizer = torch.optim.AdamW(segmenter.parameters(), config.learning_rate, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, config.learning_rate, total_steps=config.steps + 1, pct_start=0.08
    )
    for _ in range(config.steps):
        scenes, masks = (torch.from_numpy(each) for each in draw_scenes(pixels, config.batch_size, rng))
        loss = segmentation_loss(segmenter(scenes), masks)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        yield Trained(loss.item(), segmenter)


def segmentation_loss(logits: Tensor, masks: Tensor) -> Tensor:
    """The loss of logits (N, H, W) for masks (N, H, W) bool."""
    truth = masks.float()
    probability = logits.sigmoid()
    common = (probability * truth).sum((1, 2))
    union = (probability + truth - probability * truth).sum((1, 2))
    return F.binary_cross_entropy_with_logits(logits, truth) + (1 - (common + 1) / (union + 1)).mean()


@torch.inference_mode()
def intersection_over_union(segmenter: Segmenter, scenes: Tensor, masks: Tensor) -> float:
    """Mean over scenes (N, H, W, 3) uint8: how far what is found and masks (N, H, W) agree, 0..1."""
    was_training = segmenter.training
    segmenter.eval()
    found = torch.cat([segmenter(scenes[start : start + 32]) for start in range(0, len(scenes), 32)]) > 0
    segmenter.train(was_training)
    common, union = (found & masks).sum((1, 2)), (found | masks).sum((1, 2))
    return float((common / union.clamp(min=1)).mean())
