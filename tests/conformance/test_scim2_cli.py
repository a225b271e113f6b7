"""The commands of scim2-cli do what they say: each checks request and answer against the schemas
that the gateway publishes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.harness.representation import ENTERPRISE_SCHEMA, GROUP_SCHEMA, USER_SCHEMA

if TYPE_CHECKING:
    from tests.conformance.conftest import Scim2Command

ADA: dict[str, Any] = {
    "schemas": [USER_SCHEMA, ENTERPRISE_SCHEMA],
    "userName": "ada@acme.example",
    "externalId": "emp-1815",
    "displayName": "Ada King",
    "name": {"givenName": "Ada", "familyName": "King"},
    "emails": [
        {"value": "ada@acme.example", "type": "work", "primary": True},
        {"value": "ada@home.example", "type": "home"},
    ],
    "x509Certificates": [{"value": "MIIC"}],
    ENTERPRISE_SCHEMA: {"employeeNumber": "1815", "department": "Engines"},
}


@pytest.fixture
async def ada(scim2: Scim2Command) -> str:
    """The id of a user."""
    created = await scim2("create", stdin=ADA)
    return str(created["id"])


async def test_create_answers_with_the_resource(scim2: Scim2Command) -> None:
    created = await scim2("create", stdin=ADA)
    assert created["meta"]["location"] == f"{scim2.url}/Users/{created['id']}"
    assert {name: created[name] for name in ADA} == ADA


async def test_create_by_options(scim2: Scim2Command) -> None:
    created = await scim2("create", "user", "--user-name", "bob", "--active", "true")
    assert created["userName"] == "bob"
    assert created["active"] is True


async def test_query_of_one(scim2: Scim2Command, ada: str) -> None:
    found = await scim2("query", "user", ada, "--attribute", "name.familyName")
    del found["meta"]  # the command puts the ETag in there
    assert found == {"schemas": [USER_SCHEMA], "id": ada, "name": {"familyName": "King"}}


@pytest.mark.parametrize("command", ["query", "search"])
async def test_lists(command: str, scim2: Scim2Command, ada: str) -> None:
    await scim2("create", "user", "--user-name", "bob")
    found = await scim2(
        command,
        "user",
        *("--filter", 'emails[type eq "work" and value ew "@ACME.example"]'),
        *("--sort-by", "userName", "--sort-order", "descending"),
        *("--excluded-attribute", "emails", "--start-index", "1", "--count", "10"),
    )
    assert found["totalResults"] == found["itemsPerPage"] == 1
    assert found["Resources"][0]["id"] == ada
    assert "emails" not in found["Resources"][0]


@pytest.mark.parametrize("command", ["query", "search"])
async def test_walks_by_cursor(command: str, scim2: Scim2Command) -> None:
    for name in ("ada", "bob", "cleo"):
        await scim2("create", "user", "--user-name", name)
    sort = ("--sort-by", "userName", "--count", "2")
    first = await scim2(command, "user", *sort, "--cursor", "")
    rest = await scim2(command, "user", *sort, "--cursor", first["nextCursor"])
    assert "nextCursor" not in rest
    resources = first["Resources"] + rest["Resources"]
    assert [each["userName"] for each in resources] == ["ada", "bob", "cleo"]


async def test_replace(scim2: Scim2Command, ada: str) -> None:
    body = {"schemas": [USER_SCHEMA], "id": ada, "userName": "ada@acme.example", "title": "Dr"}
    replaced = await scim2("replace", stdin=body)
    assert replaced["title"] == "Dr"
    assert replaced["schemas"] == [USER_SCHEMA]
    assert "emails" not in replaced


async def test_modify(scim2: Scim2Command, ada: str) -> None:
    modified = await scim2(
        "modify",
        *("user", ada),
        *("replace", "displayName", "Countess of Lovelace"),
        *("remove", 'emails[type eq "home"]'),
        *("add", "phoneNumbers", '[{"value": "tel:+1", "type": "work"}]'),
        *("replace", f"{ENTERPRISE_SCHEMA}:department", "Poetry"),
        *("replace", "active", "false"),
    )
    assert modified["displayName"] == "Countess of Lovelace"
    assert [email["type"] for email in modified["emails"]] == ["work"]
    assert modified["phoneNumbers"] == [{"value": "tel:+1", "type": "work"}]
    assert modified[ENTERPRISE_SCHEMA] == {"employeeNumber": "1815", "department": "Poetry"}
    assert modified["active"] is False


async def test_members_of_a_group(scim2: Scim2Command, ada: str) -> None:
    group = await scim2("create", stdin={"schemas": [GROUP_SCHEMA], "displayName": "Staff"})
    await scim2("modify", "group", group["id"], "add", "members", f'[{{"value": "{ada}"}}]')
    shown = await scim2("query", "group", group["id"])
    assert shown["members"] == [
        {
            "value": ada,
            "type": "User",
            "display": "Ada King",
            "$ref": f"{scim2.url}/Users/{ada}",
        }
    ]
    user = await scim2("query", "user", ada)
    assert [each["value"] for each in user["groups"]] == [group["id"]]


async def test_delete(scim2: Scim2Command, ada: str) -> None:
    assert await scim2("delete", "user", ada) is None
    gone = await scim2.failure("query", "user", ada)
    assert gone["status"] == "404"


async def test_errors_are_understood(scim2: Scim2Command, ada: str) -> None:
    taken = await scim2.failure("create", "user", "--user-name", "ADA@acme.example")
    assert (taken["status"], taken["scimType"]) == ("409", "uniqueness")


async def test_bulk_with_references(scim2: Scim2Command) -> None:
    answer = await scim2(
        "bulk",
        stdin={
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
            "failOnErrors": 1,
            "Operations": [
                {
                    "method": "POST",
                    "path": "/Groups",
                    "bulkId": "staff",
                    "data": {
                        "schemas": [GROUP_SCHEMA],
                        "displayName": "Staff",
                        "members": [{"value": "bulkId:ada"}],
                    },
                },
                {"method": "POST", "path": "/Users", "bulkId": "ada", "data": ADA},
            ],
        },
    )
    assert [operation["status"] for operation in answer["Operations"]] == ["201", "201"]
    group, user = (op["location"].rpartition("/")[2] for op in answer["Operations"])
    shown = await scim2("query", "group", group)
    assert [member["value"] for member in shown["members"]] == [user]


async def test_search_over_all_types(scim2: Scim2Command, ada: str) -> None:
    group = await scim2("create", stdin={"schemas": [GROUP_SCHEMA], "displayName": "Staff"})
    found = await scim2("search", "--filter", 'externalId eq "emp-1815" or displayName eq "staff"')
    assert {each["id"] for each in found["Resources"]} == {ada, group["id"]}
