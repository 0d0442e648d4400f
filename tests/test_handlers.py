import base64
import io
import json
import os
import re
import struct
import threading
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

import numpy as np
import pytest
import torch
from PIL import Image

from demo import payloads
from demo import handlers as module
from demo.handlers import MAX_BYTES, Handlers
from demo.requests import BadRequest, served
from demo.session import Session, Sessions
from demo.training_queue import TrainingQueue
from fmnist_core import CLASS_NAMES, explain, inference, projection
from fmnist_core.model import ARCHITECTURES, Network, to_probabilities
from fmnist_core.preparation import KINDS, prepare, unprepared
from fmnist_core.training import FOR_PEOPLE, RECIPES

ANNA, BERT = "a" * 32, "0123456789abcdef" * 2
ROOM_FOR_ROUNDING = 1e-5
HTML_NAME = "<img src=x onerror=alert(1)>.png"

DOES = (
    "facts",
    *("answer", "open_file", "choose", "layers", "channel", "reasons", "points", "all_points"),
    *("train_start", "train_state", "train_stop", "restore"),
)


@pytest.fixture
def sessions(shipped_session):
    return Sessions(shipped_session)


@pytest.fixture
def handlers(sessions, samples):
    return Handlers(sessions, samples.test, TrainingQueue(sessions, samples.test, "samples"))


@pytest.fixture
def ask(handlers):
    """``ask("answer", sample=3)`` asks as the page does: through ``served``, and from JSON to JSON."""

    def ask(handler, visitor=ANNA, **request):
        function = served(getattr(handlers, handler))
        reply = function(json.loads(json.dumps({"visitor": visitor} | request)))
        return json.loads(json.dumps(reply, allow_nan=False, ensure_ascii=False).encode())

    return ask


@pytest.fixture(scope="session")
def other_network(samples):
    """A visitor's own network, which has learned nothing."""
    torch.manual_seed(5)
    network = Network("original").eval()
    return Session(network, projection.fit(network, samples.test))


def in_base64(contents):
    return base64.b64encode(contents).decode()


def pixels_of(answer):
    return np.frombuffer(base64.b64decode(answer["pixels"]), np.uint8).reshape(28, 28)


def error_of(reply):
    """The sentence of a reply that is an error and nothing else."""
    assert reply.keys() == {"error"}
    sentence = reply["error"]
    assert isinstance(sentence, str)
    assert sentence[0].isupper() or sentence.startswith(HTML_NAME)
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert "Traceback" not in sentence
    return sentence


FIELDS = {"answer": "picture", "open_file": "file"}  # in which each is sent a picture
NOTHING = {"empty", "network", "session", "own"}  # drawn
ALWAYS = {"words", "probabilities", "familiarity", "note", "kind", "pixels", "network", "session", "own"}

# --- the answer -----------------------------------------------------------------------------------------------------


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
        said = json.loads(cli("predict", tmp_path / f"drawing.{kind}", "--json").out)
        answer = ask("answer", picture=in_base64(contents), name=f"drawing.{kind}")
        assert answer["probabilities"] == pytest.approx(list(said["probabilities"].values()), rel=1e-5, abs=1e-9)
        assert CLASS_NAMES[np.argmax(answer["probabilities"])] == said["name"] == "Trouser"


def test_a_sample_as_a_picture_gets_the_sample_s_answer(ask, samples, file_of):
    for index in (3, 777):
        picture = Image.fromarray(samples.test.pixels[index].numpy())
        enlarged = picture.resize((280, 280), Image.Resampling.NEAREST)
        expected = ask("answer", sample=index)
        assert ask("answer", picture=in_base64(file_of(picture))) == expected
        assert ask("answer", picture=in_base64(file_of(enlarged)), name="x.png") == expected


@pytest.mark.parametrize(
    ("want", "parts"),
    [
        ({}, set()),
        ({"maps": "conv1"}, {"maps"}),
        ({"spots": True}, {"spots", "nearest"}),
        ({"spots": True, "maps": "out"}, {"maps", "spots", "nearest"}),
        ({"everything": 1, "": None}, set()),
        (["maps", "spots"], set()),
        ("maps", set()),
        (None, set()),
        (5, set()),
        (True, set()),
    ],
)
def test_want_decides_which_parts_come(ask, want, parts):
    assert ask("answer", sample=1, want=want).keys() == ALWAYS | parts


def test_maps_are_the_trace_of_every_layer_in_order(ask, shipped, trousers, file_of):
    trace = inference.read_picture(shipped, trousers).trace
    for name in trace.maps:
        maps = ask("answer", picture=in_base64(file_of(trousers)), want={"maps": name})["maps"]
        assert maps["layer"] == name
        output = trace.maps[name][0].numpy()
        assert maps["shape"] == list(output.shape)
        tops = np.array(maps["tops"])[:, None]  # one of each map, or one of a vector
        values = np.frombuffer(base64.b64decode(maps["values"]), np.uint8).astype(np.float64).reshape(len(tops), -1)
        values = (values - 128) / 127 * tops
        assert (np.abs(values - output.reshape(values.shape)) <= tops / 254 + ROOM_FOR_ROUNDING).all()


@pytest.mark.parametrize("name", ["", "conv99", "__class__", "<img>", "x" * 10_000, None, True, 3, ["conv1"], {"a": 1}])
def test_a_layer_that_does_not_exist_has_no_maps(ask, name):
    assert ask("answer", sample=1, want={"maps": name}).keys() == ALWAYS


