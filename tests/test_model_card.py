"""The model card that the program writes: what the Hub reads in it, and what people do."""

import json
import re
from dataclasses import asdict

import pytest
import torch
from huggingface_hub import ModelCard, metadata_load
from networks import new

from fmnist_core import checkpoint
from fmnist_core.checkpoint import save_card
from fmnist_core.errors import StorageError
from fmnist_core.evaluation import evaluate
from fmnist_core.model import Network
from fmnist_core.model_card import CARD_FILE, MARK, model_card
from fmnist_core.train_config import TrainConfig


@pytest.fixture(scope="module")
def tested(original, samples):
    evaluation = evaluate(original, samples.test.take(torch.arange(100)))
    return {"config": asdict(TrainConfig()), "data": "some images"} | evaluation.to_json()


def test_the_hub_reads_what_it_is_and_how_good_it_is(original, tested, tmp_path):
    save_card(model_card(original, tested, is_published=True), tmp_path)
    front = metadata_load(tmp_path / CARD_FILE)
    assert (front["license"], front["library_name"], front["pipeline_tag"]) == (
        "mit",
        "pytorch",
        "image-classification",
    )
    assert "fashion-mnist" in front["tags"]
    (result,) = ModelCard.load(tmp_path / CARD_FILE).data.eval_results
    assert (result.metric_type, result.metric_value) == ("accuracy", round(tested["accuracy"], 4))
    assert (result.dataset_type, result.dataset_split) == (front["datasets"][0], "test")


def test_of_other_images_and_of_an_untrained_network_the_hub_is_told_no_accuracy(original, tested):
    assert model_card(original, tested).data.eval_results is None
    text = str(model_card(original))
    assert "accuracy" not in text
    assert "33,250 trainable parameters" in text


def test_people_read_how_it_was_trained(original, tested):
    text = str(model_card(original, tested))
    assert f"Accuracy {tested['accuracy']:.4f} on 100 test images" in text
    for name, accuracy in tested["per_class"].items():
        assert f"| {name} | {accuracy:.3f} |" in text
    (settings,) = re.findall(r"```json\n(.*?)\n```", text, re.DOTALL)
    assert json.loads(settings) == json.loads(json.dumps(tested["config"]))


def test_a_class_without_images_has_no_accuracy_and_a_name_of_ones_own_stays_one_cell(tested):
    network = new("original", class_names=["Hemd | kurz", "Hose"])
    text = str(model_card(network, tested | {"per_class": {"Hemd | kurz": None, "Hose": 0.5}}))
    assert "| Hemd \\| kurz | – |" in text


def test_how_to_load_it_is_true(original, tested, tmp_path, samples, monkeypatch):
    checkpoint.save(original, tmp_path)
    (code,) = re.findall(r"```python\n(.*?)\n```", str(model_card(original, tested)), re.DOTALL)
    known = {"pixels": samples.test.pixels[:3]}
    exec(code.replace("user/name", str(tmp_path)), known)  # our own text
    with torch.no_grad():
        assert torch.equal(known["probabilities"], original(known["pixels"]))


def test_a_card_that_somebody_has_written_stays(original, tmp_path):
    checkpoint.save_card(model_card(original), tmp_path)
    written = (tmp_path / CARD_FILE).read_text()
    other = model_card(new("deep"))
    checkpoint.save_card(other, tmp_path)
    assert (tmp_path / CARD_FILE).read_text() == str(other)
    (tmp_path / CARD_FILE).write_text(written.replace(MARK, "My network!"))
    checkpoint.save_card(other, tmp_path)
    assert "My network!" in (tmp_path / CARD_FILE).read_text()


def test_a_card_that_cannot_be_read_is_told(original, tmp_path):
    (tmp_path / CARD_FILE).mkdir()
    with pytest.raises(StorageError, match="could not be read"):
        save_card(model_card(original), tmp_path)


def test_save_pretrained_writes_it_too(original, tmp_path):
    original.save_pretrained(tmp_path)
    assert (tmp_path / CARD_FILE).read_text() == str(model_card(original))
    assert Network.from_pretrained(tmp_path).config == original.config
