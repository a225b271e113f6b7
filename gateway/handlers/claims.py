"""What the gateway tells the service of a request, and what makes the service believe it."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING

from rollbook.metadata import CHANNEL, CLIENT, GATEWAY, SCIM

if TYPE_CHECKING:
    from aiohttp.web import BaseRequest

    from gateway.settings import Settings


class Claims:
    """Metadata for the calls of one gateway: the channel, its secret, and the client."""

    def __init__(self, settings: Settings) -> None:
        secret = settings.gateway_secret
        shown = () if secret is None else ((GATEWAY, secret.get_secret_value()),)
        self._shown = shown
        self._trust_forwarded = settings.http_trust_forwarded

    def of(self, http: BaseRequest) -> tuple[tuple[str, str], ...]:
        """What is claimed of a request of a SCIM client."""
        return ((CHANNEL, SCIM), *self.outside_scim(http))

    def outside_scim(self, http: BaseRequest) -> tuple[tuple[str, str], ...]:
        """What is claimed of any other request. A client without an address is claimed too: it
        shows that the call is made for somebody else, whom the gateway's certificate is not for."""
        return (*self._shown, (CLIENT, self._client(http)))

    def _client(self, http: BaseRequest) -> str:
        """The IP address of whoever is in front of the nearest proxy: each proxy appends the
        address that it sees, and what stands before that a client may have made up."""
        if self._trust_forwarded and (hops := http.headers.getall("X-Forwarded-For", ())):
            try:
                return str(_address(hops[-1].rpartition(",")[2].strip()))
            except ValueError:
                pass
        return http.remote or ""


def _address(hop: str) -> IPv4Address | IPv6Address:
    """The address of a hop. Azure's and IIS's proxies put the port behind it, as Forwarded has it
    (RFC 7239 §6). Raises ValueError."""
    if hop.startswith("["):
        return ip_address(hop[1:].rpartition("]")[0])
    host, colon, port = hop.rpartition(":")
    return ip_address(host if colon and port.isdecimal() and ":" not in host else hop)
