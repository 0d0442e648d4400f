import base64
import io
import json
import os
import re
import struct
import zipfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from networks import new
from PIL import Image
from wire import (
    ANNA,
    BERT,
    HTML_NAME,
    INFINITY,
    NAN,
    SETTINGS,
    as_array,
    asking,
    dequantised,
    error_of,
    in_base64,
    pixels_of,
)

from demo import handlers as module
from demo import payloads
from demo.actions import NoSuchAction, Speed
from demo.handlers import Handlers
from demo.limits import Limits
from demo.requests import BadRequest, EventsRequest, NetworkRequest, PictureRequest, Request, Wants
from demo.session import Record, Session, Sessions
from demo.training_queue import TrainingQueue
from fmnist_core import CLASS_NAMES, checkpoint, explain, inference, projection
from fmnist_core.checkpoint import weights_of
from fmnist_core.comparison import Comparison
from fmnist_core.model import to_probabilities
from fmnist_core.packing import pack
from fmnist_core.preparation import PICTURE_KINDS, prepare, prepare_naively
from fmnist_core.projection import NEIGHBOURS
from fmnist_core.snapshots import Snapshots
from fmnist_core.train_config import TrainConfig

ROUNDING = 1e-5

ACTIONS = {
    *("facts", "answer", "which", "open_file", "choose", "layers", "channel", "reasons", "points", "remaining_points"),
    *("answer_by", "teach", "networks", "compare", "rename", "forget"),
    *("train_check", "train_start", "train_state", "train_change", "train_stop", "restore", "animation"),
    *("download", "upload"),
}
FIELDS = {"answer": "picture", "open_file": "file"}  # in which each is sent a picture
WHICH = {"network", "session", "own"}
NOTHING = WHICH | {"empty"}  # drawn
ALWAYS = WHICH | {"words", "probabilities", "familiarity", "note", "kind", "pixels"}


@pytest.fixture
def sessions(shipped_session, original_session):
    return Sessions([shipped_session, original_session])


@pytest.fixture
def open_handlers(sessions, samples):
    """``open_handlers()`` gives handlers whose trainings nobody starts; ``options`` are theirs."""

    def open_handlers(**options):
        return Handlers(sessions, samples.test, TrainingQueue(sessions, samples.test, "samples"), **options)

    return open_handlers


@pytest.fixture
def handlers(open_handlers):
    return open_handlers()


@pytest.fixture
def ask(handlers):
    return asking(handlers)


@pytest.fixture(scope="session")
def random_session(samples):
    """A visitor's own network, which has learned nothing."""
    network = new("original", seed=5)
    return Session(network, projection.fit(network, samples.test))


def png_of(base64_text):
    """The picture in a PNG file that came in base64."""
    picture = Image.open(io.BytesIO(as_array(base64_text).tobytes()))
    picture.load()
    assert picture.format == "PNG"
    return picture


# --- requests and replies --------------------------------------------------------------------------------------------


def test_every_action_says_what_it_is_asked():
    actions = {name for name, method in vars(Handlers).items() if hasattr(method, "request")}
    assert actions == ACTIONS
    for name in actions:
        assert issubclass(getattr(Handlers, name).request, Request)
        assert getattr(Handlers, name).speed in get_args(Speed)


def test_an_action_answers_a_typed_request_as_it_answers_its_fields(handlers, ask):
    typed = handlers.answer(PictureRequest(ANNA, sample=3, wants=Wants(maps="out")))
    assert ask("answer", sample=3, want={"maps": "out"}) == json.loads(json.dumps(typed))


@pytest.mark.parametrize("index", [0, 1, 500, 1999])
def test_answer_to_a_sample_is_that_of_the_core(ask, shipped, samples, index):
    answer = ask("answer", sample=index)
    reading = inference.read_pixels(shipped, samples.test.pixels[index])
    assert answer.keys() == ALWAYS
    assert answer["probabilities"] == pytest.approx(reading.probabilities.tolist(), rel=1e-5, abs=1e-9)
    assert sum(answer["probabilities"]) == pytest.approx(1, abs=1e-5)
    assert answer["words"] == inference.in_words(reading)
    assert (pixels_of(answer) == samples.test.pixels[index].numpy()).all()


def test_answer_to_a_picture_is_that_of_the_core(ask, shipped, trousers, file_of):
    answer = ask("answer", picture=in_base64(file_of(trousers)))
    reading = inference.read_picture(shipped, trousers)
    assert answer["words"] == "Trouser"
    assert answer["probabilities"] == pytest.approx(reading.probabilities.tolist(), rel=1e-5, abs=1e-9)
    assert (pixels_of(answer) == reading.pixels.numpy()).all()


def test_page_and_command_line_give_the_same_answer(ask, cli, trousers, file_of, tmp_path):
    for kind, options in (
        ("PNG", {}),
        ("JPEG", {"quality": 60}),
        ("GIF", {}),
        ("WEBP", {"lossless": True}),
        ("BMP", {}),
    ):
        contents = file_of(trousers, kind, **options)
        (tmp_path / f"drawing.{kind}").write_bytes(contents)
        expected = json.loads(cli("predict", tmp_path / f"drawing.{kind}", "--json").out)
        answer = ask("answer", picture=in_base64(contents), name=f"drawing.{kind}")
        assert answer["probabilities"] == pytest.approx(list(expected["probabilities"].values()), rel=1e-5, abs=1e-9)
        assert CLASS_NAMES[np.argmax(answer["probabilities"])] == expected["name"] == "Trouser"


def test_a_sample_as_a_picture_gets_the_sample_s_answer(ask, samples, file_of):
    for index in (3, 777):
        picture = Image.fromarray(samples.test.pixels[index].numpy())
        enlarged = picture.resize((280, 280), Image.Resampling.NEAREST)
        expected = ask("answer", sample=index)
        assert ask("answer", picture=in_base64(file_of(picture))) == expected
        assert ask("answer", picture=in_base64(file_of(enlarged)), name="x.png") == expected


# --- what the open views want ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("want", "more"),
    [
        ({}, set()),
        ({"maps": "conv1"}, {"maps"}),
        ({"coordinates": True}, {"coordinates", "nearest"}),
        ({"coordinates": True, "maps": "out"}, {"maps", "coordinates", "nearest"}),
        ({"everything": 1, "": None}, set()),
        (["maps", "coordinates"], set()),
        ("maps", set()),
        (None, set()),
        (5, set()),
        (True, set()),
    ],
)
def test_want_decides_what_comes(ask, want, more):
    assert ask("answer", sample=1, want=want).keys() == ALWAYS | more


def test_maps_are_the_trace_of_every_layer_in_order(ask, shipped, trousers, file_of):
    trace = inference.read_picture(shipped, trousers).trace
    for name, output in trace.maps.items():
        maps = ask("answer", picture=in_base64(file_of(trousers)), want={"maps": name})["maps"]
        assert maps["layer"] == name
        assert maps["shape"] == list(output[0].shape)
        values, error = dequantised(maps)  # each map by itself, or a vector as a whole
        assert (np.abs(values - output[0].numpy().reshape(values.shape)) <= error + ROUNDING).all()


@pytest.mark.parametrize("name", ["", "conv99", "__class__", "<img>", "x" * 10_000, None, True, 3, ["conv1"], {"a": 1}])
def test_a_layer_that_does_not_exist_has_no_maps(ask, name):
    assert ask("answer", sample=1, want={"maps": name}).keys() == ALWAYS


NO_CHANNELS = (None, "conv1", [], ["conv1"], ["conv99", 0], ["conv1", -1], ["conv1", 32], ["conv1", "0"],
               ["conv1", 0.0], [0, "conv1"], ["conv1", 0, 0], [["conv1"], 0])  # fmt: skip
