"""Weights on disk: a folder with the layout of a Hub model repository, and nothing in it that is ever executed.

``config.json`` names the architecture and the preparation it is trained for, ``model.safetensors`` holds the weights,
``projection.safetensors`` the map of the test samples for exactly these weights, ``top_activations.safetensors`` which
of them activate each channel most, ``training.json`` how the ``train`` command made the weights and how accurate they
are, ``README.md`` is the model card.
"""

import hashlib
import json
import os
from pathlib import Path
from typing import Any, Final

import torch
from huggingface_hub import HfApi, ModelCard, snapshot_download
from huggingface_hub.errors import HFValidationError
from safetensors import SafetensorError
from safetensors.torch import save as to_safetensors
from torch import Tensor, nn

try:  # with which huggingface_hub asks, by its version
    from httpx2 import HTTPError
except ImportError:
    from httpx import HTTPError  # type: ignore[assignment]

from fmnist_core.custom_layers import CUSTOM, LayerLimits, plan
from fmnist_core.errors import CheckpointError, ConfigError, StorageError
from fmnist_core.file_kinds import SAFETENSORS, kind_of
from fmnist_core.model import CONFIG_FILE, CONFIG_KEYS, WEIGHTS_FILE, Network
from fmnist_core.model_card import CARD_FILE, MARK
from fmnist_core.storage import as_path, write_whole
from fmnist_core.tensor_files import parse_tensors, quoted, read_metadata, read_tensors

TRAINING_FILE = "training.json"
WRAPPERS: Final = ("module.", "_orig_mod.")
MAX_REASON: Final = 200  # characters of what a library says is wrong
MAX_CONFIG: Final = 2**20  # bytes of config.json
FILES = (CONFIG_FILE, WEIGHTS_FILE, "projection.safetensors", "top_activations.safetensors", TRAINING_FILE, CARD_FILE)


def save(network: Network, folder: Path) -> None:
    """Write config and weights, so that whoever kills the program leaves the old ones or the new ones.

    The weights carry their config as metadata, and the file of the old config is removed before they are replaced:
    between the two, and until the new config is there, ``load`` takes the weights at their own word.

    Raises:
        StorageError: they could not be written; when the disk is full, what was there before is unchanged.
    """
    _complete(folder)
    with write_whole(folder / CONFIG_FILE) as config_file, write_whole(folder / WEIGHTS_FILE) as weights_file:
        for file, contents in (
            (config_file, (json.dumps(network.config, indent=2, ensure_ascii=False) + "\n").encode()),
            (weights_file, weights_of(network, with_config=True)),
        ):
            file.write(contents)
            file.flush()
            os.fsync(file.fileno())  # both are on the disk before anything is replaced: a full one stops both
        (folder / CONFIG_FILE).unlink(missing_ok=True)
        (folder / TRAINING_FILE).unlink(missing_ok=True)  # which tells of the old ones


def _complete(folder: Path) -> None:
    """See to it that the weights in a folder, if there are some, can do without their config."""
    try:
        config = _read_config(folder / CONFIG_FILE)
        if _config_within(folder / WEIGHTS_FILE) == config:
            return
        old = load(folder)
    except CheckpointError:  # nothing that could be lost
        return
    with write_whole(folder / WEIGHTS_FILE) as file:
        file.write(weights_of(old, with_config=True))


def weights_of(network: nn.Module, with_config: bool = False) -> bytes:
    """A network's weights as safetensors, with its config as their metadata if it has one and that is wanted."""
    tensors = {name: tensor.cpu().contiguous() for name, tensor in network.state_dict().items()}
    config = network.config if with_config and isinstance(network, Network) else None
    return to_safetensors(tensors, metadata=None if config is None else {"config": json.dumps(config)})


def load(where: str | Path) -> Network:
    """The network in a folder, or in the Hub repository ``user/name``, ready to answer.

    Raises:
        CheckpointError: it is not there, of another kind, truncated, or does not fit; the sentence says which.
    """
    folder = fetch(where)
    network = _make_network(folder)
    network.load_state_dict(_read_weights(folder / WEIGHTS_FILE, network))
    return network.eval()


