"""Trusting issuers of tokens, and trusting them no more.

Functions run inside the caller's transaction and add a row to `changes`, as one of a resource of
the type "Issuer".
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rollbook.v1.error_reason_pb2 import ErrorReason
from service.domain.errors import DomainError
from service.domain.membership import parse_id
from service.storage import changes, issuers
from service.storage.changes import Change

if TYPE_CHECKING:
    from rollbook.v1.issuer_service_pb2 import Issuer
    from service.storage.changes import Action, Author
    from service.storage.database import Connection
    from service.storage.issuers import TrustedIssuer

_TYPE = "Issuer"


async def create(connection: Connection, author: Author, checked: Issuer) -> TrustedIssuer:
    """A new issuer, which has been checked. Raises UNIQUENESS."""
    made = await issuers.insert(connection, author.tenant_id, checked)
    if made is None:
        raise DomainError(
            ErrorReason.ERROR_REASON_UNIQUENESS,
            f"The issuer {checked.issuer[:200]!r} is trusted already with one of the audiences.",
            field="issuer.audiences",
            metadata={"resourceType": _TYPE, "resourceName": checked.issuer[:200]},
        )
    await _record(connection, author, "create", made)
    return made


async def delete(connection: Connection, author: Author, text: str) -> None:
    """Remove the issuer with this id. Raises CREDENTIAL_NOT_FOUND."""
    identifier = parse_id(text)
    removed = identifier and await issuers.delete(connection, author.tenant_id, identifier)
    if not removed:
        raise DomainError(
            ErrorReason.ERROR_REASON_CREDENTIAL_NOT_FOUND,
            f"There is no issuer {text[:100]!r}; list them to find its id.",
            metadata={"resourceType": _TYPE, "resourceName": text[:100]},
        )
    await _record(connection, author, "delete", removed)


async def _record(
    connection: Connection, author: Author, action: Action, issuer: TrustedIssuer
) -> None:
    gone = action == "delete"
    change = Change(
        action=action,
        resource_type=_TYPE,
        resource_id=issuer.id,
        version=1 + gone,
        time=datetime.now(UTC),
        attributes=[] if gone else ["name", "issuer", "audiences", "rules"],
        message=None if gone else issuer.message.SerializeToString(),
    )
    await changes.record(connection, author, change)
