"""`rollbook access …`, and the client's way to read its own writes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from rollbook.client import RollbookClient
from tests.harness.command import Command

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.integration.access.conftest import Made


@pytest.fixture
async def client(service: str, token: str) -> AsyncIterator[RollbookClient]:
    async with RollbookClient(service, token=token) as found:
        yield found


@pytest.fixture
async def rollbook(service: str, token: str, made: Made, client: RollbookClient) -> Command:
    """Ada has a role of her own and one in two ways, by groups."""
    ada = await made.user("ada@acme.example")
    staff = await made.group("Staff", ada)
    everybody = await made.group("Everybody", staff, ada)
    await client.roles.grant(ada, "v", type_="own")
    await client.roles.grant(everybody, "v", type_="T", source="import")
    return Command(service, token)


async def test_a_check_says_yes_or_no_and_why(rollbook: Command) -> None:
    yes = await rollbook("access", "check", "ada@acme.example", "T", "v")
    assert (yes.exit_code, yes.err) == (0, "Yes.\n")
    no = await rollbook("access", "check", "ada@acme.example", "T", "w", "--json")
    assert (no.exit_code, no.object) == (1, {"allowed": False, "reason": "NOT_GRANTED"})
    assert (await rollbook("access", "check", "Staff", "T", "v")).exit_code == 0
    nobody = await rollbook("access", "check", "nobody", "T", "v")
    assert nobody.exit_code not in {0, 1}
    assert "nobody" in nobody.err


async def test_a_check_may_be_of_the_past(rollbook: Command) -> None:
    past = await rollbook(
        "access", "check", "ada@acme.example", "T", "v", "--as-of", "2020-01-01", "--json"
    )
    assert past.object["reason"] == "PRINCIPAL_NOT_FOUND"


async def test_an_explanation_is_a_tree(rollbook: Command) -> None:
    ran = await rollbook("access", "explain", "ada@acme.example", "T", "v")
    assert ran.exit_code == 0, ran.err
    lines = [line.rstrip() for line in ran.out.splitlines()]
    assert lines[0] == "ada@acme.example (User)"
    assert [line.partition(" from ")[0] for line in lines[1:]] == [
        "├── Everybody (Group)",
        "│   └── T v",
        "└── Staff (Group)",
        "    └── Everybody (Group)",
        "        └── T v",
    ]
    assert "import" in lines[2]
    as_json = (await rollbook("access", "explain", "ada@acme.example", "T", "v", "--json")).object
    assert [len(path["nodes"]) for path in as_json["paths"]] == [2, 3]
    assert (await rollbook("access", "explain", "ada@acme.example", "T", "w")).exit_code == 1


async def test_lists_are_tables_or_json(rollbook: Command) -> None:
    table = await rollbook("access", "list", "ada@acme.example")
    assert all(word in table.out for word in ("own", "itself", "T", "groups"))
    listed = await rollbook("access", "list", "ada@acme.example", "--type", "T", "--json")
    assert listed.object == {"type": "T", "value": "v"}
    holders = await rollbook("access", "who-has", "T", "v", "--json")
    assert {each["display"] for each in holders.objects} == {
        "ada@acme.example", "Staff", "Everybody",
    }  # fmt: skip
    users = await rollbook("access", "who-has", "T", "v", "--only", "User")
    assert "ada@acme.example" in users.out
    assert "Staff" not in users.out


async def test_a_client_reads_its_own_writes(client: RollbookClient, made: Made) -> None:
    ada = await made.user("ada")
    before = datetime.now(UTC)
    await client.roles.grant(ada, "v", type_="T")
    assert client.revision
    assert (await client.access.check(ada, "v", type_="T")).allowed
    assert not (await client.access.check(ada, "v", type_="T", as_of=before)).allowed
    assert [each.allowed for each in await client.access.check_all([(ada, "T", "v")])] == [True]
    roles = [role async for role in client.access.list_roles(ada)]
    assert [(role.type, role.value) for role in roles] == [("T", "v")]
    group = await made.group("g", ada)
    assert (await client.access.check_membership(ada, group)).direct
    assert [each.id async for each in client.access.list_groups(ada)] == [group]
    assert [each.id async for each in client.access.list_members(group)] == [ada]
    assert (await client.access.roles_of([ada])).principals[0].principal_id == ada
