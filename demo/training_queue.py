"""Training in a child process, so that answering stays fast: one run at a time, the others wait in line.

A run is a list of events that its visitor asks for again and again; a visitor who stops asking has left, and the run
is ended. The child gets numbers that were checked and gives numbers: nothing that a visitor sends is ever unpickled.
"""

import math
import os
import signal
import threading
import time
from collections.abc import Iterator
from ctypes import c_bool
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

import torch
from safetensors.torch import load as from_safetensors
from safetensors.torch import save as to_safetensors

from demo.cores import cores
from demo.session import Session, Sessions
from fmnist_core import dataset, projection
from fmnist_core.dataset import Split
from fmnist_core.errors import FmnistError
from fmnist_core.evaluation import evaluate
from fmnist_core.synthetic.sketch_test_set import make_sketch_test_set
from fmnist_core.model import Network
from fmnist_core.training import Finished, StepDone, TrainConfig, train

CONTEXT: Final = get_context("spawn")  # a fork would copy the server's threads half-way through their work
MAX_WAITING: Final = 8  # visitors in line, the one who is training included
PATIENCE: Final = 90.0  # seconds without a question after which a visitor has left
TIME_LIMIT: Final = 900.0  # seconds that one run may learn
# Seconds until the child is ended by force: from the wish to stop until it has evaluation its best weights on the images
# held out, and from there until it has tested them on thousands of images and made their map.
STOP_LIMIT: Final = 60.0
TEST_LIMIT: Final = 240.0
LAST_EVENTS: Final = ("Failed", "Tested", "Mapped")  # one of these ends every run; Mapped follows Tested
AWAY: Final = f"as this page was away for {PATIENCE:.0f} seconds"
REPORT_PAUSE: Final = 0.1  # seconds between two steps that the child reports


class TrainingRefused(FmnistError):
    """A training cannot be started now."""


@dataclass(eq=False)
class Run:
    """One visitor's training: what it is to do and what has happened so far."""

    visitor: str
    config: TrainConfig
    before: Network  # that answered the visitor when they started it
    go_on: bool  # from that one, instead of from scratch
    # The visitor wants it to stop. Shared with the child; an Event would have a lock, and a child that is killed while
    # it holds the lock would block us for ever.
    stop: c_bool = field(default_factory=lambda: CONTEXT.RawValue(c_bool, False))
    events: list[dict[str, Any]] = field(default_factory=list)
    alive: bool = True
    asked: float = field(default_factory=time.monotonic)  # when the visitor last asked

    def tell(self, name: str, **values: Any) -> None:
        """Add an event."""
        self.events.append({"event": name} | values)

    def fail(self, sentence: str) -> None:
        """Add that nothing came of it; unless the network is there, and only its map is missing."""
        if all(event["event"] != "Tested" for event in self.events):
            self.tell("Failed", sentence=sentence)

    @property
    def is_left(self) -> bool:
        """Its visitor has not asked for long."""
        return time.monotonic() - self.asked > PATIENCE

    @property
    def is_over(self) -> bool:
        """Nobody wants it any more."""
        return self.stop.value or self.is_left


