"""How a call is answered: who calls, what they ask, one function, its bytes or its error.

Handlers are registered with their wrapping done, once per method, instead of passing each call
through a chain of interceptors: a call costs one coroutine.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid4

import grpc
import structlog
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass

from rollbook.access import RPCS, Scope, rule_of
from rollbook.metadata import (
    CHANNEL,
    DIALECT,
    GATEWAY_CLAIMS,
    ORIGIN,
    REQUEST_ID,
    REVISION,
    SCIM,
    TOLERANCES,
)
from rollbook.schema_sets import DEFAULT
from rollbook.v1.error_reason_pb2 import ErrorReason
from service.domain.access.roles import MANUAL
from service.domain.connections import Connections
from service.domain.errors import DomainError, StaleSchemasError
from service.domain.provenance import IMPORT, Provenance, origin_of
from service.rpc import status
from service.rpc.gate.arrivals import metadata_of, require_moderate
from service.rpc.gate.authentication import NOBODY
from service.rpc.gate.certificates import certificate_of
from service.rpc.gate.gateways import address_of, client_of
from service.rpc.gate.recently_admitted import Admitted
from service.storage.changes import Author, Effects

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
    from google.protobuf.message import Message

    from rollbook.schema_sets import SchemaSet
    from service.domain.access.revisions import Revisions
    from service.domain.connections import ScimConnection
    from service.rpc.gate.arrivals import Arrivals
    from service.rpc.gate.authentication import Authenticator, Caller, Client
    from service.rpc.gate.certificates import AuthContext, PeerCertificate
    from service.rpc.gate.gateways import Gateways, Peer
    from service.rpc.gate.load import Load
    from service.rpc.gate.rate_limits import Rate, RateLimits
    from service.rpc.gate.recently_admitted import RecentlyAdmitted
    from service.rpc.gate.tenancy import Tenancy
    from service.rpc.gate.tenant_connections import TenantConnections
    from service.rpc.gate.tenant_schemas import TenantSchemas

    Context = grpc.aio.ServicerContext[bytes, bytes]
    Answer = Callable[[Any, "Call"], Awaitable[bytes]]

log = structlog.get_logger(__name__)

_MAX_TOLERANCES: Final = 50


@dataclass(frozen=True, slots=True)
class Call:
    """One call: the method's full name, who calls, the metadata that came along, the schema set
    that it goes by, where it comes from, and what its writes bring about. `connections` are those
    of the tenant, `connection` the one that a SCIM client came by."""

    method: str
    caller: Caller
    metadata: Mapping[str, str]
    schemas: SchemaSet
    client: Client
    connections: Connections
    connection: ScimConnection | None = None
    effects: Effects = field(default_factory=Effects, compare=False)

    @property
    def tenant_id(self) -> UUID:
        """The tenant that the call acts in."""
        return self.caller.tenant_id

    @property
    def author(self) -> Author:
        """Whom `changes` names for what this call writes."""
        tolerances = self.metadata.get(TOLERANCES, "")
        names = tolerances.split(",")[:_MAX_TOLERANCES] if tolerances else []
        caller = self.caller
        return Author(
            caller.tenant_id,
            caller.name,
            names,
            self.effects,
            self._provenance,
            caller.scopes,
            caller.principal_id,
        )

    @property
    def _provenance(self) -> Provenance:
        if self.connection is not None:
            source = origin_of(self.connection)
        else:
            source = IMPORT if self.metadata.get(ORIGIN) == IMPORT else MANUAL
        return Provenance(source, self.connection, self.connections)


@dataclass(frozen=True, slots=True)
class Admission:
    """Who was let in, and what is believed of the metadata; the rest is as in `Call`."""

    caller: Caller
    metadata: Mapping[str, str]
    connections: Connections
    connection: ScimConnection | None


@dataclass(frozen=True, slots=True)
class Gate:
    """What stands before every method: authentication, the scope that the method takes, what the
    SCIM connection demands, and the schema sets of tenants; without these a method goes by the
    contract.
    """

    authenticator: Authenticator
    gateways: Gateways
    connections: TenantConnections
    rate_limits: RateLimits
    load: Load
    arrivals: Arrivals
    tenancy: Tenancy
    recently: RecentlyAdmitted
    revisions: Revisions
    schemas: TenantSchemas | None = None

    async def admit(
        self, method: str, metadata: dict[str, str], peer: Peer, auth_context: AuthContext
    ) -> Admission:
        """Lets a call in.

        A certificate is its holder's, so it speaks for nobody whose request is passed on.

        Raises CREDENTIALS_MISSING, CREDENTIALS_INVALID, RATE_LIMITED, UNAVAILABLE,
        TENANT_SUSPENDED, TENANT_NOT_FOUND, SCIM_DISABLED, SCOPE_MISSING, ADDRESS_NOT_ALLOWED,
        DIALECT_CHANGED.
        """
        look = self.recently.look(method, metadata)
        if look is not None and (known := self.recently.find(look)) is not None:
            self.rate_limits.count(known.caller.tenant_id, known.caller.credential_id, known.rate)
            return Admission(known.caller, metadata, known.connections, None)
        admitted, rate = await self._decide(method, metadata, peer, auth_context)
        if look is not None and admitted.caller is not NOBODY:
            self.recently.keep(look, Admitted(admitted.caller, admitted.connections, rate))
        return admitted

    async def _decide(
        self, method: str, metadata: dict[str, str], peer: Peer, auth_context: AuthContext
    ) -> tuple[Admission, Rate | None]:
        """Who is let in, and how often their tenant may call. Raises what `admit` does."""
        believed, by_gateway = self.gateways.hear(metadata, peer)
        began = time.monotonic()
        passed_on = not GATEWAY_CLAIMS.isdisjoint(metadata)
        rule = RPCS[method]

        def shown() -> PeerCertificate | None:
            return None if passed_on else certificate_of(auth_context)

        has_credentials = bool(believed.get("authorization", "").strip()) or shown() is not None
        if rule.takes_nobody(has_credentials=has_credentials):
            self.rate_limits.count_client(client_of(believed, peer()))
            return Admission(NOBODY, believed, Connections(), None), None
        caller = await self.authenticator.authenticate(
            believed, lambda: client_of(believed, peer()), shown
        )
        placed = await self.tenancy.place(caller, believed, began)
        rate = await self.tenancy.rate_of(caller.tenant_id)
        self.rate_limits.count(caller.tenant_id, caller.credential_id, rate)
        caller = placed
        over_scim = believed.get(CHANNEL) == SCIM
        connections = await self.connections.of(caller.tenant_id)
        connection = connections.used_by(caller.connection_id) if over_scim else None
        if connection is not None:
            connection.require_enabled()
        if not rule.admits(caller.scopes, over_scim=over_scim and by_gateway):
            raise _scope_missing(method, caller, over_scim=over_scim, by_gateway=by_gateway)
        if connection is None or not by_gateway:
            return Admission(caller, believed, connections, None), rate
        if connection.networks:
            connection.require_address(address_of(believed, peer()))
        connection.require_dialect(believed.get(DIALECT, ""))
        return Admission(caller, believed, connections, connection), rate

    async def schemas_of(self, caller: Caller, metadata: Mapping[str, str]) -> SchemaSet:
        """The set that a call goes by, where tenants have some. Raises SCHEMA_CHANGED."""
        assert self.schemas is not None
        return await self.schemas.of(caller.tenant_id, metadata)

    def forget_schemas(self, caller: Caller) -> None:
        """The set of the caller's tenant turned out to be of an earlier revision."""
        if self.schemas is not None:
            self.schemas.forget(caller.tenant_id)


