"""Who is a gateway, and where a call comes from.

What a gateway says of a request in metadata is believed; what others say in its words is not.
"""

from __future__ import annotations

import hashlib
import hmac
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from rollbook.metadata import CHANNEL, CLIENT, GATEWAY, GATEWAY_CLAIMS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pydantic import SecretStr

    Peer = Callable[[], str]

_UNIX: Final = "unix:"
_SITE_BITS: Final = 64
"""How much of an IPv6 address is up to the network: the rest its owner chooses."""

_NOT_BELIEVED: Final = GATEWAY_CLAIMS - {CHANNEL}


class Gateways:
    """Tells gateways from other callers.

    A gateway comes over the Unix socket, which nobody else can enter, or has the `secret`.
    """

    def __init__(self, secret: SecretStr | None) -> None:
        self._digest = _digest(secret.get_secret_value()) if secret else None

    def hear(self, metadata: dict[str, str], peer: Peer) -> tuple[dict[str, str], bool]:
        """Of a call's metadata what is believed, and whether it is a gateway's."""
        if GATEWAY_CLAIMS.isdisjoint(metadata):
            return metadata, False
        if self._has_secret(metadata) or peer().startswith(_UNIX):
            return metadata, True
        believed = {name: text for name, text in metadata.items() if name not in _NOT_BELIEVED}
        return believed, False

    def _has_secret(self, metadata: Mapping[str, str]) -> bool:
        shown = metadata.get(GATEWAY)
        if shown is None or self._digest is None:
            return False
        return hmac.compare_digest(_digest(shown), self._digest)


def is_passed_on(believed: Mapping[str, str]) -> bool:
    """Whether a call is a gateway's for somebody else, by what is believed of its metadata: of
    others nobody believes that they know a client."""
    return CLIENT in believed


def client_of(metadata: Mapping[str, str], peer: str) -> str:
    """Who is at the other end, as one name for all addresses that are theirs to choose from: the
    gateway's client if the metadata, which is believed, names one, else the peer."""
    text = address_of(metadata, peer)
    try:
        address = ip_address(text)
    except ValueError:
        return text or peer
    return site_of(address)


def site_of(address: IPv4Address | IPv6Address) -> str:
    """One name for all addresses that their owner can choose from."""
    if isinstance(address, IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(IPv6Network((int(address), _SITE_BITS), strict=False))


def address_of(metadata: Mapping[str, str], peer: str) -> str:
    """The IP address at the other end: of the gateway's client if the metadata, which is believed,
    names one, else of the peer; empty when neither has one."""
    # gRPC writes ipv4:127.0.0.1:4711 and ipv6:%5B::1%5D:4711.
    return metadata.get(CLIENT) or unquote(peer).partition(":")[2].rpartition(":")[0].strip("[]")


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()
