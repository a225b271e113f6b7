from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict

from gateway.scim.dialects import ENTRA, LENIENT, Dialect, Reading, Tolerance
from gateway.scim.errors import ScimError
from gateway.scim.patch import MAX_OPERATIONS, MAX_PATH_TEXT, operations_from_scim
from rollbook.attributes import GROUP, USER, ResourceType
from rollbook.v1.patch_pb2 import PatchOp, PatchOperation
from tests.harness.filter_text import path_text

PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
WORK = 'emails[type eq "work"]'

# The standard to the letter. The strict dialect refuses more: see test_scim_restrictions.py.
RFC = Dialect("rfc", frozenset())

# What is left of an operation: op, path and the partial resource; None is no resource.
Step = tuple[str, str, Any]


def read(
    *operations: object, kind: ResourceType = USER, reading: Reading | None = None
) -> list[PatchOperation]:
    body = {"schemas": [PATCH], "Operations": list(operations)}
    return operations_from_scim(body, kind, reading or Reading(LENIENT))


def steps(
    operation: object, kind: ResourceType = USER, reading: Reading | None = None
) -> list[Step]:
    return [_step(each) for each in read(operation, kind=kind, reading=reading)]


def _step(operation: PatchOperation) -> Step:
    op = PatchOp.Name(operation.op).removeprefix("PATCH_OP_").lower()
    field = operation.WhichOneof("value")
    value = MessageToDict(getattr(operation, field)) if field else None
    return op, path_text(operation.path), value


def refused(body: object, kind: ResourceType = USER, dialect: Dialect = LENIENT) -> ScimError:
    with pytest.raises(ScimError) as raised:
        operations_from_scim(body, kind, Reading(dialect))
    assert raised.value.status == 400
    return raised.value


def op(name: str, path: str | None = None, *value: object) -> dict[str, object]:
    operation: dict[str, object] = {"op": name}
    if path is not None:
        operation["path"] = path
    if value:
        operation["value"] = value[0]
    return operation


