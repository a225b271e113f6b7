"""How clients prove who they are (RFC 6749 §2.3, RFC 7523 §2.2)."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import unquote_plus

from service.domain.oauth.errors import invalid_client, invalid_request

if TYPE_CHECKING:
    from service.domain.oauth.clients import Client
    from service.domain.oauth.parameters import Parameters

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

Method = Literal["secret", "private_key_jwt", "none"]


@dataclass(frozen=True, slots=True)
class Claim:
    """Who a client says it is, and the `proof`: its secret or an assertion."""

    method: Method
    client_id: str
    proof: str = ""


def read_claim(authorization: str, parameters: Parameters) -> Claim:
    """The claim of a request. Raises OAuthError invalid_client when there is none that can be
    read, invalid_request when there are several."""
    claims = [*_in_header(authorization), *_in_form(parameters)]
    if len(claims) > 1:
        raise invalid_request("The client proves who it is in more than one way.")
    client_id = parameters.get("client_id")
    if not claims:
        if not client_id:
            raise invalid_client("The request does not say which client it comes from.")
        return Claim("none", client_id)
    if client_id and client_id != claims[0].client_id:
        raise invalid_request("client_id is another one than the client proves to be.")
    return claims[0]


def proves(claim: Claim, client: Client) -> bool:
    """Whether a claim is true as far as it can be seen without the client's keys."""
    if claim.method != client.authentication:
        return False
    return claim.method != "secret" or client.check_client_secret(claim.proof)


def _in_header(authorization: str) -> list[Claim]:
    """Basic credentials, each of them encoded as in a form (RFC 6749 §2.3.1)."""
    if not authorization:
        return []
    scheme, _, encoded = authorization.strip().partition(" ")
    if scheme.lower() != "basic":
        raise invalid_client("Clients authenticate with Basic credentials.")
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        raise invalid_client("The Basic credentials are not encoded in base64.") from None
    client_id, _, secret = text.partition(":")
    return [Claim("secret", unquote_plus(client_id), unquote_plus(secret))]


def _in_form(parameters: Parameters) -> list[Claim]:
    claims = []
    if secret := parameters.get("client_secret"):
        claims.append(Claim("secret", parameters.get("client_id"), secret))
    assertion = parameters.get("client_assertion")
    if assertion or parameters.get("client_assertion_type"):
        if parameters.get("client_assertion_type") != ASSERTION_TYPE:
            raise invalid_client(f"client_assertion_type is {ASSERTION_TYPE}.")
        claims.append(Claim("private_key_jwt", _subject(assertion), assertion))
    return claims


def _subject(assertion: str) -> str:
    """Who an assertion says it comes from; its signature is checked with that client's keys."""
    try:
        payload = assertion.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        subject = claims["sub"]
    except (ValueError, IndexError, KeyError, TypeError, RecursionError):
        subject = None
    if not isinstance(subject, str) or not subject.isprintable():
        raise invalid_client("The assertion cannot be read.")
    return subject
