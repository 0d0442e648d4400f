"""How far accuracy falls on corrupted test images, for each shipped network.

    python -m benchmarks.robustness [--images N] [--seed N] [--prepare] [--sheet FILE]

The corruptions are those of Fashion-MNIST-C (Weiss, Tonella: Simple techniques work surprisingly well for neural
network test prioritization and active learning, 2022), at the five levels of MNIST-C (Mu, Gilmer: arXiv:1906.02337).
Every image gets every corruption, each time at a level drawn at random. They are made anew here, so that figures are
comparable with published ones in kind, not picture by picture. The networks see the pixels as they are; with
``--prepare`` they see what the page makes of such a picture. ``--sheet`` draws ten images of each corruption.
"""

import argparse
import contextlib
from collections.abc import Callable
from pathlib import Path
from statistics import mean

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from benchmarks.pictures import shipped_networks
from fmnist_core import IMAGE_SIZE, dataset
from fmnist_core.dataset import Split
from fmnist_core.errors import PictureError
from fmnist_core.evaluation import evaluate
from fmnist_core.preparation import prepare

LEVELS = 5

Images = NDArray[np.float32]  # (N, 28, 28), 0..1
Levels = NDArray[np.intp]  # (N,), 0..4
Corruption = Callable[[Images, Levels, np.random.Generator], Images]


def shot_noise(images: Images, levels: Levels, rng: np.random.Generator) -> Images:
    photons = np.array([60, 25, 12, 5, 3])[levels][:, None, None]
    return rng.poisson(images * photons) / photons


def impulse_noise(images: Images, levels: Levels, rng: np.random.Generator) -> Images:
    amount = np.array([0.03, 0.06, 0.09, 0.17, 0.27])[levels][:, None, None]
    return np.where(rng.random(images.shape) < amount, rng.integers(0, 2, images.shape), images)


def glass_blur(images: Images, levels: Levels, rng: np.random.Generator) -> Images:
    sigma, reach = np.array([0.7, 0.9, 1, 1.1, 1.5])[levels], np.array([1, 2, 2, 3, 4])[levels]
    rounds = np.array([2, 1, 3, 2, 2])[levels]
    images, every = _blurred(images, sigma), np.arange(len(images))
    for number in range(rounds.max()):
        for row in range(IMAGE_SIZE - 1, 0, -1):
            for column in range(IMAGE_SIZE - 1, 0, -1):
                inside = (reach < row) & (row <= IMAGE_SIZE - reach) & (reach < column) & (column <= IMAGE_SIZE - reach)
                one = every[inside & (number < rounds) & (rng.random(len(images)) < 0.5)]
                rows, columns = (
                    (place + rng.integers(-reach[one], reach[one])).clip(0, IMAGE_SIZE - 1) for place in (row, column)
                )
                images[one, row, column], images[one, rows, columns] = (
                    images[one, rows, columns],
                    images[one, row, column],
                )
    return _blurred(images, sigma)


def motion_blur(images: Images, levels: Levels, rng: np.random.Generator) -> Images:
    angles = np.radians(rng.uniform(-45, 45, len(images)))
    radii, sigmas = np.array([10, 15, 15, 15, 20])[levels], np.array([3, 5, 8, 12, 15])[levels]
    blurred = []
    for image, radius, sigma, angle in zip(images, radii, sigmas, angles, strict=True):
        weights = np.exp(-np.square(np.arange(radius + 1) / sigma) / 2)  # to one side, as ImageMagick blurs
        moved = [
            cv2.warpAffine(image, np.array([[1, 0, i * np.cos(angle)], [0, 1, i * np.sin(angle)]]), (28, 28))
            for i in range(radius + 1)
        ]
        blurred.append(np.tensordot(weights / weights.sum(), np.stack(moved), 1))
    return np.stack(blurred)


def shear(images: Images, levels: Levels, rng: np.random.Generator) -> Images:
    angles = _either_way(levels, rng)
    return _warped(images, [np.array([[1, -np.sin(angle)], [0, np.cos(angle)]]) for angle in angles])


def rotate(images: Images, levels: Levels, rng: np.random.Generator) -> Images:
    angles = _either_way(levels, rng)
    matrices = [np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]]) for a in angles]
    return _warped(images, matrices)


def scale(images: Images, levels: Levels, rng: np.random.Generator) -> Images:
    return _warped(images, [np.eye(2) / factor for factor in np.array([0.9, 0.8, 0.7, 0.6, 0.5])[levels]])


def brightness(images: Images, levels: Levels, rng: np.random.Generator) -> Images:
    return images + np.array([0.1, 0.2, 0.3, 0.4, 0.5])[levels][:, None, None]