class TrainingQueue:
    """Starts, watches and stops the visitors' runs, and gives each visitor the network that came out."""

    def __init__(self, sessions: Sessions, samples: Split, where: str | Path | None, limit: float = TIME_LIMIT) -> None:
        self._sessions, self._samples, self._where, self._limit = sessions, samples, where, limit
        self._runs: dict[str, Run] = {}
        self._line: list[Run] = []  # the first one is training
        self._moved = threading.Condition()

    def start(self, visitor: str, config: TrainConfig, go_on: bool = False) -> None:
        """Put a run in line.

        Raises:
            TrainingRefused: the visitor has one already, or the line is full.
        """
        with self._moved:
            if visitor in self._runs and self._runs[visitor].alive:
                raise TrainingRefused("Your training is still running: stop it first.")
            if len(self._line) >= MAX_WAITING:
                raise TrainingRefused(f"{len(self._line)} visitors train or wait: try again in a few minutes.")
            run = Run(visitor, config, self._sessions.get(visitor).network, go_on)
            # Those that have ended are kept as long as their visitors still ask: the last events may not be read yet.
            now = time.monotonic()
            self._runs = {name: old for name, old in self._runs.items() if old.alive or now - old.asked < PATIENCE}
            self._runs[visitor] = run
            self._line.append(run)
        threading.Thread(target=self._follow, args=(run,), daemon=True, name="training").start()

    def state(self, visitor: str, seen: int) -> dict[str, Any]:
        """The events after the first ``seen`` ones, and whether more can come."""
        run = self._runs.get(visitor)
        if run is None:
            return {"events": [], "seen": 0, "alive": False}
        run.asked = time.monotonic()
        alive = run.alive  # before the events: a run that ends in between is asked once more
        events = run.events[seen:]
        return {"events": events, "seen": seen + len(events), "alive": alive}

    def forget(self, visitor: str) -> None:
        """Drop what is known of the visitor's run, unless it is still alive."""
        with self._moved:
            if visitor in self._runs and not self._runs[visitor].alive:
                del self._runs[visitor]

    def stop(self, visitor: str) -> None:
        """Ask the visitor's run, if there is one, to stop and keep its best weights."""
        with self._moved:
            if visitor in self._runs:
                self._runs[visitor].stop.value = True
            self._moved.notify_all()

    def _follow(self, run: Run) -> None:
        place = None
        try:
            with self._moved:
                while self._line[0] is not run and not run.is_over:
                    if place != (place := self._line.index(run)):
                        run.tell("Waiting", place=place)
                    self._moved.wait(timeout=1)
            if run.is_over:
                why = "" if run.stop.value else AWAY
                run.tell("Failed", sentence=f"Stopped before the training began{why and f', {why}'}.")
            else:
                self._train(run)
        finally:
            if not run.events or run.events[-1]["event"] not in LAST_EVENTS:
                run.fail("The training ended unexpectedly.")
            run.alive = False
            with self._moved:
                self._line.remove(run)
                self._moved.notify_all()

    def _train(self, run: Run) -> None:
        run.tell("Loading")
        receiver, sender = CONTEXT.Pipe(duplex=False)
        before = run.before
        arguments = (sender, run.stop, run.config, run.go_on, before.architecture, _pack(before), self._where)
        child = CONTEXT.Process(target=train_in_child, args=arguments, daemon=True)
        learns_until = time.monotonic() + self._limit
        stopping = finished = math.inf  # when it was asked to stop, and when it had
        try:
            child.start()
            sender.close()  # the child's copy is the only one left: when it dies, reading here ends
            while True:
                now = time.monotonic()
                if finished == stopping == math.inf and (run.is_over or now > learns_until):
                    stopping = now
                    if not run.stop.value:
                        run.tell("Stopping", why=AWAY if run.is_left else "the longest that one may train here")
                    run.stop.value = True
                if now - finished > TEST_LIMIT or (finished == math.inf and now - stopping > STOP_LIMIT):
                    return run.fail("The training did not stop by itself and was ended.")
                if not receiver.poll(0.2):
                    continue
                message = receiver.recv()
                if message is None:
                    return
                self._take(run, *message)
                if message[0]["event"] == "Finished":
                    finished = time.monotonic()
        except (EOFError, OSError):
            run.fail("The training ended unexpectedly: perhaps this machine is short of memory.")
        finally:
            receiver.close()
            sender.close()
            if child.pid is not None:  # it did start
                child.kill()
                child.join()

    def _take(self, run: Run, event: dict[str, Any], tensors: bytes | None) -> None:
        """Pass an event on, and keep the network or the map that came with it."""
        if event["event"] == "Tested" and tensors is not None:
            network = _unpack(run.config.architecture, tensors)
            self._sessions.put(run.visitor, Session(network, projection.fit(network, self._samples)))
        elif event["event"] == "Mapped" and tensors is not None:
            own = self._sessions.own(run.visitor)
            if own is None:
                return  # the visitor went back to the shipped weights meanwhile
            mapped = projection.Projection(**from_safetensors(tensors))
            # What was worked out for the map before is stale; what excites its channels is not.
            kept = {name: found for name, found in own.kept.items() if name == "exciting"}
            self._sessions.complete(run.visitor, replace(own, projection=mapped, kept=kept))
        run.events.append(event)


def train_in_child(
    connection: Connection,
    stop: c_bool,
    config: TrainConfig,
    go_on: bool,
    architecture: str,
    weights: bytes,
    where: str | Path | None,
) -> None:
    """Body of the child process: sends (event, safetensors or None), and None at the end.

    ``architecture`` and ``weights`` are those of the network that answered the visitor at the start; the new one is
    compared with it, or goes on from it.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the terminal is for the server, which then ends us
    if hasattr(os, "nice"):
        os.nice(10)
    torch.set_num_threads(max(1, cores() - 1))  # one core stays free for answering
    try:
        before = _unpack(architecture, weights)
        for message in _train_and_test(stop, config, go_on, before, where):
            connection.send(message)
    except FmnistError as error:
        connection.send(({"event": "Failed", "sentence": str(error)}, None))
    except BrokenPipeError:
        return  # the server has gone
    connection.send(None)


def _train_and_test(
    stop: c_bool, config: TrainConfig, go_on: bool, before: Network, where: str | Path | None
) -> Iterator[tuple[dict[str, Any], bytes | None]]:
    data = dataset.load(where)
    reported = 0.0
    for event in train(config, data.train, start=before if go_on else None, should_stop=lambda: stop.value):
        if isinstance(event, StepDone) and event.step < event.steps:
            if time.monotonic() - reported < REPORT_PAUSE:
                continue
            reported = time.monotonic()
        values = {name: value for name, value in vars(event).items() if name != "network"}
        yield {"event": type(event).__name__} | values, None
    assert isinstance(event, Finished)
    if event.best_epoch == 0:
        yield {"event": "Failed", "sentence": "Stopped before anything was learned: your network is unchanged."}, None
        return
    tested: dict[str, Any] = {
        "event": "Tested",
        "stopped": event.stopped,
        "seconds": event.seconds,
        "images": len(data.test),
    }
    exam = make_sketch_test_set()
    for name, network in (("before", before), ("after", event.network)):
        tested |= {name: evaluate(network, data.test).accuracy, f"{name}_drawings": evaluate(network, exam).accuracy}
    yield tested, _pack(event.network)
    mapped = projection.with_tsne(projection.fit(event.network, dataset.load_samples().test))
    yield {"event": "Mapped"}, to_safetensors({name: value for name, value in vars(mapped).items()})


def _pack(network: Network) -> bytes:
    return to_safetensors({name: tensor.contiguous() for name, tensor in network.state_dict().items()})


def _unpack(architecture: str, weights: bytes) -> Network:
    network = Network(architecture)
    network.load_state_dict(from_safetensors(weights))
    return network.eval()
