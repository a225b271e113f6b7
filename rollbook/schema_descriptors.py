"""Registered schemas as descriptors: the contract once more, in a pool of its own, with resource
types that have further fields.

So what holds for the contract holds for what is registered: options say what an attribute is,
and `rollbook.attributes` reads them. On the wire an extended resource is one of the contract with
unknown fields. A pool is freed with the last of its classes.
"""

from __future__ import annotations

import keyword
import re
from typing import TYPE_CHECKING, Final

from google.protobuf import timestamp_pb2
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
)
from google.protobuf.descriptor_pool import Default, DescriptorPool
from google.protobuf.message_factory import GetMessageClass

from rollbook.attributes import (
    RESOURCE_TYPES,
    AttributeType,
    Mutability,
    Returned,
    Uniqueness,
)
from rollbook.v1 import attribute_pb2

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from google.protobuf.descriptor import FileDescriptor

    from rollbook.attributes import MessageClass
    from rollbook.v1.schema_pb2 import AttributeDefinition, SchemaAttachment, SchemaDefinition

MAX_UNIQUE_LENGTH: Final = 512
"""The longest value of a unique attribute, in characters: an index holds it."""

_FILE: Final = "rollbook/extensions.proto"
_PACKAGE: Final = "rollbook.extensions"

_OPTION_FILES: Final = frozenset(
    {"rollbook/v1/attribute.proto", "google/protobuf/descriptor.proto"}
)
"""Options are read with the classes of the contract, so a pool need not know what they are."""

_TYPES: Final[Mapping[str, FieldDescriptorProto.Type.ValueType]] = {
    AttributeType.STRING: FieldDescriptorProto.TYPE_STRING,
    AttributeType.REFERENCE: FieldDescriptorProto.TYPE_STRING,
    AttributeType.BOOLEAN: FieldDescriptorProto.TYPE_BOOL,
    AttributeType.INTEGER: FieldDescriptorProto.TYPE_INT64,
    AttributeType.DECIMAL: FieldDescriptorProto.TYPE_DOUBLE,
    AttributeType.BINARY: FieldDescriptorProto.TYPE_BYTES,
    AttributeType.DATE_TIME: FieldDescriptorProto.TYPE_MESSAGE,
    AttributeType.COMPLEX: FieldDescriptorProto.TYPE_MESSAGE,
}

_HAVE_CASE: Final = frozenset({AttributeType.BINARY, AttributeType.REFERENCE})
"""Types whose values are compared exactly whatever the definition says (RFC 7643 §2.3.6-7)."""

_WORD_BOUNDARY: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def extension_field_name(number: int) -> str:
    """The name of the field of a resource that holds an extension."""
    return f"extension_{number}"


def field_name(name: str) -> str:
    """The name of the protobuf field of an attribute, e.g. "badge_number" for badgeNumber. Of two
    names that differ in more than case and `-` or `_` it is never the same."""
    snake = _WORD_BOUNDARY.sub("_", name.removeprefix("$")).replace("-", "_").lower()
    return f"{snake}_" if keyword.iskeyword(snake) else snake


