"""A picture -> a Reading: what the network makes of it."""

import math
from dataclasses import dataclass, replace
from typing import Any, Final

import torch
from PIL import Image
from torch import Tensor

from fmnist_core import CLASS_NAMES
from fmnist_core.errors import FmnistError
from fmnist_core.model import Network, Trace, to_inputs, to_probabilities
from fmnist_core.pixels import Prepared, prepare

SURE: Final = 0.8  # probability from which the best class is named without "probably"
FAMILIAR: Final = 0.3  # below it, a picture is like nothing learned: of held-out drawings 3 in 100 are, of doodles 98
WORTH_NAMING: Final = 0.15  # probability from which the second class is named too

UNFAMILIAR: Final = "This does not look like anything I was trained on."  # the sentence beside such an answer


@dataclass(frozen=True, eq=False)
class Reading:
    """One picture as the network sees it, and all that it answers."""

    kind: str  # what the picture was taken for: a key of ``pixels.KINDS``
    pixels: Tensor  # uint8 (28, 28)
    trace: Trace  # of this one input
    probabilities: Tensor  # float32 (10,)
    prepared: Prepared | None = None  # the steps from a picture to the pixels; None without a picture

    @property
    def familiarity(self) -> float:
        """How much the picture is like what the network was trained on, 0..1: see ``familiarity``."""
        return float(familiarity(self.probabilities))

    @property
    def is_familiar(self) -> bool:
        """Whether the answer is more than a guess."""
        return self.familiarity >= FAMILIAR

    @property
    def label(self) -> int:
        """The class with the highest probability, 0..9."""
        return int(self.probabilities.argmax())


def familiarity(probabilities: Tensor) -> Tensor:
    """How much pictures are like what the network was trained on, 0..1 (N,), from probabilities (N, 10).

    It is 1 - entropy / log(10): 0 when all classes are alike, 1 when one of them is certain.

    A network that has seen other things too (``doodles`` of ``TrainConfig``) answers what it does not know with all
    classes alike.
    """
    entropy: Tensor = torch.special.entr(probabilities).sum(-1)
    return (1 - entropy / math.log(len(CLASS_NAMES))).clamp(0, 1)  # beyond them by rounding


def read_picture(network: Network, picture: Image.Image, kind: str | None = None) -> Reading:
    """Prepare a picture, as of the kind when one is given (see ``pixels.prepare``), and let the network answer.

    Raises:
        NothingDrawn: there is nothing in the picture.
        ConfigError: there is no such kind.
    """
    prepared = prepare(picture, kind)
    return replace(read_pixels(network, torch.from_numpy(prepared.pixels), prepared.kind), prepared=prepared)


def read_pixels(network: Network, pixels: Tensor, kind: str = "sample") -> Reading:
    """Let the network answer to pixels (28, 28) uint8 as they are."""
    with torch.inference_mode():
        trace = network.trace(to_inputs(pixels[None]))
        return Reading(kind, pixels, trace, to_probabilities(trace.logits)[0])


def in_words(reading: Reading) -> str:
    """The answer as one would say it: "Ankle boot", "Probably Ankle boot", "Ankle boot, perhaps Sneaker".

    Of what is not familiar: "At a guess: Ankle boot".
    """
    probabilities = reading.probabilities
    if not reading.is_familiar:
        return f"At a guess: {CLASS_NAMES[reading.label]}"
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
        "kind": None,
        "label": None,
        "name": None,
        "probabilities": None,
        "familiarity": None,
        "error": None,
    }
    if isinstance(outcome, FmnistError):
        return answer | {"error": str(outcome)}
    return answer | {
        "kind": outcome.kind,
        "label": outcome.label,
        "name": CLASS_NAMES[outcome.label],
        "familiarity": outcome.familiarity,
        "probabilities": dict(zip(CLASS_NAMES, outcome.probabilities.tolist(), strict=True)),
    }