NO_PIXELS = (None, 0, [0], [0, 0], [32, 0, 0], [0, 28, 0], [0, 0, -1], [0, 0, 1e9], "000")


@pytest.mark.parametrize("want", [{"channel": each} for each in NO_CHANNELS] + [{"pixel": each} for each in NO_PIXELS])
def test_what_a_network_does_not_have_is_left_out(ask, want):
    assert ask("answer", sample=1, want=want).keys() == ALWAYS


def test_the_answer_without_a_channel(ask, shipped, samples):
    trace = inference.read_pixels(shipped, samples.test.pixels[8]).trace
    for layer, channel in (("conv1", 3), ("relu4", 40), ("flatten", 7), ("out", 9)):
        found = ask("answer", sample=8, want={"channel": [layer, channel]})["channel"]
        assert (found["layer"], found["channel"]) == (layer, channel)
        expected = to_probabilities(explain.ablate_channel(shipped, trace, layer, channel))[0]
        assert found["probabilities"] == pytest.approx(expected.tolist(), abs=1e-6)


def test_the_sum_behind_a_pixel(ask, shipped, samples):
    maps = inference.read_pixels(shipped, samples.test.pixels[8]).trace.maps["conv1"][0]
    side = shipped.layers.conv1.kernel_size[0]
    padding = shipped.layers.conv1.padding[0]
    for channel, row, column in ((0, 0, 0), (maps.shape[0] - 1, maps.shape[1] - 1, maps.shape[2] - 1), (5, 14, 9)):
        found = ask("answer", sample=8, want={"pixel": [channel, row, column]})["pixel"]
        products = np.array(found["patch"]) * np.array(found["kernel"])
        assert products.shape == (side, side)
        assert products.sum() + found["bias"] == pytest.approx(found["total"], abs=1e-5)
        assert found["total"] == pytest.approx(float(maps[channel, row, column]), abs=1e-4)
        assert (found["top"], found["left"]) == (row - padding, column - padding)


# --- the network from inside ----------------------------------------------------------------------------------------


def test_layers_are_those_of_the_visitor_s_network(ask, shipped, original):
    rows = ask("layers")["layers"]
    assert [row["name"] for row in rows] == shipped.layer_names
    assert all(row["kind"] and row["words"].endswith(".") for row in rows)
    assert sum(row["parameters"] for row in rows) == shipped.parameter_count
    assert ask("choose", network="original") == {}
    assert [row["name"] for row in ask("layers")["layers"]] == original.layer_names


def test_a_channel_its_weights_and_what_activates_it_most(ask, shipped, samples):
    for layer, channel, maker in (("conv1", 3, "conv1"), ("relu4", 40, "conv4"), ("out", 9, "out")):
        found = ask("channel", layer=layer, channel=channel)
        assert found["maker"] == maker
        weights = dict(shipped.layers.named_children())[maker].weight[channel].detach()
        assert found["weights"]["shape"] == list(weights.shape)
        values, error = dequantised(found["weights"])
        assert np.abs(values.flatten() - weights.flatten().numpy()).max() <= error.max() + ROUNDING
        top = [each["value"] for each in found["top"]]
        assert len(top) == 9
        assert top == sorted(top, reverse=True)
        for each in found["top"]:
            maps = inference.read_pixels(shipped, samples.test.pixels[each["index"]]).trace.maps[layer][0, channel]
            assert float(maps.max()) == pytest.approx(each["value"], rel=1e-3, abs=1e-3)
            left, top_, right, bottom = each["box"]
            assert 0 <= left < right <= 28
            assert 0 <= top_ < bottom <= 28


def test_top_activations_are_worked_out_once_for_a_network(ask, sessions, random_session, monkeypatch):
    session = Session(random_session.network, random_session.projection)
    sessions.put(ANNA, session)
    worked = []
    top_activations = explain.top_activations
    monkeypatch.setattr(
        explain, "top_activations", lambda *arguments: worked.append(arguments) or top_activations(*arguments)
    )
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda channel: ask("channel", layer="conv1", channel=channel), range(6)))
    assert len(worked) == 1
    for channel, each in enumerate(found):
        strongest = session.cache["top_activations"]["conv1"]
        assert [top["index"] for top in each["top"]] == strongest.indices[channel].tolist()


@pytest.mark.parametrize(
    ("layer", "channel", "sentence"),
    [
        ("conv99", 0, "no such layer"),
        (None, 0, "no layer"),
        (["conv1"], 0, "no layer"),
        ("conv1", -1, r"no such channel, expected 0\.\.31"),
        ("conv1", 32, r"no such channel, expected 0\.\.31"),
        ("conv1", 10**30, "no such channel"),
        ("conv1", True, "no whole number channel"),
        ("conv1", None, "no whole number channel"),
        ("conv1", "0", "no whole number channel"),
    ],
)
def test_no_such_channel(ask, layer, channel, sentence):
    assert re.search(sentence, error_of(ask("channel", layer=layer, channel=channel)))


def test_reasons_for_the_best_class_or_for_the_one_named(ask, shipped, samples):
    pixels = samples.test.pixels[21]
    reading = inference.read_pixels(shipped, pixels)
    contents = in_base64(pixels.numpy().tobytes())
    for label in (None, 0, 9):
        found = ask("reasons", pixels=contents, label=label)
        assert found["label"] == (reading.label if label is None else label)
        expected = explain.grad_cam(shipped, reading.trace, found["label"]).numpy()
        assert np.abs(as_array(found["grad_cam"]).reshape(28, 28) / 255 - expected).max() < 0.004
        assert found["occlusion"]["shape"] == [1, 28, 28]
        values, error = dequantised(found["occlusion"])
        expected = explain.occlusion(shipped, pixels, found["label"]).numpy()
        assert np.abs(values.reshape(28, 28) - expected).max() <= error.max() + 1e-4


@pytest.mark.parametrize(
    ("label", "sentence"),
    [(-1, "no such class, expected 0..9"), (10, "no such class, expected 0..9")]
    + [(label, "no whole number label") for label in (True, "0", 1.0, [1])],
)
def test_reasons_for_no_such_class(ask, label, sentence):
    assert sentence in error_of(ask("reasons", pixels=in_base64(bytes(784)), label=label))


@pytest.mark.parametrize("pixels", [None, 5, "", "!", in_base64(bytes(783))])
def test_reasons_for_pixels_of_another_form(ask, pixels):
    error_of(ask("reasons", pixels=pixels))


# --- the map --------------------------------------------------------------------------------------------------------


def test_coordinates_of_a_sample_are_its_place_among_the_points(ask):
    points = ask("points")
    maps = {name: as_array(points[name], "<u2").reshape(-1, 2) / 65535 for name in ("pca", "pixels", "tsne")}
    for index in (0, 321, 1999):
        answer = ask("answer", sample=index, want={"coordinates": True})
        assert answer["coordinates"].keys() == maps.keys()
        for name, coordinates in maps.items():
            assert answer["coordinates"][name] == pytest.approx(coordinates[index], abs=1e-4)
        neighbours = [near["index"] for near in answer["nearest"]]
        assert len(set(neighbours)) == NEIGHBOURS
        assert index not in neighbours  # it is not its own neighbour
        distances = [near["distance"] for near in answer["nearest"]]
        assert distances == sorted(distances)
        assert distances[0] > 0.01


def test_points_hold_the_network_s_predictions(ask, shipped, samples):
    predictions = as_array(ask("points")["predictions"])
    for index in range(0, 2000, 100):
        assert predictions[index] == inference.read_pixels(shipped, samples.test.pixels[index]).label


