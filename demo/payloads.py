"""Results -> what the widgets draw: small, plain, ready for JSON."""

import base64
import io
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from demo.limits import Limits
from demo.requests import MAX_NETWORK_NAME, MORE_ON_PAGE, Wants, page_settings
from demo.session import OWN, Session
from fmnist_core import CLASS_COLOURS, CLASS_NAMES, IMAGE_SIZE
from fmnist_core.architectures import ARCHITECTURES
from fmnist_core.comparison import Comparison
from fmnist_core.custom_layers import CUSTOM, ORIGINAL_ROWS, LayerLimits, plan, written
from fmnist_core.dataset import Split
from fmnist_core.errors import ConfigError
from fmnist_core.events import SnapshotTaken
from fmnist_core.explain import (
    TopActivations,
    ablate_channel,
    channel_weights,
    grad_cam,
    has_pixel_sum,
    occlusion,
    pixel_sum,
)
from fmnist_core.inference import UNFAMILIAR, Reading, in_words
from fmnist_core.layer_kinds import LAYER_KINDS, Flatten
from fmnist_core.layer_table import layer_table
from fmnist_core.model import Network, Trace, to_probabilities
from fmnist_core.preparation import PICTURE_KINDS, Prepared
from fmnist_core.projection import NEIGHBOURS, PixelProjection, Projection
from fmnist_core.settings import Setting, setting_of
from fmnist_core.train_config import SUGGESTED_SYNTHETIC, TrainConfig, flattened, recipe

STEP_SIDE: Final = 160  # longer side, in pixels, of the picture of what was found
SHEET_COLUMNS: Final = 50  # test samples side by side in the one picture that the page loads
OWN_FRACTION: Final = 0.3  # of the 60,000 training images, for layers of one's own: they may take long
# Seconds in which a network looks at all 60,000 training images once, synthetic ones beside them, on two cores: about.
PACES: Final = {"original": 11.0, "deep": 290.0}
SAMPLES_FRACTION: Final = 1 / 6  # of the training images, which are shipped
# Where the page starts with something else than the recipe. Neither sample selection nor erasing: they help in long
# trainings only. What is drawn is mixed in for every network, as the page is about people's drawings and photos.
PAGE_VALUES: Final = {"epochs": 5, "skipped_fraction": 0.0, "erase": 0.0} | SUGGESTED_SYNTHETIC

# Class of a layer -> what it is called, and what it does in plain words.
LAYERS_IN_WORDS: Final = {
    "Conv2d": ("convolution", "Each map looks for one small pattern, everywhere in the picture."),
    "ReLU": ("ReLU", "What is below zero becomes zero: only what was found stays."),
    "LeakyReLU": ("leaky ReLU", "What is below zero becomes nearly zero."),
    "GELU": ("GELU", "What is below zero becomes nearly zero."),
    "Tanh": ("tanh", "Each value is squeezed in between -1 and 1."),
    "Sigmoid": ("sigmoid", "Each value is squeezed in between 0 and 1."),
    "MaxPool2d": ("max pooling", "Of each small square only the strongest value stays."),
    "AvgPool2d": ("average pooling", "Of each square only the average stays."),
    "AdaptiveAvgPool2d": ("average pooling", "Of each square only the average stays."),
    "AdaptiveMaxPool2d": ("max pooling", "Of each square only the strongest value stays."),
    "BatchNorm2d": ("batch normalisation", "Each map is brought to a common scale."),
    "BatchNorm1d": ("batch normalisation", "Each value is brought to a common scale."),
    "Dropout": ("dropout", "In training, values are left out at random; in an answer, none is."),
    "Dropout2d": ("dropout", "In training, whole maps are left out at random; in an answer, none is."),
    "Flatten": ("flatten", "All values are laid out in one row."),
    "Linear": ("fully connected", "Each value is a weighted sum of all values of the layer before."),
}


