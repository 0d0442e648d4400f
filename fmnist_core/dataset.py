"""Fashion-MNIST as tensors: find, verify and download it, draw batches, and show it as one picture (its sprite).

Han Xiao, Kashif Rasul, Roland Vollgraf: Fashion-MNIST, https://arxiv.org/abs/1708.07747. 60,000 training and 10,000
test images of Zalando's articles, MIT licence.
"""

import hashlib
import math
import os
import socket
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from http.client import HTTPException
from pathlib import Path
from typing import Final

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from fmnist_core import CLASS_NAMES, IMAGE_SIZE
from fmnist_core.dataset_formats import GZIP_MAGIC, UInt8Array, parse_idx, read_bytes, read_csv, zipped_csv_files
from fmnist_core.errors import DatasetError
from fmnist_core.file_kinds import ZIP, kind_of
from fmnist_core.storage import as_path, write_whole

SAMPLES_FILE: Final = Path(__file__).parent.parent / "weights" / "samples.npz"
SAMPLES: Final = "samples"  # the name that stands for the shipped samples wherever a folder can be given
DEBIAN_FOLDER: Final = Path("/usr/share/datasets/fashion-mnist")
DOWNLOAD_ROOT: Final = Path("data")
DOWNLOAD_TIMEOUT: Final = 20.0  # seconds without an answer

CSV_PAIRS: Final = (("fashion-mnist_train.csv", "fashion-mnist_test.csv"), ("train.csv", "test.csv"))
SPRITE_ROWS: Final = 3  # rows a class, as in the picture of the data set's own page
TRAINING_IMAGES: Final = 60_000  # of the published data set
TEST_IMAGES: Final = 10_000


@dataclass(frozen=True)
class IdxFile:
    """One of the four published files."""

    name: str
    count: int  # images or labels
    dimensions: int  # 3: images, 1: labels
    md5_published: str  # of the .gz as published
    md5_contents: str  # of what it unpacks to: the same however it was packed

    @property
    def size(self) -> int:
        """Bytes of what it unpacks to."""
        return 4 + 4 * self.dimensions + self.count * (IMAGE_SIZE**2 if self.dimensions == 3 else 1)


IDX_FILES: Final = {
    ("train", "pixels"): IdxFile(
        "train-images-idx3-ubyte",
        TRAINING_IMAGES,
        3,
        "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "f4a8712d7a061bf5bd6d2ca38dc4d50a",
    ),
    ("train", "labels"): IdxFile(
        "train-labels-idx1-ubyte",
        TRAINING_IMAGES,
        1,
        "25c81989df183df01b3e8a0aad5dffbe",
        "9018921c3c673c538a1fc5bad174d6f9",
    ),
    ("test", "pixels"): IdxFile(
        "t10k-images-idx3-ubyte", TEST_IMAGES, 3, "bef4ecab320f06d8554ea6380940ec79", "8181f5470baa50b63fa0f6fddb340f0a"
    ),
    ("test", "labels"): IdxFile(
        "t10k-labels-idx1-ubyte", TEST_IMAGES, 1, "bb300cfdad3c16e7a12a480ee83cd310", "15d484375f8d13e6eb1aabb0c3f46965"
    ),
}


@dataclass(frozen=True, eq=False)
class Split:
    """Images with their labels; ``numbers`` (N,) int64 are their places, from 0, in the file they come from."""

    pixels: Tensor  # uint8 (N, 28, 28)
    labels: Tensor  # int64 (N,)
    numbers: Tensor  # int64 (N,)

    @classmethod
    def of(cls, pixels: Tensor, labels: Tensor) -> "Split":
        """A whole file's images: numbered from 0."""
        return cls(pixels, labels, torch.arange(len(labels)))

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: Tensor | slice) -> "Split":
        """The images at ``indices`` (M,), in that order, or in a slice."""
        return Split(self.pixels[indices], self.labels[indices], self.numbers[indices])

    def to(self, device: torch.device) -> "Split":
        """The same images on ``device``."""
        return Split(self.pixels.to(device), self.labels.to(device), self.numbers.to(device))


@dataclass(frozen=True, eq=False)
class Dataset:
    """Training and test images, and one sentence about where they come from."""

    train: Split
    test: Split
    source: str


