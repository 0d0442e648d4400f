"""Work of many visitors on a few threads: they take turns, so that nobody waits longer because another asks more."""

import asyncio
import math
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final, TypeVar

import anyio.to_thread

from fmnist_core.errors import FmnistError

Result = TypeVar("Result")
BUSY: Final = "Many people are here just now. Try again in a moment."


class Busy(FmnistError):
    """More is asked of this server than it can answer in time."""


class Replaced(Exception):
    """The visitor has asked for something newer, which took the place of this in the queue."""


class FairQueue:
    """So much work of one kind at a time, and the visitors who wait for it: round robin, each one's work in its order.

    To be used from one event loop, which is never blocked: what waits is no thread, only a place in the queue.
    """

    def __init__(
        self,
        at_once: int,
        *,
        latest_only: bool = False,
        max_waiting: float = math.inf,
        max_waiting_each: float = math.inf,
        max_seconds: float | None = None,
    ) -> None:
        """``latest_only``: of a visitor only the newest work waits, in the place in the queue that the older one had.

        What comes beside ``max_waiting`` others, or ``max_waiting_each`` of the same visitor, is refused at once, and
        what has waited for ``max_seconds`` then.
        """
        self._threads = anyio.CapacityLimiter(at_once)
        self._free = at_once
        self._latest_only = latest_only
        self._max_waiting, self._max_waiting_each, self._max_seconds = max_waiting, max_waiting_each, max_seconds
        self._places: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()  # by visitor, who is next first

    @property
    def waiting(self) -> int:
        """How much waits."""
        return sum(map(len, self._places.values()))

    async def run(self, visitor: str, work: Callable[[], Result]) -> Result:
        """What ``work`` returns or raises; it is done in a thread when it is the visitor's turn.

        Raises:
            Replaced: the visitor has asked for something newer before.
            Busy: too much waits, or this has waited for too long.
        """
        async with self._turn(visitor):
            return await anyio.to_thread.run_sync(work, limiter=self._threads)

    @asynccontextmanager
    async def _turn(self, visitor: str) -> AsyncIterator[None]:
        place = self._line_up(visitor)
        self._call_next()
        try:
            await asyncio.wait([place], timeout=self._max_seconds)  # which leaves the place as it is, whatever comes
        except asyncio.CancelledError:  # who asked has gone
            if not place.done():
                self._give_up(visitor, place)
            elif place.exception() is None:  # it was called in the same moment
                self._leave()
            raise
        if not place.done():
            self._give_up(visitor, place)
            raise Busy(BUSY)
        place.result()  # or it was replaced
        try:
            yield
        finally:
            self._leave()

    def _line_up(self, visitor: str) -> "asyncio.Future[None]":
        own = self._places.get(visitor, deque())
        if self._latest_only:
            while own:
                own.popleft().set_exception(Replaced())
        if not self._free and (self.waiting >= self._max_waiting or len(own) >= self._max_waiting_each):
            raise Busy(BUSY)
        place = asyncio.get_running_loop().create_future()
        own.append(place)
        self._places[visitor] = own
        return place

    def _give_up(self, visitor: str, place: "asyncio.Future[None]") -> None:
        own = self._places[visitor]
        own.remove(place)
        if not own:
            del self._places[visitor]

    def _leave(self) -> None:
        self._free += 1
        self._call_next()

    def _call_next(self) -> None:
        while self._free and self._places:
            visitor, own = self._places.popitem(last=False)
            self._free -= 1
            own.popleft().set_result(None)
            if own:
                self._places[visitor] = own  # the rest waits behind all others
