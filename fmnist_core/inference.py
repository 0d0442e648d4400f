"""A picture -> a Reading: what the network makes of it."""

from dataclasses import dataclass
from typing import Any, Final

import torch
from PIL import Image
from torch import Tensor

from fmnist_core import CLASS_NAMES
from fmnist_core.errors import FmnistError
from fmnist_core.model import Network, Trace, to_inputs, to_probabilities
from fmnist_core.pixels import prepare

SURE: Final = 0.8  # probability from which the best class is named without "probably"
WORTH_NAMING: Final = 0.15  # probability from which the second class is named too


@dataclass(frozen=True, eq=False)
class Reading:
    """One picture as the network sees it, and all that it answers."""

    kind: str  # what the picture was taken for: a key of ``pixels.KINDS``
    pixels: Tensor  # uint8 (28, 28)
    trace: Trace  # of this one input
    probabilities: Tensor  # float32 (10,)

    @property
    def label(self) -> int:
        """The class with the highest probability, 0..9."""
        return int(self.probabilities.argmax())


def read_picture(network: Network, picture: Image.Image) -> Reading:
    """Prepare a picture and let the network answer.

    Raises:
        NothingDrawn: there is nothing in the picture.
    """
    prepared = prepare(picture)
    return read_pixels(network, torch.from_numpy(prepared.pixels), prepared.kind)


def read_pixels(network: Network, pixels: Tensor, kind: str = "sample") -> Reading:
    """Let the network answer to pixels (28, 28) uint8 as they are."""
    with torch.inference_mode():
        trace = network.trace(to_inputs(pixels[None]))
        return Reading(kind, pixels, trace, to_probabilities(trace.logits)[0])


def in_words(probabilities: Tensor) -> str:
    """The answer as one would say it: "Ankle boot", "Probably Ankle boot", "Ankle boot, perhaps Sneaker"."""
    best, second = probabilities.topk(2).indices.tolist()
    if probabilities[best] >= SURE:
        return CLASS_NAMES[best]
    if probabilities[second] >= WORTH_NAMING:
        return f"{CLASS_NAMES[best]}, perhaps {CLASS_NAMES[second]}"
    return f"Probably {CLASS_NAMES[best]}"


def to_json(file: str, outcome: Reading | FmnistError) -> dict[str, Any]:
    """The answer in the form of the command line and of the API; ``error`` is null or a sentence."""
    answer: dict[str, Any] = {
        "file": file,
        "label": None,
        "name": None,
        "probabilities": None,
        "familiarity": None,
        "error": None,
    }
    if isinstance(outcome, FmnistError):
        return answer | {"error": str(outcome)}
    return answer | {
        "label": outcome.label,
        "name": CLASS_NAMES[outcome.label],
        "probabilities": dict(zip(CLASS_NAMES, outcome.probabilities.tolist(), strict=True)),
    }
