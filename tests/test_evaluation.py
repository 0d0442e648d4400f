import numpy as np
import pytest
import torch

from fmnist_core import CLASS_NAMES, evaluation
from fmnist_core.evaluation import all_logits, measure
from fmnist_core.model import Network, to_inputs


@pytest.fixture(scope="module")
def some(samples):
    return samples.test.take(torch.arange(1234) % 2000)


def test_measures_are_those_of_scikit_learn(shipped, some):
    metrics = pytest.importorskip("sklearn.metrics")
    measured = measure(shipped, some)
    with torch.inference_mode():
        probabilities = shipped(to_inputs(some.pixels)).double().softmax(1).numpy()
    truth, answers = some.labels.numpy(), probabilities.argmax(1)
    assert measured.images == 1234
    assert measured.accuracy == metrics.accuracy_score(truth, answers)
    assert measured.loss == pytest.approx(metrics.log_loss(truth, probabilities, labels=range(10)), rel=1e-4)
    assert (measured.confusion.numpy() == metrics.confusion_matrix(truth, answers, labels=range(10))).all()
    recall = metrics.recall_score(truth, answers, average=None, labels=range(10))
    assert list(measured.per_class) == list(CLASS_NAMES)
    assert list(measured.per_class.values()) == pytest.approx(recall.tolist())


@pytest.mark.parametrize("size", [1, 7, 617, 1233, 1234, 5000])
def test_result_does_not_depend_on_the_batches(shipped, some, monkeypatch, size):
    whole = measure(shipped, some)
    monkeypatch.setattr(evaluation, "BATCH", size)
    part = some if size > 1 else some.take(torch.arange(50))
    measured = measure(shipped, part)
    assert measured.images == int(measured.confusion.sum()) == len(part)
    if size > 1:
        assert torch.equal(measured.confusion, whole.confusion)
        assert measured.accuracy == whole.accuracy
        assert measured.loss == pytest.approx(whole.loss, rel=1e-5)


def test_every_image_counts_once_also_those_of_the_last_batch(shipped, samples):
    # The images of the last, small batch are turned into wrong ones: each of them has to be missed.
    images = samples.test.take(torch.arange(1003))
    right = measure(shipped, images)
    answers = all_logits(shipped, images).argmax(1)
    labels = images.labels.clone()
    labels[1000:] = (answers[1000:] + 1) % 10
    wrong = measure(shipped, type(images)(images.pixels, labels, images.numbers))
    before = int((answers[1000:] == images.labels[1000:]).sum())
    assert round((right.accuracy - wrong.accuracy) * 1003) == before
    assert int(wrong.confusion.sum()) == 1003
    assert wrong.confusion.sum(1).tolist() == torch.bincount(labels, minlength=10).tolist()


def test_row_is_the_truth_and_column_the_answer(samples):
    class AlwaysBag(torch.nn.Module):
        def forward(self, inputs):
            return torch.eye(10)[torch.full((len(inputs),), 8)]

    images = samples.test.take((samples.test.labels == 3).nonzero()[:5, 0])
    measured = measure(AlwaysBag(), images)
    assert measured.confusion.nonzero().tolist() == [[3, 8]]
    assert measured.confusion[3, 8] == 5
    assert measured.accuracy == 0
    assert measured.loss == pytest.approx(np.log(np.e + 9))
    # A class without images has no accuracy, and not 0.
    assert measured.per_class == {name: 0.0 if name == "Dress" else None for name in CLASS_NAMES}


def test_mode_of_the_network_is_put_back_and_no_number_changes(some):
    network = Network().train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    first = measure(network, some)
    assert network.training
    assert all(layer.training for layer in network.layers)
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    network.eval()
    assert measure(network, some).loss == first.loss  # it was measured as it answers
    assert not network.training


def test_mode_is_put_back_after_a_failure_too(some):
    network = Network().train()
    network.layers.append(torch.nn.Linear(3, 3))
    with pytest.raises(RuntimeError):
        all_logits(network, some)
    assert network.training


def test_logits_are_in_the_order_of_the_images(shipped, some):
    logits = all_logits(shipped, some)
    order = torch.randperm(len(some), generator=torch.Generator().manual_seed(3))
    torch.testing.assert_close(all_logits(shipped, some.take(order)), logits[order], rtol=1e-4, atol=1e-4)
    assert not logits.requires_grad
