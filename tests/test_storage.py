import errno
import io
import os
from pathlib import Path

import pytest

from fmnist_core import storage
from fmnist_core.errors import StorageError
from fmnist_core.storage import as_path, claim, locked, write_whole

# ---------------------------------------------------------------- whole or not at all


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def write(path, contents=b"new" * 10_000):
    with write_whole(path) as file:
        file.write(contents)


def test_write_whole_makes_folders_and_a_readable_file(tmp_path):
    path = tmp_path / "a" / "b" / "file"
    write(path, b"one")
    write(path, b"two")
    assert path.read_bytes() == b"two"
    assert path.stat().st_mode & 0o777 == 0o644
    assert names(path.parent) == ["file"]


def test_old_file_is_there_until_all_is_written(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with write_whole(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"


@pytest.mark.parametrize("old", [b"old", None], ids=["replacing", "new"])
def test_exception_in_the_block_leaves_everything_as_it_was(tmp_path, old):
    path = tmp_path / "file"
    if old is not None:
        path.write_bytes(old)
    before = names(tmp_path)
    with pytest.raises(ZeroDivisionError), write_whole(path) as file:
        file.write(b"some of it")
        raise ZeroDivisionError
    assert names(tmp_path) == before
    assert old is None or path.read_bytes() == old


def no_space(*_args, **_options):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("where", ["write", "flush", "fsync", "replace", "close"])
def test_full_disk_leaves_everything_as_it_was(tmp_path, monkeypatch, where):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    if where == "fsync":
        monkeypatch.setattr(os, "fsync", no_space)
    elif where == "replace":
        monkeypatch.setattr(storage.Path, "replace", no_space)
    else:

        class FullDisk(io.FileIO):
            def __init__(self, name):
                super().__init__(name, "w")

            def close(self):
                super().close()
                if where == "close":
                    no_space()

        if where != "close":
            setattr(FullDisk, where, no_space)

        def full(dir, prefix, delete):
            return FullDisk(os.path.join(dir, prefix + "x"))  # noqa: PTH118 (its name has to be text)

        monkeypatch.setattr(storage.tempfile, "NamedTemporaryFile", full)
    with pytest.raises(StorageError, match=r"file could not be written: No space left on device\."):
        write(path)
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["file"]


def test_size_limit_of_the_system_leaves_everything_as_it_was(tmp_path):
    resource = pytest.importorskip("resource")
    path = tmp_path / "file"
    path.write_bytes(b"old")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        with pytest.raises(StorageError, match=r"file could not be written: File too large\."):
            write(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["file"]


def test_impossible_place_is_refused(tmp_path):
    (tmp_path / "file").write_bytes(b"old")
    with pytest.raises(StorageError, match=r"file/below could not be written: "):
        write(tmp_path / "file" / "below")
    (tmp_path / "folder").mkdir()
    with pytest.raises(StorageError, match=r"folder could not be written: Is a directory\."):
        write(tmp_path / "folder")
    assert names(tmp_path) == ["file", "folder"]
    assert (tmp_path / "file").read_bytes() == b"old"


@pytest.mark.skipif(storage.fcntl is None, reason="without locks nothing can tell")
def test_what_a_killed_program_left_goes_and_what_another_is_writing_stays(tmp_path, monkeypatch):
    monkeypatch.setattr(storage, "YOUNG", -1)
    left = [tmp_path / ".file.abcdefgh", tmp_path / ".file.12345678"]
    others = [tmp_path / ".file.longer.abcdefgh", tmp_path / ".other.abcdefgh", tmp_path / "file.abcdefgh"]
    for path in left + others:
        path.write_bytes(b"some of it")
    with write_whole(tmp_path / "file") as first:
        first.write(b"one")
        assert not any(path.exists() for path in left)
        write(tmp_path / "file", b"two")
    assert (tmp_path / "file").read_bytes() == b"one"
    assert names(tmp_path) == sorted(["file", *(path.name for path in others)])


def test_a_temporary_file_that_was_just_made_stays(tmp_path):
    (tmp_path / ".file.abcdefgh").write_bytes(b"another program is about to lock it")
    write(tmp_path / "file")
    assert names(tmp_path) == [".file.abcdefgh", "file"]


# ---------------------------------------------------------------- folders and paths


def test_claim_makes_the_folder_and_leaves_nothing_in_it(tmp_path):
    claim(tmp_path / "a" / "b")
    assert list((tmp_path / "a" / "b").iterdir()) == []


def test_claim_refuses_a_folder_that_cannot_be(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match=r"Nothing can be written into .*file"):
        claim(tmp_path / "file" / "out")


def test_claim_leaves_what_is_in_the_folder(tmp_path):
    (tmp_path / "file").write_text("mine")
    claim(tmp_path)
    assert names(tmp_path) == ["file"]
    assert (tmp_path / "file").read_text() == "mine"


def test_claim_of_a_full_disk_is_refused_with_its_reason(tmp_path, monkeypatch):
    monkeypatch.setattr(storage.tempfile, "TemporaryFile", no_space)
    with pytest.raises(StorageError, match=r"^Nothing can be written into .*: No space left on device\.$"):
        claim(tmp_path)


def test_tilde_is_the_home_folder_and_other_paths_stay_as_they_are(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert as_path("~") == tmp_path
    assert as_path("~/data/a b") == as_path(Path("~/data/a b")) == tmp_path / "data" / "a b"
    for name in ("data", "/data", "a/~", ".", "~nobody.here/data"):
        assert as_path(name) == Path(name)


def test_a_folder_is_locked_against_others_until_the_end(tmp_path):
    with locked(tmp_path):
        with pytest.raises(StorageError, match="Another training is writing into"), locked(tmp_path):
            pass
        with locked(tmp_path.parent):
            pass
    with locked(tmp_path):
        assert list(tmp_path.iterdir()) == []


def test_an_error_unlocks_a_folder(tmp_path):
    with pytest.raises(KeyError), locked(tmp_path):
        raise KeyError
    with locked(tmp_path):
        pass


def test_without_locks_nothing_is_locked(tmp_path, monkeypatch):
    monkeypatch.setattr(storage, "fcntl", None)
    with locked(tmp_path), locked(tmp_path):
        pass
