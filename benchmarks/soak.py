"""Does a server that many have visited return to where it was? Visitors of ``python app.py`` come and go for minutes.

    python -m benchmarks.soak [--minutes N] [--visitors N] [--stay SECONDS] [--rest SECONDS]

So many visitors are there at a time; each draws, opens photos, asks for explanations, looks at the map and at channels
as in ``benchmarks/load.py``, chooses the other network, and leaves after a while for another one to come. One of them
at a time trains a small network, and takes it back. What the server holds is looked at after a first minute of this and
a rest, every minute from then on, and after a rest at the end: memory, threads, open files, temporary files and child
processes. The exit status is 1 when the last look finds more than 5 % above the first.
"""

import argparse
import asyncio
import os
import random
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from benchmarks.load import HERE, Log, Server, Visitor, family, make_pictures, serving

FIRST: Final = 60.0  # seconds until all caches are filled
TOLERANCE: Final = 0.05
SETTINGS: Final = {  # of a training that takes seconds
    "architecture": "original",
    "init_from_current": False,
    "epochs": 1,
    "learning_rate": 0.02,
    "batch_size": 64,
    "data_fraction": 0.05,
}


def look(server: Server) -> dict[str, float]:
    """What the server holds."""
    process = Path(f"/proc/{server.process.pid}")
    return {
        "MB": server.memory(),
        "threads": len(list((process / "task").iterdir())),
        "open files": len(list((process / "fd").iterdir())),
        "temporary files": sum(path.is_file() for path in server.temporary.rglob("*")),
        "children": len(family(server.process.pid)) - 1,
    }


async def come_and_go(server: Server, log: Log, pictures: Mapping[str, Any], stay: float) -> None:
    """One visitor after another, until cancelled."""
    while True:
        visitor = Visitor(server, log, pictures, others=0.3)
        if random.random() < 0.3:
            await visitor.ask("choose", network="original")
        visit = asyncio.create_task(visitor.stay())
        await asyncio.wait([visit], timeout=random.uniform(0.5, 1.5) * stay)
        visit.cancel()
        await asyncio.gather(visit, return_exceptions=True)


async def train(server: Server, log: Log, pictures: Mapping[str, Any], end: float) -> None:
    """A short training after another, each by another visitor; none is begun after ``end``."""
    while time.monotonic() < end:
        visitor = Visitor(server, log, pictures, others=0)
        await visitor.ask("train_start", settings=SETTINGS)
        alive = True
        while alive:
            await asyncio.sleep(1)
            alive = b'"alive":true' in await visitor.ask("train_state", seen=0)
        await visitor.ask("restore")
        await asyncio.sleep(10)


async def visit(server: Server, options: argparse.Namespace, seconds: float, log: Log) -> None:
    """Visitors for so long; then a rest."""
    pictures = make_pictures()
    tasks = [asyncio.create_task(come_and_go(server, log, pictures, options.stay)) for _ in range(options.visitors)]
    began = time.monotonic()
    training = asyncio.create_task(train(server, log, pictures, began + seconds))
    while (left := began + seconds - time.monotonic()) > 0:
        await asyncio.sleep(min(60, left))
        show(f"{(time.monotonic() - began) / 60:.0f} min", look(server))
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await training
    await asyncio.sleep(options.rest)


def show(when: str, held: dict[str, float]) -> None:
    """Print a line."""
    print(f"{when:>14s}" + "".join(f"{value:17.0f}" for value in held.values()), flush=True)


def main() -> int:
    """Print a table; 0 when everything has returned to where it was."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--visitors", type=int, default=20, help="at a time")
    parser.add_argument("--stay", type=float, default=20, metavar="SECONDS", help="of one visitor, on average")
    parser.add_argument("--rest", type=float, default=30, metavar="SECONDS", help="before the first and the last look")
    options = parser.parse_args()
    log = Log(is_open=True)
    with serving(HERE, "here") as server:
        print(f"{'':14s}" + "".join(f"{name:>17s}" for name in look(server)))
        show("start", look(server))
        asyncio.run(visit(server, options, FIRST, log))
        before = look(server)
        show("first look", before)
        asyncio.run(visit(server, options, 60 * options.minutes, log))
        after = look(server)
        show("last look", after)
    answers, refused = len(log.milliseconds["answer"]), sum(log.refused.values())
    print(f"{answers} answers to drawings, {refused} requests refused", *sorted(log.sentences)[:3])
    more = [name for name in before if after[name] > before[name] * (1 + TOLERANCE)]
    print(f"More than before: {', '.join(more)}." if more else "All is as it was.")
    return 1 if more else 0


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # of the trainings
    sys.exit(main())
