"""The test images that are not shipped, for those who want to see all 10,000: the same for all visitors."""

import threading
from pathlib import Path
from typing import Final

import torch

from demo import payloads
from fmnist_core import dataset
from fmnist_core.dataset import Split
from fmnist_core.errors import DatasetError

PART: Final = 1000  # images that a network looks at for one request: a second or two of work
SHEET: Final = "others.png"


class Others:
    """The other 8,000 test images, in the order of their numbers; read when they are first asked for.

    The page counts on after the samples: with 2,000 of them the first of the others has the index 2,000.
    """

    def __init__(self, samples: Split, where: str | Path | None, static: Path) -> None:
        self.sheet = static / SHEET  # the picture with all of them, once ``images`` has been asked
        self._samples, self._where = samples, where
        self._images: Split | None = None
        self._reading = threading.Lock()

    @property
    def count(self) -> int:
        """How many there are: 0 as long as the data set is not on this machine."""
        if self._images is not None:
            return len(self._images)
        here = dataset.is_published(dataset.find(self._where))
        return dataset.IDX_FILES["test", "pixels"].count - len(self._samples) if here else 0

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
        ours = whole.take(is_shipped.nonzero()[:, 0])
        order = samples.numbers.argsort()
        if len(ours) != len(samples) or not torch.equal(ours.pixels, samples.pixels[order]):
            raise DatasetError("The test images on this server are not those that the samples were taken from.")
        others = whole.take((~is_shipped).nonzero()[:, 0])
        payloads.sheet(others).save(self.sheet)
        return others
