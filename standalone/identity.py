"""Which user PostgreSQL runs as, and so who owns the data: it refuses to run as root.

An ordinary user runs it as themselves. For root there are two ways: a user namespace in which
root goes by another number (nothing on disk changes hands), or, where namespaces are forbidden,
the user `nobody`, who must then own the data.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from standalone.errors import StandaloneError

if TYPE_CHECKING:
    from pathlib import Path

NOBODY: Final = 65534
"""The user and group id that stand for nobody in particular."""


@dataclass(frozen=True, slots=True)
class Identity:
    """How a command is run as some user.

    `prefix` is put before the command; `user` and `group` are whom it is to change to, None if
    it is not. `owner` owns the files.
    """

    owner: int
    prefix: tuple[str, ...] = ()
    user: int | None = None
    group: int | None = None

    def own(self, path: Path) -> None:
        """Gives a file or directory to the user, where that is not the one who made it."""
        if self.user is not None and self.group is not None:
            os.chown(path, self.user, self.group)


def prepare_directory(data_dir: Path) -> Identity:
    """Makes the directory if it is missing, and tells as whom a server of its data has to run.

    Raises StandaloneError when it belongs to someone this process cannot act for.
    """
    _make_directory(data_dir)
    identity = _identity_of_owner(data_dir)
    identity.own(data_dir)
    return identity


def _make_directory(data_dir: Path) -> None:
    """What root makes in a directory of someone's is theirs."""
    missing = [path for path in (data_dir, *data_dir.parents) if not path.exists()]
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    if missing and os.geteuid() == 0:
        above = missing[-1].parent.stat()
        for path in missing:
            os.chown(path, above.st_uid, above.st_gid)


def _identity_of_owner(data_dir: Path) -> Identity:
    status = data_dir.stat()
    if os.geteuid() != 0:
        if status.st_uid != os.geteuid():
            raise StandaloneError(
                f"{data_dir} belongs to the user with id {status.st_uid}, you are"
                f" {os.geteuid()}. Run as that user, or set ROLLBOOK_DATA_DIR to another directory."
            )
        return Identity(owner=os.geteuid(), prefix=() if _has_name() else _user_namespace())
    if status.st_uid != 0:
        return _switched_to(status.st_uid, status.st_gid)
    namespace = _user_namespace()
    return Identity(owner=0, prefix=namespace) if namespace else _switched_to(NOBODY, NOBODY)


def _has_name() -> bool:
    """Whether this user is in the list of users: initdb insists. In containers it may not be."""
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError:
        return False
    return True


def _switched_to(user: int, group: int) -> Identity:
    return Identity(owner=user, user=user, group=group)


def _user_namespace() -> tuple[str, ...]:
    """The command prefix that hides being root, or nothing where the system forbids it."""
    unshare = shutil.which("unshare")
    if unshare is None:
        return ()
    prefix = (unshare, "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}", "--")
    probe = subprocess.run([*prefix, "true"], capture_output=True, check=False)
    return prefix if probe.returncode == 0 else ()
