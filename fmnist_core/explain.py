"""Why a network answers as it does, and what each of its channels looks for.

Everything walks the network's own list of layers, so that it is right for every network. A channel of a layer is one of
its maps, or one of its numbers where it puts out a vector.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fmnist_core import IMAGE_SIZE
from fmnist_core.checkpoint import load_companion, save_companion
from fmnist_core.dataset import Split, batches
from fmnist_core.errors import ConfigError
from fmnist_core.model import Network, Trace, layer_table, pair, to_inputs, to_probabilities

EXCITING_FILE: Final = "exciting.safetensors"
COVER: Final = 7  # side in pixels of the square that hides a part of the picture
STRIDE: Final = 3  # pixels from one such square to the next
BATCH: Final = 100  # samples looked at together


@dataclass(frozen=True, eq=False)
class Exciting:
    """For each of C channels of a layer, the samples that excite it most, the strongest first."""

    values: Tensor  # float32 (C, K), the largest value anywhere in the map
    indices: Tensor  # int64 (C, K), which samples
    places: Tensor  # int64 (C, K, 2), row and column of that value in the map; 0, 0 in a vector


@dataclass(frozen=True, eq=False)
class PixelSum:
    """How one value of a map of the first convolution came about: sum(patch * kernel) + bias."""

    top: int  # row of the patch's first line in the picture, below 0 in the padding
    left: int
    patch: Tensor  # float32 (f, f), of the inputs
    kernel: Tensor  # float32 (f, f)
    bias: float
    total: float


def grad_cam(network: Network, trace: Trace, label: int) -> Tensor:
    """Where the last maps speak for the class ``label``: float32 (28, 28), 0..1, all 0 if they speak for it nowhere.

    The maps of the last layer that still has places, each weighed by the mean of the class logit's gradient over it,
    summed, and kept where positive. Selvaraju and others: Grad-CAM, arXiv:1610.02391, equations 1 and 2.
    """
    layer = [name for name, maps in trace.maps.items() if maps.dim() == 4 and maps.shape[-1] > 1][-1]
    maps = trace.maps[layer].clone().requires_grad_()
    (gradient,) = torch.autograd.grad(_onward(network, layer, maps)[0, label], maps)
    heat = (gradient.mean((2, 3), keepdim=True) * maps.detach()).sum(1, keepdim=True).relu()
    large = F.interpolate(heat, (IMAGE_SIZE, IMAGE_SIZE), mode="bilinear", align_corners=False)[0, 0]
    return large / large.max().clamp(min=1e-9)


def occlusion(network: Network, pixels: Tensor, label: int) -> Tensor:
    """What hiding each part of a picture costs the class ``label``: float32 (28, 28), -1..1, in probability.

    A black square of ``COVER`` pixels slides over the picture; a place has the mean of the squares that hide it. Below
    zero, the class becomes more probable. Zeiler, Fergus: Visualizing and understanding convolutional networks,
    arXiv:1311.2901, section 4.2.

    Args:
        network: who answers.
        pixels: uint8 (28, 28).
        label: 0..9.
    """
    corners = range(0, IMAGE_SIZE - COVER + 1, STRIDE)
    hidden = pixels.repeat(1 + len(corners) ** 2, 1, 1)  # the first one stays as it is
    for number, (row, column) in enumerate(((row, column) for row in corners for column in corners), start=1):
        hidden[number, row : row + COVER, column : column + COVER] = 0
    with torch.inference_mode():
        probabilities = to_probabilities(network(to_inputs(hidden)))[:, label]
    cost = (probabilities[0] - probabilities[1:]).reshape(1, 1, len(corners), len(corners))
    square = torch.ones(1, 1, COVER, COVER)
    total, count = (F.conv_transpose2d(grid, square, stride=STRIDE) for grid in (cost, torch.ones_like(cost)))
    heat: Tensor = (total / count)[0, 0]
    return heat


def exciting(network: Network, samples: Split, count: int = 9) -> dict[str, Exciting]:
    """For each layer, the ``count`` samples that excite its channels most; seconds of work for 2,000 samples."""
    with torch.inference_mode():
        strongest: dict[str, list[tuple[Tensor, Tensor]]] = {}
        for batch in batches(samples, BATCH):
            trace = network.trace(to_inputs(batch.pixels).to(memory_format=torch.channels_last))
            for layer, maps in trace.maps.items():
                strongest.setdefault(layer, []).append(maps.reshape(*maps.shape[:2], -1).max(2))
        found = {}
        for layer, parts in strongest.items():
            values, indices = torch.cat([value for value, _ in parts]).topk(min(count, len(samples)), dim=0)
            place = torch.cat([place for _, place in parts]).gather(0, indices)
            width = trace.maps[layer].shape[-1] if trace.maps[layer].dim() == 4 else 1
            places = torch.stack([place // width, place % width], dim=-1)
            found[layer] = Exciting(values.T, indices.T, places.transpose(0, 1))
        return found


def save(found: dict[str, Exciting], network: Network, folder: Path) -> None:
    """Write what ``exciting`` found beside the weights that it belongs to."""
    tensors = {}
    for layer, each in found.items():
        tensors[f"{layer}.values"] = each.values.contiguous()
        tensors[f"{layer}.indices"] = each.indices.to(torch.int32).contiguous()
        tensors[f"{layer}.places"] = each.places.to(torch.uint8).contiguous()
    save_companion(tensors, network, folder / EXCITING_FILE)


def load(folder: Path, network: Network) -> dict[str, Exciting] | None:
    """What ``save`` wrote beside the weights; None when there is nothing of theirs."""
    tensors = load_companion(folder / EXCITING_FILE, network)
    names = [name for name, _ in network.layers.named_children()]
    parts = ("values", "indices", "places")
    if tensors is None or tensors.keys() != {f"{name}.{part}" for name in names for part in parts}:
        return None
    found = {name: [tensors[f"{name}.{part}"] for part in parts] for name in names}
    return {name: Exciting(values, indices.long(), places.long()) for name, (values, indices, places) in found.items()}


def switched_off(network: Network, trace: Trace, layer: str, channel: int) -> Tensor:
    """The logits (1, 10) that the network would give if that channel of ``layer`` put out nothing but 0.

    Raises:
        ConfigError: there is no such layer, or no such channel.
    """
    _check_channel(network, trace, layer, channel)
    with torch.inference_mode():
        maps = trace.maps[layer].clone()
        maps[:, channel] = 0
        return _onward(network, layer, maps)


def weights_of(network: Network, trace: Trace, layer: str, channel: int) -> tuple[str, Tensor]:
    """The layer whose weights make a channel of ``layer``, itself or the nearest above, and those weights.

    They are float32 (I, f, f) of a convolution, a kernel for each map that goes in, or (D,) of a fully connected layer.

    Raises:
        ConfigError: there is no such layer, or no such channel, or no layer with weights above it.
    """
    _check_channel(network, trace, layer, channel)
    names = list(trace.maps)
    for place in range(names.index(layer), -1, -1):
        module = network.layers[place]
        if isinstance(module, nn.Conv2d | nn.Linear):
            return names[place], module.weight.detach()[channel]
        if isinstance(module, nn.Flatten) and place:
            channel //= trace.maps[names[place - 1]][0, 0].numel()
    raise ConfigError(f"No layer with weights comes before {layer}.")


def pixel_sum(network: Network, inputs: Tensor, channel: int, row: int, column: int) -> PixelSum:
    """The arithmetic behind one value of the first layer, a convolution, for inputs (1, 1, 28, 28).

    Raises:
        ConfigError: the first layer is none, or it has no such channel or place.
    """
    first = network.layers[0]
    if not isinstance(first, nn.Conv2d) or first.stride != (1, 1):
        raise ConfigError("The first layer is no convolution with a stride of 1.")
    with torch.inference_mode():
        side = first.kernel_size[0]
        padding = int(first.padding[0])
        shape = next(layer_table(network)).shape
        if not all(0 <= number < size for number, size in zip((channel, row, column), shape, strict=True)):
            raise ConfigError(f"There is no value {channel}, {row}, {column} in maps {shape}.")
        padded = F.pad(inputs[0, 0], (padding,) * 4)
        patch = padded[row : row + side, column : column + side].clone()
        kernel = first.weight.detach()[channel, 0]
        bias = 0.0 if first.bias is None else float(first.bias[channel])
        return PixelSum(row - padding, column - padding, patch, kernel, bias, float((patch * kernel).sum()) + bias)


def receptive_field(network: Network, layer: str, row: int, column: int) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of the part of the picture, in pixels, that a place in a map of ``layer`` depends on.

    A convolution or pooling of filter f, stride s and padding p looks at s·n - p .. s·n - p + f - 1 of what enters it
    (arXiv:1603.07285); from a vector on, at everything.

    Raises:
        ConfigError: there is no such layer.
    """
    (top, bottom), (left, right) = (row, row), (column, column)
    for module in reversed(list(network.layers[: _place(network, layer) + 1])):
        if isinstance(module, nn.Flatten | nn.Linear):
            return 0, 0, IMAGE_SIZE, IMAGE_SIZE
        if isinstance(module, nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d):
            f, s, p = pair(module.kernel_size), pair(module.stride), pair(module.padding)
            top, left = top * s[0] - p[0], left * s[1] - p[1]
            bottom, right = bottom * s[0] - p[0] + f[0] - 1, right * s[1] - p[1] + f[1] - 1
    return max(left, 0), max(top, 0), min(right + 1, IMAGE_SIZE), min(bottom + 1, IMAGE_SIZE)


def _place(network: Network, layer: str) -> int:
    names = [name for name, _ in network.layers.named_children()]
    if layer not in names:
        raise ConfigError(f"There is no layer {layer!r}; the layers are {', '.join(names)}.")
    return names.index(layer)


def _check_channel(network: Network, trace: Trace, layer: str, channel: int) -> None:
    _place(network, layer)
    count = trace.maps[layer].shape[1]
    if not 0 <= channel < count:
        raise ConfigError(f"There is no channel {channel} in {layer}, expected 0..{count - 1}.")


def _onward(network: Network, layer: str, maps: Tensor) -> Tensor:
    """The logits (N, 10) for ``maps`` in place of what ``layer`` puts out."""
    logits: Tensor = network.layers[_place(network, layer) + 1 :](maps)
    return logits
