"""Metadata of calls beside `authorization`: what the gateway tells the service of a request.

What `GATEWAY_CLAIMS` lists is for gateways: whoever sends it shows to be one by the secret in
`GATEWAY`, or by coming over the service's Unix socket. Others may send the rest.
"""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import AfterValidator, SecretStr

CHANNEL: Final = "rollbook-channel"
"""How a request came to the gateway: `SCIM`. Of somebody else it says no more than that its
messages are those of the gateway, with the attributes that only SCIM clients see."""

SCIM: Final = "scim"

CLIENT: Final = "rollbook-client"
"""The IP address of the gateway's client."""

TOLERANCES: Final = "rollbook-tolerances"
"""Habits of a client that the gateway has put right: names with commas between."""

GATEWAY: Final = "rollbook-gateway"
"""The secret that gateway and service share."""

SCHEMA: Final = "rollbook-schema"
"""By which revision of the tenant's schemas the caller has translated: `SchemaService` says why.
A gateway leaves it out if it was by none but those of the contract."""

DIALECT: Final = "rollbook-dialect"
"""By which dialect a gateway has read the request; it leaves it out if that was its own."""

ORIGIN: Final = "rollbook-origin"
"""`import` where what is created comes from a file; else it is made by hand. Of SCIM clients it
says nothing."""

TENANT: Final = "rollbook-tenant"
"""The tenant to act in, by name or id, for callers with the scope `platform`."""

EXPECT_TENANT: Final = "rollbook-expect-tenant"
"""What the URL of a request says of its tenant: `name:acme`, `host:scim.acme.example`, or both with
a comma between. Credentials of another tenant are as good as unknown. It can only refuse, so
anybody may send it."""

EXPECTED_NAME: Final = "name"
EXPECTED_HOST: Final = "host"

GATEWAY_CLAIMS: Final = frozenset({CHANNEL, CLIENT, TOLERANCES, GATEWAY})

REVISION: Final = "rollbook-revision"
"""Comes back with the answer to a write, in its trailing metadata: what a read that has to see the
write gives as `at_least_as_fresh`."""

REQUEST_ID: Final = "rollbook-request-id"
"""Finds a call in the logs."""

_SHORTEST_SECRET: Final = 16


def _checked(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    if len(text) < _SHORTEST_SECRET or not (text.isascii() and text.isprintable()) or " " in text:
        raise ValueError(
            f"it has to have {_SHORTEST_SECRET} characters or more, of ASCII and without blanks, "
            "e.g. what `openssl rand -hex 32` prints"
        )
    return secret


GatewaySecret = Annotated[SecretStr, AfterValidator(_checked)]
"""The type of the setting, the same on both sides."""
