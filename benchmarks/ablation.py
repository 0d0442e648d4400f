"""What each ingredient of the training adds: the default network trained without it.

    python -m benchmarks.ablation [--epochs N] [--data-fraction F] [--seeds N] [MANIFEST.csv...]

Each row is a training of the default recipe, shortened; "without skipping" has half as many epochs of all images, which
is as much work. Columns: accuracy on 15,000 training images that no row is trained on, on the sketch test set, the area
under the ROC curve of familiarity (the sketch test set against doodles of another seed), and the mean over categories
of each manifest (see ``benchmarks.pictures``). The test images are not used.
"""

import argparse
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import torch

from benchmarks.pictures import ours, prepared, read_manifest, recognised
from fmnist_core import dataset
from fmnist_core.evaluation import evaluate, predict_logits
from fmnist_core.events import Finished
from fmnist_core.inference import familiarity
from fmnist_core.model import Network, to_probabilities
from fmnist_core.synthetic.kinds import SYNTHETIC_KINDS
from fmnist_core.synthetic.sketch_test_set import make_sketch_test_set
from fmnist_core.train_config import SUGGESTED_SYNTHETIC, TrainConfig, recipe, with_settings
from fmnist_core.training import train

DOODLE_SEED = 2**31
HELD_OUT = 15_000


def area_under_roc(high: torch.Tensor, low: torch.Tensor) -> float:
    """How often a value of ``high`` is above one of ``low``, ties counting half."""
    difference = high[:, None] - low[None]
    return float((difference > 0).float().mean() + 0.5 * (difference == 0).float().mean())


def trained(config: TrainConfig, images: dataset.Split) -> Network:
    """The network that comes out of a training."""
    *_, last = train(config, images)
    assert isinstance(last, Finished)
    return last.network


def variants_of(config: TrainConfig) -> dict[str, dict[str, Any]]:
    """What is changed in the recipe for each row."""
    all_images = {"skipped_fraction": 0.0, "epochs": max(1, round(config.epochs * (1 - config.skipped_fraction)))}
    return {
        "the recipe": {},
        "the data set alone": dict.fromkeys(SUGGESTED_SYNTHETIC, 0.0),
        "without skipping": all_images,
        "without erasing": {"erase": 0.0},
    } | {f"without {name}": {name: 0.0} for name in SUGGESTED_SYNTHETIC}


def main() -> None:
    """Train and print row by row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--data-fraction", type=float, default=0.5)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("manifests", nargs="*", type=Path, metavar="MANIFEST.csv")
    options = parser.parse_args()
    images = dataset.load().train
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))
    held_out, images = images.take(order[:HELD_OUT]), images.take(order[HELD_OUT:])
    pictures = {path.stem: (rows := read_manifest(path), prepared(rows, ours)) for path in options.manifests}
    sketches, doodles = make_sketch_test_set(), SYNTHETIC_KINDS["doodles"].make(500, DOODLE_SEED)

    base = with_settings(recipe("deep"), {"epochs": options.epochs, "data_fraction": options.data_fraction})
    print(
        f"{'training':22s}{'held out':>10s}{'sketches':>10s}{'familiar':>10s}" + "".join(f"{n:>10s}" for n in pictures)
    )
    for name, changes in variants_of(base).items():
        results = []
        for seed in range(options.seeds):
            network = trained(with_settings(base, {"seed": seed} | changes), images)
            known, unknown = (
                familiarity(to_probabilities(predict_logits(network, split))) for split in (sketches, doodles)
            )
            row = [evaluate(network, held_out).accuracy, evaluate(network, sketches).accuracy]
            row += [area_under_roc(known, unknown)]
            results.append(row + [recognised(network, pixels, rows) for rows, pixels in pictures.values()])
        columns = [mean(column) for column in zip(*results, strict=True)]
        spread = "" if options.seeds < 2 else f"   spread {max(stdev(c) for c in zip(*results, strict=True)):.3f}"
        print(f"{name:22s}" + "".join(f"{value:10.3f}" for value in columns) + spread, flush=True)


if __name__ == "__main__":
    main()
