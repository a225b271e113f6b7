"""Attributes of users as they are typed on a command line or head the columns of a CSV file."""

from __future__ import annotations

import base64
import binascii
import difflib
import operator
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from rollbook.attributes import USER, AttributeType, Mutability
from rollbook.client.filters import Operand
from rollbook.client.partial import find_attribute, find_part
from rollbook.client.patches import remove, replace
from rollbook.client.paths import attribute_path, path_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rollbook.attributes import Attribute
    from rollbook.client.filters import Condition
    from rollbook.client.partial import Scalar
    from rollbook.client.patches import Change
    from rollbook.v1.filter_pb2 import AttributePath

WHERE_HELP: Final = (
    "Only those whose attribute has a value, e.g. title=CTO; also != > >= < <=, *= (contains), "
    "^= (starts with), $= (ends with). Nothing behind the = means: has no value."
)

_CONDITION: Final = re.compile(
    r"\s*(?P<name>[\w:.-]+(?:\$ref)?)\s*(?P<operator>[!^$*<>]?=|[<>])\s*(?P<value>.*?)\s*",
    re.DOTALL,
)

_COMPARISONS: Final[Mapping[str, Callable[[Operand, Any], Condition]]] = {
    "=": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
_TEXT_TESTS: Final[Mapping[str, Callable[[Operand, str], Condition]]] = {
    "*=": Operand.contains,
    "^=": Operand.starts_with,
    "$=": Operand.ends_with,
}
_BOOLEANS: Final = {"true": True, "yes": True, "false": False, "no": False}


def parse_path(name: str) -> AttributePath:
    """The attribute of users that a name means: "title", "name.familyName", "emails" or
    "emails.value"; of an extension "department", "enterprise.department" or with the URN before
    the last colon. Of a complex attribute its `value` is meant. Raises ValueError when there is
    no such attribute, or it has parts but no value."""
    schema, _, rest = name.strip().rpartition(":")
    first, _, behind = rest.partition(".")
    for extension in USER.extensions:
        if not schema and behind and first.lower() == extension.field:
            schema, rest = extension.schema.urn, behind
    path = attribute_path(rest, schema)
    if not schema and USER.attribute(path.attribute) is None:
        path.schema = _schema_that_has(path.attribute)
    attribute = find_attribute(USER, path)
    path.attribute = attribute.name
    if path.sub_attribute:
        path.sub_attribute = find_part(attribute, path).name
    elif attribute.sub_attribute("value"):
        path.sub_attribute = "value"
    elif attribute.sub_attributes:
        parts = ", ".join(f"{attribute.name}.{part.name}" for part in attribute.sub_attributes)
        raise ValueError(f"{attribute.name} has parts; name one of {parts}.")
    return path


def _schema_that_has(name: str) -> str:
    for extension in USER.extensions:
        if extension.schema.attribute(name):
            return extension.schema.urn
    schemas = (USER.schema, *(extension.schema for extension in USER.extensions))
    known = [attribute.name for schema in schemas for attribute in schema.attributes]
    alike = difflib.get_close_matches(name, known, n=3)
    hint = f" Did you mean {' or '.join(alike)}?" if alike else f" There are {', '.join(known)}."
    raise ValueError(f"A user has no attribute {name!r}.{hint}")


def target_of(path: AttributePath) -> Attribute:
    """The attribute or sub-attribute that a path of `parse_path` leads to."""
    attribute = find_attribute(USER, path)
    return find_part(attribute, path) if path.sub_attribute else attribute


def parse_value(path: AttributePath, text: str) -> Scalar:
    """A value of the type of the attribute. A date is its beginning in UTC. Raises ValueError
    when the text is none."""
    try:
        return _value_of(target_of(path).type, text.strip())
    except (KeyError, ValueError, binascii.Error) as error:
        kind = target_of(path).type
        raise ValueError(f"{path_text(path)} is a {kind}; {text!r} is none.") from error


def _value_of(kind: AttributeType, text: str) -> Scalar:
    match kind:
        case AttributeType.BOOLEAN:
            return _BOOLEANS[text.lower()]
        case AttributeType.INTEGER:
            return int(text)
        case AttributeType.DECIMAL:
            return float(text)
        case AttributeType.DATE_TIME:
            moment = datetime.fromisoformat(text)
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        case AttributeType.BINARY:
            return base64.b64decode(text, validate=True)
        case _:
            return text


def parse_condition(text: str) -> Condition:
    """The condition of a --where, e.g. "title=CTO". Raises ValueError when it is none."""
    match = _CONDITION.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no condition; write it as title=CTO.")
    path = parse_path(match["name"])
    sign, value = match["operator"], match["value"]
    operand = Operand(path)
    if sign in _TEXT_TESTS:
        return _TEXT_TESTS[sign](operand, value)
    if not value and sign in {"=", "!="}:
        return operand.present() if sign == "!=" else ~operand.present()
    return _COMPARISONS[sign](operand, parse_value(path, value))


def parse_assignment(text: str) -> tuple[AttributePath, Scalar]:
    """The attribute and the value of a --set, e.g. "title=CTO". Raises ValueError."""
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"{text!r} sets nothing; write it as title=CTO.")
    if not value.strip():
        raise ValueError(f"To leave {name} without a value, use --unset {name}.")
    path = parse_path(name)
    if target_of(path).mutability is Mutability.WRITE_ONLY:
        raise ValueError(f"{path_text(path)} would be seen in the list of processes.")
    return path, parse_value(path, value)


def setting(path: AttributePath, value: Scalar) -> Change:
    """The operation that makes a value the only one of its attribute."""
    attribute = find_attribute(USER, path)
    if attribute.message and attribute.multi_valued and path.sub_attribute == "value":
        return replace(path.attribute, attribute.message(value=value), schema=path.schema)
    return replace(_name(path), value, schema=path.schema)


def unsetting(name: str) -> Change:
    """The operation that leaves an attribute without a value. Raises ValueError when there is no
    such attribute."""
    path = parse_path(name)
    if path.sub_attribute == "value":
        path.sub_attribute = ""
    return remove(_name(path), schema=path.schema)


def _name(path: AttributePath) -> str:
    return ".".join(filter(None, (path.attribute, path.sub_attribute)))
