import json

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from fmnist_core import CLASS_NAMES, inference
from fmnist_core.errors import ConfigError, NothingDrawn
from fmnist_core.evaluation import all_logits
from fmnist_core.inference import in_words, read_picture, read_pixels, to_json
from fmnist_core.model import to_inputs
from fmnist_core.pixels import prepare


def test_reading_agrees_with_evaluation(shipped, samples):
    images = samples.test.take(torch.arange(0, 2000, 50))
    logits = all_logits(shipped, images)
    for pixels, expected in zip(images.pixels, logits, strict=True):
        for reading in (read_pixels(shipped, pixels), read_picture(shipped, Image.fromarray(pixels.numpy()))):
            assert torch.equal(reading.pixels, pixels)
            torch.testing.assert_close(reading.trace.logits[0], expected, rtol=1e-4, atol=1e-4)
            torch.testing.assert_close(reading.probabilities, expected.softmax(0), rtol=1e-4, atol=1e-4)
            assert reading.label == int(expected.argmax())


def test_shipped_network_knows_most_samples_as_pictures(shipped, samples):
    right = [
        read_picture(shipped, Image.fromarray(pixels.numpy())).label == label
        for pixels, label in zip(samples.test.pixels[:200], samples.test.labels[:200].tolist(), strict=True)
    ]
    assert np.mean(right) > 0.8


def test_what_is_drawn_is_what_is_read(shipped):
    picture = Image.new("RGB", (280, 280), "white")
    draw = ImageDraw.Draw(picture)
    draw.polygon([(90, 20), (190, 20), (200, 260), (155, 260), (140, 80), (125, 260), (80, 260)], fill="black")
    reading = read_picture(shipped, picture)
    assert CLASS_NAMES[reading.label] == "Trouser"
    assert torch.equal(reading.trace.maps["conv1"], shipped.layers.conv1(to_inputs(reading.pixels[None])))
    assert (reading.pixels.numpy() == prepare(picture).pixels).all()


def test_empty_picture_is_not_answered(shipped):
    with pytest.raises(NothingDrawn):
        read_picture(shipped, Image.new("L", (280, 280), 255))


def probabilities(**classes):
    """Probabilities of the classes given by their numbers; the rest is spread over the others."""
    given = {int(name[1:]): value for name, value in classes.items()}
    rest = (1 - sum(given.values())) / (10 - len(given))
    return torch.tensor([given.get(label, rest) for label in range(10)])


@pytest.mark.parametrize(
    ("classes", "words"),
    [
        ({"c9": 1.0}, "Ankle boot"),
        ({"c9": 0.81, "c7": 0.18}, "Ankle boot"),
        ({"c9": 0.79, "c7": 0.2}, "Ankle boot, perhaps Sneaker"),
        ({"c7": 0.5, "c9": 0.49}, "Sneaker, perhaps Ankle boot"),
        ({"c0": 0.7, "c6": 0.14}, "Probably T-shirt/top"),
        ({"c8": 0.3}, "Probably Bag"),
    ],
)
def test_answer_in_words(classes, words):
    assert in_words(probabilities(**classes)) == words


def test_answer_as_json(shipped, samples):
    reading = read_pixels(shipped, samples.test.pixels[0])
    answer = json.loads(json.dumps(to_json("a b.png", reading)))
    assert list(answer) == ["file", "label", "name", "probabilities", "familiarity", "error"]
    assert answer["file"] == "a b.png"
    assert answer["error"] is None
    assert answer["name"] == CLASS_NAMES[answer["label"]]
    assert list(answer["probabilities"]) == list(CLASS_NAMES)
    assert list(answer["probabilities"].values()) == reading.probabilities.tolist()
    assert max(answer["probabilities"], key=answer["probabilities"].get) == answer["name"]


def test_error_as_json_has_the_same_keys(shipped, samples):
    good = to_json("x", read_pixels(shipped, samples.test.pixels[0]))
    bad = to_json("x", ConfigError("Nothing works."))
    assert list(bad) == list(good)
    assert bad == dict.fromkeys(good) | {"file": "x", "error": "Nothing works."}


def test_words_have_limits_in_order():
    assert 0 < inference.WORTH_NAMING < 0.5 < inference.SURE < 1