# The rows of the result table of RFC 7644 §3.5.2, as far as they are a matter of syntax.
@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        # simple attributes
        (op("add", "title", "x"), [("add", "title", {"title": "x"})]),
        (op("replace", "TITLE", "x"), [("replace", "title", {"title": "x"})]),
        (op("replace", "active", False), [("replace", "active", {"active": False})]),
        (op("add", "title", None), [("remove", "title", None)]),
        (op("replace", "title", None), [("remove", "title", None)]),
        (op("replace", "title", ""), [("remove", "title", None)]),
        (op("replace", "userName", ""), [("remove", "userName", None)]),
        (op("remove", "title"), [("remove", "title", None)]),
        (op("remove", "title", None), [("remove", "title", None)]),
        # complex attributes
        (
            op("replace", "name", {"familyName": "King"}),
            [("replace", "name", {"name": {"familyName": "King"}})],
        ),
        (
            op("replace", "name", {"givenName": None, "familyName": "King"}),
            [
                ("remove", "name.givenName", None),
                ("replace", "name", {"name": {"familyName": "King"}}),
            ],
        ),
        (op("add", "name", {"givenName": ""}), [("remove", "name.givenName", None)]),
        (op("replace", "name", {}), []),
        (op("replace", "name", None), [("remove", "name", None)]),
        (
            op("add", "name.familyName", "King"),
            [("add", "name.familyName", {"name": {"familyName": "King"}})],
        ),
        (op("replace", "name.givenName", None), [("remove", "name.givenName", None)]),
        (op("remove", "name"), [("remove", "name", None)]),
        (op("remove", "name.givenName"), [("remove", "name.givenName", None)]),
        # multi-valued attributes
        (
            op("add", "emails", [{"value": "a@x"}, {"value": "b@x"}]),
            [("add", "emails", {"emails": [{"value": "a@x"}, {"value": "b@x"}]})],
        ),
        (
            op("add", "emails", {"value": "a@x"}),
            [("add", "emails", {"emails": [{"value": "a@x"}]})],
        ),
        (
            op("replace", "emails", {"value": "a@x"}),
            [("replace", "emails", {"emails": [{"value": "a@x"}]})],
        ),
        (op("replace", "emails", []), [("remove", "emails", None)]),
        (op("replace", "emails", None), [("remove", "emails", None)]),
        (op("replace", "emails", [{"value": None}]), [("remove", "emails", None)]),
        (op("add", "emails", []), []),
        (op("add", "emails", None), []),
        (op("add", "emails", [{"value": ""}]), []),
        (op("remove", "emails"), [("remove", "emails", None)]),
        (op("remove", "emails", None), [("remove", "emails", None)]),
        (
            op("replace", "emails.type", "home"),
            [("replace", "emails.type", {"emails": [{"type": "home"}]})],
        ),
        (op("replace", "emails.type", ""), [("remove", "emails.type", None)]),
        (op("remove", "emails.type"), [("remove", "emails.type", None)]),
        # value paths
        (
            op("add", f"{WORK}.value", "a@x"),
            [("add", f"{WORK}.value", {"emails": [{"value": "a@x"}]})],
        ),
        (op("replace", f"{WORK}.value", ""), [("remove", f"{WORK}.value", None)]),
        (op("replace", f"{WORK}.value", None), [("remove", f"{WORK}.value", None)]),
        (op("remove", f"{WORK}.value"), [("remove", f"{WORK}.value", None)]),
        (op("add", WORK, {"display": "x"}), [("add", WORK, {"emails": [{"display": "x"}]})]),
        (
            op("add", WORK, {"display": None, "value": "a@x"}),
            [("remove", f"{WORK}.display", None), ("add", WORK, {"emails": [{"value": "a@x"}]})],
        ),
        (
            op("replace", WORK, {"display": None, "value": "a@x"}),
            [("replace", WORK, {"emails": [{"value": "a@x"}]})],
        ),
        (op("replace", WORK, None), [("remove", WORK, None)]),
        (op("add", WORK, None), []),
        (op("remove", WORK), [("remove", WORK, None)]),
        # extensions
        (
            op("add", ENTERPRISE, {"department": "x", "division": None}),
            [
                ("add", f"{ENTERPRISE}:department", {"enterprise": {"department": "x"}}),
                ("remove", f"{ENTERPRISE}:division", None),
            ],
        ),
        (op("replace", ENTERPRISE, None), [("remove", ENTERPRISE, None)]),
        (op("remove", ENTERPRISE), [("remove", ENTERPRISE, None)]),
        (
            op("replace", f"{ENTERPRISE}:department", "x"),
            [("replace", f"{ENTERPRISE}:department", {"enterprise": {"department": "x"}})],
        ),
        (
            op("add", f"{ENTERPRISE}:manager", {"value": "7", "$ref": None}),
            [("add", f"{ENTERPRISE}:manager", {"enterprise": {"manager": {"value": "7"}}})],
        ),
        # without a path
        (
            op("add", None, {"title": "x", "emails": [{"value": "a@x"}]}),
            [("add", "title", {"title": "x"}), ("add", "emails", {"emails": [{"value": "a@x"}]})],
        ),
        (
            op("replace", None, {"name": {"familyName": "King"}, "emails": [], "title": None}),
            [
                ("replace", "name", {"name": {"familyName": "King"}}),
                ("remove", "emails", None),
                ("remove", "title", None),
            ],
        ),
        (
            op("replace", None, {"schemas": [CORE], ENTERPRISE: {"costCenter": "1"}}),
            [("replace", f"{ENTERPRISE}:costCenter", {"enterprise": {"costCenter": "1"}})],
        ),
        (op("replace", None, {}), []),
        # schemas follow from the attributes
        (op("add", "schemas", [ENTERPRISE]), []),
    ],
)
@pytest.mark.parametrize("dialect", [LENIENT, RFC])
def test_operations_of_the_standard_are_read(
    operation: object, expected: list[Step], dialect: Dialect
) -> None:
    reading = Reading(dialect)
    assert steps(operation, reading=reading) == expected
    assert reading.met == set()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("id", "x"),
        ("groups", [{"value": "x"}]),
        ("groups", 7),
        ('groups[value eq "x"].display', "x"),
        ("meta", "nonsense"),
        ("meta.version", 7),
        (f"{ENTERPRISE}:manager.displayName", "x"),
    ],
)
def test_the_service_is_left_to_refuse_a_read_only_target(path: str, value: object) -> None:
    for name in ("add", "replace"):
        assert steps(op(name, path, value)) == [(name, path, {})]
    assert steps(op("remove", path)) == [("remove", path, None)]


