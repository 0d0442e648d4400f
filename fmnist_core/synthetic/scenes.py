"""Scenes as a phone sees them: a garment, coloured and creased, on a floor, a bed or a wall.

The garments are those of the data set, and others cut along the templates, whose sleeves are spread as on a floor.

Where the garment lies is known exactly: from scenes a network can learn to segment photos, and none needs to be taken.
Whatever can differ between photos is drawn at random (domain randomisation; Tobin et al.: Domain randomization for
transferring deep neural networks from simulation to the real world, arXiv:1703.06907).
"""

import itertools
from collections.abc import Callable
from typing import Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from fmnist_core import CLASS_NAMES
from fmnist_core.preparation.fitting import Mask, UInt8Image
from fmnist_core.segmenter import SIDE
from fmnist_core.synthetic.cloth import cut_cloth
from fmnist_core.synthetic.strokes import Rng

SHAPE_SIDE: Final = 112  # of a garment before it is laid into its scene
GARMENT_LEVEL: Final = 14  # of 255: brightness from which a pixel of the data set belongs to the garment
CUT: Final = 0.5  # of the garments are cut along a template
SHOES: Final = ("Sandal", "Sneaker", "Ankle boot")
MAX_HOLE: Final = 12  # pixels of the data set: what is enclosed and larger, a bag's handle, shows the background

Colour = NDArray[np.float32]  # (3,), RGB 0..255
Values = NDArray[np.float32]  # (H, W, 3), RGB, about 0..255
Field = NDArray[np.float32]  # (H, W), about 0..1


class Garment(NamedTuple):
    """What is laid into a scene, as large as its square."""

    opacity: Field  # (SHAPE_SIDE, SHAPE_SIDE), 0..1
    brightness: Field  # (SHAPE_SIDE, SHAPE_SIDE), about 0..1: its light and dark, as the data set shows it


def draw_scene(garment: Garment, rng: Rng) -> tuple[UInt8Image, Mask]:
    """A scene (SIDE, SIDE, 3) with a garment, and the garment's mask (SIDE, SIDE)."""
    scene = _with_things(BACKGROUNDS[rng.integer(0, len(BACKGROUNDS) - 1)](rng) * _unevenly(rng, 0.3), rng)
    opaque, brightness = _laid_down(garment, rng)
    mask: Mask = opaque > 0.5
    shadow = _shifted(mask, rng)
    scene = scene * (1 - rng.uniform(0, 0.6) * shadow)[..., None]
    scene = _blend(scene, _cloth(mask, brightness, rng), _blurred(mask, 0.7))
    return _photographed(scene, rng), mask