NO_CHANNELS = (None, "conv1", [], ["conv1"], ["conv99", 0], ["conv1", -1], ["conv1", 32], ["conv1", "0"],
               ["conv1", 0.0], [0, "conv1"], ["conv1", 0, 0], [["conv1"], 0])  # fmt: skip
NO_PIXELS = (None, 0, [0], [0, 0], [32, 0, 0], [0, 28, 0], [0, 0, -1], [0, 0, 1e9], "000")


@pytest.mark.parametrize("want", [{"channel": one} for one in NO_CHANNELS] + [{"pixel": one} for one in NO_PIXELS])
def test_what_a_network_has_not_is_left_out(ask, want):
    assert ask("answer", sample=1, want=want).keys() == ALWAYS


def test_the_answer_with_a_channel_switched_off(ask, shipped, samples):
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


def test_layers_are_those_of_the_visitors_network(ask, shipped):
    rows = ask("layers")["layers"]
    assert [row["name"] for row in rows] == [name for name, _ in shipped.layers.named_children()]
    assert all(row["kind"] and row["words"].endswith(".") for row in rows)
    assert sum(row["parameters"] for row in rows) == shipped.parameter_count


def test_a_channel_its_weights_and_what_excites_it(ask, shipped, samples):
    for layer, channel, maker in (("conv1", 3, "conv1"), ("relu4", 40, "conv4"), ("out", 9, "out")):
        found = ask("channel", layer=layer, channel=channel)
        assert found["maker"] == maker
        weights = dict(shipped.layers.named_children())[maker].weight[channel].detach()
        assert found["weights"]["shape"] == list(weights.shape)
        levels = np.frombuffer(base64.b64decode(found["weights"]["values"]), np.uint8).astype(np.float64)
        tops = np.array(found["weights"]["tops"])
        back = (levels.reshape(len(tops), -1) - 128) / 127 * tops[:, None]
        assert np.abs(back.flatten() - weights.flatten().numpy()).max() <= tops.max() / 254 + ROOM_FOR_ROUNDING
        values = [one["value"] for one in found["exciting"]]
        assert len(values) == 9
        assert values == sorted(values, reverse=True)
        for one in found["exciting"]:
            maps = inference.read_pixels(shipped, samples.test.pixels[one["index"]]).trace.maps[layer][0, channel]
            assert float(maps.max()) == pytest.approx(one["value"], rel=1e-3, abs=1e-3)
            left, top, right, bottom = one["box"]
            assert 0 <= left < right <= 28
            assert 0 <= top < bottom <= 28


@pytest.mark.parametrize(
    ("layer", "channel", "sentence"),
    [
        ("conv99", 0, "no such layer"),
        (None, 0, "no such layer"),
        (["conv1"], 0, "no such layer"),
        ("conv1", -1, r"no such channel, expected 0\.\.31"),
        ("conv1", 32, "no such channel"),
        ("conv1", True, "no such channel"),
        ("conv1", None, "no such channel"),
        ("conv1", "0", "no such channel"),
    ],
)
def test_a_channel_that_is_none(ask, layer, channel, sentence):
    assert re.search(sentence, ask("channel", layer=layer, channel=channel)["error"])


def test_reasons_for_the_best_class_or_for_the_one_named(ask, shipped, samples):
    pixels = samples.test.pixels[21]
    reading = inference.read_pixels(shipped, pixels)
    contents = base64.b64encode(pixels.numpy().tobytes()).decode()
    for label in (None, 0, 9):
        found = ask("reasons", pixels=contents, label=label)
        assert found["label"] == (reading.label if label is None else label)
        levels = np.frombuffer(base64.b64decode(found["grad_cam"]), np.uint8).reshape(28, 28)
        expected = explain.grad_cam(shipped, reading.trace, found["label"]).numpy()
        assert np.abs(levels / 255 - expected).max() < 0.004
        hidden = found["occlusion"]
        assert hidden["shape"] == [1, 28, 28]
        (top,) = hidden["tops"]
        back = (np.frombuffer(base64.b64decode(hidden["values"]), np.uint8).astype(np.float64) - 128) / 127 * top
        expected = explain.occlusion(shipped, pixels, found["label"]).numpy()
        assert np.abs(back.reshape(28, 28) - expected).max() <= top / 254 + 1e-4


@pytest.mark.parametrize("label", [-1, 10, True, "0", 1.0, [1]])
def test_reasons_for_a_class_that_is_none(ask, label):
    pixels = base64.b64encode(bytes(784)).decode()
    assert "no such class" in ask("reasons", pixels=pixels, label=label)["error"]


@pytest.mark.parametrize("pixels", [None, 5, "", "!", base64.b64encode(bytes(783)).decode()])
def test_reasons_for_pixels_that_are_none(ask, pixels):
    assert ask("reasons", pixels=pixels).keys() == {"error"}


def test_spots_of_a_sample_are_its_place_among_the_points(ask):
    points = ask("points")
    maps = {
        name: np.frombuffer(base64.b64decode(points[name]), "<u2").reshape(-1, 2) / 65535
        for name in ("pca", "pixels", "tsne")
    }
    for index in (0, 321, 1999):
        answer = ask("answer", sample=index, want={"spots": True})
        for name, spots in maps.items():
            assert answer["spots"][name] == pytest.approx(spots[index], abs=1e-4)
        neighbours = [near["index"] for near in answer["nearest"]]
        assert len(set(neighbours)) == 5
        assert index not in neighbours  # it is not its own neighbour
        distances = [near["distance"] for near in answer["nearest"]]
        assert distances == sorted(distances)
        assert distances[0] > 0.01