# --- the test images that are not shipped ---------------------------------------------------------------------------


@pytest.fixture
def ask_all(open_handlers, remaining):
    """As ``ask``, on a server that has the whole data set."""
    return asking(open_handlers(remaining=remaining))


@pytest.fixture
def short_chunks(monkeypatch):
    """A deep network sees 1,000 images in seconds: 20 are enough to see what a chunk is."""
    monkeypatch.setattr(module, "CHUNK", 20)


def test_a_sample_further_on_is_one_of_the_remaining_images(ask_all, remaining, shipped):
    for index in (2000, 7777, 9999):
        answer = ask_all("answer", sample=index)
        pixels = remaining.images().pixels[index - 2000]
        assert (pixels_of(answer) == pixels.numpy()).all()
        assert answer["probabilities"] == pytest.approx(inference.read_pixels(shipped, pixels).probabilities.tolist())
    for index in (10_000, -1, 10**30):
        assert "0..9999" in error_of(ask_all("answer", sample=index))


@pytest.mark.usefixtures("short_chunks")
def test_a_chunk_of_the_remaining_images_lies_where_their_answers_say(ask_all, remaining, shipped):
    assert ask_all("points")["remaining"] == 8000
    for chunk in (0, 7, 399):
        points = ask_all("remaining_points", chunk=chunk)
        assert points["count"] == 8000
        assert points["sheet"].endswith("/remaining.png")
        assert [len(as_array(points[name], "<f4")) for name in ("pca", "pixels", "tsne")] == [40] * 3
        for place in (0, 19):
            index = 2000 + 20 * chunk + place
            answer = ask_all("answer", sample=index, want={"coordinates": True})
            assert answer["coordinates"].keys() == {"pca", "pixels", "tsne"}
            for name, coordinates in answer["coordinates"].items():
                assert as_array(points[name], "<f4").reshape(-1, 2)[place] == pytest.approx(coordinates, abs=1e-3)
            prediction = as_array(points["predictions"])[place]
            assert prediction == inference.read_pixels(shipped, remaining.images().pixels[index - 2000]).label
            assert as_array(points["labels"])[place] == remaining.images().labels[index - 2000]


@pytest.mark.usefixtures("short_chunks")
@pytest.mark.parametrize(
    ("chunk", "sentence"),
    [(chunk, "no such chunk, expected 0..399") for chunk in (-1, 400, 10**30)]
    + [(chunk, "no whole number chunk") for chunk in (1.0, True, None, "0", [0], {}, NAN)],
)
def test_no_such_chunk(ask_all, chunk, sentence):
    assert sentence in error_of(ask_all("remaining_points", chunk=chunk))


@pytest.fixture
def fresh_session(sessions, shipped_session):
    """For Anna and Bert, a session for which nothing was worked out."""
    fresh = Session(shipped_session.network, shipped_session.projection)
    for visitor in (ANNA, BERT):
        sessions.put(visitor, fresh)
    return fresh


@pytest.mark.usefixtures("short_chunks", "fresh_session")
def test_a_chunk_is_worked_out_once_for_a_network(ask_all, sessions, random_session, monkeypatch):
    embedded = []
    embed = projection.embed
    monkeypatch.setattr(projection, "embed", lambda network, images: embedded.append(network) or embed(network, images))
    with ThreadPoolExecutor(6) as pool:
        replies = list(pool.map(lambda visitor: ask_all("remaining_points", visitor, chunk=3), [ANNA, BERT] * 6))
    assert len(embedded) == 1
    assert all(reply == replies[0] for reply in replies)
    # Another network has another map; what was worked out goes with its session.
    sessions.put(ANNA, Session(random_session.network, random_session.projection))
    mine = ask_all("remaining_points", ANNA, chunk=3)
    assert mine["pixels"] == replies[0]["pixels"]
    assert mine["pca"] != replies[0]["pca"]
    assert mine["tsne"] is None
    assert len(embedded) == 2
    assert ask_all("remaining_points", BERT, chunk=3) == replies[0]
    assert len(embedded) == 2


@pytest.mark.usefixtures("short_chunks", "fresh_session")
def test_a_chunk_that_fails_is_tried_again(ask_all, monkeypatch):
    def fail(*_):
        raise BadRequest("Not this time.")

    with monkeypatch.context() as patch:
        patch.setattr(projection, "embed", fail)
        assert error_of(ask_all("remaining_points", chunk=1)) == "Not this time."
    assert ask_all("remaining_points", chunk=1)["count"] == 8000


def test_without_the_data_set_there_are_no_remaining_images(ask):
    assert ask("points")["remaining"] == 0
    assert "no other" in error_of(ask("remaining_points", chunk=0))
    assert "0..1999" in error_of(ask("answer", sample=2000))


# --- nothing drawn --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("colour", ["white", "black", (200, 30, 60)])
def test_an_empty_picture_gets_no_label(ask, file_of, colour):
    picture = in_base64(file_of(Image.new("RGB", (224, 224), colour)))
    reply = ask("answer", picture=picture, want={"maps": "out", "coordinates": True})
    assert reply.keys() == NOTHING
    assert reply["empty"].endswith(".")
    assert not any(name in reply["empty"] for name in CLASS_NAMES)


def test_a_dot_gets_no_label(ask, file_of):
    picture = Image.new("RGB", (224, 224), "white")
    picture.paste("black", (100, 100, 104, 104))
    assert ask("answer", picture=in_base64(file_of(picture))).keys() == NOTHING


# --- what is wrong with a request is said in a sentence --------------------------------------------------------------