@pytest.mark.parametrize(
    ("operation", "expected", "habits"),
    [
        (
            op("Replace", "active", "False"),
            [("replace", "active", {"active": False})],
            {Tolerance.OPERATION_CASE, Tolerance.STRING_BOOLEAN},
        ),
        (
            op("replace", "active", [True]),
            [("replace", "active", {"active": True})],
            {Tolerance.ARRAY_FOR_SINGLE},
        ),
        (
            op("replace", f"{ENTERPRISE}:manager", "7"),
            [("replace", f"{ENTERPRISE}:manager", {"enterprise": {"manager": {"value": "7"}}})],
            {Tolerance.SCALAR_FOR_COMPLEX},
        ),
        (
            op("add", f"{ENTERPRISE}:manager", [{"$ref": "../Users/7", "value": "7"}]),
            [("add", f"{ENTERPRISE}:manager", {"enterprise": {"manager": {"value": "7"}}})],
            {Tolerance.ARRAY_FOR_SINGLE},
        ),
        (
            op("replace", f"{ENTERPRISE}:manager", ""),
            [("remove", f"{ENTERPRISE}:manager", None)],
            set(),
        ),
        (
            op("replace", f"{ENTERPRISE}.manager", ""),
            [("remove", f"{ENTERPRISE}:manager", None)],
            {Tolerance.DOT_AFTER_URN},
        ),
        (
            op("add", 'roles[primary eq "True"].value', "Editor"),
            [("add", "roles[primary eq true].value", {"roles": [{"value": "Editor"}]})],
            {Tolerance.STRING_BOOLEAN},
        ),
        (
            op("replace", None, {"id": "7", "meta": {}, "groups": [], "title": "x"}),
            [("replace", "title", {"title": "x"})],
            {Tolerance.READ_ONLY_IN_VALUE},
        ),
        (
            op(
                "replace",
                None,
                {
                    "displayName": "Ada",
                    "name.familyName": "King",
                    f"{WORK}.value": "a@x",
                    f"{CORE}:active": True,
                    f"{ENTERPRISE}:department": "x",
                    ENTERPRISE: {"manager.value": "7"},
                },
            ),
            [
                ("replace", "displayName", {"displayName": "Ada"}),
                ("replace", "name.familyName", {"name": {"familyName": "King"}}),
                ("replace", f"{WORK}.value", {"emails": [{"value": "a@x"}]}),
                ("replace", "active", {"active": True}),
                ("replace", f"{ENTERPRISE}:department", {"enterprise": {"department": "x"}}),
                (
                    "replace",
                    f"{ENTERPRISE}:manager.value",
                    {"enterprise": {"manager": {"value": "7"}}},
                ),
            ],
            {Tolerance.PATH_AS_KEY},
        ),
        (
            op("replace", None, {"department": "x"}),
            [("replace", f"{ENTERPRISE}:department", {"enterprise": {"department": "x"}})],
            {Tolerance.UNQUALIFIED_EXTENSION},
        ),
        (
            op("replace", "", {"title": "x"}),
            [("replace", "title", {"title": "x"})],
            {Tolerance.EMPTY_PATH},
        ),
        (op("replace", "nope", "x"), [], {Tolerance.UNKNOWN_ATTRIBUTE}),
        (op("replace", 'emails[nope eq "x"].value', "x"), [], {Tolerance.UNKNOWN_ATTRIBUTE}),
        (op("replace", None, {"nope": 1, "no such name": 2}), [], {Tolerance.UNKNOWN_ATTRIBUTE}),
        (op("replace", ENTERPRISE, {"nope": 1}), [], {Tolerance.UNKNOWN_ATTRIBUTE}),
        (op("remove", "title", "x"), [("remove", "title", None)], {Tolerance.REMOVE_WITH_VALUE}),
        (
            op("remove", ENTERPRISE, {"department": "x"}),
            [("remove", f"{ENTERPRISE}:department", None)],
            {Tolerance.REMOVE_WITH_VALUE},
        ),
    ],
)
def test_a_habit_is_understood_and_recorded_or_refused(
    operation: object, expected: list[Step], habits: set[Tolerance]
) -> None:
    reading = Reading(LENIENT)
    assert steps(operation, reading=reading) == expected
    assert reading.met == habits
    if habits - {Tolerance.READ_ONLY_IN_VALUE}:
        refused({"schemas": [PATCH], "Operations": [operation]}, dialect=RFC)


