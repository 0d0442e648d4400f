"""``python app.py``, as one starts it."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import gradio
import httpx
import pytest
import torch

from demo.limits import SETTINGS

ROOT = Path(__file__).parent.parent
DEADLINE = 300.0  # seconds: only for a machine that hangs


@pytest.fixture
def environment(tmp_path):
    """Of a process that finds nothing outside this repository, and puts its files under ``tmp_path``."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    dropped = ("FMNIST_DATA", "GRADIO_SERVER_NAME", "GRADIO_SERVER_PORT", "GRADIO_TEMP_DIR", "GRADIO_ROOT_PATH")
    others = {name: value for name, value in os.environ.items() if name not in dropped}
    return others | {"TMPDIR": str(temporary), "HF_HUB_OFFLINE": "1", "PYTHONUNBUFFERED": "1"}


@pytest.fixture
def app(environment):
    """``app("--help")`` runs the program to its end."""

    def run(*arguments, **variables):
        return subprocess.run(
            [sys.executable, "app.py", *map(str, arguments)],
            cwd=ROOT, env=environment | variables, capture_output=True, text=True, check=False, timeout=DEADLINE,
        )  # fmt: skip

    return run


@pytest.fixture
def started(environment, tmp_path):
    """``started("--port", 7860)`` starts the program and waits until it says where the page is."""
    processes = []

    def start(*arguments, **variables):
        with (tmp_path / "out.txt").open("wb") as out, (tmp_path / "err.txt").open("wb") as err:
            process = subprocess.Popen(
                [sys.executable, "app.py", *map(str, arguments)],
                cwd=ROOT, env=environment | variables, stdout=out, stderr=err,
            )  # fmt: skip
        processes.append(process)
        deadline = time.monotonic() + DEADLINE
        while not (told := re.search(r"^The page is at (\S+)$", (tmp_path / "out.txt").read_text(), re.MULTILINE)):
            assert process.poll() is None, (tmp_path / "err.txt").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        return SimpleNamespace(
            process=process,
            url=told[1],
            err=lambda: (tmp_path / "err.txt").read_text(),
            files=lambda: sorted(path.name for path in Path(environment["TMPDIR"]).glob("fmnist-page-*")),
        )

    yield start
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.wait(DEADLINE)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def facts_of(app):
    """What the page asks for first: the answer waits until all is loaded."""
    return httpx.post(f"{app.url}actions/facts", json={"visitor": "a" * 32}, timeout=DEADLINE).json()


def test_help(app):
    done = app("--help")
    assert done.returncode == 0
    assert done.stderr == ""
    for option in ("--host", "--port", "--weights", "--data", *(f"--{name.replace('_', '-')}" for name in SETTINGS)):
        assert option in done.stdout


@pytest.mark.parametrize("arguments", [["--nonsense"], ["--port", "x"], ["extra"]])
def test_wrong_option(app, arguments):
    done = app(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "usage:" in done.stderr
    assert "Traceback" not in done.stderr


def refused(done):
    """The one sentence with which the program ended."""
    assert done.returncode == 1
    assert done.stdout == ""
    (sentence,) = done.stderr.splitlines()
    assert sentence.endswith(".")
    assert "Traceback" not in sentence
    return sentence


@pytest.fixture
def main(monkeypatch, capsys):
    """``main("--data", "x")`` is ``app`` without a process of its own: many times faster."""
    import app

    terminate, threads, interval = signal.getsignal(signal.SIGTERM), torch.get_num_threads(), sys.getswitchinterval()
    monkeypatch.delenv("FMNIST_DATA", raising=False)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["app.py", *map(str, arguments)])
        status = app.main()
        out, err = capsys.readouterr()
        return SimpleNamespace(returncode=status, stdout=out, stderr=err)

    yield run
    signal.signal(signal.SIGTERM, terminate)
    torch.set_num_threads(threads)
    sys.setswitchinterval(interval)


def test_a_limit_that_cannot_work(main, monkeypatch):
    assert refused(main("--visitors", "0")) == "Visitors: 0 is out of range, expected 1 or more."
    monkeypatch.setenv("FMNIST_TRAINING", "me")
    assert refused(main()) == "Training: 'me' is not known, expected everyone or nobody."


def test_a_temporary_folder_that_is_full(main, monkeypatch):
    def mkdtemp(*_, **__):
        raise FileNotFoundError(2, "No usable temporary directory found in ['/tmp', '/app']")

    monkeypatch.setattr(tempfile, "mkdtemp", mkdtemp)
    done = main("--data", "samples")
    assert done.returncode == 1
    assert done.stderr.startswith("The page cannot be made: ")
    assert "No usable temporary directory" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_bad_weights(app, tmp_path):
    none = tmp_path / "none" / "there"
    assert f"no folder {none}" in refused(app("--weights", none, "--data", "samples"))


