"""Whatever is sent, reading it gives a typed request or a sentence, never anything else."""

import base64
import io
import json
import types
import typing
from dataclasses import fields

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from networks import new
from PIL import Image
from wire import ANNA, HTML_NAME, INFINITY, NAN, SETTINGS, in_base64

from demo import requests
from demo.limits import Limits
from demo.requests import (
    MAX_FILE_NAME,
    MAX_NETWORK_NAME,
    MORE_ON_PAGE,
    ON_PAGE,
    AnimationRequest,
    BadRequest,
    ChangeRequest,
    ChannelRequest,
    ChunkRequest,
    ComparisonRequest,
    EventsRequest,
    Fields,
    FileRequest,
    NameRequest,
    NetworkRequest,
    PictureRequest,
    ReasonsRequest,
    Request,
    TeachRequest,
    TrainCheckRequest,
    TrainRequest,
    UploadRequest,
    Wants,
    page_settings,
)
from fmnist_core.architectures import ARCHITECTURES
from fmnist_core.augment import AUGMENTATIONS
from fmnist_core.errors import ConfigError, FmnistError, PictureError
from fmnist_core.model import Network
from fmnist_core.packing import pack
from fmnist_core.preparation import PICTURE_KINDS
from fmnist_core.synthetic.kinds import SYNTHETIC_KINDS
from fmnist_core.train_config import SETTINGS as ALL_SETTINGS
from fmnist_core.train_config import SUGGESTED_SYNTHETIC, TrainConfig, flattened, recipe


def png(size=(3, 2)):
    buffer = io.BytesIO()
    Image.new("RGB", size, "red").save(buffer, "PNG")
    return in_base64(buffer.getvalue())


def read(request, limits=None, **values):
    return request.read(Fields({"visitor": ANNA} | values, limits or Limits()))


OFFERED = [*ON_PAGE, *(name for names in MORE_ON_PAGE.values() for name in names)]  # of the settings
PIXELS = in_base64(bytes(range(256)) * 3 + bytes(16))
WANT = {"maps": "conv1", "channel": ["conv1", 3], "pixel": [0, 1, 2], "coordinates": True, "steps": True}
OWN = {"architecture": "custom", "layers": [{"layer": "conv", "channels": 4, "stride": 2}, {"layer": "relu"}]}
# Every request with requests that it accepts.
ACCEPTED = [
    (Request, {}),
    (PictureRequest, {"sample": 3, "want": WANT}),
    (PictureRequest, {"picture": png(), "kind": "drawing", "name": "x.png", "want": WANT}),
    (PictureRequest, {"pixels": PIXELS, "naive": PIXELS, "kind": "photo", "want": WANT}),
    (FileRequest, {"file": png(), "kind": "photo", "name": "x.png"}),
    (PictureRequest, {"sample": 3, "network": "original"}),
    (NetworkRequest, {"network": "original"}),
    (NameRequest, {"network": "yours-1", "name": "No augmentation"}),
    (ComparisonRequest, {"first": "deep", "second": "original"}),
    (ChannelRequest, {"layer": "conv1", "channel": 3}),
    (ReasonsRequest, {"pixels": PIXELS, "label": 3}),
    (ChunkRequest, {"chunk": 3}),
    (EventsRequest, {"seen": 3}),
    (TrainRequest, {"settings": SETTINGS | SUGGESTED_SYNTHETIC}),
    (TrainRequest, {"settings": SETTINGS | {"watch": True}, "pixels": PIXELS}),
    (ChangeRequest, {"paused": True, "learning_rate": 0.003, "epochs": 7}),
    (TrainRequest, {"settings": SETTINGS | OWN}),
    (TeachRequest, {"pictures": [{"pixels": PIXELS, "label": 3}, {"pixels": PIXELS, "label": 0}]}),
    (TrainCheckRequest, {"architecture": "deep"}),
    (TrainCheckRequest, OWN),
    (AnimationRequest, {"format": "GIF"}),
    (UploadRequest, {"files": [{"name": "network.zip", "file": in_base64(pack(new()))}]}),
]
ANY_TEXT = st.text(st.characters(exclude_categories=[])) | st.sampled_from([*PICTURE_KINDS, png(), PIXELS, "\ud800"])
ANY_NUMBER = st.integers() | st.floats() | st.sampled_from([10**400, -(10**400), True, False, 0, 1, 2, 1.0])
ANY_JSON = st.recursive(
    st.none() | ANY_NUMBER | ANY_TEXT,
    lambda values: st.lists(values, max_size=4) | st.dictionaries(ANY_TEXT, values, max_size=4),
    max_leaves=6,
)


