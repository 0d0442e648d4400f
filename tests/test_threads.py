import pytest
import torch

from fmnist_core.control import Control
from fmnist_core.threads import MAX_COST, STEPS, ThreadChooser


class Machine:
    """Takes steps in time of its own; ``seconds`` says how long one takes with so many threads."""

    def __init__(self, seconds, most):
        self.seconds, self.now, self.threads, self.taken = seconds, 0.0, 0, []
        self.wanted = Control()
        chooser = ThreadChooser(most, self.set_threads, lambda: self.now)
        self.control = chooser.watching(lambda: self.wanted)

    def set_threads(self, count):
        self.threads = count

    def train(self, steps):
        """Take steps; the numbers of threads they were taken with."""
        before = len(self.taken)
        for _ in range(steps):
            assert self.control() is self.wanted
            self.taken.append(self.threads)
            self.now += self.seconds(self.threads)
        return self.taken[before:]


def quiet(threads):
    return 1 / min(threads, 4)


def busy(threads):
    return 1 if threads == 1 else 10.0


@pytest.mark.parametrize(
    ("seconds", "most", "best"),
    [(quiet, 1, 1), (quiet, 2, 2), (quiet, 3, 3), (quiet, 8, 4), (busy, 2, 1), (busy, 16, 1)],
)
def test_the_fastest_number_of_threads_is_found(seconds, most, best):
    machine = Machine(seconds, most)
    machine.train(5 * (STEPS + 1))
    assert set(machine.train(20)) == {best}
    assert max(machine.taken) <= most


def test_it_is_measured_again_when_the_machine_becomes_busy_or_quiet():
    machine = Machine(quiet, 2)
    assert machine.train(200)[-1] == 2
    machine.seconds = busy
    assert machine.train(200)[-1] == 1
    machine.seconds = quiet
    machine.train(10_000)
    assert machine.taken[-1] == 2


@pytest.mark.parametrize("seconds", [quiet, busy])
@pytest.mark.parametrize("most", [1, 2, 8])
def test_measuring_costs_little(seconds, most):
    machine = Machine(seconds, most)
    machine.train(5 * (STEPS + 1))
    began, steps = machine.now, 20_000
    machine.train(steps)
    best = min(seconds(threads) for threads in range(1, most + 1))
    assert steps * best <= machine.now - began <= (1 + 1.5 * MAX_COST) * steps * best


def test_what_comes_between_two_epochs_is_no_slow_step():
    machine = Machine(quiet, 2)
    for _ in range(100):
        machine.train(4)
        machine.now += 30.0  # the held-out images
        machine.control()
    assert machine.taken.count(2) > 0.8 * len(machine.taken)


def test_a_pause_is_no_slow_step():
    machine = Machine(quiet, 2)
    machine.train(STEPS + 1)
    machine.wanted = Control(paused=True)
    for _ in range(50):
        machine.control()
        machine.now += 0.1
    machine.wanted = Control()
    assert machine.train(5 * (STEPS + 1))[-1] == 2


def test_it_sets_the_threads_of_this_process():
    before = torch.get_num_threads()
    try:
        control = ThreadChooser(2).watching(Control)
        counts = set()
        for _ in range(2 * (STEPS + 1) + 1):
            assert control() == Control()
            counts.add(torch.get_num_threads())
        assert counts == {1, 2}
    finally:
        torch.set_num_threads(before)
