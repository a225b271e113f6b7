"""Messages → JSON, by functions that are generated once from the attribute tables.

For every resource type one function is written out as straight-line Python: a line for each
attribute, presence by `HasField`. Interpreting the tables for each resource takes several times
as long, and every answer passes through here.
"""

from __future__ import annotations

from base64 import b64encode
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import quote

from rollbook.attributes import (
    COMMON_ATTRIBUTES,
    RESOURCE_TYPES,
    Attribute,
    AttributeType,
    ResourceType,
    Returned,
    made_once,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from google.protobuf.message import Message
    from google.protobuf.timestamp_pb2 import Timestamp

_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - without a zone it prints without "+00:00"

_ENDPOINTS: Final = {each.name: f"{each.endpoint}/" for each in RESOURCE_TYPES}

_EXPRESSIONS: Final = {
    AttributeType.STRING: "m.{}",
    AttributeType.REFERENCE: "m.{}",
    AttributeType.BOOLEAN: "m.{}",
    AttributeType.INTEGER: "m.{}",
    AttributeType.DECIMAL: "m.{}",
    AttributeType.DATE_TIME: "date_time(m.{})",
    AttributeType.BINARY: "binary(m.{})",
}
"""How the JSON value is had from a field, by data type (RFC 7643 §2.3)."""


class Renderer(Protocol):
    """Makes the JSON of a resource. `base` is the SCIM base URL without a trailing slash."""

    def __call__(self, m: Message, base: str, /) -> dict[str, object]: ...


@made_once
def renderer_of(resource_type: ResourceType) -> Renderer:
    """Generates the function that renders a resource with all of its attributes.

    Attributes that are never returned have no line in it. What is unassigned is left out: there
    are no nulls, empty arrays or empty objects (RFC 7643 §2.5). `schemas` is the core URN and
    those of the extensions that have values. `$ref` and `meta.location`, which only the gateway
    knows, are made from ids.
    """
    source = "\n".join(_resource_function(resource_type))
    names: dict[str, object] = {
        "binary": _binary,
        "date_time": _date_time,
        "endpoints": _ENDPOINTS,
        "quote": quote,
    }
    # The source is made of the contract and of registered schemas, whose names and URNs have few
    # characters and stand in quotes; no request of a client has a part in it.
    exec(compile(source, f"<renderer of {resource_type.name}>", "exec"), names)  # noqa: S102
    renderer: Renderer = names["resource"]  # type: ignore[assignment]
    return renderer


def _binary(value: bytes) -> str:
    return b64encode(value).decode("ascii")


def _date_time(moment: Timestamp) -> str:
    """E.g. "2026-03-01T09:00:00.120Z"; with as many decimals, 3, 6 or 9, as it takes."""
    nanos = moment.nanos
    text = (_EPOCH + timedelta(seconds=moment.seconds)).isoformat()
    if nanos % 1_000_000 == 0:
        return f"{text}.{nanos // 1_000_000:03}Z"
    if nanos % 1_000 == 0:
        return f"{text}.{nanos // 1_000:06}Z"
    return f"{text}.{nanos:09}Z"


def _resource_function(resource_type: ResourceType) -> Iterator[str]:
    """`def resource(m, base)`, preceded by the functions of its complex attributes."""
    core = [each for each in resource_type.schema.attributes if each.name != "meta"]
    core.sort(key=lambda each: each.name not in COMMON_ATTRIBUTES)
    meta = resource_type.schema.attribute("meta")
    yield from _complex_functions("core", core)
    for extension in resource_type.extensions:
        yield from _complex_functions(extension.field, extension.schema.attributes)
        yield from _function(extension.field, extension.field, extension.schema.attributes)
    if meta:
        yield from _function("meta", "meta", meta.sub_attributes)

    yield "def resource(m, base):"
    yield "    has = m.HasField"
    yield f"    d = {{'schemas': [{resource_type.schema.urn!r}]}}"
    yield from _lines("core", core)
    for extension in resource_type.extensions:
        field, urn = extension.field, extension.schema.urn
        yield f"    if has({field!r}) and (v := {field}(m.{field}, base)):"
        yield f"        d['schemas'].append({urn!r})"
        yield f"        d[{urn!r}] = v"
    if meta:
        address = f"base + {resource_type.endpoint + '/'!r} + m.id"
        yield f"    if has('meta'): d['meta'] = meta(m.meta, {address})"
    yield "    return d"


def _complex_functions(scope: str, attributes: Iterable[Attribute]) -> Iterator[str]:
    """A function for each complex attribute; `scope` keeps the names of extensions apart."""
    for attribute in _returned(attributes):
        if attribute.type is AttributeType.COMPLEX:
            name = f"{scope}_{attribute.field}"
            yield from _complex_functions(name, attribute.sub_attributes)
            yield from _function(name, name, attribute.sub_attributes)


def _function(name: str, scope: str, attributes: Iterable[Attribute]) -> Iterator[str]:
    yield f"def {name}(m, base):"
    yield "    has = m.HasField"
    yield "    d = {}"
    yield from _lines(scope, attributes)
    yield "    return d"


def _lines(scope: str, attributes: Iterable[Attribute]) -> Iterator[str]:
    for attribute in _returned(attributes):
        yield f"    {_line(scope, attribute)}"


def _line(scope: str, attribute: Attribute) -> str:
    """The statement that puts one attribute, if it has a value, into `d`."""
    name, field = attribute.name, attribute.field
    if (scope, name) == ("meta", "location"):  # the function gets the address for a base
        return f"d[{name!r}] = base"
    if name == "$ref":
        return f"if has('value'): d['$ref'] = base + {_endpoint(attribute)} + quote(m.value, '')"
    if attribute.type is AttributeType.COMPLEX:
        function = f"{scope}_{field}"
        if attribute.multi_valued:
            elements = f"[v for e in m.{field} if (v := {function}(e, base))]"
            return f"if m.{field} and (v := {elements}): d[{name!r}] = v"
        return f"if has({field!r}) and (v := {function}(m.{field}, base)): d[{name!r}] = v"
    expression = _EXPRESSIONS[attribute.type].format(field)
    if attribute.multi_valued:
        elements = f"[{_EXPRESSIONS[attribute.type].replace('m.{}', 'e')} for e in m.{field}]"
        return f"if m.{field}: d[{name!r}] = {elements}"
    return f"if has({field!r}): d[{name!r}] = {expression}"


def _endpoint(reference: Attribute) -> str:
    """The expression for the endpoint that a `$ref` leads to.

    When the reference may be to several resource types, `type` beside it says to which; it is
    the first when that is not set.
    """
    first = _ENDPOINTS[reference.reference_types[0]]
    if len(reference.reference_types) == 1:
        return repr(first)
    return f"endpoints.get(m.type, {first!r})"


def _returned(attributes: Iterable[Attribute]) -> Iterator[Attribute]:
    return (each for each in attributes if each.returned is not Returned.NEVER)
