"""Who is let in with a client certificate, over real handshakes."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from aiohttp import ClientSession

from rollbook import errors
from rollbook.access import BY_ROLE, EVERY_SCOPE, Scope
from rollbook.client import TLS, RollbookClient, add, remove, replace
from rollbook.metadata import CHANNEL, CLIENT, GATEWAY, SCIM
from rollbook.v1.credential_service_pb2 import DescribeCallerRequest
from rollbook.v1.credential_service_pb2_grpc import CredentialServiceStub
from rollbook.v1.oauth_service_pb2 import (
    IntrospectOAuthTokenRequest,
    OAuthClientRequest,
    OAuthParameter,
)
from rollbook.v1.oauth_service_pb2_grpc import OAuthServiceStub
from rollbook.v1.service_account_pb2 import ServiceAccount
from rollbook.v1.user_pb2 import Role, User
from service.domain.certificate_names import digest_of
from tests.harness.certificates import Authority
from tests.harness.drivers import failure_of
from tests.harness.instance import GATEWAY_SECRET, TOKEN, running_gateway, running_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg

BILLING = "spiffe://acme.example/prod/billing"
READ = [Scope.DIRECTORY_READ]


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="module")
async def address(
    database_url: str, authority: Authority, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[str]:
    """Where clients have to show certificates."""
    directory = tmp_path_factory.mktemp("tls")
    certificate, key = authority.write_server(directory)
    async with running_server(
        database_url,
        grpc_tls_certificate=certificate,
        grpc_tls_key=key,
        grpc_tls_client_ca=authority.write_authority(directory),
        grpc_mtls_listen="127.0.0.1:0",
    ) as server:
        yield f"127.0.0.1:{server.mtls_port}"


@pytest.fixture
async def admin(
    address: str, authority: Authority, database: asyncpg.Connection[asyncpg.Record]
) -> AsyncIterator[RollbookClient]:
    """An administrator; nobody is let in by a certificate yet."""
    await database.execute("DELETE FROM credentials WHERE kind = 'certificate'")
    async with RollbookClient(address, token=TOKEN, tls=authority.client()) as client:
        yield client


@asynccontextmanager
async def shown(address: str, tls: TLS) -> AsyncIterator[RollbookClient]:
    async with RollbookClient(address, tls=tls) as client:
        yield client


async def name_of(address: str, tls: TLS) -> str:
    """Whom a certificate is taken for; the reason when it is refused."""
    async with shown(address, tls) as client:
        try:
            return (await client.tokens.describe_caller()).name
        except errors.RollbookError as error:
            return error.reason


async def test_who_has_the_certificate_is_let_in_and_signs_with_the_name(
    admin: RollbookClient,
    address: str,
    authority: Authority,
    database: asyncpg.Connection[asyncpg.Record],
) -> None:
    await admin.workloads.create("billing", BILLING, [Scope.DIRECTORY_WRITE])
    async with shown(address, authority.client(uris=(BILLING,))) as billing:
        caller = await billing.tokens.describe_caller()
        assert (caller.name, list(caller.scopes)) == ("billing", ["directory.write"])
        assert caller.HasField("expire_time")
        await billing.users.create(User(user_name="ada"))
        with pytest.raises(errors.PermissionDeniedError):
            await billing.tokens.create("x", ["scim"])
    rows = await database.fetch("SELECT actor, resource_type FROM changes ORDER BY revision")
    assert [tuple(row) for row in rows] == [
        ("bootstrap", "CertificateIdentity"),
        ("billing", "User"),
    ]


async def test_the_nearest_pattern_counts(
    admin: RollbookClient, address: str, authority: Authority
) -> None:
    await admin.workloads.create("all", "spiffe://acme.example/*", READ)
    await admin.workloads.create("dns", "billing.acme.example", READ)
    everything = authority.client(uris=(BILLING,), dns=("billing.acme.example",))
    assert await name_of(address, everything) == "all"
    await admin.workloads.create("prod", "spiffe://acme.example/prod/*", READ)
    assert await name_of(address, everything) == "prod"
    exact = await admin.workloads.create("exact", BILLING, READ)
    assert await name_of(address, everything) == "exact"
    await admin.workloads.delete(exact.id)
    assert await name_of(address, everything) == "prod"
    assert await name_of(address, authority.client(dns=("BILLING.acme.example",))) == "dns"


async def test_near_names_are_not_the_name(
    admin: RollbookClient, address: str, authority: Authority
) -> None:
    await admin.workloads.create("billing", BILLING, READ)
    await admin.workloads.create("below", "spiffe://acme.example/batch/*", READ)
    await admin.workloads.create("dns", "db.acme.example", READ)
    await admin.workloads.create("other dns", "cache.acme.example", READ)
    hostile: list[dict[str, Any]] = [
        {"uris": (BILLING + "x",)},
        {"uris": (BILLING + "/x",)},
        {"uris": (BILLING + "/",)},
        {"uris": ("spiffe://acme.example/prod/x/../billing",)},
        {"uris": ("spiffe://acme.example/prod//billing",)},
        {"uris": ("spiffe://ACME.example/prod/billing",)},
        {"uris": ("spiffe://acme.example/PROD/billing",)},
        {"uris": ("SPIFFE://acme.example/prod/billing",)},
        {"uris": ("https://acme.example/prod/billing",)},
        {"uris": (BILLING + "?x=1",)},
        {"uris": ("spiffe://evil.example/prod/billing",)},
        {"uris": ("spiffe://acme.example.evil.example/prod/billing",)},
        {"uris": ("spiffe://acme.example/batch",)},
        {"uris": ("spiffe://acme.example/batches/x",)},
        {"uris": (BILLING, "spiffe://acme.example/prod/other")},
        {"dns": ("*.acme.example",)},
        {"dns": ("x.db.acme.example",)},
        {"dns": ("acme.example",)},
        {"dns": ("db.acme.example", "cache.acme.example")},
        {"uris": (BILLING,), "is_authority": True},
        {"common_name": BILLING},
        {"common_name": "db.acme.example"},
        {},
    ]
    taken = {
        str(each): name
        for each in hostile
        if (name := await name_of(address, authority.client(**each)))
        not in {"CREDENTIALS_INVALID", "CREDENTIALS_MISSING"}
    }
    # gRPC takes no part in an authority's certificate; either way nobody is let in.
    assert all(name == "" for name in taken.values()), taken


async def test_a_certificate_that_has_ended_opens_nothing(
    admin: RollbookClient, address: str, authority: Authority
) -> None:
    await admin.workloads.create("billing", BILLING, READ)
    ended = authority.client(uris=(BILLING,), lifetime=timedelta(seconds=-1))
    # The handshake fails: there is no reason.
    assert await name_of(address, ended) == ""
    stranger = Authority().client(uris=(BILLING,), trusts=authority.pem)
    assert await name_of(address, stranger) == ""


async def test_a_connection_outlives_its_certificate_but_not_its_right(
    admin: RollbookClient,
    address: str,
    authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await admin.workloads.create("billing", BILLING, READ)
    async with shown(address, authority.client(uris=(BILLING,))) as client:
        await client.tokens.describe_caller()
        monkeypatch.setattr("service.rpc.gate.certificates.PeerCertificate.seconds_left", -1.0)
        monkeypatch.setattr("service.rpc.gate.authentication.CACHE_SECONDS", -1.0)
        await admin.workloads.create("to advance the epoch", "x.example", READ)
        with pytest.raises(errors.UnauthenticatedError):
            await client.tokens.describe_caller()


async def test_a_removed_identity_is_out_at_once(
    admin: RollbookClient, address: str, authority: Authority
) -> None:
    made = await admin.workloads.create("billing", BILLING, READ)
    async with shown(address, authority.client(uris=(BILLING,))) as client:
        assert await client.users.count() == 0
        await admin.workloads.delete(made.id)
        with pytest.raises(errors.UnauthenticatedError):
            await client.users.count()
    with pytest.raises(errors.NotFoundError):
        await admin.workloads.delete(made.id)


async def test_a_principals_certificate_ends_with_its_access(
    admin: RollbookClient, address: str, authority: Authority
) -> None:
    created = await admin.users.create(User(user_name="ada"))
    made = await admin.workloads.create("ada", BILLING, READ, principal_id=created.id)
    assert made.principal_id == created.id
    await admin.workloads.create("all", "spiffe://acme.example/*", READ)
    async with shown(address, authority.client(uris=(BILLING,))) as client:
        assert (await client.tokens.describe_caller()).name == "ada"
        await admin.users.patch(created.id, [replace("active", False)])
        with pytest.raises(errors.UnauthenticatedError):
            await client.tokens.describe_caller()
    # Nor does the wider pattern let them in, nor reactivation.
    assert await name_of(address, authority.client(uris=(BILLING,))) == "CREDENTIALS_INVALID"
    await admin.users.patch(created.id, [replace("active", True)])
    assert await name_of(address, authority.client(uris=(BILLING,))) == "CREDENTIALS_INVALID"
    listed = {one.name: one async for one in admin.workloads.list()}
    assert listed["ada"].HasField("revoke_time")
    await admin.workloads.delete(made.id)
    assert await name_of(address, authority.client(uris=(BILLING,))) == "all"


async def test_a_principals_certificate_is_good_for_what_its_roles_grant(
    admin: RollbookClient, address: str, authority: Authority
) -> None:
    own = sorted(EVERY_SCOPE - {Scope.PLATFORM})
    role = Role(type="account_type", value="admin")
    account = await admin.service_accounts.create(ServiceAccount(display_name="billing"))
    await admin.workloads.create("billing", BILLING, own, principal_id=account.id)
    async with shown(address, authority.client(uris=(BILLING,))) as billing:
        for change, scopes in (
            (add("roles", role), own),
            (remove("roles"), sorted(set(own) - BY_ROLE)),
        ):
            await admin.service_accounts.patch(account.id, [change])
            assert list((await billing.tokens.describe_caller()).scopes) == scopes
        with pytest.raises(errors.PermissionDeniedError) as caught:
            await billing.users.create(User(user_name="ada"))
        assert "no role that grants it" in str(caught.value)


async def test_an_administrators_certificate_may_ask_about_tokens(
    admin: RollbookClient, address: str, authority: Authority
) -> None:
    await admin.workloads.create("console", BILLING, [Scope.ADMIN])
    await admin.workloads.create("reader", "spiffe://acme.example/reader", READ)
    made = await admin.tokens.create("plain", READ)
    asked = OAuthClientRequest(parameters=[OAuthParameter(name="token", value=made.secret)])
    request = IntrospectOAuthTokenRequest(request=asked)
    for name, outcome in (
        (BILLING, made.token.id),
        ("spiffe://acme.example/reader", "SCOPE_MISSING"),
        ("spiffe://acme.example/nobody", "CREDENTIALS_INVALID"),
    ):
        credentials = authority.client(uris=(name,)).credentials()
        async with grpc.aio.secure_channel(address, credentials) as channel:
            assert await introspected(channel, request) == outcome
            # A gateway's certificate is not its client's.
            passed_on = ((CLIENT, ""),)
            assert await introspected(channel, request, passed_on) == "OAUTH_CLIENT_INVALID"


async def introspected(
    channel: grpc.aio.Channel,
    request: IntrospectOAuthTokenRequest,
    metadata: tuple[tuple[str, str], ...] = (),
) -> str:
    """Whose the token is, or why that is not told."""
    try:
        stub = OAuthServiceStub(channel)
        return (await stub.IntrospectOAuthToken(request, metadata=metadata)).subject
    except grpc.aio.AioRpcError as error:
        return failure_of(error).reason


async def test_a_certificate_is_given_to_who_is_there_and_active(admin: RollbookClient) -> None:
    with pytest.raises(errors.NotFoundError):
        await admin.workloads.create("x", BILLING, READ, principal_id="nobody")
    created = await admin.users.create(User(user_name="ada", active=False))
    with pytest.raises(errors.InvalidRequestError) as caught:
        await admin.workloads.create("x", BILLING, READ, principal_id=created.id)
    assert caught.value.reason == "PRINCIPAL_INACTIVE"
    assert not [one async for one in admin.workloads.list()]


async def test_other_credentials_go_before_the_certificate(
    admin: RollbookClient, address: str, authority: Authority
) -> None:
    await admin.workloads.create("billing", BILLING, READ)
    tls = authority.client(uris=(BILLING,))
    async with RollbookClient(address, token=TOKEN, tls=tls) as client:
        assert (await client.tokens.describe_caller()).name == "bootstrap"
    async with RollbookClient(address, token="rbk_wrong", tls=tls) as client:
        with pytest.raises(errors.UnauthenticatedError):
            await client.tokens.describe_caller()


async def test_what_headers_say_of_certificates_is_worth_nothing(
    admin: RollbookClient, address: str, authority: Authority
) -> None:
    await admin.workloads.create("billing", BILLING, EVERY_SCOPE)
    stranger = authority.client(uris=("spiffe://acme.example/prod/stranger",))
    held = digest_of(BILLING)
    lies = [
        (("x509_pem_cert", (authority.client(uris=(BILLING,)).certificate or b"").hex()),),
        (("x-forwarded-client-cert", f"URI={BILLING}"),),
        (("peer_spiffe_id", BILLING),),
        (("authorization", BILLING),),
        (("authorization", f"Bearer certificate{BILLING}"),),
        (("authorization", f"Bearer {held.hex()}"),),
    ]
    async with grpc.aio.secure_channel(address, stranger.credentials()) as channel:
        for metadata in lies:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await CredentialServiceStub(channel).DescribeCaller(
                    DescribeCallerRequest(), metadata=metadata
                )
            assert failure_of(caught.value).reason == "CREDENTIALS_INVALID"


@pytest.mark.parametrize("secret", [GATEWAY_SECRET, "wrong"])
async def test_a_gateways_certificate_does_not_speak_for_whom_it_passes_on(
    secret: str, admin: RollbookClient, address: str, authority: Authority
) -> None:
    await admin.workloads.create("gateway", BILLING, EVERY_SCOPE)
    tls = authority.client(uris=(BILLING,))
    metadata = ((CHANNEL, SCIM), (GATEWAY, secret))
    async with grpc.aio.secure_channel(address, tls.credentials()) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await CredentialServiceStub(channel).DescribeCaller(
                DescribeCallerRequest(), metadata=metadata
            )
    assert failure_of(caught.value).reason == "CREDENTIALS_MISSING"


async def test_a_request_without_credentials_stays_so_behind_a_gateway_with_a_certificate(
    admin: RollbookClient, address: str, authority: Authority, tmp_path: Any
) -> None:
    await admin.workloads.create("gateway", BILLING, EVERY_SCOPE)
    tls = authority.client(uris=(BILLING,))
    (tmp_path / "c.pem").write_bytes(tls.certificate or b"")
    (tmp_path / "k.pem").write_bytes(tls.private_key or b"")
    async with (
        running_gateway(
            address,
            tls_ca=authority.write_authority(tmp_path),
            tls_cert=tmp_path / "c.pem",
            tls_key=tmp_path / "k.pem",
        ) as url,
        ClientSession() as session,
        session.get(f"{url}/Users") as response,
    ):
        assert response.status == 401


async def test_identities_are_listed_page_by_page(admin: RollbookClient) -> None:
    made = [
        await admin.workloads.create(f"w{number}", f"spiffe://acme.example/{number}", READ)
        for number in range(5)
    ]
    listed = [identity async for identity in admin.workloads.list(page_size=2)]
    assert [one.id for one in listed] == [one.id for one in reversed(made)]
    assert listed[0].pattern == "spiffe://acme.example/4"


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "*",
        "spiffe://",
        "spiffe:///x",
        "spiffe://acme.example/",
        "spiffe://acme.example/*/x",
        "spiffe://acme.example/a*",
        "spiffe://*",
        "spiffe://acme.example/../x",
        "spiffe://Acme.example/x",
        "https://acme.example",
        "*.acme.example",
        "acme..example",
        "-acme.example",
        "a b",
        "spiffe://acme.example/" + "x" * 3_000,
    ],
)
async def test_a_pattern_that_names_nobody_is_refused(pattern: str, admin: RollbookClient) -> None:
    with pytest.raises(errors.InvalidRequestError) as caught:
        await admin.workloads.create("x", pattern, READ)
    assert (caught.value.reason, caught.value.field) == ("INVALID_VALUE", "pattern")


async def test_a_pattern_is_one_tenants_and_gives_no_more_than_one_has(
    admin: RollbookClient, address: str, authority: Authority
) -> None:
    await admin.workloads.create("billing", BILLING, READ)
    with pytest.raises(errors.AlreadyExistsError):
        await admin.workloads.create("again", f" {BILLING} ", READ)
    some = (await admin.tokens.create("platform", [Scope.PLATFORM])).secret
    async with RollbookClient(address, token=some, tls=authority.client()) as client:
        with pytest.raises(errors.PermissionDeniedError):
            await client.workloads.create("wider", "spiffe://acme.example/x", READ)
