import argparse
import math
from dataclasses import dataclass, fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fmnist_core.errors import ConfigError
from fmnist_core.settings import NO_LIMIT, Setting, add_option, setting, setting_of

WHOLE = Setting("batch_size", "images before each step", int, 2, 100_000)
NUMBER = Setting("learning_rate", "how large the steps are", float, 1e-7, 10)
OPEN = Setting("max_steps", "stop after this many steps", int)
SWITCH = Setting("amp", "multiply in 16 bits", bool)
CHOICE = Setting("device", "where to train", str, choices=("auto", "cpu", "cuda"))

ANYTHING = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(10**400), 10**400)
    | st.floats()
    | st.complex_numbers()
    | st.text()
    | st.binary()
    | st.lists(st.integers(), max_size=2)
    | st.dictionaries(st.text(), st.integers(), max_size=2)
)


def refusal(setting, value):
    """The sentence with which a value is refused."""
    with pytest.raises(ConfigError) as caught:
        setting.check(value)
    return str(caught.value)


# ---------------------------------------------------------------- numbers


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        (WHOLE, 2),
        (WHOLE, 100_000),
        (WHOLE, 256.0),  # what a slider of the page sends
        (NUMBER, 1e-7),
        (NUMBER, 10),
        (NUMBER, 0.5),
        (NUMBER, np.float64(0.5)),
        (OPEN, 0),
        (OPEN, 10**400),
    ],
)
def test_numbers_within_the_range_are_accepted_its_ends_included(setting, value):
    setting.check(value)


@pytest.mark.parametrize(
    ("setting", "value", "sentence"),
    [
        (WHOLE, 1, "Batch size: 1 is out of range, expected 2 to 100,000."),
        (WHOLE, -3, "Batch size: -3 is out of range, expected 2 to 100,000."),
        (WHOLE, 1_234_567, "Batch size: 1234567 is out of range, expected 2 to 100,000."),
        (WHOLE, 100_000.01, "Batch size: 100000.01 is out of range, expected 2 to 100,000."),
        (WHOLE, 10**400, "Batch size: this is out of range, expected 2 to 100,000."),
        (WHOLE, -(10**400), "Batch size: this is out of range, expected 2 to 100,000."),
        (WHOLE, 2.5, "Batch size: 2.5 is not a whole number."),
        (WHOLE, 2.0000001, "Batch size: 2.0000001 is not a whole number."),
        (WHOLE, math.nan, "Batch size: nan is out of range, expected 2 to 100,000."),
        (NUMBER, 0, "Learning rate: 0 is out of range, expected 1e-07 to 10."),
        (NUMBER, 10.5, "Learning rate: 10.5 is out of range, expected 1e-07 to 10."),
        (NUMBER, 10.0000001, "Learning rate: 10.0000001 is out of range, expected 1e-07 to 10."),
        (NUMBER, math.nan, "Learning rate: nan is out of range, expected 1e-07 to 10."),
        (NUMBER, math.inf, "Learning rate: this is out of range, expected 1e-07 to 10."),
        (NUMBER, -math.inf, "Learning rate: this is out of range, expected 1e-07 to 10."),
        (NUMBER, 1e12, "Learning rate: this is out of range, expected 1e-07 to 10."),
        (OPEN, -1, "Max steps: -1 is out of range, expected 0 or more."),
        (OPEN, math.inf, "Max steps: inf is not a whole number."),
        (OPEN, math.nan, "Max steps: nan is out of range, expected 0 or more."),
        (WHOLE, None, "Batch size: missing, expected a number."),
        (WHOLE, True, "Batch size: 'True' is not a number."),
        (NUMBER, False, "Learning rate: 'False' is not a number."),
        (WHOLE, "many", "Batch size: 'many' is not a number."),
        (WHOLE, "7", "Batch size: '7' is not a number."),
        (WHOLE, "", "Batch size: '' is not a number."),
        (NUMBER, [1], "Learning rate: '[1]' is not a number."),
        (NUMBER, {}, "Learning rate: '{}' is not a number."),
        (NUMBER, 1j, "Learning rate: '1j' is not a number."),
        (NUMBER, "x" * 1000, f"Learning rate: '{'x' * 40}' is not a number."),
    ],
)
def test_other_numbers_and_what_is_none_are_refused_with_what_was_found_and_expected(setting, value, sentence):
    assert refusal(setting, value) == sentence


@pytest.mark.parametrize("setting", [WHOLE, NUMBER, OPEN], ids=lambda setting: setting.name)
@given(value=st.integers() | st.integers(-(10**400), 10**400) | st.floats() | st.floats(0, 12))
def test_number_is_accepted_when_it_lies_in_the_range_and_else_refused(setting, value):
    fits = setting.type is float or isinstance(value, int) or value.is_integer()
    if setting.low <= value <= setting.high and fits:
        setting.check(value)
    else:
        assert refusal(setting, value).startswith(f"{setting.label}: ")


# ---------------------------------------------------------------- switches and choices


@pytest.mark.parametrize("value", [True, False])
def test_switch_is_true_or_false(value):
    SWITCH.check(value)


@pytest.mark.parametrize(
    ("value", "shown"), [(1, "1"), (0, "0"), (None, "None"), ("true", "true"), (0.0, "0.0"), (10**400, "1" + 39 * "0")]
)
def test_anything_else_is_no_switch(value, shown):
    assert refusal(SWITCH, value) == f"Amp: '{shown}' is neither true nor false."


