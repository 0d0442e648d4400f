import csv
import gzip
import io
import re
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fmnist_core import dataset_formats
from fmnist_core.dataset_formats import CSV_COLUMNS, format_idx, parse_idx, read_bytes, read_csv, write_csv
from fmnist_core.errors import DatasetError

IMAGES = np.random.default_rng(0).integers(0, 256, (5, 28, 28), dtype=np.uint8)
LABELS = np.array([9, 0, 3, 3, 7], np.uint8)


# ---------------------------------------------------------------- IDX


@given(hnp.arrays(np.uint8, hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=9)))
def test_idx_round_trip(array):
    contents = format_idx(array)
    back = parse_idx(contents, "a", array.ndim)
    assert back.shape == array.shape
    assert back.dtype == np.uint8
    assert (back == array).all()
    assert format_idx(back) == contents


def test_idx_is_what_torchvision_reads(tmp_path):
    from torchvision.datasets import mnist

    (tmp_path / "images").write_bytes(format_idx(IMAGES))
    (tmp_path / "labels").write_bytes(format_idx(LABELS))
    assert (mnist.read_image_file(str(tmp_path / "images")).numpy() == IMAGES).all()
    assert mnist.read_label_file(str(tmp_path / "labels")).tolist() == LABELS.tolist()


def test_idx_header_is_the_documented_one():
    assert format_idx(IMAGES)[:16].hex() == "00000803000000050000001c0000001c"
    assert format_idx(LABELS).hex() == "00000801000000050900030307"


@given(st.integers(0, 5 * 784 + 15))
def test_truncated_idx_is_refused_wherever_it_ends(length):
    with pytest.raises(DatasetError, match=r"^images-file ") as caught:
        parse_idx(format_idx(IMAGES)[:length], "images-file", 3)
    text = str(caught.value)
    if length < 16:
        assert f"is truncated: it holds {length} bytes, its header alone has 16" in text
    else:
        assert f"holds {length - 16:,} bytes after its header, expected 3,920 (5x28x28)" in text


def test_too_long_idx_is_refused():
    with pytest.raises(DatasetError, match=r"labels-file holds 6 bytes after its header, expected 5 \(5\)\."):
        parse_idx(format_idx(LABELS) + b"\0", "labels-file", 1)


@pytest.mark.parametrize(
    ("contents", "dimensions", "sentence"),
    [
        (format_idx(LABELS) * 9, 3, "the magic number 2049 (labels), expected 2051 (images)"),
        (format_idx(IMAGES), 1, "the magic number 2051 (images), expected 2049 (labels)"),
        (b"PKXX" + bytes(100), 3, "the magic number 1347115096, expected 2051 (images)"),
        # Signed bytes, of the same sizes: type 9 instead of 8.
        (b"\0\0\x09" + format_idx(IMAGES)[3:], 3, "the magic number 2307, expected 2051 (images)"),
    ],
)
def test_idx_of_another_kind_is_refused_with_both_magic_numbers(contents, dimensions, sentence):
    with pytest.raises(DatasetError) as caught:
        parse_idx(contents, "it", dimensions)
    assert str(caught.value) == f"it has {sentence}."


def test_gzip_is_detected_by_its_contents_not_by_its_name(tmp_path):
    (tmp_path / "packed").write_bytes(gzip.compress(b"hello"))
    (tmp_path / "raw.gz").write_bytes(b"hello")
    assert read_bytes(tmp_path / "packed") == read_bytes(tmp_path / "raw.gz") == b"hello"


