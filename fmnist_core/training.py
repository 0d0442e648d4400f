"""Training: set-up, one step, validation, and a generator of small events over them.

The command line prints the events, the page draws them, a test lists them.
"""

import math
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Optimizer

from fmnist_core import CLASS_NAMES
from fmnist_core.augment import augment
from fmnist_core.control import Control
from fmnist_core.dataset import TRAINING_IMAGES, Split, batches
from fmnist_core.errors import ConfigError
from fmnist_core.evaluation import Evaluation, calibrate, measure, predict_logits
from fmnist_core.events import Changed, Continued, EpochDone, Event, Finished, Paused, Started, StepDone
from fmnist_core.model import Network
from fmnist_core.muon import Muon
from fmnist_core.snapshots import SnapshotTaker
from fmnist_core.synthetic.kinds import NO_CLASS
from fmnist_core.synthetic.pools import Pool, make_pools, mix_in_synthetic
from fmnist_core.train_config import TrainConfig
from fmnist_core.world import ALONE, World

MIN_TO_CALIBRATE: Final = 200  # held-out images; with fewer the temperature would be left to chance
WARM_UP: Final = 0.2  # fraction of the steps in which the learning rate rises
PAUSE_POLL: Final = 0.1  # seconds from one look whether a pause is over to the next


def pick_device(name: str = "auto") -> torch.device:
    """The device for a name of ``TrainConfig.device``.

    Raises:
        ConfigError: CUDA is asked for, and there is none.
    """
    if name == "cuda" and not torch.cuda.is_available():
        raise ConfigError("The device is cuda, but PyTorch sees no CUDA device here; expected auto or cpu.")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


def hold_out(images: Split, config: TrainConfig) -> tuple[Split, Split]:
    """The images to train on and those held out, of the fraction of ``images`` that ``config`` asks for.

    Numbers in the data set decide, not the seed: held out are always the first images of one order, and fractions are
    filled from its end. So no training has seen what the next one holds out that starts from its weights with another
    seed, another fraction, or the shipped samples; unless that holds out a larger fraction.
    """
    count = len(images)
    numbered = max(TRAINING_IMAGES, int(images.numbers.max()) + 1)
    ranks = torch.randperm(numbered, generator=torch.Generator().manual_seed(0)).argsort()
    order = ranks[images.numbers].argsort()
    used = max(2, round(config.data_fraction * count))
    held = min(round(config.validation_fraction * used), used - 2)
    return images.take(order[count - used + held :]), images.take(order[:held])


def check_init_from(config: TrainConfig, init_from: Network | None) -> None:
    """Raise ``ConfigError`` when a training of ``config`` cannot start from the weights of ``init_from``."""
    if init_from is None:
        return
    if init_from.architecture != config.architecture:
        raise ConfigError(
            f"The weights to start from are of the network {init_from.architecture}, expected {config.architecture}."
        )
    if init_from.rows != list(config.layers):
        raise ConfigError("The weights to start from are of a network with other layers.")
    if len(init_from.class_names) < len(CLASS_NAMES):
        raise ConfigError(
            f"The weights to start from know {len(init_from.class_names)} classes, expected {len(CLASS_NAMES)}."
        )


@dataclass(eq=False)
class TrainingState:
    """Everything that changes while a network is trained."""

    config: TrainConfig  # its learning rate and epochs are those that are wanted by now
    world: World  # the processes that train the network
    device: torch.device
    network: Network
    training: Split
    validation: Split
    pools: list[Pool]  # of synthetic images
    optimizers: list[Optimizer]
    amp_dtype: torch.dtype | None  # in which matrices are multiplied; None: float32
    scaler: torch.amp.GradScaler
    order: torch.Generator  # of the images
    augmentation: torch.Generator  # of everything done to them
    dropout_seed: int
    losses: Tensor  # float32 (N,), of each training image when it was last shown
    shown: int  # training images in an epoch
    batch_size: int
    epoch_steps: int
    best: "Best"
    step: int = 0  # how many have been taken
    paused_seconds: float = 0.0

    @property
    def steps(self) -> int:
        """How many there will be in all."""
        steps, limit = self.config.epochs * self.epoch_steps, self.config.max_steps
        return min(steps, limit) if limit else steps