def test_strictly_read_only_members_are_left_for_the_service_to_refuse() -> None:
    assert steps(op("replace", None, {"id": "7"}), reading=Reading(RFC)) == [("replace", "id", {})]


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        (
            op("add", "members", [{"$ref": None, "value": "7"}]),
            [("add", "members", {"members": [{"value": "7"}]})],
        ),
        (op("add", "members", "7"), [("add", "members", {"members": [{"value": "7"}]})]),
        (
            op("add", "members", [{"value": "7", "displayName": "Ada", "display": "Ada"}]),
            [("add", "members", {"members": [{"value": "7"}]})],
        ),
        (
            op("remove", "members", [{"$ref": None, "value": "7"}]),
            [("remove", "members", {"members": [{"value": "7"}]})],
        ),
        (
            op("remove", "members", {"value": "7"}),
            [("remove", "members", {"members": [{"value": "7"}]})],
        ),
        (op("remove", "members", "7"), [("remove", "members", {"members": [{"value": "7"}]})]),
        (op("remove", "members", []), []),
        (op("remove", "members", [{"value": None}]), []),
        (op("remove", "members", ""), []),
        (op("remove", "members", None), [("remove", "members", None)]),
        (op("remove", "members"), [("remove", "members", None)]),
        (op("remove", 'members[value eq "7"]'), [("remove", 'members[value eq "7"]', None)]),
        (op("replace", "members", []), [("remove", "members", None)]),
        (
            op("replace", None, {"id": "1", "displayName": "Compilers"}),
            [("replace", "displayName", {"displayName": "Compilers"})],
        ),
    ],
)
def test_members_are_added_and_removed_in_every_way(
    operation: object, expected: list[Step]
) -> None:
    assert steps(operation, GROUP) == expected


@pytest.mark.parametrize("name", ["add", "replace", "remove"])
def test_elements_that_say_nothing_do_not_empty_the_group(name: str) -> None:
    body = {"schemas": [PATCH], "Operations": [op(name, "members", [{"id": "7"}])]}
    assert refused(body, GROUP).scim_type == "invalidValue"


