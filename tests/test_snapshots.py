import itertools

import numpy as np
import pytest
import torch
from controlled import run_controlled
from hypothesis import given
from hypothesis import strategies as st
from networks import new
from safetensors.torch import save_file
from scipy.linalg import orthogonal_procrustes

from fmnist_core import CLASS_NAMES, inference, projection, snapshots
from fmnist_core.control import Control
from fmnist_core.errors import CheckpointError
from fmnist_core.events import Changed, EpochDone, Finished, SnapshotTaken, StepDone
from fmnist_core.snapshots import (
    COUNT,
    IMAGES,
    SNAPSHOTS_FILE,
    Snapshots,
    SnapshotTaker,
    images_to_place,
    moments,
    rotation_onto,
)
from fmnist_core.train_config import TrainConfig
from fmnist_core.training import train

CONFIG = TrainConfig(epochs=2, batch_size=20, validation_fraction=0.2, device="cpu", report_every=5)


@pytest.fixture(scope="module")
def placed(samples):
    return samples.test.take(torch.arange(0, 2000, 10))


@pytest.fixture
def at_any_cost(monkeypatch):
    monkeypatch.setattr(snapshots, "MAX_COST", 1e9)


# --- when -------------------------------------------------------------------------------------------------------------


@given(steps=st.integers(1, 100_000), count=st.integers(4, 80))
def test_moments_are_dense_at_first_and_then_even(steps, count):
    found = moments(steps, count)
    assert (found[0], found[-1]) == (0, steps)
    assert found == sorted(set(found))
    assert len(found) <= count + 1
    if steps > 1000 and count > 20:
        gaps = np.diff(found)
        assert gaps[0] == 1
        late = gaps[-(count // 3) :]
        assert np.ptp(late) <= 1
        assert sum(each <= steps / 5 for each in found) > 0.35 * count


def test_a_training_has_about_forty():
    assert 35 < len(moments(1000)) <= COUNT + 1


def test_snapshots_are_left_out_when_they_would_cost_too_much(monkeypatch, placed):
    now = [0.0]
    monkeypatch.setattr(snapshots, "time", type("Clock", (), {"perf_counter": staticmethod(lambda: now[0])}))
    taker, network = SnapshotTaker(placed), new("original")
    slow_embed = projection.embed

    def embed(network, images):
        now[0] += 1.0  # second, for each snapshot
        return slow_embed(network, images)

    monkeypatch.setattr(snapshots, "embed", embed)
    taken = []
    for step in range(101):
        if taker.is_due(step, 100):
            taken.append(step)
            taker.take(network, step, 100)
        now[0] += 1.0
    assert (taken[0], taken[-1]) == (0, 100)
    assert len(taken) == pytest.approx(100 * snapshots.MAX_COST, abs=2)


# --- what -------------------------------------------------------------------------------------------------------------


@given(seed=st.integers(0, 10**6))
def test_rotation_is_that_of_scipy(seed):
    rng = np.random.default_rng(seed)
    one, other = rng.normal(size=(2, 30, 2))
    expected, _ = orthogonal_procrustes(one, other)
    found = rotation_onto(torch.tensor(one), torch.tensor(other))
    assert np.allclose(found, expected, atol=1e-9)
    assert torch.allclose(found.T @ found, torch.eye(2, dtype=found.dtype), atol=1e-9)


def test_what_was_turned_and_mirrored_is_turned_back():
    points = torch.randn(50, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    turn = torch.tensor([[0.6, 0.8], [0.8, -0.6]], dtype=torch.float64)
    assert torch.allclose(points @ turn @ rotation_onto(points @ turn, points), points)


def test_a_snapshot_is_the_pca_map_turned(placed):
    network = new("original", seed=3)
    fitted = projection.fit(network.eval(), placed)
    first = SnapshotTaker(placed).take(network, 0, 10)
    assert torch.equal(first.predictions, fitted.predictions)
    assert first.accuracy == pytest.approx(float((fitted.predictions == placed.labels).float().mean()))
    assert float(first.coordinates.square().sum(1).mean()) == pytest.approx(1, rel=1e-4)
    between, expected = torch.pdist(first.coordinates), torch.pdist(fitted.pca)
    assert torch.allclose(between / between.mean(), expected / expected.mean(), atol=1e-3)


def test_points_stay_where_they_are_when_nothing_was_learned(placed):
    network, taker = new("original", seed=3), SnapshotTaker(placed)
    one, other = (taker.take(network, step, 10) for step in (0, 5))
    assert torch.allclose(one.coordinates, other.coordinates, atol=1e-5)


def test_a_picture_lies_where_it_would_as_an_image_and_has_a_say_in_nothing(placed, shipped):
    taker = SnapshotTaker(placed, placed.pixels[17])
    taken, without = taker.take(shipped, 0, 10), SnapshotTaker(placed).take(shipped, 0, 10)
    assert torch.allclose(taken.place, taken.coordinates[17], atol=1e-4)
    assert torch.allclose(taken.coordinates, without.coordinates, atol=1e-4)
    assert (without.place, without.probabilities) == (None, None)
    expected = inference.read_pixels(shipped, placed.pixels[17]).probabilities
    assert torch.allclose(taken.probabilities, expected, atol=1e-5)
    assert torch.equal(taken.kernels, shipped.layers[0].weight.mean(1))


def test_images_to_place_are_of_all_classes(samples):
    images = images_to_place(samples.test)
    assert len(images) == IMAGES
    assert len(set(images.numbers.tolist())) == IMAGES
    assert torch.bincount(images.labels).min() > IMAGES / len(CLASS_NAMES) / 2
    assert len(images_to_place(samples.test.take(torch.arange(60)))) == 60


# --- in a training ----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("at_any_cost")
def test_watching_changes_nothing(few, placed):
    alone = list(train(CONFIG, few))
    watched = list(train(CONFIG, few, snapshots=SnapshotTaker(placed, placed.pixels[0])))
    one, other = alone[-1].network.state_dict(), watched[-1].network.state_dict()
    assert all(torch.equal(tensor, other[name]) for name, tensor in one.items())
    kinds = [type(event) for event in watched if not isinstance(event, SnapshotTaken)]
    assert kinds == [type(event) for event in alone]


@pytest.mark.usefixtures("at_any_cost")
def test_a_training_yields_its_snapshots_in_order(few, placed):
    events = list(train(CONFIG, few, snapshots=SnapshotTaker(placed)))
    taken = [event for event in events if isinstance(event, SnapshotTaken)]
    steps = [event for event in events if isinstance(event, StepDone)][-1].steps
    assert [each.step for each in taken] == moments(steps)
    assert taken[-1].accuracy > taken[0].accuracy + 0.1
    assert isinstance(events[1], SnapshotTaken)
    assert isinstance(events[-1], Finished)
    assert sum(isinstance(event, EpochDone) for event in events) == 2
    # From one to the next the points move less than the map is wide.
    pairs = itertools.pairwise(each.coordinates for each in taken)
    moves = [(one - other).norm(dim=1).mean() for one, other in pairs]
    assert max(moves) < 1.2


@pytest.mark.usefixtures("at_any_cost")
def test_an_epoch_more_has_its_moments_too(few, placed):
    def control_of(events):
        return Control(epochs=4) if any(isinstance(event, EpochDone) for event in events) else None

    events = run_controlled(CONFIG, few, control_of, snapshots=SnapshotTaker(placed))
    taken = [event.step for event in events if isinstance(event, SnapshotTaken)]
    (changed,) = (event for event in events if isinstance(event, Changed))
    assert taken[-1] == changed.steps > changed.step
    assert [step for step in taken if step > changed.step] == [
        step for step in moments(changed.steps) if step > changed.step
    ]


def test_without_snapshots_a_training_has_none(few):
    assert not any(isinstance(event, SnapshotTaken) for event in train(CONFIG, few))


# --- on the disk ------------------------------------------------------------------------------------------------------


@pytest.fixture
def some(placed):
    taker = SnapshotTaker(placed)
    return Snapshots.of([taker.take(new("original", seed=seed), seed, 3) for seed in range(3)], placed.labels)


def test_snapshots_are_the_same_again(some, tmp_path):
    some.save(tmp_path)
    again = Snapshots.load(tmp_path)
    assert vars(again).keys() == vars(some).keys()
    assert all(torch.equal(value, getattr(again, name)) for name, value in vars(some).items())
    assert again.steps.tolist() == [0, 1, 2]
    assert again.coordinates.shape == (3, 200, 2)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda file: file.unlink(), "train with --snapshots"),
        (lambda file: file.write_bytes(file.read_bytes()[:-10]), "not a complete safetensors file"),
        (lambda file: save_file({"labels": torch.zeros(3)}, file), "does not hold the snapshots"),
    ],
)
def test_what_is_no_snapshots_is_refused(some, tmp_path, spoil, words):
    some.save(tmp_path)
    spoil(tmp_path / SNAPSHOTS_FILE)
    with pytest.raises(CheckpointError, match=words):
        Snapshots.load(tmp_path)


@pytest.mark.parametrize(
    "changed",
    [
        {"labels": torch.full((200,), 10)},
        {"labels": torch.zeros(199, dtype=torch.int64)},
        {"coordinates": torch.full((3, 200, 2), float("nan"))},
        {"coordinates": torch.zeros(3, 200, 3)},
        {"steps": torch.zeros(0, dtype=torch.int64)},
        {"predictions": torch.zeros(3, 1, dtype=torch.int64)},
    ],
    ids=lambda changed: "".join(changed),
)
def test_tensors_that_do_not_fit_each_other_are_refused(some, tmp_path, changed):
    save_file(dict(vars(some)) | changed, tmp_path / SNAPSHOTS_FILE)
    with pytest.raises(CheckpointError, match="does not hold the snapshots"):
        Snapshots.load(tmp_path)
