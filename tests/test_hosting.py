"""What the README, SECURITY.md and the Containerfile tell a host, as far as it can be tried without a container."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from concurrent.futures import Future
from pathlib import Path

import gradio as gr
import pytest

from app import build_parser
from demo import page as module
from demo.limits import Limits

ROOT = Path(__file__).parent.parent
SECURITY = (ROOT / "SECURITY.md").read_text()
HOSTING = (ROOT / "README.md").read_text().partition("\n## Hosting\n")[2].partition("\n## ")[0]


# --- SECURITY.md ----------------------------------------------------------------------------------------------------


def test_each_boundary_is_held_by_tests():
    rows = re.findall(r"^\| (\S+ → .+?) \| .+ \| (.+) \|$", SECURITY, re.MULTILINE)
    assert [boundary for boundary, _ in rows] == [
        "visitor → other visitor",
        "visitor → host",
        "page → visitor's browser",
        "file → program",
    ]
    for _, tests in rows:
        files = re.findall(r"`([^`]+)`", tests)
        assert len(files) >= 4
        for file in files:
            assert re.search(r"^def test_", (ROOT / file).read_text(), re.MULTILINE), file


def test_the_files_it_names_are_there():
    for file in re.findall(r"`([\w/]+\.\w+)`|\]\(([^)]+)\)", SECURITY):
        assert (ROOT / "".join(file)).is_file(), file


def test_what_gradio_is_told_not_to_do(monkeypatch, tmp_path):
    """Server-side rendering and a history of runs let visitors read files in Gradio 6.27 to 6.31 (CVE-2026-134825)."""
    told = {}

    def launch(blocks, **options):
        told.update(options)
        return None, "http://127.0.0.1:7860/", None

    monkeypatch.setattr(gr.Blocks, "launch", launch)
    limits = Limits(upload_megabytes=3)
    module.launch(module.build_page(Future(), tmp_path, limits))
    for switch in ("ssr_mode", "run_history", "enable_monitoring", "pwa"):
        assert told[switch] is False
    assert not told.get("share")
    assert not told.get("mcp_server")
    assert told["max_file_size"] == limits.upload_bytes
    assert told["allowed_paths"] == [str(tmp_path)]


# --- the README -----------------------------------------------------------------------------------------------------


def test_its_commands_are_understood():
    commands = re.findall(r"`python app\.py ([^`]+)`", HOSTING)
    assert commands
    for command in commands:
        build_parser().parse_args(shlex.split(command))
    for option in re.findall(r"`(--training [a-z]+)`", HOSTING):
        build_parser().parse_args(option.split())


def test_the_proxy_takes_as_large_a_request_as_the_page():
    (megabytes,) = re.findall(r"client_max_body_size (\d+)m;", HOSTING)
    assert int(megabytes) * 2**20 == Limits().request_bytes


# --- the container --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def instructions():
    """The lines of the Containerfile: (instruction, what follows it)."""
    lines = (ROOT / "Containerfile").read_text().replace("\\\n", " ").splitlines()
    return [tuple(line.split(maxsplit=1)) for line in lines if line and not line.startswith("#")]


def only(instructions, name):
    (rest,) = (rest for instruction, rest in instructions if instruction == name)
    return rest


@pytest.fixture(scope="module")
def image(instructions, tmp_path_factory):
    """The folder that it copies, from what .dockerignore lets through."""
    ignored, *kept = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("**")]
    assert ignored == "*"
    folder = tmp_path_factory.mktemp("image")
    for instruction, rest in instructions:
        if instruction == "COPY":
            *sources, place = rest.split()
            for source in sources:
                assert f"!{source}" in kept
                to = folder / (place if len(sources) == 1 and place != "." else source)
                copy = shutil.copytree if (ROOT / source).is_dir() else shutil.copy
                copy(ROOT / source, to)
    return folder


def test_it_is_built_from_public_registries_alone(instructions):
    base = only(instructions, "FROM")
    version = re.fullmatch(r"docker\.io/library/python:3\.(\d+)-slim", base)[1]
    assert 10 <= int(version) <= 13
    addresses = re.findall(r"https?://\S+", (ROOT / "Containerfile").read_text())
    assert {address.split("/")[2] for address in addresses} == {"download.pytorch.org", "127.0.0.1:7860"}


def test_it_runs_as_nobody_in_particular(instructions):
    assert only(instructions, "USER") == "1000"
    names = [name for name, _ in instructions]
    assert names.index("USER") > max(place for place, name in enumerate(names) if name in ("COPY", "RUN"))


def test_its_command_starts_the_page_from_what_it_copies(instructions, image):
    python, *arguments = json.loads(only(instructions, "CMD"))
    options = build_parser().parse_args(arguments[1:])
    assert (python, arguments[0]) == ("python", "app.py")
    assert (options.host, str(options.port)) == ("0.0.0.0", only(instructions, "EXPOSE"))
    done = subprocess.run([sys.executable, "app.py", "--help"], cwd=image, capture_output=True, text=True, check=False)
    assert "--training-seconds" in done.stdout, done.stderr
    for folder in ("fmnist_core", "demo", "weights"):
        for file in (ROOT / folder).rglob("*.*"):
            assert (image / file.relative_to(ROOT)).exists()


@pytest.mark.parametrize("page", ["health", "none"])
def test_its_health_check_asks_the_page(instructions, served_page, page):
    (command,) = re.findall(r"CMD (\[.+\])$", only(instructions, "HEALTHCHECK"))
    python, option, program = json.loads(command)
    assert (python, option) == ("python", "-c")
    program = program.replace("http://127.0.0.1:7860/", served_page.url).replace("health", page)
    done = subprocess.run([sys.executable, option, program], capture_output=True, check=False)
    assert (done.returncode == 0) is (page == "health")