def load(where: str | Path | None = None, *, download: bool = False) -> Dataset:
    """The data set at the place that ``find`` names; with ``download`` from the network when it names none.

    Without either it is the shipped samples; ``source`` tells why a download failed.

    Raises:
        DatasetError: a place was named that does not hold the data set, or a file in it is not what it should be.
    """
    place = find(where)
    if place is not None:
        data = load_path(place)
        cut = None if _named(where) else _cut_download()
        return data if cut is None else replace(data, source=f"{data.source} ({cut})")
    if not download or _asks_for_samples(where):
        return load_samples()
    try:
        return load_path(download_files())
    except DatasetError as error:
        data = load_samples()
        return replace(data, source=f"{data.source} ({error})")


def find(where: str | Path | None = None) -> Path | None:
    """The folder (or CSV file) that holds the data set; None stands for the samples shipped with the weights.

    The first of these: the place given as ``where``; ``$FMNIST_DATA``; ``data/FashionMNIST/raw``, where torchvision
    puts it; Debian's package dataset-fashion-mnist. ``"samples"`` instead of a place asks for the shipped samples. Of
    the last two, one in which a file is cut off is passed over.

    Raises:
        DatasetError: a place was named that does not hold the data set.
    """
    if _asks_for_samples(where):
        return None
    named = _named(where)
    if named is not None:
        path = as_path(named)
        try:
            exists = path.exists()
        except OSError as error:
            raise DatasetError(f"{path} cannot be looked at: {error.strerror or error}.") from error
        if not exists:
            raise DatasetError(f"There is no folder or file {path}; expected one that holds Fashion-MNIST.")
        if path.is_dir() and not _csv_pair(path):
            # Also what torchvision is given as its root.
            inside = (path, path / "raw", path / "FashionMNIST" / "raw")
            path = next((folder for folder in inside if _idx_path(folder, IDX_FILES["train", "pixels"])), path)
            missing = [file.name for file in IDX_FILES.values() if _idx_path(path, file) is None]
            if missing:
                raise DatasetError(
                    f"The folder {path} does not hold {', '.join(missing)} (raw or .gz), nor train.csv and test.csv."
                )
        return path
    for folder in (DOWNLOAD_ROOT / "FashionMNIST" / "raw", DEBIAN_FOLDER):
        if all(_whole_path(folder, file) for file in IDX_FILES.values()):
            return folder
    return None


def _cut_download() -> str | None:
    """A sentence about a file in the folder of downloads that is cut off; None when there is none."""
    folder = DOWNLOAD_ROOT / "FashionMNIST" / "raw"
    for file in IDX_FILES.values():
        path = _idx_path(folder, file)
        if path is not None and _whole_path(folder, file) is None:
            return f"{path} is cut off or damaged and was passed over; `data download` fetches it again"
    return None


def is_published(place: Path | None) -> bool:
    """Whether that place, named by ``find``, is a folder with the four published files."""
    return place is not None and place.is_dir() and not _csv_pair(place)


def _named(where: str | Path | None) -> str | Path | None:
    return where or os.environ.get("FMNIST_DATA") or None


def _asks_for_samples(where: str | Path | None) -> bool:
    return str(_named(where)) == SAMPLES


def load_path(path: Path) -> Dataset:
    """The data set in a folder of IDX files or of two CSV files, or in one CSV file, a sixth of it for testing.

    These rows are drawn at random, always the same ones: a file may list its classes one after the other.
    """
    if path.is_file():
        zipped = _zipped_pair(path)
        if zipped:
            train, test_split = (_split(*read_csv(path, member)) for member in zipped)
            source = f"{len(train):,} training and {len(test_split):,} test images from the CSV files in {path.name}"
            return Dataset(train, test_split, source)
        whole = load_csv(path)
        order = torch.randperm(len(whole), generator=torch.Generator().manual_seed(0))
        test = order < math.ceil(len(whole) / 6)
        source = f"{len(whole):,} images from {path.name}, a sixth of them held out for testing"
        return Dataset(whole.take((~test).nonzero()[:, 0]), whole.take(test.nonzero()[:, 0]), source)
    pair = _csv_pair(path)
    if pair:
        train, test_split = (load_csv(file) for file in pair)
        source = f"{len(train):,} training and {len(test_split):,} test images from the CSV files in {path}"
        return Dataset(train, test_split, source)
    arrays = {key: read_published(path, file) for key, file in IDX_FILES.items()}
    return Dataset(
        _split(arrays["train", "pixels"], arrays["train", "labels"]),
        _split(arrays["test", "pixels"], arrays["test", "labels"]),
        f"all 70,000 images of Fashion-MNIST, from {path}",
    )


