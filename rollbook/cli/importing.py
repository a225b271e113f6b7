"""Brings the users of a file into the directory, many at a time."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Final

from rollbook.cli.failures import describe
from rollbook.cli.several import HOPELESS
from rollbook.errors import AlreadyExistsError, DeadlineExceededError, RollbookError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rollbook.cli.user_file import Row
    from rollbook.client import RollbookClient
    from rollbook.v1.user_pb2 import User

OUTCOMES: Final = ("created", "updated", "skipped", "failed")
"""What can become of a user of a file."""


class UserImport:
    """One import. `tally` counts the outcomes; `report` is told the problem of each user that
    failed, with its line. With `update` users that exist are changed to what the file says of
    them, else they are skipped: so an import that was interrupted can be repeated."""

    def __init__(
        self, client: RollbookClient, *, update: bool, report: Callable[[str], None]
    ) -> None:
        self.tally = Counter(dict.fromkeys(OUTCOMES, 0))
        self._client = client
        self._update = update
        self._report = report

    async def run(self, rows: Iterator[Row], *, jobs: int) -> None:
        """Take in all rows, at most `jobs` at the same time. Raises the first error that the
        other rows would meet too; those under way are then given up."""
        hopeless: list[Exception] = []
        try:
            async with asyncio.TaskGroup() as workers:
                for _ in range(jobs):
                    workers.create_task(self._work(rows))
        except* (RollbookError, ValueError) as errors:
            # Raised below: Python before 3.11.4 wraps in a group what is raised here.
            hopeless.extend(errors.exceptions)
        if hopeless:
            raise hopeless[0]

    async def _work(self, rows: Iterator[Row]) -> None:
        # The workers share one iterator: each takes the next row when it is free.
        for row in rows:
            self.tally[await self._take_in(row)] += 1

    async def _take_in(self, row: Row) -> str:
        if row.user is None:
            return self._fail(row, row.problem)
        try:
            return await self._create(row.user)
        except (*HOPELESS, DeadlineExceededError):
            raise
        except RollbookError as error:
            return self._fail(row, describe(error))

    def _fail(self, row: Row, problem: str) -> str:
        self._report(f"line {row.line}: {problem}")
        return "failed"

    async def _create(self, user: User) -> str:
        try:
            await self._client.users.create(user, imported=True, read_mask=["id"])
        except AlreadyExistsError:
            if not self._update:
                return "skipped"
        else:
            return "created"
        user.id = (await self._client.users.lookup(user_name=user.user_name, read_mask=["id"])).id
        await self._client.users.update(user, read_mask=["id"])
        return "updated"
