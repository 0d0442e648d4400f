"""What stands for the slow parts of a training in tests of the queue: its process, and the clock."""

import itertools
import json
import os
import queue
import threading
import time
from multiprocessing.connection import Connection

from networks import new

from demo.training_process import Mapped, Tested, pack_snapshot
from fmnist_core.checkpoint import weights_of
from fmnist_core.events import EpochDone, Finished, Started, StepDone

DEADLINE = 300.0  # seconds: only for a machine that hangs

NETWORK = new("original", seed=1)  # what comes of every fake training
STARTED = Started("cpu", 450, 50, steps=15, parameters=NETWORK.parameter_count, epochs=2, learning_rate=0.01)
STEP_DONE = StepDone(15, 15, 1, loss=1.5, accuracy=0.5, images_per_second=1000.0, seconds_left=0.0)
EPOCH_DONE = EpochDone(1, 15, 1.5, 0.5, validation_loss=1.2, validation_accuracy=0.6, best=True, seconds=0.5)
FINISHED = Finished(NETWORK, best_epoch=1, stopped=False, seconds=0.5)
TESTED = Tested(False, 0.5, images=60, before=0.9, after=0.6, before_sketches=0.8, after_sketches=0.4)
MAPPED = Mapped()


class FakeProcess:
    """What the queue knows as the process of a training: it sends what the test makes it send."""

    def __init__(self, task, control, connection):
        self.task, self.control = task, control
        self._connection = Connection(os.dup(connection.fileno()), readable=False)  # each process has a copy of its own
        self._closing = threading.Lock()
        self.is_killed = False

    def send(self, *events):
        """Send events without tensors."""
        for event in events:
            self._connection.send((event.to_json(), None))

    def send_tested(self, network=NETWORK, event=TESTED):
        self._connection.send((event.to_json(), weights_of(network)))

    def send_snapshot(self, taken):
        self._connection.send((taken.to_json(), pack_snapshot(taken)))

    def send_mapped(self, tensors):
        self._connection.send((MAPPED.to_json(), tensors))

    def end(self):
        """Say that nothing more comes."""
        self._connection.send(None)

    def die(self):
        """Go without a word."""
        with self._closing:
            self._connection.close()

    def kill(self):
        self.is_killed = True
        self.die()

    def join(self):
        assert self.is_killed


class FakeProcesses:
    """In place of ``start_process``: starts fakes, and hands each to the test."""

    def __init__(self):
        self.all, self.started = [], queue.Queue()
        self.is_over = threading.Event()

    def __call__(self, task, control, connection):
        process = FakeProcess(task, control, connection)
        self.all.append(process)
        self.started.put(process)
        if self.is_over.is_set():
            process.die()
        return process

    def next(self):
        """The process of the next run, once it is started."""
        return self.started.get(timeout=DEADLINE)

    def end_all(self):
        """Let all of them die, and those that are still to be started."""
        self.is_over.set()
        for process in self.all:
            process.die()


class Clock:
    """Stands for the module ``time``; goes ``ahead`` of it by so many seconds."""

    ahead = 0.0

    def monotonic(self):
        return time.monotonic() + self.ahead


def wait_until(condition):
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def follow(training, visitor, until=None, also=(), seen=0, pause=0.001):
    """Ask as the page does until ``until`` is among the events, or the run has ended; gives all events since ``seen``.

    ``also`` are visitors who ask meanwhile, so that they are still there.
    """
    events = []
    deadline = time.monotonic() + DEADLINE
    while True:
        reply = training.state(visitor, seen + len(events))
        json.dumps(reply)
        events += reply["events"]
        assert reply["seen"] == seen + len(events)
        for other in also:
            training.state(other, 0)
        names = [event["event"] for event in events]
        if until in names:
            return events
        if not reply["alive"]:
            assert until is None, f"{until} never came, but {names}: {events[-1:]}"
            return events
        assert time.monotonic() < deadline, names
        time.sleep(pause)


def end_all(training, visitors):
    """Stop the visitors' trainings and wait until they have ended."""
    for visitor in visitors:
        training.stop(visitor)
    for thread in threading.enumerate():
        if thread.name == "training":
            thread.join(DEADLINE)
            assert not thread.is_alive()


def names(events):
    """The names of the events in order, those that follow each other only once."""
    return [name for name, _ in itertools.groupby(event["event"] for event in events)]


def failure(events):
    """The sentence with which a run ended."""
    assert events[-1].keys() == {"event", "sentence"}
    assert events[-1]["event"] == "Failed"
    assert events[-1]["sentence"].endswith(".")
    return events[-1]["sentence"]


def by_name(events):
    """The last event of each name."""
    return {event["event"]: event for event in events}
