"""Embeddings as files: what other programs read in them is what the network makes of the images."""

import csv
import json

import numpy as np
import pytest
import torch
from networks import new
from PIL import Image

from fmnist_core import checkpoint, projection
from fmnist_core.dataset import Split
from fmnist_core.embedding_files import (
    COLUMNS,
    CSV_FILE,
    JSON_FILE,
    METADATA_FILE,
    PBTXT_FILE,
    SPRITE_FILE,
    TENSORS_FILE,
    save_embedding,
    sprite_of,
)
from fmnist_core.projection import Projection


@pytest.fixture(scope="module")
def images(samples):
    return samples.test.take(torch.arange(7, 57))


@pytest.fixture(scope="module")
def mapped(original, images):
    return projection.fit(original, images)


@pytest.fixture(scope="module")
def folder(original, images, mapped, tmp_path_factory):
    folder = tmp_path_factory.mktemp("embedding")
    save_embedding(original, images, mapped, folder)
    return folder


def rows_of(file, delimiter):
    with file.open(encoding="utf-8", newline="") as opened:
        head, *rows = csv.reader(opened, delimiter=delimiter)
    return head, rows


def test_the_tensors_are_the_embeddings_to_the_last_bit(folder, mapped):
    read = np.loadtxt(folder / TENSORS_FILE, delimiter="\t", dtype=np.float32)
    assert (read == mapped.embeddings.numpy()).all()


def test_the_metadata_is_what_is_known_of_each_image(folder, original, images, mapped):
    head, rows = rows_of(folder / METADATA_FILE, "\t")
    assert head == list(COLUMNS)
    for (label, prediction, correct, number), index in zip(rows, range(len(images)), strict=True):
        assert original.class_names.index(label) == images.labels[index]
        assert original.class_names.index(prediction) == mapped.predictions[index]
        assert (correct == "yes") == (label == prediction)
        assert int(number) == images.numbers[index]
    assert {row[2] for row in rows} == {"yes", "no"}


@pytest.mark.parametrize("count", [1, 48, 49, 50])
def test_the_sprite_holds_the_images_row_by_row(images, count):
    some = images.take(torch.arange(count))
    sheet = np.asarray(sprite_of(some))
    columns = sheet.shape[1] // 28
    assert sheet.shape == (28 * columns, 28 * columns)
    assert (columns - 1) ** 2 < count <= columns**2
    for index in range(columns**2):
        row, column = divmod(index, columns)
        tile = sheet[28 * row : 28 * row + 28, 28 * column : 28 * column + 28]
        assert (tile == (some.pixels[index].numpy() if index < count else 0)).all()


def test_the_configurations_name_the_files(folder, original, images, mapped, tmp_path):
    (config,) = json.loads((folder / JSON_FILE).read_text())["embeddings"]
    assert config["tensorShape"] == list(mapped.embeddings.shape)
    assert config["sprite"]["singleImageDim"] == [28, 28]
    named = (config["tensorPath"], config["metadataPath"], config["sprite"]["imagePath"])
    assert named == (TENSORS_FILE, METADATA_FILE, SPRITE_FILE)
    text = (folder / PBTXT_FILE).read_text()
    assert all(f'"{name}"' in text for name in named)
    with Image.open(folder / SPRITE_FILE) as sprite:
        assert sprite.size == (8 * 28, 8 * 28)
    for address in ("https://example.org/x", "https://example.org/x/"):
        save_embedding(original, images, mapped, tmp_path, address)
        (config,) = json.loads((tmp_path / JSON_FILE).read_text())["embeddings"]
        assert config["tensorPath"] == f"https://example.org/x/{TENSORS_FILE}"
        assert config["sprite"]["imagePath"] == f"https://example.org/x/{SPRITE_FILE}"


@pytest.mark.parametrize("layout", ["pca", "tsne"])
def test_the_table_has_the_place_of_each_image(original, images, mapped, tmp_path, layout):
    tsne = torch.randn(len(images), 2)
    if layout == "tsne":
        mapped = Projection(mapped.embeddings, mapped.predictions, mapped.mean, mapped.axes, tsne)
    save_embedding(original, images, mapped, tmp_path)
    head, rows = rows_of(tmp_path / CSV_FILE, ",")
    assert head == ["x", "y", *COLUMNS]
    assert [row[2:] for row in rows] == rows_of(tmp_path / METADATA_FILE, "\t")[1]
    places = torch.tensor([[float(value) for value in row[:2]] for row in rows])
    assert torch.equal(places, tsne if layout == "tsne" else mapped.pca)


def test_names_of_ones_own_stay_one_field(samples, tmp_path):
    names = [f'Kleid, "lang" {number}' for number in range(10)]
    network, some = new("original", class_names=names), samples.test.take(torch.arange(20))
    save_embedding(network, some, projection.fit(network, some), tmp_path)
    for file, delimiter, column in ((METADATA_FILE, "\t", 0), (CSV_FILE, ",", 2)):
        rows = rows_of(tmp_path / file, delimiter)[1]
        assert [row[column] for row in rows] == [names[label] for label in some.labels.tolist()]


def test_the_command_writes_them_and_says_what_opens_them(cli, tmp_path, samples, original, monkeypatch):
    some = samples.test.take(torch.arange(30))
    monkeypatch.setattr("fmnist_core.dataset.load", lambda *where, **options: type(samples)(samples.train, some, "few"))
    checkpoint.save(original, tmp_path / "weights")
    done = cli("embedding", tmp_path / "weights", "--out", tmp_path / "out", "--layout", "pca")
    assert done.status == 0
    assert f"embedding-atlas {tmp_path / 'out' / CSV_FILE} --x x --y y" in done.out
    assert len(rows_of(tmp_path / "out" / CSV_FILE, ",")[1]) == 30
    checkpoint.save(new("original", class_names=["Hemd", "Hose"]), tmp_path / "two")
    assert "knows 2 classes, expected 10" in cli("embedding", tmp_path / "two", "--out", tmp_path / "out").err


def test_without_images_there_is_nothing_to_write():
    assert sprite_of(Split.of(torch.zeros(0, 28, 28, dtype=torch.uint8), torch.zeros(0, dtype=torch.int64))).size == (
        0,
        0,
    )
