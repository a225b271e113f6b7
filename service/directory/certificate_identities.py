"""Letting the holders of client certificates in, and no more.

Functions run inside the caller's transaction and add a row to `changes`, as one of a resource of
the type "CertificateIdentity".
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rollbook.v1.error_reason_pb2 import ErrorReason
from service.directory.api_tokens import held_principal
from service.domain.errors import DomainError
from service.domain.membership import parse_id
from service.domain.token_rules import check_for_principal
from service.storage import certificate_identities, changes
from service.storage.changes import Change

if TYPE_CHECKING:
    from rollbook.access import Scope
    from service.storage.certificate_identities import CertificateIdentity
    from service.storage.changes import Action, Author
    from service.storage.database import Connection

_TYPE = "CertificateIdentity"


async def create(
    connection: Connection,
    author: Author,
    name: str,
    pattern: str,
    scopes: frozenset[Scope],
    principal: str,
) -> CertificateIdentity:
    """A new identity, of the user or service account with the id `principal` if it is not empty.
    Raises UNIQUENESS, USER_NOT_FOUND, PRINCIPAL_INACTIVE."""
    principal_id = None
    if principal:
        check_for_principal(scopes)
        principal_id = await held_principal(connection, author, principal)
    made = await certificate_identities.insert(
        connection, author.tenant_id, name, pattern, scopes, principal_id
    )
    if made is None:
        raise DomainError(
            ErrorReason.ERROR_REASON_UNIQUENESS,
            f"The pattern {pattern[:200]!r} is in use, here or in another tenant.",
            field="pattern",
            metadata={"resourceType": _TYPE, "resourceName": pattern[:200]},
        )
    await _record(connection, author, "create", made)
    return made


async def delete(connection: Connection, author: Author, text: str) -> None:
    """Remove the identity with this id. Raises CREDENTIAL_NOT_FOUND."""
    identifier = parse_id(text)
    removed = identifier and await certificate_identities.delete(
        connection, author.tenant_id, identifier
    )
    if not removed:
        raise DomainError(
            ErrorReason.ERROR_REASON_CREDENTIAL_NOT_FOUND,
            f"There is no certificate identity {text[:100]!r}; list them to find its id.",
            metadata={"resourceType": _TYPE, "resourceName": text[:100]},
        )
    await _record(connection, author, "delete", removed)


async def _record(
    connection: Connection, author: Author, action: Action, identity: CertificateIdentity
) -> None:
    gone = action == "delete"
    change = Change(
        action=action,
        resource_type=_TYPE,
        resource_id=identity.id,
        version=identity.version + gone,
        time=datetime.now(UTC),
        attributes=[] if gone else ["name", "pattern", "scopes"],
        message=None if gone else identity.message().SerializeToString(),
    )
    await changes.record(connection, author, change)
