import errno
import io
import json
import os
import signal
import subprocess
import sys
from collections import OrderedDict
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from networks import ADDED, narrow, new, register
from PIL import Image
from torch import nn

from fmnist_core import CLASS_NAMES, __main__, checkpoint, dataset, dataset_formats, explain, projection, storage
from fmnist_core.architectures import ARCHITECTURES
from fmnist_core.comparison import Comparison
from fmnist_core.evaluation import evaluate, predict_logits
from fmnist_core.events import EpochDone, Finished, StepDone
from fmnist_core.inference import in_words, read_picture, to_json
from fmnist_core.layer_table import layer_table
from fmnist_core.model import Network
from fmnist_core.preparation import PICTURE_KINDS, open_picture
from fmnist_core.resume import RESUME_FILE
from fmnist_core.snapshots import Snapshots
from fmnist_core.storage import locked
from fmnist_core.synthetic import pools
from fmnist_core.synthetic.scenes import SIDE
from fmnist_core.synthetic.sketch_test_set import make_sketch_test_set
from fmnist_core.threads import ThreadChooser
from fmnist_core.train_config import SETTINGS, TrainConfig, flattened, recipe, with_settings
from fmnist_core.training import train


@pytest.fixture(scope="session")
def csv(tmp_path_factory, few, samples):
    """A small data set: 300 training and 60 test images."""
    folder = tmp_path_factory.mktemp("csv")
    for name, split in (("train.csv", few), ("test.csv", samples.test.take(torch.arange(60)))):
        dataset_formats.write_csv(folder / name, split.pixels.numpy(), split.labels.numpy())
    return folder


@pytest.fixture
def quick(monkeypatch, samples):
    """A map of few samples, for it takes longer than the training does; and fewer synthetic images."""
    monkeypatch.setattr(pools, "INITIAL_SIZE", 20)
    small = dataset.Dataset(samples.train, samples.test.take(torch.arange(100)), "few")
    monkeypatch.setattr(dataset, "load_samples", lambda: small)
    return small


@pytest.fixture
def small_sketch_test_set(monkeypatch):
    """50 test sketches instead of 1,000."""
    sketches = make_sketch_test_set(50)
    monkeypatch.setattr(__main__, "make_sketch_test_set", lambda: sketches)
    return sketches


@pytest.fixture
def pictures(tmp_path, samples):
    """Five pictures that can be read, and three that cannot."""
    paths = []
    for number in range(5):
        paths.append(tmp_path / f"{number} image.png")
        Image.fromarray(samples.test.pixels[number].numpy()).resize((280, 280), 0).save(paths[-1])
    Image.new("L", (50, 50), 255).save(tmp_path / "blank.png")
    (tmp_path / "text.png").write_text("no picture")
    return [*paths[:2], tmp_path / "blank.png", *paths[2:], tmp_path / "text.png", tmp_path / "gone.png"]


def events_of(done):
    """What a command printed, line by line."""
    return [json.loads(line) for line in done.out.splitlines()]


# ---------------------------------------------------------------- train

SHORT = ("--epochs", 2, "--batch-size", 60, "--device", "cpu")
SMALL = ("--architecture", "original", *SHORT)  # quicker than the default network, where that makes no difference


@pytest.fixture
def logged(monkeypatch):
    """What a training writes for TensorBoard: the names of the events, and whose map."""
    told = []

    class Log:
        def __init__(self, folder, config):
            told.append((folder.name, config.epochs))

        def take(self, event):
            told.append(event.name)

        def finish(self, evaluation, network, images, mapped):
            told.append((evaluation.images, network.architecture, len(images), len(mapped.tsne)))

        def close(self):
            told.append("closed")

    monkeypatch.setattr(__main__, "TensorBoardLog", Log)
    return told


@pytest.mark.usefixtures("quick")
def test_a_training_with_snapshots_can_be_animated(cli, csv, tmp_path, logged):
    out, picture = tmp_path / "out", tmp_path / "forming.webp"
    done = cli("train", "--data", csv, "--out", out, *SMALL, "--snapshots", "--json", "--tensorboard", tmp_path / "log")
    assert done.status == 0
    names = [event["event"] for event in events_of(done) if event["event"] != "Tested"]
    assert logged == [("log", 2), *names, (60, "original", 100, 100), "closed"]
    steps = [event["step"] for event in events_of(done) if event["event"] == "SnapshotTaken"]
    assert (steps[0], steps[-1]) == (0, 10)
    assert Snapshots.load(out).steps.tolist() == steps
    done = cli("animate", out, "--out", picture)
    assert done.status == 0
    assert f"the map at {len(steps)} moments of 10 steps" in done.out
    with Image.open(picture) as opened:
        assert opened.format == "WEBP"
        assert opened.n_frames > 1


def test_what_cannot_be_animated_is_a_sentence(cli, tmp_path):
    done = cli("animate", tmp_path)
    assert done.status == 1
    assert "train with --snapshots" in done.err


