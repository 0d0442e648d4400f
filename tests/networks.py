"""Networks unlike the shipped ones: what holds for them holds for whatever is added to ``ARCHITECTURES``.

They are added and taken away again as one would add one: ``register(monkeypatch)``, in a fixture of each file of tests.
"""

from collections import OrderedDict

import torch
from torch import nn
from torch.nn import functional as F

from fmnist_core import architectures
from fmnist_core.architectures import ARCHITECTURES, Architecture
from fmnist_core.model import Network


class Residual(nn.Module):
    """Two convolutions with a skip connection beside them, which halve the size: one layer."""

    def __init__(self, before, after):
        super().__init__()
        self.path = nn.Sequential(
            nn.Conv2d(before, after, kernel_size=3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(),
            nn.Conv2d(after, after, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(after),
        )
        self.skip = nn.Conv2d(before, after, kernel_size=1, stride=2)

    def forward(self, maps):
        return F.relu(self.path(maps) + self.skip(maps))


def residual_layers(classes):
    return OrderedDict(
        conv1=nn.Conv2d(1, 4, kernel_size=3, padding=1),  # (N, 4, 28, 28)
        relu1=nn.ReLU(),
        block1=Residual(4, 6),  # (N, 6, 14, 14)
        block2=Residual(6, 8),  # (N, 8, 7, 7)
        pool1=nn.AdaptiveAvgPool2d(1),  # (N, 8, 1, 1)
        flatten=nn.Flatten(),
        out=nn.Linear(8, classes),
    )


def dilated_layers(classes):
    """Dilation, "same" padding, sizes rounded up, and sizes that are given."""
    return OrderedDict(
        conv1=nn.Conv2d(1, 4, kernel_size=(3, 5), padding="same", dilation=(2, 1)),  # (N, 4, 28, 28)
        relu1=nn.ReLU(),
        pool1=nn.MaxPool2d(kernel_size=3, stride=2, ceil_mode=True),  # (N, 4, 14, 14), the last window cut off
        norm1=nn.BatchNorm2d(4),
        conv2=nn.Conv2d(4, 8, kernel_size=3, stride=2, dilation=2),  # (N, 8, 5, 5)
        relu2=nn.ReLU(),
        pool2=nn.AdaptiveAvgPool2d(2),  # (N, 8, 2, 2), of windows that overlap
        flatten=nn.Flatten(),
        out=nn.Linear(32, classes),
    )


def dropout_layers(classes):
    """Dropout of whole maps and of single values."""
    return OrderedDict(
        conv1=nn.Conv2d(1, 4, kernel_size=5, stride=2, padding=(1, 0)),  # (N, 4, 13, 12)
        relu1=nn.ReLU(),
        dropout1=nn.Dropout2d(0.1),
        pool1=nn.AvgPool2d(kernel_size=3, stride=2, ceil_mode=True),  # (N, 4, 6, 6), the width rounded up
        flatten=nn.Flatten(),
        fc1=nn.Linear(144, 40),
        relu2=nn.ReLU(),
        dropout2=nn.Dropout(0.2),
        out=nn.Linear(40, classes),
    )


ADDED = {"residual": residual_layers, "dilated": dilated_layers, "dropout": dropout_layers}
EVERY = [*ARCHITECTURES, *ADDED]


def register(monkeypatch, **builds):
    """Add networks to the registry for one test: those of ``ADDED``, or others by what builds them."""
    for name, build in (builds or ADDED).items():
        recipe = {"learning_rate": 0.02}
        monkeypatch.setitem(ARCHITECTURES, name, Architecture(build, recipe, description="for tests"))


def narrow(monkeypatch):
    """Give the deep network fewer channels for one test: the same layers, in less time."""
    monkeypatch.setattr(architectures, "DEEP_WIDTHS", ((8, 8, 8), (8, 8, 8), (8, 8, 8)))


def new(architecture="original", seed=0, **options):
    """A network with random weights, ready to answer."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Network(architecture, **options).eval()
