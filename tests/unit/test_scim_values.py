"""Every SCIM data type is read and rendered, also those that no built-in attribute has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, timestamp_pb2

from gateway.scim.assignment import assign
from gateway.scim.dialects import LENIENT, STRICT, Reading, Tolerance
from gateway.scim.errors import ScimError
from gateway.scim.rendering import renderer_of
from gateway.scim.values import is_unassigned
from rollbook.attributes import ResourceType, resource_type_of
from rollbook.v1 import attribute_pb2

if TYPE_CHECKING:
    from google.protobuf.message import Message

Field = descriptor_pb2.FieldDescriptorProto
URN = "urn:example:Device"


def device_type() -> ResourceType:
    """A resource type that has an attribute of each data type, single and multi-valued."""
    file = descriptor_pb2.FileDescriptorProto(
        name="test/device.proto",
        package="test",
        syntax="proto3",
        dependency=[attribute_pb2.DESCRIPTOR.name, timestamp_pb2.DESCRIPTOR.name],
    )
    message = file.message_type.add(name="Device")
    message.options.Extensions[attribute_pb2.schema].urn = URN
    message.options.Extensions[attribute_pb2.resource_type].endpoint = "/Devices"
    for name, kind in (
        ("text", Field.TYPE_STRING),
        ("flag", Field.TYPE_BOOL),
        ("count", Field.TYPE_INT64),
        ("ratio", Field.TYPE_DOUBLE),
        ("moment", Field.TYPE_MESSAGE),
        ("raw", Field.TYPE_BYTES),
    ):
        for label, suffix in ((Field.LABEL_OPTIONAL, ""), (Field.LABEL_REPEATED, "s")):
            field = message.field.add(
                name=name + suffix, number=len(message.field) + 1, type=kind, label=label
            )
            field.options.Extensions[attribute_pb2.attribute].description = "What it is for"
            if kind == Field.TYPE_MESSAGE:
                field.type_name = ".google.protobuf.Timestamp"
            elif not suffix:
                field.proto3_optional = True
                field.oneof_index = len(message.oneof_decl)
                message.oneof_decl.add(name=f"_{name}")
    pool = descriptor_pool.Default()
    pool.AddSerializedFile(file.SerializeToString())
    return resource_type_of(pool.FindMessageTypeByName("test.Device"))


DEVICE = device_type()
render = renderer_of(DEVICE)


def read(name: str, value: object, reading: Reading) -> Message:
    attribute = DEVICE.schema.attribute(name)
    assert attribute is not None
    message = DEVICE.message()
    assign(message, attribute, value, "", reading)
    return message


@pytest.mark.parametrize(
    ("name", "value", "rendered"),
    [
        ("text", "a", "a"),
        ("flag", False, False),
        ("count", 0, 0),
        ("count", -(2**63), -(2**63)),
        ("count", 2**63 - 1, 2**63 - 1),
        ("ratio", 0, 0.0),
        ("ratio", 2.5, 2.5),
        ("moment", "2026-03-01T09:00:00+01:00", "2026-03-01T08:00:00.000Z"),
        ("moment", "2015-10-10T14:38:21.8617979-07:00", "2015-10-10T21:38:21.861797900Z"),
        ("raw", "AP8=", "AP8="),
        ("texts", ["a", "b"], ["a", "b"]),
        ("texts", ["a", ""], ["a"]),
        ("flags", [False, True], [False, True]),
        ("counts", [1, 0], [1, 0]),
        ("ratios", [0.5], [0.5]),
        ("raws", ["AP8"], ["AP8="]),
        ("moments", ["2026-03-01T09:00:00Z"], ["2026-03-01T09:00:00.000Z"]),
    ],
)
def test_a_value_of_every_type_is_read_and_rendered(
    name: str, value: object, rendered: object
) -> None:
    message = read(name, value, Reading(STRICT))
    assert render(message, "") == {"schemas": [URN], name: rendered}


@pytest.mark.parametrize("value", [None, "", []])
@pytest.mark.parametrize("name", ["text", "flag", "count", "moment", "texts", "raws"])
def test_no_value_is_no_value_of_any_type(name: str, value: object) -> None:
    assert is_unassigned(value)
    assert render(read(name, value, Reading(STRICT)), "") == {"schemas": [URN]}


@pytest.mark.parametrize("value", [False, 0, 0.0, {}, " ", [None]])
def test_what_is_false_in_python_may_be_a_value(value: object) -> None:
    assert not is_unassigned(value)


@pytest.mark.parametrize(
    ("name", "value", "rendered", "tolerance"),
    [
        ("flag", "TRUE", True, Tolerance.STRING_BOOLEAN),
        ("count", "-7", -7, Tolerance.STRING_NUMBER),
        ("ratio", "2.50", 2.5, Tolerance.STRING_NUMBER),
        ("texts", "a", ["a"], Tolerance.SINGLE_FOR_ARRAY),
        ("counts", 7, [7], Tolerance.SINGLE_FOR_ARRAY),
        ("count", [7], 7, Tolerance.ARRAY_FOR_SINGLE),
        ("texts", ["a", None], ["a"], Tolerance.NULL_ELEMENT),
        ("texts", ["b", "a", "b"], ["b", "a"], Tolerance.DUPLICATE_ELEMENT),
        ("raw", "-_8=", "+/8=", Tolerance.URL_SAFE_BINARY),
    ],
)
def test_a_habit_is_tolerated(
    name: str, value: object, rendered: object, tolerance: Tolerance
) -> None:
    reading = Reading(LENIENT)
    assert render(read(name, value, reading), "")[name] == rendered
    assert reading.met == {tolerance}


@pytest.mark.parametrize(
    ("name", "value", "requirement"),
    [
        ("count", 1.0, "must be an integer, without fraction or exponent"),
        ("count", True, "must be an integer, not a boolean"),
        ("count", "1.0", "must be an integer, not a string"),
        ("count", "1" * 5000, "must be an integer, not a string"),
        ("count", 2**63, "must be an integer of at most 64 bits"),
        ("count", "9" * 19, "must be an integer of at most 64 bits"),
        ("ratio", True, "must be a number, not a boolean"),
        ("ratio", "1e5", "must be a number, not a string"),
        ("ratio", 10**400, "must be a number of double precision"),
        ("flag", "yes", "must be a boolean, not a string"),
        ("moment", 7, "must be a dateTime string, not a number"),
        ("moment", "yesterday", "must be a dateTime such as 2026-03-01T09:00:00Z"),
        ("moment", "2026-02-30T00:00:00Z", "must be a dateTime such as 2026-03-01T09:00:00Z"),
        ("moment", "12026-03-01T09:00:00Z", "must be a dateTime such as 2026-03-01T09:00:00Z"),
        ("raw", 7, "must be a base64 string, not a number"),
        ("raw", "a b=", "must be base64 (RFC 4648 §4)"),
        ("texts", {}, "must be an array, not an object"),
    ],
)
def test_a_value_that_does_not_fit_is_refused(name: str, value: object, requirement: str) -> None:
    with pytest.raises(ScimError) as caught:
        read(name, value, Reading(LENIENT))
    assert caught.value.scim_type == "invalidValue"
    assert caught.value.detail.startswith(name)
    assert caught.value.detail.endswith(f"{requirement}.")


def test_elements_that_do_not_fit_are_named_by_position() -> None:
    with pytest.raises(ScimError, match=r"^texts\[1\] must be a string, not a number\.$"):
        read("texts", ["a", 7], Reading(LENIENT))


def test_several_equal_habits_are_remembered_once() -> None:
    reading = Reading(LENIENT)
    message: Any = read("flags", ["True", "False"], reading)
    assert list(message.flags) == [True, False]
    assert reading.met == {Tolerance.STRING_BOOLEAN}