def facts(sessions: Sequence[Session], samples: Split, sheet_url: str, limits: Limits) -> dict[str, Any]:
    """What every widget knows from the start, the same for all visitors; the first of ``sessions`` answers at first."""
    return {
        "classes": CLASS_NAMES,
        "colours": CLASS_COLOURS,
        "size": IMAGE_SIZE,
        "example": int((samples.labels == CLASS_NAMES.index("Ankle boot")).nonzero()[0]),
        "samples": {
            "count": len(samples),
            "columns": SHEET_COLUMNS,
            "sheet": sheet_url,
            "labels": _base64(samples.labels.numpy().astype(np.uint8)),
            "numbers": _base64(samples.numbers.numpy().astype("<u2")),
        },
        "kinds": PICTURE_KINDS,
        "networks": [
            {"id": each.id, "name": each.name, "parameters": each.network.parameter_count} for each in sessions
        ],
        "layers": layers(sessions[0].network),
        "session": sessions[0].number,
        "networkNameLength": MAX_NETWORK_NAME,
        "networksKept": limits.visitor_networks,
        "lessonPictures": limits.lesson_pictures,
        "uploadBytes": limits.upload_bytes,
        "networkBytes": limits.network_bytes,
    }


def training_form(is_whole: bool, limits: Limits, paces: Mapping[str, float] | None = None) -> dict[str, Any]:
    """What a visitor can set before a training; ``is_whole``: the whole data set is here, not only the samples.

    ``paces`` are those of earlier trainings here, see ``TrainingQueue``.
    """
    settings = page_settings(limits)
    values = {
        name: _page_values(recipe(name), settings, architecture.quick_fraction if is_whole else 1.0)
        for name, architecture in ARCHITECTURES.items()
    }
    default = next(iter(values.values()))
    values[CUSTOM] = _page_values(recipe(CUSTOM, ORIGINAL_ROWS), settings, OWN_FRACTION if is_whole else 1.0)
    differing = [name for name in default if len({each[name] for each in values.values()}) > 1]

    def its_own(network: str) -> dict[str, Any]:
        return {name: values[network][name] for name in differing}

    return {
        "isOpen": limits.training == "everyone",
        "patience": limits.patience_seconds,
        "architectures": [
            {
                "id": name,
                "parameters": Network(name).parameter_count,
                "description": architecture.description,
                "values": its_own(name),
            }
            for name, architecture in ARCHITECTURES.items()
        ],
        "custom": {
            "id": CUSTOM,
            "values": its_own(CUSTOM),
            "rows": written(list(plan(ORIGINAL_ROWS))),  # to begin with
            "kinds": [
                {
                    "id": name,
                    "label": kind.label,
                    "settings": [_form_setting(setting_of(each), cast(float, each.default)) for each in fields(kind)],
                }
                for name, kind in LAYER_KINDS.items()
            ],
        },
        "settings": [_form_setting(setting, default[setting.name]) for setting in settings],
        "more": MORE_ON_PAGE,
        "paces": {
            name: {"seconds": seconds if is_whole else seconds * SAMPLES_FRACTION, "isMeasured": False}
            for name, seconds in PACES.items()
        }
        | {name: {"seconds": seconds, "isMeasured": True} for name, seconds in (paces or {}).items()},
        "suggestedSynthetic": {name: default[name] for name in SUGGESTED_SYNTHETIC},
        "pauseSeconds": limits.pause_seconds,
        "sweepRuns": limits.sweep_runs,
    }


def _page_values(config: TrainConfig, settings: Sequence[Setting], data_fraction: float) -> dict[str, Any]:
    """What the form starts with for the network of a recipe."""
    values = flattened(config) | PAGE_VALUES | {"data_fraction": data_fraction}
    return {each.name: each.type(min(values[each.name], each.high)) for each in settings}


def _form_setting(setting: Setting, value: float) -> dict[str, Any]:
    return {
        "name": setting.name,
        "label": setting.label,
        "help": setting.help,
        "isWhole": setting.type is int,
        "isSwitch": setting.type is bool,
        "low": setting.low,
        "high": 1 if setting.type is bool else setting.high,  # JSON has no infinity
        "value": value,
    }


