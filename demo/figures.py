"""Numbers -> what the widgets draw: small, plain, ready for JSON."""

import base64
import io
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from fmnist_core import CLASS_NAMES, IMAGE_SIZE
from fmnist_core.dataset import Split
from fmnist_core.inference import UNFAMILIAR, Reading, in_words
from fmnist_core.model import Network, Trace, layer_table
from fmnist_core.pixels import KINDS as KINDS_OF_PICTURES
from fmnist_core.pixels import Prepared
from fmnist_core.projection import NEIGHBOURS, Projection

# Ten colours that people with any kind of colour vision can tell apart: Matthew A. Petroff, Accessible Color Sequences
# for Data Visualization, arXiv:2107.02270.
CLASS_COLOURS: Final = (
    "#3f90da",
    "#ffa90e",
    "#bd1f01",
    "#832db6",
    "#a96b59",
    "#e76300",
    "#92dadd",
    "#b9ac70",
    "#717581",
    "#94a4a2",
)
STEP_SIDE: Final = 160  # longer side, in pixels, of the picture of what was found
SHEET_COLUMNS: Final = 50  # test samples side by side in the one picture that the page loads

KINDS: Final = {
    "Conv2d": ("convolution", "Each map looks for one small pattern, everywhere in the picture."),
    "ReLU": ("ReLU", "What is below zero becomes zero: only what was found stays."),
    "MaxPool2d": ("max pooling", "Of each small square only the strongest value stays."),
    "AvgPool2d": ("average pooling", "Of each map only its average stays: how much of its pattern there is."),
    "BatchNorm2d": ("batch normalisation", "Each map is brought to a common scale."),
    "BatchNorm1d": ("batch normalisation", "Each number is brought to a common scale."),
    "Flatten": ("flatten", "All values are laid in one row."),
    "Linear": ("fully connected", "Each number weighs all numbers of the layer above."),
}


def facts(network: Network, samples: Split, sheet_url: str) -> dict[str, Any]:
    """What every widget knows from the start, the same for all visitors."""
    return {
        "classes": CLASS_NAMES,
        "colours": CLASS_COLOURS,
        "example": int((samples.labels == CLASS_NAMES.index("Ankle boot")).nonzero()[0]),
        "samples": {
            "count": len(samples),
            "columns": SHEET_COLUMNS,
            "sheet": sheet_url,
            "labels": _base64(samples.labels.numpy().astype(np.uint8)),
            "numbers": _base64(samples.numbers.numpy().astype("<u2")),
        },
        "kinds": KINDS_OF_PICTURES,
        "network": network.architecture,
        "layers": [vars(row) | {"kind": KINDS[row.kind][0]} for row in layer_table(network)],
    }


def sheet(samples: Split) -> Image.Image:
    """All samples in one grey picture, ``SHEET_COLUMNS`` side by side, row by row."""
    rows = -(-len(samples) // SHEET_COLUMNS)
    cells = torch.zeros(rows * SHEET_COLUMNS, IMAGE_SIZE, IMAGE_SIZE, dtype=torch.uint8)
    cells[: len(samples)] = samples.pixels
    grid = cells.reshape(rows, SHEET_COLUMNS, IMAGE_SIZE, IMAGE_SIZE).permute(0, 2, 1, 3)
    return Image.fromarray(grid.reshape(rows * IMAGE_SIZE, SHEET_COLUMNS * IMAGE_SIZE).numpy())


def answer(
    reading: Reading, network: Network, projection: Projection, want: Mapping[str, Any], sample: int | None = None
) -> dict[str, Any]:
    """The answer to one picture; ``want`` names the parts that only an open view needs: maps (of a layer), spots.

    ``sample`` is the place of the picture among the samples when it is one: it is not its own neighbour.
    """
    figure: dict[str, Any] = {
        "words": in_words(reading),
        "familiarity": reading.familiarity,
        "note": None if reading.is_familiar else UNFAMILIAR,
        "probabilities": reading.probabilities.tolist(),
        "kind": reading.kind,
        "pixels": _base64(reading.pixels.numpy()),
    }
    if "maps" in want:
        figure["maps"] = layer_maps(reading.trace, network, want["maps"])
    if "spots" in want:
        figure |= spots(reading.trace.embedding, projection, sample)
    return figure


def steps(prepared: Prepared, without: Reading) -> dict[str, Any]:
    """How a picture became pixels: the garment that was found with the box around it, and what would be without that.

    ``without`` is what the network says of the picture when it is only made grey and small.
    """
    found = Image.fromarray(prepared.found)
    width, height = found.size
    left, top, right, bottom = prepared.box
    found.thumbnail((STEP_SIDE, STEP_SIDE), Image.Resampling.BOX)
    return {
        "found": png(found),
        "box": [left / width, top / height, right / width, bottom / height],
        "without": {"pixels": _base64(without.pixels.numpy()), "words": in_words(without)},
    }


def layer_maps(trace: Trace, network: Network, layer: object) -> dict[str, Any]:
    """All layers, and the output of the open one, quantised; of the first one when there is no such ``layer``.

    Level 128 is zero, 1 and 255 are -top and +top, top being its largest value.
    """
    layers = [
        {"name": name, "kind": kind, "words": words, "shape": list(trace.maps[name].shape[1:])}
        for name, module in network.layers.named_children()
        for kind, words in (KINDS[type(module).__name__],)
    ]
    name = layer if isinstance(layer, str) and layer in trace.maps else next(iter(trace.maps))
    output = trace.maps[name][0]
    top = max(float(output.abs().max()), 1e-9)
    levels = (output * (127 / top)).round().add(128).to(torch.uint8)
    opened = {"name": name, "shape": list(levels.shape), "top": top, "values": _base64(levels.numpy())}
    return {"layers": layers, "open": opened}


def spots(embedding: Tensor, projection: Projection, sample: int | None = None) -> dict[str, Any]:
    """Where one embedding (1, D) lies on each map, as parts of the map's width and height, and its nearest samples."""
    distances, indices = projection.nearest(embedding, NEIGHBOURS + 1)
    pairs = zip(indices[0].tolist(), distances[0].tolist(), strict=True)
    others = [{"index": index, "distance": distance} for index, distance in pairs if index != sample]
    places = {"pca": (projection.place_pca(embedding), projection.pca)}
    spot = projection.place_tsne(embedding)
    if spot is not None and projection.tsne is not None:
        places["tsne"] = (spot, projection.tsne)
    return {
        "spots": {name: _scaled(spot, frame)[0].tolist() for name, (spot, frame) in places.items()},
        "nearest": others[:NEIGHBOURS],
    }


def points(projection: Projection) -> dict[str, Any]:
    """All samples' places on each map, x and y in turns as 0..65535 of its width and height, and their answers."""
    maps = {"pca": projection.pca, "tsne": projection.tsne}
    return {
        name: None if frame is None else _base64((_scaled(frame, frame) * 65535).round().numpy().astype("<u2"))
        for name, frame in maps.items()
    } | {"answers": _base64(projection.answers.numpy().astype(np.uint8))}


def png(picture: Image.Image) -> str:
    """A picture as base64 of a PNG file."""
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=1)
    return base64.b64encode(buffer.getvalue()).decode()


def _scaled(spot: Tensor, frame: Tensor) -> Tensor:
    """Places (M, 2) relative to the box around ``frame`` (N, 2): 0..1 inside it."""
    low, high = frame.min(0).values, frame.max(0).values
    return (spot - low) / (high - low).clamp(min=1e-9)


def _base64(array: "np.ndarray[Any, Any]") -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