def test_points_hold_the_network_s_answers(ask, shipped, samples):
    answers = np.frombuffer(base64.b64decode(ask("points")["answers"]), np.uint8)
    for index in range(0, 2000, 100):
        assert answers[index] == inference.read_pixels(shipped, samples.test.pixels[index]).label


# --- the test images that are not shipped ---------------------------------------------------------------------------


@pytest.fixture
def ask_all(sessions, samples, others):
    """As ``ask``, on a server that has the whole data set."""
    handlers = Handlers(sessions, samples.test, TrainingQueue(sessions, samples.test, "samples"), others)
    return lambda handler, visitor=ANNA, **request: served(getattr(handlers, handler))({"visitor": visitor} | request)


@pytest.fixture
def short_parts(monkeypatch):
    """A deep network sees 1,000 images in seconds: 20 are enough to see what a part is."""
    monkeypatch.setattr(module, "PART", 20)


def test_a_sample_further_on_is_one_of_the_others(ask_all, others, shipped):
    for index in (2000, 7777, 9999):
        answer = ask_all("answer", sample=index)
        pixels = others.images().pixels[index - 2000]
        assert (pixels_of(answer) == pixels.numpy()).all()
        assert answer["probabilities"] == pytest.approx(inference.read_pixels(shipped, pixels).probabilities.tolist())
    for index in (10_000, -1, 10**30, True, 2000.0, "2000", None):
        assert "0..9999" in error_of(ask_all("answer", sample=index))


@pytest.mark.usefixtures("short_parts")
def test_a_part_of_the_others_lies_where_their_answers_say(ask_all, others, shipped):
    assert ask_all("points")["others"] == 8000
    for part in (0, 7, 399):
        figure = ask_all("all_points", part=part)
        assert figure["count"] == 8000
        assert figure["sheet"].endswith("/others.png")
        assert [len(base64.b64decode(figure[name])) for name in ("pca", "pixels", "tsne")] == [160] * 3
        for place in (0, 19):
            index = 2000 + 20 * part + place
            answer = ask_all("answer", sample=index, want={"spots": True})
            for name, spot in answer["spots"].items():
                spots = np.frombuffer(base64.b64decode(figure[name]), "<f4").reshape(-1, 2)
                assert spots[place] == pytest.approx(spot, abs=1e-3)
            label = base64.b64decode(figure["answers"])[place]
            assert label == inference.read_pixels(shipped, others.images().pixels[index - 2000]).label
            assert base64.b64decode(figure["labels"])[place] == others.images().labels[index - 2000]


@pytest.mark.usefixtures("short_parts")
@pytest.mark.parametrize("part", [-1, 400, 10**30, 1.0, True, None, "0", [0], {}, float("nan")])
def test_no_such_part(ask_all, part):
    assert "0..399" in error_of(ask_all("all_points", part=part))


@pytest.mark.usefixtures("short_parts")
def test_a_part_is_worked_out_once_for_a_network(ask_all, sessions, shipped_session, other_network, monkeypatch):
    fresh = Session(shipped_session.network, shipped_session.projection)
    sessions.shipped = fresh
    seen = []
    see = projection.embed
    monkeypatch.setattr(projection, "see", lambda network, images: seen.append(network) or see(network, images))
    with ThreadPoolExecutor(6) as pool:
        figures_ = list(pool.map(lambda visitor: ask_all("all_points", visitor, part=3), [ANNA, BERT] * 6))
    assert len(seen) == 1
    assert all(figure == figures_[0] for figure in figures_)
    # Another network has another map; what is kept goes with its session.
    sessions.put(ANNA, Session(other_network.network, other_network.projection))
    mine = ask_all("all_points", ANNA, part=3)
    assert mine["pixels"] == figures_[0]["pixels"]
    assert mine["pca"] != figures_[0]["pca"]
    assert mine["tsne"] is None
    assert len(seen) == 2
    assert ask_all("all_points", BERT, part=3) == figures_[0]
    assert len(seen) == 2


@pytest.mark.usefixtures("short_parts")
def test_a_part_that_fails_is_tried_again(ask_all, sessions, shipped_session, monkeypatch):
    sessions.shipped = Session(shipped_session.network, shipped_session.projection)
    monkeypatch.setattr(module, "WAIT", 0.01)
    with sessions.shipped.working:
        assert "Many people" in error_of(ask_all("all_points", part=1))
    assert ask_all("all_points", part=1)["count"] == 8000


def test_without_the_data_set_there_are_no_others(ask):
    assert ask("points")["others"] == 0
    assert "no other" in error_of(ask("all_points", part=0))
    assert "0..1999" in error_of(ask("answer", sample=2000))


@pytest.mark.parametrize("colour", ["white", "black", (200, 30, 60)])
def test_empty_picture_gets_no_label(ask, file_of, colour):
    reply = ask(
        "answer", picture=in_base64(file_of(Image.new("RGB", (224, 224), colour))), want={"maps": "out", "spots": True}
    )
    assert reply.keys() == NOTHING
    assert reply["empty"].endswith(".")
    assert not any(name in reply["empty"] for name in CLASS_NAMES)


