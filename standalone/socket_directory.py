"""Directories for Unix sockets: private, short, and the same at every start."""

from __future__ import annotations

import hashlib
import os
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from standalone.errors import StandaloneError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from standalone.identity import Identity

TEMPORARY_DIRECTORY: Final = Path("/tmp")  # noqa: S108 - $TMPDIR may be too long for a socket


def socket_directory(data_dir: Path) -> Path:
    """Where the sockets of a data directory are: a socket's path has at most 107 bytes."""
    digest = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
    return TEMPORARY_DIRECTORY / f"rb-{digest}"


@contextmanager
def private_socket_directory(data_dir: Path, identity: Identity) -> Iterator[Path]:
    """Makes the directory, empty and closed to others, and removes it with what is in it.

    Whoever can enter it is trusted by what listens there. The caller holds the lock on
    `data_dir`. Raises StandaloneError when another user has taken the name.
    """
    directory = socket_directory(data_dir)
    if directory.is_symlink() or (
        directory.exists() and directory.stat().st_uid not in {identity.owner, os.geteuid()}
    ):
        raise StandaloneError(f"{directory} belongs to another user, who has to remove it.")
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(mode=0o700)
    try:
        identity.own(directory)
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)
