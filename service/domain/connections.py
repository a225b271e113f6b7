"""SCIM connections: how each identity provider may provision a tenant, and how it does."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING

from rollbook.dialects import reading_name
from rollbook.v1.error_reason_pb2 import ErrorReason
from service.domain.errors import DomainError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from uuid import UUID

    Network = IPv4Network | IPv6Network


class Adoption(StrEnum):
    """What becomes of a SCIM creation of what is there already and managed by no connection."""

    REFUSE = "refuse"
    LINK = "link"


@dataclass(frozen=True, slots=True)
class ScimConnection:
    """What calls of one connection go by; `networks` are where they may come from, all when there
    are none, and `dialect` is empty for that of the gateway. `redirect_uris` are where browsers may
    be sent back to by its OAuth clients, anywhere when there are none."""

    id: UUID
    name: str
    is_default: bool = False
    enabled: bool = True
    dialect: str = ""
    require_email_user_names: bool = False
    adoption: Adoption = Adoption.REFUSE
    lock_synced: bool = False
    networks: tuple[Network, ...] = ()
    redirect_uris: tuple[str, ...] = ()
    makes_administrators: bool = False
    unknown_attributes: str = ""

    @property
    def reading(self) -> str:
        """How its requests are read, by the name that gateways know; empty for their own way."""
        return reading_name(self.dialect, self.unknown_attributes)

    def require_enabled(self) -> None:
        """Raises SCIM_DISABLED."""
        if not self.enabled:
            raise DomainError(
                ErrorReason.ERROR_REASON_SCIM_DISABLED,
                f"SCIM is switched off for the connection {self.name!r}. An administrator switches "
                "it on with `rollbook connection enable`.",
                metadata={"connection": self.name},
            )

    def require_address(self, address: str) -> None:
        """`address` is that of the client, empty when it is not known. Raises
        ADDRESS_NOT_ALLOWED."""
        if self.networks and not is_within(address, self.networks):
            raise DomainError(
                ErrorReason.ERROR_REASON_ADDRESS_NOT_ALLOWED,
                f"The connection {self.name!r} takes no requests from {address or 'nowhere'}: an "
                "administrator adds the network to its IP allow-list.",
                metadata={"connection": self.name, "address": address},
            )

    def require_dialect(self, dialect: str) -> None:
        """`dialect` is what a request was read by, empty for the gateway's own. Raises
        DIALECT_CHANGED."""
        if dialect != self.reading:
            raise DomainError(
                ErrorReason.ERROR_REASON_DIALECT_CHANGED,
                f"The request was read by another dialect than that of the connection "
                f"{self.name!r}.",
                metadata={"dialect": self.reading},
            )


@dataclass(frozen=True, slots=True)
class Connections:
    """The connections of a tenant."""

    by_id: Mapping[UUID, ScimConnection] = field(default_factory=dict)

    @classmethod
    def of(cls, connections: Iterable[ScimConnection]) -> Connections:
        """These, one of which is the default."""
        return cls({each.id: each for each in connections})

    def used_by(self, connection_id: UUID | None) -> ScimConnection:
        """The connection of a credential that belongs to this one, or to none. Raises
        SCIM_DISABLED when it is gone."""
        if connection_id is None:
            found = next((each for each in self.by_id.values() if each.is_default), None)
        else:
            found = self.by_id.get(connection_id)
        if found is None:
            raise DomainError(
                ErrorReason.ERROR_REASON_SCIM_DISABLED,
                "The SCIM connection of these credentials is gone; make a token for another one.",
            )
        return found


def is_within(address: str, networks: Iterable[Network]) -> bool:
    """Whether an IP address is in one of the networks; an IPv4 address also when it is written as
    an IPv6 one (RFC 4291 §2.5.5.2)."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    return any((mapped or parsed) in network for network in networks)


def networks_of(texts: Iterable[str]) -> tuple[Network, ...]:
    """The networks in CIDR notation. Raises ValueError."""
    return tuple(ip_network(text) for text in texts)
