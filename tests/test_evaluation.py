import copy
import json
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from fmnist_core import CLASS_NAMES, evaluation
from fmnist_core.dataset import Split
from fmnist_core.errors import ConfigError
from fmnist_core.evaluation import (
    BINS,
    Evaluation,
    calibrate,
    calibration_error,
    evaluate,
    fit_temperature,
    predict_logits,
)
from fmnist_core.model import Network


@pytest.fixture(scope="module")
def some(samples):
    return samples.test.take(torch.arange(1234))


@pytest.fixture(scope="module")
def whole(original, some):
    return evaluate(original, some)


def test_figures_are_those_of_scikit_learn(original, some, whole):
    from sklearn import metrics

    with torch.inference_mode():
        probabilities = original(some.pixels).double().numpy()
    truth, predictions = some.labels.numpy(), probabilities.argmax(1)
    probabilities /= probabilities.sum(1, keepdims=True)
    assert whole.images == 1234
    assert whole.accuracy == metrics.accuracy_score(truth, predictions)
    assert whole.loss == pytest.approx(metrics.log_loss(truth, probabilities, labels=range(10)), rel=1e-4)
    assert (whole.confusion.numpy() == metrics.confusion_matrix(truth, predictions, labels=range(10))).all()
    recall = metrics.recall_score(truth, predictions, average=None, labels=range(10))
    assert list(whole.per_class) == list(CLASS_NAMES)
    assert list(whole.per_class.values()) == pytest.approx(recall.tolist())


def test_the_deep_network_is_evaluated_as_it_answers(shipped, some):
    images = some.take(torch.arange(100))
    with torch.inference_mode():
        predictions = shipped(images.pixels).argmax(1)
    assert evaluate(shipped, images).accuracy == pytest.approx((predictions == images.labels).float().mean().item())


@pytest.mark.parametrize("size", [1, 7, 617, 1233, 1234, 5000])
def test_result_does_not_depend_on_the_batches(original, some, whole, monkeypatch, size):
    monkeypatch.setattr(evaluation, "BATCH_SIZE", size)
    images = some if size > 1 else some.take(torch.arange(50))
    result = evaluate(original, images)
    assert result.images == int(result.confusion.sum()) == len(images)
    if size > 1:
        assert torch.equal(result.confusion, whole.confusion)
        assert result.accuracy == whole.accuracy
        assert result.loss == pytest.approx(whole.loss, rel=1e-5)


def test_every_image_counts_once_also_those_of_the_last_batch(original, samples):
    # The labels of the last, small batch are turned into wrong ones: each of its images has to be missed.
    images = samples.test.take(torch.arange(1003))
    before = evaluate(original, images)
    predictions = predict_logits(original, images).argmax(1)
    labels = images.labels.clone()
    labels[1000:] = (predictions[1000:] + 1) % 10
    after = evaluate(original, Split(images.pixels, labels, images.numbers))
    correct = int((predictions[1000:] == images.labels[1000:]).sum())
    assert round((before.accuracy - after.accuracy) * 1003) == correct
    assert int(after.confusion.sum()) == 1003
    assert after.confusion.sum(1).tolist() == torch.bincount(labels, minlength=10).tolist()


class Always(Network):
    """A network that predicts one class, whatever it is shown."""

    def __init__(self, label, **options):
        super().__init__(**options)
        self.label = label

    def logits(self, inputs):
        return torch.eye(len(self.class_names))[torch.full((len(inputs),), self.label)]


def test_row_is_the_true_class_and_column_the_predicted_one(samples):
    images = samples.test.take((samples.test.labels == 3).nonzero()[:5, 0])
    result = evaluate(Always(8), images)
    assert result.confusion.nonzero().tolist() == [[3, 8]]
    assert result.confusion[3, 8] == 5
    assert result.accuracy == 0
    assert result.loss == pytest.approx(np.log(np.e + 9))
    # A class without images has no accuracy, and not 0.
    assert result.per_class == {name: 0.0 if name == "Dress" else None for name in CLASS_NAMES}


def test_mode_of_the_network_is_restored_and_no_number_changes(some):
    network = Network().train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    first = evaluate(network, some)
    assert network.training
    assert all(layer.training for layer in network.layers)
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    network.eval()
    assert evaluate(network, some).loss == first.loss  # it was evaluated as it answers
    assert not network.training


def test_mode_is_restored_after_a_failure_too(some):
    network = Network().train()
    network.layers.append(torch.nn.Linear(3, 3))
    with pytest.raises(RuntimeError):
        predict_logits(network, some)
    assert network.training


