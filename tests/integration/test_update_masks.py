"""Updates over gRPC change the fields that a mask names, and no others (AIP-134)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.json_format import ParseDict

from rollbook.v1.group_pb2 import Group, GroupMember
from rollbook.v1.group_service_pb2 import CreateGroupRequest, UpdateGroupRequest
from rollbook.v1.user_pb2 import User
from rollbook.v1.user_service_pb2 import CreateUserRequest, GetUserRequest, UpdateUserRequest
from tests.harness.representation import ENTERPRISE_SCHEMA, json_from_message

if TYPE_CHECKING:
    from tests.harness.calls import Calls

ADA = {
    "userName": "ada",
    "active": True,
    "title": "Analyst",
    "name": {"givenName": "Ada", "familyName": "Byron"},
    "emails": [{"value": "ada@acme.example", "type": "work"}],
    "enterprise": {"department": "Engines", "costCenter": "1"},
}


def written(user: User) -> dict[str, Any]:
    """What a client writes of a user, in the form of ADA."""
    shown = json_from_message(user)
    if ENTERPRISE_SCHEMA in shown:
        shown["enterprise"] = shown.pop(ENTERPRISE_SCHEMA)
    return {name: shown[name] for name in shown if name not in {"id", "meta", "schemas"}}


@pytest.mark.parametrize(
    ("values", "mask", "changes"),
    [
        ({"title": "Countess"}, ["title"], {"title": "Countess"}),
        ({"title": "Countess", "nickName": "A"}, ["title"], {"title": "Countess"}),
        ({"title": "Countess"}, [], {"title": "Countess"}),
        ({"active": False}, [], {"active": False}),
        ({}, ["title"], {"title": None}),
        ({}, ["emails"], {"emails": None}),
        ({"name": {"familyName": "King"}}, ["name.family_name"], {"name.familyName": "King"}),
        ({}, ["name.family_name"], {"name.familyName": None}),
        ({"name": {"familyName": "King"}}, ["name"], {"name": {"familyName": "King"}}),
        ({}, ["name"], {"name": None}),
        ({"emails": [{"value": "x@y"}]}, ["emails"], {"emails": [{"value": "x@y"}]}),
        (
            {"enterprise": {"department": "Looms"}},
            ["enterprise.department"],
            {"enterprise.department": "Looms"},
        ),
        ({}, ["enterprise"], {"enterprise": None}),
        ({"title": "A", "nickName": "B"}, ["title", "nick_name"], {"title": "A", "nickName": "B"}),
        ({"userName": "countess"}, ["user_name"], {"userName": "countess"}),
        ({"title": "Analyst"}, ["title"], {}),
        ({}, ["id", "meta", "groups"], {}),
    ],
    ids=str,
)
async def test_what_the_mask_names_is_changed(
    values: dict[str, Any], mask: list[str], changes: dict[str, Any], calls: Calls
) -> None:
    created = (await calls(CreateUserRequest(user=ParseDict(ADA, User())))).user
    user = ParseDict({**values, "id": created.id}, User())
    answer = (await calls(UpdateUserRequest(user=user, update_mask=FieldMask(paths=mask)))).user
    assert written(answer) == _changed(changes)
    assert (answer.meta.etag == created.meta.etag) == (not changes)
    assert (await calls(GetUserRequest(id=created.id))).user == answer


def _changed(changes: dict[str, Any]) -> dict[str, Any]:
    document: dict[str, Any] = {
        name: dict(value) if isinstance(value, dict) else value for name, value in ADA.items()
    }
    for path, value in changes.items():
        *parents, name = path.split(".")
        holder = document[parents[0]] if parents else document
        if value is None:
            del holder[name]
        else:
            holder[name] = value
    return document


@pytest.mark.parametrize(
    ("mask", "reason"),
    [
        (["nope"], "INVALID_PATH"),
        (["name.nope"], "INVALID_PATH"),
        (["title.x"], "INVALID_PATH"),
        (["userName"], "INVALID_PATH"),
        (["emails.value"], "INVALID_PATH"),
        (["*", "title"], "INVALID_PATH"),
        ([""], "INVALID_PATH"),
        (["user_name"], "INVALID_VALUE"),
    ],
    ids=str,
)
async def test_bad_masks_are_refused(mask: list[str], reason: str, calls: Calls) -> None:
    created = (await calls(CreateUserRequest(user=ParseDict(ADA, User())))).user
    request = UpdateUserRequest(user=User(id=created.id), update_mask=FieldMask(paths=mask))
    assert await calls.reason(request) == reason
    assert (await calls(GetUserRequest(id=created.id))).user == created


async def test_members_are_kept_unless_the_mask_names_them(calls: Calls) -> None:
    ada = (await calls(CreateUserRequest(user=User(user_name="ada")))).user.id
    staff = Group(display_name="Staff", members=[GroupMember(value=ada)])
    group = (await calls(CreateGroupRequest(group=staff))).group
    renamed = UpdateGroupRequest(
        group=Group(id=group.id, display_name="Crew"), update_mask=FieldMask(paths=["display_name"])
    )
    answer = (await calls(renamed)).group
    assert answer.display_name == "Crew"
    assert [member.value for member in answer.members] == [ada]
    emptied = UpdateGroupRequest(group=Group(id=group.id), update_mask=FieldMask(paths=["members"]))
    answer = (await calls(emptied)).group
    assert answer.display_name == "Crew"
    assert not answer.members
