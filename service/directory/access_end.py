"""What the deactivation or deletion of a principal means for what lets it in.

Part of the transaction that deactivates, so that there is no time in between.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from service.directory import api_tokens
from service.directory.oauth import grants as oauth_grants
from service.storage import changes, principals
from service.storage.resources import is_active

if TYPE_CHECKING:
    from collections.abc import Collection
    from uuid import UUID

    from rollbook.attributes import ResourceType
    from service.storage.changes import Author
    from service.storage.database import Connection


def can_get_in(resource_type: ResourceType) -> bool:
    """Whether resources of a type may have credentials: those that can be deactivated."""
    return "active" in resource_type.message.DESCRIPTOR.fields_by_name


def must_end(after: Any) -> bool:
    """Whether a resource, as a write leaves it, has no access: also when it had none before. A
    write that is repeated because its answer was lost then ends what the first one may not have
    told every worker of."""
    return not is_active(after)


async def end_access(
    connection: Connection, author: Author, ids: Collection[UUID], *, again: bool = False
) -> None:
    """Revoke all that lets these principals in, whose rows the transaction holds; `again` when
    some of them had no access before."""
    author.effects.rights_changed = True
    tokens, grants = await principals.revoke_of_principals(connection, author.tenant_id, ids)
    if tokens or grants or again:
        author.effects.credentials_ended = True
    revoked = [
        *(oauth_grants.change_of("update", grant, ["revokeTime"]) for grant in grants),
        *(api_tokens.change_of("update", token, ["revokeTime"]) for token in tokens),
    ]
    await changes.record_all(connection, [(author, change) for change in revoked])
