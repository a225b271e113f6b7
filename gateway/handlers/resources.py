"""Users, groups and whatever else is a resource: one set of handlers for all types.

A handler reads the request, makes one call and renders the answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from google.protobuf.field_mask_pb2 import FieldMask

from gateway.handlers.answer import Answer, answer_for
from gateway.handlers.conditions import matches
from gateway.handlers.response import respond
from gateway.scim.listing import list_query_from_query, list_query_from_search, list_response
from gateway.scim.patch import operations_from_scim
from gateway.scim.requested import set_by_patch, set_on_request
from gateway.scim.translation import resource_from_scim, resource_to_scim
from rollbook.schema_sets import transfer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import ModuleType

    from aiohttp.web import Response
    from google.protobuf.message import Message

    from gateway.handlers.body import BodyReader
    from gateway.handlers.request import ScimRequest
    from gateway.scim.dialects import Reading
    from gateway.scim.listing import ListQuery
    from rollbook.attributes import ResourceType

_REPLACE_ALL: Final = FieldMask(paths=["*"])


@dataclass(frozen=True, slots=True)
class Method:
    """A method of the service: how to call it, and the class of its requests.

    The types of messages differ from one resource type to the next, hence Any.
    """

    call: Callable[..., Awaitable[Any]]
    request: Callable[..., Any]


@dataclass(frozen=True)
class ResourceEndpoint:
    """How a resource type is reached: its methods, and the fields of their messages.

    `field` holds one resource in requests and responses, `list_field` those of a list.
    `patch_answers` is whether PATCH answers with the resource when the client has no
    preference; both answers are right (RFC 7644 §3.5.2).
    """

    type: ResourceType
    field: str
    list_field: str
    create: Method
    get: Method
    list: Method
    update: Method
    patch: Method
    delete: Method
    patch_answers: bool

    @classmethod
    def bind(
        cls, resource_type: ResourceType, stub: object, messages: ModuleType, *, patch_answers: bool
    ) -> ResourceEndpoint:
        """Finds methods and fields by the names that the standard methods have (AIP-131 to 135).

        `stub` is that of the type's service, `messages` the module of its requests.
        """
        one = resource_type.name
        many = resource_type.endpoint.removeprefix("/")

        def method(name: str) -> Method:
            return Method(getattr(stub, name), getattr(messages, f"{name}Request"))

        return cls(
            type=resource_type,
            field=resource_type.field,
            list_field=resource_type.list_field,
            create=method(f"Create{one}"),
            get=method(f"Get{one}"),
            list=method(f"List{many}"),
            update=method(f"Update{one}"),
            patch=method(f"Patch{one}"),
            delete=method(f"Delete{one}"),
            patch_answers=patch_answers,
        )


class ResourceHandlers:
    """The handlers of one resource type.

    Each of them may raise ScimError for a request that cannot be understood and AioRpcError for
    a call that fails.
    """

    def __init__(self, endpoint: ResourceEndpoint, bodies: BodyReader, timeout: float) -> None:
        self._endpoint = endpoint
        self._type = endpoint.type
        self._bodies = bodies
        self._timeout = timeout

    async def create(self, scim: ScimRequest) -> Response:
        """POST /Users (RFC 7644 §3.3)."""
        reading = scim.reading()
        body = await self._bodies.json(scim.http)
        kind = self._of(scim)
        resource = resource_from_scim(kind, body, reading)
        answer = answer_for(scim, by_default=True).showing(set_on_request(kind, [resource]))
        method = self._endpoint.create
        request = method.request(
            request_id=scim.idempotency_key(), read_mask=answer.read_mask(kind)
        )
        transfer(resource, self._resource(request))
        return self._render(scim, await self._write(method, request, scim, reading), answer, 201)

    async def read(self, scim: ScimRequest) -> Response:
        """GET /Users/{id} (RFC 7644 §3.4.1)."""
        projection = scim.projection()
        method = self._endpoint.get
        request = method.request(id=scim.id, read_mask=projection.read_mask(self._of(scim)))
        response = await method.call(request, metadata=scim.metadata(), timeout=self._timeout)
        resource = self._resource(response)
        condition = scim.if_none_match()
        if condition and matches(condition, resource.meta.etag):
            return respond(scim.http, status=304, headers=self._headers(scim, resource))
        return self._render(scim, response, Answer(projection))

    async def replace(self, scim: ScimRequest) -> Response:
        """PUT /Users/{id} (RFC 7644 §3.5.1)."""
        reading = scim.reading()
        body = await self._bodies.json(scim.http)
        kind = self._of(scim)
        resource = resource_from_scim(kind, body, reading)
        answer = answer_for(scim, by_default=True).showing(set_on_request(kind, [resource]))
        method = self._endpoint.update
        request = method.request(
            update_mask=_REPLACE_ALL,
            etag=scim.if_match(),
            request_id=scim.idempotency_key(),
            read_mask=answer.read_mask(kind),
        )
        transfer(resource, self._resource(request))
        self._resource(request).id = scim.id
        return self._render(scim, await self._write(method, request, scim, reading), answer)

    async def patch(self, scim: ScimRequest) -> Response:
        """PATCH /Users/{id} (RFC 7644 §3.5.2)."""
        reading = scim.reading()
        body = await self._bodies.json(scim.http)
        kind = self._of(scim)
        operations = operations_from_scim(body, kind, reading)
        answer = answer_for(scim, by_default=self._endpoint.patch_answers)
        answer = answer.showing(set_by_patch(kind, operations))
        method = self._endpoint.patch
        request = method.request(
            id=scim.id,
            operations=operations,
            etag=scim.if_match(),
            request_id=scim.idempotency_key(),
            read_mask=answer.read_mask(kind),
        )
        return self._render(scim, await self._write(method, request, scim, reading), answer)

    async def delete(self, scim: ScimRequest) -> Response:
        """DELETE /Users/{id} (RFC 7644 §3.6)."""
        method = self._endpoint.delete
        request = method.request(
            id=scim.id, etag=scim.if_match(), request_id=scim.idempotency_key()
        )
        await self._write(method, request, scim, scim.reading())
        return respond(scim.http, status=204)

    async def list(self, scim: ScimRequest) -> Response:
        """GET /Users (RFC 7644 §3.4.2)."""
        return await self._list(scim, list_query_from_query(scim.query()), scim.reading())

    async def search(self, scim: ScimRequest) -> Response:
        """POST /Users/.search (RFC 7644 §3.4.3)."""
        reading = scim.reading()
        body = await self._bodies.json(scim.http)
        return await self._list(scim, list_query_from_search(body, reading), reading)

    async def _list(self, scim: ScimRequest, query: ListQuery, reading: Reading) -> Response:
        method = self._endpoint.list
        base_url = scim.base_url
        kind = self._of(scim)
        request = query.to_request(method.request(), kind, reading, base_url=base_url)
        response = await method.call(request, metadata=scim.metadata(), timeout=self._timeout)
        resources = [
            resource_to_scim(kind, resource, base_url, query.projection)
            for resource in getattr(response, self._endpoint.list_field)
        ]
        return respond(
            scim.http,
            list_response(
                query,
                resources,
                response.total_size,
                response.next_page_token,
                response.previous_page_token,
            ),
        )

    async def _write(
        self, method: Method, request: Message, scim: ScimRequest, reading: Reading
    ) -> Any:
        """Makes a call that changes something; the tolerances met are recorded with it."""
        met = ",".join(sorted(tolerance.name for tolerance in reading.met))
        metadata = scim.metadata(("rollbook-tolerances", met)) if met else scim.metadata()
        call = method.call(request, metadata=metadata, timeout=self._timeout)
        return await scim.written(call)

    def _render(
        self, scim: ScimRequest, response: Message, answer: Answer, status: int = 200
    ) -> Response:
        """The answer with the resource that a response holds."""
        resource = self._resource(response)
        headers = self._headers(scim, resource)
        if answer.applied is not None:
            headers["Preference-Applied"] = f"return={answer.applied}"
        body = None
        if answer.with_body:
            headers["Content-Location"] = headers["Location"]
            body = resource_to_scim(self._of(scim), resource, scim.base_url, answer.projection)
        return respond(scim.http, body, status=answer.status(status), headers=headers)

    def _headers(self, scim: ScimRequest, resource: Any) -> dict[str, str]:
        """Where a resource is and in what state (RFC 7644 §3.14)."""
        headers = {"Location": f"{scim.base_url}{self._type.endpoint}/{resource.id}"}
        if etag := resource.meta.etag:
            headers["ETag"] = etag
        return headers

    def _of(self, scim: ScimRequest) -> ResourceType:
        """The resource type with the extensions that the tenant has."""
        return scim.schemas.resource_type(self._type.name)

    def _resource(self, message: Message) -> Any:
        """The resource in a request or response."""
        return getattr(message, self._endpoint.field)
