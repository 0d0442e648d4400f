"""What one visitor holds, and who holds what."""

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, Final

from fmnist_core.model import Network
from fmnist_core.projection import Projection

MOST_SESSIONS: Final = 200  # retrained networks kept at a time; about 1 MB each with its map (of all test images: 1.3)


@dataclass(frozen=True, eq=False)
class Session:
    """The network that answers a visitor, and the map that belongs to exactly its weights."""

    network: Network
    projection: Projection
    # What takes long to work out for this network, once somebody has asked for it; made while ``working`` is held.
    kept: dict[Any, Any] = field(default_factory=dict, repr=False)
    working: threading.Lock = field(default_factory=threading.Lock, repr=False)


class Sessions:
    """The session of each visitor who has retrained; everybody else has the shipped one.

    A visitor is named by the random token that the page made up: it is no password, and it guards nothing but which
    network answers. The one unused for longest is forgotten when there are too many.
    """

    def __init__(self, shipped: Session, most: int = MOST_SESSIONS) -> None:
        self.shipped = shipped
        self._most = most
        self._own: OrderedDict[str, Session] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, visitor: str) -> Session:
        """The visitor's own session, or the shipped one."""
        with self._lock:
            if visitor in self._own:
                self._own.move_to_end(visitor)
            return self._own.get(visitor, self.shipped)

    def put(self, visitor: str, session: Session) -> None:
        """Give the visitor a session of their own."""
        with self._lock:
            self._own[visitor] = session
            self._own.move_to_end(visitor)
            while len(self._own) > self._most:
                self._own.popitem(last=False)

    def drop(self, visitor: str) -> None:
        """Take the visitor back to the shipped session."""
        with self._lock:
            self._own.pop(visitor, None)
