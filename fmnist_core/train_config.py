"""The configuration of a training, each setting described once; and the recipe of each network."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final

from fmnist_core.architectures import ARCHITECTURES
from fmnist_core.augment import AUGMENTATIONS
from fmnist_core.custom_layers import CUSTOM, plan, written
from fmnist_core.errors import ConfigError
from fmnist_core.settings import Setting, setting, setting_of
from fmnist_core.synthetic.kinds import SYNTHETIC_KINDS, setting_of_kind

DEVICES: Final = ("auto", "cpu", "cuda")


@dataclass(frozen=True)
class TrainConfig:
    """All that decides what a training gives, besides the data; ``SETTINGS`` has the range of each.

    Raises:
        ConfigError: a value that cannot work, with what would.
    """

    architecture: str = setting("original", "which network", choices=ARCHITECTURES.keys())
    epochs: int = setting(10, "passes through the training images", low=1, high=1000)
    batch_size: int = setting(256, "images looked at before each step", low=2, high=100_000)
    learning_rate: float = setting(0.01, "highest learning rate: how large the steps are at most", low=1e-7, high=10)
    weight_decay: float = setting(0.01, "pull of the weights towards zero, so that none decides alone", high=10)
    label_smoothing: float = setting(
        0.0, "fraction of each target that all classes share, so that no answer need be quite certain", high=0.99
    )
    augmentations: Mapping[str, float] = field(
        default_factory=lambda: {name: each.default for name, each in AUGMENTATIONS.items()}
    )
    """Name in ``AUGMENTATIONS`` -> strength; what is left out is not applied."""
    synthetic: Mapping[str, float] = field(default_factory=dict)
    """Name in ``SYNTHETIC_KINDS`` -> how many to mix in, for each image of a batch."""
    layers: Sequence[Mapping[str, Any]] = field(default_factory=list)
    """Of the network ``CUSTOM``, the rows that ``custom_layers.plan`` reads; none of any other."""
    amp: bool = setting(
        False,
        "automatic mixed precision: multiply in 16 bits where that is faster, on CUDA and on processors with bfloat16",
    )
    skipped_fraction: float = setting(
        0.0,
        "fraction of the images that each epoch skips, among those known well: of small loss (sample selection)",
        high=0.9,
    )
    data_fraction: float = setting(1.0, "fraction of the training images to use", low=1e-4, high=1)
    validation_fraction: float = setting(
        0.05, "fraction of those held out to find the epoch of least loss; 0: keep the last epoch", high=0.9
    )
    seed: int = setting(0, "start of everything random: the same number, the same training", high=2**63 - 1)
    device: str = setting("auto", "auto is CUDA where there is some", choices=DEVICES)
    max_steps: int = setting(0, "stop after this many steps; 0: no limit")
    report_every: int = setting(10, "steps from one report to the next", low=1)

    def __post_init__(self) -> None:
        for given, known, what in (
            (self.augmentations, AUGMENTATIONS, "augmentations"),
            (self.synthetic, SYNTHETIC_KINDS, "kinds of synthetic images"),
        ):
            if not isinstance(given, Mapping):
                raise ConfigError(f"The {what} are {given!r:.40}, expected names with numbers.")
            unknown = sorted(given.keys() - known.keys())
            if unknown:
                raise ConfigError(f"There is no {unknown[0]!r:.40} among the {what}, expected {', '.join(known)}.")
        values = flattened(self)
        if self.architecture == CUSTOM:
            values.pop("architecture")
            object.__setattr__(self, "layers", written(list(plan(self.layers))))  # every number in it, as ``Network``
        elif self.layers:
            raise ConfigError(
                f"The network {self.architecture!s:.40} has its own layers: expected no list, or the network {CUSTOM}."
            )
        for name, value in values.items():
            SETTINGS[name].check(value)

    @property
    def network(self) -> dict[str, Any]:
        """The arguments that make the ``Network`` that is to be trained."""
        return {"architecture": self.architecture, "layers": self.layers}


SETTINGS: Final[dict[str, Setting]] = (
    {each.name: setting_of(each) for each in fields(TrainConfig) if each.metadata}
    | {name: each.setting for name, each in AUGMENTATIONS.items()}
    | {name: setting_of_kind(name) for name in SYNTHETIC_KINDS}
)

# What makes a network right about people's drawings and photos, too.
SUGGESTED_SYNTHETIC: Final = {name: kind.suggested for name, kind in SYNTHETIC_KINDS.items()}


def flattened(config: TrainConfig) -> dict[str, Any]:
    """The value of each of ``SETTINGS``, augmentations and synthetic data among them; 0 for those left out."""
    values = dict(vars(config))
    values.pop("layers")
    augmentations, synthetic = (dict(values.pop(name)) for name in ("augmentations", "synthetic"))
    return values | dict.fromkeys((*AUGMENTATIONS, *SYNTHETIC_KINDS), 0) | augmentations | synthetic


def with_settings(config: TrainConfig, changes: Mapping[str, Any]) -> TrainConfig:
    """``config`` with those ``changes`` (names in ``SETTINGS``) that are not None, checked again.

    Raises:
        ConfigError: there is no such setting, or a value that cannot work.
    """
    unknown = sorted(changes.keys() - SETTINGS.keys())
    if unknown:
        raise ConfigError(f"There is no setting {unknown[0]!r:.40}, expected one of {', '.join(SETTINGS)}.")
    given = {name: value for name, value in changes.items() if value is not None}
    nested = {
        "augmentations": {name: given.pop(name) for name in AUGMENTATIONS if name in given},
        "synthetic": {name: given.pop(name) for name in SYNTHETIC_KINDS if name in given},
    }
    for name, values in nested.items():
        if values:
            given[name] = {**getattr(config, name), **values}
    return replace(config, **given)


def recipe(architecture: str, layers: Sequence[Mapping[str, Any]] = ()) -> TrainConfig:
    """What the network of that name is trained with unless one says otherwise.

    A custom network, which has ``layers`` of its own, is trained as the original one.

    Raises:
        ConfigError: there is no such network, or its layers cannot be.
    """
    if architecture == CUSTOM:
        return TrainConfig(architecture=CUSTOM, layers=layers, **ARCHITECTURES["original"].recipe)
    if architecture not in ARCHITECTURES:
        raise ConfigError(f"There is no network {architecture[:40]!r}, expected {' or '.join(ARCHITECTURES)}.")
    return TrainConfig(architecture=architecture, **ARCHITECTURES[architecture].recipe)
