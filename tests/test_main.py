import errno
import json
import signal
from collections import OrderedDict

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from fmnist_core import CLASS_NAMES, __main__, checkpoint, dataset, files, projection
from fmnist_core.evaluation import evaluate
from fmnist_core.synthetic.sketch_test_set import make_sketch_test_set
from fmnist_core.inference import in_words, read_picture, to_json
from fmnist_core.model import ARCHITECTURES, Network, layer_table
from fmnist_core.preparation import open_picture
from fmnist_core.training import RECIPES, Finished, TrainConfig, train, with_changes


@pytest.fixture
def csv(tmp_path, few, samples):
    """A small data set: 300 training and 60 test images."""
    folder = tmp_path / "csv"
    for name, split in (("train.csv", few), ("test.csv", samples.test.take(torch.arange(60)))):
        files.write_csv(folder / name, split.pixels.numpy(), split.labels.numpy())
    return folder


@pytest.fixture
def quick(monkeypatch, samples):
    """A map of few samples, for it takes longer than the training does."""
    small = dataset.Dataset(samples.train, samples.test.take(torch.arange(100)), "few")
    monkeypatch.setattr(dataset, "load_samples", lambda: small)
    return small


SHORT = ("--epochs", 2, "--batch-size", 60, "--device", "cpu")


# ---------------------------------------------------------------- train


def test_training_as_json_agrees_with_the_library(cli, csv, tmp_path, quick):
    out = tmp_path / "out"
    done = cli("train", "--data", csv, "--out", out, *SHORT, "--seed", 3, "--no-flip", "--json")
    assert done.status == 0
    lines = [json.loads(line) for line in done.out.splitlines()]
    assert [line["event"] for line in lines if line["event"] != "StepDone"] == [
        "Started",
        "EpochDone",
        "EpochDone",
        "Finished",
        "Tested",
    ]
    config = with_changes(RECIPES["deep"], epochs=2, batch_size=60, device="cpu", seed=3, flip=False)
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
    # The map that lies beside the weights is theirs, with t-SNE.
    assert projection.load(out, saved, quick.test).tsne is not None
    assert sorted(path.name for path in out.iterdir()) == [
        "config.json",
        "top_activations.safetensors",
        "model.safetensors",
        "projection.safetensors",
        "training.json",
    ]
    told = json.loads((out / "training.json").read_text())
    assert {"event": "Tested", "out": str(out)} | told == tested
    assert told["data"] == data.source


@pytest.mark.parametrize("validation", [0, 0.2])
def test_training_for_people(cli, csv, tmp_path, quick, validation):
    done = cli("train", "--data", csv, "--out", tmp_path / "out", *SHORT, "--validation", validation)
    assert done.status == 0
    accuracy = evaluate(checkpoint.load(tmp_path / "out"), dataset.load(csv).test).accuracy
    assert done.out == f"Test accuracy {accuracy:.4f} on 60 images. Saved in {tmp_path / 'out'}.\n"
    held = round(300 * validation)
    assert f"Training 482,154 parameters on {300 - held} images (cpu), {held} held out." in done.err
    for epoch in (1, 2):
        line = next(line for line in done.err.splitlines() if f"epoch   {epoch}   loss" in line)
        assert ("held out: loss" in line) == (validation > 0)
    assert "Finished after" in done.err
    assert "is kept." in done.err


def test_training_goes_on_from_weights(cli, csv, tmp_path, quick, shipped):
    out = tmp_path / "out"
    before = {name: tensor.clone() for name, tensor in shipped.named_parameters()}
    done = cli(
        "train", "--data", csv, "--out", out, "--weights", __main__.DEFAULT_WEIGHTS, *SHORT, "--learning-rate", 1e-7,
        "--weight-decay", 0, "--max-steps", 2,
    )  # fmt: skip
    assert done.status == 0
    for name, parameter in checkpoint.load(out).named_parameters():
        if not name.startswith("layers.out"):  # calibrated anew
            torch.testing.assert_close(parameter, before[name], rtol=0, atol=1e-5)


def test_training_goes_on_with_the_network_of_the_weights(cli, csv, tmp_path, quick):
    small = tmp_path / "small"
    checkpoint.save(Network("original").eval(), small)
    done = cli("train", "--data", csv, "--out", tmp_path / "out", "--weights", small, *SHORT, "--max-steps", 1)
    assert done.status == 0
    assert checkpoint.load(tmp_path / "out").architecture == "original"
    done = cli("train", "--data", tmp_path / "nowhere", "--weights", small, "--architecture", "deep")
    assert (done.status, done.err) == (1, "The weights to go on from are of original, expected deep.\n")


