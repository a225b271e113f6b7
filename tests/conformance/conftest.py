"""Clients that others wrote, before the running gateway."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from httpx2 import Client
from scim2_cli import cli
from scim2_client.engines.httpx2 import SyncSCIMClient

if TYPE_CHECKING:
    from collections.abc import Iterator

    from click.testing import Result

    from tests.harness.scim import ScimClient


@pytest.fixture
def scim2_client(scim: ScimClient) -> Iterator[SyncSCIMClient]:
    """A client that knows nothing of the server but its address; it blocks, so use it in a
    thread: the gateway runs on the loop of the test."""
    headers = {"Authorization": f"Bearer {scim.token}"}
    with Client(base_url=scim.base_url, headers=headers, timeout=30) as http:
        yield SyncSCIMClient(http)


@dataclass(frozen=True)
class Scim2Command:
    """The `scim2` command of scim2-cli."""

    url: str
    token: str

    async def __call__(self, *arguments: str, stdin: object = None) -> Any:
        """What the command prints, as JSON; None when it prints nothing. AssertionError when it
        fails."""
        result = await self._run(*arguments, stdin=stdin)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout) if result.stdout.strip() else None

    async def failure(self, *arguments: str) -> Any:
        """The error message that a command prints that fails."""
        result = await self._run(*arguments)
        assert result.exit_code == 1, result.output
        return json.loads(result.stdout)

    async def _run(self, *arguments: str, stdin: object = None) -> Result:
        given = "" if stdin is None else json.dumps(stdin)
        options = ("--url", self.url, "--header", f"Authorization: Bearer {self.token}")
        return await asyncio.to_thread(CliRunner().invoke, cli, [*options, *arguments], input=given)


@pytest.fixture
def scim2(scim: ScimClient) -> Scim2Command:
    """The command with the address and the token of an empty directory."""
    return Scim2Command(scim.base_url, scim.token)
