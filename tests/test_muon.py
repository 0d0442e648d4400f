import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fmnist_core.muon import Muon, orthogonal

SIZES = st.tuples(st.integers(1, 40), st.integers(1, 40), st.integers(0, 1000))


def random_matrix(rows, columns, seed):
    return torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed))


@given(SIZES)
def test_directions_are_those_of_the_decomposition(size):
    matrix = random_matrix(*size)
    u, values, v = torch.linalg.svd(matrix, full_matrices=False)
    strong = values > 0.02 * values[0]  # what is almost nothing does not get to the full length in five rounds
    lengths = (u.T @ orthogonal(matrix) @ v.T).diagonal()[strong]
    assert lengths.min() > 0.5
    assert lengths.max() < 1.3
    across = u.T @ orthogonal(matrix) @ v.T - (u.T @ orthogonal(matrix) @ v.T).diagonal().diag()
    assert across.abs().max() < 1e-3


@given(SIZES, st.floats(1e-3, 1e3))
def test_the_size_of_a_matrix_does_not_count(size, factor):
    matrix = random_matrix(*size)
    torch.testing.assert_close(orthogonal(matrix), orthogonal(factor * matrix), rtol=1e-3, atol=1e-3)


def test_zero_stays_zero():
    assert (orthogonal(torch.zeros(3, 5)) == 0).all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("size", [1e-12, 1e-6, 1.0, 1e6])
def test_sixteen_bits_are_enough_whatever_the_size_of_the_gradients(dtype, size):
    matrix = random_matrix(30, 50, 0)
    expected = orthogonal(matrix)
    assert (orthogonal(size * matrix, dtype) - expected).norm() < 0.05 * expected.norm()


@pytest.mark.skipif(not hasattr(torch.optim, "Muon"), reason="torch has its own since 2.9")
@pytest.mark.parametrize("shape", [(6, 20), (20, 6), (8, 8)])
def test_steps_of_a_matrix_are_those_of_torch(shape):
    ours, theirs = (torch.nn.Parameter(random_matrix(*shape, seed=0)) for _ in range(2))
    optimizers = (
        Muon([ours], learning_rate=0.01, weight_decay=0.3, momentum=0.8),
        torch.optim.Muon([theirs], lr=0.01, weight_decay=0.3, momentum=0.8, adjust_lr_fn="match_rms_adamw"),
    )
    start = ours.detach().clone()
    for step in range(5):
        for weight, optimizer in zip((ours, theirs), optimizers, strict=True):
            weight.grad = random_matrix(*shape, seed=step + 1)
            optimizer.step()
    assert (ours - theirs).norm() < 0.04 * (theirs - start).norm()  # torch multiplies in 16 bits, with 8 of precision


def test_a_kernel_is_a_matrix_of_one_row_for_each_channel():
    kernel = torch.nn.Parameter(random_matrix(6, 12, 0).reshape(6, 3, 2, 2))
    matrix = torch.nn.Parameter(random_matrix(6, 12, 0))
    for weight in (kernel, matrix):
        weight.grad = random_matrix(6, 12, 1).reshape(weight.shape)
        Muon([weight], 0.01, 0.1).step()
    assert torch.equal(kernel.reshape(6, 12), matrix)


def test_memory_format_makes_no_difference():
    changed = []
    for layout in (torch.contiguous_format, torch.channels_last):
        kernel = torch.nn.Parameter(random_matrix(6, 12, 0).reshape(6, 3, 2, 2).to(memory_format=layout))
        kernel.grad = random_matrix(6, 12, 1).reshape(6, 3, 2, 2).to(memory_format=layout)
        Muon([kernel], 0.01, 0.1).step()
        changed.append(kernel.detach())
    torch.testing.assert_close(*changed)


def test_what_has_no_gradient_stays():
    weight = torch.nn.Parameter(random_matrix(4, 4, 0))
    Muon([weight], 0.01, 0.1).step()
    assert torch.equal(weight, random_matrix(4, 4, 0))
