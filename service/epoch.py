"""A number that the workers of a machine share, so that what one revokes no other still believes.

Whoever withdraws a right calls `advance` after the commit and before the answer; whoever keeps
something that rests on rights notes `current` before reading it, and believes it only as long
as that is still the same. It is a word of memory that the processes share: reading it costs
nanoseconds. Other machines have their own; there what is kept has to age.

One file may hold several numbers, in slots: who keeps something of one tenant need not believe it
less for what happens in most of the others.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import secrets
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from typing import Self

_SHARED_MEMORY: Final = Path("/dev/shm")  # noqa: S108  # the file's name cannot be guessed
_BYTES: Final = 8


class Epoch:
    """The number. `current` is drawn at random by each `advance`: one store, so that processes
    that advance at the same time need no lock and no number comes back."""

    def __init__(self, path: Path, descriptor: int, slots: int = 1) -> None:
        self._path = path
        self._descriptor = descriptor
        self._memory = mmap.mmap(descriptor, _BYTES * slots)
        self._number = memoryview(self._memory).cast("Q")

    @classmethod
    def shared(cls, directory: Path | None, name: str, slots: int = 1) -> Self:
        """The numbers of everyone on this machine who names the same directory and file; by
        default the directory is in memory.

        Raises OSError when the file cannot be made, or is another user's.
        """
        path = (directory or _default_directory()) / f"rollbook-{os.geteuid()}-{name}"
        return cls(path, _held(path, slots), slots)

    @property
    def current(self) -> int:
        """The number as it is now, in every process."""
        return self._number[0]

    def at(self, slot: int) -> int:
        """The number of a slot; `current` is that of the first."""
        return self._number[slot]

    def advance(self, slot: int = 0) -> None:
        """Let everything that was noted under earlier numbers be believed no more."""
        self._number[slot] = secrets.randbits(64)

    def close(self) -> None:
        """Let go; the last one removes the file."""
        self._number.release()
        self._memory.close()
        # Let go first: of two that try at the same time one would be in the other's way.
        fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        if _try_lock(self._descriptor) and os.fstat(self._descriptor).st_nlink > 0:
            self._path.unlink(missing_ok=True)
        os.close(self._descriptor)


def _default_directory() -> Path:
    return _SHARED_MEMORY if _SHARED_MEMORY.is_dir() else Path(tempfile.gettempdir())


def _held(path: Path, slots: int) -> int:
    """The file, open and locked for as long as it is in use."""
    while True:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(path, flags, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH)
            # Unlinked by its last holder after it was opened here: then it is nobody's.
            if os.fstat(descriptor).st_nlink > 0:
                _check_owner(path, descriptor)
                os.posix_fallocate(descriptor, 0, _BYTES * slots)
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