@st.composite
def changed(draw, values):
    """``values`` with some fields left out or anything in their place; likewise in the objects inside."""
    values = dict(values)
    for name in draw(st.sets(st.sampled_from(sorted(values)), min_size=1, max_size=3)):
        value = values.pop(name)
        if isinstance(value, dict) and draw(st.booleans()):
            values[name] = draw(changed(value))
        elif draw(st.booleans()):
            values[name] = draw(ANY_JSON)
    return values


def fits(value, hint):
    """Whether ``value`` is of the type that a field of a request promises; a bool is no whole number."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return any(fits(value, each) for each in arguments)
    if origin is list:
        return type(value) is list
    if origin is tuple:
        return type(value) is tuple and len(value) == len(arguments) and all(map(fits, value, arguments))
    if hint is Wants:
        return is_typed(value)
    if hint is torch.Tensor:
        return isinstance(value, hint) and value.dtype == torch.uint8 and value.shape == (28, 28)
    return isinstance(value, hint) if hint in (Image.Image, TrainConfig, Network) else type(value) is hint


def is_typed(request):
    hints = typing.get_type_hints(type(request))
    return all(fits(getattr(request, field.name), hints[field.name]) for field in fields(request))


def check_is_typed_or_refused(kind, values):
    values = json.loads(json.dumps(values))
    try:
        asked = kind.read(Fields(values, Limits()))
    except FmnistError as error:
        sentence = str(error)
        assert sentence.endswith(".")
        assert "\n" not in sentence
        assert len(sentence) < 300
        sentence.encode()
    else:
        assert type(asked) is kind
        assert is_typed(asked)


@pytest.mark.parametrize(("kind", "values"), ACCEPTED)
def test_what_the_page_sends_is_accepted(kind, values):
    asked = read(kind, **values)
    assert type(asked) is kind
    assert is_typed(asked)
    assert asked.visitor == ANNA


def test_every_request_is_tried():
    def below(request):
        return {request}.union(*map(below, request.__subclasses__()))

    assert {request for request, _ in ACCEPTED} == below(Request)


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # what it says about damaged metadata
@pytest.mark.parametrize(("kind", "values"), ACCEPTED)
@given(st.data())
def test_any_values_give_a_typed_request_or_a_sentence(kind, values, data):
    if values:
        check_is_typed_or_refused(kind, {"visitor": ANNA} | data.draw(changed(values)))
    check_is_typed_or_refused(kind, values | {"visitor": data.draw(ANY_JSON)})


@pytest.mark.parametrize("kind", sorted({kind for kind, _ in ACCEPTED}, key=lambda each: each.__name__))
@given(values=ANY_JSON)
@example(values=None)
@example(values=[{"visitor": ANNA}])
@example(values={"visitor": ANNA})
def test_any_body_gives_a_typed_request_or_a_sentence(kind, values):
    check_is_typed_or_refused(kind, values)


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@given(st.binary(max_size=200), st.integers(0, 60))
def test_any_bytes_give_a_picture_or_a_sentence(contents, position):
    damaged = bytearray(base64.b64decode(png()))
    damaged[position : position + len(contents)] = contents
    for each in (contents, bytes(damaged)):
        check_is_typed_or_refused(FileRequest, {"visitor": ANNA, "file": in_base64(each)})


@pytest.mark.parametrize("values", [None, [], "", "answer", 5, 1.5, True, [{"visitor": ANNA}]])
def test_a_request_of_another_form(values):
    with pytest.raises(BadRequest, match="The request is not of the form that the page sends"):
        Fields(values, Limits())


@pytest.mark.parametrize("kind", [request for request, _ in ACCEPTED])
@pytest.mark.parametrize(
    "visitor",
    [None, "", "a", "A" * 32, "a" * 31, "a" * 33, "g" * 32, "a" * 31 + "\n", "../" * 11, 5, ["a" * 32], "\u0663" * 32],
)
def test_the_visitor_must_be_named(kind, visitor):
    values = next(values for each, values in ACCEPTED if each is kind)
    with pytest.raises(BadRequest, match="reload"):
        read(kind, **values, visitor=visitor)


# --- pictures -------------------------------------------------------------------------------------------------------


def test_a_request_is_about_a_sample_or_pixels_or_a_picture():
    everything = {"sample": 3, "pixels": PIXELS, "naive": PIXELS, "picture": png(), "kind": "photo"}
    asked = read(PictureRequest, **everything)
    assert (asked.sample, asked.pixels, asked.picture, asked.kind) == (3, None, None, None)
    del everything["sample"]
    asked = read(PictureRequest, **everything)
    assert (asked.sample, asked.picture, asked.kind) == (None, None, "photo")
    assert asked.pixels.flatten().tolist() == asked.naive.flatten().tolist() == [*range(256)] * 3 + [0] * 16
    del everything["pixels"]
    asked = read(PictureRequest, **everything)
    assert (asked.sample, asked.pixels, asked.naive, asked.kind) == (None, None, None, "photo")
    assert asked.picture.size == (3, 2)


@pytest.mark.parametrize("sample", ["x", "1", 1.0, True, False, None, [1], {}, INFINITY, NAN])
def test_a_sample_is_a_whole_number(sample):
    with pytest.raises(BadRequest, match="no whole number sample"):
        read(PictureRequest, sample=sample)


@pytest.mark.parametrize("kind", ["", "painting", 1, ["photo"], {"photo": 1}, True])
@pytest.mark.parametrize(("asked", "field"), [(PictureRequest, "picture"), (FileRequest, "file")])
def test_an_unknown_kind_of_picture(asked, field, kind):
    with pytest.raises(BadRequest, match="There is no such kind of picture, expected one of sample, drawing"):
        read(asked, **{field: png()}, kind=kind)


@pytest.mark.parametrize("kind", [*PICTURE_KINDS, None])
def test_the_kinds_of_pictures(kind):
    assert read(FileRequest, file=png(), kind=kind).kind == kind


@pytest.mark.parametrize(
    ("count", "kind", "sentence"),
    [
        (783, "sample", "not the pixels of a picture that was opened here"),
        (785, "sample", "not the pixels of a picture that was opened here"),
        (784, None, "not the pixels of a picture that was opened here"),
        (784, "x", "no such kind of picture"),
        (784, ["sample"], "no such kind of picture"),
    ],
)
def test_pixels_are_those_of_an_opened_picture(count, kind, sentence):
    with pytest.raises(BadRequest, match=sentence):
        read(PictureRequest, pixels=in_base64(bytes(count)), kind=kind)


@pytest.mark.parametrize("megabytes", [1, 3])
def test_the_size_of_a_file_has_a_limit(megabytes):
    limits = Limits(upload_megabytes=megabytes)
    limit = megabytes * 2**20
    with pytest.raises(PictureError, match="is not a picture"):
        read(FileRequest, limits, file=in_base64(bytes(limit)), name="Large.png")
    with pytest.raises(PictureError, match=f"^Large.png is larger than {megabytes} MB.$"):
        read(FileRequest, limits, file=in_base64(bytes(limit + 6)), name="Large.png")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("x.png", "x.png"),
        (HTML_NAME, HTML_NAME),
        ("N" * 10_000, "N" * MAX_FILE_NAME),
        ("N\ud800.png", "N?.png"),
        *((nothing, "The picture") for nothing in ("", None, 5, ["x"], {"a": 1})),
    ],
)
def test_errors_call_a_file_by_its_name(name, expected):
    with pytest.raises(PictureError) as error:
        read(FileRequest, file=in_base64(b"text"), name=name)
    assert str(error.value).startswith(f"{expected} is not a picture")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("No augmentation", "No augmentation"),
        ("  large \t batch\n", "large batch"),
        (HTML_NAME, HTML_NAME),
        ("Überraschung 2", "Überraschung 2"),
        ("x" * MAX_NETWORK_NAME, "x" * MAX_NETWORK_NAME),
    ],
)
def test_a_network_can_have_any_name_that_can_be_seen(name, expected):
    assert read(NameRequest, network="yours-1", name=name).name == expected


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("", "The name has 0 characters, expected 1 to 60."),
        (" \n ", "The name has 0 characters"),
        ("x" * 4100, "The name has 4,100 characters"),
        ("a\u202eb", "characters in the name that cannot be seen"),  # what follows would be read backwards
        ("a\0b", "characters in the name that cannot be seen"),
        ("a\ud800", "characters in the name that cannot be seen"),
        (None, "The request holds no name."),
        (5, "The request holds no name."),
    ],
)
def test_a_name_that_a_network_cannot_have(name, sentence):
    with pytest.raises(BadRequest, match=sentence):
        read(NameRequest, network="yours-1", name=name)


# --- wants ----------------------------------------------------------------------------------------------------------


def test_wants():
    assert Wants.read(WANT) == Wants("conv1", ("conv1", 3), (0, 1, 2), True, True)


@pytest.mark.parametrize("want", [None, 5, True, "maps", ["maps", "coordinates"], {}, {"everything": 1, "": None}])
def test_what_is_not_known_is_not_wanted(want):
    """A page of a later version may want what this server does not know."""
    assert Wants.read(want) == Wants()
    if isinstance(want, dict):
        assert Wants.read(WANT | want) == Wants.read(WANT)


NOT_CHANNELS = (None, "conv1", [], ["conv1"], ["conv1", "0"], ["conv1", 0.0], ["conv1", True], [0, "conv1"],
                ["conv1", 0, 0], [["conv1"], 0], {"conv1": 0})  # fmt: skip
NOT_PIXELS = (None, 0, [0], [0, 0], [0, 0, 1e9], [0, 0, True], [0, 0, 0, 0], "000")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("channel", value) for value in NOT_CHANNELS),
        *(("pixel", value) for value in NOT_PIXELS),
        *(("maps", value) for value in (None, True, 3, ["conv1"], {"a": 1})),
    ],
)
def test_a_want_of_another_form_is_left_out(name, value):
    assert Wants.read({name: value}) == Wants()


# --- numbers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("seen", "expected"), [(0, 0), (7, 7), (-1, 0), (10**30, 10**30)])
def test_events_seen(seen, expected):
    assert read(EventsRequest, seen=seen).seen == expected


@pytest.mark.parametrize("value", ["x", None, 1.5, 1.0, True, [], [0], {}, INFINITY, NAN, "0"])
@pytest.mark.parametrize(
    ("asked", "name", "more"),
    [(EventsRequest, "seen", {}), (ChunkRequest, "chunk", {}), (ChannelRequest, "channel", {"layer": "conv1"})],
)
def test_what_must_be_a_whole_number(asked, name, more, value):
    with pytest.raises(BadRequest, match=f"The request holds no whole number {name}"):
        read(asked, **more, **{name: value})
    with pytest.raises(BadRequest, match=f"The request holds no whole number {name}"):
        read(asked, **more)


@pytest.mark.parametrize("value", [None, 5, True, ["conv1"], {"conv1": 1}])
@pytest.mark.parametrize(("asked", "name"), [(ChannelRequest, "layer"), (NetworkRequest, "network")])
def test_what_must_be_a_text(asked, name, value):
    with pytest.raises(BadRequest, match=f"The request holds no {name}"):
        read(asked, channel=0, **{name: value})


@pytest.mark.parametrize(("label", "expected"), [(None, None), (0, 0), (9, 9), (-1, -1)])
def test_reasons_are_for_the_best_class_or_for_the_one_named(label, expected):
    assert read(ReasonsRequest, pixels=PIXELS, label=label).label == expected
    assert read(ReasonsRequest, pixels=PIXELS).label is None


@pytest.mark.parametrize("label", [True, "0", 1.0, [1]])
def test_a_label_is_a_whole_number(label):
    with pytest.raises(BadRequest, match="no whole number label"):
        read(ReasonsRequest, pixels=PIXELS, label=label)


# --- settings of a training -----------------------------------------------------------------------------------------


def test_settings_are_those_of_the_recipe_with_the_visitor_s_changes():
    config = read(TrainRequest, settings=SETTINGS).config
    changes = {name: SETTINGS[name] for name in OFFERED}
    assert flattened(config) == flattened(recipe("original")) | changes | {"validation_fraction": 0.1}
    assert type(config.epochs) is int
    assert config.synthetic == dict.fromkeys(SUGGESTED_SYNTHETIC, 0)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_what_the_recipe_mixes_in_and_leaves_out_gives_way_to_the_form(architecture):
    changes = {"drawings": 0.2, "cloth": 0, "doodles": 0.5, "erase": 0.125, "skipped_fraction": 0.25, "amp": True}
    config = read(TrainRequest, settings=SETTINGS | {"architecture": architecture} | changes).config
    assert config.synthetic == {"drawings": 0.2, "cloth": 0, "doodles": 0.5}
    assert config.augmentations == {"erase": 0.125, "flip": 0.25, "shift": 2}
    assert (config.skipped_fraction, config.amp) == (0.25, True)


@pytest.mark.parametrize("wish", [True, False, None, "yes", 1])
def test_starting_from_the_network_that_answers_must_be_asked_for(wish):
    request = read(TrainRequest, settings=SETTINGS | {"init_from_current": wish})
    assert request.init_from_current is (wish is True)
    expected = recipe("original").validation_fraction if wish is True else 0.1
    assert request.config.validation_fraction == expected


def test_whole_numbers_may_come_with_a_point():
    changes = {"epochs": 3.0, "batch_size": 64.0, "data_fraction": 1, "learning_rate": 1}
    config = read(TrainRequest, settings=SETTINGS | changes).config
    assert (config.epochs, config.batch_size, config.data_fraction, config.learning_rate) == (3, 64, 1, 1)
    assert type(config.epochs) is type(config.batch_size) is int
    assert type(config.data_fraction) is type(config.learning_rate) is float


BAD_SETTINGS = [
    ("learning_rate", 0, "Learning rate: 0 is out of range, expected 1e-07 to 10"),
    ("learning_rate", -1, "Learning rate: -1 is out of range"),
    ("learning_rate", 11, "Learning rate: 11 is out of range"),
    ("learning_rate", NAN, "Learning rate: nan is out of range"),
    *(("learning_rate", far, "Learning rate: this is out of range") for far in (INFINITY, -INFINITY, 10**400)),
    ("learning_rate", "x", "Learning rate: 'x' is not a number"),
    ("learning_rate", "0.01", "Learning rate: '0.01' is not a number"),
    ("learning_rate", None, "Learning rate: missing"),
    ("learning_rate", True, "Learning rate: 'True' is not a number"),
    ("learning_rate", [0.01], "is not a number"),
    ("epochs", 0, "Epochs: 0 is out of range, expected 1 to 30"),
    ("epochs", -3, "Epochs: -3 is out of range"),
    ("epochs", 1.5, "Epochs: 1.5 is not a whole number"),
    ("epochs", 31, "Epochs: 31 is out of range"),
    ("epochs", 10_000, "Epochs: 10000 is out of range"),
    *(("epochs", far, "Epochs: this is out of range") for far in (10**400, INFINITY)),
    ("epochs", NAN, "Epochs: nan is out of range"),
    ("epochs", None, "Epochs: missing"),
    ("epochs", True, "Epochs: 'True' is not a number"),
    ("batch_size", 1, "Batch size: 1 is out of range, expected 2 to 1,024"),
    ("batch_size", 0, "Batch size: 0 is out of range"),
    ("batch_size", 1025, "Batch size: 1025 is out of range"),
    ("batch_size", 2.5, "Batch size: 2.5 is not a whole number"),
    ("batch_size", -(10**400), "Batch size: this is out of range"),
    ("batch_size", {}, "Batch size: '{}' is not a number"),
    ("data_fraction", 0, "Data fraction: 0 is out of range"),
    ("data_fraction", 2, "Data fraction: 2 is out of range"),
    ("data_fraction", NAN, "Data fraction: nan is out of range"),
    ("data_fraction", False, "Data fraction: 'False' is not a number"),
    ("weight_decay", -1, "Weight decay: -1 is out of range, expected 0 to 10"),
    ("label_smoothing", 1, "Label smoothing: 1 is out of range, expected 0 to 0.99"),
    ("flip", 1.5, "Flip: 1.5 is out of range, expected 0 to 1"),
    ("shift", 1.5, "Shift: 1.5 is not a whole number"),
    ("erase", None, "Erase: missing"),
    ("drawings", 0.6, "Drawings: 0.6 is out of range, expected 0 to 0.5"),
    ("doodles", NAN, "Doodles: nan is out of range"),
    ("skipped_fraction", 0.95, "Skipped fraction: 0.95 is out of range, expected 0 to 0.9"),
    ("amp", 1, "Amp: '1' is neither true nor false"),
    ("amp", None, "Amp: 'None' is neither true nor false"),
    ("seed", 2**53, "Seed: this is out of range, expected 0 to 9,007,199,254,740,991"),
    ("seed", -1, "Seed: -1 is out of range"),
    ("architecture", "resnet", "There is no network 'resnet', expected original or deep"),
    ("architecture", None, "There is no network 'None'"),
    ("architecture", ["original"], "There is no network"),
    ("architecture", "x" * 10_000, "There is no network"),
    ("architecture", "\ud800", "There is no network"),
]


@pytest.mark.parametrize(("name", "value", "words"), BAD_SETTINGS)
def test_a_bad_setting_is_refused(name, value, words):
    with pytest.raises(ConfigError) as error:
        read(TrainRequest, settings=SETTINGS | {name: value})
    sentence = str(error.value)
    assert words in sentence
    assert sentence.endswith(".")
    assert len(sentence.encode()) < 200


@pytest.mark.parametrize("name", ["architecture", *OFFERED])
def test_a_missing_setting_is_refused(name):
    with pytest.raises(ConfigError):
        read(TrainRequest, settings={key: value for key, value in SETTINGS.items() if key != name})


@pytest.mark.parametrize("settings", [None, [], "x", 5, [SETTINGS]])
def test_settings_of_another_form(settings):
    with pytest.raises(BadRequest, match="settings"):
        read(TrainRequest, settings=settings)
    with pytest.raises(BadRequest, match="settings"):
        read(TrainRequest)


def test_a_setting_is_offered_by_its_name_alone(monkeypatch):
    """To offer one more is to name it in ``ON_PAGE`` or ``MORE_ON_PAGE``: its check follows."""
    for where, names in (("ON_PAGE", (*ON_PAGE, "report_every")), ("MORE_ON_PAGE", {"More": ["report_every"]})):
        with monkeypatch.context() as patch:
            patch.setattr(requests, where, names)
            offered = {setting.name: setting for setting in page_settings(Limits())}
            assert offered["report_every"] == ALL_SETTINGS["report_every"]
            assert read(TrainRequest, settings=SETTINGS | {"report_every": 5}).config.report_every == 5
            with pytest.raises(ConfigError, match="Report every: 0 is out of range"):
                read(TrainRequest, settings=SETTINGS | {"report_every": 0})


def test_every_setting_is_offered_once():
    assert len(set(OFFERED)) == len(OFFERED)
    assert {*AUGMENTATIONS, *SYNTHETIC_KINDS} <= set(OFFERED)
    assert [setting.name for setting in page_settings(Limits())] == OFFERED


@pytest.mark.parametrize(
    ("pictures", "sentence"),
    [
        (None, "The lesson has no pictures, expected 1 to 50"),
        ([], "The lesson has 0 pictures, expected 1 to 50"),
        ([{"pixels": PIXELS, "label": 1}] * 51, "The lesson has 51 pictures, expected 1 to 50"),
        ([{"pixels": PIXELS, "label": 10}], "A picture has a label that is no class, expected 0..9"),
        ([{"pixels": PIXELS, "label": -1}], "A picture has a label that is no class"),
        ([{"pixels": PIXELS, "label": True}], "no whole number label"),
        ([{"pixels": "", "label": 1}], "These are not the pixels"),
        ([7], "not of the form that the page sends"),
    ],
)
def test_a_lesson_that_cannot_be_taught(pictures, sentence):
    with pytest.raises(BadRequest, match=sentence):
        read(TeachRequest, pictures=pictures)


def test_a_lesson_holds_its_pictures_in_order():
    lesson = read(TeachRequest, pictures=[{"pixels": PIXELS, "label": 3}, {"pixels": PIXELS, "label": 0}])
    assert lesson.labels == bytes([3, 0])
    assert len(lesson.pixels) == 2 * 784
