"""What a training needs to go on after it was broken off, as if it had not been: kept at the end of every epoch.

One safetensors file: weights, the best ones so far, what the optimisers remember (their momentum), the random numbers'
places, each image's loss. Its metadata are the configuration (with the learning rate and the epochs that were wanted by
then), the place in the schedule, and which images these are.
Nothing in it is ever executed. Synthetic images are not kept: they are drawn again from their seed.
"""

import hashlib
import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from safetensors import SafetensorError
from safetensors.torch import save as to_safetensors
from torch import Tensor

from fmnist_core.dataset import Split
from fmnist_core.errors import CheckpointError, ConfigError
from fmnist_core.model import Network
from fmnist_core.storage import write_whole
from fmnist_core.tensor_files import read_tensors
from fmnist_core.train_config import TrainConfig
from fmnist_core.training import TrainingState

RESUME_FILE: Final = "resume.safetensors"


class SavedTraining:
    """The training in a folder, on certain images, as it was after its last whole epoch."""

    def __init__(self, folder: Path, images: Split) -> None:
        self.folder, self.images = folder, _fingerprint(images)
        self.is_kept = False  # whether anything of this training has been saved since it began

    def save(self, state: TrainingState) -> None:
        """Keep the state of the training between two epochs.

        Raises:
            StorageError: it could not be written.
        """
        tensors = {f"network.{name}": tensor for name, tensor in state.network.state_dict().items()}
        tensors |= {f"best.{name}": tensor for name, tensor in state.best.weights.items()}
        for number, optimizer in enumerate(state.optimizers):
            for index, remembered in optimizer.state_dict()["state"].items():
                tensors |= {f"optimizer.{number}.{index}.{name}": value for name, value in remembered.items()}
        tensors |= {"order": state.order.get_state(), "augmentation": state.augmentation.get_state()}
        tensors |= {"losses": state.losses}
        about = {
            "config": asdict(state.config),
            "network": state.network.config,
            "images": self.images,
            "step": state.step,
            "best_epoch": state.best.epoch,
            "best_loss": state.best.loss if math.isfinite(state.best.loss) else None,
            "scaler": state.scaler.state_dict(),
        }
        contents = to_safetensors(
            {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()},
            metadata={"training": json.dumps(about)},
        )
        with write_whole(self.folder / RESUME_FILE) as file:
            file.write(contents)
        self.is_kept = True

    def load(self, state: TrainingState) -> None:
        """Put a training that is ready for its first step where the one in the folder was broken off.

        Raises:
            CheckpointError: there is none, it is damaged, or it is of another network or of other images.
        """
        about, tensors = _read(self.folder)
        file = self.folder / RESUME_FILE
        if about.get("images") != self.images:
            raise CheckpointError(f"The training in {self.folder} was on other images: name the same data set again.")
        groups: dict[str, dict[str, Tensor]] = {"network": {}, "best": {}}
        remembered: list[dict[int, dict[str, Tensor]]] = [{} for _ in state.optimizers]
        try:
            for name, tensor in tensors.items():
                first, _, rest = name.partition(".")
                if first in groups:
                    groups[first][rest] = tensor
                elif first == "optimizer":
                    number, index, what = rest.split(".", 2)
                    remembered[int(number)].setdefault(int(index), {})[what] = tensor
            state.network.load_state_dict(groups["network"])
            best = {name: tensor.to(state.device) for name, tensor in groups["best"].items()}
            for optimizer, its in zip(state.optimizers, remembered, strict=True):
                optimizer.load_state_dict(optimizer.state_dict() | {"state": its})
            state.order.set_state(tensors["order"])
            state.augmentation.set_state(tensors["augmentation"])
            state.losses.copy_(tensors["losses"])
            state.scaler.load_state_dict(about["scaler"])
            state.step = int(about["step"])
            state.best.weights, state.best.epoch = best, int(about["best_epoch"])
            state.best.loss = math.inf if about["best_loss"] is None else float(about["best_loss"])
        except (KeyError, IndexError, ValueError, TypeError, RuntimeError) as error:
            raise CheckpointError(f"{file} does not fit a training of {state.config.architecture}.") from error
        for pool in state.pools:
            pool.grow_as_after(state.step)


def saved_training(folder: Path) -> tuple[TrainConfig, Network]:
    """The configuration of the training that was broken off in a folder, and a network of its kind without its weights.

    Raises:
        CheckpointError: there is none, or the file is damaged.
    """
    about, _ = _read(folder)
    try:
        return TrainConfig(**about["config"]), Network(**about["network"])
    except (KeyError, TypeError, ConfigError) as error:
        raise CheckpointError(f"{folder / RESUME_FILE} holds no configuration of a training.") from error


def _fingerprint(images: Split) -> str:
    """A short name for exactly these images."""
    digest = hashlib.sha256(images.labels.cpu().numpy().tobytes())
    digest.update(images.pixels.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def _read(folder: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    file = folder / RESUME_FILE
    if not file.is_file():
        raise CheckpointError(f"{folder} holds no training that was broken off ({RESUME_FILE}).")
    try:
        tensors, metadata = read_tensors(file)
        about: Any = json.loads(metadata.get("training", ""))
    except (SafetensorError, OSError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{file} is damaged: the training cannot go on.") from error
    if not isinstance(about, dict):
        raise CheckpointError(f"{file} is damaged: the training cannot go on.")
    return about, tensors
