"""Which user, group or token a name on the command line means."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar
from uuid import UUID

from grpc import StatusCode

from rollbook.client.groups import SUMMARY
from rollbook.errors import InvalidRequestError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rollbook.client import RollbookClient
    from rollbook.v1.connection_pb2 import Connection
    from rollbook.v1.credential_service_pb2 import BasicLogin, Token
    from rollbook.v1.group_pb2 import Group
    from rollbook.v1.issuer_service_pb2 import Issuer
    from rollbook.v1.service_account_pb2 import ServiceAccount
    from rollbook.v1.sign_in_provider_service_pb2 import SignInProvider
    from rollbook.v1.user_pb2 import User
    from rollbook.v1.workload_service_pb2 import CertificateIdentity

Found = TypeVar("Found")


class _Find(Protocol):
    """How one kind of principal is found by its name."""

    async def __call__(
        self, client: RollbookClient, name: str, *, read_mask: Sequence[str] = ()
    ) -> Any: ...


_LOOKUPS_AT_ONCE: Final = 16
_LARGE_PAGE: Final = 500


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


async def find_service_account(
    client: RollbookClient, name: str, *, read_mask: Sequence[str] = ()
) -> ServiceAccount:
    """The service account with that id or displayName. Raises NotFoundError."""
    if is_id(name):
        found = await client.service_accounts.batch_get([name], read_mask=read_mask)
        if found.service_accounts:
            return found.service_accounts[0]
    try:
        return await client.service_accounts.lookup(display_name=name, read_mask=read_mask)
    except NotFoundError as error:
        raise NotFoundError(
            f"There is no service account whose id or displayName is {name!r}. "
            "`rollbook service-account list` shows all.",
            code=error.code,
            reason=error.reason,
        ) from None


async def find_principal_id(client: RollbookClient, name: str) -> str:
    """The id of the user with that id, userName or e-mail address, or else of the group or service
    account with that displayName. An id stands for itself. Raises NotFoundError;
    InvalidRequestError when several have the name."""
    kinds = {
        "user": find_user,
        "group": find_group,
        "service account": find_service_account,
    }
    return await _first_id(client, name, kinds)


async def find_holder_id(client: RollbookClient, name: str) -> str:
    """As `find_principal_id`, of those who can have credentials: no group."""
    kinds = {"user": find_user, "service account": find_service_account}
    return await _first_id(client, name, kinds)


async def _first_id(client: RollbookClient, name: str, kinds: Mapping[str, _Find]) -> str:
    if is_id(name):
        return name
    for find in kinds.values():
        with suppress(NotFoundError):
            found_id: str = (await find(client, name, read_mask=["id"])).id
            return found_id
    *most, last = kinds
    raise NotFoundError(
        f"There is no {', '.join(most)} or {last} {name!r}.",
        code=StatusCode.NOT_FOUND,
        reason="USER_NOT_FOUND",
    )


async def find_member_ids(
    client: RollbookClient,
    users: Iterable[str],
    groups: Iterable[str],
    accounts: Iterable[str] = (),
) -> list[str]:
    """The ids of users, groups and service accounts by name; an id in the place of a user's name
    stands for itself, as it may be anyone's. Raises NotFoundError for the first name that means
    nobody."""
    slots = asyncio.Semaphore(_LOOKUPS_AT_ONCE)

    async def user_id(name: str) -> str:
        if is_id(name):
            return name
        async with slots:
            return (await find_user(client, name, read_mask=["id"])).id

    async def group_id(name: str) -> str:
        async with slots:
            return (await find_group(client, name, read_mask=["id"])).id

    async def account_id(name: str) -> str:
        async with slots:
            return (await find_service_account(client, name, read_mask=["id"])).id

    lookups = [*map(user_id, users), *map(group_id, groups), *map(account_id, accounts)]
    return list(await asyncio.gather(*lookups))


async def find_token(client: RollbookClient, name: str, principal_id: str = "") -> Token:
    """The token with that id, or the valid one with that name, among those of a principal if one
    is given. Raises NotFoundError; InvalidRequestError when several have the name."""
    listing = client.tokens.list(
        show_ended=is_id(name), principal_id=principal_id, page_size=_LARGE_PAGE
    )
    found = [token async for token in listing if name in {token.id, token.name}]
    return _only("token", name, found)


async def find_basic_login(client: RollbookClient, name: str) -> BasicLogin:
    """The login with that id or user name. Raises NotFoundError."""
    listing = client.basic_logins.list(page_size=_LARGE_PAGE)
    found = [login async for login in listing if name in {login.id, login.user_name}]
    return _only("basic-login", name, found)


async def find_workload(client: RollbookClient, name: str) -> CertificateIdentity:
    """The workload with that id, name or pattern. Raises NotFoundError; InvalidRequestError when
    several have the name."""
    listing = client.workloads.list(page_size=_LARGE_PAGE)
    found = [one async for one in listing if name in {one.id, one.name, one.pattern}]
    return _only("workload", name, found)


async def find_issuer(client: RollbookClient, name: str) -> Issuer:
    """The issuer with that id, name or URL. Raises NotFoundError; InvalidRequestError when
    several have the name."""
    listing = client.issuers.list(page_size=_LARGE_PAGE)
    found = [one async for one in listing if name in {one.id, one.name, one.issuer}]
    return _only("issuer", name, found)


def _only(kind: str, name: str, found: Sequence[Found]) -> Found:
    if len(found) > 1:
        raise InvalidRequestError(
            f"{len(found)} {kind}s have the name {name!r}: name the one you mean by its id.",
            code=StatusCode.INVALID_ARGUMENT,
            reason="TOO_MANY",
        )
    if not found:
        raise NotFoundError(
            f"There is no {kind} whose id or name is {name!r}. `rollbook {kind} list` shows all.",
            code=StatusCode.NOT_FOUND,
            reason="CREDENTIAL_NOT_FOUND",
        )
    return found[0]


async def find_connection(client: RollbookClient, name: str) -> Connection:
    """The SCIM connection with that id or name. Raises NotFoundError."""
    for connection in await client.connections.list():
        if name in {connection.id, connection.name}:
            return connection
    raise NotFoundError(
        f"There is no connection whose id or name is {name!r}. `rollbook connection list` shows "
        "all.",
        code=StatusCode.NOT_FOUND,
        reason="CONNECTION_NOT_FOUND",
    )


async def find_connection_id(client: RollbookClient, name: str | None) -> str:
    """The id of the SCIM connection with that name; an id stands for itself, and nothing for the
    default connection. Raises NotFoundError."""
    if not name or is_id(name):
        return name or ""
    return (await find_connection(client, name)).id


async def find_sign_in_provider(client: RollbookClient, name: str) -> SignInProvider:
    """The sign-in provider with that id or name. Raises NotFoundError."""
    for provider in await client.sign_in_providers.list():
        if name in {provider.id, provider.name}:
            return provider
    raise NotFoundError(
        f"There is no sign-in provider whose id or name is {name!r}. `rollbook sign-in-provider "
        "list` shows all.",
        code=StatusCode.NOT_FOUND,
        reason="SIGN_IN_PROVIDER_NOT_FOUND",
    )


def is_id(name: str) -> bool:
    """Whether a name may be the id of a resource."""
    try:
        return str(UUID(name)) == name.lower()
    except ValueError:
        return False
