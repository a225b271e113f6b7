"""A Rollbook for each module, whose connections its tests may change."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.harness.connections import Provisioning, provisioning

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.harness.database import DatabaseServer


@pytest.fixture(scope="module")
async def rollbook(database_server: DatabaseServer) -> AsyncIterator[Provisioning]:
    async with provisioning(database_server) as running:
        yield running
