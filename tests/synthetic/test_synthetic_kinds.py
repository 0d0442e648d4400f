import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fmnist_core import CLASS_NAMES
from fmnist_core.evaluation import evaluate
from fmnist_core.events import EpochDone, Finished
from fmnist_core.synthetic import kinds, rendering
from fmnist_core.synthetic.cloth import random_texture
from fmnist_core.synthetic.doodles import DOODLES
from fmnist_core.synthetic.kinds import (
    NO_CLASS,
    SYNTHETIC_KINDS,
    SyntheticKind,
    draw_doodle,
    draw_sketch,
    setting_of_kind,
)
from fmnist_core.synthetic.rendering import brushed, render
from fmnist_core.synthetic.strokes import Rng, oval
from fmnist_core.synthetic.templates import TEMPLATES
from fmnist_core.training import TrainConfig, train

every_kind = pytest.mark.parametrize("name", SYNTHETIC_KINDS)
LABELLED = [name for name, kind in SYNTHETIC_KINDS.items() if kind.labelled]


@pytest.fixture(scope="module")
def images_of():
    """200 images of each kind, with seed 0."""
    return {name: kind.make(200, 0) for name, kind in SYNTHETIC_KINDS.items()}


# ---------------------------------------------------------------- every kind


@every_kind
def test_same_seed_gives_the_same_images_and_another_seed_others(name):
    make = SYNTHETIC_KINDS[name].make
    first, again, other = make(40, 1), make(40, 1), make(40, 2)
    for field in ("pixels", "labels", "numbers"):
        assert torch.equal(getattr(first, field), getattr(again, field))
    assert not torch.equal(first.pixels, other.pixels)


@every_kind
def test_images_fill_the_frame_like_the_data_set_and_no_two_are_alike(name, images_of):
    images = images_of[name]
    assert images.pixels.shape == (200, 28, 28)
    assert images.pixels.dtype == torch.uint8
    assert images.labels.dtype == images.numbers.dtype == torch.int64
    for image in images.pixels.numpy()[: 200 if name in LABELLED else 0]:  # some doodles come with a margin
        rows, columns = (np.flatnonzero(image.any(axis)) for axis in (1, 0))
        assert max(np.ptp(rows), np.ptp(columns)) == 27
        assert image.max() == 255
    assert len({image.numpy().tobytes() for image in images.pixels}) == 200


@pytest.mark.parametrize("name", LABELLED)
def test_labelled_kind_has_as_many_images_of_each_class_in_random_order(name, images_of):
    labels = images_of[name].labels
    assert torch.bincount(labels).tolist() == [20] * 10
    assert labels.tolist() != sorted(labels.tolist())


@every_kind
def test_label_of_one_more_image_is_any_class_or_none(name):
    kind, rng = SYNTHETIC_KINDS[name], Rng(0)
    labels = [kind.label(rng) for _ in range(200)]
    assert set(labels) == (set(range(len(CLASS_NAMES))) if kind.labelled else {NO_CLASS})
    assert {type(label) for label in labels} == {int}


@every_kind
def test_augmenting_gives_other_pixels_of_the_same_shape_or_the_same_ones(name, images_of):
    kind, pixels = SYNTHETIC_KINDS[name], images_of[name].pixels[:50]
    before = pixels.clone()
    augmented, again = (kind.augment(pixels, torch.Generator().manual_seed(3)) for _ in range(2))
    assert augmented.shape == pixels.shape
    assert augmented.dtype == torch.uint8
    assert torch.equal(augmented, again)
    assert torch.equal(pixels, before)
    assert torch.equal(augmented, pixels) == (kind.augment is not random_texture)


@every_kind
def test_setting_of_a_kind_says_what_is_mixed_in_and_allows_what_is_suggested(name):
    setting = setting_of_kind(name)
    assert setting.name == name
    assert setting.help == f"{SYNTHETIC_KINDS[name].help} to mix in, for each image of a batch"
    assert setting.type is float
    assert 0 < SYNTHETIC_KINDS[name].suggested <= 1
    for value in (0, SYNTHETIC_KINDS[name].suggested, 10):
        setting.check(value)


# ---------------------------------------------------------------- each by itself


def test_kinds_are_drawn_textured_and_labelled_as_they_are_called():
    assert list(SYNTHETIC_KINDS) == ["drawings", "cloth", "doodles"]
    assert LABELLED == ["drawings", "cloth"]
    assert SYNTHETIC_KINDS["drawings"].draw is draw_sketch
    assert SYNTHETIC_KINDS["doodles"].draw is draw_doodle
    assert SYNTHETIC_KINDS["cloth"].augment is random_texture


def test_doodles_are_of_no_class(images_of):
    assert NO_CLASS not in range(len(CLASS_NAMES))
    assert images_of["doodles"].labels.tolist() == [NO_CLASS] * 200


