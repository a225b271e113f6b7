"""The SCIM schemas, read from the descriptors of the contract.

A message with the `schema` option is a `Schema`, one with `resource_type` too is a
`ResourceType`, and their fields are `Attribute`s with the characteristics of RFC 7643 §2.2.
This is the only place that looks at the options: `/Schemas`, translation, filters, patches and
projection all work from these tables. Those of the contract are built once, when the module is
imported; `rollbook.schema_sets` builds those of tenants that have registered schemas.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, TypeVar

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message_factory import GetMessageClass

from rollbook.v1 import attribute_pb2, group_pb2, service_account_pb2, user_pb2

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from google.protobuf.descriptor import Descriptor
    from google.protobuf.message import Message

    from rollbook.v1.attribute_pb2 import SchemaOptions

    MessageClass = type[Message]

T = TypeVar("T")

_WORD_BOUNDARY: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

DEFAULT_MAX_LENGTH: Final = 2048
"""The longest string accepted, in characters, where the contract names no other limit."""

COMMON_ATTRIBUTES: Final = frozenset({"id", "externalId", "meta"})
"""Attributes that every resource has whatever its schema (RFC 7643 §3.1)."""


class AttributeType(StrEnum):
    """The data types of RFC 7643 §2.3."""

    STRING = "string"
    BOOLEAN = "boolean"
    DECIMAL = "decimal"
    INTEGER = "integer"
    DATE_TIME = "dateTime"
    BINARY = "binary"
    REFERENCE = "reference"
    COMPLEX = "complex"


class Mutability(StrEnum):
    """Who may set an attribute, and when (RFC 7643 §7)."""

    READ_ONLY = "readOnly"
    READ_WRITE = "readWrite"
    IMMUTABLE = "immutable"
    WRITE_ONLY = "writeOnly"


class Returned(StrEnum):
    """When an attribute is part of an answer (RFC 7643 §7)."""

    ALWAYS = "always"
    NEVER = "never"
    DEFAULT = "default"
    REQUEST = "request"


class Uniqueness(StrEnum):
    """Within which bounds a value occurs once only (RFC 7643 §7)."""

    NONE = "none"
    SERVER = "server"
    GLOBAL = "global"


@dataclass(frozen=True, slots=True, eq=False)
class Attribute:
    """One attribute or sub-attribute and its characteristics.

    `name` is its SCIM name, `field` that of the protobuf field, `schema` the URN of the schema
    that defines it. Of a complex attribute `sub_attributes` are the parts and `message` the
    class of one value. A `derived` one is not stored: the service makes it of something else.
    """

    name: str
    field: str
    schema: str
    type: AttributeType
    multi_valued: bool
    description: str
    required: bool
    case_exact: bool
    mutability: Mutability
    returned: Returned
    uniqueness: Uniqueness
    canonical_values: tuple[str, ...]
    reference_types: tuple[str, ...]
    max_length: int
    derived: bool = False
    sub_attributes: tuple[Attribute, ...] = ()
    message: MessageClass | None = None
    _by_name: Mapping[str, Attribute] = dataclasses.field(default_factory=dict, repr=False)

    def sub_attribute(self, name: str) -> Attribute | None:
        """The part of that name, in any case (RFC 7643 §2.1); None when there is none."""
        return self._by_name.get(name.lower())


@dataclass(frozen=True, eq=False)
class Schema:
    """A schema of RFC 7643 §7: a URN and its attributes."""

    urn: str
    name: str
    description: str
    attributes: tuple[Attribute, ...]
    message: MessageClass
    registered: bool = False
    """Whether an administrator has registered it at run time."""
    unlisted: bool = False
    """Whether SCIM clients are told of it only where it is in use."""

    @cached_property
    def _by_name(self) -> Mapping[str, Attribute]:
        return _index(self.attributes)

    def attribute(self, name: str) -> Attribute | None:
        """The attribute of that name, in any case; None when there is none."""
        return self._by_name.get(name.lower())


@dataclass(frozen=True, eq=False)
class Extension:
    """A schema that adds attributes to a resource type (RFC 7643 §3.3).

    `field` is the protobuf field of the resource that holds the extension's message, and
    `number` that field's number. Every resource has the extension if it is `required`.
    """

    schema: Schema
    field: str
    number: int
    required: bool = False

    @cached_property
    def as_attribute(self) -> Attribute:
        """The extension as the complex attribute that it is in JSON.

        Its name is the URN; of a registered schema with the number behind it, which tells it
        from another one that had the same URN before.
        """
        schema = self.schema
        return Attribute(
            name=f"{schema.urn}#{self.number}" if schema.registered else schema.urn,
            field=self.field,
            schema=schema.urn,
            type=AttributeType.COMPLEX,
            multi_valued=False,
            description=schema.description,
            required=self.required,
            case_exact=False,
            mutability=Mutability.READ_WRITE,
            returned=Returned.DEFAULT,
            uniqueness=Uniqueness.NONE,
            canonical_values=(),
            reference_types=(),
            max_length=DEFAULT_MAX_LENGTH,
            sub_attributes=schema.attributes,
            message=schema.message,
            _by_name=_index(schema.attributes),
        )


@dataclass(frozen=True, eq=False)
class ResourceType:
    """A resource type of RFC 7643 §6: `endpoint` is relative to the SCIM base URL.

    `dormant` are extensions that resources may hold values of although nobody sees them any
    more. `revision` is that of the tenant's schemas, 0 for the contract alone.
    """

    name: str
    endpoint: str
    description: str
    schema: Schema
    extensions: tuple[Extension, ...]
    dormant: tuple[Extension, ...] = ()
    revision: int = 0
    made: dict[object, Any] = dataclasses.field(default_factory=dict, init=False, repr=False)
    """What `made_once` keeps."""

    @property
    def message(self) -> MessageClass:
        """The class of a resource of this type."""
        return self.schema.message

    @cached_property
    def field(self) -> str:
        """What messages call a resource of this type, e.g. "service_account"."""
        return _WORD_BOUNDARY.sub("_", self.name).lower()

    @cached_property
    def list_field(self) -> str:
        """What messages call several resources of this type, e.g. "service_accounts"."""
        return _WORD_BOUNDARY.sub("_", self.endpoint.removeprefix("/")).lower()

    @cached_property
    def noun(self) -> str:
        """What sentences call a resource of this type, e.g. "service account"."""
        return self.field.replace("_", " ")

    @cached_property
    def _extensions_by_urn(self) -> Mapping[str, Extension]:
        return {extension.schema.urn.lower(): extension for extension in self.extensions}

    def extension(self, urn: str) -> Extension | None:
        """The extension of that URN, in any case; None when the type has no such extension."""
        return self._extensions_by_urn.get(urn.lower())

    def attribute(self, name: str, schema: str = "") -> Attribute | None:
        """The attribute `name` of the extension `schema`, or of the core schema when that is
        empty or the core schema's own URN; None when there is none."""
        if not schema or schema.lower() == self.schema.urn.lower():
            return self.schema.attribute(name)
        extension = self.extension(schema)
        return extension.schema.attribute(name) if extension else None


