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
from torch.optim import Optimizer

from fmnist_core import CLASS_NAMES
from fmnist_core.augment import random_erase, random_flip, random_photo, random_shift
from fmnist_core.dataset import Split, batches
from fmnist_core.errors import ConfigError
from fmnist_core.evaluation import calibrate, measure
from fmnist_core.material import MADE, supplies, with_made
from fmnist_core.model import ARCHITECTURES, Network, to_inputs
from fmnist_core.muon import Muon
from fmnist_core.sketches import NO_CLASS

LEAST_TO_CALIBRATE: Final = 200  # images held out; of fewer the probabilities would become those of chance
PUBLISHED: Final = 60_000  # training images of the data set
DEVICES: Final = ("auto", "cpu", "cuda")
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
    """Drawings from templates that are shown with each batch of images, as a part of its size."""
    tracings: float = 0.0
    """Drawings traced from the training images, likewise."""
    cloth: float = 0.0
    """Garments cut out of cloth along the templates, as if out of photos, likewise."""
    doodles: float = 0.0
    """Drawings of other things, likewise, to be answered with "any class" (outlier exposure, arXiv:1812.04606)."""
    photos: float = 0.0
    """Part of the images that are changed as if they had been photographed and cut out."""
    erase: float = 0.0
    """Part of the images in which a rectangle is filled with noise (random erasing, arXiv:1708.04896)."""
    mixed: bool = False
    """Multiply in 16 bits where that is faster: on CUDA, and on processors with bfloat16."""
    pruning: float = 0.0
    """Part of the training images that each epoch leaves out, among those that are easy: see ``kept_images``."""
    share: float = 1.0
    """Part of the training images that is used, above 0 and up to 1."""
    validation: float = 0.05
    """Part of the used images that is held out to find the epoch of least loss; 0: none, and the last epoch is kept."""
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
        _check_range("The part of tracings", self.tracings, 0, 10)
        _check_range("The part of cloth", self.cloth, 0, 10)
        _check_range("The part of doodles", self.doodles, 0, 10)
        _check_range("The part of photos", self.photos, 0, 1)
        _check_range("The part of erasing", self.erase, 0, 1)
        _check_range("The pruning", self.pruning, 0, 0.9)
        _check_range("The share of the data", self.share, 1e-4, 1)
        _check_range("The validation part", self.validation, 0, 0.9)
        _check_range("The step limit", self.max_steps, 0, math.inf)
        _check_range("The steps between reports", self.report_every, 1, math.inf)
        _check_range("The seed", self.seed, 0, 2**63 - 1)
        if self.device not in DEVICES:
            raise ConfigError(f"The device is {self.device!r}, expected auto, cpu or cuda.")


