"""The form of a case of the contract table: what there is, what is done, what is there then."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Literal

from tests.harness.operations import Change, Comparison, Document, Kind, Listing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.harness.drivers import Driver
    from tests.harness.operations import Names, Outcome


@dataclass(frozen=True)
class Create:
    """Creates a resource, known as `name` from then on."""

    document: Document
    name: str = "new"

    async def run(self, driver: Driver, names: Names, etag: str) -> Outcome:
        outcome = await driver.create(kind_of(self.document), names.resolved(self.document))
        if outcome.resource is not None:
            names.ids[self.name] = outcome.id
        return outcome


@dataclass(frozen=True)
class Get:
    """Reads a resource."""

    name: str
    kind: Kind = "User"

    async def run(self, driver: Driver, names: Names, etag: str) -> Outcome:
        return await driver.get(self.kind, names.ids[self.name])


@dataclass(frozen=True)
class Replace:
    """Replaces a resource (PUT)."""

    name: str
    document: Document
    kind: Kind | None = None

    async def run(self, driver: Driver, names: Names, etag: str) -> Outcome:
        kind = self.kind or kind_of(self.document)
        return await driver.replace(kind, names.ids[self.name], names.resolved(self.document), etag)


@dataclass(frozen=True)
class Patch:
    """Changes a resource by operations."""

    name: str
    changes: tuple[Change, ...]
    kind: Kind = "User"

    async def run(self, driver: Driver, names: Names, etag: str) -> Outcome:
        changes = [_resolved(change, names) for change in self.changes]
        return await driver.patch(self.kind, names.ids[self.name], changes, etag)


@dataclass(frozen=True)
class Delete:
    """Deletes a resource."""

    name: str
    kind: Kind = "User"

    async def run(self, driver: Driver, names: Names, etag: str) -> Outcome:
        return await driver.delete(self.kind, names.ids[self.name], etag)


@dataclass(frozen=True)
class Find:
    """Lists resources."""

    listing: Listing
    kind: Kind = "User"

    async def run(self, driver: Driver, names: Names, etag: str) -> Outcome:
        terms = tuple(
            Comparison(term.attribute, term.operator, names.resolved(term.value), term.schema)
            for term in self.listing.where
        )
        return await driver.list(self.kind, replace(self.listing, where=terms))


def _resolved(change: Change, names: Names) -> Change:
    target = replace(change.target, where=names.resolved(change.target.where))
    return Change(change.op, target, names.resolved(change.value))


UNKNOWN: Final = {
    "nobody": "00000000-0000-4000-8000-00000000dead",
    "nonsense": "qwertyuiop",
}
"""Names of resources that do not exist."""


@dataclass(frozen=True)
class Case:
    """One line of the table.

    `given` are the resources there are, by name, each made as written; `then` those that look
    different afterwards, None for one that is gone. `fails` is the reason of the failure, after
    which nothing may have changed. `finds` are the names that a list has, in order, and `total`
    how many match in all. `etag` makes the condition of a write from the etag there is. `touches`
    are resources whose version changes although nothing that shows does. `only` names the
    protocol of a case that the other one's leniency makes different.
    """

    title: str
    do: Create | Get | Replace | Patch | Delete | Find
    given: Mapping[str, Document] = field(default_factory=dict)
    then: Mapping[str, Document | None] = field(default_factory=dict)
    fails: str = ""
    finds: tuple[str, ...] | None = None
    total: int | None = None
    etag: Callable[[str], str] | None = None
    touches: frozenset[str] = frozenset()
    only: Literal["", "grpc"] = ""


def kind_of(document: Mapping[str, Any]) -> Kind:
    """The resource type that a document is of: only service accounts have a description, only
    users a userName or a name."""
    if "description" in document:
        return "ServiceAccount"
    return "User" if document.keys() & {"userName", "name", "emails", "active"} else "Group"


def unset(document: Document, *attributes: str) -> Document:
    """The document without these attributes."""
    return {name: value for name, value in document.items() if name not in attributes}