def test_logits_are_in_the_order_of_the_images(original, some):
    logits = predict_logits(original, some)
    order = torch.randperm(len(some), generator=torch.Generator().manual_seed(3))
    torch.testing.assert_close(predict_logits(original, some.take(order)), logits[order], rtol=1e-4, atol=1e-4)
    assert not logits.requires_grad


# ---------------------------------------------------------------- classes and JSON


def test_classes_are_those_of_the_network_by_their_names(samples):
    images = samples.test.take(torch.arange(40))
    images = Split(images.pixels, torch.arange(40) % 3, images.numbers)
    result = evaluate(Always(2, class_names=["cat", "dog", "bird", "fish"]), images)
    assert result.class_names == ("cat", "dog", "bird", "fish")
    assert result.confusion.shape == (4, 4)
    assert result.confusion[:, 2].tolist() == [14, 13, 13, 0]
    assert result.per_class == {"cat": 0.0, "dog": 0.0, "bird": 1.0, "fish": None}


def test_images_of_more_classes_than_the_network_knows_are_refused(samples):
    network = Network(class_names=["cat", "dog"])
    with pytest.raises(ConfigError, match=r"^The images are of 10 classes, but the network knows only 2\.$"):
        evaluate(network, samples.test.take(torch.arange(100)))


def test_json_holds_all_figures_as_plain_values(whole):
    figures = json.loads(json.dumps(whole.to_json()))
    assert list(figures) == ["images", "accuracy", "loss", "calibration_error", "per_class", "confusion"]
    assert figures["images"] == 1234
    for name in ("accuracy", "loss", "calibration_error"):
        assert figures[name] == getattr(whole, name)
    assert figures["per_class"] == whole.per_class
    assert figures["confusion"] == whole.confusion.tolist()


def test_class_without_images_is_null_in_json():
    result = Evaluation(1, 0.5, 1.0, torch.tensor([[1, 0], [0, 0]]), 0.1, ("cat", "dog"))
    assert json.loads(json.dumps(result.to_json()))["per_class"] == {"cat": 1.0, "dog": None}


# ---------------------------------------------------------------- how confident it is and how confident it may be


def predictions_with(confidence, correct, wrong):
    """Logits that predict one class with that confidence, and labels by which so many predictions are correct."""
    logits = torch.full((correct + wrong, 10), math.log((1 - confidence) / 9))
    logits[:, 4] = math.log(confidence)
    return logits, torch.tensor([4] * correct + [7] * wrong)


def expected_calibration_error(rows, labels):
    """Equation 3 of arXiv:1706.04599, image by image."""
    bins = [[] for _ in range(BINS)]
    for row, label in zip(rows, labels, strict=True):
        largest = max(row)
        powers = [math.exp(value - largest) for value in row]
        confidence = max(powers) / sum(powers)
        bins[min(int(confidence * BINS), BINS - 1)].append((confidence, row.index(largest) == label))
    error = 0.0
    for content in bins:
        if content:
            mean = sum(confidence for confidence, _ in content) / len(content)
            accuracy = sum(is_correct for _, is_correct in content) / len(content)
            error += len(content) / len(rows) * abs(accuracy - mean)
    return error


@given(seed=st.integers(0, 2**32), count=st.integers(1, 80), scale=st.floats(0.5, 60), skill=st.floats(0, 1))
def test_calibration_error_is_that_of_the_equation(seed, count, scale, skill):
    rng = np.random.default_rng(seed)
    logits = (scale * rng.normal(size=(count, 10))).astype(np.float32)
    labels = np.where(rng.random(count) < skill, logits.argmax(1), rng.integers(0, 10, count))
    error = calibration_error(torch.from_numpy(logits), torch.from_numpy(labels))
    assert error == pytest.approx(expected_calibration_error(logits.tolist(), labels.tolist()), abs=1e-5)
    assert 0 <= error <= 1


def test_accuracy_equal_to_the_confidence_is_no_calibration_error():
    parts = [
        predictions_with(0.75, 3, 1),
        predictions_with(0.5, 50, 50),
        predictions_with(0.9, 9, 1),
        predictions_with(0.3, 3, 7),
    ]
    logits, labels = (torch.cat(tensors) for tensors in zip(*parts, strict=True))
    assert calibration_error(logits, labels) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("confidence", "correct", "wrong", "expected"),
    [(0.9, 5, 5, 0.4), (0.9, 0, 3, 0.9), (0.25, 4, 0, 0.75), (1 - 1e-7, 7, 0, 0), (1 - 1e-7, 0, 7, 1)],
)
def test_calibration_error_is_how_much_confidence_there_is_too_much_or_too_little(confidence, correct, wrong, expected):
    assert calibration_error(*predictions_with(confidence, correct, wrong)) == pytest.approx(expected, abs=1e-5)


