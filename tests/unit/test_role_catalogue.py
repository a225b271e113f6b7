"""What the roles of a catalogue mean."""

from __future__ import annotations

import pytest

from rollbook.access import Scope
from rollbook.v1.role_pb2 import RoleCatalogue, RoleType, RoleValue
from service.domain.access.role_catalogue import (
    ADMINISTRATOR,
    ADMINISTRATOR_SCOPES,
    FREE_FORM,
    Catalogue,
    RoleKey,
)

VALUES = [
    RoleValue(value="Owner", implies=["editor"]),
    RoleValue(value="editor", implies=["Viewer"]),
    RoleValue(value="viewer"),
]
CATALOGUE = Catalogue(
    RoleCatalogue(
        types=[
            RoleType(name="account_type", values=[RoleValue(value="admin")]),
            RoleType(name="All_Workspaces", values=VALUES, covers=["workspace_<name>"]),
            RoleType(name="workspace_<name>", values=VALUES),
            RoleType(name="workspace_secret_<name>", values=[RoleValue(value="reader")]),
            RoleType(
                name="desk",
                values=[
                    RoleValue(value="lead", implies=["helper"], scopes=["access.read"]),
                    RoleValue(value="helper", implies=["lead"], scopes=["directory.read", "later"]),
                ],
            ),
        ]
    )
)


def keys(*roles: str) -> set[RoleKey]:
    return {RoleKey(*role.split("/")) for role in roles}


def test_keys_ignore_case() -> None:
    assert RoleKey.of("Workspace_Prod", "OWNER") == RoleKey("workspace_prod", "owner")


@pytest.mark.parametrize(
    ("type_key", "name", "scope"),
    [
        ("account_type", "account_type", None),
        ("all_workspaces", "All_Workspaces", None),
        ("workspace_prod", "workspace_<name>", "prod"),
        ("workspace_<name>", "workspace_<name>", "<name>"),
        ("workspace_secret_x", "workspace_secret_<name>", "x"),
        ("workspace_secret_", "workspace_<name>", "secret_"),
    ],
)
def test_a_type_is_one_of_the_catalogue(type_key: str, name: str, scope: str | None) -> None:
    match = CATALOGUE.match(type_key)
    assert match is not None
    assert (match.kind.message.name, match.scope) == (name, scope)


@pytest.mark.parametrize("type_key", ["", "workspace_", "workspace", "galaxy_far", "account_type_"])
def test_other_types_are_not(type_key: str) -> None:
    assert CATALOGUE.match(type_key) is None
    assert CATALOGUE.granting(RoleKey(type_key, "owner")) == frozenset()
    assert CATALOGUE.granted(RoleKey(type_key, "owner")) == frozenset()


@pytest.mark.parametrize(
    ("role", "granting"),
    [
        ("workspace_prod/owner", ["workspace_prod/owner", "all_workspaces/owner"]),
        (
            "workspace_prod/viewer",
            [
                *(f"workspace_prod/{value}" for value in ("owner", "editor", "viewer")),
                *(f"all_workspaces/{value}" for value in ("owner", "editor", "viewer")),
            ],
        ),
        ("all_workspaces/editor", ["all_workspaces/editor", "all_workspaces/owner"]),
        ("account_type/admin", ["account_type/admin"]),
        ("account_type/emperor", []),
        ("desk/lead", ["desk/lead", "desk/helper"]),
    ],
)
def test_what_gives_a_role(role: str, granting: list[str]) -> None:
    assert CATALOGUE.granting(*keys(role)) == keys(*granting)


def test_what_a_role_gives() -> None:
    assert CATALOGUE.granted(RoleKey("all_workspaces", "editor")) == keys(
        "all_workspaces/editor",
        "all_workspaces/viewer",
        "workspace_<name>/editor",
        "workspace_<name>/viewer",
    )
    assert CATALOGUE.granted(RoleKey("workspace_prod", "viewer")) == keys("workspace_prod/viewer")


def test_in_free_form_every_role_means_itself() -> None:
    role = RoleKey("galaxy", "owner")
    assert FREE_FORM.granting(role) == FREE_FORM.granted(role) == {role}
    assert FREE_FORM.scopes(role) == frozenset()


@pytest.mark.parametrize("catalogue", [FREE_FORM, CATALOGUE])
def test_an_account_administrator_has_scopes_whatever_the_catalogue(catalogue: Catalogue) -> None:
    assert catalogue.scopes(ADMINISTRATOR) == ADMINISTRATOR_SCOPES
    assert Scope.PLATFORM not in catalogue.scopes(ADMINISTRATOR)


def test_values_grant_scopes_and_those_of_what_they_imply() -> None:
    both = {Scope.ACCESS_READ, Scope.DIRECTORY_READ}
    assert CATALOGUE.scopes(RoleKey("desk", "lead")) == both
    assert CATALOGUE.scopes(RoleKey("desk", "nobody")) == frozenset()
