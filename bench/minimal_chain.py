"""The least that a SCIM gateway over a gRPC service can be: aiohttp → grpc.aio → asyncpg → JSON.

It only reads a user by id. It checks no credentials, knows no projection, no groups and no
etags, keeps no log. There are two of it:

- typed: a row of columns becomes a `User` message, and that a JSON object, by hand;
- bare: the row holds the finished JSON, which is handed on as it is. Nothing can do less.

`python -m bench.minimal_chain service FORM SOCKET DATABASE_URL`
`python -m bench.minimal_chain gateway FORM SOCKET PORT`
"""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any, Final

import asyncpg
import grpc
import orjson
import uvloop
from aiohttp import web

from rollbook.v1.enterprise_user_pb2 import EnterpriseUser
from rollbook.v1.meta_pb2 import Meta
from rollbook.v1.user_pb2 import Email, Name, User

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

USER: Final = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE: Final = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
FORMS: Final = ("typed", "bare")
METHOD: Final = "/bench.Minimal/GetUser"

TABLE: Final = """
CREATE TABLE people (
    id uuid PRIMARY KEY,
    user_name text, external_id text, display_name text, title text, active boolean,
    given_name text, family_name text,
    email text, email_type text, department text, employee_number text,
    version text, created timestamptz, last_modified timestamptz,
    document text
)
"""

_TYPED: Final = """
SELECT id::text, user_name, external_id, display_name, title, active, given_name, family_name,
    email, email_type, department, employee_number, version, created, last_modified
FROM people WHERE id = $1::text::uuid
"""

_BARE: Final = "SELECT document FROM people WHERE id = $1::text::uuid"


async def _read_typed(pool: asyncpg.Pool[asyncpg.Record], identifier: str) -> bytes:
    row = await pool.fetchrow(_TYPED, identifier)
    assert row is not None
    user = User(
        id=row["id"],
        user_name=row["user_name"],
        external_id=row["external_id"],
        display_name=row["display_name"],
        title=row["title"],
        active=row["active"],
        name=Name(given_name=row["given_name"], family_name=row["family_name"]),
        emails=[Email(value=row["email"], type=row["email_type"], primary=True)],
        enterprise=EnterpriseUser(
            department=row["department"], employee_number=row["employee_number"]
        ),
        meta=Meta(
            resource_type="User",
            create_time=row["created"],
            update_time=row["last_modified"],
            etag=row["version"],
        ),
    )
    return user.SerializeToString()


async def _read_bare(pool: asyncpg.Pool[asyncpg.Record], identifier: str) -> bytes:
    document: str = await pool.fetchval(_BARE, identifier)
    return document.encode()


def _typed_json(answer: bytes) -> bytes:
    user = User.FromString(answer)
    return orjson.dumps(
        {
            "schemas": [USER, ENTERPRISE],
            "id": user.id,
            "externalId": user.external_id,
            "userName": user.user_name,
            "name": {"familyName": user.name.family_name, "givenName": user.name.given_name},
            "displayName": user.display_name,
            "title": user.title,
            "active": user.active,
            "emails": [
                {"value": email.value, "type": email.type, "primary": email.primary}
                for email in user.emails
            ],
            ENTERPRISE: {
                "employeeNumber": user.enterprise.employee_number,
                "department": user.enterprise.department,
            },
            "meta": {
                "resourceType": user.meta.resource_type,
                "created": user.meta.create_time.ToJsonString(),
                "lastModified": user.meta.update_time.ToJsonString(),
                "location": f"http://localhost/scim/v2/Users/{user.id}",
                "version": user.meta.etag,
            },
        }
    )


READERS: Final[Mapping[str, Callable[[Any, str], Awaitable[bytes]]]] = {
    "typed": _read_typed,
    "bare": _read_bare,
}

WRITERS: Final[Mapping[str, Callable[[bytes], bytes]]] = {
    "typed": _typed_json,
    "bare": lambda answer: answer,
}


async def serve_service(form: str, socket: str, database_url: str) -> None:
    """The service: one call, one SELECT."""
    pool = await asyncpg.create_pool(database_url, min_size=4, max_size=10)
    read = READERS[form]

    async def answer(request: bytes, _: object) -> bytes:
        return await read(pool, request.decode())

    server = grpc.aio.server()
    handlers: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {
        "GetUser": grpc.unary_unary_rpc_method_handler(answer)
    }
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler("bench.Minimal", handlers),)
    )
    server.add_insecure_port(f"unix:{socket}")
    await server.start()
    print("ready", flush=True)
    await server.wait_for_termination()


async def serve_gateway(form: str, socket: str, port: int) -> None:
    """The gateway: one request, one call, one JSON object."""
    channel = grpc.aio.insecure_channel(f"unix:{socket}")
    call: Any = channel.unary_unary(METHOD)
    write = WRITERS[form]

    async def answer(request: web.Request) -> web.Response:
        found = await call(request.match_info["id"].encode())
        return web.Response(body=write(found), content_type="application/scim+json")

    app = web.Application()
    app.router.add_get("/scim/v2/Users/{id}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    print("ready", flush=True)
    await asyncio.Event().wait()


def main() -> None:
    part, form, socket, rest = sys.argv[1:]
    if part == "service":
        uvloop.run(serve_service(form, socket, rest))
    else:
        uvloop.run(serve_gateway(form, socket, int(rest)))


if __name__ == "__main__":
    main()
