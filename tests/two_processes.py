"""Two processes that train together, and one alone, in a program of its own: ``python two_processes.py FOLDER``.

They are forks of it, for PyTorch takes seconds to import; and it is a program of its own, for a fork of pytest would
have half of its threads. What came of it is written into the folder, for the tests to compare.
"""

import os
import signal
import socket
import sys
from dataclasses import replace
from pathlib import Path

import torch
from networks import new
from torch.nn import functional as F

from fmnist_core import dataset
from fmnist_core.control import Control
from fmnist_core.errors import ConfigError, ProcessLost
from fmnist_core.events import EpochDone, StepDone
from fmnist_core.synthetic import pools
from fmnist_core.train_config import recipe, with_settings
from fmnist_core.training import set_up, train
from fmnist_core.world import ALONE, World, joined

# Both optimisers, batch normalisation, sample selection, erasing, synthetic images; batches of odd sizes.
CONFIG = with_settings(
    recipe("original"),
    {
        **{"epochs": 2, "batch_size": 51, "learning_rate": 0.001, "device": "cpu", "report_every": 1},
        **{"validation_fraction": 0.2, "skipped_fraction": 0.3, "erase": 0.5, "drawings": 0.2, "doodles": 0.1},
    },
)


def images():
    """300 of the shipped samples."""
    chosen = torch.randperm(10_000, generator=torch.Generator().manual_seed(0))[:300]
    return dataset.load_samples().train.take(chosen)


def told(world):
    """Losses and accuracies of a training, and the weights that come of it."""
    events = list(train(CONFIG, images(), world=world))
    steps = [(each.loss, each.accuracy) for each in events if isinstance(each, StepDone)]
    epochs = [
        (each.loss, each.accuracy, each.validation_loss, each.validation_accuracy)
        for each in events
        if isinstance(each, EpochDone)
    ]
    return {"steps": torch.tensor(steps), "epochs": torch.tensor(epochs), "network": events[-1].network.state_dict()}


def gradients(world, part=None):
    """Those of one batch in double precision, with the running statistics and logits: exact but for the last digits."""
    batch = images().take(slice(31))
    inputs, labels = batch.pixels[:, None].double() / 255, batch.labels
    part = part or world.part(len(labels))
    network = new("original", seed=1).double().train()
    world.normalise_together(network)
    logits = network.logits(inputs[part])
    (F.cross_entropy(logits, labels[part], reduction="sum") / len(labels)).backward()
    found = {name: parameter.grad for name, parameter in network.named_parameters()}
    world.add_up(list(found.values()))
    return found | dict(network.named_buffers())


def controlled(world):
    """The events of a training of which only the first process knows that its rate changes, and that it is to stop."""
    asked = iter([Control(), Control(learning_rate=0.5), Control(learning_rate=0.5, stop=True)])
    control = (lambda: next(asked)) if world.is_first else Control
    return [event.to_json() for event in train(CONFIG, images(), control=control, world=world)]


def refusal():
    """What is said of batches that are too small for the processes."""
    try:
        set_up(replace(CONFIG, data_fraction=0.02), images(), world=Crowd())
    except ConfigError as error:
        return str(error)


class Crowd(World):
    """More processes than there are images in a batch."""

    size = 8


def work(folder, rank):
    os.environ.update(WORLD_SIZE="2", RANK=str(rank), LOCAL_RANK=str(rank))
    with joined() as world:
        found = {
            "world": (world.rank, world.size, world.is_first),
            "parts": [world.part(count) for count in (0, 1, 2, 51)],
            "told": told(world),
            "gradients": gradients(world),
            "gradients of one": gradients(world, slice(0, 0 if world.is_first else 31)),
            "controlled": controlled(world),
        }
        torch.save(found, folder / f"{rank}.pt")
        # And then one of them is killed in the middle of a training.
        training = train(CONFIG, images(), world=world)
        next(event for event in training if isinstance(event, StepDone))
        if not world.is_first:
            os.kill(os.getpid(), signal.SIGKILL)
        try:
            list(training)
        except ProcessLost as error:
            (folder / "lost").write_text(str(error))


def main(folder):
    torch.set_num_threads(1)
    pools.INITIAL_SIZE = 10
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(free.getsockname()[1]))
    alone = {"told": told(ALONE), "gradients": gradients(ALONE), "controlled": controlled(ALONE), "refusal": refusal()}
    torch.save(alone, folder / "alone.pt")
    other = os.fork()
    work(folder, rank=1 if other == 0 else 0)
    os.waitpid(other, 0)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
