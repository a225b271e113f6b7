"""Methods of OAuthService for clients: getting tokens, revoking them, asking about them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from rollbook.oauth import JWT_BEARER
from rollbook.v1 import oauth_service_pb2
from service.directory.oauth import tokens as use_cases
from service.directory.oauth.tokens import Refusal
from service.domain.oauth import parameters as rules
from service.domain.oauth.assertions import check_assertion, read_header
from service.domain.oauth.client_authentication import proves, read_claim
from service.domain.oauth.errors import invalid_client, invalid_request
from service.domain.oauth.keys import read_key_set
from service.federation.key_sets import fits
from service.rpc.gate.authentication import NOBODY
from service.rpc.gate.gateways import is_passed_on
from service.storage.oauth import tokens as oauth_tokens

if TYPE_CHECKING:
    from collections.abc import Mapping

    from joserfc.jwk import Key, KeySet

    from service.domain.oauth.clients import Client
    from service.domain.oauth.parameters import Parameters
    from service.epoch import Epoch
    from service.federation.key_sets import KeySets
    from service.rpc.calls import Answer, Call
    from service.rpc.gate.rate_limits import RateLimits
    from service.rpc.oauth.assertion_grant import AssertionGrant
    from service.rpc.oauth.client_lookup import ClientLookup
    from service.rpc.oauth.introspection import Introspection
    from service.storage.database import Database


_OF_CLIENTS: Final = ("client_id", "client_secret", "client_assertion")
"""Parameters by which a client says who it is."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request of a client that has proved who it is."""

    client: Client
    parameters: Parameters


class OAuthTokenMethods:
    """The token endpoint, and those for revocation and introspection. `keys` are those
    that clients publish, `refresh_key` is what successors of refresh tokens are made with."""

    def __init__(
        self,
        database: Database,
        clients: ClientLookup,
        epoch: Epoch,
        keys: KeySets,
        assertions: AssertionGrant,
        introspection: Introspection,
        rate_limits: RateLimits,
        *,
        refresh_key: bytes,
    ) -> None:
        self._keys = keys
        self._assertions = assertions
        self._introspection = introspection
        self._rate_limits = rate_limits
        self._database = database
        self._clients = clients
        self._epoch = epoch
        self._refresh_key = refresh_key

    def answers(self) -> Mapping[str, Answer]:
        """The functions by the method names of the contract."""
        return {
            "IssueOAuthToken": self.issue,
            "RevokeOAuthToken": self.revoke,
            "IntrospectOAuthToken": self.introspect,
        }

    async def issue(self, request: Any, call: Call) -> bytes:
        """Tokens (RFC 6749 §3.2)."""
        parameters = _read(request.request)
        if parameters.get("grant_type") == JWT_BEARER:
            return await self._exchange(parameters, request.request, call)
        asked = await self._asked(request.request, call, "/oauth2/token")
        tokens = await self._database.transaction(
            asked.client.tenant_id,
            lambda connection: use_cases.issue(
                connection, asked.client, asked.parameters, self._refresh_key
            ),
        )
        if isinstance(tokens, Refusal):
            if tokens.has_revoked:
                self._epoch.advance()
            raise tokens.error
        return oauth_service_pb2.IssueOAuthTokenResponse(
            access_token=tokens.access_token,
            expires_in=tokens.expires_in,
            refresh_token=tokens.refresh_token,
            scopes=sorted(tokens.scopes),
        ).SerializeToString()

    async def _exchange(self, parameters: Parameters, request: Any, call: Call) -> bytes:
        """A token for an assertion. A client need not say who it is; if it does, it has to prove
        that as well (RFC 7521 §4.1)."""
        tenant_id = None
        if request.authorization or any(map(parameters.get, _OF_CLIENTS)):
            tenant_id = (await self._asked(request, call, "/oauth2/token")).client.tenant_id
        return await self._assertions.answer(parameters, tenant_id, call.metadata)

    async def revoke(self, request: Any, call: Call) -> bytes:
        """A token less (RFC 7009)."""
        asked = await self._asked(request.request, call, "/oauth2/revoke")
        was_valid = await self._database.transaction(
            asked.client.tenant_id,
            lambda connection: use_cases.revoke(
                connection, asked.client, asked.parameters.get("token")
            ),
        )
        # Not for what was none: whoever knows the name of a public client may send that, and would
        # make every worker look at every credential anew.
        if was_valid:
            self._epoch.advance()
        return b""

    async def introspect(self, request: Any, call: Call) -> bytes:
        """What there is to say of a token (RFC 7662)."""
        if call.caller is not NOBODY:
            token = _token(_read(request.request))
            told = await self._introspection.for_administrator(token, call.tenant_id)
            return told.SerializeToString()
        asked = await self._asked(request.request, call, "/oauth2/introspect")
        client = asked.client
        if client.is_public:
            raise invalid_client("A client that does not prove who it is learns nothing.")
        told = await self._introspection.for_client(
            _token(asked.parameters), client.tenant_id, client.client_id
        )
        return told.SerializeToString()

    async def _asked(self, request: Any, call: Call, path: str) -> _Asked:
        """The request with its client. Raises OAuthError, RATE_LIMITED."""
        parameters = _read(request)
        claim = read_claim(request.authorization, parameters)
        client = await self._clients.find(claim.client_id, call)
        if client is None or not proves(claim, client):
            raise invalid_client()
        if claim.method == "private_key_jwt":
            if not is_passed_on(call.metadata):
                # Anybody else could say that they are whom an assertion was made for.
                raise invalid_client("Assertions are for the endpoints of the gateway.")
            audiences = (request.issuer, f"{request.issuer}/oauth2/token", request.issuer + path)
            await self._check_assertion(client, claim.proof, audiences)
        # Only now, or whoever knows its name could use up what the client may.
        rate = await self._clients.rate_of(client)
        self._rate_limits.count(client.tenant_id, client.id, rate)
        return _Asked(client, parameters)

    async def _check_assertion(self, client: Client, text: str, audiences: tuple[str, ...]) -> None:
        keys = await self._keys_of(client, text)
        assertion = check_assertion(text, client, keys, audiences)
        async with self._database.connection(client.tenant_id) as connection:
            if not await oauth_tokens.use_assertion(connection, client, assertion):
                raise invalid_client("The assertion was used before; its jti has to be new.")

    async def _keys_of(self, client: Client, assertion: str) -> KeySet | Key:
        """The keys that a client may have signed an assertion with."""
        if client.jwks is not None:
            return read_key_set(client.jwks)
        algorithm, key_id = read_header(assertion)
        key = await self._keys.find(client.client_id, client.jwks_uri or "", key_id)
        if key is None or not fits(key, algorithm):
            raise invalid_client("The key that signed the assertion is not at the client's URL.")
        return key


def _read(request: Any) -> Parameters:
    return rules.read((one.name, one.value) for one in request.parameters).once()


def _token(parameters: Parameters) -> str:
    token = parameters.get("token")
    if not token:
        raise invalid_request("The parameter token is missing.")
    return token
