import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from fmnist_core import augment, material, training
from fmnist_core.dataset import Split, batches
from fmnist_core.errors import ConfigError
from fmnist_core.evaluation import Evaluation, predict_logits, fit_temperature, evaluate
from fmnist_core.inference import familiarity
from fmnist_core.model import ARCHITECTURES, Network, original_layers, to_inputs, to_probabilities
from fmnist_core.muon import Muon
from fmnist_core.synthetic.rendering import NO_CLASS, make_doodles
from fmnist_core.training import (
    WARM_UP,
    EpochDone,
    Finished,
    Started,
    StepDone,
    TrainConfig,
    hold_out,
    select_samples,
    linear_warmup_decay,
    pick_device,
    train,
    with_changes,
)

QUICK = TrainConfig(epochs=2, batch_size=50, validation=0.2, device="cpu", report_every=1)


def run(config, images, **options):
    return list(train(config, images, **options))


def of(kind, events):
    return [event for event in events if isinstance(event, kind)]


def state(network):
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


def same(one, other):
    return all(torch.equal(tensor, other[name]) for name, tensor in one.items())


@pytest.fixture(scope="module")
def quick_run(few):
    return run(QUICK, few)


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


# ---------------------------------------------------------------- what happens, in order


def test_events_of_a_run(quick_run):
    started, *middle, finished = quick_run
    assert started == Started("cpu", 240, 60, steps=10, parameters=33_250)  # 4 batches of 50 and one of 40, twice
    kinds = [type(event).__name__ for event in middle]
    assert kinds == (["StepDone"] * 5 + ["EpochDone"]) * 2
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
    events = run(with_changes(QUICK, report_every=every), few)
    assert [event.step for event in of(StepDone, events)] == expected
    for seldom, often in zip(of(EpochDone, events), of(EpochDone, quick_run), strict=True):
        assert seldom.loss == pytest.approx(often.loss, rel=1e-5)
        assert seldom.accuracy == often.accuracy
    assert same(state(events[-1].network), state(quick_run[-1].network))


def test_validation_is_what_evaluation_measures(few, monkeypatch):
    monkeypatch.setattr(training, "MIN_TO_CALIBRATE", 60)
    events = run(with_changes(QUICK, epochs=1), few)
    epoch, network = of(EpochDone, events)[0], events[-1].network
    evaluation = evaluate(network, hold_out(few, QUICK)[1])
    assert epoch.best
    assert epoch.validation_accuracy == evaluation.accuracy
    assert epoch.validation_loss > evaluation.loss  # calibrated since


def test_network_comes_back_calibrated_on_the_images_held_out(few, monkeypatch):
    monkeypatch.setattr(training, "MIN_TO_CALIBRATE", 60)
    config = with_changes(QUICK, label_smoothing=0.3, epochs=4)
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


# ---------------------------------------------------------------- it learns


def test_loss_falls_and_images_are_learned(few):
    events = run(with_changes(QUICK, epochs=5, batch_size=25, validation=0.0, flip=False, shift=0), few)
    losses = [epoch.loss for epoch in of(EpochDone, events)]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < losses[0] / 2
    assert evaluate(events[-1].network, few).accuracy > 0.7


def test_other_images_are_recognised_too(few, samples):
    network = run(with_changes(QUICK, epochs=5, batch_size=25), few)[-1].network
    assert evaluate(network, samples.test).accuracy > 0.5


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_training_is_the_algorithm_that_it_says(few, smoothing):
    # The same by hand: Muon for what lies between the first and the last layer, AdamW as torch has it, the rates of the
    # one-cycle schedule, the same order of the images. Adam divides by the size of a gradient, so that rounding shows
    # where that is near 0: hence the same memory format.
    config = with_changes(
        QUICK, batch_size=70, validation=0.0, flip=False, shift=0, weight_decay=0.1, label_smoothing=smoothing, seed=3
    )
    events = run(config, few)
    torch.manual_seed(3)
    network = nn.Sequential(original_layers()).to(memory_format=torch.channels_last)
    hidden = [network.conv2.weight, network.fc1.weight, network.fc2.weight]
    rest = [weight for weight in network.parameters() if all(weight is not other for other in hidden)]
    optimizers = [Muon(hidden, 0.01, 0.1), torch.optim.AdamW(rest, weight_decay=0.1, fused=True)]
    images = hold_out(few, config)[0]
    order = torch.Generator().manual_seed(3)
    losses, accuracies = [], []
    for _ in range(2):
        for chosen in torch.randperm(300, generator=order).split(70):
            network.zero_grad()
            logits = network(to_inputs(images.pixels[chosen]).to(memory_format=torch.channels_last))
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
    run(with_changes(QUICK, learning_rate=0.02), few)
    expected = [0.02 * np.interp((step + 0.5) / 10, [0, WARM_UP, 1], [0, 1, 0]) for step in range(10)]
    assert rates == pytest.approx(expected)


