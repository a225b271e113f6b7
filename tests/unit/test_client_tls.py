"""The client over TLS, with certificates made for the occasion."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import grpc
import pytest

from rollbook import errors
from rollbook.client import TLS, RollbookClient
from tests.harness.memory_service import TOKEN, running_memory_service

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the keys")


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a certificate for localhost and its key."""
    directory = tmp_path_factory.mktemp("keys")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=localhost"),
            *("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
            *("-addext", "subjectAltName=DNS:localhost"),
            *("-keyout", directory / "key.pem", "-out", directory / "certificate.pem"),
        ],
        check=True,
        capture_output=True,
    )
    return directory


def credentials(keys: Path, *, client_certificate: bool = False) -> grpc.ServerCredentials:
    certificate = (keys / "certificate.pem").read_bytes()
    pair = ((keys / "key.pem").read_bytes(), certificate)
    return grpc.ssl_server_credentials(
        [pair], certificate if client_certificate else None, client_certificate
    )


async def test_a_service_with_a_trusted_certificate_is_called(keys: Path) -> None:
    tls = TLS.from_files(keys / "certificate.pem")
    async with (
        running_memory_service(credentials(keys)) as service,
        RollbookClient(service.address, token=TOKEN, tls=tls) as rollbook,
    ):
        assert await rollbook.users.count() == 0


async def test_a_service_with_another_certificate_is_not(keys: Path) -> None:
    async with (
        running_memory_service(credentials(keys)) as service,
        RollbookClient(service.address, token=TOKEN, tls=TLS()) as rollbook,
    ):
        with pytest.raises(errors.UnavailableError):
            await rollbook.users.count()
        assert not service.calls


async def test_a_client_shows_its_certificate(keys: Path) -> None:
    certificate, key = keys / "certificate.pem", keys / "key.pem"
    async with running_memory_service(credentials(keys, client_certificate=True)) as service:
        tls = TLS.from_files(certificate, certificate, key)
        async with RollbookClient(service.address, token=TOKEN, tls=tls) as rollbook:
            assert await rollbook.users.count() == 0
        async with RollbookClient(
            service.address, token=TOKEN, tls=TLS.from_files(certificate)
        ) as rollbook:
            with pytest.raises(errors.UnavailableError):
                await rollbook.users.count()


def test_a_certificate_comes_with_its_key() -> None:
    with pytest.raises(ValueError, match="together"):
        TLS(certificate=b"PEM")


def test_a_private_key_is_not_shown() -> None:
    assert "secret" not in repr(TLS(certificate=b"PEM", private_key=b"secret"))