def test_default_place_is_named_after_the_network(cli, csv, tmp_path, quick, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli("train", "--data", csv, *SHORT, "--max-steps", 1).status == 0
    assert checkpoint.load("runs/deep").architecture == "deep"


def test_interrupt_stops_the_training_and_keeps_the_best(cli, csv, tmp_path, quick, monkeypatch):
    before = signal.getsignal(signal.SIGINT)
    real = __main__._print_json

    def press(event):
        real(event)
        if type(event).__name__ == "EpochDone":
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(__main__, "_print_json", press)
    done = cli("train", "--data", csv, "--out", tmp_path / "out", "--epochs", 50, "--batch-size", 60, "--json")
    assert done.status == 0
    lines = [json.loads(line) for line in done.out.splitlines()]
    assert [line["event"] for line in lines].count("EpochDone") == 1
    assert lines[-2]["stopped"] is True
    assert lines[-2]["best_epoch"] == 1
    assert lines[-1]["event"] == "Tested"
    checkpoint.load(tmp_path / "out")
    assert signal.getsignal(signal.SIGINT) == before


def test_interrupt_before_anything_is_learned_saves_nothing(cli, csv, tmp_path, quick, monkeypatch):
    def press(event):
        if type(event).__name__ == "Started":
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(__main__, "_print_json", press)
    done = cli("train", "--data", csv, "--out", tmp_path / "out", *SHORT, "--json")
    assert done.status == 1
    assert done.out == ""
    assert done.err.endswith(f"Stopped before anything was learned: nothing is saved in {tmp_path / 'out'}.\n")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_reader_who_leaves_stops_the_training_and_keeps_the_best(cli, csv, tmp_path, quick, monkeypatch):
    shown = []

    def show(event):
        shown.append(event)
        if type(event).__name__ == "EpochDone":
            raise BrokenPipeError

    monkeypatch.setattr(__main__, "_print_json", show)
    done = cli("train", "--data", csv, "--out", tmp_path / "out", "--epochs", 50, "--batch-size", 60, "--json")
    assert done.status == 0
    assert (shown[-1].stopped, shown[-1].best_epoch) == (True, 1)
    checkpoint.load(tmp_path / "out")


def test_second_interrupt_ends_the_program(cli, csv, tmp_path, quick, monkeypatch):
    def press(event):
        if type(event).__name__ == "Started":
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(__main__, "_print_json", press)
    assert cli("train", "--data", csv, "--out", tmp_path / "out", *SHORT, "--json").status == 130
    assert list((tmp_path / "out").iterdir()) == []  # nothing is saved


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--learning-rate", "nan", "The learning rate is nan, expected 1e-07 to 10."),
        ("--learning-rate", "0", "The learning rate is 0, expected 1e-07 to 10."),
        ("--epochs", "0", "The number of epochs is 0, expected 1 to 1000."),
        ("--share", "1.5", "The share of the data is 1.5, expected 0.0001 to 1."),
        ("--batch-size", "0", "The batch size is 0, expected 2 to 100000."),
        ("--data", "/no/such", "There is no folder or file /no/such; expected one that holds Fashion-MNIST."),
        ("--weights", "/no/such", "There is no folder /no/such, and it is no Hub repository's name."),
    ],
)
def test_what_cannot_be_trained_is_one_sentence(cli, tmp_path, option, value, words):
    done = cli("train", "--out", tmp_path / "out", option, value)
    assert (done.status, done.out, done.err) == (1, "", f"{words}\n")
    assert not (tmp_path / "out").exists()


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


@pytest.mark.parametrize("command", ["train", "evaluate", "predict", "data", "layers"])
def test_every_command_has_help(cli, capsys, command):
    with pytest.raises(SystemExit) as ended:
        cli(command, "--help")
    assert ended.value.code == 0
    assert f"usage: python -m fmnist_core {command}" in capsys.readouterr().out


