"""A picture -> a Reading: what the network makes of it."""

import math
from dataclasses import dataclass, replace
from typing import Any, Final

import torch
from PIL import Image
from torch import Tensor

from fmnist_core.errors import FmnistError
from fmnist_core.model import Network, Trace, to_probabilities
from fmnist_core.preparation import Prepared, prepare

CONFIDENT: Final = 0.8  # probability from which the best class is named without "probably"
FAMILIAR: Final = 0.3  # familiarity below which an answer is a guess: 3 in 100 held-out drawings are, 98 of doodles
WORTH_NAMING: Final = 0.15  # probability from which the second class is named too

UNFAMILIAR: Final = "This does not look like anything I was trained on."  # the sentence beside such an answer


@dataclass(frozen=True, eq=False)
class Reading:
    """One picture as the network sees it, and all that it answers."""

    kind: str  # what the picture was detected as: a key of ``preparation.PICTURE_KINDS``
    pixels: Tensor  # uint8 (28, 28)
    trace: Trace  # of this one input
    probabilities: Tensor  # float32 (classes,)
    class_names: tuple[str, ...]
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
        """The class with the highest probability, an index into ``class_names``."""
        return int(self.probabilities.argmax())


def familiarity(probabilities: Tensor) -> Tensor:
    """How much images are like what the network was trained on, 0..1 (N,), from probabilities (N, classes).

    It is 1 - entropy / log(classes): 0 when all classes are equally probable, 1 when one of them is certain. A network
    that was trained with doodles (outlier exposure) gives all classes about the same probability for what it does not
    know.
    """
    entropy: Tensor = torch.special.entr(probabilities).sum(-1)
    return (1 - entropy / math.log(probabilities.shape[-1])).clamp(0, 1)  # rounding can lead beyond


def read_picture(network: Network, picture: Image.Image, kind: str | None = None) -> Reading:
    """Prepare a picture, as of the kind when one is given (see ``preparation.prepare``), and let the network answer.

    Raises:
        NothingDrawn: there is nothing in the picture.
        ConfigError: there is no such kind.
    """
    prepared = prepare(picture, kind)
    return replace(read_pixels(network, torch.from_numpy(prepared.pixels), prepared.kind), prepared=prepared)


def read_pixels(network: Network, pixels: Tensor, kind: str = "sample") -> Reading:
    """Let the network answer to pixels (28, 28) uint8 as they are."""
    with torch.inference_mode():
        trace = network.trace(network.to_inputs(pixels[None]))
        return Reading(kind, pixels, trace, to_probabilities(trace.logits)[0], network.class_names)


def in_words(reading: Reading) -> str:
    """The answer as one would say it: "Ankle boot", "Probably Ankle boot", "Ankle boot, perhaps Sneaker".

    Of what is not familiar: "At a guess: Ankle boot".
    """
    names, probabilities = reading.class_names, reading.probabilities
    if not reading.is_familiar:
        return f"At a guess: {names[reading.label]}"
    best, second = (int(label) for label in probabilities.topk(2).indices)
    if probabilities[best] >= CONFIDENT:
        return names[best]
    if probabilities[second] >= WORTH_NAMING:
        return f"{names[best]}, perhaps {names[second]}"
    return f"Probably {names[best]}"


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
        "name": outcome.class_names[outcome.label],
        "familiarity": outcome.familiarity,
        "probabilities": dict(zip(outcome.class_names, outcome.probabilities.tolist(), strict=True)),
    }
