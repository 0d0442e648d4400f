import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from fmnist_core import CLASS_NAMES, inference, sketches
from fmnist_core.preparation.segmentation import DARKEST
from fmnist_core.synthetic.templates import TEMPLATES
from fmnist_core.preparation.lines import GRID, INSIDE, MARGIN, draw_lines, find_lines
from fmnist_core.preparation import prepare
from fmnist_core.synthetic.rendering import (
    MIN_CLOTH,
    NO_CLASS,
    STEP,
    _resampled,
    as_drawing,
    by_hand,
    cloth,
    ink,
    make_cloth,
    make_doodles,
    make_sketches,
    make_tracings,
    of_all_classes,
    trace,
)
from fmnist_core.synthetic.strokes import Rng, curve
from fmnist_core.training import EpochDone, Finished, TrainConfig, train


@pytest.mark.parametrize("label", range(len(CLASS_NAMES)))
def test_every_template_gives_strokes_of_some_size(label):
    for seed in range(60):
        strokes = TEMPLATES[label](Rng(np.random.default_rng(seed)))
        assert all(stroke.ndim == 2 and stroke.shape[1] == 2 and len(stroke) >= 2 for stroke in strokes)
        every = np.concatenate(strokes)
        assert np.isfinite(every).all()
        assert (every.max(0) - every.min(0)).min() > 0.1


def test_templates_are_in_the_order_of_the_classes():
    names = [template.__name__.replace("_", "") for template in TEMPLATES]
    classes = [name.lower().replace("-", "").replace(" ", "").removesuffix("/top") for name in CLASS_NAMES]
    assert names == classes


def test_strokes_are_resampled_evenly_each_by_itself():
    corner = np.array([[0.0, 0.0], [3.0, 0.0], [3.0, 4.0]])
    dot, line = np.array([[1.0, 1.0]]), np.array([[0.0, 2.0], [0.0, 2.0], [1.01, 2.0]])
    places, counts = _resampled([corner, dot, line])  # scaled by the longer side, 4
    for stroke, resampled in zip((corner, dot, line), np.split(places, counts.cumsum()[:-1]), strict=True):
        assert resampled[[0, -1]] * 4 == pytest.approx(stroke[[0, -1]])
    first, _, last = np.split(places, counts.cumsum()[:-1])
    steps = np.hypot(*np.diff(last, axis=0).T)
    assert steps == pytest.approx(steps[0])
    assert steps[0] == pytest.approx(STEP, rel=0.1)
    assert len(first) == round(7 / 4 / STEP) + 1
    assert (np.isclose(first[:, 1], 0) | np.isclose(first[:, 0], 3 / 4)).all()  # on the stroke, no short cut


@pytest.mark.parametrize("closed", [False, True])
def test_a_curve_goes_through_its_places(closed):
    places = [(0, 0), (2, 1), (3, 3), (1, 4)]
    smooth = curve(*places, closed=closed)
    assert smooth[::8] == pytest.approx(np.array([*places, places[0]] if closed else places))
    if closed:
        assert smooth[0] == pytest.approx(smooth[-1])
    assert np.hypot(*np.diff(smooth, axis=0).T).max() < 0.8  # no jumps


def test_the_same_seed_gives_the_same_drawings_and_another_seed_others():
    once, again, other = make_sketches(40, 1), make_sketches(40, 1), make_sketches(40, 2)
    assert torch.equal(once.pixels, again.pixels)
    assert torch.equal(once.labels, again.labels)
    assert not torch.equal(once.pixels, other.pixels)


def test_as_many_of_each_class_and_no_two_alike():
    sketches = make_sketches(200, 0)
    assert torch.bincount(sketches.labels).tolist() == [20] * 10
    assert len({image.numpy().tobytes() for image in sketches.pixels}) == 200
    assert sketches.pixels.dtype == torch.uint8


