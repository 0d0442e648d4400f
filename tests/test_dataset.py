import gzip
import hashlib
import itertools
import math
import socket
import zipfile
from http.client import BadStatusLine
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fmnist_core import dataset
from fmnist_core.dataset import IDX_FILES, Split, batches, download_files, sprite
from fmnist_core.dataset_formats import format_idx, write_csv
from fmnist_core.errors import DatasetError

KEYS = list(IDX_FILES)
PUBLISHED_TIME = {"train": 1504176606, "test": 1504176627}  # in the headers of the published .gz files


def same(one, other):
    return all(torch.equal(getattr(one, name), getattr(other, name)) for name in ("pixels", "labels", "numbers"))


# ---------------------------------------------------------------- the published files


def test_whole_data_set_is_what_torchvision_reads(full_data, full_folder, tmp_path):
    from torchvision.datasets import FashionMNIST

    raw = tmp_path / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    for file in IDX_FILES.values():
        packed = full_folder / f"{file.name}.gz"
        contents = gzip.decompress(packed.read_bytes()) if packed.is_file() else (full_folder / file.name).read_bytes()
        (raw / file.name).write_bytes(contents)
    for split, train in ((full_data.train, True), (full_data.test, False)):
        theirs = FashionMNIST(str(tmp_path), train=train)
        assert torch.equal(split.pixels, theirs.data)
        assert torch.equal(split.labels, theirs.targets)
        assert torch.equal(split.numbers, torch.arange(len(theirs)))
    # Raw files, as torchvision leaves them, are found and accepted like packed ones.
    assert same(dataset.load(raw).train, full_data.train)


def test_whole_data_set_has_as_many_images_of_each_class(full_data):
    assert torch.bincount(full_data.train.labels).tolist() == [6000] * 10
    assert torch.bincount(full_data.test.labels).tolist() == [1000] * 10
    assert "70,000" in full_data.source


@pytest.mark.parametrize("key", KEYS, ids=lambda key: "-".join(key))
def test_our_checksums_belong_to_the_published_files(full_folder, key):
    # Debian's files are the published ones with another gzip header: with the published header put back, the
    # checksum of the published file comes out, so that their contents are the published contents.
    file = IDX_FILES[key]
    path = full_folder / f"{file.name}.gz"
    if not path.is_file():
        pytest.skip("The files here are unpacked.")
    packed = path.read_bytes()
    assert hashlib.md5(gzip.decompress(packed)).hexdigest() == file.md5_contents
    if hashlib.md5(packed).hexdigest() != file.md5_published:
        header = b"\x1f\x8b\x08\x08" + PUBLISHED_TIME[key[0]].to_bytes(4, "little") + b"\x00\x03"
        packed = header + file.name.encode() + b"\0" + packed[10:]
    assert hashlib.md5(packed).hexdigest() == file.md5_published


def test_recompressed_file_is_accepted_and_an_altered_one_refused(full_folder, tmp_path, full_data):
    for path in full_folder.glob("*-ubyte*"):
        (tmp_path / path.name).symlink_to(path)
    file = IDX_FILES["test", "labels"]
    contents = format_idx(full_data.test.labels.numpy().astype(np.uint8))
    path = tmp_path / f"{file.name}.gz"
    path.unlink(missing_ok=True)
    path.write_bytes(gzip.compress(contents, 1))
    assert dataset.read_published(tmp_path, file).tolist() == full_data.test.labels.tolist()
    altered = bytearray(contents)
    altered[5000] ^= 1
    path.write_bytes(gzip.compress(bytes(altered)))
    with pytest.raises(DatasetError, match=f"{file.name}.gz is not the published file: .* {file.md5_contents} "):
        dataset.load(tmp_path)


# ---------------------------------------------------------------- refusals, with small files that stand for them


