"""How many test images are still recognised when they come as files have them: in margins, frames, greys and colours.

    python -m benchmarks.framed_samples [--images N]

Each image is ten times as large, as a viewer or a web page shows it. Printed are the fractions that the default network
recognises, and of how many it is wrong and more than 80 % sure: with the usual preparation of most demos (see
``benchmarks.pictures``) and with ours.
"""

import argparse
import io
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image, ImageDraw, ImageOps
from torch import Tensor

from benchmarks.pictures import PREPARATIONS
from fmnist_core import checkpoint, dataset
from fmnist_core.dataset import Split
from fmnist_core.evaluation import predict_logits
from fmnist_core.model import to_probabilities

WEIGHTS = Path(__file__).parent.parent / "weights" / "deep"
SURE = 0.8


def enlarged(image: Image.Image) -> Image.Image:
    return image.resize((280, 280), Image.Resampling.NEAREST).convert("RGB")


def as_jpeg(picture: Image.Image) -> Image.Image:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=75)
    return Image.open(file)


def figure_with_axes(image: Image.Image) -> Image.Image:
    """As plotting programs show an image: a thin frame, ticks and numbers in a wide white margin."""
    page = ImageOps.expand(ImageOps.expand(enlarged(image), 1, "black"), 44, "white")
    pen = ImageDraw.Draw(page)
    for tick in range(0, 28, 5):
        at = 50 + 10 * tick
        pen.line((at, 326, at, 331), fill="black")
        pen.text((at - 4, 334), str(tick), fill="black")
        pen.line((38, at, 43, at), fill="black")
        pen.text((20, at - 5), str(tick), fill="black")
    return page


def with_levels(low: int, high: int) -> Callable[[Image.Image], Image.Image]:
    """All grey levels squeezed between two."""
    return lambda image: enlarged(image.point([round(low + level * (high - low) / 255) for level in range(256)]))


def in_viridis(image: Image.Image) -> Image.Image:
    colours = cv2.applyColorMap(np.asarray(image), cv2.COLORMAP_VIRIDIS)
    return enlarged(Image.fromarray(cv2.cvtColor(colours, cv2.COLOR_BGR2RGB)))


FORMS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "as it is, enlarged": enlarged,
    "white margin, 1 px": lambda image: ImageOps.expand(enlarged(image), 1, "white"),
    "white margin, 40 px": lambda image: ImageOps.expand(enlarged(image), 40, "white"),
    "white margin, 40 px, JPEG": lambda image: as_jpeg(ImageOps.expand(enlarged(image), 40, "white")),
    "white margin, 1 px around 28×28": lambda image: ImageOps.expand(image, 1, 255),
    "red frame, 6 px": lambda image: ImageOps.expand(enlarged(image), 6, "red"),
    "a figure with axes": figure_with_axes,
    "grey levels 20–235": with_levels(20, 235),
    "grey levels 40–200": with_levels(40, 200),
    "viridis": in_viridis,
}


def main() -> None:
    """Print one row for each form."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=300)
    count = parser.parse_args().images
    samples = dataset.load_samples().test
    images = samples.take(torch.arange(0, len(samples), len(samples) // count)[:count])
    network = checkpoint.load(WEIGHTS)
    print(f"n = {len(images)}{'':30s}" + "".join(f"{how:>10s}{'wrong > 80 %':>14s}" for how in PREPARATIONS))
    for name, form in FORMS.items():
        pictures = [form(Image.fromarray(one)) for one in images.pixels.numpy()]
        columns = ""
        for prepare_one in PREPARATIONS.values():
            pixels: Tensor = torch.from_numpy(np.stack([prepare_one(picture) for picture in pictures]))
            confidence, predictions = to_probabilities(predict_logits(network, Split.of(pixels, images.labels))).max(1)
            is_right = predictions == images.labels
            columns += f"{float(is_right.float().mean()):10.3f}{int((~is_right & (confidence > SURE)).sum()):14d}"
        print(f"{name:38s}" + columns, flush=True)


if __name__ == "__main__":
    main()