@pytest.mark.skipif(os.name != "posix", reason="a signal ends the program")
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.usefixtures("quick")
def test_stop_and_resume_give_the_weights_of_one_go(cli, csv, tmp_path, monkeypatch, sign):
    options = ("--data", csv, "--architecture", "original", "--epochs", 4, "--batch-size", 60, "--device", "cpu")
    assert cli("train", "--out", tmp_path / "whole", *options).status == 0
    assert not (tmp_path / "whole" / RESUME_FILE).exists()
    out = tmp_path / "broken"

    def interrupt_in_epoch_3(show, event):
        if isinstance(event, EpochDone) and event.epoch == 2:
            signal.raise_signal(sign)
        return is_read(show, event)

    is_read = __main__._is_read
    with monkeypatch.context() as patched:
        patched.setattr(__main__, "_is_read", interrupt_in_epoch_3)
        done = cli("train", "--out", out, *options)
    assert done.status == 0
    assert f"train --resume --out {out}" in done.err
    done = cli("train", "--resume", "--out", out, "--data", csv)
    assert done.status == 0
    assert not (out / RESUME_FILE).exists()
    one, other = (checkpoint.load(folder) for folder in (tmp_path / "whole", out))
    assert checkpoint.fingerprint(one) == checkpoint.fingerprint(other)


@pytest.mark.skipif(os.name != "posix", reason="a signal ends the program")
@pytest.mark.usefixtures("quick")
def test_a_training_stopped_at_once_does_not_offer_to_resume_an_older_one(cli, csv, tmp_path, monkeypatch):
    is_read = __main__._is_read
    options = ("--data", csv, "--out", tmp_path, *SMALL, "--report-every", 1)

    def interrupt(kind):
        def show_and_interrupt(show, event):
            if isinstance(event, kind):
                signal.raise_signal(signal.SIGINT)
            return is_read(show, event)

        monkeypatch.setattr(__main__, "_is_read", show_and_interrupt)

    interrupt(EpochDone)
    assert "To go on with it" in cli("train", *options).err
    older = (tmp_path / RESUME_FILE).read_bytes()
    interrupt(StepDone)
    assert "To go on with it" in cli("train", "--resume", "--out", tmp_path, "--data", csv).err
    assert (tmp_path / RESUME_FILE).read_bytes() == older
    done = cli("train", *options)
    assert "To go on with it" not in done.err
    saves_weights = "nothing is saved" not in done.err
    assert (tmp_path / RESUME_FILE).exists() is not saves_weights


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--out", "OUT"), "holds no training that was broken off"),
        ((), "Name the folder"),
        (("--out", "OUT", "--epochs", "3"), "leave out --epochs"),
        (("--out", "OUT", "--init-from", "x"), "leave out --init-from"),
    ],
)
def test_what_cannot_be_resumed_is_a_sentence(cli, tmp_path, options, sentence):
    done = cli("train", "--resume", *(str(tmp_path) if each == "OUT" else each for each in options))
    assert done.status == 1
    assert sentence in done.err


def test_training_as_json_agrees_with_the_library(cli, csv, tmp_path, quick, monkeypatch):
    narrow(monkeypatch)
    out = tmp_path / "out"
    done = cli("train", "--data", csv, "--out", out, *SHORT, "--seed", 3, "--flip", 0, "--json")
    assert done.status == 0
    lines = events_of(done)
    assert [line["event"] for line in lines if line["event"] != "StepDone"] == [
        "Started",
        "EpochDone",
        "EpochDone",
        "Finished",
        "Tested",
    ]
    config = with_settings(recipe("deep"), {"epochs": 2, "batch_size": 60, "device": "cpu", "seed": 3, "flip": 0})
    data = dataset.load(csv)
    *_, finished = train(config, data.train)
    assert isinstance(finished, Finished)
    saved = checkpoint.load(out)
    assert checkpoint.fingerprint(saved) == checkpoint.fingerprint(finished.network)
    evaluation = evaluate(saved, data.test)
    tested = lines[-1]
    assert tested["accuracy"] == evaluation.accuracy
    assert tested["images"] == 60
    assert tested["confusion"] == evaluation.confusion.tolist()
    assert tested["out"] == str(out)
    assert TrainConfig(**tested["config"]) == config
    assert lines[-2] == {"event": "Finished", "best_epoch": finished.best_epoch, "stopped": False} | {
        "seconds": lines[-2]["seconds"]
    }
    assert f"Data: 300 training and 60 test images from the CSV files in {csv}." in done.err
    # The map that lies beside the weights is theirs, with t-SNE; and so are the top activations.
    assert projection.load(out, saved, quick.test).tsne is not None
    assert explain.load(out, saved).keys() == set(saved.layer_names)
    assert f"Accuracy {evaluation.accuracy:.4f} on 60 test images" in (out / "README.md").read_text()
    assert sorted(path.name for path in out.iterdir()) == [
        "README.md",
        "config.json",
        "model.safetensors",
        "projection.safetensors",
        "top_activations.safetensors",
        "training.json",
    ]
    told = json.loads((out / "training.json").read_text())
    assert {"event": "Tested", "out": str(out)} | told == tested
    assert told["data"] == data.source


@pytest.mark.parametrize("validation_fraction", [0, 0.2])
def test_training_for_people(cli, csv, tmp_path, quick, validation_fraction):
    out = tmp_path / "out"
    done = cli("train", "--data", csv, "--out", out, *SMALL, "--validation-fraction", validation_fraction)
    assert done.status == 0
    accuracy = evaluate(checkpoint.load(out), dataset.load(csv).test).accuracy
    assert done.out == f"Test accuracy {accuracy:.4f} on 60 images. Saved in {out}.\n"
    held = round(300 * validation_fraction)
    assert f"Training 33,250 parameters on {300 - held} images (cpu), {held} held out." in done.err
    for epoch in (1, 2):
        line = next(line for line in done.err.splitlines() if f"epoch   {epoch}   loss" in line)
        assert ("held out: loss" in line) == (validation_fraction > 0)
    assert "Finished after" in done.err
    assert "is kept." in done.err


