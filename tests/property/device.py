"""A resource type of its own: attributes of every data type, single and multi-valued."""

from __future__ import annotations

from typing import Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool

from rollbook.attributes import resource_type_of
from rollbook.v1 import attribute_pb2, meta_pb2

_FIELD = descriptor_pb2.FieldDescriptorProto
_SIMPLE: Final = {
    "string": _FIELD.TYPE_STRING,
    "boolean": _FIELD.TYPE_BOOL,
    "integer": _FIELD.TYPE_INT64,
    "decimal": _FIELD.TYPE_DOUBLE,
    "binary": _FIELD.TYPE_BYTES,
}
_MESSAGES: Final = {
    "dateTime": ".google.protobuf.Timestamp",
    "meta": ".rollbook.v1.Meta",
    "port": ".rollbook.test.Port",
}


def _add_field(message: Any, name: str, kind: str, *, many: bool = False, **options: Any) -> None:
    field = message.field.add(name=name, number=len(message.field) + 1)
    field.json_name = options.pop("json_name", name)
    field.label = _FIELD.LABEL_REPEATED if many else _FIELD.LABEL_OPTIONAL
    if kind in _MESSAGES:
        field.type, field.type_name = _FIELD.TYPE_MESSAGE, _MESSAGES[kind]
    else:
        field.type = _SIMPLE[kind]
    if not many and kind in _SIMPLE:
        field.proto3_optional = True
        field.oneof_index = len(message.oneof_decl)
        message.oneof_decl.add(name=f"_{name}")
    field.options.Extensions[attribute_pb2.attribute].CopyFrom(
        attribute_pb2.AttributeOptions(**options)
    )


def _file() -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(
        name="rollbook/test/device.proto",
        package="rollbook.test",
        syntax="proto3",
        dependency=[
            "google/protobuf/timestamp.proto",
            attribute_pb2.DESCRIPTOR.name,
            meta_pb2.DESCRIPTOR.name,
        ],
    )
    port = file.message_type.add(name="Port")
    _add_field(port, "value", "integer")
    _add_field(port, "speed", "decimal")
    _add_field(port, "since", "dateTime")
    _add_field(port, "label", "string")
    _add_field(port, "primary", "boolean")
    _add_field(port, "tags", "string", many=True)
    device = file.message_type.add(name="Device")
    _add_field(device, "id", "string", case_exact=True)
    _add_field(device, "external_id", "string", json_name="externalId", case_exact=True)
    _add_field(device, "meta", "meta")
    _add_field(device, "display_name", "string", json_name="displayName")
    for kind in (*_SIMPLE, "dateTime"):
        _add_field(device, f"one_{kind.lower()}", kind, json_name=f"one-{kind}")
        _add_field(device, f"many_{kind.lower()}", kind, json_name=f"many'{kind}", many=True)
    _add_field(device, "exact", "string", case_exact=True)
    _add_field(device, "ports", "port", many=True)
    _add_field(device, "uplink", "port")
    device.options.Extensions[attribute_pb2.schema].urn = "urn:example:Device"
    resource_type = device.options.Extensions[attribute_pb2.resource_type]
    resource_type.name, resource_type.endpoint = "Device", "/Devices"
    return file


_pool = descriptor_pool.Default()
_pool.Add(_file())

DEVICE: Final = resource_type_of(_pool.FindMessageTypeByName("rollbook.test.Device"))
