"""A network outside of this project: onnxruntime gives what the page gives."""

import json
import subprocess
import sys

import numpy as np
import onnxruntime
import pytest
import torch
from networks import new
from PIL import Image

from fmnist_core import checkpoint, export
from fmnist_core.errors import ExportError
from fmnist_core.export import ONNX_FILE, SCRIPT_FILE, TOLERANCE, can_export, largest_difference, to_onnx
from fmnist_core.layer_kinds import LAYER_KINDS


@pytest.fixture(scope="module")
def exported(original):
    return to_onnx(original)


@pytest.fixture(scope="module")
def session(exported):
    return onnxruntime.InferenceSession(exported, providers=["CPUExecutionProvider"])


def test_onnxruntime_gives_the_probabilities_of_the_page_on_all_samples(session, original, samples):
    (probabilities,) = session.run(None, {"pixels": samples.test.pixels.numpy()})
    with torch.inference_mode():
        expected = original(samples.test.pixels).numpy()
    assert probabilities.shape == (2000, 10)
    assert np.abs(probabilities - expected).max() < TOLERANCE
    assert (probabilities.argmax(1) == expected.argmax(1)).all()


def test_the_deep_network_is_exported_as_well(shipped, samples):
    some = samples.test.take(torch.arange(200))
    assert largest_difference(to_onnx(shipped), shipped, some) < TOLERANCE


def test_the_self_check_tells_another_network(exported, samples):
    some = samples.test.take(torch.arange(60))
    assert largest_difference(exported, new("original", seed=5), some) > 0.05


def test_what_goes_in_and_out_is_named(session, original):
    (given,), (taken,) = session.get_inputs(), session.get_outputs()
    assert (given.name, given.type, given.shape[1:]) == ("pixels", "tensor(uint8)", [28, 28])
    assert (taken.name, taken.type) == ("probabilities", "tensor(float)")
    metadata = session.get_modelmeta().custom_metadata_map
    assert json.loads(metadata["class_names"]) == list(original.class_names)


def test_layers_of_every_kind_and_class_names_and_preparation_of_ones_own_go_along(samples):
    rows = [{"layer": "conv", "channels": 3, "padding": 2}]
    rows += [{"layer": kind} for kind in LAYER_KINDS if kind not in ("conv", "fc")]
    rows += [{"layer": "fc"}, {"layer": "norm"}]
    network = new("custom", class_names=["Hemd “à la carte”", "Hose"], mean=0.1, std=0.5, layers=rows)
    contents = to_onnx(network)
    some = samples.test.take(torch.arange(50))
    assert largest_difference(contents, network, some) < TOLERANCE
    metadata = onnxruntime.InferenceSession(contents).get_modelmeta().custom_metadata_map
    assert json.loads(metadata["class_names"]) == ["Hemd “à la carte”", "Hose"]


def test_the_script_beside_it_needs_nothing_of_this_project(cli, samples, original, tmp_path):
    out = tmp_path / "exported"
    done = cli("export", _folder(original, tmp_path), "--out", out)
    assert done.status == 0
    assert "checked on 2,000 images" in done.out
    assert {file.name for file in out.iterdir()} == {ONNX_FILE, SCRIPT_FILE}
    picture = tmp_path / "bag.png"
    index = int((samples.test.labels == 8).nonzero()[0])
    Image.fromarray(samples.test.pixels[index].numpy()).save(picture)
    alone = subprocess.run(
        [sys.executable, "-I", out / SCRIPT_FILE, picture], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    with torch.inference_mode():
        probability, label = original(samples.test.pixels[index][None])[0].max(0)
    assert alone.stdout.splitlines()[0] == f"{float(probability):6.1%}  {original.class_names[int(label)]}"
    assert len(alone.stdout.splitlines()) == 10


def _folder(network, tmp_path):
    checkpoint.save(network, tmp_path / "weights")
    return tmp_path / "weights"


def test_without_the_packages_there_is_a_sentence(original, monkeypatch, cli, tmp_path):
    assert can_export()
    monkeypatch.setattr(export.importlib.util, "find_spec", lambda name: None)
    assert not can_export()
    with pytest.raises(ExportError, match="pip install onnx onnxscript"):
        to_onnx(original)
    done = cli("export", "--out", tmp_path / "out")
    assert done.status == 1
    assert "install onnx and onnxscript" in done.err


def test_without_onnxruntime_nothing_is_checked(exported, original, samples, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert largest_difference(exported, original, samples.test) is None
