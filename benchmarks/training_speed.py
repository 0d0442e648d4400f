"""Seconds of training until a test accuracy is reached: our routine beside two loops that many start from.

    python -m benchmarks.training_speed [--seeds 0 1 2] [--only NAME ...] [--folder docs/speed]

The rules:

- Each run is a program of its own, and the entrants take turns, seed by seed.
- The clock runs while the network is trained, from the first batch of the first epoch. What comes before (loading
  PyTorch, reading and unpacking the files) is told apart, as *start*: a cold run takes both, a warm one the seconds of
  the table only.
- After each epoch the clock is stopped, and the network evaluated on the 10,000 test images. An accuracy is reached at
  the end of the first epoch after which it is at least that. (To look after each epoch favours whoever varies more; it
  is the same for all. Nobody chooses anything else by the test images.)
- A mean is of the runs that reached the accuracy, and stands there only if all of them did; else it is told how many.
- All train on the same 60,000 images, without synthetic ones, and hold none out.

Every run is added to the log FOLDER/<machine>.json (one that is there already, of the same entrant and seed, is
replaced), so the runs can be made in pieces. The tables of all logs are written into FOLDER.md.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

from fmnist_core import MEAN, STD, dataset
from fmnist_core.dataset import Dataset
from fmnist_core.dataset_formats import format_idx
from fmnist_core.evaluation import evaluate, measure
from fmnist_core.model import Network
from fmnist_core.train_config import TrainConfig, recipe, with_settings
from fmnist_core.training import TrainingState, pick_device, train
from fmnist_core.world import World, joined

TARGETS = (0.886, 0.90, 0.91, 0.92, 0.93, 0.94, 0.95)  # the first is what the original project reached
Point = tuple[float, float]  # seconds of training, test accuracy
START: Point = (0.0, 0.0)  # all is ready for the first batch
WORKERS = 2  # of each DataLoader


@dataclass(frozen=True)
class Entrant:
    """Something that is trained."""

    train: Callable[[Dataset, int, World], Iterator[Point]]  # data, seed -> START, then a point after each epoch
    description: str
    processes: int = 1


def original_loop(data: Dataset, seed: int, world: World) -> Iterator[Point]:
    """Batches of 1,000, Adam with a learning rate of 0.01, for 20 epochs."""
    network = Network("original")
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    return _loop(data, seed, network, optimizer, batch_size=1000, epochs=20)


def mnist_example(data: Dataset, seed: int, world: World) -> Iterator[Point]:
    """Batches of 64, Adadelta with a learning rate of 1 that is multiplied by 0.7 after each of 14 epochs."""
    layers = nn.Sequential(
        *(nn.Conv2d(1, 32, 3), nn.ReLU()),  # (N, 32, 26, 26)
        *(nn.Conv2d(32, 64, 3), nn.ReLU()),  # (N, 64, 24, 24)
        *(nn.MaxPool2d(2), nn.Dropout(0.25), nn.Flatten()),  # (N, 9216)
        *(nn.Linear(9216, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 10)),
    )
    return _loop(data, seed, layers, torch.optim.Adadelta(layers.parameters(), lr=1.0), 64, epochs=14, gamma=0.7)


def _loop(
    data: Dataset,
    seed: int,
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    batch_size: int,
    epochs: int,
    gamma: float = 1.0,
) -> Iterator[Point]:
    """As most are written: torchvision's data set, a shuffling DataLoader, one step a batch."""
    torch.manual_seed(seed)
    for module in network.modules():  # they were made before
        if hasattr(module, "reset_parameters"):
            module.reset_parameters()
    device = pick_device()
    network.to(device)
    transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((MEAN,), (STD,))])
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=gamma)
    apply = network.logits if isinstance(network, Network) else network
    with tempfile.TemporaryDirectory() as root:
        _unpack(data, Path(root))
        images = datasets.FashionMNIST(root, train=True, transform=transform)
        loader = DataLoader(images, batch_size, shuffle=True, num_workers=WORKERS, pin_memory=device.type == "cuda")
        yield START
        seconds = 0.0
        for _ in range(epochs):
            network.train()
            began = time.perf_counter()
            for inputs, labels in loader:
                optimizer.zero_grad()
                F.cross_entropy(apply(inputs.to(device)), labels.to(device)).backward()
                optimizer.step()
            schedule.step()
            _wait_for(device)
            seconds += time.perf_counter() - began
            yield seconds, _accuracy(network, apply, data, device)


