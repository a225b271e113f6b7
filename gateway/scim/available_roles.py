"""The roles of a catalogue as resources that clients discover
(draft-ietf-scim-roles-entitlements-01)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import NAMESPACE_URL, uuid5

from rollbook.attributes import resource_type_of
from rollbook.v1.available_role_pb2 import AvailableEntitlement, AvailableRole

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rollbook.v1.role_pb2 import RoleCatalogue, RoleType

ROLE: Final = resource_type_of(AvailableRole.DESCRIPTOR)
ENTITLEMENT: Final = resource_type_of(AvailableEntitlement.DESCRIPTOR)

RESOURCE_TYPES: Final = (ROLE, ENTITLEMENT)

_NAMESPACE: Final = uuid5(NAMESPACE_URL, ROLE.schema.urn)

ADVERTISED: Final = {
    "roles": {
        "supported": True,
        "multipleRolesSupported": True,
        "primarySupported": True,
        "typeSupported": True,
        # Which ones there are differs from tenant to tenant; this document is everybody's.
        "types": [],
    },
    "entitlements": {
        "supported": True,
        "multipleEntitlementsSupported": True,
        "primarySupported": True,
        "typeSupported": True,
        "types": [],
    },
}
"""What ServiceProviderConfig says of them (section 3 of the draft)."""


def available_roles(catalogue: RoleCatalogue) -> list[AvailableRole]:
    """Every value of every type; without a catalogue there are none to name, as all are."""
    return [role for each in catalogue.types for role in _roles_of(each)]


def _roles_of(role_type: RoleType) -> Iterator[AvailableRole]:
    known = {value.value.casefold(): value.value for value in role_type.values}
    contains = {
        value.value: [
            known[implied.casefold()] for implied in value.implies if implied.casefold() in known
        ]
        for value in role_type.values
    }
    for value in role_type.values:
        role = AvailableRole(
            id=_identifier(role_type.name, value.value),
            value=value.value,
            type=role_type.name,
            supported=True,
            contains=contains[value.value],
            contained_by=_containing(value.value, contains),
        )
        if value.display:
            role.display = value.display
        role.meta.resource_type = ROLE.name
        yield role


def _identifier(role_type: str, value: str) -> str:
    """The same for the same role in every process and whatever else the catalogue says."""
    return str(uuid5(_NAMESPACE, f"{role_type.casefold()}\0{value.casefold()}"))


def _containing(value: str, contains: Mapping[str, Sequence[str]]) -> list[str]:
    return [other for other, implied in contains.items() if value in implied]
