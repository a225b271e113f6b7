"""Whatever a caller names, in whichever field of whichever method: what another tenant has is
answered like what nobody has."""

from __future__ import annotations

import asyncio
import re
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid4

import grpc
import pytest
from google.protobuf import descriptor_pool
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message_factory import GetMessageClass

from rollbook.access import EVERY_SCOPE, RPCS, Scope
from rollbook.client import RollbookClient
from rollbook.v1.connection_pb2 import Connection
from rollbook.v1.group_pb2 import Group
from rollbook.v1.oauth_service_pb2 import OAuthClient
from rollbook.v1.schema_pb2 import AttributeDefinition, SchemaDefinition
from rollbook.v1.service_account_pb2 import ServiceAccount
from rollbook.v1.user_pb2 import Email, User
from tests.harness.instance import TOKEN, running_service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from google.protobuf.descriptor import Descriptor, MethodDescriptor

    from tests.harness.database import DatabaseServer

    Path = tuple[FieldDescriptor, ...]

READS: Final = ("Get", "List", "Lookup", "Batch", "Check", "Explain", "Search")
DEPTH: Final = 2
AT_ONCE: Final = 32
CHANCE: Final = re.compile(
    r"(?:seconds|nanos): \d+|last_use_time \{[^}]*\}|[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"
    r"|\b[0-9a-f]{64}\b|\brb[ka]_\w+"
)


def methods() -> Iterator[tuple[str, MethodDescriptor]]:
    """Those that change nothing, or can be asked to."""
    for name in sorted(RPCS):
        service, _, method = name.partition("/")
        descriptor = descriptor_pool.Default().FindServiceByName(service).methods_by_name[method]
        if method.startswith(READS) or "validate_only" in descriptor.input_type.fields_by_name:
            yield f"/{name}", descriptor


def texts(message: Descriptor, above: Path = ()) -> Iterator[Path]:
    """The ways to the fields of a request that hold texts."""
    for field in message.fields:
        path = (*above, field)
        if field.type == FieldDescriptor.TYPE_STRING:
            yield path
        elif field.message_type is not None and len(path) < DEPTH:
            yield from texts(field.message_type, path)


def put(message: Any, path: Path, text: str) -> None:
    for field in path[:-1]:
        inner = getattr(message, field.name)
        message = inner.add() if field.is_repeated else inner
    last = path[-1]
    if last.is_repeated:
        getattr(message, last.name).append(text)
    else:
        setattr(message, last.name, text)


class Tenant:
    """A tenant with one of each; `names` is by what they are names of."""

    def __init__(self, name: str, token: str, names: dict[str, str]) -> None:
        self.name = name
        self.token = token
        self.names = names


async def tenant(platform: RollbookClient, name: str) -> Tenant:
    made = await platform.tenants.create(name)
    async with platform.acting_in(made.id) as inside:
        token = await inside.tokens.create(name, sorted(EVERY_SCOPE - {Scope.PLATFORM}))
        address = f"{name}@mail.example"
        user = await inside.users.create(
            User(user_name=name, external_id=f"x{name}", emails=[Email(value=address)])
        )
        group = await inside.groups.create(Group(display_name=f"staff {name}"))
        account = await inside.service_accounts.create(ServiceAccount(display_name=f"bot {name}"))
        connection = await inside.connections.create(Connection(name=f"idp {name}"))
        client = await inside.oauth_clients.create(
            OAuthClient(name=name, client_credentials=True, scopes=["scim"])
        )
        urn = f"urn:{name}:1.0:User"
        colour = AttributeDefinition(name="colour", type="string")
        await inside.schemas.create(SchemaDefinition(id=urn, attributes=[colour]))
        await inside.roles.grant(user.id, "owner", type_=f"workspace_{name}")
    names = {
        "tenant": made.id,
        "user": user.id,
        "name": name,
        "address": address,
        "group": group.id,
        "group name": group.display_name,
        "account": account.id,
        "connection": connection.id,
        "client": client.client.id,
        "schema": urn,
        "role": f"workspace_{name}",
    }
    return Tenant(name, token.secret, names)


def nobodys(kind: str, text: str, tenant: Tenant) -> str:
    """A name of the same form and length that nobody has."""
    if kind == "client":
        return text[::-1]
    try:
        value = UUID(text)
    except ValueError:
        return text.replace(tenant.name, "zzzzzzzz")
    return str(UUID(bytes=value.bytes[:8] + uuid4().bytes[8:]))


class Asker:
    """Asks as one tenant."""

    def __init__(self, channel: grpc.aio.Channel, own: Tenant) -> None:
        self._channel = channel
        self._own = own
        self._turn = asyncio.Semaphore(AT_ONCE)

    async def answer(
        self, method: str, descriptor: MethodDescriptor, path: Path, text: str
    ) -> tuple[grpc.StatusCode, str]:
        """What comes back, with the name itself left out."""
        request = self._request(descriptor)
        put(request, path, text)
        call: Any = self._channel.unary_unary(method)
        metadata = (("authorization", f"Bearer {self._own.token}"),)
        async with self._turn:
            try:
                body = await call(request.SerializeToString(), metadata=metadata, timeout=30)
            except grpc.aio.AioRpcError as error:
                details = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin", b"")
                return error.code(), bytes(details).decode("latin-1").replace(text, "~")
        answer = GetMessageClass(descriptor.output_type).FromString(body)
        return grpc.StatusCode.OK, str(answer).replace(text, "~")

    def _request(self, descriptor: MethodDescriptor) -> Any:
        """One about what the tenant has itself, which is checked and not done."""
        request: Any = GetMessageClass(descriptor.input_type)()
        kind = "group" if "Group" in descriptor.name else "user"
        given = {"id": kind, "principal_id": "user", "group_id": "group", "type": "role"}
        for name, field in descriptor.input_type.fields_by_name.items():
            if name in given and field.type == FieldDescriptor.TYPE_STRING:
                put(request, (field,), self._own.names[given[name]])
            elif name == "validate_only":
                request.validate_only = True
        return request


@pytest.fixture
async def platform(database_server: DatabaseServer) -> AsyncIterator[tuple[str, RollbookClient]]:
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(database_server.database())
        address = await stack.enter_async_context(running_service(url))
        yield address, await stack.enter_async_context(RollbookClient(address, token=TOKEN))


async def test_another_tenants_names_are_nobodys(platform: tuple[str, RollbookClient]) -> None:
    address, client = platform
    own, other = await tenant(client, "aaaaaaaa"), await tenant(client, "bbbbbbbb")
    names = {kind: (text, nobodys(kind, text, other)) for kind, text in other.names.items()}
    cells = [
        (method, descriptor, path, kind)
        for method, descriptor in methods()
        for path in texts(descriptor.input_type)
        for kind in names
    ]
    assert len(cells) > 1_000
    async with grpc.aio.insecure_channel(address) as channel:
        asker = Asker(channel, own)

        async def pair(
            cell: tuple[str, MethodDescriptor, Path, str],
        ) -> list[tuple[grpc.StatusCode, str]]:
            return [await asker.answer(*cell[:3], text) for text in names[cell[3]]]

        pairs = await asyncio.gather(*map(pair, cells))
    for (method, _, path, kind), ((code, theirs), (same, nobodys_answer)) in zip(
        cells, pairs, strict=True
    ):
        where = (method, [field.name for field in path], kind)
        assert (code, CHANCE.sub("", theirs)) == (same, CHANCE.sub("", nobodys_answer)), where
        assert not [text for text in other.names.values() if text in theirs], where