def _unpack(data: Dataset, root: Path) -> None:
    """The files as torchvision wants them."""
    raw = root / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    for (part, what), file in dataset.IDX_FILES.items():
        array = getattr(getattr(data, part), what).numpy().astype("uint8")
        (raw / file.name).write_bytes(format_idx(array))


def _accuracy(network: nn.Module, apply: Callable[..., torch.Tensor], data: Dataset, device: torch.device) -> float:
    network.eval()
    with torch.inference_mode():
        batches = dataset.batches(data.test.to(device), 250)
        logits = torch.cat([apply((each.pixels[:, None] / 255 - MEAN) / STD) for each in batches])
    return measure(logits.cpu(), data.test.labels, tuple(map(str, range(10)))).accuracy


def routine(config: TrainConfig) -> Callable[[Dataset, int, World], Iterator[Point]]:
    """Our own, with a learning rate that rises and falls over the epochs of ``config``."""

    def points(data: Dataset, seed: int, world: World) -> Iterator[Point]:
        test = data.test.to(pick_device())
        found: list[Point] = []
        began = stopped = 0.0

        def look(state: TrainingState) -> None:
            nonlocal stopped
            _wait_for(state.device)
            looked = time.perf_counter()
            if world.is_first:
                found.append((looked - began - stopped, evaluate(state.network, test).accuracy))
            stopped += time.perf_counter() - looked

        events = train(replace(config, seed=seed), data.train, keep=look, world=world)
        next(events)
        yield START
        began = time.perf_counter()
        for _ in events:
            yield from found
            found.clear()

    return points


def _wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


def _ours(architecture: str, epochs: int, **changes: Any) -> TrainConfig:
    without = {"validation_fraction": 0, "drawings": 0, "cloth": 0, "doodles": 0}
    return with_settings(recipe(architecture), {"epochs": epochs} | without | changes)


# Three passes are too few to gain from augmentation or from smoothed labels.
QUICK = _ours("original", 3, flip=0, shift=0, label_smoothing=0, weight_decay=0.01)
ENTRANTS = {
    "original-loop": Entrant(original_loop, "the original project's network and loop"),
    "mnist-example": Entrant(mnist_example, "network and recipe of PyTorch's MNIST example"),
    "original-3": Entrant(routine(QUICK), "the original network, our routine, 3 epochs"),
    "original-12": Entrant(routine(_ours("original", 12)), "the original network, our routine, 12 epochs"),
    "deep-4": Entrant(routine(_ours("deep", 4)), "the deep network, our routine, 4 epochs"),
    "deep-12": Entrant(routine(_ours("deep", 12)), "the deep network, our routine, 12 epochs"),
    "original-3-by-2": Entrant(routine(QUICK), "the original network, 3 epochs, two processes", processes=2),
    "deep-4-by-2": Entrant(routine(_ours("deep", 4)), "the deep network, 4 epochs, two processes", processes=2),
}


def run_here(name: str, seed: int, began: float, log: Path) -> None:
    """Make one run in this process, and write what came of it."""
    with joined() as world:
        data = dataset.load(download=True)
        run = ENTRANTS[name].train(data, seed, world)
        next(run)
        start, points = time.time() - began, []
        for seconds, accuracy in run:
            print(f"  {name}, seed {seed}, epoch {len(points) + 1:2d}: {seconds:7.1f} s, {accuracy:.4f}", flush=True)
            points.append((round(seconds, 3), accuracy))
        if world.is_first:
            found = {"entrant": name, "seed": seed, "start": round(start, 2), "points": points}
            log.write_text(json.dumps(found | {"data": data.source, "load": os.getloadavg()[0]}))


