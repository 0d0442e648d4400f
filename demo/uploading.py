"""A network that a visitor uploads: whether it can answer on this page."""

from typing import Final

import torch

from demo.session import Session
from fmnist_core import projection
from fmnist_core.dataset import Split
from fmnist_core.errors import CheckpointError
from fmnist_core.model import Network

MOST: Final = 1e6  # that a logit or a value of an embedding may be, either way: of a trained network, hundreds are much


def admitted(network: Network, like: Network, samples: Split) -> Session:
    """A session in which the network answers, with its map of the samples (without t-SNE).

    Raises:
        CheckpointError: its classes are not those of ``like``, or it puts out values that nothing can be made of.
    """
    if network.class_names != like.class_names:
        raise CheckpointError(
            f"The network is for other classes ({_some(network.class_names)}), expected those of this page "
            f"({_some(like.class_names)})."
        )
    embeddings, _ = projection.embed(network, samples)
    with torch.no_grad():
        logits = network.layers[-1](embeddings)
    for values in (embeddings, logits):
        if not (values.abs() <= MOST).all():  # not even a number that is none
            raise CheckpointError("The network puts out values that are far too large: its training has failed.")
    return Session(network, projection.fit(network, samples))


def _some(names: tuple[str, ...]) -> str:
    return ", ".join(name[:20] for name in names[:3]) + (" …" if len(names) > 3 else "")