def handlers_of(
    service: ServiceDescriptor, answers: Mapping[str, Answer], gate: Gate
) -> grpc.GenericRpcHandler:
    """The gRPC handlers of a service.

    Raises KeyError when a method has no answer, LookupError when it has no rule of access.
    """
    return grpc.method_handlers_generic_handler(
        service.full_name,
        {method.name: _handler(method, answers[method.name], gate) for method in service.methods},
    )


def _handler(method: MethodDescriptor, answer: Answer, gate: Gate) -> Any:
    name = f"{method.containing_service.full_name}/{method.name}"
    rule_of(name)
    request_name = method.input_type.full_name
    request_class = GetMessageClass(method.input_type)

    async def answered(body: bytes, admitted: Admission, context: Context) -> bytes:
        caller, metadata = admitted.caller, admitted.metadata
        schemas = await gate.schemas_of(caller, metadata) if gate.schemas else DEFAULT
        of_tenant = request_class if schemas is DEFAULT else schemas.message_class(request_name)
        call = Call(
            name,
            caller,
            metadata,
            schemas,
            lambda: client_of(metadata, context.peer()),
            admitted.connections,
            admitted.connection,
        )
        response = await answer(_parse(of_tenant, body), call)
        if call.effects.transaction_id is not None:
            revision = gate.revisions.of(call.tenant_id, call.effects.transaction_id)
            context.set_trailing_metadata(((REVISION, revision),))
        return response

    async def handle(_requests: object, context: Context) -> bytes:  # noqa: RET503  # abort raises
        sent = metadata_of(context)
        try:
            gate.load.require_room()
            require_moderate(sent)
            body = await gate.arrivals.message(context)
            with gate.load:
                # Whether the caller may is decided before what is asked is looked at (AIP-211).
                admitted = await gate.admit(name, sent, context.peer, context.auth_context)
                try:
                    return await answered(body, admitted, context)
                except StaleSchemasError:
                    gate.forget_schemas(admitted.caller)
                    return await answered(body, admitted, context)
        except DomainError as error:
            failure = error
        except Exception:  # noqa: BLE001  # the client gets INTERNAL, the log the trace
            failure = _bug(name, sent)
        await status.abort(context, failure)

    # The message is awaited and parsed in `handle`, not by gRPC, which would wait for ever and
    # whose parser's words would reach the client. To the client there is no difference.
    return grpc.stream_unary_rpc_method_handler(handle)


