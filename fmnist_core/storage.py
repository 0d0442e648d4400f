"""Writing files whole or not at all, and the paths that people name."""

import glob
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

from fmnist_core.errors import StorageError

YOUNG: Final = 1.0  # seconds in which a temporary file may not be locked yet


def as_path(named: str | Path) -> Path:
    """The path that a person named; ``~`` is the home folder, and one of an unknown user is left as it is."""
    try:
        return Path(named).expanduser()
    except RuntimeError:
        return Path(named)


def claim(folder: Path) -> None:
    """Make sure that files can be written into ``folder``, which is made if it is not there.

    Raises:
        StorageError: they cannot.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise StorageError(f"Nothing can be written into {folder}: {error.strerror or error}.") from error


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other programs out of a folder for the length of a block, where the system can (not on Windows).

    Raises:
        StorageError: another one is in it.
    """
    if fcntl is None:
        yield
        return
    opened = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StorageError(f"Another training is writing into {folder}: name another folder.") from None
        except OSError:  # a file system without locks
            pass
        yield
    finally:
        os.close(opened)


@contextmanager
def write_whole(path: Path) -> Iterator[BinaryIO]:
    """Open a file for writing that appears under ``path`` only when all of it has been written.

    It is written beside its place under a temporary name and then renamed, so that a full disk, a crash or an
    exception in the block leaves what was there before. What a killed program left under such names goes.

    Raises:
        StorageError: the file could not be written.
    """
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_left_overs(path)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            temporary = Path(file.name)
            _lock(file.fileno())  # until it is closed: so it is no left-over
            yield file  # type: ignore[misc]  # a named temporary file is a BinaryIO in all but type
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)  # temporary files are private; this one was asked for by name
        temporary.replace(path)
    except OSError as error:
        raise StorageError(f"{path} could not be written: {error.strerror or error}.") from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _remove_left_overs(path: Path) -> None:
    """Remove the temporary files of ``path`` that no running program is writing."""
    if fcntl is None:
        return
    for left in path.parent.glob(f".{glob.escape(path.name)}.????????"):
        with suppress(OSError), left.open("rb") as opened:
            is_old = time.time() - os.fstat(opened.fileno()).st_mtime > YOUNG  # one just made is not locked yet
            if is_old and _lock(opened.fileno()):
                left.unlink(missing_ok=True)


def _lock(number: int) -> bool:
    """Lock an open file for as long as it is open; False when another program has, or the system cannot."""
    try:
        if fcntl is None:
            return False
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
