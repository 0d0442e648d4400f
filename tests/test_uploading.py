"""Whether an uploaded network can answer on the page."""

import pytest
import torch
from networks import new

from demo.uploading import MOST, admitted
from fmnist_core import projection
from fmnist_core.errors import CheckpointError


def test_it_comes_with_its_map(original, samples):
    session = admitted(original, original, samples.test)
    assert session.network is original
    assert session.record is None
    assert (session.projection.pca == projection.fit(original, samples.test).pca).all()


@pytest.mark.parametrize(
    ("names", "said"),
    [(["Hemd", "Hose"], "(Hemd, Hose)"), ([str(digit) for digit in range(10)], "(0, 1, 2 …)")],
)
def test_other_classes_are_refused(original, samples, names, said):
    with pytest.raises(CheckpointError) as refused:
        admitted(new("original", class_names=names), original, samples.test)
    assert str(refused.value) == (
        f"The network is for other classes {said}, expected those of this page (T-shirt/top, Trouser, Pullover …)."
    )


@pytest.mark.parametrize("layer", ["conv1", "out"])
@pytest.mark.parametrize("factor", [10 * MOST, 1e38])
def test_values_that_nothing_can_be_made_of_are_refused(original, samples, layer, factor):
    network = new("original", seed=1)
    with torch.no_grad():
        network.layers[network.index_of(layer)].bias.fill_(factor)
        for norm in (each for each in network.layers if isinstance(each, torch.nn.BatchNorm2d | torch.nn.BatchNorm1d)):
            norm.running_var.fill_(1.0)
    with pytest.raises(CheckpointError, match="far too large"):
        admitted(network, original, samples.test)


def test_a_variance_below_zero_gives_values_that_are_no_numbers(original, samples):
    network = new("original", seed=1)
    next(each for each in network.layers if isinstance(each, torch.nn.BatchNorm2d)).running_var.fill_(-1.0)
    with pytest.raises(CheckpointError, match="far too large"):
        admitted(network, original, samples.test)