@given(st.floats(0, 1))
def test_schedule_rises_and_falls_in_straight_lines(progress):
    assert linear_warmup_decay(progress) == pytest.approx(np.interp(progress, [0, WARM_UP, 1], [0, 1, 0]), abs=1e-12)
    assert 0 <= linear_warmup_decay(progress) <= 1


# ---------------------------------------------------------------- which images it sees


def test_every_training_image_is_shown_once_an_epoch_in_an_order_of_its_own(few, shown):
    run(with_changes(QUICK, epochs=3), few)
    training_part, validation_part = hold_out(few, QUICK)
    orders = [[image.tobytes() for batch in epoch for image in batch.pixels.numpy()] for epoch in shown]
    assert len(orders) == 3
    for order in orders:
        assert sorted(order) == sorted(image.tobytes() for image in training_part.pixels.numpy())
        assert set(order).isdisjoint(image.tobytes() for image in validation_part.pixels.numpy())
    assert orders[0] != orders[1] != orders[2] != orders[0]


def test_single_image_left_over_is_left_out(few, shown):
    # Batch normalisation cannot learn from a batch of one.
    images = few.take(torch.arange(101))
    started = run(with_changes(QUICK, validation=0.0), images)[0]
    assert started.steps == 4
    assert [[len(batch) for batch in epoch] for epoch in shown] == [[50, 50, 1], [50, 50, 1]]  # the last is not used


def test_batch_larger_than_the_images_is_all_of_them(few, shown):
    started = run(with_changes(QUICK, batch_size=1000, epochs=1), few)[0]
    assert started.steps == 1
    assert [len(batch) for batch in shown[0]] == [240]


@given(
    count=st.integers(4, 400),
    share=st.floats(1e-4, 1),
    validation=st.floats(0, 0.9),
    seed=st.integers(0, 5),
)
def test_validation_images_are_never_among_the_training_images(count, share, validation, seed):
    split = Split.of(torch.zeros(count, 28, 28, dtype=torch.uint8), torch.arange(count) % 10)
    config = TrainConfig(share=share, validation=validation, seed=seed)
    parts = hold_out(split, config)
    shown, held = (part.numbers.tolist() for part in parts)
    assert len(set(shown) | set(held)) == len(shown) + len(held) == max(2, round(share * count))
    assert len(shown) >= 2
    assert abs(len(held) - validation * (len(shown) + len(held))) <= 2
    assert [part.numbers.tolist() for part in hold_out(split, config)] == [shown, held]
    for part in parts:
        assert part.labels.tolist() == (part.numbers % 10).tolist()


def test_held_out_images_are_mixed_and_no_training_sees_them(few):
    held = hold_out(few, TrainConfig(validation=0.2))[1].numbers
    assert held.tolist() != sorted(held.tolist())
    among = torch.isin(few.numbers.sort().values, held).float().nonzero()  # places in order
    assert 100 < among.float().mean() < 200  # of 300
    for before, after in [
        ({"seed": 1}, {"seed": 2}),
        ({"share": 0.5}, {}),
        ({}, {"share": 0.5}),
        ({"validation": 0.2}, {"validation": 0.1}),
        ({"share": 0.3, "seed": 4}, {"share": 0.9}),
    ]:
        seen = hold_out(few, TrainConfig(**before))[0].numbers
        held = hold_out(few, TrainConfig(**after))[1].numbers
        assert len(held) and not torch.isin(held, seen).any(), (before, after)
    assert len(hold_out(few, TrainConfig(share=0.5, validation=0.1))[0]) == 135