def test_calibration_error_of_what_is_not_a_number_is_none_either():
    logits, labels = predictions_with(0.9, 3, 1)
    logits[0] = math.nan
    assert math.isnan(calibration_error(logits, labels))


def test_too_much_confidence_here_does_not_make_up_for_too_little_there():
    parts = [predictions_with(0.9, 7, 3), predictions_with(0.5, 7, 3)]
    logits, labels = (torch.cat(tensors) for tensors in zip(*parts, strict=True))
    assert calibration_error(logits, labels) == pytest.approx(0.2, abs=1e-6)


def test_calibration_error_is_among_the_figures(original, some, whole):
    expected = expected_calibration_error(predict_logits(original, some).tolist(), some.labels.tolist())
    assert whole.calibration_error == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("temperature", [0.3, 0.7, 1, 2, 5])
@pytest.mark.parametrize("seed", [0, 1])
def test_temperature_with_which_labels_were_drawn_is_found(temperature, seed):
    generator = torch.Generator().manual_seed(seed)
    logits = 4 * torch.randn(5000, 10, generator=generator)
    labels = torch.multinomial((logits / temperature).softmax(1), 1, generator=generator)[:, 0]
    assert fit_temperature(logits, labels) == pytest.approx(temperature, rel=0.06)


@given(seed=st.integers(0, 2**32), scale=st.floats(0.2, 20))
def test_no_other_temperature_has_a_smaller_loss(seed, scale):
    rng = np.random.default_rng(seed)
    labels = torch.from_numpy(rng.integers(0, 10, 50))
    logits = torch.from_numpy(scale * (rng.normal(size=(50, 10)) + np.eye(10)[labels])).double()
    found = fit_temperature(logits, labels)
    smallest = F.cross_entropy(logits / found, labels).item()
    assert 0.1 <= found <= 10
    for other in np.geomspace(0.1, 10, 60):
        assert F.cross_entropy(logits / other, labels).item() >= smallest - 1e-6


def test_predictions_that_are_always_correct_get_most_confidence_and_those_that_never_are_least():
    for correct, expected in ((20, 0.1), (0, 10)):
        logits, labels = predictions_with(0.6, correct, 20 - correct)
        assert fit_temperature(logits.double(), labels) == pytest.approx(expected, rel=1e-4)


@pytest.fixture(params=[0.2, 1, 3], ids=["too little confidence", "as shipped", "too much confidence"])
def uncalibrated(request, original):
    network = copy.deepcopy(original)
    with torch.no_grad():
        for parameter in network.layers[-1].parameters():
            parameter.mul_(request.param)
    return network


def test_calibration_divides_the_logits_and_changes_no_prediction(uncalibrated, some):
    before, weights = predict_logits(uncalibrated, some), copy.deepcopy(uncalibrated.state_dict())
    temperature = calibrate(uncalibrated, some)
    after = predict_logits(uncalibrated, some)
    assert temperature == fit_temperature(before, some.labels)
    torch.testing.assert_close(after, before / temperature, rtol=1e-4, atol=1e-4)
    assert torch.equal(after.argmax(1), before.argmax(1))
    changed = {name for name, tensor in uncalibrated.state_dict().items() if not torch.equal(tensor, weights[name])}
    assert changed == {"layers.out.weight", "layers.out.bias"}
    assert all(parameter.requires_grad for parameter in uncalibrated.layers[-1].parameters())


def test_calibration_lowers_loss_and_calibration_error_of_the_held_out_images(uncalibrated, some):
    before = evaluate(uncalibrated, some)
    calibrate(uncalibrated, some)
    after = evaluate(uncalibrated, some)
    assert after.loss < before.loss
    assert after.calibration_error < max(before.calibration_error, 0.025)  # the shipped network is calibrated already
    assert after.accuracy == before.accuracy


def test_calibrated_network_stays_as_it_is(uncalibrated, some):
    calibrate(uncalibrated, some)
    assert calibrate(uncalibrated, some) == pytest.approx(1, abs=0.002)


def test_calibration_on_images_all_predicted_correctly_still_leaves_finite_logits(original, some):
    network = copy.deepcopy(original)
    predictions = predict_logits(network, some).argmax(1)
    assert calibrate(network, Split(some.pixels, predictions, some.numbers)) == pytest.approx(0.1, rel=1e-3)
    assert predict_logits(network, some).isfinite().all()