def from_contents(config: bytes, weights: bytes, limits: LayerLimits | None = None) -> Network:
    """The network from what is in its two files, ready to answer; a custom one may have ``limits``.

    Raises:
        CheckpointError: as of ``load``, or it is too large.
    """
    network = _network_of(_parse_config(config, CONFIG_FILE), CONFIG_FILE, limits)
    try:
        found = parse_tensors(weights)
    except SafetensorError as error:
        raise _damaged(WEIGHTS_FILE, error) from error
    network.load_state_dict(_fitting(found, network, WEIGHTS_FILE))
    return network.eval()


def fetch(where: str | Path) -> Path:
    """The folder itself, or the local copy of the Hub repository of that name."""
    folder = as_path(where)
    try:
        if folder.is_dir():
            return folder
        if folder.is_file():
            raise CheckpointError(f"{where} is a file, expected a folder with {CONFIG_FILE} and {WEIGHTS_FILE}.")
        return Path(snapshot_download(str(where), allow_patterns=list(FILES)))
    except HFValidationError:
        raise CheckpointError(f"There is no folder {where}, and it is not the name of a Hub repository.") from None
    except (HTTPError, OSError) as error:  # OSError: the Hub's own errors too
        raise CheckpointError(
            f"There is no folder {where}, and the Hub gave no repository of that name ({_first_line(error)})."
        ) from error


def push(folder: Path, repository: str, private: bool = False) -> str:
    """Upload the files of a network, its card included, to the Hub repository ``user/name``, which is made if need be.

    Returns the address of the commit.

    Raises:
        CheckpointError: there is no network in the folder, or the Hub refuses it.
    """
    load(folder)  # what cannot be loaded is of no use to anybody
    try:
        api = HfApi()
        name = api.create_repo(repository, private=private, exist_ok=True).repo_id
        return str(api.upload_folder(repo_id=name, folder_path=folder, allow_patterns=list(FILES)))
    except HFValidationError:
        raise CheckpointError(f"{repository} is not the name of a Hub repository, expected user/name.") from None
    except (HTTPError, OSError) as error:  # OSError: the Hub's own errors too
        raise CheckpointError(
            f"The Hub did not take it ({_first_line(error):.200}); `hf auth login` says who you are."
        ) from error


def save_card(card: ModelCard, folder: Path) -> None:
    """Write a model card, unless there is one that somebody has written.

    Raises:
        StorageError: it could not be written.
    """
    file = folder / CARD_FILE
    try:
        is_ours = MARK in file.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        is_ours = True
    except OSError as error:
        raise StorageError(f"{file} could not be read: {error.strerror or error}.") from error
    if is_ours:
        with write_whole(file) as opened:
            opened.write(str(card).encode())


