"""How much one visitor, and all of them together, may ask of this server; its host can set each limit."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from fmnist_core.errors import ConfigError
from fmnist_core.settings import Setting, add_option, setting, setting_of

MEGABYTE: Final = 2**20


@dataclass(frozen=True)
class Limits:
    """Every limit of a hosted page; what the browser needs of them it is told.

    Raises:
        ConfigError: a value that cannot work, with what would.
    """

    upload_megabytes: int = setting(20, "largest picture file", unit="MB", low=1, high=1000)
    network_megabytes: int = setting(
        12, "largest network that is uploaded: its files together, and each file in an archive",
        unit="MB", low=1, high=1000,
    )  # fmt: skip
    all_requests_megabytes: int = setting(300, "most that all requests under way may hold together", unit="MB", low=2)
    body_pause_seconds: float = setting(20.0, "longest pause within a request, before it is refused", unit="s", low=1)

    # Requests that wait for their turn, of those that take longer than an answer to a drawing.
    slow_waiting: int = setting(64, "uploads, explanations and downloads that may wait, before more are refused")
    slow_waiting_each: int = setting(4, "of these, of one visitor")
    waiting_seconds: float = setting(30.0, "longest wait of each, before it is refused", unit="s")
    unread_answers: int = setting(200, "answers of the API that are kept until they are fetched", low=1)

    visitors: int = setting(200, "visitors whose choice of a network is remembered", low=1)
    visitor_networks: int = setting(
        6, "networks that one visitor has trained and that are remembered, at 3 to 20 MB each", low=1
    )
    networks: int = setting(300, "such networks of all visitors together", low=1)

    training: str = setting("everyone", "who may train a network on the page", choices=("everyone", "nobody"))
    lesson_pictures: int = setting(50, "most pictures that a network is taught at once", low=1, high=1000)
    training_queue: int = setting(8, "trainings in line, with the one that is under way", low=1)
    training_seconds: float = setting(900.0, "longest training, without its pauses", unit="s", low=1)
    pause_seconds: float = setting(300.0, "longest pause of a training, all its pauses together", unit="s", low=1)
    training_epochs: int = setting(30, "most epochs of a training", low=1, high=1000)
    # The deep network needs about 1.7 MB for each image, synthetic ones included.
    training_batch: int = setting(1024, "largest batch of a training", low=2, high=100_000)
    training_synthetic: float = setting(0.5, "most synthetic images of each kind, for each image of a batch", high=10)
    sweep_runs: int = setting(6, "most trainings in a row, to try several values of a setting", low=1, high=100)
    # A network of layers of one's own is as large as the deep one at most, but for its parameters.
    own_layers: int = setting(40, "most layers of a network that a visitor composes", low=1)
    own_parameters: int = setting(1_000_000, "most trainable parameters of it", low=1)
    own_operations: int = setting(60_000_000, "most multiply-adds of it for an image", low=1)
    own_values: int = setting(400_000, "most values that all its layers put out for an image", low=1)
    patience_seconds: float = setting(
        90.0, "silence of a page after which its visitor has left, and their training ends",
        unit="s", low=1,
    )  # fmt: skip
    # Until the child process is killed: from the request to stop until it has evaluated its best weights on the
    # held-out images, and from there until it has evaluated them on thousands of images and made their map.
    stop_seconds: float = setting(
        60.0, "time that a training has to stop, before its process is ended", unit="s", low=1
    )
    test_seconds: float = setting(240.0, "time that it then has to test the network and make its map", unit="s", low=1)

    def __post_init__(self) -> None:
        for name, each in SETTINGS.items():
            each.check(getattr(self, name))
        largest = self.request_bytes // MEGABYTE
        if self.all_requests_megabytes < largest:
            raise ConfigError(
                f"All requests megabytes: {self.all_requests_megabytes} is out of range, expected {largest} MB or "
                "more, which is half as much again as a picture file may have."
            )

    @property
    def upload_bytes(self) -> int:
        """Of a picture file."""
        return self.upload_megabytes * MEGABYTE

    @property
    def network_bytes(self) -> int:
        """Of an uploaded network."""
        return self.network_megabytes * MEGABYTE

    @property
    def request_bytes(self) -> int:
        """Of one request: such a file in base64, and what goes with it."""
        return -(-self.upload_megabytes * 3 // 2) * MEGABYTE

    @property
    def all_requests_bytes(self) -> int:
        """Of all requests under way."""
        return self.all_requests_megabytes * MEGABYTE


SETTINGS: Final[dict[str, Setting]] = {each.name: setting_of(each) for each in fields(Limits)}


def variable(name: str) -> str:
    """The environment variable that sets the limit of that name."""
    return f"FMNIST_{name.upper()}"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give the command line an option for each limit."""
    example = f"{variable('visitors')}=50"
    group = parser.add_argument_group("limits", f"Each can be set by an environment variable, too, as {example}.")
    for name, each in SETTINGS.items():
        default = getattr(Limits, name)
        add_option(group, each, default if each.choices else f"{default:g}; {each.expected}")


def read_limits(options: Mapping[str, Any], environment: Mapping[str, str]) -> Limits:
    """The limits that the host has set: each by its option, else by its environment variable.

    Raises:
        ConfigError: a value that cannot work, with what would.
    """
    texts = {name: environment.get(variable(name), "").strip() for name in SETTINGS}
    given = {name: SETTINGS[name].parse(text) for name, text in texts.items() if text}
    return Limits(**given | {name: options[name] for name in SETTINGS if options.get(name) is not None})
