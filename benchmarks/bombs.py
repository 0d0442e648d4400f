"""Small files that want to be expensive: what each costs, in a process of its own.

    python -m benchmarks.bombs [NAME...]

Printed is, for each file: its size, seconds of processor time, MiB of memory beyond those of the idle process, and the
answer. Pictures are opened and prepared for the network, weights and data sets loaded. Linux only.
"""

import argparse
import gzip
import io
import json
import os
import struct
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from fmnist_core import checkpoint
from fmnist_core.dataset_formats import CSV_COLUMNS
from fmnist_core.model import Network
from fmnist_core.preparation.opening import MAX_PIXELS

ROOT: Final = Path(__file__).parent.parent
LARGEST: Final = 20 * 2**20  # bytes of a picture that the page takes
SIDE: Final = int(MAX_PIXELS**0.5)

# What a process does with a file, after all that an idle one has done already.
OPEN: Final = """
import pathlib, sys, time, warnings
warnings.simplefilter("ignore")
import numpy as np
from PIL import Image
from fmnist_core import checkpoint, dataset, errors, preparation
from fmnist_core.resume import saved_training
from fmnist_core.snapshots import Snapshots
preparation.prepare(Image.fromarray(np.random.default_rng(0).integers(0, 255, (99, 99, 3), np.uint8)), "photo")
read = {
    "picture": lambda path: preparation.prepare(preparation.open_picture(path)).kind,
    "weights": lambda path: checkpoint.load(path).architecture,
    "resume": lambda path: saved_training(path),
    "snapshots": lambda path: Snapshots.load(path),
    "data": lambda path: dataset.load(path).source,
}[sys.argv[1]]
def peak():
    # Not getrusage: that begins with the memory of the process that started this one.
    status = pathlib.Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) // 1024
before, began = peak(), time.process_time()
try:
    answer = read(pathlib.Path(sys.argv[2]))
except errors.FmnistError as error:
    answer = str(error)
except Exception as error:
    answer = f"!!! {type(error).__name__} {error}"
print(f"{time.process_time() - began:.2f} {peak() - before} {len(str(answer))} {str(answer)[:150]}")
"""


def png(width: int, height: int, bits: int = 8, colour: int = 2, *chunks: bytes, interlaced: bool = False) -> bytes:
    """All black; ``colour`` as in the header (0 grey, 2 RGB, 6 RGBA)."""
    channels = {0: 1, 2: 3, 3: 1, 6: 4}[colour]
    row = bytes(1 + (width * channels * bits + 7) // 8)
    compressor = zlib.compressobj(9)
    block = max(1, 2**20 // len(row))
    data = b"".join(compressor.compress(row * min(block, height - start)) for start in range(0, height, block))
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, interlaced)
    return b"".join(
        [b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", header), *chunks,
         chunk(b"IDAT", data + compressor.flush()), chunk(b"IEND", b"")]
    )  # fmt: skip


def chunk(kind: bytes, contents: bytes) -> bytes:
    return struct.pack(">I", len(contents)) + kind + contents + struct.pack(">I", zlib.crc32(kind + contents))


def tiff(entries: list[tuple[int, int, int, bytes]], body: bytes = b"") -> bytes:
    """``entries`` are tag, type, count and value; a value of over 4 bytes is put behind."""
    directory, behind = b"", b""
    start = 8 + 2 + 12 * len(entries) + 4
    for tag, kind, count, value in entries:
        if len(value) > 4:
            directory += struct.pack("<HHII", tag, kind, count, start + len(behind))
            behind += value
        else:
            directory += struct.pack("<HHI", tag, kind, count) + value.ljust(4, b"\0")
    return b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", len(entries)) + directory + bytes(4) + behind + body


def tiff_of_strips(strips: int, width: int = 1, compression: int = 1) -> bytes:
    """Of one row a strip, all of which lie at the same place."""

    def number(value: int) -> bytes:
        return struct.pack("<I", value)

    return tiff(
        [
            (256, 4, 1, number(width)), (257, 4, 1, number(strips)), (258, 3, 1, number(8)),
            (259, 3, 1, number(compression)), (262, 3, 1, number(1)), (273, 4, strips, number(8) * strips),
            (278, 4, 1, number(1)), (279, 4, strips, number(width) * strips),
        ]
    )  # fmt: skip


def encoded(picture: Image.Image, file_format: str, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, file_format, **options)  # type: ignore[arg-type]
    return file.getvalue()


def random_picture(height: int, width: int, seed: int = 0) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8))


