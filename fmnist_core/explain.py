"""Why a network answers as it does, and what each of its channels looks for.

Everything walks the network's own list of layers, so that it is right for every network. A channel of a layer is one of
its maps, or one of its values where it puts out a vector.
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
from fmnist_core.layer_table import padding_of, pair, receptive_fields
from fmnist_core.model import Network, Trace

TOP_ACTIVATIONS_FILE: Final = "top_activations.safetensors"
SQUARE: Final = 7  # side in pixels of the square that hides a part of the picture
STRIDE: Final = 3  # pixels from one such square to the next
BATCH_SIZE: Final = 100  # samples at a time
# What changes values but leaves each channel where it was.
CHANNELWISE: Final = (
    *(nn.ReLU, nn.LeakyReLU, nn.ELU, nn.SiLU, nn.GELU, nn.Tanh, nn.Sigmoid, nn.Hardswish, nn.Identity),
    *(nn.BatchNorm1d, nn.BatchNorm2d, nn.Dropout, nn.Dropout2d),
    *(nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d),
)


@dataclass(frozen=True, eq=False)
class TopActivations:
    """For each of C channels of a layer, the K samples that activate it most, the strongest first."""

    values: Tensor  # float32 (C, K), the largest value anywhere in the map
    indices: Tensor  # int64 (C, K), which samples
    boxes: Tensor  # int64 (C, K, 4): left, top, right, bottom, in pixels, of what that value depends on


@dataclass(frozen=True, eq=False)
class PixelSum:
    """How one value of a map of the first convolution comes about: sum(patch * kernel) + bias."""

    top: int  # row of the patch's first line in the picture, negative in the padding
    left: int
    patch: Tensor  # float32 (f, f), of the inputs
    kernel: Tensor  # float32 (f, f)
    bias: float
    total: float


def grad_cam(network: Network, trace: Trace, label: int) -> Tensor:
    """Where the last maps speak for the class ``label``: float32 (28, 28), 0..1, all 0 if they speak for it nowhere.

    The maps of the last layer that is more than one pixel wide, each weighted by the mean of the class logit's gradient
    over it, summed, and clipped below 0. Selvaraju and others: Grad-CAM, arXiv:1610.02391, equations 1 and 2.

    Raises:
        ConfigError: no layer has maps.
    """
    candidates = [name for name, maps in trace.maps.items() if maps.dim() == 4 and maps.shape[-1] > 1]
    if not candidates:
        raise ConfigError("This network has no feature maps that could show where it looks.")
    layer = candidates[-1]
    maps = trace.maps[layer].clone().requires_grad_()
    (gradient,) = torch.autograd.grad(network.forward_from(layer, maps)[0, label], maps)
    heat = (gradient.mean((2, 3), keepdim=True) * maps.detach()).sum(1, keepdim=True).relu()
    large = F.interpolate(heat, (IMAGE_SIZE, IMAGE_SIZE), mode="bilinear", align_corners=False)[0, 0]
    return large / large.max().clamp(min=1e-9)


def occlusion(network: Network, pixels: Tensor, label: int) -> Tensor:
    """How much probability the class ``label`` loses when each part of a picture is hidden: float32 (28, 28), -1..1.

    A black square of ``SQUARE`` pixels slides over the picture; each pixel gets the mean over the squares that hide it.
    Negative values: the class becomes more probable. Zeiler, Fergus: Visualizing and understanding convolutional
    networks, arXiv:1311.2901, section 4.2.

    Args:
        network: which network.
        pixels: uint8 (28, 28).
        label: index of the class.
    """
    corners = range(0, IMAGE_SIZE - SQUARE + 1, STRIDE)
    hidden = pixels.repeat(1 + len(corners) ** 2, 1, 1)  # the first one stays as it is
    for number, (row, column) in enumerate(((row, column) for row in corners for column in corners), start=1):
        hidden[number, row : row + SQUARE, column : column + SQUARE] = 0
    with torch.inference_mode():
        probabilities = network(hidden)[:, label]
    loss = (probabilities[0] - probabilities[1:]).reshape(1, 1, len(corners), len(corners))
    square = torch.ones(1, 1, SQUARE, SQUARE)
    total, count = (F.conv_transpose2d(grid, square, stride=STRIDE) for grid in (loss, torch.ones_like(loss)))
    heat: Tensor = (total / count)[0, 0]
    return heat


def top_activations(network: Network, samples: Split, count: int = 9) -> dict[str, TopActivations]:
    """For each layer, the ``count`` samples that activate its channels most; seconds of work for 2,000 samples."""
    with torch.inference_mode():
        strongest: dict[str, list[tuple[Tensor, Tensor]]] = {}
        for batch in batches(samples, BATCH_SIZE):
            trace = network.trace(network.to_inputs(batch.pixels).to(memory_format=torch.channels_last))
            for layer, maps in trace.maps.items():
                strongest.setdefault(layer, []).append(maps.reshape(*maps.shape[:2], -1).max(2))
        fields = receptive_fields(network)
        found = {}
        for layer, parts in strongest.items():
            values, indices = torch.cat([value for value, _ in parts]).topk(min(count, len(samples)), dim=0)
            place = torch.cat([place for _, place in parts]).gather(0, indices)  # (K, C), in the flattened map
            width = trace.maps[layer].shape[-1] if trace.maps[layer].dim() == 4 else 1
            boxes = [[fields.of(layer, each // width, each % width) for each in row] for row in place.T.tolist()]
            found[layer] = TopActivations(values.T, indices.T, torch.tensor(boxes))
        return found


def save(found: dict[str, TopActivations], network: Network, folder: Path) -> None:
    """Write what ``top_activations`` found beside the weights that it belongs to."""
    tensors = {}
    for layer, each in found.items():
        tensors[f"{layer}.values"] = each.values.contiguous()
        tensors[f"{layer}.indices"] = each.indices.to(torch.int32).contiguous()
        tensors[f"{layer}.boxes"] = each.boxes.to(torch.uint8).contiguous()
    save_companion(tensors, network, folder / TOP_ACTIVATIONS_FILE)


def load(folder: Path, network: Network) -> dict[str, TopActivations] | None:
    """What ``save`` wrote beside the weights; None when nothing there belongs to them."""
    tensors = load_companion(folder / TOP_ACTIVATIONS_FILE, network)
    names, parts = network.layer_names, ("values", "indices", "boxes")
    if tensors is None or tensors.keys() != {f"{name}.{part}" for name in names for part in parts}:
        return None
    found = {name: [tensors[f"{name}.{part}"] for part in parts] for name in names}
    return {
        name: TopActivations(values, indices.long(), boxes.long()) for name, (values, indices, boxes) in found.items()
    }


def ablate_channel(network: Network, trace: Trace, layer: str, channel: int) -> Tensor:
    """The logits (1, classes) that the network would give if that channel of ``layer`` were all 0.

    Raises:
        ConfigError: there is no such layer, or no such channel.
    """
    _check_channel(network, trace, layer, channel)
    with torch.inference_mode():
        maps = trace.maps[layer].clone()
        maps[:, channel] = 0
        return network.forward_from(layer, maps)


def channel_weights(network: Network, trace: Trace, layer: str, channel: int) -> tuple[str, Tensor]:
    """The layer whose weights make a channel of ``layer``, itself or the nearest before it, and those weights.

    They are float32 (I, f, f) of a convolution, a kernel for each map that enters it, or (D,) of a fully connected
    layer.

    Raises:
        ConfigError: there is no such layer or channel, or no single layer's weights make it.
    """
    _check_channel(network, trace, layer, channel)
    names = network.layer_names
    for place in range(names.index(layer), -1, -1):
        module = network.layers[place]
        if isinstance(module, nn.Conv2d | nn.Linear):
            return names[place], module.weight.detach()[channel]
        if isinstance(module, nn.Flatten) and place:
            channel //= trace.maps[names[place - 1]][0, 0].numel()
        elif not isinstance(module, CHANNELWISE):
            kind = type(module).__name__
            raise ConfigError(f"{names[place]} ({kind}) has no single set of weights for each of its channels.")
    raise ConfigError(f"No layer with weights comes before {layer}.")


def has_pixel_sum(network: Network) -> bool:
    """Whether ``pixel_sum`` can explain the first layer: a convolution with zeros around the picture."""
    first = network.layers[0]
    return isinstance(first, nn.Conv2d) and first.padding_mode == "zeros"


def pixel_sum(network: Network, inputs: Tensor, channel: int, row: int, column: int) -> PixelSum:
    """The arithmetic behind one value of the first layer, a convolution, for inputs (1, 1, 28, 28).

    Raises:
        ConfigError: the first layer is not a convolution, or it has no such channel or place.
    """
    first = network.layers[0]
    if not has_pixel_sum(network) or not isinstance(first, nn.Conv2d):
        raise ConfigError(
            "The first layer is not a convolution with zeros around the picture: its sum cannot be shown."
        )
    with torch.inference_mode():
        shape = tuple(first(inputs)[0].shape)
        if not all(0 <= number < size for number, size in zip((channel, row, column), shape, strict=True)):
            raise ConfigError(f"There is no value {channel}, {row}, {column} in maps {shape}.")
        left, right, above, below = padding_of(first)
        padded = F.pad(inputs[0, 0], (left, right, above, below))
        (height, width), (down, across), stride = pair(first.kernel_size), pair(first.dilation), pair(first.stride)
        top, start = row * stride[0], column * stride[1]
        rows = slice(top, top + down * (height - 1) + 1, down)
        columns = slice(start, start + across * (width - 1) + 1, across)
        patch = padded[rows, columns].clone()
        kernel = first.weight.detach()[channel, 0]
        bias = 0.0 if first.bias is None else float(first.bias[channel])
        return PixelSum(top - above, start - left, patch, kernel, bias, float((patch * kernel).sum()) + bias)


def _check_channel(network: Network, trace: Trace, layer: str, channel: int) -> None:
    network.index_of(layer)
    count = trace.maps[layer].shape[1]
    if not 0 <= channel < count:
        raise ConfigError(f"There is no channel {channel} in {layer}, expected 0..{count - 1}.")