def test_the_shipped_samples_hold_out_what_the_whole_data_set_does(samples):
    whole = Split.of(torch.zeros(60_000, 28, 28, dtype=torch.uint8), torch.zeros(60_000, dtype=torch.int64))
    shown, held = hold_out(whole, TrainConfig(validation=0.1))
    of_samples = hold_out(samples.train, TrainConfig(validation=0.05))[1]
    assert len(of_samples) == 500
    assert torch.isin(of_samples.numbers, held.numbers).all()
    assert not torch.isin(of_samples.numbers, shown.numbers).any()


def test_images_are_changed_only_for_showing_them(few):
    before = few.pixels.clone()
    run(with_changes(QUICK, epochs=1, shift=3), few)
    assert torch.equal(few.pixels, before)


def test_flip_and_shift_are_done_when_asked_for_only(few, monkeypatch):
    calls = []
    monkeypatch.setattr(training, "random_flip", lambda pixels, _: calls.append("flip") or pixels)
    monkeypatch.setattr(training, "random_shift", lambda pixels, reach, _: calls.append(reach) or pixels)
    config = with_changes(QUICK, max_steps=1)
    for flip, shift, expected in ((True, 2, ["flip", 2]), (False, 1, [1]), (True, 0, ["flip"]), (False, 0, [])):
        calls.clear()
        run(with_changes(config, flip=flip, shift=shift), few)
        assert calls == expected


def test_images_are_erased_as_asked_for_and_what_is_made_is_not(few, monkeypatch):
    calls = []
    monkeypatch.setattr(training, "random_erase", lambda pixels, part, _: calls.append((len(pixels), part)) or pixels)
    run(with_changes(QUICK, epochs=1, max_steps=2, batch_size=30, drawings=0.5, erase=0.4), few)
    assert calls == [(30, 0.4)] * 2


# ---------------------------------------------------------------- the same again


def test_same_seed_repeats_exactly_whatever_else_was_random(few, quick_run):
    torch.manual_seed(12345)
    before = torch.get_rng_state()
    again = run(QUICK, few)
    assert torch.equal(torch.get_rng_state(), before)  # nor is anybody else's chance touched
    assert same(state(again[-1].network), state(quick_run[-1].network))
    assert [event.loss for event in of(StepDone, again)] == [event.loss for event in of(StepDone, quick_run)]


def test_other_seed_is_another_run(few, quick_run):
    other = run(with_changes(QUICK, seed=1), few)
    assert not same(state(other[-1].network), state(quick_run[-1].network))


# ---------------------------------------------------------------- leaving easy images out


