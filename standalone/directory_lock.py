"""One owner at a time for a directory, until the last process that holds the lock is gone."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from typing import Final, Self

from standalone.errors import StandaloneError

SETTLE_SECONDS: Final = 30.0
"""How long the children of an owner that was killed may take to end."""

POLL_SECONDS: Final = 0.05


class DirectoryLock:
    """A lock on a directory, as a context manager.

    Children that are handed `descriptor` hold it too. So a lock whose owner is dead tells that
    some child is still on its way out: that is waited for. A living owner is an error at once.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._descriptor: int | None = None

    @property
    def descriptor(self) -> int:
        """The open file, for `subprocess.Popen(pass_fds=…)`."""
        if self._descriptor is None:
            raise RuntimeError("the lock is not held")
        return self._descriptor

    def __enter__(self) -> Self:
        descriptor = os.open(self._directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            self._wait(descriptor)
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor
        return self

    def __exit__(self, *exc_info: object) -> None:
        os.close(self.descriptor)
        self._descriptor = None

    def _wait(self, descriptor: int) -> None:
        deadline = time.monotonic() + SETTLE_SECONDS
        while not _try_lock(descriptor):
            owner = os.pread(descriptor, 20, 0).decode()
            if _is_alive(owner) or time.monotonic() > deadline:
                raise StandaloneError(
                    f"{self._directory} is in use by another Rollbook, process {owner}."
                    " Stop that one, or set ROLLBOOK_DATA_DIR to another directory."
                )
            time.sleep(POLL_SECONDS)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_alive(process_id: str) -> bool:
    """Whether a process runs; one that ended but was not waited for by its parent does not."""
    if not process_id.isdigit():
        return False
    try:
        os.kill(int(process_id), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return not _is_zombie(process_id)


def _is_zombie(process_id: str) -> bool:
    try:
        status = Path(f"/proc/{process_id}/stat").read_text()
    except OSError:  # Systems without /proc do not tell.
        return False
    return status.rpartition(")")[2].split()[0] == "Z"
