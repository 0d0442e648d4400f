import copy
import errno
import io
import json
import math
import os
import pickle
import shutil
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from huggingface_hub import hub_mixin
from huggingface_hub.errors import LocalEntryNotFoundError
from networks import EVERY, new, register
from safetensors.torch import load_file, save_file

from benchmarks.killed_saves import kill_saves
from fmnist_core import CLASS_NAMES, IMAGE_SIZE, MEAN, STD, checkpoint, inference, model, storage
from fmnist_core.architectures import original_layers
from fmnist_core.errors import CheckpointError, ConfigError, StorageError
from fmnist_core.model import CONFIG_KEYS, MAX_CLASSES, MAX_NAME, Network
from fmnist_core.model_card import model_card


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    def refuse(*arguments, **_):
        pytest.fail(f"the network was asked for {arguments}")

    monkeypatch.setattr(checkpoint, "snapshot_download", refuse)
    monkeypatch.setattr(model, "hf_hub_download", refuse)
    monkeypatch.setattr(hub_mixin, "hf_hub_download", refuse)


@pytest.fixture(autouse=True)
def added_networks(monkeypatch):
    register(monkeypatch)


@pytest.fixture
def network():
    """A network of which no number is the one that a new network has."""
    network = new()
    generator = torch.Generator().manual_seed(5)
    for name, tensor in network.state_dict().items():
        if name.endswith("num_batches_tracked"):
            tensor.fill_(17)
        else:
            tensor.uniform_(0.1, 1, generator=generator)
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


def config_of(folder):
    return json.loads((folder / "config.json").read_text())


def rewrite_config(folder, **changes):
    """Write the config again with other values under some keys; ``...`` leaves one out."""
    config = {name: value for name, value in (config_of(folder) | changes).items() if value is not ...}
    (folder / "config.json").write_text(json.dumps(config))


# ---------------------------------------------------------------- there and back


@pytest.mark.parametrize("architecture", EVERY)
def test_round_trip(tmp_path, samples, architecture):
    network = new(architecture).train()
    pixels = samples.test.pixels[:64]
    inputs = network.to_inputs(pixels)
    network.logits(inputs)  # moves the running means
    network.eval()
    checkpoint.save(network, tmp_path / "a")
    loaded = checkpoint.load(tmp_path / "a")
    assert loaded.architecture == architecture
    assert not loaded.training
    assert same(loaded, network)
    assert loaded.config == network.config
    assert torch.equal(loaded.logits(inputs), network.logits(inputs))
    assert torch.equal(loaded(pixels), network(pixels))
    checkpoint.save(loaded, tmp_path / "b")
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    assert set(contents(tmp_path / "a")) == {"config.json", "model.safetensors"}


def test_files_are_what_the_hub_expects(folder, network):
    assert config_of(folder) == {
        "architecture": "original",
        "class_names": list(CLASS_NAMES),
        "input_size": [IMAGE_SIZE, IMAGE_SIZE],
        "mean": MEAN,
        "std": STD,
    }
    tensors = load_file(folder / "model.safetensors")
    assert all(torch.equal(tensors[name], tensor) for name, tensor in network.state_dict().items())


@pytest.mark.parametrize("names", [("yes", "no"), ("Robe", "Jupe d'été", "靴"), CLASS_NAMES[::-1]], ids=len)
def test_other_classes_and_another_preparation_come_back(tmp_path, samples, names):
    network = new("residual", class_names=names, mean=0.1, std=0.5)
    checkpoint.save(network, tmp_path)
    loaded = checkpoint.load(tmp_path)
    assert loaded.config == network.config
    assert loaded.config["class_names"] == list(names)
    pixels = samples.test.pixels[:5]
    assert torch.equal(loaded(pixels), network(pixels))
    assert torch.equal(network.to_inputs(pixels), (pixels[:, None].float() - 255 * 0.1) / (255 * 0.5))
    told = inference.to_json("a.png", inference.read_pixels(loaded, pixels[0]))
    assert tuple(told["probabilities"]) == names
    assert told["probabilities"][told["name"]] == max(told["probabilities"].values())
    assert names[told["label"]] == told["name"]
    assert told["probabilities"][names[1]] == pytest.approx(network(pixels)[0, 1].item(), abs=1e-6)