def test_training_starts_from_weights(cli, csv, tmp_path, quick, original):
    out = tmp_path / "out"
    done = cli(
        "train", "--data", csv, "--out", out, "--init-from", __main__.DEFAULT_WEIGHTS.parent / "original", *SHORT,
        "--learning-rate", 1e-7, "--weight-decay", 0, "--max-steps", 2,
    )  # fmt: skip
    assert done.status == 0
    before = dict(original.named_parameters())
    for name, parameter in checkpoint.load(out).named_parameters():
        if not name.startswith("layers.out"):  # calibrated anew
            torch.testing.assert_close(parameter, before[name], rtol=0, atol=1e-5)


def test_training_is_of_the_network_whose_weights_it_starts_from(cli, csv, tmp_path, quick):
    small = tmp_path / "small"
    checkpoint.save(new("original"), small)
    done = cli("train", "--data", csv, "--out", tmp_path / "out", "--init-from", small, *SHORT, "--max-steps", 1)
    assert done.status == 0
    assert checkpoint.load(tmp_path / "out").architecture == "original"
    done = cli("train", "--data", tmp_path / "nowhere", "--init-from", small, "--architecture", "deep")
    assert (done.status, done.err) == (1, "The weights to start from are of the network original, expected deep.\n")


@pytest.mark.parametrize("architecture", ADDED)
def test_every_command_takes_a_network_that_is_added(
    cli, csv, tmp_path, quick, monkeypatch, architecture, small_sketch_test_set, pictures
):
    register(monkeypatch)
    out = tmp_path / "out"
    assert cli("train", "--data", csv, "--out", out, "--architecture", architecture, *SHORT).status == 0
    saved = checkpoint.load(out)
    assert saved.architecture == architecture
    assert explain.load(out, saved).keys() == set(saved.layer_names)
    printed = json.loads(cli("evaluate", "--data", csv, "--weights", out, "--json").out)
    assert printed["accuracy"] == json.loads((out / "training.json").read_text())["accuracy"]
    assert printed["parameters"] == saved.parameter_count
    assert cli("predict", "--weights", out, pictures[0]).status == 0
    assert cli("layers", "--architecture", architecture).status == 0


def test_default_place_is_named_after_the_network(cli, csv, tmp_path, quick, monkeypatch):
    narrow(monkeypatch)
    monkeypatch.chdir(tmp_path)
    assert cli("train", "--data", csv, *SHORT, "--max-steps", 1).status == 0
    assert checkpoint.load("runs/deep").architecture == "deep"


def test_interrupt_stops_the_training_and_keeps_the_best(cli, csv, tmp_path, quick, monkeypatch):
    before = signal.getsignal(signal.SIGINT)
    real = __main__._print_json

    def press(event):
        real(event)
        if event.name == "EpochDone":
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(__main__, "_print_json", press)
    done = cli("train", "--data", csv, "--out", tmp_path / "out", *SMALL, "--epochs", 50, "--json")
    assert done.status == 0
    lines = events_of(done)
    assert [line["event"] for line in lines].count("EpochDone") == 1
    assert lines[-2]["stopped"] is True
    assert lines[-2]["best_epoch"] == 1
    assert lines[-1]["event"] == "Tested"
    checkpoint.load(tmp_path / "out")
    assert signal.getsignal(signal.SIGINT) == before


def test_interrupt_before_anything_is_learned_saves_nothing(cli, csv, tmp_path, quick, monkeypatch):
    def press(event):
        if event.name == "Started":
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(__main__, "_print_json", press)
    done = cli("train", "--data", csv, "--out", tmp_path / "out", *SMALL, "--json")
    assert done.status == 1
    assert done.out == ""
    assert done.err.endswith(f"Stopped before anything was learned: nothing is saved in {tmp_path / 'out'}.\n")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_reader_who_leaves_stops_the_training_and_keeps_the_best(cli, csv, tmp_path, quick, monkeypatch):
    shown = []

    def show(event):
        shown.append(event)
        if event.name == "EpochDone":
            raise BrokenPipeError

    monkeypatch.setattr(__main__, "_print_json", show)
    done = cli("train", "--data", csv, "--out", tmp_path / "out", *SMALL, "--epochs", 50, "--json")
    assert done.status == 0
    assert (shown[-1].stopped, shown[-1].best_epoch) == (True, 1)
    checkpoint.load(tmp_path / "out")


def test_second_interrupt_ends_the_program(cli, csv, tmp_path, quick, monkeypatch):
    def press(event):
        if event.name == "Started":
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(__main__, "_print_json", press)
    assert cli("train", "--data", csv, "--out", tmp_path / "out", *SMALL, "--json").status == 130
    assert list((tmp_path / "out").iterdir()) == []  # nothing is saved


@pytest.mark.parametrize(
    ("option", "value", "sentence"),
    [
        ("--learning-rate", "nan", "Learning rate: nan is out of range, expected 1e-07 to 10."),
        ("--learning-rate", "0", "Learning rate: 0 is out of range, expected 1e-07 to 10."),
        ("--epochs", "0", "Epochs: 0 is out of range, expected 1 to 1,000."),
        ("--data-fraction", "1.5", "Data fraction: 1.5 is out of range, expected 0.0001 to 1."),
        ("--batch-size", "0", "Batch size: 0 is out of range, expected 2 to 100,000."),
        ("--shift", "15", "Shift: 15 is out of range, expected 0 to 14 pixels."),
        ("--doodles", "-1", "Doodles: -1 is out of range, expected 0 to 10."),
        ("--data", "/no/such", "There is no folder or file /no/such; expected one that holds Fashion-MNIST."),
        ("--init-from", "/no/such", "There is no folder /no/such, and it is not the name of a Hub repository."),
    ],
)
def test_what_cannot_be_trained_is_one_sentence(cli, tmp_path, option, value, sentence):
    done = cli("train", "--out", tmp_path / "out", option, value)
    assert (done.status, done.out, done.err) == (1, "", f"{sentence}\n")
    assert not (tmp_path / "out").exists()


