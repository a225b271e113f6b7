"""The other servers of the run: constant answers, and the minimal chains over the same users."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from bench.minimal_chain import ENTERPRISE, FORMS, TABLE
from bench.stack import free_port

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.processes import Program
    from bench.stack import Stack

DATABASE: Final = "minimal"


@dataclass(frozen=True)
class Ceiling:
    """A server with a constant answer, and where it is."""

    program: Program
    address: str


@dataclass(frozen=True)
class Chain:
    """A minimal gateway and its service."""

    form: str
    gateway: Program
    service: Program
    port: int


def start_http_ceiling(stack: Stack, body: bytes) -> Ceiling:
    """A gateway with a constant answer."""
    port = free_port()
    program = stack.start("bench.ceilings", "http", str(port), stdin=body)
    program.wait_until(program.says_ready)
    return Ceiling(program, str(port))


def start_grpc_ceiling(stack: Stack, body: bytes) -> Ceiling:
    """A service with a constant answer, on a Unix socket as the service is."""
    address = f"unix:{stack.directory}/ceiling"
    program = stack.start("bench.ceilings", "grpc", address, stdin=body)
    program.wait_until(program.says_ready)
    return Ceiling(program, address)


def start_chains(stack: Stack) -> list[Chain]:
    """One chain of each form, over the table that `fill_table` has filled."""
    url = _database(stack.database_url)
    return [_start_chain(stack, form, url) for form in FORMS]


def _start_chain(stack: Stack, form: str, database_url: str) -> Chain:
    socket, port = str(stack.directory / f"chain-{form}"), free_port()
    service = stack.start("bench.minimal_chain", "service", form, socket, database_url)
    service.wait_until(service.says_ready)
    gateway = stack.start("bench.minimal_chain", "gateway", form, socket, str(port))
    gateway.wait_until(gateway.says_ready)
    return Chain(form, gateway, service, port)


async def fill_table(database_url: str, documents: Sequence[bytes]) -> None:
    """Makes the chains' table, from users as our gateway shows them."""
    administrator = await asyncpg.connect(database_url)
    await administrator.execute(f"CREATE DATABASE {DATABASE}")
    await administrator.close()
    connection = await asyncpg.connect(_database(database_url))
    await connection.execute(TABLE)
    await connection.copy_records_to_table("people", records=[_row(each) for each in documents])
    await connection.execute("VACUUM ANALYZE people")
    await connection.close()


def _database(url: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{DATABASE}"))


def _row(body: bytes) -> tuple[Any, ...]:
    user = json.loads(body)
    (email,) = user["emails"]
    return (
        user["id"],
        user["userName"],
        user["externalId"],
        user["displayName"],
        user["title"],
        user["active"],
        user["name"]["givenName"],
        user["name"]["familyName"],
        email["value"],
        email["type"],
        user[ENTERPRISE]["department"],
        user[ENTERPRISE]["employeeNumber"],
        user["meta"]["version"],
        datetime.fromisoformat(user["meta"]["created"]),
        datetime.fromisoformat(user["meta"]["lastModified"]),
        body.decode(),
    )


def check_same(ours: bytes, theirs: bytes, name: str) -> None:
    """Raises RuntimeError unless the answers are the same but for the address and the digits of
    the times: a competitor that answers less would be faster for that."""
    if _essence(ours) != _essence(theirs):
        raise RuntimeError(f"{name} answers something else: {theirs!r}, not {ours!r}")


def _essence(body: bytes) -> Any:
    document = json.loads(body)
    meta = document["meta"]
    del meta["location"]
    for name in ("created", "lastModified"):
        meta[name] = datetime.fromisoformat(meta[name])
    return document
