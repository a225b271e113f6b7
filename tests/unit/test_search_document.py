"""What of a resource can be searched in the database, and in which form."""

from __future__ import annotations

import orjson
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from rollbook.attributes import GROUP, USER
from rollbook.v1.enterprise_user_pb2 import EnterpriseUser, Manager
from rollbook.v1.group_pb2 import Group, GroupMember
from rollbook.v1.meta_pb2 import Meta
from rollbook.v1.user_pb2 import Email, GroupMembership, Name, Photo, User, X509Certificate
from service.domain.search.search_values import instant
from service.storage.search.document import search_document

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


@pytest.mark.parametrize(
    ("user", "document"),
    [
        (User(display_name="Ada LÖWE"), {"displayName": "ada löwe"}),
        (User(name=Name(family_name="Löwe")), {"name": {"familyName": "löwe"}}),
        (User(active=False), {"active": False}),
        (
            User(emails=[Email(value="Ada@Acme.Example", type="Work", primary=True)]),
            {"emails": [{"value": "ada@acme.example", "type": "work", "primary": True}]},
        ),
        (User(profile_url="https://Acme/A"), {"profileUrl": "https://Acme/A"}),
        (User(photos=[Photo(value="https://A/a")]), {"photos": [{"value": "https://A/a"}]}),
        (
            User(x509_certificates=[X509Certificate(value=b"\xfb\xff")]),
            {"x509Certificates": [{"value": "+/8="}]},
        ),
        (
            User(enterprise=EnterpriseUser(department="R&D", manager=Manager(value="AbC"))),
            {ENTERPRISE: {"department": "r&d", "manager": {"value": "AbC"}}},
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else "",
)
def test_values_are_kept_under_their_scim_names_as_they_are_compared(
    user: User, document: dict[str, object]
) -> None:
    assert search_document(USER, user) == document


@pytest.mark.parametrize(
    "user",
    [
        User(),
        User(title="", display_name=""),
        User(name=Name()),
        User(name=Name(family_name="")),
        User(emails=[Email(), Email(value="")]),
        User(x509_certificates=[X509Certificate(value=b"")]),
        User(enterprise=EnterpriseUser(manager=Manager())),
    ],
)
def test_what_is_unassigned_is_left_out(user: User) -> None:
    assert search_document(USER, user) == {}


@pytest.mark.parametrize(
    "user",
    [
        User(id="1", external_id="e", user_name="ada", meta=Meta(resource_type="User")),
        User(password="secret"),
        User(groups=[GroupMembership(value="1", display="Staff")]),
        User(enterprise=EnterpriseUser(manager=Manager(display_name="Bob", ref="/Users/1"))),
    ],
    ids=["columns", "password", "memberships", "derived"],
)
def test_what_has_another_place_is_left_out(user: User) -> None:
    assert search_document(USER, user) == {}


def test_members_are_left_out() -> None:
    group = Group(display_name="Staff", members=[GroupMember(value="1")])
    assert search_document(GROUP, group) == {"displayName": "staff"}


def test_elements_without_content_do_not_count() -> None:
    user = User(emails=[Email(), Email(value="a")])
    assert search_document(USER, user) == {"emails": [{"value": "a"}]}


def test_the_document_is_json() -> None:
    user = User(display_name="A\U0010ffff\u2028", active=True)
    assert orjson.loads(orjson.dumps(search_document(USER, user))) == search_document(USER, user)


@pytest.mark.parametrize(
    ("seconds", "nanos", "text"),
    [
        (-62135596800, 0, "0001-01-01T00:00:00.000000000Z"),
        (-1, 999_999_999, "1969-12-31T23:59:59.999999999Z"),
        (0, 0, "1970-01-01T00:00:00.000000000Z"),
        (253402300799, 1, "9999-12-31T23:59:59.000000001Z"),
    ],
)
def test_moments_are_texts_whose_order_is_that_of_time(seconds: int, nanos: int, text: str) -> None:
    assert instant(Timestamp(seconds=seconds, nanos=nanos)) == text
