"""What becomes of roles when one of several sources writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from rollbook.v1.error_reason_pb2 import ErrorReason
from rollbook.v1.role_pb2 import RoleCatalogue, RoleType, RoleValue, UnknownScopes
from rollbook.v1.user_pb2 import User
from service.domain.access.role_catalogue import FREE_FORM, Catalogue, RoleKey
from service.domain.access.role_rules import MAX_KEY_BYTES, RoleRules
from service.domain.access.role_writing import RoleWrite
from service.domain.access.roles import MANUAL, Assignment, Role, roles_of, show, union
from service.domain.errors import DomainError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from service.domain.access.roles import RoleChanges

SCIM = "scim:default"
VALUES = [RoleValue(value="owner"), RoleValue(value="viewer")]


def catalogue(
    unknown_scopes: UnknownScopes.ValueType = UnknownScopes.UNKNOWN_SCOPES_UNSPECIFIED,
) -> Catalogue:
    return Catalogue(
        RoleCatalogue(
            types=[
                RoleType(name="account_type", values=[RoleValue(value="admin")]),
                RoleType(name="all_workspaces", values=VALUES),
                RoleType(name="workspace_<name>", values=VALUES),
                RoleType(name="skill", values=VALUES, several=True),
                RoleType(name="app_role", values=VALUES, aliases=["WindowsRole"]),
            ],
            unknown_scopes=unknown_scopes,
            default_type="app_role",
        )
    )


CATALOGUE = catalogue()
REGISTERED = {("workspace_<name>", "prod"): "Prod"}


def held(number: int, text: str, source: str = SCIM, *, expired: bool = False) -> Assignment:
    return Assignment(UUID(int=number), role(text), source, expired=expired)


def role(text: str) -> Role:
    """`type/value`, a star behind it for the primary one."""
    role_type, _, value = text.rstrip("*").rpartition("/")
    return Role(role_type, value, primary=True if text.endswith("*") else None)


def write(
    *assignments: Assignment, source: str = SCIM, rules: Catalogue = FREE_FORM, json: bool = False
) -> RoleWrite:
    return RoleWrite(RoleRules(rules, REGISTERED), source, assignments, source == SCIM, json)


def settle(
    going_by: RoleWrite,
    wanted: Iterable[str],
    before: Iterable[str] = (),
    *,
    additive: bool = False,
) -> tuple[list[str], RoleChanges]:
    resource = User()
    show(resource, map(role, wanted))
    changes = going_by.settle(resource, map(role, before), additive=additive)
    return [_text(shown) for shown in roles_of(resource)], changes


def _text(shown: Role) -> str:
    return f"{shown.type}/{shown.value}{'*' if shown.primary else ''}"


def _texts(assignments: Iterable[Assignment]) -> list[str]:
    return [_text(each.role) for each in assignments]


def test_a_source_replaces_what_it_said_and_nothing_else() -> None:
    going_by = write(held(1, "a/x"), held(2, "b/x"), held(3, "c/x", MANUAL))
    shown, changes = settle(going_by, ["d/x", "a/x"], ["a/x", "b/x", "c/x"])
    assert shown == ["d/x", "a/x", "c/x"]
    assert _texts(changes.added) == ["d/x"]
    assert _texts(changes.removed) == ["b/x"]
    assert changes.added[0].source == SCIM
    assert not changes.altered


def test_the_same_again_changes_nothing() -> None:
    shown, changes = settle(write(held(1, "a/x"), held(2, "b/y*")), ["a/x", "b/y*"])
    assert shown == ["a/x", "b/y*"]
    assert not changes


def test_an_identity_provider_says_what_others_say_too() -> None:
    shown, changes = settle(write(held(1, "a/x", MANUAL)), ["A/X"], ["a/x"])
    assert shown == ["A/X"]
    assert _texts(changes.added) == ["A/X"]


def test_whoever_writes_back_what_others_say_does_not_say_it() -> None:
    shown, changes = settle(write(held(1, "a/x"), source=MANUAL), ["a/x", "b/x"], ["a/x"])
    assert shown == ["b/x", "a/x"]
    assert _texts(changes.added) == ["b/x"]


def test_expired_assignments_go_and_can_be_given_again() -> None:
    going_by = write(held(1, "a/x", expired=True), held(2, "b/x", MANUAL, expired=True))
    shown, changes = settle(going_by, ["a/x"], ["a/x", "b/x"])
    assert shown == ["a/x"]
    assert _texts(changes.added) == ["a/x"]
    assert _texts(changes.removed) == ["a/x", "b/x"]


@pytest.mark.parametrize("wanted", [["a/x", "a/y", "A/X*"], ["a/x*", "a/y", "a/x"]])
def test_a_role_that_is_said_twice_is_primary_if_either_is(wanted: list[str]) -> None:
    """Entra ID changes the value of the primary role to one that somebody has already."""
    going_by = write(held(1, "a/x"), held(2, "a/y"), held(3, "a/z*"))
    shown, changes = settle(going_by, wanted, ["a/x", "a/y", "a/z*"])
    assert shown == ["a/x*", "a/y"]
    assert _texts(changes.altered) == ["a/x*"]
    assert _texts(changes.removed) == ["a/z*"]


@pytest.mark.parametrize("wanted", [[], ["a/"], ["a/ "]])
def test_a_role_without_a_value_is_none(wanted: list[str]) -> None:
    shown, changes = settle(write(held(1, "a/x")), wanted, ["a/x"])
    assert shown == []
    assert _texts(changes.removed) == ["a/x"]


def test_a_client_sees_its_own_roles_in_the_order_shown() -> None:
    going_by = write(held(1, "a/x"), held(2, "b/x"), held(3, "c/x", MANUAL))
    assert going_by.own(map(role, ["c/x", "b/x", "a/x"])) == [role("b/x"), role("a/x")]


def test_one_role_is_primary_whoever_says_so() -> None:
    assignments = [held(1, "a/x*", MANUAL), held(2, "b/x*"), held(3, "c/x")]
    shown = union(assignments, [RoleKey("a", "x")])
    assert [_text(each) for each in shown] == ["a/x", "b/x*", "c/x"]


def test_a_role_is_primary_if_any_source_says_so() -> None:
    assert [_text(each) for each in union([held(1, "a/x"), held(2, "a/x*", MANUAL)], ())] == [
        "a/x*"
    ]


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("Account_Type/ADMIN", "account_type/admin"),
        ("workspace_PROD/Owner", "workspace_Prod/owner"),
        ("WINDOWSROLE/Viewer", "app_role/viewer"),
        ("/Viewer*", "app_role/viewer*"),
    ],
)
def test_roles_are_stored_as_the_catalogue_writes_them(sent: str, stored: str) -> None:
    shown, _ = settle(write(rules=CATALOGUE), [sent])
    assert shown == [stored]


@pytest.mark.parametrize(
    ("wanted", "field", "culprit"),
    [
        (["galaxy_far/owner"], "roles.type", "'galaxy_far'"),
        (["workspace_/owner"], "roles.type", "'workspace_'"),
        (["workspace_<name>/owner"], "roles.type", "'workspace_<name>'"),
        (["workspace_prod/emperor"], "roles.value", "'emperor'"),
        (["workspace_dev/owner"], "roles.type", "'dev'"),
        (["all_workspaces/owner", "All_Workspaces/viewer"], "roles", "'viewer'"),
        (["app_role/owner", "/viewer"], "roles", "'viewer'"),
        (["skill/owner*", "all_workspaces/owner*"], "roles", "primary"),
        (["skill/" + "x" * MAX_KEY_BYTES], "roles", "bytes"),
    ],
)
def test_what_the_catalogue_does_not_know_is_refused(
    wanted: list[str], field: str, culprit: str
) -> None:
    with pytest.raises(DomainError) as caught:
        settle(write(rules=CATALOGUE), wanted)
    assert caught.value.reason == ErrorReason.ERROR_REASON_INVALID_VALUE
    assert caught.value.field == field
    assert culprit in caught.value.message


def test_a_type_may_allow_several_roles() -> None:
    shown, _ = settle(write(rules=CATALOGUE), ["skill/owner", "skill/viewer"])
    assert shown == ["skill/owner", "skill/viewer"]


def test_a_patch_puts_a_new_role_in_the_place_of_another_of_its_type() -> None:
    going_by = write(held(1, "all_workspaces/owner"), rules=CATALOGUE)
    wanted = ["all_workspaces/owner", "all_workspaces/viewer"]
    shown, changes = settle(going_by, wanted, wanted[:1], additive=True)
    assert shown == ["all_workspaces/viewer"]
    assert _texts(changes.removed) == ["all_workspaces/owner"]
    with pytest.raises(DomainError, match="One role of the type"):
        settle(going_by, wanted)


@pytest.mark.parametrize(
    ("setting", "pending"),
    [
        (UnknownScopes.UNKNOWN_SCOPES_KEEP_PENDING, True),
        (UnknownScopes.UNKNOWN_SCOPES_ACCEPT, False),
    ],
)
def test_a_scope_that_is_not_registered_may_be_let_pass(
    setting: UnknownScopes.ValueType, *, pending: bool
) -> None:
    going_by = write(rules=catalogue(setting))
    shown, changes = settle(going_by, ["Workspace_Dev/owner", "workspace_prod/owner"])
    assert shown == ["workspace_Dev/owner", "workspace_Prod/owner"]
    assert [each.pending for each in changes.added] == [pending, False]


def test_what_was_given_before_the_catalogue_may_stay() -> None:
    going_by = write(held(1, "galaxy/owner"), held(2, "workspace_dev/owner"), rules=CATALOGUE)
    wanted = ["galaxy/owner", "workspace_dev/owner"]
    shown, changes = settle(going_by, wanted, wanted)
    assert shown == wanted
    assert not changes


TEXT = '{"id":"r1","value":"Owner","displayName":"The owner"}'


def test_json_text_is_read_where_there_is_a_catalogue() -> None:
    resource = User()
    resource.roles.add(value=TEXT)
    write(rules=CATALOGUE, json=True).settle(resource, (), additive=True)
    assert roles_of(resource) == [Role("app_role", "owner", "The owner")]


@pytest.mark.parametrize("value", [TEXT, '{"value":7}', "{", '["x"]'])
def test_in_free_form_json_text_stays_as_it_is(value: str) -> None:
    resource = User()
    resource.roles.add(value=value)
    write(json=True).settle(resource, (), additive=True)
    assert roles_of(resource) == [Role("", value)]


@pytest.mark.parametrize("value", ['{"value":7}', "{", "{}"])
def test_other_json_text_is_no_role_of_the_catalogue(value: str) -> None:
    resource = User()
    resource.roles.add(value=value)
    with pytest.raises(DomainError, match="is no role of the type"):
        write(rules=CATALOGUE, json=True).settle(resource, (), additive=True)


@pytest.mark.parametrize(
    ("source", "resource_type", "ignored"),
    [(SCIM, "User", True), (SCIM, "Group", False), (MANUAL, "User", False), (SCIM, "Robot", False)],
)
def test_a_switch_has_identity_providers_ignored(
    source: str, resource_type: str, *, ignored: bool
) -> None:
    rules = Catalogue(RoleCatalogue(ignore_user_roles=True))
    assert write(source=source, rules=rules).is_ignored(resource_type) is ignored