@pytest.mark.parametrize("architecture", EVERY)
def test_the_mixin_writes_and_reads_the_same(tmp_path, samples, architecture):
    network = new(architecture, class_names=["Robe", "Jupe d'été", "靴"], std=0.25)
    checkpoint.save(network, tmp_path / "ours")
    network.save_pretrained(tmp_path / "theirs")
    assert config_of(tmp_path / "ours") == config_of(tmp_path / "theirs") == network.config
    ours, theirs = (load_file(tmp_path / name / "model.safetensors") for name in ("ours", "theirs"))
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    for folder in (tmp_path / "ours", tmp_path / "theirs"):
        for loaded in (checkpoint.load(folder), Network.from_pretrained(folder)):
            assert same(loaded, network)
            assert loaded.config == network.config
            assert not loaded.training
            assert checkpoint.fingerprint(loaded) == checkpoint.fingerprint(network)


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
        before = tensor.clone()
        tensor.view(-1)[0] += 1 if tensor.dtype == torch.int64 else 1e-3
        assert checkpoint.fingerprint(network) != mark, name
        tensor.copy_(before)
    assert checkpoint.fingerprint(network) == mark


def test_fingerprint_tells_networks_and_preparations_apart(network, monkeypatch):
    register(monkeypatch, other=original_layers)
    for options in ({"architecture": "other"}, {"class_names": CLASS_NAMES[::-1]}, {"mean": 0.5}, {"std": 0.5}):
        other = Network(**options)
        other.load_state_dict(network.state_dict())
        assert checkpoint.fingerprint(other) != checkpoint.fingerprint(network), options


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
    register(monkeypatch, other=original_layers)
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
        assert str(caught.value) == f"There is no folder {where}, and it is not the name of a Hub repository."


# ---------------------------------------------------------------- a full disk


def no_space(*_args, **_options):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("fails_at", [1, 2, 3])
def test_full_disk_while_saving_changes_nothing(folder, network, monkeypatch, fails_at):
    register(monkeypatch, other=original_layers)
    before = contents(folder)
    real, calls = os.fsync, []

    def fsync(number):
        calls.append(number)
        return no_space() if len(calls) == fails_at else real(number)

    monkeypatch.setattr(storage.os, "fsync", fsync)
    other = Network("other")
    if fails_at < 3:  # the third comes after the old config was removed
        with pytest.raises(StorageError, match=r"could not be written: No space left on device\."):
            checkpoint.save(other, folder)
        assert contents(folder) == before
    else:
        with pytest.raises(StorageError):
            checkpoint.save(other, folder)
        assert set(contents(folder)) == {"model.safetensors"}  # no temporary file
    assert same(checkpoint.load(folder), network)


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
        assert text.startswith(f"{path} is not a complete safetensors file (")
        assert text.endswith("): truncated, damaged, or another kind.")


@pytest.mark.parametrize("foreign", [b"hello, this is text", b"PKXX" + bytes(500), b"\xff" * 500])
def test_foreign_file(folder, foreign):
    (folder / "model.safetensors").write_bytes(foreign)
    assert "is not a complete safetensors file" in refused(folder)


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
def test_weights_that_are_not_finite(folder, name, value):
    tensor = load_file(folder / "model.safetensors")[name]
    tensor.view(-1)[-1] = value
    replace(folder, **{name: tensor})
    assert refused(folder) == (
        f"{folder / 'model.safetensors'} holds values in {name} that are not finite: this training has failed."
    )


def test_missing_files(folder, tmp_path):
    (folder / "model.safetensors").unlink()
    assert refused(folder) == f"{folder} holds no model.safetensors."
    (folder / "config.json").unlink()
    assert refused(folder) == f"{folder} holds no config.json, which names the architecture."
    (tmp_path / "empty").mkdir()
    assert "holds no config.json" in refused(tmp_path / "empty")


