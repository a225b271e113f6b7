"""Making, changing and deleting sign-in providers.

Functions run inside the caller's transaction and add a row to `changes`, as one of a resource of
the type "SignInProvider". Client secrets are in none of them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rollbook.v1.error_reason_pb2 import ErrorReason
from service.domain import etag
from service.domain.errors import DomainError, invalid_value
from service.domain.identifiers import new_id
from service.domain.membership import parse_id
from service.domain.oauth import sign_in_provider_rules as rules
from service.storage import changes
from service.storage.changes import Change
from service.storage.oauth import pending_sign_ins, sign_in_providers, sign_ins

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from rollbook.v1.sign_in_provider_service_pb2 import SignInProvider
    from service.encryption import Encryption
    from service.storage.changes import Action, Author
    from service.storage.database import Connection
    from service.storage.oauth.sign_in_providers import StoredProvider

_TYPE = "SignInProvider"


def purpose_of(tenant_id: UUID, id_: UUID, content: SignInProvider) -> bytes:
    """What a client secret is encrypted for: nobody but this client of this issuer gets it."""
    whose = (str(tenant_id), str(id_), content.issuer, content.client_id)
    return "\0".join(("sign-in provider", *whose)).encode()


async def existing(
    connection: Connection, tenant_id: UUID, text: str, *, hold: bool = False
) -> StoredProvider:
    """The provider of an id, held until the transaction ends if wanted. Raises
    SIGN_IN_PROVIDER_NOT_FOUND."""
    identifier = parse_id(text)
    found = identifier and await sign_in_providers.find(
        connection, tenant_id, identifier, hold=hold
    )
    if not found:
        raise DomainError(
            ErrorReason.ERROR_REASON_SIGN_IN_PROVIDER_NOT_FOUND,
            f"There is no sign-in provider {text[:100]!r}; list them to find its id.",
            metadata={"resourceType": _TYPE, "resourceName": text[:100]},
        )
    return found


async def create(
    connection: Connection,
    author: Author,
    content: SignInProvider,
    secret: str,
    encryption: Encryption,
) -> StoredProvider:
    """A new provider, which has been checked. Raises TOO_MANY, UNIQUENESS."""
    await sign_in_providers.hold_all(connection, author.tenant_id)
    if len(await sign_in_providers.find_all(connection, author.tenant_id)) >= rules.MAX_PROVIDERS:
        raise DomainError(
            ErrorReason.ERROR_REASON_TOO_MANY,
            f"There are {rules.MAX_PROVIDERS} sign-in providers; there can be no more.",
        )
    id_ = new_id()
    purpose = purpose_of(author.tenant_id, id_, content)
    encrypted = encryption.encrypt(secret, purpose) if secret else None
    stored = await sign_in_providers.insert(connection, author.tenant_id, id_, content, encrypted)
    changed = ("name", *rules.CHANGEABLE, *(("client_secret",) if secret else ()))
    await _record(connection, author, "create", stored, changed)
    return stored


async def update(
    connection: Connection,
    author: Author,
    before: StoredProvider,
    content: SignInProvider,
    secret: str | None,
    encryption: Encryption,
) -> StoredProvider:
    """A provider, held, with other content, which has been checked; `secret` is None where it
    stays. Raises INVALID_VALUE."""
    changed = [
        name for name in rules.CHANGEABLE if getattr(content, name) != getattr(before.content, name)
    ]
    encrypted = before.client_secret
    if secret is not None:
        purpose = purpose_of(author.tenant_id, before.id, content)
        encrypted = encryption.encrypt(secret, purpose) if secret else None
        changed.append("client_secret")
    elif encrypted and rules.is_meant_for_another(before.content, content):
        raise invalid_value(
            "client_secret",
            "The client secret is for the issuer and client_id that it was given with: give the "
            "one of the new ones too, or an empty one.",
        )
    if not changed:
        return before
    stored = await sign_in_providers.update(
        connection, author.tenant_id, before.id, content, encrypted
    )
    if changed != ["display_name"]:
        # Nor is what one issuer answers told to another.
        await pending_sign_ins.delete_of_provider(connection, author.tenant_id, before.id)
        await sign_ins.delete_of_provider(connection, author.tenant_id, before.id)
    await _record(connection, author, "update", stored, changed)
    return stored


async def delete(connection: Connection, author: Author, text: str, condition: str) -> None:
    """A provider less, and whom it signed in signed out. Raises SIGN_IN_PROVIDER_NOT_FOUND,
    ETAG_MISMATCH."""
    stored = await existing(connection, author.tenant_id, text, hold=True)
    etag.require(condition, stored.version)
    await sign_in_providers.delete(connection, author.tenant_id, stored.id)
    await _record(connection, author, "delete", stored, ())


async def _record(
    connection: Connection,
    author: Author,
    action: Action,
    stored: StoredProvider,
    attributes: Sequence[str],
) -> None:
    deleted = action == "delete"
    change = Change(
        action,
        _TYPE,
        stored.id,
        stored.version + 1 if deleted else stored.version,
        datetime.now(UTC) if deleted else stored.update_time,
        attributes,
        None if deleted else stored.content.SerializeToString(deterministic=True),
    )
    await changes.record(connection, author, change)
