"""The networks that there are: how each is built, trained and described. To add one is to add it here.

A network is a list of named layers, each of which takes what the one before puts out; a block with connections of its
own is one layer. Everything that looks inside (trace, table of layers, explanations, page) walks that list.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from torch import nn

Layers = OrderedDict[str, nn.Module]


@dataclass(frozen=True)
class Architecture:
    """One kind of network."""

    build: Callable[[int], Layers]  # number of classes -> layers, from inputs (N, 1, 28, 28) to logits (N, classes)
    recipe: Mapping[str, Any]  # fields of ``TrainConfig`` that differ from its defaults
    description: str  # what a visitor of the page reads beside its name
    quick_fraction: float = 1.0  # of the 60,000 training images, with which five epochs on two cores take minutes


def original_layers(classes: int) -> Layers:
    """The network of the original project: two convolutions, three fully connected layers; 33,250 parameters."""
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
        out=nn.Linear(60, classes),  # (N, classes), logits
    )


# Channels of the convolutions at 28x28, 14x14 and 7x7.
DEEP_WIDTHS: Final = ((32, 32, 32), (64, 64, 64), (128, 128, 128))


def deep_layers(classes: int) -> Layers:
    """The default network: three stages of 3x3 convolutions, then global average pooling; 482,154 parameters.

    Pooling comes before normalisation, which leaves a quarter of its work.
    """
    layers: Layers = OrderedDict()
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
    layers["out"] = nn.Linear(channels, classes)  # (N, classes), logits
    return layers


# Augmentation, sample selection and erasing were chosen on held-out training images, never on the test images; the
# fractions of synthetic data by judgement.
ARCHITECTURES: Final[dict[str, Architecture]] = {
    "original": Architecture(
        build=original_layers,
        recipe={"epochs": 40, "label_smoothing": 0.05, "weight_decay": 0.05},
        description="small, learns in about a minute",
    ),
    "deep": Architecture(
        build=deep_layers,
        recipe={
            "epochs": 60,
            "label_smoothing": 0.05,
            "weight_decay": 0.1,
            "skipped_fraction": 0.5,
            "amp": True,
            "augmentations": {"flip": 0.5, "shift": 1, "erase": 0.5},
            "synthetic": {"drawings": 0.3, "cloth": 0.25, "doodles": 0.1},
        },
        description="right about drawings and photos too, learns in minutes",
        quick_fraction=0.1,
    ),
}
