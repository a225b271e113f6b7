"""Every method × every client certificate, against the table of scopes, over real handshakes.

As in test_access_matrix.py no cell is written by hand, and the body of every call is malformed.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import grpc
import pytest

from rollbook.access import BY_ROLE, EVERY_SCOPE, RPCS, Scope
from rollbook.client import RollbookClient
from rollbook.metadata import CHANNEL, CLIENT, GATEWAY, SCIM
from rollbook.v1.service_account_pb2 import ServiceAccount
from tests.harness.access_matrix import BY_RULE, MALFORMED, WAYS, Way, assert_answers
from tests.harness.certificates import Authority
from tests.harness.credentials import ADMINISTRATOR, INVALID, MISSING, OWN, Given
from tests.harness.instance import GATEWAY_SECRET, TOKEN, running_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from rollbook.client import TLS
    from tests.harness.database import DatabaseServer

DOMAIN: Final = "spiffe://acme.example"

DIRECT: Final = WAYS[0]
AS_GATEWAY: Final = (
    Way("by the gateway", ((CHANNEL, SCIM), (GATEWAY, GATEWAY_SECRET)), is_scim=True),
    Way("by a gateway that knows no address", ((CLIENT, ""),), is_scim=False),
)
ELSEWHERE: Final = tuple(way for way in WAYS if way.expects or way.acts_in)
"""Those that name a tenant."""


@dataclass(frozen=True)
class Shown:
    """A certificate and what comes of it."""

    given: Given
    tls: TLS

    def channel(self, address: str) -> grpc.aio.Channel:
        return grpc.aio.secure_channel(address, self.tls.credentials())


def outcome(title: str, scopes: Iterable[Scope] = (), refusal: str = "") -> Given:
    return Given(title, None, frozenset(scopes), refusal, is_certificate=True)


async def known(rollbook: RollbookClient) -> AsyncIterator[Given]:
    """Registers certificates that are somebody's: each is called `<DOMAIN>/<title>`."""
    for scopes in ([scope] for scope in Scope):
        yield await _registered(rollbook, scopes[0], scopes)
    yield await _registered(rollbook, "everything", EVERY_SCOPE)
    for name, roles, own in (("bot", [], OWN - BY_ROLE), ("root", [ADMINISTRATOR], OWN)):
        account = await rollbook.service_accounts.create(
            ServiceAccount(display_name=name, roles=roles)
        )
        made = await _registered(rollbook, name, OWN, principal_id=account.id)
        yield replace(made, scopes=own)
    for name in ("deactivated", "deleted", "reactivated"):
        account = await rollbook.service_accounts.create(ServiceAccount(display_name=name))
        made = await _registered(rollbook, name, OWN, principal_id=account.id)
        if name == "deleted":
            await rollbook.service_accounts.delete(account.id)
        else:
            await rollbook.service_accounts.deactivate(account.id)
        if name == "reactivated":
            await rollbook.service_accounts.activate(account.id)
        yield replace(made, scopes=frozenset(), refusal=INVALID)
    for tenant in ("other", "gone"):
        await rollbook.tenants.create(tenant)
        async with rollbook.acting_in(tenant) as inside:
            made = await _registered(inside, tenant, OWN)
        yield replace(made, tenant=tenant, is_suspended=tenant == "gone")
    await rollbook.tenants.suspend("gone")
    removed = await rollbook.workloads.create("removed", f"{DOMAIN}/removed", OWN)
    await rollbook.workloads.delete(removed.id)
    yield outcome("removed", refusal=INVALID)


async def _registered(
    rollbook: RollbookClient, title: str, scopes: Iterable[Scope], *, principal_id: str = ""
) -> Given:
    pattern = f"{DOMAIN}/{title}"
    await rollbook.workloads.create(title, pattern, scopes, principal_id=principal_id)
    return outcome(title, scopes)


