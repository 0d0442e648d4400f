"""How far each shipped network can be believed: calibration, what it takes for garments, and copies in the data.

    python -m benchmarks.reliability [--outliers FILE.npz] [MANIFEST.csv...]

Printed are accuracy on the test images, also without those of which a near copy is among the training images (nearest
neighbour in pixels); the expected calibration error (15 bins) on the test images and on the pictures of each manifest
(see ``benchmarks.pictures``); and the area under the ROC curve by which familiarity tells test images from outliers:
``pixels``, uint8 (N, 28, 28), of an .npz file.

The deep network is trained with outliers of its own, doodles; published detectors that are not do with less.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from benchmarks.ablation import area_under_roc
from benchmarks.pictures import ours, prepared, read_manifest, shipped_networks
from fmnist_core import dataset
from fmnist_core.dataset import Split
from fmnist_core.evaluation import BINS, calibration_error, predict_logits
from fmnist_core.inference import familiarity
from fmnist_core.model import Network, to_probabilities

NEAR = 12.0  # of 255: root mean square difference of two images that are near copies of each other


def distance_to_nearest(images: Tensor, others: Tensor) -> Tensor:
    """Root mean square difference (N,) of each image (N, 28, 28) from the one of the others that is most like it."""
    ours, theirs = images.flatten(1).float(), others.flatten(1).float()
    lengths = theirs.square().sum(1)
    nearest = [(lengths - 2 * some @ theirs.T).amin(1) + some.square().sum(1) for some in ours.split(500)]
    return (torch.cat(nearest).clamp(min=0) / ours.shape[1]).sqrt()


def calibration_error_on_pictures(network: Network, pixels: Tensor, accepted: list[set[int]]) -> float:
    """The expected calibration error where several classes may be right: of the predicted one, if it is among them."""
    logits = predict_logits(network, Split.of(pixels, torch.zeros(len(pixels), dtype=torch.int64)))
    predictions = logits.argmax(1).tolist()
    # A label that is right exactly when the prediction is: any other class will do for one that is not.
    classes = len(network.class_names)
    labels = [one if one in right else (one + 1) % classes for one, right in zip(predictions, accepted, strict=True)]
    return calibration_error(logits, torch.tensor(labels))


def main() -> None:
    """Print one column for each network."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--outliers", type=Path, metavar="FILE.npz")
    parser.add_argument("manifests", nargs="*", type=Path, metavar="MANIFEST.csv")
    options = parser.parse_args()
    data = dataset.load()
    networks = shipped_networks()
    logits = {name: predict_logits(network, data.test) for name, network in networks.items()}
    right = {name: each.argmax(1) == data.test.labels for name, each in logits.items()}
    is_new = distance_to_nearest(data.test.pixels, data.train.pixels) >= NEAR

    def row(title: str, values: list[float]) -> None:
        print(f"{title:58s}" + "".join(f"{value:10.4f}" for value in values), flush=True)

    print(f"{data.source}\n{'':58s}" + "".join(f"{name:>10s}" for name in networks))
    row(f"accuracy, {len(data.test)} test images", [float(each.float().mean()) for each in right.values()])
    title = f"accuracy without {int((~is_new).sum())} near copies of training images"
    row(title, [float(each[is_new].float().mean()) for each in right.values()])
    title = f"calibration error ({BINS} bins), test images"
    row(title, [calibration_error(each, data.test.labels) for each in logits.values()])
    for manifest in options.manifests:
        rows = read_manifest(manifest)
        pixels, accepted = prepared(rows, ours), [set(map(int, one["labels"].split("|"))) for one in rows]
        errors = [calibration_error_on_pictures(network, pixels, accepted) for network in networks.values()]
        row(f"calibration error, {manifest.stem} (n = {len(rows)})", errors)
    if options.outliers:
        outliers = torch.from_numpy(np.load(options.outliers, allow_pickle=False)["pixels"])
        unknown = Split.of(outliers, torch.zeros(len(outliers), dtype=torch.int64))
        areas = [
            area_under_roc(
                *(familiarity(to_probabilities(each)) for each in (logits[name], predict_logits(network, unknown)))
            )
            for name, network in networks.items()
        ]
        row(f"familiarity, test images against {options.outliers.stem} (n = {len(outliers)}), AUROC", areas)


if __name__ == "__main__":
    main()