def load_csv(path: Path) -> Split:
    """All images of one CSV file.

    Raises:
        DatasetError: it is not in the format used on Kaggle; the sentence names the line.
    """
    return _split(*read_csv(path))


def load_test(folder: Path) -> Split:
    """The 10,000 test images alone, from a folder with the published files.

    Raises:
        DatasetError: as ``read_published``.
    """
    return _split(*(read_published(folder, IDX_FILES["test", what]) for what in ("pixels", "labels")))


def load_samples() -> Dataset:
    """The 10,000 training and 2,000 test images (as many of each class) that are shipped with the weights."""
    try:
        kind = kind_of(SAMPLES_FILE)
        if kind not in (None, ZIP):
            raise DatasetError(f"The file of the shipped samples, {SAMPLES_FILE.name}, is {kind}.")
        with np.load(SAMPLES_FILE, allow_pickle=False) as archive:
            train, test = (
                Split(
                    torch.from_numpy(archive[f"{part}_pixels"]),
                    torch.from_numpy(archive[f"{part}_labels"]).long(),
                    torch.from_numpy(archive[f"{part}_numbers"]).long(),
                )
                for part in ("train", "test")
            )
    except (OSError, ValueError, KeyError, EOFError, zlib.error, zipfile.BadZipFile) as error:
        raise DatasetError(f"The shipped samples in {SAMPLES_FILE.name} cannot be read: {error}.") from error
    return Dataset(train, test, f"{len(train):,} training and {len(test):,} test images shipped with the program")


def save_samples(data: Dataset, seed: int = 0) -> None:
    """Make the file of shipped samples out of the whole data set: 1,000 and 200 images of each class."""
    generator = torch.Generator().manual_seed(seed)
    arrays = {"notice": np.array((SAMPLES_FILE.parent / "LICENSE-Fashion-MNIST.txt").read_text())}
    for part, split, per_class in (("train", data.train, 1000), ("test", data.test, 200)):
        chosen = []
        for label in range(len(CLASS_NAMES)):
            members = (split.labels == label).nonzero()[:, 0]
            chosen.append(members[torch.randperm(len(members), generator=generator)[:per_class]])
        picked = split.take(torch.cat(chosen).sort().values)
        arrays |= {
            f"{part}_pixels": picked.pixels.numpy(),
            f"{part}_labels": picked.labels.numpy().astype(np.uint8),
            f"{part}_numbers": picked.numbers.numpy().astype(np.uint16),
        }
    with write_whole(SAMPLES_FILE) as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]


def read_published(folder: Path, file: IdxFile) -> UInt8Array:
    """The array in one of the four published files, raw or .gz, after making sure that it is that file.

    Raises:
        DatasetError: the file is missing, truncated, swapped, or its contents differ from the published ones.
    """
    path = _idx_path(folder, file)
    if path is None:
        raise DatasetError(f"{file.name} (raw or .gz) is missing in {folder}.")
    try:
        contents = read_bytes(path)
        array = parse_idx(contents, path.name, file.dimensions)
    except DatasetError as error:
        raise DatasetError(f"{str(error)[:-1]} ({path}; delete it, and `data download` fetches it).") from error
    if len(array) != file.count:
        what = "images" if file.dimensions == 3 else "labels"
        raise DatasetError(f"{path.name} holds {len(array):,} {what}, expected {file.count:,}.")
    # The sum of the published .gz holds for that one packing only, the sum of the contents for every packing;
    # a file with the published sum has these contents.
    found = hashlib.md5(contents, usedforsecurity=False).hexdigest()
    if found != file.md5_contents:
        raise DatasetError(
            f"{path.name} is not the published file: the MD5 sum of its contents is {found}, expected "
            f"{file.md5_contents} (the published .gz has {file.md5_published})."
        )
    return array


