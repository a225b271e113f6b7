"""Recorded exchanges of identity providers get the answers they expect, and after each of them
gRPC sees what SCIM shows."""

from __future__ import annotations

from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, get_args

import pytest

from rollbook.role_catalogue_file import parse_catalogue
from rollbook.v1.role_service_pb2 import UpdateRoleCatalogueRequest
from tests.golden.expected_failures import EXPECTED_FAILURES
from tests.harness.exchanges import Exchange, Replay, load_exchanges
from tests.harness.operations import Kind, Listing
from tests.harness.representation import SERVICE_ACCOUNT_SCHEMA

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Sequence

    import asyncpg

    from tests.harness.calls import Calls
    from tests.harness.drivers import GrpcDriver, ScimDriver
    from tests.harness.scim import ScimAnswer, ScimClient

DIRECTORY: Final = Path(__file__).parent / "traffic"
CATALOGUES: Final = {
    "product:tecton": Path(__file__).parents[2] / "deploy" / "roles" / "tecton.yaml",
}
"""The role catalogue that a mode means."""

FILES: Final = sorted(path.name for path in DIRECTORY.glob("*.json"))


@pytest.mark.parametrize("file", FILES)
async def test_exchanges_of(
    file: str,
    scim: ScimClient,
    scim_driver: ScimDriver,
    grpc_driver: GrpcDriver,
    basic_credentials: str,
    calls: Calls,
    database: asyncpg.Connection[asyncpg.Record],
    subtests: pytest.Subtests,
) -> None:
    exchanges = load_exchanges(DIRECTORY / file)
    async with _catalogue_for(exchanges, calls, database):
        await _replay(file, exchanges, scim, scim_driver, grpc_driver, basic_credentials, subtests)


@asynccontextmanager
async def _catalogue_for(
    exchanges: Iterable[Exchange], calls: Calls, database: asyncpg.Connection[asyncpg.Record]
) -> AsyncIterator[None]:
    """The tenant has the role catalogue that the exchanges ask for, if any."""
    for mode in {exchange.mode for exchange in exchanges} & CATALOGUES.keys():
        catalogue = parse_catalogue(CATALOGUES[mode].read_text("utf-8")).catalogue
        await calls(UpdateRoleCatalogueRequest(catalogue=catalogue))
    yield
    await database.execute("DELETE FROM role_catalogues")


async def _replay(
    file: str,
    exchanges: Sequence[Exchange],
    scim: ScimClient,
    scim_driver: ScimDriver,
    grpc_driver: GrpcDriver,
    basic_credentials: str,
    subtests: pytest.Subtests,
) -> None:
    replay = Replay(
        scim,
        {
            "token": scim.token,
            "basicCredentials": basic_credentials,
            "serviceAccountSchema": SERVICE_ACCOUNT_SCHEMA,
        },
    )
    expected_failures = EXPECTED_FAILURES.get(file, {})
    assert expected_failures.keys() <= {exchange.name for exchange in exchanges}
    for exchange in exchanges:
        found = await _failures(replay, exchange)
        if exchange.writes:
            found += await _disagreements(scim_driver, grpc_driver)
        with subtests.test(exchange=exchange.name):
            _judge(f"{file}: {exchange.name}", found, expected_failures.get(exchange.name))


def _judge(name: str, found: list[str], expected_failure: str | None) -> None:
    if expected_failure is None:
        assert not found, f"{name}: " + "\n".join(found)
    elif found:
        pytest.xfail(expected_failure)
    else:
        pytest.fail(f"{name} passes: take it off the list of expected failures")


async def _failures(replay: Replay, exchange: Exchange) -> list[str]:
    try:
        answer = await replay.send(exchange)
    except KeyError as missing:
        return [f"the variable {missing} was not captured before"]
    return [*replay.failures(exchange, answer), *_form_failures(answer)]


def _form_failures(answer: ScimAnswer) -> list[str]:
    """What holds for every answer (RFC 7644 §3.1, §3.12)."""
    found = []
    if answer.body is not None and "json" not in answer.headers.get("Content-Type", ""):
        found.append(f"Content-Type: {answer.headers.get('Content-Type')!r} of a JSON body")
    if answer.status >= 400 and (
        not isinstance(answer.body, dict) or answer.body.get("status") != str(answer.status)
    ):
        found.append(f"an error without the error message: {answer.body!r}")
    return found


async def _disagreements(scim: ScimDriver, grpc: GrpcDriver) -> list[str]:
    """Where the directory looks different through the two protocols."""
    found: list[str] = []
    for kind in get_args(Kind):
        found += await _disagreements_on(kind, scim, grpc)
    return found


async def _disagreements_on(kind: Kind, scim: ScimDriver, grpc: GrpcDriver) -> list[str]:
    shown = await scim.list(kind, Listing(count=1000))
    seen = await grpc.list(kind, Listing(count=1000))
    found = [] if shown == seen else [f"lists of {kind}s: SCIM {shown}, gRPC {seen}"]
    for resource in shown.resources:
        single = await grpc.get(kind, resource["id"])
        if single.resource != resource:
            found.append(f"{kind}: SCIM lists {resource}, gRPC gets {single}")
    return found


async def test_a_deleted_resource_is_gone_over_grpc(
    scim: ScimClient, grpc_driver: GrpcDriver
) -> None:
    created = await scim.post("/Users", {"userName": "ada"})
    await scim.delete(f"/Users/{created.body['id']}")
    outcome = await grpc_driver.get("User", created.body["id"])
    assert outcome.reason == "USER_NOT_FOUND"
