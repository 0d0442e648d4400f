from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from PIL import Image

from demo import payloads
from demo.full_test_set import Others
from fmnist_core import dataset
from fmnist_core.errors import DatasetError


def test_samples_and_others_are_all_test_images(others, samples, full_data):
    images = others.images()
    assert others.count == len(images) == 8000
    assert images.numbers.tolist() == sorted(set(range(10_000)) - set(samples.test.numbers.tolist()))
    assert torch.equal(images.pixels, full_data.test.pixels[images.numbers])
    assert torch.equal(images.labels, full_data.test.labels[images.numbers])
    sheet = np.asarray(Image.open(others.sheet))
    for index in (0, 49, 50, 7999):
        left, top = 28 * (index % figures.SHEET_COLUMNS), 28 * (index // figures.SHEET_COLUMNS)
        assert (sheet[top : top + 28, left : left + 28] == images.pixels[index].numpy()).all()


def test_others_are_read_once_and_only_when_asked(samples, full_folder, tmp_path, monkeypatch):
    read = []
    load_test = dataset.load_test
    monkeypatch.setattr(dataset, "load_test", lambda folder: read.append(folder) or load_test(folder))
    others = Others(samples.test, full_folder, tmp_path)
    assert others.count == 8000
    assert not read
    assert not others.sheet.exists()
    with ThreadPoolExecutor(4) as pool:
        images = list(pool.map(lambda _: others.images(), range(8)))
    assert read == [full_folder]
    assert all(each is images[0] for each in images)


def test_test_images_of_another_data_set_are_refused(samples, tiny, tmp_path):
    with pytest.raises(DatasetError, match="not those"):
        Others(samples.test, tiny.folder, tmp_path).images()


def test_without_the_data_set_there_are_none(samples, tmp_path):
    here = Others(samples.test, "samples", tmp_path)
    assert here.count == 0
    with pytest.raises(DatasetError, match="shipped"):
        here.images()


def test_csv_files_are_not_the_published_test_images(samples, tmp_path):
    for name in dataset.CSV_PAIRS[0]:
        (tmp_path / name).touch()
    here = Others(samples.test, tmp_path, tmp_path)
    assert here.count == 0
    with pytest.raises(DatasetError, match="shipped"):
        here.images()


def test_a_download_that_ends_later_is_found(samples, full_folder, tmp_path, monkeypatch):
    place = None
    monkeypatch.setattr(dataset, "find", lambda where: place)
    here = Others(samples.test, None, tmp_path)
    assert here.count == 0
    place = full_folder
    assert here.count == 8000
