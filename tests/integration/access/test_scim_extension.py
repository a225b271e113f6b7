"""Effective roles over SCIM: an extension that is read when it is asked for, and never written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

if TYPE_CHECKING:
    import asyncpg

    from tests.harness.access import Access
    from tests.harness.scim import ScimClient

from tests.harness.access import give

URN = "urn:rollbook:params:scim:schemas:extension:access:1.0:Access"
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ACCOUNT = "urn:rollbook:params:scim:schemas:core:2.0:ServiceAccount"


@pytest.fixture
async def people(
    scim: ScimClient, database: asyncpg.Connection[asyncpg.Record]
) -> list[tuple[str, str]]:
    """The paths of a user and of a service account, each with one role of its own and one of a
    group's."""
    ids, paths = [], []
    for endpoint, schema, name in (
        ("Users", USER, {"userName": "ada"}),
        ("ServiceAccounts", ACCOUNT, {"displayName": "bot"}),
    ):
        made = await scim.post(f"/{endpoint}", {"schemas": [schema], "active": True, **name})
        assert made.status == 201, made.body
        ids.append(made.body["id"])
        paths.append((endpoint, f"/{endpoint}/{ids[-1]}"))
    group = await scim.post(
        "/Groups",
        {"schemas": [GROUP], "displayName": "g", "members": [{"value": each} for each in ids]},
    )
    await give(database, group.body["id"], "T:group", seconds=1000)
    for identifier in ids:
        await give(database, identifier, "T:own")
    return paths


def roles(body: dict[str, Any]) -> list[tuple[str, str, bool, bool]]:
    return [
        (role["type"], role["value"], role["direct"], "expires" in role)
        for role in body[URN]["effectiveRoles"]
    ]


EXPECTED = [("T", "group", False, True), ("T", "own", True, False)]


@pytest.mark.parametrize("name", [URN, f"{URN}:effectiveRoles", f"userName,{URN}"])
async def test_they_are_shown_when_asked_for(
    scim: ScimClient, people: list[tuple[str, str]], name: str
) -> None:
    for endpoint, path in people:
        found = await scim.get(f"{path}?attributes={name}")
        assert roles(found.body) == EXPECTED
        assert URN in found.body["schemas"]
        listed = await scim.get(f"/{endpoint}?attributes={name}")
        assert [roles(each) for each in listed.body["Resources"]] == [EXPECTED]


@pytest.mark.parametrize("query", ["", "?excludedAttributes=groups", "?attributes=userName"])
async def test_they_are_not_shown_unless_asked_for(
    scim: ScimClient, people: list[tuple[str, str]], query: str
) -> None:
    for _, path in people:
        body = (await scim.get(f"{path}{query}")).body
        assert URN not in body
        assert URN not in body["schemas"]


async def test_the_inactive_have_none(scim: ScimClient, people: list[tuple[str, str]]) -> None:
    for _, path in people:
        off = {"op": "replace", "path": "active", "value": False}
        assert (await scim.patch(path, off)).status in {200, 204}
        assert URN not in (await scim.get(f"{path}?attributes={URN}")).body


async def test_nobody_writes_them(scim: ScimClient, people: list[tuple[str, str]]) -> None:
    _, path = people[0]
    given = {"effectiveRoles": [{"type": "T", "value": "stolen"}]}
    put = await scim.put(
        path, {"schemas": [USER, URN], "userName": "ada", "active": True, URN: given}
    )
    assert put.status == 200, put.body
    assert URN not in put.body
    operation = {"op": "add", "path": f"{URN}:effectiveRoles", "value": given["effectiveRoles"]}
    refused = await scim.patch(path, operation)
    assert (refused.status, refused.body["scimType"]) == (400, "mutability")
    shown = await scim.get(f"{path}?attributes={URN}")
    assert "stolen" not in str(shown.body)


@pytest.mark.parametrize(
    "condition",
    [
        f'{URN}:effectiveRoles.value eq "v"',
        f'{URN}:effectiveRoles eq "v"',
        f'{URN}:effectiveRoles[type eq "T" and value eq "v"]',
        f"{URN}:effectiveRoles pr",
        f"not ({URN}:effectiveRoles pr)",
        f"{URN}:truncated eq true",
        f'userName eq "ada" or {URN}:effectiveRoles.value eq "v"',
    ],
)
@pytest.mark.parametrize("path", ["/Users", "/ServiceAccounts", "/"])
async def test_nobody_is_looked_for_by_them(scim: ScimClient, condition: str, path: str) -> None:
    refused = await scim.get(f"{path}?filter={quote(condition)}")
    assert (refused.status, refused.body["scimType"]) == (400, "invalidFilter")
    assert "ListPrincipalsWithRole" in refused.body["detail"]


@pytest.mark.parametrize("name", ["effectiveRoles", "effectiveRoles.value", "truncated"])
async def test_nobody_is_sorted_by_them(scim: ScimClient, name: str) -> None:
    refused = await scim.get(f"/Users?sortBy={URN}:{name}")
    assert (refused.status, refused.body["scimType"]) == (400, "invalidValue")
    assert "ListPrincipalsWithRole" in refused.body["detail"]


async def test_the_schema_is_told(scim: ScimClient) -> None:
    schema = (await scim.get(f"/Schemas/{URN}")).body
    assert [each["name"] for each in schema["attributes"]] == ["effectiveRoles", "truncated"]
    for attribute in schema["attributes"]:
        assert (attribute["mutability"], attribute["returned"]) == ("readOnly", "request")
    kind = (await scim.get("/ResourceTypes/User")).body
    assert URN not in str(kind["schemaExtensions"]), "clients take what is there for writable"


async def test_a_write_over_scim_tells_its_revision(scim: ScimClient, access: Access) -> None:
    made = await scim.post("/Users", {"schemas": [USER], "userName": "bob"})
    path, revisions = f"/Users/{made.body['id']}", [made.headers["Rollbook-Revision"]]
    off = {"op": "replace", "path": "active", "value": False}
    revisions.append((await scim.patch(path, off)).headers["Rollbook-Revision"])
    assert await access.check(made.body["id"], "T:v", revisions[1]) == "PRINCIPAL_INACTIVE"
    revisions.append((await scim.delete(path)).headers["Rollbook-Revision"])
    assert await access.check(made.body["id"], "T:v", revisions[2]) == "PRINCIPAL_NOT_FOUND"
    assert len(set(revisions)) == 3
    assert "Rollbook-Revision" not in (await scim.get("/Users")).headers