def test_small_files_are_loaded(tiny):
    data = dataset.load(tiny.folder)
    for name in ("train", "test"):
        read, given_ = getattr(data, name), tiny.splits[name]
        assert torch.equal(read.pixels, given_.pixels)
        assert torch.equal(read.labels, given_.labels)
        assert read.numbers.tolist() == list(range(len(given_)))
    assert str(tiny.folder) in data.source


def test_test_images_can_be_loaded_alone(tiny):
    expected = dataset.load(tiny.folder).test
    for key in (("train", "pixels"), ("train", "labels")):
        tiny.write(key, b"never read")
    assert same(dataset.load_test(tiny.folder), expected)


def test_folder_of_idx_files_is_published_and_csv_files_and_samples_are_not(tiny, tmp_path):
    assert dataset.is_published(tiny.folder)
    for name in ("train.csv", "test.csv"):
        (tmp_path / name).touch()
        assert not dataset.is_published(tmp_path / name)
    assert not dataset.is_published(tmp_path)
    assert not dataset.is_published(None)


@pytest.mark.parametrize("key", KEYS, ids=lambda key: "-".join(key))
@pytest.mark.parametrize("packing", ["raw", "stored", "best", "raw named gz"])
def test_any_packing_of_the_same_contents_is_accepted(tiny, key, packing):
    before = dataset.load(tiny.folder)
    contents = tiny.contents_of(key)
    packed = {"stored": gzip.compress(contents, 0), "best": gzip.compress(contents, 9)}.get(packing, contents)
    tiny.write(key, packed, "" if packing == "raw" else ".gz")
    after = dataset.load(tiny.folder)
    assert same(after.train, before.train)
    assert same(after.test, before.test)


@pytest.mark.parametrize("end", ["", ".gz"])
def test_files_may_be_named_with_a_dot(tiny, end):
    expected = dataset.load(tiny.folder)
    for key, file in tiny.files.items():
        contents = tiny.contents_of(key)
        (tiny.folder / f"{file.name}.gz").unlink()
        dotted = tiny.folder / (file.name.replace("-idx", ".idx") + end)
        dotted.write_bytes(gzip.compress(contents) if end else contents)
    found = dataset.load(tiny.folder)
    assert same(found.train, expected.train)
    assert same(found.test, expected.test)


@pytest.mark.parametrize("inside", ["raw", "FashionMNIST/raw"])
def test_torchvisions_root_can_be_named(tiny, tmp_path, inside):
    root = tmp_path / "root"
    (root / inside).parent.mkdir(parents=True)
    tiny.folder.rename(root / inside)
    assert dataset.find(root) == root / inside
    assert torch.equal(dataset.load(root).test.pixels, tiny.splits["test"].pixels)


@pytest.mark.parametrize("key", KEYS, ids=lambda key: "-".join(key))
def test_missing_file_is_named(tiny, key):
    name = tiny.files[key].name
    (tiny.folder / f"{name}.gz").unlink()
    with pytest.raises(DatasetError) as caught:
        dataset.load(tiny.folder)
    assert str(caught.value) == (
        f"The folder {tiny.folder} does not hold {name} (raw or .gz), nor train.csv and test.csv."
    )
    with pytest.raises(DatasetError, match=rf"{name} \(raw or \.gz\) is missing in"):
        dataset.read_published(tiny.folder, tiny.files[key])


