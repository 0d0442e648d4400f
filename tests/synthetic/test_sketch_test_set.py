import numpy as np
import pytest
import torch

from fmnist_core import CLASS_NAMES, exam
from fmnist_core.synthetic.sketch_test_set import TEST_SET_SEED, FORMS, MOVED, make_sketch_test_set
from fmnist_core.synthetic.rendering import as_drawing, make_sketches
from fmnist_core.synthetic.strokes import Rng

EVERY_FORM = [
    pytest.param(label, number, id=f"{name} {number}")
    for label, name in enumerate(CLASS_NAMES)
    for number in range(len(FORMS[label]))
]


@pytest.fixture(scope="module")
def drawings():
    return make_sketch_test_set(300)


def parsed(label, number):
    """The strokes of each line of a form."""
    return [(line, exam._parse(line)) for line in FORMS[label][number].split("; ")]


def extent(image):
    rows, columns = (np.flatnonzero(image.any(axis)) for axis in (1, 0))
    return max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1


def test_it_asks_for_each_class_equally_often_and_in_mixed_order(drawings):
    assert torch.bincount(drawings.labels).tolist() == [30] * 10
    assert (drawings.labels[1:] != drawings.labels[:-1]).sum() > 200
    assert drawings.numbers.tolist() == list(range(300))


def test_it_is_the_same_every_time_and_another_seed_another_one(drawings):
    again, other = make_sketch_test_set(300), make_sketch_test_set(300, TEST_SET_SEED + 1)
    assert torch.equal(drawings.pixels, again.pixels)
    assert torch.equal(drawings.labels, again.labels)
    assert not torch.equal(drawings.pixels, other.pixels)


def test_no_two_of_its_drawings_are_alike_and_all_fill_the_frame(drawings):
    images = drawings.pixels.numpy()
    assert images.dtype == np.uint8
    assert len({image.tobytes() for image in images}) == 300
    assert all(extent(image) == 28 and image.max() == 255 for image in images)


@pytest.mark.parametrize("seed", [0, 1, TEST_SET_SEED])
def test_none_of_its_drawings_is_one_for_training(drawings, seed):
    known = {image.tobytes() for image in make_sketches(300, seed).pixels.numpy()}
    assert not any(image.tobytes() in known for image in drawings.pixels.numpy())


def test_every_class_has_forms():
    assert len(FORMS) == len(CLASS_NAMES)
    assert all(forms and len(set(forms)) == len(forms) for forms in FORMS)


@pytest.mark.parametrize(("label", "number"), EVERY_FORM)
def test_every_form_can_be_drawn(label, number, monkeypatch):
    only = tuple((forms[number],) if place == label else () for place, forms in enumerate(FORMS))
    monkeypatch.setattr(exam, "FORMS", only)
    for seed in range(10):
        rng = Rng(np.random.default_rng(seed))
        strokes = exam._form(label, rng)
        assert all(stroke.shape[1:] == (2,) and len(stroke) >= 2 and np.isfinite(stroke).all() for stroke in strokes)
        image = as_drawing(strokes, rng)
        assert extent(image) == 28
        assert image.max() == 255


@pytest.mark.parametrize("label", range(len(CLASS_NAMES)), ids=CLASS_NAMES)
def test_every_form_of_a_class_comes_up(label, monkeypatch):
    lines = set()
    parse = exam._parse
    monkeypatch.setattr(exam, "_parse", lambda line: lines.add(line) or parse(line))
    for seed in range(60):
        exam._form(label, Rng(np.random.default_rng(seed)))
    assert lines == {line for form in FORMS[label] for line in form.split("; ")}


@pytest.mark.parametrize(("label", "number"), EVERY_FORM)
def test_forms_lie_in_their_box_and_outlines_are_closed_and_symmetric(label, number):
    outlines = 0
    for line, strokes in parsed(label, number):
        every = np.concatenate(strokes)
        assert every.min() > -0.25
        assert every.max() < 1.4
        if line.startswith("= "):
            outlines += 1
            (outline,) = strokes
            assert (outline[0] == outline[-1]).all()
            mirrored = (outline * (-1, 1) + (1, 0)).round(9)
            assert {tuple(place) for place in outline.round(9)} == {tuple(place) for place in mirrored}
            assert abs(outline[:, 0] - 0.5).max() > 0.1
        if line.startswith("o "):
            assert len(strokes) >= 3
            assert all(stroke[0] == pytest.approx(stroke[-1]) for stroke in strokes)
    assert outlines <= 1
    first, *_ = parsed(label, number)[0][1]
    assert (first[0] == first[-1]).all()  # the outline comes first: it is never left out


def test_places_are_in_hundredths():
    (stroke,) = exam._parse("0,60 35,55 -10,100")
    assert stroke == pytest.approx(np.array([[0, 0.6], [0.35, 0.55], [-0.1, 1]]))
    (outline,) = exam._parse("= 10,0 20,100")
    assert outline == pytest.approx(np.array([[0.6, 0], [0.7, 1], [0.3, 1], [0.4, 0], [0.6, 0]]))
    first, second = exam._parse("o 50,20 50,40")
    assert first.mean(0) == pytest.approx((0.5, 0.2), abs=0.01)
    assert second.mean(0) == pytest.approx((0.5, 0.4), abs=0.01)


def test_every_corner_is_moved_a_little_and_closed_outlines_stay_closed(monkeypatch):
    monkeypatch.setattr(exam, "FORMS", (("0,0 100,0 100,100 0,100 0,0; 20,20 80,80",),))
    still = [np.array([[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]), np.array([[0.2, 0.2], [0.8, 0.8]])]
    moves = []
    for seed in range(200):
        square, line = exam._form(0, Rng(np.random.default_rng(seed)))
        assert (square[0] == square[-1]).all()
        moves.append(np.concatenate([square[:-1] - still[0][:-1], line - still[1]]))
    assert np.std(moves, axis=0) == pytest.approx(np.full((6, 2), MOVED), rel=0.25)
    assert abs(np.mean(moves, axis=0)).max() < MOVED / 3
    assert (np.std(np.diff(moves, axis=1), axis=0) > 1.2 * MOVED).all()  # each by itself
