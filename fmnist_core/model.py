"""The networks, what they put out layer by layer, and the sizes of it.

A network is a list of named layers and nothing else. Everything that looks inside (the trace, the table of layers, the
page) walks that list, so that it is right for every network.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from huggingface_hub import PyTorchModelHubMixin, hf_hub_download
from safetensors.torch import load_file
from torch import Tensor, nn

from fmnist_core import CLASS_NAMES, IMAGE_SIZE, MEAN, STD
from fmnist_core.errors import ConfigError


def original_layers() -> "OrderedDict[str, nn.Module]":
    """The network of the original project: two convolutions, three fully connected layers, 33,250 parameters."""
    return OrderedDict(
        conv1=nn.Conv2d(1, 6, kernel_size=5),  # (N, 6, 24, 24)
        relu1=nn.ReLU(),
        pool1=nn.MaxPool2d(kernel_size=2),  # (N, 6, 12, 12)
        norm1=nn.BatchNorm2d(6),
        conv2=nn.Conv2d(6, 12, kernel_size=5),  # (N, 12, 8, 8)
        relu2=nn.ReLU(),
        pool2=nn.MaxPool2d(kernel_size=2),  # (N, 12, 4, 4)
        flatten=nn.Flatten(),  # (N, 192)
        fc1=nn.Linear(192, 120),  # (N, 120)
        relu3=nn.ReLU(),
        norm2=nn.BatchNorm1d(120),
        fc2=nn.Linear(120, 60),  # (N, 60)
        relu4=nn.ReLU(),  # the embedding
        out=nn.Linear(60, len(CLASS_NAMES)),  # (N, 10), logits
    )


# Channels of the convolutions at 28x28, 14x14 and 7x7.
DEEP_WIDTHS: Final = ((32, 32, 32), (64, 64, 64), (128, 128, 128))


def deep_layers() -> "OrderedDict[str, nn.Module]":
    """The default network: three stages of 3x3 convolutions, then the average over all places; 482,154 parameters.

    Pooling comes before normalisation, which leaves a quarter of its work.
    """
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    channels = number = 0
    for stage, widths in enumerate(DEEP_WIDTHS, start=1):
        for place, width in enumerate(widths, start=1):
            number += 1
            layers[f"conv{number}"] = nn.Conv2d(channels or 1, width, kernel_size=3, padding=1, bias=False)
            if place == len(widths) and stage < len(DEEP_WIDTHS):
                layers[f"pool{stage}"] = nn.MaxPool2d(kernel_size=2)
            layers[f"norm{number}"] = nn.BatchNorm2d(width)
            layers[f"relu{number}"] = nn.ReLU()
            channels = width
    layers[f"pool{len(DEEP_WIDTHS)}"] = nn.AvgPool2d(kernel_size=7)  # (N, 128, 1, 1)
    layers["flatten"] = nn.Flatten()  # (N, 128), the embedding
    layers["out"] = nn.Linear(channels, len(CLASS_NAMES))  # (N, 10), logits
    return layers


WEIGHTS_FILE: Final = "model.safetensors"  # the names that the Hub expects
CONFIG_FILE: Final = "config.json"

ARCHITECTURES: Final[dict[str, Callable[[], "OrderedDict[str, nn.Module]"]]] = {
    "original": original_layers,
    "deep": deep_layers,
}


@dataclass(frozen=True, eq=False)
class Trace:
    """All that a network does with N inputs."""

    maps: dict[str, Tensor]  # layer name -> its output, float32 (N, C, H, W) or (N, D), in order
    embedding: Tensor  # float32 (N, D), what enters the last layer
    logits: Tensor  # float32 (N, 10)


class Network(nn.Module, PyTorchModelHubMixin):
    """A network by the name of its architecture: a key of ``ARCHITECTURES``.

    ``Network.from_pretrained``, from the Hub's mixin, reads a folder or a Hub repository alike; ``checkpoint.load``
    does the same and says in a sentence what is wrong.

    Raises:
        ConfigError: there is no such architecture.
    """

    def __init__(self, architecture: str = "original") -> None:
        super().__init__()
        if architecture not in ARCHITECTURES:
            raise ConfigError(f"There is no network {architecture!r}; the networks are {', '.join(ARCHITECTURES)}.")
        self.architecture = architecture
        self.layers = nn.Sequential(ARCHITECTURES[architecture]())

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits (N, 10) for inputs (N, 1, 28, 28)."""
        logits: Tensor = self.layers(inputs)
        return logits

    def trace(self, inputs: Tensor) -> Trace:
        """The output of every layer for inputs (N, 1, 28, 28); its logits are those of ``forward``."""
        maps = {}
        entering = outputs = inputs
        for name, layer in self.layers.named_children():
            entering, outputs = outputs, layer(outputs)
            maps[name] = outputs
        return Trace(maps, embedding=entering, logits=outputs)

    @classmethod
    def _from_pretrained(cls, *, model_id: str, architecture: str = "original", **download: Any) -> "Network":
        # The mixin's own version would unpickle a Hub file when there is no safetensors file, lets names and shapes
        # differ, and prints to standard output.
        if Path(model_id).is_dir():
            file = Path(model_id) / WEIGHTS_FILE
        else:
            known = {"revision", "cache_dir", "force_download", "token", "local_files_only"}
            options: dict[str, Any] = {name: value for name, value in download.items() if name in known}
            file = Path(hf_hub_download(model_id, WEIGHTS_FILE, **options))
        network = cls(architecture)
        network.load_state_dict(load_file(file))
        return network.eval()

    @property
    def parameter_count(self) -> int:
        """How many numbers training adjusts."""
        return sum(parameter.numel() for parameter in self.parameters())


