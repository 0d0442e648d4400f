"""A network with its preparation, and what it puts out layer by layer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from huggingface_hub import ModelCard, PyTorchModelHubMixin, hf_hub_download
from safetensors.torch import load_file
from torch import Tensor, nn

from fmnist_core import CLASS_NAMES, IMAGE_SIZE, MEAN, STD
from fmnist_core.architectures import ARCHITECTURES
from fmnist_core.custom_layers import CUSTOM, build, plan, written
from fmnist_core.errors import ConfigError
from fmnist_core.model_card import model_card

WEIGHTS_FILE: Final = "model.safetensors"  # the names that the Hub expects
CONFIG_FILE: Final = "config.json"
MAX_CLASSES: Final = 100
MAX_NAME: Final = 60  # characters of the name of a class


@dataclass(frozen=True, eq=False)
class Trace:
    """All that a network does with N inputs."""

    maps: dict[str, Tensor]  # layer name -> its output, float32 (N, C, H, W) or (N, D), in order
    embedding: Tensor  # float32 (N, D), what enters the last layer
    logits: Tensor  # float32 (N, classes)


class Network(nn.Module, PyTorchModelHubMixin):
    """A network by the name of its architecture, with the preparation it is trained for.

    Called with pixels it gives probabilities: this is what is saved, exported and served. Training and everything that
    looks inside work on ``inputs`` and ``logits``.

    ``Network.from_pretrained``, from the Hub's mixin, reads a folder or a Hub repository alike; ``checkpoint.load``
    does the same and says in a sentence what is wrong.

    Args:
        architecture: which layers: a key of ``ARCHITECTURES``, or ``CUSTOM``.
        class_names: what its answers are called, in order.
        input_size: height and width of its images, in pixels.
        mean, std: of the training images' pixels on the scale 0..1, by which inputs are normalised.
        layers: of a custom network, the list that ``custom_layers.plan`` reads.

    Raises:
        ConfigError: there is no such architecture, its layers cannot be, or the preparation cannot work.
    """

    def __init__(
        self,
        architecture: str = "original",
        class_names: Sequence[str] = CLASS_NAMES,
        input_size: Sequence[int] = (IMAGE_SIZE, IMAGE_SIZE),
        mean: float = MEAN,
        std: float = STD,
        layers: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        super().__init__()
        if architecture not in (*ARCHITECTURES, CUSTOM):
            raise ConfigError(f"There is no network {architecture!r:.40}; the networks are {', '.join(ARCHITECTURES)}.")
        if architecture != CUSTOM and layers:
            raise ConfigError(
                f"The network {architecture} has its own layers: expected no list, or the network {CUSTOM}."
            )
        _check_preparation(class_names, input_size, mean, std)
        self.architecture = architecture
        self.class_names = tuple(class_names)
        self.mean, self.std = mean, std
        self.rows: list[dict[str, Any]] = []  # that describe the layers of a custom network
        if architecture == CUSTOM:
            planned = list(plan(layers, len(class_names)))  # all is checked before anything is made
            self.rows = written(planned)
            self.layers = nn.Sequential(build(planned))
        else:
            self.layers = nn.Sequential(ARCHITECTURES[architecture].build(len(class_names)))
        if not isinstance(self.layers[-1], nn.Linear):
            raise ConfigError(f"The network {architecture} ends in {type(self.layers[-1]).__name__}, expected Linear.")
        self._hub_mixin_config = self.config  # what the mixin writes: else with defaults, and rows as they were given

    def forward(self, pixels: Tensor) -> Tensor:
        """Probabilities (N, classes) for pixels (N, 28, 28) uint8."""
        return to_probabilities(self.logits(self.to_inputs(pixels)))

    def to_inputs(self, pixels: Tensor) -> Tensor:
        """Inputs (N, 1, 28, 28) float32 from pixels (N, 28, 28) uint8: the one place where images are normalised."""
        return (pixels.unsqueeze(1).to(torch.float32) - 255 * self.mean) / (255 * self.std)

    def logits(self, inputs: Tensor) -> Tensor:
        """Logits (N, classes) for inputs (N, 1, 28, 28)."""
        logits: Tensor = self.layers(inputs)
        return logits

    def trace(self, inputs: Tensor) -> Trace:
        """The output of every layer for inputs (N, 1, 28, 28); its logits are those of ``logits``."""
        maps = {}
        entering = outputs = inputs
        for name, layer in self.layers.named_children():
            entering, outputs = outputs, layer(outputs)
            maps[name] = outputs
        return Trace(maps, embedding=entering, logits=outputs)

    def embed(self, inputs: Tensor) -> Tensor:
        """Embeddings (N, D) of inputs (N, 1, 28, 28): what enters the last layer."""
        embedding: Tensor = self.layers[:-1](inputs)
        return embedding

    def forward_from(self, layer: str, maps: Tensor) -> Tensor:
        """Logits (N, classes) for ``maps`` in place of what ``layer`` puts out.

        Raises:
            ConfigError: there is no such layer.
        """
        logits: Tensor = self.layers[self.index_of(layer) + 1 :](maps)
        return logits

    def index_of(self, layer: str) -> int:
        """Position of the layer of that name, from 0.

        Raises:
            ConfigError: there is no such layer.
        """
        names = self.layer_names
        if layer not in names:
            raise ConfigError(f"There is no layer {layer!r}; the layers are {', '.join(names)}.")
        return names.index(layer)

    @property
    def layer_names(self) -> list[str]:
        """The layers from first to last."""
        return [name for name, _ in self.layers.named_children()]

    @property
    def parameter_count(self) -> int:
        """How many trainable parameters there are: the numbers that training adjusts."""
        return sum(parameter.numel() for parameter in self.parameters())

    @property
    def config(self) -> dict[str, Any]:
        """The arguments that make such a network, as in ``config.json``."""
        return {
            "architecture": self.architecture,
            "class_names": list(self.class_names),
            "input_size": [IMAGE_SIZE, IMAGE_SIZE],
            "mean": self.mean,
            "std": self.std,
        } | ({"layers": self.rows} if self.architecture == CUSTOM else {})

    def generate_model_card(self, *args: Any, **options: Any) -> ModelCard:
        """What ``save_pretrained`` and ``push_to_hub``, from the mixin, write beside the weights."""
        return model_card(self)

    @classmethod
    def _from_pretrained(cls, *, model_id: str, **options: Any) -> "Network":
        # The mixin's own version would unpickle a Hub file when there is no safetensors file, lets names and shapes
        # differ, and prints to standard output.
        if Path(model_id).is_dir():
            file = Path(model_id) / WEIGHTS_FILE
        else:
            known = {"revision", "cache_dir", "force_download", "token", "local_files_only"}
            download: dict[str, Any] = {name: value for name, value in options.items() if name in known}
            file = Path(hf_hub_download(model_id, WEIGHTS_FILE, **download))
        config = {name: options[name] for name in CONFIG_KEYS if name in options}
        network = cls(**config)
        network.load_state_dict(load_file(file))
        return network.eval()


CONFIG_KEYS: Final = ("architecture", "class_names", "input_size", "mean", "std", "layers")


def to_probabilities(logits: Tensor) -> Tensor:
    """Probabilities (N, classes), rows summing to 1, from logits: the one place where softmax is applied."""
    return logits.float().softmax(dim=1)


def _check_preparation(class_names: Sequence[str], input_size: Sequence[int], mean: float, std: float) -> None:
    if not isinstance(class_names, list | tuple) or not 2 <= len(class_names) <= MAX_CLASSES:
        raise ConfigError(f"The class names are not a list of 2 to {MAX_CLASSES} names.")
    if not all(isinstance(name, str) and 0 < len(name) <= MAX_NAME and name.isprintable() for name in class_names):
        raise ConfigError(f"A class name is not a line of 1 to {MAX_NAME} characters.")
    if len(set(class_names)) < len(class_names):
        raise ConfigError("Two classes have the same name.")
    if not isinstance(input_size, list | tuple) or list(input_size) != [IMAGE_SIZE, IMAGE_SIZE]:
        raise ConfigError(f"The input size is {input_size!r:.40}, expected [{IMAGE_SIZE}, {IMAGE_SIZE}].")
    for name, value, low in (("mean", mean, 0), ("standard deviation", std, 1e-6)):
        if not isinstance(value, int | float) or isinstance(value, bool) or not low <= value <= 1:
            raise ConfigError(f"The {name} of the pixels is {value!r:.40}, expected a number from {low:g} to 1.")
