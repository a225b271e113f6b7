"""The embedded PostgreSQL: data that lasts, an owner at a time, nothing left behind."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest

from standalone.errors import StandaloneError
from standalone.postgres import EmbeddedPostgres

if TYPE_CHECKING:
    from collections.abc import Iterator

PARENT = """
import sys, time
from pathlib import Path
from standalone.postgres import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]), durable=False)
print(server.start(), flush=True)
time.sleep(60)
"""


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory that the tests of this module use one after the other."""
    return tmp_path_factory.mktemp("postgres") / "data"


@pytest.fixture
def server(data_dir: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(data_dir, durable=False)
    yield server
    server.stop()


@pytest.fixture
def directory_for_all() -> Iterator[Path]:
    """A directory that every user may enter, as pytest's own is not."""
    directory = Path(tempfile.mkdtemp(prefix="rb-test-"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory)


async def fetch(url: str, query: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


def socket_directory_in(url: str) -> Path:
    return Path(parse_qs(urlsplit(url).query)["host"][0])


def process_id(data_dir: Path) -> int:
    return int((data_dir / "cluster" / "postmaster.pid").read_text().split()[0])


def is_running(process: int) -> bool:
    """False too for a process that has ended and that nobody has waited for yet."""
    try:
        return ") Z " not in Path(f"/proc/{process}/stat").read_text()
    except FileNotFoundError:
        return False


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        ("SELECT current_user || '@' || current_database()", "rollbook@rollbook"),
        ("SELECT rolsuper FROM pg_roles WHERE rolname = current_user", False),
        ("SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'rollbook'", "rollbook"),
        ("SHOW server_encoding", "UTF8"),
        ("SELECT datcollate FROM pg_database WHERE datname = 'rollbook'", "C"),
        ("SHOW TimeZone", "UTC"),
        ("SHOW listen_addresses", ""),
    ],
)
async def test_serves_a_database_owned_by_an_ordinary_role(
    server: EmbeddedPostgres, query: str, answer: object
) -> None:
    assert await fetch(server.start(), query) == answer


@pytest.mark.parametrize(("durable", "fsync"), [(True, "on"), (False, "off")])
async def test_only_a_durable_server_waits_for_the_disk(
    server: EmbeddedPostgres, data_dir: Path, *, durable: bool, fsync: str
) -> None:
    with EmbeddedPostgres(data_dir, durable=durable) as chosen:
        assert await fetch(chosen.url, "SHOW fsync") == fsync


async def test_data_outlive_a_stop_and_a_crash(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir) as server:
        await fetch(server.url, "CREATE TABLE kept AS SELECT 1 AS value")
        server.stop()
        await fetch(server.start(), "INSERT INTO kept VALUES (2)")
        server.kill()
        assert await fetch(server.start(), "SELECT sum(value) FROM kept") == 3


def test_sockets_are_private_and_gone_after_a_stop(server: EmbeddedPostgres) -> None:
    sockets = socket_directory_in(server.start())
    assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
    assert len(str(sockets)) < 40
    server.stop()
    assert not sockets.exists()


def test_the_data_have_one_owner_at_a_time(server: EmbeddedPostgres, data_dir: Path) -> None:
    server.start()
    with pytest.raises(StandaloneError, match=f"is in use by .* process {os.getpid()}"):
        EmbeddedPostgres(data_dir).start()
    assert server.poll() is None


async def test_a_killed_parent_takes_the_server_along(
    server: EmbeddedPostgres, data_dir: Path
) -> None:
    command = [sys.executable, "-c", PARENT, str(data_dir)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline().startswith("postgresql://")
        orphan = process_id(data_dir)
        parent.kill()
    # The start waits for the end of the orphan, which holds the lock until then.
    assert await fetch(server.start(), "SELECT 1") == 1
    assert process_id(data_dir) != orphan
    assert not is_running(orphan)


async def test_a_stale_process_id_of_another_program_does_not_matter(
    server: EmbeddedPostgres, data_dir: Path
) -> None:
    server.start()
    server.kill()
    (data_dir / "cluster" / "postmaster.pid").write_text(f"{os.getppid()}\n")
    assert await fetch(server.start(), "SELECT 1") == 1


def test_a_server_that_ends_by_itself_is_noticed(server: EmbeddedPostgres, data_dir: Path) -> None:
    server.start()
    os.kill(process_id(data_dir), signal.SIGQUIT)
    server.stop()
    assert "immediate shutdown" in server.log_tail()


def test_data_of_another_major_version_are_refused(
    server: EmbeddedPostgres, data_dir: Path
) -> None:
    server.start()
    server.stop()
    version = data_dir / "cluster" / "PG_VERSION"
    installed = version.read_text()
    version.write_text("12\n")
    try:
        with pytest.raises(StandaloneError, match="was made by PostgreSQL 12, installed is"):
            server.start()
    finally:
        version.write_text(installed)


def test_why_a_server_does_not_start_is_told(server: EmbeddedPostgres, data_dir: Path) -> None:
    server.start()
    server.stop()
    configuration = data_dir / "cluster" / "postgresql.conf"
    kept = configuration.read_text()
    configuration.write_text("shared_buffers = lots\n")
    try:
        with pytest.raises(StandaloneError, match='invalid value for parameter "shared_buffers"'):
            server.start()
    finally:
        configuration.write_text(kept)
    assert not socket_directory_in(server.url).exists()


def test_half_made_data_are_made_anew(tmp_path: Path) -> None:
    partial = tmp_path / "cluster.partial"
    partial.mkdir()
    (partial / "PG_VERSION").write_text("18\n")
    with EmbeddedPostgres(tmp_path, durable=False):
        assert not partial.exists()


def test_a_platform_without_binaries_is_told_what_to_do(
    server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(StandaloneError, match="Set ROLLBOOK_DATABASE_URL"):
        server.start()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root changes to another user")
async def test_root_runs_it_as_nobody_where_namespaces_are_forbidden(
    directory_for_all: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    data_dir = directory_for_all / "data"
    with EmbeddedPostgres(data_dir, durable=False) as server:
        assert await fetch(server.url, "SELECT 1") == 1
        assert (
            Path(f"/proc/{process_id(data_dir)}").stat().st_uid == data_dir.stat().st_uid == 65534
        )


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes files for others")
def test_root_runs_it_as_the_owner_of_the_place(directory_for_all: Path) -> None:
    owner = pwd.getpwnam("daemon")
    os.chown(directory_for_all, owner.pw_uid, owner.pw_gid)
    data_dir = directory_for_all / "data"
    with EmbeddedPostgres(data_dir, durable=False):
        assert Path(f"/proc/{process_id(data_dir)}").stat().st_uid == owner.pw_uid
    assert data_dir.stat().st_uid == owner.pw_uid
