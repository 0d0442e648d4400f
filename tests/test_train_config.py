import json
import math
from dataclasses import asdict, fields, replace
from types import MappingProxyType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fmnist_core.architectures import ARCHITECTURES
from fmnist_core.augment import AUGMENTATIONS
from fmnist_core.custom_layers import CUSTOM, ORIGINAL_ROWS
from fmnist_core.errors import ConfigError
from fmnist_core.model import Network
from fmnist_core.settings import NO_LIMIT
from fmnist_core.synthetic.kinds import SYNTHETIC_KINDS
from fmnist_core.train_config import (
    DEVICES,
    SETTINGS,
    SUGGESTED_SYNTHETIC,
    TrainConfig,
    flattened,
    recipe,
    with_settings,
)

every_setting = pytest.mark.parametrize("name", SETTINGS)
few_examples = settings(max_examples=20)  # of each setting
NESTED = {"augmentations": AUGMENTATIONS, "synthetic": SYNTHETIC_KINDS}


def config_with(name, value):
    """A configuration of which one setting has this value, made without ``with_settings``."""
    for field, known in NESTED.items():
        if name in known:
            return TrainConfig(**{field: {name: value}})
    return TrainConfig(**{name: value})


def values_of(name):
    """All values that a setting can have."""
    setting = SETTINGS[name]
    if setting.choices:
        return st.sampled_from(sorted(setting.choices))
    if setting.type is bool:
        return st.booleans()
    high = 2**70 if setting.high == NO_LIMIT else setting.high
    return (st.integers if setting.type is int else st.floats)(setting.low, high)


def bad_values_of(name):
    """Values that a setting cannot have: of another type, out of range, no number."""
    setting = SETTINGS[name]
    if setting.choices:
        return (st.text() | st.none() | st.integers()).filter(lambda value: value not in tuple(setting.choices))
    if setting.type is bool:
        return st.none() | st.integers() | st.text()
    outside = st.integers(max_value=math.ceil(setting.low) - 1) | st.floats(max_value=setting.low, exclude_max=True)
    if setting.high != NO_LIMIT:
        outside |= st.floats(min_value=float(setting.high), exclude_min=True) | st.integers(
            min_value=math.floor(setting.high) + 1
        )
    return st.just(math.nan) | st.none() | st.booleans() | st.text() | st.just(-(10**400)) | outside


CONFIGS = st.fixed_dictionaries({}, optional={name: values_of(name) for name in SETTINGS})


# ---------------------------------------------------------------- every setting


def test_settings_are_the_fields_the_augmentations_and_the_synthetic_kinds():
    plain = [field.name for field in fields(TrainConfig) if field.name not in (*NESTED, "layers")]
    assert list(SETTINGS) == [*plain, *AUGMENTATIONS, *SYNTHETIC_KINDS]
    assert all(setting.name == name for name, setting in SETTINGS.items())
    assert all(setting.help and not setting.help.endswith(".") for setting in SETTINGS.values())
    types = {field.name: field.type for field in fields(TrainConfig)}
    assert all(SETTINGS[name].type is types[name] for name in plain)
    assert list(SETTINGS["architecture"].choices) == list(ARCHITECTURES)
    assert SETTINGS["device"].choices == DEVICES


@every_setting
@few_examples
@given(data=st.data())
def test_every_value_within_its_range_is_accepted(name, data):
    value = data.draw(values_of(name))
    config = config_with(name, value)
    assert flattened(config)[name] == value
    assert flattened(with_settings(TrainConfig(), {name: value})) == flattened(TrainConfig()) | {name: value}


@every_setting
def test_both_ends_of_a_range_are_accepted_and_what_lies_beyond_is_not(name):
    setting = SETTINGS[name]
    if setting.type in (bool, str):
        return
    config_with(name, setting.low)
    with pytest.raises(ConfigError):
        config_with(name, setting.low - 1e-9)
    if setting.high != NO_LIMIT:
        config_with(name, setting.high)
        with pytest.raises(ConfigError):
            config_with(name, setting.high + (1 if setting.type is int else 1e-9))