# ---------------------------------------------------------------- options


def help_of(cli, capsys, *command):
    with pytest.raises(SystemExit) as ended:
        cli(*command, "--help")
    assert ended.value.code == 0
    return " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("threads", ["0", "-1", "1.5", "many", "²", "1025"])
def test_a_number_of_threads_is_checked(cli, capsys, threads):
    with pytest.raises(SystemExit):
        cli("train", f"--threads={threads}")
    assert f"{threads!r} is no number of threads, expected auto or 1 to 1,024" in capsys.readouterr().err


def test_threads_are_set_or_chosen_while_training(cli, csv, tmp_path, quick, monkeypatch):
    counts = []
    monkeypatch.setattr(torch, "set_num_threads", counts.append)
    monkeypatch.setattr(ThreadChooser, "__init__", lambda self, most: counts.append("chosen") or None)
    monkeypatch.setattr(ThreadChooser, "watching", lambda self, control: control)
    for threads in ("3", "auto"):
        assert cli("train", "--data", csv, "--out", tmp_path, *SHORT, "--threads", threads).status == 0
    assert counts == [3, "chosen"]


def test_every_setting_is_an_option_of_train_with_its_help(cli, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "1000")
    text = help_of(cli, capsys, "train")
    for name, setting in SETTINGS.items():
        option = f"--{name.replace('_', '-')}"
        values = "{" + ",".join(setting.choices) + "}" if setting.choices else "N"
        form = f"{option}, --no-{option[2:]}" if setting.type is bool else f"{option} {values}"
        default = "that of --init-from, or deep" if name == "architecture" else "the network's recipe"
        assert f"{form} {setting.help} (default: {default})" in text


VALUES = {  # none of them in the recipe of the original network
    "architecture": "deep",
    "epochs": 3,
    "batch_size": 17,
    "learning_rate": 0.5,
    "weight_decay": 0.25,
    "label_smoothing": 0.75,
    "amp": True,
    "skipped_fraction": 0.125,
    "data_fraction": 0.5,
    "validation_fraction": 0.0,
    "seed": 2**63 - 1,
    "device": "cpu",
    "max_steps": 7,
    "report_every": 9,
    "erase": 0.3,
    "flip": 0.0,
    "shift": 4,
    "drawings": 0.2,
    "cloth": 1.5,
    "doodles": 10.0,
}


def test_option_sets_its_setting_and_nothing_else(cli, monkeypatch):
    assert VALUES.keys() == SETTINGS.keys()
    configs = []
    monkeypatch.setattr(__main__, "check_init_from", lambda config, _: configs.append(config))
    for name, value in VALUES.items():
        options = [] if name == "architecture" else ["--architecture", "original"]
        options += [f"--{name.replace('_', '-')}", *([] if value is True else [value])]
        assert cli("train", "--data", "/no/such", *options).status == 1  # before anything is trained
        before = flattened(recipe("deep" if name == "architecture" else "original"))
        assert flattened(configs[-1]) == before | {name: value}
        assert name == "architecture" or before[name] != value
    assert cli("train", "--data", "/no/such", "--no-amp").status == 1
    assert flattened(configs[-1]) == flattened(recipe("deep")) | {"amp": False}


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["learn"],
        ["train", "--epochs", "many"],
        ["train", "--architecture", "resnet"],
        ["train", "--device", "tpu"],
        ["predict"],
        ["data"],
        ["data", "burn"],
    ],
    ids=" ".join,
)
def test_wrong_options_show_the_usage(cli, capsys, arguments):
    with pytest.raises(SystemExit) as ended:
        cli(*arguments)
    assert ended.value.code == 2
    assert "usage: python -m fmnist_core" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["train", "--weights", "weights/deep"],
        ["train", "--mixed"],
        ["train", "--no-flip"],
        ["train", "--no-shift"],
        ["train", "--pruning", "0.5"],
        ["train", "--share", "0.5"],
        ["train", "--validation", "0.1"],
        ["train", "--tracings", "0.1"],
        ["train", "--photos", "0.1"],
        ["data", "sketches"],
        ["data", "synthetic", "--of", "tracings"],
        ["data", "synthetic", "--of", "exam"],
        ["predict", "--kind", "cutout", "a.png"],
    ],
    ids=" ".join,
)
def test_names_that_options_had_before_are_gone(cli, capsys, arguments):
    if "train" in arguments:
        arguments = [*arguments, "--data", "/no/such"]  # so that nothing is trained if there is such an option
    test_wrong_options_show_the_usage(cli, capsys, arguments)


@pytest.mark.parametrize("command", ["train", "evaluate", "predict", "data", "layers"])
def test_every_command_has_help(cli, capsys, command):
    assert f"usage: python -m fmnist_core {command}" in help_of(cli, capsys, command)