def made_once(make: Callable[[ResourceType], T]) -> Callable[[ResourceType], T]:
    """Lets a function of a resource type run once for each, and keeps its result for as long as
    the resource type lives: those of tenants come and go."""

    def made(resource_type: ResourceType) -> T:
        try:
            known: T = resource_type.made[make]
        except KeyError:
            known = resource_type.made[make] = make(resource_type)
        return known

    return made


def _index(attributes: Iterable[Attribute]) -> dict[str, Attribute]:
    return {attribute.name.lower(): attribute for attribute in attributes}


_TYPES: Final = {
    FieldDescriptor.TYPE_STRING: AttributeType.STRING,
    FieldDescriptor.TYPE_BOOL: AttributeType.BOOLEAN,
    FieldDescriptor.TYPE_DOUBLE: AttributeType.DECIMAL,
    FieldDescriptor.TYPE_INT64: AttributeType.INTEGER,
    FieldDescriptor.TYPE_BYTES: AttributeType.BINARY,
    FieldDescriptor.TYPE_MESSAGE: AttributeType.COMPLEX,
}


def _word(number: int, enum: type[StrEnum], names: object, default: StrEnum) -> str:
    """The SCIM word for a value of an enum of the contract; the default when unspecified."""
    if not number:
        return default.value
    prefixed: str = names.Name(number)  # type: ignore[attr-defined]
    return enum[prefixed.split("_", 1)[1]].value