def _scope_missing(
    method: str, caller: Caller, *, over_scim: bool, by_gateway: bool
) -> DomainError:
    """Says which scope would do, or what to mend where it is not the scope."""
    rule, is_scim = RPCS[method], over_scim and by_gateway
    demanded = rule.demands(over_scim=is_scim)
    if is_scim and not rule.over_scim:
        message = f"{method} cannot be called for SCIM clients."
    elif rule.admits(caller.withheld, over_scim=is_scim):
        message = (
            f"{method} takes {demanded}. The credentials have that scope, but the user or service "
            "account that they belong to has no role that grants it, as account_type admin does."
        )
    elif is_scim or not rule.over_scim or Scope.SCIM not in caller.scopes:
        message = f"The credentials lack a scope: {method} takes {demanded}."
    elif over_scim:
        message = (
            "The credentials are for SCIM, but the service does not know the gateway that passes "
            "them on: give both the same ROLLBOOK_GATEWAY_SECRET."
        )
    else:
        message = f"The credentials are for SCIM; over gRPC {method} takes {demanded}."
    return DomainError(
        ErrorReason.ERROR_REASON_SCOPE_MISSING,
        message,
        metadata={"method": method, "scope": demanded},
    )


def _parse(request_class: type[Message], body: bytes) -> Message:
    try:
        request = request_class.FromString(body)
    except DecodeError:
        raise DomainError(
            ErrorReason.ERROR_REASON_INVALID_SYNTAX,
            f"The request is no valid {request_class.DESCRIPTOR.name}.",
        ) from None
    # Stored, they might one day be taken for values of an extension that has the number.
    request.DiscardUnknownFields()
    return request


def _bug(method: str, metadata: Mapping[str, str]) -> DomainError:
    """INTERNAL, with an id that finds the trace in the log; nothing else of it leaves."""
    request_id = metadata.get(REQUEST_ID) or str(uuid4())
    log.exception(  # noqa: LOG004  # called from the handler of the exception
        "call.failed", method=method, request_id=request_id
    )
    return DomainError(
        ErrorReason.ERROR_REASON_INTERNAL,
        "Something went wrong inside the service. Quote the request id when you report it.",
        metadata={"requestId": request_id},
    )
