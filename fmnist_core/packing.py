"""A network in one file, to be kept and to go on from: packed, and read again from what anybody may have sent.

Nothing is unpickled, executed, or written to a disk; of an archive, only the two files are read that are looked for.
"""

import io
import json
import re
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Final

from fmnist_core.checkpoint import from_contents, weights_of
from fmnist_core.custom_layers import LayerLimits
from fmnist_core.errors import CheckpointError
from fmnist_core.export import ONNX_FILE, SCRIPT, SCRIPT_FILE
from fmnist_core.file_kinds import SAFETENSORS, ZIP, file_kind
from fmnist_core.model import CONFIG_FILE, WEIGHTS_FILE, Network

MAX_MEMBERS: Final = 1000  # of an archive: all are listed before one is read
EXPECTED: Final = f"expected the zip archive of a download, or {CONFIG_FILE} and {WEIGHTS_FILE} together"
# Browsers number the copies of a file: "config (1).json".
_NAMES: Final = {
    CONFIG_FILE: re.compile(r"config[ ()\d]*\.json"),
    WEIGHTS_FILE: re.compile(r"model[ ()\d]*\.safetensors"),
}


def pack(network: Network, onnx: bytes | None = None) -> bytes:
    """A zip archive with the folder that ``checkpoint.load`` reads; in it, too, the network as ONNX with the script."""
    files = {
        CONFIG_FILE: (json.dumps(network.config, indent=2, ensure_ascii=False) + "\n").encode(),
        WEIGHTS_FILE: weights_of(network),
    }
    if onnx is not None:
        files |= {ONNX_FILE: onnx, SCRIPT_FILE: SCRIPT.encode()}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, contents in files.items():
            archive.writestr(f"network/{name}", contents)
    return packed.getvalue()


def unpack(files: Mapping[str, bytes], most: int, limits: LayerLimits | None = None) -> Network:
    """The network in files that somebody sent: an archive as ``pack`` makes it, or config and weights.

    Args:
        files: the contents of each by its name, which names it in errors.
        most: bytes that a file in an archive may have.
        limits: how large a custom network may be.

    Raises:
        CheckpointError: there is none, or it cannot be read; the sentence says why.
    """
    if len(files) == 1:
        name, contents = next(iter(files.items()))
        kind = file_kind(contents)
        if kind == ZIP:
            files = _unzipped(name, contents, most)
        elif kind not in (None, SAFETENSORS):
            raise CheckpointError(f"{name} is {kind}, {EXPECTED}.")
    found = {}
    for name, pattern in _NAMES.items():
        named = [contents for file, contents in files.items() if pattern.fullmatch(PurePosixPath(file).name)]
        if len(named) != 1:
            raise CheckpointError(f"There is {'more than one' if named else 'no'} {name} among the files, {EXPECTED}.")
        found[name] = named[0]
    return from_contents(found[CONFIG_FILE], found[WEIGHTS_FILE], limits)


def _unzipped(name: str, contents: bytes, most: int) -> dict[str, bytes]:
    """The files in an archive that ``unpack`` looks for."""
    if contents.count(b"PK\x01\x02") > MAX_MEMBERS:  # each has such a mark; listing them would take memory
        raise CheckpointError(f"{name} holds more than {MAX_MEMBERS:,} files, {EXPECTED}.")
    found = {}
    try:
        with zipfile.ZipFile(io.BytesIO(contents)) as archive:
            for member in archive.infolist():
                file = PurePosixPath(member.filename).name
                if not any(pattern.fullmatch(file) for pattern in _NAMES.values()):
                    continue
                if member.file_size > most:
                    raise CheckpointError(f"{file} in {name} is larger than {most // 2**20} MB.")
                if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or member.flag_bits & 1:
                    raise CheckpointError(f"{file} in {name} is encrypted, or packed in a way that is not read here.")
                with archive.open(member) as opened:
                    found[member.filename] = opened.read(member.file_size)  # however much it would unpack to
    # Of a damaged archive, zipfile raises any of these.
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError, OSError) as error:
        raise CheckpointError(f"{name} is a damaged zip archive: it cannot be unpacked.") from error
    return found
