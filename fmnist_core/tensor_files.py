"""Reading safetensors files that anybody may have made: what their header claims is checked first."""

import os
import struct
from pathlib import Path
from typing import Final

from safetensors import SafetensorError, safe_open
from safetensors.torch import load as from_safetensors
from torch import Tensor

MAX_HEADER: Final = 2**20  # bytes that say what tensors there are; those of our networks have a few thousand
MAX_BYTES: Final = 256 * 2**20  # of a file: a training that can go on has about three times the network's weights
MAX_QUOTED: Final = 60  # characters of what a file calls something


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """All tensors in a file by their names, and its metadata.

    Raises:
        OSError: it cannot be read.
        SafetensorError: it is truncated, damaged, of another kind, or larger than anything that belongs here.
    """
    check_header(path)
    with safe_open(path, framework="pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118


def parse_tensors(contents: bytes) -> dict[str, Tensor]:
    """All tensors in the contents of a file; raises as ``read_tensors``."""
    _check_sizes(contents[:8], len(contents))
    try:
        return from_safetensors(contents)
    except ValueError as error:  # a header that lies
        raise SafetensorError(str(error)) from error


def read_metadata(path: Path) -> dict[str, str]:
    """The metadata of a file alone; raises as ``read_tensors``."""
    check_header(path)
    with safe_open(path, framework="pt") as file:
        return file.metadata() or {}


def check_header(path: Path) -> None:
    """Raise ``SafetensorError`` when a file, or its header, is too large to be looked into."""
    with path.open("rb") as file:
        _check_sizes(file.read(8), os.fstat(file.fileno()).st_size)


def _check_sizes(beginning: bytes, size: int) -> None:
    length = struct.unpack("<Q", beginning.ljust(8, b"\0"))[0]
    if length > MAX_HEADER:
        raise SafetensorError(f"its header is said to have {length:,} bytes, expected at most {MAX_HEADER:,}")
    if size > MAX_BYTES:
        raise SafetensorError(f"it has {size // 2**20} MB, expected at most {MAX_BYTES // 2**20}")


def quoted(name: object) -> str:
    """What a file calls something, cut to what a sentence can hold."""
    text = str(name)[: MAX_QUOTED + 1]
    return text if len(text) <= MAX_QUOTED else f"{text[:MAX_QUOTED]}…"
