"""What identity providers send of roles, in every form that Okta and Entra ID have."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from rollbook.v1.role_pb2 import RoleType, RoleValue
from rollbook.v1.role_service_pb2 import UpdateRoleCatalogueRequest
from tests.integration.roles.conftest import catalogue

if TYPE_CHECKING:
    from tests.harness.calls import Calls
    from tests.harness.scim import ScimClient

BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
OWNER = {"type": "workspace_prod", "value": "owner"}
VIEWER = {"type": "all_workspaces", "value": "viewer"}
ADMIN = {"type": "account_type", "value": "admin"}


async def _create(scim: ScimClient, *roles: object, path: str = "/Users") -> str:
    name = "userName" if path == "/Users" else "displayName"
    created = await scim.post(path, {name: "ada", "roles": roles})
    assert created.status == 201, created.body
    identifier: str = created.body["id"]
    return identifier


async def _roles(scim: ScimClient, user: str, path: str = "/Users") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await scim.get(f"{path}/{user}")).body.get("roles", [])
    return found


async def _patch(scim: ScimClient, user: str, *operations: dict[str, Any]) -> Any:
    return await scim.patch(f"/Users/{user}", *operations)


async def _put(scim: ScimClient, user: str, roles: object) -> Any:
    return await scim.put(f"/Users/{user}", {"userName": "ada", "roles": roles})


@pytest.mark.usefixtures("with_catalogue")
class TestTyped:
    async def test_a_put_takes_away_what_it_leaves_out(self, scim: ScimClient) -> None:
        user = await _create(scim, OWNER, VIEWER, ADMIN)
        for roles, left in (([OWNER, VIEWER], 2), ([OWNER], 1), (None, 0)):
            assert (await _put(scim, user, roles)).status == 200
            assert len(await _roles(scim, user)) == left

    @pytest.mark.parametrize("removal", [[], None, [{}], [{"type": "workspace_prod", "value": ""}]])
    async def test_nothing_in_the_place_of_roles_removes_them(
        self, scim: ScimClient, removal: object
    ) -> None:
        user = await _create(scim, OWNER)
        assert (await _put(scim, user, removal)).status == 200
        assert await _roles(scim, user) == []

    async def test_a_put_without_roles_removes_them(self, scim: ScimClient) -> None:
        user = await _create(scim, OWNER)
        await scim.put(f"/Users/{user}", {"userName": "ada"})
        assert await _roles(scim, user) == []

    @pytest.mark.parametrize(
        ("sent", "shown"),
        [
            ({"type": "ACCOUNT_TYPE", "value": "Admin"}, ADMIN),
            ({"type": "Workspace_prod", "value": "OWNER"}, OWNER),
            ({**OWNER, "primary": "True"}, {**OWNER, "primary": True}),
            ({**OWNER, "display": "Owner of Prod"}, {**OWNER, "display": "Owner of Prod"}),
        ],
    )
    async def test_case_does_not_matter(
        self, scim: ScimClient, sent: dict[str, Any], shown: dict[str, Any]
    ) -> None:
        assert await _roles(scim, await _create(scim, sent)) == [shown]

    @pytest.mark.parametrize(
        ("roles", "culprit"),
        [
            ([{"type": "galaxy_far", "value": "owner"}], "galaxy_far"),
            ([{"type": "workspace_prod", "value": "emperor"}], "emperor"),
            ([{"type": "workspace_", "value": "owner"}], "workspace_"),
            ([{"value": "owner"}], "owner"),
            (["owner"], "owner"),
            ([VIEWER, {"type": "all_workspaces", "value": "owner"}], "all_workspaces"),
            ([OWNER, {"type": "galaxy_far", "value": "owner"}], "galaxy_far"),
        ],
    )
    async def test_what_is_unknown_changes_nothing(
        self, scim: ScimClient, roles: list[object], culprit: str
    ) -> None:
        refused = await scim.post("/Users", {"userName": "bob", "roles": roles})
        assert (refused.status, refused.body["scimType"]) == (400, "invalidValue")
        assert culprit in refused.body["detail"]
        user = await _create(scim, ADMIN)
        before = (await scim.get(f"/Users/{user}")).body
        assert (await _put(scim, user, roles)).body["scimType"] == "invalidValue"
        patched = await _patch(scim, user, {"op": "replace", "path": "roles", "value": roles})
        assert patched.body["scimType"] == "invalidValue"
        assert (await scim.get(f"/Users/{user}")).body == before

    @pytest.mark.parametrize(
        ("operation", "left"),
        [
            ({"op": "add", "path": "roles", "value": [VIEWER]}, [OWNER, VIEWER]),
            ({"op": "Add", "path": "roles", "value": VIEWER}, [OWNER, VIEWER]),
            ({"op": "replace", "path": "roles", "value": [VIEWER]}, [VIEWER]),
            ({"op": "replace", "value": {"roles": [VIEWER]}}, [VIEWER]),
            ({"op": "replace", "value": {"roles": []}}, []),
            ({"op": "replace", "path": "roles", "value": None}, []),
            ({"op": "remove", "path": "roles"}, []),
            ({"op": "remove", "path": 'roles[type eq "WORKSPACE_PROD"]'}, []),
            ({"op": "remove", "path": 'roles[value eq "Owner"]'}, []),
            ({"op": "remove", "path": 'roles[type eq "workspace_prod"].value'}, []),
            ({"op": "remove", "path": 'roles[type eq "all_workspaces"]'}, [OWNER]),
            ({"op": "remove", "path": "roles", "value": [{"value": "Owner"}]}, []),
            (
                {
                    "op": "replace",
                    "path": 'roles[type eq "workspace_prod"].value',
                    "value": "Editor",
                },
                [{**OWNER, "value": "editor"}],
            ),
            (
                {"op": "add", "path": 'roles[type eq "all_workspaces"].value', "value": "Viewer"},
                [OWNER, VIEWER],
            ),
            (
                {"op": "add", "path": "roles", "value": [{**OWNER, "value": "viewer"}]},
                [{**OWNER, "value": "viewer"}],
            ),
        ],
    )
    async def test_patches(
        self, scim: ScimClient, operation: dict[str, Any], left: list[dict[str, str]]
    ) -> None:
        user = await _create(scim, OWNER)
        answer = await _patch(scim, user, operation)
        assert answer.status in {200, 204}, answer.body
        assert await _roles(scim, user) == left

    async def test_several_operations_work_on_one_another(self, scim: ScimClient) -> None:
        user = await _create(scim, OWNER)
        await _patch(
            scim,
            user,
            {"op": "remove", "path": 'roles[type eq "workspace_prod"]'},
            {"op": "add", "path": "roles", "value": [VIEWER]},
            {"op": "replace", "path": "title", "value": "Countess"},
        )
        assert (await scim.get(f"/Users/{user}")).body["title"] == "Countess"
        assert await _roles(scim, user) == [VIEWER]

    async def test_a_bulk_request_writes_roles(self, scim: ScimClient) -> None:
        user = await _create(scim, OWNER)
        group = await _create(scim, path="/Groups")
        answer = await scim.post(
            "/Bulk",
            {
                "schemas": [BULK],
                "Operations": [
                    _operation("POST", "/Users", "a", userName="a", roles=[ADMIN]),
                    _operation("POST", "/Users", "b", userName="b", roles=[{"value": "no"}]),
                    _operation("PUT", f"/Users/{user}", "", userName="ada", roles=[VIEWER]),
                    _operation("PUT", f"/Groups/{group}", "", displayName="g", roles=[OWNER]),
                ],
            },
        )
        statuses = [each["status"] for each in answer.body["Operations"]]
        assert statuses == ["201", "400", "200", "200"]
        assert answer.body["Operations"][1]["response"]["scimType"] == "invalidValue"
        assert await _roles(scim, user) == [VIEWER]
        assert await _roles(scim, group, "/Groups") == [OWNER]
        found = await scim.get("/Users?filter=" + quote('roles[value eq "admin"]'))
        assert [each["userName"] for each in found.body["Resources"]] == ["a"]

    @pytest.mark.parametrize("path", ["/Groups", "/ServiceAccounts"])
    async def test_groups_and_service_accounts_have_roles(
        self, scim: ScimClient, path: str
    ) -> None:
        group = await _create(scim, {"type": "Workspace_prod", "value": "Owner"}, path=path)
        assert await _roles(scim, group, path) == [OWNER]
        found = await scim.get(f"{path}?filter=" + quote('roles.value eq "OWNER"'))
        assert found.body["totalResults"] == 1
        refused = await scim.put(
            f"{path}/{group}", {"displayName": "ada", "roles": [{"type": "x", "value": "y"}]}
        )
        assert refused.body["scimType"] == "invalidValue"
        await scim.put(f"{path}/{group}", {"displayName": "ada"})
        assert await _roles(scim, group, path) == []


def _operation(method: str, path: str, bulk_id: str, **data: object) -> dict[str, object]:
    return {"method": method, "path": path, "bulkId": bulk_id, "data": data}


async def test_roles_of_groups_are_not_those_of_members(scim: ScimClient) -> None:
    user = await _create(scim)
    group = {"displayName": "Ops", "members": [{"value": user}], "roles": [OWNER]}
    await scim.post("/Groups", group)
    assert await _roles(scim, user) == []


@pytest.mark.parametrize(
    ("switch", "path"),
    [
        ("ignore_user_roles", "/Users"),
        ("ignore_group_roles", "/Groups"),
        ("ignore_service_account_roles", "/ServiceAccounts"),
    ],
)
async def test_a_switch_leaves_roles_to_others(
    scim: ScimClient, calls: Calls, switch: str, path: str
) -> None:
    name = "userName" if path == "/Users" else "displayName"
    before = await _create(scim, OWNER, path=path)
    ignoring = catalogue()
    setattr(ignoring, switch, True)
    await calls(UpdateRoleCatalogueRequest(catalogue=ignoring))
    for roles in ([VIEWER], [{"type": "galaxy", "value": "far"}], []):
        answer = await scim.put(f"{path}/{before}", {name: "ada", "roles": roles})
        assert answer.status == 200
        assert answer.body["roles"] == [OWNER]
    operations = [
        {"op": "remove", "path": "roles"},
        {"op": "replace", "path": 'roles[type eq "x"].value', "value": "y"},
    ]
    answer = await scim.patch(f"{path}/{before}", *operations)
    assert answer.status in {200, 204}
    assert await _roles(scim, before, path) == [OWNER]
    created = await scim.post(path, {name: "bob", "roles": [{"type": "galaxy", "value": "far"}]})
    assert created.status == 201
    assert "roles" not in created.body


class TestEntra:
    """Its app roles have no types of ours."""

    @pytest.fixture(autouse=True)
    async def _app_roles(self, calls: Calls) -> None:
        app_roles = RoleType(
            name="app_role",
            values=[RoleValue(value="Editor"), RoleValue(value="Reader")],
            aliases=["WindowsAzureActiveDirectoryRole"],
            several=True,
        )
        typed = catalogue(default_type="app_role")
        typed.types.append(app_roles)
        await calls(UpdateRoleCatalogueRequest(catalogue=typed))

    async def test_a_single_role(self, scim: ScimClient) -> None:
        sent = {"primary": True, "type": "WindowsAzureActiveDirectoryRole", "value": "Editor"}
        user = await _create(scim, sent)
        editor = {"type": "app_role", "value": "Editor", "primary": True}
        assert await _roles(scim, user) == [editor]
        for op in ("Add", "Replace"):
            path = 'roles[primary eq "True"].value'
            await _patch(scim, user, {"op": op, "path": path, "value": "reader"})
            assert await _roles(scim, user) == [{**editor, "value": "Reader"}]
            await _patch(scim, user, {"op": op, "path": path, "value": "Editor"})
            assert await _roles(scim, user) == [editor]

    async def test_a_single_role_of_somebody_who_had_none(self, scim: ScimClient) -> None:
        user = await _create(scim)
        path = 'roles[primary eq "True"].value'
        await _patch(scim, user, {"op": "Add", "path": path, "value": "Editor"})
        assert await _roles(scim, user) == [
            {"type": "app_role", "value": "Editor", "primary": True}
        ]

    @pytest.mark.parametrize("op", ["Add", "Replace"])
    async def test_roles_as_json_text(self, scim: ScimClient, op: str) -> None:
        user = await _create(scim)
        values = [
            {"value": json.dumps({"id": "r", "value": value, "displayName": f"The {value}"})}
            for value in ("Editor", "reader")
        ]
        await _patch(scim, user, {"op": op, "path": "roles", "value": values})
        assert await _roles(scim, user) == [
            {"type": "app_role", "value": "Editor", "display": "The Editor"},
            {"type": "app_role", "value": "Reader", "display": "The reader"},
        ]
        await _patch(scim, user, {"op": op, "path": "roles", "value": values[:1]})
        assert len(await _roles(scim, user)) == (2 if op == "Add" else 1)

    async def test_roles_as_json_text_are_removed_again(self, scim: ScimClient) -> None:
        user = await _create(scim)
        value = [{"value": json.dumps({"id": "r", "value": "Editor"})}]
        await _patch(scim, user, {"op": "Add", "path": "roles", "value": value})
        await _patch(scim, user, {"op": "Remove", "path": "roles", "value": value})
        assert await _roles(scim, user) == []

    async def test_an_unknown_app_role_is_refused(self, scim: ScimClient) -> None:
        user = await _create(scim)
        value = [{"value": json.dumps({"id": "r", "value": "Emperor"})}]
        answer = await _patch(scim, user, {"op": "Add", "path": "roles", "value": value})
        assert (answer.status, answer.body["scimType"]) == (400, "invalidValue")
        assert "Emperor" in answer.body["detail"]


class TestFreeForm:
    async def test_every_role_is_kept_as_it_is(self, scim: ScimClient) -> None:
        roles = [
            {"type": "Galaxy", "value": "Far", "primary": True, "display": "Away"},
            {"value": '{"id":"r"}', "primary": False},
        ]
        assert await _roles(scim, await _create(scim, *roles)) == roles

    async def test_several_of_one_type_are_kept(self, scim: ScimClient) -> None:
        roles = [{"type": "a", "value": "x"}, {"type": "a", "value": "y"}]
        user = await _create(scim, *roles)
        await _put(scim, user, list(reversed(roles)))
        assert await _roles(scim, user) == list(reversed(roles))

    async def test_the_longest_are_refused_politely(self, scim: ScimClient) -> None:
        answer = await scim.post("/Users", {"userName": "a", "roles": [{"value": "ﷺ" * 2000}]})
        assert (answer.status, answer.body["scimType"]) == (400, "invalidValue")
