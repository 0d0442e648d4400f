import struct

import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import save, save_file

from fmnist_core import tensor_files
from fmnist_core.tensor_files import MAX_HEADER, MAX_QUOTED, quoted, read_metadata, read_tensors


def test_tensors_and_metadata_come_back(tmp_path):
    tensors = {"a": torch.arange(6).reshape(2, 3), "b": torch.tensor(0.5)}
    save_file(tensors, tmp_path / "a.safetensors", metadata={"about": "this"})
    found, metadata = read_tensors(tmp_path / "a.safetensors")
    assert found.keys() == tensors.keys()
    assert all(torch.equal(found[name], tensor) for name, tensor in tensors.items())
    assert metadata == read_metadata(tmp_path / "a.safetensors") == {"about": "this"}
    save_file(tensors, tmp_path / "a.safetensors")
    assert read_tensors(tmp_path / "a.safetensors")[1] == {}


@pytest.mark.parametrize(
    ("contents", "words"),
    [
        (b"", "HeaderTooSmall|header too small"),
        (
            struct.pack("<Q", 2**63) + b"{}",
            "its header is said to have 9,223,372,036,854,775,808 bytes",
        ),
        (struct.pack("<Q", MAX_HEADER + 1) + b" " * (MAX_HEADER + 1), "its header is said to have 1,048,577 bytes"),
        (save({"a": torch.ones(300_000)}), "it has 1 MB, expected at most 1"),
    ],
    ids=["empty", "lies", "large header", "large"],
)
def test_what_is_too_large_is_not_looked_into(tmp_path, monkeypatch, contents, words):
    monkeypatch.setattr(tensor_files, "MAX_BYTES", 2**20)
    (tmp_path / "a").write_bytes(contents)
    if contents:
        monkeypatch.setattr(tensor_files, "safe_open", lambda *_, **__: pytest.fail("it was opened"))
    with pytest.raises(SafetensorError, match=words):
        read_tensors(tmp_path / "a")


def test_names_are_cut_to_what_a_sentence_can_hold():
    assert quoted("layers.out.weight") == "layers.out.weight"
    assert quoted("x" * MAX_QUOTED) == "x" * MAX_QUOTED
    assert quoted("x" * 10**6) == "x" * MAX_QUOTED + "…"
