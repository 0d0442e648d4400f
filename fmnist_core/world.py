"""The processes that train one network together, started by ``torchrun``; alone, there is nothing to do.

Every process holds the whole network, the training images and the same random numbers, and works on its part of each
batch. What it then has to know of the others' parts is added up over all of them: gradients, losses, and the statistics
of batch normalisation. So the result is that of one process, but for the order in which numbers are added.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple
from datetime import timedelta
from types import MethodType
from typing import Any, Final

import torch
from torch import Tensor, distributed, nn
from torch.nn.modules.batchnorm import _BatchNorm

from fmnist_core.control import Control
from fmnist_core.errors import ConfigError, ProcessLost

TIMEOUT: Final = timedelta(minutes=5)  # without a word from another process; one that dies is missed at once


class World:
    """One process alone."""

    rank, size = 0, 1

    @property
    def is_first(self) -> bool:
        """Whether this is the process that prints, and saves."""
        return self.rank == 0

    @property
    def restarts(self) -> int:
        """How often ``torchrun`` has started all of them again, after one had died."""
        return int(os.environ.get("TORCHELASTIC_RESTART_COUNT", 0))

    def part(self, count: int) -> slice:
        """Which of ``count`` images are this process's: as many as each other has, give or take one."""
        return slice(count * self.rank // self.size, count * (self.rank + 1) // self.size)

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        """Put in place of each tensor its sum over all processes."""

    def join(self, part: Tensor, count: int) -> Tensor:
        """The rows (count, ...) of which each process has its ``part``."""
        return part

    def agree(self, wanted: Control) -> Control:
        """What the first process wants of the training."""
        return wanted

    def equalise(self, network: nn.Module) -> None:
        """Give every process the network of the first: processors of other makes round in other ways."""

    def normalise_together(self, network: nn.Module) -> None:
        """Let batch normalisation take mean and variance over the parts of all processes.

        As ``nn.SyncBatchNorm``, which exists for CUDA only.
        """

    def wait(self) -> None:
        """Until the first process has come this far."""


class Processes(World):
    """One process of several."""

    def __init__(self) -> None:
        self.rank, self.size = distributed.get_rank(), distributed.get_world_size()

    def add_up(self, tensors: Sequence[Tensor]) -> None:  # noqa: D102
        flat = torch.cat([tensor.flatten() for tensor in tensors])  # one message instead of many
        with _heard():
            distributed.all_reduce(flat)
        for tensor, total in zip(tensors, torch.split(flat, [tensor.numel() for tensor in tensors]), strict=True):
            tensor.copy_(total.view_as(tensor))

    def join(self, part: Tensor, count: int) -> Tensor:  # noqa: D102
        whole = part.new_zeros(count, *part.shape[1:])
        whole[self.part(count)] = part
        with _heard():
            distributed.all_reduce(whole)
        return whole

    def agree(self, wanted: Control) -> Control:  # noqa: D102
        values = torch.tensor([float(value or 0) for value in astuple(wanted)], dtype=torch.float64)
        with _heard():
            distributed.broadcast(values, src=0)  # between processors: a GPU would have to be waited for
        stop, paused, learning_rate, epochs = values.tolist()
        return Control(bool(stop), bool(paused), learning_rate or None, int(epochs) or None)

    def equalise(self, network: nn.Module) -> None:  # noqa: D102
        with _heard():
            for tensor in network.state_dict().values():
                distributed.broadcast(tensor, src=0)

    def normalise_together(self, network: nn.Module) -> None:  # noqa: D102
        for module in network.modules():
            if isinstance(module, _BatchNorm):
                module.forward = MethodType(_normalise, module)  # type: ignore[method-assign]

    def wait(self) -> None:  # noqa: D102
        self.agree(Control())


@contextmanager
def joined() -> Iterator[World]:
    """The world of this process, for the length of a block: that of ``torchrun``, or this process alone.

    Raises:
        ConfigError: the other processes cannot be reached, or there are more on this machine than CUDA devices.
    """
    if int(os.environ.get("WORLD_SIZE", 1)) == 1:
        yield World()
        return
    backend = "gloo"
    if torch.cuda.is_available():
        place, devices = int(os.environ.get("LOCAL_RANK", 0)), torch.cuda.device_count()
        if place >= devices:
            raise ConfigError(f"There are {devices} CUDA devices for more processes: --nproc-per-node {devices}.")
        torch.cuda.set_device(place)
        backend = "cpu:gloo,cuda:nccl"
    try:
        distributed.init_process_group(backend, timeout=TIMEOUT)
    except (RuntimeError, ValueError) as error:
        raise ConfigError(f"The other processes cannot be reached: {error}") from error
    try:
        yield Processes()
    finally:
        distributed.destroy_process_group()


@contextmanager
def _heard() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:  # of which PyTorch's own errors are made
        raise ProcessLost(
            "Another process of this training has ended or is silent: start it again with --resume, or let torchrun do "
            "so with --max-restarts."
        ) from error


class _Sum(torch.autograd.Function):
    """The sum over all processes; so is its gradient, for what each adds counts in the loss of all."""

    @staticmethod
    def forward(context: Any, values: Tensor) -> Tensor:
        total = values.clone()
        with _heard():
            distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:
        return _Sum.forward(context, gradient)


def _normalise(norm: _BatchNorm, inputs: Tensor) -> Tensor:
    """What ``norm`` would put out for the inputs (N, C) or (N, C, H, W) of all processes, less the others' part."""
    if not norm.training:
        return type(norm).forward(norm, inputs)
    values = inputs.to(torch.promote_types(inputs.dtype, torch.float32))  # in 16 bits sums would be off
    over = [axis for axis in range(values.dim()) if axis != 1]
    shape = [1, -1, *[1] * (values.dim() - 2)]
    count = values.new_tensor([values.numel() / values.shape[1]])  # values of each channel
    both: Tensor = _Sum.apply(torch.cat([values.sum(over), count]))
    total, count = both[:-1], both[-1:]
    mean = total / count
    # Not from the sum of squares as well: the difference of such sums loses digits.
    centred = values - mean.view(shape)
    variance = _Sum.apply(centred.square().sum(over)) / count
    with torch.no_grad():
        running_mean, running_variance, batches = norm.buffers()
        running_mean.lerp_(mean, norm.momentum or 0.0)
        running_variance.lerp_(variance * count / (count - 1), norm.momentum or 0.0)  # unbiased, as PyTorch does
        batches += 1
    outputs: Tensor = centred * (norm.weight * (variance + norm.eps).rsqrt()).view(shape) + norm.bias.view(shape)
    return outputs.to(inputs.dtype)


ALONE: Final = World()
