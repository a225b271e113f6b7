"""Words of memory that the processes of a machine share: a file in memory, held open by each."""

from __future__ import annotations

import fcntl
import mmap
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from typing import Self

_SHARED_MEMORY: Final = Path("/dev/shm")  # noqa: S108  # the file's name cannot be guessed
_BYTES: Final = 8


class SharedWords:
    """Numbers of 64 bits, zero to begin with. Each is read and written as a whole; between
    reading and writing others may write."""

    def __init__(self, path: Path, descriptor: int, count: int = 1) -> None:
        self._path = path
        self._descriptor = descriptor
        self._memory = mmap.mmap(descriptor, _BYTES * count)
        self._words = memoryview(self._memory).cast("Q")

    @classmethod
    def shared(cls, directory: Path | None, name: str, count: int = 1) -> Self:
        """The numbers of everyone on this machine who names the same directory and file; by
        default the directory is in memory.

        Raises OSError when the file cannot be made, or is another user's.
        """
        path = (directory or _default_directory()) / f"rollbook-{os.geteuid()}-{name}"
        return cls(path, _held(path, count), count)

    @property
    def words(self) -> memoryview[int]:
        """The numbers, to be released before `close`."""
        return self._words[:]

    def close(self) -> None:
        """Let go; the last one removes the file."""
        self._words.release()
        self._memory.close()
        # Let go first: of two that try at the same time one would be in the other's way.
        fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        if _try_lock(self._descriptor) and os.fstat(self._descriptor).st_nlink > 0:
            self._path.unlink(missing_ok=True)
        os.close(self._descriptor)


def _default_directory() -> Path:
    return _SHARED_MEMORY if _SHARED_MEMORY.is_dir() else Path(tempfile.gettempdir())


def _held(path: Path, count: int) -> int:
    """The file, open and locked for as long as it is in use."""
    while True:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(path, flags, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH)
            # Unlinked by its last holder after it was opened here: then it is nobody's.
            if os.fstat(descriptor).st_nlink > 0:
                _check_owner(path, descriptor)
                os.posix_fallocate(descriptor, 0, _BYTES * count)
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _check_owner(path: Path, descriptor: int) -> None:
    if os.fstat(descriptor).st_uid != os.geteuid():
        raise PermissionError(f"{path} belongs to another user")


def _try_lock(descriptor: int) -> bool:
    """Whether nobody else holds the file."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
