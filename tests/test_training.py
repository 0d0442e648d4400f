import copy
import math
import random
from dataclasses import replace

import numpy as np
import pytest
import torch
from controlled import by_step, run_controlled, steps_taken
from hypothesis import given
from hypothesis import strategies as st
from networks import ADDED, EVERY, new, register
from torch import nn
from torch.nn import functional as F

from fmnist_core import CLASS_NAMES, training
from fmnist_core.architectures import original_layers
from fmnist_core.augment import AUGMENTATIONS
from fmnist_core.control import Control
from fmnist_core.dataset import Split, batches
from fmnist_core.errors import ConfigError
from fmnist_core.evaluation import Evaluation, evaluate, fit_temperature, predict_logits
from fmnist_core.events import Changed, Continued, EpochDone, Finished, Paused, Started, StepDone
from fmnist_core.inference import familiarity
from fmnist_core.model import Network, to_probabilities
from fmnist_core.muon import Muon
from fmnist_core.synthetic import pools
from fmnist_core.synthetic.kinds import NO_CLASS, SYNTHETIC_KINDS
from fmnist_core.train_config import TrainConfig, recipe, with_settings
from fmnist_core.training import (
    WARM_UP,
    Metrics,
    check_init_from,
    hold_out,
    linear_warmup_decay,
    pick_device,
    select_samples,
    set_up,
    train,
    train_step,
    validate,
)

QUICK = TrainConfig(epochs=2, batch_size=50, validation_fraction=0.2, device="cpu", report_every=1)


@pytest.fixture(autouse=True)
def added_networks(monkeypatch):
    register(monkeypatch)


def run(config, images, **options):
    return list(train(config, images, **options))


def of(kind, events):
    return [event for event in events if isinstance(event, kind)]


def weights_of(network):
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


def same(one, other):
    return all(torch.equal(tensor, other[name]) for name, tensor in one.items())


@pytest.fixture(scope="module")
def quick_run(few):
    return run(QUICK, few)


PLAIN = replace(QUICK, epochs=5, batch_size=25, validation_fraction=0.0, augmentations={})


@pytest.fixture(scope="module")
def plain_run(few):
    return run(PLAIN, few)


@pytest.fixture
def small_pools(monkeypatch):
    """Fewer synthetic images before the first step, where it does not matter how many."""
    monkeypatch.setattr(pools, "INITIAL_SIZE", 20)


@pytest.fixture
def shown(monkeypatch):
    """Every batch that a training goes through, a list for each epoch."""
    epochs = []

    def spy(split, size, generator=None):
        epochs.append([])
        for batch in batches(split, size, generator):
            epochs[-1].append(batch)
            yield batch

    monkeypatch.setattr(training, "batches", spy)
    return epochs


# ---------------------------------------------------------------- events, in order


def test_events_of_a_run(quick_run):
    started, *middle, finished = quick_run
    # 4 batches of 50 and one of 40, twice
    assert started == Started("cpu", 240, 60, steps=10, parameters=33_250, epochs=2, learning_rate=0.01)
    assert [event.name for event in middle] == (["StepDone"] * 5 + ["EpochDone"]) * 2
    steps, epochs = of(StepDone, middle), of(EpochDone, middle)
    assert [(event.step, event.steps, event.epoch) for event in steps] == [(n, 10, 1 + (n > 5)) for n in range(1, 11)]
    assert [event.epoch for event in epochs] == [1, 2]
    assert steps[-1].seconds_left == 0
    assert all(event.images_per_second > 0 for event in steps)
    # As many as there are, though the last batch is smaller.
    assert epochs[-1].seconds >= 2 * 240 / steps[-1].images_per_second
    assert isinstance(finished, Finished)
    assert not finished.stopped
    assert finished.best_epoch == max(epoch.epoch for epoch in epochs if epoch.best)


def test_epoch_is_the_mean_of_its_steps(quick_run):
    sizes = [50, 50, 50, 50, 40]
    steps, epochs = of(StepDone, quick_run), of(EpochDone, quick_run)
    for number, epoch in enumerate(epochs):
        losses = [event.loss for event in steps[5 * number : 5 * number + 5]]
        accuracies = [event.accuracy for event in steps[5 * number : 5 * number + 5]]
        assert epoch.loss == pytest.approx(np.average(losses, weights=sizes), rel=1e-5)
        assert epoch.accuracy == pytest.approx(np.average(accuracies, weights=sizes), rel=1e-9)


@pytest.mark.parametrize(("every", "expected"), [(3, [3, 6, 9, 10]), (5, [5, 10]), (100, [10])])
def test_reports_come_as_often_as_asked_and_change_nothing(few, quick_run, every, expected):
    events = run(replace(QUICK, report_every=every), few)
    assert [event.step for event in of(StepDone, events)] == expected
    for seldom, often in zip(of(EpochDone, events), of(EpochDone, quick_run), strict=True):
        assert seldom.loss == pytest.approx(often.loss, rel=1e-5)
        assert seldom.accuracy == often.accuracy
    assert same(weights_of(events[-1].network), weights_of(quick_run[-1].network))


def test_validation_is_what_evaluation_gives(few, monkeypatch):
    monkeypatch.setattr(training, "MIN_TO_CALIBRATE", 60)
    events = run(replace(QUICK, epochs=1), few)
    epoch, network = of(EpochDone, events)[0], events[-1].network
    evaluation = evaluate(network, hold_out(few, QUICK)[1])
    assert epoch.best
    assert epoch.validation_accuracy == evaluation.accuracy
    assert epoch.validation_loss > evaluation.loss  # calibrated since


def test_network_comes_back_calibrated_on_the_images_held_out(few, monkeypatch):
    monkeypatch.setattr(training, "MIN_TO_CALIBRATE", 60)
    config = replace(QUICK, label_smoothing=0.3, epochs=4)
    held_out = hold_out(few, config)[1]
    network = run(config, few)[-1].network
    logits = predict_logits(network, held_out)
    assert fit_temperature(logits, held_out.labels) == pytest.approx(1, abs=1e-3)