def strangers(authority: Authority) -> list[Shown]:
    """Certificates that the authority has signed and nobody has registered."""
    uri, dns = f"{DOMAIN}/stranger", "stranger.acme.example"
    nobodys = outcome("a name that nobody has", refusal=INVALID)
    # What names nobody is as if nothing was shown.
    nameless = Given("no names", None, refusal=MISSING)
    return [
        Shown(nobodys, authority.client(uris=(uri,))),
        Shown(replace(nobodys, title="a DNS name of nobody"), authority.client(dns=(dns,))),
        Shown(
            replace(nobodys, title="a name cut short"),
            authority.client(uris=("spiffe://acme.example/e",)),
        ),
        Shown(nameless, authority.client(common_name=f"{DOMAIN}/everything")),
        Shown(
            replace(nameless, title="an authority's"),
            authority.client(uris=(f"{DOMAIN}/everything",), is_authority=True),
        ),
        Shown(
            replace(nameless, title="two URIs"),
            authority.client(uris=(f"{DOMAIN}/everything", uri)),
        ),
    ]


def refused_by_tls(authority: Authority) -> dict[str, TLS]:
    """Certificates with which no handshake succeeds."""
    other, name = Authority(), (f"{DOMAIN}/everything",)
    return {
        "expired": authority.client(uris=name, lifetime=timedelta(minutes=-1)),
        "of another authority": other.client(uris=name, trusts=authority.pem),
    }


@dataclass(frozen=True)
class Place:
    """A service, and a channel for each certificate."""

    authority: Authority
    address: str
    shown: list[tuple[Given, grpc.aio.Channel]]


@pytest.fixture(scope="module")
async def place(
    database_server: DatabaseServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Place]:
    """A service of the module's own: patterns are taken for all tenants."""
    authority, directory = Authority(), tmp_path_factory.mktemp("tls")
    certificate, key = authority.write_server(directory)
    async with (
        database_server.database() as url,
        running_server(
            url,
            grpc_tls_certificate=certificate,
            grpc_tls_key=key,
            grpc_tls_client_ca=authority.write_authority(directory),
            grpc_mtls_listen="127.0.0.1:0",
        ) as server,
    ):
        address = f"127.0.0.1:{server.mtls_port}"
        async with RollbookClient(address, token=TOKEN, tls=authority.client()) as rollbook:
            of_somebody = [
                Shown(given, authority.client(uris=(f"{DOMAIN}/{given.title}",)))
                async for given in known(rollbook)
            ]
        async with AsyncExitStack() as stack:
            yield Place(
                authority,
                address,
                [
                    (each.given, await stack.enter_async_context(each.channel(address)))
                    for each in (*of_somebody, *strangers(authority))
                ],
            )


@pytest.mark.parametrize("method", sorted(RPCS))
async def test_a_method_admits_whom_the_table_admits(method: str, place: Place) -> None:
    everywhere = method in BY_RULE.values()
    ways = (DIRECT, *AS_GATEWAY, *ELSEWHERE) if everywhere else (DIRECT, AS_GATEWAY[1])
    for given, channel in place.shown:
        await assert_answers(channel, method, [given], ways)


async def test_a_token_goes_before_the_certificate(place: Place) -> None:
    """Whether the certificate is better than the token, or worse."""
    tokens = (
        Given("an administrator's token", f"Bearer {TOKEN}", EVERY_SCOPE),
        Given("nobody's token", "Bearer nobody", refusal=INVALID),
    )
    for method in BY_RULE.values():
        for _, channel in place.shown:
            await assert_answers(channel, method, tokens, [DIRECT])


@pytest.mark.parametrize("what", ["expired", "of another authority"])
async def test_no_method_is_reached_without_a_handshake(what: str, place: Place) -> None:
    tls = refused_by_tls(place.authority)[what]
    async with grpc.aio.secure_channel(place.address, tls.credentials()) as channel:
        for method in RPCS:
            call: Any = channel.unary_unary(f"/{method}")
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await call(MALFORMED, timeout=30)
            assert caught.value.code() is grpc.StatusCode.UNAVAILABLE, method
