"""Decisions about one principal from those in memory: functions of what one look has found."""

from __future__ import annotations

import time
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from rollbook.v1.error_reason_pb2 import ErrorReason
from service.directory.access.cache import UnknownPrincipalError
from service.domain.access import graph as access_graph
from service.domain.access.role_catalogue import RoleKey
from service.domain.errors import DomainError, invalid_value
from service.storage.access.graph import MAX_GIVEN, MAX_PRINCIPALS

if TYPE_CHECKING:
    from uuid import UUID

    from service.directory.access.cache import CachedPrincipals
    from service.domain.access.graph import Effective, RolesPage
    from service.domain.access.role_catalogue import Catalogue

MAX_TEXT: Final = 1_500
"""How many characters the type and the value of a role that is asked about have at the most."""


class Decision(Enum):
    """How a check came out, and why."""

    GRANTED = auto()
    NOT_GRANTED = auto()
    INACTIVE = auto()
    UNKNOWN = auto()


def role_of(role_type: str, value: str) -> RoleKey:
    """The role that a request asks about. Raises INVALID_VALUE."""
    if not value:
        raise invalid_value("value", "value is required: name the role to look for.")
    for field, text in (("type", role_type), ("value", value)):
        if len(text) > MAX_TEXT:
            raise invalid_value(field, f"{field} has more than {MAX_TEXT} characters.")
    return RoleKey.of(role_type, value)


def check_role(catalogue: Catalogue, role: RoleKey) -> None:
    """Raises INVALID_VALUE for a role that the catalogue does not have: nobody could have it."""
    if not catalogue.granting(role):
        raise no_role(catalogue, role)


def no_role(catalogue: Catalogue, role: RoleKey) -> Exception:
    """What is wrong with a role that the catalogue does not have."""
    if catalogue.match(role.type) is None:
        return invalid_value("type", f"The role catalogue has no type {role.type[:100]!r}.")
    return invalid_value(
        "value", f"Roles of the type {role.type[:100]!r} have no value {role.value[:100]!r}."
    )


def too_much() -> DomainError:
    """Principals have more groups and assignments than can be looked at."""
    return DomainError(
        ErrorReason.ERROR_REASON_TOO_MANY,
        f"With their groups, those asked about are more than {MAX_PRINCIPALS} principals or have "
        f"more than {MAX_GIVEN} role assignments: that is more than is looked at.",
        field="principal_id",
    )


def decide(principals: CachedPrincipals, identifier: UUID | None, role: RoleKey) -> Decision:
    """Whether a principal has a role. Raises INVALID_VALUE, IncompleteError."""
    granting = principals.granting(role)
    if not granting:
        raise no_role(principals.catalogue, role)
    if identifier is None:
        return Decision.UNKNOWN
    try:
        principal, roles = principals.held(identifier)
    except UnknownPrincipalError:
        return Decision.UNKNOWN
    if not principal.active:
        return Decision.INACTIVE
    if access_graph.holds(roles, granting, time.time()):
        return Decision.GRANTED
    return Decision.NOT_GRANTED


def effective_roles(
    principals: CachedPrincipals, identifier: UUID, page: RolesPage
) -> list[Effective]:
    """A page of what a principal has; nothing when it is inactive.

    Raises INVALID_VALUE for a type that the catalogue does not have, UnknownPrincipalError,
    IncompleteError.
    """
    type_key, catalogue = page.type_key, principals.catalogue
    if type_key is not None and not catalogue.is_free_form and not catalogue.match(type_key):
        raise no_role(catalogue, RoleKey(type_key, ""))
    nodes = principals.reached(identifier)
    if not nodes[0].active:
        return []
    return access_graph.effective_roles(nodes, catalogue, time.time(), page)


def is_member(principals: CachedPrincipals, identifier: UUID, group_id: UUID) -> tuple[bool, bool]:
    """Whether a principal belongs to a group, and whether it does itself.

    Raises IncompleteError."""
    try:
        nodes = principals.reached(identifier)
    except UnknownPrincipalError:
        return False, False
    belongs = identifier != group_id and any(node.id == group_id for node in nodes[1:])
    return belongs, belongs and group_id in nodes[0].groups