def draw_scenes(images: NDArray[np.uint8], count: int, rng: Rng) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Scenes (count, SIDE, SIDE, 3) and their masks (count, SIDE, SIDE).

    Their garments are random ones of the images (N, 28, 28), or cut along a template.
    """
    scenes, masks = zip(*(draw_scene(_garment(images, rng), rng) for _ in range(count)), strict=True)
    return np.stack(scenes), np.stack(masks)


def _garment(images: NDArray[np.uint8], rng: Rng) -> Garment:
    if rng.chance(CUT):
        return garment_of_template(rng)
    return garment_of_image(images[rng.integer(0, len(images) - 1)])


def scene_sheet(images: NDArray[np.uint8], columns: int, rows: int, seed: int = 0) -> UInt8Image:
    """Scenes as ``draw_scenes`` draws them, each with its mask on the right, as one RGB picture."""
    scenes, masks = draw_scenes(images, columns * rows, Rng(seed))
    shown = np.repeat(masks[..., None] * np.uint8(255), 3, axis=3)
    pairs = np.concatenate([scenes, shown], axis=2).reshape(rows, columns, SIDE, 2 * SIDE, 3)
    return np.asarray(pairs.transpose(0, 2, 1, 3, 4).reshape(rows * SIDE, columns * 2 * SIDE, 3))


# --- what lies below ------------------------------------------------------------------------------------------------


def _plain(rng: Rng) -> Values:
    return _filled(_colour(rng))


def _planks(rng: Rng) -> Values:
    colour = _colour(rng)
    grain = _noise(rng, rng.uniform(1.1, 3), rng.uniform(8, 30))
    floor = _blend(_filled(colour), _filled(colour * rng.uniform(0.5, 0.85)), grain)
    count = rng.integer(2, 8)
    edges = (np.linspace(0, SIDE, count + 1) + rng.normal(0, 2)).clip(0, SIDE).astype(int)
    for start, end in itertools.pairwise(edges):
        floor[start:end] *= rng.uniform(0.85, 1.12)
        floor[start : start + 1] *= rng.uniform(0.3, 0.9)
    return floor.transpose(1, 0, 2).copy() if rng.chance(0.5) else floor


def _tiles(rng: Rng) -> Values:
    colour, step, width = _colour(rng), rng.integer(12, 52), rng.integer(1, 2)
    floor = _blend(_filled(colour), _filled(colour * rng.uniform(0.7, 1.1)), _noise(rng, step / 2))
    places = np.arange(SIDE)
    down, across = ((places + rng.integer(0, step)) % step < width for _ in range(2))
    floor[down[:, None] | across] = _colour(rng)
    return floor


def _sheet(rng: Rng) -> Values:
    folds = _noise(rng, rng.uniform(6, 30), rng.uniform(0.5, 3))
    return _filled(_colour(rng)) * (rng.uniform(0.6, 0.9) + 0.5 * folds)[..., None]


def _carpet(rng: Rng) -> Values:
    grain = 1 + rng.normal(0, rng.uniform(0.05, 0.25), (SIDE, SIDE))
    return np.asarray(_filled(_colour(rng)) * grain[..., None], dtype=np.float32)


def _bedspread(rng: Rng) -> Values:
    waves = _waves(rng, rng.uniform(0.13, 1.0))
    where = (waves > rng.uniform(-0.3, 0.3)) * np.float32(rng.uniform(0.3, 1))
    return _blend(_filled(_colour(rng)), _filled(_colour(rng)), where)


def _leaves(rng: Rng) -> Values:
    blotches = _noise(rng, rng.uniform(2.5, 15)) > rng.uniform(0.4, 0.6)
    return _blend(_filled(_colour(rng)), _filled(_colour(rng)), _blurred(blotches, 0.8))


def _wall_and_floor(rng: Rng) -> Values:
    scene, (down, across) = _filled(_colour(rng)), _places()
    angle = rng.uniform(0, 2 * np.pi)
    beyond = (across - SIDE / 2) * np.cos(angle) + (down - SIDE / 2) * np.sin(angle) > rng.uniform(-0.4, 0.4) * SIDE
    scene[beyond] = _colour(rng)
    return scene


BACKGROUNDS: Final[tuple[Callable[[Rng], Values], ...]] = (
    _plain, _planks, _tiles, _sheet, _carpet, _bedspread, _leaves, _wall_and_floor,
)  # fmt: skip


def _with_things(scene: Values, rng: Rng) -> Values:
    """With up to three other things, towards the border."""
    for _ in range(rng.integer(0, 3)):
        angle, distance = rng.uniform(0, 2 * np.pi), rng.uniform(0.45, 0.75) * SIDE
        middle = (SIDE / 2 + distance * np.cos(angle), SIDE / 2 + distance * np.sin(angle))
        box = (middle, tuple(rng.uniform(6, 38, 2)), rng.uniform(0, 180))
        thing = np.zeros((SIDE, SIDE), np.uint8)
        if rng.chance(0.5):
            cv2.ellipse(thing, box, 1, -1)
        else:
            cv2.fillPoly(thing, [cv2.boxPoints(box).astype(np.int32)], 1)
        scene[thing > 0] = _colour(rng) * rng.uniform(0.7, 1.1)
    return scene


# --- the garment ----------------------------------------------------------------------------------------------------


def garment_of_image(pixels: UInt8Image) -> Garment:
    """The garment of an image (28, 28) of the data set."""
    size = (SHAPE_SIDE, SHAPE_SIDE)
    shape = cv2.resize(garment_mask(pixels).astype(np.float32), size, interpolation=cv2.INTER_CUBIC)
    brightness = cv2.resize(pixels.astype(np.float32) / 255, size, interpolation=cv2.INTER_CUBIC)
    return Garment(_blurred(shape, 1.5), np.asarray(brightness, np.float32))


def garment_of_template(rng: Rng) -> Garment:
    """A garment of any class, or a pair of shoes, cut along a template."""
    label = rng.integer(0, len(CLASS_NAMES) - 1)
    brightness, mask = cut_cloth(label, rng)
    planes = np.dstack([mask, brightness]).astype(np.float32)
    if CLASS_NAMES[label] in SHOES and rng.chance(0.6):
        other = planes[:, ::-1] if rng.chance(0.5) else planes
        planes = np.concatenate([planes, other])
        if rng.chance(0.7):  # their toes up
            planes = np.rot90(planes)
    height, width = planes.shape[:2]
    side = max(height, width)
    square = np.zeros((side, side, 2), np.float32)
    top, left = (side - height) // 2, (side - width) // 2
    square[top : top + height, left : left + width] = planes
    square = np.asarray(cv2.resize(square, (SHAPE_SIDE, SHAPE_SIDE), interpolation=cv2.INTER_AREA))
    return Garment(_blurred(square[..., 0], 0.7), square[..., 1])


def _laid_down(garment: Garment, rng: Rng) -> tuple[Field, Field]:
    """Where the garment is, and how bright it is there: turned, skewed, bent, perhaps cut off."""
    angle = rng.normal(0, 8) if rng.chance(0.8) else rng.uniform(-180, 180)
    scale = rng.uniform(0.65, 1.15) * SIDE / SHAPE_SIDE
    matrix = np.asarray(cv2.getRotationMatrix2D((SHAPE_SIDE / 2, SHAPE_SIDE / 2), angle, scale), np.float64)
    matrix[:, 2] += (SIDE - SHAPE_SIDE) / 2 + rng.normal(0, 0.06 * SIDE, 2)
    matrix[:, :2] *= 1 + rng.normal(0, 0.06, (2, 2))
    if rng.chance(0.5):
        matrix = np.concatenate([matrix[:, :2] * (-1, 1), matrix[:, :1] * (SHAPE_SIDE - 1) + matrix[:, 2:]], axis=1)
    back = cv2.invertAffineTransform(matrix).astype(np.float32)
    down, across = _places()
    bend = rng.uniform(0, 6)
    down, across = (places + bend * (_noise(rng, rng.uniform(15, 38)) - 0.5) for places in (down, across))
    sources = [row[0] * across + row[1] * down + row[2] for row in back]
    opaque, shown = (cv2.remap(each, sources[0], sources[1], cv2.INTER_LINEAR) for each in garment)
    return np.asarray(opaque, np.float32), np.asarray(shown, np.float32)


def garment_mask(pixels: UInt8Image) -> Mask:
    """Where the garment is in an image (28, 28) of the data set, its small holes filled."""
    bright: UInt8Image = np.pad((pixels > GARMENT_LEVEL).astype(np.uint8), 1)
    _, holes, stats, _ = cv2.connectedComponentsWithStats(1 - bright, connectivity=4)
    small = (stats[:, cv2.CC_STAT_AREA] <= MAX_HOLE) & (np.arange(len(stats)) > 0)
    return np.asarray((bright > 0) | small[holes] & (bright == 0))[1:-1, 1:-1]


def _cloth(mask: Mask, brightness: Field, rng: Rng) -> Values:
    """Cloth all over the scene: of a colour, in the light and dark that the data set shows, with folds and patterns."""
    middle = float(np.median(brightness[mask])) if mask.any() else 0.5
    shade = (1 - (brightness - middle) * rng.uniform(-0.8, 0.8)).clip(0.4, 1.5)
    folds = 1 + rng.uniform(0, 0.6) * (_noise(rng, rng.uniform(4, 19), rng.uniform(0.3, 3)) - 0.5)
    cloth = _filled(_colour(rng)) * (shade * folds)[..., None]
    if rng.chance(0.3):  # stripes or checks
        where = (_waves(rng, rng.uniform(0.25, 1.3)) > rng.uniform(-0.2, 0.7)) * np.float32(rng.uniform(0.3, 1))
        cloth = _blend(cloth, _filled(_colour(rng)), where)
    if rng.chance(0.35) and mask.any():  # a print
        rows, columns = mask.nonzero()
        for _ in range(rng.integer(1, 4)):
            middle_of = (np.median(columns) + rng.normal(0, 6), np.median(rows) + rng.normal(0, 8))
            spot = np.zeros(mask.shape, np.uint8)
            cv2.ellipse(spot, (middle_of, tuple(rng.uniform(2, 20, 2)), rng.uniform(0, 180)), 1, -1)
            cloth[spot > 0] = _colour(rng)
    if rng.chance(0.5):  # hems
        hem = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
        cloth = cloth * (1 - rng.uniform(0, 0.4) * hem)[..., None]
    return np.asarray(cloth, dtype=np.float32)


def _shifted(mask: Mask, rng: Rng) -> Field:
    """The shadow of the garment."""
    right, down = rng.normal(0, 3, 2)
    moved = cv2.warpAffine(mask.astype(np.float32), np.array([[1, 0, right], [0, 1, down]]), (SIDE, SIDE))
    return _blurred(np.asarray(moved), rng.uniform(1, 5))


# --- light and camera -----------------------------------------------------------------------------------------------


def _photographed(scene: Values, rng: Rng) -> UInt8Image:
    """In light from one side, of some colour and strength; blurred, noisy, and compressed."""
    down, across = _places()
    angle = rng.uniform(0, 2 * np.pi)
    slope = ((across - SIDE / 2) * np.cos(angle) + (down - SIDE / 2) * np.sin(angle)) / SIDE
    light = (1 + rng.uniform(0, 0.35) * slope)[..., None] * rng.uniform(0.6, 1.15) * (1 + rng.normal(0, 0.05, 3))
    seen = (scene * light).astype(np.float32)
    if rng.chance(0.6):
        seen = np.asarray(cv2.GaussianBlur(seen, (0, 0), rng.uniform(0.3, 1.3)))
    photo: UInt8Image = (seen + rng.normal(0, rng.uniform(0, 8), seen.shape)).clip(0, 255).astype(np.uint8)
    if rng.chance(0.6):
        _, jpeg = cv2.imencode(".jpg", photo, [cv2.IMWRITE_JPEG_QUALITY, rng.integer(30, 95)])
        photo = np.asarray(cv2.imdecode(jpeg, cv2.IMREAD_COLOR), dtype=np.uint8)
    return photo


# --- colours and fields ---------------------------------------------------------------------------------------------


def _colour(rng: Rng) -> Colour:
    """Black, grey or white; of wood, leather or sand; or any other."""
    kind = rng.random()
    if kind < 0.3:
        low, high = ((0, 60), (60, 200), (200, 255))[rng.integer(0, 2)]
        return (rng.uniform(low, high) + rng.normal(0, 6, 3)).clip(0, 255).astype(np.float32)
    hue, saturation = ((8, 22), (40, 160)) if kind < 0.55 else ((0, 180), (40, 230))
    hsv = np.array([[[rng.uniform(*hue), rng.uniform(*saturation), rng.uniform(40, 250)]]]).astype(np.uint8)
    return np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)[0, 0], dtype=np.float32)


def _filled(colour: Colour) -> Values:
    return np.tile(colour.astype(np.float32), (SIDE, SIDE, 1))


def _noise(rng: Rng, scale: float, aspect: float = 1.0) -> Field:
    """Smooth noise with features of ``scale`` pixels, ``aspect`` times as wide as high."""
    coarse = rng.random((max(2, round(SIDE / scale)), max(2, round(SIDE / (scale * aspect)))), dtype=np.float32)
    return np.asarray(cv2.resize(coarse, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC))


def _waves(rng: Rng, frequency: float) -> Field:
    """Stripes or checks, from -1 to 1."""
    down, across = _places()
    angle = rng.uniform(0, np.pi)
    stripes = np.sin((across * np.cos(angle) + down * np.sin(angle)) * frequency)
    if rng.chance(0.5):
        stripes = stripes * np.sin((down * np.cos(angle) - across * np.sin(angle)) * frequency)
    return np.asarray(stripes, dtype=np.float32)


def _blurred(field: NDArray[np.generic], sigma: float) -> Field:
    return np.asarray(cv2.GaussianBlur(field.astype(np.float32), (0, 0), sigma), dtype=np.float32)


def _unevenly(rng: Rng, strength: float) -> Values:
    return np.asarray(1 + strength * (_noise(rng, rng.uniform(15, 45)) - 0.5), dtype=np.float32)[..., None]


def _places() -> tuple[Field, Field]:
    """Row and column of each pixel."""
    down, across = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    return down, across


def _blend(below: Values, above: Values, opacity: Field) -> Values:
    return np.asarray(below + (above - below) * opacity[..., None], dtype=np.float32)
