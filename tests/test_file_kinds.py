"""Every reader says what it was given in place of its own kind of file."""

import gzip
import io
import pickle
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from safetensors.torch import save as to_safetensors
from torch import zeros

from fmnist_core import checkpoint, dataset
from fmnist_core.dataset_formats import format_idx, parse_idx, read_csv
from fmnist_core.errors import CheckpointError, DatasetError, PictureError
from fmnist_core.file_kinds import HEAD, file_kind
from fmnist_core.preparation import open_picture

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a21\nsize 12345\n"


def zipped():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("fashion-mnist_test.csv", "label,pixel1\n")
    return buffer.getvalue()


def npy():
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(3))
    return buffer.getvalue()


def picture(format):
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, format)
    return buffer.getvalue()


FILES = {
    "an HTML page": b"\xef\xbb\xbf  <!DOCTYPE html>\n<html><title>404</title></html>",
    "an XML file": b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>',
    "an SVG drawing": b'<?xml version="1.0"?>\n<!-- made by hand -->\n<svg xmlns="http://www.w3.org/2000/svg"/>',
    "a gzip file": gzip.compress(b"label"),
    "a zip archive": zipped(),
    "a Git LFS pointer, which stands for a file that was not fetched (git lfs pull fetches it)": POINTER,
    "a Python pickle, which is never loaded here": pickle.dumps({"layers.out.bias": [1.0, 2.0]}),
    "a NumPy array": npy(),
    "an IDX file": format_idx(np.zeros((2, 28, 28), np.uint8)),
    "a safetensors file": to_safetensors({"a": zeros(3)}),
    "a HEIC photo": b"\0\0\0\x18ftypheic" + bytes(100),
    "a video": b"\0\0\0\x18ftypisom" + bytes(100),
    "a PDF document": b"%PDF-1.7\n",
    "a PNG picture": picture("PNG"),
    "a JPEG picture": picture("JPEG"),
    "a GIF picture": picture("GIF"),
    "a BMP picture": picture("BMP"),
    "a TIFF picture": picture("TIFF"),
    "a WebP picture": picture("WEBP"),
}
NO_PICTURES = {kind: contents for kind, contents in FILES.items() if not kind.endswith("picture")}


@pytest.mark.parametrize(("kind", "contents"), FILES.items(), ids=FILES)
def test_kinds(kind, contents):
    assert file_kind(contents) == file_kind(contents[:HEAD]) == kind


@pytest.mark.parametrize(
    "contents", [b"", b"label,pixel1,pixel2\n", b'{"architecture": "deep"}', b"text", bytes(1000), b"<3", b"a < b"]
)
def test_what_is_not_known_is_not_guessed(contents):
    assert file_kind(contents) is None


@given(st.binary(max_size=600))
def test_any_bytes_have_a_kind_or_none(contents):
    kind = file_kind(contents)
    assert kind is None or kind.split()[0] in ("a", "an")


@pytest.mark.parametrize("kind", NO_PICTURES)
def test_a_picture_reader_names_it(kind):
    with pytest.raises(PictureError) as refused:
        open_picture(NO_PICTURES[kind], "shirt.png")
    assert str(refused.value).startswith(f"shirt.png is {kind}")


@pytest.mark.parametrize("kind", [each for each in FILES if each != "an IDX file"])
def test_an_idx_reader_names_it(kind):
    with pytest.raises(DatasetError) as refused:
        parse_idx(FILES[kind], "t10k-images-idx3-ubyte", 3)
    assert str(refused.value) == f"t10k-images-idx3-ubyte is {kind}, expected an IDX file."


@pytest.mark.parametrize("kind", [kind for kind in FILES if kind not in ("a gzip file", "a zip archive")])  # are read
def test_a_csv_reader_names_it(kind, tmp_path):
    (tmp_path / "train.csv").write_bytes(FILES[kind])
    with pytest.raises(DatasetError) as refused:
        read_csv(tmp_path / "train.csv")
    assert str(refused.value) == f"train.csv is {kind}, expected a CSV file."


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize(
    ("name", "own", "expected"),
    [("config.json", "", "a JSON file"), ("model.safetensors", "a safetensors file", "a safetensors file")],
)
def test_a_reader_of_weights_names_it(original, tmp_path, kind, name, own, expected):
    checkpoint.save(original, tmp_path)
    if kind == own:
        return
    (tmp_path / name).write_bytes(FILES[kind])
    with pytest.raises(CheckpointError) as refused:
        checkpoint.load(tmp_path)
    assert str(refused.value) == f"{tmp_path / name} is {kind}, expected {expected}."


def test_a_reader_of_samples_names_it(tmp_path, monkeypatch):
    monkeypatch.setattr(dataset, "SAMPLES_FILE", tmp_path / "samples.npz")
    (tmp_path / "samples.npz").write_bytes(POINTER)
    with pytest.raises(DatasetError, match=r"samples\.npz, is a Git LFS pointer"):
        dataset.load_samples()
