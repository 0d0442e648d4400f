import hashlib
import re
import statistics

import numpy as np
import pytest
import torch
import yaml
from huggingface_hub import ModelCard
from safetensors import safe_open

from fmnist_core import checkpoint, dataset, projection
from fmnist_core.__main__ import DEFAULT_WEIGHTS
from fmnist_core.evaluation import all_logits, measure

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
SHIPPED = re.compile(r"^Shipped weights: seed (\d+), test accuracy (0\.\d{4})$", re.MULTILINE)


@pytest.fixture(scope="module")
def on_all_test_images(shipped, full_data):
    return measure(shipped, full_data.test)


# ---------------------------------------------------------------- the network


def test_shipped_weights_are_right_on_the_samples(shipped, samples):
    measured = measure(shipped, samples.test)
    assert measured.images == 2000
    assert measured.accuracy > 0.88
    assert min(measured.per_class.values()) > 0.6


def test_shipped_weights_are_right_on_all_test_images(on_all_test_images):
    assert on_all_test_images.images == 10_000
    assert on_all_test_images.accuracy >= 0.91


def test_default_weights_are_the_original_network(shipped):
    assert shipped.architecture == DEFAULT_WEIGHTS.name == "original"


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


@pytest.mark.parametrize("part", ["train", "test"])
def test_samples_are_images_of_the_data_set(samples, full_data, part):
    sample, whole = getattr(samples, part), getattr(full_data, part).take(getattr(samples, part).numbers)
    assert torch.equal(sample.pixels, whole.pixels)
    assert torch.equal(sample.labels, whole.labels)


def test_no_test_sample_is_among_the_training_samples(samples):
    prints = [
        {hashlib.sha256(image.numpy().tobytes()).digest() for image in split.pixels}
        for split in (samples.train, samples.test)
    ]
    assert prints[0].isdisjoint(prints[1])


# ---------------------------------------------------------------- the map


def test_map_belongs_to_the_shipped_weights(shipped, samples):
    with safe_open(DEFAULT_WEIGHTS / projection.PROJECTION_FILE, framework="pt") as file:
        assert file.metadata()["weights"] == checkpoint.fingerprint(shipped)
    loaded = projection.load(DEFAULT_WEIGHTS, shipped, samples.test)
    assert loaded.tsne is not None  # it was taken, not worked out anew
    assert loaded.tsne.shape == (2000, 2)
    fitted = projection.fit(shipped, samples.test)
    # Another machine may round otherwise where two classes are as good.
    assert (loaded.answers == all_logits(shipped, samples.test).argmax(1)).float().mean() >= 0.999
    torch.testing.assert_close(loaded.embeddings, fitted.embeddings, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(loaded.pca, fitted.pca, rtol=1e-2, atol=1e-2)


def test_map_brings_classes_together(shipped, samples):
    loaded = projection.load(DEFAULT_WEIGHTS, shipped, samples.test)
    nearest = torch.cdist(loaded.tsne, loaded.tsne).fill_diagonal_(torch.inf).argmin(1)
    assert (loaded.answers[nearest] == loaded.answers).float().mean() > 0.85


# ---------------------------------------------------------------- the model card


@pytest.fixture(scope="module")
def card():
    path = DEFAULT_WEIGHTS / "README.md"
    assert path.is_file(), "weights/original has no model card"
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


def test_card_states_three_seeds_with_their_mean_and_deviation(card):
    accuracies = table_of(card[1])
    assert sorted(accuracies) == [0, 1, 2]
    mean, deviation = (float(text) for text in line_of(MEAN, card[1]))
    assert mean == pytest.approx(statistics.mean(accuracies.values()), abs=0.51e-4)
    assert deviation == pytest.approx(statistics.stdev(accuracies.values()), abs=0.51e-4)
    assert mean >= 0.910


def test_card_states_the_accuracy_of_the_shipped_seed(card):
    seed, accuracy = line_of(SHIPPED, card[1])
    assert float(accuracy) == table_of(card[1])[int(seed)]
    metrics = card[0]["model-index"][0]["results"][0]["metrics"]
    assert [metric["value"] for metric in metrics if metric["type"] == "accuracy"] == [float(accuracy)]


def test_card_states_what_the_shipped_weights_reach(card, on_all_test_images):
    # Two images of 10,000: where two classes are as good, another machine may round otherwise.
    assert abs(float(line_of(SHIPPED, card[1])[1]) - on_all_test_images.accuracy) < 0.00025


def test_card_front_matter_is_what_the_hub_reads(card):
    loaded = ModelCard.load(DEFAULT_WEIGHTS / "README.md")
    results = loaded.data.eval_results
    assert [result.metric_type for result in results].count("accuracy") == 1
    assert "fashion" in results[0].dataset_name.lower()