def test_a_dot_gets_no_label(ask, file_of):
    picture = Image.new("RGB", (224, 224), "white")
    picture.paste("black", (100, 100, 104, 104))
    assert ask("answer", picture=in_base64(file_of(picture))).keys() == NOTHING


# --- what is wrong with a request is said in a sentence -------------------------------------------------------------


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


@pytest.mark.parametrize("handler", ["answer", "open_file"])
@pytest.mark.parametrize("case", BAD_FILES)
def test_bad_file_is_answered_with_a_sentence(ask, handler, case):
    contents, words = BAD_FILES[case]
    sentence = error_of(ask(handler, **{FIELDS[handler]: in_base64(contents)}, name="My file.png"))
    assert sentence.startswith("My file.png ")
    assert words in sentence


@pytest.mark.parametrize("handler", ["answer", "open_file"])
@pytest.mark.parametrize(("kind", "part"), [("PNG", 0.5), ("PNG", 0.1), ("JPEG", 0.5), ("GIF", 0.3), ("WEBP", 0.5)])
def test_truncated_picture(ask, file_of, samples, handler, kind, part):
    noisy = Image.fromarray(samples.test.pixels[:16].reshape(16 * 28, 28).numpy())  # fills more than a header
    contents = file_of(noisy, kind)
    cut = in_base64(contents[: int(part * len(contents))])
    sentence = error_of(ask(handler, **{FIELDS[handler]: cut}, name="Cut.png"))
    assert sentence.startswith("Cut.png cannot be read") or sentence.startswith("Cut.png is not a picture")


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # what it says about damaged metadata
@pytest.mark.parametrize("handler", ["answer", "open_file"])
def test_damaged_bytes_never_raise(ask, file_of, trousers, handler):
    generator = np.random.default_rng(0)
    for kind in ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF"):
        whole = np.frombuffer(file_of(trousers, kind), np.uint8)
        for _ in range(8):
            damaged = whole.copy()
            where = generator.integers(0, min(len(damaged), 600), 12)
            damaged[where] = generator.integers(0, 256, 12)
            reply = ask(handler, file=in_base64(damaged.tobytes()), name="Damaged")
            if "error" in reply:
                error_of(reply)


@pytest.mark.parametrize("handler", ["answer", "open_file"])
@pytest.mark.parametrize(
    "file", ["!!!!", "AAA", "AAAA\n", "AAAA====AAAA", "é" * 8, "\ud800AAA", "data:image/png;base64,AAAA", "\0\0\0\0"]
)
def test_broken_base64(ask, handler, file):
    assert "damaged" in error_of(ask(handler, **{FIELDS[handler]: file}))


@pytest.mark.parametrize("contents", [None, 5, ["AAAA"], {"path": "/etc/passwd"}])
@pytest.mark.parametrize("handler", ["answer", "open_file"])
def test_missing_picture(ask, handler, contents):
    assert "no picture" in error_of(ask(handler))
    assert "no picture" in error_of(ask(handler, **{FIELDS[handler]: contents}))


def test_open_file_looks_at_the_file_only(ask, file_of, trousers):
    assert "no picture" in error_of(ask("open_file", picture=in_base64(file_of(trousers))))
    assert "no picture" in error_of(ask("open_file", sample=1))


@pytest.mark.parametrize("handler", ["answer", "open_file"])
def test_file_size_has_a_limit(ask, handler):
    at_most, more = in_base64(bytes(MAX_BYTES)), in_base64(bytes(MAX_BYTES + 6))
    field = FIELDS[handler]
    assert "not a picture" in error_of(ask(handler, **{field: at_most, "name": "Large.png"}))
    assert error_of(ask(handler, **{field: more, "name": "Large.png"})) == "Large.png is larger than 20 MB."


@pytest.mark.parametrize("sample", [-1, 2000, 10**30, "x", "1", 1.0, True, False, None, [1], {}, float("inf")])
def test_no_such_sample(ask, sample):
    assert "0..1999" in error_of(ask("answer", sample=sample))


@pytest.mark.parametrize("name", [handler for handler in DOES if handler != "open_file"])
@pytest.mark.parametrize(
    "visitor",
    [None, "", "a", "A" * 32, "a" * 31, "a" * 33, "g" * 32, "a" * 31 + "\n", "../" * 11, 5, ["a" * 32], "\u0663" * 32],
)
def test_visitor_must_be_named(ask, name, visitor):
    reply = ask(name, visitor=visitor, sample=1, settings=GOOD)
    assert "reload" in error_of(reply)


@pytest.mark.parametrize("request_", [None, [], "", "answer", 5, 1.5, True, [{"visitor": ANNA}], {}, {"x": 1}])
@pytest.mark.parametrize("name", DOES)
def test_request_of_another_form(handlers, name, request_):
    error_of(served(getattr(handlers, name))(request_))


def test_file_name_is_plain_data(ask, file_of, trousers):
    good = in_base64(file_of(trousers))
    assert ask("answer", picture=good, name=HTML_NAME) == ask("answer", picture=good, name="x.png")
    assert ask("open_file", file=good, name=HTML_NAME) == ask("open_file", file=good)
    for handler, field in FIELDS.items():
        sentence = error_of(ask(handler, **{field: in_base64(b"text")}, name=HTML_NAME))
        assert sentence.startswith(f"{HTML_NAME} is not a picture")
    assert ask("answer", sample=0)["words"]