@pytest.mark.parametrize(
    "members",
    [
        [{}],
        {},
        [""],
        [None],
        [{"value": ""}],
        [{"value": None}],
        [{"display": "Ada"}],
        [{"type": "User"}],
        [{"value": "7"}, {}],
        [{"value": "7"}, {"value": ""}],
    ],
)
@pytest.mark.parametrize("name", ["add", "replace"])
@pytest.mark.parametrize("dialect", [LENIENT, RFC])
@pytest.mark.parametrize("path", ["members", None])
def test_references_to_nobody_are_refused(
    members: object, name: str, dialect: Dialect, path: str | None
) -> None:
    operation = op(name, path, members if path else {"members": members})
    body = {"schemas": [PATCH], "Operations": [operation]}
    assert refused(body, GROUP, dialect=dialect).scim_type == "invalidValue"


@pytest.mark.parametrize("none", [None, [], ""])
def test_no_members_are_said_as_no_values_of_any_attribute_are(none: object) -> None:
    assert steps(op("replace", "members", none), GROUP) == [("remove", "members", None)]


@pytest.mark.parametrize(
    ("operation", "scim_type", "culprit"),
    [
        (op("move", "title", "x"), "invalidSyntax", "not 'move'"),
        ({"path": "title", "value": "x"}, "invalidSyntax", "op must be"),
        ({"op": 7, "path": "title", "value": "x"}, "invalidSyntax", "not a number"),
        ("replace", "invalidSyntax", "An operation must be a JSON object, not a string"),
        ({"op": "add", "Op": "add"}, "invalidSyntax", "'Op' occurs twice"),
        (op("remove"), "noTarget", "remove needs a path"),
        (op("add", "title"), "invalidValue", "need a value"),
        (op("replace"), "invalidValue", "need a value"),
        (op("add", None, "x"), "invalidValue", "must be an object, not a string"),
        (op("add", None, ["x"]), "invalidValue", "must be an object, not an array"),
        (op("add", None, None), "invalidValue", "must be an object, not null"),
        (op("add", None, {"title": "x", "Title": "y"}), "invalidSyntax", "'Title' occurs twice"),
        ({"op": "add", "path": 7, "value": "x"}, "invalidPath", "not a number"),
        (op("replace", "name..givenName", "x"), "invalidPath", "name..givenName"),
        (op("replace", "emails[type", "x"), "invalidPath", "emails[type"),
        (op("replace", 'emails[type zz "work"].value', "x"), "invalidFilter", "'zz'"),
        (op("replace", "active", "maybe"), "invalidValue", "active must be a boolean"),
        (op("replace", "active", {}), "invalidValue", "active must be a boolean"),
        (op("replace", "title", 7), "invalidValue", "title must be a string"),
        (op("replace", "title", {"value": "x"}), "invalidValue", "title must be a string"),
        (op("replace", "name", "x"), "invalidValue", "name must be an object"),
        (op("replace", "title", [[]]), "invalidValue", "title must be a string, not an array"),
        (op("add", "emails", 7), "invalidValue", "emails must be an object"),
        (op("replace", "emails", {"value": {}}), "invalidValue", "emails.value must be a string"),
        (op("replace", "emails", [{"value": {}}]), "invalidValue", "emails[0].value must be"),
        (op("remove", "emails", [{"value": {}}]), "invalidValue", "emails[0].value must be"),
        (op("replace", None, {"emails": [{"value": {}}]}), "invalidValue", "emails[0].value"),
        (op("replace", "emails", {"nickName": ""}), "invalidValue", "no attribute that can be set"),
        (op("add", WORK, [{"value": "a"}, {"value": "b"}]), "invalidValue", "emails must be"),
        (op("replace", ENTERPRISE, "x"), "invalidValue", f"{ENTERPRISE} must be an object"),
        (op("remove", "schemas"), "mutability", "schemas is required"),
    ],
)
def test_a_bad_operation_is_refused_by_its_number(
    operation: object, scim_type: str, culprit: str
) -> None:
    first = op("replace", "title", "x")
    error = refused({"schemas": [PATCH], "Operations": [first, operation]})
    assert error.scim_type == scim_type
    assert error.detail.startswith("Operations[1]: ")
    assert culprit in error.detail


