import hashlib
import re
import statistics

import numpy as np
import pytest
import torch
import yaml
from huggingface_hub import ModelCard
from safetensors import safe_open

from fmnist_core import checkpoint, dataset, explain, projection
from fmnist_core.__main__ import DEFAULT_WEIGHTS
from fmnist_core.evaluation import evaluate, predict_logits
from fmnist_core.inference import familiarity
from fmnist_core.model import to_probabilities
from fmnist_core.synthetic.kinds import SYNTHETIC_KINDS
from fmnist_core.synthetic.sketch_test_set import make_sketch_test_set

# The model card states its results in these forms:
#
#   | seed | test accuracy |
#   | ---- | ------------- |
#   | 0    | 0.9123        |          (one row for each of the seeds 0, 1 and 2)
#
#   Mean ± standard deviation: 0.9120 ± 0.0006      (of the sample: divided by n - 1)
#   Shipped weights: seed 0, test accuracy 0.9123
HEADER = re.compile(r"^\| *seed *\| *test accuracy *\|$", re.MULTILINE)
ROW = re.compile(r"^\| *(\d+) *\| *(0\.\d{4}) *\|$", re.MULTILINE)
MEAN = re.compile(r"^Mean ± standard deviation: (0\.\d{4}) ± (0\.\d{4})$", re.MULTILINE)
SHIPPED = re.compile(r"^Shipped weights: seed (\d+)(, trained on)?, test accuracy (0\.\d{4})$", re.MULTILINE)

MIN_ACCURACY = {"original": 0.91, "deep": 0.945}  # on the test images
SEEDS = [0, 1, 2]  # that were trained


@pytest.fixture(scope="module", params=MIN_ACCURACY)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def folder(name):
    return DEFAULT_WEIGHTS.parent / name


@pytest.fixture(scope="module")
def network(folder):
    return checkpoint.load(folder)


@pytest.fixture(scope="module")
def sample_logits(network, samples):
    return predict_logits(network, samples.test)


@pytest.fixture(scope="module")
def on_all_test_images(network, full_data):
    return evaluate(network, full_data.test)


# ---------------------------------------------------------------- the networks


def test_shipped_weights_are_accurate_on_the_samples(sample_logits, name, samples):
    is_correct = (sample_logits.argmax(1) == samples.test.labels).float()
    assert len(is_correct) == 2000
    assert is_correct.mean() > MIN_ACCURACY[name] - 0.03
    assert min(is_correct[samples.test.labels == label].mean() for label in range(10)) > 0.6


def test_shipped_weights_are_accurate_on_all_test_images(on_all_test_images, name):
    assert on_all_test_images.images == 10_000
    assert on_all_test_images.accuracy >= MIN_ACCURACY[name]


def test_folders_are_named_after_their_network(network, name):
    assert network.architecture == name


def test_default_network_is_small_enough(shipped):
    assert DEFAULT_WEIGHTS.name == shipped.architecture == "deep"
    assert shipped.parameter_count <= 768_000
    assert (DEFAULT_WEIGHTS / "model.safetensors").stat().st_size <= 5_000_000


def test_default_network_knows_sketches_and_what_is_none(shipped):
    sketches, doodles = make_sketch_test_set(), SYNTHETIC_KINDS["doodles"].make(300, 2**31)
    of_sketches, of_doodles = (predict_logits(shipped, split) for split in (sketches, doodles))
    assert (of_sketches.argmax(1) == sketches.labels).float().mean() > 0.85
    known, unknown = (familiarity(to_probabilities(logits)) for logits in (of_sketches, of_doodles))
    assert (known[:, None] > unknown[None]).float().mean() > 0.9  # area under the ROC curve


def test_shipped_weights_are_calibrated(on_all_test_images):
    assert on_all_test_images.calibration_error <= 0.02


def test_top_activations_are_those_of_these_weights(folder, network, samples):
    found = explain.load(folder, network)
    assert found is not None
    for layer, each in explain.top_activations(network, samples.test).items():
        torch.testing.assert_close(found[layer].values, each.values, rtol=1e-3, atol=1e-3)
        # Another machine may round otherwise where two values are as large.
        assert (found[layer].boxes == each.boxes).all(2).float().mean() > 0.95, layer


# ---------------------------------------------------------------- the samples


def test_samples_are_as_many_of_each_class(samples):
    assert torch.bincount(samples.train.labels).tolist() == [1000] * 10
    assert torch.bincount(samples.test.labels).tolist() == [200] * 10
    for split in (samples.train, samples.test):
        assert len(split.numbers.unique()) == len(split)


