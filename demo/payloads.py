"""Numbers -> what the widgets draw: small, plain, ready for JSON."""

import base64
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from fmnist_core import CLASS_NAMES, IMAGE_SIZE
from fmnist_core.dataset import Split
from fmnist_core.explain import (
    TopActivations,
    grad_cam,
    occlusion,
    pixel_sum,
    receptive_field,
    ablate_channel,
    channel_weights,
)
from fmnist_core.inference import UNFAMILIAR, Reading, in_words
from fmnist_core.model import Network, Trace, layer_table, to_inputs, to_probabilities
from fmnist_core.preparation import KINDS, Prepared
from fmnist_core.projection import NEIGHBOURS, PixelMap, Projection

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

LAYERS_IN_WORDS: Final = {
    "Conv2d": ("convolution", "Each map looks for one small pattern, everywhere in the picture."),
    "ReLU": ("ReLU", "What is below zero becomes zero: only what was found stays."),
    "MaxPool2d": ("max pooling", "Of each small square only the strongest value stays."),
    "AvgPool2d": ("average pooling", "Of each map only its average stays: how much of its pattern there is."),
    "BatchNorm2d": ("batch normalisation", "Each map is brought to a common scale."),
    "BatchNorm1d": ("batch normalisation", "Each number is brought to a common scale."),
    "Flatten": ("flatten", "All values are laid in one row."),
    "Linear": ("fully connected", "Each number weighs all numbers of the layer above."),
}


def facts(networks: Mapping[str, Network], samples: Split, sheet_url: str) -> dict[str, Any]:
    """What every widget knows from the start, the same for all visitors; the first of ``networks`` answers at first."""
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
        "kinds": KINDS,
        "networks": {name: network.parameter_count for name, network in networks.items()},
        "layers": layers(next(iter(networks.values()))),
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
    """The answer to one picture, with the parts that open views ``want``.

    Those are ``maps``: of a layer; ``channel``: the answer without [layer, number]; ``pixel``: the sum behind [number,
    row, column] of the first layer; ``spots``: its place on the map. A view may still speak of another network than the
    one that answers: what that has not is left out.

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
    trace = reading.trace
    match want.get("maps"):
        case str(layer) if layer in trace.maps:
            figure["maps"] = layer_maps(trace, layer)
    match want.get("channel"):
        case [str(layer), int(number)] if layer in trace.maps and 0 <= number < trace.maps[layer].shape[1]:
            figure["channel"] = without_channel(network, trace, layer, number)
    match want.get("pixel"):
        case [int(number), int(row), int(column)] if _is_place(next(iter(trace.maps.values())), number, row, column):
            figure["pixel"] = arithmetic(network, reading.pixels, number, row, column)
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
        "without": without_steps(without),
    }


def without_steps(reading: Reading) -> dict[str, str]:
    """What the network says of a picture that is only made grey and small."""
    return {"pixels": _base64(reading.pixels.numpy()), "words": in_words(reading)}


def layers(network: Network) -> list[dict[str, Any]]:
    """The rows of the table of layers, each with its kind and what it does in plain words."""
    rows = []
    for row in layer_table(network):
        kind, words = LAYERS_IN_WORDS[row.kind]
        rows.append(vars(row) | {"kind": kind, "words": words})
    return rows


def layer_maps(trace: Trace, layer: str) -> dict[str, Any]:
    """The output of ``layer``, each of its maps quantised by itself (a vector as a whole)."""
    return {"layer": layer, **_quantised(trace.maps[layer][0])}


def channel(network: Network, trace: Trace, found: TopActivations, layer: str, number: int) -> dict[str, Any]:
    """What one channel of a layer is: the weights that make it, and the samples that excite it most.

    Of each sample its value and the part of it that this value depends on, as [left, top, right, bottom] in pixels.
    """
    maker, weights = channel_weights(network, trace, layer, number)
    strongest = zip(
        found.indices[number].tolist(), found.values[number].tolist(), found.places[number].tolist(), strict=True
    )
    return {
        "layer": layer,
        "channel": number,
        "maker": maker,
        "weights": _quantised(weights),
        "exciting": [
            {"index": index, "value": value, "box": receptive_field(network, layer, row, column)}
            for index, value, (row, column) in strongest
        ],
    }


def without_channel(network: Network, trace: Trace, layer: str, number: int) -> dict[str, Any]:
    """The probabilities when one channel of a layer is switched off."""
    probabilities = to_probabilities(ablate_channel(network, trace, layer, number))[0]
    return {"layer": layer, "channel": number, "probabilities": probabilities.tolist()}


def arithmetic(network: Network, pixels: Tensor, number: int, row: int, column: int) -> dict[str, Any]:
    """The sum behind one value of the first layer, number by number; ``place`` says which value."""
    found = pixel_sum(network, to_inputs(pixels[None]), number, row, column)
    return vars(found) | {
        "place": [number, row, column],
        "patch": found.patch.tolist(),
        "kernel": found.kernel.tolist(),
    }


def reasons(network: Network, reading: Reading, label: int) -> dict[str, Any]:
    """Why the picture is taken for the class ``label``: Grad-CAM as levels 0..255, occlusion quantised."""
    heat = grad_cam(network, reading.trace, label)
    return {
        "label": label,
        "grad_cam": _base64((heat * 255).round().to(torch.uint8).numpy()),
        "occlusion": _quantised(occlusion(network, reading.pixels, label)[None]),
    }


def _is_place(maps: Tensor, *place: int) -> bool:
    return all(0 <= number < size for number, size in zip(place, maps.shape[1:], strict=True))


def _quantised(values: Tensor) -> dict[str, Any]:
    """Maps (C, H, W), or a vector (D,), in bytes: level 128 is zero, 1 and 255 are -top and +top, its largest value."""
    flat = values.flatten(1) if values.dim() == 3 else values[None]
    tops = flat.abs().amax(1).clamp(min=1e-9)
    levels = (flat * (127 / tops[:, None])).round().add(128).to(torch.uint8)
    return {"shape": list(values.shape), "tops": tops.tolist(), "values": _base64(levels.numpy())}


def spots(embedding: Tensor, projection: Projection, sample: int | None = None) -> dict[str, Any]:
    """Where one embedding (1, D) lies on each map, as parts of the map's width and height, and its nearest samples."""
    distances, indices = projection.nearest(embedding, NEIGHBOURS + 1)
    pairs = zip(indices[0].tolist(), distances[0].tolist(), strict=True)
    others = [{"index": index, "distance": distance} for index, distance in pairs if index != sample]
    places = {"pca": (projection.project_pca(embedding), projection.pca)}
    spot = projection.project_tsne(embedding)
    if spot is not None and projection.tsne is not None:
        places["tsne"] = (spot, projection.tsne)
    return {
        "spots": {name: _scaled(spot, frame)[0].tolist() for name, (spot, frame) in places.items()},
        "nearest": others[:NEIGHBOURS],
    }