@pytest.mark.parametrize(
    "body",
    [
        [],
        "x",
        None,
        {"schemas": [PATCH]},
        {"schemas": [PATCH], "Operations": []},
        {"schemas": [PATCH], "Operations": {"op": "add"}},
        {"schemas": [PATCH], "Operations": None},
        {"schemas": [PATCH], "Operations": [op("remove", "title")], "operations": []},
    ],
)
def test_a_body_that_is_no_patch_is_refused(body: object) -> None:
    assert refused(body).scim_type == "invalidSyntax"


@pytest.mark.parametrize("schemas", [{}, {"schemas": []}, {"schemas": [CORE]}, {"schemas": PATCH}])
def test_the_message_schema_may_be_missing_unless_strict(schemas: dict[str, object]) -> None:
    body = {**schemas, "Operations": [op("remove", "title")]}
    reading = Reading(LENIENT)
    assert len(operations_from_scim(body, USER, reading)) == 1
    assert reading.met == {Tolerance.MISSING_SCHEMAS}
    assert refused(body, dialect=RFC).scim_type == "invalidSyntax"


def test_names_of_members_have_no_case() -> None:
    body = {"Schemas": [PATCH.upper()], "operations": [{"OP": "remove", "Path": "title"}]}
    assert len(operations_from_scim(body, USER, Reading(RFC))) == 1


def test_unknown_members_of_a_body_are_ignored() -> None:
    operation = {**op("remove", "title"), "name": "addMember", "id": "7"}
    body = {"schemas": [PATCH], "id": "7", "Operations": [operation]}
    assert len(operations_from_scim(body, USER, Reading(RFC))) == 1


def test_operations_keep_their_order() -> None:
    operations = read(op("remove", "title"), op("add", None, {"title": "x", "locale": "y"}))
    assert [path_text(each.path) for each in operations] == ["title", "title", "locale"]


def test_the_number_of_operations_is_limited() -> None:
    few = [op("remove", "title")] * MAX_OPERATIONS
    assert len(read(*few)) == MAX_OPERATIONS
    for many in ([*few, few[0]], [*few[:-1], op("replace", None, {"title": "x", "locale": "y"})]):
        error = refused({"schemas": [PATCH], "Operations": many})
        assert error.scim_type == "invalidValue"
        assert str(MAX_OPERATIONS) in error.detail


def test_the_length_of_all_paths_is_limited() -> None:
    long = f"emails[{' and '.join(['value pr'] * 150)}]"
    count = MAX_PATH_TEXT // len(long)
    assert len(read(*[op("remove", long)] * count)) == count
    for one_more in (op("remove", long), op("replace", None, {long: "x"})):
        error = refused(
            {"schemas": [PATCH], "Operations": [op("remove", long)] * count + [one_more]}
        )
        assert (error.scim_type, str(MAX_PATH_TEXT) in error.detail) == ("invalidPath", True)


@pytest.mark.parametrize(
    ("operation", "required"),
    [
        (op("replace", f"{WORK}.value", "a@x"), True),
        (op("add", WORK, {"value": "a@x"}), True),
        (op("remove", WORK), True),
        (op("replace", f"{WORK}.value", None), True),
        (op("replace", "emails.value", "a@x"), False),
        (op("add", "emails", [{"value": "a@x"}]), False),
    ],
)
def test_strictly_a_filter_has_to_select_something(operation: object, *, required: bool) -> None:
    [strict] = read(operation, reading=Reading(RFC))
    assert strict.target_required is required
    for dialect in (LENIENT, ENTRA):
        [tolerant] = read(operation, reading=Reading(dialect))
        assert not tolerant.target_required


def test_removing_a_member_that_is_none_succeeds_even_strictly() -> None:
    operation = op("remove", 'members[value eq "7"]')
    [strict] = read(operation, kind=GROUP, reading=Reading(RFC))
    assert not strict.target_required
