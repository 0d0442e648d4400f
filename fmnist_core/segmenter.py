"""A small network that finds the garment in a photo: how it is built, what it says, and how it is kept.

An encoder of inverted residual blocks with depthwise convolutions (Sandler et al.: MobileNetV2, arXiv:1801.04381),
dilated where its maps are small, and a decoder that adds the encoder's maps on its way up (after Ronneberger, Fischer,
Brox: U-Net, arXiv:1505.04597).
"""

import functools
import itertools
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from fmnist_core.checkpoint import weights_of
from fmnist_core.errors import CheckpointError
from fmnist_core.preparation.fitting import GreyImage, UInt8Image
from fmnist_core.storage import write_whole

SEGMENTER_FILE: Final = Path(__file__).parent.parent / "weights" / "segmenter.safetensors"
SIDE: Final = 96  # of the square that it sees of a picture, in pixels
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


@functools.cache
def shipped_segmenter() -> Segmenter:
    """The segmenter shipped with the program; read when it is first needed.

    Raises:
        CheckpointError: its file is missing or damaged.
    """
    return load_segmenter(SEGMENTER_FILE)