def test_sketch_is_the_rendered_template_of_its_class_or_an_open_one():
    is_whole = []
    for seed in range(200):
        label, rng = seed % len(CLASS_NAMES), Rng(seed)
        strokes = TEMPLATES[label](rng)
        is_whole.append(not rng.chance(kinds.OPEN))
        if is_whole[-1]:
            assert (draw_sketch(label, Rng(seed)) == render(strokes, rng)).all()
    assert 0.8 < np.mean(is_whole) < 0.97


def test_an_open_outline_encloses_less(monkeypatch):
    along = np.linspace(0, 4, 101)[:, None]
    square = [np.clip(np.abs((along + np.array([1, 2])) % 4 - 2) - 0.5, 0, 1)]
    monkeypatch.setattr(kinds, "TEMPLATES", (lambda _: square,))
    monkeypatch.setattr(rendering, "by_hand", lambda strokes, rng: strokes)
    monkeypatch.setattr(kinds, "OPEN", 0.0)
    filled = [(draw_sketch(0, Rng(seed)) > 0).mean() for seed in range(10)]
    monkeypatch.setattr(kinds, "OPEN", 1.0)
    opened = [(draw_sketch(0, Rng(seed)) > 0).mean() for seed in range(10)]
    assert min(filled) > 0.9
    assert max(opened) < 0.5


def test_doodle_is_any_of_the_doodles_rendered_or_brushed_whatever_its_label():
    is_brushed = []
    for seed in range(100):
        rng = Rng(seed)
        strokes = DOODLES[rng.integer(0, len(DOODLES) - 1)](rng)
        is_brushed.append(rng.chance(kinds.BRUSHED))
        expected = brushed(strokes, rng) if is_brushed[-1] else render(strokes, rng)
        assert (draw_doodle(NO_CLASS, Rng(seed)) == expected).all()
        assert (draw_doodle(5, Rng(seed)) == expected).all()
    assert 0.1 < np.mean(is_brushed) < 0.4


@given(seed=st.integers(0, 10**6))
def test_a_brush_fills_nothing_and_leaves_a_margin(seed):
    ring = [oval(0, 0, 1, 1)]
    pixels = brushed(ring, Rng(seed))
    assert (pixels.shape, pixels.dtype) == ((28, 28), np.uint8)
    rows, columns = (np.flatnonzero(pixels.any(axis)) for axis in (1, 0))
    assert 12 < max(np.ptp(rows), np.ptp(columns)) + 1 <= 28
    assert pixels[(rows[0] + rows[-1]) // 2, (columns[0] + columns[-1]) // 2] == 0


# ---------------------------------------------------------------- a kind that one adds


def painted(label, rng):
    """An image all of which has its label as grey level."""
    return np.full((28, 28), label % 256, np.uint8)


@given(count=st.integers(1, 60), seed=st.integers(0, 2**64 - 1))
def test_each_image_is_drawn_for_its_label_and_labels_are_balanced(count, seed):
    images = SyntheticKind(painted, "painted images", suggested=0.1).make(count, seed)
    assert torch.equal(images.pixels[:, 3, 3].long(), images.labels)
    counts = torch.bincount(images.labels, minlength=10)
    assert counts.sum() == count
    assert counts.max() - counts.min() <= 1
    assert images.numbers.tolist() == list(range(count))


def test_order_of_the_classes_differs_from_seed_to_seed():
    kind = SyntheticKind(painted, "painted images", suggested=0.1)
    assert len({tuple(kind.make(50, seed).labels.tolist()) for seed in range(5)}) == 5


def test_unlabelled_kind_is_drawn_for_no_class():
    kind = SyntheticKind(painted, "painted images", suggested=0.1, labelled=False)
    images = kind.make(30, 0)
    assert images.labels.tolist() == [NO_CLASS] * 30
    assert images.labels.dtype == torch.int64
    assert images.pixels.unique().tolist() == [255]  # -1 of 256


def test_kind_is_not_augmented_unless_it_says_how():
    pixels = SyntheticKind(painted, "painted images", suggested=0.1).make(5, 0).pixels
    assert SyntheticKind(painted, "painted images", suggested=0.1).augment(pixels, torch.Generator()) is pixels


# ---------------------------------------------------------------- what they are for


def test_a_network_learns_from_drawings(images_of):
    """After a short training on drawings alone, other drawings are told apart far better than by chance."""
    config = TrainConfig(epochs=4, batch_size=16, validation_fraction=0, augmentations={}, seed=1)
    *events, finished = train(config, SYNTHETIC_KINDS["drawings"].make(600, 1))
    assert isinstance(finished, Finished)
    assert isinstance(events[-1], EpochDone)
    assert evaluate(finished.network, images_of["drawings"]).accuracy > 0.6