@pytest.mark.parametrize("name", ["", None, 5, ["x"], {"a": 1}])
def test_file_without_a_name(ask, name):
    assert error_of(ask("open_file", file=in_base64(b"text"), name=name)).startswith("The picture is not a picture")


def test_long_or_broken_names_do_not_break_the_reply(ask):
    sentence = error_of(ask("open_file", file=in_base64(b"text"), name="N" * 10_000))
    assert len(sentence) < 200
    assert error_of(ask("open_file", file=in_base64(b"text"), name="N\ud800.png")).startswith("N?.png is not")


# --- opening a file -------------------------------------------------------------------------------------------------


def opened(reply):
    assert reply.keys() == {"picture", "pixels", "kind", "steps"}
    picture = Image.open(io.BytesIO(base64.b64decode(reply["picture"], validate=True)))
    picture.load()
    assert picture.format == "PNG"
    return picture


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((2000, 500), (560, 140)),
        ((300, 1200), (140, 560)),
        ((560, 560), (560, 560)),
        ((90, 40), (90, 40)),
    ],
)
def test_opened_picture_is_small(ask, file_of, size, expected):
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
    for kind in KINDS:
        reading = inference.read_picture(shipped, trousers, kind)
        reply = ask("open_file", file=contents, kind=kind)
        assert reply["kind"] == kind
        assert (pixels_of(reply) == reading.pixels.numpy()).all()
        answer = ask("answer", picture=contents, kind=kind)
        assert answer["kind"] == kind
        assert (pixels_of(answer) == reading.pixels.numpy()).all()


def steps_of(reply):
    steps = reply["steps"]
    assert steps.keys() == {"found", "box", "without"}
    found = Image.open(io.BytesIO(base64.b64decode(steps["found"], validate=True)))
    return np.asarray(found), steps["box"], pixels_of(steps["without"]), steps["without"]["words"]


def test_steps_from_a_picture_to_its_pixels(ask, file_of, trousers, shipped):
    contents = in_base64(file_of(trousers))
    prepared, plain = prepare(trousers), unprepared(trousers)
    width, height = prepared.found.shape[1], prepared.found.shape[0]
    for reply in (ask("open_file", file=contents), ask("answer", picture=contents, want={"steps": True})):
        found, box, without, words = steps_of(reply)
        assert max(found.shape) <= 160
        assert box == pytest.approx(np.array(prepared.box) / [width, height, width, height])
        left, top, right, bottom = (np.array(box) * [*found.shape[::-1], *found.shape[::-1]]).round().astype(int)
        outside = found.copy()
        outside[top : bottom + 1, left : right + 1] = 0
        assert outside.max() < 60
        assert found.max() == 255
        assert (without == plain).all()
        assert words == inference.in_words(inference.read_pixels(shipped, torch.from_numpy(plain)))


def test_an_opened_file_s_steps_are_said_anew_by_another_network(ask, file_of, trousers, original):
    opened = ask("open_file", file=in_base64(file_of(trousers)))
    ask("choose", network="original")
    known = {name: opened[name] for name in ("pixels", "kind")} | {"without": opened["steps"]["without"]["pixels"]}
    reply = ask("answer", **known, want={"steps": True})
    plain = unprepared(trousers)
    assert (pixels_of(reply["steps"]["without"]) == plain).all()
    answer = inference.in_words(inference.read_pixels(original, torch.from_numpy(plain)))
    assert reply["steps"] == {"without": {"pixels": known["without"], "words": answer}}
    assert "error" in ask("answer", **known | {"without": "AAAA"}, want={"steps": True})
    assert "steps" not in ask("answer", **known)


def test_an_image_of_the_data_set_has_no_steps(ask, file_of, trousers):
    assert "steps" not in ask("answer", sample=3, want={"steps": True})
    opened = ask("open_file", file=in_base64(file_of(trousers)))
    assert "steps" not in ask("answer", pixels=opened["pixels"], kind=opened["kind"], want={"steps": True})
    assert "steps" not in ask("answer", picture=in_base64(file_of(trousers)))


@pytest.mark.parametrize("kind", ["", "painting", 1, ["photo"], {"photo": 1}, True])
def test_a_kind_that_does_not_exist_is_refused(ask, file_of, trousers, kind):
    contents = in_base64(file_of(trousers))
    for name, field in FIELDS.items():
        sentence = error_of(ask(name, **{field: contents, "kind": kind}))
        assert sentence.startswith("There is no such kind of picture, expected one of sample, drawing")


def test_what_is_not_familiar_is_a_guess_with_a_note(ask, shipped, monkeypatch):
    with torch.no_grad():
        network = Network(shipped.architecture).eval()
        network.layers.out.weight.zero_()
        network.layers.out.bias.zero_()
    reading = inference.read_pixels(network, torch.zeros(28, 28, dtype=torch.uint8))
    answer = payloads.answer(reading, network, None, {})
    assert answer["familiarity"] == pytest.approx(0, abs=1e-6)
    assert answer["words"] == "At a guess: T-shirt/top"
    assert answer["note"] == "This does not look like anything I was trained on."
    assert ask("answer", sample=0)["note"] is None


