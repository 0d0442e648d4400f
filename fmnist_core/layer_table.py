"""The table of layers of a network: output sizes, the formula behind them, and receptive fields.

Sizes come from a forward pass (a large one without numbers, on PyTorch's meta device), receptive fields from one that
traces which rows and columns of the picture reach which place: so both are right for every layer that PyTorch can run,
blocks included.
"""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from fmnist_core import IMAGE_SIZE
from fmnist_core.errors import ConfigError
from fmnist_core.formula import output_size
from fmnist_core.model import Network

Pair = tuple[int, int]  # (height, width)


@dataclass(frozen=True)
class LayerRow:
    """One row of the table of layers.

    ``f``, ``p``, ``s`` and ``d`` are (height, width); they are None where ``output_size`` does not explain the shape.
    """

    name: str
    kind: str  # name of the layer's class
    shape: tuple[int, ...]  # of one image's output: (C, H, W) or (D,)
    parameters: int
    operations: int  # multiply-adds by weights for one image: of convolutions and fully connected layers
    f: Pair | None = None
    p: Pair | None = None
    s: Pair | None = None
    d: Pair | None = None


def layer_table(network: Network, height: int = IMAGE_SIZE, width: int = IMAGE_SIZE) -> Iterator[LayerRow]:
    """One row for each layer, for inputs of ``height`` x ``width``.

    Raises:
        ConfigError: a layer cannot take what the one before puts out; the rows before it have been yielded.
    """
    if height < 1 or width < 1:
        raise ConfigError(f"The input is {height}x{width}, expected at least 1x1.")
    # Of an image as small as the data set's, the numbers cost less than what PyTorch first imports for its meta device
    # (half a second).
    device = "cpu" if height * width <= IMAGE_SIZE**2 else "meta"
    outputs = torch.zeros(2, 1, height, width, device=device)
    for name, layer in network.layers.named_children():
        before = tuple(outputs.shape[1:])
        parameters = sum(parameter.numel() for parameter in layer.parameters())
        counted = copy.deepcopy(layer).to(device).eval()
        operations = _count_operations(counted)
        with torch.no_grad():
            try:
                outputs = counted(outputs)
            except (RuntimeError, ValueError) as error:
                raise ConfigError(_misfit(name, layer, before, height, width)) from error
        shape = tuple(outputs.shape[1:])
        if len(shape) not in (1, 3):
            raise ConfigError(f"{name} puts out {'x'.join(map(str, shape))}, expected maps (3 sizes) or a vector (1).")
        yield LayerRow(name, type(layer).__name__, shape, parameters, sum(operations), *_formula(layer, before, shape))


