"""What one visitor holds, and who holds what."""

import itertools
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from fmnist_core.errors import ConfigError
from fmnist_core.model import Network
from fmnist_core.projection import Projection

MAX_VISITORS: Final = 200  # whose networks are kept at a time; about 3 MB each with its map
OWN: Final = "yours"  # the name of a network that a visitor has trained


@dataclass(frozen=True, eq=False)
class Session:
    """A network that answers, the map that belongs to exactly its weights, and what excites its channels."""

    network: Network
    projection: Projection
    name: str = OWN
    # What takes long to work out for this network, once somebody has asked for it; made while ``working`` is held.
    kept: dict[Any, Any] = field(default_factory=dict, repr=False)
    working: threading.Lock = field(default_factory=threading.Lock, repr=False)
    number: int = field(default_factory=itertools.count().__next__)  # another one for every network that answers here


@dataclass(frozen=True)
class Choice:
    """What a visitor has trained, and whose answers they want."""

    own: Session | None
    answering: Session


class Sessions:
    """The network of each visitor who has trained or chosen one; the shipped one answers everybody else.

    A visitor is named by the random token that the page made up: it is no password, and it guards nothing but which
    network answers. When there are too many, the one unused for longest is forgotten, a mere choice
    before any network that somebody has trained.
    """

    def __init__(self, shipped: Session, others: Sequence[Session] = (), most: int = MAX_VISITORS) -> None:
        self.shipped = shipped
        self.others = others
        self._most = most
        self._choices: OrderedDict[str, Choice] = OrderedDict()
        self._lock = threading.Lock()

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
            self._keep(visitor, Choice(session, session))

    def complete(self, visitor: str, session: Session) -> None:
        """Put ``session`` in the place of the visitor's own one, if they still have it; it answers if that did."""
        with self._lock:
            choice = self._choice(visitor)
            if choice.own is not None:
                answering = session if choice.answering is choice.own else choice.answering
                self._keep(visitor, Choice(session, answering))

    def choose(self, visitor: str, name: str) -> None:
        """Let the network of that name answer the visitor.

        Raises:
            ConfigError: there is none.
        """
        with self._lock:
            choice = self._choice(visitor)
            known = {each.name: each for each in (self.shipped, *self.others, choice.own) if each is not None}
            if name not in known:
                raise ConfigError(f"There is no network {name[:40]!r}, expected one of {', '.join(known)}.")
            self._keep(visitor, replace(choice, answering=known[name]))

    def drop(self, visitor: str) -> None:
        """Take the visitor back to the shipped session, and forget theirs."""
        with self._lock:
            self._choices.pop(visitor, None)

    def _choice(self, visitor: str) -> Choice:
        return self._choices.get(visitor, Choice(None, self.shipped))

    def _keep(self, visitor: str, choice: Choice) -> None:
        self._choices[visitor] = choice
        self._choices.move_to_end(visitor)
        while len(self._choices) > self._most:
            mere = (name for name, each in self._choices.items() if each.own is None)
            del self._choices[next(mere, next(iter(self._choices)))]
