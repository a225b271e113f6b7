"""TLS between clients, gateway and service, over real servers."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import pytest
from aiohttp import ClientError, ClientSession, TCPConnector

from rollbook import errors
from rollbook.client import TLS, RollbookClient
from tests.harness.certificates import Authority
from tests.harness.instance import TOKEN, running_gateway, running_server, running_service
from tests.harness.processes import gateway_process

if TYPE_CHECKING:
    from pathlib import Path

    import asyncpg


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def files(authority: Authority, tmp_path: Path) -> dict[str, Path]:
    certificate, key = authority.write_server(tmp_path)
    return {"grpc_tls_certificate": certificate, "grpc_tls_key": key}


async def count(address: str, tls: TLS | None) -> int:
    async with RollbookClient(address, token=TOKEN, tls=tls, timeout=5) as rollbook:
        return await rollbook.users.count()


async def test_a_service_with_a_certificate_takes_nothing_but_tls(
    database_url: str,
    database: asyncpg.Connection[asyncpg.Record],
    files: dict[str, Path],
    authority: Authority,
) -> None:
    async with running_service(database_url, **files) as address:
        assert await count(address, TLS(authority.pem)) == 0
        for wrong in (None, TLS(Authority().pem)):
            with pytest.raises(errors.UnavailableError):
                await count(address, wrong)


async def test_a_renewed_certificate_is_shown_without_a_restart(
    database_url: str,
    database: asyncpg.Connection[asyncpg.Record],
    files: dict[str, Path],
    authority: Authority,
    tmp_path: Path,
) -> None:
    async with running_service(database_url, **files) as address:
        old_key = files["grpc_tls_key"].read_bytes()
        successor = Authority()
        successor.write_server(tmp_path)
        new_key = files["grpc_tls_key"].read_bytes()
        # Half-way through the renewal the service goes on with what it has.
        files["grpc_tls_key"].write_bytes(old_key)
        assert await count(address, TLS(authority.pem)) == 0
        files["grpc_tls_key"].write_bytes(new_key)
        assert await count(address, TLS(successor.pem)) == 0
        with pytest.raises(errors.UnavailableError):
            await count(address, TLS(authority.pem))


async def test_clients_show_certificates_where_they_have_to(
    database_url: str,
    database: asyncpg.Connection[asyncpg.Record],
    files: dict[str, Path],
    authority: Authority,
    tmp_path: Path,
) -> None:
    trusted = {"grpc_tls_client_ca": authority.write_authority(tmp_path)}
    shown = authority.client(dns=("billing.acme.example",))
    stranger = Authority().client(dns=("billing.acme.example",), trusts=authority.pem)
    async with running_server(
        database_url, **files, **trusted, grpc_mtls_listen="127.0.0.1:0"
    ) as server:
        assert await count(f"127.0.0.1:{server.port}", TLS(authority.pem)) == 0
        assert await count(f"127.0.0.1:{server.mtls_port}", shown) == 0
        for wrong in (TLS(authority.pem), stranger):
            with pytest.raises(errors.UnavailableError):
                await count(f"127.0.0.1:{server.mtls_port}", wrong)
    async with running_service(database_url, **files, **trusted) as address:
        assert await count(address, shown) == 0
        with pytest.raises(errors.UnavailableError):
            await count(address, TLS(authority.pem))


@pytest.mark.parametrize("mutual", [False, True])
async def test_a_gateway_reaches_its_service_over_tls(
    mutual: bool,
    database_url: str,
    database: asyncpg.Connection[asyncpg.Record],
    files: dict[str, Path],
    authority: Authority,
    tmp_path: Path,
) -> None:
    path = authority.write_authority(tmp_path)
    shown = authority.client(dns=("gateway.acme.example",))
    (tmp_path / "c.pem").write_bytes(shown.certificate or b"")
    (tmp_path / "k.pem").write_bytes(shown.private_key or b"")
    own = {"tls_cert": tmp_path / "c.pem", "tls_key": tmp_path / "k.pem"} if mutual else {}
    more = {"grpc_tls_client_ca": path} if mutual else {}
    async with (
        running_service(database_url, **files, **more) as address,
        running_gateway(address, tls_ca=path, **own) as url,
        ClientSession(headers={"Authorization": f"Bearer {TOKEN}"}) as session,
        session.get(f"{url}/Users?count=0") as response,
    ):
        assert response.status == 200


async def test_files_that_cannot_be_used_are_named_at_the_start(
    database_url: str, files: dict[str, Path]
) -> None:
    files["grpc_tls_key"].write_text("nonsense")
    with pytest.raises(OSError, match=r"server-key\.pem holds no private key"):
        async with running_service(database_url, **files):
            pass


async def test_the_gateway_answers_https_and_nothing_else(
    authority: Authority, tmp_path: Path
) -> None:
    certificate, key = authority.write_server(tmp_path)
    settings = {
        "ROLLBOOK_HTTP_TLS_CERTIFICATE": str(certificate),
        "ROLLBOOK_HTTP_TLS_KEY": str(key),
    }
    context = ssl.create_default_context(cadata=authority.pem.decode())
    with gateway_process("127.0.0.1:1", tmp_path, **settings) as (_, plain):
        secure = plain.replace("http://127.0.0.1", "https://localhost")
        async with ClientSession(connector=TCPConnector(ssl=context)) as session:
            async with session.get(f"{secure}/ServiceProviderConfig") as answer:
                body = await answer.json(content_type=None)
            assert (answer.status, body["meta"]["location"]) == (
                200,
                f"{secure}/ServiceProviderConfig",
            )
            with pytest.raises(ClientError):
                await session.get(f"{plain}/ServiceProviderConfig")
