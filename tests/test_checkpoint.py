import copy
import errno
import io
import json
import os
import pickle
import shutil
from pathlib import Path

import pytest
import torch
from huggingface_hub import hub_mixin
from huggingface_hub.errors import LocalEntryNotFoundError
from safetensors.torch import load_file, save_file

from fmnist_core import checkpoint, files, model
from fmnist_core.errors import CheckpointError, StorageError
from fmnist_core.model import ARCHITECTURES, Network, original_layers, to_inputs


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    def refuse(*arguments, **_):
        pytest.fail(f"the network was asked for {arguments}")

    monkeypatch.setattr(checkpoint, "snapshot_download", refuse)
    monkeypatch.setattr(model, "hf_hub_download", refuse)
    monkeypatch.setattr(hub_mixin, "hf_hub_download", refuse)


@pytest.fixture
def network():
    """A network of which no number is the one that a new network has."""
    torch.manual_seed(5)
    network = Network().eval()
    for name, tensor in network.state_dict().items():
        if name.endswith("num_batches_tracked"):
            tensor.fill_(17)
        else:
            tensor.uniform_(0.1, 1)
    return network


@pytest.fixture
def folder(tmp_path, network):
    checkpoint.save(network, tmp_path / "weights")
    return tmp_path / "weights"


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def same(one, other):
    first, second = one.state_dict(), other.state_dict()
    return list(first) == list(second) and all(torch.equal(tensor, second[name]) for name, tensor in first.items())


# ---------------------------------------------------------------- there and back


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_round_trip(tmp_path, samples, architecture):
    network = Network(architecture).train()
    inputs = to_inputs(samples.test.pixels[:64])
    network(inputs)  # moves the running means
    network.eval()
    checkpoint.save(network, tmp_path / "a")
    loaded = checkpoint.load(tmp_path / "a")
    assert loaded.architecture == architecture
    assert not loaded.training
    assert same(loaded, network)
    assert torch.equal(loaded(inputs), network(inputs))
    checkpoint.save(loaded, tmp_path / "b")
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    assert set(contents(tmp_path / "a")) == {"config.json", "model.safetensors"}


def test_files_are_what_the_hub_expects(folder, network):
    assert json.loads((folder / "config.json").read_text()) == {"architecture": "original"}
    tensors = load_file(folder / "model.safetensors")
    assert all(torch.equal(tensors[name], tensor) for name, tensor in network.state_dict().items())


def test_memory_format_and_mode_do_not_matter(tmp_path, folder, network):
    network.to(memory_format=torch.channels_last).train()
    checkpoint.save(network, tmp_path / "other")
    assert contents(tmp_path / "other") == contents(folder)
    assert same(checkpoint.load(str(folder)), network)


def test_text_relative_and_home_paths(folder, network, monkeypatch):
    monkeypatch.chdir(folder.parent)
    monkeypatch.setenv("HOME", str(folder.parent))
    for where in ("weights", Path("weights"), "./weights", "~/weights", str(folder)):
        assert same(checkpoint.load(where), network)


def test_fingerprint_is_of_exactly_these_weights(folder, network):
    mark = checkpoint.fingerprint(network)
    assert mark == checkpoint.fingerprint(checkpoint.load(folder))
    assert mark == checkpoint.fingerprint(copy.deepcopy(network).to(memory_format=torch.channels_last))
    assert len(mark) == 16
    for name, tensor in network.state_dict().items():
        kept = tensor.clone()
        tensor.view(-1)[0] += 1 if tensor.dtype == torch.int64 else 1e-3
        assert checkpoint.fingerprint(network) != mark, name
        tensor.copy_(kept)
    assert checkpoint.fingerprint(network) == mark


def test_fingerprint_tells_networks_apart(network, monkeypatch):
    monkeypatch.setitem(ARCHITECTURES, "other", original_layers)
    other = Network("other")
    other.load_state_dict(network.state_dict())
    assert checkpoint.fingerprint(other) != checkpoint.fingerprint(network)


# ---------------------------------------------------------------- the Hub


@pytest.fixture
def hub(folder, monkeypatch):
    """The repository ``user/name`` on a Hub without a network, filled from ``folder``."""
    asked = []

    def one_file(repo_id, filename, **_):
        asked.append((repo_id, filename))
        if repo_id == "user/name" and (folder / filename).is_file():
            return str(folder / filename)
        raise LocalEntryNotFoundError(f"{filename} is not there")

    def snapshot(repo_id, *, allow_patterns, **_):
        asked.append((repo_id, tuple(allow_patterns)))
        if repo_id != "user/name":
            raise LocalEntryNotFoundError("Cannot find the requested files.\nSecond line.")
        return str(folder)

    monkeypatch.setattr(checkpoint, "snapshot_download", snapshot)
    monkeypatch.setattr(model, "hf_hub_download", lambda repo_id, filename, **options: one_file(repo_id, filename))
    monkeypatch.setattr(hub_mixin, "hf_hub_download", lambda repo_id, filename, **options: one_file(repo_id, filename))
    return asked


