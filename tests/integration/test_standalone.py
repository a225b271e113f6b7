"""`make run`: one command starts everything, and ends with nothing left behind."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from standalone.addresses import free_address
from standalone.errors import StandaloneError
from standalone.socket_directory import socket_directory
from tests.harness.certificates import Authority

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "standalone"]
BLOCK = re.compile(r"SCIM base URL: (?P<scim>\S+)\nToken: (?P<token>.+)\ngRPC: (?P<grpc>\S+)\n")
SECONDS = 20


@dataclass
class Standalone:
    """A running `python -m standalone` and what it printed."""

    process: subprocess.Popen[str]
    scim: str
    token: str
    grpc: str

    def children(self) -> list[int]:
        listed = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(child) for child in listed.split()]

    def child(self, module: str) -> int:
        commands = {child: Path(f"/proc/{child}/cmdline").read_text() for child in self.children()}
        return next(child for child, command in commands.items() if f"-m\0{module}" in command)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """The exit status and what went to standard error."""
        self.process.send_signal(number)
        return self.end()

    def end(self) -> tuple[int, str]:
        assert self.process.stderr is not None
        errors = self.process.stderr.read()
        return self.process.wait(SECONDS), errors


def environment(data_dir: Path, **settings: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return inherited | {
        "PYTHONPATH": str(ROOT),
        "ROLLBOOK_DATA_DIR": str(data_dir),
        "ROLLBOOK_GRPC_LISTEN": "127.0.0.1:0",
        "ROLLBOOK_HTTP_LISTEN": "127.0.0.1:0",
        **settings,
    }


@contextlib.contextmanager
def standalone(data_dir: Path, **settings: str) -> Iterator[Standalone]:
    process = subprocess.Popen(
        COMMAND,
        cwd=data_dir.parent,
        env=environment(data_dir, **settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        printed = "".join(process.stdout.readline() for _ in range(3))
        match = BLOCK.fullmatch(printed)
        assert match, printed + (process.stderr.read() if process.stderr else "")
        yield Standalone(process, **match.groupdict())
    finally:
        process.terminate()
        process.communicate(timeout=SECONDS)


def failure(data_dir: Path, **settings: str) -> str:
    """What a start says that fails."""
    done = subprocess.run(
        COMMAND,
        cwd=data_dir.parent,
        env=environment(data_dir, **settings),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    return done.stderr


def is_running(process: int) -> bool:
    """False too for a process that has ended and that nobody has waited for yet."""
    try:
        return ") Z " not in Path(f"/proc/{process}/stat").read_text()
    except FileNotFoundError:
        return False


def assert_all_end(processes: list[int]) -> None:
    deadline = time.monotonic() + SECONDS
    while any(map(is_running, processes)):
        assert time.monotonic() < deadline, processes
        time.sleep(0.05)


async def scim_status(base_url: str, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{base_url}/Users", headers=headers) as response,
    ):
        return response.status


async def health(address: str) -> int:
    async with grpc.aio.insecure_channel(address) as channel:
        check = health_pb2_grpc.HealthStub(channel).Check
        response = await check(health_pb2.HealthCheckRequest())
        return int(response.status)


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("standalone") / "data"


async def test_first_start_issues_a_token_that_later_starts_honour(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    with standalone(data_dir) as first:
        children = first.children()
        assert re.fullmatch(r"rbk_[0-9A-Za-z]{49}", first.token)
        assert await scim_status(first.scim, first.token) == 200
        assert await scim_status(first.scim, first.token[:-1]) == 401
        assert await health(first.grpc) == health_pb2.HealthCheckResponse.SERVING
        assert first.stop()[0] == 0
    assert len(children) == 3
    assert not any(map(is_running, children))
    assert not any(
        first.token.encode() in file.read_bytes() for file in data_dir.rglob("*") if file.is_file()
    )
    with standalone(data_dir) as second:
        assert second.token == "as printed at the first start"
        assert await scim_status(second.scim, first.token) == 200
        assert second.stop(signal.SIGINT)[0] == 0
    assert not socket_directory(data_dir).exists()


async def test_kill_leaves_nothing_running_and_the_next_start_recovers(data_dir: Path) -> None:
    with standalone(data_dir, ROLLBOOK_BOOTSTRAP_TOKEN="given") as killed:
        assert killed.token == "from ROLLBOOK_BOOTSTRAP_TOKEN"
        children = killed.children()
        killed.process.kill()
        killed.process.wait()
        # The very ports of the one killed: its children are waited for.
        ports = {"ROLLBOOK_GRPC_LISTEN": killed.grpc}
        ports["ROLLBOOK_HTTP_LISTEN"] = killed.scim.split("/")[2]
        with standalone(data_dir, **ports) as following:
            assert not any(map(is_running, children))
            assert await scim_status(following.scim, "given") == 200


def test_the_end_of_one_program_ends_all(data_dir: Path) -> None:
    with standalone(data_dir) as running:
        children = running.children()
        os.kill(running.child("service"), signal.SIGKILL)
        status, errors = running.end()
    assert status == 1
    assert "The service was ended by signal 9" in errors
    assert not any(map(is_running, children))


def test_a_second_owner_of_the_data_is_refused(data_dir: Path) -> None:
    with standalone(data_dir, ROLLBOOK_WORKERS="2") as running:
        assert f"in use by another Rollbook, process {running.process.pid}" in failure(data_dir)
        assert running.process.poll() is None
        children = running.children()
        running.process.send_signal(signal.SIGTERM)
        assert running.stop(signal.SIGTERM)[0] == 0
    assert_all_end(children)


@pytest.mark.parametrize("options", [[], [socket.SO_REUSEPORT]])
def test_an_address_in_use_is_named_with_its_setting(data_dir: Path, options: list[int]) -> None:
    with socket.socket() as taken:
        for option in options:
            taken.setsockopt(socket.SOL_SOCKET, option, 1)
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        message = failure(data_dir, ROLLBOOK_GRPC_LISTEN=address)
    assert message == (
        f"Rollbook cannot run: Cannot listen on {address}: another program is using it."
        " Set ROLLBOOK_GRPC_LISTEN to another address.\n"
    )


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("8080", "X is '8080'; it takes host:port"),
        ("127.0.0.1", "X is '127.0.0.1'; it takes host:port"),
        ("::1:8080", "X is '::1:8080'; it takes host:port"),
        ("[::1]:99999", "X is '[::1]:99999'; it takes host:port"),
        ("192.0.2.1:0", "Cannot listen on 192.0.2.1:0: "),
        ("no.such.host.invalid:0", "Cannot listen on no.such.host.invalid:0: "),
    ],
)
def test_an_address_that_cannot_be_used_is_named(address: str, message: str) -> None:
    with pytest.raises(StandaloneError, match=re.escape(message)):
        free_address("X", address)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0"])
def test_port_0_becomes_a_free_port(host: str) -> None:
    address = free_address("X", f"{host}:0")
    assert address.host == host
    assert address.port > 0
    assert address.reached_at.host in {"127.0.0.1", "localhost"}


def test_the_file_is_read_and_the_environment_wins(tmp_path: Path) -> None:
    (tmp_path / "rollbook.yaml").write_text("http_listen: nowhere\ngrpc_listen: from the file\n")
    message = failure(tmp_path / "data", ROLLBOOK_GRPC_LISTEN="")
    assert "ROLLBOOK_GRPC_LISTEN is 'from the file'" in message
    message = failure(tmp_path / "data", ROLLBOOK_WORKERS="none")
    assert "ROLLBOOK_WORKERS: Input should be a valid integer" in message
    (tmp_path / "rollbook.yaml").write_text("- not\n- settings\n")
    assert "rollbook.yaml has to hold settings" in failure(tmp_path / "data")


async def test_several_gateways_over_https_all_serve_the_first_requests(
    data_dir: Path, tmp_path: Path
) -> None:
    authority = Authority()
    certificate, key = authority.write_server(tmp_path)
    settings = {
        "ROLLBOOK_HTTP_WORKERS": "2",
        "ROLLBOOK_HTTP_TLS_CERTIFICATE": str(certificate),
        "ROLLBOOK_HTTP_TLS_KEY": str(key),
    }
    trusting = ssl.create_default_context(cadata=authority.pem.decode())
    with standalone(data_dir, **settings) as started:
        assert started.scim.startswith("https://127.0.0.1:")
        for _ in range(16):
            async with (
                aiohttp.ClientSession() as session,
                session.get(f"{started.scim}/Users", ssl=trusting) as response,
            ):
                assert response.status == 401
