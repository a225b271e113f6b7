"""What becomes of attributes that no schema has is each connection's to say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from rollbook.dialects import DIALECT_NAMES
from rollbook.errors import InvalidRequestError
from tests.harness.command import Command
from tests.harness.connections import Provisioning, provisioning
from tests.harness.instance import TOKEN

if TYPE_CHECKING:
    from tests.harness.database import DatabaseServer
    from tests.harness.scim import ScimClient

CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
UNMAPPED = "urn:rollbook:params:scim:schemas:extension:unmapped:1.0:Attributes"


def name() -> str:
    return f"idp-{uuid4().hex[:8]}"


async def outcome(client: ScimClient) -> str:
    """What becomes of an attribute that there is none of."""
    user: dict[str, Any] = {"schemas": [CORE], "userName": name(), "shoeSize": 39}
    answer = await client.request("POST", "/Users", user, headers={"User-Agent": "test"})
    if answer.status == 400:
        assert "shoeSize" in answer.body["detail"]
        return "refuse"
    assert answer.status == 201, answer.body
    return "keep" if UNMAPPED in answer.body else "ignore"


async def test_a_change_shows_with_the_next_request(rollbook: Provisioning) -> None:
    made, client = await rollbook.connect(name())
    for policy in ("keep", "refuse", "ignore", "keep", ""):
        await rollbook.change(made, unknown_attributes=policy)
        assert await outcome(client) == (policy or "ignore"), policy


@pytest.mark.parametrize("dialect", ["", *DIALECT_NAMES])
async def test_it_goes_before_the_dialect_and_leaves_the_rest_to_it(
    dialect: str, rollbook: Provisioning
) -> None:
    made, client = await rollbook.connect(name(), dialect=dialect)
    assert await outcome(client) == ("refuse" if dialect == "strict" else "ignore")
    for policy in ("keep", "ignore", "refuse"):
        await rollbook.change(made, unknown_attributes=policy)
        assert await outcome(client) == policy
        shown = await rollbook.admin.connections.get(made.id)
        assert (shown.dialect, shown.unknown_attributes) == (dialect, policy)


async def test_the_gateways_setting_is_the_default(database_server: DatabaseServer) -> None:
    async with provisioning(database_server, scim_unknown_attributes="keep") as keeping:
        made, client = await keeping.connect(name())
        assert await outcome(client) == "keep"
        await keeping.change(made, unknown_attributes="ignore")
        assert await outcome(client) == "ignore"
        await keeping.change(made, dialect="entra", unknown_attributes="")
        assert await outcome(client) == "keep"


async def test_another_word_is_refused(rollbook: Provisioning) -> None:
    made, _ = await rollbook.connect(name())
    with pytest.raises(InvalidRequestError, match="ignore, keep, refuse"):
        await rollbook.change(made, unknown_attributes="burn")


async def test_the_command_sets_and_shows_it(rollbook: Provisioning) -> None:
    command, called = Command(rollbook.address, TOKEN), name()
    made = await command("connection", "create", called, "--unknown-attributes", "keep")
    assert made.exit_code == 0, made.err
    assert "keep" in made.out
    changed = await command("connection", "update", called, "--unknown-attributes", "default")
    assert "as the gateway is set to" in changed.out
