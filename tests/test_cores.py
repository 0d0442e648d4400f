import os

import pytest

from demo.cores import cores


@pytest.mark.parametrize(
    ("quota", "expected"),
    [
        ("200000 100000\n", 2),
        ("150000 100000\n", 2),
        ("50000 100000\n", 1),
        ("max 100000\n", 16),
        ("1600000 50000", 16),
    ],
)
def test_a_container_has_what_its_quota_allows(tmp_path, monkeypatch, quota, expected):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(16)))
    (tmp_path / "cpu.max").write_text(quota)
    assert cores(tmp_path / "cpu.max") == expected


@pytest.mark.parametrize("contents", [None, "", "many", "1 0 0"])
def test_without_a_quota_it_has_all_cores_that_it_may_run_on(tmp_path, monkeypatch, contents):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 3, 5})
    if contents is not None:
        (tmp_path / "cpu.max").write_text(contents)
    assert cores(tmp_path / "cpu.max") == 3


def test_a_system_that_cannot_tell_which_cores_it_may_run_on(tmp_path, monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 7)
    assert cores(tmp_path / "none") == 7
