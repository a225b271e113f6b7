"""A gateway before a service that answers what a test says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rollbook.v1 import group_service_pb2 as groups
from rollbook.v1 import user_service_pb2 as users
from tests.harness.fake_service import FakeService, running_fake_service
from tests.harness.gateway import Client, running_gateway
from tests.harness.samples import ADA, TEAM

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture(scope="module")
async def _fake() -> AsyncIterator[FakeService]:
    async with running_fake_service() as fake:
        yield fake


@pytest.fixture
def fake(_fake: FakeService) -> FakeService:
    _fake.reset()
    _fake.answers.update(
        CreateUser=users.CreateUserResponse(user=ADA),
        GetUser=users.GetUserResponse(user=ADA),
        UpdateUser=users.UpdateUserResponse(user=ADA),
        PatchUser=users.PatchUserResponse(user=ADA),
        ListUsers=users.ListUsersResponse(users=[ADA], total_size=7),
        CreateGroup=groups.CreateGroupResponse(group=TEAM),
        GetGroup=groups.GetGroupResponse(group=TEAM),
        UpdateGroup=groups.UpdateGroupResponse(group=TEAM),
        PatchGroup=groups.PatchGroupResponse(group=TEAM),
        ListGroups=groups.ListGroupsResponse(groups=[TEAM], total_size=1),
    )
    return _fake


@pytest.fixture(scope="module")
async def _client(_fake: FakeService) -> AsyncIterator[Client]:
    async with running_gateway(_fake.address, http_max_body_bytes=4096) as client:
        yield client


@pytest.fixture
def client(_client: Client, fake: FakeService) -> Client:
    return _client
