"""What each part of the training adds: the default network trained without it, or with one more.

    python -m benchmarks.ablation [--epochs N] [--share S] [--seeds N] [MANIFEST.csv...]

Each row is a training of the default recipe, shortened; "without pruning" has half as many epochs of all images, which
is as much work. Columns: accuracy on 15,000 training images that no row is trained on, on the drawings that no training
uses, the area under the ROC curve of familiarity (those drawings against doodles of another seed), and the mean over
categories of each manifest (see ``benchmarks.pictures``). The test images are not used.
"""

import argparse
from dataclasses import replace
from pathlib import Path
from statistics import mean, stdev

import torch

from benchmarks.pictures import ours, prepared, read_manifest, recognised
from fmnist_core import dataset
from fmnist_core.evaluation import predict_logits, evaluate
from fmnist_core.synthetic.sketch_test_set import make_sketch_test_set
from fmnist_core.inference import familiarity
from fmnist_core.model import Network, to_probabilities
from fmnist_core.synthetic.rendering import make_doodles
from fmnist_core.training import FOR_PEOPLE, RECIPES, Finished, TrainConfig, train

DOODLE_SEED = 2**31
MORE = {"tracings": 0.15, "photos": 0.25}  # that the recipe does without
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


def main() -> None:
    """Train and print row by row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--share", type=float, default=0.5)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("manifests", nargs="*", type=Path, metavar="MANIFEST.csv")
    options = parser.parse_args()
    images = dataset.load().train
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))
    held_out, images = images.take(order[:HELD_OUT]), images.take(order[HELD_OUT:])
    pictures = {path.stem: (rows := read_manifest(path), prepared(rows, ours)) for path in options.manifests}
    exam, doodles = make_sketch_test_set(), make_doodles(500, DOODLE_SEED)

    base = replace(RECIPES["deep"], epochs=options.epochs, share=options.share)
    variants = {
        "the recipe": {},
        "the data set alone": dict.fromkeys(FOR_PEOPLE, 0.0),
        "without pruning": {"pruning": 0.0, "epochs": round(options.epochs * (1 - base.pruning))},
        "without erasing": {"erase": 0.0},
    }
    variants |= {f"without {name}": {name: 0.0} for name in FOR_PEOPLE}
    variants |= {f"with {name}": {name: part} for name, part in MORE.items()}
    print(
        f"{'material':22s}{'held out':>10s}{'drawings':>10s}{'familiar':>10s}" + "".join(f"{n:>10s}" for n in pictures)
    )
    for name, changes in variants.items():
        results = []
        for seed in range(options.seeds):
            config = replace(base, seed=seed, **changes)  # type: ignore[arg-type]
            network = trained(config, images)
            known, unknown = (familiarity(to_probabilities(predict_logits(network, split))) for split in (exam, doodles))
            row = [evaluate(network, held_out).accuracy, evaluate(network, exam).accuracy]
            row += [area_under_roc(known, unknown)]
            results.append(row + [recognised(network, pixels, rows) for rows, pixels in pictures.values()])
        columns = [mean(column) for column in zip(*results, strict=True)]
        spread = "" if options.seeds < 2 else f"   spread {max(stdev(c) for c in zip(*results, strict=True)):.3f}"
        print(f"{name:22s}" + "".join(f"{value:10.3f}" for value in columns) + spread, flush=True)


if __name__ == "__main__":
    main()