def png_of_size(width, height):
    """A PNG file whose header promises that size, and which holds nothing else."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    end = b"IEND"
    chunks = b"".join(
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) for chunk in (header, end)
    )
    return b"\x89PNG\r\n\x1a\n" + chunks


BAD_FILES = {
    "text": (b"This is no picture.\n", "not a picture"),
    "html": (b"<!doctype html><script>alert(1)</script>", "not a picture"),
    "nothing": (b"", "is empty"),
    "svg": (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
    "heic": (b"\0\0\0\x18ftypheic" + bytes(100), "HEIC"),
    "zeros": (bytes(1000), "not a picture"),
    "huge": (png_of_size(30_000, 30_000), "too large"),
    "a little too large": (png_of_size(5000, 4001), "20 million pixels"),
    "header only": (png_of_size(100, 100), "cannot be read"),
}


@pytest.mark.parametrize("action", FIELDS)
@pytest.mark.parametrize("case", BAD_FILES)
def test_a_bad_file_is_answered_with_a_sentence(ask, action, case):
    contents, words = BAD_FILES[case]
    sentence = error_of(ask(action, **{FIELDS[action]: in_base64(contents)}, name="My file.png"))
    assert sentence.startswith("My file.png ")
    assert words in sentence


@pytest.mark.parametrize("action", FIELDS)
@pytest.mark.parametrize(("kind", "fraction"), [("PNG", 0.5), ("PNG", 0.1), ("JPEG", 0.5), ("GIF", 0.3), ("WEBP", 0.5)])
def test_a_truncated_picture(ask, file_of, samples, action, kind, fraction):
    noisy = Image.fromarray(samples.test.pixels[:16].reshape(16 * 28, 28).numpy())  # fills more than a header
    contents = file_of(noisy, kind)
    truncated = in_base64(contents[: int(fraction * len(contents))])
    sentence = error_of(ask(action, **{FIELDS[action]: truncated}, name="Cut.png"))
    assert sentence.startswith("Cut.png cannot be read") or sentence.startswith("Cut.png is ")


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # what it says about damaged metadata
@pytest.mark.parametrize("action", FIELDS)
def test_damaged_bytes_never_raise(ask, file_of, trousers, action):
    generator = np.random.default_rng(0)
    for kind in ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF"):
        whole = np.frombuffer(file_of(trousers, kind), np.uint8)
        for _ in range(8):
            damaged = whole.copy()
            where = generator.integers(0, min(len(damaged), 600), 12)
            damaged[where] = generator.integers(0, 256, 12)
            reply = ask(action, **{FIELDS[action]: in_base64(damaged.tobytes())}, name="Damaged")
            if "error" in reply:
                assert "no picture in the request" not in error_of(reply)


@pytest.mark.parametrize("action", FIELDS)
@pytest.mark.parametrize(
    "file", ["!!!!", "AAA", "AAAA\n", "AAAA====AAAA", "é" * 8, "\ud800AAA", "data:image/png;base64,AAAA", "\0\0\0\0"]
)
def test_broken_base64(ask, action, file):
    assert "damaged" in error_of(ask(action, **{FIELDS[action]: file}))


@pytest.mark.parametrize("contents", [None, 5, ["AAAA"], {"path": "/etc/passwd"}])
@pytest.mark.parametrize("action", FIELDS)
def test_a_missing_picture(ask, action, contents):
    assert "no picture" in error_of(ask(action))
    assert "no picture" in error_of(ask(action, **{FIELDS[action]: contents}))


def test_open_file_looks_at_the_file_only(ask, file_of, trousers):
    assert "no picture" in error_of(ask("open_file", picture=in_base64(file_of(trousers))))
    assert "no picture" in error_of(ask("open_file", sample=1))


@pytest.mark.parametrize("action", FIELDS)
def test_the_size_of_a_file_has_a_limit(ask, action):
    limit = Limits().upload_bytes
    fits, larger = in_base64(bytes(limit)), in_base64(bytes(limit + 6))
    assert "not a picture" in error_of(ask(action, **{FIELDS[action]: fits, "name": "Large.png"}))
    assert error_of(ask(action, **{FIELDS[action]: larger, "name": "Large.png"})) == "Large.png is larger than 20 MB."


@pytest.mark.parametrize(
    ("sample", "sentence"),
    [(sample, "no such test sample, expected 0..1999") for sample in (-1, 2000, 10**30)]
    + [(sample, "no whole number sample") for sample in ("x", "1", 1.0, True, False, None, [1], {}, INFINITY)],
)
def test_no_such_sample(ask, sample, sentence):
    assert sentence in error_of(ask("answer", sample=sample))


@pytest.mark.parametrize("name", sorted(ACTIONS))
@pytest.mark.parametrize(
    "visitor",
    [None, "", "a", "A" * 32, "a" * 31, "a" * 33, "g" * 32, "a" * 31 + "\n", "../" * 11, 5, ["a" * 32], "\u0663" * 32],
)
def test_the_visitor_must_be_named(ask, name, visitor):
    assert "reload" in error_of(ask(name, visitor=visitor, sample=1, settings=SETTINGS))


@pytest.mark.parametrize("values", [None, [], "", "answer", 5, 1.5, True, [{"visitor": ANNA}], {}, {"x": 1}])
@pytest.mark.parametrize("name", sorted(ACTIONS))
def test_a_request_of_another_form(handlers, name, values):
    with pytest.raises(BadRequest) as error:
        handlers.serve(name, values)
    error_of({"error": str(error.value)})


def test_a_file_name_is_plain_data(ask, file_of, trousers):
    good = in_base64(file_of(trousers))
    assert ask("answer", picture=good, name=HTML_NAME) == ask("answer", picture=good, name="x.png")
    assert ask("open_file", file=good, name=HTML_NAME) == ask("open_file", file=good)
    for action, field in FIELDS.items():
        sentence = error_of(ask(action, **{field: in_base64(b"text")}, name=HTML_NAME))
        assert sentence.startswith(f"{HTML_NAME} is not a picture")
    assert ask("answer", sample=0)["words"]


@pytest.mark.parametrize("name", ["", None, 5, ["x"], {"a": 1}])
def test_a_file_without_a_name(ask, name):
    assert error_of(ask("open_file", file=in_base64(b"text"), name=name)).startswith("The picture is not a picture")


def test_long_or_broken_names_do_not_break_the_reply(ask):
    sentence = error_of(ask("open_file", file=in_base64(b"text"), name="N" * 10_000))
    assert len(sentence) < 200
    assert error_of(ask("open_file", file=in_base64(b"text"), name="N\ud800.png")).startswith("N?.png is not")


NUMBERS = st.integers(-2, 40) | st.sampled_from([10**30, -(10**30), 1999, 2000])
NAMES = st.sampled_from(
    ["", "conv1", "relu2", "flatten", "fc1", "out", "conv99", "deep", "original", "yours-1", "\ud800"]
)
TYPED_REQUESTS = {
    "answer": {
        "sample": NUMBERS,
        "want": st.fixed_dictionaries(
            {},
            optional={
                "maps": NAMES,
                "channel": st.tuples(NAMES, NUMBERS),
                "pixel": st.tuples(NUMBERS, NUMBERS, NUMBERS),
                "coordinates": st.none(),
                "steps": st.none(),
            },
        ),
    },
    "choose": {"network": NAMES},
    "channel": {"layer": NAMES, "channel": NUMBERS},
    "reasons": {"pixels": st.binary(min_size=784, max_size=784).map(in_base64), "label": st.none() | NUMBERS},
    "remaining_points": {"chunk": NUMBERS},
    "train_state": {"seen": NUMBERS},
}


@pytest.mark.usefixtures("short_chunks")
@pytest.mark.parametrize("action", TYPED_REQUESTS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(data=st.data())
def test_whatever_can_be_read_is_answered_or_refused_in_a_sentence(ask_all, action, data):
    ask_all("choose", network="original")
    reply = ask_all(action, **data.draw(st.fixed_dictionaries(TYPED_REQUESTS[action])))
    if "error" in reply:
        error_of(reply)


# --- opening a file -------------------------------------------------------------------------------------------------


def opened(reply):
    assert reply.keys() == {"picture", "pixels", "kind", "steps"}
    return png_of(reply["picture"])


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((2000, 500), (560, 140)),
        ((300, 1200), (140, 560)),
        ((560, 560), (560, 560)),
        ((90, 40), (90, 40)),
    ],
)
def test_an_opened_picture_is_small(ask, file_of, size, expected):
    picture = Image.new("RGB", size, (10, 120, 230))
    picture.paste((250, 240, 10), (size[0] // 4, size[1] // 4, size[0] // 2, size[1] // 2))
    shown = opened(ask("open_file", file=in_base64(file_of(picture))))
    assert shown.size == expected
    assert shown.convert("RGB").getpixel((0, 0)) == (10, 120, 230)


@pytest.mark.parametrize("size", [(1, 1), (300, 200)])
def test_an_empty_picture_is_not_opened(ask, file_of, size):
    reply = ask("open_file", file=in_base64(file_of(Image.new("RGB", size, (10, 120, 230)))))
    assert error_of(reply) == "The picture is empty: it has only one colour."


def test_the_visitor_knows_better_what_a_picture_is(ask, file_of, trousers, shipped):
    contents = in_base64(file_of(trousers))
    for kind in PICTURE_KINDS:
        reading = inference.read_picture(shipped, trousers, kind)
        reply = ask("open_file", file=contents, kind=kind)
        assert reply["kind"] == kind
        assert (pixels_of(reply) == reading.pixels.numpy()).all()
        answer = ask("answer", picture=contents, kind=kind)
        assert answer["kind"] == kind
        assert (pixels_of(answer) == reading.pixels.numpy()).all()


def test_steps_from_a_picture_to_its_pixels(ask, file_of, trousers, shipped):
    contents = in_base64(file_of(trousers))
    prepared, naive = prepare(trousers), prepare_naively(trousers)
    width, height = prepared.found.shape[1], prepared.found.shape[0]
    for reply in (ask("open_file", file=contents), ask("answer", picture=contents, want={"steps": True})):
        steps = reply["steps"]
        assert steps.keys() == {"found", "box", "naive"}
        found = np.asarray(png_of(steps["found"]))
        assert max(found.shape) <= payloads.STEP_SIDE
        assert steps["box"] == pytest.approx(np.array(prepared.box) / [width, height, width, height])
        scale = [*found.shape[::-1], *found.shape[::-1]]
        left, top, right, bottom = (np.array(steps["box"]) * scale).round().astype(int)
        outside = found.copy()
        outside[top : bottom + 1, left : right + 1] = 0
        assert outside.max() < 60
        assert found.max() == 255
        assert (pixels_of(steps["naive"]) == naive).all()
        words = inference.in_words(inference.read_pixels(shipped, torch.from_numpy(naive)))
        assert steps["naive"]["words"] == words


def test_an_opened_file_s_naive_step_is_answered_anew_by_another_network(
    ask, file_of, trousers, sessions, random_session
):
    opened = ask("open_file", file=in_base64(file_of(trousers)))
    sessions.put(ANNA, random_session)
    known = {name: opened[name] for name in ("pixels", "kind")} | {"naive": opened["steps"]["naive"]["pixels"]}
    reply = ask("answer", **known, want={"steps": True})
    naive = prepare_naively(trousers)
    assert (pixels_of(reply["steps"]["naive"]) == naive).all()
    words = inference.in_words(inference.read_pixels(random_session.network, torch.from_numpy(naive)))
    assert reply["steps"] == {"naive": {"pixels": known["naive"], "words": words}}
    assert words != opened["steps"]["naive"]["words"]  # of the deep network
    assert "pixels" in error_of(ask("answer", **known | {"naive": "AAAA"}, want={"steps": True}))
    assert "steps" not in ask("answer", **known)


def test_an_image_of_the_data_set_has_no_steps(ask, file_of, trousers):
    assert "steps" not in ask("answer", sample=3, want={"steps": True})
    opened = ask("open_file", file=in_base64(file_of(trousers)))
    assert "steps" not in ask("answer", pixels=opened["pixels"], kind=opened["kind"], want={"steps": True})
    assert "steps" not in ask("answer", picture=in_base64(file_of(trousers)))


@pytest.mark.parametrize("kind", ["", "painting", 1, ["photo"], {"photo": 1}, True])
def test_a_kind_that_does_not_exist_is_refused(ask, file_of, trousers, kind):
    contents = in_base64(file_of(trousers))
    for action, field in FIELDS.items():
        sentence = error_of(ask(action, **{field: contents, "kind": kind}))
        assert sentence.startswith("There is no such kind of picture, expected one of sample, drawing")


def test_an_opened_picture_is_known_by_its_pixels(ask, file_of, trousers):
    reply = ask("open_file", file=in_base64(file_of(trousers)))
    want = {"maps": "out", "coordinates": True}
    by_pixels = ask("answer", pixels=reply["pixels"], kind=reply["kind"], want=want)
    assert by_pixels == ask("answer", picture=in_base64(file_of(trousers)), want=want)


@pytest.mark.parametrize(
    ("count", "kind", "sentence"),
    [
        *((count, kind, "not the pixels of a picture") for count, kind in ((783, "sample"), (785, "sample"))),
        (784, None, "not the pixels of a picture that was opened here"),
        *((784, kind, "no such kind of picture") for kind in ("x", ["sample"])),
    ],
)
def test_pixels_of_no_opened_picture_are_refused(ask, count, kind, sentence):
    assert sentence in error_of(ask("answer", pixels=in_base64(bytes(count)), kind=kind))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF"])
def test_an_opened_picture_is_the_picture(ask, file_of, trousers, kind):
    shown = opened(ask("open_file", file=in_base64(file_of(trousers, kind)), name=f"x.{kind}"))
    assert shown.size == trousers.size
    differences = np.abs(np.asarray(shown.convert("L"), int) - np.asarray(trousers.convert("L"), int))
    assert differences.mean() < 2


@pytest.mark.parametrize(
    ("orientation", "red_at"), [(1, (5, 40)), (3, (75, 5)), (6, (5, 5)), (8, (5, 75))], ids=lambda value: str(value)
)
def test_a_photo_is_turned_upright(ask, file_of, orientation, red_at):
    photo = Image.new("RGB", (80, 48), "blue")
    photo.paste("red", (0, 0, 40, 48))  # the left half, as the sensor saw it
    exif = Image.Exif()
    exif[0x0112] = orientation
    shown = opened(ask("open_file", file=in_base64(file_of(photo, "JPEG", quality=95, exif=exif)), name="photo.jpg"))
    assert shown.size == ((48, 80) if orientation in (6, 8) else (80, 48))
    red, _, blue = shown.convert("RGB").getpixel(red_at)
    assert red > 200
    assert blue < 60
    assert not shown.getexif().get(0x0112)


@pytest.mark.parametrize(("ink", "background"), [("black", 255), ("white", 0)])
def test_what_is_transparent_is_filled(ask, file_of, ink, background):
    picture = Image.new("RGBA", (100, 100), (0, 0, 0, 0))
    picture.paste(ink, (30, 30, 70, 70))
    shown = opened(ask("open_file", file=in_base64(file_of(picture))))
    assert "A" not in shown.getbands()
    assert not shown.has_transparency_data
    grey = np.asarray(shown.convert("L"))
    assert grey[5, 5] == background
    assert grey[50, 50] == 255 - background


def test_what_is_shown_gets_the_answer_of_the_file(ask, file_of, trousers):
    large = trousers.resize((1120, 1120), Image.Resampling.BOX)
    contents = in_base64(file_of(large))
    shown = opened(ask("open_file", file=contents))
    answers = [ask("answer", picture=contents), ask("answer", picture=in_base64(file_of(shown)))]
    assert answers[0]["words"] == answers[1]["words"] == "Trouser"
    assert answers[0]["probabilities"] == pytest.approx(answers[1]["probabilities"], abs=0.02)


# --- visitors and their networks ------------------------------------------------------------------------------------


def test_a_visitor_s_network_answers_only_the_visitor(ask, sessions, random_session, samples):
    shipped_answer, shipped_points = ask("answer", ANNA, sample=4), ask("points", ANNA)
    sessions.put(ANNA, random_session)
    mine = ask("answer", ANNA, sample=4, want={"coordinates": True})
    reading = inference.read_pixels(random_session.network, samples.test.pixels[4])
    assert mine["probabilities"] == pytest.approx(reading.probabilities.tolist(), rel=1e-5)
    assert mine["probabilities"] != pytest.approx(shipped_answer["probabilities"], abs=0.01)
    assert mine["own"] == [{"id": "yours-1", "name": "your network 1"}]
    assert shipped_answer["own"] == []
    assert mine["coordinates"].keys() == {"pca", "pixels"}
    assert ask("points", ANNA)["tsne"] is None
    assert ask("answer", BERT, sample=4) == shipped_answer
    assert ask("points", BERT) == shipped_points
    assert ask("restore", BERT) == {}
    assert ask("answer", ANNA, sample=4)["probabilities"] == mine["probabilities"]
    assert ask("restore", ANNA) == {}
    assert ask("answer", ANNA, sample=4) == shipped_answer
    assert ask("restore", ANNA) == {}


def test_a_visitor_chooses_which_network_answers(handlers, ask, original, samples):
    expected = inference.read_pixels(original, samples.test.pixels[4]).probabilities.tolist()
    deep = ask("answer", ANNA, sample=4)
    assert deep["network"] == "deep"
    assert handlers.choose(NetworkRequest(ANNA, "original")) == {}
    chosen = ask("answer", ANNA, sample=4)
    assert (chosen["network"], chosen["own"]) == ("original", [])
    assert chosen["session"] != deep["session"]
    assert chosen["probabilities"] == pytest.approx(expected, rel=1e-5, abs=1e-9)
    assert ask("answer", BERT, sample=4) == deep
    for unknown in ("yours-1", "Deep", "", "\ud800"):
        assert "There is no network" in error_of(ask("choose", ANNA, network=unknown))
    assert ask("answer", ANNA, sample=4) == chosen
    assert ask("choose", ANNA, network="deep") == {}
    assert ask("answer", ANNA, sample=4) == deep


def test_visitors_at_once_each_get_their_own_network(ask, sessions, random_session):
    sessions.put(ANNA, random_session)
    expected = {visitor: ask("answer", visitor, sample=9, want={"maps": "out"}) for visitor in (ANNA, BERT)}
    assert expected[ANNA] != expected[BERT]
    visitors = [ANNA, BERT] * 20
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda visitor: ask("answer", visitor, sample=9, want={"maps": "out"}), visitors))
    for visitor, answer in zip(visitors, answers, strict=True):
        assert answer["probabilities"] == pytest.approx(expected[visitor]["probabilities"], rel=1e-4, abs=1e-9)


def test_which_network_answers_is_known_without_a_picture(ask, sessions, random_session):
    shipped = ask("which", ANNA)
    assert shipped == {"network": "deep", "session": sessions.default.number, "own": []}
    sessions.put(ANNA, random_session)
    mine = ask("which", ANNA)
    own = [{"id": "yours-1", "name": "your network 1"}]
    assert mine == {"network": "yours-1", "session": random_session.number, "own": own}
    assert mine["session"] != shipped["session"]
    assert {name: ask("answer", ANNA, sample=1)[name] for name in mine} == mine
    assert ask("which", BERT) == shipped
    ask("restore", ANNA)
    assert ask("which", ANNA) == shipped


# --- comparing ------------------------------------------------------------------------------------------------------

RECORD = Record(
    TrainConfig(architecture="original", epochs=2), "deep", images=60, accuracy=0.6, sketches=0.4, seconds=3.5
)


def test_the_visitor_s_networks_are_listed_with_how_they_came_about(ask, sessions, random_session, samples):
    sessions.put(ANNA, replace(random_session, record=RECORD))
    shipped, _, mine = ask("networks", ANNA)["networks"]
    assert (shipped["id"], shipped["record"]) == ("deep", None)
    right = (sessions.default.projection.predictions == samples.test.labels).sum() / len(samples.test)
    assert shipped["accuracy"] == pytest.approx(float(right))
    assert mine["maps"] == ["conv1", "relu1", "pool1", "norm1", "conv2", "relu2", "pool2"]
    assert mine["record"]["settings"] == {
        "architecture": "original",
        "layers": [],
        "epochs": 2,
        "learning_rate": RECORD.config.learning_rate,
        "batch_size": RECORD.config.batch_size,
        "data_fraction": 1.0,
        "weight_decay": RECORD.config.weight_decay,
        "label_smoothing": RECORD.config.label_smoothing,
        "flip": 0.5,
        "shift": 1,
        "erase": 0.0,
        "drawings": 0,
        "cloth": 0,
        "doodles": 0,
        "skipped_fraction": 0.0,
        "amp": False,
        "seed": 0,
    }
    figures = {name: mine["record"][name] for name in ("init_from", "images", "accuracy", "sketches", "seconds")}
    assert figures == {"init_from": "deep", "images": 60, "accuracy": 0.6, "sketches": 0.4, "seconds": 3.5}
    assert [each["id"] for each in ask("networks", BERT)["networks"]] == ["deep", "original"]


def test_two_networks_are_compared_on_the_samples(ask, sessions, samples):
    reply = ask("compare", first="deep", second="original")
    predictions = [session.projection.predictions for session in sessions.shipped]
    compared = Comparison.of(samples.test.labels, *predictions)
    assert {name: reply[name] for name in compared.to_json()} == json.loads(json.dumps(compared.to_json()))
    sent = [torch.tensor(list(base64.b64decode(each))) for each in reply["predictions"]]
    assert all(torch.equal(one, other) for one, other in zip(sent, predictions, strict=True))
    assert len(reply["per_class"]) == 10


def test_a_picture_is_answered_by_the_network_that_is_named(ask, original, samples):
    reply = ask("answer_by", sample=5, network="original", want={"maps": "conv1"})
    expected = inference.read_pixels(original, samples.test.pixels[5])
    assert reply["probabilities"] == pytest.approx(expected.probabilities.tolist(), rel=1e-4, abs=1e-9)
    assert reply["maps"]["shape"] == list(expected.trace.maps["conv1"].shape[1:])
    assert reply["network"] == "deep"  # which answers all else


def test_nobody_sees_the_networks_of_another_visitor(ask, sessions, random_session):
    sessions.put(ANNA, random_session)
    for action, fields in (
        ("compare", {"first": "deep", "second": "yours-1"}),
        ("answer_by", {"sample": 1, "network": "yours-1"}),
        ("choose", {"network": "yours-1"}),
        ("rename", {"network": "yours-1", "name": HTML_NAME}),
    ):
        assert "There is no network 'yours-1'" in ask(action, BERT, **fields)["error"]
        assert "error" not in ask(action, ANNA, **fields)
    ask("forget", BERT, network="yours-1")
    assert ask("which", ANNA)["network"] == "yours-1"
    assert ask("which", ANNA)["own"] == [{"id": "yours-1", "name": HTML_NAME}]
    ask("forget", ANNA, network="yours-1")
    assert ask("which", ANNA)["own"] == []


def test_facts_are_told_anew_each_time(open_handlers):
    calls = []
    ask = asking(open_handlers(facts=lambda: {"calls": len(calls.append(1) or calls)}))
    assert [ask("facts"), ask("facts", BERT)] == [{"calls": 1}, {"calls": 2}]


# --- whose turn a request takes, and how long ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "speed"),
    [("answer", "drawing"), ("which", "quick"), ("points", "quick"), ("reasons", "slow"), ("download", "long")],
)
def test_nothing_waits_for_what_takes_longer(handlers, name, speed):
    assert handlers.lane(name, {"visitor": ANNA}) == (ANNA, speed)


def test_a_channel_takes_long_until_the_top_activations_are_known(handlers, sessions, random_session):
    asked = {"visitor": ANNA, "layer": "conv1", "channel": 0}
    assert handlers.lane("channel", asked) == (ANNA, "quick")
    sessions.put(ANNA, Session(random_session.network, random_session.projection))
    assert handlers.lane("channel", asked) == (ANNA, "long")
    handlers.serve("channel", asked)
    assert handlers.lane("channel", asked) == (ANNA, "quick")


@pytest.mark.parametrize(
    "name", ["", "none", "__class__", "serve", "lane", "predict", "_pixel_projection", "_sessions"]
)
def test_only_actions_can_be_asked_for(handlers, name):
    for ask_for in (handlers.serve, handlers.lane):
        with pytest.raises(NoSuchAction, match="no such action"):
            ask_for(name, {"visitor": ANNA})
    assert "_pixel_projection" not in vars(handlers)  # not even worked out


@pytest.mark.parametrize("values", [None, [], "", {}, {"visitor": 5}])
def test_a_request_of_nobody_waits_for_nothing(handlers, values):
    with pytest.raises(BadRequest):
        handlers.lane("answer", values)


# --- training: what reaches the queue -------------------------------------------------------------------------------


class FakeQueue:
    """Writes down what it is asked."""

    def __init__(self):
        self.asked, self.taken = [], None

    def start(self, visitor, config, init_from_current, watch, picture):
        self.asked.append(("start", visitor, config, init_from_current))
        self.watched = watch, picture

    def snapshots(self, visitor):
        self.asked.append(("snapshots", visitor))
        return self.taken

    def state(self, visitor, seen):
        self.asked.append(("state", visitor, seen))
        return {"events": []}

    def stop(self, visitor):
        self.asked.append(("stop", visitor))

    def change(self, *asked):
        self.asked.append(("change", *asked))

    def forget(self, visitor):
        self.asked.append(("forget", visitor))


@pytest.fixture
def fake_queue():
    return FakeQueue()


@pytest.fixture
def train(fake_queue, sessions, samples):
    """``train("train_start", settings=...)``, with a queue that only writes down."""
    return asking(Handlers(sessions, samples.test, fake_queue))


def test_settings_reach_the_queue(train, fake_queue):
    assert train("train_start", settings=SETTINGS) == {}
    ((what, visitor, config, init_from_current),) = fake_queue.asked
    assert (what, visitor, init_from_current) == ("start", ANNA, False)
    assert (config.architecture, config.epochs, config.learning_rate) == ("original", 3, 0.02)
    assert (config.batch_size, config.data_fraction) == (64, 0.5)


@pytest.mark.parametrize("wish", [True, False, None, "yes", 1])
def test_starting_from_the_network_that_answers_must_be_asked_for(train, fake_queue, wish):
    assert train("train_start", settings=SETTINGS | {"architecture": "deep", "init_from_current": wish}) == {}
    assert fake_queue.asked[0][3] is (wish is True)


def test_a_training_is_watched_with_the_visitors_picture_when_that_is_asked_for(train, fake_queue, samples):
    pixels = samples.test.pixels[5].numpy().tobytes()
    for wish, picture, expected in (
        (True, in_base64(pixels), (True, pixels)),
        (True, None, (True, None)),
        (False, in_base64(pixels), (False, None)),
        ("yes", in_base64(pixels), (False, None)),
    ):
        fields = {} if picture is None else {"pixels": picture}
        assert train("train_start", settings=SETTINGS | {"watch": wish}, **fields) == {}
        assert fake_queue.watched == expected
    reply = train("train_start", settings=SETTINGS | {"watch": True}, pixels=in_base64(pixels[:-1]))
    assert "not the pixels" in error_of(reply)


@pytest.mark.parametrize("format", ["GIF", "WebP"])
def test_how_the_map_formed_comes_as_an_animated_picture(train, fake_queue, format):
    assert "no map that formed" in error_of(train("animation", format=format))
    fake_queue.taken = Snapshots(
        torch.tensor([0, 1]), torch.tensor([0, 5]), torch.zeros(2), torch.randn(2, 2, 2), torch.zeros(2, 2)
    )
    reply = train("animation", BERT, format=format)
    assert reply["type"] == f"image/{format.lower()}"
    with Image.open(io.BytesIO(base64.b64decode(reply["file"]))) as picture:
        assert picture.format == format.upper()
        assert picture.n_frames > 1
    assert fake_queue.asked[-1] == ("snapshots", BERT)
    assert "expected GIF or WebP" in error_of(train("animation", format="PNG"))


def test_the_network_that_answers_can_be_downloaded(ask, sessions, original, tmp_path, monkeypatch):
    assert ask("choose", network="original") == {}
    reply = ask("download")
    assert 0 <= reply["difference"] < 1e-4
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(reply["file"]))) as archive:
        archive.extractall(tmp_path)
    assert checkpoint.fingerprint(checkpoint.load(tmp_path / "network")) == checkpoint.fingerprint(original)
    assert (tmp_path / "network" / "model.onnx").is_file()
    monkeypatch.setattr(module, "can_export", lambda: False)
    reply = ask("download")
    assert reply["difference"] is None
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(reply["file"]))) as archive:
        assert "network/model.onnx" not in archive.namelist()


def test_a_network_is_kept_and_brought_back(ask, sessions, shipped_session, random_session, samples, monkeypatch):
    """What is downloaded and then uploaded gives the same probabilities, and is one of the visitor's own."""
    monkeypatch.setattr(module, "can_export", lambda: False)  # which takes seconds
    kept = sessions.put(BERT, random_session)
    file = ask("download", BERT)["file"]
    reply = ask("upload", files=[{"name": "network.zip", "file": file}])
    own = sessions.own(ANNA)[0]
    assert sessions.get(ANNA) is own
    assert reply == payloads.network(own, samples.test, Limits())
    assert (reply["name"], reply["own"], reply["record"]) == ("your network 1", True, None)
    assert [each["own"] for each in ask("networks")["networks"]] == [False, False, True]
    for sample in (0, 900):
        assert ask("answer", sample=sample)["probabilities"] == ask("answer", BERT, sample=sample)["probabilities"]
    assert (own.projection.predictions == kept.projection.predictions).all()
    assert ask("forget", network=own.id) == {}
    assert sessions.get(ANNA) is shipped_session