@given(st.lists(st.floats(0, 9), min_size=2, max_size=60), st.floats(0, 1), st.integers(0, 2**32))
def test_kept_images_are_the_hardest_and_some_others(losses, part, seed):
    losses = torch.tensor(losses)
    count = 2 + round(part * (len(losses) - 2))
    places, weights = select_samples(losses, count, torch.Generator().manual_seed(seed))
    assert len(places) == len(set(places.tolist())) == count
    assert float(weights[places].sum()) == pytest.approx(count)
    hardest = losses.sort(descending=True).values[: (count + 1) // 2]
    assert torch.equal(losses[places].sort(descending=True).values[: len(hardest)], hardest)


def test_kept_images_stand_for_all():
    generator = torch.Generator().manual_seed(0)
    losses, values = torch.rand(40, generator=generator), torch.rand(40, generator=generator)
    sums = []
    for _ in range(4000):
        places, weights = select_samples(losses, 20, generator)
        sums.append(float((weights * values)[places].sum()) / 20)
    assert np.mean(sums) == pytest.approx(float(values.mean()), abs=4 * np.std(sums) / 4000**0.5)
    assert np.std(sums) > 0.01


def test_nothing_is_left_out_unless_asked_for():
    places, weights = select_samples(torch.tensor([3.0, 1.0, 2.0]), 3, torch.Generator())
    assert places.tolist() == [0, 1, 2]
    assert weights.tolist() == [1, 1, 1]


def test_pruned_epochs_show_what_was_hard_and_now_and_then_the_rest(few, shown, monkeypatch):
    hard = set(range(60))  # of 240
    true_loss = F.cross_entropy

    def larger_for_the_hard(*args, **options):
        return true_loss(*args, **options) + 100 * torch.tensor(
            [number in hard for number in shown[-1][-1].numbers.tolist()]
        )

    monkeypatch.setattr(F, "cross_entropy", larger_for_the_hard)
    config = with_changes(QUICK, epochs=9, pruning=0.5, batch_size=40, validation=0.0)
    events = run(config, few.take(torch.arange(240)))
    assert events[0].steps == 9 * 3
    epochs = [{number for batch in epoch for number in batch.numbers.tolist()} for epoch in shown]
    assert [len(epoch) for epoch in epochs] == [120] * 9
    assert set.union(*epochs[:3]) == set(range(240))  # what was not shown yet comes first
    assert all(epoch > hard for epoch in epochs[3:])
    assert len(set.union(*epochs[3:])) > 200


def test_loss_and_accuracy_of_pruned_epochs_are_those_of_all_images(few):
    """Without learning, so that every epoch has the same: even those that show twice as many of the hard."""
    config = with_changes(QUICK, epochs=40, validation=0.0, flip=False, shift=0, learning_rate=1e-7, batch_size=300)
    whole, pruned = (of(EpochDone, run(with_changes(config, pruning=part), few)) for part in (0.0, 0.5))
    for name in ("loss", "accuracy"):
        expected, seen = getattr(whole[0], name), [getattr(epoch, name) for epoch in pruned[3:]]
        assert np.mean(seen) == pytest.approx(expected, abs=0.02)
        assert np.std(seen) > 0


# ---------------------------------------------------------------- stopping, and the best weights


def stop_after(steps):
    asked = iter(range(10_000))
    return lambda: next(asked) >= steps


@pytest.mark.parametrize("steps", [1, 4, 5, 7])
def test_stopping_ends_at_once_and_gives_the_best_so_far(few, steps):
    events = run(QUICK, few, should_stop=stop_after(steps))
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
    events = run(QUICK, few, should_stop=lambda: True, start=original)
    assert [type(event) for event in events] == [Started, Finished]
    assert events[-1].stopped
    assert events[-1].best_epoch == 0
    assert same(state(events[-1].network), state(original))


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

    def fake(network, images):
        states.append(state(network))
        return Evaluation(len(images), losses[len(states) - 1], 0.5, torch.zeros(10, 10), 0.0)

    monkeypatch.setattr(training, "measure", fake)
    events = run(with_changes(QUICK, epochs=3, batch_size=120), few)
    assert [event.best for event in of(EpochDone, events)] == marks
    assert events[-1].best_epoch == best
    kept, final = states[best - 1], state(events[-1].network)
    last = "layers.out.weight", "layers.out.bias"
    assert same({name: final[name] for name in final if name not in last}, {n: kept[n] for n in kept if n not in last})
    assert final[last[0]] / kept[last[0]] == pytest.approx(float(final[last[1]][0] / kept[last[1]][0]), rel=1e-3)
    assert not same(states[0], states[1])


def test_without_validation_the_last_epoch_is_kept(few, monkeypatch):
    monkeypatch.setattr(training, "measure", lambda *_: pytest.fail("there is nothing to measure"))
    events = run(with_changes(QUICK, validation=0.0), few)
    assert events[0].validation_images == 0
    assert events[-1].best_epoch == 2
    assert [event.best for event in of(EpochDone, events)] == [True, True]
    assert {(event.validation_loss, event.validation_accuracy) for event in of(EpochDone, events)} == {(None, None)}


@pytest.mark.parametrize(("limit", "epochs"), [(1, 1), (5, 1), (7, 2), (10, 2), (99, 2)])
def test_step_limit(few, limit, epochs):
    events = run(with_changes(QUICK, max_steps=limit), few)
    steps = min(limit, 10)
    assert events[0].steps == steps
    assert [event.step for event in of(StepDone, events)] == list(range(1, steps + 1))
    assert len(of(EpochDone, events)) == epochs
    assert not events[-1].stopped


# ---------------------------------------------------------------- going on from weights


def test_training_goes_on_from_given_weights(few, original):
    before = state(original)
    config = with_changes(QUICK, learning_rate=1e-7, weight_decay=0.0, epochs=1, validation=0.0)
    network = run(config, few, start=original)[-1].network
    assert same(state(original), before)
    for name, parameter in network.named_parameters():
        torch.testing.assert_close(parameter, before[name], rtol=0, atol=1e-5)
    assert not same(dict(network.named_parameters()), before)


def test_weights_of_another_network_are_refused(few, monkeypatch):
    monkeypatch.setitem(ARCHITECTURES, "other", original_layers)
    with pytest.raises(ConfigError, match=r"^The weights to go on from are of other, expected original\.$"):
        run(QUICK, few, start=Network("other"))


# ---------------------------------------------------------------- what cannot work


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"learning_rate": 0.0}, "The learning rate is 0, expected 1e-07 to 10."),
        ({"learning_rate": -1.0}, "The learning rate is -1, expected 1e-07 to 10."),
        ({"learning_rate": math.nan}, "The learning rate is nan, expected 1e-07 to 10."),
        ({"learning_rate": math.inf}, "The learning rate is inf, expected 1e-07 to 10."),
        ({"epochs": 0}, "The number of epochs is 0, expected 1 to 1000."),
        ({"epochs": 1001}, "The number of epochs is 1001, expected 1 to 1000."),
        ({"share": 0.0}, "The share of the data is 0, expected 0.0001 to 1."),
        ({"share": 1.5}, "The share of the data is 1.5, expected 0.0001 to 1."),
        ({"share": math.nan}, "The share of the data is nan, expected 0.0001 to 1."),
        ({"batch_size": 0}, "The batch size is 0, expected 2 to 100000."),
        ({"batch_size": 1}, "The batch size is 1, expected 2 to 100000."),
        ({"weight_decay": -0.1}, "The weight decay is -0.1, expected 0 to 10."),
        ({"weight_decay": math.nan}, "The weight decay is nan, expected 0 to 10."),
        ({"label_smoothing": 1.0}, "The label smoothing is 1, expected 0 to 0.99."),
        ({"shift": 15}, "The shift is 15, expected 0 to 14."),
        ({"shift": -1}, "The shift is -1, expected 0 to 14."),
        ({"erase": 1.5}, "The part of erasing is 1.5, expected 0 to 1."),
        ({"pruning": 0.95}, "The pruning is 0.95, expected 0 to 0.9."),
        ({"pruning": -0.1}, "The pruning is -0.1, expected 0 to 0.9."),
        ({"validation": 1.0}, "The validation part is 1, expected 0 to 0.9."),
        ({"max_steps": -1}, "The step limit is -1, expected 0 to inf."),
        ({"report_every": 0}, "The steps between reports is 0, expected 1 to inf."),
        ({"seed": -1}, "The seed is -1, expected 0 to 9.22337e+18."),
        ({"architecture": "resnet"}, "There is no network 'resnet', expected one of original."),
        ({"device": "tpu"}, "The device is 'tpu', expected auto, cpu or cuda."),
    ],
    ids=lambda value: ", ".join(f"{k}={v}" for k, v in value.items()) if isinstance(value, dict) else "",
)
def test_bad_setting_is_refused_with_what_would_do(changes, words, monkeypatch):
    monkeypatch.setattr(training, "ARCHITECTURES", {"original": original_layers})
    with pytest.raises(ConfigError) as caught:
        TrainConfig(**changes)
    assert str(caught.value) == words
    with pytest.raises(ConfigError):
        with_changes(TrainConfig(), **changes)


