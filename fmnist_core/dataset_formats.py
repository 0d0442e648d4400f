"""The two file formats of the data set, IDX and CSV, in and out."""

import gzip
import math
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fmnist_core import CLASS_NAMES, IMAGE_SIZE
from fmnist_core.errors import DatasetError
from fmnist_core.file_kinds import IDX, file_kind, kind_of
from fmnist_core.storage import write_whole

UInt8Array = NDArray[np.uint8]

IDX_UNSIGNED_BYTE = 0x08
GZIP_MAGIC = b"\x1f\x8b"

CSV_COLUMNS = ("label", *(f"pixel{x}" for x in range(1, IMAGE_SIZE**2 + 1)))
CSV_TEXTS = tuple(str(value) for value in range(256))
CSV_VALUES = {text: value for value, text in enumerate(CSV_TEXTS)}


def read_bytes(path: Path) -> bytes:
    """Contents of a file, unpacked when it is gzip (told by its first bytes, not by its name)."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise DatasetError(f"{path.name} cannot be read: {error.strerror or error}.") from error
    if not raw.startswith(GZIP_MAGIC):
        return raw
    try:
        return gzip.decompress(raw)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DatasetError(
            f"{path.name} is truncated or damaged: its gzip contents end early; expected a whole file."
        ) from error


def parse_idx(contents: bytes, name: str, dimensions: int) -> UInt8Array:
    """The array in an IDX file, the format of http://yann.lecun.com/exdb/mnist: magic number, sizes, bytes.

    The magic number is two zero bytes, the type (8: unsigned byte) and the number of dimensions; then one
    big-endian 32-bit size for each dimension.

    Raises:
        DatasetError: the magic number, the sizes or the length are not those of ``dimensions`` dimensions.
    """
    start = 4 + 4 * dimensions
    kind = file_kind(contents)
    if kind not in (None, IDX):
        raise DatasetError(f"{name} is {kind}, expected an IDX file.")
    if len(contents) < start:
        raise DatasetError(f"{name} is truncated: it holds {len(contents)} bytes, its header alone has {start}.")
    expected = IDX_UNSIGNED_BYTE << 8 | dimensions
    found = int.from_bytes(contents[:4], "big")
    if found != expected:
        what = {1: " (labels)", 3: " (images)"}
        raise DatasetError(
            f"{name} has the magic number {found}{what.get(found - (IDX_UNSIGNED_BYTE << 8), '')}, "
            f"expected {expected}{what.get(dimensions, '')}."
        )
    sizes = tuple(int.from_bytes(contents[4 + 4 * d : 8 + 4 * d], "big") for d in range(dimensions))
    if len(contents) - start != math.prod(sizes):
        shape = "x".join(map(str, sizes))
        raise DatasetError(
            f"{name} holds {len(contents) - start:,} bytes after its header, expected {math.prod(sizes):,} ({shape})."
        )
    return np.frombuffer(contents, np.uint8, offset=start).reshape(sizes)


def format_idx(array: UInt8Array) -> bytes:
    """The contents of an IDX file that holds ``array``; ``parse_idx`` is its inverse."""
    header = (IDX_UNSIGNED_BYTE << 8 | array.ndim, *array.shape)
    return b"".join(number.to_bytes(4, "big") for number in header) + array.tobytes()


def read_csv(path: Path) -> tuple[UInt8Array, UInt8Array]:
    """Pixels (N, 28, 28) and labels (N,) from a CSV file as on Kaggle.

    A header and 785 columns: ``label``, then ``pixel1`` .. ``pixel784``; with x = i * 28 + j counted from 0,
    pixel x (column ``pixel{x + 1}``) stands in row i and column j of the image.

    Raises:
        DatasetError: naming line, column and value of the first thing that is wrong.
    """
    rows = []
    try:
        kind = kind_of(path)
        if kind is not None:
            raise DatasetError(f"{path.name} is {kind}, expected a CSV file.")
        # A byte that is no UTF-8 becomes a bad value, which is then reported with its line and column.
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            header = file.readline().rstrip("\r\n").split(",")
            _check_csv_header(path.name, header)
            for number, line in enumerate(file, start=2):
                fields = line.rstrip("\r\n").split(",")
                if fields != [""]:
                    rows.append(_parse_csv_row(path.name, number, fields))
    except OSError as error:
        raise DatasetError(f"{path.name} cannot be read: {error.strerror or error}.") from error
    if not rows:
        raise DatasetError(f"{path.name} has a header but no rows, expected at least one image.")
    table = np.frombuffer(b"".join(rows), np.uint8).reshape(len(rows), len(CSV_COLUMNS))
    return table[:, 1:].reshape(-1, IMAGE_SIZE, IMAGE_SIZE), table[:, 0]


def _check_csv_header(name: str, header: list[str]) -> None:
    if len(header) != len(CSV_COLUMNS):
        raise DatasetError(
            f"{name}, line 1: {len(header)} columns, expected {len(CSV_COLUMNS)} (label, pixel1 .. pixel784)."
        )
    for column, (found, expected) in enumerate(zip(header, CSV_COLUMNS, strict=True), start=1):
        if found.strip().strip('"') != expected:
            raise DatasetError(f"{name}, line 1, column {column}: {_short(found)}, expected the name {expected}.")


def _parse_csv_row(name: str, line: int, fields: list[str]) -> bytes:
    if len(fields) != len(CSV_COLUMNS):
        raise DatasetError(f"{name}, line {line}: {len(fields)} columns, expected {len(CSV_COLUMNS)}.")
    try:
        row = bytes(map(CSV_VALUES.__getitem__, fields))
    except KeyError:
        column = next(c for c, field in enumerate(fields) if field not in CSV_VALUES)
        expected = f"a class number 0..{len(CLASS_NAMES) - 1}" if column == 0 else "a whole number 0..255"
        raise DatasetError(
            f"{name}, line {line}, column {column + 1} ({CSV_COLUMNS[column]}): "
            f"{_short(fields[column])}, expected {expected}."
        ) from None
    if row[0] >= len(CLASS_NAMES):
        raise DatasetError(
            f"{name}, line {line}, column 1 (label): {row[0]}, expected a class number 0..{len(CLASS_NAMES) - 1}."
        )
    return row


def _short(value: str) -> str:
    return repr(value if len(value) <= 20 else value[:20] + "…")


def write_csv(path: Path, pixels: UInt8Array, labels: UInt8Array) -> None:
    """Write pixels (N, 28, 28) and labels (N,) in the format that ``read_csv`` reads."""
    table = np.column_stack([labels.astype(np.uint8), pixels.reshape(len(pixels), -1)])
    with write_whole(path) as file:
        file.write((",".join(CSV_COLUMNS) + "\n").encode())
        for row in table:
            file.write((",".join([CSV_TEXTS[value] for value in row.tolist()]) + "\n").encode())