def test_full_disk_at_the_end_of_a_training_is_one_sentence(cli, csv, tmp_path, quick, monkeypatch):
    def no_space(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(storage.os, "fsync", no_space)
    done = cli("train", "--data", csv, "--out", tmp_path / "out", *SMALL, "--max-steps", 1, "--json")
    assert done.status == 1
    assert "could not be written: No space left on device." in done.err.splitlines()[-1]
    assert list((tmp_path / "out").iterdir()) == []


# ---------------------------------------------------------------- evaluate


def test_evaluation_as_json_agrees_with_the_library(cli, shipped, csv, small_sketch_test_set):
    done = cli("evaluate", "--data", csv, "--json")
    data = dataset.load(csv)
    evaluation = evaluate(shipped, data.test)
    printed = json.loads(done.out)
    assert done.status == 0
    assert printed.pop("loss") == pytest.approx(evaluation.loss, rel=1e-5)
    assert printed.pop("sketches") == evaluate(shipped, small_sketch_test_set).to_json()
    assert printed.pop("calibration_error") == pytest.approx(evaluation.calibration_error, rel=1e-5)
    assert printed == {
        "weights": str(__main__.DEFAULT_WEIGHTS),
        "data": data.source,
        "parameters": 482_154,
        "images": 60,
        "accuracy": evaluation.accuracy,
        "per_class": evaluation.per_class,
        "confusion": evaluation.confusion.tolist(),
    }


def test_evaluation_is_of_all_test_sketches_too(cli, original, csv):
    weights = __main__.DEFAULT_WEIGHTS.parent / "original"
    sketches = json.loads(cli("evaluate", "--data", csv, "--weights", weights, "--json").out)["sketches"]
    assert sketches["images"] == 1000
    assert sketches["accuracy"] == evaluate(original, make_sketch_test_set()).accuracy


def test_two_networks_are_compared(cli, shipped, original, csv):
    weights = __main__.DEFAULT_WEIGHTS.parent
    images = dataset.load(csv).test
    predictions = [predict_logits(network, images).argmax(1) for network in (original, shipped)]
    compared = Comparison.of(images.labels, *predictions)
    printed = json.loads(cli("compare", weights / "original", weights / "deep", "--data", csv, "--json").out)
    assert printed["first"] == str(weights / "original")
    assert {name: printed[name] for name in compared.to_json()} == compared.to_json()
    assert list(printed["per_class"]) == list(CLASS_NAMES)
    words = cli("compare", weights / "original", weights / "deep", "--data", csv).out
    assert f"First     {compared.accuracy[0]:.4f} ± " in words
    assert f"only the second about {compared.only_second}, neither about {compared.neither}." in words
    assert len(words.splitlines()) == 7 + len(CLASS_NAMES)


def test_networks_of_other_classes_are_not_compared(cli, tmp_path):
    checkpoint.save(Network("original", class_names=["cat", "dog"]), tmp_path / "cats")
    done = cli("compare", __main__.DEFAULT_WEIGHTS, tmp_path / "cats")
    assert done.status == 1
    assert "The two networks know other classes" in done.err


def test_evaluation_takes_all_of_a_single_file(cli, shipped, csv, small_sketch_test_set):
    done = cli("evaluate", "--data", csv / "test.csv", "--json")
    printed = json.loads(done.out)
    assert printed["images"] == 60
    assert printed["data"] == "all 60 images from test.csv"
    assert printed["accuracy"] == evaluate(shipped, dataset.load(csv).test).accuracy


def test_evaluation_for_people_holds_the_same_numbers(cli, shipped, csv, tmp_path, small_sketch_test_set):
    checkpoint.save(shipped, tmp_path / "w")
    done = cli("evaluate", "--data", csv, "--weights", tmp_path / "w")
    evaluation, sketches = evaluate(shipped, dataset.load(csv).test), evaluate(shipped, small_sketch_test_set)
    assert done.out.splitlines()[:6] == [
        f"Weights      {tmp_path / 'w'} (deep, 482,154 trainable parameters)",
        f"Data         {dataset.load(csv).source}",
        f"Accuracy     {evaluation.accuracy:.4f} on 60 images, loss {evaluation.loss:.4f}",
        f"Calibration  {evaluation.calibration_error:.4f} expected calibration error",
        f"Sketches     {sketches.accuracy:.4f} on the sketch test set: 50 synthetic drawings",
        "",
    ]
    head, *rows = done.out.splitlines()[6:]
    assert head.split() == ["true", "class", "accuracy", "predicted", "as", *map(str, range(10))]
    table = torch.tensor([[int(word) for word in row.split()[-10:]] for row in rows])
    assert torch.equal(table, evaluation.confusion)
    for row, (name, accuracy) in zip(rows, evaluation.per_class.items(), strict=True):
        assert f" {name} " in row
        assert row.split()[-11] == f"{accuracy:.3f}"


def test_class_without_images_has_no_accuracy(cli, tmp_path, samples, small_sketch_test_set):
    bags = samples.test.take((samples.test.labels == 8).nonzero()[:3, 0])
    dataset_formats.write_csv(tmp_path / "bags.csv", bags.pixels.numpy(), bags.labels.numpy())
    done = cli("evaluate", "--data", tmp_path / "bags.csv")
    assert sum("-" in line.split() for line in done.out.splitlines()) == 9
    per_class = json.loads(cli("evaluate", "--data", tmp_path / "bags.csv", "--json").out)["per_class"]
    assert [name for name, accuracy in per_class.items() if accuracy is not None] == ["Bag"]


def test_classes_have_the_names_that_the_weights_give_them(cli, csv, tmp_path, small_sketch_test_set):
    names = [f"Kind {number}" for number in range(10)]
    checkpoint.save(new("original", class_names=names), tmp_path)
    done = cli("evaluate", "--data", csv, "--weights", tmp_path)
    for label, line in enumerate(done.out.splitlines()[-10:]):
        assert line.startswith(f"{label} Kind {label} ")
    assert list(json.loads(cli("evaluate", "--data", csv, "--weights", tmp_path, "--json").out)["per_class"]) == names


def test_weights_that_know_fewer_classes_cannot_be_evaluated(cli, csv, tmp_path):
    checkpoint.save(new("original", class_names=["a", "b", "c"]), tmp_path)
    done = cli("evaluate", "--data", csv, "--weights", tmp_path)
    assert (done.status, done.out) == (1, "")
    assert done.err == "The images are of 10 classes, but the network knows only 3.\n"


# ---------------------------------------------------------------- predict


def test_predictions_as_json_agree_with_the_library(cli, shipped, pictures):
    done = cli("predict", "--json", *pictures)
    readings = [json.loads(line) for line in done.out.splitlines()]
    assert done.status == 1  # for some could not be read
    assert [reading["file"] for reading in readings] == [str(path) for path in pictures]
    for path, reading in zip(pictures, readings, strict=True):
        if path.name[0].isdigit():
            assert reading == to_json(str(path), read_picture(shipped, open_picture(path)))
        else:
            assert reading["label"] is reading["name"] is reading["probabilities"] is None
    assert [reading["error"] for reading in readings if reading["error"]] == [
        "The picture is empty: it has only one colour.",
        "text.png is not a picture that can be read; PNG, JPEG, GIF, WebP, BMP and TIFF can.",
        "There is no file gone.png.",
    ]


def test_predictions_for_people(cli, shipped, pictures):
    done = cli("predict", *pictures)
    lines = done.out.splitlines()
    assert done.status == 1
    assert len(lines) == 8
    for path, line in zip(pictures, lines, strict=True):
        assert line.startswith(f"{path}: ")
        if path.name[0].isdigit():
            reading = read_picture(shipped, open_picture(path))
            note = "" if reading.is_familiar else " This does not look like anything I was trained on."
            assert line == f"{path}: {in_words(reading)} ({reading.probabilities.max():.0%}).{note}"


@pytest.mark.parametrize("kind", PICTURE_KINDS)
def test_pictures_are_prepared_as_the_kind_that_is_named(cli, pictures, kind):
    done = cli("predict", "--json", "--kind", kind, pictures[0])
    assert done.status == 0
    assert json.loads(done.out)["kind"] == kind


def test_status_is_0_when_all_could_be_read(cli, pictures):
    assert cli("predict", pictures[0], pictures[1]).status == 0


def test_bad_weights_are_one_sentence(cli, pictures, tmp_path):
    done = cli("predict", "--weights", tmp_path, pictures[0])
    assert (done.status, done.out) == (1, "")
    assert done.err == f"{tmp_path} holds no config.json, which names the architecture.\n"


# ---------------------------------------------------------------- data


def test_data_is_found_where_the_variable_says(cli, csv, tiny, monkeypatch):
    monkeypatch.setenv("FMNIST_DATA", str(csv))
    done = cli("data", "find")
    assert done.out == f"300 training and 60 test images from the CSV files in {csv}.\n"
    assert cli("data", "verify").out == f"Right: {done.out[0].lower()}{done.out[1:]}"
    assert str(tiny.folder) in cli("data", "find", "--data", tiny.folder).out
    assert "shipped with the program" in cli("data", "find", "--data", "samples").out


def test_verification_names_what_is_wrong(cli, tiny, monkeypatch):
    monkeypatch.setenv("FMNIST_DATA", str(tiny.folder))
    assert cli("data", "verify").status == 0
    altered = bytearray(tiny.contents_of(("test", "labels")))
    altered[-1] ^= 1
    tiny.write(("test", "labels"), bytes(altered))
    done = cli("data", "verify")
    assert (done.status, done.out) == (1, "")
    assert done.err.startswith("t10k-labels-idx1-ubyte.gz is not the published file: ")


def test_verification_without_data_says_how_to_get_it(cli, tmp_path, monkeypatch):
    monkeypatch.delenv("FMNIST_DATA", raising=False)
    monkeypatch.setattr(dataset, "DOWNLOAD_ROOT", tmp_path)
    monkeypatch.setattr(dataset, "DEBIAN_FOLDER", tmp_path)
    done = cli("data", "verify")
    assert done.status == 1
    assert "`data download` fetches it" in done.err


def test_whole_data_is_verified(cli, full_folder):
    done = cli("data", "verify", "--data", full_folder)
    assert done.status == 0
    assert "70,000" in done.out


def test_conversion_to_csv_keeps_every_number(cli, tiny, tmp_path):
    done = cli("data", "to-csv", "--data", tiny.folder, "--out", tmp_path / "csv")
    assert done.status == 0
    assert done.out.splitlines() == [
        f"{tmp_path / 'csv' / 'train.csv'}: 50 images.",
        f"{tmp_path / 'csv' / 'test.csv'}: 20 images.",
    ]
    one, other = dataset.load(tiny.folder), dataset.load(tmp_path / "csv")
    for split in ("train", "test"):
        assert torch.equal(getattr(one, split).pixels, getattr(other, split).pixels)
        assert torch.equal(getattr(one, split).labels, getattr(other, split).labels)


def test_sprite_is_written_as_a_picture(cli, tiny, tmp_path):
    done = cli("data", "sprite", "--data", tiny.folder, "--out", tmp_path / "new" / "s.png")
    assert done.status == 0
    with Image.open(tmp_path / "new" / "s.png") as picture:
        assert picture.format == "PNG"
        assert (np.asarray(picture) == np.asarray(dataset.sprite(tiny.splits["train"]))).all()


def test_samples_are_made_from_the_data_that_was_found(cli, tiny, monkeypatch):
    saved = []
    monkeypatch.setattr(dataset, "save_samples", saved.append)
    assert cli("data", "samples", "--data", tiny.folder).status == 0
    assert torch.equal(saved[0].train.pixels, tiny.splits["train"].pixels)


def test_samples_are_made_from_the_published_files_alone(cli, csv, monkeypatch):
    monkeypatch.setattr(dataset, "save_samples", lambda data: pytest.fail("the shipped samples were replaced"))
    done = cli("data", "samples", "--data", csv)
    assert done.status == 1
    assert done.err.startswith("The samples are made from the four published files, not from ")


def test_sheet_of_scenes(cli, tmp_path):
    done = cli("data", "scenes", "--data", "samples", "--out", tmp_path / "scenes.png")
    assert (done.status, done.out) == (0, f"{tmp_path / 'scenes.png'}: 50 scenes.\n")
    with Image.open(tmp_path / "scenes.png") as picture:
        assert picture.size == (5 * 2 * SIDE, 10 * SIDE)


@pytest.mark.parametrize("name", __main__.SHEETS)
def test_sheet_of_synthetic_images_is_a_sprite_of_twice_the_size(cli, tmp_path, monkeypatch, name):
    monkeypatch.setattr(__main__, "SHEET", 60)
    done = cli("data", "synthetic", "--of", name, "--out", tmp_path / "sheet.png")
    assert (done.status, done.out) == (0, f"{tmp_path / 'sheet.png'}: three rows for each class.\n")
    with Image.open(tmp_path / "sheet.png") as picture:
        sheet = np.asarray(picture)
    assert (sheet[::2, ::2] == sheet[1::2, 1::2]).all()
    images = __main__.SHEETS[name].make(__main__.SHEET, seed=0)
    pixels = __main__.SHEETS[name].augment(images.pixels, torch.Generator().manual_seed(0))
    if name == "doodles":  # they have no class: a few in every row
        assert len({row for row in range(30) if sheet[56 * row : 56 * (row + 1)].any()}) >= 10
    else:
        expected = dataset.sprite(dataset.Split.of(pixels, images.labels))
        assert (sheet[::2, ::2] == np.asarray(expected)).all()


def test_download_says_where_the_files_are(cli, tmp_path, monkeypatch):
    monkeypatch.setattr(dataset, "download_files", lambda: tmp_path)
    assert cli("data", "download").out == f"All four files are in {tmp_path}.\n"


# ---------------------------------------------------------------- layers

OWN = [{"layer": "conv", "channels": 3, "stride": 3}, {"layer": "gelu"}, {"layer": "dropout"}, {"layer": "fc"}]


@pytest.fixture
def own_layers(tmp_path):
    """A file with layers of one's own."""
    file = tmp_path / "layers.json"
    file.write_text(json.dumps(OWN))
    return file


def test_layers_of_one_s_own_are_shown(cli, own_layers):
    done = cli("layers", "--layers", own_layers)
    network = Network("custom", layers=OWN)
    lines = done.out.splitlines()
    assert [line.split()[0] for line in lines] == ["layer", "input", *network.layer_names, "all"]
    assert lines[2].split() == ["conv1", "Conv2d", "3", "0", "3", "1", "3x9x9", "30", "2,187"]
    assert lines[-1].split() == ["all", f"{network.parameter_count:,}", f"{2187 + 64 * 243 + 640:,}"]


def test_layers_of_one_s_own_are_trained_evaluated_and_trained_further(cli, csv, own_layers, tmp_path, quick):
    out, again = tmp_path / "run", tmp_path / "again"
    quickly = ("--data", csv, "--epochs", 1, "--device", "cpu")
    assert cli("train", "--layers", own_layers, "--out", out, *quickly).status == 0
    network = checkpoint.load(out)
    assert network.config["layers"] == network.rows == Network("custom", layers=OWN).rows
    about = json.loads((out / "training.json").read_text())["config"]
    assert about["layers"] == network.rows
    assert TrainConfig(**about).network == {"architecture": "custom", "layers": network.rows}
    assert explain.load(out, network).keys() == set(network.layer_names)
    assert cli("train", "--init-from", out, "--out", again, *quickly).status == 0
    assert checkpoint.load(again).config == network.config


def test_layers_of_one_s_own_exclude_what_says_otherwise(cli, capsys, own_layers, tmp_path):
    for command in ("train", "layers"):
        with pytest.raises(SystemExit):
            cli(command, "--layers", own_layers, "--architecture", "original")
        assert "argument --architecture: not allowed with argument --layers" in capsys.readouterr().err
    done = cli("train", "--resume", "--out", tmp_path, "--layers", own_layers)
    assert done.err == "A training goes on with its own settings: leave out --layers.\n"
    done = cli("train", "--layers", own_layers, "--init-from", __main__.DEFAULT_WEIGHTS)
    assert done.err == "The weights to start from are of the network deep, expected custom.\n"
    own_layers.write_text(json.dumps([*OWN, {"layer": "max_pool"}]))
    done = cli("train", "--layers", own_layers)
    assert done.status == 1
    assert done.err.startswith("Row 5 (max pooling): it slides over maps")


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_layers_are_those_of_the_table(cli, architecture):
    done = cli("layers", "--architecture", architecture)
    network = Network(architecture)
    lines = done.out.splitlines()
    assert done.status == 0
    assert lines[1].split() == ["input", "1x28x28", "0", "0"]
    rows = list(layer_table(network))
    for line, row in zip(lines[2:-1], rows, strict=True):
        name, kind, *filters, output, parameters, operations = line.split()
        assert (name, kind, output) == (row.name, row.kind, "x".join(map(str, row.shape)))
        assert (parameters, operations) == (f"{row.parameters:,}", f"{row.operations:,}")
        pairs = [pair for pair in (row.f, row.p, row.s, row.d) if pair]
        assert filters == [str(a) if a == b else f"{a}x{b}" for a, b in pairs]
    assert lines[-1].split() == ["all", f"{network.parameter_count:,}", f"{sum(row.operations for row in rows):,}"]


def test_layers_with_two_different_directions_show_both(cli, monkeypatch):
    def uneven(classes):
        conv = nn.Conv2d(1, 3, kernel_size=(7, 3), stride=2, padding=(0, 1), dilation=(1, 2))
        return OrderedDict(conv=conv, flatten=nn.Flatten(), out=nn.Linear(3 * 7 * 13, classes))

    register(monkeypatch, uneven=uneven)
    done = cli("layers", "--architecture", "uneven", "--height", 20)
    assert done.out.splitlines()[2].split() == [
        "conv",
        "Conv2d",
        "7x3",
        "0x1",
        "2",
        "1x2",
        "3x7x13",
        "66",
        f"{21 * 273:,}",
    ]


def test_layers_of_an_input_that_is_too_small(cli):
    done = cli("layers", "--height", 12, "--width", 40)
    assert done.status == 1
    assert "\nconv1" in done.out  # what can be worked out is shown
    assert done.err == "pool3: the filter is 7 wide, but the input with its padding only 3.\n"


# ---------------------------------------------------------------- as a program


def test_reader_that_has_enough_is_no_error(python):
    # Output that is read no further, with the buffer that a pipe has and without one. Each time in a process of its
    # own, which ends as a program does; they are forks, for PyTorch takes its time to be imported.
    program = """
import os, sys
from fmnist_core.__main__ import main
for unbuffered in (False, True):
    child = os.fork()
    if child == 0:
        read, write = os.pipe()
        os.close(read)
        os.dup2(write, sys.stdout.fileno())
        sys.stdout.reconfigure(write_through=unbuffered)
        sys.exit(main(["data", "find", "--data", "samples"]))
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
    done = python("-W", "ignore", "-c", program)
    assert (done.stdout, done.stderr) == ("0\n0\n", "")


def test_output_of_any_encoding(python, tmp_path):
    (tmp_path / "\u5199.png").write_bytes(b"words")
    program = f"""
from fmnist_core.__main__ import main
print(main(["predict", {str(tmp_path)!a} + "/\\u5199.png"]))
main(["layers", "--help"])
"""
    done = python("-c", program, env=os.environ | {"PYTHONIOENCODING": "cp1252"})
    assert (done.returncode, done.stderr) == (0, "")
    assert r"\u5199.png is not a picture" in done.stdout
    assert done.stdout.splitlines()[1] == "1"
    assert r"O = \u230a(n - f + 2p) / s\u230b + 1" in " ".join(done.stdout.split())


def test_two_trainings_do_not_write_into_one_folder(cli, csv, tmp_path):
    with locked(tmp_path):
        done = cli("train", "--data", csv, "--out", tmp_path, *SMALL)
    assert done.status == 1
    assert f"Another training is writing into {tmp_path}" in done.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="a signal ends the program")
@pytest.mark.parametrize("module", ["fmnist_core", "app"])
def test_ctrl_c_while_it_is_imported_says_nothing(tmp_path, module):
    """Interrupted from within the import of torch or Gradio, which take a second or two."""
    heavy = {"fmnist_core": "torch", "app": "gradio"}[module]
    (tmp_path / "sitecustomize.py").write_text(
        "import os, signal, sys\n"
        "class Interrupts:\n"
        "    def find_spec(self, name, *rest):\n"
        f"        if name == {heavy!r}:\n"
        "            sys.meta_path.remove(self)\n"
        "            os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Interrupts())\n"
    )
    root = Path(__main__.__file__).parent.parent
    done = subprocess.run(
        [sys.executable, "-m", module, *(["data", "find"] if module == "fmnist_core" else [])],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.stdout, done.stderr) == ("", "")
    assert done.returncode in (-signal.SIGINT, 128 + signal.SIGINT)


def test_program_ends_with_the_status(python, pictures):
    done = python("-m", "fmnist_core", "predict", "--json", pictures[0], pictures[2])
    assert done.returncode == 1
    assert [json.loads(line)["error"] is None for line in done.stdout.splitlines()] == [True, False]
    assert json.loads(done.stdout.splitlines()[0])["name"] in CLASS_NAMES
    assert done.stderr == ""


def test_predict_reads_the_standard_input(cli, pictures, monkeypatch):
    contents = pictures[0].read_bytes()
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(contents)))
    from_input, from_file = cli("predict", "-", "--json"), cli("predict", pictures[0], "--json")
    assert from_input.status == from_file.status == 0
    one, other = json.loads(from_input.out), json.loads(from_file.out)
    assert one.pop("file") == "-"
    other.pop("file")
    assert one == other
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(b"")))
    done = cli("predict", "-")
    assert done.status == 1
    assert done.out == "-: The standard input is empty.\n"


@pytest.mark.usefixtures("quick")
def test_where_no_terminal_shows_it_there_is_no_progress_bar(cli, csv, tmp_path):
    done = cli("train", "--data", csv, "--out", tmp_path, *SMALL)
    assert "steps," not in done.err
    assert "\r" not in done.err
    assert "epoch   2" in done.err