def test_truncated_or_altered_gzip_is_refused(tmp_path):
    path = tmp_path / "images.gz"
    whole = gzip.compress(format_idx(IMAGES))
    for length in [2, 3, 9, 10, 11, *range(20, len(whole), 97), len(whole) - 8, len(whole) - 1]:
        path.write_bytes(whole[:length])
        with pytest.raises(DatasetError, match=r"images\.gz is truncated or damaged: .* expected a whole file\."):
            read_bytes(path)
    for place in (len(whole) // 2, len(whole) - 6):  # a byte of the contents, a byte of their checksum
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        with pytest.raises(DatasetError, match=r"images\.gz is truncated or damaged"):
            read_bytes(path)


def test_unreadable_file_is_named(tmp_path):
    with pytest.raises(DatasetError, match=r"nowhere\.gz cannot be read: No such file or directory\."):
        read_bytes(tmp_path / "nowhere.gz")
    with pytest.raises(DatasetError, match=r"cannot be read: Is a directory\."):
        read_bytes(tmp_path)


# ---------------------------------------------------------------- CSV


@pytest.fixture
def written(tmp_path):
    path = tmp_path / "t.csv"
    write_csv(path, IMAGES, LABELS)
    return path


def test_csv_round_trip(written, tmp_path):
    pixels, labels = read_csv(written)
    assert (pixels == IMAGES).all()
    assert labels.tolist() == LABELS.tolist()
    write_csv(tmp_path / "again.csv", pixels, labels)
    assert (tmp_path / "again.csv").read_bytes() == written.read_bytes()


def test_csv_is_what_other_readers_read(written):
    table = np.loadtxt(written, delimiter=",", skiprows=1, dtype=np.int64)
    assert (table[:, 0] == LABELS).all()
    with written.open(newline="") as file:
        rows = list(csv.DictReader(file))
    for i, j in ((0, 0), (0, 27), (3, 5), (27, 27)):
        # Pixel x = i * 28 + j, counted from 0, is the column pixel{x + 1}.
        assert [int(row[f"pixel{i * 28 + j + 1}"]) for row in rows] == IMAGES[:, i, j].tolist()
        assert (table[:, 1 + i * 28 + j] == IMAGES[:, i, j]).all()


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: b"\xef\xbb\xbf" + raw,
        lambda raw: raw.replace(b"\n", b"\r\n"),
        lambda raw: b"\xef\xbb\xbf" + raw.replace(b"\n", b"\r\n"),
        lambda raw: raw.rstrip(b"\n"),
        lambda raw: raw + b"\n\n",
        lambda raw: raw.replace(b"label,", b'"label",', 1),
        lambda raw: re.sub(rb"(\w+)", rb'"\1"', raw),
        lambda raw: re.sub(rb"(\b\d+)", rb"\1.0", raw),
        lambda raw: re.sub(rb"\b(\d+)", rb"\1.000000000000000000e+00", raw),
        lambda raw: raw.replace(b",", b", "),
        lambda raw: raw + b"   \r\n",
        lambda raw: raw.replace(b",", b";"),
        lambda raw: raw.replace(b",", b"\t"),
        lambda raw: raw.decode().replace(",", "\t").encode("utf-16"),
        gzip.compress,
        lambda raw: zipped(("t.csv", raw), ("read me.txt", b"hello"), ("__MACOSX/._t.csv", b"\0")),
    ],
    ids=[
        "BOM",
        "CRLF",
        "BOM and CRLF",
        "no last newline",
        "empty last lines",
        "quoted header",
        "quoted",
        "decimal points",
        "exponents",
        "blanks",
        "blank last line",
        "semicolons",
        "tabs",
        "UTF-16",
        "gzip",
        "zip",
    ],
)
def test_csv_variants_that_mean_the_same(written, change):
    written.write_bytes(change(written.read_bytes()))
    pixels, labels = read_csv(written)
    assert (pixels == IMAGES).all()
    assert labels.tolist() == LABELS.tolist()


def zipped(*files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, contents in files:
            archive.writestr(name, contents)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda raw: gzip.compress(gzip.compress(raw)), "t.csv is a gzip file packed with gzip, expected a CSV file."),
        (lambda raw: gzip.compress(b"<!DOCTYPE html><html>"), "t.csv is an HTML page packed with gzip, expected a CSV"),
        (lambda raw: zipped(("a.csv", b"%PDF-1.7")), "t.csv is a PDF document in a zip archive, expected a CSV file."),
        (lambda raw: zipped(("a.txt", raw)), "of which one CSV file was expected, found none."),
        (lambda raw: zipped(("a.csv", raw), ("b.csv", raw)), "one CSV file was expected, found 'a.csv', 'b.csv'."),
        (lambda raw: gzip.compress(raw)[:-9], "t.csv is truncated or damaged: it cannot be unpacked."),
        (
            lambda raw: zipped(("a.csv", raw))[:900],
            "t.csv is a zip archive of which one CSV file was expected, found none",
        ),
    ],
)
def test_packed_file_that_cannot_be_read_is_named(written, change, sentence):
    written.write_bytes(change(written.read_bytes()))
    with pytest.raises(DatasetError, match=re.escape(sentence)):
        read_csv(written)


def test_packed_file_is_not_unpacked_without_end(tmp_path, monkeypatch):
    monkeypatch.setattr(dataset_formats, "MAX_IDX_BYTES", 2**20)
    for contents in (bytes(2**20 + 1), gzip.compress(bytes(10**7))):
        (tmp_path / "bomb.gz").write_bytes(contents)
        with pytest.raises(DatasetError, match=r"^bomb\.gz holds more than 1 MB, expected one of the four files\.$"):
            read_bytes(tmp_path / "bomb.gz")
    (tmp_path / "whole.gz").write_bytes(gzip.compress(bytes(2**20)))
    assert len(read_bytes(tmp_path / "whole.gz")) == 2**20
    (tmp_path / "twice.gz").write_bytes(gzip.compress(gzip.compress(b"hello")))
    with pytest.raises(DatasetError, match="is packed twice, a gzip file in a gzip file: unpack it once"):
        read_bytes(tmp_path / "twice.gz")


def test_csv_of_endless_lines_is_refused_where_they_begin(written, monkeypatch):
    raw = written.read_bytes()
    header = raw.split(b"\n")[0] + b"\n"
    for contents, sentence in (
        (b"label," * 10_000, "t.csv, line 1: "),
        (header + b"0," * 20_000, "t.csv, line 2: over 32,768 characters, expected 785 numbers."),
        (raw + b"\n" * 100, "t.csv has more than 50 lines, which is more than is read here."),
    ):
        monkeypatch.setattr(dataset_formats, "MAX_CSV_IMAGES", 50)
        written.write_bytes(contents)
        with pytest.raises(DatasetError) as caught:
            read_csv(written)
        assert str(caught.value).startswith(sentence)
        assert len(str(caught.value)) < 120


