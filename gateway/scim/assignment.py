"""JSON → the fields of a message, attribute by attribute, as the tables say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from google.protobuf.timestamp_pb2 import Timestamp

from gateway.scim.dialects import JSON_TEXTS, PART_ALIASES, Restriction, Tolerance
from gateway.scim.errors import invalid_syntax, invalid_value
from gateway.scim.references import reference_from_text
from gateway.scim.unmapped import set_aside
from gateway.scim.values import is_unassigned, kind_of, value_from_scim
from rollbook.attributes import RESOURCE_TYPES, Attribute, AttributeType, Mutability
from rollbook.schema_sets import transfer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from google.protobuf.message import Message

    from gateway.scim.dialects import Reading

MAX_ELEMENTS: Final = 10_000
"""How many elements a multi-valued attribute may have, unless they are references to resources,
which the service keeps one by one."""

_REFERENCE: Final = "$ref"
_TYPES_BY_ENDPOINT: Final = {each.endpoint: each.name for each in RESOURCE_TYPES}


def assign(
    message: Message, attribute: Attribute, value: object, prefix: str, reading: Reading
) -> None:
    """Sets an attribute of a message from its JSON value.

    `prefix` stands before the attribute's name in errors: "" or "emails[1].". What stands for no
    value sets nothing, and neither do derived attributes. Raises ScimError when the value does
    not fit.
    """
    if is_unassigned(value) or is_derived(attribute):
        return
    path = prefix + attribute.name
    if attribute.multi_valued:
        _assign_elements(message, attribute, value, path, reading)
        return
    if isinstance(value, list):
        value = unwrapped(value, reading)
        if is_unassigned(value):
            return
    if attribute.type is AttributeType.COMPLEX:
        assign_parts(getattr(message, attribute.field), attribute, value, path, reading)
    elif attribute.type is AttributeType.DATE_TIME:
        moment = value_from_scim(attribute, value, path, reading)
        _set_moment(getattr(message, attribute.field), moment)
    else:
        simple = value_from_scim(attribute, value, path, reading)
        if attribute.name == "type":
            _check_canonical(attribute, simple, path, reading)
        setattr(message, attribute.field, simple)


def assign_parts(
    message: Message, attribute: Attribute, value: object, path: str, reading: Reading
) -> None:
    """Sets the sub-attributes of one value of a complex attribute, which `path` names.

    Raises ScimError when the value is not an object or a part of it does not fit.
    """
    if (
        isinstance(value, str)
        and attribute.sub_attribute("value")
        and reading.tolerates(Tolerance.SCALAR_FOR_COMPLEX)
    ):
        value = {"value": value}
    if not isinstance(value, dict):
        raise invalid_value(f"{path} must be an object, not {kind_of(value)}.")
    refuse_duplicates(value, path)
    prefix = f"{path}."
    for name, part in value.items():
        if sub_attribute := attribute.sub_attribute(name):
            assign(message, sub_attribute, part, prefix, reading)
        elif alias := _alias(attribute, name, reading):
            assign(message, alias, part, prefix, reading)
        else:
            set_aside(prefix + name, part, reading)
    if habit := JSON_TEXTS.get(attribute.name):
        _note_json_text(message, habit, reading)
    if reference := attribute.sub_attribute(_REFERENCE):
        _assign_referenced(message, attribute, reference, value, path)


def assign_element(
    message: Message, attribute: Attribute, value: object, path: str, reading: Reading
) -> None:
    """Adds one element, unless it is without a value, to a multi-valued attribute.

    `path` names the element. Raises ScimError when the value does not fit, and for a reference
    without a value: nobody means to empty a group by it.
    """
    if is_unassigned(value):
        _check_names(attribute, None, path)
        return
    elements = getattr(message, attribute.field)
    if attribute.type is AttributeType.DATE_TIME:
        moment = value_from_scim(attribute, value, path, reading)
        _set_moment(elements.add(), moment)
        return
    if attribute.type is not AttributeType.COMPLEX:
        elements.append(value_from_scim(attribute, value, path, reading))
        return
    element = elements.add()
    assign_parts(element, attribute, value, path, reading)
    _check_names(attribute, element, path)
    if not element.ByteSize():
        del elements[-1]


def _check_names(attribute: Attribute, element: Message | None, path: str) -> None:
    """Refuses a reference to nobody."""
    if not attribute.sub_attribute(_REFERENCE) or is_derived(attribute):
        return
    if element is None or not element.HasField("value"):
        raise invalid_value(f"{path} refers to nobody: its value has to be an id.")


def _set_moment(target: Message, moment: object) -> None:
    """Sets a timestamp, whose class is another one where a tenant has schemas of its own."""
    assert isinstance(moment, Timestamp)
    target.SetInParent()
    transfer(moment, target)


def refuse_duplicates(value: Mapping[str, object], path: str) -> None:
    """Raises ScimError when names of an object differ in nothing but case (RFC 7643 §2.1)."""
    if len(set(map(str.lower, value))) == len(value):
        return
    seen: set[str] = set()
    for name in value:
        if name.lower() in seen:
            place = f" in {path}" if path else ""
            raise invalid_syntax(f"{name[:100]!r} occurs twice{place}: names have no case.")
        seen.add(name.lower())


def is_derived(attribute: Attribute) -> bool:
    """Whether a client's value is ignored: the service makes read-only attributes (RFC 7643
    §2.2), the gateway `$ref`."""
    return attribute.mutability is Mutability.READ_ONLY or attribute.name == _REFERENCE


def unwrapped(value: object, reading: Reading) -> object:
    """The element of an array of one that stands for a single value; an array in it does not."""
    if (
        isinstance(value, list)
        and len(value) == 1
        and not isinstance(value[0], list)
        and reading.tolerates(Tolerance.ARRAY_FOR_SINGLE)
    ):
        return value[0]
    return value


def _assign_elements(
    message: Message, attribute: Attribute, value: object, path: str, reading: Reading
) -> None:
    elements = _elements_of(attribute, value, path, reading)
    for index, element in enumerate(elements):
        place = f"{path}[{index}]"
        if element is not None:
            assign_element(message, attribute, element, place, reading)
        elif not reading.tolerates(Tolerance.NULL_ELEMENT):
            raise invalid_value(f"{place} must not be null.")
    if elements and attribute.sub_attribute(_REFERENCE) and not getattr(message, attribute.field):
        raise invalid_value(f"{path} has nothing but null; [] stands for none.")
    if len(elements) > 1:
        _drop_duplicates(getattr(message, attribute.field), reading)
        if attribute.sub_attribute("primary"):
            _keep_one_primary(getattr(message, attribute.field), path, reading)


def _elements_of(attribute: Attribute, value: object, path: str, reading: Reading) -> list[object]:
    if isinstance(value, list):
        if len(value) > MAX_ELEMENTS and not attribute.sub_attribute(_REFERENCE):
            raise invalid_value(f"{path} has {len(value)} elements, more than {MAX_ELEMENTS}.")
        return value
    is_complex = attribute.type is AttributeType.COMPLEX
    could_be_element = isinstance(value, dict | str) if is_complex else not isinstance(value, dict)
    if could_be_element and reading.tolerates(Tolerance.SINGLE_FOR_ARRAY):
        return [value]
    raise invalid_value(f"{path} must be an array, not {kind_of(value)}.")


def _drop_duplicates(elements: Any, reading: Reading) -> None:
    """Drops elements that are equal to an earlier one (RFC 7643 §2.4)."""
    distinct: dict[object, object] = {}
    for each in elements:
        simple = isinstance(each, str | int | float | bytes)
        distinct.setdefault(each if simple else each.SerializeToString(), each)
    if len(distinct) < len(elements) and reading.tolerates(Tolerance.DUPLICATE_ELEMENT):
        del elements[:]
        elements.extend(distinct.values())


def _keep_one_primary(elements: Any, path: str, reading: Reading) -> None:
    """Lets the first of several primary elements be the only one (RFC 7643 §2.4)."""
    primaries = [each for each in elements if each.primary]
    if len(primaries) < 2:  # noqa: PLR2004
        return
    if not reading.tolerates(Tolerance.SEVERAL_PRIMARIES):
        raise invalid_value(f"{len(primaries)} elements of {path} are primary; one may be.")
    for each in primaries[1:]:
        each.primary = False


def _check_canonical(attribute: Attribute, value: object, path: str, reading: Reading) -> None:
    if not attribute.canonical_values or not reading.dialect.restricts(Restriction.CANONICAL_TYPE):
        return
    if str(value).lower() not in map(str.lower, attribute.canonical_values):
        listed = ", ".join(attribute.canonical_values)
        raise invalid_value(f"{path} must be one of {listed}, not {str(value)[:100]!r}.")


def _alias(attribute: Attribute, name: str, reading: Reading) -> Attribute | None:
    """The sub-attribute that a name means which another version of SCIM had for it."""
    tolerance, alias = PART_ALIASES.get(f"{attribute.name}.{name}".lower(), (None, ""))
    if tolerance is None or not reading.tolerates(tolerance):
        return None
    return attribute.sub_attribute(alias)


def _note_json_text(message: Any, habit: Tolerance, reading: Reading) -> None:
    """Remembers it if a value is JSON text: what it means only the service knows."""
    if message.value.startswith("{"):
        reading.tolerates(habit)


def _assign_referenced(
    message: Message,
    attribute: Attribute,
    reference: Attribute,
    value: Mapping[str, object],
    path: str,
) -> None:
    """Takes the id of a resource from `$ref` when there is no `value` (RFC 7643 §2.4)."""
    if message.HasField("value"):
        return
    address = next((value[name] for name in value if name.lower() == _REFERENCE), None)
    if is_unassigned(address):
        return
    target = _target(address)
    if target is None or target[0] not in reference.reference_types:
        kinds = " or ".join(reference.reference_types)
        raise invalid_value(f"{path}.$ref must be the address of a {kinds}, or value be given.")
    resource_type, message.value = target  # type: ignore[attr-defined]
    if attribute.sub_attribute("type") and not message.HasField("type"):
        message.type = resource_type  # type: ignore[attr-defined]


def _target(address: object) -> tuple[str, str] | None:
    """Resource type and id of the resource that an address, absolute or relative, leads to."""
    if not isinstance(address, str):
        return None
    reference = reference_from_text("/".join(address.rsplit("/", 2)[-2:]), "")
    if reference is None or reference.endpoint not in _TYPES_BY_ENDPOINT:
        return None
    return _TYPES_BY_ENDPOINT[reference.endpoint], reference.id
