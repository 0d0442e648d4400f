"""The optimiser of the hidden layers."""

from collections.abc import Iterable
from typing import Final

import torch
from torch import Tensor
from torch.optim import Optimizer

QUINTIC: Final = (3.4445, -4.7750, 2.0315)  # of Jordan's note: the steepest rise at 0 that stays near 1
ITERATIONS: Final = 5
MATCH_ADAM: Final = 0.2  # the usual size of a step of Adam's, in units of the learning rate


class Muon(Optimizer):
    """Momentum made orthogonal: every direction of a weight matrix moves at the same speed, the rare ones too.

    Keller Jordan and others: Muon, an optimizer for hidden layers in neural networks, 2024,
    kellerjordan.github.io/posts/muon; the size of the steps, so that Adam's learning rate and weight decay serve, from
    arXiv:2502.16982, section 2.2. A kernel (O, I, H, W) is taken as a matrix (O, I H W).

    Args:
        parameters: weights of two or more dimensions.
        learning_rate: as for Adam; read anew at every step from ``param_groups``.
        weight_decay: decoupled, as for AdamW.
        momentum: part of the past gradients that is kept, 0..1.
        dtype: in which matrices are multiplied.
    """

    def __init__(
        self,
        parameters: Iterable[Tensor],
        learning_rate: float,
        weight_decay: float,
        momentum: float = 0.9,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__(parameters, {"lr": learning_rate, "weight_decay": weight_decay, "momentum": momentum})
        self.dtype = dtype

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Change every parameter that has a gradient."""
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                state = self.state[weight]
                if not state:
                    state["momentum"] = torch.zeros_like(weight)
                past = state["momentum"]
                past.mul_(group["momentum"]).add_(weight.grad)
                ahead = weight.grad + group["momentum"] * past  # Nesterov's
                matrix = ahead.reshape(len(ahead), -1)
                change = orthogonal(matrix, self.dtype) * MATCH_ADAM * max(matrix.shape) ** 0.5
                weight.mul_(1 - group["lr"] * group["weight_decay"])
                weight.sub_(group["lr"] * change.reshape(weight.shape))


def orthogonal(matrix: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """About U Vᵀ for a matrix U S Vᵀ (M, N): the same directions, with singular values near 1 (but for the weakest).

    A quintic Newton-Schulz iteration: only products of matrices, in ``dtype``, so that it is fast and needs no
    decomposition.
    """
    a, b, c = QUINTIC
    is_tall = matrix.shape[0] > matrix.shape[1]
    x: Tensor = matrix.T if is_tall else matrix
    x = (x / x.norm().clamp(min=1e-30)).to(dtype)  # in this order: gradients can be too small for 16 bits
    for _ in range(ITERATIONS):
        square = x @ x.T
        x = a * x + (b * square + c * square @ square) @ x
    return (x.T if is_tall else x).to(matrix.dtype)