def fingerprint(network: Network) -> str:
    """A short name for exactly these weights: what was computed from others does not belong to them."""
    digest = hashlib.sha256(json.dumps(network.config, sort_keys=True).encode())
    for name, tensor in network.state_dict().items():
        digest.update(name.encode() + tensor.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def save_companion(tensors: dict[str, Tensor], network: Network, file: Path) -> None:
    """Write what was computed from exactly these weights, to lie beside them."""
    contents = to_safetensors(tensors, metadata={"weights": fingerprint(network)})
    with write_whole(file) as opened:
        opened.write(contents)


def load_companion(file: Path, network: Network) -> dict[str, Tensor] | None:
    """What ``save_companion`` wrote; None when nothing there belongs to these weights."""
    try:
        tensors, metadata = read_tensors(file)
    except (OSError, SafetensorError):
        return None
    return tensors if metadata.get("weights") == fingerprint(network) else None


def _make_network(folder: Path) -> Network:
    """A network as the config in a folder says, without its weights."""
    path = folder / CONFIG_FILE
    config: Any = None if path.exists() else _config_within(folder / WEIGHTS_FILE)
    return _network_of(_read_config(path) if config is None else config, path)


def _network_of(config: Any, file: str | Path, limits: LayerLimits | None = None) -> Network:
    """A network as a config says, without its weights; what it leaves out is as for Fashion-MNIST."""
    if not isinstance(config, dict) or not isinstance(config.get("architecture"), str):
        raise CheckpointError(f"{file} names no architecture.")
    try:
        if limits and config["architecture"] == CUSTOM:
            list(plan(config.get("layers"), limits=limits))
        return Network(**{name: config[name] for name in CONFIG_KEYS if name in config})
    except ConfigError as error:
        raise CheckpointError(f"{file}: {error}") from error


def _read_config(path: Path) -> Any:
    try:
        _check_kind(path)
        with path.open("rb") as file:
            contents = file.read(MAX_CONFIG + 1)
    except FileNotFoundError:
        raise CheckpointError(f"{path.parent} holds no {path.name}, which names the architecture.") from None
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {_first_line(error)}.") from error
    return _parse_config(contents, path)


def _parse_config(contents: bytes, file: str | Path) -> Any:
    if len(contents) > MAX_CONFIG:
        raise CheckpointError(f"{file} is larger than {MAX_CONFIG // 2**20} MB.")
    try:
        return json.loads(contents.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:  # ValueError: not UTF-8, not JSON, or a number too long
        raise CheckpointError(f"{file} cannot be read: {_first_line(error)}.") from error


def _config_within(weights: Path) -> Any:
    """The config that weights carry; None of those without."""
    try:
        return json.loads(read_metadata(weights).get("config", "null"))
    except (OSError, SafetensorError, ValueError, RecursionError):
        return None


def _read_weights(path: Path, network: Network) -> dict[str, Tensor]:
    """The tensors in ``path``, all of which ``network`` has, and in that form."""
    if not path.is_file():
        raise CheckpointError(f"{path.parent} holds no {path.name}.")
    try:
        _check_kind(path, SAFETENSORS)
        found = read_tensors(path)[0]
    except (SafetensorError, OSError) as error:
        raise _damaged(path, error) from error
    return _fitting(found, network, path)


def _fitting(tensors: dict[str, Tensor], network: Network, file: str | Path) -> dict[str, Tensor]:
    """The tensors from ``file``, if ``network`` has all of them, and in that form."""
    expected, found = network.state_dict(), _as_ours(tensors)
    for name, tensor in expected.items():
        if name not in found:
            raise CheckpointError(f"{file} holds no {name}: it belongs to another network than {network.architecture}.")
        if found[name].shape != tensor.shape or found[name].dtype != tensor.dtype:
            raise CheckpointError(
                f"{file} does not fit the network {network.architecture}: {name} is {_form(found[name])}, "
                f"expected {_form(tensor)}."
            )
        if not torch.isfinite(found[name]).all():
            raise CheckpointError(f"{file} holds values in {name} that are not finite: this training has failed.")
    extra = sorted(found.keys() - expected.keys())
    if extra:
        raise CheckpointError(
            f"{file} holds {quoted(extra[0])}, which the network {network.architecture} does not have."
        )
    return found


def _as_ours(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Without what PyTorch puts before every name when a network was wrapped: ``DataParallel``, ``compile``."""
    for prefix in WRAPPERS:
        if tensors and all(name.startswith(prefix) for name in tensors):
            return _as_ours({name.removeprefix(prefix): tensor for name, tensor in tensors.items()})
    return tensors


def _damaged(file: str | Path, error: Exception) -> CheckpointError:
    return CheckpointError(
        f"{file} is not a complete safetensors file ({_first_line(error)}): truncated, damaged, or another kind."
    )


def _check_kind(path: Path, expected: str | None = None) -> None:
    """Raise ``CheckpointError`` when the file is known to be of another kind."""
    kind = kind_of(path)
    if kind not in (None, expected):
        raise CheckpointError(f"{path} is {kind}, expected {expected or 'a JSON file'}.")


def _form(tensor: Tensor) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')} {'x'.join(map(str, tensor.shape[:8])) or 'single'}"


def _first_line(error: Exception) -> str:
    line = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
    return line if len(line) <= MAX_REASON else f"{line[:MAX_REASON]}…"