def test_drawings_fill_the_frame_like_the_data_set():
    for image in make_sketches(200, 3).pixels.numpy():
        rows, columns = (np.flatnonzero(image.any(axis)) for axis in (1, 0))
        assert max(np.ptp(rows), np.ptp(columns)) == 27
        assert image.max() == 255


def test_ink_has_the_size_that_lines_are_found_at():
    for seed in range(20):
        rng = Rng(np.random.default_rng(seed))
        cells = ink(by_hand(TEMPLATES[seed % 10](rng), rng))
        assert max(cells.shape) == pytest.approx(GRID + 2 * MARGIN, abs=1)
        assert not cells[:MARGIN].any()
        assert not cells[:, :MARGIN].any()


def test_a_visitors_picture_of_a_sketch_comes_to_the_same_pixels():
    """Two paths to one number: made for training, and drawn with a pen on paper and prepared."""
    differences = []
    for seed in range(30):
        rng = Rng(np.random.default_rng(seed))
        strokes = by_hand(TEMPLATES[seed % 10](rng), rng)
        cells = ink(strokes)
        made = draw_lines(find_lines(cells.astype(np.float32)))
        paper = Image.fromarray(255 - 255 * cells).resize((3 * cells.shape[1], 3 * cells.shape[0]))
        prepared = prepare(paper)
        assert prepared.kind == "drawing"
        differences.append(abs(prepared.pixels.astype(int) - made).mean())
    assert np.median(differences) < 12  # half a pixel of shift here and there; other drawings differ by 60


def test_a_network_learns_them(few):
    """After a short training on drawings alone, new drawings are told apart far better than by chance."""
    config = TrainConfig(epochs=20, drawings=10, validation=0, batch_size=32, flip=False, shift=0, seed=1)
    *events, finished = train(config, few)
    assert isinstance(finished, Finished)
    assert isinstance(events[-1], EpochDone)
    fresh = make_sketches(300, 99)
    answers = [inference.read_pixels(finished.network, image).label for image in fresh.pixels]
    assert np.mean(np.array(answers) == fresh.labels.numpy()) > 0.6


# ---------------------------------------------------------------- cloth, doodles, tracings


MAKERS = {
    "cloth": lambda _, count, seed: make_cloth(count, seed),
    "doodles": lambda _, count, seed: make_doodles(count, seed),
    "tracings": make_tracings,
}
every_maker = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)


@pytest.fixture
def steady_hand(monkeypatch):
    monkeypatch.setattr(sketches, "by_hand", lambda strokes, rng: strokes)


@every_maker
def test_what_is_made_is_the_same_with_the_same_seed_and_other_with_another(make, few):
    once, again, other = make(few, 40, 1), make(few, 40, 1), make(few, 40, 2)
    for part in ("pixels", "labels", "numbers"):
        assert torch.equal(getattr(once, part), getattr(again, part))
    assert not torch.equal(once.pixels, other.pixels)


@every_maker
def test_whatever_is_made_fills_the_frame_and_is_made_once(make, few):
    made = make(few, 300, 0)
    assert made.pixels.shape == (300, 28, 28)
    assert made.pixels.dtype == torch.uint8
    assert made.labels.dtype == made.numbers.dtype == torch.int64
    for image in made.pixels.numpy():
        rows, columns = (np.flatnonzero(image.any(axis)) for axis in (1, 0))
        assert max(rows[-1] - rows[0], columns[-1] - columns[0]) == 27
        assert image.max() == 255
    assert len({image.numpy().tobytes() for image in made.pixels}) == 300


def test_as_many_garments_of_cloth_of_each_class():
    labels = make_cloth(200, 0).labels
    assert torch.bincount(labels).tolist() == [20] * 10
    assert labels.tolist() != sorted(labels.tolist())


def test_doodles_are_of_no_class():
    assert NO_CLASS not in range(len(CLASS_NAMES))
    assert make_doodles(50, 0).labels.tolist() == [NO_CLASS] * 50


