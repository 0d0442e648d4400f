"""Layers of one's own: a plain list says which they are, and arithmetic checks them before anything is made.

Each row of the list is an object with the kind of the layer, a key of ``LAYER_KINDS``, and its numbers; what is left
out has its default::

    [{"layer": "conv", "channels": 16, "kernel": 3, "padding": 1}, {"layer": "relu"}, {"layer": "max_pool"}]

Flattening comes by itself before the first fully connected layer, and so does the last layer, to the classes.
"""

import json
import math
from collections import Counter, OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final

from torch import nn

from fmnist_core import CLASS_NAMES, IMAGE_SIZE
from fmnist_core.errors import ConfigError
from fmnist_core.layer_kinds import LAYER_KINDS, Flatten, FullyConnected, Layer, Shape
from fmnist_core.settings import setting_of

CUSTOM: Final = "custom"  # the name of their architecture
MAX_FILE: Final = 2**20  # bytes of a file with a list of layers


@dataclass(frozen=True)
class LayerLimits:
    """How large a network of one's own may be; more is refused before anything is made."""

    layers: int = 100
    parameters: int = 20_000_000
    operations: int = 2_000_000_000  # multiply-adds for an image
    values: int = 4_000_000  # that all layers put out for an image: a training keeps them all
    vector: int = 4096  # values of a vector: each is a channel for which the views look for images
    embedding: int = 2048  # values that enter the last layer: the map's axes take time by their third power


# The original network in rows: what a visitor starts from.
ORIGINAL_ROWS: Final[Sequence[Mapping[str, Any]]] = (
    {"layer": "conv", "channels": 6, "kernel": 5},
    {"layer": "relu"},
    {"layer": "max_pool"},
    {"layer": "norm"},
    {"layer": "conv", "channels": 12, "kernel": 5},
    {"layer": "relu"},
    {"layer": "max_pool"},
    {"layer": "fc", "size": 120},
    {"layer": "relu"},
    {"layer": "norm"},
    {"layer": "fc", "size": 60},
    {"layer": "relu"},
)


@dataclass(frozen=True)
class PlannedLayer:
    """A layer in its place, as arithmetic knows it before it is made."""

    name: str
    layer: Layer
    entering: Shape
    shape: Shape
    parameters: int
    operations: int  # multiply-adds by weights for one image
    row: int | None  # which row of the list describes it, from 1; None: it comes by itself


def plan(rows: Any, classes: int = len(CLASS_NAMES), limits: LayerLimits | None = None) -> Iterator[PlannedLayer]:
    """The layers that a list describes, each in its place, and those that come by themselves.

    Args:
        rows: the list as anybody may have written it.
        classes: how many values the last layer puts out.
        limits: how large the network may be.

    Raises:
        ConfigError: a row cannot be read, cannot be where it is, or makes the network too large; the sentence names the
            row, and the layers before it have been yielded.
    """
    limits = limits or LayerLimits()
    if not isinstance(rows, list | tuple):
        raise ConfigError("The layers are not a list of rows.")
    network = _Growing(limits)
    for row, described in enumerate(rows, start=1):
        with _said_of(f"Row {row}"):
            if row > limits.layers:
                raise ConfigError(f"There are {len(rows)} layers, expected at most {limits.layers}.")
            layer = read_row(described)
        with _said_of(f"Row {row} ({layer.label})"):
            added = network.add(layer, row)
        yield from added
    with _said_of("The last layer"):
        added = network.add(FullyConnected(classes), row=None)
        network.check_embedding(added[-1].entering[0])
    yield from added


def read_row(described: Any) -> Layer:
    """The layer that a row of the list describes.

    Raises:
        ConfigError: there is no such kind of layer, or it has no such number or range.
    """
    if not isinstance(described, Mapping) or "layer" not in described:
        raise ConfigError(f"It names no layer, expected one of {', '.join(LAYER_KINDS)}.")
    kind = described["layer"]
    if not isinstance(kind, str) or kind not in LAYER_KINDS:
        raise ConfigError(f"There is no layer {str(kind)[:40]!r}, expected one of {', '.join(LAYER_KINDS)}.")
    settings = {each.name: setting_of(each) for each in fields(LAYER_KINDS[kind])}
    numbers = {name: value for name, value in described.items() if name != "layer"}
    for name, value in numbers.items():
        if name not in settings:
            known = ", ".join(settings) or "none"
            raise ConfigError(f"{kind} has no number {str(name)[:40]!r}, expected {known}.")
        settings[name].check(value)
        numbers[name] = settings[name].type(value)
    return LAYER_KINDS[kind](**numbers)


