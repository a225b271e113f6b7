"""Who is believed to be a gateway, and who a client is."""

from __future__ import annotations

import pytest
from aiohttp.test_utils import make_mocked_request
from pydantic import SecretStr, TypeAdapter, ValidationError

from gateway.handlers.claims import Claims
from gateway.settings import Settings
from rollbook.metadata import CHANNEL, CLIENT, GATEWAY, SCIM, TOLERANCES, GatewaySecret
from service.rpc.gate.gateways import Gateways, client_of

SECRET = "correct-horse-battery"
CLAIMS = {CHANNEL: SCIM, CLIENT: "192.0.2.1", TOLERANCES: "A"}
OPEN = {"authorization": "x", "rollbook-request-id": "1", "rollbook-schema": "0"}
NETWORK = "ipv4:127.0.0.1:4711"


@pytest.mark.parametrize(
    ("configured", "shown", "peer", "believed"),
    [
        (SECRET, SECRET, NETWORK, True),
        (SECRET, SECRET[:-1], NETWORK, False),
        (SECRET, SECRET + "x", NETWORK, False),
        (SECRET, "", NETWORK, False),
        (SECRET, None, NETWORK, False),
        (None, SECRET, NETWORK, False),
        (None, "", NETWORK, False),
        (None, None, NETWORK, False),
        (None, None, "unix:", True),
        (None, None, "unix:/run/rollbook/grpc.0", True),
        (SECRET, None, "unix:", True),
        (None, None, "ipv6:%5B::1%5D:4711", False),
    ],
)
def test_claims_are_believed_of_gateways_alone(
    configured: str | None, shown: str | None, peer: str, believed: bool
) -> None:
    gateways = Gateways(SecretStr(configured) if configured else None)
    sent = {**OPEN, **CLAIMS, **({} if shown is None else {GATEWAY: shown})}
    heard, by_gateway = gateways.hear(sent, lambda: peer)
    assert by_gateway is believed
    assert {name: heard.get(name) for name in OPEN} == OPEN
    assert (heard.get(CLIENT), heard.get(TOLERANCES)) == (
        (CLAIMS[CLIENT], CLAIMS[TOLERANCES]) if believed else (None, None)
    )


def test_who_claims_nothing_is_no_gateway() -> None:
    def peer() -> str:
        raise AssertionError

    assert Gateways(None).hear(OPEN, peer) == (OPEN, False)


@pytest.mark.parametrize(
    ("claimed", "peer", "client"),
    [
        (None, NETWORK, "127.0.0.1"),
        (None, "ipv6:%5B2001:db8:0:1::5%5D:4711", "2001:db8:0:1::/64"),
        (None, "ipv6:[2001:db8:0:1::6]:4711", "2001:db8:0:1::/64"),
        (None, "ipv6:%5B::ffff:192.0.2.7%5D:4711", "192.0.2.7"),
        (None, "unix:", "unix:"),
        ("192.0.2.1", "unix:", "192.0.2.1"),
        ("2001:db8::1", "unix:", "2001:db8::/64"),
        ("nonsense", "unix:", "nonsense"),
    ],
)
def test_a_client_has_one_name(claimed: str | None, peer: str, client: str) -> None:
    assert client_of({CLIENT: claimed} if claimed else {}, peer) == client


@pytest.mark.parametrize("secret", ["", "short", "with blanks in it", "ümlaut-ümlaut-ümlaut"])
def test_a_secret_that_is_none_is_refused_and_not_shown(secret: str) -> None:
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(GatewaySecret).validate_python(secret)
    assert "openssl" in str(refused.value)
    assert not secret or secret not in str(refused.value.errors(include_input=False))


@pytest.mark.parametrize(
    ("trust", "forwarded", "client"),
    [
        (False, "192.0.2.1", "10.0.0.9"),
        (True, "192.0.2.1", "192.0.2.1"),
        (True, "6.6.6.6, 192.0.2.1", "192.0.2.1"),
        (True, " 2001:db8::1 ", "2001:db8::1"),
        (True, "unknown", "10.0.0.9"),
        (True, "192.0.2.1:4711", "192.0.2.1"),
        (True, "[2001:db8::1]:4711", "2001:db8::1"),
        (True, "[2001:db8::1]", "2001:db8::1"),
        (True, "192.0.2.1:http", "10.0.0.9"),
        (True, "[2001:db8::1", "10.0.0.9"),
        (True, "192.0.2.1:", "10.0.0.9"),
        (True, "", "10.0.0.9"),
        (True, None, "10.0.0.9"),
    ],
)
def test_the_gateway_names_the_client_that_the_nearest_proxy_saw(
    trust: bool, forwarded: str | None, client: str
) -> None:
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    http = make_mocked_request("GET", "/", headers).clone(remote="10.0.0.9")
    claims = dict(Claims(Settings.model_construct(http_trust_forwarded=trust)).of(http))
    assert claims == {CHANNEL: SCIM, CLIENT: client}


def test_a_client_without_an_address_is_claimed_too() -> None:
    """Else the gateway's own certificate would speak for it."""
    http = make_mocked_request("GET", "/").clone(remote="")
    assert dict(Claims(Settings.model_construct()).outside_scim(http)) == {CLIENT: ""}


def test_the_gateway_shows_its_secret() -> None:
    http = make_mocked_request("GET", "/").clone(remote="10.0.0.9")
    claims = dict(Claims(Settings.model_construct(gateway_secret=SecretStr(SECRET))).of(http))
    assert claims[GATEWAY] == SECRET
