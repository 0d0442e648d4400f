"""What can be set, described once: range, unit and help stand together, and the command line and the page follow."""

import argparse
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field, fields
from typing import Any, Final, NoReturn

from fmnist_core.errors import ConfigError

NO_LIMIT: Final = float("inf")


@dataclass(frozen=True)
class Setting:
    """One number, switch or choice."""

    name: str  # as in Python; with hyphens, the command line's option
    help: str  # what it does, in words that follow "--name N"
    type: type  # int, float, bool or str
    low: float = 0
    high: float = NO_LIMIT
    unit: str = ""
    choices: Collection[str] = ()  # of a str

    @property
    def label(self) -> str:
        """Its name as a person reads it."""
        words = self.name.replace("_", " ")
        return words[0].upper() + words[1:]

    def check(self, value: Any) -> None:
        """Raise ``ConfigError`` when ``value`` is of another type or out of range."""
        if self.choices:
            if value not in tuple(self.choices):
                self._refuse(f"{str(value)[:40]!r} is not known, expected {' or '.join(self.choices)}")
        elif self.type is bool:
            if not isinstance(value, bool):
                self._refuse(f"{str(value)[:40]!r} is neither true nor false")
        elif value is None:
            self._refuse("missing, expected a number")
        elif isinstance(value, bool) or not isinstance(value, int | float):
            self._refuse(f"{str(value)[:40]!r} is not a number")
        elif not self.low <= value <= self.high:  # NaN is in no range
            shown = "this" if abs(value) >= 1e12 else _shown(value)  # JSON's whole numbers have no limit
            self._refuse(f"{shown} is out of range, expected {self.expected}")
        elif self.type is int and value % 1:
            self._refuse(f"{_shown(value)} is not a whole number")

    def parse(self, text: str) -> Any:
        """The number or choice that a text stands for, as in an environment variable; raise ``ConfigError`` if none."""
        value: Any = text
        if self.type in (int, float):
            with suppress(ValueError):
                value = float(text)
        self.check(value)
        return self.type(value)

    def _refuse(self, what: str) -> NoReturn:
        raise ConfigError(f"{self.label}: {what}.")

    @property
    def expected(self) -> str:
        """Its range in words."""
        unit = f" {self.unit}" if self.unit else ""
        if self.high == NO_LIMIT:
            return f"{_number(self.low)}{unit} or more"
        return f"{_number(self.low)} to {_number(self.high)}{unit}"


def setting(default: Any, help: str, **description: Any) -> Any:
    """A field of a configuration with its description; ``setting_of`` makes a ``Setting`` of both."""
    return field(default=default, metadata={"help": help} | description)


def setting_of(field: Any) -> Setting:
    """The description of a field made by ``setting``."""
    return Setting(field.name, type=type(field.default), **field.metadata)


def check_settings(config: Any) -> None:
    """Raise ``ConfigError`` when a field of a configuration that ``setting`` made has a value that cannot work."""
    for each in fields(config):
        if each.metadata:
            setting_of(each).check(getattr(config, each.name))


def add_option(parser: "argparse._ActionsContainer", setting: Setting, default: str) -> None:
    """Give the command line an option for ``setting``; left out, it is None, and ``default`` tells what holds then."""
    option, text = f"--{setting.name.replace('_', '-')}", f"{setting.help} (default: {default})"
    if setting.type is bool:
        parser.add_argument(option, action=argparse.BooleanOptionalAction, help=text)
    elif setting.choices:
        parser.add_argument(option, choices=setting.choices, help=text)
    else:
        parser.add_argument(option, type=setting.type, metavar="N", help=text)


def _number(value: float) -> str:
    return f"{int(value):,}" if value >= 1000 and value % 1 == 0 else f"{value:g}"


def _shown(value: float) -> str:
    """A number in as few digits as tell it from its neighbours: 1.0000001 is not 1."""
    short = f"{value:g}"
    return short if float(short) == value else str(value)