def test_a_handful_of_images_held_out_does_not_calibrate(few, quick_run):
    epoch, network = of(EpochDone, quick_run)[-1], quick_run[-1].network
    held_out = hold_out(few, QUICK)[1]
    assert len(held_out) < training.MIN_TO_CALIBRATE
    assert epoch.best
    assert evaluate(network, held_out).loss == epoch.validation_loss


def test_network_comes_back_ready_to_answer(quick_run):
    network = quick_run[-1].network
    assert not network.training
    assert all(tensor.isfinite().all() for tensor in network.state_dict().values())
    assert {tensor.device.type for tensor in network.state_dict().values()} == {"cpu"}


# ---------------------------------------------------------------- set-up


def test_set_up_makes_everything_that_a_training_needs(few, small_pools):
    config = replace(QUICK, synthetic={"doodles": 0.5, "cloth": 0}, skipped_fraction=0.25)
    state = set_up(config, few)
    training_images, validation_images = hold_out(few, config)
    assert torch.equal(state.training.pixels, training_images.pixels)
    assert torch.equal(state.training.labels, training_images.labels)
    assert torch.equal(state.training.numbers, torch.arange(240))  # by which ``losses`` are found
    assert torch.equal(state.validation.numbers, validation_images.numbers)
    assert state.network.architecture == "original" and state.network.training
    assert state.device == torch.device("cpu")
    assert (state.shown, state.batch_size, state.epoch_steps, state.steps, state.step) == (180, 50, 4, 8, 0)
    assert state.losses.shape == (240,) and state.losses.isinf().all()
    assert [(pool.kind, pool.fraction) for pool in state.pools] == [(SYNTHETIC_KINDS["doodles"], 0.5)]
    assert state.amp_dtype is None and not state.scaler.is_enabled()


@pytest.mark.parametrize("architecture", EVERY)
def test_hidden_weights_are_trained_by_muon_and_all_else_by_adamw(few, architecture):
    state = set_up(TrainConfig(architecture=architecture, learning_rate=0.03, weight_decay=0.2, device="cpu"), few)
    adamw, muon = state.optimizers
    assert (type(adamw), type(muon)) == (torch.optim.AdamW, Muon)
    owned = [parameter for optimizer in state.optimizers for parameter in optimizer.param_groups[0]["params"]]
    assert {id(parameter) for parameter in owned} == {id(parameter) for parameter in state.network.parameters()}
    assert len(owned) == len({id(parameter) for parameter in owned})
    assert all(parameter.dim() > 1 for parameter in muon.param_groups[0]["params"])
    first, last = state.network.layers[0].weight, state.network.layers[-1].weight
    of_adamw = {id(parameter) for parameter in adamw.param_groups[0]["params"]}
    assert {id(parameter) for parameter in state.network.parameters() if parameter.dim() < 2} < of_adamw
    assert {id(first), id(last)} < of_adamw
    for optimizer in state.optimizers:
        assert optimizer.param_groups[0]["lr"] == 0.03
        assert optimizer.param_groups[0]["weight_decay"] == 0.2


def numbers_from(state):
    """All that a training begins with by chance."""
    return [
        *weights_of(state.network).values(),
        torch.rand(5, generator=state.order),
        torch.rand(5, generator=state.augmentation),
        *(pool.pixels[: pool.size] for pool in state.pools),
    ]


def test_set_up_depends_on_the_seed_alone(few, small_pools):
    config = replace(QUICK, architecture="dropout", synthetic={"drawings": 0.1})
    torch.manual_seed(1)
    first = numbers_from(set_up(config, few))
    torch.manual_seed(2)
    again, other = (numbers_from(set_up(replace(config, seed=seed), few)) for seed in (0, 1))
    assert all(torch.equal(one, same_one) for one, same_one in zip(first, again, strict=True))
    varied = [pair for pair in zip(first, other, strict=True) if len(pair[0].unique()) > 1]  # not 0 and 1 of a norm
    assert not any(torch.equal(one, other_one) for one, other_one in varied)
    assert not torch.equal(first[-3], first[-2])  # from the generators of order and augmentation


def test_weights_without_a_start_are_those_of_a_new_network(few):
    init_seed = int(np.random.SeedSequence(3).generate_state(5, np.uint64)[0])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(init_seed)
        expected = Network("original")
    assert same(weights_of(set_up(replace(QUICK, seed=3), few).network), weights_of(expected))


def test_set_up_copies_the_weights_to_start_from(few, original):
    before = weights_of(original)
    state = set_up(QUICK, few, init_from=original)
    assert same(weights_of(state.network), before)
    with torch.no_grad():
        for parameter in state.network.parameters():
            parameter.zero_()
    assert same(weights_of(original), before)


# ---------------------------------------------------------------- one step

STEP = replace(QUICK, augmentations={}, weight_decay=0.0)


def test_step_trains_on_its_batch_and_notes_the_losses(few):
    state = set_up(replace(STEP, label_smoothing=0.1), few)
    network = copy.deepcopy(state.network)
    chosen = torch.tensor([3, 200, 7, 100])
    batch = state.training.take(chosen)
    metrics = Metrics(state.device)
    train_step(state, batch, torch.ones(240), metrics)

    logits = network.logits(network.to_inputs(batch.pixels).to(memory_format=torch.channels_last))
    losses = F.cross_entropy(logits, batch.labels, label_smoothing=0.1, reduction="none")
    torch.testing.assert_close(state.losses[chosen], losses.detach(), rtol=1e-5, atol=1e-6)
    assert state.losses.isfinite().sum() == 4
    assert state.step == 1
    loss, accuracy = metrics.means()
    assert loss == pytest.approx(losses.mean().item(), rel=1e-5)
    assert accuracy == (logits.argmax(1) == batch.labels).float().mean().item()
    for name, parameter in state.network.named_parameters():
        assert not torch.equal(parameter, network.get_parameter(name)), name
    for optimizer in state.optimizers:
        assert optimizer.param_groups[0]["lr"] == pytest.approx(STEP.learning_rate * linear_warmup_decay(0.05))