def pixel_spot(pixels: Tensor, pixel_map: PixelMap) -> list[float]:
    """Where pixels (28, 28) lie on the map by pixels, as parts of its width and height."""
    spot: list[float] = _scaled(pixel_map.place(pixels[None]), pixel_map.spots)[0].tolist()
    return spot


def points(projection: Projection, pixel_map: PixelMap) -> dict[str, Any]:
    """All samples' places on each map, x and y in turns as 0..65535 of its width and height, and their answers."""
    maps = {"pca": projection.pca, "pixels": pixel_map.spots, "tsne": projection.tsne}
    return {
        name: None if frame is None else _base64((_scaled(frame, frame) * 65535).round().numpy().astype("<u2"))
        for name, frame in maps.items()
    } | {"answers": _base64(projection.answers.numpy().astype(np.uint8))}


def more_points(
    images: Split, embeddings: Tensor, answers: Tensor, projection: Projection, pixel_map: PixelMap
) -> dict[str, Any]:
    """The places of further images on the samples' maps, and their answers, labels and numbers.

    A place is x and y in turns, as float32 parts of the width and height of the samples' map: it may lie outside.
    """
    maps = {
        "pca": (projection.project_pca(embeddings), projection.pca),
        "pixels": (pixel_map.place(images.pixels), pixel_map.spots),
        "tsne": (projection.project_tsne(embeddings), projection.tsne),
    }
    figure: dict[str, Any] = {
        name: None if spots is None or frame is None else _base64(_scaled(spots, frame).numpy().astype("<f4"))
        for name, (spots, frame) in maps.items()
    }
    return figure | {
        "answers": _base64(answers.numpy().astype(np.uint8)),
        "labels": _base64(images.labels.numpy().astype(np.uint8)),
        "numbers": _base64(images.numbers.numpy().astype("<u2")),
    }


def png(picture: Image.Image) -> str:
    """A picture as base64 of a PNG file."""
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=1)
    return base64.b64encode(buffer.getvalue()).decode()


def url(path: Path) -> str:
    """Where the browser finds a file of the folder that it may load from."""
    return f"gradio_api/file={path.as_posix()}"


def _scaled(spot: Tensor, frame: Tensor) -> Tensor:
    """Places (M, 2) relative to the box around ``frame`` (N, 2): 0..1 inside it."""
    low, high = frame.min(0).values, frame.max(0).values
    return (spot - low) / (high - low).clamp(min=1e-9)


def _base64(array: "np.ndarray[Any, Any]") -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