def test_an_opened_picture_is_known_by_its_pixels(ask, file_of, trousers):
    reply = ask("open_file", file=in_base64(file_of(trousers)))
    by_pixels = ask("answer", pixels=reply["pixels"], kind=reply["kind"], want={"maps": "out", "spots": True})
    assert by_pixels == ask("answer", picture=in_base64(file_of(trousers)), want={"maps": "out", "spots": True})


@pytest.mark.parametrize(
    ("pixels", "kind"), [(783, "sample"), (785, "sample"), (784, "x"), (784, None), (784, ["sample"])]
)
def test_pixels_of_no_opened_picture_are_refused(ask, pixels, kind):
    reply = ask("answer", pixels=in_base64(bytes(pixels)), kind=kind)
    assert "not the pixels of a picture that was opened here" in error_of(reply)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF"])
def test_opened_picture_is_the_picture(ask, file_of, trousers, kind):
    shown = opened(ask("open_file", file=in_base64(file_of(trousers, kind)), name=f"x.{kind}"))
    assert shown.size == trousers.size
    differences = np.abs(np.asarray(shown.convert("L"), int) - np.asarray(trousers.convert("L"), int))
    assert differences.mean() < 2


@pytest.mark.parametrize(
    ("orientation", "red_at"), [(1, (5, 40)), (3, (75, 5)), (6, (5, 5)), (8, (5, 75))], ids=lambda value: str(value)
)
def test_photo_is_turned_upright(ask, file_of, orientation, red_at):
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


@pytest.mark.parametrize(("ink", "ground"), [("black", 255), ("white", 0)])
def test_what_is_transparent_is_filled(ask, file_of, ink, ground):
    picture = Image.new("RGBA", (100, 100), (0, 0, 0, 0))
    picture.paste(ink, (30, 30, 70, 70))
    shown = opened(ask("open_file", file=in_base64(file_of(picture))))
    assert "A" not in shown.getbands()
    assert not shown.has_transparency_data
    grey = np.asarray(shown.convert("L"))
    assert grey[5, 5] == ground
    assert grey[50, 50] == 255 - ground


def test_what_is_shown_gets_the_answer_of_the_file(ask, file_of, trousers):
    large = trousers.resize((1120, 1120), Image.Resampling.BOX)
    contents = in_base64(file_of(large))
    shown = opened(ask("open_file", file=contents))
    answers = [ask("answer", picture=contents), ask("answer", picture=in_base64(file_of(shown)))]
    assert answers[0]["words"] == answers[1]["words"] == "Trouser"
    assert answers[0]["probabilities"] == pytest.approx(answers[1]["probabilities"], abs=0.02)


# --- visitors -------------------------------------------------------------------------------------------------------


def test_a_visitor_s_network_answers_only_the_visitor(ask, sessions, other_network, samples):
    shipped_answer, shipped_points = ask("answer", visitor=ANNA, sample=4), ask("points", visitor=ANNA)
    sessions.put(ANNA, other_network)
    mine = ask("answer", visitor=ANNA, sample=4, want={"spots": True})
    reading = inference.read_pixels(other_network.network, samples.test.pixels[4])
    assert mine["probabilities"] == pytest.approx(reading.probabilities.tolist(), rel=1e-5)
    assert mine["probabilities"] != pytest.approx(shipped_answer["probabilities"], abs=0.01)
    assert mine["own"] is True
    assert shipped_answer["own"] is False
    assert mine["spots"].keys() == {"pca", "pixels"}
    assert ask("points", visitor=ANNA)["tsne"] is None
    assert ask("answer", visitor=BERT, sample=4) == shipped_answer
    assert ask("points", visitor=BERT) == shipped_points
    assert ask("restore", visitor=BERT) == {}
    assert ask("answer", visitor=ANNA, sample=4)["probabilities"] == mine["probabilities"]
    assert ask("restore", visitor=ANNA) == {}
    assert ask("answer", visitor=ANNA, sample=4) == shipped_answer
    assert ask("restore", visitor=ANNA) == {}


def test_visitors_at_once_each_get_their_own_network(ask, sessions, other_network):
    sessions.put(ANNA, other_network)
    expected = {visitor: ask("answer", visitor=visitor, sample=9, want={"maps": "out"}) for visitor in (ANNA, BERT)}
    assert expected[ANNA] != expected[BERT]
    visitors = [ANNA, BERT] * 20
    with ThreadPoolExecutor(6) as pool:
        answers = list(
            pool.map(lambda visitor: ask("answer", visitor=visitor, sample=9, want={"maps": "out"}), visitors)
        )
    for visitor, answer in zip(visitors, answers, strict=True):
        assert answer["probabilities"] == pytest.approx(expected[visitor]["probabilities"], rel=1e-4, abs=1e-9)