def test_image_that_weighs_nothing_teaches_nothing(few):
    state = set_up(STEP, few)
    before = {name: parameter.clone() for name, parameter in state.network.named_parameters()}
    metrics = Metrics(state.device)
    train_step(state, state.training.take(torch.arange(50)), torch.zeros(240), metrics)
    assert same(before, dict(state.network.named_parameters()))
    assert metrics.means() == (0, 0)
    assert state.losses[:50].isfinite().all()


def test_synthetic_images_go_through_the_step_with_the_batch(few, monkeypatch, small_pools):
    state = set_up(replace(STEP, synthetic={"doodles": 1.0}), few)
    seen = []
    monkeypatch.setattr(
        state.network, "to_inputs", lambda pixels: seen.append(pixels) or Network.to_inputs(state.network, pixels)
    )
    batch = state.training.take(torch.arange(40))
    metrics = Metrics(state.device)
    train_step(state, batch, torch.ones(240), metrics)
    (pixels,) = seen
    assert len(pixels) == 80
    assert torch.equal(pixels[:40], batch.pixels)
    assert metrics.count == 80
    assert metrics.of_a_class == 40  # no doodle counts for the accuracy
    assert state.losses.isfinite().sum() == 40


def test_dropout_differs_from_step_to_step_and_repeats_with_the_seed(few):
    def dropped(seed):
        state = set_up(replace(STEP, architecture="dropout", seed=seed), few)
        masks = []
        for layer in (state.network.layers.dropout1, state.network.layers.dropout2):
            layer.register_forward_pre_hook(lambda _l, inputs: torch.ones_like(inputs[0]))  # so that 0 means dropped
            layer.register_forward_hook(lambda _l, _i, output: masks.append(output == 0))
        for _ in range(2):
            train_step(state, state.training.take(torch.arange(50)), torch.ones(240), Metrics(state.device))
        return masks

    masks, again, other = dropped(0), dropped(0), dropped(1)
    assert len(masks) == 4 and all(mask.any() for mask in masks)
    assert all(torch.equal(one, same_one) for one, same_one in zip(masks, again, strict=True))
    assert not torch.equal(masks[0], masks[2]) and not torch.equal(masks[1], masks[3])
    assert not torch.equal(masks[0], other[0])


def test_metrics_are_sums_divided_once():
    metrics, more = Metrics(torch.device("cpu")), Metrics(torch.device("cpu"))
    logits = torch.eye(3)  # predicts 0, 1, 2
    metrics.add(torch.tensor(2.0), logits, torch.tensor([0, 1, 1]), torch.tensor([1.0, 3.0, 2.0]))
    assert metrics.means() == (2.0, 4 / 6)
    more.add(torch.tensor(5.0), logits[:2], torch.tensor([NO_CLASS, 0]), torch.ones(2))
    assert more.means() == (5.0, 0.0)
    metrics.join(more)
    assert metrics.means() == (pytest.approx((2 * 3 + 5 * 2) / 5), pytest.approx(4 / 7))
    only_doodles = Metrics(torch.device("cpu"))
    only_doodles.add(torch.tensor(1.0), logits, torch.full((3,), NO_CLASS), torch.ones(3))
    assert only_doodles.means() == (1.0, 0.0)


# ---------------------------------------------------------------- validation


def test_validation_is_of_the_held_out_images_and_leaves_training_on(few):
    state = set_up(replace(QUICK, architecture="dropout"), few)
    found = validate(state)
    assert state.network.training
    held_out = hold_out(few, QUICK)[1]
    expected = evaluate(state.network.eval(), held_out)
    assert (found.images, found.loss, found.accuracy) == (60, expected.loss, expected.accuracy)
    assert torch.equal(found.confusion, expected.confusion)


def test_no_validation_without_held_out_images(few):
    assert validate(set_up(replace(QUICK, validation_fraction=0.0), few)) is None


# ---------------------------------------------------------------- it learns


def test_loss_falls_and_images_are_learned(few, plain_run):
    losses = [epoch.loss for epoch in of(EpochDone, plain_run)]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < losses[0] / 2
    assert evaluate(plain_run[-1].network, few).accuracy > 0.7


def test_other_images_are_recognised_too(few, samples):
    network = run(replace(QUICK, epochs=5, batch_size=25), few)[-1].network
    assert evaluate(network, samples.test).accuracy > 0.5


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_training_is_the_algorithm_that_it_says(few, smoothing):
    # The same by hand: Muon for what lies between the first and the last layer, AdamW as torch has it, the rates of the
    # schedule, the same order of the images. Adam divides by the size of a gradient, so that rounding shows where that
    # is near 0: hence the same memory format.
    config = replace(
        QUICK,
        batch_size=70,
        validation_fraction=0.0,
        augmentations={},
        weight_decay=0.1,
        label_smoothing=smoothing,
        seed=3,
    )
    events = run(config, few)
    state = set_up(config, few)
    network = nn.Sequential(original_layers(10))
    network.load_state_dict(state.network.layers.state_dict())
    network.to(memory_format=torch.channels_last)
    hidden = [network.conv2.weight, network.fc1.weight, network.fc2.weight]
    rest = [weight for weight in network.parameters() if all(weight is not other for other in hidden)]
    optimizers = [Muon(hidden, 0.01, 0.1), torch.optim.AdamW(rest, weight_decay=0.1, fused=True)]
    images = hold_out(few, config)[0]
    losses, accuracies = [], []
    for _ in range(2):
        for chosen in torch.randperm(300, generator=state.order).split(70):
            network.zero_grad()
            logits = network(state.network.to_inputs(images.pixels[chosen]).to(memory_format=torch.channels_last))
            targets = F.one_hot(images.labels[chosen], 10).float()
            loss = F.cross_entropy(logits, targets, label_smoothing=smoothing)
            loss.backward()
            for optimizer in optimizers:
                optimizer.param_groups[0]["lr"] = 0.01 * np.interp((len(losses) + 0.5) / 10, [0, WARM_UP, 1], [0, 1, 0])
                optimizer.step()
            losses.append(loss.item())
            accuracies.append((logits.argmax(1) == images.labels[chosen]).float().mean().item())
    assert [event.loss for event in of(StepDone, events)] == pytest.approx(losses, rel=1e-4)
    assert [event.accuracy for event in of(StepDone, events)] == pytest.approx(accuracies, rel=1e-6)
    trained = events[-1].network.layers.state_dict()
    for name, tensor in network.state_dict().items():
        torch.testing.assert_close(trained[name], tensor, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("place", "kind"), [(torch.optim, torch.optim.AdamW), (training, Muon)])
