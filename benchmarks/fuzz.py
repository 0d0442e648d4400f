"""Files and requests altered at random: whatever is raised for them and is no ``FmnistError`` is a fault.

    python -m benchmarks.fuzz [--seconds N] [--seed N] [--keep DIR]

Pictures of every format, IDX and CSV files, weights, trainings that were broken off, and requests of the page are
altered: bits, numbers that matter, pieces cut out, doubled, or taken from another file; of requests, values of other
types, too. The same seed alters the same. Each fault is printed once, with how many inputs there were of each kind,
those that took over 2 s of a processor, and by how much the memory grew. ``--keep`` writes the inputs of the faults
to files named ``<kind>-<error>``, which ``tests/test_fuzz.py`` reads again from ``tests/fuzz_corpus``.
"""

import argparse
import base64
import gzip
import io
import json
import random
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save

from demo import requests
from demo.limits import Limits
from demo.requests import Fields, Request, page_settings
from fmnist_core import checkpoint, dataset_formats
from fmnist_core.errors import FmnistError
from fmnist_core.model import Network
from fmnist_core.preparation import open_picture, prepare
from fmnist_core.preparation.opening import FORMATS
from fmnist_core.resume import saved_training
from fmnist_core.snapshots import Snapshots
from fmnist_core.tensor_files import read_tensors
from fmnist_core.train_config import flattened, recipe

SLOW: Final = 2.0  # seconds of a processor
NUMBERS: Final = (b"\0", b"\xff", b"\x7f", b"\x80", b"\xff\xff", b"\0\0\0\0", b"\xff\xff\xff\xff",
                  b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0\0\0\1", b"\1\0\0\0", b"9" * 20,
                  b"NaN", b"-1", b"1e999", b"[" * 40)  # fmt: skip
VALUES: Final[tuple[Any, ...]] = (
    None, True, False, 0, -1, 2**31, 2**63, 10**30, 1.5, 1e308, float("nan"), float("inf"), "", "a" * 5000,
    "\ud800", "\0", "../..", "deep", [], [[]], [0] * 50, ["a", 1], {}, {"a": {}}, "AAAA", "=", "é",
)  # fmt: skip
REQUESTS: Final = [
    each for each in vars(requests).values() if isinstance(each, type) and issubclass(each, Request)
]  # fmt: skip


def altered(contents: bytes, others: list[bytes], rng: random.Random) -> bytes:
    """The contents with one to six alterations, most of them near the beginning, where headers are."""
    changed = bytearray(contents)
    for _ in range(rng.randint(1, 6)):
        size = len(changed)
        place = rng.randrange(size + 1) if rng.random() < 0.5 else min(size, int(rng.expovariate(1 / 60)))
        length = int(rng.expovariate(1 / 30)) + 1
        match rng.randrange(7):
            case 0 if place < size:
                changed[place] ^= 1 << rng.randrange(8)
            case 1:
                number = rng.choice(NUMBERS)
                changed[place : place + len(number)] = number
            case 2:
                del changed[place : place + length]
            case 3:
                changed[place:place] = changed[place : place + length] * rng.randint(1, 20)
            case 4:
                del changed[place:]
            case 5:
                other = rng.choice(others)
                start = rng.randrange(len(other) + 1)
                changed[place : place + length] = other[start : start + length]
            case _:
                changed[place : place + length] = rng.randbytes(length)
    return bytes(changed)


