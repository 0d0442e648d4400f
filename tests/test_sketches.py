import numpy as np
import pytest
import torch
from PIL import Image

from fmnist_core import CLASS_NAMES, inference
from fmnist_core.garments import TEMPLATES, Dice
from fmnist_core.lines import GRID, MARGIN, draw_lines, find_lines
from fmnist_core.pixels import prepare
from fmnist_core.sketches import by_hand, contact_sheet, ink, make_sketches
from fmnist_core.training import EpochDone, Finished, TrainConfig, train


@pytest.mark.parametrize("label", range(len(CLASS_NAMES)))
def test_every_template_gives_strokes_of_some_size(label):
    for seed in range(60):
        strokes = TEMPLATES[label](Dice(np.random.default_rng(seed)))
        assert all(stroke.ndim == 2 and stroke.shape[1] == 2 and len(stroke) >= 2 for stroke in strokes)
        every = np.concatenate(strokes)
        assert np.isfinite(every).all()
        assert (every.max(0) - every.min(0)).min() > 0.1


def test_templates_are_in_the_order_of_the_classes():
    names = [template.__name__.replace("_", "") for template in TEMPLATES]
    classes = [name.lower().replace("-", "").replace(" ", "").removesuffix("/top") for name in CLASS_NAMES]
    assert names == classes


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
        assert max(len(rows), len(columns)) == 28
        assert image.max() == 255


def test_ink_has_the_size_that_lines_are_found_at():
    for seed in range(20):
        dice = Dice(np.random.default_rng(seed))
        cells = ink(by_hand(TEMPLATES[seed % 10](dice), dice))
        assert max(cells.shape) == pytest.approx(GRID + 2 * MARGIN, abs=1)
        assert not cells[:MARGIN].any()
        assert not cells[:, :MARGIN].any()


def test_a_visitors_picture_of_a_sketch_comes_to_the_same_pixels():
    """Two paths to one number: made for training, and drawn with a pen on paper and prepared."""
    differences = []
    for seed in range(30):
        dice = Dice(np.random.default_rng(seed))
        strokes = by_hand(TEMPLATES[seed % 10](dice), dice)
        cells = ink(strokes)
        made = draw_lines(find_lines(cells.astype(np.float32)))
        paper = Image.fromarray(255 - 255 * cells).resize((3 * cells.shape[1], 3 * cells.shape[0]))
        prepared = prepare(paper)
        assert prepared.kind == "drawing"
        differences.append(abs(prepared.pixels.astype(int) - made).mean())
    assert np.median(differences) < 12  # half a pixel of shift here and there; other drawings differ by 60


def test_the_sheet_shows_every_class():
    assert contact_sheet(5, 0).size == (2 * 28 * 5, 2 * 28 * 10)


def test_a_network_learns_them(few):
    """After a short training on drawings alone, new drawings are told apart far better than by chance."""
    config = TrainConfig(epochs=6, drawings=10, validation=0, batch_size=64, flip=False, shift=0)
    *events, finished = train(config, few)
    assert isinstance(finished, Finished)
    assert isinstance(events[-1], EpochDone)
    fresh = make_sketches(300, 99)
    answers = [inference.read_pixels(finished.network, image).label for image in fresh.pixels]
    assert np.mean(np.array(answers) == fresh.labels.numpy()) > 0.6
