"""Embeddings as files that other programs open.

TensorFlow's Embedding Projector reads ``tensors.tsv`` (a row of numbers for each image, without a head),
``metadata.tsv`` (a head, then what is known of each image) and ``sprite.png`` (the images, row by row);
``projector_config.json`` names them for the one on the web, ``projector_config.pbtxt`` for the one in TensorBoard.
Embedding Atlas, and any spreadsheet, reads ``embedding.csv``: a place on a map for each image, and what is known of it.
"""

import csv
import io
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from PIL import Image

from fmnist_core import IMAGE_SIZE
from fmnist_core.dataset import Split
from fmnist_core.model import Network
from fmnist_core.projection import Projection
from fmnist_core.storage import write_whole

TENSORS_FILE: Final = "tensors.tsv"
METADATA_FILE: Final = "metadata.tsv"
SPRITE_FILE: Final = "sprite.png"
JSON_FILE: Final = "projector_config.json"
PBTXT_FILE: Final = "projector_config.pbtxt"
CSV_FILE: Final = "embedding.csv"
COLUMNS: Final = ("label", "prediction", "correct", "number")


def save_embedding(network: Network, images: Split, projection: Projection, folder: Path, address: str = "") -> None:
    """Write all six files, each whole or not at all.

    Args:
        network: names the classes.
        images: N images, with their numbers in the file that they come from.
        projection: their map for this network; by t-SNE, if that has been worked out.
        folder: where to.
        address: of the folder on the web, to which the names are added in the configuration for the web.

    Raises:
        StorageError: they could not be written.
    """
    embeddings = projection.embeddings.numpy()  # (N, D)
    coordinates = (projection.pca if projection.tsne is None else projection.tsne).tolist()
    rows = known_of(network, images, projection)
    tensors = io.StringIO()
    np.savetxt(tensors, embeddings, fmt="%.9g", delimiter="\t")  # nine digits tell any two float32 apart
    sprite = io.BytesIO()
    sprite_of(images).save(sprite, "PNG")
    places = [(*place, *row) for place, row in zip(coordinates, rows, strict=True)]
    files = {
        TENSORS_FILE: tensors.getvalue().encode(),
        METADATA_FILE: _table([COLUMNS, *rows], "\t"),
        SPRITE_FILE: sprite.getvalue(),
        JSON_FILE: (json.dumps(_config(network, embeddings.shape, address), indent=2) + "\n").encode(),
        PBTXT_FILE: PBTXT.encode(),
        CSV_FILE: _table([("x", "y", *COLUMNS), *places], ","),
    }
    for name, contents in files.items():
        with write_whole(folder / name) as file:
            file.write(contents)


def known_of(network: Network, images: Split, projection: Projection) -> list[tuple[str, str, str, int]]:
    """``COLUMNS`` of each image: its class, the one that the network predicts, whether that is right, its number."""
    names = network.class_names
    return [
        (names[label], names[predicted], "yes" if predicted == label else "no", number)
        for label, predicted, number in zip(
            images.labels.tolist(), projection.predictions.tolist(), images.numbers.tolist(), strict=True
        )
    ]


def sprite_of(images: Split) -> Image.Image:
    """All images on one square sheet, row by row; places for which there is no image stay black."""
    columns = math.ceil(math.sqrt(len(images)))
    sheet = torch.zeros(columns * columns, IMAGE_SIZE, IMAGE_SIZE, dtype=torch.uint8)
    sheet[: len(images)] = images.pixels
    rows = sheet.reshape(columns, columns, IMAGE_SIZE, IMAGE_SIZE).permute(0, 2, 1, 3)
    return Image.fromarray(rows.reshape(columns * IMAGE_SIZE, columns * IMAGE_SIZE).numpy())


PBTXT: Final = f"""embeddings {{
  tensor_name: "embedding"
  tensor_path: "{TENSORS_FILE}"
  metadata_path: "{METADATA_FILE}"
  sprite {{
    image_path: "{SPRITE_FILE}"
    single_image_dim: {IMAGE_SIZE}
    single_image_dim: {IMAGE_SIZE}
  }}
}}
"""


def _config(network: Network, shape: Sequence[int], address: str) -> dict[str, Any]:
    place = address and f"{address.rstrip('/')}/"
    embedding = {
        "tensorName": f"Fashion-MNIST in the {network.architecture} network",
        "tensorShape": list(shape),
        "tensorPath": f"{place}{TENSORS_FILE}",
        "metadataPath": f"{place}{METADATA_FILE}",
        "sprite": {"imagePath": f"{place}{SPRITE_FILE}", "singleImageDim": [IMAGE_SIZE, IMAGE_SIZE]},
    }
    return {"embeddings": [embedding]}


def _table(rows: Sequence[Sequence[Any]], delimiter: str) -> bytes:
    table = io.StringIO()
    csv.writer(table, delimiter=delimiter, lineterminator="\n").writerows(rows)
    return table.getvalue().encode()