def test_bad_data(app, tmp_path):
    none = tmp_path / "none"
    assert f"no folder or file {none}" in refused(app("--data", none))


@pytest.mark.parametrize("case", ["empty folder", "file", "truncated", "other network"])
def test_weights_that_are_none(main, tmp_path, case):
    shipped = ROOT / "weights" / "deep"
    weights = tmp_path / "weights"
    shutil.copytree(shipped, weights)
    contents = (shipped / "model.safetensors").read_bytes()
    if case == "empty folder":
        (weights / "config.json").unlink()
        words = "config.json"
    elif case == "file":
        weights, words = shipped / "model.safetensors", "is a file"
    elif case == "truncated":
        (weights / "model.safetensors").write_bytes(contents[:-100])
        words = "truncated"
    else:
        (weights / "config.json").write_text('{"architecture": "resnet"}')
        words = "'resnet'"
    sentence = refused(main("--weights", weights, "--data", "samples"))
    assert words in sentence
    assert str(weights) in sentence


def test_shipped_weights_that_are_damaged(main, tmp_path, monkeypatch):
    """They are read after the page is served; the program ends all the same, and so does every request."""
    import app

    weights = tmp_path / "deep"
    shutil.copytree(ROOT / "weights" / "deep", weights)
    (weights / "model.safetensors").write_bytes(b"")
    monkeypatch.setattr(app, "WEIGHTS", weights)
    others = set(gradio.Blocks.get_instances())  # which other tests still ask
    done = main("--host", "127.0.0.1", "--port", free_port(), "--data", "samples")
    for blocks in set(gradio.Blocks.get_instances()) - others:
        blocks.close(verbose=False)
    assert done.returncode == 1
    assert done.stdout.startswith("The page is at http://127.0.0.1:")
    assert "truncated" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_data_that_is_none(main, tmp_path, monkeypatch):
    (tmp_path / "empty").mkdir()
    assert "does not hold" in refused(main("--data", tmp_path / "empty"))
    monkeypatch.setenv("FMNIST_DATA", str(tmp_path / "none"))
    assert f"no folder or file {tmp_path / 'none'}" in refused(main())


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT], ids=["terminated", "interrupted"])
def test_page_is_served_until_the_program_is_ended(started, sign):
    port = free_port()
    if sign == signal.SIGTERM:
        weights = ROOT / "weights" / "original"
        app = started("--host", "127.0.0.1", "--port", port, "--data", "samples", "--weights", weights)
    else:
        variables = {"GRADIO_SERVER_NAME": "127.0.0.1", "GRADIO_SERVER_PORT": str(port), "FMNIST_TRAINING": "nobody"}
        app = started("--data", "samples", **variables)
    assert app.url == f"http://127.0.0.1:{port}/"
    reply = httpx.get(app.url, timeout=DEADLINE)
    assert reply.status_code == 200
    (folder,) = app.files()
    facts = facts_of(app)
    assert facts["training"]["isOpen"] is (sign == signal.SIGTERM)  # the host's limits arrive
    networks = [each["id"] for each in facts["networks"]]
    assert networks == (["original", "deep"] if sign == signal.SIGTERM else ["deep", "original"])
    huge = httpx.post(f"{app.url}actions/answer", content=bytes(31 * 2**20), timeout=DEADLINE)
    assert (huge.status_code, huge.json()) == (413, {"error": "The request is larger than 30 MB."})
    sheet = facts["samples"]["sheet"]
    assert sheet.endswith(f"/{folder}/samples.png")
    assert httpx.get(app.url + sheet, timeout=DEADLINE).content.startswith(b"\x89PNG")
    app.process.send_signal(sign)
    assert app.process.wait(DEADLINE) == 0
    assert app.files() == []
    assert "Traceback" not in app.err()
    with pytest.raises(httpx.ConnectError):
        httpx.get(app.url, timeout=DEADLINE)


def test_host_with_a_gpu_on_demand_is_shown_a_function_for_it(app, tmp_path):
    # Hugging Face's ZeroGPU refuses a program that has none; its package is there only.
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages" / "spaces.py").write_text("def GPU(function):\n    print('a GPU for', function.__name__)\n")
    # The data are not there, so that it ends by itself.
    done = app("--data", tmp_path / "none", PYTHONPATH=str(tmp_path / "packages"), SPACES_ZERO_GPU="true")
    assert done.stdout == "a GPU for accelerator\n"
    assert done.returncode == 1


def test_a_port_that_is_taken_is_one_sentence(app):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = app("--host", "127.0.0.1", "--port", port, "--data", "samples")
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].startswith(f"The page cannot be served on port {port}: ")
    assert "Traceback" not in done.stderr
