"""A training in TensorBoard: its own reader finds in the files what the events said."""

import json
import sys

import pytest
import torch

from fmnist_core import dataset, projection
from fmnist_core import tensorboard as module
from fmnist_core.errors import ConfigError, StorageError
from fmnist_core.evaluation import evaluate
from fmnist_core.events import Changed, EpochDone, Finished, Paused, Started, StepDone
from fmnist_core.tensorboard import TensorBoardLog
from fmnist_core.train_config import TrainConfig, flattened
from fmnist_core.training import WARM_UP

CONFIG = TrainConfig(epochs=2, batch_size=64)
STARTED = Started("cpu", 100, 20, steps=20, parameters=5, epochs=2, learning_rate=0.01)
EVENTS = [
    STARTED,
    StepDone(10, 20, 1, loss=1.5, accuracy=0.5, images_per_second=1000.0, seconds_left=2.0),
    Paused(10),
    EpochDone(1, 10, 1.5, 0.5, validation_loss=1.25, validation_accuracy=0.75, best=True, seconds=1.0),
    Changed(10, steps=40, epochs=4, learning_rate=0.002),
    StepDone(40, 40, 4, loss=0.5, accuracy=0.75, images_per_second=2000.0, seconds_left=0.0),
    EpochDone(4, 40, 0.5, 0.75, validation_loss=None, validation_accuracy=None, best=True, seconds=2.0),
]
EXPECTED = {
    "train/loss": [(10, 1.5), (40, 0.5)],
    "train/accuracy": [(10, 0.5), (40, 0.75)],
    "images a second": [(10, 1000.0), (40, 2000.0)],
    "validation/loss": [(10, 1.25)],
    "validation/accuracy": [(10, 0.75)],
    "learning rate": [(10, 0.01 * (1 - 9.5 / 20) / (1 - WARM_UP)), (40, 0.002 * (0.5 / 40) / (1 - WARM_UP))],
}


class FakeWriter:
    """Remembers what it is told."""

    def __init__(self, folder):
        self.told = []

    def __getattr__(self, name):
        return lambda *values, **named: self.told.append((name, values, named))


@pytest.fixture
def fake(monkeypatch):
    writers = []

    class Package:
        @staticmethod
        def SummaryWriter(folder):
            writers.append(FakeWriter(folder))
            return writers[-1]

    monkeypatch.setattr(module, "_package", lambda: Package)
    return writers


@pytest.fixture
def read(skip_or_fail):
    """``read(folder)``: what TensorBoard itself finds in a folder."""
    try:
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    except ImportError:
        skip_or_fail("TensorBoard is not installed (pip install tensorboard).")

    def read(folder):
        found = EventAccumulator(str(folder))
        found.Reload()
        return found

    return read


def test_scalars_are_those_of_the_events(fake, tmp_path):
    log = TensorBoardLog(tmp_path, CONFIG)
    for event in EVENTS:
        log.take(event)
    found = {}
    for name, values, _ in fake[0].told:
        if name == "add_scalar":
            found.setdefault(values[0], []).append((values[2], pytest.approx(values[1])))
    assert found == EXPECTED


def test_without_the_package_there_is_a_sentence_before_anything_is_done(monkeypatch, cli, tmp_path):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(ConfigError, match=r"pip install tensorboard\.$"):
        TensorBoardLog(tmp_path / "log", CONFIG)
    monkeypatch.setattr(dataset, "load", lambda *where, **options: pytest.fail("the data was read"))
    done = cli("train", "--tensorboard", tmp_path / "log", "--out", tmp_path / "out")
    assert (done.status, "pip install tensorboard" in done.err) == (1, True)
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written_is_told(fake, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="Nothing can be written into"):
        TensorBoardLog(tmp_path / "file" / "log", CONFIG)


def test_tensorboard_reads_them(read, tmp_path, original, samples):
    some = samples.test.take(torch.arange(40))
    evaluation = evaluate(original, some)
    log = TensorBoardLog(tmp_path, CONFIG)
    for event in [*EVENTS, Finished(original, best_epoch=4, stopped=False, seconds=2.0)]:
        log.take(event)
    log.finish(evaluation, original, some, projection.fit(original, some))
    log.close()
    found = read(tmp_path)
    for tag, values in EXPECTED.items():
        assert [(each.step, pytest.approx(each.value)) for each in found.Scalars(tag)] == values
    assert found.Scalars("test/accuracy")[0].value == pytest.approx(evaluation.accuracy)
    text = found.Tensors("configuration/text_summary")[0].tensor_proto.string_val[0].decode()
    assert json.loads(text)["batch_size"] == 64
    session = found.summary_metadata["_hparams_/session_start_info"].plugin_data.content
    assert all(name.encode() in session for name in flattened(CONFIG))
    (folder,) = {file.parent for file in tmp_path.rglob("metadata.tsv")}
    assert len((folder / "metadata.tsv").read_text().splitlines()) == 1 + 40
    assert (folder / "sprite.png").is_file()
    assert "sprite.png" in (tmp_path / "projector_config.pbtxt").read_text()
