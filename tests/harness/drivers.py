"""The same operations through gRPC and through SCIM, with outcomes that can be compared."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import quote, urlencode

import grpc
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2
from grpc_status.rpc_status import from_call

from rollbook.attributes import RESOURCE_TYPES
from rollbook.v1 import (
    filter_pb2,
    group_service_pb2,
    patch_pb2,
    service_account_service_pb2,
    user_service_pb2,
)
from rollbook.v1.enterprise_user_pb2 import EnterpriseUser
from rollbook.v1.group_service_pb2_grpc import GroupServiceStub
from rollbook.v1.service_account_service_pb2_grpc import ServiceAccountServiceStub
from rollbook.v1.user_service_pb2_grpc import UserServiceStub
from tests.harness.operations import NO_VALUE, Change, Comparison, Document, Listing, Outcome
from tests.harness.representation import (
    ENTERPRISE_SCHEMA,
    comparable,
    json_from_message,
    message_from_json,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

    from google.protobuf.descriptor import FieldDescriptor

    from tests.harness.operations import Kind
    from tests.harness.scim import ScimAnswer, ScimClient

WHOLE: Final = FieldMask(paths=["*"])
"""The mask of an update that replaces the resource."""

FAILURES: Final[dict[str, tuple[grpc.StatusCode, int, str | None]]] = {
    "INVALID_SYNTAX": (grpc.StatusCode.INVALID_ARGUMENT, 400, "invalidSyntax"),
    "INVALID_VALUE": (grpc.StatusCode.INVALID_ARGUMENT, 400, "invalidValue"),
    "INVALID_FILTER": (grpc.StatusCode.INVALID_ARGUMENT, 400, "invalidFilter"),
    "INVALID_PATH": (grpc.StatusCode.INVALID_ARGUMENT, 400, "invalidPath"),
    "MUTABILITY": (grpc.StatusCode.INVALID_ARGUMENT, 400, "mutability"),
    "NO_TARGET": (grpc.StatusCode.FAILED_PRECONDITION, 400, "noTarget"),
    "UNIQUENESS": (grpc.StatusCode.ALREADY_EXISTS, 409, "uniqueness"),
    "ETAG_MISMATCH": (grpc.StatusCode.ABORTED, 412, None),
    "USER_NOT_FOUND": (grpc.StatusCode.NOT_FOUND, 404, None),
    "GROUP_NOT_FOUND": (grpc.StatusCode.NOT_FOUND, 404, None),
    "SERVICE_ACCOUNT_NOT_FOUND": (grpc.StatusCode.NOT_FOUND, 404, None),
}
"""What a reason looks like in each protocol: gRPC code, HTTP status, scimType."""


_TYPES: Final = {kind.name: kind for kind in RESOURCE_TYPES}

_SERVICES: Final[dict[Kind, tuple[Any, ModuleType]]] = {
    "User": (UserServiceStub, user_service_pb2),
    "Group": (GroupServiceStub, group_service_pb2),
    "ServiceAccount": (ServiceAccountServiceStub, service_account_service_pb2),
}
"""The stub of the service of a type, and the module of its requests."""


def _message(kind: Kind, document: Document) -> Any:
    """A resource for a request over gRPC."""
    return message_from_json(_TYPES[kind].message, document)


class Driver(Protocol):
    """Everything the contract table does, through one protocol."""

    async def create(self, kind: Kind, document: Document) -> Outcome:
        """Creates a resource."""

    async def get(self, kind: Kind, identifier: str) -> Outcome:
        """Reads a resource."""

    async def replace(
        self, kind: Kind, identifier: str, document: Document, etag: str = ""
    ) -> Outcome:
        """Replaces a resource as a whole."""

    async def patch(
        self, kind: Kind, identifier: str, changes: Sequence[Change], etag: str = ""
    ) -> Outcome:
        """Changes a resource; the outcome holds it as it is now."""

    async def delete(self, kind: Kind, identifier: str, etag: str = "") -> Outcome:
        """Deletes a resource."""

    async def list(self, kind: Kind, listing: Listing) -> Outcome:
        """Lists resources."""


class GrpcDriver:
    """Speaks gRPC."""

    def __init__(self, channel: grpc.aio.Channel, token: str) -> None:
        self._stubs = {kind: stub(channel) for kind, (stub, _) in _SERVICES.items()}
        self.metadata = (("authorization", f"Bearer {token}"),)

    async def create(self, kind: Kind, document: Document) -> Outcome:
        return await self._one(kind, "Create", **{_TYPES[kind].field: _message(kind, document)})

    async def get(self, kind: Kind, identifier: str) -> Outcome:
        return await self._one(kind, "Get", id=identifier)

    async def replace(
        self, kind: Kind, identifier: str, document: Document, etag: str = ""
    ) -> Outcome:
        whole = _message(kind, {**document, "id": identifier})
        fields = {_TYPES[kind].field: whole, "update_mask": WHOLE, "etag": etag}
        return await self._one(kind, "Update", **fields)

    async def patch(
        self, kind: Kind, identifier: str, changes: Sequence[Change], etag: str = ""
    ) -> Outcome:
        operations = [patch_operation(kind, change) for change in changes]
        return await self._one(kind, "Patch", id=identifier, operations=operations, etag=etag)

    async def delete(self, kind: Kind, identifier: str, etag: str = "") -> Outcome:
        try:
            await self._call(kind, f"Delete{kind}", id=identifier, etag=etag)
        except grpc.aio.AioRpcError as error:
            return failure_of(error)
        return Outcome()

    async def list(self, kind: Kind, listing: Listing) -> Outcome:
        asked = _listing_of({"include_total_size": True}, listing)
        try:
            answer = await self._call(kind, f"List{kind}s", **asked)
        except grpc.aio.AioRpcError as error:
            return failure_of(error)
        found = getattr(answer, _TYPES[kind].list_field)
        return Outcome(resources=tuple(map(json_from_message, found)), total=answer.total_size)

    async def _one(self, kind: Kind, verb: str, **fields: Any) -> Outcome:
        """Makes a call that answers with one resource."""
        try:
            answer = await self._call(kind, f"{verb}{kind}", **fields)
        except grpc.aio.AioRpcError as error:
            return failure_of(error)
        return Outcome(resource=json_from_message(getattr(answer, _TYPES[kind].field)))

    async def _call(self, kind: Kind, method: str, **fields: Any) -> Any:
        request = getattr(_SERVICES[kind][1], f"{method}Request")(**fields)
        return await getattr(self._stubs[kind], method)(request, metadata=self.metadata)


class ScimDriver:
    """Speaks SCIM."""

    def __init__(self, client: ScimClient) -> None:
        self.client = client

    async def create(self, kind: Kind, document: Document) -> Outcome:
        return _outcome_of(await self.client.post(f"/{kind}s", _with_schemas(kind, document)))

    async def get(self, kind: Kind, identifier: str) -> Outcome:
        return _outcome_of(await self.client.get(f"/{kind}s/{quote(identifier, safe='')}"))

    async def replace(
        self, kind: Kind, identifier: str, document: Document, etag: str = ""
    ) -> Outcome:
        body = _with_schemas(kind, document)
        return _outcome_of(await self.client.put(f"/{kind}s/{identifier}", body, **_if_match(etag)))

    async def patch(
        self, kind: Kind, identifier: str, changes: Sequence[Change], etag: str = ""
    ) -> Outcome:
        answer = await self.client.patch(
            f"/{kind}s/{identifier}", *map(scim_operation, changes), **_if_match(etag)
        )
        return await self.get(kind, identifier) if answer.status == 204 else _outcome_of(answer)

    async def delete(self, kind: Kind, identifier: str, etag: str = "") -> Outcome:
        answer = await self.client.delete(f"/{kind}s/{identifier}", **_if_match(etag))
        return Outcome() if answer.status == 204 else _outcome_of(answer)

    async def list(self, kind: Kind, listing: Listing) -> Outcome:
        answer = await self.client.get(f"/{kind}s?{_query_of(listing)}")
        if answer.status != 200:
            return _outcome_of(answer)
        return Outcome(
            resources=tuple(map(comparable, answer.body["Resources"])),
            total=answer.body["totalResults"],
        )


def failure_of(error: grpc.aio.AioRpcError) -> Outcome:
    """The reason of a failed call, checked against its code; AssertionError without ErrorInfo."""
    status = from_call(error)
    assert status is not None, f"no google.rpc.Status beside {error.code()}: {error.details()}"
    infos = [
        detail for detail in status.details if detail.Is(error_details_pb2.ErrorInfo.DESCRIPTOR)
    ]
    assert len(infos) == 1, f"not one ErrorInfo beside {error.code()}: {error.details()}"
    info = error_details_pb2.ErrorInfo()
    infos[0].Unpack(info)
    assert info.domain == "rollbook"
    if info.reason in FAILURES:
        assert error.code() is FAILURES[info.reason][0], (info.reason, error.code())
    assert error.details(), info.reason
    return Outcome(reason=info.reason, detail=str(error.details()))


def _outcome_of(answer: ScimAnswer) -> Outcome:
    """The outcome of a request; the reason is found by status and scimType."""
    if answer.status in {200, 201}:
        return Outcome(resource=comparable(answer.body))
    body = answer.body
    assert isinstance(body, dict), answer
    assert body["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"], body
    assert body["status"] == str(answer.status), body
    assert body["detail"], body
    reasons = [
        reason
        for reason, (_, status, scim_type) in FAILURES.items()
        if (status, scim_type) == (answer.status, answer.scim_type)
    ]
    assert reasons, f"no reason has {answer.status} {answer.scim_type}: {body}"
    return Outcome(reason="/".join(reasons), detail=body["detail"])


def _with_schemas(kind: Kind, document: Document) -> Document:
    schemas = [_TYPES[kind].schema.urn]
    if ENTERPRISE_SCHEMA in document:
        schemas.append(ENTERPRISE_SCHEMA)
    return {"schemas": schemas, **document}


def _if_match(etag: str) -> dict[str, str]:
    return {"If_Match": etag} if etag else {}


def scim_operation(change: Change) -> Document:
    """A change as an operation of RFC 7644 §3.5.2."""
    target = change.target
    path = ":".join(part for part in (target.schema, target.attribute) if part)
    if target.where is not None:
        terms = [f"{name} eq {json.dumps(value)}" for name, value in target.where.items()]
        path += f"[{' and '.join(terms)}]"
    if target.sub_attribute:
        path += f".{target.sub_attribute}"
    operation: Document = {"op": change.op, "path": path}
    if change.value is not NO_VALUE:
        operation["value"] = change.value
    return operation


def patch_operation(kind: Kind, change: Change) -> patch_pb2.PatchOperation:
    """A change as an operation of the contract, in which to set nothing is to remove."""
    if change.op != "remove" and change.value in (None, "", []):
        change = Change("remove", change.target)
    target = change.target
    operation = patch_pb2.PatchOperation(op=f"PATCH_OP_{change.op.upper()}")  # type: ignore[arg-type]
    operation.path.attribute.schema = target.schema
    operation.path.attribute.attribute = target.attribute
    operation.path.attribute.sub_attribute = target.sub_attribute
    if target.where is not None:
        terms = [_comparison(Comparison(name, "eq", value)) for name, value in target.where.items()]
        operation.path.filter.CopyFrom(_conjunction(terms))
    if change.value is not NO_VALUE:
        partial = _message(kind, _partial_document(kind, change))
        getattr(operation, _TYPES[kind].field).CopyFrom(partial)
    return operation


def _partial_document(kind: Kind, change: Change) -> Document:
    """A resource in which nothing but the target of the change is set."""
    target = change.target
    if not target.attribute:
        return {target.schema: change.value}
    value = {target.sub_attribute: change.value} if target.sub_attribute else change.value
    field = _fields_of(kind, target.schema)[target.attribute.lower()]
    if field.is_repeated and not isinstance(value, list):
        value = [value]
    document = {field.json_name: value}
    return {target.schema: document} if target.schema else document


def _fields_of(kind: Kind, schema: str) -> dict[str, FieldDescriptor]:
    holder: Any = EnterpriseUser if schema else _TYPES[kind].message
    return {field.json_name.lower(): field for field in holder.DESCRIPTOR.fields}


def _conjunction(filters: list[filter_pb2.Filter]) -> filter_pb2.Filter:
    if len(filters) == 1:
        return filters[0]
    conjunction = filter_pb2.Filter()
    getattr(conjunction, "and").filters.extend(filters)
    return conjunction


_OPERATORS: Final = {
    "eq": filter_pb2.COMPARISON_OPERATOR_EQUAL,
    "ne": filter_pb2.COMPARISON_OPERATOR_NOT_EQUAL,
    "co": filter_pb2.COMPARISON_OPERATOR_CONTAINS,
    "sw": filter_pb2.COMPARISON_OPERATOR_STARTS_WITH,
    "ew": filter_pb2.COMPARISON_OPERATOR_ENDS_WITH,
    "gt": filter_pb2.COMPARISON_OPERATOR_GREATER,
    "ge": filter_pb2.COMPARISON_OPERATOR_GREATER_OR_EQUAL,
    "lt": filter_pb2.COMPARISON_OPERATOR_LESS,
    "le": filter_pb2.COMPARISON_OPERATOR_LESS_OR_EQUAL,
    "pr": filter_pb2.COMPARISON_OPERATOR_PRESENT,
}


def _path_of(text: str, schema: str = "") -> filter_pb2.AttributePath:
    attribute, _, sub_attribute = text.partition(".")
    return filter_pb2.AttributePath(schema=schema, attribute=attribute, sub_attribute=sub_attribute)


def _comparison(comparison: Comparison) -> filter_pb2.Filter:
    return filter_pb2.Filter(
        comparison=filter_pb2.Comparison(
            path=_path_of(comparison.attribute, comparison.schema),
            operator=_OPERATORS[comparison.operator],
            value=_filter_value(comparison),
        )
    )


def _filter_value(comparison: Comparison) -> filter_pb2.FilterValue | None:
    value = comparison.value
    if value is NO_VALUE:
        return None
    if value is None:
        return filter_pb2.FilterValue(null=True)
    if isinstance(value, bool):
        return filter_pb2.FilterValue(boolean=value)
    if comparison.attribute in {"meta.created", "meta.lastModified"}:
        moment = Timestamp()
        moment.FromJsonString(value)
        return filter_pb2.FilterValue(date_time=moment)
    return filter_pb2.FilterValue(string=value)


def _listing_of(fields: dict[str, Any], listing: Listing) -> dict[str, Any]:
    """The fields of a ListUsersRequest or one of its like, beside others."""
    if listing.where:
        fields["filter"] = _conjunction([_comparison(term) for term in listing.where])
    if listing.order_by:
        path = _path_of(listing.order_by)
        fields["order_by"] = filter_pb2.OrderBy(path=path, descending=listing.descending)
    if listing.count is not None:
        fields["page_size"] = listing.count
    return {**fields, "skip": listing.start - 1}


def _query_of(listing: Listing) -> str:
    query = {"startIndex": str(listing.start)}
    if listing.where:
        query["filter"] = " and ".join(map(_filter_text, listing.where))
    if listing.order_by:
        query["sortBy"] = listing.order_by
        query["sortOrder"] = "descending" if listing.descending else "ascending"
    if listing.count is not None:
        query["count"] = str(listing.count)
    return urlencode(query)


def _filter_text(comparison: Comparison) -> str:
    path = f"{comparison.schema}:" * bool(comparison.schema) + comparison.attribute
    if comparison.value is NO_VALUE:
        return f"{path} {comparison.operator}"
    return f"{path} {comparison.operator} {json.dumps(comparison.value)}"
