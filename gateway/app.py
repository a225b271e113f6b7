"""The gateway put together: what answers which path, and the walk of a request through it."""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

import structlog
from grpc.aio import AioRpcError

from gateway.handlers import me
from gateway.handlers.available_roles import AvailableRolesHandlers
from gateway.handlers.base_url import base_url_of
from gateway.handlers.body import BodyReader
from gateway.handlers.bulk import BulkHandler
from gateway.handlers.claims import Claims
from gateway.handlers.compression import pack
from gateway.handlers.connection_dialects import ConnectionDialects
from gateway.handlers.discovery import DiscoveryHandlers
from gateway.handlers.errors import from_bug, from_call
from gateway.handlers.health import HealthHandlers, landing
from gateway.handlers.members import MembersHandler
from gateway.handlers.profile import check_head
from gateway.handlers.request import ScimRequest
from gateway.handlers.resources import ResourceEndpoint, ResourceHandlers
from gateway.handlers.response import respond_error
from gateway.handlers.root import RootHandlers
from gateway.handlers.schema_sets import SchemaSets, is_schema_change
from gateway.handlers.tenant_url import SEGMENT, TenantUrls
from gateway.oauth_routes import oauth_routes, with_issuer_first
from gateway.open_requests import OpenRequests
from gateway.routing import Route, Router
from gateway.scim.bulk import MAX_BULK_PAYLOAD
from gateway.scim.errors import ScimError
from gateway.slow_clients import SlowClients
from rollbook.access import ROUTES
from rollbook.attributes import GROUP, SERVICE_ACCOUNT, USER
from rollbook.v1 import group_service_pb2, service_account_service_pb2, user_service_pb2

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aiohttp.web import BaseRequest, Response

    from gateway.connection import Stubs
    from gateway.settings import Settings

_log = structlog.get_logger(__name__)