def test_changes_that_are_none_change_nothing():
    assert with_changes(QUICK, epochs=None, flip=None, seed=None) == QUICK
    assert with_changes(QUICK, epochs=7, flip=False, validation=0.0) == TrainConfig(
        epochs=7, batch_size=50, validation=0.0, device="cpu", report_every=1, flip=False
    )


def test_every_network_has_a_recipe_of_its_own():
    assert {name: config.architecture for name, config in training.RECIPES.items()} == {
        name: name for name in ARCHITECTURES
    }


def test_missing_cuda_is_refused(monkeypatch, few):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert pick_device("auto") == pick_device("cpu") == torch.device("cpu")
    with pytest.raises(ConfigError, match=r"^The device is cuda, but PyTorch sees no CUDA device here"):
        run(with_changes(QUICK, device="cuda"), few)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert pick_device("auto") == pick_device("cuda") == torch.device("cuda")
    assert pick_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize("count", [0, 1, 3])
def test_too_few_images_are_refused(few, count):
    with pytest.raises(ConfigError, match=f"^There are {count} images to train on, expected at least 4"):
        run(QUICK, few.take(torch.arange(count)))


@pytest.mark.parametrize("changes", [{}, {"share": 1e-4}, {"validation": 0.9}, {"batch_size": 3}])
def test_the_fewest_images_that_are_allowed_work(few, changes):
    events = run(with_changes(QUICK, **changes), few.take(torch.arange(4)))
    assert isinstance(events[-1], Finished)
    assert events[0].training_images >= 2