@pytest.mark.parametrize(("busy", "free"), [("answer", "reasons"), ("reasons", "answer")])
def test_too_many_at_once_are_told_so_and_the_drawing_does_not_wait(monkeypatch, sessions, samples, busy, free):
    monkeypatch.setattr(module, "cores", lambda: 1)
    monkeypatch.setattr(module, "WAIT", 0.01)
    handlers = Handlers(sessions, samples.test, TrainingQueue(sessions, samples.test, "samples"))
    function, other = served(getattr(handlers, busy)), served(getattr(handlers, free))
    entered, go_on = threading.Event(), threading.Event()
    read_pixels = inference.read_pixels

    def slow_once(network, pixels, *more):
        if not entered.is_set():
            entered.set()
            assert go_on.wait(60)
        return read_pixels(network, pixels, *more)

    monkeypatch.setattr(inference, "read_pixels", slow_once)
    request = {"visitor": ANNA, "kind": "sample", "pixels": in_base64(samples.test.pixels[1].numpy().tobytes())}
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(function, request)
        assert entered.wait(60)
        try:
            assert "Many people" in error_of(function(request | {"visitor": BERT}))
            assert "error" not in other(request)
        finally:
            go_on.set()
        assert "error" not in first.result(60)
    assert "error" not in function(request)


def test_a_line_that_is_full_refuses_at_once(monkeypatch):
    monkeypatch.setattr(module, "WAIT", threading.TIMEOUT_MAX)  # else this test would not end
    line = module.Line(at_once=1, waiting=1)
    inside, done = threading.Event(), threading.Event()

    def work():
        with line.turn():
            inside.set()
            assert done.wait(60)

    with ThreadPoolExecutor(2) as pool:
        works = [pool.submit(work) for _ in range(2)]
        assert inside.wait(60)
        while line._places.acquire(blocking=False):  # until the second one waits
            line._places.release()
        with pytest.raises(BadRequest, match="Many people are here"), line.turn():
            pass
        done.set()
        for each in works:
            each.result(60)
    with line.turn():
        pass


def test_who_answers_is_known_without_a_picture(ask, sessions, other_network):
    shipped = ask("who", visitor=ANNA)
    assert shipped == {"network": sessions.shipped.name, "session": sessions.shipped.number, "own": False}
    sessions.put(ANNA, other_network)
    mine = ask("who", visitor=ANNA)
    assert mine == {"network": "yours", "session": other_network.number, "own": True}
    assert mine["session"] != shipped["session"]
    assert {name: ask("answer", visitor=ANNA, sample=1)[name] for name in mine} == mine
    assert ask("who", visitor=BERT) == shipped
    ask("restore", visitor=ANNA)
    assert ask("who", visitor=ANNA) == shipped


def test_a_core_comes_back_from_every_error(monkeypatch, sessions, samples):
    monkeypatch.setattr(module, "WAIT", 0.01)
    handlers = Handlers(sessions, samples.test, TrainingQueue(sessions, samples.test, "samples"))
    for _ in range(2 * module.cores() + 1):
        error_of(served(handlers.answer)({"visitor": ANNA, "sample": -1}))
        error_of(served(handlers.open_file)({"file": in_base64(b"text")}))
        handlers.predict({"path": "/etc/passwd"})
    assert "words" in served(handlers.answer)({"visitor": ANNA, "sample": 1})


# --- training: what reaches the training_queue -----------------------------------------------------------------------------

GOOD = {"architecture": "original", "go_on": False, "epochs": 3, "learning_rate": 0.02, "batch_size": 64, "share": 0.5}


class FakeTrainer:
    """Writes down what it is asked."""

    def __init__(self):
        self.asked = []

    def start(self, visitor, config, go_on=False):
        self.asked.append(("start", visitor, config, go_on))

    def state(self, visitor, seen):
        self.asked.append(("state", visitor, seen))
        return {"events": []}

    def stop(self, visitor):
        self.asked.append(("stop", visitor))


@pytest.fixture
def training_queue():
    return FakeTrainer()


@pytest.fixture
def train(training_queue, sessions, samples):
    """``train("train_start", settings=...)``, with a training_queue that only writes down."""
    handlers = Handlers(sessions, samples.test, training_queue)

    def train(name, visitor=ANNA, **request):
        return served(getattr(handlers, name))({"visitor": visitor} | request)

    return train


def test_settings_reach_the_trainer(train, training_queue):
    assert train("train_start", settings=GOOD) == {}
    ((what, visitor, config, go_on),) = training_queue.asked
    assert (what, visitor, go_on) == ("start", ANNA, False)
    changes = {"epochs": 3, "learning_rate": 0.02, "batch_size": 64, "share": 0.5, "validation": 0.1}
    assert asdict(config) == asdict(RECIPES["original"]) | changes
    assert type(config.epochs) is int


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_training_for_people_shows_what_the_program_makes(train, training_queue, architecture):
    for wish in (True, False, None, "yes", 1):
        train("train_start", settings=GOOD | {"architecture": architecture, "for_people": wish})
        config = asdict(training_queue.asked[-1][2])
        assert {name: config[name] for name in FOR_PEOPLE} == {
            name: part if wish is True else 0 for name, part in FOR_PEOPLE.items()
        }
        assert config["pruning"] == config["erase"] == 0  # each image is seen as often as the form says, and whole


def test_whole_numbers_may_come_with_a_point(train, training_queue):
    assert (
        train("train_start", settings=GOOD | {"epochs": 3.0, "batch_size": 64.0, "share": 1, "learning_rate": 1}) == {}
    )
    config = training_queue.asked[0][2]
    assert (config.epochs, config.batch_size) == (3, 64)
    assert type(config.epochs) is type(config.batch_size) is int


@pytest.mark.parametrize(
    ("go_on", "expected"), [(True, True), (False, False), (None, False), ("yes", False), (1, False)]
)
def test_going_on_must_be_asked_for(train, training_queue, go_on, expected):
    assert train("train_start", settings=GOOD | {"architecture": "deep", "go_on": go_on}) == {}
    assert training_queue.asked[0][3] is expected


