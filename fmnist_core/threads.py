"""How many threads to train with, by what the processor's cores really give.

Threads that share the work of a step wait for the slowest of them. On a quiet machine two are faster than one; where
another program keeps a core busy they can be many times slower. So it is measured: a few steps with each number, at the
start and now and then. The weights that come out depend on the number in their last digits (sums are added up in
another order), and so do not come out the same again.
"""

import math
import time
from collections.abc import Callable, Generator
from statistics import median
from typing import Final

import torch

from fmnist_core.control import Control

STEPS: Final = 3  # that are measured with each number of threads; of one more, the first, the caches are cold
TOO_SLOW: Final = 2.0  # times as slow as another number: two such steps are enough
MAX_COST: Final = 0.02  # fraction of the time that goes into measuring, after the first time


class ThreadChooser:
    """Sets the number of threads of this process while it trains: 1, 2, 4, ... up to ``most``.

    Args:
        most: how many there may be.
        set_threads: sets their number.
        clock: seconds.
    """

    def __init__(
        self,
        most: int,
        set_threads: Callable[[int], None] = torch.set_num_threads,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._counts = [count for count in (2**power for power in range(16)) if count < most] + [most]
        self._set_threads, self._clock = set_threads, clock
        self._looked: float | None = None  # when a step began
        self._choosing = self._choose()
        next(self._choosing)

    def watching(self, control: Callable[[], Control]) -> Callable[[], Control]:
        """The same ``control``; as it is asked before every step, it tells how long each one takes."""

        def watched() -> Control:
            wanted, now = control(), self._clock()
            if self._looked is not None:
                self._choosing.send(now - self._looked)
            self._looked = None if wanted.paused else now
            return wanted

        return watched

    def _choose(self) -> Generator[None, float, None]:
        """Is sent the seconds of every step, and sets how many threads take the next one."""
        while True:
            spent, steps, best, chosen = 0.0, 0, math.inf, self._counts[0]
            for count in self._counts:
                self._set_threads(count)
                yield
                seconds: list[float] = []
                while len(seconds) < STEPS and not (len(seconds) == 2 and min(seconds) > TOO_SLOW * best):
                    seconds.append((yield))
                usual = median(seconds)  # for once in an epoch a step is followed by what comes between epochs
                spent += (1 + len(seconds)) * usual
                steps += 1 + len(seconds)
                if usual >= best:
                    break  # still more threads would be slower still
                best, chosen = usual, count
            self._set_threads(chosen)
            left = (spent - steps * best) / MAX_COST  # seconds until what it has cost is made up for
            while left > 0 or len(self._counts) == 1:
                left -= yield