def altered_values(values: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    """Fields of a request of which some are of other types, are missing, or are within others."""
    changed: dict[str, Any] = json.loads(json.dumps(values))
    for _ in range(rng.randint(1, 3)):
        inner = changed
        while (deeper := [each for each in inner.values() if isinstance(each, dict)]) and rng.random() < 0.6:
            inner = rng.choice(deeper)
        name = rng.choice([*inner, "sample", "pixels", "kind", "want"])
        if rng.random() < 0.2:
            inner.pop(name, None)
        else:
            inner[name] = rng.choice(VALUES)
    return changed


def pictures() -> list[bytes]:
    """Small pictures of every format, and of the variants that are decoded by other code."""
    rng = np.random.default_rng(0)
    colours = Image.fromarray(rng.integers(0, 256, (24, 20, 3), np.uint8))
    deep = Image.fromarray(rng.integers(0, 65536, (24, 20)).astype(np.uint16))
    exif = Image.Exif()
    exif[0x0112] = 6
    later: dict[str, Any] = {"save_all": True, "append_images": [colours.rotate(90)]}
    variants: list[tuple[Image.Image, str, dict[str, Any]]] = [
        *((colours, each, {}) for each in FORMATS if each != "AVIF"),
        (colours.convert("P"), "PNG", {"transparency": 3}), (colours.convert("RGBA"), "PNG", {"exif": exif}),
        (deep, "PNG", {}), (deep, "TIFF", {}), (colours.convert("1"), "PPM", {}), (colours.convert("F"), "TIFF", {}),
        (colours.convert("CMYK"), "JPEG", {}), (colours, "JPEG", {"progressive": True, "exif": exif}),
        (colours.convert("P"), "BMP", {}), (colours.convert("RGBA"), "WEBP", {"lossless": True, "exif": exif}),
        *((colours, "TIFF", {"compression": each}) for each in ("tiff_lzw", "jpeg", "packbits", "tiff_adobe_deflate")),
        *((colours, each, later) for each in ("GIF", "PNG", "WEBP")),
    ]  # fmt: skip
    if "AVIF" in FORMATS:
        variants.append((colours, "AVIF", {}))
    files = [b"P3 2 2 255\n0 1 2 3 4 5 6 7 8 9 10 11\n", b"P1 2 2\n0110", b"Pf 2 2 -1.0\n" + bytes(16)]
    for picture, file_format, options in variants:
        buffer = io.BytesIO()
        picture.save(buffer, file_format, **options)
        files.append(buffer.getvalue())
    return files


def page_requests() -> list[tuple[type[Request], dict[str, Any]]]:
    """For each kind of request, fields that it accepts."""
    png = base64.b64encode(pictures()[3]).decode()
    pixels = base64.b64encode(bytes(784)).decode()
    network = Network("original")
    config, weights = (
        base64.b64encode(each).decode()
        for each in (json.dumps(network.config).encode(), checkpoint.weights_of(network))
    )
    values = flattened(recipe("deep"))
    settings = {each.name: values[each.name] for each in page_settings(Limits())}
    settings |= {"architecture": "deep", "epochs": 1, "init_from_current": False, "watch": True}
    fields = {
        "visitor": "0" * 32, "picture": png, "file": png, "name": "a.png", "kind": "drawing", "network": "deep",
        "layer": "conv1", "channel": 0, "pixels": pixels, "naive": pixels, "label": 3, "chunk": 0, "seen": 0,
        "settings": settings, "format": "GIF", "first": "deep", "second": "original", "paused": True,
        "learning_rate": 0.01, "epochs": 3, "architecture": "custom", "layers": [{"layer": "relu"}],
        "files": [{"name": "config.json", "file": config}, {"name": "model.safetensors", "file": weights}],
        "pictures": [{"pixels": pixels, "label": 3}],
        "want": {"maps": "conv1", "channel": ["conv1", 0], "pixel": [0, 1, 2], "coordinates": True, "steps": True},
    }  # fmt: skip
    return [(each, fields) for each in REQUESTS]


class Readers:
    """What reads each kind of file; files are written into ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        checkpoint.save(Network("original"), folder)

    def read(self, kind: str, contents: bytes) -> None:
        """Read contents of a kind, a key of ``bases``, as the program does."""
        if kind == "picture":
            prepare(open_picture(contents, "it"))
        elif kind == "request":
            name, fields = json.loads(contents)
            getattr(requests, name).read(Fields(fields, Limits()))
        else:
            file = self.folder / {"config": "config.json", "weights": "model.safetensors"}.get(kind, kind)
            file.write_bytes(contents)
            {"config": self._load, "weights": self._load, "idx": self._idx, "csv": self._csv,
             "resume.safetensors": lambda _: saved_training(self.folder),
             "snapshots.safetensors": lambda _: Snapshots.load(self.folder)}[kind](file)  # fmt: skip

    def _load(self, file: Path) -> None:
        try:
            checkpoint.load(self.folder)
        finally:
            file.unlink()
            checkpoint.save(Network("original"), self.folder)

    def _idx(self, file: Path) -> None:
        dataset_formats.parse_idx(dataset_formats.read_bytes(file), file.name, 3)

    def _csv(self, file: Path) -> None:
        dataset_formats.read_csv(file)


def bases(folder: Path) -> dict[str, list[bytes]]:
    """Contents to alter, by their kind."""
    images = np.random.default_rng(1).integers(0, 256, (3, 28, 28), np.uint8)
    dataset_formats.write_csv(folder / "csv", images, np.arange(3, dtype=np.uint8))
    csv, idx = (folder / "csv").read_bytes(), dataset_formats.format_idx(images)
    tensors, _ = read_tensors(folder / "model.safetensors")
    about = json.dumps({"config": {"architecture": "original"}, "network": Network("original").config})
    few = {name: tensor for name, tensor in tensors.items() if "bias" in name}
    names = {each.__name__: fields for each, fields in page_requests()}
    return {
        "picture": pictures(),
        "request": [json.dumps([name, fields]).encode() for name, fields in names.items()],
        "config": [(folder / "config.json").read_bytes()],
        "weights": [(folder / "model.safetensors").read_bytes()],
        "resume.safetensors": [save(few, {"training": about})],
        "snapshots.safetensors": [save(dict(vars(_snapshots())))],
        "idx": [idx, gzip.compress(idx)],
        "csv": [csv, gzip.compress(csv), b"\xef\xbb\xbf" + csv.replace(b",", b";")],
    }


def _snapshots() -> Snapshots:
    labels, predictions = torch.arange(5), torch.zeros(2, 5, dtype=torch.int64)
    return Snapshots(labels, torch.arange(2), torch.rand(2), torch.rand(2, 5, 2), predictions)


def fault(read: Callable[[], None]) -> tuple[str, str] | None:
    """A name for what went wrong, and the traceback; None when nothing did."""
    began = time.process_time()
    try:
        read()
    except FmnistError as error:
        if len(str(error)) > 600:
            return f"{type(error).__name__} of {len(str(error)):,} characters", str(error)[:300]
    except Exception as error:  # noqa: BLE001 (which is what is looked for)
        frame = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__} {Path(frame.filename).name} {frame.lineno}", traceback.format_exc()
    took = time.process_time() - began
    return (f"slow {took:.1f} s", "") if took > SLOW else None


def memory() -> int:
    """MiB that this process holds; 0 where the system does not tell."""
    status = Path("/proc/self/statm")
    return int(status.read_text().split()[1]) * 4096 // 2**20 if status.exists() else 0


def fuzz(seconds: float, seed: int, keep: Path | None = None) -> tuple[Counter[str], dict[str, str]]:
    """How many inputs there were of each kind, and the faults with their tracebacks."""
    rng, counts, faults = random.Random(seed), Counter[str](), dict[str, str]()
    with tempfile.TemporaryDirectory() as name, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns about what it finds odd
        readers = Readers(Path(name))
        all_bases = bases(readers.folder)
        kinds = [*all_bases, *["picture", "request"] * 4]
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            kind = rng.choice(kinds)
            base = rng.choice(all_bases[kind])
            if kind == "request" and rng.random() < 0.9:
                request, fields = json.loads(base)
                contents = json.dumps([request, altered_values(fields, rng)]).encode()
            else:
                contents = altered(base, all_bases[kind], rng)
            if kind == "request" and not _is_request(contents):
                continue
            counts[kind] += 1
            found = fault(lambda kind=kind, contents=contents: readers.read(kind, contents))  # type: ignore[misc]
            if found and f"{kind}: {found[0]}" not in faults:
                faults[f"{kind}: {found[0]}"] = found[1]
                print(f"{kind}: {found[0]}\n{found[1]}", flush=True)
                if keep is not None:
                    keep.mkdir(parents=True, exist_ok=True)
                    (keep / f"{kind}-{found[0].replace(' ', '-').replace(',', '')}").write_bytes(contents)
    return counts, faults


def _is_request(contents: bytes) -> bool:
    """Whether the page's server would hand it on: JSON, and for one of our actions."""
    try:
        given = json.loads(contents)
    except (ValueError, RecursionError):
        return False
    return isinstance(given, list) and len(given) == 2 and given[0] in {each.__name__ for each in REQUESTS}


def main() -> None:
    """Print the faults and one line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60, metavar="N", help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="default: %(default)s")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="folder for the inputs of the faults")
    options = parser.parse_args()
    before = memory()
    counts, faults = fuzz(options.seconds, options.seed, options.keep)
    told = ", ".join(f"{count:,} {kind}" for kind, count in counts.items())
    print(f"{sum(counts.values()):,} inputs ({told}): {len(faults)} faults, {memory() - before} MiB more memory")


if __name__ == "__main__":
    main()
