"""Which user or group a name on the command line means."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final
from uuid import UUID

from rollbook.client.groups import SUMMARY
from rollbook.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rollbook.client import RollbookClient
    from rollbook.v1.group_pb2 import Group
    from rollbook.v1.user_pb2 import User

_LOOKUPS_AT_ONCE: Final = 16


async def find_user(client: RollbookClient, name: str, *, read_mask: Sequence[str] = ()) -> User:
    """The user with that id, userName or e-mail address, the first of these that fits. Raises
    NotFoundError; InvalidRequestError when several have the address."""
    if is_id(name):
        found = await client.users.batch_get([name], read_mask=read_mask)
        if found.users:
            return found.users[0]
    try:
        return await client.users.lookup(user_name=name, read_mask=read_mask)
    except NotFoundError:
        pass
    try:
        return await client.users.lookup(email=name, read_mask=read_mask)
    except NotFoundError as error:
        raise NotFoundError(
            f"There is no user whose id, userName or e-mail address is {name!r}. "
            "`rollbook user list --search …` finds users by a part of their names.",
            code=error.code,
            reason=error.reason,
        ) from None


async def find_group(
    client: RollbookClient, name: str, *, read_mask: Sequence[str] = SUMMARY
) -> Group:
    """The group with that id or displayName, without its members unless the mask asks for them.
    Raises NotFoundError; InvalidRequestError when several have the name."""
    if is_id(name):
        found = await client.groups.batch_get([name], read_mask=read_mask)
        if found.groups:
            return found.groups[0]
    try:
        return await client.groups.lookup(display_name=name, read_mask=read_mask)
    except NotFoundError as error:
        raise NotFoundError(
            f"There is no group whose id or displayName is {name!r}. "
            "`rollbook group list` shows all.",
            code=error.code,
            reason=error.reason,
        ) from None


async def find_member_ids(
    client: RollbookClient, users: Iterable[str], groups: Iterable[str]
) -> list[str]:
    """The ids of users and groups by name; an id stands for itself, as a member's id may be that
    of either. Raises NotFoundError for the first name that means nobody."""
    slots = asyncio.Semaphore(_LOOKUPS_AT_ONCE)

    async def user_id(name: str) -> str:
        if is_id(name):
            return name
        async with slots:
            return (await find_user(client, name, read_mask=["id"])).id

    async def group_id(name: str) -> str:
        async with slots:
            return (await find_group(client, name, read_mask=["id"])).id

    lookups = [*map(user_id, users), *map(group_id, groups)]
    return list(await asyncio.gather(*lookups))


def is_id(name: str) -> bool:
    """Whether a name may be the id of a resource."""
    try:
        return str(UUID(name)) == name.lower()
    except ValueError:
        return False
