"""All that the page needs to answer: read from the disk while the browser opens the page.

Importing this imports PyTorch; nothing that is needed before imports this.
"""

from collections.abc import Sequence
from pathlib import Path

from demo import payloads
from demo.handlers import Handlers
from demo.full_test_set import Others
from demo.requests import Reply
from demo.session import Session, Sessions
from demo.training_queue import TrainingQueue
from fmnist_core import checkpoint, dataset, explain, projection


def load_handlers(
    weights: str | Path, where: str | Path | None, static: Path, others: Sequence[str | Path] = ()
) -> Handlers:
    """What answers by the network in ``weights``, trained anew on the data set at ``where``.

    The networks in ``others`` can be chosen instead.

    Writes the two pictures that the browser loads into the folder ``static``, which must be an allowed path.

    Raises:
        CheckpointError, DatasetError: the weights, or the data set, cannot be read.
    """
    dataset.find(where)  # so that a place that does not hold the data set is told of at once
    data = dataset.load_samples()
    samples = data.test
    shipped, *more = (_session(each, samples) for each in (weights, *others))
    sessions = Sessions(shipped, more)
    training_queue = TrainingQueue(sessions, samples, where)

    sheet, sprite = static / "samples.png", static / "sprite.png"
    payloads.sheet(samples).save(sheet)
    dataset.sprite(data.train).save(sprite)
    networks = {session.name: session.network for session in (shipped, *more)}
    known = payloads.facts(networks, samples, payloads.url(sheet)) | {
        "sprite": payloads.url(sprite),
        "session": shipped.number,
    }

    def facts() -> Reply:
        # Told anew, for a download may have ended since.
        return known | {"data": f"Training uses {describe(where)}.", "shares": shares(where)}

    return Handlers(sessions, samples, training_queue, Others(samples, where, static), facts)


def describe(where: str | Path | None) -> str:
    """The images that ``where`` stands for now, in words."""
    place = dataset.find(where)
    if place is None:
        return "the 10,000 training and 2,000 test images that are shipped with the program"
    if place.is_file():
        return "the images of a CSV file"
    if not dataset.is_published(place):
        return "the images of two CSV files"
    return "all 60,000 training and 10,000 test images of Fashion-MNIST"


def shares(where: str | Path | None) -> dict[str, float]:
    """The share of the training images that a visitor is offered for each network: five epochs of it take minutes."""
    return {"original": 1.0, "deep": 0.1 if dataset.is_published(dataset.find(where)) else 1.0}


def _session(weights: str | Path, samples: dataset.Split) -> Session:
    folder = checkpoint.fetch(weights)
    network = checkpoint.load(folder)
    found = explain.load(folder, network)
    kept = {} if found is None else {"exciting": found}
    return Session(network, projection.load(folder, network, samples), Path(weights).name, kept)