def test_an_uploaded_network_can_be_trained_further(train, fake_queue, original):
    files = [
        {"name": name, "file": in_base64(contents)}
        for name, contents in (
            ("config.json", json.dumps(original.config).encode()),
            ("model.safetensors", weights_of(original)),
        )
    ]
    assert train("upload", files=files)["architecture"] == "original"
    assert train("train_check", architecture="original") == {"cannotStartFrom": None}
    assert train("train_start", settings=SETTINGS | {"init_from_current": True}) == {}


def test_a_network_that_cannot_answer_here_is_refused_and_nothing_changes(
    ask, sessions, shipped_session, trousers, file_of
):
    other = new("original", class_names=["Hemd", "Hose"])
    for files, words in (
        ([{"name": "shirts.zip", "file": in_base64(pack(other))}], "is for other classes (Hemd, Hose), expected"),
        (
            [{"name": HTML_NAME, "file": in_base64(file_of(trousers))}],
            f"{HTML_NAME} is a PNG picture, expected the zip archive",
        ),
    ):
        assert words in error_of(ask("upload", files=files))
    assert sessions.get(ANNA) is shipped_session
    assert sessions.own(ANNA) == ()


def test_starting_from_another_kind_of_network_is_refused_at_once(train, fake_queue):
    from_current = SETTINGS | {"init_from_current": True}
    reply = train("train_start", settings=from_current)
    assert error_of(reply) == "The weights to start from are of the network deep, expected original."
    assert fake_queue.asked == []
    assert train("choose", network="original") == {}
    assert train("train_start", settings=from_current) == {}


