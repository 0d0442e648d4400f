"""Trainings in line: one runs at a time in a process of its own, so that answers stay fast; the others wait.

A run is a list of events that its visitor asks for again and again; a visitor who stops asking has left, and the run
is ended. The process gets numbers that were checked and gives numbers: nothing that a visitor sends is ever unpickled.
"""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final, Protocol

from safetensors.torch import load as from_safetensors

from demo import payloads
from demo.limits import Limits
from demo.session import Record, Session, Sessions
from demo.training_process import (
    CONTEXT,
    Failed,
    Lesson,
    Mapped,
    SharedControl,
    Task,
    Tested,
    start_process,
    unpack,
    unpack_snapshot,
)
from fmnist_core import projection
from fmnist_core.custom_layers import CUSTOM
from fmnist_core.dataset import Split
from fmnist_core.errors import FmnistError
from fmnist_core.events import EpochDone, Event, Finished, SnapshotTaken, StepDone
from fmnist_core.snapshots import Snapshots, images_to_place
from fmnist_core.train_config import TrainConfig

POLL: Final = 0.2  # seconds from one look whether a run goes on to the next


@dataclass(frozen=True)
class Waiting(Event):
    """Others are before this run."""

    name = "Waiting"
    place: int  # runs before it


@dataclass(frozen=True)
class Loading(Event):
    """Its process is starting."""

    name = "Loading"


@dataclass(frozen=True)
class Stopping(Event):
    """It is being stopped, which its visitor did not ask for."""

    name = "Stopping"
    why: str


LAST_EVENTS: Final = (Failed.name, Tested.name, Mapped.name)  # one of these ends every run; Mapped follows Tested


class Process(Protocol):
    """What the queue needs of the process that trains."""

    def kill(self) -> None:
        """End it at once."""

    def join(self) -> None:
        """Wait until it has ended."""


class TrainingRefused(FmnistError):
    """A training cannot be started or changed now."""


@dataclass(eq=False)
class Run:
    """One visitor's training: what it is to do and what has happened so far."""

    visitor: str
    config: TrainConfig | Lesson
    before: Session  # that answered the visitor when they started it
    init_from_before: bool  # start from its weights instead of random ones
    patience: float  # seconds without a question after which its visitor has left
    watch: bool = False  # take snapshots
    picture: bytes | None = None  # pixels (28, 28) of the visitor's picture, to be in them
    control: SharedControl = field(default_factory=SharedControl.new)  # what the visitor wants of it
    events: list[dict[str, Any]] = field(default_factory=list)
    snapshots: list[SnapshotTaken] = field(default_factory=list)
    trained: Session | None = None  # the network that came out
    seconds: float = 0.0  # that its process has been at work
    paused_seconds: float = 0.0  # that it has not, in between
    alive: bool = True
    asked: float = field(default_factory=time.monotonic)  # when the visitor last asked

    def tell(self, event: Event) -> None:
        """Add an event."""
        self.events.append(event.to_json())

    def fail(self, sentence: str) -> None:
        """Add that nothing came of it; unless the network is there, and only its map is missing."""
        if all(event["event"] != Tested.name for event in self.events):
            self.tell(Failed(sentence))

    def pass_time(self, seconds: float) -> None:
        """Count time in which its process was there."""
        if self.control.paused:
            self.paused_seconds += seconds
        else:
            self.seconds += seconds

    @property
    def is_left(self) -> bool:
        """Its visitor has not asked for long."""
        return time.monotonic() - self.asked > self.patience

    @property
    def is_over(self) -> bool:
        """Nobody wants it any more."""
        return self.control.stop or self.is_left