def to_inputs(pixels: Tensor) -> Tensor:
    """Inputs (N, 1, 28, 28) float32 from pixels (N, 28, 28) uint8: the one place where images are normalised."""
    return (pixels.unsqueeze(1).to(torch.float32) - 255 * MEAN) / (255 * STD)


def to_probabilities(logits: Tensor) -> Tensor:
    """Probabilities (N, 10), rows summing to 1, from logits (N, 10): the one place where softmax is applied."""
    return logits.float().softmax(dim=1)


def output_size(n: int, f: int, p: int = 0, s: int = 1) -> int:
    """Width (or height) that a convolution or pooling puts out: O = floor((n - f + 2p) / s) + 1.

    ``n``: width that goes in, ``f``: width of the filter, ``p``: padding on each side, ``s``: stride, all in pixels.
    Vincent Dumoulin, Francesco Visin: A guide to convolution arithmetic for deep learning, arXiv:1603.07285,
    relationship 6. A side that is not square has each of its two directions worked out by itself.

    Raises:
        ConfigError: a number is out of its range, or the filter is wider than the padded input.
    """
    for name, value, least in (("n", n, 1), ("f", f, 1), ("p", p, 0), ("s", s, 1)):
        if value < least:
            raise ConfigError(f"{name} is {value}, expected {least} or more.")
    if f > n + 2 * p:
        raise ConfigError(f"The filter is {f} wide, but the input with its padding only {n + 2 * p}.")
    return (n - f + 2 * p) // s + 1


@dataclass(frozen=True)
class LayerRow:
    """One row of the table of layers; ``f``, ``p`` and ``s`` are (height, width), or None without a filter."""

    name: str
    kind: str
    shape: tuple[int, ...]  # of one image's output: (C, H, W) or (D,)
    parameters: int
    f: tuple[int, int] | None = None
    p: tuple[int, int] | None = None
    s: tuple[int, int] | None = None


def layer_table(network: Network, height: int = IMAGE_SIZE, width: int = IMAGE_SIZE) -> Iterator[LayerRow]:
    """One row for each layer, sizes by ``output_size``, for inputs of ``height`` x ``width``; torch runs nothing.

    Raises:
        ConfigError: the input is too small for a filter, or a fully connected layer gets a number of values that it
            was not made for; the rows before that layer have been yielded.
    """
    shape: tuple[int, ...] = (1, height, width)
    for name, layer in network.layers.named_children():
        parameters = sum(parameter.numel() for parameter in layer.parameters())
        kind = type(layer).__name__
        if isinstance(layer, nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d):
            f, s, p = pair(layer.kernel_size), pair(layer.stride), pair(layer.padding)
            channels = layer.out_channels if isinstance(layer, nn.Conv2d) else shape[0]
            shape = (channels, output_size(shape[1], f[0], p[0], s[0]), output_size(shape[2], f[1], p[1], s[1]))
            yield LayerRow(name, kind, shape, parameters, f, p, s)
            continue
        if isinstance(layer, nn.Flatten):
            shape = (shape[0] * shape[1] * shape[2],)
        elif isinstance(layer, nn.Linear):
            if shape != (layer.in_features,):
                raise ConfigError(
                    f"{name} is made for {layer.in_features} values, but a {height}x{width} input brings it {shape[0]}."
                )
            shape = (layer.out_features,)
        yield LayerRow(name, kind, shape, parameters)


def pair(size: Any) -> tuple[int, int]:
    """A size that torch keeps as one number or as two, as (height, width)."""
    height, width = (size, size) if isinstance(size, int) else size
    return height, width