OWN = {"architecture": "custom", "layers": [{"layer": "fc", "size": 20}]}


def test_whether_a_training_can_start_from_the_network_that_answers_is_told_before(train, sessions, fake_queue):
    def reason(**asked):
        return train("train_check", **asked)["cannotStartFrom"]

    assert train("train_check", architecture="deep") == {"cannotStartFrom": None}
    sentence = "The weights to start from are of the network deep, expected original."
    assert train("train_check", architecture="original") == {"cannotStartFrom": sentence}
    assert reason(**OWN) == "The weights to start from are of the network deep, expected custom."
    network = new(**OWN)
    sessions.put(ANNA, Session(network, sessions.default.projection))
    assert reason(**OWN) is None
    other = OWN | {"layers": [{"layer": "fc", "size": 21}]}
    assert reason(**other) == "The weights to start from are of a network with other layers."
    assert reason(architecture="deep") == "The weights to start from are of the network custom, expected deep."
    assert reason(architecture="resnet").startswith("There is no network 'resnet'")
    assert train("train_start", settings=SETTINGS | OWN | {"init_from_current": True}) == {}
    refused = train("train_start", settings=SETTINGS | other | {"init_from_current": True})
    assert error_of(refused) == "The weights to start from are of a network with other layers."


def test_layers_of_one_s_own_are_checked_as_they_are_composed_and_reach_the_queue(train, fake_queue):
    layers = train("train_check", **OWN)["layers"]
    assert [each["name"] for each in layers] == ["fc1", "out"]
    assert train("train_start", settings=SETTINGS | OWN) == {}
    assert fake_queue.asked[-1][2].network == OWN
    for rows, problem in (
        ([{"layer": "conv", "kernel": 0}], "Row 1: kernel: 0 is out of range, expected 1 to 32."),
        ([{"layer": "relu"}] * 41, "Row 41: there are 41 layers, expected at most 40."),
        ([{"layer": "<b>"}], "Row 1: there is no layer '<b>'"),
        ([None], "Row 1: it names no layer"),
    ):
        told = train("train_check", architecture="custom", layers=rows)
        assert told["problem"].startswith(problem)
        assert told["cannotStartFrom"] is None
        settings = SETTINGS | {"architecture": "custom", "layers": rows}
        assert error_of(train("train_start", settings=settings)) == told["problem"]
    assert "not a list of rows" in error_of(train("train_check", architecture="custom", layers="conv"))
    assert "not a list of rows" in error_of(train("train_start", settings=SETTINGS | {"architecture": "custom"}))
    assert len(fake_queue.asked) == 1


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (SETTINGS | {"epochs": 0}, "Epochs: 0 is out of range"),
        (SETTINGS | {"learning_rate": NAN}, "Learning rate: nan is out of range"),
        (SETTINGS | {"architecture": "resnet"}, "no network 'resnet'"),
        ({"architecture": "original"}, "Epochs: missing"),
        (None, "settings"),
        ([SETTINGS], "settings"),
    ],
)
def test_bad_settings_are_refused_and_nothing_is_started(train, fake_queue, settings, words):
    assert words in error_of(train("train_start", settings=settings))
    assert fake_queue.asked == []