def written(planned: Sequence[PlannedLayer]) -> list[dict[str, Any]]:
    """The list that describes these layers, with every number in it."""
    kinds = {layer: kind for kind, layer in LAYER_KINDS.items()}
    return [{"layer": kinds[type(each.layer)], **asdict(each.layer)} for each in planned if each.row is not None]


def build(planned: Sequence[PlannedLayer]) -> OrderedDict[str, nn.Module]:
    """The layers themselves, from inputs (N, 1, 28, 28) to logits (N, classes)."""
    return OrderedDict((each.name, each.layer.build(each.entering)) for each in planned)


def read_layers(file: Path) -> list[dict[str, Any]]:
    """The list of layers in a JSON file, checked and with every number in it.

    Raises:
        ConfigError: it cannot be read, or what it describes cannot be.
    """
    try:
        if file.stat().st_size > MAX_FILE:
            raise ConfigError(f"{file} is larger than {MAX_FILE // 2**20} MB: it is no list of layers.")
        rows = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"There is no file {file}.") from None
    except (OSError, ValueError, RecursionError) as error:  # ValueError: not UTF-8, not JSON, or a number too long
        raise ConfigError(f"{file} is no list of layers in JSON: {str(error).splitlines()[0].rstrip('.')}.") from error
    return written(list(plan(rows)))


class _Growing:
    """A network to which one layer after the other is added."""

    def __init__(self, limits: LayerLimits) -> None:
        self.limits = limits
        self.shape: Shape = (1, IMAGE_SIZE, IMAGE_SIZE)  # of what comes out so far
        self.parameters = self.operations = self.values = 0
        self.names: Counter[str] = Counter()

    def add(self, layer: Layer, row: int | None) -> list[PlannedLayer]:
        """The layer in its place, and flattening before it where it needs that; the last layer has no ``row``."""
        if isinstance(layer, FullyConnected) and len(self.shape) == 3:
            before = [self._add("flatten", Flatten(), None)]
        else:
            before = []
        self.names[layer.name] += 1
        name = "out" if row is None else f"{layer.name}{self.names[layer.name]}"
        return [*before, self._add(name, layer, row)]

    def _add(self, name: str, layer: Layer, row: int | None) -> PlannedLayer:
        entering, shape = self.shape, layer.shape(self.shape)
        if len(shape) == 1 and shape[0] > self.limits.vector:
            raise ConfigError(
                f"There would be {shape[0]:,} values in one row, expected at most {self.limits.vector:,}: pooling "
                "before it makes them fewer."
            )
        parameters, operations = layer.parameters(entering), layer.operations(entering)
        self.parameters += parameters
        self.operations += operations
        self.values += math.prod(shape)
        for what, count, most in (
            ("trainable parameters", self.parameters, self.limits.parameters),
            ("multiply-adds for each image", self.operations, self.limits.operations),
            ("values to keep for each image", self.values, self.limits.values),
        ):
            if count > most:
                raise ConfigError(f"With it the network has {count:,} {what}, expected at most {most:,}.")
        self.shape = shape
        return PlannedLayer(name, layer, entering, shape, parameters, operations, row)

    def check_embedding(self, size: int) -> None:
        """Raise ``ConfigError`` when a vector of that size enters the last layer, of which no map can be made."""
        if size > self.limits.embedding:
            raise ConfigError(
                f"{size:,} values enter it, expected at most {self.limits.embedding:,}: pooling or a fully connected "
                "layer before it makes them fewer."
            )
        if size < 2:
            raise ConfigError("Only 1 value enters it, expected at least 2: the map of the images has two axes.")


@contextmanager
def _said_of(what: str) -> Iterator[None]:
    """An error within says what it is about."""
    try:
        yield
    except ConfigError as error:
        sentence = str(error)
        raise ConfigError(f"{what}: {sentence[0].lower()}{sentence[1:]}") from None
