"""/Roles and /Entitlements tell which roles there are, where that is switched on."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from tests.harness.instance import TOKEN, running_gateway
from tests.harness.scim import ScimClient

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.harness.calls import Calls

ROLE = "urn:ietf:params:scim:schemas:core:2.0:Role"
ENTITLEMENT = "urn:ietf:params:scim:schemas:core:2.0:Entitlement"


@pytest.fixture(scope="module")
async def _gateway(service: str) -> AsyncIterator[ScimClient]:
    async with (
        running_gateway(service, scim_roles=True) as url,
        ScimClient(url, TOKEN) as client,
    ):
        yield client


@pytest.fixture
def discovering(_gateway: ScimClient, calls: Calls) -> ScimClient:
    """A client of a gateway that has it switched on."""
    del calls  # it stands for an empty directory
    return _gateway


@pytest.mark.usefixtures("with_catalogue")
async def test_roles_are_the_values_of_the_catalogue(discovering: ScimClient) -> None:
    answer = await discovering.get("/Roles")
    assert answer.status == 200
    assert answer.body["totalResults"] == len(answer.body["Resources"]) == 10
    found = {(role["type"], role["value"]): role for role in answer.body["Resources"]}
    editor = found["workspace_<name>", "editor"]
    address = f"{discovering.base_url}/Roles/{editor['id']}"
    assert editor == {
        "schemas": [ROLE],
        "id": editor["id"],
        "value": "editor",
        "type": "workspace_<name>",
        "supported": True,
        "contains": ["viewer"],
        "containedBy": ["owner"],
        "meta": {"resourceType": "Role", "location": address},
    }
    one = await discovering.get(f"/Roles/{editor['id']}")
    assert one.body == editor
    assert one.headers["Location"] == address


@pytest.mark.usefixtures("with_catalogue")
async def test_they_come_in_pages_and_as_asked_for(discovering: ScimClient) -> None:
    page = await discovering.get("/Roles?startIndex=2&count=3&attributes=value")
    assert (page.body["startIndex"], page.body["itemsPerPage"]) == (2, 3)
    assert page.body["totalResults"] == 10
    assert [each.keys() for each in page.body["Resources"]] == [{"schemas", "id", "value"}] * 3
    assert (await discovering.get("/Roles?count=0")).body["Resources"] == []
    assert (await discovering.get("/Roles?startIndex=99")).body["Resources"] == []


async def test_in_free_form_none_is_named(discovering: ScimClient) -> None:
    assert (await discovering.get("/Roles")).body["totalResults"] == 0
    assert (await discovering.get("/Entitlements")).body["totalResults"] == 0


@pytest.mark.parametrize("path", ["/Roles/nope", "/Entitlements/nope"])
async def test_there_are_no_others(discovering: ScimClient, path: str) -> None:
    assert (await discovering.get(path)).status == 404


@pytest.mark.usefixtures("with_catalogue")
@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ('type eq "ACCOUNT_TYPE"', ["account_type/admin"]),
        ('type sw "work" and value eq "owner"', ["workspace_<name>/owner"]),
        (
            'type eq "workspace_<name>" and contains eq "viewer" and not (value eq "owner")',
            ["workspace_<name>/editor"],
        ),
        (
            'type eq "account_type" or (type co "space_" and value ew "wer")',
            ["account_type/admin", "workspace_<name>/viewer"],
        ),
        (
            'type eq "workspace_<name>" and containedBy pr and value ne "viewer"',
            ["workspace_<name>/editor"],
        ),
        ('supported eq true and type eq "account_type"', ["account_type/admin"]),
        ('display eq null and type eq "account_type"', ["account_type/admin"]),
        ('display pr and type eq "account_type"', []),
        ("supported eq false", []),
    ],
)
async def test_they_are_filtered(
    discovering: ScimClient, condition: str, expected: list[str]
) -> None:
    answer = await discovering.get("/Roles?filter=" + quote(condition))
    assert answer.status == 200, answer.body
    assert answer.body["totalResults"] == len(expected)
    found = [f"{each['type']}/{each['value']}" for each in answer.body["Resources"]]
    assert sorted(found) == expected
    assert (await discovering.get("/Entitlements?filter=type%20pr")).body["totalResults"] == 0


@pytest.mark.parametrize("path", ["/Roles", "/Entitlements"])
@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ('filter=value gt "owner"', "invalidFilter"),
        ('filter=value eq "owner" or type gt "x"', "invalidFilter"),
        ('filter=meta.resourceType eq "Role"', "invalidFilter"),
        ("filter=value eq", "invalidFilter"),
        ("sortBy=value", "invalidValue"),
    ],
)
async def test_what_they_are_not_filtered_by(
    discovering: ScimClient, path: str, query: str, reason: str
) -> None:
    answer = await discovering.get(f"{path}?{quote(query, safe='=')}")
    assert (answer.status, answer.body["scimType"]) == (400, reason)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_they_cannot_be_written(discovering: ScimClient, method: str) -> None:
    assert (await discovering.request(method, "/Roles", {})).status == 405


async def test_clients_discover_them(discovering: ScimClient) -> None:
    types = (await discovering.get("/ResourceTypes")).body["Resources"]
    assert [each["name"] for each in types][-2:] == ["Role", "Entitlement"]
    assert (await discovering.get("/ResourceTypes/role")).body["schema"] == ROLE
    schema = (await discovering.get(f"/Schemas/{ROLE}")).body
    assert {each["mutability"] for each in schema["attributes"]} == {"readOnly"}
    urns = [each["id"] for each in (await discovering.get("/Schemas")).body["Resources"]]
    assert {ROLE, ENTITLEMENT} <= set(urns)
    config = (await discovering.get("/ServiceProviderConfig")).body
    assert config["RolesAndEntitlements"]["roles"]["supported"]


async def test_by_default_there_is_nothing_of_them(scim: ScimClient) -> None:
    assert (await scim.get("/Roles")).status == 404
    assert (await scim.get("/Entitlements")).status == 404
    names = [each["name"] for each in (await scim.get("/ResourceTypes")).body["Resources"]]
    assert names == ["User", "Group", "ServiceAccount"]
    assert "RolesAndEntitlements" not in (await scim.get("/ServiceProviderConfig")).body
