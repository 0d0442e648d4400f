"""A program that saves weights over others again and again, killed at random moments, and what it leaves.

    python -m benchmarks.killed_saves [--kills N]

Networks of two architectures take turns. Printed are how many folders could not be read, or held anything but one of
the two, and how many temporary files were left after the next save. POSIX only.
"""

import argparse
import os
import random
import signal
import tempfile
import time
from pathlib import Path

from fmnist_core import checkpoint
from fmnist_core.errors import CheckpointError
from fmnist_core.model import Network
from fmnist_core.storage import YOUNG

LONGEST = 0.06  # seconds until the program is killed: some saves


def kill_saves(folder: Path, kills: int, seed: int = 0) -> tuple[int, int]:
    """How often weights were lost, and how many temporary files are left after one more save."""
    networks = [Network("original").eval(), Network("deep").eval()]
    known = {checkpoint.fingerprint(network) for network in networks}
    checkpoint.save(networks[0], folder)
    waits, lost = random.Random(seed), 0
    for _ in range(kills):
        child = os.fork()
        if child == 0:
            try:
                while True:
                    for network in networks:
                        checkpoint.save(network, folder)
            finally:
                os._exit(1)  # nothing of the parent's end
        time.sleep(waits.uniform(0, LONGEST))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        try:
            lost += checkpoint.fingerprint(checkpoint.load(folder)) not in known
        except CheckpointError as error:
            print(error)
            lost += 1
    time.sleep(YOUNG + 0.1)
    checkpoint.save(networks[0], folder)
    return lost, len(list(folder.iterdir())) - 2


def main() -> None:
    """Print one line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=2000, metavar="N", help="default: %(default)s")
    kills: int = parser.parse_args().kills
    with tempfile.TemporaryDirectory() as folder:
        lost, left = kill_saves(Path(folder), kills)
    print(f"{kills:,} kills: {lost} lost, {left} files left over")


if __name__ == "__main__":
    main()
