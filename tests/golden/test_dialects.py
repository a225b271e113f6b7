"""Identity providers get along with the dialect that is named after them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tests.harness.exchanges import Replay, load_exchanges
from tests.harness.instance import TOKEN, running_gateway
from tests.harness.scim import ScimClient

if TYPE_CHECKING:
    import asyncpg

DIRECTORY: Final = Path(__file__).parent / "traffic"
FILES: Final = [
    (vendor, path.name)
    for vendor in ("okta", "entra")
    for path in sorted(DIRECTORY.glob(f"{vendor}-*.json"))
]


@pytest.mark.parametrize(("dialect", "file"), FILES)
async def test_exchanges_under_the_dialect_of(
    dialect: str, file: str, service: str, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    async with (
        running_gateway(service, scim_dialect=dialect) as url,
        ScimClient(url, TOKEN) as client,
    ):
        replay = Replay(client, {"token": TOKEN})
        found = [
            f"{exchange.name}: {failure}"
            for exchange in load_exchanges(DIRECTORY / file)
            for failure in replay.failures(exchange, await replay.send(exchange))
        ]
    assert not found


def test_both_providers_have_exchanges() -> None:
    assert {dialect for dialect, _ in FILES} == {"okta", "entra"}
