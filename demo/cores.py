"""How many processor cores there are for us."""

import math
import os
from pathlib import Path
from typing import Final

QUOTA: Final = Path("/sys/fs/cgroup/cpu.max")  # of a container: microseconds of work in a period, or "max"


def cores(quota: Path = QUOTA) -> int:
    """Processor cores that this process may use.

    In a container ``os.cpu_count`` tells those of the machine, of which its quota may allow only a few.
    """
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        work, period = quota.read_text().split()
        return max(1, min(allowed, math.ceil(int(work) / int(period))))
    except (OSError, ValueError):  # no container, or one without a quota
        return allowed