@pytest.mark.parametrize("validation", [0.0, 0.2])
def test_run_that_goes_wrong_says_so(few, validation):
    config = with_changes(QUICK, learning_rate=10, weight_decay=10, epochs=20, validation=validation)
    with pytest.raises(
        ConfigError, match=r"^In epoch \d+ the loss is no number any more: the learning rate 10 is too high\."
    ):
        run(config, few)


# ---------------------------------------------------------------- what the program makes


def test_nothing_is_made_that_is_not_asked_for(few, monkeypatch):
    for name in ("sketch", "trace", "cloth", "doodle", "random_cloth"):
        monkeypatch.setattr(material, name, lambda *_: pytest.fail("not asked for"))
    for name in ("random_cloth", "random_warp"):
        monkeypatch.setattr(augment, name, lambda *_: pytest.fail("not asked for"))
    run(with_changes(QUICK, max_steps=1), few)


def test_what_has_no_class_is_to_be_any_class():
    targets = training._targets(torch.tensor([3, NO_CLASS, 0]))
    assert targets[0].tolist() == [0, 0, 0, 1, 0, 0, 0, 0, 0, 0]
    assert targets[1].tolist() == pytest.approx([0.1] * 10)
    assert targets[2].argmax() == 0


def test_doodles_have_no_share_in_the_accuracy(few):
    events = run(with_changes(QUICK, epochs=6, doodles=2.0, batch_size=25, flip=False, shift=0), few)
    assert of(EpochDone, events)[-1].accuracy > 0.5  # of three pictures two are doodles


def test_a_network_that_saw_doodles_tells_them_from_garments(few):
    config = with_changes(QUICK, epochs=12, batch_size=50, doodles=0.5, validation=0.0)
    network = run(config, few)[-1].network
    garments, other = (
        familiarity(to_probabilities(predict_logits(network, split))) for split in (few, make_doodles(200, 99))
    )
    assert (garments[:, None] > other[None]).float().mean() > 0.85


@pytest.mark.parametrize(("supported", "half"), [(True, torch.bfloat16), (False, torch.float16)])
def test_cuda_takes_bfloat16_where_it_is_fast(monkeypatch, supported, half):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: supported)
    assert training._half_type(torch.device("cuda")) == half


@pytest.mark.parametrize("half", [torch.float16, torch.bfloat16])
def test_mixed_precision_learns_as_well(few, monkeypatch, half):
    monkeypatch.setattr(training, "_half_type", lambda device: half)
    config = with_changes(QUICK, epochs=5, batch_size=25, flip=False, shift=0)
    full, mixed = (run(with_changes(config, mixed=mixed), few)[-1].network for mixed in (False, True))
    assert not same(state(mixed), state(full))
    assert evaluate(mixed, few).accuracy == pytest.approx(evaluate(full, few).accuracy, abs=0.1)
    assert {tensor.dtype for tensor in mixed.parameters()} == {torch.float32}
