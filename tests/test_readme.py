"""What the README and the model cards say can be done, can be done."""

import importlib
import re
import shlex
import shutil
from pathlib import Path

import pytest
from PIL import Image

from benchmarks import pictures
from fmnist_core import checkpoint
from fmnist_core.__main__ import build_parser
from fmnist_core.inference import read_pixels

ROOT = Path(__file__).parent.parent
TEXTS = [ROOT / "README.md", *sorted((ROOT / "weights").glob("*/README.md"))]
NAMING = [*TEXTS, ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md"]  # benchmarks
BENCHMARKS = sorted(file.stem for file in (ROOT / "benchmarks").glob("[a-z]*.py"))


def blocks(text, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("file", TEXTS, ids=lambda file: file.parent.name)
def test_what_is_linked_is_there(file):
    for place in re.findall(r"\]\((?!https?:)([^)#]+)\)", file.read_text()):
        assert (file.parent / place).exists(), place


@pytest.mark.parametrize("file", TEXTS, ids=lambda file: file.parent.name)
def test_commands_are_understood(file):
    text = file.read_text()
    commands = re.findall(r"python -m fmnist_core ([^\n#`]*)", "\n".join(blocks(text, "bash")).replace("\\\n", ""))
    commands += [each.replace("\n", " ") for each in re.findall(r"`python -m\s+fmnist_core ([^`]+)`", text)]
    assert commands
    for command in commands:
        build_parser().parse_args(shlex.split(command.replace("$seed", "0")))


def test_the_lines_for_a_library_work(monkeypatch, capsys, tmp_path):
    (code,) = (block for block in blocks((ROOT / "README.md").read_text(), "python") if "fmnist_core" in block)
    shutil.copy(ROOT / "docs" / "screenshot.png", tmp_path / "picture.png")
    (tmp_path / "weights").symlink_to(ROOT / "weights")
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), {})
    assert "torch.Size([1, 32, 28, 28])" in capsys.readouterr().out


@pytest.mark.parametrize("name", BENCHMARKS)
def test_benchmarks_are_named_and_can_be_run(name, monkeypatch, capsys):
    assert any(
        f"benchmarks.{name}" in file.read_text() for file in [*TEXTS, ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md"]
    )
    module = importlib.import_module(f"benchmarks.{name}")
    monkeypatch.setattr("sys.argv", [name, "--help"])
    with pytest.raises(SystemExit) as end:
        module.main()
    assert end.value.code == 0
    assert "usage: " in capsys.readouterr().out


def test_pictures_recognised_are_counted_by_category(tmp_path, samples):
    """Test images as pictures: what the network says of them is known."""
    network = checkpoint.load(ROOT / "weights" / "deep")
    (tmp_path / "few").mkdir()
    lines = ["file,labels,category"]
    for number, (category, is_recognised) in enumerate([("many", True)] * 3 + [("many", False), ("single", True)]):
        Image.fromarray(samples.test.pixels[number].numpy()).save(tmp_path / "few" / f"{number}.png")
        predicted = read_pixels(network, samples.test.pixels[number]).label
        labels = f"{predicted}|{(predicted + 1) % 10}" if is_recognised else str((predicted + 1) % 10)
        lines.append(f"{number}.png,{labels},{category}")
    (tmp_path / "few.csv").write_text("\n".join(lines) + "\n")
    rows = pictures.read_manifest(tmp_path / "few.csv")
    pixels = pictures.prepared(rows, pictures.ours)
    assert (pixels == samples.test.pixels[:5]).all()
    assert pictures.recognised(network, pixels, rows) == pytest.approx((3 / 4 + 1) / 2)
    many, single = 4 * 2 / 6**3, 2 * 1 / 3**3
    assert pictures.standard_error(network, pixels, rows) == pytest.approx((many + single) ** 0.5 / 2)
