"""Schema sets: the resource types that a tenant has, with the schemas that are attached to them.

Whoever translates or judges resources does it by a `SchemaSet`. Most tenants have `DEFAULT`, the
contract as it is; the service makes others of what is registered, and other programs of what
SchemaService.GetSchemaSet answers.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar, cast

from google.protobuf.descriptor_pool import Default
from google.protobuf.message_factory import GetMessageClass

from rollbook.attributes import (
    RESOURCE_TYPES,
    Attribute,
    Extension,
    Mutability,
    ResourceType,
    resource_type_of,
)
from rollbook.schema_descriptors import ExtendedContract

if TYPE_CHECKING:
    from collections.abc import Iterable

    from google.protobuf.descriptor import Descriptor
    from google.protobuf.message import Message

    from rollbook.attributes import MessageClass
    from rollbook.v1.schema_pb2 import SchemaAttachment, SchemaDefinition

K = TypeVar("K")


@dataclass(frozen=True, eq=False)
class SchemaSet:
    """The resource types of a tenant. `revision` counts their changes; 0 is the contract."""

    revision: int
    resource_types: tuple[ResourceType, ...]
    _contract: ExtendedContract | None = field(default=None, repr=False)

    @cached_property
    def _by_name(self) -> dict[str, ResourceType]:
        return {kind.name: kind for kind in self.resource_types}

    def resource_type(self, name: str) -> ResourceType:
        """The resource type of that name, e.g. "User". Raises KeyError."""
        return self._by_name[name]

    def message_class(self, full_name: str) -> MessageClass:
        """The class of a message of the contract, e.g. "rollbook.v1.CreateUserRequest", in which
        resources have their extensions. Raises KeyError."""
        if self._contract is not None:
            return self._contract.message_class(full_name)
        return GetMessageClass(Default().FindMessageTypeByName(full_name))

    def extended(self, resource: Message) -> Any:
        """A copy of a user or group in which extensions are fields; one of the contract's class
        has them as unknown fields."""
        copy = self.resource_type(resource.DESCRIPTOR.name).message()
        transfer(resource, copy)
        return copy

    @cached_property
    def for_services(self) -> SchemaSet:
        """The same for callers that set what provisioning clients cannot: read-only attributes
        of registered schemas."""
        if self._contract is None:
            return self
        unlocked = tuple(map(_unlocked, self.resource_types))
        return SchemaSet(self.revision, unlocked, self._contract)

    @cached_property
    def size(self) -> int:
        """How many attributes registered schemas add, by which its memory grows."""
        return sum(
            1 + len(attribute.sub_attributes)
            for kind in self.resource_types
            for extension in (*kind.extensions, *kind.dormant)
            if extension.schema.registered
            for attribute in extension.schema.attributes
        )


class SchemaSetCache(Generic[K]):
    """Sets that were used last. Those that were not for the longest time go when all of them
    together take more than some 100 MB."""

    def __init__(self) -> None:
        self._sets: dict[K, SchemaSet] = {}
        self._weight = 0

    def __bool__(self) -> bool:
        return bool(self._sets)

    def get(self, key: K) -> SchemaSet | None:
        """The set that was put under a key, if it is still there."""
        found = self._sets.pop(key, None)
        if found is not None:
            self._sets[key] = found
        return found

    def put(self, key: K, schema_set: SchemaSet) -> None:
        """Keep a set, in the place of an earlier one."""
        self._remove(key)
        self._sets[key] = schema_set
        self._weight += _weight(schema_set)
        while self._weight > _MAX_WEIGHT and len(self._sets) > 1:
            self._remove(next(iter(self._sets)))

    def _remove(self, key: K) -> None:
        if (gone := self._sets.pop(key, None)) is not None:
            self._weight -= _weight(gone)


_BASE_WEIGHT: Final = 500
"""What the contract itself takes, in attributes of some 900 bytes."""

_MAX_WEIGHT: Final = 120_000


def _weight(schema_set: SchemaSet) -> int:
    return _BASE_WEIGHT + schema_set.size


DEFAULT: Final = SchemaSet(0, RESOURCE_TYPES)
"""The contract without further schemas."""


def schema_set_of(
    revision: int,
    definitions: Iterable[SchemaDefinition],
    attachments: Iterable[SchemaAttachment],
    dormant: Iterable[SchemaAttachment] = (),
) -> SchemaSet:
    """The set in which schemas extend resource types as the attachments say.

    Definitions and attachments are as the service answers them; `dormant` are attachments that
    have ended. It takes some milliseconds: keep the result.
    """
    if revision == DEFAULT.revision:
        return DEFAULT
    hidden = list(dormant)
    everything = [*attachments, *hidden]
    if not everything:
        types = tuple(replace(kind, revision=revision) for kind in RESOURCE_TYPES)
        return SchemaSet(revision, types)
    contract = ExtendedContract(definitions, everything)
    hidden_numbers = {attachment.field_number for attachment in hidden}
    types = tuple(_extended(kind, contract, hidden_numbers, revision) for kind in RESOURCE_TYPES)
    return SchemaSet(revision, types, contract)


def transfer(source: Message, target: Message) -> None:
    """Let a resource of another set's class, or of the contract's, be the same as this one. What
    that class does not know it keeps as unknown fields."""
    target.ParseFromString(source.SerializeToString())


def _extended(
    kind: ResourceType, contract: ExtendedContract, hidden: set[int], revision: int
) -> ResourceType:
    message = contract.message_class(kind.message.DESCRIPTOR.full_name)
    whole = resource_type_of(cast("Descriptor", message.DESCRIPTOR))
    return replace(
        whole,
        extensions=tuple(each for each in whole.extensions if each.number not in hidden),
        dormant=tuple(each for each in whole.extensions if each.number in hidden),
        revision=revision,
    )


def _unlocked(kind: ResourceType) -> ResourceType:
    return replace(kind, extensions=tuple(map(_unlocked_extension, kind.extensions)))


def _unlocked_extension(extension: Extension) -> Extension:
    schema = extension.schema
    if not schema.registered:
        return extension
    return replace(
        extension,
        schema=replace(schema, attributes=tuple(map(_unlocked_attribute, schema.attributes))),
    )


def _unlocked_attribute(attribute: Attribute) -> Attribute:
    parts = tuple(map(_unlocked_attribute, attribute.sub_attributes))
    mutability = attribute.mutability
    if mutability is Mutability.READ_ONLY:
        mutability = Mutability.READ_WRITE
    return replace(
        attribute,
        mutability=mutability,
        sub_attributes=parts,
        _by_name={part.name.lower(): part for part in parts},
    )