def set_up(config: TrainConfig, images: Split, init_from: Network | None = None, world: World = ALONE) -> TrainingState:
    """A training that is ready for its first step.

    Raises:
        ConfigError: the device is not there, there are too few images, also for the processes, or ``init_from`` is
            another kind of network.
    """
    check_init_from(config, init_from)
    device = pick_device(config.device)
    if len(images) < 4:
        raise ConfigError(f"There are {len(images)} images to train on, expected at least 4.")
    training, validation = hold_out(images, config)
    training = Split.of(training.pixels, training.labels)  # numbered anew, as ``losses`` are
    init_seed, order_seed, augmentation_seed, dropout_seed, pool_seed = (
        np.random.SeedSequence(config.seed).generate_state(5, np.uint64).tolist()
    )
    network = _new_network(config, init_seed, init_from).to(device).to(memory_format=torch.channels_last).train()
    world.normalise_together(network)
    world.equalise(network)
    amp_dtype = _amp_dtype(device) if config.amp else None

    # A batch of one has no variance for batch normalisation: such a remainder is left out of its epoch.
    shown = max(2, len(training) - round(config.skipped_fraction * len(training)))
    batch_size = min(config.batch_size, shown)
    if batch_size < world.size:
        raise ConfigError(f"{batch_size} images are a batch, expected at least one for each of {world.size} processes.")
    epoch_steps = shown // batch_size + (shown % batch_size > 1)
    return TrainingState(
        config=config,
        world=world,
        device=device,
        network=network,
        training=training.to(device),
        validation=validation.to(device),
        pools=make_pools(config.synthetic, len(training), pool_seed, device),
        optimizers=_optimizers(network, config, amp_dtype),
        amp_dtype=amp_dtype,
        scaler=torch.amp.GradScaler(device.type, enabled=amp_dtype is torch.float16),
        order=torch.Generator(device).manual_seed(order_seed),
        augmentation=torch.Generator(device).manual_seed(augmentation_seed),
        dropout_seed=dropout_seed,
        losses=torch.full((len(training),), math.inf, device=device),
        shown=shown,
        batch_size=batch_size,
        epoch_steps=epoch_steps,
        best=Best(network),
    )


def train_step(state: TrainingState, batch: Split, loss_weights: Tensor, metrics: "Metrics") -> None:
    """Augment a batch, mix synthetic images in, and take one step; what came of it is added to ``metrics``.

    Args:
        state: the training.
        batch: images of ``state.training``.
        loss_weights: float32 (N,), of all training images.
        metrics: sums of loss and accuracy.
    """
    config, augmentation, world, network = state.config, state.augmentation, state.world, state.network
    # Every process makes the whole batch, for the random numbers of a part depend on those before it.
    pixels = augment(batch.pixels, config.augmentations, augmentation, synthetic_too=False)
    pixels, labels = mix_in_synthetic(replace(batch, pixels=pixels), state.pools, augmentation)
    pixels = augment(pixels, config.augmentations, augmentation, synthetic_too=True)
    count = len(labels)
    part = world.part(count)
    inputs = network.to_inputs(pixels[part]).to(memory_format=torch.channels_last)
    amp = torch.autocast(state.device.type, state.amp_dtype, enabled=state.amp_dtype is not None)
    dropout_seed = state.dropout_seed + state.step * world.size + world.rank
    with _seeded(dropout_seed, state.device), amp:  # dropout has no generator of its own
        logits = network.logits(inputs)
        losses = F.cross_entropy(
            logits.float(),
            _targets(labels[part], logits.shape[1]),
            label_smoothing=config.label_smoothing,
            reduction="none",
        )
    weights = F.pad(loss_weights[batch.numbers], (0, count - len(batch)), value=1.0)  # 1 for synthetic images
    loss = (weights[part] * losses).sum() / count
    network.zero_grad()
    state.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
    world.add_up([parameter.grad for parameter in network.parameters() if parameter.grad is not None])
    for optimizer in state.optimizers:
        optimizer.param_groups[0]["lr"] = config.learning_rate * linear_warmup_decay((state.step + 0.5) / state.steps)
        state.scaler.step(optimizer)
    state.scaler.update()
    state.step += 1
    losses, logits = (world.join(each.detach(), count) for each in (losses, logits))
    state.losses[batch.numbers] = losses[: len(batch)]
    metrics.add((weights * losses).mean(), logits, labels, weights)


def validate(state: TrainingState) -> Evaluation | None:
    """How the network does on the held-out images; None without any."""
    images, world = state.validation, state.world
    if not len(images):
        return None
    logits = predict_logits(state.network, images.take(world.part(len(images))))
    return measure(world.join(logits, len(images)), images.labels, state.network.class_names)