def _attribute_of(descriptor: FieldDescriptor, schema: SchemaOptions) -> Attribute:
    options = descriptor.GetOptions().Extensions[attribute_pb2.attribute]
    kind = _TYPES[descriptor.type]
    parts: tuple[Attribute, ...] = ()
    message = None
    if (whole := descriptor.message_type) is not None:
        if whole.full_name == "google.protobuf.Timestamp":
            kind = AttributeType.DATE_TIME
        else:
            parts = tuple(
                _attribute_of(part, schema) for part in whole.fields if _is_attribute(part)
            )
            message = GetMessageClass(whole)
    elif options.reference_types:
        kind = AttributeType.REFERENCE
    mutability = _word(
        options.mutability, Mutability, attribute_pb2.Mutability, Mutability.READ_WRITE
    )
    return Attribute(
        name=descriptor.json_name,
        field=descriptor.name,
        schema=schema.urn,
        type=kind,
        multi_valued=descriptor.is_repeated,
        description=options.description,
        required=options.required,
        case_exact=options.case_exact,
        mutability=Mutability(mutability),
        returned=Returned(
            _word(options.returned, Returned, attribute_pb2.Returned, Returned.DEFAULT)
        ),
        uniqueness=Uniqueness(
            _word(options.uniqueness, Uniqueness, attribute_pb2.Uniqueness, Uniqueness.NONE)
        ),
        canonical_values=tuple(options.canonical_values),
        reference_types=tuple(options.reference_types),
        max_length=options.max_length or DEFAULT_MAX_LENGTH,
        derived=mutability == Mutability.READ_ONLY and not schema.registered,
        sub_attributes=parts,
        message=message,
        _by_name=_index(parts),
    )


def _is_attribute(descriptor: FieldDescriptor) -> bool:
    """Whether a field is an attribute of its schema. Extensions are schemas of their own, and what
    has no characteristics is for callers over gRPC alone."""
    is_described = descriptor.GetOptions().HasExtension(attribute_pb2.attribute)
    return is_described and not _is_extension(descriptor)


def _is_extension(descriptor: FieldDescriptor) -> bool:
    kind = descriptor.message_type
    return kind is not None and kind.GetOptions().HasExtension(attribute_pb2.schema)


def _schema_of(descriptor: Descriptor) -> Schema:
    options = descriptor.GetOptions().Extensions[attribute_pb2.schema]
    return Schema(
        urn=options.urn,
        name=options.name,
        description=options.description,
        attributes=tuple(
            _attribute_of(part, options) for part in descriptor.fields if _is_attribute(part)
        ),
        message=GetMessageClass(descriptor),
        registered=options.registered,
        unlisted=options.unlisted,
    )


def _extension_of(descriptor: FieldDescriptor) -> Extension:
    options = descriptor.GetOptions().Extensions[attribute_pb2.attribute]
    return Extension(
        _schema_of(descriptor.message_type),  # type: ignore[arg-type]  # it has one
        descriptor.name,
        descriptor.number,
        options.required,
    )


def resource_type_of(descriptor: Descriptor) -> ResourceType:
    """The resource type that a message is: one with the `resource_type` option."""
    options = descriptor.GetOptions().Extensions[attribute_pb2.resource_type]
    return ResourceType(
        name=options.name,
        endpoint=options.endpoint,
        description=options.description,
        schema=_schema_of(descriptor),
        extensions=tuple(_extension_of(part) for part in descriptor.fields if _is_extension(part)),
    )


USER: Final = resource_type_of(user_pb2.User.DESCRIPTOR)
GROUP: Final = resource_type_of(group_pb2.Group.DESCRIPTOR)

SERVICE_ACCOUNT: Final = resource_type_of(service_account_pb2.ServiceAccount.DESCRIPTOR)

RESOURCE_TYPES: Final = (USER, GROUP, SERVICE_ACCOUNT)
"""Every resource type, in the order that discovery lists them."""

TYPES_BY_FIELD: Final = {kind.field: kind for kind in RESOURCE_TYPES}
"""Resource types by what messages call a resource of them."""
