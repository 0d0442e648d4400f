"""Trainings of which something is wanted while they run."""

from fmnist_core.control import Control
from fmnist_core.events import StepDone
from fmnist_core.training import train


def run_controlled(config, images, control_of, **options):
    """The events of a training, of which ``control_of(events so far)`` is wanted, or nothing where that gives None."""
    events = []
    for event in train(config, images, control=lambda: control_of(events) or Control(), **options):
        events.append(event)  # noqa: PERF402 (one by one, for they are read meanwhile)
    return events


def steps_taken(events):
    """How many steps a training has reported, if it reports each."""
    return max((event.step for event in events if isinstance(event, StepDone)), default=0)


def by_step(wanted):
    """``control_of`` by the number of steps from which on each control is wanted, until the next one is."""
    return lambda events: wanted.get(max((step for step in wanted if step <= steps_taken(events)), default=None))
