"""What one visitor holds, and who holds what."""

import itertools
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from demo.limits import Limits
from fmnist_core.errors import ConfigError
from fmnist_core.model import Network
from fmnist_core.projection import Projection

OWN: Final = "yours"  # the id of the network that a visitor has trained


@dataclass(frozen=True, eq=False)
class Session:
    """A network that answers, and the map that belongs to exactly its weights."""

    network: Network
    projection: Projection
    id: str = OWN  # by which the page chooses it, whatever the folder of its weights is called
    name: str = "the network that you trained"  # by which people know it
    # What takes long to work out for this network, once somebody has asked for it; filled while ``working`` is held.
    cache: dict[Any, Any] = field(default_factory=dict, repr=False)
    working: threading.Lock = field(default_factory=threading.Lock, repr=False)
    number: int = field(default_factory=itertools.count().__next__)  # another one for every network that answers here


@dataclass(frozen=True)
class Choice:
    """What a visitor has trained, and which network answers them."""

    own: Session | None
    answering: Session


class Sessions:
    """The network of each visitor who has trained or chosen one; the first shipped one answers everybody else.

    A visitor is named by the random token that the page made up: it is no password, and it guards nothing but which
    network answers. When there are too many, the one unused for longest is forgotten, a mere choice before any network
    that somebody has trained.
    """

    def __init__(self, shipped: Sequence[Session], limits: Limits | None = None) -> None:
        self.shipped = tuple(shipped)
        self._max_visitors = (limits or Limits()).visitors
        self._choices: OrderedDict[str, Choice] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def default(self) -> Session:
        """The one that answers who has not chosen."""
        return self.shipped[0]

    def get(self, visitor: str) -> Session:
        """The one that answers the visitor."""
        with self._lock:
            if visitor in self._choices:
                self._choices.move_to_end(visitor)
            return self._choice(visitor).answering

    def own(self, visitor: str) -> Session | None:
        """The one that the visitor has trained."""
        with self._lock:
            return self._choice(visitor).own

    def put(self, visitor: str, session: Session) -> None:
        """Give the visitor a session of their own, which answers from now on."""
        with self._lock:
            self._remember(visitor, Choice(session, session))

    def complete(self, visitor: str, session: Session) -> None:
        """Put ``session`` in the place of the visitor's own one, if they still have it; it answers if that did."""
        with self._lock:
            choice = self._choice(visitor)
            if choice.own is not None:
                answering = session if choice.answering is choice.own else choice.answering
                self._remember(visitor, Choice(session, answering))

    def choose(self, visitor: str, id: str) -> None:
        """Let the network of that id answer the visitor.

        Raises:
            ConfigError: there is none.
        """
        with self._lock:
            choice = self._choice(visitor)
            known = {each.id: each for each in (*self.shipped, choice.own) if each is not None}
            if id not in known:
                raise ConfigError(f"There is no network {id[:40]!r}, expected one of {', '.join(known)}.")
            self._remember(visitor, replace(choice, answering=known[id]))

    def drop(self, visitor: str) -> None:
        """Take the visitor back to the shipped network, and forget theirs."""
        with self._lock:
            self._choices.pop(visitor, None)

    def _choice(self, visitor: str) -> Choice:
        return self._choices.get(visitor, Choice(None, self.default))

    def _remember(self, visitor: str, choice: Choice) -> None:
        self._choices[visitor] = choice
        self._choices.move_to_end(visitor)
        while len(self._choices) > self._max_visitors:
            mere_choices = (name for name, each in self._choices.items() if each.own is None)
            del self._choices[next(mere_choices, next(iter(self._choices)))]