def _count_operations(layer: nn.Module) -> list[int]:
    """Grows by the multiply-adds for one image with each convolution and fully connected layer that ``layer`` calls."""
    counts: list[int] = []

    def count(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        assert isinstance(module, nn.Conv2d | nn.Linear)
        counts.append(output[0].numel() * module.weight[0].numel())  # each value put out is one sum over its weights

    for module in layer.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.register_forward_hook(count)
    return counts


def _misfit(name: str, layer: nn.Module, entering: tuple[int, ...], height: int, width: int) -> str:
    """Why ``layer`` cannot take what enters it."""
    if isinstance(layer, nn.Linear) and len(entering) == 1:
        return f"{name} takes {layer.in_features} values, but a {height}x{width} input gives it {entering[0]}."
    filter_ = _filter(layer)
    if filter_ is not None and len(entering) == 3:
        f, p, _, d = filter_
        for n, size, padding, dilation in zip(entering[1:], f, p, d, strict=True):
            reach = dilation * (size - 1) + 1
            if reach > n + 2 * padding:
                return f"{name}: the filter is {reach} wide, but the input with its padding only {n + 2 * padding}."
    return (
        f"{name} ({type(layer).__name__}) cannot take what the layer before puts out, {'x'.join(map(str, entering))}."
    )


def _formula(
    layer: nn.Module, entering: tuple[int, ...], shape: tuple[int, ...]
) -> tuple[Pair, Pair, Pair, Pair] | tuple[()]:
    """Filter, padding, stride and dilation, if the formula gives the shape with them."""
    filter_ = _filter(layer)
    if filter_ is None or len(entering) != 3 or len(shape) != 3:
        return ()
    sides = zip(entering[1:], *filter_, strict=True)
    try:
        return filter_ if tuple(output_size(*numbers) for numbers in sides) == shape[1:] else ()
    except ConfigError:
        return ()  # a window larger than the padded input, which ``ceil_mode`` allows


def _filter(layer: nn.Module) -> tuple[Pair, Pair, Pair, Pair] | None:
    """Filter, padding, stride and dilation of a convolution or pooling; None of other layers, and of uneven padding."""
    if isinstance(layer, nn.Conv2d):
        left, right, top, bottom = padding_of(layer)
        if left != right or top != bottom:
            return None
        return pair(layer.kernel_size), (top, left), pair(layer.stride), pair(layer.dilation)
    if isinstance(layer, nn.MaxPool2d):
        return pair(layer.kernel_size), pair(layer.padding), pair(layer.stride), pair(layer.dilation)
    if isinstance(layer, nn.AvgPool2d):
        return pair(layer.kernel_size), pair(layer.padding), pair(layer.stride), (1, 1)
    return None


def padding_of(layer: nn.Conv2d) -> tuple[int, int, int, int]:
    """Zeros on the left, on the right, above and below what enters a convolution."""
    if layer.padding == "valid":
        return 0, 0, 0, 0
    if layer.padding == "same":
        down, across = (d * (f - 1) for f, d in zip(layer.kernel_size, layer.dilation, strict=True))
        return across // 2, across - across // 2, down // 2, down - down // 2
    down, across = pair(layer.padding)
    return across, across, down, down


def pair(size: Any) -> Pair:
    """A size that PyTorch keeps as one number or as two, as (height, width)."""
    height, width = (size, size) if isinstance(size, int) else size
    return height, width


@dataclass(frozen=True, eq=False)
class ReceptiveFields:
    """Of each layer, which rows and columns of the picture each place depends on."""

    rows: dict[str, Tensor]  # layer name -> bool (28, H): does the place in row h depend on that row of the picture?
    columns: dict[str, Tensor]  # likewise (28, W)

    def of(self, layer: str, row: int, column: int) -> tuple[int, int, int, int]:
        """Left, top, right and bottom, in pixels, of the part of the picture that a place of ``layer`` depends on.

        Raises:
            ConfigError: there is no such layer or place.
        """
        if layer not in self.rows:
            raise ConfigError(f"There is no layer {layer!r}; the layers are {', '.join(self.rows)}.")
        rows, columns = self.rows[layer], self.columns[layer]
        if not (0 <= row < rows.shape[1] and 0 <= column < columns.shape[1]):
            raise ConfigError(f"There is no place {row}, {column} in {layer}.")
        across, down = columns[:, column].nonzero()[:, 0], rows[:, row].nonzero()[:, 0]
        if not len(across) or not len(down):
            return 0, 0, 0, 0  # it lies in the padding and sees nothing
        return int(across[0]), int(down[0]), int(across[-1]) + 1, int(down[-1]) + 1


def receptive_fields(network: Network) -> ReceptiveFields:
    """The receptive fields of every layer; from a vector on, they are the whole picture.

    A picture in which one row is NaN has NaN at just the places that depend on this row, for NaN spreads through sums,
    maxima and everything else. In float64, where PyTorch takes no short cut (Winograd) that would mix neighbours.
    """
    probe = copy.deepcopy(network).cpu().double().eval()
    fields: list[dict[str, Tensor]] = []
    for dim in (2, 3):
        inputs = torch.zeros(IMAGE_SIZE, 1, IMAGE_SIZE, IMAGE_SIZE, dtype=torch.float64)
        for place in range(IMAGE_SIZE):
            inputs.select(dim, place)[place] = torch.nan
        with torch.inference_mode():
            maps = probe.trace(inputs).maps
        fields.append({name: _reached(values, dim) for name, values in maps.items()})
    return ReceptiveFields(*fields)


def _reached(values: Tensor, dim: int) -> Tensor:
    """Bool (28, places along ``dim``): where values (28, C, H, W) or (28, D) are NaN in any channel."""
    if values.dim() == 2:
        return values.isnan().any(1, keepdim=True)
    return values.isnan().any(1).any(2 if dim == 2 else 1)
