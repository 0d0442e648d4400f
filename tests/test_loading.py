import shutil
from pathlib import Path

import numpy as np
import pytest
from networks import new
from PIL import Image
from wire import ANNA, asking, error_of

from demo import loading
from demo.limits import Limits
from demo.requests import NetworkRequest, Request
from demo.session import OWN
from fmnist_core import checkpoint, dataset
from fmnist_core.errors import CheckpointError, DatasetError

SHIPPED = {"deep", "original"}


def test_description_of_the_training_data(tmp_path, monkeypatch, full_folder):
    monkeypatch.delenv("FMNIST_DATA", raising=False)
    assert "60,000" in loading.describe(full_folder)
    assert "shipped" in loading.describe("samples")
    csv = tmp_path / "images.csv"
    csv.touch()
    assert "a CSV file" in loading.describe(csv)
    for pair in dataset.CSV_PAIRS:
        folder = tmp_path / pair[0]
        folder.mkdir()
        for name in pair:
            (folder / name).touch()
        assert "two CSV files" in loading.describe(folder)


# --- which networks answer ------------------------------------------------------------------------------------------


@pytest.fixture
def few_samples(samples):
    """Samples of which a map is made in no time, as the shipped maps do not belong to them."""
    return samples.test.take(samples.test.numbers.argsort()[:30])


@pytest.fixture
def copy_to(tmp_path):
    """``copy_to("runs/original")``: a folder of that name with the original network's weights."""

    def copy_to(name):
        return shutil.copytree(loading.SHIPPED / "original", tmp_path / name)

    return copy_to


def test_a_shipped_network_answers_by_its_name_and_the_others_can_be_chosen(few_samples):
    for name in sorted(SHIPPED):
        sessions = loading.load_networks(loading.SHIPPED / name, few_samples)
        assert sessions[0].id == sessions[0].name == sessions[0].network.architecture == name
        assert sorted(session.id for session in sessions) == sorted(SHIPPED)


def test_a_shipped_network_is_known_however_its_folder_is_named(few_samples, tmp_path, monkeypatch):
    (tmp_path / "link").symlink_to(loading.SHIPPED / "original")
    monkeypatch.chdir(loading.SHIPPED)
    for named in ("original", Path("original"), "./deep/../original/", str(tmp_path / "link")):
        sessions = loading.load_networks(named, few_samples)
        assert [session.id for session in sessions] == ["original", "deep"]
    monkeypatch.chdir("original")
    assert [session.id for session in loading.load_networks(".", few_samples)] == ["original", "deep"]


@pytest.mark.parametrize(
    ("folder", "named", "name"),
    [
        ("runs/mine", "runs/mine", "mine"),
        ("runs/original", "runs/original", "runs/original"),
        ("deep", "deep", "/deep"),
        ("yours", "./yours", "yours"),
        ("runs/given", "runs/given", "given"),
        ("runs/mine", ".", "mine"),
        ("runs/original", ".", "runs/original"),
    ],
)
def test_a_network_of_one_s_own_hides_no_other(few_samples, copy_to, tmp_path, monkeypatch, folder, named, name):
    copied = copy_to(folder)
    monkeypatch.chdir(copied if named == "." else tmp_path)
    sessions = loading.load_networks(named, few_samples)
    first, *others = sessions
    assert first.id == loading.GIVEN == "given"
    assert first.name.endswith(name)
    assert first.network.architecture == "original"
    assert {session.id for session in others} == SHIPPED
    for values in ([session.id for session in sessions], [session.name for session in sessions]):
        assert len(set(values)) == len(values)
    assert not any(session.id.startswith(OWN) for session in sessions)
    assert all(session.name == session.id for session in others)


def test_the_root_of_a_disk_has_a_name_too(few_samples, monkeypatch):
    network = new("original")
    monkeypatch.setattr(checkpoint, "load", lambda folder: network)
    assert loading.load_networks("/", few_samples)[0].name == "/"


def test_a_network_that_is_added_to_the_shipped_ones_is_offered(few_samples, copy_to, tmp_path, monkeypatch):
    for name in ("weights/alpha", "weights/beta"):
        copy_to(name)
    (tmp_path / "weights" / "without weights").mkdir()
    monkeypatch.setattr(loading, "SHIPPED", tmp_path / "weights")
    assert [session.id for session in loading.load_networks(tmp_path / "weights" / "beta", few_samples)] == [
        "beta",
        "alpha",
    ]


def test_weights_that_cannot_be_read_are_told(few_samples, tmp_path):
    with pytest.raises(CheckpointError):
        loading.load_networks(tmp_path, few_samples)


# --- everything together --------------------------------------------------------------------------------------------


@pytest.fixture
def load(tmp_path):
    """``load(where)``: what answers, with the original network and the data set at ``where``."""

    def load(where="samples", weights=loading.SHIPPED / "original", limits=None):
        return loading.load_handlers(weights, where, tmp_path, limits)

    return load


def test_the_page_is_told_what_there_is(load, samples, tmp_path):
    facts = asking(load())("facts")
    assert [each["id"] for each in facts["networks"]] == ["original", "deep"]
    assert facts["data"] == "Training uses the 10,000 training and 2,000 test images that are shipped with the program."
    assert facts["samples"]["count"] == len(samples.test)
    assert facts["uploadBytes"] == Limits().upload_bytes
    for url in (facts["samples"]["sheet"], facts["sprite"]):
        file = Path(url.removeprefix("gradio_api/file="))
        assert file.parent == tmp_path
        assert np.asarray(Image.open(file)).any()
    assert all("data_fraction" not in each["values"] for each in facts["training"]["architectures"])  # all of it


def test_a_download_that_ends_later_changes_what_the_page_is_told(load, full_folder, monkeypatch):
    place = None
    monkeypatch.setattr(dataset, "find", lambda where=None: place)
    ask = asking(load(where=None))
    assert "shipped" in ask("facts")["data"]
    assert ask("points")["remaining"] == 0
    place = full_folder
    assert "60,000" in ask("facts")["data"]
    fractions = {each["id"]: each["values"]["data_fraction"] for each in ask("facts")["training"]["architectures"]}
    assert fractions == {"original": 1.0, "deep": 0.1}
    assert ask("points")["remaining"] == 8000


def test_every_network_that_is_told_can_be_chosen(load, copy_to):
    handlers = load(weights=copy_to("runs/yours"))
    facts = handlers.facts(Request(ANNA))
    assert [each["id"] for each in facts["networks"]] == ["given", "deep", "original"]
    numbers = set()
    for each in facts["networks"]:
        assert handlers.choose(NetworkRequest(ANNA, each["id"])) == {}
        answering = handlers.which(Request(ANNA))
        assert (answering["network"], answering["own"]) == (each["id"], [])
        numbers.add(answering["session"])
    assert len(numbers) == len(facts["networks"])
    assert "no network 'yours-1'" in error_of(asking(handlers)("choose", network="yours-1"))


def test_limits_reach_everything_that_has_some(load):
    ask = asking(load(limits=Limits(upload_megabytes=1, training_epochs=7)))
    facts = ask("facts")
    assert facts["uploadBytes"] == 2**20
    assert {each["name"]: each["high"] for each in facts["training"]["settings"]}["epochs"] == 7
    assert error_of(ask("open_file", file="A" * 1_400_000)) == "The picture is larger than 1 MB."


def test_a_place_without_a_data_set_is_told_at_once(load, tmp_path):
    with pytest.raises(DatasetError):
        load(where=tmp_path / "nothing")
