import base64
import io
import json

import numpy as np
import pytest
import torch
from PIL import Image

from demo import payloads
from fmnist_core import CLASS_NAMES
from fmnist_core.inference import in_words, read_pixels
from fmnist_core.model import ARCHITECTURES, Network, Trace, layer_table
from fmnist_core.projection import Projection, fit_pixels, see


def numbers(text, kind=np.uint8):
    return np.frombuffer(base64.b64decode(text, validate=True), kind)


def values_of(layer):
    """What the page makes of a layer's quantised values."""
    return (numbers(layer["values"]).astype(np.float64) - 128) / 127 * layer["top"]


@pytest.fixture(scope="module")
def facts(shipped, samples):
    return json.loads(json.dumps(payloads.facts({"deep": shipped}, samples.test, "sheet.png"), allow_nan=False))


# --- what the page knows from the start -----------------------------------------------------------------------------


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_there_are_words_for_every_kind_of_layer(architecture):
    network = Network(architecture)
    kinds = {row.kind for row in layer_table(network)} | {type(layer).__name__ for layer in network.layers.children()}
    assert kinds <= figures.LAYERS_IN_WORDS.keys()
    for kind, words in figures.LAYERS_IN_WORDS.values():
        assert kind
        assert words.endswith(".")


def test_facts_describe_the_samples(facts, samples):
    told = facts["samples"]
    assert told["sheet"] == "sheet.png"
    assert told["count"] == len(samples.test) == 2000
    assert numbers(told["labels"]).tolist() == samples.test.labels.tolist()
    assert numbers(told["numbers"], "<u2").tolist() == samples.test.numbers.tolist()


def test_the_example_is_an_ankle_boot_that_the_network_knows(facts, samples, shipped):
    assert CLASS_NAMES[samples.test.labels[facts["example"]]] == "Ankle boot"
    assert CLASS_NAMES[read_pixels(shipped, samples.test.pixels[facts["example"]]).label] == "Ankle boot"


def test_facts_hold_the_table_of_layers(facts, shipped):
    rows = list(layer_table(shipped))
    assert [row["name"] for row in facts["layers"]] == [row.name for row in rows]
    assert [row["shape"] for row in facts["layers"]] == [list(row.shape) for row in rows]
    assert [row["parameters"] for row in facts["layers"]] == [row.parameters for row in rows]
    assert [row["kind"] for row in facts["layers"]] == [figures.LAYERS_IN_WORDS[row.kind][0] for row in rows]
    assert sum(row["parameters"] for row in facts["layers"]) == shipped.parameter_count


def test_every_class_has_a_name_and_a_colour_of_its_own(facts):
    assert facts["classes"] == list(CLASS_NAMES)
    assert len(set(facts["colours"])) == len(facts["colours"]) == 10
    for colour in facts["colours"]:
        assert len(bytes.fromhex(colour.removeprefix("#"))) == 3


