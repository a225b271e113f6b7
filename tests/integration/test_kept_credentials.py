"""What a worker keeps of credentials, and what ends that: only what may matter to them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from unittest import mock
from uuid import uuid4

import pytest

from rollbook.client import RollbookClient
from rollbook.errors import UnauthenticatedError
from rollbook.v1.group_pb2 import Group
from rollbook.v1.service_account_pb2 import ServiceAccount
from rollbook.v1.user_pb2 import Role, User
from service.storage import credentials
from tests.harness.instance import TOKEN, running_service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from unittest.mock import AsyncMock

ADMIN = Role(type="account_type", value="admin")


@pytest.fixture(scope="module")
async def service(database_url: str) -> AsyncIterator[str]:
    """A service of one's own: it goes on believing what it came to believe here."""
    async with running_service(database_url) as address:
        yield address


@pytest.fixture
async def nobodys(service: str) -> AsyncIterator[RollbookClient]:
    """A client whose token is nobody's, as an identity provider's is."""
    async with RollbookClient(service, token=TOKEN) as client:
        yield client


@pytest.fixture
async def somebodys(service: str, nobodys: RollbookClient) -> AsyncIterator[RollbookClient]:
    """A client with the key of a service account."""
    account = await nobodys.service_accounts.create(
        ServiceAccount(display_name=str(uuid4()), roles=[ADMIN])
    )
    key = await nobodys.tokens.create(
        "key", scopes=["admin", "directory.read"], principal_id=account.id
    )
    async with RollbookClient(service, token=key.secret) as client:
        yield client


@pytest.fixture
def reads() -> Iterator[AsyncMock]:
    """The reads of tokens from the database, which time brings about no new ones of."""
    with (
        mock.patch("service.rpc.gate.authentication.CACHE_SECONDS", 3600.0),
        mock.patch.object(
            credentials, "by_token_hash", mock.AsyncMock(wraps=credentials.by_token_hash)
        ) as reads,
    ):
        yield reads


async def _reads_for_a_call(client: RollbookClient, reads: AsyncMock) -> int:
    reads.reset_mock()
    await client.tokens.describe_caller()
    return int(reads.await_count)


async def test_a_membership_matters_to_the_credentials_of_principals_alone(
    nobodys: RollbookClient, somebodys: RollbookClient, reads: AsyncMock
) -> None:
    user = await nobodys.users.create(User(user_name=str(uuid4())))
    group = await nobodys.groups.create(Group(display_name=str(uuid4())))
    for client in (nobodys, somebodys):
        await client.tokens.describe_caller()
    assert [await _reads_for_a_call(each, reads) for each in (nobodys, somebodys)] == [0, 0]
    await nobodys.groups.add_members(group.id, [user.id])
    assert [await _reads_for_a_call(each, reads) for each in (nobodys, somebodys)] == [0, 1]


async def test_who_has_no_credentials_is_deactivated_without_a_new_look_at_those_of_others(
    nobodys: RollbookClient, reads: AsyncMock
) -> None:
    user = await nobodys.users.create(User(user_name=str(uuid4())))
    await nobodys.tokens.describe_caller()
    await nobodys.users.deactivate(user.id)
    assert await _reads_for_a_call(nobodys, reads) == 0
    # Done again, it may be for a worker that died before it told the others.
    await nobodys.users.deactivate(user.id)
    assert await _reads_for_a_call(nobodys, reads) == 1


async def test_a_revocation_has_everybody_looked_at_anew(
    service: str, nobodys: RollbookClient, reads: AsyncMock
) -> None:
    token = await nobodys.tokens.create("short-lived", scopes=["directory.read"])
    async with RollbookClient(service, token=token.secret) as client:
        await client.tokens.describe_caller()
        await nobodys.tokens.describe_caller()
        await nobodys.tokens.revoke(token.token.id)
        with pytest.raises(UnauthenticatedError):
            await client.tokens.describe_caller()
    assert await _reads_for_a_call(nobodys, reads) == 1
