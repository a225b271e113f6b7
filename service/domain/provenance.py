"""Where users, groups and memberships come from, and what that lets whom change.

The origin of each says who manages it: `manual`, `import`, or `scim:` with the id of a connection.
What a connection manages while it is enabled is no other connection's to change, and nobody's at
all if it locks. Once it is switched off or gone, its origin is history: everybody may change it,
and the next connection that does manages it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from rollbook.attributes import USER
from rollbook.v1.error_reason_pb2 import ErrorReason
from service.domain.access.roles import MANUAL, SCIM
from service.domain.connections import Adoption, Connections, ScimConnection
from service.domain.errors import DomainError, invalid_value

if TYPE_CHECKING:
    from rollbook.attributes import ResourceType

IMPORT: Final = "import"
"""The origin of what was brought in from a file."""

# An address that can be reached over the Internet: its domain has a dot. RFC 5321 allows more in
# quotes, which no identity provider has as a user name.
_EMAIL: Final = re.compile(
    r"[^\s@\"(),:;<>\[\]\\]{1,64}@(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[^\W_](?:[\w-]{0,61}[^\W_])"
)


def origin_of(connection: ScimConnection) -> str:
    """The origin of what a connection manages."""
    return f"{SCIM}{connection.id}"


def connection_id_of(origin: str) -> UUID | None:
    """The connection that an origin names; None when it is no connection's."""
    return UUID(origin.removeprefix(SCIM)) if origin.startswith(SCIM) else None


@dataclass(frozen=True, slots=True)
class Provenance:
    """Who writes: the origin of what they make, the connection that they come by, None for callers
    over gRPC, and all connections of the tenant."""

    source: str = MANUAL
    connection: ScimConnection | None = None
    connections: Connections = field(default_factory=Connections)

    @property
    def adopts(self) -> bool:
        """Whether to create what is there and managed by nobody means to take it over."""
        return self.connection is not None and self.connection.adoption is Adoption.LINK

    def manager(self, origin: str) -> ScimConnection | None:
        """The enabled connection that manages what has this origin, None when none does."""
        identifier = connection_id_of(origin)
        found = self.connections.by_id.get(identifier) if identifier else None
        return found if found is not None and found.enabled else None

    def takes_over(self, origin: str) -> bool:
        """Whether what has this origin is the writing connection's from now on."""
        return self.connection is not None and origin != self.source

    def require_creation(self, resource_type: ResourceType) -> None:
        """Users are made by hand only where no connection locks. Raises MANAGED_BY_SCIM."""
        if self.connection is not None or resource_type.name != USER.name:
            return
        for each in self.connections.by_id.values():
            if each.enabled and each.lock_synced:
                raise DomainError(
                    ErrorReason.ERROR_REASON_MANAGED_BY_SCIM,
                    f"Users are created by the SCIM connection {each.name!r} alone: assign them at "
                    "the identity provider, or let an administrator unlock the connection.",
                    metadata={"connection": each.name, "resourceType": resource_type.name},
                )

    def require_change(self, origin: str, resource_type: ResourceType) -> None:
        """Raises MANAGED_BY_SCIM when what has this origin is not this writer's to change."""
        owner = self.manager(origin)
        if owner is None or owner is self.connection:
            return
        if self.connection is None and not owner.lock_synced:
            return
        name = resource_type.name
        raise DomainError(
            ErrorReason.ERROR_REASON_MANAGED_BY_SCIM,
            f"The {name.lower()} is managed by the SCIM connection {owner.name!r}: change it at "
            "that identity provider.",
            metadata={"connection": owner.name, "resourceType": name},
        )

    def require_user_name(self, resource_type: ResourceType, before: Any, after: Any) -> None:
        """What a connection writes of a user that has to have an e-mail address for its userName,
        if it is a new one. Raises INVALID_VALUE."""
        connection = self.connection
        if connection is None or not connection.require_email_user_names:
            return
        if resource_type.name != USER.name or before.user_name == after.user_name:
            return
        if not _EMAIL.fullmatch(after.user_name):
            raise invalid_value(
                "userName",
                f"userName {after.user_name[:200]!r} is no e-mail address, and the connection "
                f"{connection.name!r} takes no others: let the identity provider send the e-mail "
                "address as user name.",
            )
