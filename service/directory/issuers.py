"""Trusting issuers of tokens, otherwise than before, and no more.

Functions run inside the caller's transaction and add a row to `changes`, as one of a resource of
the type "Issuer".
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rollbook.v1.error_reason_pb2 import ErrorReason
from service.domain.errors import DomainError
from service.domain.issuer_rules import changed_fields
from service.domain.membership import parse_id
from service.storage import changes, issuers, workload_tokens
from service.storage.changes import Change

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from rollbook.v1.issuer_service_pb2 import Issuer
    from service.storage.changes import Action, Author
    from service.storage.database import Connection
    from service.storage.issuers import TrustedIssuer

_TYPE = "Issuer"


async def create(connection: Connection, author: Author, checked: Issuer) -> TrustedIssuer:
    """A new issuer, which has been checked. Raises UNIQUENESS."""
    made = await issuers.insert(connection, author.tenant_id, checked)
    if made is None:
        raise _taken(checked)
    await _record(connection, author, "create", made, ["name", "issuer", "audiences", "rules"])
    return made


async def update(
    connection: Connection, author: Author, before: TrustedIssuer, checked: Issuer
) -> TrustedIssuer:
    """An issuer, which is held, with what was checked in the place of what was; other than by
    another name, what its tokens were exchanged for ends. Raises UNIQUENESS."""
    changed = changed_fields(before.message, checked)
    if not changed:
        return before
    after = await issuers.update(connection, author.tenant_id, before.id, checked)
    if after is None:
        raise _taken(checked)
    if changed != ["name"]:
        await workload_tokens.delete_of_issuer(connection, author.tenant_id, before.id)
    await _record(connection, author, "update", after, changed)
    return after


async def held(connection: Connection, tenant_id: UUID, text: str) -> TrustedIssuer:
    """The issuer with this id, held until the transaction ends. Raises CREDENTIAL_NOT_FOUND."""
    identifier = parse_id(text)
    found = identifier and await issuers.hold(connection, tenant_id, identifier)
    if not found:
        raise _not_found(text)
    return found


async def delete(connection: Connection, author: Author, text: str) -> None:
    """Remove the issuer with this id. Raises CREDENTIAL_NOT_FOUND."""
    identifier = parse_id(text)
    removed = identifier and await issuers.delete(connection, author.tenant_id, identifier)
    if not removed:
        raise _not_found(text)
    await _record(connection, author, "delete", removed)


def _taken(issuer: Issuer) -> DomainError:
    return DomainError(
        ErrorReason.ERROR_REASON_UNIQUENESS,
        f"The issuer {issuer.issuer[:200]!r} is trusted already with one of the audiences.",
        field="issuer.audiences",
        metadata={"resourceType": _TYPE, "resourceName": issuer.issuer[:200]},
    )


def _not_found(text: str) -> DomainError:
    return DomainError(
        ErrorReason.ERROR_REASON_CREDENTIAL_NOT_FOUND,
        f"There is no issuer {text[:100]!r}; list them to find its id.",
        metadata={"resourceType": _TYPE, "resourceName": text[:100]},
    )


async def _record(
    connection: Connection,
    author: Author,
    action: Action,
    issuer: TrustedIssuer,
    attributes: Sequence[str] = (),
) -> None:
    gone = action == "delete"
    change = Change(
        action=action,
        resource_type=_TYPE,
        resource_id=issuer.id,
        version=issuer.version + gone,
        time=datetime.now(UTC),
        attributes=attributes,
        message=None if gone else issuer.message.SerializeToString(),
    )
    await changes.record(connection, author, change)