def black(mode: str, width: int = SIDE, height: int = SIDE) -> Image.Image:
    return Image.new(mode, (width, height))


def jpeg_with(inserted: bytes) -> bytes:
    plain = encoded(random_picture(64, 64), "JPEG")
    return plain[:2] + inserted + plain[2:]


def gif_of_frames(frames: int, side: int) -> bytes:
    """``frames`` frames of one colour that is the background's."""
    one = encoded(Image.new("P", (side, side)), "GIF")
    start = one.index(b",")
    return one[:start] + one[start:-1] * frames + b";"


def animation(file_format: str, frames: int, side: int) -> bytes:
    first, *others = (Image.new("RGB", (side, side), (i, 0, 0)) for i in range(frames))
    return encoded(first, file_format, save_all=True, append_images=others, duration=20)


PICTURES: Final[dict[str, Callable[[], bytes]]] = {
    "photo of 20 million pixels": lambda: encoded(random_picture(100, 100).resize((SIDE, SIDE)), "JPEG"),
    "PNG grey": lambda: png(SIDE, SIDE, 8, 0),
    "PNG grey 16 bits": lambda: png(SIDE, SIDE, 16, 0),
    "PNG RGB": lambda: png(SIDE, SIDE),
    "PNG RGB 16 bits": lambda: png(SIDE, SIDE, 16),
    "PNG RGBA": lambda: png(SIDE, SIDE, 8, 6),
    "PNG RGBA 16 bits": lambda: png(SIDE, SIDE, 16, 6),
    "PNG RGBA interlaced": lambda: png(SIDE, SIDE, 8, 6, interlaced=True),
    "PNG RGB transparent colour": lambda: png(SIDE, SIDE, 8, 2, chunk(b"tRNS", bytes(6))),
    "PNG 1 x 20,000,000": lambda: png(1, MAX_PIXELS, 8, 0),
    "PNG 20,000,000 x 1": lambda: png(MAX_PIXELS, 1, 8, 0),
    "PNG of a million chunks": lambda: png(64, 64, 8, 2, *[chunk(b"abCd", b"")] * 1_600_000),
    "PNG of texts": lambda: png(64, 64, 8, 2, *[chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(60_000)))] * 60_000),
    "PNG text bomb": lambda: png(64, 64, 8, 2, chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(2**30), 9))),
    "PNG ICC bomb": lambda: png(64, 64, 8, 2, chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(2**30), 9))),
    "PNG palette": lambda: encoded(black("P"), "PNG"),
    "PNG turned by Exif": lambda: encoded(black("RGB"), "PNG", exif=_turned()),
    "JPEG of 64 million pixels": lambda: encoded(black("RGB", 8000, 8000), "JPEG"),
    "JPEG progressive of 64 million pixels": lambda: encoded(black("RGB", 8000, 8000), "JPEG", progressive=True),
    "JPEG CMYK": lambda: encoded(black("CMYK"), "JPEG"),
    "JPEG of four million markers": lambda: jpeg_with(b"\xff\xfe\0\2" * 4_000_000),
    "JPEG of fill bytes": lambda: jpeg_with(b"\xff" * LARGEST),
    "JPEG of zeros": lambda: jpeg_with(b"\0" * LARGEST),
    "JPEG of application data": lambda: jpeg_with(b"\xff\xe1\0\x0aExif\0\0II" * (LARGEST // 12)),
    "GIF": lambda: encoded(black("P"), "GIF"),
    "GIF of a million frames": lambda: gif_of_frames(900_000, 1),
    "GIF of large blank frames": lambda: gif_of_frames(30, SIDE),
    "GIF of empty extensions": lambda: gif_of_frames(1, 8)[:-1] + b"!\xfe\0" * 6_000_000 + b";",
    "GIF of many comments": lambda: b"GIF89a\1\0\1\0\0\0\0" + b"!\xfe\1a\0" * 4_000_000,
    "WebP": lambda: encoded(black("RGB"), "WEBP"),
    "WebP lossless": lambda: encoded(black("RGBA"), "WEBP", lossless=True, exact=True),
    "WebP of large frames": lambda: animation("WEBP", 21, 2000),
    "APNG of large frames": lambda: animation("PNG", 21, 2000),
    "AVIF": lambda: encoded(black("RGB"), "AVIF", speed=10),
    "AVIF of large frames": lambda: animation("AVIF", 21, 2000),
    "AVIF cut": lambda: encoded(random_picture(64, 64), "AVIF")[:-200],
    "BMP": lambda: encoded(black("RGB"), "BMP"),
    "BMP run length": lambda: _bmp_run_length(),
    "TIFF": lambda: encoded(black("RGB"), "TIFF", compression="tiff_lzw"),
    "TIFF of floats": lambda: encoded(black("F"), "TIFF", compression="tiff_lzw"),
    "TIFF of integers": lambda: encoded(black("I"), "TIFF", compression="tiff_lzw"),
    "TIFF 16 bits": lambda: encoded(black("I;16"), "TIFF", compression="tiff_lzw"),
    "TIFF CMYK": lambda: encoded(black("CMYK"), "TIFF", compression="tiff_lzw"),
    "TIFF LAB": lambda: encoded(black("LAB"), "TIFF", compression="tiff_lzw"),
    "TIFF of a million strips": lambda: tiff_of_strips(1_000_000),
    "TIFF of a million packed strips": lambda: tiff_of_strips(1_000_000, 8, 32773),
    "TIFF of two million values": lambda: tiff([(256, 4, 2_000_000, bytes(8_000_000)), (257, 4, 1, bytes(4))]),
    "TIFF of a width that is nearly infinite": lambda: tiff(
        [(256, 5, 1, struct.pack("<II", 1, 0)), (257, 4, 1, b"\1\0\0\0"), (273, 4, 1, b"\1\0\0\0")]
    ),
    "PPM": lambda: b"P6 %d %d 255\n" % (SIDE, SIDE) + bytes(3 * SIDE * SIDE),
    "PPM as text": lambda: b"P3 1800 1800 255\n" + b"0 " * (3 * 1800 * 1800),
    "PGM as text": lambda: b"P2 4400 2200 255\n" + b"0 " * (4400 * 2200),
    "PBM as text": lambda: b"P1 4400 4400\n" + b"0" * (4400 * 4400),
    "PGM 16 bits": lambda: b"P5 %d %d 65535\n" % (SIDE, SIDE) + bytes(2 * SIDE * SIDE),
    "PFM": lambda: b"Pf %d %d -1.0\n" % (2200, 2200) + bytes(4 * 2200 * 2200),
    "PPM of odd depth": lambda: b"P6 2600 2600 254\n" + bytes(3 * 2600 * 2600),
    "PPM comments": lambda: b"P6 " + b"#\n" * 10_000_000 + b"1 1 255\n000",
    "dots": lambda: encoded(random_picture(160, 160), "PNG"),
    "dots in two colours": lambda: _two_colours(160),
    "many dots": lambda: encoded(random_picture(1600, 1600), "JPEG"),
    "chessboard": lambda: encoded(Image.fromarray((np.indices((160, 160)).sum(0) % 2 * 255).astype(np.uint8)), "PNG"),
    "dots on paper": lambda: encoded(_dots_on_paper(1100), "PNG"),
    "squared paper": lambda: encoded(_squares(1100), "PNG"),
    "frames in frames": lambda: encoded(_frames(1100), "PNG"),
}


def _turned() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


def _two_colours(side: int) -> bytes:
    colours = np.array([(200, 60, 60), (60, 60, 200)], np.uint8)
    return encoded(Image.fromarray(colours[np.random.default_rng(1).integers(0, 2, (side, side))]), "PNG")


def _bmp_run_length() -> bytes:
    pixels = b"\xff\0" * (LARGEST // 2)
    header = struct.pack("<IiiHHIIiiII", 40, SIDE, SIDE, 1, 8, 1, len(pixels), 0, 0, 256, 0)
    start = 14 + len(header) + 1024
    return b"BM" + struct.pack("<IHHI", start + len(pixels), 0, 0, start) + header + bytes(1024) + pixels


def _dots_on_paper(side: int) -> Image.Image:
    return Image.fromarray(np.where(np.random.default_rng(2).random((side, side)) < 0.1, 0, 255).astype(np.uint8))


def _squares(side: int) -> Image.Image:
    pixels = np.full((side, side), 255, np.uint8)
    pixels[::4] = pixels[:, ::4] = 120
    return Image.fromarray(pixels)


def _frames(side: int) -> Image.Image:
    pixels = np.full((side, side), 255, np.uint8)
    for i in range(0, side // 2, 12):
        pixels[i : side - i, i : side - i] = 255 if i % 24 else 0
    return Image.fromarray(pixels)


# --- weights ---------------------------------------------------------------------------------------------------------


def safetensors(header: bytes, data: bytes = b"", length: int | None = None) -> bytes:
    return struct.pack("<Q", len(header) if length is None else length) + header + data


def header_of(name: str = "a", dtype: str = "F32", shape: tuple[int, ...] = (1,), end: int = 4) -> bytes:
    return json.dumps({name: {"dtype": dtype, "shape": shape, "data_offsets": [0, end]}}).encode()


CONFIGS: Final[dict[str, Callable[[], bytes]]] = {
    "config.json nested a million deep": lambda: b"[" * 10**6,
    "config.json of objects a million deep": lambda: b'{"a":' * 10**6,
    "config.json with a number of a million digits": lambda: b'{"architecture": "deep", "mean": ' + b"1" * 10**6 + b"}",
    "config.json with a name of 300 MB": lambda: json.dumps({"architecture": "x" * 300_000_000}).encode(),
    "config.json with a class name of 300 MB": lambda: json.dumps(
        {"architecture": "deep", "class_names": ["x" * 300_000_000]}
    ).encode(),
    "config.json of ten million numbers": lambda: json.dumps(
        {"architecture": "deep", "input_size": [0] * 10**7}
    ).encode(),
}
WEIGHTS: Final[dict[str, Callable[[], bytes]]] = {
    "weights with a header that lies": lambda: safetensors(b"{}", length=2**63),
    "weights with a header of 90 MB": lambda: safetensors(b"{" + b" " * 90_000_000 + b"}"),
    "weights of 500,000 tensors": lambda: safetensors(
        json.dumps({f"t{i}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for i in range(500_000)}).encode()
    ),
    "weights of a tensor with a name of 50 MB": lambda: _with_tensor("x" * 50_000_000),
    "weights with a huge shape": lambda: safetensors(header_of(shape=(2**40, 2**40), end=4), bytes(4)),
    "weights with an empty huge shape": lambda: safetensors(header_of(shape=(0, 2**62), end=0)),
    "weights with a gigabyte of another tensor": lambda: safetensors(
        header_of(shape=(2**28,), end=2**30), bytes(2**30)
    ),
    "weights with a metadata text of 90 MB": lambda: safetensors(
        json.dumps({"__metadata__": {"config": "[" * 90_000_000}}).encode()
    ),
}


def _with_tensor(name: str) -> bytes:
    weights = checkpoint.weights_of(Network("deep"))
    length = struct.unpack("<Q", weights[:8])[0]
    header = json.loads(weights[8 : 8 + length])
    end = len(weights) - 8 - length
    header[name] = {"dtype": "F32", "shape": [1], "data_offsets": [end, end + 4]}
    return safetensors(json.dumps(header).encode(), weights[8 + length :] + bytes(4))


def training(about: str) -> bytes:
    return safetensors(json.dumps({"__metadata__": {"training": about}}).encode())


RESUMES: Final[dict[str, Callable[[], bytes]]] = {
    "resume nested a million deep": lambda: training("[" * 10**6),
    "resume with a number of a million digits": lambda: training('{"config": ' + "1" * 10**6 + "}"),
    "resume with a name of 30 MB": lambda: training(
        json.dumps({"config": {"architecture": "x" * 30_000_000}, "network": {}})
    ),
    "resume with a setting of 30 MB": lambda: training(json.dumps({"config": {"x" * 30_000_000: 1}, "network": {}})),
    "resume with a gigabyte": lambda: safetensors(header_of(shape=(2**28,), end=2**30), bytes(2**30)),
}
SNAPSHOTS: Final[dict[str, Callable[[], bytes]]] = {
    "snapshots with a gigabyte": lambda: safetensors(header_of("labels", shape=(2**28,), end=2**30), bytes(2**30)),
    "snapshots of 500,000 tensors": WEIGHTS["weights of 500,000 tensors"],
}


# --- data sets -------------------------------------------------------------------------------------------------------


def zeros_packed(start: bytes, count: int) -> bytes:
    """What gzip makes of ``start`` and ``count`` zeros, made without having them in memory."""
    file = io.BytesIO()
    with gzip.GzipFile(fileobj=file, mode="wb", mtime=0) as packed:
        packed.write(start)
        for _ in range(count // 2**24):
            packed.write(bytes(2**24))
    return file.getvalue()


HEADER: Final = (",".join(CSV_COLUMNS) + "\n").encode()
ROW: Final = (",".join(["0"] * len(CSV_COLUMNS)) + "\n").encode()


def zipped(name: str, contents: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, contents)
    return file.getvalue()


IDX: Final[dict[str, Callable[[], bytes]]] = {
    "IDX of 8 GB": lambda: zeros_packed(struct.pack(">4I", 0x803, 10**7, 28, 28), 8_200_000_000),
    "IDX of text": lambda: zeros_packed(b"hello", 8_200_000_000),
}
CSVS: Final[dict[str, tuple[str, Callable[[], bytes]]]] = {
    "CSV of one line": ("a.csv", lambda: b"label," * 100_000_000),
    "CSV of a long second line": ("a.csv", lambda: HEADER + b"0," * 200_000_000),
    "CSV of 60,000 rows": ("a.csv", lambda: HEADER + ROW * 60_000),
    "CSV of 600,000 rows": ("a.csv", lambda: HEADER + ROW * 600_000),
    "CSV of blank lines": ("a.csv", lambda: HEADER + b"\n" * 200_000_000),
    "CSV of a million rows in gzip": ("a.csv.gz", lambda: gzip.compress(HEADER + ROW * 600_000)),
    "CSV of one line in gzip": ("a.csv.gz", lambda: zeros_packed(HEADER, 4_000_000_000)),
    "CSV of a million rows in zip": ("a.zip", lambda: zipped("a.csv", HEADER + ROW * 600_000)),
    "CSV of one line in zip": ("a.zip", lambda: zipped("a.csv", b"0" * 1_000_000_000)),
}


def files() -> dict[str, tuple[str, str, Callable[[], bytes]]]:
    """Name -> what reads it, the file's name, and what makes its contents."""
    return {
        **{name: ("picture", "picture", make) for name, make in PICTURES.items()},
        **{name: ("weights", "config.json", make) for name, make in CONFIGS.items()},
        **{name: ("weights", "model.safetensors", make) for name, make in WEIGHTS.items()},
        **{name: ("resume", "resume.safetensors", make) for name, make in RESUMES.items()},
        **{name: ("snapshots", "snapshots.safetensors", make) for name, make in SNAPSHOTS.items()},
        **{name: ("data", "train-images-idx3-ubyte.gz", make) for name, make in IDX.items()},
        **{name: ("data", *each) for name, each in CSVS.items()},
    }


def measured(folder: Path, reader: str, file_name: str, contents: bytes) -> str:
    """Seconds, MiB, and the answer."""
    if reader == "weights":
        checkpoint.save(Network("deep"), folder)
    elif file_name.endswith("ubyte.gz"):
        for name in ("train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"):
            (folder / name).write_bytes(b"")
    file = folder / file_name
    file.write_bytes(contents)
    read = folder if reader in ("weights", "resume", "snapshots") or file_name.endswith("ubyte.gz") else file
    try:
        done = subprocess.run(
            [sys.executable, "-c", OPEN, reader, str(read)],
            cwd=ROOT, capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"},
            timeout=120, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return "120+ ? 0 nothing"
    return done.stdout.strip() or f"? ? 0 ended with {done.returncode}: {done.stderr[-200:]}"


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="only those whose name begins like that")
    names: list[str] = parser.parse_args().names
    print(f"{'file':50s}{'bytes':>14s}{'seconds':>9s}{'MiB':>6s}  answer")
    for name, (reader, file_name, make) in files().items():
        if names and not name.startswith(tuple(names)):
            continue
        with tempfile.TemporaryDirectory() as folder:
            contents = make()
            seconds, memory, length, answer = measured(Path(folder), reader, file_name, contents).split(" ", 3)
            shown = answer.replace(folder, "").replace("\n", " ")
            print(f"{name:50s}{len(contents):>14,}{seconds:>9s}{memory:>6s}  ({length}) {shown}", flush=True)


if __name__ == "__main__":
    main()
