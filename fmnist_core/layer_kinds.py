"""The kinds of layer that a network of one's own can have: their numbers, and the arithmetic of each.

To add one is to add it here: the command line, the page's editor and the checks follow.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import ClassVar, Final

from torch import nn

from fmnist_core.errors import ConfigError
from fmnist_core.formula import output_size
from fmnist_core.settings import setting, setting_of

Shape = tuple[int, ...]  # of one image's values: (C, H, W) of maps, (D,) of a vector


@dataclass(frozen=True)
class Layer:
    """One layer as its row describes it.

    Raises:
        ConfigError: a number is out of its range.
    """

    label: ClassVar[str]  # what people call it
    name: ClassVar[str]  # what it is called in the network, before its number

    def __post_init__(self) -> None:
        for each in fields(self):
            setting_of(each).check(getattr(self, each.name))

    def shape(self, entering: Shape) -> Shape:
        """Shape of what it puts out.

        Raises:
            ConfigError: it cannot take what enters it.
        """
        return entering

    def parameters(self, entering: Shape) -> int:
        """How many trainable parameters it has."""
        return 0

    def operations(self, entering: Shape) -> int:
        """Multiply-adds by weights for one image."""
        return 0

    def build(self, entering: Shape) -> nn.Module:
        """The layer itself."""
        raise NotImplementedError


@dataclass(frozen=True)
class Convolution(Layer):
    """A convolution with a bias."""

    label, name = "convolution", "conv"
    channels: int = setting(16, "maps that it puts out", low=1, high=1024)
    kernel: int = setting(3, "height and width of its filter", low=1, high=32)
    stride: int = setting(1, "pixels from one place of the filter to the next", low=1, high=32)
    padding: int = setting(0, "zeros around what enters, on each side", high=16)

    def shape(self, entering: Shape) -> Shape:
        _, height, width = _maps(entering)
        sizes = (output_size(n, self.kernel, self.padding, self.stride) for n in (height, width))
        return self.channels, *sizes

    def parameters(self, entering: Shape) -> int:
        return self.channels * (entering[0] * self.kernel**2 + 1)

    def operations(self, entering: Shape) -> int:
        _, height, width = self.shape(entering)
        return height * width * self.channels * entering[0] * self.kernel**2

    def build(self, entering: Shape) -> nn.Module:
        return nn.Conv2d(entering[0], self.channels, self.kernel, self.stride, self.padding)


@dataclass(frozen=True)
class Pooling(Layer):
    """Of what lies under a window, one value."""

    kernel: int = setting(2, "height and width of its window", low=1, high=32)
    stride: int = setting(2, "pixels from one place of the window to the next", low=1, high=32)
    padding: int = setting(0, "places around what enters, on each side", high=16)
    name = "pool"

    def shape(self, entering: Shape) -> Shape:
        channels, height, width = _maps(entering)
        if 2 * self.padding > self.kernel:  # PyTorch's rule: no window lies in the padding alone
            half = self.kernel // 2
            raise ConfigError(f"The padding is {self.padding}, expected at most {half}: half of the kernel.")
        sizes = (output_size(n, self.kernel, self.padding, self.stride) for n in (height, width))
        return channels, *sizes


@dataclass(frozen=True)
class MaxPooling(Pooling):
    """The largest value under a window."""

    label = "max pooling"

    def build(self, entering: Shape) -> nn.Module:
        return nn.MaxPool2d(self.kernel, self.stride, self.padding)


@dataclass(frozen=True)
class AveragePooling(Pooling):
    """The average under a window, zeros of the padding included."""

    label = "average pooling"

    def build(self, entering: Shape) -> nn.Module:
        return nn.AvgPool2d(self.kernel, self.stride, self.padding)


@dataclass(frozen=True)
class BatchNormalisation(Layer):
    """Each map, or each value of a vector, brought to a common scale."""

    label, name = "batch normalisation", "norm"

    def parameters(self, entering: Shape) -> int:
        return 2 * entering[0]

    def build(self, entering: Shape) -> nn.Module:
        return nn.BatchNorm2d(entering[0]) if len(entering) == 3 else nn.BatchNorm1d(entering[0])


@dataclass(frozen=True)
class Dropout(Layer):
    """In training, values left out at random."""

    label, name = "dropout", "dropout"
    rate: float = setting(0.2, "fraction of the values that is left out in training", high=0.9)

    def build(self, entering: Shape) -> nn.Module:
        return nn.Dropout(self.rate)


@dataclass(frozen=True)
class FullyConnected(Layer):
    """Each value a weighted sum of all that enter, and a bias."""

    label, name = "fully connected", "fc"
    size: int = setting(64, "values that it puts out", low=1, high=4096)

    def shape(self, entering: Shape) -> Shape:
        return (self.size,)

    def parameters(self, entering: Shape) -> int:
        return self.size * (entering[0] + 1)

    def operations(self, entering: Shape) -> int:
        return self.size * entering[0]

    def build(self, entering: Shape) -> nn.Module:
        return nn.Linear(entering[0], self.size)


@dataclass(frozen=True)
class Flatten(Layer):
    """All values in one row; comes by itself."""

    label, name = "flatten", "flatten"

    def shape(self, entering: Shape) -> Shape:
        return (math.prod(entering),)

    def build(self, entering: Shape) -> nn.Module:
        return nn.Flatten()


class Activation(Layer):
    """A function of each value by itself."""

    function: ClassVar[type[nn.Module]]

    def build(self, entering: Shape) -> nn.Module:
        return self.function()


def _activation(name: str, label: str, function: type[nn.Module]) -> type[Layer]:
    return type(function.__name__, (Activation,), {"name": name, "label": label, "function": function})


LAYER_KINDS: Final[Mapping[str, type[Layer]]] = {
    "conv": Convolution,
    "max_pool": MaxPooling,
    "avg_pool": AveragePooling,
    "norm": BatchNormalisation,
    "dropout": Dropout,
    "fc": FullyConnected,
    "relu": _activation("relu", "ReLU", nn.ReLU),
    "leaky_relu": _activation("leaky_relu", "leaky ReLU", nn.LeakyReLU),
    "gelu": _activation("gelu", "GELU", nn.GELU),
    "tanh": _activation("tanh", "tanh", nn.Tanh),
    "sigmoid": _activation("sigmoid", "sigmoid", nn.Sigmoid),
}


def _maps(entering: Shape) -> Shape:
    if len(entering) != 3:
        raise ConfigError(
            f"It slides over maps, but after a fully connected layer there is only a row of {entering[0]:,} values."
        )
    return entering
