"""Fixtures: a directory with nested groups, and calls on access."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rollbook.v1.group_pb2 import Group, GroupMember
from rollbook.v1.group_service_pb2 import CreateGroupRequest
from rollbook.v1.user_pb2 import User
from rollbook.v1.user_service_pb2 import CreateUserRequest
from tests.harness.access import Access

if TYPE_CHECKING:
    import grpc

    from tests.harness.calls import Calls


@pytest.fixture
def access(channel: grpc.aio.Channel, token: str) -> Access:
    """Calls of AccessService on an empty directory."""
    return Access(channel, token)


class Made:
    """Makes users and groups, and answers their ids."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def user(self, name: str, *, active: bool = True) -> str:
        """A user of that userName."""
        user = User(user_name=name, active=active)
        created = await self._calls(CreateUserRequest(user=user))
        identifier: str = created.user.id
        return identifier

    async def group(self, name: str, *members: str) -> str:
        """A group of that displayName with these members."""
        group = Group(display_name=name, members=[GroupMember(value=each) for each in members])
        created = await self._calls(CreateGroupRequest(group=group))
        identifier: str = created.group.id
        return identifier


@pytest.fixture
def made(calls: Calls) -> Made:
    """Makes users and groups in an empty directory."""
    return Made(calls)
