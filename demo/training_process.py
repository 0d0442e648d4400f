"""One training in a process of its own: what it is given, what it does, and what it sends."""

import os
import signal
import time
from collections.abc import Iterator, Mapping
from ctypes import Structure, c_bool, c_double, c_int
from dataclasses import dataclass
from multiprocessing import get_context, heap
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Final

import torch
from safetensors.torch import load as from_safetensors
from safetensors.torch import save as to_safetensors

from demo.cores import cores
from fmnist_core import IMAGE_SIZE, dataset, projection
from fmnist_core.checkpoint import weights_of
from fmnist_core.control import Control
from fmnist_core.dataset import Split
from fmnist_core.errors import FmnistError
from fmnist_core.evaluation import evaluate
from fmnist_core.events import Event, Finished, SnapshotTaken, StepDone
from fmnist_core.model import Network
from fmnist_core.snapshots import SnapshotTaker, images_to_place
from fmnist_core.synthetic.sketch_test_set import make_sketch_test_set
from fmnist_core.teaching import teach
from fmnist_core.threads import ThreadChooser
from fmnist_core.train_config import TrainConfig
from fmnist_core.training import train

CONTEXT: Final = get_context("spawn")  # a fork would copy the server's threads half-way through their work
NICENESS: Final = 10  # of a training: answers come first
REPORT_PAUSE: Final = 0.1  # seconds between two steps that are reported

Message = tuple[dict[str, Any], bytes | None]  # an event, and the tensors that go with it as safetensors


@dataclass(frozen=True)
class Tested(Event):
    """How accurate the network before and the new one are, on the test images and on the sketch test set."""

    name = "Tested"
    stopped: bool
    seconds: float
    images: int
    before: float
    after: float
    before_sketches: float | None  # None after a lesson, which is to be quick
    after_sketches: float | None


@dataclass(frozen=True)
class Mapped(Event):
    """The t-SNE map of the new network is ready."""

    name = "Mapped"


@dataclass(frozen=True)
class Failed(Event):
    """Nothing came of it."""

    name = "Failed"
    sentence: str


class SharedControl(Structure):
    """What the visitor wants of a training that runs, in memory that its process shares.

    There is no lock that a process could hold while it is killed, and then block the server for ever. Each field has a
    meaning by itself, so it does not matter in which order they are seen to change.
    """

    stop: bool
    paused: bool
    learning_rate: float  # 0: as it is
    epochs: int  # 0: as they are
    _fields_ = (("stop", c_bool), ("paused", c_bool), ("learning_rate", c_double), ("epochs", c_int))

    @classmethod
    def new(cls) -> "SharedControl":
        """One that wants nothing yet, to be given to a process that is started."""
        if not os.access("/dev/shm", os.W_OK):
            heap.Arena._dir_candidates = []  # type: ignore[attr-defined]  # the temporary folder will do
        return CONTEXT.RawValue(cls)

    def read(self) -> Control:
        """What is wanted now."""
        return Control(self.stop, self.paused, self.learning_rate or None, self.epochs or None)


@dataclass(frozen=True)
class Lesson:
    """A visitor's labelled pictures."""

    pixels: bytes  # (N, 28, 28)
    labels: bytes  # (N,)

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def images(self) -> Split:
        """The pictures to be taught."""
        pixels = torch.frombuffer(bytearray(self.pixels), dtype=torch.uint8).reshape(-1, IMAGE_SIZE, IMAGE_SIZE)
        return Split.of(pixels, torch.frombuffer(bytearray(self.labels), dtype=torch.uint8).long())


@dataclass(frozen=True)
class Task:
    """What is to be trained or taught; plain values, as they go to another process."""

    config: TrainConfig | Lesson  # a lesson is taught to the network before
    before: Mapping[str, Any]  # the network before (its ``config``), with which the new one is compared
    weights: bytes  # its weights as safetensors
    init_from_before: bool
    where: str | Path | None  # the data set
    watch: bool = False  # take snapshots
    picture: bytes | None = None  # pixels (28, 28) of the visitor's picture, to be in them
    # Accuracy of the network before on the test images and on the sketch test set, if it is known.
    known: tuple[float, float | None] | None = None

    @classmethod
    def of(
        cls,
        before: Network,
        config: TrainConfig | Lesson,
        init_from_before: bool,
        where: str | Path | None,
        **options: Any,
    ) -> "Task":
        """The task for a visitor whom the network ``before`` answers."""
        return cls(config, before.config, weights_of(before), init_from_before, where, **options)


