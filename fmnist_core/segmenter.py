"""A small network that finds the garment in a photo: how it is built, how it learns from scenes, how it is kept.

An encoder of inverted residual blocks with depthwise convolutions (Sandler et al.: MobileNetV2, arXiv:1801.04381),
dilated where its maps are small, and a decoder that adds the encoder's maps on its way up (after Ronneberger, Fischer,
Brox: U-Net, arXiv:1505.04597).
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from fmnist_core.checkpoint import weights_of
from fmnist_core.errors import CheckpointError, ConfigError
from fmnist_core.preparation.fitting import GreyImage, UInt8Image
from fmnist_core.storage import write_whole
from fmnist_core.synthetic.scenes import SIDE, draw_scenes
from fmnist_core.synthetic.strokes import Rng

CHANNELS: Final = (16, 24, 40, 56)  # of the encoder's stages, at 1/2, 1/4, 1/8 and 1/16 of the side
DILATIONS: Final = ((1,), (1, 1), (1, 1, 2), (1, 2, 1, 2))  # of the blocks of each stage
INPUTS: Final = 5  # red, green, blue, and how far a place is from the middle, up or down and to the side


def _norm(convolution: nn.Conv2d) -> list[nn.Module]:
    return [convolution, nn.BatchNorm2d(convolution.out_channels)]


class _Block(nn.Module):
    """An inverted residual block: twice as many channels between two convolutions of 1 x 1."""

    def __init__(self, channels: int, dilation: int = 1) -> None:
        super().__init__()
        wide = 2 * channels
        self.layers = nn.Sequential(
            *_norm(nn.Conv2d(channels, wide, 1, bias=False)), nn.ReLU(inplace=True),
            *_norm(nn.Conv2d(wide, wide, 3, 1, dilation, dilation, groups=wide, bias=False)), nn.ReLU(inplace=True),
            *_norm(nn.Conv2d(wide, channels, 1, bias=False)),
        )  # fmt: skip

    def forward(self, maps: Tensor) -> Tensor:
        """Maps (N, C, H, W) in and out."""
        changed: Tensor = self.layers(maps)
        return maps + changed


def _halved(before: int, after: int) -> list[nn.Module]:
    """Half the side, by a depthwise convolution and one of 1 x 1."""
    return [
        *_norm(nn.Conv2d(before, before, 3, 2, 1, groups=before, bias=False)),
        *_norm(nn.Conv2d(before, after, 1, bias=False)), nn.ReLU(inplace=True),
    ]  # fmt: skip


class Segmenter(nn.Module):
    """Logits that a pixel of a picture belongs to the garment."""

    def __init__(self) -> None:
        super().__init__()
        first = [*_norm(nn.Conv2d(INPUTS, CHANNELS[0], 3, 2, 1, bias=False)), nn.ReLU(inplace=True)]
        starts = [first, *(_halved(*pair) for pair in itertools.pairwise(CHANNELS))]
        self.stages = nn.ModuleList(
            nn.Sequential(*start, *(_Block(channels, dilation) for dilation in dilations))
            for start, channels, dilations in zip(starts, CHANNELS, DILATIONS, strict=True)
        )
        self.whole = nn.Linear(CHANNELS[-1], CHANNELS[-1])  # what the picture is like as a whole, everywhere
        self.narrow = nn.ModuleList(nn.Conv2d(CHANNELS[i + 1], CHANNELS[i], 1) for i in (2, 1, 0))
        self.merge = nn.ModuleList(_Block(CHANNELS[i]) for i in (2, 1, 0))
        self.out = nn.Conv2d(CHANNELS[0], 1, 3, 1, 1)

    def forward(self, pictures: Tensor) -> Tensor:
        """Logits (N, H, W) for pictures (N, H, W, 3) uint8; height and width are multiples of 16."""
        maps = _to_inputs(pictures)
        skipped = []
        for stage in self.stages:
            maps = stage(maps)
            skipped.append(maps)
        maps = maps + self.whole(maps.mean((2, 3)))[..., None, None]
        for narrow, merge, skip in zip(self.narrow, self.merge, skipped[-2::-1], strict=True):
            maps = merge(skip + _doubled(narrow(maps)))
        logits: Tensor = _doubled(self.out(maps))[:, 0]
        return logits


def _to_inputs(pictures: Tensor) -> Tensor:
    values = pictures.permute(0, 3, 1, 2).float() / 127.5 - 1
    down, across = (torch.linspace(-1, 1, size, device=values.device).abs() for size in values.shape[2:])
    places = torch.stack(torch.meshgrid(down, across, indexing="ij"))
    return torch.cat([values, places.expand(len(values), -1, -1, -1)], dim=1)


def _doubled(maps: Tensor) -> Tensor:
    return F.interpolate(maps, scale_factor=2, mode="bilinear", align_corners=False)


def garment_probability(segmenter: Segmenter, rgb: UInt8Image) -> GreyImage:
    """The probability (H, W) that a pixel of a picture (H, W, 3) of any size belongs to the garment.

    The mean of what the network says of the picture and of its mirror image.
    """
    small = torch.from_numpy(np.asarray(cv2.resize(rgb, (SIDE, SIDE), interpolation=cv2.INTER_AREA)))
    with torch.inference_mode():
        said, mirrored = segmenter(torch.stack([small, small.flip(1)])).sigmoid()
    probability = ((said + mirrored.flip(1)) / 2).numpy()
    return np.asarray(cv2.resize(probability, rgb.shape[1::-1], interpolation=cv2.INTER_LINEAR))


# --- training -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SegmenterConfig:
    """All that decides what a training of the segmenter gives, besides the images whose shapes it uses.

    Raises:
        ConfigError: a value that cannot work.
    """

    steps: int = 6000
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


# --- on the disk ----------------------------------------------------------------------------------------------------


def save_segmenter(segmenter: Segmenter, file: Path) -> None:
    """Write the weights.

    Raises:
        StorageError: they could not be written.
    """
    with write_whole(file) as opened:
        opened.write(weights_of(segmenter))


def load_segmenter(file: Path) -> Segmenter:
    """The segmenter with the weights in a file, ready to answer.

    Raises:
        CheckpointError: the file is not there, or does not hold the weights of a segmenter.
    """
    segmenter = Segmenter()
    try:
        segmenter.load_state_dict(load_file(file))
    except (OSError, SafetensorError, RuntimeError) as error:
        raise CheckpointError(f"{file} does not hold the weights of a segmenter.") from error
    return segmenter.eval()