def download_files(root: Path = DOWNLOAD_ROOT) -> Path:
    """Download the four files with torchvision into ``root/FashionMNIST/raw`` and return that folder.

    Raises:
        DatasetError: the network does not answer, what came is not the data set, or it could not be stored.
    """
    from torchvision.datasets import FashionMNIST  # over a second to import, and not needed otherwise

    timeout = socket.getdefaulttimeout()
    socket.setdefaulttimeout(DOWNLOAD_TIMEOUT)  # torchvision sets none, and a silent network would hang us
    try:
        root.mkdir(parents=True, exist_ok=True)
        # Into a folder of its own first: a half-finished download must not be found as the data set.
        with tempfile.TemporaryDirectory(dir=root, prefix=".download-") as part:
            FashionMNIST(part, train=True, download=True)
            raw = Path(FashionMNIST.__name__) / "raw"
            (root / raw).mkdir(parents=True, exist_ok=True)
            for file in (Path(part) / raw).iterdir():
                file.replace(root / raw / file.name)
        return root / raw
    except (RuntimeError, OSError, HTTPException) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[-1]
        raise DatasetError(f"Fashion-MNIST could not be downloaded: {reason}") from error
    finally:
        socket.setdefaulttimeout(timeout)


def batches(split: Split, size: int, generator: torch.Generator | None = None) -> Iterator[Split]:
    """Every image of ``split`` once, ``size`` at a time, in order, or shuffled by a ``generator`` of the same device.

    The last batch is smaller when ``size`` does not divide the number of images.
    """
    count = len(split)
    if generator is None:
        order = torch.arange(count, device=split.labels.device)
    else:
        order = torch.randperm(count, generator=generator, device=split.labels.device)
    for start in range(0, count, size):
        yield split.take(order[start : start + size])


def sprite(split: Split, columns: int = 30) -> Image.Image:
    """One grey picture of the data set: ``SPRITE_ROWS`` rows of each class, classes from top to bottom.

    The size is (28 * columns, 28 * 30) pixels; places for which there is no image stay black.
    """
    rows = SPRITE_ROWS * len(CLASS_NAMES)
    sheet = torch.zeros(rows, columns, IMAGE_SIZE, IMAGE_SIZE, dtype=torch.uint8)
    for label in range(len(CLASS_NAMES)):
        block = sheet[SPRITE_ROWS * label : SPRITE_ROWS * (label + 1)].flatten(0, 1)  # (3 * columns, 28, 28), a view
        members = (split.labels == label).nonzero()[: len(block), 0]
        block[: len(members)] = split.pixels[members]
    return Image.fromarray(sheet.permute(0, 2, 1, 3).reshape(rows * IMAGE_SIZE, columns * IMAGE_SIZE).numpy())


def _idx_path(folder: Path, file: IdxFile) -> Path | None:
    """The file in a folder, one that is whole if there are several; None when there is none."""
    return _whole_path(folder, file) or next(iter(_idx_paths(folder, file)), None)


def _idx_paths(folder: Path, file: IdxFile) -> list[Path]:
    names = file.name, file.name.replace("-idx", ".idx")  # the second as some mirrors and unpackers write it
    paths = (folder / f"{name}{end}" for name in names for end in (".gz", ""))
    return [path for path in paths if _is_file(path)]


def _whole_path(folder: Path, file: IdxFile) -> Path | None:
    return next((path for path in _idx_paths(folder, file) if _unpacked_size(path) == file.size), None)


def _unpacked_size(path: Path) -> int | None:
    """Bytes that a file holds; of a gzip file, what its last four bytes say (RFC 1952); None when it cannot be read."""
    try:
        with path.open("rb") as opened:
            is_packed = opened.read(len(GZIP_MAGIC)) == GZIP_MAGIC
            size = opened.seek(0, os.SEEK_END)
            if not is_packed:
                return size
            opened.seek(max(0, size - 4))
            return int.from_bytes(opened.read(4), "little")
    except OSError:
        return None


def _csv_pair(folder: Path) -> tuple[Path, Path] | None:
    pairs = ((folder / train, folder / test) for train, test in CSV_PAIRS)
    return next((pair for pair in pairs if _is_file(pair[0]) and _is_file(pair[1])), None)


def _zipped_pair(path: Path) -> tuple[str, str] | None:
    """The CSV files for training and testing in a zip archive, as Kaggle packs them; None without both."""
    members = {Path(name).name: name for name in zipped_csv_files(path)}
    return next(((members[a], members[b]) for a, b in CSV_PAIRS if a in members and b in members), None)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # in a folder that may not be looked into
        return False


def _split(pixels: UInt8Array, labels: UInt8Array) -> Split:
    # A view of read-only bytes is copied.
    owned = pixels if pixels.flags.writeable else pixels.copy()
    return Split.of(torch.from_numpy(owned), torch.from_numpy(labels.astype(np.int64)))
