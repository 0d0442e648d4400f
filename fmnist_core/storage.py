"""Writing files whole or not at all, and the paths that people name."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

from fmnist_core.errors import StorageError


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
    exception in the block leaves what was there before.

    Raises:
        StorageError: the file could not be written.
    """
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            temporary = Path(file.name)
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
