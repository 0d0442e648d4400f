"""Teaching: a trained network is corrected on a few labelled pictures, and forgets as little as it can.

Each step shows the pictures, augmented, beside training images about which the network is to go on saying what it said
before (Zhizhong Li, Derek Hoiem: Learning without Forgetting, arXiv:1606.09282). Normalisation keeps its statistics,
which a few pictures would distort, and nothing drops out. In the end the weights are moved from the old ones towards
the new ones only as far as the pictures need (after Mitchell Wortsman and others: Robust fine-tuning of zero-shot
models, arXiv:2109.01903).
"""

import copy
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional as F

from fmnist_core.augment import random_flip, random_shift
from fmnist_core.dataset import Split
from fmnist_core.errors import ConfigError
from fmnist_core.evaluation import predict_logits
from fmnist_core.events import Event, Finished, Started, StepDone
from fmnist_core.model import Network, to_probabilities
from fmnist_core.settings import check_settings, setting

MIXTURES: Final = 20  # places between the old weights and the new ones that are tried


@dataclass(frozen=True)
class TeachConfig:
    """How a network is taught."""

    learning_rate: float = setting(1e-4, "the rate of AdamW in the first step", low=1e-7, high=1)
    growth: float = setting(1.1, "factor by which the rate grows from one step to the next", low=1, high=2)
    steps: int = setting(60, "steps at most", low=1, high=10_000)
    rehearsal: int = setting(32, "training images rehearsed in a step", low=1, high=10_000)
    copies: int = setting(10, "pictures shown in a step, each one at least once", low=1, high=10_000)
    sure: float = setting(0.9, "probability that each picture must reach before teaching ends", high=1)
    enough: float = setting(0.6, "probability that each picture keeps when the weights are moved back", high=1)
    seed: int = setting(0, "start of everything random", high=2**63 - 1)

    def __post_init__(self) -> None:
        check_settings(self)


def teach(
    network: Network,
    lesson: Split,
    training: Split,
    config: TeachConfig | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Iterator[Event]:
    """Teach a copy of ``network`` the labelled pictures of ``lesson``; the last event is ``Finished``, with the copy.

    Args:
        network: the network, which stays as it is.
        lesson: pixels and labels of the pictures; a hundred at most keep a step short.
        training: the images to rehearse, of any labels.
        config: how.
        should_stop: asked before every step; what has been learned so far is the result.

    Raises:
        ConfigError: there is no picture, nothing to rehearse, or a label that the network does not know.
    """
    config = config or TeachConfig()
    _check(network, lesson, training)
    began = time.perf_counter()
    taught = copy.deepcopy(network).eval()
    optimizer = torch.optim.AdamW(taught.parameters(), lr=config.learning_rate, weight_decay=0)
    generator = torch.Generator().manual_seed(config.seed)
    shown = torch.arange(len(lesson)).repeat(max(1, -(-config.copies // len(lesson))))
    labels = lesson.labels[shown]
    yield Started("cpu", len(lesson), 0, config.steps, network.parameter_count, 1, config.learning_rate)

    step, is_learned, stopped = 0, False, False
    while step < config.steps and not is_learned:
        if stopped := should_stop():
            break
        rehearsed = training.pixels[torch.randint(len(training), (config.rehearsal,), generator=generator)]
        pictures = random_shift(random_flip(lesson.pixels[shown], 0.5, generator), 2, generator)
        with torch.no_grad():
            before = to_probabilities(network.logits(network.to_inputs(rehearsed)))
        logits = taught.logits(taught.to_inputs(torch.cat([rehearsed, pictures])))
        loss = F.cross_entropy(logits[: len(rehearsed)], before) + F.cross_entropy(logits[len(rehearsed) :], labels)
        optimizer.param_groups[0]["lr"] = config.learning_rate * config.growth**step
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        step += 1
        sure = _of_their_class(taught, lesson)
        is_learned = bool(sure.min() >= config.sure)
        seconds = time.perf_counter() - began
        yield StepDone(
            step,
            config.steps,
            epoch=1,
            loss=loss.item(),
            accuracy=(predict_logits(taught, lesson).argmax(1) == lesson.labels).float().mean().item(),
            images_per_second=step * (len(rehearsed) + len(pictures)) / seconds,
            seconds_left=(config.steps - step) * seconds / step,
        )
    taught = _move_back(network, taught, lesson, config.enough)
    yield Finished(taught.requires_grad_(True), 1 if step else 0, stopped, time.perf_counter() - began)


def _check(network: Network, lesson: Split, training: Split) -> None:
    classes = len(network.class_names)
    if not len(lesson) or not len(training):
        raise ConfigError(
            f"There are {len(lesson)} pictures and {len(training)} training images, expected some of both."
        )
    low, high = int(lesson.labels.min()), int(lesson.labels.max())
    if low < 0 or high >= classes:
        raise ConfigError(f"A picture has the label {low if low < 0 else high}, expected 0..{classes - 1}.")


def _of_their_class(network: Network, lesson: Split) -> Tensor:
    """Probability (N,) that the network gives to the label of each picture."""
    return to_probabilities(predict_logits(network, lesson)).gather(1, lesson.labels[:, None])[:, 0]


def _move_back(old: Network, new: Network, lesson: Split, enough: float) -> Network:
    """From ``old`` to ``new``, the first network that gives each picture's label at least ``enough``; else ``new``."""
    mixed, before, after = copy.deepcopy(new), old.state_dict(), new.state_dict()
    for place in range(1, MIXTURES):
        weights = {
            name: torch.lerp(before[name], value, place / MIXTURES) if value.is_floating_point() else value
            for name, value in after.items()
        }
        mixed.load_state_dict(weights)
        if _of_their_class(mixed, lesson).min() >= enough:
            return mixed
    return new