def test_what_has_happened_since(train, handlers, fake_queue):
    assert train("train_state", seen=7) == {"events": []}
    assert train("train_state", seen=-1) == {"events": []}
    assert fake_queue.asked == [("state", ANNA, 7), ("state", ANNA, 0)]
    assert handlers.train_state(EventsRequest(ANNA, 3)) == {"events": [], "seen": 0, "alive": False}


def test_a_change_reaches_the_queue(train, fake_queue):
    assert train("train_change", paused=True) == {}
    assert train("train_change", BERT, learning_rate=1, epochs=4) == {}
    assert fake_queue.asked == [("change", ANNA, True, None, None), ("change", BERT, None, 1.0, 4)]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"learning_rate": 0}, "Learning rate: 0 is out of range"),
        ({"learning_rate": "fast"}, "Learning rate: 'fast' is not a number"),
        ({"epochs": 31}, "Epochs: 31 is out of range, expected 1 to 30."),
        ({"epochs": 2.5}, "Epochs: 2.5 is not a whole number"),
        ({"paused": 1}, "paused"),
    ],
)
def test_a_change_out_of_range_is_refused(train, fake_queue, change, words):
    assert words in error_of(train("train_change", **change))
    assert fake_queue.asked == []


def test_stop_and_restore_reach_the_queue(train, fake_queue):
    assert train("train_stop", BERT) == {}
    assert train("restore", BERT) == {}
    assert fake_queue.asked == [("stop", BERT), ("forget", BERT)]


