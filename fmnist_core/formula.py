"""The size that a convolution or pooling puts out, by arithmetic alone."""

from fmnist_core.errors import ConfigError


def output_size(n: int, f: int, p: int = 0, s: int = 1, d: int = 1) -> int:
    """Width (or height) that a convolution or pooling puts out: O = floor((n - d (f - 1) - 1 + 2p) / s) + 1.

    ``n``: width of the input, ``f``: width of the filter, ``p``: padding on each side, ``s``: stride, ``d``: dilation,
    all in pixels; without dilation it is floor((n - f + 2p) / s) + 1. Vincent Dumoulin, Francesco Visin: A guide to
    convolution arithmetic for deep learning, arXiv:1603.07285, relationships 6 and 15. Height and width are worked out
    separately.

    Raises:
        ConfigError: a number is out of its range, or the filter is wider than the padded input.
    """
    for name, value, low in (("n", n, 1), ("f", f, 1), ("p", p, 0), ("s", s, 1), ("d", d, 1)):
        if value < low:
            raise ConfigError(f"{name} is {value}, expected {low} or more.")
    reach = d * (f - 1) + 1
    if reach > n + 2 * p:
        raise ConfigError(f"The filter is {reach} wide, but the input with its padding only {n + 2 * p}.")
    return (n - reach + 2 * p) // s + 1
