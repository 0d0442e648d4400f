import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import nn

from fmnist_core.errors import ConfigError
from fmnist_core.formula import output_size

sides = st.tuples(st.integers(1, 40), st.integers(1, 40))


def sizes_by_formula(n, f, p, s, d):
    return [output_size(*numbers) for numbers in zip(n, f, p, s, d, strict=True)]


@given(
    n=sides,
    f=sides,
    p=st.tuples(st.integers(0, 6), st.integers(0, 6)),
    s=st.tuples(st.integers(1, 7), st.integers(1, 7)),
    d=st.tuples(st.integers(1, 4), st.integers(1, 4)),
)
def test_output_size_is_that_of_a_real_convolution(n, f, p, s, d):
    layer = nn.Conv2d(1, 1, f, stride=s, padding=p, dilation=d)
    inputs = torch.zeros(1, 1, *n)
    if any(d[side] * (f[side] - 1) + 1 > n[side] + 2 * p[side] for side in (0, 1)):
        with pytest.raises(RuntimeError):
            layer(inputs)
        with pytest.raises(ConfigError, match=r"The filter is \d+ wide, but the input with its padding only \d+\."):
            sizes_by_formula(n, f, p, s, d)
        return
    assert sizes_by_formula(n, f, p, s, d) == list(layer(inputs).shape[2:])


@given(n=sides, f=st.tuples(st.integers(1, 9), st.integers(1, 9)), data=st.data())
def test_output_size_is_that_of_a_real_pooling(n, f, data):
    p = tuple(data.draw(st.integers(0, f[side] // 2)) for side in (0, 1))  # PyTorch allows no more
    s, d = (tuple(data.draw(st.integers(1, high)) for _ in (0, 1)) for high in (7, 3))
    assume(all(d[side] * (f[side] - 1) + 1 <= n[side] + 2 * p[side] for side in (0, 1)))
    real = nn.MaxPool2d(f, stride=s, padding=p, dilation=d)(torch.zeros(1, 1, *n)).shape[2:]
    assert sizes_by_formula(n, f, p, s, d) == list(real)


@given(
    n=st.integers(1, 40),
    f=st.integers(1, 40),
    p=st.integers(0, 6),
    s=st.integers(1, 7),
    d=st.sampled_from([1, 1, 2, 3]),
)
def test_output_size_is_how_often_the_filter_fits(n, f, p, s, d):
    reach = d * (f - 1) + 1
    assume(reach <= n + 2 * p)
    assert output_size(n, f, p, s, d) == len([start for start in range(-p, n + p, s) if start + reach <= n + p])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((0, 1), "n is 0, expected 1 or more."),
        ((-3, 1), "n is -3, expected 1 or more."),
        ((28, 0), "f is 0, expected 1 or more."),
        ((28, 5, -1), "p is -1, expected 0 or more."),
        ((28, 5, 0, 0), "s is 0, expected 1 or more."),
        ((28, 5, 0, 1, 0), "d is 0, expected 1 or more."),
        ((4, 7, 1, 1), "The filter is 7 wide, but the input with its padding only 6."),
        ((6, 3, 0, 1, 3), "The filter is 7 wide, but the input with its padding only 6."),
    ],
)
def test_output_size_refuses_impossible_numbers(arguments, sentence):
    with pytest.raises(ConfigError) as caught:
        output_size(*arguments)
    assert str(caught.value) == sentence
