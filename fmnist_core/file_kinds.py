"""What a file is, told by its first bytes: so that every reader can say what it was given in place of its own kind."""

import re
from pathlib import Path
from typing import Final

HEAD: Final = 512  # bytes that suffice

LFS_POINTER: Final = "a Git LFS pointer, which stands for a file that was not fetched (git lfs pull fetches it)"
GZIP: Final = "a gzip file"
ZIP: Final = "a zip archive"
SVG: Final = "an SVG drawing"
HEIC: Final = "a HEIC photo"
IDX: Final = "an IDX file"
SAFETENSORS: Final = "a safetensors file"

_SIGNATURES: Final = (
    (b"\x1f\x8b", GZIP),
    (b"PK\x03\x04", ZIP),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"BZh", "a bzip2 file"),
    (b"\xfd7zXZ\0", "an xz file"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"%PDF-", "a PDF document"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (b"PAR1", "a Parquet file"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"version https://git-lfs.github.com/spec/", LFS_POINTER),
    (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"BM", "a BMP picture"),
    (b"II*\0", "a TIFF picture"),
    (b"MM\0*", "a TIFF picture"),
)
# ISO/IEC 14496-12 files name their kind at byte 8.
_BRANDS: Final = (
    (re.compile(b"hei[cfxms]|hev[cx]|mif1|msf1"), HEIC),
    (re.compile(b"avi[fs]"), "an AVIF picture"),
    (re.compile(b"qt  |isom|iso[0-9]|mp4[0-9]|M4V |avc1|3gp"), "a video"),
)
_PICKLE: Final = re.compile(rb"\x80[\x02-\x05].*?[cq}\](\x8c\x95]", re.DOTALL)
_IDX_TYPES: Final = b"\x08\x09\x0b\x0c\x0d\x0e"


def file_kind(contents: bytes) -> str | None:
    """What a file with these contents (the first ``HEAD`` bytes suffice) is, with its article; None when unknown."""
    head = contents[:HEAD]
    for signature, kind in _SIGNATURES:
        if head.startswith(signature):
            return kind
    if head[4:8] == b"ftyp":
        return next((kind for brand, kind in _BRANDS if brand.match(head, 8)), None)
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "a WebP picture"
    if head[:2] == b"\0\0" and head[2:3] and head[2] in _IDX_TYPES and 1 <= head[3:4].ljust(1, b"\0")[0] <= 4:
        return IDX
    if head[8:10] == b'{"' and head[5:8] == b"\0\0\0":
        return SAFETENSORS
    if head[:1] == b"\x80" and _PICKLE.match(head):
        return "a Python pickle, which is never loaded here"
    return _markup(head)


def kind_of(path: Path) -> str | None:
    """What the file at ``path`` is; see ``file_kind``.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return file_kind(file.read(HEAD))


def _markup(head: bytes) -> str | None:
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if not text.startswith(b"<"):
        return None
    if re.search(rb"<svg[\s/>]", text):
        return SVG
    if re.search(rb"<(!doctype\s+html|html|head|body)[\s>]", text):
        return "an HTML page"
    return "an XML file" if text.startswith((b"<?xml", b"<!doctype", b"<error")) else None