# ---------------------------------------------------------------- a config that is not ours


@pytest.mark.parametrize(
    "config",
    [
        "{}",
        '{"architecture": null}',
        '{"architecture": ["original"]}',
        '{"architecture": {"original": 1}}',
        '{"class_names": ["a", "b"]}',
        '["original"]',
        '"original"',
        "3",
    ],
)
def test_config_that_names_no_architecture(folder, config):
    path = folder / "config.json"
    path.write_text(config)
    assert refused(folder) == f"{path} names no architecture."


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("architecture", "resnet50", f"There is no network 'resnet50'; the networks are {', '.join(EVERY)}."),
        ("architecture", "", f"There is no network ''; the networks are {', '.join(EVERY)}."),
        ("class_names", None, "The class names are not a list of 2 to 100 names."),
        ("class_names", "0123456789", "The class names are not a list of 2 to 100 names."),
        ("class_names", {"a": 1, "b": 2}, "The class names are not a list of 2 to 100 names."),
        ("class_names", [], "The class names are not a list of 2 to 100 names."),
        ("class_names", ["Bag"], "The class names are not a list of 2 to 100 names."),
        ("class_names", [*map(str, range(MAX_CLASSES + 1))], "The class names are not a list of 2 to 100 names."),
        ("class_names", ["Bag", 3], "A class name is not a line of 1 to 60 characters."),
        ("class_names", ["Bag", ""], "A class name is not a line of 1 to 60 characters."),
        ("class_names", ["Bag", "x" * (MAX_NAME + 1)], "A class name is not a line of 1 to 60 characters."),
        ("class_names", ["Bag", "two\nlines"], "A class name is not a line of 1 to 60 characters."),
        ("class_names", ["Bag", "\ud800"], "A class name is not a line of 1 to 60 characters."),  # half a character
        ("class_names", ["Bag", "Coat", "Bag"], "Two classes have the same name."),
        ("input_size", None, "The input size is None, expected [28, 28]."),
        ("input_size", 28, "The input size is 28, expected [28, 28]."),
        ("input_size", [32, 32], "The input size is [32, 32], expected [28, 28]."),
        ("input_size", [28], "The input size is [28], expected [28, 28]."),
        ("input_size", "28x28", "The input size is '28x28', expected [28, 28]."),
        ("mean", None, "The mean of the pixels is None, expected a number from 0 to 1."),
        ("mean", "0.3", "The mean of the pixels is '0.3', expected a number from 0 to 1."),
        ("mean", True, "The mean of the pixels is True, expected a number from 0 to 1."),
        ("mean", 72.9, "The mean of the pixels is 72.9, expected a number from 0 to 1."),
        ("mean", -0.1, "The mean of the pixels is -0.1, expected a number from 0 to 1."),
        ("mean", math.nan, "The mean of the pixels is nan, expected a number from 0 to 1."),
        ("std", 0, "The standard deviation of the pixels is 0, expected a number from 1e-06 to 1."),
        ("std", math.inf, "The standard deviation of the pixels is inf, expected a number from 1e-06 to 1."),
        ("std", [0.3], "The standard deviation of the pixels is [0.3], expected a number from 1e-06 to 1."),
    ],
    ids=lambda value: value if value in CONFIG_KEYS else ascii(value)[:20],
)
def test_every_key_of_the_config_is_checked(folder, key, value, sentence):
    rewrite_config(folder, **{key: value})
    assert refused(folder) == f"{folder / 'config.json'}: {sentence}"
    with pytest.raises(ConfigError) as caught:
        Network(**{key: value})
    assert str(caught.value) == sentence


@pytest.mark.parametrize(("key", "value"), [("architecture", "y"), ("input_size", "x"), ("mean", "x"), ("std", [1])])
def test_sentence_about_a_long_value_stays_short(folder, key, value):
    rewrite_config(folder, **{key: 10_000 * value})
    assert len(refused(folder)) < len(str(folder)) + 150