@pytest.mark.parametrize("value", CHOICE.choices)
def test_choice_is_one_of_those_there_are(value):
    CHOICE.check(value)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("tpu", "'tpu'"),
        ("", "''"),
        ("CPU", "'CPU'"),
        (None, "'None'"),
        (0, "'0'"),
        (True, "'True'"),
        (["cpu"], "\"['cpu']\""),
        (10**400, f"'1{39 * '0'}'"),
        (1000 * "y", f"'{40 * 'y'}'"),
    ],
)
def test_other_choices_are_refused_with_those_there_are(value, shown):
    assert refusal(CHOICE, value) == f"Device: {shown} is not known, expected auto or cpu or cuda."


def test_choices_that_come_later_are_known_at_once():
    networks = {"small": 1}
    architecture = Setting("architecture", "which network", str, choices=networks.keys())
    assert refusal(architecture, "large") == "Architecture: 'large' is not known, expected small."
    networks["large"] = 2
    architecture.check("large")


# ---------------------------------------------------------------- whatever comes


PYTHON_TYPES = {int: (int, float), float: (int, float), bool: (bool,), str: (str,)}


@pytest.mark.parametrize("setting", [WHOLE, NUMBER, OPEN, SWITCH, CHOICE], ids=lambda setting: setting.name)
@given(value=ANYTHING)
def test_any_value_is_accepted_or_refused_in_one_short_sentence(setting, value):
    try:
        setting.check(value)
    except ConfigError as error:
        sentence = str(error)
        assert sentence.startswith(f"{setting.label}: ")
        assert sentence.endswith(".")
        assert len(sentence) < 250
        assert "\n" not in sentence
    else:
        assert type(value) in PYTHON_TYPES[setting.type]


# ---------------------------------------------------------------- in words


def test_label_is_the_name_as_a_person_reads_it():
    assert [each.label for each in (WHOLE, NUMBER, SWITCH)] == ["Batch size", "Learning rate", "Amp"]


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (0, 1, "0 to 1"),
        (0.5, 0.99, "0.5 to 0.99"),
        (1e-7, 10, "1e-07 to 10"),
        (1000, 100_000, "1,000 to 100,000"),
        (1, NO_LIMIT, "1 or more"),
        (0, 2**63 - 1, "0 to 9,223,372,036,854,775,807"),  # exact: one more is refused
        (0, 1000.5, "0 to 1000.5"),
    ],
)
def test_range_in_words(low, high, words):
    assert Setting("x", "something", float, low, high).expected == words


def test_field_of_a_configuration_becomes_a_setting_of_its_type():
    @dataclass
    class Config:
        epochs: int = setting(10, "passes through the images", low=1, high=1000, unit="passes")
        amp: bool = setting(False, "multiply in 16 bits")
        device: str = setting("auto", "where to train", choices=("auto", "cpu"))

    assert Config() == Config(10, False, "auto")
    assert [setting_of(field) for field in fields(Config)] == [
        Setting("epochs", "passes through the images", int, 1, 1000, "passes"),
        Setting("amp", "multiply in 16 bits", bool),
        Setting("device", "where to train", str, choices=("auto", "cpu")),
    ]


def test_range_in_words_has_the_unit():
    assert Setting("x", "something", float, 1, 5, unit="s").expected == "1 to 5 s"
    assert Setting("x", "something", float, 1, unit="MB").expected == "1 MB or more"


# ---------------------------------------------------------------- as text


@pytest.mark.parametrize(
    ("setting", "text", "value"),
    [(WHOLE, "256", 256), (WHOLE, "256.0", 256), (NUMBER, "1e-3", 0.001), (NUMBER, " 2 ", 2.0), (CHOICE, "cpu", "cpu")],
)
def test_text_is_read_as_what_it_stands_for(setting, text, value):
    assert setting.parse(text) == value
    assert type(setting.parse(text)) is setting.type


@pytest.mark.parametrize("setting", [WHOLE, NUMBER, CHOICE], ids=lambda setting: setting.name)
@given(text=st.text() | st.integers().map(str) | st.floats().map(str))
def test_any_text_is_read_or_refused_in_one_short_sentence(setting, text):
    try:
        value = setting.parse(text)
    except ConfigError as error:
        assert str(error).startswith(f"{setting.label}: ")
        assert len(str(error)) < 250
    else:
        setting.check(value)
        assert type(value) is setting.type


# ---------------------------------------------------------------- as an option


def test_a_setting_is_an_option_of_the_command_line(capsys):
    parser = argparse.ArgumentParser()
    for each in (WHOLE, NUMBER, SWITCH, CHOICE):
        add_option(parser, each, "that of the recipe")
    left_out = parser.parse_args([])
    assert vars(left_out) == dict.fromkeys(("batch_size", "learning_rate", "amp", "device"))
    given = parser.parse_args(["--batch-size", "64", "--learning-rate", "0.5", "--no-amp", "--device", "cuda"])
    assert vars(given) == {"batch_size": 64, "learning_rate": 0.5, "amp": False, "device": "cuda"}
    for wrong in (["--batch-size", "x"], ["--device", "tpu"]):
        with pytest.raises(SystemExit):
            parser.parse_args(wrong)
    capsys.readouterr()
    assert "images before each step (default: that of the recipe)" in " ".join(parser.format_help().split())
