"""SCIM JSON ↔ messages: what a body or the value of a patch says, and how a resource is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.scim.assignment import (
    assign,
    assign_element,
    is_derived,
    refuse_duplicates,
    unwrapped,
)
from gateway.scim.dialects import Tolerance
from gateway.scim.errors import invalid_path, invalid_syntax, invalid_value
from gateway.scim.rendering import renderer_of
from gateway.scim.schema_urns import check_declared, declared_urns, extension_of
from gateway.scim.unmapped import keep, set_aside
from gateway.scim.values import is_unassigned, kind_of

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from gateway.scim.dialects import Reading
    from gateway.scim.projection import Projection
    from rollbook.attributes import Attribute, Extension, ResourceType
    from rollbook.v1.filter_pb2 import AttributePath


_TAKEN_AWAY_BY_NULL: Final = "password"
"""What a PUT keeps that leaves it out, since nobody can read it: null alone takes it away."""


def resource_from_scim(resource_type: ResourceType, body: object, reading: Reading) -> Message:
    """The resource that the body of a POST or PUT describes (RFC 7644 §3.3).

    Names are taken in any case, read-only attributes are ignored, and null, [] and "" mean that
    an attribute is unassigned. Whether what is required is there is for the service to say.
    Raises ScimError: invalidSyntax when the body is no object, its `schemas` do not fit, a name
    occurs twice or, unless tolerated, does not exist; invalidValue when a value does not fit.
    """
    if not isinstance(body, dict):
        raise invalid_syntax(f"The body must be a JSON object, not {kind_of(body)}.")
    refuse_duplicates(body, "")
    declared = declared_urns(resource_type, body, reading)
    resource = resource_type.message()
    for name, value in body.items():
        if attribute := resource_type.schema.attribute(name):
            assign(resource, attribute, value, "", reading)
            if value is None and attribute.name == _TAKEN_AWAY_BY_NULL:
                setattr(resource, attribute.field, "")
        elif extension := extension_of(resource_type, name, reading):
            if _assign_extension(resource, extension, value, reading):
                check_declared(extension, declared, reading)
        elif name.lower() != "schemas":
            _assign_misplaced(resource_type, resource, name, value, reading)
    if reading.unmapped:
        keep(resource, reading)
    return resource


def set_from_scim(
    resource_type: ResourceType,
    resource: Message,
    path: AttributePath,
    value: object,
    reading: Reading,
    *,
    into_element: bool = False,
) -> None:
    """Sets a JSON value under a path of an otherwise empty resource, for one patch operation.

    An extension as a whole takes an object, a multi-valued attribute one element or an array of
    them. With `into_element`, when the path has a filter, the value is that of one element. A
    sub-attribute of a multi-valued attribute makes one element that has nothing else. What is
    read-only stays unset. Raises ScimError invalidPath when there is no such attribute and else
    like `resource_from_scim`.
    """
    message, prefix = resource, ""
    if extension := resource_type.extension(path.schema):
        if not path.attribute:
            _assign_extension(resource, extension, value, reading)
            return
        message, prefix = getattr(resource, extension.field), f"{extension.schema.urn}:"
    attribute = resource_type.attribute(path.attribute, path.schema)
    if attribute is None:
        raise invalid_path(f"There is no attribute {path.attribute}.")
    if path.sub_attribute:
        _set_part(message, attribute, path.sub_attribute, value, prefix, reading)
    elif attribute.multi_valued and (into_element or not isinstance(value, list)):
        _set_element(message, attribute, value, prefix, reading)
    else:
        assign(message, attribute, value, prefix, reading)


def resource_to_scim(
    resource_type: ResourceType, resource: Message, base_url: str, projection: Projection
) -> dict[str, object]:
    """The resource as clients see it: the attributes that are assigned and asked for.

    `base_url` is the SCIM base URL without a trailing slash; `meta.location` and `$ref` are made
    with it. A resource of the contract's class holds its extensions as unknown fields.
    """
    if type(resource) is not resource_type.message:
        resource = resource_type.message.FromString(resource.SerializeToString())
    body = renderer_of(resource_type)(resource, base_url)
    return projection.apply(resource_type, body)


def _set_element(
    message: Message, attribute: Attribute, value: object, prefix: str, reading: Reading
) -> None:
    """Adds one element, which RFC 7644 §3.5.2.1 allows without an array around it."""
    if not is_derived(attribute):
        path = prefix + attribute.name
        assign_element(message, attribute, unwrapped(value, reading), path, reading)


def _set_part(
    message: Message,
    attribute: Attribute,
    part_name: str,
    value: object,
    prefix: str,
    reading: Reading,
) -> None:
    """Sets one sub-attribute, of a new element when there may be several."""
    part = attribute.sub_attribute(part_name)
    if part is None:
        raise invalid_path(f"There is no attribute {prefix}{attribute.name}.{part_name}.")
    if is_derived(attribute) or is_derived(part):
        return
    target = getattr(message, attribute.field)
    if attribute.multi_valued:
        target = target.add()
    assign(target, part, value, f"{prefix}{attribute.name}.", reading)


def _assign_extension(
    resource: Message, extension: Extension, value: object, reading: Reading
) -> bool:
    """Sets the attributes of an extension; says whether there were any."""
    urn = extension.schema.urn
    if is_unassigned(value):
        return False
    if not isinstance(value, dict):
        raise invalid_value(f"{urn} must be an object, not {kind_of(value)}.")
    refuse_duplicates(value, urn)
    message = getattr(resource, extension.field)
    for name, part in value.items():
        if attribute := extension.schema.attribute(name):
            assign(message, attribute, part, f"{urn}:", reading)
        else:
            set_aside(f"{urn}:{name}", part, reading)
    return bool(value)


def _assign_misplaced(
    resource_type: ResourceType, resource: Message, name: str, value: object, reading: Reading
) -> None:
    """Sets an attribute of an extension that stands among those of the core schema."""
    for extension in resource_type.extensions:
        attribute = extension.schema.attribute(name)
        if attribute and reading.tolerates(Tolerance.UNQUALIFIED_EXTENSION):
            assign(getattr(resource, extension.field), attribute, value, "", reading)
            return
    set_aside(name, value, reading)
