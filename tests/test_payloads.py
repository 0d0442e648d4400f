import io
import json
from collections import OrderedDict

import numpy as np
import pytest
import torch
from networks import ADDED, EVERY, narrow, new, register
from PIL import Image
from torch import nn
from wire import as_array, dequantised, pixels_of

from demo import payloads
from demo.limits import Limits
from demo.requests import Wants, page_settings
from demo.session import Session
from fmnist_core import CLASS_NAMES, explain
from fmnist_core.architectures import ARCHITECTURES
from fmnist_core.custom_layers import LayerLimits, read_row
from fmnist_core.inference import UNFAMILIAR, in_words, read_pixels
from fmnist_core.layer_kinds import LAYER_KINDS
from fmnist_core.layer_table import layer_table
from fmnist_core.model import Network, Trace, to_probabilities
from fmnist_core.preparation import PICTURE_KINDS, prepare
from fmnist_core.projection import NEIGHBOURS, Projection, embed, fit_pixels
from fmnist_core.train_config import SUGGESTED_SYNTHETIC, flattened, recipe


def plain(payload):
    """The payload as the browser gets it."""
    return json.loads(json.dumps(payload, allow_nan=False))


@pytest.fixture(scope="module")
def facts(shipped_session, original_session, samples):
    return plain(payloads.facts([shipped_session, original_session], samples.test, "sheet.png", Limits()))


@pytest.fixture
def added(monkeypatch):
    """Networks beside the shipped ones: with a block, with dilation, with dropout, with pooling as its first layer."""
    narrow(monkeypatch)
    register(monkeypatch, **ADDED, pooled=pooled_layers)


def pooled_layers(classes):
    return OrderedDict(
        pool1=nn.AvgPool2d(kernel_size=2),  # (N, 1, 14, 14)
        conv1=nn.Conv2d(1, 3, kernel_size=3),  # (N, 3, 12, 12)
        silu1=nn.SiLU(),
        flatten=nn.Flatten(),
        out=nn.Linear(432, classes),
    )


# --- what the page knows from the start -----------------------------------------------------------------------------


def test_facts_describe_the_samples(facts, samples):
    described = facts["samples"]
    assert described["sheet"] == "sheet.png"
    assert described["count"] == len(samples.test)
    assert as_array(described["labels"]).tolist() == samples.test.labels.tolist()
    assert as_array(described["numbers"], "<u2").tolist() == samples.test.numbers.tolist()


def test_the_example_is_an_ankle_boot_that_the_network_recognises(facts, samples, shipped):
    assert CLASS_NAMES[samples.test.labels[facts["example"]]] == "Ankle boot"
    assert CLASS_NAMES[read_pixels(shipped, samples.test.pixels[facts["example"]]).label] == "Ankle boot"


def test_facts_hold_the_table_of_layers_of_the_network_that_answers_at_first(facts, shipped, shipped_session):
    assert facts["layers"] == plain(payloads.layers(shipped))
    assert facts["session"] == shipped_session.number


def test_facts_name_every_network(facts, shipped, original):
    assert facts["networks"] == [
        {"id": "deep", "name": "deep", "parameters": shipped.parameter_count},
        {"id": "original", "name": "original", "parameters": original.parameter_count},
    ]


def test_facts_tell_kinds_of_pictures_and_sizes(facts):
    assert facts["kinds"] == PICTURE_KINDS
    assert facts["size"] == 28


def test_every_class_has_a_name_and_a_colour_of_its_own(facts):
    assert facts["classes"] == list(CLASS_NAMES)
    assert len(set(facts["colours"])) == len(facts["colours"]) == len(CLASS_NAMES)
    for colour in facts["colours"]:
        assert len(bytes.fromhex(colour.removeprefix("#"))) == 3


