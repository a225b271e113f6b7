"""The `rollbook` command, run against a service."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from unittest import mock

from typer.testing import CliRunner

from rollbook.cli import app

if TYPE_CHECKING:
    from collections.abc import Coroutine


@dataclass(frozen=True)
class Ran:
    """What a run of the command came to."""

    exit_code: int
    out: str
    err: str

    @property
    def objects(self) -> list[Any]:
        """The JSON objects printed, one from each line."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def object(self) -> Any:
        """The one JSON object printed."""
        (only,) = self.objects
        return only


@dataclass(frozen=True)
class Command:
    """Runs the command with the address and the token of a service in its environment."""

    address: str
    token: str

    async def __call__(
        self, *arguments: str, stdin: str | bytes = "", env: dict[str, str] | None = None
    ) -> Ran:
        connection = {"ROLLBOOK_ADDRESS": self.address, "ROLLBOOK_TOKEN": self.token}
        loop = asyncio.get_running_loop()

        def run(work: Coroutine[Any, Any, None]) -> None:
            asyncio.run_coroutine_threadsafe(work, loop).result()

        # The command would run an event loop of its own, which gRPC does not like beside this.
        with mock.patch("asyncio.run", run):
            result = await asyncio.to_thread(
                CliRunner().invoke, app, arguments, input=stdin, env=connection | (env or {})
            )
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Ran(result.exit_code, result.stdout, result.stderr)
