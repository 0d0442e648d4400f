import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from fmnist_core.comparison import Comparison, mcnemar, standard_error
from fmnist_core.errors import ConfigError

COUNTS = st.integers(0, 3000)
LABELS = st.lists(st.tuples(*[st.integers(0, 3)] * 3), min_size=1, max_size=60)


@given(COUNTS, COUNTS)
def test_mcnemar_is_the_exact_binomial_test(only_first, only_second):
    count = only_first + only_second
    expected = binomtest(only_first, count).pvalue if count else 1.0
    assert mcnemar(only_first, only_second) == pytest.approx(expected, rel=1e-9, abs=1e-300)
    assert mcnemar(only_first, only_second) == mcnemar(only_second, only_first)


def test_mcnemar_by_hand():
    # One of six the other way: 2 (1 + 6) / 64.
    assert mcnemar(5, 1) == 0.21875


def test_standard_error_is_that_of_a_mean():
    draws = torch.cat([torch.ones(90), torch.zeros(10)]).double()
    expected = draws.std(unbiased=False).item() / math.sqrt(100)
    assert standard_error(0.9, 100) == pytest.approx(expected)
    assert standard_error(1.0, 100) == 0


@given(LABELS)
def test_every_image_is_counted_once(rows):
    labels, first, second = torch.tensor(rows).unbind(1)
    compared = Comparison.of(labels, first, second)
    both = sum(label == one == other for label, one, other in rows)
    assert compared.only_first == sum(label == one != other for label, one, other in rows)
    assert compared.only_second == sum(label == other != one for label, one, other in rows)
    assert both + compared.only_first + compared.only_second + compared.neither == len(rows)
    accuracy = [sum(row[0] == row[place] for row in rows) / len(rows) for place in (1, 2)]
    assert compared.accuracy == pytest.approx(accuracy)
    per_class = compared.per_class(5)
    assert per_class[4] is None
    shares = [sum(label == each for label, _, _ in rows) / len(rows) for each in range(5)]
    for place in range(2):
        mean = sum(share * pair[place] for share, pair in zip(shares, per_class, strict=True) if pair)
        assert mean == pytest.approx(accuracy[place])


def test_figures_as_plain_values():
    compared = Comparison.of(torch.tensor([0, 1, 2, 3]), torch.tensor([0, 1, 0, 0]), torch.tensor([0, 0, 0, 3]))
    assert compared.to_json() == {
        "images": 4,
        "accuracy": [0.5, 0.5],
        "standard_error": [0.25, 0.25],
        "only_first": 1,
        "only_second": 1,
        "neither": 1,
        "p_value": 1.0,
    }


@pytest.mark.parametrize("counts", [(3, 3, 2), (3, 2, 3), (0, 0, 0)])
def test_there_is_one_prediction_for_each_image(counts):
    labels, first, second = (torch.zeros(count, dtype=torch.int64) for count in counts)
    with pytest.raises(ConfigError, match=rf"There are {counts[1]} and {counts[2]} predictions for {counts[0]} images"):
        Comparison.of(labels, first, second)
