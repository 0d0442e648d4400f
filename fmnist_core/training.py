"""Training: a checked configuration, and a generator of small events.

The command line prints the events, the page draws them, a test lists them.
"""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fmnist_core.augment import random_flip, random_shift
from fmnist_core.dataset import Split, batches
from fmnist_core.errors import ConfigError
from fmnist_core.evaluation import measure
from fmnist_core.model import ARCHITECTURES, Network, to_inputs
from fmnist_core.sketches import make_sketches

WARM_UP: Final = 0.2  # part of the steps in which the learning rate rises


@dataclass(frozen=True)
class TrainConfig:
    """All that decides what a training run gives, besides the data.

    Raises:
        ConfigError: a value that cannot work, with what would.
    """

    architecture: str = "original"
    epochs: int = 10
    batch_size: int = 256
    learning_rate: float = 0.01
    """Highest rate of the one-cycle schedule."""
    weight_decay: float = 0.01
    label_smoothing: float = 0.0
    """Part of the target probability that is spread over all classes, 0..1."""
    flip: bool = True
    """Mirror half of the images."""
    shift: int = 1
    """Furthest that an image is moved, in pixels."""
    drawings: float = 0.0
    """Drawings made by the program that are added, as a part of the number of training images."""
    share: float = 1.0
    """Part of the training images that is used, above 0 and up to 1."""
    validation: float = 0.1
    """Part of the used images that is held out to find the best epoch; 0: none, and the last epoch is kept."""
    seed: int = 0
    device: str = "auto"
    """"auto" (CUDA when there is some), "cpu" or "cuda"."""
    max_steps: int = 0
    """Stop after this many steps; 0: no limit. For tests and trials."""
    report_every: int = 10
    """Steps from one ``StepDone`` to the next."""

    def __post_init__(self) -> None:
        if self.architecture not in ARCHITECTURES:
            raise ConfigError(f"There is no network {self.architecture!r}, expected one of {', '.join(ARCHITECTURES)}.")
        _check_range("The number of epochs", self.epochs, 1, 1000)
        _check_range("The batch size", self.batch_size, 2, 100_000)
        _check_range("The learning rate", self.learning_rate, 1e-7, 10)
        _check_range("The weight decay", self.weight_decay, 0, 10)
        _check_range("The label smoothing", self.label_smoothing, 0, 0.99)
        _check_range("The shift", self.shift, 0, 14)
        _check_range("The part of drawings", self.drawings, 0, 10)
        _check_range("The share of the data", self.share, 1e-4, 1)
        _check_range("The validation part", self.validation, 0, 0.9)
        _check_range("The step limit", self.max_steps, 0, math.inf)
        _check_range("The steps between reports", self.report_every, 1, math.inf)
        _check_range("The seed", self.seed, 0, 2**63 - 1)
        if self.device not in ("auto", "cpu", "cuda"):
            raise ConfigError(f"The device is {self.device!r}, expected auto, cpu or cuda.")


