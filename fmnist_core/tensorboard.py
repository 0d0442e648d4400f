"""The events of a training as TensorBoard shows them; needs the package ``tensorboard``, as nothing else here does."""

import json
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import Any

from fmnist_core.dataset import Split
from fmnist_core.embedding_files import COLUMNS, known_of
from fmnist_core.errors import ConfigError
from fmnist_core.evaluation import Evaluation
from fmnist_core.events import Changed, EpochDone, Event, Started, StepDone
from fmnist_core.model import Network
from fmnist_core.projection import Projection
from fmnist_core.storage import claim
from fmnist_core.train_config import TrainConfig, flattened
from fmnist_core.training import linear_warmup_decay


class TensorBoardLog:
    """Writes what happens in a training into a folder that ``tensorboard --logdir`` shows.

    Raises:
        ConfigError: the package is not installed.
        StorageError: nothing can be written into the folder.
    """

    def __init__(self, folder: Path, config: TrainConfig) -> None:
        writer = _package().SummaryWriter
        claim(folder)
        self._writer = writer(str(folder))
        self._config = config
        self._steps, self._rate = 1, config.learning_rate  # in all, and the highest, by what is known now

    def take(self, event: Event) -> None:
        """Write an event, if it holds something to be drawn."""
        add = self._writer.add_scalar
        if isinstance(event, Started):
            self._writer.add_text("configuration", _as_code(asdict(self._config)))
        if isinstance(event, Started | Changed):
            self._steps, self._rate = event.steps, event.learning_rate
        elif isinstance(event, StepDone):
            add("train/loss", event.loss, event.step)
            add("train/accuracy", event.accuracy, event.step)
            add("learning rate", self._rate * linear_warmup_decay((event.step - 0.5) / self._steps), event.step)
            add("images a second", event.images_per_second, event.step)
        elif isinstance(event, EpochDone):
            if event.validation_loss is not None:
                add("validation/loss", event.validation_loss, event.step)
                add("validation/accuracy", event.validation_accuracy, event.step)
            self._writer.flush()

    def finish(self, evaluation: Evaluation, network: Network, images: Split, projection: Projection) -> None:
        """Write what the network achieves on the test images, beside its settings, and the map of some images."""
        figures = {"test/accuracy": evaluation.accuracy, "test/loss": evaluation.loss}
        self._writer.add_hparams(flattened(self._config), figures, run_name=".")  # in this run, not in one of its own
        self._writer.add_embedding(
            projection.embeddings,
            metadata=[list(row) for row in known_of(network, images, projection)],
            metadata_header=list(COLUMNS),
            label_img=images.pixels[:, None].float() / 255,
            tag="embedding",
        )

    def close(self) -> None:
        """Write what is still to be written."""
        self._writer.close()


def _package() -> ModuleType:
    with suppress(ImportError):
        from torch.utils import tensorboard

        return tensorboard
    raise ConfigError("To log for TensorBoard, install tensorboard: pip install tensorboard.")


def _as_code(values: dict[str, Any]) -> str:
    """As TensorBoard, which reads Markdown, shows code: indented."""
    return "\n".join(f"    {line}" for line in json.dumps(values, indent=2, default=list).splitlines())