def test_rates_follow_the_schedule(few, monkeypatch, place, kind):
    rates = []

    class Spy(kind):
        def step(self, *arguments, **options):
            rates.append(self.param_groups[0]["lr"])
            return super().step(*arguments, **options)

    monkeypatch.setattr(place, kind.__name__, Spy)
    run(replace(QUICK, learning_rate=0.02), few)
    expected = [0.02 * np.interp((step + 0.5) / 10, [0, WARM_UP, 1], [0, 1, 0]) for step in range(10)]
    assert rates == pytest.approx(expected)


@given(st.floats(0, 1))
def test_schedule_rises_and_falls_in_straight_lines(progress):
    assert linear_warmup_decay(progress) == pytest.approx(np.interp(progress, [0, WARM_UP, 1], [0, 1, 0]), abs=1e-12)
    assert 0 <= linear_warmup_decay(progress) <= 1


# ---------------------------------------------------------------- which images are shown


def test_every_training_image_is_shown_once_an_epoch_in_an_order_of_its_own(few, shown):
    run(replace(QUICK, epochs=3), few)
    training_images, validation_images = hold_out(few, QUICK)
    orders = [[image.tobytes() for batch in epoch for image in batch.pixels.numpy()] for epoch in shown]
    assert len(orders) == 3
    for order in orders:
        assert sorted(order) == sorted(image.tobytes() for image in training_images.pixels.numpy())
        assert set(order).isdisjoint(image.tobytes() for image in validation_images.pixels.numpy())
    assert orders[0] != orders[1] != orders[2] != orders[0]


def test_order_of_the_images_depends_on_nothing_but_the_seed(few, shown, small_pools):
    config = replace(QUICK, batch_size=120)

    def order(**changes):
        shown.clear()
        run(replace(config, **changes), few)
        return [batch.numbers.tolist() for epoch in shown for batch in epoch]

    expected = order()
    assert len(expected) == 4
    for changes in (
        {"augmentations": {}},
        {"augmentations": {"erase": 0.5, "flip": 0.1, "shift": 4}},
        {"synthetic": {"drawings": 0.2}},
        {"architecture": "dropout"},
    ):
        assert order(**changes) == expected, changes
    assert order(seed=1) != expected


def test_augmentation_depends_on_nothing_but_the_seed(few, monkeypatch):
    changed = []
    flip = AUGMENTATIONS["flip"]

    def spy(pixels, strength, generator):
        changed.append(flip.apply(pixels, strength, generator))
        return changed[-1]

    monkeypatch.setitem(AUGMENTATIONS, "flip", replace(flip, apply=spy))

    def mirrored(**changes):
        """Of the first batch; all images are the same one, whatever the order."""
        changed.clear()
        images = Split.of(few.pixels[:1].repeat(300, 1, 1), few.labels)
        run(replace(QUICK, max_steps=1, augmentations={"flip": 0.5}, **changes), images)
        return changed[0]

    expected = mirrored()
    assert torch.equal(mirrored(architecture="dropout"), expected)
    assert torch.equal(mirrored(skipped_fraction=0.5), expected)  # which draws from the generator of the order
    assert not torch.equal(mirrored(seed=1), expected)


def test_single_image_left_over_is_left_out(few, shown):
    # Batch normalisation cannot learn from a batch of one.
    images = few.take(torch.arange(101))
    started = run(replace(QUICK, validation_fraction=0.0), images)[0]
    assert started.steps == 4
    assert [[len(batch) for batch in epoch] for epoch in shown] == [[50, 50, 1], [50, 50, 1]]  # the last is not used


def test_batch_larger_than_the_images_is_all_of_them(few, shown):
    started = run(replace(QUICK, batch_size=1000, epochs=1), few)[0]
    assert started.steps == 1
    assert [len(batch) for batch in shown[0]] == [240]


@given(
    count=st.integers(4, 400),
    data_fraction=st.floats(1e-4, 1),
    validation_fraction=st.floats(0, 0.9),
    seed=st.integers(0, 5),
)
def test_validation_images_are_never_among_the_training_images(count, data_fraction, validation_fraction, seed):
    split = Split.of(torch.zeros(count, 28, 28, dtype=torch.uint8), torch.arange(count) % 10)
    config = TrainConfig(data_fraction=data_fraction, validation_fraction=validation_fraction, seed=seed)
    both = hold_out(split, config)
    shown, held = (images.numbers.tolist() for images in both)
    assert len(set(shown) | set(held)) == len(shown) + len(held) == max(2, round(data_fraction * count))
    assert len(shown) >= 2
    assert abs(len(held) - validation_fraction * (len(shown) + len(held))) <= 2
    assert [images.numbers.tolist() for images in hold_out(split, config)] == [shown, held]
    for images in both:
        assert images.labels.tolist() == (images.numbers % 10).tolist()