def _check_range(what: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:  # NaN is in no range
        raise ConfigError(f"{what} is {value:g}, expected {low:g} to {high:g}.")


# Chosen on held-out training images (10 %), never on the test images.
RECIPES: Final = {
    "original": TrainConfig(architecture="original", epochs=40, label_smoothing=0.05, weight_decay=0.05),
}


@dataclass(frozen=True)
class Started:
    """What is about to be trained, and on what."""

    device: str
    training_images: int
    validation_images: int
    steps: int
    parameters: int


@dataclass(frozen=True)
class StepDone:
    """The average over the steps since the last such event, or since the epoch began."""

    step: int  # from 1
    steps: int
    epoch: int  # from 1
    loss: float
    accuracy: float
    images_per_second: float
    seconds_left: float


@dataclass(frozen=True)
class EpochDone:
    """An epoch over the training images as they were shown (changed at random), and the held-out images after it."""

    epoch: int  # from 1
    step: int  # its last one
    loss: float
    accuracy: float
    validation_loss: float | None  # None without held-out images
    validation_accuracy: float | None
    best: bool  # the best so far: these weights are kept
    seconds: float  # since the start


@dataclass(frozen=True, eq=False)
class Finished:
    """The network with the best weights, on the CPU and ready to answer."""

    network: Network
    best_epoch: int  # 0: stopped before anything was learned
    stopped: bool
    seconds: float


Event = Started | StepDone | EpochDone | Finished


def pick_device(name: str = "auto") -> torch.device:
    """The device for a name of ``TrainConfig.device``.

    Raises:
        ConfigError: CUDA is asked for, and there is none.
    """
    if name == "cuda" and not torch.cuda.is_available():
        raise ConfigError("The device is cuda, but PyTorch sees no CUDA device here; expected auto or cpu.")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


def hold_out(images: Split, config: TrainConfig) -> tuple[Split, Split]:
    """The training part and the validation part of the share of ``images`` that ``config`` asks for."""
    generator = torch.Generator().manual_seed(config.seed)
    used = torch.randperm(len(images), generator=generator)[: max(2, round(config.share * len(images)))]
    held = min(round(config.validation * len(used)), len(used) - 2)
    return images.take(used[held:]), images.take(used[:held])


def train(
    config: TrainConfig,
    images: Split,
    *,
    start: Network | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Iterator[Event]:
    """Train a network on ``images`` and yield what happens; the last event is ``Finished``.

    Adam with decoupled weight decay (arXiv:1711.05101) under a one-cycle schedule (arXiv:1708.07120), on CUDA with
    mixed precision. The same configuration and images give the same weights on the same kind of machine.

    Args:
        config: what to do.
        images: the training images; the validation part is taken from them.
        start: the network to go on from; without it a new one is made from ``config.seed``.
        should_stop: asked before every step; once it says yes, the best weights so far are the result.

    Raises:
        ConfigError: the device is not there, there are too few images, ``start`` is another kind of network, or the
            loss grows beyond all numbers.
    """
    device = pick_device(config.device)
    if len(images) < 4:
        raise ConfigError(f"There are {len(images)} images to train on, expected at least 4.")
    training, validation = hold_out(images, config)
    if config.drawings:
        training = training.join(make_sketches(round(config.drawings * len(training)), config.seed))
    training, validation = training.to(device), validation.to(device)
    network = _new_network(config, start).to(device).to(memory_format=torch.channels_last).train()

    # A batch of one has no spread for batch normalisation: such a remainder is left out of its epoch.
    batch_size = min(config.batch_size, len(training))
    epoch_steps = len(training) // batch_size + (len(training) % batch_size > 1)
    steps = config.epochs * epoch_steps
    if config.max_steps:
        steps = min(steps, config.max_steps)
    yield Started(str(device), len(training), len(validation), steps, network.parameter_count)

    optimizer = torch.optim.AdamW(
        network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay, fused=True
    )
    mixed = device.type == "cuda"
    scaler = torch.amp.GradScaler(device.type, enabled=mixed)
    generator = torch.Generator().manual_seed(config.seed)

    began = time.perf_counter()
    best = _Best(network)
    step = 0
    stopped = False
    for epoch in range(1, math.ceil(steps / epoch_steps) + 1):
        epoch_sums, report_sums = _Sums(device), _Sums(device)
        for batch in batches(training, batch_size, generator):
            stopped = should_stop()
            if stopped or step == steps or len(batch) == 1:
                break
            inputs = to_inputs(_augment(batch.pixels, config, generator)).to(memory_format=torch.channels_last)
            with torch.autocast(device.type, dtype=torch.float16, enabled=mixed):
                logits = network(inputs)
                loss = F.cross_entropy(logits, batch.labels, label_smoothing=config.label_smoothing)
            optimizer.param_groups[0]["lr"] = config.learning_rate * one_cycle((step + 0.5) / steps)
            optimizer.zero_grad()
            scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
            scaler.step(optimizer)
            scaler.update()
            step += 1
            report_sums.add(loss.detach(), logits.detach(), batch.labels)
            if step % config.report_every == 0 or step == steps:
                # Reading a number waits for the device, so it is done for these steps only.
                loss_mean, accuracy = report_sums.means()
                seconds = time.perf_counter() - began
                speed = step * batch_size / seconds
                yield StepDone(step, steps, epoch, loss_mean, accuracy, speed, (steps - step) * seconds / step)
                epoch_sums.join(report_sums)
                report_sums = _Sums(device)
        epoch_sums.join(report_sums)
        if epoch_sums.count == 0:
            break  # stopped before the first step of this epoch
        loss_mean, accuracy = epoch_sums.means()
        measured = measure(network, validation) if len(validation) else None
        if not math.isfinite(measured.loss if measured else loss_mean):
            raise ConfigError(
                f"After epoch {epoch} the loss is no number: the learning rate {config.learning_rate:g} is too high."
            )
        is_best = best.offer(network, epoch, measured.accuracy if measured else math.nan)
        yield EpochDone(
            epoch,
            step,
            loss_mean,
            accuracy,
            measured.loss if measured else None,
            measured.accuracy if measured else None,
            is_best,
            time.perf_counter() - began,
        )
        if stopped:
            break
    network.load_state_dict(best.weights)
    yield Finished(network.cpu().eval(), best.epoch, stopped, time.perf_counter() - began)


def one_cycle(progress: float) -> float:
    """Learning rate as a part of its highest, for ``progress`` 0..1: a straight rise from 0, a straight fall to 0."""
    return min(progress / WARM_UP, (1 - progress) / (1 - WARM_UP))


def _new_network(config: TrainConfig, start: Network | None) -> Network:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        network = Network(config.architecture)
    if start is not None:
        if start.architecture != config.architecture:
            raise ConfigError(f"The weights to go on from are of {start.architecture}, expected {config.architecture}.")
        network.load_state_dict(start.state_dict())
    return network


def _augment(pixels: Tensor, config: TrainConfig, generator: torch.Generator) -> Tensor:
    if config.flip:
        pixels = random_flip(pixels, generator)
    if config.shift:
        pixels = random_shift(pixels, config.shift, generator)
    return pixels


class _Sums:
    """Loss and hits summed over images on the device, to be divided once."""

    def __init__(self, device: torch.device) -> None:
        self.loss = torch.zeros((), device=device)
        self.hits = torch.zeros((), dtype=torch.int64, device=device)
        self.count = 0

    def add(self, loss: Tensor, logits: Tensor, labels: Tensor) -> None:
        self.loss += loss * len(labels)
        self.hits += (logits.argmax(1) == labels).sum()
        self.count += len(labels)

    def join(self, other: "_Sums") -> None:
        self.loss += other.loss
        self.hits += other.hits
        self.count += other.count

    def means(self) -> tuple[float, float]:
        return float(self.loss) / self.count, int(self.hits) / self.count


class _Best:
    """The best weights so far by validation accuracy; without one (NaN) the latest."""

    def __init__(self, network: nn.Module) -> None:
        self.epoch, self.accuracy = 0, -math.inf
        self.weights = _copy(network)

    def offer(self, network: nn.Module, epoch: int, accuracy: float) -> bool:
        if accuracy <= self.accuracy:  # NaN is never below
            return False
        self.epoch, self.accuracy, self.weights = epoch, accuracy, _copy(network)
        return True


def _copy(network: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


def with_changes(config: TrainConfig, **changes: object) -> TrainConfig:
    """``config`` with those changes that are not None, checked again."""
    return replace(config, **{name: value for name, value in changes.items() if value is not None})  # type: ignore[arg-type]
