"""/oauth2/clients: an administrator registers, lists and removes clients over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from google.protobuf.duration_pb2 import Duration

from gateway.handlers.body import BodyReader
from gateway.handlers.oauth.answers import respond_json
from gateway.scim import json_text
from gateway.scim.errors import ScimError, invalid_value
from rollbook.v1.oauth_service_pb2 import (
    CreateOAuthClientRequest,
    DeleteOAuthClientRequest,
    GetOAuthClientRequest,
    ListOAuthClientsRequest,
    OAuthClient,
    OAuthClientAuthentication,
)

if TYPE_CHECKING:
    from aiohttp.web import Response

    from gateway.handlers.oauth.issuer import IssuerOf
    from gateway.handlers.request import ScimRequest
    from gateway.settings import Settings
    from rollbook.v1.oauth_service_pb2_grpc import OAuthServiceAsyncStub

MAX_BYTES: Final = 128 * 1024

_PREFIX: Final = "O_AUTH_CLIENT_AUTHENTICATION_"
_AUTHENTICATIONS: Final = {
    name.removeprefix(_PREFIX).lower(): number for name, number in OAuthClientAuthentication.items()
}
_DURATIONS: Final = ("access_token_lifetime", "refresh_token_lifetime", "refresh_grace")
_KNOWN: Final = frozenset(
    (
        *_DURATIONS,
        "authentication",
        "client_credentials",
        "connection_id",
        "domain",
        "jwks",
        "jwks_uri",
        "name",
        "redirect_uris",
        "rotate_refresh_tokens",
        "scopes",
    )
)


class ClientsHandlers:
    """Each handler makes one call, and may raise ScimError and AioRpcError."""

    def __init__(
        self, stub: OAuthServiceAsyncStub, settings: Settings, issuer_of: IssuerOf
    ) -> None:
        self._stub = stub
        self._issuer_of = issuer_of
        self._bodies = BodyReader(settings, limit=MAX_BYTES)
        self._timeout = settings.http_request_timeout

    async def create(self, scim: ScimRequest) -> Response:
        """POST: 201 with the client, its place, and its secret, which cannot be had again."""
        try:
            request = create_request(await self._bodies.json(scim.http))
        except ScimError:
            await self._require_administrator(scim)
            raise
        made = await self._stub.CreateOAuthClient(
            request,
            metadata=scim.metadata_outside_scim(with_credentials=True),
            timeout=self._timeout,
        )
        body = client_body(made.client)
        if made.secret:
            body["secret"] = made.secret
        location = f"{self._issuer_of(scim)}/oauth2/clients/{made.client.id}"
        return respond_json(body, status=201, Location=location)

    async def _require_administrator(self, scim: ScimRequest) -> None:
        """Raises AioRpcError for others, who are not told what is wrong with their request."""
        await self._stub.ListOAuthClients(
            ListOAuthClientsRequest(page_size=1),
            metadata=scim.metadata_outside_scim(with_credentials=True),
            timeout=self._timeout,
        )

    async def list(self, scim: ScimRequest) -> Response:
        """GET: the clients, newest first, without their secrets."""
        clients, page_token = [], ""
        while True:
            page = await self._stub.ListOAuthClients(
                ListOAuthClientsRequest(page_size=1_000, page_token=page_token),
                metadata=scim.metadata_outside_scim(with_credentials=True),
                timeout=self._timeout,
            )
            clients += [client_body(client) for client in page.clients]
            page_token = page.next_page_token
            if not page_token:
                return respond_json(clients)

    async def read(self, scim: ScimRequest) -> Response:
        """GET of one client."""
        found = await self._stub.GetOAuthClient(
            GetOAuthClientRequest(id=scim.id),
            metadata=scim.metadata_outside_scim(with_credentials=True),
            timeout=self._timeout,
        )
        return respond_json(client_body(found.client))

    async def delete(self, scim: ScimRequest) -> Response:
        """DELETE: the client is gone with all that it got; 204."""
        await self._stub.DeleteOAuthClient(
            DeleteOAuthClientRequest(id=scim.id),
            metadata=scim.metadata_outside_scim(with_credentials=True),
            timeout=self._timeout,
        )
        response = respond_json(None, status=204)
        response.body = None
        return response


def client_body(client: OAuthClient) -> dict[str, Any]:
    """A client as JSON; lifetimes are in seconds."""
    return {
        "id": client.id,
        "name": client.name,
        "domain": client.redirect_uris[0] if client.redirect_uris else "",
        "redirect_uris": list(client.redirect_uris),
        "scopes": list(client.scopes),
        "authentication": _name_of(client),
        "client_credentials": client.client_credentials,
        **{name: getattr(client, name).seconds for name in _DURATIONS},
        "rotate_refresh_tokens": client.rotate_refresh_tokens,
        "connection_id": client.connection_id,
        "create_time": client.create_time.ToJsonString(),
    }


def _name_of(client: OAuthClient) -> str:
    name = OAuthClientAuthentication.Name(client.authentication)
    return name.removeprefix(_PREFIX).lower()


def create_request(body: object) -> CreateOAuthClientRequest:
    """The request that a body makes. `domain` is one redirect URI more: what Determined's
    clients send. Raises ScimError invalidValue."""
    if not isinstance(body, dict):
        raise invalid_value("The body is a JSON object.")
    if unknown := sorted(body.keys() - _KNOWN):
        raise invalid_value(f"There is no member {unknown[0][:100]!r}; there are {_known()}.")
    client = OAuthClient(
        name=_text(body, "name"),
        redirect_uris=_texts(body, "redirect_uris"),
        scopes=_texts(body, "scopes"),
        jwks_uri=_text(body, "jwks_uri"),
        connection_id=_text(body, "connection_id"),
        jwks=_jwks(body),
        authentication=_authentication(body),
        client_credentials=_flag(body, "client_credentials", default=False),
    )
    if domain := _text(body, "domain"):
        client.redirect_uris.append(domain)
    for name in _DURATIONS:
        if body.get(name) is not None:
            getattr(client, name).CopyFrom(Duration(seconds=_seconds(body, name)))
    rotate = _flag(body, "rotate_refresh_tokens", default=True)
    return CreateOAuthClientRequest(client=client, keep_refresh_tokens=not rotate)


def _known() -> str:
    return ", ".join(sorted(_KNOWN))


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise invalid_value(f"{name} is a text.")
    return value or ""


def _texts(body: dict[str, Any], name: str) -> list[str]:
    value = body.get(name) or []
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise invalid_value(f"{name} is a list of texts.")
    return value


def _flag(body: dict[str, Any], name: str, *, default: bool) -> bool:
    value = body.get(name)
    if value is not None and not isinstance(value, bool):
        raise invalid_value(f"{name} is true or false.")
    return default if value is None else value


def _seconds(body: dict[str, Any], name: str) -> int:
    value = body[name]
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**31:
        raise invalid_value(f"{name} is a number of seconds.")
    return value


def _authentication(body: dict[str, Any]) -> OAuthClientAuthentication.ValueType:
    name = _text(body, "authentication") or "secret"
    if name not in _AUTHENTICATIONS:
        raise invalid_value("authentication is secret, private_key_jwt or none.")
    return _AUTHENTICATIONS[name]


def _jwks(body: dict[str, Any]) -> str:
    value = body.get("jwks")
    if value is not None and not isinstance(value, dict):
        raise invalid_value("jwks is a JWK Set.")
    return json_text.dumps(value).decode() if value else ""
