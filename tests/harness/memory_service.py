"""Users and groups in memory, by the rules of `service.domain`, over real gRPC: what the client
and the command are tested against."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import grpc
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.timestamp_pb2 import Timestamp
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from rollbook.attributes import GROUP, SERVICE_ACCOUNT, USER, ResourceType
from rollbook.v1 import (
    credential_service_pb2,
    group_pb2,
    group_service_pb2,
    password_service_pb2,
    schema_service_pb2,
    service_account_service_pb2,
    user_pb2,
    user_service_pb2,
)
from rollbook.v1.error_reason_pb2 import ErrorReason
from rollbook.v1.service_account_pb2 import ServiceAccount
from rollbook.v1.service_account_service_pb2 import CreateServiceAccountRequest
from service.domain import etag, patch, validation
from service.domain.errors import DomainError, invalid_value
from service.domain.replacement import replaced
from service.domain.search import filters
from service.domain.search.folding import fold
from service.domain.search.matching import matches
from service.rpc import status
from service.storage.resources import unique_attribute
from tests.harness.fake_service import Call, Failure
from tests.harness.memory_passwords import Passwords
from tests.harness.memory_schemas import Schemas
from tests.harness.memory_tokens import Tokens

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from google.protobuf.descriptor import MethodDescriptor

    from rollbook.v1.filter_pb2 import AttributePath

TOKEN = "rbk_memory"

_USERS = user_service_pb2.DESCRIPTOR.services_by_name["UserService"]
_GROUPS = group_service_pb2.DESCRIPTOR.services_by_name["GroupService"]
_ACCOUNTS = service_account_service_pb2.DESCRIPTOR.services_by_name["ServiceAccountService"]
_SCHEMAS = schema_service_pb2.DESCRIPTOR.services_by_name["SchemaService"]
_CREDENTIALS = credential_service_pb2.DESCRIPTOR.services_by_name["CredentialService"]
_PASSWORDS = password_service_pb2.DESCRIPTOR.services_by_name["PasswordService"]


class Resources:
    """The resources of one type."""

    def __init__(self, resource_type: ResourceType) -> None:
        self.type = resource_type
        self.field = resource_type.field
        self.by_id: dict[str, Any] = {}

    def existing(self, resource_id: str) -> Any:
        if resource_id not in self.by_id:
            raise self._not_found(resource_id)
        return self.by_id[resource_id]

    def _not_found(self, key: str) -> DomainError:
        reason = ErrorReason.Value(f"ERROR_REASON_{self.field.upper()}_NOT_FOUND")
        return DomainError(reason, f"There is no {self.type.noun} {key!r}.")

    def create(self, request: Any) -> dict[str, Any]:
        created = _copy(getattr(request, self.field))
        created.id = str(uuid4())
        self._check(created)
        created.meta.resource_type = self.type.name
        created.meta.create_time.GetCurrentTime()
        return self._saved(request, created, version=1)

    def get(self, request: Any) -> dict[str, Any]:
        return {self.field: self.existing(request.id)}

    def batch_get(self, request: Any) -> dict[str, Any]:
        return {
            f"{self.field}s": [self.by_id[one] for one in request.ids if one in self.by_id],
            "missing_ids": [one for one in request.ids if one not in self.by_id],
        }

    def lookup(self, request: Any) -> dict[str, Any]:
        key = request.WhichOneof("key")
        wanted = fold(getattr(request, key))
        found = [one for one in self.by_id.values() if wanted in _keys(one, key)]
        if not found:
            raise self._not_found(wanted)
        if len(found) > 1:
            reason = ErrorReason.ERROR_REASON_TOO_MANY
            message = f"Several {self.field}s have this {key}: name the one you mean by its id."
            raise DomainError(reason, message, field=key)
        return {self.field: found[0]}

    def list(self, request: Any) -> dict[str, Any]:
        found = list(self.by_id.values())
        if request.HasField("filter"):
            condition = filters.resolve(request.filter, self.type)
            found = [one for one in found if matches(condition, one)]
        if request.HasField("order_by"):
            order = request.order_by
            found.sort(key=lambda one: self._sort_key(one, order.path), reverse=order.descending)
        answer = _page(found[request.skip :], request, f"{self.field}s")
        if request.include_total_size:
            answer["total_size"] = len(found)
        return answer

    def _sort_key(self, resource: Any, path: AttributePath) -> Any:
        attribute = self.type.attribute(path.attribute)
        assert attribute is not None
        value = getattr(resource, attribute.field)
        if part := attribute.sub_attribute(path.sub_attribute):
            value = getattr(value, part.field)
        return value.ToNanoseconds() if isinstance(value, Timestamp) else value

    def update(self, request: Any) -> dict[str, Any]:
        resource = getattr(request, self.field)
        stored = self._expected(resource.id, request.etag)
        after = replaced(stored, resource, list(request.update_mask.paths), self.type)
        self._check(after)
        return self._saved(request, after, _version(stored) + 1)

    def patch(self, request: Any) -> dict[str, Any]:
        after = _copy(self._expected(request.id, request.etag))
        patch.apply(after, request.operations, self.type)
        self._check(after)
        return self._saved(request, after, _version(after) + 1)

    def delete(self, request: Any) -> dict[str, Any]:
        self._expected(request.id, request.etag)
        if not request.validate_only:
            del self.by_id[request.id]
        return {}

    def _expected(self, resource_id: str, tag: str) -> Any:
        stored = self.existing(resource_id)
        etag.require(tag, _version(stored))
        return stored

    def _check(self, resource: Any) -> None:
        validation.validate(resource, self.type)
        if unique := unique_attribute(self.type):
            value = getattr(resource, unique.field)
            for other in self.by_id.values():
                same = fold(getattr(other, unique.field)) == fold(value)
                if same and other.id != resource.id:
                    raise DomainError(
                        ErrorReason.ERROR_REASON_UNIQUENESS,
                        f"{unique.name} {value!r} is taken.",
                        field=unique.name,
                    )

    def _saved(self, request: Any, resource: Any, version: int) -> dict[str, Any]:
        resource.meta.update_time.GetCurrentTime()
        resource.meta.etag = etag.of_version(version)
        if not request.validate_only:
            self.by_id[resource.id] = resource
        return {self.field: resource}


def _keys(resource: Any, key: str) -> set[str]:
    if key == "email":
        return {fold(email.value) for email in resource.emails}
    return {fold(getattr(resource, key))} if resource.HasField(key) else set()


def _version(resource: Any) -> int:
    return int(resource.meta.etag.removeprefix('W/"').removesuffix('"'))


def _copy(resource: Any) -> Any:
    return type(resource).FromString(resource.SerializeToString())


def _page(items: list[Any], request: Any, name: str) -> dict[str, Any]:
    """One page; a token is how many come before it."""
    size = request.page_size if request.HasField("page_size") else 100
    begin = int(request.page_token or 0)
    more = 0 < size < len(items) - begin
    return {
        name: items[begin : begin + size],
        "next_page_token": str(begin + size) if more else "",
    }


class Memberships:
    """Who is in which group."""

    def __init__(self, users: Resources, groups: Resources, accounts: Resources) -> None:
        self._kinds = (users, groups, accounts)
        self._groups = groups

    def add(self, request: Any) -> dict[str, Any]:
        group = self._groups.existing(request.group_id)
        present = {member.value for member in group.members}
        new = [one for one in dict.fromkeys(request.member_ids) if one not in present]
        for member_id in new:
            known = (each for each in self._kinds if member_id in each.by_id)
            if (resources := next(known, None)) is None:
                raise invalid_value("members", f"There is nobody with the id {member_id}.")
            group.members.add(value=member_id, type=resources.type.name)
        return {"etag": group.meta.etag, "added_count": len(new)}

    def remove(self, request: Any) -> dict[str, Any]:
        group = self._groups.existing(request.group_id)
        kept = [one for one in group.members if one.value not in request.member_ids]
        removed = len(group.members) - len(kept)
        del group.members[:]
        group.members.extend(kept)
        return {"etag": group.meta.etag, "removed_count": removed}

    def list(self, request: Any) -> dict[str, Any]:
        group = self._groups.existing(request.group_id)
        return _page(list(group.members), request, "members")

    def of_principal(self, request: Any) -> dict[str, Any]:
        found = [
            user_pb2.GroupMembership(value=group.id, display=group.display_name, type="direct")
            for group in self._groups.by_id.values()
            if request.principal_id in {member.value for member in group.members}
        ]
        return _page(found, request, "groups")


@dataclass
class MemoryService:
    """The service as a test sees it. `failures` are answered before any call is looked at, by
    method, one for each call; `calls` remembers what was asked, `most_at_once` how many calls were
    open at the same time; `delay` is in seconds."""

    address: str = ""
    users: Resources = field(default_factory=partial(Resources, USER))
    groups: Resources = field(default_factory=partial(Resources, GROUP))
    service_accounts: Resources = field(default_factory=partial(Resources, SERVICE_ACCOUNT))
    schemas: Schemas = field(default_factory=Schemas)
    tokens: Tokens = field(default_factory=Tokens)
    passwords: Passwords = field(default_factory=Passwords)
    failures: dict[str, list[Failure]] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    delay: float = 0
    most_at_once: int = 0
    _open: int = 0
    health: health.aio.HealthServicer = field(default_factory=health.aio.HealthServicer)
    _answered: dict[str, Any] = field(default_factory=dict)

    def add_user(self, user_name: str, **fields: Any) -> user_pb2.User:
        user = user_pb2.User(user_name=user_name, active=True, **fields)
        request = user_service_pb2.CreateUserRequest(user=user)
        created: user_pb2.User = self.users.create(request)["user"]
        return created

    def add_service_account(self, display_name: str, **fields: Any) -> ServiceAccount:
        account = ServiceAccount(display_name=display_name, active=True, **fields)
        request = CreateServiceAccountRequest(service_account=account)
        created: ServiceAccount = self.service_accounts.create(request)["service_account"]
        return created

    def add_group(self, display_name: str, *members: str) -> group_pb2.Group:
        group = group_pb2.Group(display_name=display_name)
        request = group_service_pb2.CreateGroupRequest(group=group)
        created: group_pb2.Group = self.groups.create(request)["group"]
        created.members.extend(group_pb2.GroupMember(value=one, type="User") for one in members)
        return created

    def asked(self, method: str) -> list[Call]:
        """The calls of a method."""
        return [call for call in self.calls if call.method == method]

    def methods(self) -> dict[str, Callable[[Any], dict[str, Any]]]:
        memberships = Memberships(self.users, self.groups, self.service_accounts)
        methods: dict[str, Callable[[Any], dict[str, Any]]] = {
            "AddMembers": memberships.add,
            "RemoveMembers": memberships.remove,
            "ListMembers": memberships.list,
            "ListPrincipalGroups": memberships.of_principal,
            **self.schemas.methods(),
            **self.tokens.methods(),
            **self.passwords.methods(),
        }
        for resources in (self.users, self.groups, self.service_accounts):
            name = resources.type.name
            for verb in ("Create", "Get", "Lookup", "Update", "Patch", "Delete"):
                methods[f"{verb}{name}"] = getattr(resources, verb.lower())
            methods[f"BatchGet{name}s"] = resources.batch_get
            methods[f"List{name}s"] = resources.list
        return methods

    def handler(self, method: MethodDescriptor) -> grpc.RpcMethodHandler[Any, Any]:
        answer = self.methods()[method.name]
        response_class = GetMessageClass(method.output_type)

        async def handle(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
            metadata = dict(context.invocation_metadata() or ())
            self.calls.append(Call(method.name, request, metadata, context.time_remaining()))
            self._open += 1
            self.most_at_once = max(self.most_at_once, self._open)
            await asyncio.sleep(self.delay)
            self._open -= 1
            if waiting := self.failures.get(method.name):
                await waiting.pop(0).abort(context)
            try:
                _authenticate(metadata)
                return self._once(request, lambda: response_class(**answer(request)))
            except DomainError as error:
                await status.abort(context, error)

        return grpc.unary_unary_rpc_method_handler(
            handle,
            request_deserializer=GetMessageClass(method.input_type).FromString,
            response_serializer=response_class.SerializeToString,
        )

    def _once(self, request: Any, answer: Callable[[], Any]) -> Any:
        """The answer to the first request with that id (AIP-155)."""
        request_id = getattr(request, "request_id", "")
        if not request_id:
            return answer()
        if request_id not in self._answered:
            self._answered[request_id] = answer()
        return self._answered[request_id]


def _authenticate(metadata: dict[str, str | bytes]) -> None:
    authorization = metadata.get("authorization")
    if authorization is None:
        reason = ErrorReason.ERROR_REASON_CREDENTIALS_MISSING
        raise DomainError(reason, "The call has no credentials.")
    if authorization not in {f"Bearer {TOKEN}", "Basic YWRhOnPDqWNyZXQ="}:
        reason = ErrorReason.ERROR_REASON_CREDENTIALS_INVALID
        raise DomainError(reason, "The credentials are not valid.")


@asynccontextmanager
async def running_memory_service(
    credentials: grpc.ServerCredentials | None = None,
) -> AsyncIterator[MemoryService]:
    """The service on a port of its own, with an empty directory."""
    memory = MemoryService()
    server = grpc.aio.server(options=[("grpc.max_metadata_size", 64 * 1024)])
    for service in (
        _USERS,
        _GROUPS,
        _ACCOUNTS,
        _SCHEMAS,
        _CREDENTIALS,
        _PASSWORDS,
    ):
        known = [method for method in service.methods if method.name in memory.methods()]
        handlers = {method.name: memory.handler(method) for method in known}
        generic = grpc.method_handlers_generic_handler(service.full_name, handlers)
        server.add_generic_rpc_handlers((generic,))
    health_pb2_grpc.add_HealthServicer_to_server(memory.health, server)
    if credentials is None:
        port = server.add_insecure_port("127.0.0.1:0")
    else:
        port = server.add_secure_port("localhost:0", credentials)
    memory.address = f"{'127.0.0.1' if credentials is None else 'localhost'}:{port}"
    await server.start()
    await memory.health.set("", health_pb2.HealthCheckResponse.SERVING)
    try:
        yield memory
    finally:
        await server.stop(0)
