"""What a patch or an update does to the members of a group, as sets of ids.

Members are rows: a group of a million is never loaded to change one. So operations on `members`
become the few steps below, which storage runs as one statement each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

from rollbook.attributes import GROUP
from rollbook.v1 import filter_pb2
from rollbook.v1.patch_pb2 import PatchOp
from service.domain import patch
from service.domain.errors import DomainError, invalid_value, mutability, no_target
from service.domain.search import filters

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rollbook.attributes import ResourceType
    from rollbook.v1.filter_pb2 import Filter
    from rollbook.v1.group_pb2 import GroupMember
    from rollbook.v1.patch_pb2 import PatchOperation

_MEMBERS = GROUP.schema.attribute("members")
assert _MEMBERS is not None
MEMBERS: Final = _MEMBERS


@dataclass(frozen=True, slots=True)
class Add:
    """These become members; who is one already stays so."""

    ids: Sequence[UUID]


@dataclass(frozen=True, slots=True)
class Remove:
    """These are members no more; who is none is ignored. But it fails when `required` and nobody
    is one, and when `single` and more than one is."""

    ids: Sequence[UUID]
    required: bool = False
    single: bool = False


@dataclass(frozen=True, slots=True)
class Replace:
    """These are the members, and nobody else."""

    ids: Sequence[UUID]


@dataclass(frozen=True, slots=True)
class RemoveMatching:
    """Whoever meets a condition is a member no more; fails as `Remove` does."""

    condition: filters.Condition
    required: bool = False
    single: bool = False


_UUID_LENGTH: Final = 36

Step = Add | Remove | Replace | RemoveMatching


def member_ids(members: Iterable[GroupMember]) -> list[UUID]:
    """The ids of members to add, each once. Raises INVALID_VALUE for what cannot be an id."""
    ids: dict[UUID, None] = {}
    for index, member in enumerate(members):
        path = f"members[{index}].value"
        if not member.value:
            raise invalid_value(
                path, f"{path} is missing: give the id of a user, service account or group."
            )
        ids[parse_member_id(member.value, path)] = None
    return list(ids)


def parse_member_id(text: str, path: str) -> UUID:
    """An id as a UUID. Raises INVALID_VALUE, since only UUIDs name resources."""
    identifier = parse_id(text)
    if identifier is None:
        raise unknown_member(text, path)
    return identifier


def unknown_member(text: object, path: str = "members") -> DomainError:
    """INVALID_VALUE: an id that names nobody."""
    return invalid_value(
        path,
        f"{path}: no user, service account or group has the id {str(text)[:100]!r}; "
        "create it first.",
    )


def parse_id(text: str) -> UUID | None:
    """The UUID that a text is in its canonical form; None when it is anything else.

    Other spellings that Python accepts (braces, no hyphens, upper case) are no ids: ids are
    compared exactly (RFC 7643 §3.1).
    """
    if len(text) != _UUID_LENGTH:
        return None
    try:
        identifier = UUID(text)
    except ValueError:
        return None
    return identifier if str(identifier) == text else None


def split(
    operations: Iterable[PatchOperation], groups: ResourceType = GROUP
) -> tuple[list[PatchOperation], list[Step]]:
    """Part the operations on a group into those on attributes of its own and the steps that
    change its members. Neither kind reads what the other writes, so each keeps its order.

    `groups` is the type of the tenant's groups. Raises INVALID_PATH, INVALID_FILTER,
    INVALID_VALUE or MUTABILITY.
    """
    others: list[PatchOperation] = []
    steps: list[Step] = []
    for operation in operations:
        target = patch.resolve_target(operation, groups)
        if target.extension is None and target.attribute and target.attribute.name == MEMBERS.name:
            steps.append(_step(operation, target))
        else:
            others.append(operation)
    return others, steps


def _step(operation: PatchOperation, target: patch.Target) -> Step:
    if target.part is not None:
        raise _fixed(target.text)
    removal = operation.op == PatchOp.PATCH_OP_REMOVE
    if target.filter is not None and not removal:
        return _add_by_filter(operation, target)
    if target.filter is not None:
        return _removal_by_filter(
            target.filter, required=operation.target_required, single=operation.single_target
        )
    members = operation.group.members
    if removal:
        if not members:
            return Replace(())
        ids = (parse_id(member.value) for member in members)
        return Remove([identifier for identifier in ids if identifier is not None])
    if not operation.HasField("group"):
        raise invalid_value("members", "An add or replace of members needs a value.")
    ids_to_have = member_ids(members)
    return Replace(ids_to_have) if operation.op == PatchOp.PATCH_OP_REPLACE else Add(ids_to_have)


def _fixed(path: str) -> DomainError:
    """MUTABILITY: what a member is cannot change (RFC 7643 §4.2)."""
    return mutability(path, f"{path} is immutable: add or remove the member instead.")


def _add_by_filter(operation: PatchOperation, target: patch.Target) -> Step:
    """`members[value eq "x"]` with add or replace: the member it names is to be there, and the
    value must not name another."""
    assert target.filter is not None
    values = _values_of(target.filter)
    if operation.target_required or values is None or len(values) != 1:
        raise no_target(target.text)
    if any(member.value not in {"", values[0]} for member in operation.group.members):
        raise _fixed("members.value")
    return Add([parse_member_id(values[0], target.text)])


def _removal_by_filter(condition: Filter, *, required: bool, single: bool) -> Step:
    values = _values_of(condition)
    if values is None:
        return RemoveMatching(filters.resolve_element(condition, MEMBERS), required, single)
    ids = (parse_id(value) for value in values)
    return Remove([identifier for identifier in ids if identifier is not None], required, single)


def _values_of(condition: Filter) -> list[str] | None:
    """The ids in `value eq "a" or value eq "b" …`; None when the filter is anything else."""
    kind = condition.WhichOneof("kind")
    if kind == "or":
        lists = [_values_of(part) for part in getattr(condition, "or").filters]
        return None if None in lists else [value for part in lists for value in part or ()]
    if kind != "comparison":
        return None
    comparison = condition.comparison
    name = comparison.path.sub_attribute or comparison.path.attribute
    equal = comparison.operator == filter_pb2.COMPARISON_OPERATOR_EQUAL
    if not equal or name.lower() != "value" or comparison.value.WhichOneof("kind") != "string":
        return None
    return [comparison.value.string]
