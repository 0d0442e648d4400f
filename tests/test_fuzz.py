"""The fuzzer finds faults, and those that it has found stay mended."""

import random
import time
from pathlib import Path

import pytest

from benchmarks import fuzz
from fmnist_core.errors import ConfigError, FmnistError
from fmnist_core.preparation import open_picture

CORPUS = sorted((Path(__file__).parent / "fuzz_corpus").iterdir())


@pytest.fixture(scope="module")
def readers(tmp_path_factory):
    return fuzz.Readers(tmp_path_factory.mktemp("fuzz"))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("file", CORPUS, ids=lambda file: file.name)
def test_what_was_a_fault_is_a_sentence(readers, file):
    kind = file.name.split("-")[0]
    with pytest.raises(FmnistError) as caught:
        readers.read(kind, file.read_bytes())
    assert len(str(caught.value)) < 300


def test_unaltered_inputs_are_accepted(readers):
    for kind, all_contents in fuzz.bases(readers.folder).items():
        for contents in all_contents:
            if kind == "picture":
                assert min(open_picture(contents).size) >= 2
            else:
                readers.read(kind, contents)


def test_a_little_fuzzing_finds_nothing():
    counts, faults = fuzz.fuzz(seconds=1, seed=1)
    assert sum(counts.values()) > 5
    assert faults == {}


def test_every_kind_of_fault_is_reported(monkeypatch, tmp_path, capsys):
    def fail(error):
        raise error

    assert fuzz.fault(lambda: None) is None
    assert fuzz.fault(lambda: fail(ConfigError("a sentence"))) is None
    assert fuzz.fault(lambda: fail(ConfigError("x" * 10_000)))[0] == "ConfigError of 10,000 characters"
    name, told = fuzz.fault(lambda: fail(ZeroDivisionError()))
    assert name.startswith("ZeroDivisionError test_fuzz.py ")
    assert "Traceback" in told
    times = iter([0, 3])
    monkeypatch.setattr(time, "process_time", lambda: next(times))
    assert fuzz.fault(lambda: None) == ("slow 3.0 s", "")
    monkeypatch.undo()
    monkeypatch.setattr(fuzz.Readers, "read", lambda *_: fail(ZeroDivisionError()))
    counts, faults = fuzz.fuzz(seconds=0.3, seed=2, keep=tmp_path)
    assert {name.split(":")[0] for name in faults} == set(counts)
    assert len(list(tmp_path.iterdir())) == len(faults)
    assert "ZeroDivisionError" in capsys.readouterr().out


def test_the_same_seed_alters_the_same():
    one, other = (
        [fuzz.altered(b"some contents", [b"others"], rng) for _ in range(100)]
        for rng in (random.Random(3), random.Random(3))
    )
    assert one == other
    assert len(set(one)) > 80