def start_process(task: Task, control: SharedControl, connection: Connection) -> BaseProcess:
    """Start a process that works on ``task`` and sends each ``Message``, and None at the end.

    Raises:
        OSError: the process has ended before it knew what to do.
    """
    tasks, sender = CONTEXT.Pipe(duplex=False)
    process = CONTEXT.Process(target=_run, args=(tasks, control, connection), daemon=True)
    process.start()
    tasks.close()
    with sender:
        # Not as an argument: weights are more than a pipe holds, and Python would wait for ever for a process to read
        # its arguments that cannot even be started.
        sender.send(task)
    return process


def _run(tasks: Connection, control: SharedControl, connection: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the terminal is for the server, which then ends us
    if hasattr(os, "nice"):
        os.nice(max(0, NICENESS - os.nice(0)))
    try:
        for message in work_on(tasks.recv(), control):
            connection.send(message)
        connection.send(None)
    except BrokenPipeError:
        return  # the server has gone


def work_on(task: Task, control: SharedControl) -> Iterator[Message]:
    """Train or teach, test, and map; every failure that a visitor can do something about is an event."""
    try:
        yield from _train_and_test(task, control)
    except FmnistError as error:
        yield Failed(str(error)).to_json(), None


def _train_and_test(task: Task, control: SharedControl) -> Iterator[Message]:
    before = unpack(task.before, task.weights)
    if isinstance(task.config, Lesson):  # the samples are enough to rehearse, and quick to be tested on
        data = dataset.load_samples()
        events = teach(before, task.config.images, data.train, should_stop=lambda: control.stop)
    else:
        data = dataset.load(task.where)
        init_from = before if task.init_from_before else None
        taker = _snapshot_taker(task) if task.watch else None
        chooser = ThreadChooser(max(1, cores() - 1))  # one core stays free for answering
        wanted = chooser.watching(control.read)
        events = train(task.config, data.train, init_from=init_from, control=wanted, snapshots=taker)
    reported = 0.0
    for event in events:
        if isinstance(event, StepDone) and event.step < event.steps:
            if time.monotonic() - reported < REPORT_PAUSE:
                continue
            reported = time.monotonic()
        yield event.to_json(), pack_snapshot(event) if isinstance(event, SnapshotTaken) else None
    assert isinstance(event, Finished)
    if event.best_epoch == 0:
        yield Failed("Stopped before anything was learned: your network is unchanged.").to_json(), None
        return
    sketches = None if isinstance(task.config, Lesson) else make_sketch_test_set()
    known = task.known or (_accuracy(before, data.test), _accuracy(before, sketches) if sketches else None)
    tested = Tested(
        stopped=event.stopped,
        seconds=event.seconds,
        images=len(data.test),
        before=known[0],
        after=_accuracy(event.network, data.test),
        before_sketches=known[1],
        after_sketches=_accuracy(event.network, sketches) if sketches else None,
    )
    yield tested.to_json(), weights_of(event.network)
    mapped = projection.with_tsne(projection.fit(event.network, dataset.load_samples().test))
    yield Mapped().to_json(), to_safetensors({name: value for name, value in vars(mapped).items()})


def _accuracy(network: Network, images: Split) -> float:
    return evaluate(network, images).accuracy


def _snapshot_taker(task: Task) -> SnapshotTaker:
    picture = None
    if task.picture is not None:
        picture = torch.frombuffer(bytearray(task.picture), dtype=torch.uint8).reshape(IMAGE_SIZE, IMAGE_SIZE)
    return SnapshotTaker(images_to_place(dataset.load_samples().test), picture)


def pack_snapshot(event: SnapshotTaken) -> bytes:
    """The tensors of a snapshot as safetensors."""
    tensors = {name: value.contiguous() for name, value in vars(event).items() if isinstance(value, torch.Tensor)}
    return to_safetensors(tensors)


def unpack_snapshot(event: Mapping[str, Any], tensors: bytes) -> SnapshotTaken:
    """The snapshot again from the message about it."""
    values = {name: value for name, value in event.items() if name != "event"}
    return SnapshotTaken(**{"place": None, "probabilities": None} | values | from_safetensors(tensors))


def unpack(config: Mapping[str, Any], weights: bytes) -> Network:
    """The network of that ``config`` again, ready to answer."""
    network = Network(**config)
    network.load_state_dict(from_safetensors(weights))
    return network.eval()