def test_tracings_have_the_labels_of_what_was_traced(samples, monkeypatch):
    monkeypatch.setattr(sketches, "trace", lambda image, _: 255 - image)
    images = samples.test.take(torch.arange(500, 560))
    traced = make_tracings(images, 400, 0)
    assert set(traced.numbers.tolist()) == set(images.numbers.tolist())  # chosen at random, none left out
    places = {int(number): place for place, number in enumerate(images.numbers)}
    originals = images.take(torch.tensor([places[int(number)] for number in traced.numbers]))
    assert torch.equal(traced.pixels, 255 - originals.pixels)
    assert torch.equal(traced.labels, originals.labels)


@given(count=st.integers(1, 60), seed=st.integers(0, 2**32))
def test_each_image_is_made_for_its_label_and_labels_are_balanced(count, seed):
    made = of_all_classes(lambda label, _: np.full((28, 28), label, np.uint8), count, seed)
    assert torch.equal(made.pixels[:, 3, 3].long(), made.labels)
    counts = torch.bincount(made.labels, minlength=10)
    assert counts.sum() == count
    assert counts.max() - counts.min() <= 1
    assert made.numbers.tolist() == list(range(count))


def test_order_of_the_classes_differs_from_seed_to_seed():
    orders = [of_all_classes(lambda *_: np.zeros((28, 28), np.uint8), 50, seed).labels.tolist() for seed in range(5)]
    assert len({tuple(order) for order in orders}) == 5


@pytest.mark.parametrize("label", range(len(CLASS_NAMES)), ids=CLASS_NAMES)
def test_cloth_of_every_class_is_filled_and_nowhere_as_dark_as_the_ground(label):
    for seed in range(20):
        image = cloth(label, np.random.default_rng(seed))
        assert MIN_CLOTH < (image > 0).mean() < 0.95  # and the ground is black
        assert np.median(image[image > 0]) > 255 * DARKEST


def test_cloth_is_of_one_shade_and_its_seams_of_a_darker_or_brighter_one(monkeypatch, steady_hand):
    square = np.array([[0.0, 0], [1, 0], [1, 1], [0, 1], [0, 0]])
    seam = np.array([[0.5, 0.0], [0.5, 1]])
    monkeypatch.setattr(sketches, "TEMPLATES", (lambda _: [square, seam],))
    differences = []
    for seed in range(40):
        image = cloth(0, np.random.default_rng(seed)).astype(int)
        assert image.min() > 0
        cloth_left, cloth_right = image[4:24, 4:11], image[4:24, 17:24]
        assert np.ptp(cloth_left) == np.ptp(cloth_right) == 0
        assert cloth_left[0, 0] == cloth_right[0, 0]
        differences.append(image[14, 13:15].mean() - cloth_left[0, 0])
    assert min(differences) < -40
    assert max(differences) > 20


def test_an_outline_that_does_not_close_is_drawn_again_before_it_is_made_cloth(monkeypatch):
    drawn = []

    def template(_):
        drawn.append(None)
        open_line = np.array([[0.0, 0], [0, 1], [1, 1]])
        return [open_line if len(drawn) < 4 else np.concatenate([open_line, [[1, 0], [0, 0]]])]

    monkeypatch.setattr(sketches, "TEMPLATES", (template,))
    image = cloth(0, np.random.default_rng(0))
    assert len(drawn) >= 4
    assert (image > 0).mean() > 0.5


@given(seed=st.integers(0, 9999), size=st.floats(0.01, 1000), x=st.floats(-500, 500), y=st.floats(-500, 500))
def test_size_and_place_of_the_strokes_do_not_matter_to_a_drawing(seed, size, x, y):
    strokes = TEMPLATES[seed % 10](Rng(np.random.default_rng(seed)))
    here = as_drawing(strokes, Rng(np.random.default_rng(1))).astype(int)
    there = as_drawing([size * (stroke + np.array([x, y])) for stroke in strokes], Rng(np.random.default_rng(1)))
    assert abs(there - here).mean() < 4  # a rounding may move a line by a cell


