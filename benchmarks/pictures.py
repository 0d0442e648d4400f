"""How many pictures that people made are recognised: our preparation beside the usual one, for each shipped network.

    python -m benchmarks.pictures MANIFEST.csv...

A manifest has the columns ``file`` (in the folder beside it that has its name), ``labels`` (the accepted class
numbers, joined by "|") and ``category``. Printed is the mean over categories of the fraction that is recognised, so
that a large category does not hide a small one, and its standard error. The usual preparation, as in most demos: grey,
inverted when the corner is bright, and resized to 28x28.
"""

import argparse
import csv
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from statistics import mean

import torch
from PIL import Image
from torch import Tensor

from fmnist_core import IMAGE_SIZE, checkpoint
from fmnist_core.errors import PictureError
from fmnist_core.model import Network
from fmnist_core.preparation import open_picture, prepare, prepare_naively
from fmnist_core.preparation.fitting import UInt8Image

WEIGHTS = Path(__file__).parent.parent / "weights"


def ours(picture: Image.Image) -> UInt8Image:
    """The preparation of this package."""
    return prepare(picture).pixels


PREPARATIONS: dict[str, Callable[[Image.Image], UInt8Image]] = {"usual": prepare_naively, "ours": ours}


def read_manifest(manifest: Path) -> list[dict[str, str]]:
    """Its rows, each with the path of its file."""
    with manifest.open(newline="") as file:
        return [row | {"path": str(manifest.with_suffix("") / row["file"])} for row in csv.DictReader(file)]


def prepared(rows: list[dict[str, str]], prepare_one: Callable[[Image.Image], UInt8Image]) -> Tensor:
    """Pixels (N, 28, 28) of the pictures of a manifest; one that cannot be prepared stays black, and is told."""
    pixels = torch.zeros(len(rows), IMAGE_SIZE, IMAGE_SIZE, dtype=torch.uint8)
    for i, row in enumerate(rows):
        try:
            pixels[i] = torch.from_numpy(prepare_one(open_picture(Path(row["path"]))))
        except PictureError as error:  # noqa: PERF203
            print(error, file=sys.stderr)
    return pixels


def recognised(network: Network, pixels: Tensor, rows: list[dict[str, str]]) -> float:
    """Mean over categories of the fraction that is recognised, 0..1."""
    return mean(mean(one) for one in _hits(network, pixels, rows))


def standard_error(network: Network, pixels: Tensor, rows: list[dict[str, str]]) -> float:
    """Of ``recognised``, by the pictures that happen to be in each category.

    The variance of each category's fraction after Agresti and Coull (1998), with one more hit and one more miss: else
    five of five would be certain.
    """
    variances = [
        (sum(one) + 1) * (len(one) - sum(one) + 1) / (len(one) + 2) ** 3 for one in _hits(network, pixels, rows)
    ]
    return float(sum(variances) ** 0.5 / len(variances))


def _hits(network: Network, pixels: Tensor, rows: list[dict[str, str]]) -> list[list[bool]]:
    """For each category, whether each of its pictures is recognised."""
    with torch.inference_mode():
        predictions = network(pixels).argmax(1).tolist()
    hits = defaultdict(list)
    for prediction, row, is_there in zip(predictions, rows, pixels.flatten(1).any(1).tolist(), strict=True):
        hits[row["category"]].append(is_there and str(prediction) in row["labels"].split("|"))
    return list(hits.values())


def shipped_networks() -> dict[str, Network]:
    """Every network of ``weights``, by its name."""
    folders = sorted((folder for folder in WEIGHTS.iterdir() if folder.is_dir()), reverse=True)
    return {folder.name: checkpoint.load(folder) for folder in folders}


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("manifests", nargs="+", type=Path, metavar="MANIFEST.csv")
    manifests: list[Path] = parser.parse_args().manifests
    rows = {manifest.stem: read_manifest(manifest) for manifest in manifests}
    print(f"{'network':12s}{'preparation':13s}" + "".join(f"{name} (n = {len(rows[name])})   " for name in rows))
    networks = shipped_networks()
    for how, prepare_one in PREPARATIONS.items():
        pixels = {name: prepared(rows[name], prepare_one) for name in rows}
        for network_name, network in networks.items():
            columns = [
                f"{recognised(network, pixels[name], rows[name]):.3f} ± "
                f"{standard_error(network, pixels[name], rows[name]):.3f}"
                for name in rows
            ]
            print(f"{network_name:12s}{how:13s}" + "   ".join(columns), flush=True)


if __name__ == "__main__":
    main()