def test_held_out_images_are_mixed_and_no_training_sees_them(few):
    held = hold_out(few, TrainConfig(validation_fraction=0.2))[1].numbers
    assert held.tolist() != sorted(held.tolist())
    among = torch.isin(few.numbers.sort().values, held).float().nonzero()  # places in order
    assert 100 < among.float().mean() < 200  # of 300
    for before, after in [
        ({"seed": 1}, {"seed": 2}),
        ({"data_fraction": 0.5}, {}),
        ({}, {"data_fraction": 0.5}),
        ({"validation_fraction": 0.2}, {"validation_fraction": 0.1}),
        ({"data_fraction": 0.3, "seed": 4}, {"data_fraction": 0.9}),
    ]:
        seen = hold_out(few, TrainConfig(**before))[0].numbers
        held = hold_out(few, TrainConfig(**after))[1].numbers
        assert len(held) and not torch.isin(held, seen).any(), (before, after)
    assert len(hold_out(few, TrainConfig(data_fraction=0.5, validation_fraction=0.1))[0]) == 135


def test_the_shipped_samples_hold_out_what_the_whole_data_set_does(samples):
    whole = Split.of(torch.zeros(60_000, 28, 28, dtype=torch.uint8), torch.zeros(60_000, dtype=torch.int64))
    shown, held = hold_out(whole, TrainConfig(validation_fraction=0.1))
    of_samples = hold_out(samples.train, TrainConfig(validation_fraction=0.05))[1]
    assert len(of_samples) == 500
    assert torch.isin(of_samples.numbers, held.numbers).all()
    assert not torch.isin(of_samples.numbers, shown.numbers).any()


def test_images_are_changed_only_for_showing_them(few):
    before = few.pixels.clone()
    run(replace(QUICK, epochs=1, augmentations={"shift": 3, "erase": 1}), few)
    assert torch.equal(few.pixels, before)


@pytest.fixture
def applied(monkeypatch):
    """Each time that an augmentation is applied: its name, how many images, and its strength."""
    calls = []
    for name, each in AUGMENTATIONS.items():

        def spy(pixels, strength, _, name=name):
            calls.append((name, len(pixels), strength))
            return pixels

        monkeypatch.setitem(AUGMENTATIONS, name, replace(each, apply=spy))
    return calls


@pytest.mark.parametrize(
    ("augmentations", "expected"),
    [
        ({"flip": 0.5, "shift": 2}, [("flip", 50, 0.5), ("shift", 50, 2)]),
        ({"flip": 0, "shift": 1}, [("shift", 50, 1)]),
        ({"flip": 1, "shift": 0}, [("flip", 50, 1)]),
        ({"erase": 0.4}, [("erase", 50, 0.4)]),
        ({}, []),
    ],
)
def test_augmentations_are_applied_when_asked_for_only(few, applied, augmentations, expected):
    run(replace(QUICK, max_steps=1, augmentations=augmentations), few)
    assert applied == expected


def test_synthetic_images_are_flipped_and_shifted_but_not_erased(few, applied, small_pools):
    augmentations = {"erase": 0.4, "flip": 0.5, "shift": 1}
    run(replace(QUICK, max_steps=2, batch_size=30, synthetic={"drawings": 0.5}, augmentations=augmentations), few)
    assert applied == [("erase", 30, 0.4), ("flip", 45, 0.5), ("shift", 45, 1)] * 2


# ---------------------------------------------------------------- the same again


def test_same_seed_repeats_exactly_whatever_else_was_random(few, quick_run):
    torch.manual_seed(12345)
    before = torch.get_rng_state()
    again = run(QUICK, few)
    assert torch.equal(torch.get_rng_state(), before)  # nor is anybody else's random number another
    assert same(weights_of(again[-1].network), weights_of(quick_run[-1].network))
    assert [event.loss for event in of(StepDone, again)] == [event.loss for event in of(StepDone, quick_run)]


@pytest.mark.parametrize("architecture", ADDED)
def test_every_network_repeats_exactly_and_leaves_the_global_generators_alone(few, architecture, small_pools):
    config = with_settings(recipe(architecture), {"device": "cpu", "batch_size": 60, "max_steps": 6, "doodles": 0.1})
    states = []
    for seed in (1, 2):  # of what is random elsewhere
        torch.manual_seed(seed)
        before = torch.get_rng_state(), random.getstate(), np.random.get_state()
        states.append(weights_of(run(config, few)[-1].network))
        after = torch.get_rng_state(), random.getstate(), np.random.get_state()
        assert torch.equal(before[0], after[0])
        assert before[1] == after[1]
        assert (before[2][1] == after[2][1]).all()
    assert same(*states)
    assert not same(states[0], weights_of(run(replace(config, seed=1), few)[-1].network))


@pytest.mark.parametrize("architecture", ADDED)
def test_every_network_learns(few, architecture):
    config = replace(QUICK, architecture=architecture, epochs=3, batch_size=30, learning_rate=0.05, augmentations={})
    epochs = of(EpochDone, run(config, few))
    assert epochs[-1].loss < epochs[0].loss
    assert epochs[-1].accuracy > 0.3


def test_other_seed_is_another_run(few, quick_run):
    other = run(replace(QUICK, seed=1), few)
    assert not same(weights_of(other[-1].network), weights_of(quick_run[-1].network))


# ---------------------------------------------------------------- skipping easy images