def train(
    config: TrainConfig,
    images: Split,
    *,
    init_from: Network | None = None,
    control: Callable[[], Control] = Control,
    snapshots: SnapshotTaker | None = None,
    resume: Callable[[TrainingState], None] | None = None,
    keep: Callable[[TrainingState], None] | None = None,
    world: World = ALONE,
) -> Iterator[Event]:
    """Train a network on ``images`` and yield what happens; the last event is ``Finished``.

    Muon for the weights of the hidden layers, AdamW (arXiv:1711.05101) for all else, both with a learning rate that
    rises and falls linearly (after arXiv:1708.07120). The same configuration and images give the same weights on the
    same kind of processor (CUDA does not promise it).

    Args:
        config: what to do.
        images: the training images; those held out are taken from them.
        init_from: the network whose weights to start from; without it they are random.
        control: asked before every step, and after each epoch, what is wanted of the training by now.
        snapshots: takes snapshots of the network at its moments; without it there are none.
        resume: puts a training that is ready for its first step where an earlier one was broken off.
        keep: given the state after every epoch, to ``resume`` from.
        world: the processes that train the network, each of which calls this alike; the first is asked for ``control``.

    Raises:
        ConfigError: as ``set_up``, or the loss is not finite any more.
        ProcessLost: another process has ended.
    """
    state = set_up(config, images, init_from, world)
    if resume:
        resume(state)
    network, best = state.network, state.best
    yield Started(
        str(state.device),
        len(state.training),
        len(state.validation),
        state.steps,
        network.parameter_count,
        state.config.epochs,
        state.config.learning_rate,
    )

    began = time.perf_counter()

    def seconds_at_work() -> float:
        return time.perf_counter() - began - state.paused_seconds

    if snapshots and snapshots.is_due(0, state.steps):
        yield snapshots.take(network, state.step, state.steps)
    images_seen, resumed_at = 0, state.step
    stopped = False
    while state.step < state.steps and not stopped:
        epoch = state.step // state.epoch_steps + 1
        epoch_metrics, metrics = Metrics(state.device), Metrics(state.device)
        selected, loss_weights = select_samples(state.losses, state.shown, state.order)
        for batch in batches(state.training.take(selected), state.batch_size, state.order):
            if state.step == state.steps or len(batch) == 1:
                break
            stopped = yield from _follow(control, state)
            if stopped:
                break
            train_step(state, batch, loss_weights, metrics)
            images_seen += len(batch)
            step = state.step
            if step % config.report_every == 0 or step == state.steps:
                # Reading a number waits for the device, so it is done for these steps only.
                loss, accuracy = metrics.means()
                _check_finite(loss, epoch, state.config)
                seconds = seconds_at_work()
                seconds_left = (state.steps - step) * seconds / (step - resumed_at)
                yield StepDone(step, state.steps, epoch, loss, accuracy, images_seen / seconds, seconds_left)
                epoch_metrics.join(metrics)
                metrics = Metrics(state.device)
            if snapshots and snapshots.is_due(step, state.steps):
                yield snapshots.take(network, step, state.steps)
        epoch_metrics.join(metrics)
        if epoch_metrics.count == 0:
            break  # stopped before the first step of this epoch
        world.equalise(network)
        loss, accuracy = epoch_metrics.means()
        held_out = validate(state)
        _check_finite(held_out.loss if held_out else loss, epoch, state.config)
        is_best = best.offer(network, epoch, held_out.loss if held_out else math.nan)
        yield EpochDone(
            epoch,
            state.step,
            loss,
            accuracy,
            held_out.loss if held_out else None,
            held_out.accuracy if held_out else None,
            is_best,
            seconds_at_work(),
        )
        if stopped:
            break
        # Also after the last step, for an epoch more may be wanted; to stop there is to end as ever.
        stopped = (yield from _follow(control, state)) and state.step < state.steps
        if keep:
            keep(state)
    network.load_state_dict(best.weights)
    if len(state.validation) >= MIN_TO_CALIBRATE and best.epoch:
        calibrate(network, state.validation)
    yield Finished(network.cpu().eval(), best.epoch, stopped, seconds_at_work())


def _follow(control: Callable[[], Control], state: TrainingState) -> Generator[Event, None, bool]:
    """Do what is wanted by now, wait for as long as that is a pause, and tell whether it is to stop."""
    paused_at = None
    while True:
        wanted = state.world.agree(control())
        config = wanted.applied_to(state.config)
        if config is not state.config:
            state.config = config
            yield Changed(state.step, state.steps, config.epochs, config.learning_rate)
        if wanted.stop or not wanted.paused:
            break
        if paused_at is None:
            paused_at = time.perf_counter()
            yield Paused(state.step)
        time.sleep(PAUSE_POLL)
    if paused_at is not None:
        state.paused_seconds += time.perf_counter() - paused_at
        if not wanted.stop:
            yield Continued(state.step)
    return wanted.stop


def _check_finite(loss: float, epoch: int, config: TrainConfig) -> None:
    if not math.isfinite(loss):
        raise ConfigError(
            f"In epoch {epoch} the loss is no longer finite: the learning rate {config.learning_rate:g} is too high."
        )