def contrast(images: Images, levels: Levels, rng: np.random.Generator) -> Images:
    middle = images.mean((1, 2), keepdims=True)
    return (images - middle) * np.array([0.4, 0.3, 0.2, 0.1, 0.05])[levels][:, None, None] + middle


def saturate(images: Images, levels: Levels, rng: np.random.Generator) -> Images:
    """Of a grey image, only the value in HSV changes to speak of."""
    factor, offset = np.array([[0.3, 0], [0.1, 0], [2, 0], [5, 0.1], [20, 0.2]])[levels].T[..., None, None]
    return images * factor + offset


def inverse(images: Images, levels: Levels, rng: np.random.Generator) -> Images:
    return 1 - images


def flip(images: Images, levels: Levels, rng: np.random.Generator) -> Images:
    """Left to right or upside down."""
    return np.where(rng.random((len(images), 1, 1)) < 0.5, images[:, ::-1], images[:, :, ::-1])


def turn(images: Images, levels: Levels, rng: np.random.Generator) -> Images:
    """By a quarter, a half or three quarters."""
    turns = [np.rot90(images, number, (1, 2)) for number in (1, 2, 3)]
    return np.choose(rng.integers(0, 3, (len(images), 1, 1)), turns)


CORRUPTIONS: tuple[Corruption, ...] = (
    shot_noise, impulse_noise, glass_blur, motion_blur, shear, scale, rotate, brightness, contrast, saturate, inverse,
    flip, turn,
)  # fmt: skip


def _either_way(levels: Levels, rng: np.random.Generator) -> NDArray[np.float64]:
    """Angles in radians."""
    return np.array([0.2, 0.4, 0.6, 0.8, 1.0])[levels] * rng.choice([-1, 1], len(levels))


def _warped(images: Images, inverses: list[NDArray[np.float64]]) -> Images:
    """Each image by the matrix that says where in it a place is taken from, about its middle."""
    middle = np.full(2, (IMAGE_SIZE - 1) / 2)
    every = []
    for image, matrix in zip(images, inverses, strict=True):
        whole = np.column_stack([matrix, middle - matrix @ middle])
        size, method = (IMAGE_SIZE, IMAGE_SIZE), cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        every.append(cv2.warpAffine(image, whole, size, flags=method))
    return np.stack(every)


def _blurred(images: Images, sigmas: NDArray[np.float64]) -> Images:
    return np.stack([cv2.GaussianBlur(each, (0, 0), sigma) for each, sigma in zip(images, sigmas, strict=True)])


def corrupted(images: Split, corruption: Corruption, seed: int) -> Split:
    """The images with one corruption, each at a level of its own."""
    rng = np.random.default_rng(seed)
    values = images.pixels.numpy().astype(np.float32) / 255
    changed = corruption(values, rng.integers(0, LEVELS, len(values)), rng)
    return Split.of(torch.from_numpy((changed.clip(0, 1) * 255).round().astype(np.uint8)), images.labels)


def prepared(images: Split) -> Split:
    """The images as the page prepares pictures; one of a single colour, which it refuses, stays as it is."""
    pixels = images.pixels.clone()
    for one in pixels:
        with contextlib.suppress(PictureError):
            one.copy_(torch.from_numpy(prepare(Image.fromarray(one.numpy())).pixels))
    return Split.of(pixels, images.labels)


def main() -> None:
    """Print one row for each corruption."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--prepare", action="store_true")
    parser.add_argument("--sheet", type=Path, metavar="FILE")
    options = parser.parse_args()
    data = dataset.load()
    images = data.test.take(torch.arange(min(options.images, len(data.test))))
    networks = shipped_networks()
    print(f"n = {len(images)} of {data.source}\n{'':16s}" + "".join(f"{name:>10s}" for name in networks))
    clean = [evaluate(network, images).accuracy for network in networks.values()]
    print(f"{'clean':16s}" + "".join(f"{accuracy:10.4f}" for accuracy in clean), flush=True)
    rows, sheet = [], []
    for corruption in CORRUPTIONS:
        changed = corrupted(images, corruption, options.seed)
        if options.prepare:
            changed = prepared(changed)
        rows.append([evaluate(network, changed).accuracy for network in networks.values()])
        sheet.append(np.concatenate(list(changed.pixels[:10].numpy()), axis=1))
        print(f"{corruption.__name__:16s}" + "".join(f"{accuracy:10.4f}" for accuracy in rows[-1]), flush=True)
    print(f"{'mean':16s}" + "".join(f"{mean(column):10.4f}" for column in zip(*rows, strict=True)))
    if options.sheet:
        Image.fromarray(np.concatenate(sheet)).save(options.sheet)


if __name__ == "__main__":
    main()