# --- the API: files that were uploaded, and no others ---------------------------------------------------------------


@pytest.fixture
def uploads(tmp_path, monkeypatch):
    folder = tmp_path / "uploads"
    (folder / "hash").mkdir(parents=True)
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(folder))
    return folder


def test_api_gives_the_answer_of_the_command_line(handlers, uploads, cli, trousers):
    path = uploads / "hash" / "drawing.png"
    trousers.save(path)
    expected = json.loads(cli("predict", path, "--json").out)
    for orig_name in ("drawing.png", "/home/me/drawing.png", None, "", 5):
        answer = handlers.predict({"path": str(path), "orig_name": orig_name, "meta": {"_type": "gradio.FileData"}})
        assert answer["file"] == "drawing.png"
        assert answer.keys() == expected.keys()
        assert answer["probabilities"] == pytest.approx(expected["probabilities"], rel=1e-5, abs=1e-9)
        assert {key: answer[key] for key in ("label", "name", "familiarity", "error")} == {
            key: expected[key] for key in ("label", "name", "familiarity", "error")
        }
    assert answer["name"] == "Trouser"


def test_api_is_answered_by_the_shipped_network(handlers, sessions, uploads, random_session, trousers):
    path = uploads / "hash" / "drawing.png"
    trousers.save(path)
    before = handlers.predict({"path": str(path)})
    sessions.put(ANNA, random_session)
    assert handlers.predict({"path": str(path)}) == before


def test_api_says_what_is_wrong_with_a_picture(handlers, uploads, cli):
    for name, contents in (("text.png", b"text"), ("empty.png", b""), (HTML_NAME, b"<html>")):
        path = uploads / "hash" / name
        path.write_bytes(contents)
        answer = handlers.predict({"path": str(path), "orig_name": name})
        expected = json.loads(cli("predict", path, "--json").out)
        assert answer == expected | {"file": name}
        assert answer["label"] is answer["name"] is answer["probabilities"] is None
        assert name in answer["error"]
    blank = uploads / "hash" / "blank.png"
    Image.new("L", (50, 50), 255).save(blank)
    assert "empty" in handlers.predict({"path": str(blank)})["error"]


def test_api_opens_no_other_file(handlers, uploads, tmp_path, trousers):
    secret = tmp_path / "secret.png"
    trousers.save(secret)
    (uploads / "hash" / "link.png").symlink_to(secret)
    (tmp_path / "uploads2").mkdir()
    trousers.save(tmp_path / "uploads2" / "secret.png")
    folder = str(uploads)
    paths = [
        str(secret),
        f"{folder}/../secret.png",
        f"{folder}/hash/link.png",
        f"{folder}2/secret.png",
        folder,
        "",
        "\0",
    ]
    paths += [
        f"{folder}/hash/none.png",
        f"{folder}/{'x' * 5000}",
        "\ud800",
        os.path.relpath(secret),
        f"file://{secret}",
    ]
    for path in paths:
        answer = handlers.predict({"path": path, "orig_name": "x.png", "meta": {"_type": "gradio.FileData"}})
        assert answer["label"] is None, path
        assert answer["error"] == "The picture was not uploaded to this server.", path


@pytest.mark.parametrize("picture", [None, "x", 5, [], {}, {"path": None}, {"path": 5}, {"path": ["/etc/passwd"]}])
def test_api_with_an_odd_body(handlers, uploads, picture):
    answer = handlers.predict(picture)
    assert answer["error"] == "The picture was not uploaded to this server."
    assert answer["label"] is None
    json.dumps(answer)


def test_api_can_send_any_name_back(handlers, uploads):
    path = uploads / "hash" / "x.png"
    path.write_bytes(b"text")
    answer = handlers.predict({"path": str(path), "orig_name": "N\ud800.png"})
    assert json.dumps(answer, ensure_ascii=False).encode()
    assert answer["file"] == "N?.png"
