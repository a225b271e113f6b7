"""`rollbook workload …` against the real service."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.harness.command import Command
from tests.harness.instance import TOKEN

if TYPE_CHECKING:
    import asyncpg


@pytest.fixture
async def rollbook(service: str, database: asyncpg.Connection[asyncpg.Record]) -> Command:
    await database.execute("DELETE FROM credentials WHERE kind = 'certificate'")
    return Command(service, TOKEN)


async def test_a_workload_is_added_listed_and_removed(rollbook: Command) -> None:
    pattern = "spiffe://acme.example/batch/*"
    added = await rollbook("workload", "add", "batch", pattern, "--scope", "directory.read")
    assert added.exit_code == 0, added.err
    listed = await rollbook("workload", "list")
    assert all(text in listed.out for text in ("batch", pattern, "directory.read", "never"))
    assert (await rollbook("workload", "remove", pattern)).exit_code == 0
    assert "none" in (await rollbook("workload", "list")).err


async def test_what_cannot_be_added_or_removed_is_said(rollbook: Command) -> None:
    refused = await rollbook("workload", "add", "x", "*.acme.example", "--scope", "directory.read")
    assert refused.exit_code != 0
    assert "SPIFFE" in refused.err
    missing = await rollbook("workload", "remove", "nobody")
    assert missing.exit_code != 0
    assert "rollbook workload list" in missing.err
