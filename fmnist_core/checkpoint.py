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
from typing import Any

import torch
from huggingface_hub import HfApi, ModelCard, snapshot_download
from huggingface_hub.errors import HFValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import load as from_safetensors
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

TRAINING_FILE = "training.json"
FILES = (CONFIG_FILE, WEIGHTS_FILE, "projection.safetensors", "top_activations.safetensors", TRAINING_FILE, CARD_FILE)


def save(network: Network, folder: Path) -> None:
    """Write config and weights, each whole or not at all.

    Raises:
        StorageError: they could not be written; when the disk is full, what was there before is unchanged.
    """
    contents = weights_of(network)
    config = json.dumps(network.config, indent=2, ensure_ascii=False) + "\n"
    with write_whole(folder / CONFIG_FILE) as config_file, write_whole(folder / WEIGHTS_FILE) as weights_file:
        config_file.write(config.encode())
        config_file.flush()
        os.fsync(config_file.fileno())  # on the disk before the weights: a full disk stops both
        weights_file.write(contents)


def weights_of(network: nn.Module) -> bytes:
    """A network's weights as safetensors."""
    return to_safetensors({name: tensor.cpu().contiguous() for name, tensor in network.state_dict().items()})


def load(where: str | Path) -> Network:
    """The network in a folder, or in the Hub repository ``user/name``, ready to answer.

    Raises:
        CheckpointError: it is not there, of another kind, truncated, or does not fit; the sentence says which.
    """
    folder = fetch(where)
    network = _make_network(folder / CONFIG_FILE)
    network.load_state_dict(_read_weights(folder / WEIGHTS_FILE, network))
    return network.eval()


def from_contents(config: bytes, weights: bytes, limits: LayerLimits | None = None) -> Network:
    """The network from what is in its two files, ready to answer; a custom one may have ``limits``.

    Raises:
        CheckpointError: as of ``load``, or it is too large.
    """
    network = _network_of(config, CONFIG_FILE, limits)
    try:
        found = from_safetensors(weights)
    except (SafetensorError, ValueError) as error:
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
        with safe_open(file, framework="pt") as opened:
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
            belongs = (opened.metadata() or {}).get("weights") == fingerprint(network)
    except (OSError, SafetensorError):
        return None
    return tensors if belongs else None


def _make_network(path: Path) -> Network:
    """A network as the config at ``path`` says, without its weights."""
    try:
        _check_kind(path)
        contents = path.read_bytes()
    except FileNotFoundError:
        raise CheckpointError(f"{path.parent} holds no {path.name}, which names the architecture.") from None
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {_first_line(error)}.") from error
    return _network_of(contents, path)


def _network_of(contents: bytes, file: str | Path, limits: LayerLimits | None = None) -> Network:
    """A network as a config says, without its weights; what it leaves out is as for Fashion-MNIST."""
    try:
        config: Any = json.loads(contents.decode("utf-8"))
    except (ValueError, RecursionError) as error:  # ValueError: not UTF-8, not JSON, or a number too long
        raise CheckpointError(f"{file} cannot be read: {_first_line(error)}.") from error
    if not isinstance(config, dict) or not isinstance(config.get("architecture"), str):
        raise CheckpointError(f"{file} names no architecture.")
    try:
        if limits and config["architecture"] == CUSTOM:
            list(plan(config.get("layers"), limits=limits))
        return Network(**{name: config[name] for name in CONFIG_KEYS if name in config})
    except ConfigError as error:
        raise CheckpointError(f"{file}: {error}") from error


def _read_weights(path: Path, network: Network) -> dict[str, Tensor]:
    """The tensors in ``path``, all of which ``network`` has, and in that form."""
    if not path.is_file():
        raise CheckpointError(f"{path.parent} holds no {path.name}.")
    try:
        _check_kind(path, SAFETENSORS)
        with safe_open(path, framework="pt") as file:
            found: dict[str, Tensor] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise _damaged(path, error) from error
    return _fitting(found, network, path)


def _fitting(found: dict[str, Tensor], network: Network, file: str | Path) -> dict[str, Tensor]:
    """The tensors from ``file``, if ``network`` has all of them, and in that form."""
    expected = network.state_dict()
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
        raise CheckpointError(f"{file} holds {extra[0]:.60}, which the network {network.architecture} does not have.")
    return found


def _damaged(file: str | Path, error: Exception) -> CheckpointError:
    return CheckpointError(
        f"{file} is not a complete safetensors file ({_first_line(error):.120}): truncated, damaged, or another kind."
    )


def _check_kind(path: Path, expected: str | None = None) -> None:
    """Raise ``CheckpointError`` when the file is known to be of another kind."""
    kind = kind_of(path)
    if kind not in (None, expected):
        raise CheckpointError(f"{path} is {kind}, expected {expected or 'a JSON file'}.")


def _form(tensor: Tensor) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')} {'x'.join(map(str, tensor.shape)) or 'single'}"


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