@given(st.lists(st.floats(0, 9), min_size=2, max_size=60), st.floats(0, 1), st.integers(0, 2**32))
def test_selected_images_are_the_hardest_and_some_others(losses, fraction, seed):
    losses = torch.tensor(losses)
    count = 2 + round(fraction * (len(losses) - 2))
    selected, weights = select_samples(losses, count, torch.Generator().manual_seed(seed))
    assert len(selected) == len(set(selected.tolist())) == count
    assert float(weights[selected].sum()) == pytest.approx(count)
    hardest = losses.sort(descending=True).values[: (count + 1) // 2]
    assert torch.equal(losses[selected].sort(descending=True).values[: len(hardest)], hardest)


def test_selected_images_stand_for_all():
    generator = torch.Generator().manual_seed(0)
    losses, values = torch.rand(40, generator=generator), torch.rand(40, generator=generator)
    sums = []
    for _ in range(1500):
        selected, weights = select_samples(losses, 20, generator)
        sums.append(float((weights * values)[selected].sum()) / 20)
    assert np.mean(sums) == pytest.approx(float(values.mean()), abs=4 * np.std(sums) / 1500**0.5)
    assert np.std(sums) > 0.01


def test_nothing_is_skipped_unless_asked_for():
    selected, weights = select_samples(torch.tensor([3.0, 1.0, 2.0]), 3, torch.Generator())
    assert selected.tolist() == [0, 1, 2]
    assert weights.tolist() == [1, 1, 1]


def test_epochs_that_skip_show_what_was_hard_and_now_and_then_the_rest(few, shown, monkeypatch):
    hard = set(range(60))  # of 240
    true_loss = F.cross_entropy

    def larger_for_the_hard(*args, **options):
        return true_loss(*args, **options) + 100 * torch.tensor(
            [number in hard for number in shown[-1][-1].numbers.tolist()]
        )

    monkeypatch.setattr(F, "cross_entropy", larger_for_the_hard)
    config = replace(QUICK, epochs=9, skipped_fraction=0.5, batch_size=40, validation_fraction=0.0)
    events = run(config, few.take(torch.arange(240)))
    assert events[0].steps == 9 * 3
    epochs = [{number for batch in epoch for number in batch.numbers.tolist()} for epoch in shown]
    assert [len(epoch) for epoch in epochs] == [120] * 9
    assert set.union(*epochs[:3]) == set(range(240))  # what was not shown yet comes first
    assert all(epoch > hard for epoch in epochs[3:])
    assert len(set.union(*epochs[3:])) > 200


def test_loss_and_accuracy_of_epochs_that_skip_are_those_of_all_images(few):
    """Without learning, so that every epoch has the same: even those that show twice as many of the hard."""
    config = replace(QUICK, epochs=25, validation_fraction=0.0, augmentations={}, learning_rate=1e-7, batch_size=300)
    (whole,) = of(EpochDone, run(replace(config, epochs=1), few))
    epochs = of(EpochDone, run(replace(config, skipped_fraction=0.5), few))
    for name in ("loss", "accuracy"):
        expected, seen = getattr(whole, name), [getattr(epoch, name) for epoch in epochs[3:]]
        assert np.mean(seen) == pytest.approx(expected, abs=0.02)
        assert np.std(seen) > 0


# ---------------------------------------------------------------- stopping, and the best weights


@pytest.mark.parametrize("steps", [1, 4, 5, 7])
def test_stopping_ends_at_once_and_gives_the_best_so_far(few, steps):
    events = run_controlled(QUICK, few, by_step({steps: Control(stop=True)}))
    assert len(of(StepDone, events)) == steps
    finished = events[-1]
    assert finished.stopped
    epochs = of(EpochDone, events)
    assert len(epochs) == math.ceil(steps / 5)
    best = min(epochs, key=lambda epoch: epoch.validation_loss)
    assert finished.best_epoch == best.epoch
    evaluation = evaluate(finished.network, hold_out(few, QUICK)[1])
    assert evaluation.accuracy == best.validation_accuracy


def test_stopping_before_the_first_step_gives_the_network_as_it_was(few, original):
    events = run(QUICK, few, control=lambda: Control(stop=True), init_from=original)
    assert [type(event) for event in events] == [Started, Finished]
    assert events[-1].stopped
    assert events[-1].best_epoch == 0
    assert same(weights_of(events[-1].network), weights_of(original))


@pytest.mark.parametrize(
    ("losses", "best", "marks"),
    [
        ([0.9, 0.5, 0.7], 2, [True, True, False]),
        ([0.5, 0.9, 0.7], 1, [True, False, False]),
        ([0.9, 0.7, 0.5], 3, [True, True, True]),
        ([0.7, 0.7, 0.7], 1, [True, False, False]),
    ],
)
def test_weights_of_the_epoch_of_least_loss_are_kept(few, monkeypatch, losses, best, marks):
    states = []

    def fake(state):
        states.append(weights_of(state.network))
        return Evaluation(len(state.validation), losses[len(states) - 1], 0.5, torch.zeros(10, 10), 0.0, CLASS_NAMES)

    monkeypatch.setattr(training, "validate", fake)
    monkeypatch.setattr(training, "MIN_TO_CALIBRATE", 60)
    events = run(replace(QUICK, epochs=3, batch_size=120), few)
    assert [event.best for event in of(EpochDone, events)] == marks
    assert events[-1].best_epoch == best
    expected, final = states[best - 1], weights_of(events[-1].network)
    last = "layers.out.weight", "layers.out.bias"
    assert same(
        {name: final[name] for name in final if name not in last},
        {name: expected[name] for name in expected if name not in last},
    )
    # The last layer is divided by a temperature.
    assert final[last[0]] / expected[last[0]] == pytest.approx(
        float(final[last[1]][0] / expected[last[1]][0]), rel=1e-3
    )
    assert not same(states[0], states[1])


def test_without_validation_the_last_epoch_is_kept(few, monkeypatch):
    monkeypatch.setattr(training, "predict_logits", lambda *_: pytest.fail("there is nothing to evaluate"))
    events = run(replace(QUICK, validation_fraction=0.0), few)
    assert events[0].validation_images == 0
    assert events[-1].best_epoch == 2
    assert [event.best for event in of(EpochDone, events)] == [True, True]
    assert {(event.validation_loss, event.validation_accuracy) for event in of(EpochDone, events)} == {(None, None)}


@pytest.mark.parametrize(("limit", "epochs"), [(1, 1), (5, 1), (7, 2), (10, 2), (99, 2)])
def test_step_limit(few, limit, epochs):
    events = run(replace(QUICK, max_steps=limit), few)
    steps = min(limit, 10)
    assert events[0].steps == steps
    assert [event.step for event in of(StepDone, events)] == list(range(1, steps + 1))
    assert len(of(EpochDone, events)) == epochs
    assert not events[-1].stopped


def test_stopping_after_the_last_step_stops_nothing(few, quick_run):
    events = run_controlled(QUICK, few, by_step({10: Control(stop=True)}))
    assert not events[-1].stopped
    assert same(weights_of(events[-1].network), weights_of(quick_run[-1].network))


# ---------------------------------------------------------------- another rate, more epochs, and pauses


@pytest.fixture
def rates(monkeypatch):
    """The learning rate of every step, as each optimiser has it."""
    seen = []

    def spy(state, *arguments):
        train_step(state, *arguments)
        seen.append([optimizer.param_groups[0]["lr"] for optimizer in state.optimizers])

    monkeypatch.setattr(training, "train_step", spy)
    return seen


def schedule(highest, steps):
    return [highest * linear_warmup_decay((step + 0.5) / steps) for step in range(steps)]


def assert_rates(rates, expected):
    assert len(rates) == len(expected)
    for of_optimizers, rate in zip(rates, expected, strict=True):
        assert of_optimizers == [rate] * len(of_optimizers)


def test_another_rate_holds_from_the_next_step_on(few, rates):
    events = run_controlled(QUICK, few, by_step({3: Control(learning_rate=0.002), 6: Control(learning_rate=0.05)}))
    lowered, raised = of(Changed, events)
    assert lowered == Changed(3, 10, 2, 0.002)
    assert raised == Changed(6, 10, 2, 0.05)
    steps = [schedule(highest, 10) for highest in (QUICK.learning_rate, 0.002, 0.05)]
    assert_rates(rates, steps[0][:3] + steps[1][3:6] + steps[2][6:])


@pytest.mark.parametrize("taken", [0, 3, 5, 9, 10])
def test_an_epoch_more_stretches_the_schedule_which_ends_at_zero(few, rates, taken):
    """Even when it is wanted after the last step, while that epoch is being validated."""
    events = run_controlled(QUICK, few, by_step({taken: Control(epochs=3)}))
    assert of(Changed, events) == [Changed(taken, 15, 3, QUICK.learning_rate)]
    assert [event.epoch for event in of(EpochDone, events)] == [1, 2, 3]
    assert not events[-1].stopped
    assert_rates(rates, schedule(QUICK.learning_rate, 10)[:taken] + schedule(QUICK.learning_rate, 15)[taken:])
    for event in of(StepDone, events):
        assert event.steps == (10 if event.step <= taken else 15)
    assert of(StepDone, events)[-1].seconds_left == 0


def test_epochs_wanted_from_the_start_are_as_if_configured(few):
    wanted = run_controlled(QUICK, few, by_step({0: Control(epochs=3, learning_rate=0.02)}))
    configured = run(replace(QUICK, epochs=3, learning_rate=0.02), few)
    assert same(weights_of(wanted[-1].network), weights_of(configured[-1].network))


def test_a_control_that_wants_nothing_new_changes_nothing(few, quick_run):
    control = Control(learning_rate=QUICK.learning_rate, epochs=1)  # no fewer than there are
    events = run_controlled(QUICK, few, by_step({0: control}))
    assert [event.name for event in events] == [event.name for event in quick_run]
    assert same(weights_of(events[-1].network), weights_of(quick_run[-1].network))


def test_a_rate_out_of_range_ends_the_training_with_a_sentence(few):
    with pytest.raises(ConfigError, match=r"^Learning rate: 11 is out of range"):
        run_controlled(QUICK, few, by_step({3: Control(learning_rate=11.0)}))


class Clock:
    """Stands for the module ``time`` in a training: each look takes a moment, and sleep a thousand seconds."""

    now = 0.0

    def __init__(self):
        self.slept = 0

    def perf_counter(self):
        self.now += 0.001
        return self.now

    def sleep(self, seconds):
        self.now += 1000
        self.slept += 1


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(training, "time", clock)
    return clock


@pytest.mark.parametrize("taken", [0, 3, 5, 10])
def test_a_pause_takes_no_step_and_does_not_count(few, quick_run, clock, taken):
    events = run_controlled(QUICK, few, lambda events: Control(paused=steps_taken(events) == taken and clock.slept < 3))
    assert clock.slept == 3
    paused, continued = of(Paused, events) + of(Continued, events)
    assert paused.step == continued.step == taken
    at = events.index(paused)
    assert events[at + 1] is continued
    assert [event.name for event in events[:at] + events[at + 2 :]] == [event.name for event in quick_run]
    assert same(weights_of(events[-1].network), weights_of(quick_run[-1].network))
    assert events[-1].seconds < 1
    for event in of(StepDone, events):
        assert event.seconds_left < 1
        assert event.images_per_second > 240


def test_a_pause_ends_with_a_stop_and_hears_what_else_is_wanted(few, clock):
    wanted = iter([Control(), Control(), Control(paused=True), Control(paused=True, epochs=4, learning_rate=0.1)])
    events = run(QUICK, few, control=lambda: next(wanted, Control(paused=True, stop=True)))
    names = [event.name for event in events]
    assert names == ["Started", "StepDone", "StepDone", "Paused", "Changed", "EpochDone", "Finished"]
    assert of(Changed, events) == [Changed(2, 20, 4, 0.1)]
    assert events[-1].stopped
    assert events[-1].best_epoch == 1


# ---------------------------------------------------------------- starting from weights


def test_training_starts_from_given_weights(few, original):
    before = weights_of(original)
    config = replace(QUICK, learning_rate=1e-7, weight_decay=0.0, epochs=1, validation_fraction=0.0)
    network = run(config, few, init_from=original)[-1].network
    assert same(weights_of(original), before)
    for name, parameter in network.named_parameters():
        torch.testing.assert_close(parameter, before[name], rtol=0, atol=1e-5)
    assert not same(dict(network.named_parameters()), before)


def test_classes_and_preparation_of_given_weights_are_kept(few):
    start = new("residual", class_names=CLASS_NAMES[::-1], mean=0.5, std=0.5)
    network = run(replace(QUICK, architecture="residual", max_steps=1), few, init_from=start)[-1].network
    assert network.config == start.config


def test_weights_of_another_network_are_refused(few, monkeypatch):
    register(monkeypatch, other=original_layers)
    with pytest.raises(ConfigError, match=r"^The weights to start from are of the network other, expected original\.$"):
        run(QUICK, few, init_from=Network("other"))


def test_weights_of_other_layers_of_one_s_own_are_refused():
    own = new("custom", layers=[{"layer": "fc"}])
    check_init_from(recipe("custom", own.rows), own)
    with pytest.raises(ConfigError, match=r"^The weights to start from are of a network with other layers\.$"):
        check_init_from(recipe("custom", [{"layer": "fc", "size": 65}]), own)


def test_weights_that_know_fewer_classes_are_refused(few):
    with pytest.raises(ConfigError, match=r"^The weights to start from know 3 classes, expected 10\.$"):
        run(QUICK, few, init_from=Network(class_names=["a", "b", "c"]))


# ---------------------------------------------------------------- what cannot work


def test_missing_cuda_is_refused(monkeypatch, few):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert pick_device("auto") == pick_device("cpu") == torch.device("cpu")
    with pytest.raises(ConfigError, match=r"^The device is cuda, but PyTorch sees no CUDA device here"):
        run(replace(QUICK, device="cuda"), few)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert pick_device("auto") == pick_device("cuda") == torch.device("cuda")
    assert pick_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize("count", [0, 1, 3])
def test_too_few_images_are_refused(few, count):
    with pytest.raises(ConfigError, match=f"^There are {count} images to train on, expected at least 4"):
        run(QUICK, few.take(torch.arange(count)))


@pytest.mark.parametrize("changes", [{}, {"data_fraction": 1e-4}, {"validation_fraction": 0.9}, {"batch_size": 3}])
def test_the_fewest_images_that_are_allowed_work(few, changes):
    events = run(replace(QUICK, **changes), few.take(torch.arange(4)))
    assert isinstance(events[-1], Finished)
    assert events[0].training_images >= 2


@pytest.mark.parametrize("validation_fraction", [0.0, 0.2])
def test_run_that_goes_wrong_says_so(few, validation_fraction):
    config = replace(QUICK, learning_rate=10, weight_decay=10, epochs=20, validation_fraction=validation_fraction)
    with pytest.raises(
        ConfigError, match=r"^In epoch \d+ the loss is no longer finite: the learning rate 10 is too high\.$"
    ):
        run(config, few)


# ---------------------------------------------------------------- synthetic images


def test_nothing_is_drawn_that_is_not_asked_for(few, monkeypatch):
    def fail(*_):
        pytest.fail("not asked for")

    for name, kind in SYNTHETIC_KINDS.items():
        monkeypatch.setitem(SYNTHETIC_KINDS, name, replace(kind, draw=fail, augment=fail))
    run(replace(QUICK, max_steps=1), few)


def test_image_without_a_class_has_the_same_target_for_every_class():
    targets = training._targets(torch.tensor([3, NO_CLASS, 0]), 10)
    assert targets[0].tolist() == [0, 0, 0, 1, 0, 0, 0, 0, 0, 0]
    assert targets[1].tolist() == pytest.approx([0.1] * 10)
    assert targets[2].argmax() == 0
    assert training._targets(torch.tensor([NO_CLASS]), 4).tolist() == [[0.25] * 4]


def test_doodles_do_not_count_for_the_accuracy(few, monkeypatch):
    def noise(label, rng):
        return rng.integers(0, 256, (28, 28), dtype=np.uint8)

    monkeypatch.setitem(SYNTHETIC_KINDS, "doodles", replace(SYNTHETIC_KINDS["doodles"], draw=noise))
    events = run(replace(QUICK, epochs=6, synthetic={"doodles": 2.0}, batch_size=25, augmentations={}), few)
    assert of(EpochDone, events)[-1].accuracy > 0.5  # of three pictures two are doodles


def test_a_network_that_saw_doodles_tells_them_from_garments(few):
    config = replace(QUICK, epochs=12, batch_size=50, synthetic={"doodles": 0.5}, validation_fraction=0.0)
    network = run(config, few)[-1].network
    garments, other = (
        familiarity(to_probabilities(predict_logits(network, split)))
        for split in (few, SYNTHETIC_KINDS["doodles"].make(200, 99))
    )
    assert (garments[:, None] > other[None]).float().mean() > 0.85


# ---------------------------------------------------------------- 16 bits


@pytest.mark.parametrize(("supported", "dtype"), [(True, torch.bfloat16), (False, torch.float16)])
def test_cuda_takes_bfloat16_where_it_is_fast(monkeypatch, supported, dtype):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: supported)
    assert training._amp_dtype(torch.device("cuda")) == dtype


@pytest.mark.parametrize(("capabilities", "dtype"), [({"amx_bf16": True}, torch.bfloat16), ({"avx2": True}, None)])
def test_a_processor_takes_bfloat16_where_it_is_fast(monkeypatch, few, capabilities, dtype):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    assert set_up(replace(QUICK, amp=True), few).amp_dtype == dtype
    assert set_up(QUICK, few).amp_dtype is None


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_amp_learns_as_well(few, monkeypatch, plain_run, dtype):
    monkeypatch.setattr(training, "_amp_dtype", lambda device: dtype)
    full, amp = plain_run[-1].network, run(replace(PLAIN, amp=True), few)[-1].network
    assert not same(weights_of(amp), weights_of(full))
    assert evaluate(amp, few).accuracy == pytest.approx(evaluate(full, few).accuracy, abs=0.1)
    assert {tensor.dtype for tensor in amp.parameters()} == {torch.float32}