def test_hub_repository_is_loaded_like_a_folder(hub, folder, network):
    loaded = checkpoint.load("user/name")
    assert same(loaded, network)
    assert not loaded.training
    assert hub == [("user/name", checkpoint.FILES)]
    assert {"config.json", "model.safetensors", "training.json", "README.md"} < set(checkpoint.FILES)
    hub.clear()
    theirs = Network.from_pretrained("user/name")
    assert same(theirs, network)
    assert not theirs.training
    assert sorted(hub) == [("user/name", "config.json"), ("user/name", "model.safetensors")]
    assert same(Network.from_pretrained(folder), network)
    assert same(Network.from_pretrained(str(folder)), network)


def test_hub_configuration_decides_the_network(hub, folder, monkeypatch, network):
    monkeypatch.setitem(ARCHITECTURES, "other", original_layers)
    (folder / "config.json").write_text('{"architecture": "other", "made_by": "somebody"}')
    assert checkpoint.load("user/name").architecture == "other"
    assert Network.from_pretrained("user/name").architecture == "other"


def test_hub_repository_that_is_not_there(hub):
    with pytest.raises(CheckpointError) as caught:
        checkpoint.load("user/other")
    assert str(caught.value) == (
        "There is no folder user/other, and the Hub gave no repository of that name (Cannot find the requested files)."
    )


def test_hub_behind_a_proxy_that_refuses_is_one_sentence(monkeypatch):
    def refused(name, **options):
        raise checkpoint.HTTPError("403 Forbidden")

    monkeypatch.setattr(checkpoint, "snapshot_download", refused)
    for where in ("user/name", "~nobody.here/name"):
        with pytest.raises(CheckpointError) as caught:
            checkpoint.load(where)
        assert str(caught.value) == (
            f"There is no folder {where}, and the Hub gave no repository of that name (403 Forbidden)."
        )


def test_real_hub_client_without_a_network_is_one_sentence(monkeypatch, tmp_path):
    import huggingface_hub

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)

    def offline(name, **options):
        return huggingface_hub.snapshot_download(name, cache_dir=tmp_path, **options)

    monkeypatch.setattr(checkpoint, "snapshot_download", offline)
    with pytest.raises(CheckpointError) as caught:
        checkpoint.load("user/name")
    assert str(caught.value).startswith("There is no folder user/name, and the Hub gave no repository of that name (")
    assert "\n" not in str(caught.value)
    for where in ("/no/such/folder", "no/such/folder", "-x-", "a..b"):
        with pytest.raises(CheckpointError) as caught:
            checkpoint.load(where)
        assert str(caught.value) == f"There is no folder {where}, and it is no Hub repository's name."


# ---------------------------------------------------------------- a full disk


def no_space(*_args, **_options):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("fails_at", [1, 2, 3])
def test_full_disk_while_saving_changes_nothing(folder, monkeypatch, fails_at):
    monkeypatch.setitem(ARCHITECTURES, "other", original_layers)
    before = contents(folder)
    real, calls = os.fsync, []

    def fsync(number):
        calls.append(number)
        return no_space() if len(calls) == fails_at else real(number)

    monkeypatch.setattr(files.os, "fsync", fsync)
    other = Network("other")
    if fails_at < 3:  # the third comes after one of the two files was put in its place
        with pytest.raises(StorageError, match=r"could not be written: No space left on device\."):
            checkpoint.save(other, folder)
        assert contents(folder) == before
    else:
        with pytest.raises(StorageError):
            checkpoint.save(other, folder)
        assert set(contents(folder)) == set(before)  # no temporary file