def test_going_on_from_another_kind_of_network_is_refused_at_once(train, training_queue):
    assert train("train_start", settings=GOOD | {"go_on": True}) == {
        "error": "The network that answers now is deep: choose it above to go on from it."
    }
    assert training_queue.asked == []


NAN, INFINITY = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("learning_rate", 0, "learning rate is 0"),
        ("learning_rate", -1, "learning rate is -1"),
        ("learning_rate", 11, "learning rate is 11"),
        ("learning_rate", NAN, "learning rate is nan"),
        ("learning_rate", INFINITY, "learning rate is too large"),
        ("learning_rate", -INFINITY, "learning rate is too small"),
        ("learning_rate", 10**400, "learning rate is too large"),
        ("learning_rate", "x", "learning rate is no number"),
        ("learning_rate", "0.01", "learning rate is no number"),
        ("learning_rate", None, "learning rate is missing"),
        ("learning_rate", True, "learning rate is no number"),
        ("learning_rate", [0.01], "learning rate is no number"),
        ("epochs", 0, "pochs is 0"),
        ("epochs", -3, "pochs is -3"),
        ("epochs", 1.5, "epochs is 1.5"),
        ("epochs", 10_000, "pochs is 10000"),
        ("epochs", 10**400, "epochs is too large"),
        ("epochs", NAN, "epochs is nan"),
        ("epochs", INFINITY, "epochs is too large"),
        ("epochs", None, "epochs is missing"),
        ("epochs", True, "epochs is no number"),
        ("batch_size", 1, "batch size is 1"),
        ("batch_size", 0, "batch size is 0"),
        ("batch_size", 1025, "batch size is 1025, expected at most 1,024 on this page"),
        ("batch_size", 2.5, "batch size is 2.5"),
        ("batch_size", -(10**400), "batch size is too small"),
        ("batch_size", {}, "batch size is no number"),
        ("share", 0, "share of the data is 0"),
        ("share", 2, "share of the data is 2"),
        ("share", NAN, "share of the data is nan"),
        ("share", False, "share of the data is no number"),
        ("architecture", "resnet", "no network 'resnet'"),
        ("architecture", None, "no network 'None'"),
        ("architecture", ["original"], "no network"),
        ("architecture", "x" * 10_000, "no network"),
        ("architecture", "\ud800", "no network"),
    ],
)
def test_bad_setting_is_refused_and_nothing_is_started(train, training_queue, name, value, words):
    sentence = error_of(train("train_start", settings=GOOD | {name: value}))
    assert words in sentence
    assert len(sentence) < 200
    json.dumps(sentence, ensure_ascii=False).encode()
    assert training_queue.asked == []


@pytest.mark.parametrize("name", ["architecture", "epochs", "learning_rate", "batch_size", "share"])
def test_missing_setting_is_refused(train, training_queue, name):
    error_of(train("train_start", settings={key: value for key, value in GOOD.items() if key != name}))
    assert training_queue.asked == []


@pytest.mark.parametrize("settings", [None, [], "x", 5, [GOOD]])
def test_settings_of_another_form(train, training_queue, settings):
    assert "settings" in error_of(train("train_start", settings=settings))
    assert "settings" in error_of(train("train_start"))
    assert training_queue.asked == []


@pytest.mark.parametrize(
    ("seen", "expected"), [(0, 0), (7, 7), (-1, 0), ("x", 0), (None, 0), (1.5, 0), ([], 0), (INFINITY, 0)]
)
def test_events_seen(train, training_queue, seen, expected):
    assert train("train_state", seen=seen) == {"events": []}
    assert training_queue.asked == [("state", ANNA, expected)]


def test_stop_reaches_the_trainer(train, training_queue):
    assert train("train_stop", visitor=BERT) == {}
    assert training_queue.asked == [("stop", BERT)]


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
    said = json.loads(cli("predict", path, "--json").out)
    for orig_name in ("drawing.png", "/home/me/drawing.png", None, "", 5):
        answer = handlers.predict({"path": str(path), "orig_name": orig_name, "meta": {"_type": "gradio.FileData"}})
        assert answer["file"] == "drawing.png"
        assert answer.keys() == said.keys()
        assert answer["probabilities"] == pytest.approx(said["probabilities"], rel=1e-5, abs=1e-9)
        assert {key: answer[key] for key in ("label", "name", "familiarity", "error")} == {
            key: said[key] for key in ("label", "name", "familiarity", "error")
        }
    assert answer["name"] == "Trouser"


def test_api_is_answered_by_the_shipped_network(handlers, sessions, uploads, other_network, trousers):
    path = uploads / "hash" / "drawing.png"
    trousers.save(path)
    before = handlers.predict({"path": str(path)})
    sessions.put(ANNA, other_network)
    assert handlers.predict({"path": str(path)}) == before


def test_api_says_what_is_wrong_with_a_picture(handlers, uploads, cli):
    for name, contents in (("text.png", b"text"), ("empty.png", b""), (HTML_NAME, b"<html>")):
        path = uploads / "hash" / name
        path.write_bytes(contents)
        answer = handlers.predict({"path": str(path), "orig_name": name})
        said = json.loads(cli("predict", path, "--json").out)
        assert answer == said | {"file": name}
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
