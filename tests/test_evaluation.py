import copy
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from fmnist_core import CLASS_NAMES, evaluation
from fmnist_core.dataset import Split
from fmnist_core.evaluation import BINS, predict_logits, calibrate, calibration_error, fit_temperature, evaluate
from fmnist_core.model import Network, to_inputs


@pytest.fixture(scope="module")
def some(samples):
    return samples.test.take(torch.arange(1234) % 2000)


def test_measures_are_those_of_scikit_learn(shipped, some):
    from sklearn import metrics

    evaluation = evaluate(shipped, some)
    with torch.inference_mode():
        probabilities = shipped(to_inputs(some.pixels)).double().softmax(1).numpy()
    truth, answers = some.labels.numpy(), probabilities.argmax(1)
    assert evaluation.images == 1234
    assert evaluation.accuracy == metrics.accuracy_score(truth, answers)
    assert evaluation.loss == pytest.approx(metrics.log_loss(truth, probabilities, labels=range(10)), rel=1e-4)
    assert (evaluation.confusion.numpy() == metrics.confusion_matrix(truth, answers, labels=range(10))).all()
    recall = metrics.recall_score(truth, answers, average=None, labels=range(10))
    assert list(evaluation.per_class) == list(CLASS_NAMES)
    assert list(evaluation.per_class.values()) == pytest.approx(recall.tolist())


@pytest.fixture(scope="module")
def whole(shipped, some):
    return evaluate(shipped, some)


@pytest.mark.parametrize("size", [1, 7, 617, 1233, 1234, 5000])
def test_result_does_not_depend_on_the_batches(shipped, some, whole, monkeypatch, size):
    monkeypatch.setattr(evaluation, "BATCH", size)
    part = some if size > 1 else some.take(torch.arange(50))
    evaluation = evaluate(shipped, part)
    assert evaluation.images == int(evaluation.confusion.sum()) == len(part)
    if size > 1:
        assert torch.equal(evaluation.confusion, whole.confusion)
        assert evaluation.accuracy == whole.accuracy
        assert evaluation.loss == pytest.approx(whole.loss, rel=1e-5)


def test_every_image_counts_once_also_those_of_the_last_batch(shipped, samples):
    # The images of the last, small batch are turned into wrong ones: each of them has to be missed.
    images = samples.test.take(torch.arange(1003))
    right = evaluate(shipped, images)
    answers = predict_logits(shipped, images).argmax(1)
    labels = images.labels.clone()
    labels[1000:] = (answers[1000:] + 1) % 10
    wrong = evaluate(shipped, type(images)(images.pixels, labels, images.numbers))
    before = int((answers[1000:] == images.labels[1000:]).sum())
    assert round((right.accuracy - wrong.accuracy) * 1003) == before
    assert int(wrong.confusion.sum()) == 1003
    assert wrong.confusion.sum(1).tolist() == torch.bincount(labels, minlength=10).tolist()


def test_row_is_the_truth_and_column_the_answer(samples):
    class AlwaysBag(torch.nn.Module):
        def forward(self, inputs):
            return torch.eye(10)[torch.full((len(inputs),), 8)]

    images = samples.test.take((samples.test.labels == 3).nonzero()[:5, 0])
    evaluation = evaluate(AlwaysBag(), images)
    assert evaluation.confusion.nonzero().tolist() == [[3, 8]]
    assert evaluation.confusion[3, 8] == 5
    assert evaluation.accuracy == 0
    assert evaluation.loss == pytest.approx(np.log(np.e + 9))
    # A class without images has no accuracy, and not 0.
    assert evaluation.per_class == {name: 0.0 if name == "Dress" else None for name in CLASS_NAMES}


def test_mode_of_the_network_is_put_back_and_no_number_changes(some):
    network = Network().train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    first = evaluate(network, some)
    assert network.training
    assert all(layer.training for layer in network.layers)
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    network.eval()
    assert evaluate(network, some).loss == first.loss  # it was evaluation as it answers
    assert not network.training


def test_mode_is_put_back_after_a_failure_too(some):
    network = Network().train()
    network.layers.append(torch.nn.Linear(3, 3))
    with pytest.raises(RuntimeError):
        predict_logits(network, some)
    assert network.training


def test_logits_are_in_the_order_of_the_images(shipped, some):
    logits = predict_logits(shipped, some)
    order = torch.randperm(len(some), generator=torch.Generator().manual_seed(3))
    torch.testing.assert_close(predict_logits(shipped, some.take(order)), logits[order], rtol=1e-4, atol=1e-4)
    assert not logits.requires_grad


# ---------------------------------------------------------------- how sure it is and how sure it may be


def answers_with(probability, right, wrong):
    """Logits of images answered with that probability, and labels of which so many are right."""
    logits = torch.full((right + wrong, 10), math.log((1 - probability) / 9))
    logits[:, 4] = math.log(probability)
    return logits, torch.tensor([4] * right + [7] * wrong)


def expected_calibration_error(rows, labels):
    """Equation 3 of arXiv:1706.04599, image by image."""
    bins = [[] for _ in range(BINS)]
    for row, label in zip(rows, labels, strict=True):
        largest = max(row)
        powers = [math.exp(value - largest) for value in row]
        sure = max(powers) / sum(powers)
        bins[min(int(sure * BINS), BINS - 1)].append((sure, row.index(largest) == label))
    error = 0.0
    for content in bins:
        if content:
            confidence = sum(sure for sure, _ in content) / len(content)
            accuracy = sum(right for _, right in content) / len(content)
            error += len(content) / len(rows) * abs(accuracy - confidence)
    return error