def test_limit_of_the_system_while_saving_changes_nothing(folder):
    resource = pytest.importorskip("resource")
    before = contents(folder)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limits[1]))
    try:
        with pytest.raises(StorageError, match=r"model\.safetensors could not be written: File too large\."):
            checkpoint.save(Network(), folder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert contents(folder) == before


def test_place_that_is_a_file(folder):
    with pytest.raises(StorageError, match="could not be written"):
        checkpoint.save(Network(), folder / "config.json" / "below")
    with pytest.raises(CheckpointError, match=r"is a file, expected a folder with config\.json and model\.safetensors"):
        checkpoint.load(folder / "model.safetensors")


# ---------------------------------------------------------------- weights that are not ours


def refused(where):
    with pytest.raises(CheckpointError) as caught:
        checkpoint.load(where)
    text = str(caught.value)
    assert "\n" not in text
    assert text.endswith(".")
    return text


def replace(folder, **changes):
    """Write the weights again with other tensors under some names (dots as double underscores); None leaves one out."""
    tensors = load_file(folder / "model.safetensors")
    tensors |= {name.replace("__", "."): tensor for name, tensor in changes.items()}
    save_file({name: tensor for name, tensor in tensors.items() if tensor is not None}, folder / "model.safetensors")


def test_truncated_weights(folder):
    path = folder / "model.safetensors"
    whole = path.read_bytes()
    for length in (0, 1, 7, 8, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        text = refused(folder)
        assert text.startswith(f"{path} is no whole safetensors file (")
        assert text.endswith("): it is cut short, damaged, or of another kind.")


@pytest.mark.parametrize("foreign", [b"hello, this is text", b"PK\x03\x04" + bytes(500), b"\xff" * 500])
def test_foreign_file(folder, foreign):
    (folder / "model.safetensors").write_bytes(foreign)
    assert "is no whole safetensors file" in refused(folder)


def test_weights_of_another_network(folder):
    path = folder / "model.safetensors"
    save_file({"weight": torch.zeros(3)}, path)
    assert refused(folder) == f"{path} holds no layers.conv1.weight: it belongs to another network than original."


def test_weights_that_do_not_fit(folder):
    path = folder / "model.safetensors"
    before = path.read_bytes()
    replace(folder, layers__fc2__weight=torch.zeros(60, 100))
    assert refused(folder) == (
        f"{path} does not fit the network original: layers.fc2.weight is float32 60x100, expected float32 60x120."
    )
    path.write_bytes(before)
    replace(folder, layers__fc2__bias=torch.zeros(60, dtype=torch.float64))
    assert "layers.fc2.bias is float64 60, expected float32 60." in refused(folder)
    path.write_bytes(before)
    replace(folder, layers__norm1__num_batches_tracked=torch.zeros(()))
    assert "layers.norm1.num_batches_tracked is float32 single, expected int64 single." in refused(folder)
    path.write_bytes(before)
    replace(folder, layers__out__bias=None)
    assert "holds no layers.out.bias" in refused(folder)
    path.write_bytes(before)
    replace(folder, layers__fc9__bias=torch.zeros(3))
    assert refused(folder) == f"{path} holds layers.fc9.bias, which the network original does not have."


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
@pytest.mark.parametrize("name", ["layers.conv2.weight", "layers.norm2.running_var"])
def test_weights_that_are_no_numbers(folder, name, value):
    tensor = load_file(folder / "model.safetensors")[name]
    tensor.view(-1)[-1] = value
    replace(folder, **{name: tensor})
    assert refused(folder) == (
        f"{folder / 'model.safetensors'} holds values in {name} that are no numbers: this training had failed."
    )


def test_missing_files(folder, tmp_path):
    (folder / "model.safetensors").unlink()
    assert refused(folder) == f"{folder} holds no model.safetensors."
    (folder / "config.json").unlink()
    assert refused(folder) == f"{folder} holds no config.json, expected one that names the architecture."
    (tmp_path / "empty").mkdir()
    assert "holds no config.json" in refused(tmp_path / "empty")


@pytest.mark.parametrize(
    ("config", "found"),
    [
        ('{"architecture": "resnet50"}', "'resnet50'"),
        ("{}", "None"),
        ('{"architecture": null}', "None"),
        ('{"architecture": ["original"]}', "['original']"),
        ('{"architecture": {"original": 1}}', "{'original': 1}"),
        ('["original"]', "None"),
        ('"original"', "None"),
        ("3", "None"),
    ],
)
def test_configuration_that_names_no_network_of_ours(folder, config, found):
    path = folder / "config.json"
    path.write_text(config)
    assert refused(folder) == (f"{path} names the architecture {found}, expected one of {', '.join(ARCHITECTURES)}.")


@pytest.mark.parametrize("config", [b"", b"{", b"architecture: original", b"\xff\xfe\x00"])
def test_configuration_that_is_no_json(folder, config):
    (folder / "config.json").write_bytes(config)
    assert refused(folder).startswith(f"{folder / 'config.json'} cannot be read: ")


# ---------------------------------------------------------------- nothing in the folder is executed


class Payload:
    """Creates a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin"])
@pytest.mark.parametrize("form", ["pickle", "torch"])
def test_pickle_is_not_unpickled(hub, folder, tmp_path, name, form):
    trace = tmp_path / "executed"
    path = folder / name
    if name == "pytorch_model.bin":  # which the Hub's own loader takes when there is nothing better
        (folder / "model.safetensors").unlink()
    if form == "pickle":
        path.write_bytes(pickle.dumps(Payload(trace)))
        pickle.loads(path.read_bytes())
    else:
        torch.save({"layers.conv1.weight": Payload(trace)}, path)
        torch.load(io.BytesIO(path.read_bytes()), weights_only=False)
    assert trace.exists()  # the payload works
    trace.unlink()

    text = refused(folder)
    assert "model.safetensors" in text
    refused("user/name")
    for where in (folder, "user/name"):
        with pytest.raises(Exception):  # noqa: B017 (whatever the Hub's own client raises)
            Network.from_pretrained(where)
    assert not trace.exists()


def test_extra_files_are_of_no_interest(folder, network, tmp_path):
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Payload(tmp_path / "executed")))
    (folder / "modeling.py").write_text("raise SystemExit")
    assert same(checkpoint.load(folder), network)
    assert not (tmp_path / "executed").exists()


def test_saving_over_weights_replaces_them(folder, network):
    shutil.copy(folder / "config.json", folder / "README.md")
    other = Network().eval()
    checkpoint.save(other, folder)
    assert same(checkpoint.load(folder), other)
    assert not same(checkpoint.load(folder), network)
    assert (folder / "README.md").exists()