# ---------------------------------------------------------------- a tracing and its outline


SHAPES = {
    "square": ((0, 0), (280, 0), (280, 280), (0, 280)),
    "triangle": ((140, 0), (280, 280), (0, 280)),
    "boot": ((0, 0), (130, 0), (130, 150), (280, 150), (280, 280), (0, 280)),
}


def shape(name):
    """A shape that fills the frame: its pixels, and how far each place of it, ten to a pixel, is from its outline."""
    large = Image.new("L", (280, 280))
    ImageDraw.Draw(large).polygon(SHAPES[name], fill=200)
    mask = np.pad(np.asarray(large) > 0, 10).astype(np.uint8)
    outline = mask - cv2.erode(mask, np.ones((3, 3), np.uint8))
    distance = cv2.distanceTransform(1 - outline, cv2.DIST_L2, 5)[10:-10, 10:-10] / 10
    return np.array(large.resize((28, 28), Image.Resampling.BOX)), distance


def drawn_line(image):
    """Where its line is, without what is only filled, ten places to a pixel."""
    return (image > 200).repeat(10, 0).repeat(10, 1)


def apart(line, distance):
    """How far, in pixels, the line is from the outline, and the outline from the line."""
    from_line = cv2.distanceTransform((~line).astype(np.uint8), cv2.DIST_L2, 5) / 10
    return distance[line].mean(), from_line[distance < 0.05].mean()


@pytest.mark.parametrize("name", SHAPES)
def test_a_steady_hand_traces_the_outline(name, steady_hand):
    pixels, distance = shape(name)
    for seed in range(20):
        line = drawn_line(trace(pixels, np.random.default_rng(seed)))
        away, missing = apart(line, distance)
        assert away < 0.7, seed  # half the width of a line
        assert missing < 0.1, seed


@pytest.mark.parametrize("name", ["square", "triangle"])
def test_an_unsteady_hand_traces_it_too_but_less_well(name):
    pixels, distance = shape(name)
    errors = [apart(drawn_line(trace(pixels, np.random.default_rng(seed))), distance) for seed in range(20)]
    assert (np.mean(errors, axis=0) < 3.5).all()
    assert (np.mean(errors, axis=0) > 0.7).all()


def test_what_is_traced_is_filled(steady_hand):
    filled = trace(shape("boot")[0], np.random.default_rng(0))
    assert filled[22, 14] == pytest.approx(255 * INSIDE, abs=2)
    assert filled[5, 22] == 0


def test_edges_within_a_garment_are_traced_and_even_cloth_has_none(steady_hand):
    even = np.zeros((28, 28), np.uint8)
    even[:, 3:25] = 180
    parted = even.copy()
    parted[:, 14:25] = 250
    parted[:, 3:14] = 120

    def has_inner_line(image, seed):
        return trace(image, np.random.default_rng(seed))[8:20, 10:18].max() > 220

    assert sum(has_inner_line(parted, seed) for seed in range(40)) > 20  # some people leave it out
    assert not any(has_inner_line(even, seed) for seed in range(40))


def test_both_shoes_of_a_pair_are_traced(steady_hand):
    pair = np.zeros((28, 28), np.uint8)
    pair[4:24, 1:11] = pair[4:24, 17:27] = 200
    traced = trace(pair, np.random.default_rng(0))
    middle = traced[10:18].mean(0)
    assert middle[13:15].max() == 0
    assert middle[5] == middle[-6] == pytest.approx(255 * INSIDE, abs=2)


def test_what_has_no_outline_stays_as_it_is():
    empty = np.zeros((28, 28), np.uint8)
    dot = empty.copy()
    dot[14, 14] = 255
    for image in (empty, dot):
        assert (trace(image, np.random.default_rng(0)) == image).all()