def test_samples_carry_their_licence():
    with np.load(dataset.SAMPLES_FILE, allow_pickle=False) as archive:
        notice = str(archive["notice"])
    assert notice == (dataset.SAMPLES_FILE.parent / "LICENSE-Fashion-MNIST.txt").read_text()
    assert "The MIT License" in notice
    assert "Zalando" in notice
    assert "Permission is hereby granted, free of charge" in notice
    assert "THE SOFTWARE IS PROVIDED" in notice


@pytest.mark.parametrize("split", ["train", "test"])
def test_samples_are_images_of_the_data_set(samples, full_data, split):
    sample, whole = getattr(samples, split), getattr(full_data, split).take(getattr(samples, split).numbers)
    assert torch.equal(sample.pixels, whole.pixels)
    assert torch.equal(sample.labels, whole.labels)


def test_no_test_sample_is_among_the_training_samples(samples):
    prints = [
        {hashlib.sha256(image.numpy().tobytes()).digest() for image in split.pixels}
        for split in (samples.train, samples.test)
    ]
    assert prints[0].isdisjoint(prints[1])


# ---------------------------------------------------------------- the map


def test_map_belongs_to_the_shipped_weights(network, folder, samples, sample_logits):
    with safe_open(folder / projection.PROJECTION_FILE, framework="pt") as file:
        assert file.metadata()["weights"] == checkpoint.fingerprint(network)
    loaded = projection.load(folder, network, samples.test)
    assert loaded.tsne is not None  # it was taken, not worked out anew
    assert loaded.tsne.shape == (2000, 2)
    fitted = projection.fit(network, samples.test)
    # Another machine may round otherwise where two classes are as good.
    assert (loaded.predictions == sample_logits.argmax(1)).float().mean() >= 0.999
    torch.testing.assert_close(loaded.embeddings, fitted.embeddings, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(loaded.pca, fitted.pca, rtol=1e-2, atol=1e-2)


def test_map_brings_classes_together(network, folder, samples):
    loaded = projection.load(folder, network, samples.test)
    nearest = torch.cdist(loaded.tsne, loaded.tsne).fill_diagonal_(torch.inf).argmin(1)
    assert (loaded.predictions[nearest] == loaded.predictions).float().mean() > 0.85


# ---------------------------------------------------------------- the model card


@pytest.fixture(scope="module")
def card(folder):
    path = folder / "README.md"
    assert path.is_file(), f"{folder} has no model card"
    match = re.fullmatch(r"---\n(.*?)\n---\n(.*)", path.read_text(encoding="utf-8"), re.DOTALL)
    assert match, "the model card has no front matter between two lines of ---"
    return yaml.safe_load(match[1]), match[2]


def table_of(body):
    header = HEADER.search(body)
    assert header, "the model card has no table '| seed | test accuracy |'"
    lines = body[header.start() :].split("\n\n")[0]
    return {int(seed): float(accuracy) for seed, accuracy in ROW.findall(lines)}


def line_of(pattern, body):
    found = pattern.findall(body)
    assert len(found) == 1, f"the model card has {len(found)} lines {pattern.pattern}"
    return found[0]


def test_card_states_the_seeds_with_their_mean_and_deviation(card, name):
    accuracies = table_of(card[1])
    assert sorted(accuracies) == SEEDS
    mean, deviation = (float(text) for text in line_of(MEAN, card[1]))
    assert mean == pytest.approx(statistics.mean(accuracies.values()), abs=0.51e-4)
    assert deviation == pytest.approx(statistics.stdev(accuracies.values()), abs=0.51e-4)
    assert mean >= MIN_ACCURACY[name]


def test_card_states_the_accuracy_of_the_shipped_seed(card):
    seed, trained_on, accuracy = line_of(SHIPPED, card[1])
    assert trained_on or float(accuracy) == table_of(card[1])[int(seed)]
    metrics = card[0]["model-index"][0]["results"][0]["metrics"]
    assert [metric["value"] for metric in metrics if metric["type"] == "accuracy"] == [float(accuracy)]


def test_card_states_what_the_shipped_weights_reach(card, on_all_test_images):
    # Two images of 10,000: where two classes are as good, another machine may round otherwise.
    assert abs(float(line_of(SHIPPED, card[1])[2]) - on_all_test_images.accuracy) < 0.00025


def test_card_front_matter_is_what_the_hub_reads(folder):
    loaded = ModelCard.load(folder / "README.md")
    results = loaded.data.eval_results
    assert [result.metric_type for result in results].count("accuracy") == 1
    assert "fashion" in results[0].dataset_name.lower()