@every_setting
@few_examples
@given(data=st.data())
def test_every_other_value_is_refused_with_the_name_of_the_setting(name, data):
    value = data.draw(bad_values_of(name))
    with pytest.raises(ConfigError) as caught:
        config_with(name, value)
    assert str(caught.value).startswith(f"{SETTINGS[name].label}: ")
    if value is not None:  # which changes nothing
        with pytest.raises(ConfigError) as caught_too:
            with_settings(TrainConfig(), {name: value})
        assert str(caught_too.value) == str(caught.value)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"learning_rate": 0.0}, "Learning rate: 0 is out of range, expected 1e-07 to 10."),
        ({"learning_rate": -1.0}, "Learning rate: -1 is out of range, expected 1e-07 to 10."),
        ({"learning_rate": math.nan}, "Learning rate: nan is out of range, expected 1e-07 to 10."),
        ({"learning_rate": math.inf}, "Learning rate: this is out of range, expected 1e-07 to 10."),
        ({"epochs": 0}, "Epochs: 0 is out of range, expected 1 to 1,000."),
        ({"epochs": 1001}, "Epochs: 1001 is out of range, expected 1 to 1,000."),
        ({"epochs": 1.5}, "Epochs: 1.5 is not a whole number."),
        ({"data_fraction": 0.0}, "Data fraction: 0 is out of range, expected 0.0001 to 1."),
        ({"data_fraction": 1.5}, "Data fraction: 1.5 is out of range, expected 0.0001 to 1."),
        ({"data_fraction": math.nan}, "Data fraction: nan is out of range, expected 0.0001 to 1."),
        ({"batch_size": 0}, "Batch size: 0 is out of range, expected 2 to 100,000."),
        ({"batch_size": 1}, "Batch size: 1 is out of range, expected 2 to 100,000."),
        ({"weight_decay": -0.1}, "Weight decay: -0.1 is out of range, expected 0 to 10."),
        ({"weight_decay": math.nan}, "Weight decay: nan is out of range, expected 0 to 10."),
        ({"label_smoothing": 1.0}, "Label smoothing: 1 is out of range, expected 0 to 0.99."),
        ({"augmentations": {"shift": 15}}, "Shift: 15 is out of range, expected 0 to 14 pixels."),
        ({"augmentations": {"shift": -1}}, "Shift: -1 is out of range, expected 0 to 14 pixels."),
        ({"augmentations": {"shift": 0.5}}, "Shift: 0.5 is not a whole number."),
        ({"augmentations": {"erase": 1.5}}, "Erase: 1.5 is out of range, expected 0 to 1."),
        ({"augmentations": {"flip": True}}, "Flip: 'True' is not a number."),
        ({"augmentations": {"flip": None}}, "Flip: missing, expected a number."),
        ({"synthetic": {"drawings": -0.1}}, "Drawings: -0.1 is out of range, expected 0 to 10."),
        ({"synthetic": {"cloth": 11}}, "Cloth: 11 is out of range, expected 0 to 10."),
        ({"synthetic": {"doodles": "some"}}, "Doodles: 'some' is not a number."),
        ({"skipped_fraction": 0.95}, "Skipped fraction: 0.95 is out of range, expected 0 to 0.9."),
        ({"skipped_fraction": -0.1}, "Skipped fraction: -0.1 is out of range, expected 0 to 0.9."),
        ({"validation_fraction": 1.0}, "Validation fraction: 1 is out of range, expected 0 to 0.9."),
        ({"max_steps": -1}, "Max steps: -1 is out of range, expected 0 or more."),
        ({"report_every": 0}, "Report every: 0 is out of range, expected 1 or more."),
        ({"seed": -1}, "Seed: -1 is out of range, expected 0 to 9,223,372,036,854,775,807."),
        ({"seed": 2**63}, "Seed: this is out of range, expected 0 to 9,223,372,036,854,775,807."),
        ({"amp": 1}, "Amp: '1' is neither true nor false."),
        ({"architecture": "resnet"}, "Architecture: 'resnet' is not known, expected original or deep."),
        ({"device": "tpu"}, "Device: 'tpu' is not known, expected auto or cpu or cuda."),
    ],
    ids=lambda value: ", ".join(f"{k}={v}" for k, v in value.items()) if isinstance(value, dict) else "",
)
def test_bad_setting_is_refused_with_what_would_do(changes, sentence):
    with pytest.raises(ConfigError) as caught:
        TrainConfig(**changes)
    assert str(caught.value) == sentence


def test_largest_seed_and_step_limit_work():
    assert TrainConfig(seed=2**63 - 1, max_steps=10**400, report_every=10**400).seed == 2**63 - 1


def test_unknown_augmentations_and_synthetic_kinds_are_refused_with_those_there_are():
    with pytest.raises(ConfigError) as caught:
        TrainConfig(augmentations={"flip": 0.5, "blur": 0.5})
    assert str(caught.value) == "There is no 'blur' among the augmentations, expected erase, flip, shift."
    with pytest.raises(ConfigError) as caught:
        TrainConfig(synthetic={"photos": 0.5, "paintings": 1})
    assert str(caught.value) == (
        "There is no 'paintings' among the kinds of synthetic images, expected drawings, cloth, doodles."
    )


# ---------------------------------------------------------------- defaults


def test_augmentations_have_their_defaults_and_no_synthetic_image_is_mixed_in():
    assert TrainConfig().augmentations == {name: each.default for name, each in AUGMENTATIONS.items()}
    assert TrainConfig().synthetic == {}
    one, other = TrainConfig(), TrainConfig()
    assert one == other
    assert one.augmentations is not other.augmentations
    assert one.synthetic is not other.synthetic


def test_what_is_left_out_is_not_applied():
    values = flattened(TrainConfig(augmentations={}, synthetic={}))
    assert {name: values[name] for name in (*AUGMENTATIONS, *SYNTHETIC_KINDS)} == dict.fromkeys(
        (*AUGMENTATIONS, *SYNTHETIC_KINDS), 0
    )
    assert flattened(TrainConfig(augmentations={"shift": 2}))["flip"] == 0


