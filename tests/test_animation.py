import io
import itertools

import numpy as np
import pytest
import torch
from PIL import Image, ImageColor

from fmnist_core import CLASS_COLOURS, CLASS_NAMES, animation
from fmnist_core.animation import BETWEEN, FRAME, LAST, LEGEND, MAP, animate, draw_frames, save_animation
from fmnist_core.errors import ConfigError
from fmnist_core.snapshots import Snapshots


@pytest.fixture(scope="module")
def snapshots():
    """Ten points, one of each class, that go once round the middle."""
    angles = torch.linspace(0, 2 * np.pi, 11)[:-1]
    turned = torch.stack([angles + turn for turn in (0, 1.5, 3)])
    return Snapshots(
        labels=torch.arange(10),
        steps=torch.tensor([0, 7, 1200]),
        accuracies=torch.tensor([0.1, 0.5, 0.92]),
        coordinates=torch.stack([turned.cos(), turned.sin()], dim=2),
        predictions=torch.zeros(3, 10, dtype=torch.int64),
    )


@pytest.mark.parametrize("format", ["GIF", "WebP"])
def test_an_animation_goes_from_the_first_snapshot_to_the_last_and_again(snapshots, format):
    with Image.open(io.BytesIO(animate(snapshots, format))) as picture:
        assert picture.format == format.upper()
        assert picture.size == (MAP + LEGEND, MAP)
        assert picture.n_frames == 2 * BETWEEN + 1
        assert picture.info["loop"] == 0  # without end
        durations = []
        for number in range(picture.n_frames):
            picture.seek(number)
            picture.load()
            durations.append(picture.info["duration"])
        assert durations == [FRAME] * (2 * BETWEEN) + [LAST]


def test_marks_lie_where_their_images_do_in_the_colours_of_their_classes(snapshots):
    frames = draw_frames(snapshots)
    for number, coordinates in zip((0, BETWEEN, 2 * BETWEEN), snapshots.coordinates, strict=True):
        for place, label in zip(coordinates, snapshots.labels, strict=True):
            near = frames[number][:, :MAP].astype(int)
            distance = np.abs(near - ImageColor.getrgb(CLASS_COLOURS[label])).max(2)
            rows, columns = (distance < 4).nonzero()
            assert len(rows) > 10
            x, y = 2 * columns.mean() / MAP - 1, 1 - 2 * rows.mean() / MAP
            assert np.hypot(*(np.array([x, y]) / animation.SPREAD - place.numpy())) < 0.08


def test_points_travel_from_one_snapshot_to_the_next(snapshots):
    frames = [frame[:, :MAP].astype(int) for frame in draw_frames(snapshots)]
    changes = [np.abs(one - other).mean() for one, other in itertools.pairwise(frames)]
    assert min(changes) > 0
    assert np.abs(frames[0] - frames[-1]).mean() > 0


def test_legend_names_all_classes_and_the_step(snapshots, monkeypatch):
    said = []
    draw = animation.ImageDraw.ImageDraw.text

    def text(pen, place, text, **how):
        said.append(text)
        draw(pen, place, text, **how)

    monkeypatch.setattr(animation.ImageDraw.ImageDraw, "text", text)
    draw_frames(snapshots)
    assert said[: len(CLASS_NAMES)] == list(CLASS_NAMES)
    assert said[len(CLASS_NAMES) :][:2] == ["step 0", "10% of these right"]
    assert said[-2:] == ["step 1,200", "92% of these right"]


def test_one_snapshot_is_one_frame(snapshots):
    only = Snapshots(
        snapshots.labels,
        *(getattr(snapshots, name)[:1] for name in ("steps", "accuracies", "coordinates", "predictions")),
    )
    assert len(draw_frames(only)) == 1
    for format in ("GIF", "WebP"):
        with Image.open(io.BytesIO(animate(only, format))) as picture:
            assert getattr(picture, "n_frames", 1) == 1


def test_all_images_in_one_place_can_be_drawn(snapshots):
    still = Snapshots(**vars(snapshots) | {"coordinates": torch.zeros(3, 10, 2)})
    assert all(frame.shape == (MAP, MAP + LEGEND, 3) for frame in draw_frames(still))


@pytest.mark.parametrize("format", ["PNG", "gif", "", "x" * 100])
def test_another_format_is_refused(snapshots, format):
    with pytest.raises(ConfigError, match="expected GIF or WebP") as error:
        animate(snapshots, format)
    assert len(str(error.value)) < 100


def test_the_name_of_the_file_tells_the_format(snapshots, tmp_path):
    for name, format in (("a.gif", "GIF"), ("b.WEBP", "WEBP")):
        save_animation(snapshots, tmp_path / name)
        with Image.open(tmp_path / name) as picture:
            assert picture.format == format
    for name in ("c.png", "d"):
        with pytest.raises(ConfigError, match=r"expected \.gif or \.webp"):
            save_animation(snapshots, tmp_path / name)
        assert not (tmp_path / name).exists()