@pytest.mark.parametrize("count", [1, 49, 50, 51, 120])
def test_each_sample_has_its_place_in_the_sheet(samples, count):
    split = samples.test.take(torch.arange(count))
    sheet = np.asarray(payloads.sheet(split))
    rows = -(-count // payloads.SHEET_COLUMNS)
    assert sheet.shape == (28 * rows, 28 * payloads.SHEET_COLUMNS)
    for index in range(rows * payloads.SHEET_COLUMNS):
        left, top = 28 * (index % payloads.SHEET_COLUMNS), 28 * (index // payloads.SHEET_COLUMNS)
        cell = sheet[top : top + 28, left : left + 28]
        assert (cell == (split.pixels[index].numpy() if index < count else 0)).all()


# --- the training form ----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("added")
def test_every_network_can_be_trained():
    offered = plain(payloads.training_form(True, Limits()))["architectures"]
    assert [each["id"] for each in offered] == [*EVERY, "pooled"] == list(ARCHITECTURES)
    for each in offered:
        assert each["parameters"] == Network(each["id"]).parameter_count
        assert each["description"] == ARCHITECTURES[each["id"]].description


def test_of_the_whole_data_set_the_deep_network_is_offered_a_fraction_only():
    for is_whole, expected in ((True, {"original": 1.0, "deep": 0.1}), (False, {"original": 1.0, "deep": 1.0})):
        form = payloads.training_form(is_whole, Limits())
        started = dict.fromkeys(expected, form["settings"][3]["value"])  # where the networks do not differ
        assert form["settings"][3]["name"] == "data_fraction"
        started |= {each["id"]: each["values"].get("data_fraction", 1.0) for each in form["architectures"]}
        assert started == expected


def test_layers_of_one_s_own_begin_as_the_original_network_and_can_be_of_every_kind():
    custom = plain(payloads.training_form(True, Limits()))["custom"]
    assert (custom["id"], custom["values"]["data_fraction"]) == ("custom", 0.3)
    assert str(Network("custom", layers=custom["rows"]).layers) == str(Network("original").layers)
    assert [each["id"] for each in custom["kinds"]] == list(LAYER_KINDS)
    for each in custom["kinds"]:
        row = {"layer": each["id"]} | {setting["name"]: setting["value"] for setting in each["settings"]}
        assert read_row(row) == LAYER_KINDS[each["id"]]()
        assert all(setting["low"] <= setting["value"] <= setting["high"] for setting in each["settings"])


@pytest.mark.parametrize("kind", LAYER_KINDS)
def test_a_layer_of_one_s_own_is_called_the_same_where_it_is_looked_into(kind):
    few_maps = {"channels": 2} if kind == "conv" else {}
    network = Network("custom", layers=[{"layer": kind, **few_maps}, {"layer": "fc"}])
    row = next(row for row in payloads.layers(network) if row["name"] != "flatten")
    assert row["kind"] == LAYER_KINDS[kind].label
    assert row["words"]


def test_what_rows_of_layers_put_out_is_told_up_to_the_impossible_one():
    rows = [{"layer": "conv", "channels": 2}, {"layer": "max_pool"}, {"layer": "fc"}, {"layer": "tanh"}]
    told = plain(payloads.own_layers(rows, LayerLimits()))
    assert told["problem"] is None
    table = [row for row in layer_table(Network("custom", layers=rows)) if row.name != "flatten"]
    for layer, row in zip(told["layers"], table, strict=True):
        assert layer == {
            "name": row.name,
            "shape": list(row.shape),
            "parameters": row.parameters,
            "operations": row.operations,
            "flattened": 2 * 13 * 13 if row.name == "fc1" else None,
        }
    told = plain(payloads.own_layers([*rows, {"layer": "conv"}, {"layer": "relu"}], LayerLimits()))
    assert [layer["name"] for layer in told["layers"]] == ["conv1", "pool1", "fc1", "tanh1"]
    assert told["problem"].startswith("Row 5 (convolution): it slides over maps")


def test_every_setting_of_the_form_has_its_range_and_a_value_within_it():
    offered = plain(payloads.training_form(False, Limits()))["settings"]
    settings = page_settings(Limits())
    assert [each["name"] for each in offered] == [setting.name for setting in settings]
    for each, setting in zip(offered, settings, strict=True):
        assert (each["isWhole"], each["isSwitch"]) == (setting.type is int, setting.type is bool)
        if not each["isSwitch"]:
            assert (each["low"], each["high"]) == (setting.low, setting.high)
        setting.check(each["value"])
        assert each["label"]
        assert each["help"]
    values = {each["name"]: each["value"] for each in offered}
    assert values.pop("epochs") == 5  # not the recipe's: minutes on two cores
    # Neither sample selection nor erasing, which take long to help; and what makes it right about people's pictures.
    assert (values.pop("skipped_fraction"), values.pop("erase")) == (0, 0)
    assert {name: values.pop(name) for name in SUGGESTED_SYNTHETIC} == SUGGESTED_SYNTHETIC
    assert values == {name: flattened(recipe("original"))[name] for name in values}


@pytest.mark.parametrize("is_whole", [True, False])
def test_how_long_a_training_takes_is_told_by_earlier_ones(is_whole):
    paces = plain(payloads.training_form(is_whole, Limits(), {"original": 2.5}))["paces"]
    assert paces == {
        "original": {"seconds": 2.5, "isMeasured": True},
        "deep": {"seconds": pytest.approx(payloads.PACES["deep"] / (1 if is_whole else 6)), "isMeasured": False},
    }


def test_the_networks_begin_with_their_recipes_where_these_differ():
    form = plain(payloads.training_form(True, Limits()))
    values = {each["id"]: each["values"] for each in form["architectures"]}
    assert values == {
        "original": {"data_fraction": 1.0, "weight_decay": 0.05, "amp": False},
        "deep": {"data_fraction": 0.1, "weight_decay": 0.1, "amp": True},
    }
    assert form["custom"]["values"] == values["original"] | {"data_fraction": 0.3}
    assert form["suggestedSynthetic"] == SUGGESTED_SYNTHETIC
    offered = [each["name"] for each in form["settings"]]
    assert [name for names in form["more"].values() for name in names] == offered[4:]


# --- layers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_there_are_words_for_every_kind_of_layer(architecture):
    network = new(architecture)
    kinds = {row.kind for row in layer_table(network)} | {type(layer).__name__ for layer in network.layers.children()}
    assert kinds <= payloads.LAYERS_IN_WORDS.keys()
    for kind, words in payloads.LAYERS_IN_WORDS.values():
        assert kind
        assert words.endswith(".")


@pytest.mark.parametrize("architecture", [*EVERY, "pooled"])
@pytest.mark.usefixtures("added")
def test_every_layer_has_a_row(architecture):
    network = new(architecture)
    rows, table = plain(payloads.layers(network)), list(layer_table(network))
    assert [row["name"] for row in rows] == [each.name for each in table] == network.layer_names
    for row, each in zip(rows, table, strict=True):
        assert row["shape"] == list(each.shape)
        assert row["parameters"] == each.parameters
        for size in ("f", "p", "s", "d"):
            assert row[size] == (None if getattr(each, size) is None else list(getattr(each, size)))
        assert (row["kind"], row["words"]) == payloads.LAYERS_IN_WORDS.get(each.kind, (each.kind, ""))
    assert sum(row["parameters"] for row in rows) == network.parameter_count


@pytest.mark.usefixtures("added")
def test_a_layer_without_words_is_called_by_its_class():
    words = {row["name"]: (row["kind"], row["words"]) for row in payloads.layers(new("residual"))}
    assert words["block1"] == ("Residual", "")
    assert {row["name"]: (row["kind"], row["words"]) for row in payloads.layers(new("pooled"))}["silu1"] == ("SiLU", "")


@pytest.mark.usefixtures("added")
def test_a_row_tells_the_dilation():
    network = new("dilated")
    expected = {
        name: list(layer.dilation) for name, layer in network.layers.named_children() if isinstance(layer, nn.Conv2d)
    }
    assert any(max(dilation) > 1 for dilation in expected.values())
    rows = {row["name"]: row["d"] for row in plain(payloads.layers(network))}
    assert rows | expected == rows


@pytest.mark.parametrize(
    ("architecture", "expected"),
    [(architecture, True) for architecture in EVERY] + [("pooled", False)],
)
@pytest.mark.usefixtures("added")
def test_the_first_layer_alone_has_a_sum_if_it_is_a_convolution(architecture, expected):
    first, *others = (row["hasSum"] for row in payloads.layers(new(architecture)))
    assert first is expected
    assert not any(others)


# --- maps -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("index", [0, 7, 1999])
def test_maps_are_the_trace_within_half_a_level(shipped, samples, index):
    reading = read_pixels(shipped, samples.test.pixels[index])
    for name, output in reading.trace.maps.items():
        maps = payloads.layer_maps(reading.trace, name)
        assert maps["layer"] == name
        assert maps["shape"] == list(output.shape[1:])
        expected = output[0].numpy().astype(np.float64).reshape(len(maps["tops"]), -1)
        assert maps["tops"] == pytest.approx(np.abs(expected).max(1), abs=1e-8)
        values, error = dequantised(maps)
        assert (np.abs(values - expected) <= error * 1.001).all()
        assert as_array(maps["values"]).min() >= 1


def levels(values):
    """The levels of one layer that puts out ``values``."""
    network = Network("original")
    output = torch.tensor([values], dtype=torch.float32)
    trace = Trace(dict.fromkeys(network.layer_names, output), output, output)
    maps = payloads.layer_maps(trace, "fc1")
    return maps["tops"][0], as_array(maps["values"]).tolist()


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


# --- channels -------------------------------------------------------------------------------------------------------


def channels(network, samples):
    """``(layer, channel, payload)`` of the last channel of every layer."""
    some = samples.test.take(torch.arange(30))
    trace = read_pixels(network, some.pixels[0]).trace
    for layer, found in explain.top_activations(network, some, count=4).items():
        channel = len(found.values) - 1
        yield layer, channel, plain(payloads.channel(network, trace, found, layer, channel)), found


@pytest.mark.parametrize("architecture", [*EVERY, "pooled"])
@pytest.mark.usefixtures("added")
def test_a_channel_has_its_top_samples_and_its_weights_or_a_sentence_why_not(architecture, samples):
    network = new(architecture)
    modules = dict(network.layers.named_children())
    for layer, channel, payload, found in channels(network, samples):
        assert (payload["layer"], payload["channel"]) == (layer, channel)
        assert [each["index"] for each in payload["top"]] == found.indices[channel].tolist()
        assert [each["value"] for each in payload["top"]] == pytest.approx(found.values[channel].tolist())
        assert [each["box"] for each in payload["top"]] == found.boxes[channel].tolist()
        if "noWeights" in payload:
            assert payload.keys() == {"layer", "channel", "noWeights", "top"}
            assert payload["noWeights"].endswith(".")
        else:
            assert payload.keys() == {"layer", "channel", "maker", "weights", "top"}
            weights = modules[payload["maker"]].weight.detach()
            values, error = dequantised(payload["weights"])
            owner = [np.abs(values.flatten() - each.flatten().numpy()).max() <= error.max() * 1.001 for each in weights]
            assert sum(owner) == 1  # one of its channels


@pytest.mark.usefixtures("added")
def test_a_channel_of_a_block_has_no_weights_to_show(samples):
    shown = {layer: payload for layer, _, payload, _ in channels(new("residual"), samples)}
    # From a block on, as far as nothing but the block could have made a channel.
    assert [layer for layer, payload in shown.items() if "noWeights" in payload] == [
        "block1",
        "block2",
        "pool1",
        "flatten",
    ]
    assert shown["block2"]["noWeights"] == "block2 (Residual) has no single set of weights for each of its channels."
    assert shown["out"]["maker"] == "out"
    assert shown["relu1"]["maker"] == "conv1"


@pytest.mark.usefixtures("added")
def test_before_the_first_weights_there_are_none_to_show(samples):
    shown = {layer: payload for layer, _, payload, _ in channels(new("pooled"), samples)}
    assert [layer for layer, payload in shown.items() if "noWeights" in payload] == ["pool1"]
    assert shown["pool1"]["noWeights"] == "No layer with weights comes before pool1."


# --- answers --------------------------------------------------------------------------------------------------------

ALWAYS = {"words", "probabilities", "familiarity", "note", "kind", "pixels"}


def test_an_answer_holds_what_is_wanted(shipped, samples):
    reading = read_pixels(shipped, samples.test.pixels[3])
    for wants, more in [
        (Wants(), set()),
        (Wants(maps="conv1"), {"maps"}),
        (Wants(coordinates=True, steps=True), set()),  # which the handlers add
        (Wants(channel=("conv1", 1), pixel=(0, 1, 2)), {"channel", "pixel"}),
        (Wants("out", ("out", 9), (0, 27, 27)), {"maps", "channel", "pixel"}),
    ]:
        answer = plain(payloads.answer(reading, shipped, wants))
        assert answer.keys() == ALWAYS | more
    assert answer["words"] == in_words(reading)
    assert answer["probabilities"] == reading.probabilities.tolist()
    assert (pixels_of(answer) == samples.test.pixels[3].numpy()).all()


@pytest.mark.parametrize(
    "wants",
    [
        *(Wants(maps=layer) for layer in ("", "conv99", "__class__")),
        *(Wants(channel=channel) for channel in (("conv99", 0), ("conv1", -1), ("conv1", 32), ("conv1", 10**30))),
        *(Wants(pixel=pixel) for pixel in ((32, 0, 0), (0, 28, 0), (0, 0, -1), (0, 0, 10**30))),
    ],
)
def test_what_a_network_does_not_have_is_left_out(shipped, samples, wants):
    assert payloads.answer(read_pixels(shipped, samples.test.pixels[3]), shipped, wants).keys() == ALWAYS


@pytest.mark.parametrize("architecture", EVERY)
@pytest.mark.usefixtures("added")
def test_every_network_gives_what_is_wanted(architecture, samples):
    network = new(architecture)
    reading = read_pixels(network, samples.test.pixels[3])
    for layer in network.layer_names:
        answer = plain(payloads.answer(reading, network, Wants(layer, (layer, 0), (2, 1, 0))))
        assert answer.keys() == ALWAYS | {"maps", "channel", "pixel"}
        assert answer["maps"]["layer"] == answer["channel"]["layer"] == layer
        ablated = to_probabilities(explain.ablate_channel(network, reading.trace, layer, 0))[0]
        assert answer["channel"]["probabilities"] == pytest.approx(ablated.tolist(), abs=1e-6)
    shown, first = answer["pixel"], network.layer_names[0]
    assert shown["place"] == [2, 1, 0]
    assert np.shape(shown["patch"]) == np.shape(shown["kernel"]) == network.layers[0].kernel_size
    assert (np.array(shown["patch"]) * np.array(shown["kernel"])).sum() + shown["bias"] == pytest.approx(
        shown["total"], abs=1e-5
    )
    assert shown["total"] == pytest.approx(float(reading.trace.maps[first][0, 2, 1, 0]), abs=1e-4)


@pytest.mark.usefixtures("added")
def test_a_sum_that_a_first_layer_does_not_have_is_left_out(samples):
    network = new("pooled")
    reading = read_pixels(network, samples.test.pixels[3])
    answer = plain(payloads.answer(reading, network, Wants("pool1", ("pool1", 0), (0, 0, 0))))
    assert answer.keys() == ALWAYS | {"maps", "channel"}


def test_what_is_not_familiar_is_a_guess_with_a_note(shipped, samples):
    with torch.no_grad():
        network = Network(shipped.architecture).eval()
        network.layers.out.weight.zero_()
        network.layers.out.bias.zero_()
    reading = read_pixels(network, torch.zeros(28, 28, dtype=torch.uint8))
    answer = payloads.answer(reading, network, Wants())
    assert answer["familiarity"] == pytest.approx(0, abs=1e-6)
    assert answer["words"] == "At a guess: T-shirt/top"
    assert answer["note"] == UNFAMILIAR == "This does not look like anything I was trained on."
    assert payloads.answer(read_pixels(shipped, samples.test.pixels[0]), shipped, Wants())["note"] is None


@pytest.mark.parametrize("architecture", [*EVERY, "pooled"])
@pytest.mark.usefixtures("added")
def test_every_network_gives_reasons(architecture, samples):
    network = new(architecture)
    reading = read_pixels(network, samples.test.pixels[3])
    payload = plain(payloads.reasons(network, reading, 4))
    assert payload.keys() == {"label", "grad_cam", "occlusion"}
    assert payload["label"] == 4
    assert len(as_array(payload["grad_cam"])) == 28 * 28
    assert payload["occlusion"]["shape"] == [1, 28, 28]


def test_a_network_without_maps_gives_what_reasons_it_can(samples):
    network = new("custom", layers=[{"layer": "fc"}])
    payload = plain(payloads.reasons(network, read_pixels(network, samples.test.pixels[3]), 4))
    assert payload["grad_cam"] is None
    assert payload["occlusion"]["shape"] == [1, 28, 28]


def test_steps_show_what_was_found_within_a_small_side(trousers, shipped, samples):
    prepared = prepare(trousers)
    steps = plain(payloads.steps(prepared, read_pixels(shipped, samples.test.pixels[3])))
    assert steps.keys() == {"found", "box", "naive"}
    with Image.open(io.BytesIO(as_array(steps["found"]).tobytes())) as found:
        assert max(found.size) <= payloads.STEP_SIDE
    width, height = prepared.found.shape[1], prepared.found.shape[0]
    assert steps["box"] == pytest.approx(np.array(prepared.box) / [width, height, width, height])
    assert (pixels_of(steps["naive"]) == samples.test.pixels[3].numpy()).all()
    assert steps["naive"]["words"] == in_words(read_pixels(shipped, samples.test.pixels[3]))


# --- the map --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pixel_projection(samples):
    return fit_pixels(samples.test)


def place(network, pixels, projection, pixel_projection, sample=None):
    return plain(payloads.place(read_pixels(network, pixels), projection, pixel_projection, sample))


def fractions(points, name):
    return as_array(points[name], "<u2").reshape(-1, 2) / 65535


def test_points_fill_the_map(shipped_session, samples, pixel_projection):
    shown = shipped_session.projection
    points = plain(payloads.points(shown, pixel_projection))
    assert points.keys() == {"pca", "pixels", "tsne", "predictions"}
    for name, frame in (("pca", shown.pca), ("pixels", pixel_projection.coordinates), ("tsne", shown.tsne)):
        coordinates = fractions(points, name)
        assert coordinates.shape == (len(samples.test), 2)
        assert coordinates.min(0).tolist() == [0, 0]
        assert coordinates.max(0).tolist() == [1, 1]
        # The same picture, only moved and scaled: each axis is a straight line of the projection's.
        for axis in (0, 1):
            low, high = float(frame[:, axis].min()), float(frame[:, axis].max())
            expected = (frame[:, axis].numpy() - low) / (high - low)
            assert np.abs(coordinates[:, axis] - expected).max() < 0.51 / 65535
    assert as_array(points["predictions"]).tolist() == shown.predictions.tolist()


def test_a_sample_lies_at_its_own_place(shipped, shipped_session, samples, pixel_projection):
    points = payloads.points(shipped_session.projection, pixel_projection)
    for index in range(0, 2000, 37):
        shown = place(shipped, samples.test.pixels[index], shipped_session.projection, pixel_projection)
        assert shown["coordinates"].keys() == {"pca", "pixels", "tsne"}
        for name, coordinates in shown["coordinates"].items():
            assert coordinates == pytest.approx(fractions(points, name)[index], abs=1e-4)
        assert len(shown["nearest"]) == NEIGHBOURS
        assert shown["nearest"][0] == {"index": index, "distance": pytest.approx(0, abs=1e-3)}
        distances = [near["distance"] for near in shown["nearest"]]
        assert distances == sorted(distances)
        assert len({near["index"] for near in shown["nearest"]}) == NEIGHBOURS


def test_a_sample_is_not_its_own_neighbour(shipped, shipped_session, samples, pixel_projection):
    pixels, projection = samples.test.pixels[37], shipped_session.projection
    as_picture = place(shipped, pixels, projection, pixel_projection)
    as_sample = place(shipped, pixels, projection, pixel_projection, sample=37)
    assert as_sample["coordinates"] == as_picture["coordinates"]
    assert len(as_sample["nearest"]) == NEIGHBOURS
    assert as_sample["nearest"][: NEIGHBOURS - 1] == as_picture["nearest"][1:]


def small(coordinates, tsne=None):
    """A projection whose PCA coordinates are the embeddings themselves."""
    embeddings = torch.tensor(coordinates)
    axes, mean = torch.eye(2), torch.zeros(2)
    return Projection(embeddings, torch.zeros(len(coordinates), dtype=torch.int64), mean, axes, tsne)


@pytest.fixture
def place_of(shipped, samples, pixel_projection):
    """``place_of(embedding, projection)``: the coordinates of a picture with that embedding."""

    def place_of(embedding, projection):
        reading = read_pixels(shipped, samples.test.pixels[0])
        object.__setattr__(reading.trace, "embedding", torch.tensor([embedding]))
        return plain(payloads.place(reading, projection, pixel_projection))["coordinates"]

    return place_of


def test_a_place_outside_the_map_is_told_as_such(place_of):
    projection = small([[0.0, 0.0], [4.0, 2.0]])
    assert place_of([8.0, -1.0], projection)["pca"] == [2.0, -0.5]
    assert place_of([1.0, 1.0], projection)["pca"] == [0.25, 0.5]


def test_without_tsne_there_is_none(place_of, pixel_projection):
    projection = small([[0.0, 0.0], [4.0, 2.0], [1.0, 1.0]])
    assert payloads.points(projection, pixel_projection)["tsne"] is None
    assert place_of([1.0, 1.0], projection).keys() == {"pca", "pixels"}


def test_a_map_without_width_stays_finite(place_of, pixel_projection):
    projection = small([[1.0, 0.0], [1.0, 2.0]])
    assert as_array(payloads.points(projection, pixel_projection)["pca"], "<u2").tolist() == [0, 0, 0, 65535]
    place_of([1.0, 1.0], projection)  # ``plain`` lets nothing through that is not finite


def test_more_points_are_on_the_same_maps(shipped, shipped_session, samples, pixel_projection):
    """Images shown later lie where the visitor's picture with the same pixels would."""
    images = samples.train.take(torch.arange(40))
    embeddings, predictions = embed(shipped, images)
    projection = shipped_session.projection
    more = plain(payloads.more_points(images, embeddings, predictions, projection, pixel_projection))
    assert as_array(more["labels"]).tolist() == images.labels.tolist()
    assert as_array(more["numbers"], "<u2").tolist() == images.numbers.tolist()
    assert as_array(more["predictions"]).tolist() == predictions.tolist()
    for index in range(40):
        shown = place(shipped, images.pixels[index], projection, pixel_projection)["coordinates"]
        assert shown.keys() == {"pca", "pixels", "tsne"}
        for name, coordinates in shown.items():
            assert as_array(more[name], "<f4").reshape(-1, 2)[index] == pytest.approx(coordinates, abs=1e-3)
    without_tsne = small([[0.0, 0.0], [4.0, 2.0]])
    few = payloads.more_points(images, embeddings[:, :2], predictions, without_tsne, pixel_projection)
    assert few["tsne"] is None


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_png_is_the_picture(mode, trousers):
    picture = trousers.convert(mode)
    with Image.open(io.BytesIO(as_array(payloads.png(picture)).tobytes())) as read:
        assert read.format == "PNG"
        assert read.mode == mode
        assert (np.asarray(read) == np.asarray(picture)).all()


def test_any_session_is_described_by_its_own_id_and_name(original, samples):
    given = Session(original, None, "given", "a run of mine")
    facts = payloads.facts([given], samples.test, "sheet.png", Limits(upload_megabytes=5))
    assert facts["networks"] == [{"id": "given", "name": "a run of mine", "parameters": original.parameter_count}]
    assert facts["uploadBytes"] == 5 * 2**20