def test_missing_keys_are_those_of_fashion_mnist(folder, network):
    whole = config_of(folder)
    for missing in (
        [],
        *([key] for key in whole if key != "architecture"),
        [key for key in whole if key != "architecture"],
    ):
        (folder / "config.json").write_text(json.dumps({key: whole[key] for key in whole if key not in missing}))
        for loaded in (checkpoint.load(folder), Network.from_pretrained(folder)):
            assert loaded.config == whole, missing
            assert same(loaded, network)


def test_weights_of_another_number_of_classes(folder):
    rewrite_config(folder, class_names=["a", "b", "c"])
    assert refused(folder) == (
        f"{folder / 'model.safetensors'} does not fit the network original: layers.out.weight is float32 10x60, "
        "expected float32 3x60."
    )


@pytest.mark.parametrize(
    "config",
    [b"", b"{", b"architecture: original", b"\xff\xfe\x00", b"[" * 100_000, b'{"mean": ' + b"1" * 5000 + b"}"],
    ids=lambda config: ascii(config)[:20],
)
def test_config_that_is_not_json(folder, config):
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
    executed = tmp_path / "executed"
    path = folder / name
    if name == "pytorch_model.bin":  # which the Hub's own loader takes when there is nothing better
        (folder / "model.safetensors").unlink()
    if form == "pickle":
        path.write_bytes(pickle.dumps(Payload(executed)))
        pickle.loads(path.read_bytes())
    else:
        torch.save({"layers.conv1.weight": Payload(executed)}, path)
        torch.load(io.BytesIO(path.read_bytes()), weights_only=False)
    assert executed.exists()  # the payload works
    executed.unlink()

    text = refused(folder)
    assert "model.safetensors" in text
    refused("user/name")
    for where in (folder, "user/name"):
        with pytest.raises(Exception):  # noqa: B017 (whatever the Hub's own client raises)
            Network.from_pretrained(where)
    assert not executed.exists()


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


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "module._orig_mod."])
def test_weights_of_a_wrapped_network_are_read(folder, network, prefix):
    path = folder / "model.safetensors"
    save_file({prefix + name: tensor for name, tensor in load_file(path).items()}, path)
    assert same(checkpoint.load(folder), network)


def test_config_with_a_byte_order_mark_is_read(folder, network):
    path = folder / "config.json"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert same(checkpoint.load(folder), network)


def test_sentences_about_huge_files_are_short(folder):
    config = config_of(folder)
    (folder / "config.json").write_text(json.dumps(config | {"note": "x" * 2**20}))
    assert refused(folder) == f"{folder / 'config.json'} is larger than 1 MB."
    (folder / "config.json").write_text(json.dumps(config))
    replace(folder, **{"x" * 100_000: torch.zeros(1)})
    text = refused(folder)
    assert text.endswith(f"model.safetensors holds {'x' * 60}…, which the network original does not have.")


# ---------------------------------------------------------------- killed while saving


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_whoever_is_killed_while_saving_leaves_old_or_new_weights(tmp_path):
    assert kill_saves(tmp_path, 12) == (0, 0)


class Killed(Exception):
    pass


@pytest.mark.parametrize("carried", [True, False], ids=["carry their config", "from elsewhere"])
def test_a_save_is_the_old_network_or_the_new_one_after_every_step(folder, network, monkeypatch, carried):
    other = new("residual", class_names=["yes", "no"], mean=0.1)
    if not carried:
        save_file(load_file(folder / "model.safetensors"), folder / "model.safetensors")
    rewrite_config(folder, class_names=[f"class {i}" for i in range(10)])  # somebody has named them otherwise
    old = checkpoint.load(folder).config
    before, seen = contents(folder), []
    for last in range(20):
        for path in folder.iterdir():
            path.unlink()
        for name, raw in before.items():
            (folder / name).write_bytes(raw)
        steps = iter(range(last))

        def step(real, *arguments, steps=steps, **options):
            if next(steps, None) is None:
                raise Killed
            return real(*arguments, **options)

        with monkeypatch.context() as patched:
            for name in ("replace", "unlink"):
                real = getattr(Path, name)
                patched.setattr(Path, name, lambda *a, real=real, **o: step(real, *a, **o))
            with suppress(Killed):
                checkpoint.save(other, folder)
        loaded = checkpoint.load(folder)
        assert loaded.config in (old, other.config)
        assert same(loaded, network if loaded.config == old else other)
        seen.append(loaded.config == other.config)
    assert seen == sorted(seen)
    assert seen[0] is False
    assert seen[-1] is True


