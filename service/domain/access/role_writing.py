"""What a write of somebody's roles does, given who has said what of them before.

Each source says for itself which roles somebody has: a write replaces what its own source says
and leaves the others alone. The principal's message shows the union.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from rollbook.access import BY_ROLE, EVERY_SCOPE
from rollbook.v1.error_reason_pb2 import ErrorReason
from rollbook.v1.role_pb2 import RoleCatalogue
from service.domain.access.role_rules import read_json
from service.domain.access.roles import SCIM, Assignment, Role, RoleChanges, roles_of, show, union
from service.domain.errors import DomainError, invalid_value
from service.domain.identifiers import new_id
from service.domain.search.comparison import copy_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rollbook.access import Scope
    from rollbook.v1.patch_pb2 import PatchOperation
    from service.domain.access.role_catalogue import Catalogue, RoleKey
    from service.domain.access.role_rules import RoleRules

MAX_ROLES: Final = 10_000
"""How many assignments one user, group or service account has at the most: it shows them all."""

_IGNORING: Final = {
    "User": RoleCatalogue.DESCRIPTOR.fields_by_name["ignore_user_roles"].name,
    "Group": RoleCatalogue.DESCRIPTOR.fields_by_name["ignore_group_roles"].name,
    "ServiceAccount": RoleCatalogue.DESCRIPTOR.fields_by_name["ignore_service_account_roles"].name,
}


@dataclass(frozen=True)
class RoleWrite:
    """What a write of one principal's roles goes by: the rules, the source that writes, and what
    all sources said before.

    `repeats` tells whether the source means it when it says what another one says; `reads_json`
    whether the client sends roles as JSON text; `grantable` what of Rollbook's own scopes roles may
    grant that it gives.
    """

    rules: RoleRules
    source: str
    held: Sequence[Assignment] = ()
    repeats: bool = False
    reads_json: bool = False
    grantable: frozenset[Scope] = EVERY_SCOPE

    @property
    def _catalogue(self) -> Catalogue:
        return self.rules.catalogue

    def is_ignored(self, resource_type: str) -> bool:
        """Whether the tenant lets no identity provider change the roles of such a resource."""
        field = _IGNORING.get(resource_type)
        is_scim = self.source.startswith(SCIM)
        return field is not None and is_scim and bool(getattr(self._catalogue.message, field))

    def read(self, operations: Sequence[PatchOperation]) -> Sequence[PatchOperation]:
        """The operations of a patch with the roles in their values that JSON text tells of."""
        if not self.reads_json or self._catalogue.is_free_form:
            return operations
        return [_read(operation) for operation in operations]

    def own(self, shown: Iterable[Role]) -> list[Role]:
        """The roles that the source itself gives, in the order in which they are shown."""
        place = {role.key: index for index, role in enumerate(shown)}
        own = [each.role for each in self.held if each.source == self.source and not each.expired]
        return sorted(own, key=lambda role: place.get(role.key, len(place)))

    def settle(self, resource: Any, before: Iterable[Role], *, additive: bool) -> RoleChanges:
        """Take what a message holds as the roles that the source gives from now on, and let the
        message show the union. `before` is what it showed, `additive` whether a new role of a
        type that allows one takes the place of another.

        Raises INVALID_VALUE naming the type, value or scope that is not in the catalogue, or
        saying that there are too many; SCOPE_MISSING.
        """
        valid = [each for each in self.held if not each.expired]
        _check_size(len(resource.roles), valid)
        own = {each.key: each for each in valid if each.source == self.source}
        others = [each for each in valid if each.source != self.source]
        wanted = self._wanted(roles_of(resource), own, {each.key for each in others})
        self._check_number(wanted, own, additive=additive)
        _check_primary(wanted.values())
        added = [each for key, each in wanted.items() if key not in own]
        self._check_power(added)
        altered = [e for key, e in wanted.items() if key in own and e != own[key]]
        removed = [each for key, each in own.items() if key not in wanted]
        _check_size(len(wanted) + len(others), valid)
        gone = [each for each in self.held if each.expired]
        shown = [role.key for role in before]
        order = [*shown, *wanted] if additive else [*wanted, *shown]
        show(resource, union([*wanted.values(), *others], order))
        return RoleChanges(added, altered, [*removed, *gone])

    def _wanted(
        self,
        roles: Iterable[Role],
        own: Mapping[RoleKey, Assignment],
        others: set[RoleKey],
    ) -> dict[RoleKey, Assignment]:
        wanted: dict[RoleKey, Assignment] = {}
        for role in roles:
            if not role.value.strip():  # RFC 7643 §2.5: without a value it is no role.
                continue
            assignment = self._assignment(role, own)
            key = assignment.key
            # Whoever reads a resource and writes it back does not mean to say all that others
            # say.
            if self.repeats or key in own or key not in others:
                known = wanted.setdefault(key, assignment)
                if assignment.role.primary and not known.role.primary:
                    # Said twice: Entra ID changes the value of the primary role to one there is.
                    wanted[key] = replace(known, role=known.role._replace(primary=True))
        return wanted

    def _assignment(self, role: Role, own: Mapping[RoleKey, Assignment]) -> Assignment:
        if self.reads_json and not self._catalogue.is_free_form:
            role = read_json(role)  # A patch has been read before.
        held = own.get(role.key)
        if held is not None and not self.rules.allows(role):
            # It was given before the catalogue said otherwise; nobody gives it now.
            return held
        role, pending = self.rules.canonical(role)
        held = own.get(role.key)
        if held is not None:
            return replace(held, role=role)
        return Assignment(new_id(), role, self.source, pending)

    def _check_power(self, added: Iterable[Assignment]) -> None:
        for each in added:
            if lacking := (self._catalogue.scopes(each.key) & BY_ROLE) - self.grantable:
                role = f"{each.role.type} {each.role.value}"[:200]
                raise too_powerful(lacking, f"give the role {role!r}, which grants them")

    def _check_number(
        self,
        wanted: dict[RoleKey, Assignment],
        own: Mapping[RoleKey, Assignment],
        *,
        additive: bool,
    ) -> None:
        """Leave one role of each type that allows no more. Raises INVALID_VALUE."""
        by_type: dict[str, list[RoleKey]] = defaultdict(list)
        for key in wanted:
            by_type[key.type].append(key)
        for type_key, keys in by_type.items():
            match = self._catalogue.match(type_key)
            fresh = [key for key in keys if key not in own]
            if len(keys) == 1 or match is None or match.kind.message.several or not fresh:
                continue
            if not additive or len(fresh) > 1:
                raise _too_many([wanted[key].role for key in keys])
            for key in keys:
                if key not in fresh:
                    del wanted[key]


def _read(operation: PatchOperation) -> PatchOperation:
    kind = operation.WhichOneof("value")
    if kind is None or not getattr(getattr(operation, kind), "roles", ()):
        return operation
    copy = copy_of(operation)
    for element in getattr(copy, kind).roles:
        told = read_json(Role.of(element))
        if told.value != element.value:
            element.value = told.value
            if told.display is not None:
                element.display = told.display
    return copy


def too_powerful(lacking: Iterable[Scope], what: str) -> DomainError:
    """Somebody would make others more of an administrator than they are themselves."""
    scopes = ", ".join(sorted(lacking))
    return DomainError(
        ErrorReason.ERROR_REASON_SCOPE_MISSING,
        f"The credentials lack {scopes}, so they cannot {what}. Let an administrator do it, or "
        "allow the SCIM connection to make administrators.",
        metadata={"scope": scopes},
    )


def _check_size(number: int, before: Sequence[Assignment]) -> None:
    """Raises INVALID_VALUE for more roles than somebody can have, unless there were as many."""
    if number > max(MAX_ROLES, len(before)):
        raise invalid_value(
            "roles",
            f"There would be {number} roles, of all sources; {MAX_ROLES} are the most that "
            "somebody can have. Give others to groups, or one that covers all scopes.",
        )


def _check_primary(assignments: Iterable[Assignment]) -> None:
    if sum(bool(each.role.primary) for each in assignments) > 1:
        raise invalid_value("roles", "roles has more than one primary element; mark one only.")


def _too_many(roles: Sequence[Role]) -> Exception:
    values = ", ".join(repr(role.value[:100]) for role in roles)
    return invalid_value(
        "roles",
        f"One role of the type {roles[0].type[:100]!r} is allowed, not {len(roles)}: {values}.",
    )
