import numpy as np
import pytest
import torch

from fmnist_core import CLASS_NAMES
from fmnist_core.synthetic import sketch_test_set
from fmnist_core.synthetic.kinds import SYNTHETIC_KINDS, SyntheticKind
from fmnist_core.synthetic.rendering import render
from fmnist_core.synthetic.sketch_test_set import JITTER, SEED, SHAPES, SIZE, TEST_SKETCHES, make_sketch_test_set
from fmnist_core.synthetic.strokes import Rng

EVERY_SHAPE = [
    pytest.param(label, number, id=f"{name} {number}")
    for label, name in enumerate(CLASS_NAMES)
    for number in range(len(SHAPES[label]))
]


@pytest.fixture(scope="module")
def sketches():
    return make_sketch_test_set(300)


def parsed(label, number):
    """The strokes of each line of a shape."""
    return [(line, sketch_test_set._parse(line)) for line in SHAPES[label][number].split("; ")]


def longer_side(image):
    rows, columns = (np.flatnonzero(image.any(axis)) for axis in (1, 0))
    return max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1


def test_every_class_is_in_it_equally_often_in_random_order(sketches):
    assert torch.bincount(sketches.labels).tolist() == [30] * 10
    assert (sketches.labels[1:] != sketches.labels[:-1]).sum() > 200
    assert sketches.numbers.tolist() == list(range(300))


def test_it_is_the_same_every_time_and_another_seed_another_one():
    first, again, other = make_sketch_test_set(60), make_sketch_test_set(60), make_sketch_test_set(60, SEED + 1)
    assert torch.equal(first.pixels, again.pixels)
    assert torch.equal(first.labels, again.labels)
    assert not torch.equal(first.pixels, other.pixels)


def test_unless_asked_otherwise_it_has_one_size_and_seed(monkeypatch):
    monkeypatch.setattr(SyntheticKind, "make", lambda *given: given)
    assert make_sketch_test_set() == (TEST_SKETCHES, SIZE, SEED)


def test_no_two_of_its_sketches_are_alike_and_all_fill_the_frame(sketches):
    images = sketches.pixels.numpy()
    assert images.dtype == np.uint8
    assert len({image.tobytes() for image in images}) == 300
    assert all(longer_side(image) == 28 and image.max() == 255 for image in images)


@pytest.mark.parametrize("seed", [0, 1, SEED])
def test_none_of_its_sketches_is_one_for_training(sketches, seed):
    training = {image.tobytes() for image in SYNTHETIC_KINDS["drawings"].make(100, seed).pixels.numpy()}
    assert not any(image.tobytes() in training for image in sketches.pixels.numpy())


def test_its_sketches_are_not_among_the_kinds_to_train_on():
    assert TEST_SKETCHES not in SYNTHETIC_KINDS.values()
    assert TEST_SKETCHES.suggested == 0
    assert TEST_SKETCHES.labelled


def test_every_class_has_shapes():
    assert len(SHAPES) == len(CLASS_NAMES)
    assert all(shapes and len(set(shapes)) == len(shapes) for shapes in SHAPES)


@pytest.mark.parametrize(("label", "number"), EVERY_SHAPE)
def test_every_shape_can_be_drawn(label, number, monkeypatch):
    only = tuple((shapes[number],) if place == label else () for place, shapes in enumerate(SHAPES))
    monkeypatch.setattr(sketch_test_set, "SHAPES", only)
    for seed in range(10):
        rng = Rng(seed)
        strokes = sketch_test_set._strokes(label, rng)
        assert all(stroke.shape[1:] == (2,) and len(stroke) >= 2 and np.isfinite(stroke).all() for stroke in strokes)
        image = render(strokes, rng)
        assert longer_side(image) == 28
        assert image.max() == 255


@pytest.mark.parametrize("label", range(len(CLASS_NAMES)), ids=CLASS_NAMES)
def test_every_shape_of_a_class_is_drawn_sooner_or_later(label, monkeypatch):
    lines = set()
    parse = sketch_test_set._parse
    monkeypatch.setattr(sketch_test_set, "_parse", lambda line: lines.add(line) or parse(line))
    for seed in range(60):
        sketch_test_set._strokes(label, Rng(seed))
    assert lines == {line for shape in SHAPES[label] for line in shape.split("; ")}


@pytest.mark.parametrize(("label", "number"), EVERY_SHAPE)
def test_shapes_lie_in_their_box_and_outlines_are_closed_and_symmetric(label, number):
    outlines = 0
    for line, strokes in parsed(label, number):
        points = np.concatenate(strokes)
        assert points.min() > -0.25
        assert points.max() < 1.4
        if line.startswith("= "):
            outlines += 1
            (outline,) = strokes
            assert (outline[0] == outline[-1]).all()
            mirrored = (outline * (-1, 1) + (1, 0)).round(9)
            assert {tuple(point) for point in outline.round(9)} == {tuple(point) for point in mirrored}
            assert abs(outline[:, 0] - 0.5).max() > 0.1
        if line.startswith("o "):
            assert len(strokes) >= 3
            assert all(stroke[0] == pytest.approx(stroke[-1]) for stroke in strokes)
    assert outlines <= 1
    first, *_ = parsed(label, number)[0][1]
    assert (first[0] == first[-1]).all()  # the outline comes first: it is never left out


def test_points_are_in_hundredths():
    (stroke,) = sketch_test_set._parse("0,60 35,55 -10,100")
    assert stroke == pytest.approx(np.array([[0, 0.6], [0.35, 0.55], [-0.1, 1]]))
    (outline,) = sketch_test_set._parse("= 10,0 20,100")
    assert outline == pytest.approx(np.array([[0.6, 0], [0.7, 1], [0.3, 1], [0.4, 0], [0.6, 0]]))
    first, second = sketch_test_set._parse("o 50,20 50,40")
    assert first.mean(0) == pytest.approx((0.5, 0.2), abs=0.01)
    assert second.mean(0) == pytest.approx((0.5, 0.4), abs=0.01)


def test_every_corner_is_moved_a_little_and_closed_outlines_stay_closed(monkeypatch):
    monkeypatch.setattr(sketch_test_set, "SHAPES", (("0,0 100,0 100,100 0,100 0,0; 20,20 80,80",),))
    still = [np.array([[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]), np.array([[0.2, 0.2], [0.8, 0.8]])]
    moves = []
    for seed in range(200):
        square, line = sketch_test_set._strokes(0, Rng(seed))
        assert (square[0] == square[-1]).all()
        moves.append(np.concatenate([square[:-1] - still[0][:-1], line - still[1]]))
    assert np.std(moves, axis=0) == pytest.approx(np.full((6, 2), JITTER), rel=0.25)
    assert abs(np.mean(moves, axis=0)).max() < JITTER / 3
    assert (np.std(np.diff(moves, axis=1), axis=0) > 1.2 * JITTER).all()  # each by itself
