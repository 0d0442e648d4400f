"""A network in one file: packed and read again it is the same, and whatever else comes is refused with a sentence."""

import io
import json
import pickle
import zipfile

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from networks import new

from fmnist_core import checkpoint
from fmnist_core.checkpoint import fingerprint, weights_of
from fmnist_core.custom_layers import LayerLimits
from fmnist_core.errors import CheckpointError
from fmnist_core.packing import MAX_MEMBERS, pack, unpack

MOST = 2**20
ROWS = [{"layer": "conv", "channels": 3, "stride": 4}, {"layer": "relu"}, {"layer": "norm"}, {"layer": "fc", "size": 7}]
SMALL = new("custom", layers=ROWS, class_names=["Hemd “à la carte”", "Hose"], mean=0.1, std=0.5)
CONFIG, WEIGHTS = json.dumps(SMALL.config).encode(), weights_of(SMALL)


def zipped(files, **options):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", **options) as archive:
        for name, contents in files:
            archive.writestr(name, contents)
    return packed.getvalue()


def sentence(files, most=MOST, limits=None):
    with pytest.raises(CheckpointError) as refused:
        unpack(files, most, limits)
    return str(refused.value)


def test_a_packed_network_is_what_the_command_line_loads(tmp_path):
    with zipfile.ZipFile(io.BytesIO(pack(SMALL, b"as ONNX"))) as archive:
        names = ("config.json", "model.safetensors", "model.onnx", "predict.py")
        assert sorted(archive.namelist()) == sorted(f"network/{name}" for name in names)
        archive.extractall(tmp_path)
    assert (tmp_path / "network" / "model.onnx").read_bytes() == b"as ONNX"
    assert fingerprint(checkpoint.load(tmp_path / "network")) == fingerprint(SMALL)
    with zipfile.ZipFile(io.BytesIO(pack(SMALL))) as archive:
        assert sorted(archive.namelist()) == ["network/config.json", "network/model.safetensors"]


@pytest.mark.parametrize("onnx", [None, b"as ONNX"])
def test_what_is_packed_comes_back(samples, onnx):
    again = unpack({"network (1).zip": pack(SMALL, onnx)}, MOST)
    assert again.config == SMALL.config
    some = samples.test.pixels[:50]
    with torch.inference_mode():
        assert torch.equal(again(some), SMALL(some))
    assert not again.training


@pytest.mark.parametrize(
    "files",
    [
        {"config.json": CONFIG, "model.safetensors": WEIGHTS},
        {"model (2).safetensors": WEIGHTS, "config (1).json": CONFIG},
        {"config.json": CONFIG, "model.safetensors": WEIGHTS, "training.json": b"{}", "projection.safetensors": b""},
        {"x.zip": zipped([("config.json", CONFIG), ("model.safetensors", WEIGHTS)])},
        {"x": zipped([("../../a/config.json", CONFIG), ("b/model.safetensors", WEIGHTS), ("b/evil.pkl", b"x")])},
    ],
    ids=["two files", "copies", "a whole folder", "a flat archive", "an archive of odd paths"],
)
def test_the_two_files_are_found(files):
    assert fingerprint(unpack(files, MOST)) == fingerprint(SMALL)


def test_what_is_no_network_is_told():
    assert sentence({"a.png": b"\x89PNG\r\n\x1a\n"}).startswith("a.png is a PNG picture, expected the zip archive of")
    assert "is a Python pickle, which is never loaded here" in sentence({"model.pt": pickle.dumps(["x"])})
    torchs = io.BytesIO()
    torch.save(SMALL.state_dict(), torchs)
    assert sentence({"model.pt": torchs.getvalue()}).startswith("There is no config.json among the files, expected")
    assert sentence({"model.safetensors": WEIGHTS}).startswith("There is no config.json among the files, expected")
    assert sentence({"config.json": CONFIG}).startswith("There is no model.safetensors among the files, expected")
    assert sentence({}).startswith("There is no config.json")
    twice = zipped([("a/config.json", CONFIG), ("b/config.json", CONFIG), ("a/model.safetensors", WEIGHTS)])
    assert sentence({"x.zip": twice}).startswith("There is more than one config.json among the files")


def test_what_does_not_fit_is_told():
    def with_config(**changes):
        return {"config.json": json.dumps(SMALL.config | changes).encode(), "model.safetensors": WEIGHTS}

    assert "config.json: There is no network 'vit'" in sentence(with_config(architecture="vit"))
    assert "config.json: Row 1" in sentence(with_config(layers=[{"layer": "conv", "kernel": 99}]))
    assert "model.safetensors does not fit the network custom" in sentence(with_config(layers=[]))
    assert "model.safetensors does not fit the network original" in sentence(
        with_config(architecture="original", layers=[])
    )
    assert "config.json names no architecture." in sentence({"config.json": b"[]", "model.safetensors": WEIGHTS})
    assert "config.json cannot be read" in sentence({"config.json": b"[" * 9999, "model.safetensors": WEIGHTS})
    for damaged in (b"", WEIGHTS[:-1], b"x" * 99, (2**60).to_bytes(8, "little") + WEIGHTS):
        said = sentence({"config.json": CONFIG, "model.safetensors": damaged})
        assert said.startswith("model.safetensors is not a complete safetensors file")
    limits = LayerLimits(parameters=SMALL.parameter_count - 1)
    assert f"expected at most {limits.parameters:,}" in sentence({"x.zip": pack(SMALL)}, limits=limits)


def test_an_archive_cannot_take_more_than_is_allowed():
    bomb = zipped([("config.json", bytes(MOST + 1)), ("model.safetensors", WEIGHTS)], compression=zipfile.ZIP_DEFLATED)
    assert len(bomb) < MOST / 10
    assert sentence({"x.zip": bomb}) == "config.json in x.zip is larger than 1 MB."
    liar = zipped([("config.json", bytes(MOST + 1))], compression=zipfile.ZIP_DEFLATED)
    liar = liar.replace((MOST + 1).to_bytes(4, "little"), (5).to_bytes(4, "little"))  # the size that it says it has
    assert sentence({"x.zip": liar}) == "x.zip is a damaged zip archive: it cannot be unpacked."
    many = zipped((f"{number}", b"") for number in range(MAX_MEMBERS + 1))
    assert sentence({"x.zip": many}).startswith("x.zip holds more than 1,000 files")
    odd = zipped([("config.json", CONFIG)], compression=zipfile.ZIP_BZIP2)
    assert sentence({"x.zip": odd}).startswith("config.json in x.zip is encrypted, or packed in a way")


PACKED = pack(SMALL)


@given(st.data())
def test_a_damaged_archive_is_refused_or_gives_the_same_network(data):
    contents = bytearray(PACKED)
    directory = PACKED.index(b"PK\x01\x02")
    for _ in range(data.draw(st.integers(1, 4))):
        # Mostly where zipfile finds the files.
        start = directory if data.draw(st.booleans()) else 4
        contents[data.draw(st.integers(start, len(contents) - 1))] = data.draw(st.integers(0, 255))
    contents = bytes(contents[: data.draw(st.sampled_from([len(contents), len(contents) - 7]))])
    try:
        network = unpack({"network.zip": contents}, MOST)
    except CheckpointError as error:
        assert str(error).endswith(".")
        assert len(str(error)) < 300
    else:
        assert fingerprint(network) == fingerprint(SMALL)
