"""The two file formats of the data set, IDX and CSV, in and out."""

import codecs
import gzip
import io
import math
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from fmnist_core import CLASS_NAMES, IMAGE_SIZE
from fmnist_core.errors import DatasetError
from fmnist_core.file_kinds import GZIP, HEAD, IDX, ZIP, file_kind, kind_of
from fmnist_core.storage import write_whole

UInt8Array = NDArray[np.uint8]

IDX_UNSIGNED_BYTE = 0x08
GZIP_MAGIC = b"\x1f\x8b"

MAX_IDX_BYTES: Final = 64 * 2**20  # of one file, unpacked; the largest published one holds 45

MAX_CSV_IMAGES: Final = 140_000  # of one file: twice the whole data set
MAX_LINE: Final = 32_768  # characters; numpy.savetxt writes 25 for each value
CSV_DELIMITERS: Final = ",;\t"
CSV_COLUMNS = ("label", *(f"pixel{x}" for x in range(1, IMAGE_SIZE**2 + 1)))
CSV_TEXTS = tuple(str(value) for value in range(256))
CSV_VALUES = {text: value for value, text in enumerate(CSV_TEXTS)}
CSV_NUMBER: Final = re.compile(r"[0-9]+(\.[0-9]*)?(e[+-]?[0-9]{1,2})?", re.IGNORECASE)  # as programs write 0..255


def read_bytes(path: Path) -> bytes:
    """Contents of a file, unpacked when it is gzip (told by its first bytes, not by its name).

    Raises:
        DatasetError: it cannot be read, is damaged, or holds more than ``MAX_IDX_BYTES``.
    """
    try:
        with path.open("rb") as raw:
            is_packed = raw.read(len(GZIP_MAGIC)) == GZIP_MAGIC
            raw.seek(0)
            contents = (gzip.GzipFile(fileobj=raw) if is_packed else raw).read(MAX_IDX_BYTES + 1)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DatasetError(
            f"{path.name} is truncated or damaged: its gzip contents end early; expected a whole file."
        ) from error
    except OSError as error:
        raise DatasetError(f"{path.name} cannot be read: {error.strerror or error}.") from error
    if len(contents) > MAX_IDX_BYTES:
        raise DatasetError(f"{path.name} holds more than {MAX_IDX_BYTES // 2**20} MB, expected one of the four files.")
    if is_packed and contents.startswith(GZIP_MAGIC):
        raise DatasetError(f"{path.name} is packed twice, a gzip file in a gzip file: unpack it once.")
    return contents


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


def read_csv(path: Path, member: str | None = None) -> tuple[UInt8Array, UInt8Array]:
    """Pixels (N, 28, 28) and labels (N,) from a CSV file as on Kaggle, which may be packed with gzip or zip.

    A header and 785 columns: ``label``, then ``pixel1`` .. ``pixel784``; with x = i * 28 + j counted from 0,
    pixel x (column ``pixel{x + 1}``) stands in row i and column j of the image. Columns may be separated by semicolons
    or tabs, too, values quoted or written as 0.0. ``member`` names the file in a zip archive that holds several.

    Raises:
        DatasetError: naming line, column and value of the first thing that is wrong.
    """
    name = member or path.name
    table = bytearray()
    try:
        with _opened_csv(path, member) as file:
            first = file.readline(MAX_LINE)
            delimiter = max(CSV_DELIMITERS, key=first.count)
            _check_csv_header(name, first.rstrip("\r\n").split(delimiter))
            for number, line in enumerate(iter(lambda: file.readline(MAX_LINE), ""), start=2):
                if number > MAX_CSV_IMAGES + 1:
                    raise DatasetError(
                        f"{name} has more than {MAX_CSV_IMAGES:,} lines, which is more than is read here."
                    )
                if len(line) == MAX_LINE:
                    raise DatasetError(f"{name}, line {number}: over {MAX_LINE:,} characters, expected 785 numbers.")
                if line.strip():
                    table += _parse_csv_row(name, number, line.rstrip("\r\n").split(delimiter))
    except (EOFError, gzip.BadGzipFile, zlib.error, zipfile.BadZipFile) as error:
        raise DatasetError(f"{path.name} is truncated or damaged: it cannot be unpacked.") from error
    except RuntimeError as error:  # a password, or a method that is not known
        raise DatasetError(f"{path.name} cannot be unpacked here: unpack it and name the CSV file.") from error
    except OSError as error:
        raise DatasetError(f"{path.name} cannot be read: {error.strerror or error}.") from error
    if not table:
        raise DatasetError(f"{name} has a header but no rows, expected at least one image.")
    rows = np.frombuffer(table, np.uint8).reshape(-1, len(CSV_COLUMNS))
    return rows[:, 1:].reshape(-1, IMAGE_SIZE, IMAGE_SIZE), rows[:, 0].copy()  # both copies