def edit(path, line, column, value):
    """Put ``value`` into a line and column, both counted from 1."""
    lines = path.read_text().split("\n")
    fields = lines[line - 1].split(",")
    fields[column - 1] = value
    lines[line - 1] = ",".join(fields)
    path.write_text("\n".join(lines))


@pytest.mark.parametrize(
    ("line", "column", "value", "sentence"),
    [
        (2, 785, "abc", "line 2, column 785 (pixel784): 'abc', expected a whole number 0..255."),
        (3, 5, "256", "line 3, column 5 (pixel4): '256', expected a whole number 0..255."),
        (3, 5, "-1", "line 3, column 5 (pixel4): '-1', expected a whole number 0..255."),
        (6, 2, "1.5", "line 6, column 2 (pixel1): '1.5', expected a whole number 0..255."),
        (4, 100, "", "line 4, column 100 (pixel99): '', expected a whole number 0..255."),
        (4, 100, "7" * 90, f"line 4, column 100 (pixel99): '{'7' * 20}…', expected a whole number 0..255."),
        (5, 1, "10", "line 5, column 1 (label): 10, expected a class number 0..9."),
        (5, 1, "-1", "line 5, column 1 (label): '-1', expected a class number 0..9."),
        (5, 1, "Bag", "line 5, column 1 (label): 'Bag', expected a class number 0..9."),
        (1, 1, "class", "line 1, column 1: 'class', expected the name label."),
        (1, 785, "pixel785", "line 1, column 785: 'pixel785', expected the name pixel784."),
        (1, 2, "pixel0", "line 1, column 2: 'pixel0', expected the name pixel1."),
        (3, 4, "1,2", "line 3: 786 columns, expected 785."),
    ],
)
def test_bad_csv_value_is_named_with_its_place(written, line, column, value, sentence):
    edit(written, line, column, value)
    with pytest.raises(DatasetError) as caught:
        read_csv(written)
    assert str(caught.value) == f"t.csv, {sentence}"


@given(
    st.integers(2, 6),
    st.integers(1, 785),
    st.text(st.characters(exclude_characters=",\r\n", exclude_categories=["Cs"]), max_size=6).filter(
        lambda text: not re.fullmatch(r'[" \t]*[0-9]+(\.[0-9]*)?(e[+-]?[0-9]{1,2})?[" \t]*', text, re.I)
    ),
)
def test_whatever_is_no_whole_number_up_to_255_is_refused_where_it_stands(tmp_path_factory, line, column, value):
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    write_csv(path, IMAGES, LABELS)
    lines = path.read_bytes().split(b"\n")
    fields = lines[line - 1].split(b",")
    fields[column - 1] = value.encode()
    path.write_bytes(b"\n".join([*lines[: line - 1], b",".join(fields), *lines[line:]]))
    with pytest.raises(DatasetError, match=rf"^t\.csv, line {line}, column {column} \("):
        read_csv(path)


def test_bytes_that_are_no_text_are_refused_where_they_stand(written):
    lines = written.read_bytes().split(b"\n")
    lines[2] = lines[2][:-1] + b"\xff"
    written.write_bytes(b"\n".join(lines))
    with pytest.raises(DatasetError, match=r"t\.csv, line 3, column 785 \(pixel784\)"):
        read_csv(written)


def test_csv_of_784_columns_is_refused(written):
    header, *rows = written.read_text().splitlines()
    without_label = "\n".join(line.split(",", 1)[1] for line in (header, *rows))
    written.write_text(without_label)
    with pytest.raises(DatasetError, match=r"t\.csv, line 1: 784 columns, expected 785 \(label, pixel1 \.\. pixel784"):
        read_csv(written)
    written.write_text("\n".join([header, rows[0], rows[1].rsplit(",", 1)[0]]))
    with pytest.raises(DatasetError, match=r"t\.csv, line 3: 784 columns, expected 785\."):
        read_csv(written)


def test_csv_without_rows_header_or_file_is_refused(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(",".join(CSV_COLUMNS) + "\n")
    with pytest.raises(DatasetError, match=r"t\.csv has a header but no rows, expected at least one image\."):
        read_csv(path)
    path.write_bytes(b"")
    with pytest.raises(DatasetError, match=r"t\.csv, line 1: 1 columns, expected 785"):
        read_csv(path)
    path.unlink()
    with pytest.raises(DatasetError, match=r"t\.csv cannot be read: No such file or directory\."):
        read_csv(path)


def test_csv_without_header_is_refused(written):
    written.write_text("\n".join(written.read_text().split("\n")[1:]))
    with pytest.raises(DatasetError, match=r"t\.csv, line 1, column 1: '9', expected the name label\."):
        read_csv(written)
