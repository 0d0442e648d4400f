import json
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw
from torch.distributions import Categorical

from fmnist_core import CLASS_NAMES, inference
from fmnist_core.errors import ConfigError, NothingDrawn
from fmnist_core.evaluation import predict_logits
from fmnist_core.inference import Reading, in_words, read_picture, read_pixels, to_json
from fmnist_core.model import Network
from fmnist_core.preparation import PICTURE_KINDS, prepare


def test_reading_agrees_with_evaluation(shipped, samples):
    images = samples.test.take(torch.arange(0, 2000, 100))
    logits = predict_logits(shipped, images)
    for pixels, expected in zip(images.pixels, logits, strict=True):
        for reading in (read_pixels(shipped, pixels), read_picture(shipped, Image.fromarray(pixels.numpy()))):
            assert torch.equal(reading.pixels, pixels)
            torch.testing.assert_close(reading.trace.logits[0], expected, rtol=1e-4, atol=1e-4)
            torch.testing.assert_close(reading.probabilities, expected.softmax(0), rtol=1e-4, atol=1e-4)
            assert reading.label == int(expected.argmax())


def test_shipped_network_knows_most_samples_as_pictures(shipped, samples):
    correct = [
        read_picture(shipped, Image.fromarray(pixels.numpy())).label == label
        for pixels, label in zip(samples.test.pixels[:100], samples.test.labels[:100].tolist(), strict=True)
    ]
    assert np.mean(correct) > 0.8


def test_drawn_trousers_are_read_as_trousers(shipped):
    picture = Image.new("RGB", (280, 280), "white")
    draw = ImageDraw.Draw(picture)
    draw.polygon([(90, 20), (190, 20), (200, 260), (155, 260), (140, 80), (125, 260), (80, 260)], fill="black")
    reading = read_picture(shipped, picture)
    assert CLASS_NAMES[reading.label] == "Trouser"
    assert torch.equal(reading.trace.maps["conv1"], shipped.layers.conv1(shipped.to_inputs(reading.pixels[None])))
    assert (reading.pixels.numpy() == prepare(picture).pixels).all()


def test_empty_picture_gets_no_answer(shipped):
    with pytest.raises(NothingDrawn):
        read_picture(shipped, Image.new("L", (280, 280), 255))


def reading_of(probabilities, class_names=CLASS_NAMES):
    return Reading("sample", torch.zeros(28, 28), None, probabilities, class_names)


def probabilities(**classes):
    """Probabilities of the classes given by their numbers; the rest is spread over the others."""
    given = {int(name[1:]): value for name, value in classes.items()}
    rest = (1 - sum(given.values())) / (10 - len(given))
    return torch.tensor([given.get(label, rest) for label in range(10)])


@pytest.mark.parametrize(
    ("classes", "answer"),
    [
        ({"c9": 1.0}, "Ankle boot"),
        ({"c9": 0.81, "c7": 0.18}, "Ankle boot"),
        ({"c9": 0.79, "c7": 0.2}, "Ankle boot, perhaps Sneaker"),
        ({"c7": 0.5, "c9": 0.49}, "Sneaker, perhaps Ankle boot"),
        ({"c0": 0.7, "c6": 0.14}, "Probably T-shirt/top"),
        ({"c8": 0.6, "c0": 0.1, "c1": 0.1, "c2": 0.1, "c6": 0.1}, "Probably Bag"),
        ({"c8": 0.3}, "At a guess: Bag"),
    ],
)
def test_answer_in_words(classes, answer):
    assert in_words(reading_of(probabilities(**classes))) == answer


@given(st.lists(st.floats(-30, 30, width=32), min_size=10, max_size=10))
def test_familiarity_is_one_minus_the_normalised_entropy(logits):
    expected = torch.tensor(logits).softmax(0)
    familiarity = reading_of(expected).familiarity
    assert familiarity == pytest.approx(1 - Categorical(expected).entropy().item() / math.log(10), abs=1e-4)
    assert 0 <= familiarity <= 1


def test_familiarity_of_many_images_is_that_of_each():
    rows = torch.stack([probabilities(c3=1.0), probabilities(c3=0.1), probabilities(c0=0.5, c6=0.5)])
    assert inference.familiarity(rows).tolist() == [reading_of(row).familiarity for row in rows]


def test_familiarity_is_1_for_certainty_and_0_for_any_class():
    assert reading_of(probabilities(c3=1.0)).familiarity == 1
    assert reading_of(probabilities(c3=0.1)).familiarity == pytest.approx(0, abs=1e-6)
    assert reading_of(probabilities(c0=0.5, c6=0.5)).is_familiar  # in doubt between two classes is not unfamiliar
    assert not reading_of(probabilities(c0=0.1)).is_familiar


def test_kind_that_is_given_overrules_what_is_detected(original):
    picture = Image.new("RGB", (280, 280), "white")
    ImageDraw.Draw(picture).rectangle((60, 40, 220, 240), outline="black", width=6)
    detected = read_picture(original, picture)
    assert detected.kind == "drawing"
    for kind in PICTURE_KINDS:
        reading = read_picture(original, picture, kind)
        assert reading.kind == kind
        assert (reading.pixels.numpy() == prepare(picture, kind).pixels).all()
        assert torch.equal(reading.pixels, detected.pixels) == (kind == "drawing")
    with pytest.raises(ConfigError, match="no kind of picture 'painting', expected one of sample, drawing"):
        read_picture(original, picture, "painting")


def test_names_of_the_classes_are_those_of_the_network(samples):
    network = Network(class_names=["cat", "dog"]).eval()
    reading = read_pixels(network, samples.test.pixels[0])
    assert reading.class_names == network.class_names == ("cat", "dog")
    assert reading.probabilities.shape == (2,)
    assert reading.familiarity == pytest.approx(
        1 - Categorical(reading.probabilities).entropy().item() / math.log(2), abs=1e-4
    )
    answer = to_json("x", reading)
    assert answer["name"] == ("cat", "dog")[answer["label"]]
    assert list(answer["probabilities"]) == ["cat", "dog"]
    assert in_words(reading_of(torch.tensor([0.1, 0.9]), ("cat", "dog"))) == "dog"
    assert in_words(reading_of(torch.tensor([0.25, 0.75]), ("cat", "dog"))) == "At a guess: dog"


def test_answer_as_json(shipped, samples):
    reading = read_pixels(shipped, samples.test.pixels[0])
    answer = json.loads(json.dumps(to_json("a b.png", reading)))
    assert list(answer) == ["file", "kind", "label", "name", "probabilities", "familiarity", "error"]
    assert answer["file"] == "a b.png"
    assert answer["error"] is None
    assert answer["kind"] == "sample"
    assert answer["familiarity"] == reading.familiarity
    assert answer["name"] == CLASS_NAMES[answer["label"]]
    assert list(answer["probabilities"]) == list(CLASS_NAMES)
    assert list(answer["probabilities"].values()) == reading.probabilities.tolist()
    assert max(answer["probabilities"], key=answer["probabilities"].get) == answer["name"]


def test_error_as_json_has_the_same_keys(shipped, samples):
    good = to_json("x", read_pixels(shipped, samples.test.pixels[0]))
    bad = to_json("x", ConfigError("Nothing works."))
    assert list(bad) == list(good)
    assert bad == dict.fromkeys(good) | {"file": "x", "error": "Nothing works."}


def test_limits_of_the_answer_in_words_are_in_order():
    assert 0 < inference.WORTH_NAMING < 0.5 < inference.CONFIDENT < 1
