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
from fmnist_core.train_config import TrainConfig

OWN: Final = "yours-"  # the ids of the networks that a visitor has trained or uploaded begin with it


@dataclass(frozen=True)
class Record:
    """How a network that a visitor has trained or taught came about, and how good it is."""

    config: TrainConfig | None  # None: it was taught
    init_from: str | None  # the name of the network whose weights it started from; None: random weights
    images: int  # test images
    accuracy: float  # on them
    sketches: float | None  # accuracy on the sketch test set; None: not tested
    seconds: float  # of training
    pictures: int = 0  # that it was taught
    events: Sequence[dict[str, Any]] = ()  # steps and epochs, for its curves


@dataclass(frozen=True, eq=False)
class Session:
    """A network that answers, and the map that belongs to exactly its weights."""

    network: Network
    projection: Projection
    id: str = ""  # by which the page chooses it, whatever the folder of its weights is called
    name: str = ""  # by which people know it
    record: Record | None = None  # of a network that a visitor has trained; of one that they uploaded, none is known
    # What takes long to work out for this network, once somebody has asked for it; filled while ``working`` is held.
    cache: dict[Any, Any] = field(default_factory=dict, repr=False)
    working: threading.Lock = field(default_factory=threading.Lock, repr=False)
    number: int = field(default_factory=itertools.count().__next__)  # another one for every network that answers here


@dataclass(frozen=True)
class Choice:
    """What a visitor has trained or uploaded, and which network answers them."""

    answering: Session
    own: tuple[Session, ...] = ()  # from the oldest to the latest
    count: int = 0  # how many they have ever had


class Sessions:
    """The networks of each visitor who has trained or chosen one; the first shipped one answers everybody else.

    A visitor is named by the random token that the page made up: it is no password, and it guards nothing but which
    network answers. Of each visitor the latest networks are remembered. When there are too many visitors or networks,
    the visitor unused for longest is forgotten, a mere choice before any network that somebody has trained.
    """

    def __init__(self, shipped: Sequence[Session], limits: Limits | None = None) -> None:
        self.shipped = tuple(shipped)
        self._limits = limits or Limits()
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

    def own(self, visitor: str) -> tuple[Session, ...]:
        """Those that the visitor has trained or uploaded, from the oldest to the latest."""
        with self._lock:
            return self._choice(visitor).own

    def known(self, visitor: str) -> dict[str, Session]:
        """All that the visitor can choose, by their ids: the shipped ones and their own."""
        return {each.id: each for each in (*self.shipped, *self.own(visitor))}

    def find(self, visitor: str, id: str) -> Session:
        """The one of that id among those that the visitor can choose.

        Raises:
            ConfigError: there is none.
        """
        known = self.known(visitor)
        if id not in known:
            raise ConfigError(f"There is no network {id[:40]!r}, expected one of {', '.join(known)}.")
        return known[id]

    def put(self, visitor: str, session: Session) -> Session:
        """Give the visitor a session of their own, which answers from now on; it comes back with its id and name."""
        with self._lock:
            choice = self._choice(visitor)
            count = choice.count + 1
            session = replace(session, id=f"{OWN}{count}", name=f"your network {count}")
            own = (*choice.own, session)[-self._limits.visitor_networks :]
            self._remember(visitor, Choice(session, own, count))
            return session

    def complete(self, visitor: str, session: Session) -> bool:
        """Put ``session`` in the place of that of its id, if the visitor still has it; it answers if that did."""
        with self._lock:
            choice = self._choice(visitor)
            old = next((each for each in choice.own if each.id == session.id), None)
            if old is None:
                return False
            session = replace(session, name=old.name, record=old.record)  # it may have been renamed meanwhile
            answering = session if choice.answering.id == session.id else choice.answering
            own = tuple(session if each.id == session.id else each for each in choice.own)
            self._remember(visitor, replace(choice, answering=answering, own=own))
            return True

    def choose(self, visitor: str, id: str) -> None:
        """Let the network of that id answer the visitor.

        Raises:
            ConfigError: there is none.
        """
        found = self.find(visitor, id)
        with self._lock:
            self._remember(visitor, replace(self._choice(visitor), answering=found))

    def rename(self, visitor: str, id: str, name: str) -> None:
        """Call one of the visitor's own networks by another name, also where another one says that it started from it.

        Raises:
            ConfigError: it is not one of theirs, or another network has that name.
        """
        with self._lock:
            choice = self._choice(visitor)
            old = next((each for each in choice.own if each.id == id), None)
            if old is None:
                raise ConfigError(f"There is no network {id[:40]!r} among those that you have trained.")
            if any(each.name == name for each in (*self.shipped, *choice.own) if each is not old):
                raise ConfigError(f"There is a network {name!r} already, expected another name.")
            own = tuple(_renamed(each, old, name) for each in choice.own)
            answering = next((each for each in own if each.id == choice.answering.id), choice.answering)
            self._remember(visitor, replace(choice, answering=answering, own=own))

    def forget(self, visitor: str, id: str) -> None:
        """Forget one of the visitor's own networks; when it was the one that answers, the first shipped one does."""
        with self._lock:
            choice = self._choice(visitor)
            answering = self.default if choice.answering.id == id else choice.answering
            if any(each.id == id for each in choice.own):
                own = tuple(each for each in choice.own if each.id != id)
                self._remember(visitor, replace(choice, answering=answering, own=own))

    def drop(self, visitor: str) -> None:
        """Take the visitor back to the shipped network, and forget theirs."""
        with self._lock:
            self._choices.pop(visitor, None)

    def _choice(self, visitor: str) -> Choice:
        return self._choices.get(visitor, Choice(self.default))

    def _remember(self, visitor: str, choice: Choice) -> None:
        self._choices[visitor] = choice
        self._choices.move_to_end(visitor)
        while len(self._choices) > self._limits.visitors:
            mere_choices = (name for name, each in self._choices.items() if not each.own)
            del self._choices[next(mere_choices, next(iter(self._choices)))]
        while sum(len(each.own) for each in self._choices.values()) > self._limits.networks:
            del self._choices[next(name for name, each in self._choices.items() if each.own)]


def _renamed(session: Session, old: Session, name: str) -> Session:
    if session is old:
        return replace(session, name=name)
    if session.record is not None and session.record.init_from == old.name:
        return replace(session, record=replace(session.record, init_from=name))
    return session
