"""Everything that the page needs to answer: read from the disk while the browser opens the page.

Importing this imports PyTorch; nothing that is needed before imports this.
"""

from pathlib import Path
from typing import Final

from demo import payloads
from demo.actions import Reply
from demo.handlers import TOP_ACTIVATIONS, Handlers
from demo.limits import Limits
from demo.remaining_images import RemainingImages
from demo.session import Session, Sessions
from demo.training_queue import TrainingQueue
from fmnist_core import checkpoint, dataset, explain, projection
from fmnist_core.model import WEIGHTS_FILE
from fmnist_core.storage import as_path

SHIPPED: Final = Path(__file__).parent.parent / "weights"
GIVEN: Final = "given"  # the id of a network that is not shipped but named when the page is started


def load_handlers(
    weights: str | Path, where: str | Path | None, static: Path, limits: Limits | None = None
) -> Handlers:
    """What answers by the network in ``weights``, and trains on the data set at ``where``.

    The shipped networks can be chosen instead. Writes the two pictures that the browser loads into the folder
    ``static``, which must be an allowed path.

    Raises:
        CheckpointError, DatasetError: the weights, or the data set, cannot be read.
    """
    limits = limits or Limits()
    dataset.find(where)  # so that a place that does not hold the data set is reported at once
    data = dataset.load_samples()
    samples = data.test
    sessions = Sessions(load_networks(weights, samples), limits)
    training = TrainingQueue(sessions, samples, where, limits)

    sheet, sprite = static / "samples.png", static / "sprite.png"
    payloads.sheet(samples).save(sheet)
    dataset.sprite(data.train).save(sprite)
    known = payloads.facts(sessions.shipped, samples, payloads.url(sheet), limits) | {"sprite": payloads.url(sprite)}

    def facts() -> Reply:
        # Looked up each time, for a download may have ended since.
        is_whole = dataset.is_published(dataset.find(where))
        return known | {
            "data": f"Training uses {describe(where)}.",
            "training": payloads.training_form(is_whole, limits, training.paces),
        }

    return Handlers(sessions, samples, training, RemainingImages(samples, where, static), facts, limits)


def load_networks(weights: str | Path, samples: dataset.Split) -> list[Session]:
    """The network in ``weights``, which answers at first, and after it the shipped ones that it is not.

    A shipped network has its folder's name as its id; whatever the folder of another one is called, its id is
    ``GIVEN``, so that no two networks share one.
    """
    folders = {file.parent.resolve(): file.parent.name for file in sorted(SHIPPED.glob(f"*/{WEIGHTS_FILE}"))}
    named = as_path(weights).resolve()
    if named in folders:
        first = _session(named, samples, folders[named], folders[named])
    else:
        name = named.name or str(named)
        if name in folders.values():  # the two could not be told apart
            name = f"{named.parent.name}/{name}"
        first = _session(weights, samples, GIVEN, name)
    others = [_session(folder, samples, name, name) for folder, name in folders.items() if folder != named]
    return [first, *others]


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


def _session(weights: str | Path, samples: dataset.Split, id: str, name: str) -> Session:
    folder = checkpoint.fetch(weights)
    network = checkpoint.load(folder)
    found = explain.load(folder, network)
    cache = {} if found is None else {TOP_ACTIVATIONS: found}
    return Session(network, projection.load(folder, network, samples), id, name, cache=cache)