@pytest.mark.parametrize("key", KEYS, ids=lambda key: "-".join(key))
def test_truncated_file_is_named(tiny, key):
    file, contents = tiny.files[key], tiny.contents_of(key)
    packed = gzip.compress(contents)
    tiny.write(key, packed[: len(packed) // 2])
    with pytest.raises(DatasetError, match=rf"^{file.name}\.gz is truncated or damaged"):
        dataset.load(tiny.folder)
    (tiny.folder / f"{file.name}.gz").unlink()
    tiny.write(key, contents[:-7], "")
    header = 4 + 4 * file.dimensions
    with pytest.raises(
        DatasetError,
        match=rf"^{file.name} holds {len(contents) - 7 - header:,} bytes .* expected {len(contents) - header:,} \(",
    ):
        dataset.load(tiny.folder)
    tiny.write(key, b"", "")
    with pytest.raises(DatasetError, match=rf"^{file.name} is truncated: it holds 0 bytes"):
        dataset.load(tiny.folder)


@pytest.mark.parametrize("split", ["train", "test"])
def test_images_and_labels_swapped_are_noticed(tiny, split):
    images, labels = tiny.contents_of((split, "pixels")), tiny.contents_of((split, "labels"))
    tiny.write((split, "pixels"), gzip.compress(labels))
    name = tiny.files[split, "pixels"].name
    with pytest.raises(DatasetError, match=rf"{name}\.gz has the magic number 2049 \(labels\), expected 2051 \(images"):
        dataset.load(tiny.folder)
    tiny.write((split, "pixels"), gzip.compress(images))
    tiny.write((split, "labels"), gzip.compress(images))
    name = tiny.files[split, "labels"].name
    with pytest.raises(DatasetError, match=rf"{name}\.gz has the magic number 2051 \(images\), expected 2049 \(labels"):
        dataset.load(tiny.folder)


@pytest.mark.parametrize(("what", "word"), [("pixels", "images"), ("labels", "labels")])
def test_training_and_test_files_swapped_are_noticed(tiny, what, word):
    train, test = tiny.contents_of(("train", what)), tiny.contents_of(("test", what))
    tiny.write(("test", what), gzip.compress(train))
    with pytest.raises(DatasetError, match=rf"{tiny.files['test', what].name}\.gz holds 50 {word}, expected 20\."):
        dataset.load(tiny.folder)
    tiny.write(("train", what), gzip.compress(test))
    with pytest.raises(DatasetError, match=rf"{tiny.files['train', what].name}\.gz holds 20 {word}, expected 50\."):
        dataset.load(tiny.folder)


@pytest.mark.parametrize("key", KEYS, ids=lambda key: "-".join(key))
@pytest.mark.parametrize("place", [-1, 20])
def test_one_altered_byte_is_noticed(tiny, key, place):
    altered = bytearray(tiny.contents_of(key))
    altered[place] ^= 1
    tiny.write(key, gzip.compress(bytes(altered)))
    file, found = tiny.files[key], hashlib.md5(altered).hexdigest()
    with pytest.raises(DatasetError) as caught:
        dataset.load(tiny.folder)
    assert str(caught.value) == (
        f"{file.name}.gz is not the published file: the MD5 sum of its contents is {found}, "
        f"expected {file.md5_contents} (the published .gz has {file.md5_published})."
    )


# ---------------------------------------------------------------- where it is looked for


@pytest.fixture
def nowhere(monkeypatch, tmp_path):
    """A machine without the data set."""
    monkeypatch.delenv("FMNIST_DATA", raising=False)
    monkeypatch.setattr(dataset, "DOWNLOAD_ROOT", tmp_path / "data")
    monkeypatch.setattr(dataset, "DEBIAN_FOLDER", tmp_path / "debian")
    monkeypatch.setattr(dataset, "download_files", lambda: pytest.fail("nobody asked for a download"))


def test_without_the_data_set_the_samples_are_loaded(nowhere, samples):
    assert dataset.find() is None
    data = dataset.load()
    assert same(data.test, samples.test)
    assert data.source == "10,000 training and 2,000 test images shipped with the program"


def test_places_are_tried_in_their_order(nowhere, tiny, tmp_path, monkeypatch):
    def put(folder):
        folder.mkdir(parents=True)
        for path in tiny.folder.iterdir():
            (folder / path.name).write_bytes(path.read_bytes())
        return folder

    debian = put(tmp_path / "debian")
    assert dataset.find() == debian
    torchvisions = put(tmp_path / "data" / "FashionMNIST" / "raw")
    assert dataset.find() == torchvisions
    assert str(torchvisions) in dataset.load(download=True).source
    variable = put(tmp_path / "variable")
    monkeypatch.setenv("FMNIST_DATA", str(variable))
    assert dataset.find() == variable
    assert str(variable) in dataset.load().source
    assert str(tiny.folder) in dataset.load(tiny.folder).source
    monkeypatch.setenv("FMNIST_DATA", "samples")
    assert len(dataset.load().test) == 2000
    monkeypatch.setenv("FMNIST_DATA", "")  # empty is as good as not there
    assert dataset.find() == torchvisions
    # A folder that holds three of the four files is passed over.
    next(torchvisions.iterdir()).unlink()
    assert dataset.find() == debian


@pytest.mark.parametrize("packing", ["packed", "raw"])
def test_a_download_that_was_cut_off_is_passed_over_and_told(nowhere, tiny, tmp_path, packing, samples):
    def put(folder):
        folder.mkdir(parents=True)
        for path in tiny.folder.iterdir():
            contents = path.read_bytes()
            name, contents = (path.stem, gzip.decompress(contents)) if packing == "raw" else (path.name, contents)
            (folder / name).write_bytes(contents)
        return folder

    torchvisions = put(tmp_path / "data" / "FashionMNIST" / "raw")
    assert dataset.find() == torchvisions
    assert dataset.load().source.endswith(f"from {torchvisions}")
    cut = next(torchvisions.glob("train-images*"))
    cut.write_bytes(cut.read_bytes()[:-100])
    assert dataset.find() is None
    debian = put(tmp_path / "debian")
    assert dataset.find() == debian
    assert dataset.load().source == (
        f"all 70,000 images of Fashion-MNIST, from {debian} ({cut} is cut off or damaged and was passed over; "
        "`data download` fetches it again)"
    )
    with pytest.raises(DatasetError) as caught:  # a place that somebody named is not passed over
        dataset.load(torchvisions)
    assert str(caught.value).endswith(f" ({cut}; delete it, and `data download` fetches it).")


def test_of_a_cut_file_and_a_whole_one_the_whole_one_is_read(tiny):
    packed = next(tiny.folder.glob("train-images*"))
    contents = packed.read_bytes()
    packed.with_suffix("").write_bytes(gzip.decompress(contents))
    packed.write_bytes(contents[:1000])
    assert len(dataset.load(tiny.folder).train) == 50


def test_named_place_that_is_wrong_is_refused_and_not_passed_over(nowhere, tmp_path, monkeypatch):
    with pytest.raises(DatasetError) as caught:
        dataset.load(tmp_path / "gone")
    assert str(caught.value) == (
        f"There is no folder or file {tmp_path / 'gone'}; expected one that holds Fashion-MNIST."
    )
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("FMNIST_DATA", str(tmp_path / "empty"))
    with pytest.raises(DatasetError, match=r"empty does not hold train-images-idx3-ubyte, train-labels-idx1-ubyte, "):
        dataset.load()


def test_home_folder_is_understood(tiny, monkeypatch):
    monkeypatch.setenv("HOME", str(tiny.folder.parent))
    assert str(tiny.folder) in dataset.load("~/idx").source


def test_home_folder_of_an_unknown_user_is_no_place(nowhere):
    with pytest.raises(DatasetError, match=r"There is no folder or file ~nobody\.here/data; expected one that holds"):
        dataset.load("~nobody.here/data")


def test_download_is_tried_only_where_there_is_nothing_else(nowhere, tiny, monkeypatch, samples):
    monkeypatch.setattr(dataset, "download_files", lambda: tiny.folder)
    assert str(tiny.folder) in dataset.load(download=True).source

    def fail():
        raise DatasetError("It could not be downloaded: no network")

    monkeypatch.setattr(dataset, "download_files", fail)
    data = dataset.load(download=True)
    assert same(data.train, samples.train)
    assert data.source.endswith("shipped with the program (It could not be downloaded: no network)")


@pytest.fixture
def torchvisions(monkeypatch):
    """``torchvisions(error)`` makes torchvision's download write a file and then fail, or write all four."""
    import torchvision.datasets

    timeouts = []

    def replace(error=None):
        class FashionMNIST:
            def __init__(self, root, train, download):
                assert download
                timeouts.append(socket.getdefaulttimeout())
                raw = Path(root) / "FashionMNIST" / "raw"
                raw.mkdir(parents=True)
                for file in IDX_FILES.values():
                    (raw / file.name).write_bytes(file.name.encode())
                    if error:
                        raise error

        monkeypatch.setattr(torchvision.datasets, "FashionMNIST", FashionMNIST)
        return timeouts

    return replace


@pytest.mark.parametrize(
    ("error", "ending"),
    [
        (RuntimeError("Error downloading x:\nTried http://x, got:\n<urlopen error timed out>\n"), "timed out>"),
        (PermissionError(13, "Permission denied", "data"), "[Errno 13] Permission denied: 'data'"),
        (ConnectionResetError(), "ConnectionResetError"),
        (BadStatusLine("please log in"), "please log in"),
    ],
    ids=["network", "disk", "without a message", "no web server"],
)
def test_failed_download_is_one_sentence_and_leaves_nothing(torchvisions, tmp_path, error, ending):
    timeouts = torchvisions(error)
    before = socket.getdefaulttimeout()
    with pytest.raises(DatasetError) as caught:
        download_files(tmp_path)
    text = str(caught.value)
    assert text.startswith("Fashion-MNIST could not be downloaded: ")
    assert text.endswith(ending)
    assert "\n" not in text
    assert timeouts == [dataset.DOWNLOAD_TIMEOUT]  # a silent network ends it, too
    assert socket.getdefaulttimeout() == before
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_download_into_a_place_that_cannot_be_written(torchvisions, tmp_path):
    torchvisions()
    (tmp_path / "file").touch()
    with pytest.raises(DatasetError, match="could not be downloaded: "):
        download_files(tmp_path / "file" / "data")


def test_download_puts_the_files_where_find_looks(torchvisions, tmp_path, nowhere, monkeypatch):
    torchvisions()
    folder = download_files(dataset.DOWNLOAD_ROOT)
    monkeypatch.setattr(dataset.IdxFile, "size", property(lambda file: len(file.name)))
    assert folder == dataset.find()
    assert {path.name: path.read_text() for path in folder.iterdir()} == {
        file.name: file.name for file in IDX_FILES.values()
    }
    assert [path.name for path in dataset.DOWNLOAD_ROOT.iterdir()] == ["FashionMNIST"]


# ---------------------------------------------------------------- CSV


@pytest.mark.parametrize("names", dataset.CSV_PAIRS, ids=["as on Kaggle", "as we write"])
def test_two_csv_files_are_a_data_set(tmp_path, tiny, names):
    for name, split in zip(names, tiny.splits.values(), strict=True):
        write_csv(tmp_path / name, split.pixels.numpy(), split.labels.numpy())
    data = dataset.load(tmp_path)
    idx = dataset.load(tiny.folder)
    assert same(data.train, idx.train)
    assert same(data.test, idx.test)
    assert data.source == f"50 training and 20 test images from the CSV files in {tmp_path}"


def test_kaggles_zip_archive_is_a_data_set(tmp_path, tiny):
    data = dataset.load(tiny.folder)
    with zipfile.ZipFile(tmp_path / "archive.zip", "w") as archive:
        for name, split in (("fashion-mnist_test.csv", data.test), ("fashion-mnist_train.csv", data.train)):
            write_csv(tmp_path / name, split.pixels.numpy(), split.labels.numpy())
            archive.write(tmp_path / name, f"inside/{name}")
    zipped = dataset.load(tmp_path / "archive.zip")
    assert same(zipped.train, data.train)
    assert same(zipped.test, data.test)
    assert zipped.source == "50 training and 20 test images from the CSV files in archive.zip"


@pytest.mark.parametrize("count", [1, 6, 7, 50])
def test_a_sixth_of_one_csv_file_is_held_out_for_testing(tmp_path, samples, count):
    pixels, labels = samples.train.pixels[:count], samples.train.labels[:count]
    write_csv(tmp_path / "one.csv", pixels.numpy(), labels.numpy())
    data = dataset.load(tmp_path / "one.csv")
    assert len(data.test) == math.ceil(count / 6)
    assert sorted(data.train.numbers.tolist() + data.test.numbers.tolist()) == list(range(count))
    for split in (data.train, data.test):
        assert torch.equal(split.pixels, pixels[split.numbers])
        assert torch.equal(split.labels, labels[split.numbers])
    assert data.source == f"{count} images from one.csv, a sixth of them held out for testing"


def test_images_held_out_are_of_all_classes_when_the_rows_go_through_them_in_turn(tmp_path, samples):
    order = samples.train.labels.argsort(stable=True).reshape(10, -1)[:, :30].T.flatten()
    in_turn = samples.train.take(order)
    assert in_turn.labels.tolist() == 30 * list(range(10))
    write_csv(tmp_path / "one.csv", in_turn.pixels.numpy(), in_turn.labels.numpy())
    one, again = (dataset.load(tmp_path / "one.csv").test for _ in range(2))
    assert len(one.labels.unique()) == 10
    assert torch.equal(one.numbers, again.numbers)


def test_a_name_that_no_file_can_have_is_refused():
    with pytest.raises(DatasetError, match="cannot be looked at: File name too long"):
        dataset.find("x" * 300)


def test_a_folder_that_may_not_be_looked_into_holds_nothing(monkeypatch, tmp_path):
    def denied(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "is_file", denied)
    monkeypatch.delenv("FMNIST_DATA", raising=False)
    assert dataset.find() is None
    with pytest.raises(DatasetError, match="does not hold"):
        dataset.find(tmp_path)


def test_bad_csv_in_a_folder_is_named(tmp_path, tiny):
    for name in ("train.csv", "test.csv"):
        write_csv(tmp_path / name, tiny.splits["test"].pixels.numpy(), tiny.splits["test"].labels.numpy())
    with (tmp_path / "test.csv").open("a") as file:
        file.write("1,2,3\n")
    with pytest.raises(DatasetError, match=r"^test\.csv, line 22: 3 columns, expected 785\.$"):
        dataset.load(tmp_path)


# ---------------------------------------------------------------- shipped samples


def test_samples_can_be_made_again_from_the_whole_data_set(full_data, samples, monkeypatch, tmp_path):
    notice = dataset.SAMPLES_FILE.parent / "LICENSE-Fashion-MNIST.txt"
    (tmp_path / notice.name).write_text(notice.read_text())
    monkeypatch.setattr(dataset, "SAMPLES_FILE", tmp_path / "samples.npz")
    monkeypatch.setattr(np, "savez_compressed", np.savez)  # the same, and faster
    dataset.save_samples(full_data)
    again = dataset.load_samples()
    assert same(again.train, samples.train)
    assert same(again.test, samples.test)


# NumPy itself leaves the file open that it found not to be an archive.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("damage", ["missing", "empty", "truncated", "altered", "text", "other arrays", "objects"])
def test_damaged_samples_are_one_sentence(monkeypatch, tmp_path, damage):
    path = tmp_path / "samples.npz"
    whole = dataset.SAMPLES_FILE.read_bytes()
    if damage == "other arrays":
        np.savez(path, a=np.zeros(3))
    elif damage == "objects":
        np.savez(path, train_pixels=np.array([{}]), allow_pickle=True)
    elif damage != "missing":
        half = len(whole) // 2
        altered = whole[:half] + bytes(range(256)) + whole[half + 256 :]
        path.write_bytes(
            {"empty": b"", "truncated": whole[:half], "altered": altered, "text": b"version https"}[damage]
        )
    monkeypatch.setattr(dataset, "SAMPLES_FILE", path)
    with pytest.raises(DatasetError, match=r"^The shipped samples in samples\.npz cannot be read: (?s:.+)\.$"):
        dataset.load(dataset.SAMPLES)


# ---------------------------------------------------------------- splits and batches


def numbered(count):
    """Images that carry their number in their first two pixels."""
    pixels = torch.zeros(count, 28, 28, dtype=torch.uint8)
    pixels[:, 0, 0] = torch.arange(count) // 256
    pixels[:, 0, 1] = torch.arange(count) % 256
    return Split.of(pixels, torch.arange(count) % 10)


@given(st.integers(0, 300), st.integers(1, 120), st.none() | st.integers(0, 9))
def test_batches_hold_every_image_once_with_its_label(count, size, seed):
    split = numbered(count)
    generator = None if seed is None else torch.Generator().manual_seed(seed)
    drawn = list(batches(split, size, generator))
    assert [len(batch) for batch in drawn] == [min(size, count - start) for start in range(0, count, size)]
    numbers = [number for batch in drawn for number in batch.numbers.tolist()]
    assert sorted(numbers) == list(range(count))
    if seed is None:
        assert numbers == list(range(count))
    for batch in drawn:
        assert (batch.pixels[:, 0, 0].long() * 256 + batch.pixels[:, 0, 1]).tolist() == batch.numbers.tolist()
        assert batch.labels.tolist() == (batch.numbers % 10).tolist()


def test_each_epoch_has_its_own_order_and_each_seed_its_own():
    split = numbered(200)

    def orders(seed):
        generator = torch.Generator().manual_seed(seed)
        return [[n for batch in batches(split, 64, generator) for n in batch.numbers.tolist()] for _ in range(3)]

    assert orders(1) == orders(1)
    every = [*orders(1), *orders(2), list(range(200))]
    assert all(one != other for one, other in itertools.combinations(every, 2))


def test_take_keeps_images_labels_and_numbers_together():
    split = numbered(500).take(torch.tensor([300, 2, 499])).take(torch.tensor([2, 0]))
    assert split.numbers.tolist() == [499, 300]
    assert split.pixels[:, 0, :2].tolist() == [[1, 243], [1, 44]]
    assert split.labels.tolist() == [9, 0]
    moved = split.to(torch.device("meta"))
    assert {getattr(moved, name).device.type for name in ("pixels", "labels", "numbers")} == {"meta"}


# ---------------------------------------------------------------- the picture of the data set


def test_sprite_shows_three_rows_of_each_class(samples):
    columns = 7
    sheet = np.asarray(sprite(samples.train, columns))
    assert sheet.shape == (30 * 28, columns * 28)
    for label in range(10):
        members = samples.train.pixels[samples.train.labels == label].numpy()
        for place in range(3 * columns):
            top, left = (3 * label + place // columns) * 28, place % columns * 28
            assert (sheet[top : top + 28, left : left + 28] == members[place]).all()


def test_sprite_leaves_missing_images_black(samples):
    one = samples.train.take((samples.train.labels == 4).nonzero()[:1, 0])
    sheet = np.asarray(sprite(one, 5))
    assert (sheet[12 * 28 : 13 * 28, :28] == one.pixels[0].numpy()).all()
    assert int(sheet.sum()) == int(one.pixels.sum())


def test_loading_does_not_depend_on_the_folder_it_is_run_in(monkeypatch, tmp_path, samples):
    monkeypatch.chdir(tmp_path)
    assert same(dataset.load(dataset.SAMPLES).test, samples.test)
    assert list(Path().iterdir()) == []
