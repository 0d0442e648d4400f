"""What the tests share: data, networks, the command line, and what a missing piece means.

A test that needs something that is not on every machine (the full data set, a browser) calls ``skip_or_fail``: it is
skipped with a reason on a person's machine and fails in CI, where everything has to be there.
"""

import gzip
import hashlib
import io
import os
import signal
import socket
import subprocess
import sys
import tempfile
from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import configuration, settings
from PIL import Image, ImageDraw

from fmnist_core import checkpoint, dataset, explain, projection
from fmnist_core.__main__ import main
from fmnist_core.dataset_formats import format_idx

ROOT = Path(__file__).parent.parent

# The same examples on every run and nothing left behind; no deadline, for machines are slow in their own ways.
settings.register_profile("repeatable", derandomize=True, database=None, deadline=None, max_examples=40)
settings.load_profile("repeatable")


def pytest_configure():
    torch.set_num_threads(1)  # for networks this small, threads that wait for a busy core cost more than they bring
    configuration.set_hypothesis_home_dir(Path(tempfile.gettempdir()) / "hypothesis")
    # A shell's background jobs ignore Ctrl-C, and so would the programs that tests start.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _skip_or_fail(reason):
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason} In CI this must be there.", pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def skip_or_fail():
    """``skip_or_fail(reason)``: skip this test, or fail it in CI."""
    return _skip_or_fail


@pytest.fixture(scope="session")
def full_folder():
    """A folder with the four published files, packed or not."""
    named = os.environ.get("FMNIST_DATA")
    places = [Path(named)] if named else []
    for place in (*places, ROOT / "data" / "FashionMNIST" / "raw", Path("/usr/share/datasets/fashion-mnist")):
        names = [file.name for file in dataset.IDX_FILES.values()]
        if all((place / name).is_file() or (place / f"{name}.gz").is_file() for name in names):
            return place
    return _skip_or_fail("The full data set is not here (Debian: apt install dataset-fashion-mnist).")


@pytest.fixture(scope="session")
def full_data(full_folder):
    """All 70,000 images."""
    return dataset.load(full_folder)


@pytest.fixture(scope="session")
def samples():
    """The shipped samples, 10,000 and 2,000."""
    return dataset.load(dataset.SAMPLES)


@pytest.fixture(scope="session")
def few(samples):
    """300 training images, 30 of each class, the classes by turns."""
    order = torch.cat([(samples.train.labels == label).nonzero()[:30, 0] for label in range(10)])
    return samples.train.take(order.reshape(10, 30).T.reshape(-1))


@pytest.fixture(scope="session")
def shipped():
    """The shipped default network; no test may change it."""
    return checkpoint.load(ROOT / "weights" / "deep")


@pytest.fixture(scope="session")
def original():
    """The shipped original network; no test may change it."""
    return checkpoint.load(ROOT / "weights" / "original")


@pytest.fixture
def tiny(tmp_path, monkeypatch, samples):
    """A small data set in four IDX files, which stand for the published ones; ``write`` puts other bytes in one."""
    folder = tmp_path / "idx"
    folder.mkdir()
    splits = {"train": samples.train.take(torch.arange(50)), "test": samples.test.take(torch.arange(20))}
    files = {}
    for (part, what), file in dataset.IDX_FILES.items():
        array = getattr(splits[part], what).numpy().astype(np.uint8)
        contents = format_idx(array)
        packed = gzip.compress(contents, mtime=0)
        (folder / f"{file.name}.gz").write_bytes(packed)
        sums = [hashlib.md5(raw, usedforsecurity=False).hexdigest() for raw in (packed, contents)]
        files[part, what] = dataset.IdxFile(file.name, len(array), file.dimensions, *sums)
    monkeypatch.setattr(dataset, "IDX_FILES", files)

    def contents_of(key):
        return gzip.decompress((folder / f"{files[key].name}.gz").read_bytes())

    def write(key, raw, suffix=".gz"):
        (folder / f"{files[key].name}.gz").unlink(missing_ok=True)
        (folder / f"{files[key].name}{suffix}").write_bytes(raw)

    return SimpleNamespace(folder=folder, files=files, splits=splits, contents_of=contents_of, write=write)


@pytest.fixture
def cli(capsys):
    """``cli("evaluate", "--json")`` runs a command; gives its status, output and error output."""

    def run(*arguments):
        capsys.readouterr()
        status = main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return SimpleNamespace(status=status, out=out, err=err)

    return run


@pytest.fixture(scope="session")
def python():
    """``python("-c", ...)`` runs a fresh interpreter in the root of the repository."""

    def run(*arguments, **options):
        return subprocess.run(
            [sys.executable, *map(str, arguments)], cwd=ROOT, capture_output=True, text=True, check=False, **options
        )

    return run


@pytest.fixture(scope="session")
def trousers():
    """A picture as a visitor draws it on the pad: dark trousers on white paper."""
    picture = Image.new("RGB", (224, 224), "white")
    corners = [(70, 15), (150, 15), (160, 210), (125, 210), (112, 70), (98, 210), (64, 210)]
    ImageDraw.Draw(picture).polygon(corners, fill="#111111")
    return picture


@pytest.fixture(scope="session")
def file_of():
    """``file_of(picture, "PNG", ...)``: the contents of a picture file."""

    def contents(picture, kind="PNG", **options):
        buffer = io.BytesIO()
        picture.save(buffer, kind, **options)
        return buffer.getvalue()

    return contents


@pytest.fixture(scope="session")
def shipped_session(shipped, samples):
    """The network that answers a visitor of the page at first, with its map and its top activations."""
    return _session("deep", shipped, samples.test)


@pytest.fixture(scope="session")
def original_session(original, samples):
    """The other shipped network, which a visitor may choose."""
    return _session("original", original, samples.test)


def _session(name, network, samples):
    from demo.session import Session

    folder = ROOT / "weights" / name
    cache = {"top_activations": explain.load(folder, network)}
    return Session(network, projection.load(folder, network, samples), id=name, name=name, cache=cache)


@pytest.fixture(scope="session")
def remaining(samples, full_folder, tmp_path_factory):
    """The test images that are not shipped, as the page has them."""
    from demo.remaining_images import RemainingImages

    return RemainingImages(samples.test, full_folder, tmp_path_factory.mktemp("static"))


@pytest.fixture(scope="session")
def launch_page(tmp_path_factory):
    """``launch_page(**changes)`` serves a page on a free port; gives ``url``, ``handlers`` and places."""
    from demo.loading import load_handlers
    from demo.page import build_page, launch

    uploads = tmp_path_factory.mktemp("uploads")
    launched = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(uploads))

        def start(**changes):
            static = tmp_path_factory.mktemp("static")
            handlers = Future()
            handlers.set_result(load_handlers(ROOT / "weights" / "deep", dataset.SAMPLES, static))
            page = build_page(handlers, static)
            for name, value in changes.items():
                setattr(page.blocks, name, value)
            with socket.create_server(("127.0.0.1", 0)) as free:
                port = free.getsockname()[1]
            url = launch(page, "127.0.0.1", port)
            launched.append(page.blocks)
            return SimpleNamespace(
                url=url, static=static, uploads=uploads, blocks=page.blocks, handlers=handlers.result()
            )

        yield start
        for blocks in launched:
            blocks.close(verbose=False)


@pytest.fixture(scope="session")
def served_page(launch_page):
    """The page, served to all tests that only look at it."""
    return launch_page()
