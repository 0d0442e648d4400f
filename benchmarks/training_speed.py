"""Time to the original recipe's accuracy: our training beside the original loop, in one run.

    python -m benchmarks.training_speed [--runs N] [--target 0.886]

The original loop: torchvision's data set with ToTensor and Normalize, a shuffling DataLoader, the same network, Adam
with a learning rate of 0.01, batches of 1,000. It is evaluated after every epoch on the test images until it reaches
the target. Ours: the whole set as one tensor and a learning rate that rises and falls over a fixed number of epochs,
evaluated once, at the end. Reading the files and evaluating are outside both clocks. The runs of the two take turns.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import torch
from torch.nn import functional as F
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

from fmnist_core import MEAN, STD, dataset
from fmnist_core.dataset import Dataset
from fmnist_core.dataset_formats import format_idx
from fmnist_core.evaluation import evaluate
from fmnist_core.events import EpochDone, Finished
from fmnist_core.model import Network
from fmnist_core.train_config import TrainConfig
from fmnist_core.training import train

MAX_EPOCHS = 30

# Three passes are too few to gain from augmentation, and few enough that every image can be used for training.
OURS = TrainConfig(epochs=3, batch_size=256, learning_rate=0.01, augmentations={}, validation_fraction=0)


def original(data: Dataset, root: str, seed: int, target: float, workers: int) -> tuple[float, float, int]:
    """Seconds, test accuracy and epochs of the original loop until the target."""
    torch.manual_seed(seed)
    transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((MEAN,), (STD,))])
    loader = DataLoader(
        datasets.FashionMNIST(root, train=True, transform=transform), batch_size=1000, shuffle=True, num_workers=workers
    )
    network = Network("original")
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    seconds = 0.0
    for epoch in range(1, MAX_EPOCHS + 1):
        began = time.perf_counter()
        for images, labels in loader:
            loss = F.cross_entropy(network.logits(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        seconds += time.perf_counter() - began
        accuracy = evaluate(network, data.test).accuracy
        print(f"  original, seed {seed}, epoch {epoch:2d}: {seconds:6.1f} s, {accuracy:.4f}", flush=True)
        if accuracy >= target:
            break
    return seconds, accuracy, epoch


def ours(data: Dataset, seed: int) -> tuple[float, float, int]:
    """Seconds, test accuracy and epochs of our training."""
    epochs = 0
    for event in train(replace(OURS, seed=seed), data.train):
        epochs += isinstance(event, EpochDone)
    assert isinstance(event, Finished)
    accuracy = evaluate(event.network, data.test).accuracy
    print(f"  ours,     seed {seed}, epoch {epochs:2d}: {event.seconds:6.1f} s, {accuracy:.4f}", flush=True)
    return event.seconds, accuracy, epochs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--target", type=float, default=0.886)
    parser.add_argument("--workers", type=int, default=2, help="of the original loop's DataLoader")
    options = parser.parse_args()
    data = dataset.load()
    results: dict[str, list[tuple[float, float, int]]] = {"original loop": [], "ours": []}
    with tempfile.TemporaryDirectory() as root:
        raw = Path(root) / "FashionMNIST" / "raw"
        raw.mkdir(parents=True)
        for (part, what), file in dataset.IDX_FILES.items():  # unpacked, as torchvision wants them
            array = getattr(getattr(data, part), what).numpy().astype("uint8")
            (raw / file.name).write_bytes(format_idx(array))
        for seed in range(options.runs):
            results["ours"].append(ours(data, seed))
            results["original loop"].append(original(data, root, seed, options.target, options.workers))
    print(f"{os.cpu_count()} cores, torch {torch.__version__}, Python {sys.version.split()[0]}; {data.source}")
    for name, rows in results.items():
        seconds, accuracies, epochs = zip(*rows, strict=True)
        spread = f"{min(seconds):.1f} .. {max(seconds):.1f}"
        print(
            f"{name:14s} n={len(rows)}   {statistics.mean(seconds):6.1f} s ({spread})   epochs {list(epochs)}   "
            f"test accuracy {statistics.mean(accuracies):.4f} ({min(accuracies):.4f} .. {max(accuracies):.4f})"
        )
    if min(accuracy for rows in results.values() for _, accuracy, _ in rows) < options.target:
        sys.exit(f"Not every run reached {options.target}: their times cannot be compared.")
    ratio = [theirs[0] / mine[0] for mine, theirs in zip(results["ours"], results["original loop"], strict=True)]
    print(f"ours is {statistics.mean(ratio):.1f} times faster ({min(ratio):.1f} .. {max(ratio):.1f})")


if __name__ == "__main__":
    main()
