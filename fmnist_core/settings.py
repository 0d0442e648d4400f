"""What can be set, described once: range, unit and help stand together, and the command line and the page follow."""

from dataclasses import dataclass, field
from typing import Any, Final

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
    choices: tuple[str, ...] = ()  # of a str

    @property
    def label(self) -> str:
        """Its name as a person reads it."""
        words = self.name.replace("_", " ")
        return words[0].upper() + words[1:]

    def check(self, value: Any) -> None:
        """Raise ``ConfigError`` when ``value`` is of another type or out of range."""
        what = f"The {self.label.lower()}"
        if self.choices:
            if value not in self.choices:
                raise ConfigError(f"{what} is {str(value)[:40]!r}, expected {' or '.join(self.choices)}.")
        elif self.type is bool:
            if not isinstance(value, bool):
                raise ConfigError(f"{what} is {value!r:.40}, expected true or false.")
        elif isinstance(value, bool) or not isinstance(value, int | float):
            raise ConfigError(f"{what} is {'missing' if value is None else 'not a number'}, expected a number.")
        else:
            self._check_number(what, value)

    def _check_number(self, what: str, value: float) -> None:
        if not self.low <= value <= self.high:  # NaN is in no range
            shown = f"{value:g}" if abs(value) < 1e12 else "far out of range"  # JSON's whole numbers have no limit
            raise ConfigError(f"{what} is {shown}, expected {self.expected}.")
        if self.type is int and value % 1:
            raise ConfigError(f"{what} is {value:g}, expected a whole number.")

    @property
    def expected(self) -> str:
        """Its range in words."""
        if self.high == NO_LIMIT:
            return f"{_number(self.low)} or more"
        return f"{_number(self.low)} to {_number(self.high)}"


def setting(default: Any, help: str, **description: Any) -> Any:
    """A field of a configuration with its description; ``setting_of`` makes a ``Setting`` of both."""
    return field(default=default, metadata={"help": help} | description)


def setting_of(field: Any) -> Setting:
    """The description of a field made by ``setting``."""
    return Setting(field.name, type=type(field.default), **field.metadata)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 and value % 1 == 0 else f"{value:g}"