def zipped_csv_files(path: Path) -> list[str]:
    """The CSV files in a zip archive; none when it is no such archive."""
    try:
        if kind_of(path) != ZIP:
            return []
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.lower().endswith(".csv")]
    except (OSError, zipfile.BadZipFile):  # which reading it says in a sentence
        return []
    return [name for name in names if not name.startswith("__MACOSX/")]


@contextmanager
def _opened_csv(path: Path, member: str | None) -> Iterator[io.TextIOWrapper]:
    """The text of a CSV file, unpacked while it is read."""
    kind, packed = kind_of(path), ""
    if kind == ZIP and member is None:
        members = zipped_csv_files(path)
        if len(members) != 1:
            found = ", ".join(map(_short, members[:3])) or "none"
            raise DatasetError(f"{path.name} is a zip archive of which one CSV file was expected, found {found}.")
        member = members[0]
    with path.open("rb") as raw:
        file: BinaryIO = raw
        if member is not None:
            archive = zipfile.ZipFile(raw)
            file, packed = archive.open(member), " in a zip archive"  # type: ignore[assignment]
        elif kind == GZIP:
            file, packed = gzip.GzipFile(fileobj=raw), " packed with gzip"  # type: ignore[assignment]
        buffered = io.BufferedReader(file, HEAD)  # type: ignore[type-var]
        kind = file_kind(buffered.peek(HEAD))
        if kind is not None:
            raise DatasetError(f"{path.name} is {kind}{packed}, expected a CSV file.")
        is_wide = buffered.peek(2)[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)  # as Excel's "Unicode text"
        # A byte that is no UTF-8 becomes a bad value, which is then reported with its line and column.
        encoding = "utf-16" if is_wide else "utf-8-sig"
        yield io.TextIOWrapper(buffered, encoding, errors="replace", newline="")


def _check_csv_header(name: str, header: list[str]) -> None:
    if len(header) != len(CSV_COLUMNS):
        raise DatasetError(
            f"{name}, line 1: {len(header)} columns, expected {len(CSV_COLUMNS)} (label, pixel1 .. pixel784)."
        )
    for column, (found, expected) in enumerate(zip(header, CSV_COLUMNS, strict=True), start=1):
        if _unquoted(found) != expected:
            raise DatasetError(f"{name}, line 1, column {column}: {_short(found)}, expected the name {expected}.")


def _parse_csv_row(name: str, line: int, fields: list[str]) -> bytes:
    if len(fields) != len(CSV_COLUMNS):
        raise DatasetError(f"{name}, line {line}: {len(fields)} columns, expected {len(CSV_COLUMNS)}.")
    try:
        row = bytes(map(CSV_VALUES.__getitem__, fields))
    except KeyError:  # written otherwise, or wrong
        row = bytes(_csv_value(name, line, column, field) for column, field in enumerate(fields))
    if row[0] >= len(CLASS_NAMES):
        raise DatasetError(
            f"{name}, line {line}, column 1 (label): {row[0]}, expected a class number 0..{len(CLASS_NAMES) - 1}."
        )
    return row


def _csv_value(name: str, line: int, column: int, field: str) -> int:
    """A value that may be quoted, or have a decimal point; ``column`` is counted from 0."""
    text = _unquoted(field)
    value = float(text) if CSV_NUMBER.fullmatch(text) else -1.0
    if not 0 <= value <= 255 or value % 1:
        expected = f"a class number 0..{len(CLASS_NAMES) - 1}" if column == 0 else "a whole number 0..255"
        raise DatasetError(
            f"{name}, line {line}, column {column + 1} ({CSV_COLUMNS[column]}): {_short(field)}, expected {expected}."
        )
    return int(value)


def _unquoted(field: str) -> str:
    return field.strip(" \t").strip('"').strip(" \t")


def _short(value: str) -> str:
    return repr(value if len(value) <= 20 else value[:20] + "…")


def write_csv(path: Path, pixels: UInt8Array, labels: UInt8Array) -> None:
    """Write pixels (N, 28, 28) and labels (N,) in the format that ``read_csv`` reads."""
    table = np.column_stack([labels.astype(np.uint8), pixels.reshape(len(pixels), -1)])
    with write_whole(path) as file:
        file.write((",".join(CSV_COLUMNS) + "\n").encode())
        for row in table:
            file.write((",".join([CSV_TEXTS[value] for value in row.tolist()]) + "\n").encode())