def run_apart(name: str, seed: int) -> dict[str, Any]:
    """Make one run in a program of its own, or in as many as it wants."""
    program = [sys.executable]
    if ENTRANTS[name].processes > 1:
        program += ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={ENTRANTS[name].processes}"]
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "run.json"
        options = ["--entrant", name, "--seeds", str(seed), "--began", str(time.time()), "--folder", str(log)]
        subprocess.run([*program, "-m", "benchmarks.training_speed", *options], check=True)
        found: dict[str, Any] = json.loads(log.read_text())
        return found


def table(title: str, runs: list[dict[str, Any]]) -> str:
    """Markdown: a row for each entrant, a column for each accuracy that somebody reached."""
    best = max(accuracy for run in runs for _, accuracy in run["points"])
    targets = [target for target in TARGETS if target <= best]
    heads = ["", "n", *(f"{target:g}" for target in targets), "last", "start"]
    lines = [f"## {title}", "", f"| {' | '.join(heads)} |", "|" + "---|" * len(heads)]
    for name, entrant in ENTRANTS.items():
        own = [run for run in runs if run["entrant"] == name]
        if not own:
            continue
        cells = [entrant.description, str(len(own))]
        for target in targets:
            reached = [next((s for s, a in run["points"] if a >= target), None) for run in own]
            times = [seconds for seconds in reached if seconds is not None]
            if not times:
                cells.append("–")
            elif len(times) < len(own):
                cells.append(f"{len(times)} of {len(own)}")
            else:
                spread = f" ({min(times):.1f}–{max(times):.1f})" if len(times) > 1 else ""
                cells.append(f"{statistics.mean(times):.1f} s{spread}")
        last = [run["points"][-1] for run in own]
        cells.append(f"{statistics.mean(a for _, a in last):.4f} after {statistics.mean(s for s, _ in last):.0f} s")
        cells.append(f"{statistics.mean(run['start'] for run in own):.1f} s")
        lines.append(f"| {' | '.join(cells)} |")
    loads = [run["load"] for run in runs]
    lines += [
        "",
        f"Programs that wanted a core at the end of a run: {min(loads):.1f} to {max(loads):.1f}, ours included.",
    ]
    return "\n".join(lines) + "\n"


def write_tables(folder: Path) -> Path:
    """Write the tables of all logs in ``folder`` into a file beside it."""
    rules = (__doc__ or "").split("The rules:\n\n")[1].split("\n\nEvery run")[0]
    parts = [
        "# How fast the networks learn",
        "",
        "Made by `python -m benchmarks.training_speed`; seconds of training",
        "",
    ]
    parts[2] += " until a test accuracy is reached: mean (least–most) over the seeds."
    parts += [rules, ""]
    for log in sorted(folder.glob("*.json")):
        found = json.loads(log.read_text())
        parts.append(table(found["machine"], found["runs"]))
    file = folder.with_suffix(".md")
    file.write_text("\n".join(parts), encoding="utf-8")
    return file


def machine() -> tuple[str, str]:
    """A short name for this machine's log, and what it is."""
    about = (
        f"{os.cpu_count()} cores ({platform.machine()}), PyTorch {torch.__version__}, Python {sys.version.split()[0]}"
    )
    if torch.cuda.is_available():
        name = torch.cuda.get_device_name()
        return name.lower().replace(" ", "-"), f"{name}, {about}"
    return f"{os.cpu_count()}-cores", about


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument(
        "--only", nargs="+", choices=ENTRANTS, default=list(ENTRANTS), metavar="NAME", help=str(list(ENTRANTS))
    )
    parser.add_argument("--folder", type=Path, default=Path("docs/speed"))
    parser.add_argument("--entrant", choices=ENTRANTS, help=argparse.SUPPRESS)
    parser.add_argument("--began", type=float, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.entrant:
        return run_here(options.entrant, options.seeds[0], options.began, options.folder)
    name, about = machine()
    log = options.folder / f"{name}.json"
    options.folder.mkdir(parents=True, exist_ok=True)
    for seed in options.seeds:
        for entrant in options.only:
            new = run_apart(entrant, seed)
            runs = json.loads(log.read_text())["runs"] if log.is_file() else []
            others = [run for run in runs if (run["entrant"], run["seed"]) != (entrant, seed)]
            log.write_text(json.dumps({"machine": about, "runs": [*others, new]}, indent=1) + "\n")
    print(write_tables(options.folder).read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