def test_training_file_of_the_old_weights_does_not_stay(folder):
    (folder / "training.json").write_text("{}")
    (folder / "README.md").write_text("mine")
    checkpoint.save(Network(), folder)
    assert contents(folder).keys() == {"config.json", "model.safetensors", "README.md"}


# ---------------------------------------------------------------- to the Hub


class FakeHub:
    """Takes the files that it is sent; as the Hub's client is asked."""

    def __init__(self):
        self.received, self.made = {}, []

    def __call__(self, token=None):
        return self

    def create_repo(self, repo_id, private=None, exist_ok=False):
        assert exist_ok
        self.made.append((repo_id, private))
        return SimpleNamespace(repo_id=f"me/{repo_id}" if "/" not in repo_id else repo_id)

    def upload_folder(self, repo_id, folder_path, allow_patterns=None, **_):
        files = [file for file in Path(folder_path).iterdir() if allow_patterns is None or file.name in allow_patterns]
        self.received[repo_id] = {file.name: file.read_bytes() for file in files}
        return f"https://huggingface.co/{repo_id}/commit/1"


@pytest.fixture
def fake_hub(monkeypatch):
    hub = FakeHub()
    monkeypatch.setattr(checkpoint, "HfApi", hub)
    monkeypatch.setattr(hub_mixin, "HfApi", hub)
    return hub


def test_a_folder_is_pushed_with_its_card_and_nothing_else(fake_hub, folder, cli, network):
    checkpoint.save_card(model_card(network), folder)
    (folder / "resume.pt").write_bytes(b"not for others")
    done = cli("push", folder, "network", "--private")
    assert (done.status, done.out) == (0, "https://huggingface.co/me/network/commit/1\n")
    assert fake_hub.made == [("network", True)]
    received = fake_hub.received["me/network"]
    assert "resume.pt" not in received
    assert received == {name: (folder / name).read_bytes() for name in checkpoint.FILES if (folder / name).is_file()}
    assert {"config.json", "model.safetensors", "README.md"} <= received.keys()


def test_the_mixin_s_own_way_gives_a_repository_that_is_loaded(fake_hub, network, tmp_path):
    network.push_to_hub("me/network")
    received = fake_hub.received["me/network"]
    assert received["README.md"].decode() == str(model_card(network))
    for name, contents in received.items():
        (tmp_path / name).write_bytes(contents)
    assert same(checkpoint.load(tmp_path), network)


def test_what_cannot_be_loaded_is_not_pushed(fake_hub, tmp_path):
    with pytest.raises(CheckpointError, match="holds no config"):
        checkpoint.push(tmp_path, "me/network")
    assert fake_hub.made == []


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (checkpoint.HTTPError("401 Unauthorized"), "The Hub did not take it (401 Unauthorized); `hf auth login`"),
        (OSError("Token is required.\nSecond line."), "The Hub did not take it (Token is required); `hf auth login`"),
        (checkpoint.HFValidationError("x"), "a b is not the name of a Hub repository, expected user/name."),
    ],
)
def test_what_the_hub_refuses_is_one_sentence(fake_hub, folder, monkeypatch, error, words):
    def refuse(*_, **options):
        raise error

    monkeypatch.setattr(fake_hub, "create_repo", refuse)
    with pytest.raises(CheckpointError) as refused:
        checkpoint.push(folder, "a b")
    assert str(refused.value).startswith(words)
