"""The cells of the access matrix: what each credential gets from each method, by each way in."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import grpc
import pytest

from rollbook.access import RPCS, Rule, Scope
from rollbook.metadata import CHANNEL, CLIENT, EXPECT_TENANT, GATEWAY, GATEWAY_CLAIMS, SCIM, TENANT
from tests.harness.credentials import INVALID, MISSING, Given
from tests.harness.drivers import failure_of
from tests.harness.instance import GATEWAY_SECRET

if TYPE_CHECKING:
    from collections.abc import Iterable

MALFORMED: Final = b"\xff"
AT_ONCE: Final = 50


@dataclass(frozen=True)
class Way:
    """How a call comes: its metadata, whether the service is to take it for SCIM's, the tenant
    that its URL named, and the one that it is to act in."""

    title: str
    metadata: tuple[tuple[str, str], ...]
    is_scim: bool
    expects: str = ""
    acts_in: str = ""


WAYS: Final = (
    Way("direct", (), is_scim=False),
    Way("by the gateway", ((CHANNEL, SCIM), (GATEWAY, GATEWAY_SECRET)), is_scim=True),
    Way("by a false gateway", ((CHANNEL, SCIM), (GATEWAY, GATEWAY_SECRET + "x")), is_scim=False),
    Way("by a gateway without a secret", ((CHANNEL, SCIM), (GATEWAY, "")), is_scim=False),
    Way("said to be SCIM", ((CHANNEL, SCIM), (CLIENT, "192.0.2.1")), is_scim=False),
    Way("by the gateway for nobody", ((GATEWAY, GATEWAY_SECRET),), is_scim=False),
    *(
        Way(f"to {tenant}", ((EXPECT_TENANT, f"name:{tenant}"),), is_scim=False, expects=tenant)
        for tenant in ("default", "other", "nobodys")
    ),
    Way(
        "by the gateway to other",
        ((CHANNEL, SCIM), (GATEWAY, GATEWAY_SECRET), (EXPECT_TENANT, "name:other")),
        is_scim=True,
        expects="other",
    ),
    Way("acting in other", ((TENANT, "other"),), is_scim=False, acts_in="other"),
)

MAIN_WAYS: Final = tuple(WAYS[number] for number in (0, 1, 2, 7, 10))
"""Those that every method is called by; all of them, one method for each rule."""

BY_RULE: Final = {rule: method for method, rule in RPCS.items()}


def expected(rule: Rule, given: Given, way: Way) -> str:
    """The reason that a malformed call gets."""
    if given.is_certificate and not GATEWAY_CLAIMS.isdisjoint(dict(way.metadata)):
        # That of whoever passes something on is not the client's.
        given = Given(given.title, None, refusal=MISSING)
    has_credentials = bool((given.header or "").strip()) or given.is_certificate
    if rule.takes_nobody(has_credentials=has_credentials):
        return "INVALID_SYNTAX"
    return _not_known(given, way) or _not_allowed(rule, given, way) or "INVALID_SYNTAX"


def _not_known(given: Given, way: Way) -> str:
    if given.refusal or way.expects not in {"", given.tenant}:
        return given.refusal or INVALID
    return "TENANT_SUSPENDED" if given.is_suspended else ""


def _not_allowed(rule: Rule, given: Given, way: Way) -> str:
    if way.acts_in not in {"", given.tenant} and Scope.PLATFORM not in given.scopes:
        return "SCOPE_MISSING"
    if given.scim and (CHANNEL, SCIM) in way.metadata:
        return given.scim
    if not rule.admits(given.scopes, over_scim=way.is_scim):
        return "SCOPE_MISSING"
    return given.scim_after if way.is_scim else ""


async def reason(channel: grpc.aio.Channel, method: str, given: Given, way: Way) -> str:
    call: Any = channel.unary_unary(f"/{method}")
    header = () if given.header is None else (("authorization", given.header),)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call(MALFORMED, metadata=(*header, *way.metadata), timeout=30)
    return failure_of(caught.value).reason


async def assert_answers(
    channel: grpc.aio.Channel, method: str, credentials: Iterable[Given], ways: Iterable[Way]
) -> None:
    turn = asyncio.Semaphore(AT_ONCE)

    async def cell(given: Given, way: Way) -> tuple[str, str, str]:
        async with turn:
            return given.title, way.title, await reason(channel, method, given, way)

    cells = [(given, way) for given in credentials for way in ways]
    got = await asyncio.gather(*(cell(*each) for each in cells))
    want = [(given.title, way.title, expected(RPCS[method], given, way)) for given, way in cells]
    assert got == want
