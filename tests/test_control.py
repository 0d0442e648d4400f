import pytest

from fmnist_core.control import Control
from fmnist_core.errors import ConfigError
from fmnist_core.train_config import TrainConfig

CONFIG = TrainConfig(epochs=5, learning_rate=0.02, batch_size=64, seed=3)


@pytest.mark.parametrize("stop", [True, False])
@pytest.mark.parametrize("paused", [True, False])
@pytest.mark.parametrize("wanted", [{}, {"learning_rate": 0.02}, {"epochs": 5}, {"epochs": 1}])
def test_what_wants_nothing_new_leaves_the_very_configuration(stop, paused, wanted):
    assert Control(stop, paused, **wanted).applied_to(CONFIG) is CONFIG


def test_rate_and_epochs_are_those_that_are_wanted_and_all_else_stays():
    changed = Control(learning_rate=0.5, epochs=7).applied_to(CONFIG)
    assert changed == TrainConfig(epochs=7, learning_rate=0.5, batch_size=64, seed=3)
    assert Control(learning_rate=0.5).applied_to(changed) is changed  # the epochs are not taken back
    assert (CONFIG.epochs, CONFIG.learning_rate) == (5, 0.02)


@pytest.mark.parametrize("wanted", [{"learning_rate": 0.0}, {"learning_rate": float("nan")}, {"epochs": 1001}])
def test_out_of_range_is_refused(wanted):
    with pytest.raises(ConfigError, match="is out of range"):
        Control(**wanted).applied_to(CONFIG)
