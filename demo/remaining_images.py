"""The test images that are not shipped, for those who want to see all 10,000: the same for all visitors."""

import threading
from pathlib import Path
from typing import Final

import torch

from demo import payloads
from fmnist_core import dataset
from fmnist_core.dataset import TEST_IMAGES, Split
from fmnist_core.errors import DatasetError

CHUNK: Final = 1000  # images that a network looks at for one request: a second or two of work
SHEET: Final = "remaining.png"


class RemainingImages:
    """The 8,000 test images besides the samples, in the order of their numbers; read when they are first asked for.

    The page numbers them on from the samples: with 2,000 of those, the first of these has the index 2,000.
    """

    def __init__(self, samples: Split, where: str | Path | None, static: Path) -> None:
        self.sheet = static / SHEET  # the picture with all of them, once ``images`` has been asked for
        self._samples, self._where = samples, where
        self._images: Split | None = None
        self._reading = threading.Lock()

    @property
    def count(self) -> int:
        """How many there are: 0 as long as the data set is not on this machine."""
        if self._images is not None:
            return len(self._images)
        is_here = dataset.is_published(dataset.find(self._where))
        return TEST_IMAGES - len(self._samples) if is_here else 0

    def images(self) -> Split:
        """All of them.

        Raises:
            DatasetError: the data set is not here, or not the one that the samples were taken from.
        """
        with self._reading:
            if self._images is None:
                self._images = self._read()
            return self._images

    def _read(self) -> Split:
        folder = dataset.find(self._where)
        if folder is None or not dataset.is_published(folder):
            raise DatasetError("Only the test images that are shipped with the program are on this server.")
        whole, samples = dataset.load_test(folder), self._samples
        is_shipped = torch.isin(whole.numbers, samples.numbers)
        shipped = whole.take(is_shipped.nonzero()[:, 0])
        order = samples.numbers.argsort()
        if len(shipped) != len(samples) or not torch.equal(shipped.pixels, samples.pixels[order]):
            raise DatasetError("The test images on this server are not those that the samples were taken from.")
        remaining = whole.take((~is_shipped).nonzero()[:, 0])
        payloads.sheet(remaining).save(self.sheet)
        return remaining