def own_layers(rows: list[Any], limits: LayerLimits) -> dict[str, Any]:
    """What each of the rows puts out, and after them the last layer; from the first impossible one on, ``problem``."""
    shown: list[dict[str, Any]] = []
    flattened = problem = None
    try:
        for each in plan(rows, limits=limits):
            if isinstance(each.layer, Flatten):  # it has no row of its own
                flattened = each.shape[0]
                continue
            shown.append(
                {
                    "name": each.name,
                    "shape": each.shape,
                    "parameters": each.parameters,
                    "operations": each.operations,
                    "flattened": flattened,  # how many values were laid out in one row before it
                }
            )
            flattened = None
    except ConfigError as error:
        problem = str(error)
    return {"layers": shown, "problem": problem}


def sheet(samples: Split) -> Image.Image:
    """All samples in one grey picture, ``SHEET_COLUMNS`` side by side, row by row."""
    rows = -(-len(samples) // SHEET_COLUMNS)
    cells = torch.zeros(rows * SHEET_COLUMNS, IMAGE_SIZE, IMAGE_SIZE, dtype=torch.uint8)
    cells[: len(samples)] = samples.pixels
    grid = cells.reshape(rows, SHEET_COLUMNS, IMAGE_SIZE, IMAGE_SIZE).permute(0, 2, 1, 3)
    return Image.fromarray(grid.reshape(rows * IMAGE_SIZE, SHEET_COLUMNS * IMAGE_SIZE).numpy())


def answer(reading: Reading, network: Network, wants: Wants) -> dict[str, Any]:
    """The answer to one picture, with the parts that open views want.

    A view may still speak of another network than the one that answers: what that has not is left out.
    """
    payload: dict[str, Any] = {
        "words": in_words(reading),
        "familiarity": reading.familiarity,
        "note": None if reading.is_familiar else UNFAMILIAR,
        "probabilities": reading.probabilities.tolist(),
        "kind": reading.kind,
        "pixels": _base64(reading.pixels.numpy()),
    }
    trace = reading.trace
    if wants.maps in trace.maps:
        payload["maps"] = layer_maps(trace, wants.maps)
    with suppress(ConfigError):
        if wants.channel:
            payload["channel"] = without_channel(network, trace, *wants.channel)
    with suppress(ConfigError):
        if wants.pixel:
            payload["pixel"] = arithmetic(network, reading.pixels, *wants.pixel)
    return payload


def steps(prepared: Prepared, naive: Reading) -> dict[str, Any]:
    """How a picture became pixels: the garment that was found with its bounding box, and the naive way beside it."""
    found = Image.fromarray(prepared.found)
    width, height = found.size
    left, top, right, bottom = prepared.box
    found.thumbnail((STEP_SIDE, STEP_SIDE), Image.Resampling.BOX)
    return {
        "found": png(found),
        "box": [left / width, top / height, right / width, bottom / height],
        "naive": naive_step(naive),
    }


def naive_step(reading: Reading) -> dict[str, str]:
    """What the network says of a picture that is only made grey and small."""
    return {"pixels": _base64(reading.pixels.numpy()), "words": in_words(reading)}


def layers(network: Network) -> list[dict[str, Any]]:
    """The rows of the table of layers, each with what it is called and what it does in plain words."""
    rows: list[dict[str, Any]] = []
    for row in layer_table(network):
        kind, words = LAYERS_IN_WORDS.get(row.kind, (row.kind, ""))
        rows.append(vars(row) | {"kind": kind, "words": words, "hasSum": not rows and has_pixel_sum(network)})
    return rows


def network(session: Session, samples: Split, limits: Limits) -> dict[str, Any]:
    """A network that a visitor can choose: how it came about, and its accuracy on the ``samples``."""
    maps = [row.name for row in layer_table(session.network) if len(row.shape) == 3]
    about = {
        "id": session.id,
        "name": session.name,
        "architecture": session.network.architecture,
        "parameters": session.network.parameter_count,
        "accuracy": (session.projection.predictions == samples.labels).double().mean().item(),
        "maps": maps,
        "own": session.id.startswith(OWN),
        "record": None,
    }
    if session.record is None:
        return about
    record = dict(vars(session.record))
    config: TrainConfig | None = record.pop("config")
    record["settings"] = config and {
        **{each.name: flattened(config)[each.name] for each in page_settings(limits)},
        "architecture": config.architecture,
        "layers": config.layers,
    }
    return about | {"record": record}


def comparison(first: Session, second: Session, samples: Split) -> dict[str, Any]:
    """Two networks on the ``samples``: figures, accuracy per class, and the predictions of both."""
    predictions = [each.projection.predictions for each in (first, second)]
    compared = Comparison.of(samples.labels, *predictions)
    return compared.to_json() | {
        "per_class": compared.per_class(len(CLASS_NAMES)),
        "predictions": [_base64(each.numpy().astype(np.uint8)) for each in predictions],
    }


def layer_maps(trace: Trace, layer: str) -> dict[str, Any]:
    """The output of ``layer``, each of its maps quantised by itself (a vector as a whole)."""
    return {"layer": layer, **_quantised(trace.maps[layer][0])}


def channel(network: Network, trace: Trace, found: TopActivations, layer: str, channel: int) -> dict[str, Any]:
    """What one channel of a layer is: the weights that make it, and the samples that activate it most.

    Of each sample its value and the part of it that this value depends on, as [left, top, right, bottom] in pixels.
    """
    payload: dict[str, Any] = {"layer": layer, "channel": channel}
    try:
        maker, weights = channel_weights(network, trace, layer, channel)
        payload |= {"maker": maker, "weights": _quantised(weights)}
    except ConfigError as error:
        payload["noWeights"] = str(error)
    strongest = (found.indices[channel].tolist(), found.values[channel].tolist(), found.boxes[channel].tolist())
    payload["top"] = [
        {"index": index, "value": value, "box": box} for index, value, box in zip(*strongest, strict=True)
    ]
    return payload


def without_channel(network: Network, trace: Trace, layer: str, channel: int) -> dict[str, Any]:
    """The probabilities when one channel of a layer is ablated."""
    probabilities = to_probabilities(ablate_channel(network, trace, layer, channel))[0]
    return {"layer": layer, "channel": channel, "probabilities": probabilities.tolist()}


def arithmetic(network: Network, pixels: Tensor, channel: int, row: int, column: int) -> dict[str, Any]:
    """The sum behind one value of the first layer, number by number; ``place`` says which value."""
    found = pixel_sum(network, network.to_inputs(pixels[None]), channel, row, column)
    return vars(found) | {
        "place": [channel, row, column],
        "patch": found.patch.tolist(),
        "kernel": found.kernel.tolist(),
    }


def reasons(network: Network, reading: Reading, label: int) -> dict[str, Any]:
    """Why the network predicts the class ``label``: Grad-CAM as levels 0..255, occlusion quantised.

    Of a network without maps there is no Grad-CAM: None.
    """
    try:
        heat = grad_cam(network, reading.trace, label)
        levels = _base64((heat * 255).round().to(torch.uint8).numpy())
    except ConfigError:
        levels = None
    return {
        "label": label,
        "grad_cam": levels,
        "occlusion": _quantised(occlusion(network, reading.pixels, label)[None]),
    }


def _quantised(values: Tensor) -> dict[str, Any]:
    """Maps (C, H, W), or a vector (D,), in bytes: level 128 is zero, 1 and 255 are -top and +top, its largest value."""
    flat = values.flatten(1) if values.dim() == 3 else values[None]
    tops = flat.abs().amax(1).clamp(min=1e-9)
    levels = (flat * (127 / tops[:, None])).round().add(128).to(torch.uint8)
    return {"shape": list(values.shape), "tops": tops.tolist(), "values": _base64(levels.numpy())}


def place(
    reading: Reading, projection: Projection, pixel_projection: PixelProjection, sample: int | None = None
) -> dict[str, Any]:
    """Coordinates on each map, as fractions of the map's width and height, and the nearest samples.

    ``sample`` is the index of the picture among the samples when it is one: it is not its own neighbour.
    """
    embedding = reading.trace.embedding
    distances, indices = projection.nearest(embedding, NEIGHBOURS + 1)
    pairs = zip(indices[0].tolist(), distances[0].tolist(), strict=True)
    neighbours = [{"index": index, "distance": distance} for index, distance in pairs if index != sample]
    coordinates = {
        "pca": (projection.project_pca(embedding), projection.pca),
        "pixels": (pixel_projection.project(reading.pixels[None]), pixel_projection.coordinates),
        "tsne": (projection.project_tsne(embedding), projection.tsne),
    }
    return {
        "coordinates": {
            name: _scaled(own, frame)[0].tolist()
            for name, (own, frame) in coordinates.items()
            if own is not None and frame is not None
        },
        "nearest": neighbours[:NEIGHBOURS],
    }


def points(projection: Projection, pixel_projection: PixelProjection) -> dict[str, Any]:
    """All samples on each map, x and y in turns as 0..65535 of its width and height, and their predictions."""
    maps = {"pca": projection.pca, "pixels": pixel_projection.coordinates, "tsne": projection.tsne}
    return {
        name: None if frame is None else _base64((_scaled(frame, frame) * 65535).round().numpy().astype("<u2"))
        for name, frame in maps.items()
    } | {"predictions": _base64(projection.predictions.numpy().astype(np.uint8))}


def more_points(
    images: Split, embeddings: Tensor, predictions: Tensor, projection: Projection, pixel_projection: PixelProjection
) -> dict[str, Any]:
    """Further images on the samples' maps, and their predictions, labels and numbers.

    Coordinates are x and y in turns, as float32 fractions of the width and height of the samples' map: they may lie
    outside.
    """
    maps = {
        "pca": (projection.project_pca(embeddings), projection.pca),
        "pixels": (pixel_projection.project(images.pixels), pixel_projection.coordinates),
        "tsne": (projection.project_tsne(embeddings), projection.tsne),
    }
    payload: dict[str, Any] = {
        name: None if own is None or frame is None else _base64(_scaled(own, frame).numpy().astype("<f4"))
        for name, (own, frame) in maps.items()
    }
    return payload | {
        "predictions": _base64(predictions.numpy().astype(np.uint8)),
        "labels": _base64(images.labels.numpy().astype(np.uint8)),
        "numbers": _base64(images.numbers.numpy().astype("<u2")),
    }


def snapshot(taken: SnapshotTaken, labels: Tensor) -> dict[str, Any]:
    """A moment of a training: the images' coordinates, x and y in turns in thousandths as 16 bits; labels (N,)."""
    thousandths = (taken.coordinates * 1000).round().clamp(-32767, 32767)
    return {
        "coordinates": _base64(thousandths.numpy().astype("<i2")),
        "labels": _base64(labels.numpy().astype(np.uint8)),
        "place": None if taken.place is None else taken.place.tolist(),
        "probabilities": None if taken.probabilities is None else taken.probabilities.tolist(),
        "kernels": _quantised(taken.kernels) if len(taken.kernels) else None,
    }


def png(picture: Image.Image) -> str:
    """A picture as base64 of a PNG file."""
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=1)
    return base64.b64encode(buffer.getvalue()).decode()


def url(path: Path) -> str:
    """Where the browser finds a file of the folder that it may load from."""
    return f"gradio_api/file={path.as_posix()}"


def _scaled(coordinates: Tensor, frame: Tensor) -> Tensor:
    """Coordinates (M, 2) relative to the bounding box of ``frame`` (N, 2): 0..1 inside it."""
    low, high = frame.min(0).values, frame.max(0).values
    return (coordinates - low) / (high - low).clamp(min=1e-9)


def _base64(array: "np.ndarray[Any, Any]") -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
