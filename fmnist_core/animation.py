"""The map that forms while a network learns, as an animated picture with legend and step number."""

import io
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import torch
from PIL import Image, ImageColor, ImageDraw, ImageFont
from torch import Tensor

from fmnist_core import CLASS_COLOURS, CLASS_NAMES
from fmnist_core.errors import ConfigError
from fmnist_core.preparation.fitting import UInt8Image
from fmnist_core.snapshots import Snapshots
from fmnist_core.storage import write_whole

FORMATS: Final = {".gif": "GIF", ".webp": "WebP"}
MAP: Final = 440  # side of the map, in pixels
LEGEND: Final = 140  # width of the legend beside it
LINE: Final = 20  # height of a line of it
BETWEEN: Final = 3  # frames from one snapshot to the next
FRAME: Final = 70  # milliseconds
LAST: Final = 2500  # of the last frame
RADIUS: Final = 3.2  # of a mark, in pixels
SHIFT: Final = 4  # binary digits of a part of a pixel
QUANTILE: Final = 0.998  # of all places, across and up; what lies farther out may leave the map
SPREAD: Final = 0.95  # of the map's side between those
INK: Final = "#1f2937"


def animate(snapshots: Snapshots, format: str) -> bytes:
    """The contents of an animated picture, "GIF" or "WebP", that plays again and again.

    Raises:
        ConfigError: there is no such format.
    """
    if format not in FORMATS.values():
        raise ConfigError(f"There is no animated {format!r:.20}, expected {' or '.join(FORMATS.values())}.")
    frames = [Image.fromarray(frame) for frame in draw_frames(snapshots)]
    if format == "GIF":  # one palette for all: else colours flicker, and the file is larger
        palette = frames[-1].quantize(128)
        frames = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    durations = [FRAME] * (len(frames) - 1) + [LAST]
    file = io.BytesIO()
    frames[0].save(
        file,
        format,
        save_all=True,
        append_images=frames[1:],
        duration=durations,
        loop=0,
        quality=80,
        method=4,
        optimize=False,
    )
    return file.getvalue()


def save_animation(snapshots: Snapshots, file: Path) -> None:
    """Write an animated picture of the format that the name of ``file`` ends in.

    Raises:
        ConfigError: it ends in none of ``FORMATS``.
        StorageError: it could not be written.
    """
    if file.suffix.lower() not in FORMATS:
        raise ConfigError(f"{file} ends in {file.suffix or 'nothing'}, expected {' or '.join(FORMATS)}.")
    contents = animate(snapshots, FORMATS[file.suffix.lower()])
    with write_whole(file) as opened:
        opened.write(contents)


def draw_frames(snapshots: Snapshots) -> list[UInt8Image]:
    """Frames (MAP, MAP + LEGEND, 3): each snapshot, and on the way to the next the points as they travel."""
    every = snapshots.coordinates.flatten(0, 1)  # (S * N, 2)
    low, high = every.quantile(1 - QUANTILE, dim=0), every.quantile(QUANTILE, dim=0)
    places = (snapshots.coordinates - (low + high) / 2) / ((high - low).max() / 2).clamp(min=1e-9)
    last = len(snapshots.steps) - 1
    legend = _legend()
    frames = []
    for i in range(last * BETWEEN + 1):
        position = i / BETWEEN
        before, fraction = min(int(position), last), position - int(position)
        after = min(before + 1, last)
        moved = torch.lerp(
            places[before], places[after], fraction * fraction * (3 - 2 * fraction)
        )  # starts and ends slowly
        nearest = before if fraction < 0.5 else after
        caption = (
            f"step {int(snapshots.steps[nearest]):,}",
            f"{float(snapshots.accuracies[nearest]):.0%} of these right",
        )
        frames.append(np.hstack([_draw_map(moved, snapshots.labels), _with_caption(legend, *caption)]))
    return frames


def _draw_map(places: Tensor, labels: Tensor) -> UInt8Image:
    """Places (N, 2) from -1 to 1, y up, as marks in the colours of their classes."""
    picture = np.full((MAP, MAP, 3), 255, np.uint8)
    pixels = (((places * torch.tensor([1.0, -1.0]) * SPREAD + 1) / 2 * MAP - 0.5) * 2**SHIFT).round().int()
    for place, label in zip(pixels.tolist(), labels.tolist(), strict=True):
        for radius, colour in ((RADIUS + 0.7, (255, 255, 255)), (RADIUS, _rgb(label))):
            cv2.circle(picture, place, round(radius * 2**SHIFT), colour, -1, cv2.LINE_AA, SHIFT)
    return picture


def _legend() -> Image.Image:
    """The classes, with room for two lines below them."""
    marks = np.full((MAP, LEGEND, 3), 255, np.uint8)
    for label in range(len(CLASS_NAMES)):
        place = (8 << SHIFT, round(LINE * (label + 1.5)) << SHIFT)
        cv2.circle(marks, place, round((RADIUS + 1) * 2**SHIFT), _rgb(label), -1, cv2.LINE_AA, SHIFT)
    picture = Image.fromarray(marks)
    pen = ImageDraw.Draw(picture)
    for label, name in enumerate(CLASS_NAMES):
        pen.text((18, LINE * (label + 1.5)), name, fill=INK, font=ImageFont.load_default(12), anchor="lm")
    return picture


def _rgb(label: int) -> tuple[int, ...]:
    return ImageColor.getrgb(CLASS_COLOURS[label])


def _with_caption(legend: Image.Image, *lines: str) -> UInt8Image:
    picture = legend.copy()
    pen = ImageDraw.Draw(picture)
    for number, text in enumerate(lines):
        y = LINE * (len(CLASS_NAMES) + 2.5 + number)
        pen.text((2, y), text, fill=INK, font=ImageFont.load_default(12), anchor="lm")
    return np.asarray(picture)
