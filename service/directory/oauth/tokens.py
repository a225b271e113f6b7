"""Giving tokens to clients, and taking them back."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollbook.tokens import REFRESH_PREFIX, hint_of, is_well_formed, new_token, token_of
from service.directory.oauth import grants as use_cases
from service.domain.oauth.errors import OAuthError, invalid_client, invalid_request
from service.domain.oauth.server import TokenEndpoint, Tokens
from service.storage.changes import Author
from service.storage.oauth import clients as oauth_clients
from service.storage.oauth import exchanges as oauth_exchanges
from service.storage.oauth import grants as oauth_grants
from service.storage.oauth import tokens as oauth_tokens

if TYPE_CHECKING:
    from service.domain.oauth.clients import Client
    from service.domain.oauth.grants import Grant
    from service.domain.oauth.parameters import Parameters
    from service.storage.database import Connection


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request that got nothing: what the client is told, and whether tokens were revoked because
    of it, which has to be committed all the same."""

    error: OAuthError
    has_revoked: bool


async def issue(
    connection: Connection, client: Client, parameters: Parameters, key: bytes
) -> Tokens | Refusal:
    """Tokens for a client that has proved who it is; `key` is the one that successors of refresh
    tokens are made with."""
    if await oauth_clients.hold(connection, client.tenant_id, client.client_id) is None:
        return Refusal(invalid_client(), has_revoked=False)
    endpoint = await _endpoint(connection, client, parameters, key)
    try:
        tokens = endpoint.answer(parameters)
    except OAuthError as error:
        if endpoint.replayed is not None:
            author = Author(client.tenant_id, client.name)
            await use_cases.end(connection, author, endpoint.replayed.id)
        return Refusal(error, has_revoked=endpoint.replayed is not None)
    await _store(connection, client, parameters, tokens)
    return tokens


async def revoke(connection: Connection, client: Client, token: str) -> bool:
    """Revoke a token of a client (RFC 7009 §2.1): a refresh token, also one that was exchanged
    since, with the grant that it stands on. Returns whether it was valid; one that was not is no
    error. Raises OAuthError for one of another client."""
    if not token:
        raise invalid_request("The parameter token is missing.")
    tenant_id, digest = client.tenant_id, digest_of(token)
    # Whoever has missed the answer with its successor means that one too.
    grant = await oauth_exchanges.grant_of_refresh_token(connection, tenant_id, digest)
    if grant is not None:
        _require(own=grant.check_client(client))
        await use_cases.end(connection, Author(tenant_id, client.name), grant.id)
        return True
    found = await oauth_tokens.find(connection, tenant_id, digest)
    # One that no client got is no business of theirs, as if it were not there.
    if found is None or not found.client_id:
        return False
    _require(own=found.client_id == client.client_id)
    await oauth_tokens.delete(connection, tenant_id, digest)
    return True


def _require(*, own: bool) -> None:
    if not own:
        raise OAuthError("invalid_grant", "The token is another client's.")


def successor_of(token: str, key: bytes) -> str:
    """The refresh token that follows a refresh token: always the same, so that a client that asks
    again since the answer was lost, or asks twice at once, has one that goes on. Only who has both
    the key and the token can tell it."""
    return token_of(hmac.digest(key, token.encode(), "sha256"), REFRESH_PREFIX)


async def _endpoint(
    connection: Connection, client: Client, parameters: Parameters, key: bytes
) -> TokenEndpoint:
    """The endpoint with what the request names, held."""
    grant_type = parameters.get("grant_type")
    if grant_type == "authorization_code":
        digest = digest_of(parameters.get("code"))
        code = await oauth_exchanges.hold_code(connection, client.tenant_id, digest)
        return TokenEndpoint(client, code=code, successor=new_token(REFRESH_PREFIX))
    token = parameters.get("refresh_token")
    if grant_type != "refresh_token" or not is_well_formed(token):
        return TokenEndpoint(client)
    successor = successor_of(token, key)
    found = await oauth_exchanges.hold_refresh_token(
        connection, client.tenant_id, digest_of(token), digest_of(successor), client.grace
    )
    return TokenEndpoint(client, refresh_token=found, successor=successor)


async def _store(
    connection: Connection, client: Client, parameters: Parameters, tokens: Tokens
) -> None:
    await oauth_tokens.insert(
        connection,
        client,
        tokens.grant,
        digest_of(tokens.access_token),
        hint_of(tokens.access_token),
        tokens.scopes,
    )
    if tokens.grant is not None:
        await _store_exchange(connection, client, parameters, tokens, tokens.grant)


async def _store_exchange(
    connection: Connection, client: Client, parameters: Parameters, tokens: Tokens, grant: Grant
) -> None:
    """Note what was exchanged, and store what may be exchanged next."""
    tenant_id, lifetime = client.tenant_id, client.refresh_lifetime
    old = digest_of(parameters.get("refresh_token"))
    is_first = parameters.get("grant_type") == "authorization_code"
    if is_first:
        await oauth_exchanges.use_code(connection, tenant_id, digest_of(parameters.get("code")))
    elif tokens.refresh_token:
        await oauth_exchanges.use_refresh_token(connection, tenant_id, old)
    else:
        await oauth_exchanges.extend_refresh_token(connection, tenant_id, old, lifetime)
    if tokens.refresh_token:
        new = digest_of(tokens.refresh_token)
        await oauth_exchanges.insert_refresh_token(connection, tenant_id, new, grant.id, lifetime)
    longest = max(lifetime, client.access_lifetime)
    await oauth_grants.note_tokens(connection, tenant_id, grant.id, longest, refreshed=not is_first)


def digest_of(token: str) -> bytes:
    """What is kept of a code or a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