def test_full_disk_at_the_end_of_a_training_is_one_sentence(cli, csv, tmp_path, quick, monkeypatch):
    def no_space(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", no_space)
    done = cli("train", "--data", csv, "--out", tmp_path / "out", *SHORT, "--max-steps", 1, "--json")
    assert done.status == 1
    assert "could not be written: No space left on device." in done.err.splitlines()[-1]
    assert list((tmp_path / "out").iterdir()) == []


# ---------------------------------------------------------------- evaluate


def test_evaluation_as_json_agrees_with_the_library(cli, shipped, csv):
    done = cli("evaluate", "--data", csv, "--json")
    data = dataset.load(csv)
    evaluation = evaluate(shipped, data.test)
    answer = json.loads(done.out)
    assert done.status == 0
    assert answer.pop("loss") == pytest.approx(evaluation.loss, rel=1e-5)
    drawings = answer.pop("drawings")
    assert drawings["images"] == 1000
    assert drawings["accuracy"] == evaluate(shipped, make_sketch_test_set()).accuracy
    assert answer.pop("calibration_error") == pytest.approx(evaluation.calibration_error, rel=1e-5)
    assert answer == {
        "weights": str(__main__.DEFAULT_WEIGHTS),
        "data": data.source,
        "parameters": 482_154,
        "images": 60,
        "accuracy": evaluation.accuracy,
        "per_class": evaluation.per_class,
        "confusion": evaluation.confusion.tolist(),
    }


def test_evaluation_takes_all_of_a_single_file(cli, shipped, csv):
    done = cli("evaluate", "--data", csv / "test.csv", "--json")
    answer = json.loads(done.out)
    assert answer["images"] == 60
    assert answer["data"] == "all 60 images from test.csv"
    assert answer["accuracy"] == evaluate(shipped, dataset.load(csv).test).accuracy


def test_evaluation_for_people_holds_the_same_numbers(cli, shipped, csv, tmp_path):
    checkpoint.save(shipped, tmp_path / "w")
    done = cli("evaluate", "--data", csv, "--weights", tmp_path / "w")
    evaluation = evaluate(shipped, dataset.load(csv).test)
    assert f"Accuracy    {evaluation.accuracy:.4f} on 60 images, loss {evaluation.loss:.4f}" in done.out
    rows = done.out.splitlines()[-10:]
    table = torch.tensor([[int(word) for word in row.split()[-10:]] for row in rows])
    assert torch.equal(table, evaluation.confusion)
    for row, (name, right) in zip(rows, evaluation.per_class.items(), strict=True):
        assert f" {name} " in row
        assert f"{right:.3f}" in row


def test_class_without_images_has_no_accuracy(cli, tmp_path, samples):
    bags = samples.test.take((samples.test.labels == 8).nonzero()[:3, 0])
    files.write_csv(tmp_path / "bags.csv", bags.pixels.numpy(), bags.labels.numpy())
    done = cli("evaluate", "--data", tmp_path / "bags.csv")
    assert sum("-" in line.split() for line in done.out.splitlines()) == 9
    per_class = json.loads(cli("evaluate", "--data", tmp_path / "bags.csv", "--json").out)["per_class"]
    assert [name for name, right in per_class.items() if right is not None] == ["Bag"]


# ---------------------------------------------------------------- predict


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


def test_predictions_as_json_agree_with_the_library(cli, shipped, pictures):
    done = cli("predict", "--json", *pictures)
    answers = [json.loads(line) for line in done.out.splitlines()]
    assert done.status == 1  # for some could not be read
    assert [answer["file"] for answer in answers] == [str(path) for path in pictures]
    for path, answer in zip(pictures, answers, strict=True):
        if path.name[0].isdigit():
            assert answer == to_json(str(path), read_picture(shipped, open_picture(path)))
        else:
            assert answer["label"] is answer["name"] is answer["probabilities"] is None
    assert [answer["error"] for answer in answers if answer["error"]] == [
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


def test_status_is_0_when_all_could_be_read(cli, pictures):
    assert cli("predict", pictures[0], pictures[1]).status == 0


def test_bad_weights_are_one_sentence(cli, pictures, tmp_path):
    done = cli("predict", "--weights", tmp_path, pictures[0])
    assert (done.status, done.out) == (1, "")
    assert done.err == f"{tmp_path} holds no config.json, expected one that names the architecture.\n"


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
    for part in ("train", "test"):
        assert torch.equal(getattr(one, part).pixels, getattr(other, part).pixels)
        assert torch.equal(getattr(one, part).labels, getattr(other, part).labels)


def test_sprite_is_written_as_a_picture(cli, tiny, tmp_path):
    done = cli("data", "sprite", "--data", tiny.folder, "--out", tmp_path / "new" / "s.png")
    assert done.status == 0
    with Image.open(tmp_path / "new" / "s.png") as picture:
        assert picture.format == "PNG"
        assert (np.asarray(picture) == np.asarray(dataset.sprite(tiny.splits["train"]))).all()


def test_samples_are_made_from_the_data_that_was_found(cli, tiny, monkeypatch):
    made = []
    monkeypatch.setattr(dataset, "save_samples", made.append)
    assert cli("data", "samples", "--data", tiny.folder).status == 0
    assert torch.equal(made[0].train.pixels, tiny.splits["train"].pixels)


def test_samples_are_made_from_the_published_files_alone(cli, csv, monkeypatch):
    monkeypatch.setattr(dataset, "save_samples", lambda data: pytest.fail("the shipped samples were replaced"))
    done = cli("data", "samples", "--data", csv)
    assert done.status == 1
    assert done.err.startswith("The samples are made from the four published files, not from ")


def test_download_says_where_the_files_are(cli, tmp_path, monkeypatch):
    monkeypatch.setattr(dataset, "download_files", lambda: tmp_path)
    assert cli("data", "download").out == f"All four files are in {tmp_path}.\n"


# ---------------------------------------------------------------- layers


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_layers_are_those_of_the_table(cli, architecture):
    done = cli("layers", "--architecture", architecture)
    network = Network(architecture)
    lines = done.out.splitlines()
    assert done.status == 0
    assert lines[1].split() == ["input", "1x28x28", "0"]
    for line, row in zip(lines[2:-1], layer_table(network), strict=True):
        name, kind, *filters, output, parameters = line.split()
        assert (name, kind, output) == (row.name, row.kind, "x".join(map(str, row.shape)))
        assert parameters == f"{row.parameters:,}"
        pairs = [pair for pair in (row.f, row.p, row.s) if pair]
        assert filters == [str(a) if a == b else f"{a}x{b}" for a, b in pairs]
    assert lines[-1].split() == ["all", f"{network.parameter_count:,}"]


def test_layers_with_two_different_directions_show_both(cli, monkeypatch):
    uneven = {"conv": nn.Conv2d(1, 3, kernel_size=(7, 3), stride=2, padding=(0, 1))}
    monkeypatch.setitem(ARCHITECTURES, "uneven", lambda: OrderedDict(uneven))
    done = cli("layers", "--architecture", "uneven", "--height", 20)
    assert done.out.splitlines()[2].split() == ["conv", "Conv2d", "7x3", "0x1", "2", "3x7x14", "66"]


def test_layers_of_an_input_that_is_too_small(cli):
    done = cli("layers", "--height", 12, "--width", 40)
    assert done.status == 1
    assert "\nconv1" in done.out  # what can be worked out is shown
    assert done.err == "The filter is 7 wide, but the input with its padding only 3.\n"


# ---------------------------------------------------------------- as a program


def test_reader_that_has_enough_is_no_error(python):
    # Output that is read no further, with the buffer that a pipe has and without one.
    program = """
import os, subprocess, sys
for unbuffered in ("", "1"):
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([sys.executable, "-m", "fmnist_core", "layers"], stdout=write, stderr=subprocess.PIPE,
                          env=os.environ | {"PYTHONUNBUFFERED": unbuffered})
    os.close(write)
    print(done.returncode, done.stderr)
"""
    assert python("-c", program).stdout == "0 b''\n0 b''\n"


def test_output_of_any_encoding(python, tmp_path):
    (tmp_path / "\u5199.png").write_bytes(b"words")
    program = f"""
import os, subprocess, sys
for arguments in (["layers", "--help"], ["predict", os.path.join({str(tmp_path)!r}, "\\u5199.png")]):
    done = subprocess.run([sys.executable, "-m", "fmnist_core", *arguments], capture_output=True,
                          env=os.environ | {{"PYTHONIOENCODING": "cp1252"}})
    print(done.returncode, done.stderr, done.stdout)
"""
    first, second = python("-c", program).stdout.splitlines()
    assert first.startswith("0 b''")
    assert r"O = \\u230a(n - f + 2p) / s\\u230b + 1" in first
    assert second.startswith("1 b''")
    assert r"\\u5199.png is not a picture" in second


def test_program_ends_with_the_status(python, pictures):
    done = python("-m", "fmnist_core", "predict", "--json", pictures[0], pictures[2])
    assert done.returncode == 1
    assert [json.loads(line)["error"] is None for line in done.stdout.splitlines()] == [True, False]
    assert json.loads(done.stdout.splitlines()[0])["name"] in CLASS_NAMES
    assert done.stderr == ""
