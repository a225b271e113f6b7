"""`rollbook status` and `rollbook version`."""

from __future__ import annotations

import platform
import time
from typing import TYPE_CHECKING, Annotated, Any, Final

import grpc
import typer

from rollbook.access import RPCS
from rollbook.cli.failures import ExitCode, advice, describe, exit_code
from rollbook.cli.output import Output
from rollbook.cli.session import Session, command
from rollbook.cli.version import current_version
from rollbook.errors import RollbookError, UnimplementedError

if TYPE_CHECKING:
    from rollbook.client import RollbookClient
    from rollbook.v1.credential_service_pb2 import DescribeCallerResponse


app = typer.Typer()

_READING: Final = RPCS["rollbook.v1.UserService/ListUsers"].scopes


@command(app, "status", examples="rollbook status --address 10.0.0.7:50051")
async def status(session: Session) -> None:
    """Say whether the service is there, who your token makes you and what it is good for."""
    found: dict[str, Any] = {"address": session.address}
    failure = await _look(session.client, found)
    if session.output.as_json:
        session.output.json(found)
    else:
        session.output.pairs((name, str(value)) for name, value in found.items())
    if failure is not None:
        session.output.error(describe(failure), advice(failure))
        raise typer.Exit(exit_code(failure))
    if found["health"] == "NOT_SERVING":
        raise typer.Exit(ExitCode.UNAVAILABLE)


async def _look(client: RollbookClient, found: dict[str, Any]) -> RollbookError | None:
    """Fill in what can be found out; the first failure ends it."""
    begin = time.perf_counter()
    try:
        found["health"] = await _health(client)
        found["milliseconds"] = round((time.perf_counter() - begin) * 1000, 1)
        caller = await client.tokens.describe_caller()
        found.update(_identity(caller))
        if not _READING.isdisjoint(caller.scopes):
            found["users"] = await client.users.count()
            found["groups"] = await client.groups.count()
    except RollbookError as error:
        found["credentials" if "health" in found else "health"] = error.reason or error.code.name
        return error
    return None


def _identity(caller: DescribeCallerResponse) -> dict[str, Any]:
    identity: dict[str, Any] = {
        "credentials": "accepted",
        "name": caller.name,
        "tenant": caller.tenant_name,
        "scopes": " ".join(caller.scopes),
    }
    if caller.HasField("expire_time"):
        identity["expires"] = caller.expire_time.ToJsonString()
    return identity


async def _health(client: RollbookClient) -> str:
    try:
        return await client.health()
    except UnimplementedError:
        return "not told"


@app.command("version")
def show_version(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Print the version."""
    versions = {
        "rollbook": current_version(),
        "python": platform.python_version(),
        "grpc": grpc.__version__,
    }
    output = Output(as_json=as_json)
    if as_json:
        output.json(versions)
    else:
        output.pairs(versions.items())
