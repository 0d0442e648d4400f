"""Two processes that train together: against one process, and when one of them dies. About 10 s."""

import os
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from fmnist_core.control import Control
from fmnist_core.world import World, joined

pytestmark = pytest.mark.skipif(not torch.distributed.is_gloo_available(), reason="PyTorch without gloo.")
ROOT = Path(__file__).parent.parent
LAST_DIGITS = 1e-9  # in double precision, as a fraction: the order in which numbers are added


@pytest.fixture(scope="module")
def runs(python, tmp_path_factory):
    """What came of one process ``alone`` and of both of two."""
    folder = tmp_path_factory.mktemp("runs")
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    ended = python(ROOT / "tests" / "two_processes.py", folder, env=os.environ | {"PYTHONPATH": path}, timeout=300)
    assert ended.returncode == 0, ended.stderr
    alone, first, second = (torch.load(folder / f"{name}.pt", weights_only=False) for name in ("alone", "0", "1"))
    return SimpleNamespace(alone=alone, first=first, second=second, lost=(folder / "lost").read_text())


def test_one_process_is_a_world_of_its_own(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with joined() as world:
        assert type(world) is World
        assert (world.rank, world.size, world.is_first, world.restarts) == (0, 1, True, 0)
        tensor = torch.arange(5.0)
        world.add_up([tensor])
        assert tensor.tolist() == [0, 1, 2, 3, 4]
        assert tensor[world.part(5)].tolist() == [0, 1, 2, 3, 4]
        assert world.join(tensor, 5) is tensor
        assert world.agree(Control(stop=True)) == Control(stop=True)


def test_each_process_has_its_part_of_every_batch(runs):
    assert (runs.first["world"], runs.second["world"]) == ((0, 2, True), (1, 2, False))
    for count, *parts in zip((0, 1, 2, 51), runs.first["parts"], runs.second["parts"], strict=True):
        first, second = (list(range(count))[part] for part in parts)
        assert first + second == list(range(count))
        assert abs(len(first) - len(second)) <= 1


@pytest.mark.parametrize("which", ["gradients", "gradients of one"])
def test_gradients_and_running_statistics_are_those_of_one_process(runs, which):
    """Also where one of the two has no image in the batch."""
    expected = runs.alone["gradients"]
    assert {"layers.conv1.weight", "layers.norm2.running_var"} < expected.keys()
    for name, value in expected.items():
        # The bias before a normalisation changes nothing: its gradient is noise around 0.
        torch.testing.assert_close(runs.first[which][name], value, rtol=LAST_DIGITS, atol=1e-12, msg=name)
        assert torch.equal(runs.first[which][name], runs.second[which][name])


def test_a_training_is_that_of_one_process(runs):
    alone, first, second = (run["told"] for run in (runs.alone, runs.first, runs.second))
    assert len(alone["steps"]) == 8
    torch.testing.assert_close(first["steps"], alone["steps"], rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(first["epochs"], alone["epochs"], rtol=1e-5, atol=1e-5)
    for name, weights in alone["network"].items():
        torch.testing.assert_close(first["network"][name].float(), weights.float(), rtol=0.01, atol=0.002, msg=name)
        assert torch.equal(first["network"][name], second["network"][name])


def test_all_do_what_is_wanted_of_the_first(runs):
    def told(run):
        left_out = "images_per_second", "seconds_left", "seconds"
        return [
            {name: value for name, value in event.items() if name not in left_out and "loss" not in name}
            for event in run["controlled"]
        ]

    assert [event["event"] for event in told(runs.alone)][-4:] == ["Changed", "StepDone", "EpochDone", "Finished"]
    assert told(runs.first) == told(runs.second) == told(runs.alone)


def test_a_batch_needs_an_image_for_each_process(runs):
    assert runs.alone["refusal"] == "3 images are a batch, expected at least one for each of 8 processes."


def test_when_one_is_killed_the_other_ends_with_a_sentence(runs):
    assert runs.lost == (
        "Another process of this training has ended or is silent: start it again with --resume, or let torchrun do so "
        "with --max-restarts."
    )