def select_samples(losses: Tensor, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Which ``count`` images an epoch shows, indices (count,), and their loss weights (N,), for ``losses`` (N,).

    One half are those of greatest loss, the other half is drawn from the rest at random; these weigh more, as many
    times as there are more of them, so that what is shown stands for all images (dynamic sample selection, after
    InfoBatch: arXiv:2303.04947).
    """
    if count == len(losses):
        return torch.arange(count, device=losses.device), torch.ones_like(losses)
    hard = (count + 1) // 2
    order = losses.argsort(descending=True)
    drawn = hard + torch.randperm(len(losses) - hard, generator=generator, device=losses.device)[: count - hard]
    loss_weights = torch.full_like(losses, (len(losses) - hard) / max(count - hard, 1))
    loss_weights[order[:hard]] = 1
    return torch.cat([order[:hard], order[drawn]]), loss_weights * count / len(losses)


def linear_warmup_decay(progress: float) -> float:
    """Learning rate as a fraction of its highest, for ``progress`` 0..1: it rises linearly from 0, then falls to 0."""
    return min(progress / WARM_UP, (1 - progress) / (1 - WARM_UP))


def _new_network(config: TrainConfig, seed: int, init_from: Network | None) -> Network:
    if init_from is not None:
        network = Network(**init_from.config)
        network.load_state_dict(init_from.state_dict())
        return network
    with _seeded(seed, torch.device("cpu")):
        return Network(**config.network)


@contextmanager
def _seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Random numbers on ``device`` start from ``seed``; afterwards they go on as if nothing had been drawn."""
    is_cuda = device.type == "cuda"
    with torch.random.fork_rng(devices=[device] if is_cuda else []):
        # Not ``torch.manual_seed``, which seeds all other devices too.
        (torch.cuda.manual_seed if is_cuda else torch.default_generator.manual_seed)(seed % 2**64)
        yield


def _optimizers(network: Network, config: TrainConfig, amp_dtype: torch.dtype | None) -> list[Optimizer]:
    matrices = [parameter for parameter in network.parameters() if parameter.dim() > 1]
    hidden = matrices[1:-1]  # neither of the first layer nor of the last: their sides are pixels and classes
    is_hidden = set(hidden)
    rest = [parameter for parameter in network.parameters() if parameter not in is_hidden]
    rate, decay = config.learning_rate, config.weight_decay
    optimizers: list[Optimizer] = [torch.optim.AdamW(rest, lr=rate, weight_decay=decay, fused=True)]
    if hidden:
        optimizers.append(Muon(hidden, rate, decay, dtype=amp_dtype or torch.float32))
    return optimizers


def _amp_dtype(device: torch.device) -> torch.dtype | None:
    """The type of 16 bits in which ``device`` multiplies faster than in 32."""
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    capabilities = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    has_bfloat16 = any(capabilities.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16"))
    return torch.bfloat16 if has_bfloat16 else None


def _targets(labels: Tensor, classes: int) -> Tensor:
    """Target probabilities (N, classes): 1 for the class, or the same for every class where there is none."""
    one_hot = F.one_hot(labels.clamp(min=0), classes).float()
    return torch.where(labels[:, None] == NO_CLASS, 1 / classes, one_hot)


class Metrics:
    """Loss and accuracy as sums over images on the device, to be divided once."""

    def __init__(self, device: torch.device) -> None:
        self.loss = torch.zeros((), device=device)
        self.hits = torch.zeros((), device=device)
        self.of_a_class = torch.zeros((), device=device)
        self.count = 0

    def add(self, loss: Tensor, logits: Tensor, labels: Tensor, weights: Tensor) -> None:
        """Add a batch: its mean loss, logits (N, classes), labels (N,) and what each image counts (N,)."""
        self.loss += loss * len(labels)
        self.hits += ((logits.argmax(1) == labels) * weights).sum()
        self.count += len(labels)
        self.of_a_class += ((labels != NO_CLASS) * weights).sum()

    def join(self, other: "Metrics") -> None:
        """Add the sums of another one."""
        self.loss += other.loss
        self.hits += other.hits
        self.of_a_class += other.of_a_class
        self.count += other.count

    def means(self) -> tuple[float, float]:
        """Loss in nats an image, and accuracy 0..1 on those that have a class."""
        return float(self.loss) / self.count, float(self.hits) / max(float(self.of_a_class), 1)


class Best:
    """The weights of least validation loss so far, which is less noisy than accuracy; without one (NaN) the latest."""

    def __init__(self, network: nn.Module) -> None:
        self.epoch, self.loss = 0, math.inf
        self.weights = _copy(network)

    def offer(self, network: nn.Module, epoch: int, loss: float) -> bool:
        """Keep the network's weights if they are better than those so far, and tell whether they are."""
        if loss >= self.loss:  # NaN is never above
            return False
        self.epoch, self.loss, self.weights = epoch, loss, _copy(network)
        return True


def _copy(network: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}