def test_suggested_synthetic_data_are_settings_that_work():
    assert SUGGESTED_SYNTHETIC.keys() == SYNTHETIC_KINDS.keys()
    assert TrainConfig(synthetic=SUGGESTED_SYNTHETIC).synthetic == {"drawings": 0.3, "cloth": 0.25, "doodles": 0.1}


# ---------------------------------------------------------------- there and back


@settings(max_examples=30)
@given(changes=CONFIGS)
def test_flattened_and_with_settings_are_inverse(changes):
    config = with_settings(TrainConfig(), changes)
    values = flattened(config)
    assert values.keys() == SETTINGS.keys()
    assert values == flattened(TrainConfig()) | changes
    for start in (TrainConfig(), TrainConfig(augmentations={}), recipe("deep")):
        again = with_settings(start, values)
        assert flattened(again) == values
        assert with_settings(again, flattened(again)) == again


@settings(max_examples=30)
@given(changes=CONFIGS, other=CONFIGS)
def test_changes_leave_all_other_settings_and_the_configuration_itself(changes, other):
    config = with_settings(TrainConfig(), other)
    before = flattened(config)
    assert flattened(with_settings(config, changes)) == before | changes
    assert flattened(config) == before


def test_changes_that_are_none_change_nothing():
    config = TrainConfig(epochs=2, batch_size=50, validation_fraction=0.2, augmentations={"flip": 0.5})
    assert with_settings(config, dict.fromkeys(SETTINGS)) == config
    assert with_settings(config, {}) == config
    assert with_settings(config, {"epochs": 7, "flip": 0.0, "validation_fraction": 0.0, "seed": None}) == TrainConfig(
        epochs=7, batch_size=50, validation_fraction=0.0, augmentations={"flip": 0.0}
    )


def test_any_mapping_will_do():
    augmentations, synthetic = MappingProxyType({"flip": 0.1}), MappingProxyType({"cloth": 0.2})
    config = TrainConfig(augmentations=augmentations, synthetic=synthetic)
    assert flattened(config) == flattened(TrainConfig(augmentations={"flip": 0.1}, synthetic={"cloth": 0.2}))
    assert with_settings(config, MappingProxyType({"shift": 2})).augmentations == {"flip": 0.1, "shift": 2}


# ---------------------------------------------------------------- layers of one's own


def test_layers_of_one_s_own_are_checked_and_have_all_their_numbers():
    config = TrainConfig(architecture=CUSTOM, layers=[{"layer": "fc", "size": 20.0}, {"layer": "dropout"}])
    assert config.layers == [{"layer": "fc", "size": 20}, {"layer": "dropout", "rate": 0.2}]
    assert TrainConfig(**json.loads(json.dumps(asdict(config)))) == config
    assert with_settings(config, {"epochs": 3}).layers == config.layers
    assert Network(**config.network).rows == config.layers
    with pytest.raises(ConfigError) as caught:
        TrainConfig(architecture=CUSTOM, layers=[{"layer": "fc", "size": 0}])
    assert str(caught.value) == "Row 1: size: 0 is out of range, expected 1 to 4,096."


def test_a_network_that_has_its_own_layers_takes_no_others():
    with pytest.raises(ConfigError) as caught:
        TrainConfig(architecture="deep", layers=[{"layer": "relu"}])
    assert str(caught.value) == "The network deep has its own layers: expected no list, or the network custom."
    assert TrainConfig(architecture="deep").network == {"architecture": "deep", "layers": []}


def test_layers_of_one_s_own_are_trained_as_the_original_network():
    config = recipe(CUSTOM, ORIGINAL_ROWS)
    assert replace(config, architecture="original", layers=[]) == recipe("original")


# ---------------------------------------------------------------- recipes


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_recipe_of_each_network_is_its_own_and_what_it_does_not_say_is_the_default(name):
    config, own = recipe(name), ARCHITECTURES[name].recipe
    assert config.architecture == name
    assert all(getattr(config, setting) == value for setting, value in own.items())
    rest = [field.name for field in fields(TrainConfig) if field.name not in {*own, "architecture"}]
    assert all(getattr(config, field) == getattr(TrainConfig(), field) for field in rest)


def test_recipe_of_the_default_network_makes_it_right_about_peoples_pictures():
    assert recipe("deep").synthetic == SUGGESTED_SYNTHETIC
    assert recipe("original").synthetic == {}


@pytest.mark.parametrize("name", ["resnet", "", "Deep", "None", "x" * 1000])
def test_recipe_of_an_unknown_network_is_refused_with_those_there_are(name):
    with pytest.raises(ConfigError) as caught:
        recipe(name)
    assert str(caught.value) == f"There is no network '{name[:40]}', expected original or deep."


def test_a_setting_that_there_is_not_is_refused():
    with pytest.raises(ConfigError, match="There is no setting 'epoch', expected one of architecture, epochs, "):
        with_settings(TrainConfig(), {"epochs": 3, "epoch": None})


@pytest.mark.parametrize("what", ["augmentations", "synthetic"])
def test_what_is_no_mapping_is_refused(what):
    with pytest.raises(ConfigError, match=r"are \[1, 2\], expected names with numbers\.$"):
        TrainConfig(**{what: [1, 2]})