class TrainingQueue:
    """Starts, watches and stops the visitors' runs, and gives each visitor the network that comes out."""

    def __init__(
        self,
        sessions: Sessions,
        samples: Split,
        where: str | Path | None,
        limits: Limits | None = None,
        start_process: Callable[[Task, SharedControl, Connection], Process] = start_process,
    ) -> None:
        self._sessions, self._samples, self._where, self._start_process = sessions, samples, where, start_process
        self._limits = limits or Limits()
        self._known: dict[int, tuple[float, float]] = {}  # by the number of a shipped session: its ``Task.known``
        self.paces: dict[str, float] = {}  # by network, the ``pace`` of the latest training here
        self._placed = images_to_place(samples)  # in the snapshots of every run
        self._runs: dict[str, Run] = {}
        self._line: list[Run] = []  # the first one is running
        self._moved = threading.Condition()

    def start(
        self,
        visitor: str,
        config: TrainConfig | Lesson,
        init_from_current: bool = False,
        watch: bool = False,
        picture: bytes | None = None,
    ) -> None:
        """Put a run in line: a training, or a lesson for the network that answers now.

        To ``watch`` it is to take snapshots, with the visitor's ``picture`` among the images.

        Raises:
            TrainingRefused: nobody may train here, the visitor has one already, or the line is full.
        """
        if self._limits.training == "nobody":
            raise TrainingRefused("Training is switched off on this server.")
        with self._moved:
            if visitor in self._runs and self._runs[visitor].alive:
                raise TrainingRefused("Your training is still running: stop it first.")
            if len(self._line) >= self._limits.training_queue:
                raise TrainingRefused(f"{len(self._line)} visitors train or wait: try again in a few minutes.")
            before = self._sessions.get(visitor)
            run = Run(visitor, config, before, init_from_current, self._limits.patience_seconds, watch, picture)
            # Those that have ended are kept as long as their visitors still ask: the last events may not be read yet.
            self._runs = {name: old for name, old in self._runs.items() if old.alive or not old.is_left}
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

    def snapshots(self, visitor: str) -> Snapshots | None:
        """Those of the visitor's run so far; None without any."""
        run = self._runs.get(visitor)
        taken = list(run.snapshots) if run else []
        return Snapshots.of(taken, self._placed.labels) if taken else None

    def forget(self, visitor: str) -> None:
        """Drop what is known of the visitor's run, unless it is still alive."""
        with self._moved:
            if visitor in self._runs and not self._runs[visitor].alive:
                del self._runs[visitor]

    def stop(self, visitor: str) -> None:
        """Ask the visitor's run, if there is one, to stop and keep its best weights."""
        with self._moved:
            if visitor in self._runs:
                self._runs[visitor].control.stop = True
            self._moved.notify_all()

    def change(
        self,
        visitor: str,
        paused: bool | None = None,
        learning_rate: float | None = None,
        epochs: int | None = None,
    ) -> None:
        """Let the visitor's run wait or go on, or take another rate or more epochs; None: as they are.

        Raises:
            TrainingRefused: there is no run that still learns.
        """
        with self._moved:
            run = self._runs.get(visitor)
            if run is None or not run.alive or any(event["event"] == Finished.name for event in run.events):
                raise TrainingRefused("Your training has ended: nothing about it can be changed any more.")
            if paused is not None:
                run.control.paused = paused
            if learning_rate is not None:
                run.control.learning_rate = learning_rate
            if epochs is not None:
                run.control.epochs = epochs

    def _follow(self, run: Run) -> None:
        place = None
        try:
            with self._moved:
                while self._line[0] is not run and not run.is_over:
                    if place != (place := self._line.index(run)):
                        run.tell(Waiting(place))
                    self._moved.wait(POLL)
            if run.is_over:
                why = "" if run.control.stop else f", {self._away}"
                run.fail(f"Stopped before the training began{why}.")
            else:
                self._train(run)
        finally:
            if not run.events or run.events[-1]["event"] not in LAST_EVENTS:
                run.fail("The training ended unexpectedly.")
            run.alive = False
            if isinstance(run.config, Lesson):
                run.config = Lesson(b"", b"")  # a visitor's pictures are not kept
            with self._moved:
                self._line.remove(run)
                self._moved.notify_all()

    @property
    def _away(self) -> str:
        return f"as this page was away for {self._limits.patience_seconds:.0f} seconds"

    def _why_to_stop(self, run: Run) -> str:
        """Why a run is to stop that its visitor does not stop; nothing: it is not."""
        if run.is_left:
            return self._away
        if run.paused_seconds > self._limits.pause_seconds:
            return f"as it was paused for {self._limits.pause_seconds:.0f} seconds, the longest here"
        return "the longest that one may train here" if run.seconds > self._limits.training_seconds else ""

    def _train(self, run: Run) -> None:
        run.tell(Loading())
        limits = self._limits
        receiver, sender = CONTEXT.Pipe(duplex=False)
        process = None
        looked = time.monotonic()
        stopping = finished = math.inf  # when it was asked to stop, and when it had
        try:
            task = Task.of(
                run.before.network,
                run.config,
                run.init_from_before,
                self._where,
                watch=run.watch,
                picture=run.picture,
                known=self._known_of(run),
            )
            process = self._start_process(task, run.control, sender)
            sender.close()  # the copy of the process is the only one left: when it dies, reading here ends
            while True:
                now = time.monotonic()
                run.pass_time(now - looked)
                looked = now
                why = self._why_to_stop(run)
                if finished == stopping == math.inf and (run.control.stop or why):
                    stopping = now
                    if not run.control.stop:
                        run.tell(Stopping(why))
                    run.control.stop = True
                if now - finished > limits.test_seconds or (
                    finished == math.inf and now - stopping > limits.stop_seconds
                ):
                    return run.fail("The training did not stop by itself and was ended.")
                if not receiver.poll(POLL):
                    continue
                message = receiver.recv()
                if message is None:
                    return
                self._take(run, *message)
                if message[0]["event"] == Finished.name:
                    finished = time.monotonic()
        except (EOFError, OSError):
            run.fail("The training ended unexpectedly: perhaps this machine is short of memory.")
        finally:
            receiver.close()
            sender.close()
            if process is not None:
                process.kill()
                process.join()

    def _note_pace(self, run: Run, epoch: dict[str, Any]) -> None:
        """Remember how fast a network learns here; of layers of one's own, no two are alike."""
        if isinstance(run.config, TrainConfig) and run.config.architecture != CUSTOM:
            self.paces[run.config.architecture] = pace(run.config, epoch["epoch"], epoch["seconds"])

    def _known_of(self, run: Run) -> tuple[float, float | None] | None:
        """``Task.known`` of a run."""
        if isinstance(run.config, Lesson):  # which is tested on the samples
            right = run.before.projection.predictions == self._samples.labels
            return right.double().mean().item(), None
        return self._known.get(run.before.number)

    def _take(self, run: Run, event: dict[str, Any], tensors: bytes | None) -> None:
        """Pass an event on, and store the network or the map that came with it."""
        if event["event"] == Tested.name and tensors is not None:
            if run.before in self._sessions.shipped and not isinstance(run.config, Lesson):
                self._known[run.before.number] = event["before"], event["before_sketches"]
            config = run.before.network.config
            if isinstance(run.config, TrainConfig) and not run.init_from_before:
                config = run.config.network
            network = unpack(config, tensors)
            trained = Session(network, projection.fit(network, self._samples), record=_record(run, event))
            run.trained = self._sessions.put(run.visitor, trained)
        elif event["event"] == Mapped.name and tensors is not None and run.trained is not None:
            mapped = projection.Projection(**from_safetensors(tensors))
            # What was worked out for the map before is stale; what activates its channels is not.
            found = run.trained.cache.get("top_activations")
            cache = {} if found is None else {"top_activations": found}
            if not self._sessions.complete(run.visitor, replace(run.trained, projection=mapped, cache=cache)):
                return  # the visitor has given the network back meanwhile
        elif event["event"] == SnapshotTaken.name and tensors is not None:
            run.snapshots.append(unpack_snapshot(event, tensors))
            event = event | payloads.snapshot(run.snapshots[-1], self._placed.labels)
        elif event["event"] == EpochDone.name:
            self._note_pace(run, event)
        run.events.append(event)


def pace(config: TrainConfig, epochs: int, seconds: float) -> float:
    """Seconds that all training images take once, when so many epochs took so long; synthetic ones count as others."""
    images = config.data_fraction * (1 - config.skipped_fraction) * (1 + sum(config.synthetic.values()))
    return seconds / (epochs * images)


def _record(run: Run, tested: dict[str, Any]) -> Record:
    """What is told of the network that came out of a run, for its event ``Tested``."""
    lesson = run.config if isinstance(run.config, Lesson) else None
    return Record(
        config=None if isinstance(run.config, Lesson) else run.config,  # the pictures are not kept
        pictures=len(lesson) if lesson else 0,
        init_from=run.before.name if run.init_from_before or lesson else None,
        images=tested["images"],
        accuracy=tested["after"],
        sketches=tested["after_sketches"],
        seconds=tested["seconds"],
        events=[event for event in run.events if event["event"] in (StepDone.name, EpochDone.name)],
    )