@given(seed=st.integers(0, 2**32), count=st.integers(1, 80), scale=st.floats(0.5, 60), skill=st.floats(0, 1))
def test_calibration_error_is_that_of_the_equation(seed, count, scale, skill):
    numbers = np.random.default_rng(seed)
    logits = (scale * numbers.normal(size=(count, 10))).astype(np.float32)
    labels = np.where(numbers.random(count) < skill, logits.argmax(1), numbers.integers(0, 10, count))
    evaluation = calibration_error(torch.from_numpy(logits), torch.from_numpy(labels))
    assert evaluation == pytest.approx(expected_calibration_error(logits.tolist(), labels.tolist()), abs=1e-5)
    assert 0 <= evaluation <= 1


def test_who_is_right_as_often_as_sure_has_no_calibration_error():
    parts = [answers_with(0.75, 3, 1), answers_with(0.5, 50, 50), answers_with(0.9, 9, 1), answers_with(0.3, 3, 7)]
    logits, labels = (torch.cat(part) for part in zip(*parts, strict=True))
    assert calibration_error(logits, labels) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("probability", "right", "wrong", "expected"),
    [(0.9, 5, 5, 0.4), (0.9, 0, 3, 0.9), (0.25, 4, 0, 0.75), (1 - 1e-7, 7, 0, 0), (1 - 1e-7, 0, 7, 1)],
)
def test_calibration_error_is_how_much_too_sure_or_unsure_it_is(probability, right, wrong, expected):
    assert calibration_error(*answers_with(probability, right, wrong)) == pytest.approx(expected, abs=1e-5)


def test_calibration_error_of_what_is_no_number_is_none_either():
    logits, labels = answers_with(0.9, 3, 1)
    logits[0] = math.nan
    assert math.isnan(calibration_error(logits, labels))


def test_too_sure_here_does_not_make_up_for_too_unsure_there():
    parts = [answers_with(0.9, 7, 3), answers_with(0.5, 7, 3)]
    logits, labels = (torch.cat(part) for part in zip(*parts, strict=True))
    assert calibration_error(logits, labels) == pytest.approx(0.2, abs=1e-6)


def test_calibration_is_measured_with_the_rest(shipped, some):
    expected = expected_calibration_error(predict_logits(shipped, some).tolist(), some.labels.tolist())
    assert evaluate(shipped, some).calibration_error == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("temperature", [0.3, 0.7, 1, 2, 5])
@pytest.mark.parametrize("seed", [0, 1])
def test_temperature_that_labels_were_drawn_with_is_found(temperature, seed):
    generator = torch.Generator().manual_seed(seed)
    logits = 4 * torch.randn(5000, 10, generator=generator)
    labels = torch.multinomial((logits / temperature).softmax(1), 1, generator=generator)[:, 0]
    assert fit_temperature(logits, labels) == pytest.approx(temperature, rel=0.06)


@given(seed=st.integers(0, 2**32), scale=st.floats(0.2, 20))
def test_no_other_temperature_has_a_smaller_loss(seed, scale):
    numbers = np.random.default_rng(seed)
    labels = torch.from_numpy(numbers.integers(0, 10, 50))
    logits = torch.from_numpy(scale * (numbers.normal(size=(50, 10)) + np.eye(10)[labels])).double()
    found = fit_temperature(logits, labels)
    least = F.cross_entropy(logits / found, labels).item()
    assert 0.1 <= found <= 10
    for other in np.geomspace(0.1, 10, 60):
        assert F.cross_entropy(logits / other, labels).item() >= least - 1e-6


def test_who_is_always_right_may_be_as_sure_as_can_be_and_who_never_is_as_unsure():
    for right, expected in ((20, 0.1), (0, 10)):
        logits, labels = answers_with(0.6, right, 20 - right)
        assert fit_temperature(logits.double(), labels) == pytest.approx(expected, rel=1e-4)


@pytest.fixture(params=[0.2, 1, 3], ids=["unsure", "as shipped", "too sure"])
def uncalibrated(request, shipped):
    network = copy.deepcopy(shipped)
    with torch.no_grad():
        for parameter in network.layers[-1].parameters():
            parameter.mul_(request.param)
    return network


def test_calibration_divides_the_logits_and_changes_no_answer(uncalibrated, some):
    before, kept = predict_logits(uncalibrated, some), copy.deepcopy(uncalibrated.state_dict())
    temperature = calibrate(uncalibrated, some)
    after = predict_logits(uncalibrated, some)
    assert temperature == fit_temperature(before, some.labels)
    torch.testing.assert_close(after, before / temperature, rtol=1e-4, atol=1e-4)
    assert torch.equal(after.argmax(1), before.argmax(1))
    changed = {name for name, tensor in uncalibrated.state_dict().items() if not torch.equal(tensor, kept[name])}
    assert changed == {"layers.out.weight", "layers.out.bias"}
    assert all(parameter.requires_grad for parameter in uncalibrated.layers[-1].parameters())


def test_calibration_lowers_loss_and_calibration_error_of_the_held_out_images(uncalibrated, some):
    before = evaluate(uncalibrated, some)
    calibrate(uncalibrated, some)
    after = evaluate(uncalibrated, some)
    assert after.loss < before.loss
    assert after.calibration_error < max(before.calibration_error, 0.025)  # the shipped network is calibrated already
    assert after.accuracy == before.accuracy


def test_what_is_calibrated_stays_as_it_is(uncalibrated, some):
    calibrate(uncalibrated, some)
    assert calibrate(uncalibrated, some) == pytest.approx(1, abs=0.002)


def test_calibration_of_images_all_answered_rightly_still_leaves_numbers(shipped, some):
    network = copy.deepcopy(shipped)
    answers = predict_logits(network, some).argmax(1)
    assert calibrate(network, Split(some.pixels, answers, some.numbers)) == pytest.approx(0.1, rel=1e-3)
    assert predict_logits(network, some).isfinite().all()
