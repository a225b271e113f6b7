"""The authorization endpoint (RFC 6749 §3.1): what a client asks for, and what it is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from authlib.oauth2 import OAuth2Error

from rollbook.access import Scope, scopes_named
from service.domain.oauth.errors import OAuthError, error_of, invalid_request
from service.domain.oauth.grants import S256, CodeGrant
from service.domain.oauth.redirect_uris import is_allowed
from service.domain.oauth.server import Protocol, Request

if TYPE_CHECKING:
    from service.domain.connections import ScimConnection
    from service.domain.oauth.clients import Client
    from service.domain.oauth.parameters import Parameters


@dataclass(frozen=True, slots=True)
class Authorization:
    """What a client asks for, found to be in order.

    `redirect_uri` is where the browser is sent back to, and `given_redirect_uri` what the client
    has to repeat at the token endpoint, None when it gave none.
    """

    client: Client
    redirect_uri: str
    given_redirect_uri: str | None
    scopes: frozenset[Scope]
    code_challenge: str | None
    state: str
    issuer: str

    def approved(self, code: str) -> str:
        """Where to send the browser with a code (§4.1.2)."""
        return self._back(("code", code))

    def denied(self, description: str) -> str:
        """Where to send the browser when the administrator does not consent (§4.1.2.1)."""
        return self._back(("error", "access_denied"), ("error_description", description))

    def _back(self, *parameters: tuple[str, str]) -> str:
        return _with(self.redirect_uri, parameters, self.state, self.issuer)


class RedirectedError(Exception):
    """The request is refused, and the client is to be told: the browser is sent to
    `redirect_uri`, which is the client's."""

    def __init__(self, redirect_uri: str) -> None:
        super().__init__(redirect_uri)
        self.redirect_uri = redirect_uri


def read_authorization(
    client: Client | None, connection: ScimConnection | None, parameters: Parameters, issuer: str
) -> Authorization:
    """What a request asks for; `connection` is the one that the client is for.

    Raises OAuthError when nobody may be sent anywhere: the client or its address is not known.
    Raises RedirectedError for all that is wrong besides.
    """
    redirect_uri = _redirect_uri(client, parameters)
    assert client is not None
    assert connection is not None
    _check_allowed(connection, redirect_uri)
    try:
        authorization = _checked(client, parameters, redirect_uri, issuer)
        _check_enabled(connection, authorization.scopes)
    except OAuthError as error:
        told = (("error", error.error), ("error_description", error.message))
        state = parameters.get("state")
        raise RedirectedError(_with(redirect_uri, told, state, issuer)) from None
    return authorization


def _redirect_uri(client: Client | None, parameters: Parameters) -> str:
    if parameters.repeated & {"client_id", "redirect_uri"}:
        raise invalid_request("client_id and redirect_uri may each be there once.")
    if client is None:
        raise invalid_request("There is no such client: check client_id.")
    given = parameters.get("redirect_uri")
    if not given:
        default = client.get_default_redirect_uri()
        if default is None:
            raise invalid_request("redirect_uri is missing.")
        return default
    if not client.check_redirect_uri(given):
        raise invalid_request(
            "redirect_uri is none of those that the client is registered with. An administrator "
            "sees them in the list of clients."
        )
    return given


def _check_allowed(connection: ScimConnection, redirect_uri: str) -> None:
    """The list of the connection may be narrower than when the client was registered."""
    if not is_allowed(connection.redirect_uris, redirect_uri):
        raise invalid_request(
            f"The SCIM connection {connection.name!r} does not allow this redirect_uri. An "
            "administrator changes that with `rollbook connection update`."
        )


def _check_enabled(connection: ScimConnection, scopes: frozenset[Scope]) -> None:
    """Nobody is asked to consent to what would be good for nothing."""
    if Scope.SCIM in scopes and not connection.enabled:
        raise OAuthError(
            "access_denied", f"SCIM is switched off for the connection {connection.name!r}."
        )


def _check_extensions(parameters: Parameters) -> None:
    """Whoever asks for these relies on them, so that ignoring them would answer another request:
    request objects (RFC 9101 §6.3), and other ways back than the query."""
    for name in ("request", "request_uri"):
        if parameters.get(name):
            raise OAuthError(f"{name}_not_supported", "Request objects are not supported.")
    if parameters.get("response_mode") not in {"", "query"}:
        raise invalid_request("response_mode is query.")


def _checked(
    client: Client, parameters: Parameters, redirect_uri: str, issuer: str
) -> Authorization:
    parameters.once()
    response_type = parameters.get("response_type")
    if not response_type:
        raise invalid_request("The parameter response_type is missing.")
    if response_type != "code":
        raise OAuthError("unsupported_response_type", "response_type is code.")
    _check_extensions(parameters)
    request = Request(parameters)
    grant = CodeGrant(request, Protocol(client))
    S256()(grant)
    try:
        grant.validate_consent_request()
    except OAuth2Error as error:
        raise error_of(error) from None
    return Authorization(
        client,
        redirect_uri,
        parameters.get("redirect_uri") or None,
        scopes_named(request.scope.split()),
        parameters.get("code_challenge") or None,
        parameters.get("state"),
        issuer,
    )


def _with(uri: str, parameters: tuple[tuple[str, str], ...], state: str, issuer: str) -> str:
    """The URI with these parameters, with `state` as it was sent, and with who is speaking (RFC
    9207)."""
    passed_on = (("state", state),) if state else ()
    query = urlencode([*parameters, *passed_on, ("iss", issuer)])
    # What the client has registered is kept as it is (RFC 6749 §3.1.2).
    return f"{uri}{'&' if '?' in uri else '?'}{query}"