def _check_range(what: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:  # NaN is in no range
        raise ConfigError(f"{what} is {value:g}, expected {low:g} to {high:g}.")


# What is shown besides the data set so that drawings and photos are recognised too. No tracings, for those of shirts,
# coats and pullovers are hard to tell apart, and no images changed as if photographed: beside what is here, both cost
# the data set more than they bring elsewhere (``benchmarks.ablation``).
FOR_PEOPLE: Final[dict[str, float]] = {
    "drawings": 0.3,
    "cloth": 0.25,
    "doodles": 0.1,
}

# Chosen on held-out training images, never on the test images; the parts for people by judgement.
RECIPES: Final = {
    "original": TrainConfig(architecture="original", epochs=40, label_smoothing=0.05, weight_decay=0.05),
    "deep": TrainConfig(
        architecture="deep",
        epochs=60,
        pruning=0.5,
        erase=0.5,
        label_smoothing=0.05,
        weight_decay=0.1,
        mixed=True,
        **FOR_PEOPLE,  # type: ignore[arg-type]
    ),
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
    """Where a training is."""

    step: int  # from 1
    steps: int
    epoch: int  # from 1
    loss: float  # to smoothed labels, made pictures too: average since the last such event, or since the epoch began
    accuracy: float  # likewise, of pictures that have a class
    images_per_second: float  # training images since the start; what is made besides them is not counted
    seconds_left: float


@dataclass(frozen=True)
class EpochDone:
    """An epoch over all that was shown, changed at random and with what was made, and the held-out images after it.

    So the two losses are not of the same things: that of the held-out images is to their plain labels.
    """

    epoch: int  # from 1
    step: int  # its last one
    loss: float  # as in ``StepDone``
    accuracy: float  # likewise
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
    """The training part and the validation part of the share of ``images`` that ``config`` asks for.

    Numbers in the data set decide, not the seed: held out are always the first images of one order, and shares are
    filled from its end. So no training has seen what the next one holds out, that goes on from its weights with another
    seed, another share, or the shipped samples; unless that holds out a larger part.
    """
    count = len(images)
    numbered = max(PUBLISHED, int(images.numbers.max()) + 1)
    ranks = torch.randperm(numbered, generator=torch.Generator().manual_seed(0)).argsort()
    order = ranks[images.numbers].argsort()
    used = max(2, round(config.share * count))
    held = min(round(config.validation * used), used - 2)
    return images.take(order[count - used + held :]), images.take(order[:held])


def train(
    config: TrainConfig,
    images: Split,
    *,
    start: Network | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Iterator[Event]:
    """Train a network on ``images`` and yield what happens; the last event is ``Finished``.

    Muon for the weights of the hidden layers, AdamW (arXiv:1711.05101) for all else, both under a one-cycle schedule
    (arXiv:1708.07120). The same configuration and images give the same weights on the same kind of processor (CUDA
    does not promise it).

    Args:
        config: what to do.
        images: the training images; the validation part is taken from them.
        start: the network to go on from; without it a new one is made from ``config.seed``.
        should_stop: asked before every step; once it says yes, the best weights so far are the result.

    Raises:
        ConfigError: the device is not there, there are too few images, ``start`` is another kind of network, or the
            loss grows beyond all numbers.
    """
    check_start(config, start)
    device = pick_device(config.device)
    if len(images) < 4:
        raise ConfigError(f"There are {len(images)} images to train on, expected at least 4.")
    training, validation = hold_out(images, config)
    training = Split.of(training.pixels, training.labels)  # numbered anew, as ``losses`` are
    made = supplies({kind: getattr(config, kind) for kind in MADE}, training, config.seed, device)
    training, validation = training.to(device), validation.to(device)
    network = _new_network(config, start).to(device).to(memory_format=torch.channels_last).train()

    # A batch of one has no spread for batch normalisation: such a remainder is left out of its epoch.
    shown = max(2, len(training) - round(config.pruning * len(training)))  # of an epoch
    batch_size = min(config.batch_size, shown)
    epoch_steps = shown // batch_size + (shown % batch_size > 1)
    steps = config.epochs * epoch_steps
    if config.max_steps:
        steps = min(steps, config.max_steps)
    yield Started(str(device), len(training), len(validation), steps, network.parameter_count)

    half = _half_type(device) if config.mixed else None
    optimizers = _optimizers(network, config, half)
    scaler = torch.amp.GradScaler(device.type, enabled=half is torch.float16)
    generator = torch.Generator(device).manual_seed(config.seed)

    began = time.perf_counter()
    best = _Best(network)
    losses = torch.full((len(training),), math.inf, device=device)  # of each image, when it was shown last
    step = images_shown = 0
    stopped = False
    for epoch in range(1, math.ceil(steps / epoch_steps) + 1):
        epoch_sums, report_sums = _Sums(device), _Sums(device)
        kept, weights = kept_images(losses, shown, generator)
        for batch in batches(training.take(kept), batch_size, generator):
            stopped = should_stop()
            if stopped or step == steps or len(batch) == 1:
                break
            pixels = random_photo(batch.pixels, config.photos, generator)
            pixels = random_erase(pixels, config.erase, generator)
            pixels, labels = with_made(replace(batch, pixels=pixels), made, generator)
            inputs = to_inputs(_moved(pixels, config, generator)).to(memory_format=torch.channels_last)
            with torch.autocast(device.type, dtype=half, enabled=half is not None):
                logits = network(inputs)
                of_each = F.cross_entropy(
                    logits.float(), _targets(labels), label_smoothing=config.label_smoothing, reduction="none"
                )
            losses[batch.numbers] = of_each.detach()[: len(batch)]
            weight = F.pad(weights[batch.numbers], (0, len(labels) - len(batch)), value=1.0)  # 1 for what was made
            loss = (weight * of_each).mean()
            network.zero_grad()
            scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
            for optimizer in optimizers:
                optimizer.param_groups[0]["lr"] = config.learning_rate * one_cycle((step + 0.5) / steps)
                scaler.step(optimizer)
            scaler.update()
            step += 1
            images_shown += len(batch)
            report_sums.add(loss.detach(), logits.detach(), labels, weight)
            if step % config.report_every == 0 or step == steps:
                # Reading a number waits for the device, so it is done for these steps only.
                loss_mean, accuracy = report_sums.means()
                _check_finite(loss_mean, epoch, config)
                seconds = time.perf_counter() - began
                speed = images_shown / seconds
                yield StepDone(step, steps, epoch, loss_mean, accuracy, speed, (steps - step) * seconds / step)
                epoch_sums.join(report_sums)
                report_sums = _Sums(device)
        epoch_sums.join(report_sums)
        if epoch_sums.count == 0:
            break  # stopped before the first step of this epoch
        loss_mean, accuracy = epoch_sums.means()
        measured = measure(network, validation) if len(validation) else None
        _check_finite(measured.loss if measured else loss_mean, epoch, config)
        is_best = best.offer(network, epoch, measured.loss if measured else math.nan)
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
    if len(validation) >= LEAST_TO_CALIBRATE and best.epoch:
        calibrate(network, validation)
    yield Finished(network.cpu().eval(), best.epoch, stopped, time.perf_counter() - began)


def _check_finite(loss: float, epoch: int, config: TrainConfig) -> None:
    if not math.isfinite(loss):
        raise ConfigError(
            f"In epoch {epoch} the loss is no number any more: the learning rate {config.learning_rate:g} is too high."
        )


def kept_images(losses: Tensor, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Which ``count`` images an epoch shows, places (count,), and what each image weighs, (N,), for ``losses`` (N,).

    Those of greatest loss fill half of the room, others the rest by chance; these weigh as much more as there are more
    of them, so that what is shown stands for all images (dynamic data pruning, as InfoBatch: arXiv:2303.04947).
    """
    if count == len(losses):
        return torch.arange(count, device=losses.device), torch.ones_like(losses)
    hard = (count + 1) // 2
    order = losses.argsort(descending=True)
    by_chance = hard + torch.randperm(len(losses) - hard, generator=generator, device=losses.device)[: count - hard]
    weights = torch.full_like(losses, (len(losses) - hard) / max(count - hard, 1))
    weights[order[:hard]] = 1
    return torch.cat([order[:hard], order[by_chance]]), weights * count / len(losses)


def check_start(config: TrainConfig, start: Network | None) -> None:
    """Raise ``ConfigError`` when a training of ``config`` cannot go on from ``start``."""
    if start is not None and start.architecture != config.architecture:
        raise ConfigError(f"The weights to go on from are of {start.architecture}, expected {config.architecture}.")


def one_cycle(progress: float) -> float:
    """Learning rate as a part of its highest, for ``progress`` 0..1: a straight rise from 0, a straight fall to 0."""
    return min(progress / WARM_UP, (1 - progress) / (1 - WARM_UP))


def _new_network(config: TrainConfig, start: Network | None) -> Network:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        network = Network(config.architecture)
    if start is not None:
        network.load_state_dict(start.state_dict())
    return network


def _optimizers(network: Network, config: TrainConfig, half: torch.dtype | None) -> tuple[Optimizer, Optimizer]:
    matrices = [parameter for parameter in network.parameters() if parameter.dim() > 1]
    hidden = matrices[1:-1]  # neither of the first layer nor of the last: their sides are pixels and classes
    is_hidden = set(hidden)
    rest = [parameter for parameter in network.parameters() if parameter not in is_hidden]
    rate, decay = config.learning_rate, config.weight_decay
    return (
        Muon(hidden, rate, decay, dtype=half or torch.float32),
        torch.optim.AdamW(rest, lr=rate, weight_decay=decay, fused=True),
    )


def _half_type(device: torch.device) -> torch.dtype | None:
    """The type of 16 bits in which ``device`` multiplies faster than in 32."""
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    capabilities = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    has_bfloat16 = any(capabilities.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16"))
    return torch.bfloat16 if has_bfloat16 else None


def _moved(pixels: Tensor, config: TrainConfig, generator: torch.Generator) -> Tensor:
    if config.flip:
        pixels = random_flip(pixels, generator)
    if config.shift:
        pixels = random_shift(pixels, config.shift, generator)
    return pixels


def _targets(labels: Tensor) -> Tensor:
    """Probabilities (N, 10) to be learned: all of it for the class, the same for every class where there is none."""
    one_hot = F.one_hot(labels.clamp(min=0), len(CLASS_NAMES)).float()
    return torch.where(labels[:, None] == NO_CLASS, 1 / len(CLASS_NAMES), one_hot)


class _Sums:
    """Loss and hits summed over images on the device, to be divided once."""

    def __init__(self, device: torch.device) -> None:
        self.loss = torch.zeros((), device=device)
        self.hits = torch.zeros((), device=device)
        self.of_a_class = torch.zeros((), device=device)
        self.count = 0

    def add(self, loss: Tensor, logits: Tensor, labels: Tensor, weight: Tensor) -> None:
        self.loss += loss * len(labels)
        self.hits += ((logits.argmax(1) == labels) * weight).sum()
        self.count += len(labels)
        self.of_a_class += ((labels != NO_CLASS) * weight).sum()

    def join(self, other: "_Sums") -> None:
        self.loss += other.loss
        self.hits += other.hits
        self.of_a_class += other.of_a_class
        self.count += other.count

    def means(self) -> tuple[float, float]:
        return float(self.loss) / self.count, float(self.hits) / max(float(self.of_a_class), 1)


class _Best:
    """The weights of least validation loss so far, for accuracy is more of chance; without one (NaN) the latest."""

    def __init__(self, network: nn.Module) -> None:
        self.epoch, self.loss = 0, math.inf
        self.weights = _copy(network)

    def offer(self, network: nn.Module, epoch: int, loss: float) -> bool:
        if loss >= self.loss:  # NaN is never above
            return False
        self.epoch, self.loss, self.weights = epoch, loss, _copy(network)
        return True


def _copy(network: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


def with_changes(config: TrainConfig, **changes: object) -> TrainConfig:
    """``config`` with those changes that are not None, checked again."""
    return replace(config, **{name: value for name, value in changes.items() if value is not None})  # type: ignore[arg-type]
