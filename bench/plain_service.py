"""`python -m bench.plain_service`: the service without row-level security, to compare it with.

Its login is a superuser, to whom no policy applies; its connections are never told a tenant, and
its filters read the tables themselves.
"""

from __future__ import annotations

from unittest import mock

import typer

from service import __main__ as service
from service.storage.search import page_sql


async def nothing(*_: object) -> None:
    """What the connections of a plain database are told."""


if __name__ == "__main__":
    with (
        mock.patch("service.storage.isolation.enter", nothing),
        mock.patch("service.storage.database._Session.serve", nothing),
        mock.patch.object(page_sql, "RESOURCES", "resources"),
    ):
        typer.run(service.main)
