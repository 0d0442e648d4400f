from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from PIL import Image

from demo import payloads
from demo.remaining_images import RemainingImages
from fmnist_core import dataset
from fmnist_core.errors import DatasetError


def test_samples_and_remaining_images_are_all_test_images(remaining, samples, full_folder):
    images, whole = remaining.images(), dataset.load_test(full_folder)
    assert remaining.count == len(images) == len(whole) - len(samples.test)
    assert images.numbers.tolist() == sorted(set(range(len(whole))) - set(samples.test.numbers.tolist()))
    assert torch.equal(images.pixels, whole.pixels[images.numbers])
    assert torch.equal(images.labels, whole.labels[images.numbers])


def test_each_remaining_image_has_its_place_in_the_sheet(remaining):
    images = remaining.images()
    sheet = np.asarray(Image.open(remaining.sheet))
    for index in (0, 49, 50, len(images) - 1):
        left, top = 28 * (index % payloads.SHEET_COLUMNS), 28 * (index // payloads.SHEET_COLUMNS)
        assert (sheet[top : top + 28, left : left + 28] == images.pixels[index].numpy()).all()


def test_they_are_read_once_and_only_when_asked_for(samples, full_folder, tmp_path, monkeypatch):
    read = []
    load_test = dataset.load_test
    monkeypatch.setattr(dataset, "load_test", lambda folder: read.append(folder) or load_test(folder))
    remaining = RemainingImages(samples.test, full_folder, tmp_path)
    assert remaining.count == 8000
    assert not read
    assert not remaining.sheet.exists()
    with ThreadPoolExecutor(4) as pool:
        images = list(pool.map(lambda _: remaining.images(), range(8)))
    assert read == [full_folder]
    assert all(each is images[0] for each in images)


def test_samples_may_be_in_any_order(samples, full_folder, remaining, tmp_path):
    shuffled = samples.test.take(torch.arange(len(samples.test)).flip(0))
    images = RemainingImages(shuffled, full_folder, tmp_path).images()
    assert images.numbers.tolist() == remaining.images().numbers.tolist()


def test_test_images_of_another_data_set_are_refused(samples, tiny, tmp_path):
    with pytest.raises(DatasetError, match="not those"):
        RemainingImages(samples.test, tiny.folder, tmp_path).images()


def test_without_the_data_set_there_are_none(samples, tmp_path):
    remaining = RemainingImages(samples.test, "samples", tmp_path)
    assert remaining.count == 0
    with pytest.raises(DatasetError, match="shipped"):
        remaining.images()


def test_csv_files_are_not_the_published_test_images(samples, tmp_path):
    for name in dataset.CSV_PAIRS[0]:
        (tmp_path / name).touch()
    remaining = RemainingImages(samples.test, tmp_path, tmp_path)
    assert remaining.count == 0
    with pytest.raises(DatasetError, match="shipped"):
        remaining.images()


def test_a_download_that_ends_later_is_found(samples, full_folder, tmp_path, monkeypatch):
    place = None
    monkeypatch.setattr(dataset, "find", lambda where: place)
    remaining = RemainingImages(samples.test, None, tmp_path)
    assert remaining.count == 0
    place = full_folder
    assert remaining.count == 8000