class ExtendedContract:
    """The messages of the contract where schemas extend resource types.

    Definitions are complete, as the service answers them: with field numbers and a word for
    every characteristic. Every attachment is of one of them.
    """

    def __init__(
        self, definitions: Iterable[SchemaDefinition], attachments: Sequence[SchemaAttachment]
    ) -> None:
        self._pool = DescriptorPool()
        self._known = set(_OPTION_FILES)
        self._attachments = attachments
        self._messages: dict[str, str] = {}
        self._classes: dict[str, MessageClass] = {}
        self._add(timestamp_pb2.DESCRIPTOR)
        self._add_extensions(definitions)

    def message_class(self, full_name: str) -> MessageClass:
        """The class of a message of the contract. Raises KeyError."""
        try:
            return self._classes[full_name]
        except KeyError:
            self._add(Default().FindFileContainingSymbol(full_name))
            descriptor = self._pool.FindMessageTypeByName(full_name)
            found = self._classes[full_name] = GetMessageClass(descriptor)
            return found

    def _add_extensions(self, definitions: Iterable[SchemaDefinition]) -> None:
        file = FileDescriptorProto(name=_FILE, package=_PACKAGE, syntax="proto3")
        file.dependency.append(timestamp_pb2.DESCRIPTOR.name)
        for index, definition in enumerate(definitions):
            message = file.message_type.add(name=f"Schema{index}")
            _define(message, definition, f".{_PACKAGE}.{message.name}")
            self._messages[definition.id] = f".{_PACKAGE}.{message.name}"
        self._pool.AddSerializedFile(file.SerializeToString())

    def _add(self, file: FileDescriptor) -> None:
        """Add a file of the contract with those that it imports."""
        if file.name in self._known:
            return
        self._known.add(file.name)
        for imported in file.dependencies:
            self._add(imported)
        copy = FileDescriptorProto()
        file.CopyToProto(copy)
        kept = [name for name in copy.dependency if name not in _OPTION_FILES]
        del copy.dependency[:]
        copy.dependency.extend([*kept, *([_FILE] if self._extend(copy) else [])])
        self._pool.AddSerializedFile(copy.SerializeToString())

    def _extend(self, file: FileDescriptorProto) -> bool:
        """Add the fields of extensions to the resource types in a file; whether it has any."""
        extended = False
        names = {kind.message.DESCRIPTOR.full_name: kind.name for kind in RESOURCE_TYPES}
        for message in file.message_type:
            kind = names.get(f"{file.package}.{message.name}")
            for attachment in self._attachments:
                if attachment.resource_type == kind:
                    self._extend_message(message, attachment)
                    extended = True
        return extended

    def _extend_message(self, message: DescriptorProto, attachment: SchemaAttachment) -> None:
        field = message.field.add(
            name=extension_field_name(attachment.field_number),
            json_name=attachment.schema,
            number=attachment.field_number,
            label=FieldDescriptorProto.LABEL_OPTIONAL,
            type=FieldDescriptorProto.TYPE_MESSAGE,
            type_name=self._messages[attachment.schema],
        )
        field.options.Extensions[attribute_pb2.attribute].required = attachment.required


def _define(message: DescriptorProto, definition: SchemaDefinition, full_name: str) -> None:
    """Fill in the message that a schema is."""
    options = message.options.Extensions[attribute_pb2.schema]
    options.urn = definition.id
    options.name = definition.name
    options.description = definition.description
    options.registered = True
    for attribute in definition.attributes:
        _add_field(message, attribute, full_name)


def _add_field(message: DescriptorProto, attribute: AttributeDefinition, full_name: str) -> None:
    kind = AttributeType(attribute.type)
    field = message.field.add(
        name=field_name(attribute.name),
        json_name=attribute.name,
        number=attribute.field_number,
        label=FieldDescriptorProto.LABEL_OPTIONAL,
        type=_TYPES[kind],
    )
    if attribute.multi_valued:
        field.label = FieldDescriptorProto.LABEL_REPEATED
    elif field.type != FieldDescriptorProto.TYPE_MESSAGE:
        _make_optional(field, message)
    if kind is AttributeType.DATE_TIME:
        field.type_name = f".{timestamp_pb2.Timestamp.DESCRIPTOR.full_name}"
    elif kind is AttributeType.COMPLEX:
        parts = message.nested_type.add(name=f"Attribute{attribute.field_number}")
        field.type_name = f"{full_name}.{parts.name}"
        for part in attribute.sub_attributes:
            _add_field(parts, part, field.type_name)
    _characterise(field.options.Extensions[attribute_pb2.attribute], attribute, kind)


def _make_optional(field: FieldDescriptorProto, message: DescriptorProto) -> None:
    """What `optional` makes of a field of proto3: the only one of a group that has its name."""
    field.proto3_optional = True
    field.oneof_index = len(message.oneof_decl)
    message.oneof_decl.add(name=f"_{field.name}")


def _characterise(
    options: attribute_pb2.AttributeOptions, attribute: AttributeDefinition, kind: AttributeType
) -> None:
    options.description = attribute.description
    options.required = attribute.required
    options.case_exact = attribute.case_exact or kind in _HAVE_CASE
    options.mutability = attribute_pb2.Mutability.Value(
        f"MUTABILITY_{Mutability(attribute.mutability).name}"
    )
    options.returned = attribute_pb2.Returned.Value(f"RETURNED_{Returned(attribute.returned).name}")
    uniqueness = Uniqueness(attribute.uniqueness)
    options.uniqueness = attribute_pb2.Uniqueness.Value(f"UNIQUENESS_{uniqueness.name}")
    options.canonical_values.extend(attribute.canonical_values)
    options.reference_types.extend(attribute.reference_types)
    if uniqueness is not Uniqueness.NONE:
        options.max_length = MAX_UNIQUE_LENGTH
