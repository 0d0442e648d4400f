import json
import pkgutil
from pathlib import Path

import pytest
import torch

import fmnist_core
from fmnist_core import errors

LIST_MODULES = "import json, sys, typing; print(json.dumps(sorted(sys.modules)))"


def modules_after(python, *lines):
    """Modules that are there after ``lines``, less those that are there without them."""
    with_lines, without = (python("-W", "ignore", "-c", "\n".join([*program, LIST_MODULES])) for program in (lines, []))
    assert with_lines.returncode == 0, with_lines.stderr
    return set(json.loads(with_lines.stdout)) - set(json.loads(without.stdout))


def test_importing_the_package_loads_nothing_but_itself(python):
    loaded = modules_after(python, "import fmnist_core")
    assert loaded == {"fmnist_core"}


def test_the_core_loads_neither_page_nor_torchvision(python):
    names = [module.name for module in pkgutil.walk_packages(fmnist_core.__path__, "fmnist_core.")]
    names.remove("fmnist_core.__main__")
    assert len(names) >= 30
    modules = modules_after(python, *(f"import {name}" for name in names))
    assert modules >= set(names)
    loaded = {name.split(".")[0] for name in modules}
    assert "torch" in loaded
    assert loaded.isdisjoint({"gradio", "torchvision", "demo", "openTSNE", "sklearn", "spaces", "app"})


def test_pictures_are_prepared_without_torch(python):
    loaded = modules_after(python, "import fmnist_core.preparation")
    assert "torch" not in loaded
    assert "PIL" in loaded


def test_all_errors_have_one_base():
    classes = [value for value in vars(errors).values() if isinstance(value, type)]
    assert len(classes) == 9
    assert all(issubclass(value, errors.FmnistError) for value in classes)
    assert issubclass(errors.NothingDrawn, errors.PictureError)


def test_version_is_that_of_the_project():
    text = (Path(fmnist_core.__file__).parent.parent / "pyproject.toml").read_text()
    assert f'\nversion = "{fmnist_core.__version__}"\n' in text


def test_class_names_are_those_of_torchvision():
    from torchvision.datasets import FashionMNIST

    assert list(fmnist_core.CLASS_NAMES) == FashionMNIST.classes


def test_mean_and_std_are_those_of_the_training_images(full_data):
    # From how often each value occurs: exact, where a sum over 47 million floats would not be.
    counts = torch.bincount(full_data.train.pixels.flatten().long(), minlength=256).double()
    values = torch.arange(256).double() / 255
    mean = (counts * values).sum() / counts.sum()
    std = ((counts * (values - mean) ** 2).sum() / counts.sum()).sqrt()
    assert round(mean.item(), 4) == fmnist_core.MEAN
    assert round(std.item(), 4) == fmnist_core.STD


def test_missing_piece_is_skipped_by_a_person_and_a_failure_in_ci(skip_or_fail, monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match=r"No piano\."):
        skip_or_fail("No piano.")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match=r"No piano\."):
        skip_or_fail("No piano.")
