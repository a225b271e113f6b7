"""What a bulk request should do, worked out as plainly as can be: one operation after the other on
a simple directory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from tests.harness.representation import ENTERPRISE_SCHEMA
from tests.property.directory_model import Directory, ModelGroup, ModelUser

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PREFIX: Final = "bulkId:"


@dataclass(frozen=True)
class Operation:
    """One operation. `target` and `references` are ids or `bulkId:…`; `name` is a userName or
    displayName, `references` are the manager of a user or members of a group. `change` is what a
    PATCH does with members."""

    method: str
    kind: str
    target: str
    name: str = ""
    references: frozenset[str] = frozenset()
    change: str = ""

    @property
    def creates(self) -> bool:
        """Whether it makes a resource, known as `target` to the others."""
        return self.method == "POST"

    def request(self) -> dict[str, Any]:
        """As a client sends it."""
        if self.creates:
            bulk_id = self.target.removeprefix(PREFIX)
            return {"method": "POST", "path": f"/{self.kind}s", "bulkId": bulk_id, **self._data()}
        return {"method": self.method, "path": f"/{self.kind}s/{self.target}", **self._data()}

    def _data(self) -> dict[str, Any]:
        if self.method == "DELETE":
            return {}
        members = [{"value": each} for each in sorted(self.references)]
        if self.method == "PATCH" and self.kind == "Group":
            return _patch({"op": self.change, "path": "members", "value": members})
        if self.method == "PATCH":
            return _patch({"op": "replace", "path": "title", "value": self.name})
        if self.kind == "Group":
            return {"data": {"displayName": self.name, "members": members}}
        extension = {ENTERPRISE_SCHEMA: {"manager": members[0]}} if members else {}
        return {"data": {"userName": self.name, **extension}}


def _patch(operation: dict[str, Any]) -> dict[str, Any]:
    return {"data": {"Operations": [operation]}}


class RefusedError(Exception):
    """An operation fails."""


@dataclass
class Expectation:
    """Which operations run, in this order, and whether they fail; `directory` is what is left."""

    directory: Directory
    failed: dict[int, bool] = field(default_factory=dict)


def expected(
    directory: Directory, operations: Sequence[Operation], fail_on_errors: int
) -> Expectation:
    """What a bulk should do; creations get their references for ids."""
    result = Expectation(directory)
    created: set[str] = set()
    for circle in order(operations):
        if 0 < fail_on_errors <= sum(result.failed.values()):
            break
        try:
            if operations[circle[0]].creates:
                _create(directory, [operations[index] for index in circle], created)
            else:
                _change(directory, operations[circle[0]], created)
        except RefusedError:
            result.failed |= dict.fromkeys(circle, True)
        else:
            result.failed |= dict.fromkeys(circle, False)
    return result


def order(operations: Sequence[Operation]) -> list[list[int]]:
    """The first in the request that need not wait, again and again; circles at once."""
    waits = [
        {j for j, other in enumerate(operations) if _waits(i, each, j, other)}
        for i, each in enumerate(operations)
    ]
    circles = _circles(waits)
    result: list[list[int]] = []
    done: set[int] = set()
    while circles:
        ready = [c for c in circles if all(waits[i] <= done | set(c) for i in c)]
        chosen = min(ready, key=max)
        circles.remove(chosen)
        result.append(chosen)
        done |= set(chosen)
    return result


def _waits(i: int, each: Operation, j: int, other: Operation) -> bool:
    if i == j:
        return False
    named = each.references | (frozenset() if each.creates else {each.target})
    if other.creates:
        return other.target in named or (
            j < i and each.method == "DELETE" and each.target in other.references
        )
    same = not each.creates and each.target == other.target
    lost = each.method == "DELETE" and each.target in other.references
    return j < i and (same or lost)


def _circles(waits: Sequence[set[int]]) -> list[list[int]]:
    reached = [set(each) for each in waits]
    for k, beyond in enumerate(reached):
        for each in reached:
            if k in each:
                each.update(beyond)
    circles = {
        tuple(sorted({i, *(j for j in each if i in reached[j])})) for i, each in enumerate(reached)
    }
    return [list(circle) for circle in circles]


def _create(directory: Directory, operations: Sequence[Operation], created: set[str]) -> None:
    new = {operation.target for operation in operations}
    names = [each.name.casefold() for each in operations if each.kind == "User"]
    if len(set(names)) < len(names) or any(map(directory.is_taken, names)):
        raise RefusedError
    known = directory.users.keys() | directory.groups.keys() | new
    for operation in operations:
        _resolve(operation, created | new)
        if operation.kind == "Group" and not operation.references <= known:
            raise RefusedError
    created |= new
    for operation in operations:
        if operation.kind == "User":
            manager = next(iter(operation.references), "")
            directory.users[operation.target] = ModelUser(operation.name, manager=manager)
        else:
            group = ModelGroup(operation.name, set(operation.references))
            directory.groups[operation.target] = group


def _resolve(operation: Operation, created: set[str]) -> None:
    """A reference to what was never created fails; one to what is deleted by now does not."""
    if any(each.startswith(PREFIX) and each not in created for each in operation.references):
        raise RefusedError


def _change(directory: Directory, operation: Operation, created: set[str]) -> None:
    _resolve(operation, created)
    resources: Mapping[str, Any] = directory.users if operation.kind == "User" else directory.groups
    resource = resources.get(operation.target)
    if resource is None:
        raise RefusedError
    if operation.method == "DELETE":
        directory.delete(operation.target)
    elif operation.method == "PUT":
        _replace(directory, operation)
    elif operation.kind == "User":
        resource.title = operation.name
    else:
        _change_members(directory, resource, operation)


def _replace(directory: Directory, operation: Operation) -> None:
    if operation.kind == "Group":
        if not operation.references <= directory.users.keys() | directory.groups.keys():
            raise RefusedError
        group = ModelGroup(operation.name, set(operation.references))
        directory.groups[operation.target] = group
        return
    if directory.is_taken(operation.name, by_other_than=operation.target):
        raise RefusedError
    active = directory.users[operation.target].active
    manager = next(iter(operation.references), "")
    directory.users[operation.target] = ModelUser(operation.name, "", active, manager)


def _change_members(directory: Directory, group: ModelGroup, operation: Operation) -> None:
    chosen = set(operation.references)
    if operation.change != "remove" and not chosen <= (
        directory.users.keys() | directory.groups.keys()
    ):
        raise RefusedError
    group.members = {
        "add": group.members | chosen,
        "remove": group.members - chosen,
        "replace": chosen,
    }[operation.change]
