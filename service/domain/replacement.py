"""What an update does to a resource: a field mask names what is replaced (AIP-134, AIP-161)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rollbook.attributes import Attribute, Extension, Mutability, ResourceType
from service.domain.errors import invalid_path, mutability
from service.domain.search.comparison import copy_of
from service.domain.search.search_values import read
from service.domain.validation import attributes_of, containers

if TYPE_CHECKING:
    from collections.abc import Sequence

_KEPT_WHEN_OMITTED = ("active", "password")
"""Attributes that a full replacement leaves alone unless it says something of them: the service
gave them their value, or nobody can read it, so a client that never mentions them does not mean to
clear them."""

_KEPT_UNLESS_SET = (Mutability.IMMUTABLE, Mutability.WRITE_ONLY)


def replaced(stored: Any, resource: Any, mask: Sequence[str], resource_type: ResourceType) -> Any:
    """The resource after an update. `mask` holds proto field paths; "*" replaces everything, an
    empty mask what `resource` sets. Read-only fields are ignored.

    Raises INVALID_PATH for a field that does not exist, MUTABILITY for an immutable attribute
    that would change.
    """
    if "*" in mask:
        if len(mask) > 1:
            raise invalid_path("update_mask", 'The mask "*" stands for all fields: name no other.')
        after = _replace_all(stored, resource, resource_type)
    else:
        after = copy_of(stored)
        for path in mask or _set_paths(resource):
            _replace_field(after, resource, path, resource_type)
    _check_immutable(stored, after, resource_type)
    return after


def _replace_all(stored: Any, resource: Any, resource_type: ResourceType) -> Any:
    after = copy_of(resource)
    after.id = stored.id
    for field in _KEPT_WHEN_OMITTED:
        known = field in after.DESCRIPTOR.fields_by_name
        if known and not after.HasField(field) and stored.HasField(field):
            setattr(after, field, getattr(stored, field))
    for extension in resource_type.dormant:
        _copy_field(stored, after, extension.field)
    for extension in resource_type.extensions:
        if extension.schema.registered and stored.HasField(extension.field):
            _keep_untouched(
                getattr(stored, extension.field), getattr(after, extension.field), extension
            )
    return after


def _keep_untouched(stored: Any, after: Any, extension: Extension) -> None:
    """Keep what a client cannot set, and what it left out because it cannot know or change it
    (RFC 7644 §3.5.1)."""
    for attribute in extension.schema.attributes:
        omitted = read(after, attribute) is None
        if attribute.mutability is Mutability.READ_ONLY or (
            attribute.mutability in _KEPT_UNLESS_SET and omitted
        ):
            _copy_field(stored, after, attribute.field)


def _copy_field(source: Any, target: Any, name: str) -> None:
    """Let a field of one message be as it is in another."""
    target.ClearField(name)
    if source.DESCRIPTOR.fields_by_name[name].is_repeated:
        getattr(target, name).extend(getattr(source, name))
    elif source.HasField(name):
        value = getattr(source, name)
        if source.DESCRIPTOR.fields_by_name[name].message_type is None:
            setattr(target, name, value)
        else:
            getattr(target, name).CopyFrom(value)


def _set_paths(resource: Any) -> list[str]:
    """The top-level fields that are set, save the id, which only names the resource."""
    return [field.name for field, _ in resource.ListFields() if field.name != "id"]


def _replace_field(after: Any, resource: Any, path: str, resource_type: ResourceType) -> None:
    target, source = after, resource
    *parents, name = path.split(".")
    if (parents or [name])[0] in {extension.field for extension in resource_type.dormant}:
        raise _unknown(path, resource_type)
    for parent in parents:
        descriptor = target.DESCRIPTOR.fields_by_name.get(parent)
        if descriptor is None or descriptor.message_type is None or descriptor.is_repeated:
            raise _unknown(path, resource_type)
        target, source = getattr(target, parent), getattr(source, parent)
    if name not in target.DESCRIPTOR.fields_by_name:
        raise _unknown(path, resource_type)
    if path in {"id", "meta", "groups"} or path.startswith("meta."):
        return
    _copy_field(source, target, name)


def _unknown(path: str, resource_type: ResourceType) -> Exception:
    return invalid_path("update_mask", f"A {resource_type.name} has no field {path!r}.")


def _check_immutable(stored: Any, after: Any, resource_type: ResourceType) -> None:
    """An immutable attribute keeps the value it once got (RFC 7644 §3.5.1)."""
    if not any(a.mutability is Mutability.IMMUTABLE for _, a in attributes_of(resource_type)):
        return
    now = {schema.urn: container for schema, container in containers(after, resource_type)}
    for schema, container in containers(stored, resource_type):
        for attribute in schema.attributes:
            if attribute.mutability is Mutability.IMMUTABLE:
                _check_same(container, now.get(schema.urn), attribute)


def _check_same(before: Any, after: Any, attribute: Attribute) -> None:
    old = getattr(before, attribute.field)
    is_set = bool(old) if attribute.multi_valued else before.HasField(attribute.field)
    if is_set and (after is None or getattr(after, attribute.field) != old):
        raise mutability(attribute.name, f"{attribute.name} is immutable: it has a value already.")