_MISREAD: Final = (HTTPStatus.BAD_REQUEST, HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
"""What a dialect refuses a request with."""

_MOST_CHANGES: Final = 2
"""How often a request is done again: once for the dialect, once for the schemas."""


class Gateway:
    """Answers requests by calling the service through `stubs`.

    `draining` is set when the process has been told to stop: it is no longer ready then, and
    every answer closes its connection.
    """

    def __init__(self, settings: Settings, stubs: Stubs) -> None:
        self.draining = False
        health = HealthHandlers(stubs, lambda: self.draining)
        self._base_url_of = base_url_of(settings)
        self._claims = Claims(settings)
        self._tenant_urls = TenantUrls(settings)
        self._dialects = ConnectionDialects(settings.dialect)
        self._dialect = settings.dialect
        self._open = OpenRequests(settings.http_max_requests)
        self._access_log = settings.http_access_log
        self._schemas = SchemaSets(stubs.schemas, settings.http_request_timeout)
        self._router = _router(
            settings, stubs, DiscoveryHandlers(self._schemas, roles=settings.scim_roles)
        )
        # Every tenant has an authorization server of its own.
        self._of_tenants = {route.name: route for route in oauth_routes(settings, stubs)}
        self._outside = {
            "/healthz": Route("/healthz", GET=health.alive),
            "/readyz": Route("/readyz", GET=health.ready),
            # The server as a whole (RFC 9110 §9.3.7).
            "*": Route("*"),
            **self._of_tenants,
        }
        if settings.http_prefix:
            self._outside["/"] = Route("/", GET=landing)

    async def handle(self, http: BaseRequest) -> Response:
        """Answers one request; whatever goes wrong is an answer too."""
        start = time.perf_counter() if self._access_log else 0
        scim = ScimRequest(http, self._base_url_of, self._dialect, self._claims)
        response = await self._answer(scim)
        # What is not to be stored has secrets in it; packed together with what somebody else has
        # chosen, its length would tell of them (BREACH).
        if "no-store" not in response.headers.get("Cache-Control", ""):
            await pack(http, response)
        response.headers["X-Request-Id"] = scim.request_id
        if scim.revision:
            response.headers["Rollbook-Revision"] = scim.revision
        if self.draining:
            response.force_close()
        if self._access_log:
            _log_access(scim, response, time.perf_counter() - start)
        return response

    async def _answer(self, scim: ScimRequest) -> Response:
        try:
            with self._open.one_more(scim.http.path):
                return await self._translated(scim)
        except ScimError as error:
            return respond_error(scim.http, error)
        except AioRpcError as failure:
            return respond_error(scim.http, from_call(failure, scim.request_id))
        except Exception:  # noqa: BLE001 - the last resort: logged, and told in SCIM's form
            return respond_error(scim.http, from_bug(scim.request_id))

    async def _translated(self, scim: ScimRequest) -> Response:
        """Does a request; does it again if it turns out that the dialect of its connection or the
        schemas of its tenant have changed since the one before."""
        for _ in range(_MOST_CHANGES):
            try:
                return await self._dispatch(scim)
            except ScimError as error:
                if error.status not in _MISREAD or not _takes_credentials(scim):
                    raise
                if not await self._is_misread(scim):
                    raise
            except AioRpcError as failure:
                if not await self._is_outdated(scim, failure):
                    raise
        return await self._dispatch(scim)

    async def _is_outdated(self, scim: ScimRequest, failure: AioRpcError) -> bool:
        """Whether a call failed for what the gateway knew no better; it does now."""
        if self._dialects.learn(scim, failure):
            return True
        if not is_schema_change(failure):
            return False
        await self._schemas.fetch(scim)
        return True

    async def _is_misread(self, scim: ScimRequest) -> bool:
        """Whether a request that was refused may be right by the dialect that its connection has
        by now. Raises AioRpcError for whoever may not come in at all: they are told that, rather
        than what is wrong with their request."""
        try:
            await self._schemas.fetch(scim)
        except AioRpcError as failure:
            if not self._dialects.learn(scim, failure):
                raise
            return True
        return False

    async def _dispatch(self, scim: ScimRequest) -> Response:
        http = scim.http
        tenant, path = self._tenant_urls.split(with_issuer_first(http.rel_url.raw_path))
        scim.expected_tenant = self._tenant_urls.expectation(http, tenant)
        if tenant is not None:
            scim.tenant_path = f"/{SEGMENT}/{tenant}"
        places = self._outside if tenant is None else self._of_tenants
        if (outside := places.get(path)) is not None:
            route = outside
        else:
            route, scim.id = _item(places, path) or self._router.find(path)
        scim.endpoint = route.name
        scim.schemas = self._schemas.known(scim)
        scim.dialect, scim.dialect_name = self._dialects.known(scim)
        handler = route.handler(http.method)
        if not route.name.startswith("/") and route.name != "*":
            check_head(scim)
        return await handler(scim)


def _takes_credentials(scim: ScimRequest) -> bool:
    """Whether a request is one of SCIM that is answered to its credentials."""
    if scim.endpoint.startswith("/"):
        return False
    method = "GET" if scim.http.method == "HEAD" else scim.http.method
    rule = ROUTES.get(f"{method} {scim.endpoint}")
    return rule is not None and not rule.takes_nobody(has_credentials=scim.has_credentials)


def _item(places: Mapping[str, Route], path: str) -> tuple[Route, str] | None:
    """The route whose name ends in `/{id}`, and the id."""
    collection, _, identifier = path.rpartition("/")
    route = places.get(f"{collection}/{{id}}")
    return (route, unquote(identifier)) if route is not None and identifier else None


def _router(settings: Settings, stubs: Stubs, discovery: DiscoveryHandlers) -> Router:
    """All endpoints of RFC 7644 §3.2, table 2."""
    senders = SlowClients(settings.http_body_timeout, settings.slow_requests)
    bodies = BodyReader(settings, senders)
    bulk_bodies = BodyReader(settings, senders, limit=MAX_BULK_PAYLOAD)
    fixed = _fixed_routes(settings, stubs, discovery, bodies, bulk_bodies)
    collections = {route.name: route for route in fixed}
    items = {
        "ResourceTypes": Route("ResourceTypes/{name}", GET=discovery.resource_type),
        "Schemas": Route("Schemas/{urn}", GET=discovery.schema),
    }
    for endpoint in _endpoints(stubs):
        name = endpoint.type.endpoint.removeprefix("/")
        handlers = ResourceHandlers(endpoint, bodies, settings.http_request_timeout)
        collections[name] = Route(name, GET=handlers.list, POST=handlers.create)
        collections[f"{name}/.search"] = Route(f"{name}/.search", POST=handlers.search)
        items[name] = Route(
            f"{name}/{{id}}",
            GET=handlers.read,
            PUT=handlers.replace,
            PATCH=handlers.patch,
            DELETE=handlers.delete,
        )
        if endpoint.type is USER:
            collections["Me"] = _me(handlers)
    if settings.scim_roles:
        available = AvailableRolesHandlers(stubs.roles, settings.http_request_timeout)
        collections["Roles"] = Route("Roles", GET=available.roles)
        collections["Entitlements"] = Route("Entitlements", GET=available.entitlements)
        items["Roles"] = Route("Roles/{id}", GET=available.role)
        items["Entitlements"] = Route("Entitlements/{id}", GET=available.entitlement)
    members = MembersHandler(stubs.groups, settings.http_request_timeout)
    parts = {"Groups/members": Route("Groups/{id}/members", GET=members.list)}
    return Router(settings.http_prefix, collections, items, parts)


def _me(users: ResourceHandlers) -> Route:
    return Route(
        "Me",
        GET=me.of_oneself(users.read),
        POST=me.register,
        PUT=me.of_oneself(users.replace),
        PATCH=me.of_oneself(users.patch),
        DELETE=me.of_oneself(users.delete),
    )


def _endpoints(stubs: Stubs) -> Iterator[ResourceEndpoint]:
    """The resource types that are served.

    A group may be large and who changes one rarely reads the answer, so PATCH answers without.
    """
    yield ResourceEndpoint.bind(USER, stubs.users, user_service_pb2, patch_answers=True)
    yield ResourceEndpoint.bind(GROUP, stubs.groups, group_service_pb2, patch_answers=False)
    yield ResourceEndpoint.bind(
        SERVICE_ACCOUNT, stubs.service_accounts, service_account_service_pb2, patch_answers=True
    )


def _fixed_routes(
    settings: Settings,
    stubs: Stubs,
    discovery: DiscoveryHandlers,
    bodies: BodyReader,
    bulk_bodies: BodyReader,
) -> Iterator[Route]:
    timeout = settings.http_request_timeout
    root = RootHandlers(stubs.directory, bodies, timeout)
    yield Route("", GET=root.list)
    yield Route(".search", POST=root.search)
    bulk = BulkHandler(stubs.directory, bulk_bodies, timeout)
    yield Route("Bulk", POST=bulk.bulk)
    yield Route("ResourceTypes", GET=discovery.resource_types)
    yield Route("Schemas", GET=discovery.schemas)
    # The second is the name that SCIM 1.1 had, the third what Microsoft's test collection asks.
    for name in ("ServiceProviderConfig", "ServiceProviderConfigs", "serviceConfiguration"):
        yield Route(name, GET=discovery.service_provider_config)


def _log_access(scim: ScimRequest, response: Response, seconds: float) -> None:
    """One line for a request; neither path nor query, which hold personal data (RFC 7644 §7.5)."""
    _log.info(
        "request",
        request_id=scim.request_id,
        client=scim.http.remote,
        method=scim.http.method,
        endpoint=scim.endpoint,
        status=response.status,
        milliseconds=round(seconds * 1000, 2),
    )