@pytest.mark.parametrize("count", [1, 49, 50, 51, 120])
def test_each_sample_has_its_place_in_the_sheet(samples, count):
    split = samples.test.take(torch.arange(count))
    sheet = np.asarray(payloads.sheet(split))
    rows = -(-count // figures.SHEET_COLUMNS)
    assert sheet.shape == (28 * rows, 28 * figures.SHEET_COLUMNS)
    for index in range(rows * figures.SHEET_COLUMNS):
        left, top = 28 * (index % figures.SHEET_COLUMNS), 28 * (index // figures.SHEET_COLUMNS)
        cell = sheet[top : top + 28, left : left + 28]
        assert (cell == (split.pixels[index].numpy() if index < count else 0)).all()


# --- maps -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("index", [0, 7, 1999])
def test_maps_are_the_trace_within_half_a_level(shipped, samples, index):
    reading = read_pixels(shipped, samples.test.pixels[index])
    for name, output in reading.trace.maps.items():
        maps = payloads.layer_maps(reading.trace, name)
        assert maps["layer"] == name
        assert maps["shape"] == list(output.shape[1:])
        values = output[0].numpy().astype(np.float64).reshape(len(maps["tops"]), -1)
        tops = np.array(maps["tops"])[:, None]
        assert tops == pytest.approx(np.abs(values).max(1, keepdims=True), abs=1e-8)
        levels = numbers(maps["values"]).reshape(values.shape)
        assert (np.abs((levels - 128.0) / 127 * tops - values) <= tops / 254 * 1.001).all()
        assert levels.min() >= 1


def levels(values):
    """The levels of one layer that puts out ``values``."""
    network = Network("original")
    output = torch.tensor([values], dtype=torch.float32)
    trace = Trace({name: output for name, _ in network.layers.named_children()}, output, output)
    layer = payloads.layer_maps(trace, "fc1")
    return layer["tops"][0], numbers(layer["values"]).tolist()


@pytest.mark.parametrize(
    ("values", "top", "expected"),
    [
        ([0.0, 2.0, -2.0], 2.0, [128, 255, 1]),
        ([0.0, -3.0, 1.5], 3.0, [128, 1, 192]),
        ([4.0, 4.0, 4.0], 4.0, [255, 255, 255]),
        ([1e30, -1e30, 0.0], 1e30, [255, 1, 128]),
        ([0.0, 0.0, 0.0], 1e-9, [128, 128, 128]),
        ([1e-20, -1e-20, 0.0], 1e-9, [128, 128, 128]),
    ],
)
def test_zero_is_level_128_and_the_largest_value_is_at_an_end(values, top, expected):
    assert levels(values) == (pytest.approx(top), expected)


# --- answers --------------------------------------------------------------------------------------------------------


def test_an_answer_holds_what_is_wanted(shipped, shipped_session, samples):
    reading = read_pixels(shipped, samples.test.pixels[3])
    always = {"words", "probabilities", "familiarity", "note", "kind", "pixels"}
    for want, parts in [
        ({}, set()),
        ({"maps": "conv1"}, {"maps"}),
        ({"spots": True}, {"spots", "nearest"}),
        ({"maps": "out", "spots": True}, {"maps", "spots", "nearest"}),
        ({"channel": ["conv1", 1], "pixel": [0, 1, 2]}, {"channel", "pixel"}),
        ({"trace": True, "words": True}, set()),
    ]:
        answer = payloads.answer(reading, shipped, shipped_session.projection, want)
        assert answer.keys() == always | parts
        json.dumps(answer, allow_nan=False)
    assert answer["words"] == in_words(reading)
    assert answer["probabilities"] == reading.probabilities.tolist()
    assert (numbers(answer["pixels"]).reshape(28, 28) == samples.test.pixels[3].numpy()).all()


# --- the map --------------------------------------------------------------------------------------------------------


def places(points, name):
    return numbers(points[name], "<u2").reshape(-1, 2) / 65535


@pytest.fixture(scope="module")
def pixel_map(samples):
    return fit_pixels(samples.test)


def test_points_fill_the_map(shipped_session, samples, pixel_map):
    shown = shipped_session.projection
    points = payloads.points(shown, pixel_map)
    assert points.keys() == {"pca", "pixels", "tsne", "answers"}
    for name, frame in (("pca", shown.pca), ("pixels", pixel_map.spots), ("tsne", shown.tsne)):
        spots = places(points, name)
        assert spots.shape == (len(samples.test), 2)
        assert spots.min(0).tolist() == [0, 0]
        assert spots.max(0).tolist() == [1, 1]
        # The same picture, only moved and scaled: each axis is a straight line of the projection's.
        for axis in (0, 1):
            low, high = float(frame[:, axis].min()), float(frame[:, axis].max())
            expected = (frame[:, axis].numpy() - low) / (high - low)
            assert np.abs(spots[:, axis] - expected).max() < 0.51 / 65535
    assert numbers(points["answers"]).tolist() == shipped_session.projection.answers.tolist()


def test_a_sample_lies_at_its_own_place(shipped, shipped_session, samples, pixel_map):
    points = payloads.points(shipped_session.projection, pixel_map)
    for index in range(0, 2000, 37):
        spots = payloads.spots(
            read_pixels(shipped, samples.test.pixels[index]).trace.embedding, shipped_session.projection
        )
        assert spots["spots"].keys() == {"pca", "tsne"}
        for name, spot in spots["spots"].items():
            assert spot == pytest.approx(places(points, name)[index], abs=1e-4)
        spot = payloads.pixel_spot(samples.test.pixels[index], pixel_map)
        assert spot == pytest.approx(places(points, "pixels")[index], abs=1e-4)
        assert len(spots["nearest"]) == 5
        assert spots["nearest"][0] == {"index": index, "distance": pytest.approx(0, abs=1e-3)}
        distances = [near["distance"] for near in spots["nearest"]]
        assert distances == sorted(distances)
        assert len({near["index"] for near in spots["nearest"]}) == 5


def small(spots, tsne=None):
    """A map whose PCA spots are the embeddings themselves."""
    embeddings = torch.tensor(spots)
    axes, mean = torch.eye(2), torch.zeros(2)
    return Projection(embeddings, torch.zeros(len(spots), dtype=torch.int64), mean, axes, tsne)


def test_a_place_outside_the_map_is_told_as_such():
    projection = small([[0.0, 0.0], [4.0, 2.0]])
    assert payloads.spots(torch.tensor([[8.0, -1.0]]), projection)["spots"]["pca"] == [2.0, -0.5]
    assert payloads.spots(torch.tensor([[1.0, 1.0]]), projection)["spots"]["pca"] == [0.25, 0.5]


def test_without_tsne_there_is_none(pixel_map):
    projection = small([[0.0, 0.0], [4.0, 2.0], [1.0, 1.0]])
    assert payloads.points(projection, pixel_map)["tsne"] is None
    assert payloads.spots(torch.tensor([[1.0, 1.0]]), projection)["spots"].keys() == {"pca"}


def test_a_map_without_width_stays_finite(pixel_map):
    projection = small([[1.0, 0.0], [1.0, 2.0]])
    assert numbers(payloads.points(projection, pixel_map)["pca"], "<u2").tolist() == [0, 0, 0, 65535]
    json.dumps(payloads.spots(torch.tensor([[1.0, 1.0]]), projection), allow_nan=False)


def test_more_points_are_on_the_same_maps(shipped, shipped_session, samples, pixel_map):
    """Images shown later lie where the visitor's picture with the same pixels would."""
    images = samples.train.take(torch.arange(40))
    embeddings, answers = see(shipped, images)
    more = payloads.more_points(images, embeddings, answers, shipped_session.projection, pixel_map)
    json.dumps(more, allow_nan=False)
    assert numbers(more["labels"]).tolist() == images.labels.tolist()
    assert numbers(more["numbers"], "<u2").tolist() == images.numbers.tolist()
    assert numbers(more["answers"]).tolist() == answers.tolist()
    for index in range(40):
        reading = read_pixels(shipped, images.pixels[index])
        spots = payloads.spots(reading.trace.embedding, shipped_session.projection)["spots"]
        spots["pixels"] = payloads.pixel_spot(images.pixels[index], pixel_map)
        for name, spot in spots.items():
            assert numbers(more[name], "<f4").reshape(-1, 2)[index] == pytest.approx(spot, abs=1e-3)
    with_no_tsne = small([[0.0, 0.0], [4.0, 2.0]])
    assert payloads.more_points(images, embeddings[:, :2], answers, with_no_tsne, pixel_map)["tsne"] is None


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_png_is_the_picture(mode, trousers):
    picture = trousers.convert(mode)
    with Image.open(io.BytesIO(base64.b64decode(payloads.png(picture), validate=True))) as read:
        assert read.format == "PNG"
        assert read.mode == mode
        assert (np.asarray(read) == np.asarray(picture)).all()
